"""Episodes as the native half gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from .columns import say
from .recorded import Episodes


def stored(found: Mapping[str, Any], *, quiet: bool = False, **asked: Any) -> Episodes:
    """The episodes of a store or a table; what a user should know of how they were read is said unless it is old news. Those that are
    elements of spaces that were ``asked`` for must fit these."""
    columns = dict(found)
    columns.pop("versions")
    notes = columns.pop("notes")
    if not quiet:
        say([f"{name}: {text}" for name, text in notes if name in ("left out", "note", "warning")])
    observations, actions = columns.pop("observations"), columns.pop("actions")
    return Episodes(
        observations=_shaped(columns["observation_space"], observations),
        actions=_shaped(columns["action_space"], actions),
        **{**columns, **asked},
    )


def _shaped(space: Any, rows: Any) -> Any:
    """Rows in the shape of a box, and in its type where that loses nothing."""
    if not isinstance(space, spaces.Box):
        return rows
    rows = rows.reshape(len(rows), *space.shape)
    narrow = rows.astype(np.float32) if space.dtype == np.float32 and rows.dtype == np.float64 else rows
    return narrow if np.array_equal(narrow, rows) else rows
