"""Recorded episodes on their way out: tables of Arrow, pandas and polars, Minari's data sets, files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from .. import _native
from .._optional import optional
from .._spaces import elements
from ..errors import ConfigError, ExternalError, UnknownNameError

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped,unused-ignore]
    import polars
    import pyarrow  # type: ignore[import-untyped,unused-ignore]

Array = NDArray[Any]


class Recorded(Protocol):
    """Episodes, as far as they are written: see :class:`worldwright.data.Episodes`."""

    observation_space: gymnasium.Space[Any]
    action_space: gymnasium.Space[Any]
    observations: Array
    actions: Array
    lengths: NDArray[np.int64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    environment: str
    seed: int
    observation_names: list[str] | None
    action_names: list[str] | None

    @property
    def steps(self) -> int:
        """Steps of all episodes."""

    @property
    def first_observations(self) -> Array:
        """What each reset showed, (E, …)."""

    def transitions(self) -> dict[str, Array]:
        """The transitions as columns of N rows."""

    def __iter__(self) -> Iterator[Any]: ...


def formats() -> list[str]:
    """What :func:`worldwright.data.read` and :func:`worldwright.data.write` know: ``"store"``, Worldwright's own folder, and others."""
    return ["store", *_native.data_formats()]


def known(format: str) -> None:
    """Refuses a format that there is not.

    Raises:
        UnknownNameError: With those that there are.
    """
    if format not in formats():
        raise UnknownNameError(f"no data format is called '{format}'; there are {', '.join(formats())}")


def write(episodes: Recorded, path: str | Path, *, format: str = "store") -> Path:
    """Writes episodes; see :func:`worldwright.data.write`."""
    path = Path(path)
    known(format)
    if path.exists():
        raise ConfigError(f"{path} exists already: choose another path")
    if format == "store":
        _store(episodes, path)
        return path
    with tempfile.TemporaryDirectory(prefix="worldwright-") as scratch:
        store = Path(scratch) / "episodes"
        _store(episodes, store)
        _native.export_data(store, format, path)
    return path


def _store(episodes: Recorded, path: Path) -> None:
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


def _long(episodes: Recorded) -> dict[str, Array]:
    """A row a transition; an episode without a step is a row of its one observation, all else in it being empty."""
    columns = episodes.transitions()
    steps, lengths = episodes.steps, episodes.lengths
    step = np.arange(steps) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    long = {
        "episode": columns["episode"],
        "step": step,
        "observation": columns["observations"].reshape(steps, _width(episodes.observations)),
        "action": columns["actions"] if columns["actions"].ndim == 1 else columns["actions"].reshape(steps, _width(episodes.actions)),
        "reward": columns["rewards"],
        "next_observation": columns["next_observations"].reshape(steps, _width(episodes.observations)),
        "terminated": columns["terminated"],
        "truncated": columns["truncated"],
    }
    hollow = np.flatnonzero(lengths == 0)
    if not len(hollow):
        return long
    before = np.cumsum(lengths)[hollow]
    lone = {
        "episode": hollow,
        "step": np.zeros(len(hollow), dtype=np.int64),
        "observation": episodes.first_observations[hollow].reshape(len(hollow), -1),
        "terminated": episodes.terminated[hollow],
        "truncated": episodes.truncated[hollow],
    }
    for name in ("action", "reward", "next_observation"):
        lone[name] = np.full((len(hollow), *long[name].shape[1:]), np.nan)
        long[name] = long[name].astype(np.float64)
    return {name: np.insert(column, before, lone[name], axis=0) for name, column in long.items()}


def _width(rows: Array) -> int:
    return int(np.prod(rows.shape[1:]))


def to_arrow(episodes: Recorded) -> pyarrow.Table:
    """A table with lists of numbers."""
    arrow = optional("pyarrow", "data")

    def column(numbers: Array) -> Any:
        if numbers.ndim == 1:
            return arrow.array(numbers)
        return arrow.FixedSizeListArray.from_arrays(arrow.array(np.ascontiguousarray(numbers).ravel()), numbers.shape[1])

    return arrow.table({name: column(numbers) for name, numbers in _long(episodes).items()})


def _wide(episodes: Recorded) -> dict[str, Array]:
    wide: dict[str, Array] = {}
    for name, numbers in _long(episodes).items():
        if numbers.ndim == 1:
            wide[name] = numbers
        else:
            wide |= {f"{name}_{i}": numbers[:, i] for i in range(numbers.shape[1])}
    return wide


def to_pandas(episodes: Recorded) -> pandas.DataFrame:
    """A frame with a column a number."""
    return optional("pandas", "data").DataFrame(_wide(episodes))


def to_polars(episodes: Recorded) -> polars.DataFrame:
    """A frame with a column a number."""
    frame: polars.DataFrame = optional("polars", "data").DataFrame(
        {name: np.ascontiguousarray(numbers) for name, numbers in _wide(episodes).items()}
    )
    return frame


def to_minari(episodes: Recorded, dataset_id: str, **details: Any) -> Any:
    """Writes a Minari data set into Minari's own folder and gives it as Minari's object.

    Raises:
        ExternalError: Minari refuses, as when a data set of that id is there already.
    """
    minari = optional("minari", "data")
    from minari.data_collector import EpisodeBuffer  # type: ignore[import-untyped,unused-ignore]

    def stacked(space: Any, rows: Any) -> Any:
        parts = elements(space, rows)
        return parts if isinstance(space, (spaces.Dict, spaces.Tuple)) else np.asarray(parts)

    buffers = []
    for i, episode in enumerate(episodes):
        ends = np.zeros((2, len(episode)), dtype=bool)
        if len(episode):
            ends[:, -1] = episode.terminated, episode.truncated
        buffers.append(
            EpisodeBuffer(
                id=i,
                seed=episode.seed,
                observations=stacked(episodes.observation_space, episode.observations),
                actions=stacked(episodes.action_space, episode.actions),
                rewards=episode.rewards.tolist(),
                terminations=ends[0].tolist(),
                truncations=ends[1].tolist(),
                infos={},
            )
        )
    suite, _, identity = episodes.environment.partition(":")
    made: dict[str, Any] = {"env": identity} if suite == "gym" and identity else {}
    try:
        return minari.create_dataset_from_buffers(
            dataset_id,
            buffers,
            observation_space=episodes.observation_space,
            action_space=episodes.action_space,
            **{**made, **details},
        )
    except Exception as error:  # noqa: BLE001 - Minari raises whatever the storage below it does
        raise ExternalError(f"Minari cannot write '{dataset_id}': {error}") from error
