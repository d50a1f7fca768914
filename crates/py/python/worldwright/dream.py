"""A learned model as an environment: Gymnasium's single one and its vector, so that any learner trains in a dream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array
from numpy.typing import NDArray

from ._actions import action_row, action_rows
from ._contract import counted
from ._dreaming import Dreaming, Settings, seeded
from .agents import Agent
from .errors import ConfigError
from .model import Model
from .runs import Run
from .written import WorldModel

Dreamt: TypeAlias = Model | WorldModel | Run | Agent
"""What can be dreamt of: a model, or a run or an agent that learned one."""


def as_env(
    model: Dreamt,
    *,
    starts: Any = None,
    max_episode_steps: int | None = None,
    member: str | int = "episode",
    termination: str = "sample",
    penalty: float = 0.0,
    clip: bool = True,
) -> DreamEnv:
    """A learned model as an environment of Gymnasium's API.

    Args:
        model: The model, or a run or an agent that learned one.
        starts: Where episodes begin, drawn with equal chances: a run, episodes or anything else that
            :func:`worldwright.data.episodes` takes (the first observations of its episodes), a list or array of observations, or
            a function ``rng -> observation``. What the model was fitted to unless told otherwise.
        max_episode_steps: Steps after which an episode is truncated; those of the longest recorded episode unless told otherwise.
        member: Which member of the model is believed: ``"episode"`` draws one for each episode (TS-infinity of Chua et al.,
            2018), ``"step"`` one for each step (TS-1), ``"mean"`` is the mean of all, and a number is always that one.
        termination: ``"sample"`` ends an episode with the probability that the model gives; ``"threshold"`` where that is above
            one half.
        penalty: What is taken off the reward for each unit of disagreement between the members, so that a learner keeps to what
            is known (Yu et al., "MOPO", 2020).
        clip: Whether what is predicted is kept within the bounds of the observation space.

    Raises:
        ConfigError: There is nothing to start from, or a setting is wrong.
    """
    return DreamEnv(Settings.of(model, starts, max_episode_steps, member, termination, penalty, clip))


def as_vector_env(
    model: Dreamt,
    n: int,
    *,
    starts: Any = None,
    max_episode_steps: int | None = None,
    member: str | int = "episode",
    termination: str = "sample",
    penalty: float = 0.0,
    clip: bool = True,
    autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
) -> DreamVectorEnv:
    """A learned model as ``n`` environments that are stepped together, in one batch of the model.

    Args:
        model, starts, max_episode_steps, member, termination, penalty, clip: As for :func:`as_env`.
        n: How many.
        autoreset_mode: When an environment whose episode has ended begins the next: ``NEXT_STEP``, ``SAME_STEP`` or ``DISABLED``
            of ``gymnasium.vector.AutoresetMode``, or their values as text.

    Raises:
        ConfigError: There is nothing to start from, or a setting is wrong.
    """
    return DreamVectorEnv(Settings.of(model, starts, max_episode_steps, member, termination, penalty, clip), n, autoreset_mode)


class DreamEnv(gymnasium.Env[Any, Any]):
    """One environment in a model. Made by :func:`worldwright.as_env`.

    ``info`` tells ``member`` (−1 for the mean), ``epistemic`` (how far the members disagree, in standard deviations of the
    training data) and ``diverged`` (numbers became infinite or undefined, which truncates the episode). ``reset`` takes
    ``options={"observation": …}`` to start there. After a fit of the model the next reset dreams in what it knows then.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._dreaming = Dreaming(settings, 1)
        self.observation_space = settings.model.observation_space
        self.action_space = settings.model.action_space
        self.render_mode = None
        self.spec = _spec(settings)
        self._running = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins an episode."""
        super().reset(seed=seeded(seed))
        self._dreaming.refresh()
        observation, info = self._dreaming.begin(0, self.np_random, options)
        self._running = True
        return observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Imagines one step."""
        if not self._running:
            raise ConfigError("the episode is over or has not begun: reset first")
        stepped = self._dreaming.step(action_row(self.action_space, action), [self.np_random], self._dreaming.noise(0))
        self._running = not (stepped.terminated[0] or stepped.truncated[0])
        return (
            self._dreaming.element(0),
            float(stepped.rewards[0]),
            bool(stepped.terminated[0]),
            bool(stepped.truncated[0]),
            stepped.info(0),
        )

    def render(self) -> None:
        """There is no picture."""

    def __repr__(self) -> str:
        return f"DreamEnv({self._settings.model!r})"


