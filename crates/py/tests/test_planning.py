"""Planners over models of the list, over functions and over models written in Python."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

import worldwright as wm
from worldwright import mcts

A = np.array([[1.0, 0.1], [0.0, 1.0]])
B = np.array([[0.0], [0.1]])


def pushed(observation, action):
    """The double integrator, for rows and batches alike."""
    return observation @ A.T + action @ B.T


def cost(observation, action, following):
    return -(observation**2).sum(axis=-1) - 0.1 * (action**2).sum(axis=-1)


def riccati(horizon: int) -> np.ndarray:
    """The cost matrix of the double integrator over a horizon."""
    p = np.zeros((2, 2))
    for _ in range(horizon):
        gain = np.linalg.solve(0.1 * np.eye(1) + B.T @ p @ B, B.T @ p @ A)
        p = np.eye(2) + A.T @ p @ (A - B @ gain)
    return p


@pytest.mark.parametrize("name", ["ilqr", "cem", "collocation"])
def test_a_function_is_planned_in_as_riccati_says(name: str) -> None:
    start = np.array([1.0, 0.5])
    settings = {} if name in ("ilqr", "collocation") else {"population": 200, "iterations": 20}
    planner = wm.Planner(
        name, model=pushed, reward_fn=cost, action_space=(np.full(1, -6.0), np.full(1, 6.0)), horizon=20, **settings
    )
    plan = planner.plan(start)
    best = -start @ riccati(20) @ start
    assert plan.value == pytest.approx(best, rel=1e-6 if not settings else 0.02)
    assert plan.actions.shape == (20, 1)


def test_one_row_and_batch_functions_are_told_apart() -> None:
    calls = []

    def single(observation, action):
        # Written for one row: a batch of two would unpack as well, and be wrong.
        position, speed = observation
        calls.append(np.shape(observation))
        return np.array([position + 0.1 * speed, speed + 0.1 * action[0]])

    options = dict(action_space=(np.full(1, -5.0), np.full(1, 5.0)), horizon=8, population=16, iterations=2, seed=3)
    alone = wm.Planner("cem", model=single, reward_fn=cost, **options).plan([1.0, 0.0])
    together = wm.Planner("cem", model=pushed, reward_fn=cost, **options).plan([1.0, 0.0])
    assert (2,) in calls
    np.testing.assert_allclose(alone.actions, together.actions, atol=1e-9)
    assert alone.value == pytest.approx(together.value)


def test_plans_repeat_by_their_seed() -> None:
    make = lambda seed: wm.Planner("mppi", model=wm.Model("known", environment="pendulum"), seed=seed).plan([-1.0, 0.0, 0.0])  # noqa: E731
    assert np.array_equal(make(1).actions, make(1).actions)
    assert not np.array_equal(make(1).actions, make(2).actions)


class Corridor:
    """Five cells in a row; the door is on the right. Each step costs one."""

    choices = ["left", "right"]

    @staticmethod
    def transition(observation, action):
        cell = min(max(observation[0] + (1.0 if action == "right" else -1.0), 0.0), 4.0)
        return np.array([cell]), -1.0, cell == 4.0


def test_tree_search_speaks_the_users_words() -> None:
    planner = mcts.Planner(transition_fn=Corridor.transition, action_space=Corridor.choices, observation=[1.0], horizon=10)
    planner = planner.rollout(500)
    assert planner.action == "right"
    # The mean over simulations, those that explored included; the best line earns -3.
    assert -9.0 < planner.value < -3.0
    assert planner.actions[:3] == ["right", "right", "right"]
    visits = planner.visits
    assert {one.action for one in visits} == {"left", "right"} and visits[0].action == "right"
    # Once the answer is proven there is nothing left to search.
    assert 50 < sum(one.visits for one in visits) <= 500


def test_real_actions_are_searched_too() -> None:
    planner = mcts.Planner(transition_fn=pushed, reward_fn=cost, action_space=([-1.0], [1.0]), observation=np.array([0.0, 0.9]), horizon=6).rollout(2000)
    assert planner.algorithm == "progressive-widening"
    assert planner.action[0] < -0.3


class Ensemble(wm.WorldModel):
    """Three members that disagree about the strength of the motor."""

    def predict(self, observations, actions, rng):
        strength = np.array([0.5, 1.0, 1.5])[:, None, None]
        return observations @ A.T + strength * (actions @ B.T)


def test_a_model_written_in_python_is_an_ensemble() -> None:
    model = Ensemble(observation_space=2, action_space=([-1.0], [1.0]), reward=cost, members=3)
    prediction = model.model.predict(np.array([[0.0, 0.0]]), np.array([[1.0]]))
    np.testing.assert_allclose(prediction.observations[:, 0, 1], [0.05, 0.1, 0.15])
    assert prediction.std[0, 1] > 0
    action = wm.Planner("icem", model=model, horizon=10).act([0.0, 0.9])
    assert action[0] < -0.5


def test_a_policy_and_a_value_guide_the_search() -> None:
    seen = []

    def policy(observations):
        seen.append(observations.shape)
        return np.tile([0.0, 8.0], (len(observations), 1))

    planner = mcts.Planner(
        transition_fn=Corridor.transition, action_space=Corridor.choices, observation=[0.0], algorithm="puct", policy=policy,
        value_fn=lambda observations: observations[:, 0] - 4.0, horizon=8,
    ).rollout(40)
    assert planner.action == "right" and planner.value == pytest.approx(-4.0, abs=0.5)
    assert seen and all(shape[1] == 1 for shape in seen)


def test_a_prior_leads_sampling() -> None:
    planner = wm.Planner(
        "icem", model=pushed, reward_fn=lambda o, a, n: np.zeros(np.shape(o)[:-1]), observation_space=(np.full(2, -np.inf), np.full(2, np.inf)),
        action_space=([-1.0], [1.0]), policy=wm.Policy.of(lambda observations: np.full((len(observations), 1), 0.7), std=0.01),
        prior_share=1.0, horizon=3,
    ) if "prior_share" in wm.planners()["icem"].settings else None
    if planner is not None:
        assert planner.plan([0.0, 0.0]).actions[0, 0] == pytest.approx(0.7, abs=0.2)


def test_what_a_function_raises_is_the_cause() -> None:
    def broken(observation, action):
        raise ZeroDivisionError("no time left")

    planner = wm.Planner("cem", model=broken, reward_fn=cost, action_space=([-1.0], [1.0]))
    with pytest.raises(wm.ExternalError) as caught:
        planner.plan([0.0, 0.0])
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_rows_that_are_no_numbers_are_counted() -> None:
    def torn(observation, action):
        following = pushed(observation, action)
        return np.where(action > 0.5, np.nan, following)

    plan = wm.Planner("cem", model=torn, reward_fn=cost, action_space=([-1.0], [1.0]), horizon=3).plan([1.0, 0.0])
    assert plan.diverged > 0 and np.isfinite(plan.value)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: wm.Planner("icme", model=wm.Model("known", environment="pendulum")), wm.UnknownNameError, "did you mean 'icem'"),
        (lambda: wm.Planner("icem", model=wm.Model("known", environment="pendulum"), horizn=3), wm.UnknownNameError, "did you mean 'horizon'"),
        (lambda: wm.Planner("uct", model=wm.Model("known", environment="pendulum")), wm.UnsupportedError, "discrete"),
        (lambda: wm.Planner("icem", model=wm.Model("known", environment="pendulum")).plan([1.0]), wm.SpaceError, "shape"),
        (lambda: wm.Planner("icem", model=pushed).plan([1.0, 0.0]), wm.ConfigError, "action_space"),
        (lambda: wm.Planner("icem", model=3, action_space=2).plan([1.0]), wm.ConfigError, "neither a Model nor a function"),
        (lambda: mcts.Planner(transition_fn=pushed, action_space=2).rollout(5), wm.ConfigError, "where to plan from"),
        (lambda: wm.Model("gp", observation_space=gymnasium.spaces.Text(3), action_space=2), wm.ConfigError, "Text"),
        (lambda: wm.Model("gp", observation_space=([0.0], [1.0]), action_space=2).predict([[0.0]], [1]), wm.NotFittedError, "fit"),
    ],
)
def test_what_is_wrong_is_said(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_model_is_fitted_asked_saved_and_loaded(tmp_path) -> None:
    rng = np.random.default_rng(0)
    observations, actions = rng.normal(size=(300, 2)), rng.uniform(-1, 1, (300, 1))
    columns = dict(observations=observations, actions=actions, next_observations=pushed(observations, actions), rewards=cost(observations, actions, None))
    spaces = dict(observation_space=(np.full(2, -np.inf), np.full(2, np.inf)), action_space=([-1.0], [1.0]))
    model = wm.Model("gp", **spaces)
    report = model.fit(columns)
    assert report.holdout_mse is not None and report.holdout_mse < 1e-3
    prediction = model.predict(observations[:5], actions[:5])
    np.testing.assert_allclose(prediction.mean, pushed(observations[:5], actions[:5]), atol=1e-2)
    assert prediction.observations.shape == (model.spec["members"], 5, 2)
    model.save(tmp_path / "model.safetensors")
    again = wm.Model("gp", **spaces).load(tmp_path / "model.safetensors")
    assert np.array_equal(again.predict(observations[:5], actions[:5]).observations, prediction.observations)
    planner = wm.Planner("icem", model=model, horizon=10)
    assert planner.act([0.0, 0.9])[0] < 0
    # A fit after the planner was made is planned in by the next call.
    model.fit(columns)
    assert planner.act([0.0, 0.9])[0] < 0


def test_lists_show_themselves() -> None:
    assert "pendulum" in wm.environments() and "icem" in wm.planners() and "gp" in wm.models() and "pets" in wm.algorithms()
    assert "horizon" in str(wm.planners()["icem"]) and "<table>" in wm.models()._repr_html_()
