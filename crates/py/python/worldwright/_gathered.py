"""A domain's parts, gathered from whatever a user described it by."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from . import _native
from ._callables import Choices, Reward
from ._contract import flag, kept, unmasked
from ._environments import Source
from ._spaces import as_space
from .data import Dataset, dataset, episodes
from .data.columns import kind_of, say
from .data.taken import tabled
from .errors import ConfigError, DivergedError, ShapeError, WorldwrightWarning
from .model import _choices

DEFAULT_STEPS = 1000
"""Random steps in an environment, where there are no data."""


class Gathered:
    """A domain's parts, from whatever it was described by."""

    def __init__(self, domain: dict[str, Any], seed: int) -> None:
        self.source: Source | None = None
        self.environment_name: str | None = None
        self.start: Any = kept(domain.get("start"))
        self.transition: Callable[..., Any] | None = domain.get("transition")
        self.choices: Sequence[Any] | None = None
        self.expression: tuple[str, str | None, list[str], list[str]] | None = None
        self.reward: Reward | None = None
        self.observation_space: Any = domain.get("observation_space")
        self.action_space: Any = domain.get("action_space")
        self._names: tuple[list[str], list[str]] | None = None
        self._spaces(domain)
        _go_together(domain)
        self.data = self._transitions(domain, seed)
        self._rewards(domain)

    def _spaces(self, domain: dict[str, Any]) -> None:
        environment = domain.get("environment")
        if isinstance(environment, str):
            self.environment_name = environment
        elif environment is not None:
            self.source = Source(environment)
        for key, what in (("actions", "action_space"), ("observations", "observation_space")):
            given = domain.get(key)
            if isinstance(given, (list, tuple, np.ndarray)) and not len(given):
                raise ConfigError(f"{key} are empty: give recorded numbers, names or a space")
            if given is None or _recorded(given):
                continue
            # Not recorded numbers, so what can be done or seen: a space, or names.
            domain.pop(key)
            if what == "action_space" and isinstance(given, (list, tuple)) and not _pair(given):
                self.choices = list(given)
                self.action_space = self.choices
            elif what == "observation_space" and isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given):
                self._names = (list(given), [])
                if self.observation_space is None:
                    self.observation_space = _unbounded(len(given))
            else:
                setattr(self, what, given)
        self.choices = self.choices or _choices(self.action_space)

    def _transitions(self, domain: dict[str, Any], seed: int) -> Dataset | None:
        if self.transition is not None:
            if self.action_space is None or self.observation_space is None:
                raise ConfigError("a domain with transition needs actions and observations: lists of names, or spaces")
            return None
        recorded = domain.get("observations"), domain.get("actions")
        if recorded[0] is not None and recorded[1] is not None:
            return self._episodes(domain, *recorded)
        for one, other, missing in zip(recorded, ("observations", "actions"), ("actions", "observations"), strict=True):
            if one is not None:
                raise ConfigError(f"{other} were recorded and {missing} were not: give both, of the same episodes")
        if domain.get("data") is not None:
            return self._given(domain["data"], seed)
        if self.source is not None or self.environment_name is not None:
            return self._explore(_count("steps", domain.get("steps", DEFAULT_STEPS)), seed)
        if self.observation_space is not None and self.action_space is not None:
            self._nothing()
            return None
        raise ConfigError(
            "a domain needs data, an environment or dynamics: give observations and actions that were recorded, data=…, "
            "an environment, or a transition function"
        )

    def _explore(self, steps: int, seed: int) -> Dataset:
        """Random steps in the environment, which also says what its spaces and names are."""
        explored = _native.explore(source=self.source, environment_name=self.environment_name, steps=steps, seed=seed)
        self.observation_space, self.action_space = explored["observation_space"], explored["action_space"]
        self._names = (explored["observation_channels"], explored["action_channels"])
        self.start = explored["start"] if self.start is None else self.start
        return explored["data"]

    def _given(self, given: Any, seed: int) -> Dataset:
        """Transitions that were given, with the spaces of the environment beside them, or their own."""
        if self.source is not None or self.environment_name is not None:
            self._explore(1, seed)
        elif self.action_space is None and isinstance(given, Dataset):
            raise ConfigError("a Dataset holds flat numbers: say beside it what can be done, as action_space=…")
        elif self.action_space is None:
            table = kind_of(given) is not None
            if table or (isinstance(given, Mapping) and "lengths" not in given):
                given, self.action_space = tabled(given, strict=not table)
            else:
                given = episodes(given)
                self.action_space = given.action_space
                # A space may be false: it has as many parts as it says.
                self.observation_space = given.observation_space if self.observation_space is None else self.observation_space
        transitions = dataset(given, action_space=self.action_space)
        if self.observation_space is None:
            self.observation_space = _unbounded(transitions.observation_dim)
        if self.start is None and len(transitions):
            self.start = transitions.observations[0]
        return transitions

    def _nothing(self) -> None:
        """Names and a reward, and nothing that was ever seen: all that can be said is that things stay as they are."""
        warnings.warn(
            "the domain has no data, no environment and no transition function, so nothing is known of how it moves: the model keeps every "
            "observation as it is. Give recorded observations and actions, data=…, environment=… or transition=…",
            WorldwrightWarning,
            stacklevel=4,
        )
        self.transition = _still
        dims = int(np.size(self.observation_space[0])) if isinstance(self.observation_space, tuple) else None
        if self.start is None and dims is not None:
            self.start = np.zeros(dims)

    def _episodes(self, domain: dict[str, Any], observations: Any, actions: Any) -> Dataset:
        rewards = domain.get("rewards")
        if rewards is None and domain.get("reward") is not None and not callable(domain["reward"]) and not isinstance(domain["reward"], str):
            rewards = domain.pop("reward")
        ends = domain.get("terminated")
        many = _nested(observations)
        if many and len(observations) != len(actions):
            raise ConfigError(f"there are observations of {len(observations)} episodes and actions of {len(actions)}")
        names = {"observations": observations, "actions": actions, "rewards": rewards, "terminated": ends}
        each: list[dict[str, Any]] = []
        for i in range(len(observations) if many else 1):
            part = {name: _episode(name, (given[i] if many else given), i) for name, given in names.items() if given is not None}
            part["observations"] = part["observations"].reshape(len(part["observations"]), -1)
            count = len(part["actions"])
            part.setdefault("rewards", np.zeros(count))
            over = part.get("terminated")
            if over is not None and over.ndim == 0:
                # Whether the task ended the episode: at its last action, whether or not it is seen what that led to.
                part["terminated"] = (np.arange(count) == count - 1) & flag(over, f"terminated of episode {i}")
            each.append(part)
        if self.start is None:
            self.start = each[0]["observations"][0].copy()
        space = None if self.action_space is None else as_space(self.action_space)
        transitions, actions, notes = _native.Dataset.of_episodes(each, action_space=space)
        say(notes)
        if self.observation_space is None:
            self.observation_space = _unbounded(transitions.observation_dim)
        if self.action_space is None:
            self.action_space = actions
        return transitions

    def _rewards(self, domain: dict[str, Any]) -> None:
        given, termination = domain.get("reward"), domain.get("termination")
        if isinstance(given, str):
            if self._names is None:
                width = int(np.size(self.observation_space[0])) if isinstance(self.observation_space, tuple) else 0
                self._names = ([f"o{i}" for i in range(width)], [])
            names = self._names
            if not names[1]:
                space = self.action_space
                width = len(space) if isinstance(space, list) else int(np.size(space[0])) if isinstance(space, tuple) else int(np.prod(space.shape or (1,)))
                names = (names[0], [f"a{i}" for i in range(width)])
            self.expression = (given, termination, *names)
        elif callable(given):
            ends = termination if callable(termination) else None
            self.reward = Reward(given, termination=ends, choices=Choices(self.choices))
        elif given is not None and self.transition is None:
            raise ConfigError("reward is neither a function, nor an expression, nor recorded beside observations and actions")


