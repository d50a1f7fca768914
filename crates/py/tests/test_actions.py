"""Actions of every kind of space: dreams are stepped with them and plans consist of them."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm
from gymnasium import spaces
from gymnasium.vector.utils import batch_space, iterate

SPACES: dict[str, gymnasium.Space[Any]] = {
    "choices": spaces.Discrete(3, start=-5),
    "choices of large numbers": spaces.Discrete(3, start=2**40),
    "several choices": spaces.MultiDiscrete([2, 3]),
    "several with a start": spaces.MultiDiscrete([2, 3], start=[-4, 7]),
    "a table of choices": spaces.MultiDiscrete(np.array([[2, 3], [4, 1]])),
    "bits": spaces.MultiBinary([2, 3]),
    "numbers": spaces.Box(-1.0, 1.0, (2, 2), np.float64),
    "one number": spaces.Box(-1.0, 1.0, ()),
    "whole numbers": spaces.Box(0, 5, (2,), np.int64),
    "a tuple of choices": spaces.Tuple([spaces.Discrete(2), spaces.Discrete(3, start=4)]),
    "a choice and numbers": spaces.Tuple([spaces.Discrete(2, start=3), spaces.Box(-1.0, 1.0, (2,))]),
    "parts by name": spaces.Dict([("z", spaces.Box(-1.0, 1.0, (2,))), ("a", spaces.MultiBinary(2))]),
    "nested": spaces.Tuple([spaces.Discrete(2), spaces.Dict(b=spaces.MultiDiscrete([2, 2]), a=spaces.Box(0, 3, (1,), np.int32))]),
}


def summing(space: gymnasium.Space[Any]) -> wm.Model:
    """What the model is told stands in its next observation, flat."""
    dims = spaces.flatdim(space)

    def told(observation: Any, action: Any) -> Any:
        if isinstance(space, spaces.Discrete):
            return np.eye(dims)[int(action) - int(space.start)], 1.0
        return np.asarray(action, dtype=np.float64).ravel(), 1.0

    seen = spaces.Box(-9.0, 9.0, (dims,), np.float64)
    return wm.Model.from_function(told, observation_space=seen, action_space=space, vectorized=False)


@pytest.mark.parametrize("kind", SPACES)
def test_a_dream_is_stepped_with_actions_of_the_space(kind: str) -> None:
    space = SPACES[kind]
    model = summing(space)
    zero = np.zeros(spaces.flatdim(space))
    dream, many = wm.as_env(model, starts=[zero]), wm.as_vector_env(model, 3, starts=[zero])
    space.seed(0)
    dream.reset(seed=0)
    for _ in range(5):
        action = space.sample()
        np.testing.assert_allclose(dream.step(action)[0], np.asarray(spaces.flatten(space, action), dtype=np.float64))
    many.reset(seed=0)
    batched = batch_space(space, 3)
    batched.seed(0)
    for _ in range(5):
        actions = batched.sample()
        expected = [np.asarray(spaces.flatten(space, one), dtype=np.float64) for one in iterate(batched, actions)]
        np.testing.assert_allclose(many.step(actions)[0], expected)


@pytest.mark.parametrize("kind", SPACES)
def test_a_plan_is_of_actions_of_the_space(kind: str) -> None:
    space = SPACES[kind]
    plan = wm.Planner("random-shooting", model=summing(space), horizon=2, population=8).plan(np.zeros(spaces.flatdim(space)))
    assert len(plan.actions) == 2
    for action in plan.actions:
        assert space.contains(action if isinstance(action, (tuple, dict, np.ndarray)) else np.asarray(action, dtype=space.dtype))


class Mixed(gymnasium.Env[Any, Any]):
    """A walk told by a choice and a number."""

    observation_space = spaces.Box(-9.0, 9.0, (1,))
    action_space = spaces.Tuple([spaces.Discrete(2, start=3), spaces.Box(-1.0, 1.0, (1,))])

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.at, self.count = np.zeros(1, np.float32), 0
        return self.at.copy(), {}

    def step(self, action: Any) -> Any:
        self.at, self.count = np.clip(self.at + (action[0] - 3.5) * action[1], -9, 9).astype(np.float32), self.count + 1
        return self.at.copy(), float(self.at[0]), False, self.count >= 8, {}


def test_an_agent_plans_what_it_does(tmp_path: Any) -> None:
    options: dict[str, Any] = {"model": "linear", "steps": 30, "agent": {"initial_steps": 20}, "evaluation": {"episodes": 1}}
    run = wm.learn(Mixed(), run_dir=tmp_path / "run", progress=False, planner={"name": "random-shooting", "population": 8, "horizon": 2}, **options)
    agent = run.agent()
    plan = agent.plan(np.zeros(1))
    assert isinstance(plan.actions, list) and all(agent.action_space.contains(action) for action in [*plan.actions, agent.act(np.zeros(1))])
    dream = wm.as_env(run)
    dream.reset(seed=0)
    assert dream.observation_space.contains(dream.step(plan.action)[0])


@pytest.mark.parametrize(
    ("kind", "action", "says"),
    [
        ("numbers", None, "got None"),
        ("numbers", "left", "expected numbers"),
        ("numbers", np.zeros(3), "expected shape"),
        ("choices", "left", "expected numbers"),
        ("choices", 0, "expected a whole number from -5 to -3"),
        ("choices", -4.5, "expected a whole number"),
        ("several choices", [1, 3], r"holds 3 at place 1, expected whole numbers from \[0, 0\] to \[1, 2\]"),
        ("bits", np.full((2, 3), 2), "expected 0 or 1"),
        ("a choice and numbers", 3, "expected a tuple of 2 parts"),
        ("a choice and numbers", (3, [np.nan, 0.0]), r"\[1\]: row 0 holds NaN at place 0"),
        ("parts by name", {"z": [0.0, 0.0]}, "expected a dict with 'z', 'a'"),
    ],
)
def test_what_is_no_action_is_refused(kind: str, action: Any, says: str) -> None:
    model = summing(SPACES[kind])
    dream = wm.as_env(model, starts=[np.zeros(spaces.flatdim(SPACES[kind]))])
    dream.reset(seed=0)
    with pytest.raises(wm.WorldwrightError, match=says):
        dream.step(action)


@pytest.mark.parametrize("actions", [np.zeros((3, 2)), np.zeros((2, 3)), np.zeros((1, 4)), None, [[0.0]]])
def test_a_batch_of_another_shape_is_refused(actions: Any) -> None:
    many = wm.as_vector_env(summing(spaces.Box(-1.0, 1.0, (2,))), 2, starts=[np.zeros(2)])
    many.reset(seed=0)
    with pytest.raises(wm.ShapeError, match="actions"):
        many.step(actions)
