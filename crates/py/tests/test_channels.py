"""Names of an environment's numbers: no two the same, all of them words of a reward expression, the numbered ones of before too."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

import worldwright as wm
from worldwright import _native
from worldwright._environments import Source


def hand() -> spaces.Dict:
    return spaces.Dict(pos=spaces.Box(-1, 1, (1,)))


QUICK = {"agent.initial_steps": 4, "model.epochs": 1, "model.members": 1, "planner.population": 4, "planner.horizon": 2, "planner.iterations": 1}


class World(gymnasium.Env[Any, Any]):
    _max_episode_steps = 2

    def __init__(self, seen: Any, done: Any) -> None:
        self.observation_space, self.action_space = seen, done

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        self.steps = 0
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        return self.observation_space.sample(), 0.0, False, self.steps == 2, {}


def learned(world: World, expression: str, folder: Path) -> wm.Run:
    return wm.learn(
        world, algorithm="pets", steps=4, run_dir=folder, evaluation={"episodes": 1}, progress=False, settings=QUICK,
        reward={"kind": "expression", "expression": expression},
    )


NESTED: list[tuple[Any, Any]] = [
    (spaces.Dict(left=hand(), right=hand()), hand()),
    (hand(), spaces.Dict(pos=spaces.Box(-1, 1, (1,)), push=spaces.Box(-1, 1, (2,)))),
    (spaces.Tuple((hand(), hand())), spaces.Dict(left=hand(), right=hand())),
    (spaces.Dict(left=hand(), right=spaces.Tuple((hand(), hand()))), spaces.Dict(left=hand(), right=hand())),
]


@pytest.mark.parametrize("which", range(len(NESTED)))
def test_no_two_numbers_have_one_name_and_each_may_be_rewarded(which: int, tmp_path: Path) -> None:
    seen, done = NESTED[which]
    explored = _native.explore(source=Source(World(seen, done)), environment_name=None, steps=2, seed=0)
    observation, action = explored["observation_channels"], explored["action_channels"]
    assert len({*observation, *action}) == len(observation) + len(action) == spaces.flatdim(seen) + spaces.flatdim(done)
    words = [*observation, *action, *(f"next_{name}" for name in observation)]
    assert learned(World(seen, done), " + ".join(f"{name}/2" for name in words), tmp_path / "run").finished


def test_names_are_short_where_they_can_be() -> None:
    def names(seen: Any, done: Any) -> tuple[list[str], list[str]]:
        explored = _native.explore(source=Source(World(seen, done)), environment_name=None, steps=1, seed=0)
        return explored["observation_channels"], explored["action_channels"]

    assert names(*NESTED[0]) == (["left/pos[0]", "right/pos[0]"], ["pos[0]"])
    assert names(*NESTED[1]) == (["pos[0]"], ["action/pos[0]", "push[0]", "push[1]"])
    assert names(*NESTED[2])[0] == ["obs[0]/pos[0]", "obs[1]/pos[0]"]


def test_an_expression_of_numbered_names_is_still_read(tmp_path: Path) -> None:
    world = World(spaces.Discrete(3), spaces.Discrete(2))
    for i, expression in enumerate(("o2 - a1", "next_o0 + obs[1] + action[0]")):
        run = learned(world, expression, tmp_path / str(i))
        # Its bundle is loaded by what was written then.
        assert run.agent().act(np.int64(1)) in (0, 1)
    with pytest.raises(wm.ConfigError, match="o3"):
        learned(world, "o3", tmp_path / "no")


@pytest.mark.parametrize(
    ("names", "words"),
    [(["x", "x", "y"], "'x' twice"), (["x"], "1 names for 3 numbers"), (["pi", "x", "y"], "'pi'"), (["x", "y", "x-y"], "'x-y'")],
)
def test_names_that_nobody_could_tell_apart_are_refused(names: list[str], words: str, tmp_path: Path) -> None:
    world = World(spaces.Box(-9.0, 9.0, (3,), np.float64), spaces.Box(-1.0, 1.0, (1,), np.float64))
    world.observation_names = names  # type: ignore[attr-defined]
    with pytest.raises(wm.ConfigError, match=words):
        learned(world, names[0], tmp_path / "run")
