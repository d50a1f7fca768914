"""Rows of a model as episodes: where they begin, who is believed, when they end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._choices import nearest
from ._contract import counted, element
from ._keys import own
from ._sound import paid_by
from ._spaces import flat_dim, most_of, projector, unflatten
from .errors import ConfigError, NotFittedError
from .model import Model
from .runs import Run
from .starts import Start, starts_of

Floats = NDArray[np.float64]
MEAN = -1
"""The number that stands for the mean of all members."""


@dataclass(frozen=True)
class Settings:
    """What a dream is made of; see :func:`worldwright.as_env`."""

    model: Model
    start: Start
    max_episode_steps: int | None
    member: str | int
    sampled: bool
    penalty: float
    clip: bool

    @classmethod
    def of(
        cls,
        given: Any,
        starts: Any,
        max_episode_steps: int | None,
        member: str | int,
        termination: str,
        penalty: float,
        clip: bool,
    ) -> Settings:
        """Reads the settings.

        Raises:
            ConfigError: One is wrong.
        """
        source = given
        agent = given.agent() if isinstance(given, Run) else given
        # Agents hold one, and so do models written in Python.
        model = agent if isinstance(agent, Model) else getattr(agent, "model", agent)
        if not isinstance(model, Model):
            raise ConfigError(f"cannot dream in {type(given).__name__}: give a Model, or a run or an agent that learned one")
        if not model.spec["fitted"] and model.name != "known":
            raise NotFittedError(f"the model '{model.name}' has not been fitted: give it data with fit first")
        if not model.spec["rewarded"]:
            raise NotFittedError(
                f"the model '{model.name}' was fitted to data without rewards, or is a function that gives none, and a dream pays them: fit it "
                "with rewards=…, or make it with reward=…, a function"
            )
        members = int(model.spec["members"])
        if isinstance(member, str) and member not in ("episode", "step", "mean"):
            raise ConfigError(f"member '{member}': expected 'episode', 'step', 'mean' or a number")
        whole = isinstance(member, (int, np.integer)) and not isinstance(member, bool)
        if not isinstance(member, str) and not (whole and 0 <= member < members):
            raise ConfigError(f"member {member}: the model has {members} of them, counted from 0")
        if termination not in ("sample", "threshold"):
            raise ConfigError(f"termination '{termination}': expected 'sample' or 'threshold'")
        if max_episode_steps is not None:
            max_episode_steps = counted("max_episode_steps", max_episode_steps)
        if isinstance(penalty, bool) or not isinstance(penalty, (int, float, np.number)) or not np.isfinite(penalty):
            raise ConfigError(f"penalty is a finite number, what one unit of disagreement costs, got {penalty!r}")
        if starts is None:
            starts = source if isinstance(source, Run) else model._starts
            if starts is None and getattr(model, "start", None) is not None:
                starts = [model.start]
        start, longest = starts_of(starts, model.observation_space)
        if model._dynamics is not None and model._dynamics.pays is None:
            paid_by(model, start(np.random.default_rng(0)))
        return cls(model, start, max_episode_steps or longest, member, termination == "sample", float(penalty), clip)


def seeded(given: Any) -> int | None:
    """A seed of a reset, or none.

    Raises:
        ConfigError: It is no whole number of 0 or more.
    """
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or given < 0:
        raise ConfigError(f"a seed is a whole number of 0 or more, got {given!r}")
    return int(given)


class Stepped:
    """What a step of all rows came to."""

    def __init__(self, n: int) -> None:
        self.rewards = np.zeros(n)
        self.terminated = np.zeros(n, dtype=bool)
        self.truncated = np.zeros(n, dtype=bool)
        self.epistemic = np.zeros(n)
        self.diverged = np.zeros(n, dtype=bool)
        self.members = np.zeros(n, dtype=np.int64)

    def info(self, row: int) -> dict[str, Any]:
        """What is told of one row."""
        return {"member": int(self.members[row]), "epistemic": float(self.epistemic[row]), "diverged": bool(self.diverged[row])}

    def told(self, row: int, info: dict[str, Any]) -> None:
        """Tells of the episode that a row has begun instead of the one that ended."""
        self.members[row], self.epistemic[row], self.diverged[row] = info["member"], info["epistemic"], info["diverged"]

    def infos(self) -> dict[str, Any]:
        """What is told of all rows, as Gymnasium's vectors tell it."""
        every = np.ones(len(self.rewards), dtype=bool)
        told = {"member": self.members, "epistemic": self.epistemic, "diverged": self.diverged}
        return {key: value for name, array in told.items() for key, value in ((name, array), (f"_{name}", every.copy()))}


