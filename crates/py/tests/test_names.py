"""Parts and numbers that have names are matched by these, wherever data enter, and never by their places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm
from gymnasium import spaces

NUMBER = spaces.Box(-9.0, 9.0, (), np.float64)
SPACE = spaces.Dict(v=NUMBER, w=NUMBER)
ACTIONS = ([-1.0], [1.0])


def recorded(order: str, **more: Any) -> dict[str, Any]:
    """v lies in [-1, 1] and is paid, w in [5, 6]; nothing moves. Parts stand in this order, whatever they are called."""
    rng = np.random.default_rng(0)
    parts = {"v": rng.uniform(-1, 1, 60), "w": rng.uniform(5, 6, 60), **{name: np.zeros(60) for name in more}}
    seen = {name: parts[name] for name in order}
    return {"observations": seen, "next_observations": seen, "actions": np.zeros((60, 1)), "rewards": parts["v"]}


def paid(model: wm.Model) -> float:
    """What the model says that v = 0.5 pays."""
    return float(model.predict([{"v": 0.5, "w": 5.5}], np.zeros((1, 1))).rewards[0, 0])


@pytest.mark.parametrize("order", ["vw", "wv"])
def test_parts_are_matched_by_name(order: str, tmp_path: Path) -> None:
    def fitted(**columns: Any) -> wm.Model:
        model = wm.Model("linear", observation_space=SPACE, action_space=ACTIONS)
        model.fit(**columns)
        return model

    episodes = wm.data.episodes(recorded(order))
    assert paid(fitted(data=episodes)) == pytest.approx(0.5, abs=1e-3)
    assert paid(fitted(**recorded(order))) == pytest.approx(0.5, abs=1e-3)
    stored = wm.data.write(episodes, tmp_path / "store")
    assert paid(fitted(data=stored)) == pytest.approx(0.5, abs=1e-3)
    within = wm.data.episodes(episodes, observation_space=SPACE)
    assert np.ptp(within.observations[:, 1]) < 1 < within.observations[:, 1].min()
    listed = [{"observations": [{"v": 0.0, "w": 5.0}, {"w": 6.0, "v": 1.0}], "actions": [[0.5]], "rewards": [2.0]}]
    assert wm.data.episodes(listed)[0].observations.tolist() == [[0.0, 5.0], [1.0, 6.0]]


def test_parts_of_actions_are_matched_by_name() -> None:
    rng = np.random.default_rng(0)
    push, hold = rng.uniform(-1, 1, 60), rng.uniform(5, 6, 60)
    own = spaces.Dict([("push", NUMBER), ("hold", NUMBER)])
    model = wm.Model("linear", observation_space=([-9.0], [9.0]), action_space=own)
    seen = rng.uniform(-1, 1, (60, 1))
    model.fit(observations=seen, next_observations=seen, actions={"hold": hold, "push": push}, rewards=push)
    assert model.predict(np.zeros((1, 1)), [{"hold": 5.5, "push": 0.5}]).rewards[0, 0] == pytest.approx(0.5, abs=1e-3)


def test_missing_and_foreign_parts_are_refused() -> None:
    model = wm.Model("linear", observation_space=SPACE, action_space=ACTIONS)
    with pytest.raises(wm.ConfigError, match="'q', which the model does not know, and lack 'w' \\(nearest is 'q'\\)"):
        model.fit(**recorded("vq", q=0))
    with pytest.raises(wm.ConfigError, match="have the part 'q', which the model does not know"):
        model.fit(wm.data.episodes(recorded("vqw", q=0)))
    with pytest.raises(wm.ConfigError, match="lack the part 'w'"):
        model.fit(wm.data.episodes(recorded("v")))


class Two(gymnasium.Env[Any, Any]):
    """Shows v and w, and pays for v."""

    observation_space = SPACE
    action_space = spaces.Box(-1.0, 1.0, (1,), np.float64)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self.t = 0
        return {"v": 0.0, "w": 5.0}, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.t += 1
        return {"v": 0.1 * self.t, "w": 5.0}, 0.1 * self.t, False, self.t >= 8, {}


@pytest.mark.parametrize("order", ["vw", "wv"])
def test_runs_and_designs_match_parts_by_name(order: str, tmp_path: Path) -> None:
    data = wm.data.episodes(recorded(order))
    settings = {"agent.initial_steps": 1, "planner.horizon": 2}
    run = wm.learn(
        Two, data=data, steps=8, run_dir=tmp_path / "run", model="linear", planner="random-shooting", settings=settings, progress=False
    )
    assert paid(wm.load(run.folder, environment=Two).model) == pytest.approx(0.5, abs=0.05)
    with pytest.raises(wm.ConfigError, match="which python:Two does not know, and lack 'w'"):
        wm.learn(Two, data=recorded("vq", q=0), steps=8, run_dir=tmp_path / "none", progress=False)
    built = wm.build({"observation_space": SPACE, "action_space": ACTIONS, "data": data}, progress=False, time_limit=20, most_models=2)
    assert paid(built) == pytest.approx(0.5, abs=0.05)


TABLE = """episode,obs_theta_dot,obs_cos_theta,obs_sin_theta,action,reward
0,1.5,0.25,-0.5,0.1,-1.5
0,2.5,0.75,-0.75,0.3,-2.5
0,3.5,0.125,-1.0,,
"""


def test_names_of_columns_are_kept_and_a_mapping_says_their_order(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(TABLE)
    read = wm.data.read(tmp_path / "log.csv")
    assert read.observation_names == ["theta_dot", "cos_theta", "sin_theta"]
    again = wm.data.read(wm.data.write(read, tmp_path / "store"))
    assert again.observation_names == read.observation_names
    assert again[:1].observation_names == read.observation_names
    named = {"observation_a": "obs_cos_theta", "observation_b": "obs_theta_dot"}
    with pytest.warns(wm.WorldwrightWarning, match="left out: columns obs_sin_theta"):
        assert wm.data.read(tmp_path / "log.csv", columns=named)[0].observations[0].tolist() == [0.25, 1.5]
