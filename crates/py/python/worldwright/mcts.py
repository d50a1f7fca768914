"""Tree search: ``mcts.Planner(transition_fn=…, action_space=…).rollout(10_000)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import gymnasium
import numpy as np

from . import _native
from . import planner as planners
from ._actions import whole
from ._choices import nearest
from ._contract import kept, seeded
from ._sound import all_diverged, discounting, distinct
from .errors import ConfigError, UnknownNameError
from .model import Model
from .written import Policy, WorldModel

__all__ = ["Planner"]


class Planner:
    """A tree search over a model.

    Args:
        transition_fn: A :class:`worldwright.Model`, or a function ``(observation, action) -> next_observation``, which may also give the
            reward and whether the task ends; of one row, or of a batch.
        action_space: What can be done: a space of Gymnasium's, a number of choices, a list of them, or a pair ``(low, high)``. The model's own
            where there is one.
        reward_fn: ``(observation, action, next_observation) -> reward``, or ``-> (reward, terminated)``, where the function gives none.
        observation: Where to plan from, unless told at the call; the first one that the model was built from, where it was.
        algorithm: ``"uct"`` for choices, one or several at once, and ``"progressive-widening"`` for real actions unless told otherwise; also ``"puct"``, ``"gumbel"``,
            ``"sampled-mcts"``.
        discount: What a reward one step later is worth, where the model is a function; 1 unless told otherwise.
        vectorized: Whether the functions take batches; found out where it is not told.
        policy: A policy as the prior, which ``"puct"``, ``"gumbel"`` and ``"sampled-mcts"`` search by: logits (N, choices) of a batch of observations.
        value_fn: Values (N,) of a batch of observations, in place of random rollouts.
        seed: What all randomness comes from.
        settings: Settings of the algorithm (``wm.planners()["uct"]``).
    """

    def __init__(
        self,
        *,
        transition_fn: Model | WorldModel | Callable[..., Any],
        action_space: Any = None,
        reward_fn: Callable[..., Any] | None = None,
        observation_space: Any = None,
        observation: Any = None,
        algorithm: str | None = None,
        discount: float | None = None,
        vectorized: bool | None = None,
        policy: Policy | Callable[..., Any] | None = None,
        value_fn: Callable[..., Any] | None = None,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        if isinstance(transition_fn, WorldModel):
            transition_fn = transition_fn.model
        space = transition_fn.action_space if isinstance(transition_fn, Model) else action_space
        if space is None:
            raise ConfigError("a tree search needs action_space")
        self.algorithm = algorithm or ("uct" if _discrete(space) else "progressive-widening")
        known = _settings(self.algorithm)
        for name in settings:
            if name == "simulations":
                raise ConfigError("simulations are told to rollout: leave them out here")
            if name not in known:
                raise UnknownNameError(f"no setting of {self.algorithm} is called '{name}'; {nearest(name, known)}")
        self.observation = kept(getattr(transition_fn, "start", None) if observation is None else observation)
        self._options: dict[str, Any] = dict(
            model=transition_fn,
            reward_fn=reward_fn,
            observation_space=observation_space,
            # A copy: the planner is made at the first rollout, and bounds may have changed until then.
            action_space=kept(distinct(action_space)) if isinstance(action_space, tuple) else distinct(action_space),
            discount=discounting(discount),
            vectorized=vectorized,
            policy=policy,
            value_fn=value_fn,
            seed=seeded(seed),
            **settings,
        )
        self._planner: planners.Planner | None = None
        self._simulations = 0
        self.plan: planners.Plan | None = None
        """The last plan."""

    def rollout(self, simulations: int, *, observation: Any = None, time: float | None = None) -> Self:
        """Searches from an observation by so many simulations, and returns itself.

        Args:
            simulations: How many.
            observation: Where from; the one of the construction unless told otherwise.
            time: Seconds at most; results then depend on the machine.

        Raises:
            DivergedError: Every simulation became infinite or undefined, so that no action is better than another.
        """
        if observation is not None:
            self.observation = kept(observation)
        if self.observation is None:
            raise ConfigError("where to plan from is not known: give observation=…, here or when the planner is made")
        if self._planner is None or simulations != self._simulations:
            # A tree has room for as many nodes as it has simulations.
            self._simulations = simulations
            options = {**self._options, "simulations": simulations}
            self._planner = planners.Planner(self.algorithm, **options)
        self.plan = None
        plan = self._planner.plan(self.observation, time=time)
        if plan.status == "AllDiverged" and self._planner.model is not None:
            raise all_diverged(self._planner.model, self.observation)
        self.plan = plan
        return self

    @property
    def visits(self) -> list[planners.Weighed]:
        """The first actions with their visits and mean returns, those of most visits first."""
        self._searched()
        return [] if self._planner is None else self._planner.weighed()

    @property
    def action(self) -> Any:
        """The best action found."""
        return self._searched().action

    @property
    def actions(self) -> Any:
        """The most promising line of actions."""
        return self._searched().actions

    @property
    def value(self) -> float:
        """The return expected of it."""
        return self._searched().value

    def _searched(self) -> planners.Plan:
        if self.plan is None:
            raise ConfigError("nothing was searched yet: call rollout first")
        return self.plan

    def __repr__(self) -> str:
        found = "" if self.plan is None else f", action={self.action!r}, value={self.value:.4g}"
        return f"mcts.Planner({self.algorithm!r}{found})"


def _settings(algorithm: str) -> list[str]:
    """Names of the settings of a search.

    Raises:
        UnknownNameError: No planner has that name.
    """
    listed = {entry["name"]: list(entry["settings"]) for entry in _native.catalogue("planner")}
    if algorithm not in listed:
        raise UnknownNameError(f"no planner is called '{algorithm}'; {nearest(algorithm, listed)}")
    return listed[algorithm]


def _discrete(space: Any) -> bool:
    if isinstance(space, (int, np.integer, list)):
        return True
    return isinstance(space, gymnasium.Space) and whole(space)
