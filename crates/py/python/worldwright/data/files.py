"""Episodes out of files: Worldwright's own folders, and the formats that the native half reads."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import _native
from ..errors import ConfigError, ExternalError
from .outward import known
from .recorded import Episodes
from .stored import stored


def read(path: str | Path, *, format: str | None = None, columns: Mapping[str, str] | None = None) -> Episodes:
    """Reads recorded episodes.

    Args:
        path: A run's folder, its folder ``episodes``, or a file or folder of another format. Columns that are left out, and what had to be
            guessed, are said as :class:`worldwright.WorldwrightWarning`.
        format: One of :func:`worldwright.data.formats`; told by what stands in the file or folder unless given.
        columns: What columns of a table hold whose names do not tell: ``{"observation": "state", "action_0": "torque"}``. Other columns
            that would hold the same are left out.

    Raises:
        ConfigError: A column is missing or misspelt.
        ExternalError: There is nothing of the kind.
        UnknownNameError: There is no such format.
    """
    path = Path(path)
    if not path.exists():
        raise ExternalError(f"{path}: there is no such file or folder; check the path")
    if format is None:
        format = _native.data_format_of(path) or "store"
    if format == "store":
        if columns:
            raise ConfigError(f"{path}: recorded episodes say themselves what their columns hold: leave columns= out")
        inner = path / "episodes"
        return stored(_native.read_store(inner if inner.is_dir() else path), quiet=True)
    known(format)
    with tempfile.TemporaryDirectory(prefix="worldwright-") as scratch:
        store = Path(scratch) / "episodes"
        _native.import_data(path, format, store, columns=list((columns or {}).items()))
        return stored(_native.read_store(store))
