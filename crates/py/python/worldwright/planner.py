"""Planners: any of the list, over any model."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _html, _native
from ._actions import sequence
from ._contract import kept, numbers, seeded
from ._sound import all_diverged, discounting, distinct, paid_by, paying
from .model import Model, as_model
from .written import Policy, WorldModel, prior, value


@dataclass(frozen=True)
class Plan:
    """A plan from one observation."""

    actions: Any
    """Actions, the first for now: an array of shape (horizon, …), or a list where they are of a user's choices or of parts."""
    value: float
    """The return that the planner expects."""
    status: str
    """Why planning ended: Completed, Converged, BudgetSpent or AllDiverged."""
    iterations: int
    """Improvements made."""
    model_steps: int
    """Model steps taken: rows times members advanced by one."""
    diverged: int
    """Candidates that became infinite or undefined; they ranked last."""

    @property
    def action(self) -> Any:
        """The action for now."""
        return self.actions[0]

    def _repr_html_(self) -> str:
        actions = list(self.actions)
        first = ", ".join(html.escape(_html.short(action)) for action in actions[:6]) + (", …" if len(actions) > 6 else "")
        lines = [
            ("action", f"<b>{html.escape(_html.short(self.action))}</b>"),
            ("expected return", _html.number(self.value)),
            ("actions", f"{first} <span style='{_html.SOFT}'>({len(actions)} steps)</span>"),
            ("planning", f"{html.escape(self.status)} after {self.iterations:,} improvements and {self.model_steps:,} model steps"),
        ]
        if self.diverged:
            lines.append(("diverged", f"{self.diverged:,} candidates became infinite or undefined"))
        return _html.card("Plan", "", lines)


@dataclass(frozen=True)
class Weighed:
    """A first action that a search weighed."""

    action: Any
    """The action."""
    visits: int
    """Simulations that began with it."""
    value: float
    """Their mean return."""


class Planner:
    """A planner of ``wm.planners()`` over a model.

    Args:
        name: Which.
        model: A :class:`Model`, or a function ``(observation, action) -> next_observation`` (of one row, or of a batch).
        reward_fn: ``(observation, action, next_observation) -> reward``, where the model is a function that gives none. Without any
            reward there must be a ``value_fn`` to plan by.
        observation_space, action_space: Spaces, where the model is a function: Gymnasium's, a number of choices, a list of them, or a
            pair ``(low, high)``.
        policy: A :class:`Policy`, or a function of a batch of observations (N, O) that gives actions (N, A) or logits: the prior that
            candidates are drawn from.
        value_fn: A function of a batch of observations (N, O) that gives values (N,): what follows the horizon.
        seed: What all randomness comes from.
        settings: The planner's settings, such as ``horizon=20``.
    """

    def __init__(
        self,
        name: str = "icem",
        *,
        model: Model | WorldModel | Callable[..., Any],
        reward_fn: Callable[..., Any] | None = None,
        observation_space: Any = None,
        action_space: Any = None,
        discount: float | None = None,
        vectorized: bool | None = None,
        policy: Policy | Callable[..., Any] | None = None,
        value_fn: Callable[..., Any] | None = None,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        self._policy, self._value = policy, value_fn
        if callable(model) and reward_fn is None and value_fn is None and not isinstance(getattr(model, "model", model), Model):
            model = paying(model)
        action_space = distinct(action_space)
        # Copies of bounds and of a list: a function is made a model at the first plan, and they may have changed until then.
        action_space = kept(action_space) if isinstance(action_space, tuple) else list(action_space) if isinstance(action_space, list) else action_space
        self._given = (model, reward_fn, observation_space, action_space, discounting(discount), vectorized)
        self._name, self._seed, self._settings = name, seeded(seed), settings
        self._native: _native.Planner | None = None
        self._model: Model | None = None
        if observation_space is not None or isinstance(model, (Model, WorldModel)):
            self._open(None)

    def _open(self, observation: Any) -> _native.Planner:
        if self._native is None:
            model, reward_fn, observation_space, action_space, discount, vectorized = self._given
            if observation is not None and observation_space is None:
                numbers(observation, "the observation")
            self._model = as_model(
                model,
                reward_fn=reward_fn,
                observation_space=observation_space,
                action_space=action_space,
                observation=observation,
                discount=discount,
                vectorized=vectorized,
            )
            policy = self._policy
            if policy is not None and not isinstance(policy, Policy):
                policy = Policy.of(policy)
            self._native = _native.Planner(
                name=self._name,
                model=self._model._native,
                settings=self._settings,
                seed=self._seed,
                prior=None if policy is None else prior(policy, self._model.action_space),
                value=None if self._value is None else value(self._value),
            )
        return self._native

    @property
    def name(self) -> str:
        """Its name in the list."""
        return self._name

    @property
    def model(self) -> Model | None:
        """The model that it plans in; none before the first plan where the observation's length is not known."""
        return self._model

    @property
    def horizon(self) -> int:
        """Steps that a plan reaches."""
        return self._open(None).horizon

    def plan(
        self,
        observation: Any,
        *,
        iterations: int | None = None,
        model_steps: int | None = None,
        time: float | None = None,
    ) -> Plan:
        """Improves the plan from an observation.

        Args:
            observation: Where to plan from.
            iterations: Improvements at most.
            model_steps: Model steps at most.
            time: Seconds at most; results then depend on the machine.
        """
        native = self._open(observation)
        self._paid(observation)
        report = native.improve(observation, iterations=iterations, model_steps=model_steps, time_secs=time)
        return Plan(actions=self._shown(native.actions()), **report)

    def act(
        self,
        observation: Any,
        *,
        iterations: int | None = None,
        model_steps: int | None = None,
        time: float | None = None,
    ) -> Any:
        """Plans and gives the first action; the rest of the plan starts the next one. Arguments are those of :meth:`plan`.

        Raises:
            DivergedError: Every candidate became infinite or undefined, so that there is none to act by.
        """
        native = self._open(observation)
        self._paid(observation)
        report = native.improve(observation, iterations=iterations, model_steps=model_steps, time_secs=time)
        if report["status"] == "AllDiverged" and self._model is not None:
            raise all_diverged(self._model, observation)
        action = native.act(0)
        native.shift(1)
        return self._choice(action)

    def _paid(self, observation: Any) -> None:
        if self._value is None and self._model is not None and not self._model.spec["has_value"]:
            paid_by(self._model, observation)

    def weighed(self) -> list[Weighed]:
        """The first actions that a tree search weighed in its last decision, those of most visits first; none for planners of whole
        sequences."""
        native = self._open(None)
        weighed = [Weighed(self._choice(action), visits, value) for action, visits, value in native.weighed()]
        return sorted(weighed, key=lambda one: -one.visits)

    def _choice(self, action: Any) -> Any:
        return action if self._model is None else self._model.choice(action)

    def shift(self, steps: int = 1) -> None:
        """Moves on: the plan's tail becomes the start of the next."""
        self._open(None).shift(steps)

    def reset(self, *, seed: int = 0) -> None:
        """Forgets the plan."""
        self._open(None).reset(seed)

    def _shown(self, actions: Sequence[Any]) -> Any:
        model = self._model
        if model is None:
            return actions
        if model.has_choices:
            return [model.choice(action) for action in actions]
        return sequence(model.action_space, actions if model._spaces is None else [model.choice(action) for action in actions])

    def __repr__(self) -> str:
        settings = "".join(f", {key}={value!r}" for key, value in self._settings.items())
        return f"Planner({self._name!r}{settings})"
