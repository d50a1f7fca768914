"""PettingZoo's environments as single ones of Gymnasium's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ._contract import element
from .errors import ConfigError, UnsupportedError

MOST_CHOICES = 128
"""Joint choices up to which they stand in one list, where every pair of agents' choices can be learned apart; beyond, each agent chooses
for itself and the search is factored."""

Opponent = Callable[[Any, NDArray[np.bool_], np.random.Generator], int]
"""Chooses an action: from what the player sees, which actions are legal, and a generator for chance."""


def is_pettingzoo(given: Any) -> bool:
    """Whether it is one of PettingZoo's environments, parallel or turn by turn."""
    return hasattr(given, "possible_agents") and callable(getattr(given, "observation_space", None))


def from_pettingzoo(environment: Any, *, agent: str | None = None, opponent: Opponent | None = None) -> gymnasium.Env[Any, Any]:
    """A PettingZoo environment as a single one of Gymnasium's.

    A parallel environment becomes one for a joint agent: it sees what all agents see, flat and one after another, and chooses
    for all of them: boxes side by side, one choice for each combination of theirs where these are few, and else an action for each
    agent by its name. A game played turn by turn becomes one
    for one player, the others being part of the world.

    Args:
        environment: A parallel or a turn-based (AEC) environment.
        agent: Whose reward counts, and in a game who plays: the sum over all agents, and the first player, unless told otherwise.
        opponent: How the other players of a game choose: a function ``(observation, legal, generator) -> action``; at random
            among what is legal unless told otherwise.

    Raises:
        UnsupportedError: It does not fit: observations that are no numbers, or a game without discrete choices.
        ConfigError: There is no such agent.
    """
    if not is_pettingzoo(environment):
        raise ConfigError(f"{type(environment).__name__} is no PettingZoo environment")
    if agent is not None and agent not in environment.possible_agents:
        raise ConfigError(f"there is no agent '{agent}': there are {', '.join(environment.possible_agents)}")
    if hasattr(environment, "agent_iter"):
        return GameEnv(environment, agent=agent, opponent=opponent)
    if opponent is not None:
        raise ConfigError(
            "opponent goes with games played turn by turn; in a parallel environment the joint agent chooses for all"
        )
    return JointEnv(environment, agent=agent)


