"""``wm.build``: models designed for domains."""

from __future__ import annotations

from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest

import worldwright as wm
from worldwright import mcts

from test_planning import cost, pushed


def recorded(episodes: int = 6, steps: int = 40):
    rng = np.random.default_rng(1)
    seen, done = [], []
    for _ in range(episodes):
        observation = rng.normal(size=2)
        rows, actions = [observation], []
        for _ in range(steps):
            action = rng.uniform(-1, 1, 1)
            observation = pushed(observation, action)
            rows.append(observation)
            actions.append(action)
        seen.append(np.array(rows))
        done.append(np.array(actions))
    return seen, done


def test_the_founding_snippet_with_recorded_data() -> None:
    observations, actions = recorded()

    def fn(observation, action, following):
        return -(observation**2).sum(-1)

    domain = SimpleNamespace(action_space=gymnasium.spaces.Box(-1.0, 1.0, (1,)))
    domain.config = {"actions": actions, "observations": observations, "reward": fn}
    model = wm.build(config=domain.config, progress=False, finalists=1, most_models=3)
    planner = mcts.Planner(transition_fn=model, action_space=domain.action_space)
    planner = planner.rollout(10000)
    assert domain.action_space.contains(np.asarray(planner.action, dtype=np.float32))
    assert planner.value < 0
    assert model.reasons and model.candidates[0].model == model._found["label"]
    prediction = model.predict(observations[0][:5], actions[0][:5]).mean
    np.testing.assert_allclose(prediction, observations[0][1:6], atol=5e-2)


def test_the_founding_snippet_with_names_only() -> None:
    domain = SimpleNamespace(action_space=["left", "right"])
    domain.config = {"actions": ["left", "right"], "observations": ["x", "speed"], "reward": lambda o, a, n: 1.0 if a == "left" else 0.0}
    with pytest.warns(wm.WorldwrightWarning, match="nothing is known of how it moves"):
        model = wm.build(config=domain.config, progress=False)
    planner = mcts.Planner(transition_fn=model, action_space=domain.action_space)
    planner = planner.rollout(10000)
    assert planner.action == "left"


def test_known_dynamics_need_no_search() -> None:
    model = wm.build(
        {"actions": ([-1.0], [1.0]), "observations": ["position", "speed"], "transition": pushed, "reward": cost, "start": [0.0, 0.9]}
    )
    assert mcts.Planner(transition_fn=model).rollout(500).action[0] < 0


def test_an_environment_is_explored_and_designed_for() -> None:
    heard = []
    model = wm.build(
        "linear", seed=1, progress=False, most_models=2, finalists=1, trial_steps=200, follow=lambda kind, values: heard.append(kind)
    )
    assert "examined" in heard and heard[-1] == "chosen"
    assert model.start is not None and model.command.startswith("model=")
    planner = model.planner()
    assert planner.horizon == model.horizon
    assert planner.act(model.start) is not None


def test_a_file_describes_a_domain(tmp_path) -> None:
    (tmp_path / "domain.toml").write_text('environment = "linear"\nsteps = 200\nseed = 3\n')
    model = wm.build(tmp_path / "domain.toml", progress=False, most_models=1, finalists=1, trial_steps=100)
    assert isinstance(model, wm.DesignedModel)


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"reward": cost}, wm.ConfigError, "needs data, an environment or dynamics"),
        ({"acitons": []}, wm.ConfigError, "did you mean 'actions'"),
        ("missing.toml", wm.ConfigError, "cannot be read"),
        ({"observations": np.zeros((5, 2)), "actions": np.zeros((9, 1))}, wm.ConfigError, "one more observation"),
        ("pendulun", wm.UnknownNameError, "did you mean 'pendulum'"),
    ],
)
def test_what_is_wrong_is_said(config, error, message) -> None:
    with pytest.raises(error, match=message):
        wm.build(config, progress=False)
