"""PettingZoo's environments as single ones of Gymnasium's."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ._contract import element, flag, flags, reward
from ._known_spaces import known
from .errors import ConfigError, ExternalError, UnsupportedError, WorldwrightError, WorldwrightWarning

MOST_CHOICES = 128
"""Joint choices up to which they stand in one list, where every pair of agents' choices can be learned apart; beyond, each agent chooses
for itself and the search is factored."""

Opponent = Callable[[Any, NDArray[np.bool_], np.random.Generator], int]
"""Chooses an action: from what the player sees, which actions are legal, and a generator for chance."""


def is_pettingzoo(given: Any) -> bool:
    """Whether it is one of PettingZoo's environments, parallel or turn by turn."""
    return hasattr(given, "possible_agents") and callable(getattr(given, "observation_space", None))


def from_pettingzoo(
    environment: Any, *, agent: str | None = None, opponent: Opponent | None = None, illegal: str = "random"
) -> gymnasium.Env[Any, Any]:
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
        illegal: What an illegal action leads to in a game that tells which are legal: ``"random"`` plays one of the legal ones in its
            place, by chance, tells it as ``info["played"]`` and warns of it once; ``"lose"`` hands it to the game, by whose own rule most
            such games are lost.

    Raises:
        UnsupportedError: It does not fit: observations that are no numbers, or a game without discrete choices.
        ConfigError: There is no such agent, or a setting is wrong.
    """
    if not is_pettingzoo(environment):
        raise ConfigError(f"{type(environment).__name__} is no PettingZoo environment")
    if not len(environment.possible_agents):
        raise ConfigError(f"{_who(environment)} has no agents: its possible_agents are empty")
    if agent is not None and agent not in environment.possible_agents:
        raise ConfigError(f"there is no agent {agent!r}: there are {', '.join(map(repr, environment.possible_agents))}")
    if opponent is not None and not callable(opponent):
        raise ConfigError(f"opponent is no function (observation, legal, generator) -> action: {opponent!r}")
    if illegal not in ("random", "lose"):
        raise ConfigError(f"illegal is {illegal!r}, expected 'random' or 'lose'")
    if hasattr(environment, "agent_iter"):
        return GameEnv(environment, agent=agent, opponent=opponent, illegal=illegal)
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
        self.agents: list[Any] = list(environment.possible_agents)
        """All agents, in the order in which their numbers stand."""
        self._who = _who(environment)
        self._seen = [_space(environment, "observation_space", name) for name in self.agents]
        self._done = [_space(environment, "action_space", name) for name in self.agents]
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
        names = [str(name) for name in self.agents]
        if len(set(names)) < len(names):
            raise ConfigError(f"two agents of {self._who} have the same name, written out: {', '.join(map(repr, self.agents))}")
        return spaces.Dict(list(zip(names, self._done, strict=True)))

    def actions(self, joint: Any) -> dict[str, Any]:
        """What each agent does in a joint action."""
        if isinstance(self.action_space, spaces.Dict):
            return {name: joint[str(name)] for name in self.agents}
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
        answer = self.environment.reset(seed=seed, options=options)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise ConfigError(f"reset of {self._who} gave {_kind(answer)}, expected (observations, infos) of PettingZoo's parallel API")
        shown, infos = answer
        if not self.environment.agents:
            raise ConfigError(f"{self._who} has no agents after its reset: set its agents there")
        self._parts = [np.zeros(int(spaces.flatdim(space))) for space in self._seen]
        self._told("observations", shown, self.environment.agents)
        return self._observation(shown), infos if isinstance(infos, dict) else {}

    def step(self, action: Any) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        """A step of all agents that are still there; of those that have left, what they saw last stays."""
        told = self.actions(action)
        acting = list(self.environment.agents)
        answer = self.environment.step({name: told[name] for name in acting})
        if not isinstance(answer, tuple) or len(answer) != 5:
            raise ConfigError(
                f"step of {self._who} gave {_kind(answer)}, expected five of PettingZoo's parallel API: (observations, rewards, terminations, "
                "truncations, infos)"
            )
        shown, paid, terminations, truncations, infos = answer
        # Those that leave with this step may be left out of what it tells.
        living = [name for name in acting if name in self.environment.agents]
        answers = {"observations": shown, "rewards": paid, "terminations": terminations, "truncations": truncations}
        for what, by_agent in answers.items():
            self._told(what, by_agent, living)
        rewards = {name: reward(value, f"agent {name!r} of {self._who}") for name, value in paid.items()}
        ended = {name: flag(value, f"the termination of agent {name!r} of {self._who}") for name, value in terminations.items()}
        cut = {name: flag(value, f"the truncation of agent {name!r} of {self._who}") for name, value in truncations.items()}
        all_left = not self.environment.agents
        if self.agent is None:
            gained = float(sum(rewards.values()))
            terminated = all_left and all(ended.get(name, True) for name in acting)
            over = all_left
        else:
            gained = rewards.get(self.agent, 0.0)
            terminated = ended.get(self.agent, False)
            over = terminated or cut.get(self.agent, False) or all_left
        return self._observation(shown), gained, terminated, over and not terminated, infos if isinstance(infos, dict) else {}

    def _told(self, what: str, by_agent: Any, living: list[Any]) -> None:
        """Refuses what does not tell of every agent that lives."""
        if not isinstance(by_agent, Mapping):
            raise ConfigError(f"the {what} of {self._who} are {by_agent!r}, expected a dict by agent")
        missing = [name for name in living if name not in by_agent]
        if missing:
            raise ConfigError(
                f"the {what} of {self._who} lack {', '.join(map(repr, missing))}: give one for every agent of its agents, or take those "
                "that left out of these"
            )

    def _observation(self, shown: Mapping[Any, Any]) -> NDArray[np.float64]:
        for i, (name, space) in enumerate(zip(self.agents, self._seen, strict=True)):
            if name in shown:
                seen = element(space, shown[name], f"the observation of agent {name!r} of {self._who}")
                self._parts[i] = np.asarray(spaces.flatten(space, seen), dtype=np.float64)
        return np.concatenate(self._parts)

    def render(self) -> None:
        """There is no picture."""

    def close(self) -> None:
        """Closes the environment."""
        self.environment.close()


class GameEnv(gymnasium.Env[Any, int]):
    """A game played turn by turn, for one of its players. Made by :func:`from_pettingzoo`.

    ``info["legal"]`` tells which actions are legal, (n,), and ``info["played"]`` which one was played where the one told was not.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self, environment: Any, *, agent: str | None, opponent: Opponent | None, illegal: str) -> None:
        self.environment = environment
        self.agent: Any = environment.possible_agents[0] if agent is None else agent
        """Who plays."""
        self._opponent = opponent or _at_random
        self._replacing, self._warned, self._who = illegal == "random", False, _who(environment)
        seen, done = _space(environment, "observation_space", self.agent), _space(environment, "action_space", self.agent)
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
        told = self._choice(action, self.action_space, f"the action of {self.agent!r}")
        _, legal = self._shown(self.agent)
        played = self._allowed(told, legal, f"{self.agent!r} was told")
        self._move(played, self.agent)
        gained = self._paid() + self._play()
        terminated = self._flag("terminations", self.agent, True)
        truncated = self._flag("truncations", self.agent, False) and not terminated
        observation, info = self._view()
        if played != told:
            info["played"] = played
        return observation, gained, terminated, truncated, info

    def _choice(self, given: Any, space: spaces.Space[Any], what: str) -> int:
        """One of a player's choices."""
        return int(element(space, given, f"{what} in {self._who}"))

    def _allowed(self, action: int, legal: NDArray[np.bool_], whose: str) -> int:
        """The action, or a legal one where it is not."""
        if not self._replacing or legal[action] or not legal.any():
            return action
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"{self._who}: {whose} action {action}, which is illegal there; a legal one is played by chance in place of every such action "
                "and told as info['played']. Choose by info['legal'], or give illegal='lose' to from_pettingzoo to keep the game's own rule",
                WorldwrightWarning,
                stacklevel=3,
            )
        return _at_random(None, legal, self.np_random)

    def _move(self, action: int, player: Any) -> None:
        try:
            self.environment.step(action)
        except WorldwrightError:
            raise
        except Exception as error:
            raise ExternalError(f"step of {self._who} failed at action {action} of {player!r}: {type(error).__name__}: {error}") from error

    def _paid(self) -> float:
        return reward(self.environment.rewards.get(self.agent, 0.0), f"agent {self.agent!r} of {self._who}")

    def _flag(self, what: str, player: Any, left: bool) -> bool:
        """Whether a player's game is over in that way; ``left`` for those who are not there any more."""
        return flag(getattr(self.environment, what).get(player, left), f"the {what[:-1]} of agent {player!r} of {self._who}")

    def _over(self) -> bool:
        there = self.agent in getattr(self.environment, "agents", ())
        return not there or self._flag("terminations", self.agent, False) or self._flag("truncations", self.agent, False)

    def _play(self) -> float:
        """The others' moves; what this player is paid meanwhile."""
        game, gained = self.environment, 0.0
        while not self._over() and game.agent_selection != self.agent:
            player = game.agent_selection
            if self._flag("terminations", player, False) or self._flag("truncations", player, False):
                game.step(None)
                continue
            board, legal = self._shown(player)
            space = _space(game, "action_space", player)
            chosen = self._choice(self._opponent(board, legal.copy(), self.np_random), space, f"what the opponent chose for {player!r}")
            self._move(self._allowed(chosen, legal, f"the opponent chose for {player!r}"), player)
            gained += self._paid()
        return gained

    def _shown(self, player: Any) -> tuple[Any, NDArray[np.bool_]]:
        """What a player sees, and which actions are legal."""
        seen = self.environment.observe(player)
        if isinstance(seen, dict) and "action_mask" in seen:
            board, mask = seen["observation"], seen["action_mask"]
        else:
            board, mask = seen, (self.environment.infos.get(player) or {}).get("action_mask")
        count = int(self.environment.action_space(player).n)
        if mask is None:
            return board, np.ones(count, dtype=bool)
        return board, flags(mask, (count,), f"the action_mask of agent {player!r} of {self._who}")

    def _view(self) -> tuple[Any, dict[str, Any]]:
        info = dict(getattr(self.environment, "infos", {}).get(self.agent) or {})
        board, legal = self._shown(self.agent)
        return np.asarray(board, dtype=self.observation_space.dtype), {**info, "legal": legal}

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


def _who(environment: Any) -> str:
    # The classes of PettingZoo's own are all called raw_env; their metadata have the name.
    kind = type(getattr(environment, "unwrapped", environment)).__name__
    return str((getattr(environment, "metadata", None) or {}).get("name", kind)) if kind in ("raw_env", "parallel_env") else kind


def _kind(answer: Any) -> str:
    return f"{len(answer)} values" if isinstance(answer, (tuple, list)) else type(answer).__name__


def _space(environment: Any, what: str, player: Any) -> Any:
    return known(getattr(environment, what)(player), f"the {what} of agent {player!r} of {_who(environment)}")
