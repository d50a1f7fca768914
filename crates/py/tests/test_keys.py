"""Dict spaces whose keys are no text: an environment meets its own keys again, wherever an action or an observation comes from."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

import worldwright as wm

OBSERVED = spaces.Dict({0: spaces.Box(-1, 1, (2,)), 10: spaces.Discrete(3), 2: spaces.Box(-1, 1, (1,))})
DONE = spaces.Dict({0: spaces.Box(-1, 1, (1,)), 7: spaces.Tuple((spaces.Discrete(2), spaces.Dict({3: spaces.Box(0, 1, (1,))})))})
SMALL = {"name": "random-shooting", "population": 8, "horizon": 3}


class Keyed(gymnasium.Env[Any, Any]):
    """Refuses actions with other keys than its own."""

    observation_space, action_space = OBSERVED, DONE
    metadata = {"render_fps": 20}

    def _shown(self) -> dict[int, Any]:
        return {0: self.place.astype(np.float32), 10: self.time % 3, 2: np.zeros(1, np.float32)}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.place, self.time = np.zeros(2), 0
        return self._shown(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert list(action) == [0, 7] and list(action[7][1]) == [3], action
        self.time += 1
        self.place = np.clip(self.place + 0.1 * action[0][0], -1, 1)
        return self._shown(), float(self.place[0]), False, self.time >= 10, {}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "run"
    # The training episodes and the evaluation step the environment, which asserts its keys.
    wm.learn(
        Keyed(),
        algorithm="pets",
        model="linear",
        planner=SMALL,
        agent={"initial_steps": 20, "fit_every": 20},
        evaluation={"episodes": 1},
        steps=60,
        run_dir=folder,
        progress=False,
    )
    return folder


def test_what_a_run_learned_acts_plans_and_is_evaluated_with_the_environments_keys(run: Path) -> None:
    agent = wm.load(run, environment=Keyed())
    assert agent.action_space == DONE and agent.observation_space == OBSERVED
    environment = Keyed()
    seen, _ = environment.reset(seed=3)
    agent.begin(seen)
    for _ in range(3):
        action = agent.act(seen)
        assert DONE.contains({**action, 7: (int(action[7][0]), action[7][1])})
        seen, *_ = environment.step(action)
    assert all(list(action) == [0, 7] for action in agent.plan(seen).actions)
    assert agent.evaluate(episodes=1).lengths == [10]
    assert wm.collect(Keyed(), steps=15, policy=agent).action_space == DONE


def test_dreams_show_and_take_the_environments_keys(run: Path) -> None:
    agent = wm.load(run, environment=Keyed())
    dream = wm.as_env(agent, max_episode_steps=5)
    assert dream.observation_space == OBSERVED and dream.action_space == DONE
    seen, _ = dream.reset(seed=0)
    assert list(seen) == list(OBSERVED.spaces)
    seen, *_ = dream.step(dream.action_space.sample())
    assert list(seen) == list(OBSERVED.spaces)
    several = wm.as_vector_env(agent, 2, max_episode_steps=5)
    several.reset(seed=0)
    batch, *_ = several.step(several.action_space.sample())
    assert set(batch) == {0, 10, 2} and batch[0].shape == (2, 2)


def test_planners_over_a_fitted_model_give_the_spaces_own_keys() -> None:
    model = wm.Model("linear", observation_space=OBSERVED, action_space=DONE)
    assert model.action_space == DONE
    model.fit(wm.collect(Keyed(), steps=40))
    planner = wm.Planner(model=model, **SMALL)
    seen, _ = Keyed().reset(seed=0)
    action = planner.act(seen)
    assert list(action) == [0, 7] and list(action[7][1]) == [3]
    assert all(list(action) == [0, 7] for action in planner.plan(seen).actions)


def test_keys_of_text_stay_what_they_are() -> None:
    done = spaces.Dict({"1": spaces.Box(-1, 1, (1,)), "a": spaces.Discrete(2)})
    model = wm.Model.from_function(
        lambda o, a: o, observation_space=(np.full(2, -1.0), np.ones(2)), action_space=done, reward=lambda o, a, n: 0.0
    )
    action = wm.Planner(model=model, **SMALL).act(np.zeros(2))
    assert list(action) == ["1", "a"]
