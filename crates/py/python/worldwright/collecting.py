"""``collect``: recorded episodes of an environment, single or vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import iterate

from . import _native
from ._contract import MOST_SEED, begun, element, flags, kept, reward, seed_of, seeded, stepped
from ._environments import EnvironmentLike, Named, called, check, named, single
from ._known_spaces import space_of
from .agents import Agent
from .data.recorded import Episodes
from .errors import ConfigError
from .vector import final_observation, guarded, mode_of
from .written import Policy as Written

Policy = Callable[[Any], Any]


def collect(environment: EnvironmentLike, *, steps: int, policy: Any = None, seed: int = 0) -> Episodes:
    """Records steps of an environment.

    Args:
        environment: An environment of Gymnasium's API, single or vector in any autoreset mode, a PettingZoo environment
            (:func:`worldwright.from_pettingzoo`), a function that makes one, or a name: one of Gymnasium's registry (``"Pendulum-v1"``,
            ``"gym:Pendulum-v1"``), or whatever else :func:`worldwright.learn` takes (``"pendulum"``, ``"dmc:cheetah-run"``).
        steps: How many transitions, all environments of a vector together. An episode that is under way at the end is kept as it
            is, neither terminated nor truncated.
        policy: A function from an observation to an action (for a vector: from a batch of observations to a batch of actions),
            a :class:`worldwright.Policy`, an object with ``predict`` as of Stable-Baselines3, or an :class:`worldwright.Agent` (for a single environment).
            Actions drawn from the action space unless told otherwise.
        seed: What resets and drawn actions come from. Episode k of a single environment is reset with ``seed + k`` (below 2³¹, where it
            starts at 0 again); a vector is seeded once.

    Returns:
        The episodes; those of a vector stand environment by environment. What a vector does between episodes is no transition:
        the step that only resets (``NEXT_STEP``) is left out, and the true last observation is recorded (``SAME_STEP``).

    Raises:
        ConfigError: The policy does not go with the environment, or the environment does not give what those of Gymnasium's API do.
        ShapeError, SpaceError, DivergedError: An observation or action is not of its space, or a number is not finite.
        BaseException: Whatever environment or policy raise, an interrupt too; what was collected before is then in the attribute
            ``collected`` of the exception, as its note says.
    """
    seed = seeded(seed)
    if steps < 1:
        raise ConfigError(f"steps must be at least 1, got {steps}")
    if isinstance(environment, str):
        environment = named(environment)
    elif isinstance(environment, type) or (callable(environment) and not hasattr(environment, "step")):
        environment = environment()
    if isinstance(environment, gymnasium.vector.VectorEnv):
        return _from_vector(environment, steps, policy, seed)
    environment = single(environment)
    check(environment)
    return _from_single(environment, steps, policy, seed)


class _Recorder:
    """The episodes of one environment as they happen, in arrays of their own."""

    def __init__(self, observed: gymnasium.Space[Any], done: gymnasium.Space[Any], who: str) -> None:
        self.done: list[dict[str, Any]] = []
        self._observed, self._acted, self._who = observed, done, who
        self._open: dict[str, Any] | None = None

    def action(self, given: Any) -> Any:
        """An action as it is recorded."""
        return element(self._acted, given, f"an action for {self._who}")

    def _seen(self, given: Any) -> Any:
        return element(self._observed, given, f"the observation of {self._who}")

    def begin(self, observation: Any, seed: int | None) -> None:
        self._open = {
            "observations": [self._seen(observation)],
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
        # First of all: it may be refused.
        self._open["observations"].append(self._seen(observation))
        self._open["actions"].append(action)
        self._open["rewards"].append(reward)
        self._open["terminated"], self._open["truncated"] = terminated, truncated


@contextmanager
def _keeping(collected: Callable[[], Episodes | None]) -> Iterator[None]:
    """Gives what was collected to the exception that ends it."""
    try:
        yield
    except BaseException as raised:
        episodes = collected()
        if episodes is not None:
            raised.collected = episodes  # type: ignore[attr-defined]
            raised.add_note(
                f"What was collected before is kept in the attribute 'collected' of this exception, {episodes.steps} steps in {len(episodes)} "
                "episodes, the last of them as far as it came: collect what is missing from another seed"
            )
        raise


def _rows(space: gymnasium.Space[Any], elements: list[Any]) -> Any:
    if isinstance(space, gymnasium.spaces.Box):
        return np.asarray(elements, dtype=space.dtype).reshape(len(elements), *space.shape)
    if isinstance(space, gymnasium.spaces.Discrete):
        return np.asarray(elements, dtype=np.int64).reshape(len(elements))
    flat = [np.asarray(gymnasium.spaces.flatten(space, element), dtype=np.float64) for element in elements]
    return np.asarray(flat).reshape(len(elements), gymnasium.spaces.flatdim(space))


def _episodes(recorders: list[_Recorder], observed: Any, done: Any, name: str, seed: int) -> Episodes | None:
    """The episodes that have steps; None where none has."""
    parts = [
        {**episode, "observations": _rows(observed, episode["observations"]), "actions": _rows(done, episode["actions"])}
        for recorder in recorders
        for episode in recorder.done
        if episode["actions"]
    ]
    if not parts:
        return None
    # Kept as they were done, beyond the bounds too, which some environments take.
    return Episodes(
        observations=np.concatenate([part["observations"] for part in parts]),
        actions=np.concatenate([part["actions"] for part in parts]),
        rewards=np.concatenate([part["rewards"] for part in parts]),
        lengths=[len(part["actions"]) for part in parts],
        terminated=[part["terminated"] for part in parts],
        truncated=[part["truncated"] for part in parts],
        seeds=[part["seed"] for part in parts],
        observation_space=observed,
        action_space=done,
        environment=name,
        seed=seed,
    )


def _name(environment: Any) -> str:
    if isinstance(environment, Named):
        return environment.name
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
    observed, done = space_of(environment, "observation_space"), space_of(environment, "action_space")
    who = called(environment)
    act = _acting(policy, done, seed, alone=None)
    recorder = _Recorder(observed, done, who)
    count, over, observation = 0, True, None

    def collected() -> Episodes | None:
        return _episodes([recorder], observed, done, _name(environment), seed)

    with _keeping(collected):
        for _ in range(steps):
            if over:
                own = seed_of(seed + count)
                observation, _ = begun(environment.reset(seed=own), who)
                recorder.begin(observation, own)
                if isinstance(policy, Agent):
                    policy.begin(observation, seed=own)
                count += 1
            # Recorded before the environment has it, which may write into it; it gets one of its own for that.
            action = recorder.action(act(observation))
            observation, paid, terminated, truncated, _ = stepped(environment.step(kept(action)), who)
            recorder.step(action, paid, observation, terminated, truncated)
            over = terminated or truncated
    return _all(collected())


def _from_vector(vector: Any, steps: int, policy: Any, seed: int) -> Episodes:
    n, mode = vector.num_envs, mode_of(vector)
    who = _name(vector).partition(":")[2]
    observed, done = space_of(vector, "single_observation_space"), space_of(vector, "single_action_space")
    act = _acting(policy, vector.action_space, seed, alone=vector.single_action_space)
    recorders = [_Recorder(observed, done, who) for _ in range(n)]

    def collected() -> Episodes | None:
        return _episodes(recorders, observed, done, _name(vector), seed)

    with _keeping(collected), guarded(vector):
        _record(vector, recorders, act, steps=steps, seed=seed, mode=mode, who=who)
    return _all(collected())


def _all(collected: Episodes | None) -> Episodes:
    if collected is None:
        raise ConfigError("the environment took no step")
    return collected


def _record(vector: Any, recorders: list[_Recorder], act: Policy, *, steps: int, seed: int, mode: AutoresetMode, who: str) -> None:
    n = vector.num_envs
    # The i-th of them is seeded with `first + i`.
    first = seed % (MOST_SEED - n)
    batch, _ = begun(vector.reset(seed=first), who)
    for i, observation in enumerate(_apart(vector.observation_space, batch)):
        recorders[i].begin(observation, first + i)
    over = np.zeros(n, dtype=bool)
    taken = 0
    while taken < steps:
        if mode is AutoresetMode.DISABLED and over.any():
            batch, _ = begun(vector.reset(options={"reset_mask": over.copy()}), who)
            shown = _apart(vector.observation_space, batch)
            for i in np.flatnonzero(over).tolist():
                recorders[i].begin(shown[i], None)
            over[:] = False
        actions = kept(act(batch))
        parts = _apart(vector.action_space, actions)
        if len(parts) != n:
            raise ConfigError(f"the policy gave {len(parts)} actions for {n} environments")
        told = [recorder.action(action) for recorder, action in zip(recorders, parts, strict=True)]
        answer = vector.step(actions)
        if not isinstance(answer, tuple) or len(answer) != 5:
            stepped(answer, who)
        batch, rewards, terminated, truncated, infos = answer
        shown = _apart(vector.observation_space, batch)
        terminated, truncated = flags(terminated, (n,), f"'terminated' of {who}"), flags(truncated, (n,), f"'truncated' of {who}")
        ended = terminated | truncated
        for i in range(n):
            if mode is AutoresetMode.NEXT_STEP and over[i]:
                # This step did nothing but reset.
                recorders[i].begin(shown[i], None)
                continue
            again = mode is AutoresetMode.SAME_STEP and ended[i]
            if taken < steps:
                last = final_observation(infos, i) if again else shown[i]
                recorders[i].step(told[i], reward(rewards[i], who), last, bool(terminated[i]), bool(truncated[i]))
                taken += 1
            if again:
                recorders[i].begin(shown[i], None)
        over = ended


def _apart(space: Any, batch: Any) -> list[Any]:
    """A batch as a list of elements."""
    return list(batch if isinstance(batch, np.ndarray) else iterate(space, batch))
