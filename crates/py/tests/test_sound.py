"""Plans mean something: something is paid, numbers stay finite, settings are what they should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import worldwright as wm
from gymnasium import spaces
from worldwright import mcts

SIDES: Any = ["left", "right"]


def searched(function: Callable[..., Any], **more: Any) -> Any:
    return mcts.Planner(transition_fn=function, **{"action_space": SIDES, **more}).rollout(50, observation=[0.0])


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda o, a: (o * np.nan, 1.0), "the next observation holds NaN at place 0 at step 0 of it, observation"),
        (lambda o, a: (o, np.inf), "the reward is inf at step 0 of it, observation"),
        (lambda o, a: (o, -np.inf), "a large negative reward for what is forbidden"),
        (lambda o, a: (o + 1.0 if o[0] < 3.0 else o * np.nan, 1.0), "holds NaN at place 0 at step 3 of it, observation"),
    ],
)
def test_no_action_is_chosen_where_all_diverge(function: Callable[..., Any], says: str) -> None:
    with pytest.raises(wm.DivergedError, match=says):
        searched(function)
    options: dict[str, Any] = {"model": function, "action_space": SIDES, "horizon": 5, "vectorized": False}
    for name in ("cem", "uct"):
        planner = wm.Planner(name, **options)
        assert planner.plan([0.0]).status == "AllDiverged"
        with pytest.raises(wm.DivergedError, match=says):
            planner.act([0.0])


def test_a_plan_that_failed_is_no_plan() -> None:
    planner = searched(lambda o, a: (o if o[0] < 5.0 else o * np.nan, 1.0))
    assert planner.plan is not None
    with pytest.raises(wm.DivergedError):
        planner.rollout(50, observation=[6.0])
    with pytest.raises(wm.ConfigError, match="call rollout first"):
        print(planner.action)


def test_something_must_be_paid() -> None:
    still: dict[str, Any] = {"model": lambda o, a: o, "action_space": SIDES, "horizon": 3}
    with pytest.raises(wm.WorldwrightError, match="nothing says what is paid.*reward_fn"):
        searched(lambda o, a: o)
    for vectorized in (None, False, True):
        with pytest.raises(wm.WorldwrightError, match="nothing says what is paid.*reward_fn"):
            wm.Planner("cem", **still, vectorized=vectorized).plan([0.0])
    # A reward function, a reward of the function's own, or values to end at say it.
    assert searched(lambda o, a: o, reward_fn=lambda o, a, n: 1.0).value > 0.0
    assert wm.Planner("cem", **{**still, "model": lambda o, a: (o, 1.0)}).plan([0.0]).value > 0.0
    assert wm.Planner("cem", **still, value_fn=lambda o: np.ones(len(o))).plan([0.0]).value > 0.0


@pytest.mark.parametrize(
    "space", [spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(2), spaces.Tuple([spaces.Discrete(2), spaces.Discrete(3)])]
)
def test_a_search_for_several_choices_at_once(space: Any) -> None:
    planner = searched(lambda o, a: (o, float(np.sum(a))), action_space=space)
    assert planner.algorithm == "uct" and space.contains(planner.action)
    mixed = mcts.Planner(transition_fn=lambda o, a: (o, 1.0), action_space=spaces.Dict(a=spaces.Discrete(2), b=spaces.Box(-1.0, 1.0, (1,))))
    assert mixed.algorithm == "progressive-widening"


@pytest.mark.parametrize("discount", [2, -0.1, float("nan"), "1", True])
def test_a_discount_is_from_0_to_1(discount: Any) -> None:
    for call in (
        lambda: searched(lambda o, a: (o, 1.0), discount=discount),
        lambda: wm.Planner("cem", model=lambda o, a: (o, 1.0), action_space=2, discount=discount),
    ):
        with pytest.raises(wm.ConfigError, match="discount is .* a number from 0 to 1"):
            call()


def test_choices_differ() -> None:
    for call in (
        lambda: searched(lambda o, a: (o, 1.0), action_space=["left", "left"]),
        lambda: wm.Planner("cem", model=lambda o, a: (o, 1.0), action_space=["left", "right", "left"]),
    ):
        with pytest.raises(wm.ConfigError, match="'left' stands twice"):
            call()


@pytest.mark.parametrize("observation", ["a", {"x": 1.0}, [None]])
def test_an_observation_is_numbers_where_no_space_is_known(observation: Any) -> None:
    for call in (
        lambda: mcts.Planner(transition_fn=lambda o, a: (o, 1.0), action_space=SIDES).rollout(5, observation=observation),
        lambda: wm.Planner("cem", model=lambda o, a: (o, 1.0), action_space=SIDES).plan(observation),
    ):
        with pytest.raises(wm.ShapeError, match="the observation: got"):
            call()
