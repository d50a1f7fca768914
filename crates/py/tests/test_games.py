"""PettingZoo's environments are held to their contract, and illegal actions do not lose games in silence."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm
from gymnasium import spaces

pettingzoo = pytest.importorskip("pettingzoo")


class Walkers(pettingzoo.ParallelEnv):  # type: ignore[misc]
    """Agents that count steps; what a step gives is changed by ``change``. The last agent leaves at step 2."""

    metadata: dict[str, Any] = {"name": "walkers"}

    def __init__(self, names: Any = ("zed", "amy"), change: Callable[[Any], Any] = lambda answer: answer, seen: Any = None) -> None:
        self.possible_agents, self.change = list(names), change
        self.seen = seen or spaces.Box(-9.0, 9.0, (1,))

    def observation_space(self, agent: Any) -> gymnasium.Space[Any]:
        return self.seen

    def action_space(self, agent: Any) -> gymnasium.Space[Any]:
        return spaces.Discrete(2) if agent == self.possible_agents[0] else spaces.Box(-1.0, 1.0, (2,))

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.agents, self.count = list(self.possible_agents), 0
        return self._shown(), {name: {} for name in self.agents}

    def step(self, actions: dict[Any, Any]) -> Any:
        self.told, self.count = actions, self.count + 1
        acting = list(self.agents)
        over = {name: self.count >= (2 if name == self.possible_agents[-1] else 4) for name in acting}
        answer = (self._shown(), dict.fromkeys(acting, 1.0), over, dict.fromkeys(acting, False), {})
        self.agents = [name for name in acting if not over[name]]
        return self.change(answer)

    def _shown(self) -> Any:
        return {name: np.full(1, self.count, np.float32) for name in self.agents}


def put(place: int, value: Any) -> Callable[[Any], Any]:
    return lambda answer: (*answer[:place], value(answer[place]), *answer[place + 1 :])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put(0, lambda shown: {}), "the observations of Walkers lack 'zed', 'amy'"),
        (put(1, lambda paid: {"amy": 1.0}), "the rewards of Walkers lack 'zed'"),
        (put(2, lambda ended: {}), "the terminations of Walkers lack"),
        (put(3, lambda cut: None), "the truncations of Walkers are None, expected a dict"),
        (put(1, lambda paid: dict.fromkeys(paid, None)), "the reward of agent 'zed' of Walkers: got None"),
        (put(1, lambda paid: dict.fromkeys(paid, np.nan)), "the reward of agent 'zed' of Walkers is nan"),
        (put(2, lambda ended: dict.fromkeys(ended, "False")), "termination of agent 'zed' of Walkers is 'False', expected True or False"),
        (put(0, lambda shown: dict.fromkeys(shown, np.full(1, np.nan))), r"the observation of agent 'zed' of Walkers holds nan"),
        (lambda answer: answer[:4], "step of Walkers gave 4 values, expected five"),
    ],
)
def test_what_a_parallel_environment_gives_wrong_is_said(change: Callable[[Any], Any], says: str) -> None:
    joint = wm.from_pettingzoo(Walkers(change=change))
    joint.reset(seed=0)
    with pytest.raises(wm.WorldwrightError, match=says):
        joint.step({"zed": 1, "amy": np.zeros(2, np.float32)})


def test_those_that_left_need_tell_nothing() -> None:
    joint = wm.from_pettingzoo(Walkers())
    joint.reset(seed=0)
    steps = [joint.step({"zed": 1, "amy": np.zeros(2, np.float32)}) for _ in range(4)]
    assert [step[1] for step in steps] == [2.0, 2.0, 1.0, 1.0] and [step[2] for step in steps] == [False, False, False, True]
    np.testing.assert_array_equal(steps[-1][0], [4.0, 2.0])


def test_agents_may_be_called_by_numbers() -> None:
    inner = Walkers(names=(10, 2))
    joint = wm.from_pettingzoo(inner, agent=10)  # type: ignore[arg-type]
    assert list(joint.action_space) == ["10", "2"]  # type: ignore[call-overload]
    joint.reset(seed=0)
    joint.step(joint.action_space.sample())
    assert list(inner.told) == [10, 2]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: wm.from_pettingzoo(Walkers(names=())), "Walkers has no agents"),
        (lambda: wm.from_pettingzoo(Walkers(names=(1, "1"))), "two agents of Walkers have the same name"),
        (lambda: wm.from_pettingzoo(Walkers(seen=spaces.Text(3))), "the observation_space of agent 'zed' of Walkers is a Text"),
        (lambda: wm.from_pettingzoo(Walkers(), illegal="win"), "expected 'random' or 'lose'"),
        (lambda: wm.from_pettingzoo(Walkers(), opponent="best"), "opponent is no function"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_played_is_said(make: Callable[[], Any], says: str) -> None:
    with pytest.raises(wm.ConfigError, match=says):
        make()


def last(board: Any, legal: np.ndarray, generator: Any) -> int:
    return int(np.flatnonzero(legal)[-1])


@pytest.mark.parametrize("kind", ["env", "raw_env"])
def test_an_illegal_action_is_replaced_and_told_once(kind: str) -> None:
    pytest.importorskip("pygame")
    from pettingzoo.classic import tictactoe_v3 as tictactoe

    game = wm.from_pettingzoo(getattr(tictactoe, kind)(), opponent=last)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for seed in range(5):
            _, info = game.reset(seed=seed)
            over, count = False, 0
            while not over:
                legal = info["legal"]
                _, _, over, _, info = game.step(0)
                count += 1
                assert legal[0] == (count == 1) and ("played" in info) == (count > 1)
                assert legal[info.get("played", 0)]
            assert count >= 3, "no game is over before three moves of one's own"
    told = [str(one.message) for one in caught if issubclass(one.category, wm.WorldwrightWarning)]
    assert len(told) == 1 and "tictactoe_v3: 'player_1' was told action 0" in told[0]


def test_the_games_own_rule_is_kept_where_asked() -> None:
    pytest.importorskip("pygame")
    from pettingzoo.classic import tictactoe_v3 as tictactoe

    game = wm.from_pettingzoo(tictactoe.env(), opponent=last, illegal="lose")
    game.reset(seed=0)
    game.step(0)
    _, reward, terminated, _, _ = game.step(0)
    assert reward == -1.0 and terminated
    bare = wm.from_pettingzoo(tictactoe.raw_env(), opponent=last, illegal="lose")
    bare.reset(seed=0)
    bare.step(0)
    with pytest.raises(wm.ExternalError, match="step of tictactoe_v3 failed at action 0 of 'player_1'"):
        bare.step(0)


@pytest.mark.parametrize("bad", [99, -1, 0.5, None, "left", np.nan])
def test_what_is_no_action_of_a_game_is_refused(bad: Any) -> None:
    pytest.importorskip("pygame")
    from pettingzoo.classic import tictactoe_v3 as tictactoe

    game = wm.from_pettingzoo(tictactoe.env(), opponent=lambda *_: bad)
    game.reset(seed=0)
    with pytest.raises(wm.WorldwrightError, match="what the opponent chose for 'player_2' in tictactoe_v3"):
        game.step(0)
    game.reset(seed=0)
    with pytest.raises(wm.WorldwrightError, match="the action of 'player_1' in tictactoe_v3"):
        game.step(bad)
