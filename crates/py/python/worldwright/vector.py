"""Vector environments: one lane of them as a single environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import iterate

from ._contract import begun, element, flags, kept, reward, seed_of, stepped
from ._known_spaces import known
from .errors import ConfigError


def mode_of(vector: Any) -> AutoresetMode:
    """When the environments of a vector begin anew after an episode's end; ``NEXT_STEP`` where it does not tell."""
    told = (getattr(vector, "metadata", None) or {}).get("autoreset_mode", AutoresetMode.NEXT_STEP)
    try:
        return AutoresetMode(told)
    except ValueError as error:
        raise ConfigError(f"{type(vector).__name__} tells an unknown autoreset mode: {told!r}") from error


def first_lane(vector: Any) -> Any:
    """The single environment of which a vector holds several; a :class:`Lane` where it cannot be taken apart, as when it is
    wrapped."""
    if not isinstance(vector, gymnasium.vector.VectorWrapper):
        envs = getattr(vector, "envs", None)
        if envs:
            return envs[0]
        makers = getattr(vector, "env_fns", None)
        if makers:
            return makers[0]()
        spec = getattr(vector, "spec", None)
        if spec is not None and spec.id in gymnasium.registry and not spec.additional_wrappers:
            return _alone(spec)
    return Lane(vector)


@contextmanager
def guarded(vector: Any) -> Iterator[None]:
    """Holds the environments of a vector to Gymnasium's contract while it lasts, where they can be reached: each gives its observations in
    arrays of their own, because a reset in the same step would write over the last observation that the vector keeps for ``final_obs``;
    and what is no flag or reward is refused, where the vector's arrays would make True of it."""
    base = getattr(vector, "unwrapped", vector)
    envs = getattr(base, "envs", None)
    if not isinstance(envs, (list, tuple)) or not all(isinstance(env, gymnasium.Env) for env in envs):
        yield
        return
    space = known(vector.single_observation_space, f"the single_observation_space of {type(base).__name__}")
    base.envs = type(envs)(_Guarded(env, space) for env in envs)
    try:
        yield
    finally:
        base.envs = envs


class _Guarded(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment held to the contract, whose observations are copies."""

    def __init__(self, env: Any, space: Any) -> None:
        super().__init__(env)
        self._space, self._who = space, type(env.unwrapped).__name__

    def step(self, action: Any) -> Any:
        observation, *rest = stepped(self.env.step(action), self._who)
        return (element(self._space, observation, f"the observation of {self._who}"), *rest)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        observation, info = begun(self.env.reset(seed=seed, options=options), self._who)
        return element(self._space, observation, f"the observation of {self._who}"), info


def _alone(spec: Any) -> Any:
    """A single environment of the spec of a vector, in which the vector's own arguments stand beside the environment's."""
    own = {key: value for key, value in spec.kwargs.items() if key not in ("num_envs", "vectorization_mode", "vector_kwargs")}
    steps = own.pop("max_episode_steps", spec.max_episode_steps)
    return gymnasium.make(spec.id, **own, **({} if steps is None else {"max_episode_steps": steps}))


class Lane(gymnasium.Env[Any, Any]):
    """One environment of a vector as a single one. The others are told the same actions and go their own ways.

    Args:
        vector: A vector environment in any autoreset mode.
        lane: Which of its environments.
    """

    def __init__(self, vector: gymnasium.vector.VectorEnv[Any, Any, Any], *, lane: int = 0) -> None:
        if not 0 <= lane < vector.num_envs:
            raise ConfigError(f"lane {lane}: the vector has {vector.num_envs} environments, counted from 0")
        self.vector, self.lane = vector, lane
        self.observation_space = vector.single_observation_space
        self.action_space = vector.single_action_space
        self.metadata = {**(vector.metadata or {}), "render_modes": []}
        self.metadata.pop("autoreset_mode", None)
        self.render_mode = None
        self.spec = None
        self._mode = mode_of(vector)
        self._running = False
        self._who = type(getattr(vector, "unwrapped", vector)).__name__

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins an episode of all environments. The lane gets this very seed."""
        super().reset(seed=seed)
        seeds: Any = seed
        if seed is not None and self.lane:
            seeds = [seed if i == self.lane else seed_of(seed + 1 + i) for i in range(self.vector.num_envs)]
        observations, infos = begun(self.vector.reset(seed=seeds, options=options), self._who)
        self._running = True
        return self._mine(observations), info_of(infos, self.lane)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """A step of the lane."""
        if not self._running:
            raise ConfigError("the episode is over or has not begun: reset first")
        actions = gymnasium.vector.utils.concatenate(
            self.action_space,
            [action] * self.vector.num_envs,
            cast(Any, gymnasium.vector.utils.create_empty_array(self.action_space, self.vector.num_envs)),
        )
        with guarded(self.vector):
            answer = self.vector.step(actions)
        if not isinstance(answer, tuple) or len(answer) != 5:
            stepped(answer, self._who)
        observations, rewards, terminated, truncated, infos = answer
        terminated = flags(terminated, (self.vector.num_envs,), f"'terminated' of {self._who}")
        truncated = flags(truncated, (self.vector.num_envs,), f"'truncated' of {self._who}")
        over = terminated | truncated
        observation, info = self._mine(observations), info_of(infos, self.lane)
        if over[self.lane]:
            self._running = False
            if self._mode is AutoresetMode.SAME_STEP:
                observation, info = final_observation(infos, self.lane), info.get("final_info", {})
        elif self._mode is AutoresetMode.DISABLED and over.any():
            self.vector.reset(options={"reset_mask": over.copy()})
        return observation, reward(rewards[self.lane], self._who), bool(terminated[self.lane]), bool(truncated[self.lane]), info

    def _mine(self, observations: Any) -> Any:
        return row_of(self.vector.observation_space, observations, self.lane)

    def render(self) -> None:
        """There is no picture."""

    def close(self) -> None:
        """Closes the vector."""
        self.vector.close()


def row_of(space: Any, batch: Any, lane: int) -> Any:
    """One environment's part of a batch, in arrays of its own."""
    return kept(batch[lane] if isinstance(batch, np.ndarray) else list(iterate(space, batch))[lane])


def final_observation(infos: dict[str, Any], lane: int) -> Any:
    """What the last step of an episode showed, where the next one has begun in the same step."""
    for name in ("final_obs", "final_observation"):
        if name in infos and infos[name][lane] is not None:
            return infos[name][lane]
    raise ConfigError(
        "the vector begins episodes anew in the step that ends them (SAME_STEP), but does not tell what that step showed: its "
        "infos need final_obs"
    )


def info_of(infos: dict[str, Any], lane: int) -> dict[str, Any]:
    """What a vector's infos tell of one environment."""
    mine: dict[str, Any] = {}
    for name, told in infos.items():
        if name.startswith("_") and name[1:] in infos:
            continue
        mask = infos.get(f"_{name}")
        if mask is not None and not mask[lane]:
            continue
        if isinstance(told, dict):
            mine[name] = info_of(told, lane)
        elif isinstance(told, (np.ndarray, list, tuple)) and len(told) > lane:
            mine[name] = told[lane]
    return mine