class Dreaming:
    """``rows`` episodes in one arena of a model."""

    def __init__(self, settings: Settings, rows: int) -> None:
        self._settings = settings
        self._rows = rows
        model = settings.model
        self._space, self._discount = model.observation_space, float(model.spec["discount"])
        self._members = int(model.spec["members"])
        self._arena = model.imagination(rows)
        self._version = model._version
        dims = flat_dim(self._space)
        self.observations: Floats = np.zeros((rows, dims))
        """What each row shows now, flat, (rows, O)."""
        self._most = most_of(self._space)
        self._project = projector(self._space, clip=settings.clip)
        self._every = np.arange(rows)
        self._steps = np.zeros(rows, dtype=np.int64)
        self._member = np.full(rows, MEAN, dtype=np.int64)
        self._keys = [0] * rows

    def refresh(self) -> None:
        """Takes up what the model has learned since; episodes under way are lost."""
        model = self._settings.model
        if model._version != self._version:
            self._arena, self._version = model.imagination(self._rows), model._version

    def begin(self, row: int, generator: np.random.Generator, options: dict[str, Any] | None) -> tuple[Any, dict[str, Any]]:
        """Begins an episode in a row: its observation and what is told of it."""
        settings = self._settings
        for name in options or ():
            if name != "observation":
                raise ConfigError(f"unknown option '{name}' of a reset; {nearest(name, ['observation', 'reset_mask'])}")
        drawn = settings.start(generator)
        member = settings.member
        self._member[row] = (
            int(generator.integers(self._members)) if member == "episode" else MEAN if isinstance(member, str) else member
        )
        self._keys[row] = int(generator.integers(1 << 62))
        if options and "observation" in options:
            drawn = options["observation"]
        # Recorded episodes name parts by text.
        drawn = element(self._space, own(self._space, drawn), "the observation to start at")
        flat = np.asarray(_flatten(self._space, drawn), dtype=np.float64)
        self.observations[row] = self._project(flat[np.newaxis])[0]
        self._steps[row] = 0
        self._see(row)
        return self.element(row), {"member": int(self._member[row]), "epistemic": 0.0, "diverged": False}

    def noise(self, row: int) -> int:
        """The seed of a row's next step."""
        return self._keys[row] + int(self._steps[row]) + 1

    def _see(self, row: int) -> None:
        self._arena._native.observe(row, _seen(self._space, self.observations[row]), self._keys[row])

    def element(self, row: int) -> Any:
        """What a row shows, as an element of the observation space."""
        return unflatten(self._space, self.observations[row].copy())

    def step(
        self,
        actions: NDArray[Any],
        generators: Sequence[np.random.Generator],
        seed: int,
        skip: NDArray[np.bool_] | None = None,
    ) -> Stepped:
        """Advances all rows by an action each, of rows as :mod:`worldwright._actions` gives them; those of ``skip`` stay, unpaid."""
        rows, settings = self._rows, self._settings
        live = np.ones(rows, dtype=bool) if skip is None else ~skip
        rewards, continuations, epistemic = self._arena.step(actions, seed=seed)
        predicted = self._arena.observations(rows)
        if settings.member == "step":
            self._member[live] = [int(generators[i].integers(self._members)) for i in np.flatnonzero(live).tolist()]
        if settings.member == "mean":
            believed, reward, goes_on, spread = (part.mean(axis=0) for part in (predicted, rewards, continuations, epistemic))
        else:
            at = (self._member, self._every)
            believed, reward, goes_on, spread = predicted[at], rewards[at], continuations[at], epistemic[at]
        goes_on = goes_on / (self._discount or 1.0)

        answer = Stepped(rows)
        if settings.penalty:
            reward = reward - settings.penalty * spread
        # What the space's own type does not hold would be shown as infinite.
        with np.errstate(invalid="ignore"):
            held = (np.abs(self._project(believed)) <= self._most).all(axis=1)
        finite = held & np.isfinite(believed).all(axis=1) & np.isfinite(reward)
        if not finite.all():
            answer.diverged = live & ~finite
            reward = np.where(finite, reward, 0.0)
            believed = np.where(finite[:, np.newaxis], believed, self.observations)
            spread = np.where(finite, spread, np.inf)
        shown = self._project(believed)
        self._steps[live] += 1
        ending = live & finite & (goes_on < 1.0 - 1e-9)
        for i in np.flatnonzero(ending).tolist() if ending.any() else ():
            edge = generators[i].random() if settings.sampled and goes_on[i] > 0.0 else 0.5
            answer.terminated[i] = goes_on[i] <= edge
        if settings.max_episode_steps is not None:
            answer.truncated = live & (self._steps >= settings.max_episode_steps)
        answer.truncated |= answer.diverged
        answer.rewards = np.where(live, reward, 0.0)
        answer.epistemic, answer.members = spread, self._member.copy()
        self.observations[live] = shown[live]
        # Rows that show other than what their member imagined go on from what they show.
        together = settings.member in ("mean", "step")
        moved = live if together else live & (shown != believed).any(axis=1)
        for i in np.flatnonzero(moved & ~(answer.terminated | answer.truncated)).tolist() if moved.any() else ():
            self._see(i)
        return answer


def _flatten(space: Any, observation: Any) -> Any:
    import gymnasium

    return gymnasium.spaces.flatten(space, observation)


def _seen(space: Any, flat: Floats) -> Any:
    """A flat row as the native half takes it: numbers of a box keep all their digits."""
    if type(space).__name__ == "Box" and space.dtype.kind == "f":
        return flat.reshape(space.shape)
    return unflatten(space, flat)
