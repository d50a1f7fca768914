"""Episodes in files: Worldwright's own folders, and the formats that the native half reads and writes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .. import _native
from ..errors import ConfigError, ExternalError, UnknownNameError
from .columns import say
from .recorded import Episodes
from .spaces import elements


def formats() -> list[str]:
    """What :func:`read` and :func:`write` know: ``"store"``, Worldwright's own folder, and others."""
    return ["store", *_native.data_formats()]


def read(path: str | Path, *, format: str | None = None, columns: Mapping[str, str] | None = None) -> Episodes:
    """Reads recorded episodes.

    Args:
        path: A run's folder, its folder ``episodes``, or a file or folder of another format. Columns that are left out, and what had to be
            guessed, are said as :class:`worldwright.WorldwrightWarning`.
        format: One of :func:`formats`; told by what stands in the file or folder unless given.
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
        return _stored(inner if inner.is_dir() else path)
    _known(format)
    with tempfile.TemporaryDirectory(prefix="worldwright-") as scratch:
        store = Path(scratch) / "episodes"
        _native.import_data(path, format, store, columns=list((columns or {}).items()))
        return _stored(store, imported=True)


def _known(format: str) -> None:
    if format not in formats():
        raise UnknownNameError(f"no data format is called '{format}'; there are {', '.join(formats())}")


def _stored(path: Path, *, imported: bool = False) -> Episodes:
    columns: dict[str, Any] = dict(_native.read_store(path))
    columns.pop("versions")
    notes = columns.pop("notes")
    if imported:
        say([f"{name}: {text}" for name, text in notes if name in ("left out", "note", "warning")])
    observations, actions = columns.pop("observations"), columns.pop("actions")
    return Episodes(
        observations=_shaped(columns["observation_space"], observations),
        actions=_shaped(columns["action_space"], actions),
        **columns,
    )


def _shaped(space: Any, rows: Any) -> Any:
    kind = type(space).__name__
    if kind != "Box":
        return rows
    return rows.reshape(len(rows), *space.shape)


def write(episodes: Any, path: str | Path, *, format: str = "store") -> Path:
    """Writes episodes.

    Args:
        episodes: :class:`Episodes`, or whatever :func:`worldwright.data.episodes` takes.
        path: A file or folder that does not exist yet.
        format: One of :func:`formats`; ``"store"`` is Worldwright's own folder.

    Returns:
        The path.

    Raises:
        ConfigError: The path exists.
        UnknownNameError: There is no such format.
    """
    from . import episodes as take

    recorded = take(episodes)
    path = Path(path)
    _known(format)
    if path.exists():
        raise ConfigError(f"{path} exists already: choose another path")
    if format == "store":
        _store(recorded, path)
        return path
    with tempfile.TemporaryDirectory(prefix="worldwright-") as scratch:
        store = Path(scratch) / "episodes"
        _store(recorded, store)
        _native.export_data(store, format, path)
    return path


def _store(episodes: Episodes, path: Path) -> None:
    def told() -> Iterator[tuple[Any, ...]]:
        for episode in episodes:
            yield (
                elements(episodes.observation_space, episode.observations),
                elements(episodes.action_space, episode.actions),
                episode.rewards,
                episode.terminated,
                episode.truncated,
                episode.seed,
            )

    _native.write_store(
        path=path,
        environment=episodes.environment,
        observation_space=episodes.observation_space,
        action_space=episodes.action_space,
        seed=episodes.seed,
        episodes=told(),
        observation_names=episodes.observation_names,
        action_names=episodes.action_names,
    )
