"""Data: recorded episodes and transitions, in from everywhere and out again.

    episodes = wm.data.read("runs/pendulum-pets-seed0")
    frame = episodes.to_pandas()
    model.fit(frame)

Whatever holds data goes into :func:`episodes`, :func:`dataset` and ``Model.fit``: :class:`Episodes`, a run, a path, a mapping of
arrays, a table of Arrow, pandas or polars, a Minari data set or its id, a list of episodes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from .. import _native
from ..errors import ConfigError, ShapeError
from .files import formats, read, write
from .minari_sets import from_minari, to_minari
from .recorded import Episode, Episodes
from .spaces import action_rows, as_space, infer_actions
from .tables import columns_of, from_table, group, kind_of

__all__ = [
    "Dataset",
    "Episode",
    "Episodes",
    "dataset",
    "episodes",
    "formats",
    "from_minari",
    "from_table",
    "read",
    "to_minari",
    "write",
]

Dataset: TypeAlias = _native.Dataset
"""Transitions as models take them."""


def episodes(given: Any, *, observation_space: Any = None, action_space: Any = None) -> Episodes:
    """Episodes from whatever holds them.

    Args:
        given: :class:`Episodes`; a run, or a path that :func:`read` takes; a table of Arrow, pandas or polars or a mapping of
            its columns (:func:`from_table`); a Minari data set, or ``"minari:ID"``; a list of :class:`Episode` objects or of
            mappings.
        observation_space, action_space: Spaces, where the data do not tell.

    Raises:
        ConfigError: It is nothing of the kind, or has gaps.
    """
    if isinstance(given, Episodes):
        return given
    spaces: dict[str, Any] = {
        name: as_space(space)
        for name, space in (("observation_space", observation_space), ("action_space", action_space))
        if space is not None
    }
    if isinstance(given, str) and given.startswith("minari:"):
        return from_minari(given.removeprefix("minari:"))
    if isinstance(given, (str, os.PathLike)):
        return read(Path(given))
    folder = getattr(given, "folder", None)
    if folder is not None:
        return read(folder)
    if kind_of(given) is not None:
        return from_table(given, **spaces)
    if hasattr(given, "iterate_episodes"):
        return from_minari(given)
    if isinstance(given, Mapping):
        if "lengths" in given:
            return Episodes(**{**given, **spaces})
        return from_table({str(name): np.asarray(column) for name, column in given.items()}, **spaces)
    if isinstance(given, (Episode, Sequence)) and not isinstance(given, (bytes, bytearray)):
        return Episodes.of([given] if isinstance(given, Episode) else given, **spaces)
    raise ConfigError(
        f"cannot take {type(given).__name__} as episodes: give Episodes, a run or a path, a table of Arrow, pandas or polars, "
        "a Minari data set, or a list of episodes"
    )


def dataset(data: Any = None, *, action_space: Any = None, **columns: Any) -> Dataset:
    """Transitions, as a model takes them.

    Args:
        data: A :class:`Dataset`, whatever :func:`episodes` takes, or a mapping or table of transitions that need not form
            episodes: columns as below, or with the names of :func:`from_table`, of which one holds next observations.
        action_space: What could be done; found out from the data where it is not given.
        columns: ``observations`` (N, O), ``actions`` (N, A) or (N,) choices, ``rewards`` (N,), ``next_observations`` (N, O), and
            if there are any ``terminated`` and ``truncated`` (N,).

    Raises:
        ConfigError: A column is missing.
        ShapeError: Columns are of different lengths, or not numbers.
        DivergedError: A number is NaN or infinite.
    """
    if isinstance(data, _native.Dataset):
        return data
    if data is not None and not (isinstance(data, Mapping) or kind_of(data) is not None):
        return episodes(data).dataset(action_space=action_space)
    if kind_of(data) is not None:
        columns = {**columns_of(data), **columns}
    elif data is not None:
        columns = {**data, **columns}
    if "lengths" in columns:
        return episodes(columns, action_space=action_space).dataset(action_space=action_space)
    found = {name: np.asarray(column) for name, column in columns.items()}
    following = group(found, "next_observation")
    if following is None and "episode" in found:
        return episodes(found).dataset(action_space=action_space)
    parts = {"observations": group(found, "observation"), "actions": group(found, "action"), "next_observations": following}
    missing = [name for name, column in parts.items() if column is None]
    if missing:
        raise ConfigError(f"the data lack {', '.join(missing)} (there are {', '.join(found) or 'none'})")
    for name, column in parts.items():
        if np.asarray(column).dtype.kind not in "fiub":
            raise ShapeError(
                f"{name} are of type {np.asarray(column).dtype}, expected numbers: rows of different lengths make no array"
            )
    observations, actions = np.asarray(parts["observations"]), np.asarray(parts["actions"])
    count = len(observations)
    if action_space is None:
        action_space = infer_actions(actions)
    if len(actions) == count and not isinstance(action_space, (int, list, tuple)):
        actions = action_rows(action_space, actions, count, "actions")
    rewards = group(found, "reward")
    flags = {name: np.asarray(found.get(name, np.zeros(count)), dtype=bool) for name in ("terminated", "truncated")}
    for name, flag in flags.items():
        if flag.shape != (count,):
            raise ShapeError(f"{name}: expected {count} flags, got shape {flag.shape}")
    ends = flags["terminated"] | flags["truncated"]
    if "episode" in found and count:
        ids = found["episode"]
        ends = ends | np.append(ids[1:] != ids[:-1], True)
    return _native.Dataset(
        observations=observations.astype(np.float64, copy=False).reshape(count, -1),
        actions=actions.reshape(len(actions), -1) if actions.ndim > 1 else actions,
        rewards=np.zeros(count) if rewards is None else rewards.astype(np.float64),
        next_observations=np.asarray(following).astype(np.float64, copy=False).reshape(len(np.asarray(following)), -1),
        terminated=flags["terminated"].tolist(),
        episode_ends=ends.tolist(),
        action_space=action_space,
    )