def _go_together(domain: Mapping[str, Any]) -> None:
    """Refuses what would go unread: parts of a domain that say nothing beside the others.

    Raises:
        ConfigError: There is such a part; what it goes with.
    """
    given = {name for name, part in domain.items() if part is not None}
    recorded = {"observations", "actions"} <= given
    functions = callable(domain.get("reward")) if callable(domain.get("termination")) else isinstance(domain.get("reward"), str)
    known = "transition" in given
    for name, goes, why in (
        ("rewards", recorded and not known, "recorded rewards go with recorded observations and actions"),
        ("terminated", recorded and not known, "recorded ends go with recorded observations and actions"),
        ("data", not recorded and not known, "there are recorded observations and actions, or dynamics, beside them: give one"),
        ("termination", functions, "a function goes with reward, a function, and an expression with reward, an expression"),
        ("steps", "environment" in given and not recorded and not known, "random steps are taken in an environment"),
    ):
        if name in given and not goes:
            raise ConfigError(f"{name} would not be used: {why}")


def _unbounded(width: int) -> tuple[Any, Any]:
    return np.full(width, -np.inf), np.full(width, np.inf)


def _count(name: str, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or given < 1:
        raise ConfigError(f"{name} is a whole number of 1 or more, got {given!r}")
    return int(given)


def _episode(name: str, given: Any, i: int) -> Any:
    """One quantity of an episode as an array of finite numbers."""
    given = unmasked(given, f"{name} of episode {i}")
    try:
        array = np.asarray(given)
    except ValueError:
        array = np.asarray(given, dtype=object)
    if array.dtype.kind not in "fiub":
        raise ShapeError(f"{name} of episode {i} are no array of numbers: rows of different lengths and mixed types make none")
    if array.ndim == 0 and name != "terminated":
        raise ShapeError(f"{name} of episode {i}: expected rows, got a single number")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row = int(np.argmax(~np.isfinite(array).reshape(len(array), -1).all(axis=1)))
        raise DivergedError(f"{name} of episode {i}: row {row} holds NaN or an infinite number; drop the episode or cut it before that row")
    return array.astype(np.float64) if name == "observations" else array


def _still(observation: Any, action: Any) -> Any:  # noqa: ARG001 - a transition takes both
    return observation


def _recorded(given: Any) -> bool:
    """Whether it holds numbers that were recorded, rather than names, choices or a space."""
    if isinstance(given, np.ndarray):
        return given.dtype.kind in "fiub" and given.ndim >= 1 and given.size > 0
    if hasattr(given, "to_numpy"):
        return True
    if not isinstance(given, (list, tuple)) or not len(given) or _pair(given):
        return False
    first = given[0]
    # A flat list of whole numbers or of words is a list of choices; a list of rows, of arrays or of many real numbers was recorded.
    if isinstance(first, (list, tuple, np.ndarray)):
        return True
    return len(given) > 20 and all(isinstance(value, (int, float, np.number)) for value in given)


def _pair(given: Any) -> bool:
    """Whether it is ``(low, high)``."""
    return isinstance(given, tuple) and len(given) == 2 and np.shape(given[0]) == np.shape(given[1])


def _nested(observations: Any) -> bool:
    """Whether there are several episodes."""
    if isinstance(observations, np.ndarray) and observations.dtype != object:
        return observations.ndim == 3
    try:
        return np.ndim(observations[0]) == 2
    except ValueError:
        # Rows of different lengths: what is wrong with them is said where they are read.
        return False
