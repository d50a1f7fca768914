"""``collect``: recorded episodes of an environment, single or vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import iterate

from . import _native
from ._environments import EnvironmentLike, single
from .agents import Agent
from .data.recorded import Episodes
from .errors import ConfigError
from .vector import final_observation, mode_of
from .written import Policy as Written

Policy = Callable[[Any], Any]


def collect(environment: EnvironmentLike, *, steps: int, policy: Any = None, seed: int = 0) -> Episodes:
    """Records steps of an environment.

    Args:
        environment: An environment of Gymnasium's API, single or vector in any autoreset mode, a PettingZoo environment
            (:func:`worldwright.from_pettingzoo`), a function that makes one, or the name of one in Gymnasium's registry
            (``"Pendulum-v1"``).
        steps: How many transitions, all environments of a vector together. An episode that is under way at the end is kept as it
            is, neither terminated nor truncated.
        policy: A function from an observation to an action (for a vector: from a batch of observations to a batch of actions),
            a :class:`worldwright.Policy`, an object with ``predict`` as of Stable-Baselines3, or an :class:`worldwright.Agent` (for a single environment).
            Actions drawn from the action space unless told otherwise.
        seed: What resets and drawn actions come from. Episode k of a single environment is reset with ``seed + k``; a vector is
            seeded once.

    Returns:
        The episodes; those of a vector stand environment by environment. What a vector does between episodes is no transition:
        the step that only resets (``NEXT_STEP``) is left out, and the true last observation is recorded (``SAME_STEP``).

    Raises:
        ConfigError: The policy does not go with the environment, or the environment does not tell what is needed.
    """
    if steps < 1:
        raise ConfigError(f"steps must be at least 1, got {steps}")
    if isinstance(environment, str):
        environment = gymnasium.make(environment.removeprefix("gym:"))
    elif callable(environment) and not hasattr(environment, "step"):
        environment = environment()
    if isinstance(environment, gymnasium.vector.VectorEnv):
        return _from_vector(environment, steps, policy, seed)
    return _from_single(single(environment), steps, policy, seed)


class _Recorder:
    """The episodes of one environment as they happen."""

    def __init__(self) -> None:
        self.done: list[dict[str, Any]] = []
        self._open: dict[str, Any] | None = None

    def begin(self, observation: Any, seed: int | None) -> None:
        self._open = {
            "observations": [observation],
            "actions": [],
            "rewards": [],
            "terminated": False,
            "truncated": False,
            "seed": seed,
        }
        self.done.append(self._open)

    def step(self, action: Any, reward: float, observation: Any, terminated: bool, truncated: bool) -> None:
        if self._open is None:
            raise ConfigError("the environment stepped before its reset")
        self._open["actions"].append(action)
        self._open["rewards"].append(reward)
        self._open["observations"].append(observation)
        self._open["terminated"], self._open["truncated"] = terminated, truncated


def _rows(space: gymnasium.Space[Any], elements: list[Any]) -> Any:
    if isinstance(space, gymnasium.spaces.Box):
        return np.asarray(elements, dtype=space.dtype).reshape(len(elements), *space.shape)
    if isinstance(space, gymnasium.spaces.Discrete):
        return np.asarray(elements, dtype=np.int64).reshape(len(elements))
    flat = [np.asarray(gymnasium.spaces.flatten(space, element), dtype=np.float64) for element in elements]
    return np.asarray(flat).reshape(len(elements), gymnasium.spaces.flatdim(space))


def _episodes(recorders: list[_Recorder], observed: Any, done: Any, name: str, seed: int) -> Episodes:
    parts = [
        {**episode, "observations": _rows(observed, episode["observations"]), "actions": _rows(done, episode["actions"])}
        for recorder in recorders
        for episode in recorder.done
        if episode["actions"]
    ]
    return Episodes.of(parts, observation_space=observed, action_space=done, environment=name, seed=seed)


def _name(environment: Any) -> str:
    spec = getattr(environment, "spec", None)
    if spec is not None and getattr(spec, "id", None) and not isinstance(environment, gymnasium.vector.VectorWrapper):
        return f"gym:{spec.id}"
    return f"python:{type(getattr(environment, 'unwrapped', environment)).__name__}"


def _acting(policy: Any, space: gymnasium.Space[Any], seed: int, *, alone: gymnasium.Space[Any] | None) -> Policy:
    """What acts for an environment, or for a vector of those with the action space ``alone``."""
    if policy is None:
        space.seed(seed)
        return lambda _: space.sample()
    if isinstance(policy, (Agent, _native.Agent)):
        if alone is not None:
            raise ConfigError("an agent plans in one environment at a time: collect from a single environment with it")
        return lambda observation: policy.act(observation)
    if isinstance(policy, Written):
        if alone is not None:
            return lambda observations: policy.many(observations, alone)
        return lambda observation: policy.one(observation, space)
    predict = getattr(policy, "predict", None)
    if callable(predict):
        # Stable-Baselines3 gives the action and the state of a recurrent policy.
        return lambda observation: _first(predict(observation))
    if callable(policy):
        return lambda observation: policy(observation)
    raise ConfigError(
        f"{type(policy).__name__} is no policy: give a function from observation to action, or an object with predict"
    )


def _first(answer: Any) -> Any:
    return answer[0] if isinstance(answer, tuple) else answer


def _from_single(environment: Any, steps: int, policy: Any, seed: int) -> Episodes:
    act = _acting(policy, environment.action_space, seed, alone=None)
    recorder = _Recorder()
    begun, over, observation = 0, True, None
    for _ in range(steps):
        if over:
            observation, _ = environment.reset(seed=seed + begun)
            recorder.begin(_kept(observation), seed + begun)
            if isinstance(policy, Agent):
                policy.begin(observation, seed=seed + begun)
            begun += 1
        action = act(observation)
        observation, reward, terminated, truncated, _ = environment.step(action)
        recorder.step(_kept(action), float(reward), _kept(observation), bool(terminated), bool(truncated))
        over = terminated or truncated
    return _episodes([recorder], environment.observation_space, environment.action_space, _name(environment), seed)


def _kept(value: Any) -> Any:
    """A value that the environment will not write over."""
    return value.copy() if isinstance(value, np.ndarray) else value


def _from_vector(vector: Any, steps: int, policy: Any, seed: int) -> Episodes:
    n, mode = vector.num_envs, mode_of(vector)
    act = _acting(policy, vector.action_space, seed, alone=vector.single_action_space)
    recorders = [_Recorder() for _ in range(n)]
    batch, _ = vector.reset(seed=seed)
    for i, observation in enumerate(_apart(vector.observation_space, batch)):
        recorders[i].begin(observation, seed + i)
    over = np.zeros(n, dtype=bool)
    taken = 0
    while taken < steps:
        if mode is AutoresetMode.DISABLED and over.any():
            batch, _ = vector.reset(options={"reset_mask": over.copy()})
            shown = _apart(vector.observation_space, batch)
            for i in np.flatnonzero(over).tolist():
                recorders[i].begin(shown[i], None)
            over[:] = False
        actions = act(batch)
        told = _apart(vector.action_space, actions)
        batch, rewards, terminated, truncated, infos = vector.step(actions)
        shown = _apart(vector.observation_space, batch)
        ended = np.asarray(terminated, dtype=bool) | np.asarray(truncated, dtype=bool)
        for i in range(n):
            if mode is AutoresetMode.NEXT_STEP and over[i]:
                # This step did nothing but reset.
                recorders[i].begin(shown[i], None)
                continue
            again = mode is AutoresetMode.SAME_STEP and ended[i]
            if taken < steps:
                last = _kept(final_observation(infos, i)) if again else shown[i]
                recorders[i].step(told[i], float(rewards[i]), last, bool(terminated[i]), bool(truncated[i]))
                taken += 1
            if again:
                recorders[i].begin(shown[i], None)
        over = ended
    return _episodes(recorders, vector.single_observation_space, vector.single_action_space, _name(vector), seed)


def _apart(space: Any, batch: Any) -> list[Any]:
    """A batch as a list of elements, in arrays of their own."""
    if isinstance(batch, np.ndarray):
        return list(batch.copy())
    return list(iterate(space, batch))
