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
    assert "examined" in heard and heard.index("chosen") == len(heard) - 1
    assert model.start is not None and model.command.startswith("model=")
    planner = model.planner()
    assert planner.horizon == model.horizon
    assert planner.act(model.start) is not None


def test_a_file_describes_a_domain(tmp_path) -> None:
    (tmp_path / "domain.toml").write_text('environment = "linear"\nsteps = 200\nseed = 3\n')
    model = wm.build(tmp_path / "domain.toml", progress=False, most_models=1, finalists=1, trial_steps=100)
    assert isinstance(model, wm.DesignedModel)


def cheap(config, **more):
    """A search of one model and a few short trials."""
    return wm.build(config, progress=False, most_models=1, finalists=1, trial_steps=80, **more)


def columns():
    observations, actions = recorded(4, 20)
    return {
        "observations": np.concatenate([rows[:-1] for rows in observations]),
        "actions": np.concatenate(actions),
        "next_observations": np.concatenate([rows[1:] for rows in observations]),
        "rewards": np.concatenate([-(rows[1:] ** 2).sum(-1) for rows in observations]),
        "truncated": np.tile(np.arange(20) == 19, 4),
    }


def test_data_bring_their_spaces() -> None:
    table = columns()
    rows = [
        {"observations": seen, "actions": done, "rewards": -(seen[1:] ** 2).sum(-1), "truncated": True}
        for seen, done in zip(*recorded(4, 20), strict=True)
    ]
    for data in (table, wm.data.episodes(rows), rows):
        model = cheap(None, data=data)
        assert model.start is not None and model.horizon >= 1
        np.testing.assert_allclose(model.predict(table["observations"][:3], table["actions"][:3]).mean, table["next_observations"][:3], atol=0.1)
    given = wm.data.dataset(table)
    with pytest.raises(wm.ConfigError, match="say beside it what can be done, as action_space="):
        cheap({"data": given})
    assert cheap({"data": given, "action_space": gymnasium.spaces.Box(-1.0, 1.0, (1,))}).candidates


def test_an_environment_beside_data_says_what_can_be_done_and_judges() -> None:
    environment = gymnasium.make("Pendulum-v1", max_episode_steps=20)
    rng = np.random.default_rng(0)
    episodes = []
    for seed in range(3):
        seen, done, paid = [environment.reset(seed=seed)[0]], [], []
        for _ in range(20):
            done.append(rng.uniform(-2, 2, 1))
            observation, reward, *_ = environment.step(done[-1])
            seen.append(observation)
            paid.append(reward)
        episodes.append({"observations": np.array(seen), "actions": np.array(done), "rewards": np.array(paid), "truncated": True})
    model = cheap({"environment": environment, "data": episodes})
    assert model._found["judge"] == "the environment"


def test_flags_of_episodes_may_be_one_or_one_a_step() -> None:
    observations, actions = recorded(4, 20)
    for ends in ([False] * 4, [np.arange(20) == 19] * 4):
        assert cheap({"observations": observations, "actions": actions, "rewards": [np.ones(20)] * 4, "terminated": ends}).candidates


def test_a_yaml_file_describes_a_domain(tmp_path) -> None:
    pytest.importorskip("yaml")
    (tmp_path / "domain.yaml").write_text("environment: linear\nsteps: 100\n")
    assert isinstance(cheap(str(tmp_path / "domain.yaml")), wm.DesignedModel)
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(wm.ConfigError, match="expected settings by name"):
        wm.build(tmp_path / "empty.yaml")
    (tmp_path / "empty.toml").write_text("")
    with pytest.raises(wm.ConfigError, match="needs data, an environment or dynamics"):
        wm.build(tmp_path / "empty.toml")
    (tmp_path / "broken.toml").write_text("environment = ")
    with pytest.raises(wm.ConfigError, match="broken.toml cannot be read"):
        wm.build(tmp_path / "broken.toml")


def test_a_reward_that_is_no_number_is_refused() -> None:
    observations, actions = recorded(4, 20)
    with pytest.raises(wm.ExternalError, match="reward: NaN for row 0, observation"):
        cheap({"observations": observations, "actions": actions, "reward": lambda o, a, n: n[..., 0] * np.nan})