class JointEnv(gymnasium.Env[Any, Any]):
    """All agents of a parallel environment as one. Made by :func:`from_pettingzoo`."""

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self, environment: Any, *, agent: str | None) -> None:
        self.environment, self.agent = environment, agent
        self.agents: list[str] = list(environment.possible_agents)
        """All agents, in the order in which their numbers stand."""
        self._seen = [environment.observation_space(name) for name in self.agents]
        self._done = [environment.action_space(name) for name in self.agents]
        flat: list[Any] = [spaces.flatten_space(space) for space in self._seen]
        if not all(isinstance(space, spaces.Box) for space in flat):
            raise UnsupportedError("what an agent observes cannot be laid out as numbers")
        self.observation_space: spaces.Space[Any] = spaces.Box(
            np.concatenate([space.low.ravel() for space in flat]).astype(np.float64),
            np.concatenate([space.high.ravel() for space in flat]).astype(np.float64),
            dtype=np.dtype(np.float64),
        )
        self.action_space = self._joined()
        self.render_mode = None
        self._parts: list[NDArray[np.float64]] = []

    def _joined(self) -> spaces.Space[Any]:
        if all(isinstance(space, spaces.Box) for space in self._done):
            return spaces.Box(
                np.concatenate([space.low.ravel() for space in self._done]),
                np.concatenate([space.high.ravel() for space in self._done]),
                dtype=np.float32,
            )
        if all(isinstance(space, spaces.Discrete) for space in self._done):
            choices = math.prod(int(space.n) for space in self._done)
            if choices <= MOST_CHOICES:
                return spaces.Discrete(choices)
        # Pairs keep the agents' order, where a plain dict would be sorted.
        return spaces.Dict(list(zip(self.agents, self._done, strict=True)))

    def actions(self, joint: Any) -> dict[str, Any]:
        """What each agent does in a joint action."""
        if isinstance(self.action_space, spaces.Dict):
            return {name: joint[name] for name in self.agents}
        if isinstance(self.action_space, spaces.Discrete):
            chosen = np.unravel_index(int(joint), [space.n for space in self._done])
            return {name: int(part) + int(space.start) for name, part, space in zip(self.agents, chosen, self._done, strict=True)}
        places = np.cumsum([int(np.prod(space.shape)) for space in self._done])[:-1]
        parts = np.split(np.asarray(joint), places)
        return {
            name: part.reshape(space.shape).astype(space.dtype)
            for name, part, space in zip(self.agents, parts, self._done, strict=True)
        }

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Begins an episode."""
        super().reset(seed=seed)
        shown, infos = self.environment.reset(seed=seed, options=options)
        self._parts = [np.zeros(int(spaces.flatdim(space))) for space in self._seen]
        return self._observation(shown), infos

    def step(self, action: Any) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        """A step of all agents that are still there; of those that have left, what they saw last stays."""
        told = self.actions(action)
        living = list(self.environment.agents)
        shown, rewards, terminated, truncated, infos = self.environment.step({name: told[name] for name in living})
        if self.agent is None:
            reward = float(sum(rewards.values()))
            over = not self.environment.agents
            ended = over and all(terminated.get(name, True) for name in living)
        else:
            reward = float(rewards.get(self.agent, 0.0))
            ended = bool(terminated.get(self.agent, False))
            over = ended or bool(truncated.get(self.agent, False)) or not self.environment.agents
        return self._observation(shown), reward, ended, over and not ended, infos

    def _observation(self, shown: dict[str, Any]) -> NDArray[np.float64]:
        for i, (name, space) in enumerate(zip(self.agents, self._seen, strict=True)):
            if name in shown:
                self._parts[i] = np.asarray(spaces.flatten(space, shown[name]), dtype=np.float64)
        return np.concatenate(self._parts)

    def render(self) -> None:
        """There is no picture."""

    def close(self) -> None:
        """Closes the environment."""
        self.environment.close()


class GameEnv(gymnasium.Env[Any, int]):
    """A game played turn by turn, for one of its players. Made by :func:`from_pettingzoo`.

    ``info["legal"]`` tells which actions are legal, (n,). What an illegal one leads to is the game's own rule (most end, lost).
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self, environment: Any, *, agent: str | None, opponent: Opponent | None) -> None:
        self.environment = environment
        self.agent: str = agent or environment.possible_agents[0]
        """Who plays."""
        self._opponent = opponent or _at_random
        seen, done = environment.observation_space(self.agent), environment.action_space(self.agent)
        if not isinstance(done, spaces.Discrete):
            raise UnsupportedError(f"a game's actions must be discrete choices, got {done}")
        # Games of PettingZoo show the board beside the legal actions.
        self._masked = isinstance(seen, spaces.Dict) and "action_mask" in seen.spaces and "observation" in seen.spaces
        self.observation_space = seen["observation"] if self._masked else seen
        self.action_space = done
        self.render_mode = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins a game; players before this one have moved."""
        super().reset(seed=seed)
        self.environment.reset(seed=seed, options=options)
        self._play()
        return self._view()

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """A move, and those of the others until it is this player's turn again or the game is over."""
        if self._over():
            raise ConfigError("the game is over or has not begun: reset first")
        self.environment.step(int(action))
        reward = float(self.environment.rewards.get(self.agent, 0.0)) + self._play()
        terminated = bool(self.environment.terminations.get(self.agent, True))
        truncated = bool(self.environment.truncations.get(self.agent, False)) and not terminated
        observation, info = self._view()
        return observation, reward, terminated, truncated, info

    def _over(self) -> bool:
        game = self.environment
        return (
            self.agent not in getattr(game, "agents", ())
            or bool(game.terminations.get(self.agent, False))
            or bool(game.truncations.get(self.agent, False))
        )

    def _play(self) -> float:
        """The others' moves; what this player is paid meanwhile."""
        game, gained = self.environment, 0.0
        while not self._over() and game.agent_selection != self.agent:
            player = game.agent_selection
            if game.terminations[player] or game.truncations[player]:
                game.step(None)
                continue
            seen = game.observe(player)
            board, legal = self._split(seen, game.action_space(player), game.infos.get(player, {}))
            game.step(int(self._opponent(board, legal, self.np_random)))
            gained += float(game.rewards.get(self.agent, 0.0))
        return gained

    def _split(self, seen: Any, space: Any, info: dict[str, Any]) -> tuple[Any, NDArray[np.bool_]]:
        if isinstance(seen, dict) and "action_mask" in seen:
            return seen["observation"], np.asarray(seen["action_mask"], dtype=bool)
        mask = info.get("action_mask")
        return seen, np.ones(int(space.n), dtype=bool) if mask is None else np.asarray(mask, dtype=bool)

    def _view(self) -> tuple[Any, dict[str, Any]]:
        info = dict(getattr(self.environment, "infos", {}).get(self.agent, {}))
        board, legal = self._split(self.environment.observe(self.agent), self.action_space, info)
        return element(self.observation_space, board, f"the observation of {self.agent}"), {**info, "legal": legal}

    def render(self) -> None:
        """There is no picture."""

    def close(self) -> None:
        """Closes the game."""
        self.environment.close()


def _at_random(_observation: Any, legal: NDArray[np.bool_], generator: np.random.Generator) -> int:
    choices = np.flatnonzero(legal)
    if not len(choices):
        raise ConfigError("a player has no legal action, and the game is not over")
    return int(generator.choice(choices))
