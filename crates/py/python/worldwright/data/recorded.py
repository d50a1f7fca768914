"""Recorded episodes in memory: one array a quantity, all episodes one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import gymnasium
import numpy as np
from numpy.typing import NDArray

from .. import _native
from .._contract import numbers as real_numbers
from .._contract import exact, seeded, unmasked, whole_numbers
from .._rows import parted, rows_within
from .._spaces import acted_within, action_rows, flat_dim, infer_actions, infer_observations, rows_of, unflatten
from ..errors import ConfigError, DivergedError, ShapeError
from . import outward
from .columns import say, told_flags

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped,unused-ignore]
    import polars
    import pyarrow  # type: ignore[import-untyped,unused-ignore]

Array = NDArray[Any]


@dataclass(frozen=True)
class Episode:
    """One episode of T steps. Action t was taken at observation t, and observation t + 1 came of it."""

    observations: Array
    """(T + 1, …)."""
    actions: Array
    """(T, …), or (T,) choices."""
    rewards: NDArray[np.float64]
    """(T,)."""
    terminated: bool
    """Whether the task itself ended it."""
    truncated: bool
    """Whether it was cut, as by a time limit. One that is neither was still under way."""
    seed: int | None = None
    """The seed of its reset, if it had its own."""

    def __len__(self) -> int:
        return len(self.rewards)

    @property
    def episode_return(self) -> float:
        """The undiscounted sum of its rewards."""
        return float(self.rewards.sum())


class Episodes(Sequence[Episode]):
    """Recorded episodes.

    Args:
        observations: (N + E, …) for N steps in E episodes: each episode has one more than its steps. Arrays of the observation
            space's own shape for a box, else flat numbers as ``gymnasium.spaces.flatten`` gives them.
        actions: (N, …) likewise, or (N,) choices of a discrete space in its own numbers.
        rewards: (N,).
        lengths: Steps of each episode, (E,).
        terminated: Whether the task ended each episode, (E,).
        truncated: Whether each was cut, (E,).
        seeds: The seed of each episode's reset, or none.
        observation_space, action_space: Gymnasium's spaces; found out from the numbers where they are not given, a box then being
            unbounded for observations and as wide as the data for actions.
        environment: What the episodes are of.
        seed: The seed of the run that recorded them.
        observation_names, action_names: What the numbers of a vector are called, where they have names: whoever takes the episodes up
            matches them with its own.

    Raises:
        ShapeError: Lengths do not fit together.
        DivergedError: A number is NaN or infinite.
    """

    def __init__(
        self,
        *,
        observations: Any,
        actions: Any,
        rewards: Any,
        lengths: Any,
        terminated: Any = None,
        truncated: Any = None,
        seeds: Sequence[int | None] | None = None,
        observation_space: gymnasium.Space[Any] | None = None,
        action_space: gymnasium.Space[Any] | None = None,
        environment: str = "data",
        seed: int = 0,
        observation_names: Sequence[str] | None = None,
        action_names: Sequence[str] | None = None,
    ) -> None:
        self.lengths: NDArray[np.int64] = whole_numbers(lengths, "lengths").reshape(-1)
        """Steps of each episode, (E,)."""
        count, steps = len(self.lengths), int(self.lengths.sum())
        if count and self.lengths.min() < 0:
            raise ShapeError(f"an episode has {self.lengths.min()} steps")
        observations = np.asarray(unmasked(observations, "observations"))
        actions = np.asarray(unmasked(actions, "actions"))
        self.observation_space: gymnasium.Space[Any] = (
            observation_space if observation_space is not None else infer_observations(observations)
        )
        """What was observed."""
        self.action_space: gymnasium.Space[Any] = action_space if action_space is not None else infer_actions(actions)
        """What could be done."""
        self.observations: Array = rows_of(self.observation_space, observations, steps + count, "observations")
        """(N + E, …)."""
        self.actions: Array = action_rows(self.action_space, actions, steps, "actions")
        """(N, …), or (N,) choices."""
        self.rewards: NDArray[np.float64] = exact(real_numbers(rewards, "rewards"), "rewards")
        """(N,)."""
        if self.rewards.shape != (steps,):
            raise ShapeError(
                f"rewards: expected shape {(steps,)} for episodes of {steps} steps together, got {self.rewards.shape}"
            )
        self.terminated: NDArray[np.bool_] = _flags(terminated, count, "terminated")
        """Whether the task ended each episode, (E,)."""
        self.truncated: NDArray[np.bool_] = _flags(truncated, count, "truncated")
        """Whether each was cut, (E,)."""
        self.seeds: list[int | None] = [None] * count if seeds is None else list(seeds)
        """The seed of each episode's reset, or none."""
        if len(self.seeds) != count:
            raise ShapeError(f"{count} episodes came with {len(self.seeds)} seeds")
        for episode, one in enumerate(self.seeds):
            if one is not None:
                seeded(one, what=f"the seed of episode {episode}")
        self.environment, self.seed = environment, seeded(seed)
        self.observation_names = None if observation_names is None else list(observation_names)
        """What the numbers of an observation are called; none where they have no names."""
        self.action_names = None if action_names is None else list(action_names)
        """Likewise of an action."""
        for what, numbers in (("observations", self.observations), ("actions", self.actions), ("rewards", self.rewards)):
            _check_finite(what, numbers)
        self._starts: NDArray[np.int64] = np.concatenate([[0], np.cumsum(self.lengths)])

    @classmethod
    def of(
        cls,
        episodes: Sequence[Episode | Mapping[str, Any]],
        *,
        observation_space: gymnasium.Space[Any] | None = None,
        action_space: gymnasium.Space[Any] | None = None,
        environment: str = "data",
        seed: int = 0,
    ) -> Episodes:
        """From a list of episodes: :class:`Episode` objects, or mappings with ``observations`` (T + 1, …), ``actions`` (T, …),
        ``rewards`` (T,), and, if there are any, ``terminated`` and ``truncated`` (one flag, or T of them) and ``seed``; with
        ``next_observations`` (T, …) the last observation may be left out. What else there is, is left out with a warning.

        Raises:
            SpaceError: An action is outside the bounds of ``action_space``; observations may be, as environments show such.
        """
        if not episodes:
            raise ConfigError("there are no episodes: give at least one")
        notes: dict[str, None] = {}
        parts = []
        for i, given in enumerate(episodes):
            told = _told(given, i, notes)
            # Parts by name make a space of named parts, which all episodes then have.
            if observation_space is None:
                observation_space = parted(told.get("observations"), f"observations of episode {i}")
            if action_space is None:
                action_space = parted(told.get("actions"), f"actions of episode {i}")
            part = _episode(told, i, observation_space, action_space, notes)
            if action_space is not None:
                acted_within(action_space, part.actions, f"actions of episode {i}")
            parts.append(part)
        left_out = [note.removeprefix("left out: ") for note in notes if note.startswith("left out: ")]
        say([*([f"left out: {', '.join(left_out)}"] if left_out else []), *(note for note in notes if not note.startswith("left out: "))])
        shapes = {part.observations.shape[1:] for part in parts}
        if len(shapes) > 1:
            raise ShapeError(f"observations of episodes have different shapes: {sorted(shapes)}")
        if len({part.actions.shape[1:] for part in parts}) > 1:
            raise ShapeError(f"actions of episodes have different shapes: {sorted({part.actions.shape[1:] for part in parts})}")
        return cls(
            observations=np.concatenate([part.observations for part in parts]),
            actions=np.concatenate([part.actions for part in parts]),
            rewards=np.concatenate([part.rewards for part in parts]),
            lengths=[len(part) for part in parts],
            terminated=[part.terminated for part in parts],
            truncated=[part.truncated for part in parts],
            seeds=[part.seed for part in parts],
            observation_space=observation_space,
            action_space=action_space,
            environment=environment,
            seed=seed,
        )

    def __len__(self) -> int:
        return len(self.lengths)

    @overload
    def __getitem__(self, index: int) -> Episode: ...
    @overload
    def __getitem__(self, index: slice) -> Episodes: ...
    def __getitem__(self, index: int | slice) -> Episode | Episodes:
        if isinstance(index, slice):
            return self._chosen(range(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(f"episode {index} of {len(self)}")
        i = index % len(self)
        first, last = int(self._starts[i]), int(self._starts[i + 1])
        return Episode(
            observations=self.observations[first + i : last + i + 1],
            actions=self.actions[first:last],
            rewards=self.rewards[first:last],
            terminated=bool(self.terminated[i]),
            truncated=bool(self.truncated[i]),
            seed=self.seeds[i],
        )

    def _chosen(self, places: range) -> Episodes:
        rows = [np.arange(self._starts[i], self._starts[i + 1]) for i in places]
        shown = [np.arange(self._starts[i] + i, self._starts[i + 1] + i + 1) for i in places]
        steps, observed = (np.concatenate([np.zeros(0, dtype=np.int64), *parts]) for parts in (rows, shown))
        return Episodes(
            observations=self.observations[observed],
            actions=self.actions[steps],
            rewards=self.rewards[steps],
            lengths=self.lengths[list(places)],
            terminated=self.terminated[list(places)],
            truncated=self.truncated[list(places)],
            seeds=[self.seeds[i] for i in places],
            observation_space=self.observation_space,
            action_space=self.action_space,
            environment=self.environment,
            seed=self.seed,
            observation_names=self.observation_names,
            action_names=self.action_names,
        )

    def __iter__(self) -> Iterator[Episode]:
        return (self[i] for i in range(len(self)))

    @property
    def steps(self) -> int:
        """Steps of all episodes."""
        return len(self.rewards)

    @property
    def returns(self) -> NDArray[np.float64]:
        """Undiscounted return of each episode, (E,)."""
        return np.array([episode.rewards.sum() for episode in self], dtype=np.float64)

    @property
    def first_observations(self) -> Array:
        """What each reset showed, (E, …)."""
        return np.asarray(self.observations[self._starts[:-1] + np.arange(len(self))])

    @property
    def at_step(self) -> NDArray[np.int64]:
        """Where the observation of each transition lies among the observations, (N,); the next one stands after it."""
        return np.asarray(np.arange(self.steps) + np.repeat(np.arange(len(self)), self.lengths))

    def transitions(self) -> dict[str, Array]:
        """The transitions as columns of N rows: ``observations``, ``actions``, ``rewards``, ``next_observations``,
        ``terminated``, ``truncated`` and ``episode``. Actions and rewards are the arrays themselves, not copies."""
        at = self.at_step
        last = (self._starts[1:] - 1)[self.lengths > 0]
        terminated, truncated = np.zeros(self.steps, dtype=bool), np.zeros(self.steps, dtype=bool)
        terminated[last] = self.terminated[self.lengths > 0]
        truncated[last] = self.truncated[self.lengths > 0]
        return {
            "observations": self.observations[at],
            "actions": self.actions,
            "rewards": self.rewards,
            "next_observations": self.observations[at + 1],
            "terminated": terminated,
            "truncated": truncated,
            "episode": np.repeat(np.arange(len(self)), self.lengths),
        }

    def dataset(self, *, action_space: Any = None) -> _native.Dataset:
        """The transitions as a model takes them, which matches parts and names with its own.

        Raises:
            ConfigError: There are none.
        """
        # Parts are told apart by the names of their own space.
        own = action_space is None or isinstance(self.action_space, (gymnasium.spaces.Dict, gymnasium.spaces.Tuple))
        if not self.steps:
            raise ConfigError(f"the data hold no step, in {len(self)} episodes: give at least one transition")
        columns = self.transitions()
        ends = columns["terminated"] | columns["truncated"]
        ends[(self._starts[1:] - 1)[self.lengths > 0]] = True
        return _native.Dataset(
            observations=columns["observations"].reshape(self.steps, -1).astype(np.float64, copy=False),
            actions=columns["actions"].reshape(self.steps, -1) if columns["actions"].ndim > 1 else columns["actions"],
            rewards=self.rewards,
            next_observations=columns["next_observations"].reshape(self.steps, -1).astype(np.float64, copy=False),
            terminated=columns["terminated"].tolist(),
            episode_ends=ends.tolist(),
            action_space=self.action_space if own else action_space,
            observation_space=self.observation_space,
            observation_names=self.observation_names,
            action_names=self.action_names,
        )

    def observation(self, i: int) -> Any:
        """Observation ``i`` as an element of its space."""
        return unflatten(self.observation_space, self.observations[i])

    def action(self, i: int) -> Any:
        """Action ``i`` as an element of its space."""
        return unflatten(self.action_space, self.actions[i])

    def to_arrow(self) -> pyarrow.Table:
        """A row a transition: ``episode``, ``step``, ``observation`` and ``next_observation`` (lists of numbers), ``action``,
        ``reward``, ``terminated``, ``truncated``. Choices and rewards are not copied."""
        return outward.to_arrow(self)

    def to_pandas(self) -> pandas.DataFrame:
        """A row a transition, a column a number: ``observation_0``, … as in :meth:`to_arrow`."""
        return outward.to_pandas(self)

    def to_polars(self) -> polars.DataFrame:
        """A row a transition, a column a number: ``observation_0``, … as in :meth:`to_arrow`."""
        return outward.to_polars(self)

    def to_minari(self, dataset_id: str, **details: Any) -> Any:
        """A Minari data set in Minari's own folder, such as ``"mine/pendulum-v0"``; ``details`` (``description``, ``author``, …)
        go to Minari."""
        return outward.to_minari(self, dataset_id, **details)

    def write(self, path: str | Path, *, format: str = "store") -> Path:
        """Writes them: see :func:`worldwright.data.write`."""
        return outward.write(self, path, format=format)

    def __repr__(self) -> str:
        return (
            f"Episodes({len(self)} of {self.environment!r}, {self.steps} steps, {flat_dim(self.observation_space)} → "
            f"{flat_dim(self.action_space)})"
        )


def _flags(given: Any, count: int, what: str) -> NDArray[np.bool_]:
    told = np.zeros(count, dtype=bool) if given is None else told_flags(what, np.asarray(given).reshape(-1))
    if told.shape != (count,):
        raise ShapeError(f"{what}: expected one flag for each of {count} episodes, got shape {told.shape}")
    return told


def _check_finite(what: str, numbers: Array) -> None:
    if numbers.dtype.kind != "f" or bool(np.isfinite(numbers).all()):
        return
    row = int(np.argmax(~np.isfinite(numbers).reshape(len(numbers), -1).all(axis=1)))
    raise DivergedError(f"{what}: row {row} holds NaN or an infinite number; drop its episode or cut it before that row")


def _told(given: Episode | Mapping[str, Any], place: int, notes: dict[str, None]) -> dict[str, Any]:
    """The quantities of an episode by this package's names; what is left out is added to the notes."""
    if isinstance(given, Episode):
        return {
            "observations": given.observations,
            "actions": given.actions,
            "rewards": given.rewards,
            "terminated": given.terminated,
            "truncated": given.truncated,
            "seed": given.seed,
        }
    if isinstance(given, Mapping):
        return _known(given, place, notes)
    raise ConfigError(f"episode {place} is {type(given).__name__}: give an Episode, or a mapping with observations, actions and rewards")


def _episode(told: Mapping[str, Any], place: int, observed: Any, done: Any, notes: dict[str, None]) -> Episode:
    """One episode, checked; what a user should know of how it was read is added to the notes."""
    missing = [name for name in ("observations", "actions", "rewards") if name not in told]
    if missing:
        raise ConfigError(f"episode {place} lacks {', '.join(missing)}")
    rewards = exact(real_numbers(told["rewards"], f"rewards of episode {place}"), f"rewards of episode {place}")
    steps = len(rewards)
    observations = _observations(told, steps, place, observed)
    actions = rows_within(done, told["actions"], f"actions of episode {place}")
    if done is not None:
        actions = action_rows(done, actions, steps, f"actions of episode {place}")
    if len(observations) != steps + 1 or len(actions) != steps:
        raise ShapeError(
            f"episode {place} has {len(observations)} observations, {len(actions)} actions and {steps} rewards: T steps need "
            "T + 1 observations, the last one being what the last action led to"
        )
    terminated, truncated = _ends(told, steps, place, notes)
    seed = told.get("seed")
    return Episode(observations, actions, rewards, terminated, truncated, None if seed is None else int(seed))


def _known(given: Mapping[str, Any], place: int, notes: dict[str, None]) -> dict[str, Any]:
    """The quantities of an episode by this package's names, whichever they came by."""
    own = [(str(name), value) for name, value in given.items() if name != "seed"]
    names = [name for name, _ in own]
    try:
        found, left_out = _native.resolve_columns(names, strict=True)
    except ConfigError as error:
        raise ConfigError(f"episode {place}: {error}") from error
    parted = [name for name, parts in found.items() if parts[0][0] != ""]
    if parted:
        raise ConfigError(f"episode {place}: {parted[0]} lies in several parts; give one array, or a list of elements of its space")
    plural = {"observation": "observations", "action": "actions", "reward": "rewards", "next_observation": "next_observations"}
    known = {plural.get(name, name): own[parts[0][1]][1] for name, parts in found.items()}
    # What tells rows of a table apart says nothing of an episode that stands alone.
    rows = [parts[0][1] for name, parts in found.items() if name in ("episode", "step", "is_first", "is_last")]
    notes.update(dict.fromkeys(f"left out: {names[i]}" for i in sorted([*left_out, *rows])))
    return {**known, "seed": given.get("seed")}


def _observations(told: Mapping[str, Any], steps: int, place: int, observed: Any) -> Array:
    """T + 1 observations: as they are, or T of them and what the last action led to, of which each is the one after it."""
    names = [name for name in ("observations", "next_observations") if told.get(name) is not None]
    arrays: list[Array] = [rows_within(observed, told[name], f"{name} of episode {place}") for name in names]
    if observed is not None:
        rows = [len(array) if "next_observations" in names else steps + 1 for array in arrays]
        arrays = [rows_of(observed, array, n, f"{name} of episode {place}") for name, array, n in zip(names, arrays, rows, strict=True)]
    if len(arrays) == 1:
        return arrays[0]
    observations, following = arrays
    if len(following) != steps:
        raise ShapeError(f"episode {place} has {len(following)} next observations and {steps} rewards: every step needs one")
    if following.shape[1:] != observations.shape[1:]:
        raise ShapeError(
            f"episode {place}: observations of shape {observations.shape} came with next observations of shape {following.shape}"
        )
    shown = observations[1 : steps + 1]
    same = (following[: len(shown)] == shown).reshape(len(shown), -1).all(axis=1)
    if not same.all():
        step = int(np.argmin(same))
        raise ConfigError(f"episode {place}: the next observation of step {step} is not the observation of step {step + 1}")
    return np.concatenate([observations, following[-1:]]) if len(observations) == steps else observations


def _ends(told: Mapping[str, Any], steps: int, place: int, notes: dict[str, None]) -> tuple[bool, bool]:
    """Whether an episode terminated, and whether it was cut, from whichever flags there are."""
    given: dict[str, bool | list[bool]] = {}
    for name in ("terminated", "truncated", "done"):
        if name in told:
            flags = told_flags(f"{name} of episode {place}", np.asarray(told[name]).reshape(-1)).tolist()
            given[name] = flags[0] if np.ndim(told[name]) == 0 else flags
    try:
        terminated, truncated, said = _native.episode_ends(steps, **given)
    except (ConfigError, ShapeError) as error:
        raise type(error)(f"episode {place}: {error}") from error
    notes.update(dict.fromkeys(said))
    return terminated, truncated
