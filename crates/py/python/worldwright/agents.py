"""What runs learned, for use."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from . import _native
from ._actions import sequence
from ._callables import Choices, Reward, start_of
from ._environments import EnvironmentLike, Source, named
from ._keys import are_text, own
from .data import dataset
from .errors import NotFittedError, WorldwrightWarning
from .model import Model
from .planner import Plan


@dataclass(frozen=True)
class Evaluation:
    """Episodes of an evaluation."""

    returns: list[float]
    """Return of each."""
    lengths: list[int]
    """Steps of each."""

    @property
    def return_mean(self) -> float:
        """Mean return."""
        return float(np.mean(self.returns))

    @property
    def return_std(self) -> float:
        """Standard deviation of the return between episodes."""
        return float(np.std(self.returns, ddof=1)) if len(self.returns) > 1 else 0.0

    def __str__(self) -> str:
        return f"{self.return_mean:.1f} ± {self.return_std:.1f} over {len(self.returns)} episode{'' if len(self.returns) == 1 else 's'}"

    def _repr_html_(self) -> str:
        return _native.evaluation_card(self.return_mean, self.return_std, self.returns, self.lengths)


@dataclass(frozen=True)
class Estimate:
    """What one way of estimating says of a return."""

    name: str
    """The way."""
    mean: float
    """What it expects; NaN where it says nothing."""
    low: float
    """The lower end of the interval that is made to hold the truth in 90 of 100 such estimates."""
    high: float
    """Its upper end."""
    note: str
    """How sure it is of itself, and of what."""


@dataclass(frozen=True)
class Estimated:
    """What recorded episodes tell of an agent's return."""

    horizon: int
    """Steps of the return."""
    promise: float
    """The middle one of the lower ends: what to order agents by."""
    recorded: tuple[int, float, float]
    """Recorded episodes that show a whole return, with its mean and deviation."""
    estimates: list[Estimate]
    """Each way's answer."""
    notes: str | None
    """What to know of how the data were read."""

    def __str__(self) -> str:
        lines = (
            f"{one.name:<20} {one.mean:>10.4g}   between {one.low:.4g} and {one.high:.4g} ({one.note})" for one in self.estimates
        )
        return "\n".join((f"the return of {self.horizon} steps", *lines))


class Agent:
    """Acts, plans, and is evaluated. Made by :func:`load` or by ``run.agent()``."""

    def __init__(self, native: _native.Agent, folder: Path | None = None, source: Source | None = None) -> None:
        self._native = native
        self._folder = folder
        # The environment's own spaces, where keys of theirs are no text, as which alone the native half knows them.
        given = None if source is None else (source.observation_space, source.action_space)
        self._spaces = None if given is None or all(map(are_text, given)) else given

    @property
    def observation_space(self) -> Any:
        """What it observes, as Gymnasium's."""
        return self._native.observation_space if self._spaces is None else self._spaces[0]

    @property
    def action_space(self) -> Any:
        """What it does, as Gymnasium's."""
        return self._native.action_space if self._spaces is None else self._spaces[1]

    @property
    def trained(self) -> bool:
        """Whether it acts by what it learned or knows; one whose run ended before its first fit acts at random."""
        return bool(self._native.trained)

    @property
    def experiment(self) -> dict[str, Any]:
        """Everything that it depends on, by dotted key."""
        return self._native.experiment()

    def begin(self, observation: Any, *, seed: int = 0) -> None:
        """Tells that an episode begins with this observation: plans of the one before are forgotten."""
        self._native.begin(observation, seed)

    def act(self, observation: Any) -> Any:
        """The action for an observation, as Gymnasium's ``step`` takes it."""
        return self._own(self._native.act(observation))

    def _own(self, action: Any) -> Any:
        return action if self._spaces is None else own(self._spaces[1], action)

    def plan(self, observation: Any) -> Plan:
        """What it would do from an observation, and what it expects."""
        if not self.trained:
            raise NotFittedError(f"there is no plan: {untrained(self.experiment.get('steps'))}")
        actions, report = self._native.plan(observation)
        return Plan(actions=sequence(self.action_space, [self._own(action) for action in actions]), **report)

    def evaluate(self, *, episodes: int = 10, seed: int = 0) -> Evaluation:
        """New episodes in its environment."""
        if not self.trained:
            warnings.warn(untrained(self.experiment.get("steps")), WorldwrightWarning, stacklevel=2)
        returns, lengths = self._native.evaluate(episodes, seed)
        return Evaluation(returns=returns, lengths=lengths)

    def estimate(
        self, data: Any, *, horizon: int | None = None, discount: float = 1.0, noise: float = 0.25, seed: int = 0
    ) -> Estimated:
        """What it would earn, told from recorded episodes before it acts; best from episodes that it did not learn from.

        Args:
            data: A path of recorded episodes, or whatever :func:`worldwright.data.dataset` takes.
            horizon: Steps of the return; those of the longest recorded episode unless told otherwise.
            discount: What a reward one step later is worth.
            noise: Noise with which importance weights take numbers to be done, as a share of half their range.
            seed: What all randomness comes from.

        Raises:
            ConfigError: If it learned nothing, or an option is out of range.
            UnsupportedError: If what it does depends on more than what it sees.
        """
        known = data if isinstance(data, (str, Path)) else dataset(data, action_space=self.action_space)
        told = self._native.estimate(known, horizon=horizon, discount=discount, noise=noise, seed=seed)
        return Estimated(estimates=[Estimate(**one) for one in told.pop("estimates")], **told)

    @cached_property
    def model(self) -> Model:
        """The world model that it plans in."""
        model = Model._of(self._native.model(), spaces=self._spaces)
        if self._folder is not None and (self._folder / "episodes").is_dir():
            model._starts = self._folder
        return model

    def __repr__(self) -> str:
        entries = self.experiment
        return f"Agent({entries['agent.name']} in {entries['environment.name']})"


def untrained(steps: Any) -> str:
    """What to say of a run that ended before anything was learned."""
    return f"the run ended before its first fit, and acts at random: learn with more than {steps} steps"


def load(
    path: str | Path,
    *,
    environment: EnvironmentLike | None = None,
    reward: Reward | Callable[..., Any] | None = None,
) -> Agent:
    """Loads what a run learned.

    Args:
        path: A run's folder, or a bundle.
        environment: The environment, where its name is not enough to make it again; or another to act in, of the same spaces, which may be
            a name too.
        reward: The reward function, where it was written in Python.
    """
    recorded = _recorded(Path(path))
    if environment is None or (isinstance(environment, str) and environment == recorded):
        source = _registered(recorded)
    else:
        source = Source(named(environment) if isinstance(environment, str) else environment)
    words = Choices(None, start_of(None if source is None else source.action_space))
    written = reward if reward is None or isinstance(reward, Reward) else Reward(reward, choices=words)
    return Agent(_native.Agent(path=path, source=source, reward=written), Path(path), source)


def _recorded(path: Path) -> str:
    """The name of the environment that a run is of; empty where its configuration does not tell."""
    import tomllib

    for folder in (path, path / "bundle"):
        try:
            with (folder / "config.toml").open("rb") as file:
                return str(tomllib.load(file)["environment"]["name"])
        except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError):
            continue
    return ""


def _registered(name: str) -> Source | None:
    """An environment of Gymnasium's registry is made here, where this interpreter has it: no worker is needed."""
    suite, _, identity = name.partition(":")
    if suite in ("gym", "python") and identity in gymnasium.registry:
        return Source(gymnasium.make(identity))
    return None