class DreamVectorEnv(gymnasium.vector.VectorEnv[Any, Any, NDArray[Any]]):
    """Environments in a model, stepped in one batch. Made by :func:`worldwright.as_vector_env`.

    What is drawn for each (its start, its member, whether it ends) comes from a generator of its own, seeded as
    ``SyncVectorEnv`` seeds its environments; the model's own noise comes from one generator for the whole batch.
    """

    def __init__(self, settings: Settings, n: int, autoreset_mode: str | AutoresetMode) -> None:
        n = counted("n", n)
        try:
            self.autoreset_mode = AutoresetMode(autoreset_mode)
        except ValueError as error:
            raise ConfigError(
                f"autoreset_mode '{autoreset_mode}': expected one of {', '.join(mode.value for mode in AutoresetMode)}"
            ) from error
        self._settings, self.num_envs = settings, n
        self.metadata = {"render_modes": [], "autoreset_mode": self.autoreset_mode}
        self.render_mode = None
        self.spec = None
        self.single_observation_space = settings.model.observation_space
        self.single_action_space = settings.model.action_space
        self.observation_space = batch_space(self.single_observation_space, n)
        self.action_space = batch_space(self.single_action_space, n)
        self._dreaming = Dreaming(settings, n)
        self._generators: list[np.random.Generator] = []
        self._noise = np.random.default_rng()
        self._over = np.ones(n, dtype=bool)
        self._begun = False

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins episodes: of all, or with ``options={"reset_mask": flags}`` of those."""
        n = self.num_envs
        if seed is None:
            seeds: list[int | None] = [None] * n
        elif isinstance(seed, (int, np.integer)):
            first = int(seeded(seed) or 0)
            seeds = [first + i for i in range(n)]
        elif isinstance(seed, (list, tuple, np.ndarray)):
            seeds = [seeded(one) for one in seed]
        else:
            raise ConfigError(f"a seed is a whole number of 0 or more, or a list of {n} of them, got {seed!r}")
        if len(seeds) != n:
            raise ConfigError(f"there are {n} environments, so give one seed or {n} of them, not {len(seeds)}")
        options = dict(options or {})
        mask = np.ones(n, dtype=bool)
        if "reset_mask" in options:
            mask = _mask(options.pop("reset_mask"), n)
            if not self._begun and not mask.all():
                raise ConfigError("the first reset must be of all environments: leave reset_mask out")
        else:
            self._dreaming.refresh()
            known = [one for one in seeds if one is not None]
            if known or not self._generators:
                self._noise = np.random.default_rng(known or None)
        if not self._generators:
            self._generators = [seeding.np_random(None)[0] for _ in range(n)]
        infos: dict[str, Any] = {}
        for i in np.flatnonzero(mask):
            one = seeds[i]
            if one is not None:
                self._generators[i] = seeding.np_random(one)[0]
            _, info = self._dreaming.begin(int(i), self._generators[i], options)
            infos = self._add_info(infos, info, int(i))
        self._over[mask] = False
        self._begun = True
        return self._batch(), infos

    def step(self, actions: Any) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Imagines one step of each; see ``autoreset_mode`` for those whose episode ended before."""
        if not self._begun:
            raise ConfigError("no episode has begun: reset first")
        again = self._over.copy()
        if self.autoreset_mode is AutoresetMode.DISABLED and again.any():
            raise ConfigError(
                f"the episodes of environments {np.flatnonzero(again).tolist()} are over: reset them first with "
                'options={"reset_mask": flags}, or choose another autoreset_mode'
            )
        rows = action_rows(self.single_action_space, actions, self.num_envs)
        stepped = self._dreaming.step(rows, self._generators, int(self._noise.integers(1 << 63)), skip=again)
        self._over = stepped.terminated | stepped.truncated
        infos: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            for i in np.flatnonzero(self._over):
                final = {"final_obs": self._dreaming.element(int(i)), "final_info": stepped.info(int(i))}
                infos = self._add_info(infos, final, int(i))
            again = self._over
        for i in np.flatnonzero(again):
            _, info = self._dreaming.begin(int(i), self._generators[i], None)
            stepped.told(int(i), info)
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            self._over = np.zeros(self.num_envs, dtype=bool)
        infos |= stepped.infos()
        return self._batch(), stepped.rewards, stepped.terminated, stepped.truncated, infos

    def _batch(self) -> Any:
        space = self.single_observation_space
        rows = self._dreaming.observations
        if isinstance(space, gymnasium.spaces.Box):
            return rows.reshape(self.num_envs, *space.shape).astype(space.dtype)
        every = [self._dreaming.element(i) for i in range(self.num_envs)]
        return concatenate(space, every, cast(Any, create_empty_array(space, self.num_envs)))

    @property
    def np_random(self) -> Any:
        """The generator of each environment."""
        if not self._generators:
            self._generators = [seeding.np_random(None)[0] for _ in range(self.num_envs)]
        return tuple(self._generators)

    @np_random.setter
    def np_random(self, value: Any) -> None:
        self._generators = list(value)

    def __repr__(self) -> str:
        return f"DreamVectorEnv({self._settings.model!r}, num_envs={self.num_envs}, autoreset_mode={self.autoreset_mode.value!r})"


def _mask(given: Any, n: int) -> NDArray[np.bool_]:
    if not isinstance(given, np.ndarray) or given.dtype != np.bool_ or given.shape != (n,):
        raise ConfigError(f"reset_mask must be a NumPy array of {n} flags (dtype bool), got {given!r}")
    if not given.any():
        raise ConfigError("reset_mask chooses no environment")
    return given


def _spec(settings: Settings) -> gymnasium.envs.registration.EnvSpec:
    make: Callable[..., DreamEnv] = lambda **_: DreamEnv(settings)  # noqa: E731 - a spec copies all else that it holds
    return gymnasium.envs.registration.EnvSpec(id="worldwright/Dream-v0", entry_point=make, disable_env_checker=True)


__all__ = ["DreamEnv", "DreamVectorEnv", "as_env", "as_vector_env"]
