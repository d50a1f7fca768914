"""PettingZoo's environments as single ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm
from gymnasium.utils.env_checker import check_env

pettingzoo = pytest.importorskip("pettingzoo")


class Chase(pettingzoo.ParallelEnv):  # type: ignore[misc]
    """Two on a line. The hare leaves when it is caught, or at its third step when it is asked to."""

    metadata: dict[str, Any] = {"name": "chase"}
    possible_agents = ["fox", "hare"]

    def __init__(self, actions: list[gymnasium.Space[Any]]) -> None:
        self.spaces = dict(zip(self.possible_agents, actions, strict=True))

    def observation_space(self, agent: str) -> gymnasium.Space[Any]:
        return gymnasium.spaces.Box(-9.0, 9.0, (1 if agent == "fox" else 2,), np.float64)

    def action_space(self, agent: str) -> gymnasium.Space[Any]:
        return self.spaces[agent]

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        self.agents = list(self.possible_agents)
        self.fox, self.hare = 0.0, 4.0
        return self._shown(), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, Any]) -> Any:
        self.told = actions
        self.fox += float(np.sum(actions.get("fox", 0)))
        self.hare += float(np.sum(actions.get("hare", 0)))
        gap = abs(self.hare - self.fox)
        shown = self._shown()
        caught = gap < 1.0
        living = list(self.agents)
        rewards = {agent: gap if agent == "hare" else -gap / 2 for agent in living}
        terminated = dict.fromkeys(living, caught)
        truncated = {agent: self.fox > 5.0 for agent in living}
        if caught or self.fox > 5.0:
            self.agents = []
        return shown, rewards, terminated, truncated, {agent: {} for agent in living}

    def _shown(self) -> dict[str, Any]:
        shown = {"fox": np.array([self.fox]), "hare": np.array([self.hare, self.fox])}
        return {agent: shown[agent] for agent in self.agents}


def test_two_that_choose_become_one() -> None:
    inner = Chase([gymnasium.spaces.Discrete(3), gymnasium.spaces.Discrete(2, start=5)])
    joint = wm.from_pettingzoo(inner)
    assert joint.action_space == gymnasium.spaces.Discrete(6)
    assert joint.observation_space.shape == (3,)
    observation, _ = joint.reset(seed=0)
    assert observation.tolist() == [0.0, 4.0, 0.0]
    observation, reward, terminated, truncated, _ = joint.step(5)
    assert inner.told == {"fox": 2, "hare": 6}
    assert observation.tolist() == [2.0, 10.0, 2.0]
    assert (reward, terminated, truncated) == (8.0 - 4.0, False, False)
    assert len({tuple(joint.actions(i).items()) for i in range(6)}) == 6


def test_two_boxes_become_one_and_one_reward_counts() -> None:
    inner = Chase([gymnasium.spaces.Box(-1.0, 1.0, (1,)), gymnasium.spaces.Box(-2.0, 2.0, (2,))])
    joint = wm.from_pettingzoo(inner, agent="fox")
    assert joint.action_space.shape == (3,)
    joint.reset(seed=0)
    observation, reward, terminated, truncated, _ = joint.step(np.array([1.0, -1.0, -1.5]))
    assert observation.tolist() == [1.0, 1.5, 1.0]
    assert (reward, terminated, truncated) == (-0.25, True, False)
    check_env(wm.from_pettingzoo(inner))


@pytest.mark.parametrize(
    "actions",
    [
        [gymnasium.spaces.Discrete(3, start=1), gymnasium.spaces.Box(-1.0, 1.0, (1,))],
        [gymnasium.spaces.Discrete(40), gymnasium.spaces.Discrete(40, start=-20)],
    ],
)
def test_actions_of_mixed_kinds_and_of_many_choices_go_by_agent(actions: list[gymnasium.Space[Any]], tmp_path: Path) -> None:
    inner = Chase(actions)
    joint = wm.from_pettingzoo(inner)
    assert list(joint.action_space) == ["fox", "hare"]
    joint.reset(seed=0)
    joint.step({"hare": actions[1].sample(), "fox": actions[0].sample()})
    assert all(space.contains(inner.told[name]) for name, space in zip(inner.possible_agents, actions, strict=True))
    run = wm.learn(joint, model="linear", steps=12, run_dir=tmp_path / "run", progress=False, agent={"initial_steps": 6}, evaluation={"episodes": 1})
    assert joint.action_space.contains(run.agent().act(joint.reset(seed=1)[0]))


def test_who_does_not_play_is_told() -> None:
    mixed = Chase([gymnasium.spaces.Discrete(3), gymnasium.spaces.Box(-1.0, 1.0, (1,))])
    with pytest.raises(wm.ConfigError, match="no agent 'wolf'"):
        wm.from_pettingzoo(mixed, agent="wolf")


def test_a_game_for_one_player() -> None:
    pytest.importorskip("pygame")
    from pettingzoo.classic import tictactoe_v3 as tictactoe

    moves: list[int] = []

    def first_free(board: np.ndarray, legal: np.ndarray, rng: np.random.Generator) -> int:
        moves.append(int(np.flatnonzero(legal)[0]))
        return moves[-1]

    game = wm.from_pettingzoo(tictactoe.env(), opponent=first_free)
    assert game.action_space == gymnasium.spaces.Discrete(9)
    board, info = game.reset(seed=0)
    assert board.shape == (3, 3, 2) and not board.any() and info["legal"].all()
    # Squares are numbered down the columns: 8, 7, 6 win while the other takes 0 and 1.
    for square, over in ((8, False), (7, False), (6, True)):
        board, reward, terminated, truncated, info = game.step(square)
        assert (terminated, truncated) == (over, False)
    assert reward == 1.0 and moves == [0, 1]
    with pytest.raises(wm.ConfigError, match="game is over"):
        game.step(2)
    # As the second player, the other has moved first; losing costs.
    moves.clear()
    second = wm.from_pettingzoo(tictactoe.env(), agent="player_2", opponent=first_free)
    board, info = second.reset(seed=0)
    assert info["legal"].sum() == 8 and moves == [0]
    second.step(8), second.step(7)
    assert moves == [0, 1, 2]


def test_a_game_is_collected_and_learned_from() -> None:
    pytest.importorskip("pygame")
    from pettingzoo.classic import tictactoe_v3 as tictactoe

    # Who chooses at random knows no rules: said once, and played as the rules allow.
    with pytest.warns(wm.WorldwrightWarning, match="illegal there"):
        games = wm.collect(tictactoe.env(), steps=60, seed=0)
    assert games.terminated[:-1].all() and set(games.rewards) <= {-1.0, 0.0, 1.0}
    report = wm.Model("linear", observation_space=games.observation_space, action_space=games.action_space).fit(games)
    assert np.isfinite(report.training_loss)


def test_rock_paper_scissors_at_once() -> None:
    pytest.importorskip("pygame")
    from pettingzoo.classic import rps_v2

    joint = wm.from_pettingzoo(rps_v2.parallel_env(), agent="player_0")
    assert joint.action_space == gymnasium.spaces.Discrete(9)
    joint.reset(seed=0)
    paid = {}
    for choice in range(9):
        _, paid[choice], *_ = joint.step(choice)
    # Of rock, paper and scissors each beats the one before it.
    assert [paid[3 * mine + other] for mine in range(3) for other in range(3)] == [0, -1, 1, 1, 0, -1, -1, 1, 0]
    episodes = wm.collect(rps_v2.parallel_env(), steps=30, seed=0)
    assert episodes.steps == 30 and not episodes.rewards.any(), "what one wins the other loses"


def test_learning_takes_a_game_directly(tmp_path: Any) -> None:
    pytest.importorskip("pygame")
    from pettingzoo.classic import tictactoe_v3 as tictactoe

    with pytest.warns(wm.WorldwrightWarning, match="illegal there"):
        run = wm.learn(
            tictactoe.env(),
            steps=30,
            run_dir=tmp_path / "run",
            model="linear",
            agent={"initial_steps": 30},
            progress=False,
            settings={"evaluation.episodes": 1, "planner.horizon": 2},
        )
    assert wm.data.episodes(run).steps == 30
