"""Models and policies that users write in Python: one class to derive from each."""

from __future__ import annotations

import abc
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._callables import Choices, Reward, defined, start_of
from ._contract import flags, numbers
from ._known_spaces import asked
from .errors import NotFittedError, ShapeError
from .model import Model, _choices, _flat_dim, _own_spaces

Floats = NDArray[np.float64]


def array(given: Any, shape: tuple[int, ...], what: str, *, dtype: Any = np.float64) -> NDArray[Any]:
    """Numbers of NumPy, PyTorch or JAX as a contiguous array of this shape.

    Raises:
        ShapeError: For another shape.
    """
    found = np.ascontiguousarray(numbers(given, what), dtype=dtype)
    if found.shape != shape:
        raise ShapeError(f"{what}: expected shape {shape}, got {found.shape}")
    return found


class WorldModel(abc.ABC):
    """A world model in Python, a PyTorch module for example: derive from it and write :meth:`predict`. It goes wherever a
    :class:`worldwright.Model` goes.

        class Pushed(wm.WorldModel):
            def predict(self, observations, actions, rng):
                return observations + 0.1 * actions

        model = Pushed(observation_space=2, action_space=([-1, -1], [1, 1]), reward=lambda o, a, n: -(n**2).sum(-1))
        wm.Planner("icem", model=model).act(observation)

    Args:
        observation_space: A space of Gymnasium's, a pair ``(low, high)``, or the length of an observation.
        action_space: A space of Gymnasium's, a number of choices, a list of them, or a pair ``(low, high)``.
        reward: ``(observation, action, next_observation) -> reward`` or ``-> (reward, terminated)``, of one row or of a batch; :meth:`predict`
            gives rewards where there is none.
        members: M, how many predictions stand side by side: the members of an ensemble. Planners judge by all of them.
        deterministic: Whether :meth:`predict` ignores ``rng``.
        discount: What a reward one step later is worth.
    """

    def __init__(
        self,
        *,
        observation_space: Any,
        action_space: Any,
        reward: Callable[..., Any] | None = None,
        members: int = 1,
        deterministic: bool = True,
        discount: float = 1.0,
    ) -> None:
        if isinstance(observation_space, int):
            observation_space = (np.full(observation_space, -np.inf), np.full(observation_space, np.inf))
        self._spaces = (asked(observation_space, "observation_space"), asked(action_space, "action_space"))
        self._reward = reward
        self.members = members
        self.deterministic = deterministic
        self.discount = discount

    @abc.abstractmethod
    def predict(self, observations: Floats, actions: NDArray[Any], rng: np.random.Generator) -> Any:
        """One step for N rows.

        Args:
            observations: (N, O); with several members (M, N, O), each member's own.
            actions: (N, A) of a box, or (N,) choices.
            rng: Where noise comes from.

        Returns:
            Next observations in the shape of ``observations``; or a tuple of them with rewards, with whether the task ends, and with the
            epistemic spread, all (N,) or (M, N), as many as there are.
        """

    def value(self, observations: Floats) -> Any:
        """Values of N observations (N, O), (N,): what follows the horizon. Left out unless a class writes it."""
        raise NotImplementedError

    def fit(self, data: Any = None, **columns: Any) -> Any:
        """Learns from transitions, where a class writes it."""
        raise NotFittedError(f"{type(self).__name__} has no method fit of its own")

    @cached_property
    def model(self) -> Model:
        """The same as a :class:`worldwright.Model`."""
        observation_space, action_space = self._spaces
        choices = _choices(action_space)
        words = Choices(choices, start_of(action_space))
        reward = None if self._reward is None else Reward(self._reward, choices=words)
        has_value = type(self).value is not WorldModel.value
        steps = _Steps(self, reward, words, _flat_dim(observation_space))
        native = _native.Model.written(
            name=type(self).__name__,
            dynamics=steps,
            observation_space=observation_space,
            action_space=action_space,
            members=self.members,
            deterministic=self.deterministic,
            has_value=has_value,
            discount=self.discount,
        )
        return Model._of(native, choices, spaces=_own_spaces(observation_space, action_space), dynamics=steps)