def spoilt(place: str, episode: int = 1, row: int = 3):
    observations, actions = recorded(4, 20)
    parts = {"observations": observations, "actions": actions, "rewards": [np.ones(20) for _ in range(4)]}
    parts[place][episode][row] = np.nan
    return parts


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        (spoilt("observations"), wm.DivergedError, "observations of episode 1: row 3 holds NaN"),
        (spoilt("actions"), wm.DivergedError, "actions of episode 1: row 3 holds NaN"),
        (spoilt("rewards"), wm.DivergedError, "rewards of episode 1: row 3 holds NaN"),
        ({"observations": np.zeros((30, 2))}, wm.ConfigError, "observations were recorded and actions were not"),
        ({"observations": recorded(3)[0], "actions": recorded(2)[1]}, wm.ConfigError, "of 3 episodes and actions of 2"),
        ({"observations": [np.zeros((5, 2)), np.zeros((5, 3))], "actions": [np.zeros((4, 1))] * 2}, wm.ShapeError, r"observations of episode 1: expected shape \[2\], got \[3\]"),
        ({"observations": [[1.0, 2.0], [3.0]], "actions": np.zeros((1, 1))}, wm.ShapeError, "no array of numbers"),
        ({"observations": np.zeros((30, 2)), "actions": np.zeros((29, 1)), "rewards": np.zeros(7)}, wm.ShapeError, r"rewards of episode 0: expected shape \[29\], got \[7\]"),
        ({"observations": [], "actions": []}, wm.ConfigError, "are empty"),
        ({"observations": np.zeros((6, 2)), "actions": np.zeros((5, 1))}, wm.ConfigError, "needs at least 20 transitions"),
        ({"data": {"observations": np.zeros((30, 2)), "actions": np.zeros((30, 1))}}, wm.ConfigError, "next_observation: there is no such column"),
        ({"data": {**columns(), "rewards": np.full(80, np.nan)}}, wm.DivergedError, "not finite"),
        ({"data": {**columns(), "actions": np.zeros((79, 1))}}, wm.ShapeError, r"column 'actions': expected shape \[80\], got \[79\]"),
        ({"environment": "pendulum", "steps": "many"}, wm.ConfigError, "steps is a whole number"),
        ({"environment": "pendulum", "discount": 2}, wm.ConfigError, "discount is a number from 0 to 1"),
        ({}, wm.ConfigError, "needs data, an environment or dynamics"),
        (None, wm.ConfigError, "needs data, an environment or dynamics"),
        (42, wm.ConfigError, "is no environment"),
    ],
)
def test_bad_data_are_refused_in_words(config, error, message) -> None:
    with pytest.raises(error, match=message):
        cheap(config)


def test_options_are_checked() -> None:
    with pytest.raises(wm.ConfigError, match="finalists: "):
        wm.build("linear", finalists="all", progress=False)
    with pytest.raises(wm.ConfigError, match="time_limit is a number of seconds"):
        wm.build("linear", time_limit=float("nan"), progress=False)
    with pytest.raises(wm.UnknownNameError, match="did you mean 'finalists'"):
        wm.build("linear", finalist=1, progress=False)


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"reward": cost}, wm.ConfigError, "needs data, an environment or dynamics"),
        ({"acitons": []}, wm.ConfigError, "did you mean 'actions'"),
        ("missing.toml", wm.ConfigError, "cannot be read"),
        ({"observations": np.zeros((5, 2)), "actions": np.zeros((9, 1))}, wm.ShapeError, r"actions of episode 0: expected shape \[4\], got \[9\]"),
        ("pendulun", wm.UnknownNameError, "did you mean 'pendulum'"),
    ],
)
def test_what_is_wrong_is_said(config, error, message) -> None:
    with pytest.raises(error, match=message):
        wm.build(config, progress=False)


def test_what_the_last_action_paid_is_not_lost_in_silence() -> None:
    observations, actions = recorded(2, 30)
    paid = np.zeros(30)
    paid[-1] = 1.0
    # As many observations as actions, as logs have them.
    domain = {"observations": [seen[:-1] for seen in observations], "actions": actions, "rewards": [paid, paid], "terminated": [True, False]}
    with pytest.warns(wm.WorldwrightWarning, match=r"last action of 2 of 2 episodes .* 2 rewards other than zero .* and 1 end of the task"):
        cheap(domain)
