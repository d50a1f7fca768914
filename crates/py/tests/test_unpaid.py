"""Models of a user's own that say nothing of rewards: they predict, and planning in them says which argument to give."""

from typing import Any

import numpy as np
import pytest

import worldwright as wm

BOX = (np.full(2, -1.0), np.ones(2))
PUSH = (np.full(1, -1.0), np.ones(1))
SMALL = {"name": "random-shooting", "population": 8, "horizon": 3}


def moved(observation: Any, action: Any) -> Any:
    return observation + 0.1 * action


class Moves(wm.WorldModel):
    """Says nothing of rewards."""

    def predict(self, observations: Any, actions: Any, rng: Any) -> Any:
        return observations + 0.1 * actions


def models() -> list[wm.Model]:
    return [
        wm.Model.from_function(moved, observation_space=BOX, action_space=PUSH),
        Moves(observation_space=BOX, action_space=PUSH).model,
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_it_predicts_and_has_no_rewards(which: int) -> None:
    predicted = models()[which].predict(np.zeros((3, 2)), np.ones((3, 1)))
    np.testing.assert_allclose(predicted.mean, 0.1)
    with pytest.raises(wm.NotFittedError, match="reward=…"):
        predicted.rewards  # noqa: B018 - reading it is what fails


@pytest.mark.parametrize("which", [0, 1])
def test_planning_in_it_says_what_to_give(which: int) -> None:
    for plan in (
        lambda model: wm.Planner(model=model, **SMALL).plan(np.zeros(2)),
        lambda model: wm.Planner(model=model, **SMALL).act(np.zeros(2)),
        lambda model: wm.mcts.Planner(transition_fn=model, observation=np.zeros(2)).rollout(10),
        lambda model: wm.as_env(model, starts=[np.zeros(2)]),
    ):
        with pytest.raises((wm.ConfigError, wm.NotFittedError), match="reward=…"):
            plan(models()[which])
        # Asked before or not, the answer is the same.
        model = models()[which]
        model.predict(np.zeros((1, 2)), np.zeros((1, 1)))
        with pytest.raises((wm.ConfigError, wm.NotFittedError), match="reward=…"):
            plan(model)


@pytest.mark.parametrize("which", [0, 1])
def test_a_value_is_enough_to_plan_by(which: int) -> None:
    plan = wm.Planner(model=models()[which], value_fn=lambda o: -np.abs(o - 0.3).sum(-1), **SMALL).plan(np.zeros(2))
    assert np.isfinite(plan.value)


class Values(Moves):
    """Says nothing of rewards, and what an observation is worth."""

    def value(self, observations: Any) -> Any:
        return -np.abs(observations - 0.3).sum(-1)


def test_a_value_of_the_class_is_enough_to_plan_by() -> None:
    plan = wm.Planner(model=Values(observation_space=BOX, action_space=PUSH), **SMALL).plan(np.zeros(2))
    assert -0.6 < plan.value < 0.0
    assert wm.Planner(model=Values(observation_space=BOX, action_space=PUSH).model, **SMALL).act(np.full(2, 0.9))[0] < 0.0
    # An environment pays rewards; values are none.
    with pytest.raises(wm.ConfigError, match="reward=…"):
        wm.as_env(Values(observation_space=BOX, action_space=PUSH).model, starts=[np.zeros(2)])


def test_rewards_from_either_place_are_planned_for() -> None:
    paid = wm.Model.from_function(lambda o, a: (o + 0.1 * a, float(np.sum(a))), observation_space=BOX, action_space=PUSH)
    beside = wm.Model.from_function(moved, observation_space=BOX, action_space=PUSH, reward=lambda o, a, n: a.sum(-1))
    for model in (paid, beside):
        assert wm.Planner(model=model, population=64, horizon=2, name="random-shooting").act(np.zeros(2))[0] > 0.3
        assert model.predict(np.zeros((1, 2)), np.ones((1, 1))).reward == pytest.approx(1.0)