class _Steps:
    """What the native half calls of a :class:`WorldModel`."""

    def __init__(self, written: WorldModel, reward: Reward | None, choices: Choices, dims: int) -> None:
        self._written, self._reward, self._choices, self._dims = written, reward, choices, dims
        self.pays: bool | None = None if reward is None else True
        """Whether anything says what is paid; not known before the first call where the class alone may tell."""

    def step(
        self, observations: Floats, actions: NDArray[Any], seed: int
    ) -> tuple[Floats, Floats, NDArray[np.bool_], Floats]:
        members, count = observations.shape[:2]
        single = self._written.members == 1
        # Copies, because the class may work in place on what it gets.
        before = (observations[0] if single else observations).copy()
        answer = self._written.predict(before, self._choices.batch(actions), np.random.default_rng(seed))
        parts = answer if isinstance(answer, tuple) else (answer,)
        self.pays = self._reward is not None or (len(parts) > 1 and parts[1] is not None)
        shape = (members, count)
        following = array(parts[0], before.shape, "next observations").reshape(observations.shape)

        def spread(i: int, what: str) -> NDArray[Any]:
            if len(parts) <= i or parts[i] is None:
                return np.zeros(shape)
            given = numbers(parts[i], what)
            if given.shape not in ((count,), shape):
                raise ShapeError(f"{what}: expected shape {(count,)} or {shape}, got {given.shape}")
            return np.ascontiguousarray(np.broadcast_to(given, shape))

        paid, ended = spread(1, "rewards").astype(np.float64), flags(spread(2, "terminated"), shape, "terminated")
        epistemic = spread(3, "epistemic spread").astype(np.float64)
        rows = (observations.reshape(-1, self._dims), np.concatenate([actions] * members), following.reshape(-1, self._dims))
        defined(paid.ravel(), f"{type(self._written).__name__}: rewards", ("observation", "action", "next observation"), rows)
        if self._reward is not None:
            paid, also = self._reward(*rows)
            ended = ended.ravel() | also
        return following.ravel(), paid.ravel(), ended.ravel(), epistemic.ravel()

    def value(self, observations: Floats) -> Floats:
        return value(self._written.value)(observations.reshape(-1, observations.shape[-1]))


class Policy(abc.ABC):
    """A policy in Python: derive from it and write :meth:`act`, or wrap a function with ``Policy.of``.

    As ``policy=`` of a planner it is the prior that candidates are drawn from; as ``policy=`` of :func:`worldwright.collect` it acts.
    """

    std: Any = 0.3
    """Standard deviation of real actions as a prior, a number or one a dimension."""

    @abc.abstractmethod
    def act(self, observations: Floats) -> Any:
        """Actions for N observations.

        Args:
            observations: (N, O), flat.

        Returns:
            Means (N, A), or ``(means, stds)``; for choices logits (N, choices).
        """

    @staticmethod
    def of(function: Callable[[Floats], Any], *, std: Any = 0.3) -> Policy:
        """A function of a batch of observations as a policy."""
        return _Function(function, std)

    def one(self, observation: Any, action_space: Any) -> Any:
        """The action for one observation, as Gymnasium's ``step`` takes it."""
        return self.many(np.asarray(observation)[np.newaxis], action_space)[0]

    def many(self, observations: Any, action_space: Any) -> Any:
        """Actions for a batch of observations, each an element of the action space."""
        answer = self.act(np.array(observations, dtype=np.float64, order="C").reshape(len(observations), -1))
        means = answer[0] if isinstance(answer, tuple) else answer
        if hasattr(means, "detach"):
            means = means.detach().cpu().numpy()
        if hasattr(action_space, "n"):
            return np.argmax(np.asarray(means), axis=-1) + int(action_space.start)
        shape = (len(observations), *action_space.shape)
        return np.clip(np.asarray(means).reshape(shape), action_space.low, action_space.high).astype(action_space.dtype)


class _Function(Policy):
    def __init__(self, function: Callable[[Floats], Any], std: Any) -> None:
        self._function, self.std = function, std

    def act(self, observations: Floats) -> Any:
        return self._function(observations)


def prior(policy: Policy, action_space: Any) -> Callable[[Floats], tuple[Floats, Floats]]:
    """What the native half calls of a policy: means and standard deviations, or logits and nothing, each flat."""
    width = int(action_space.n) if hasattr(action_space, "n") else int(np.prod(action_space.shape))
    discrete = hasattr(action_space, "n")

    def call(observations: Floats) -> tuple[Floats, Floats]:
        answer = policy.act(observations.copy())
        means, stds = answer if isinstance(answer, tuple) else (answer, policy.std)
        shape = (len(observations), width)
        mean = array(means, shape, "the policy's actions")
        defined(mean, "the policy's actions", ("observation",), (observations,))
        if discrete:
            return mean.ravel(), np.empty(0)
        spread = stds.detach().cpu().numpy() if hasattr(stds, "detach") else np.asarray(stds, dtype=np.float64)
        return mean.ravel(), np.ascontiguousarray(np.broadcast_to(spread, shape), dtype=np.float64).ravel()

    return call


def value(function: Callable[[Floats], Any]) -> Callable[[Floats], Floats]:
    """What the native half calls of a value function."""

    def call(observations: Floats) -> Floats:
        values = array(function(observations.copy()), (len(observations),), "values")
        defined(values, "values", ("observation",), (observations,))
        return values

    return call
