"""Algorithms that act by a policy, and learning from recorded episodes alone."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest

import worldwright as wm

SMALL = {"batch": 16, "hidden": [16]}


def test_policies_are_listed_with_their_settings() -> None:
    assert {"sac", "bc", "actor-critic"} <= set(wm.policies())
    assert "hidden" in wm.policies()["sac"].settings


def test_a_table_learns_acts_and_goes_on(tmp_path: Path) -> None:
    assert set(wm.learners()) <= set(wm.algorithms()) and "step_size" in wm.learners()["q-learning"].settings
    settings = {"algorithm": "dyna-q", "learner": {"planning_steps": 20}, "evaluation": {"episodes": 1}, "progress": False}
    environment = gymnasium.make("CliffWalking-v1")
    run = wm.learn(environment, steps=3000, run_dir=tmp_path / "run", **settings)
    assert run.summary["parts"] == {"learner": "dyna-q"} and run.returns == [-13.0]
    assert run.agent().act(36) == 0
    more = wm.learn(environment, steps=3500, run_dir=tmp_path / "more", **settings)
    assert more.summary["real_steps"] == 3500


def test_a_policy_learns_acts_and_goes_on(tmp_path: Path) -> None:
    settings = {"algorithm": "sac", "policy": SMALL, "agent": {"initial_steps": 50}, "evaluation": {"episodes": 1}, "progress": False}
    run = wm.learn("pendulum", steps=400, run_dir=tmp_path / "run", **settings)
    assert run.about == {"environment": "pendulum", "algorithm": "sac", "policy": "sac", "seed": 0}
    assert run.summary["parts"] == {"policy": "sac"}
    agent = run.agent()
    action = agent.act(np.array([1.0, 0.0, 0.0], dtype=np.float32))
    assert action.shape == (1,) and abs(action[0]) <= 2.0
    with pytest.raises(wm.UnsupportedError, match="without"):
        agent.model  # noqa: B018


def test_recorded_arrays_alone_are_enough(tmp_path: Path) -> None:
    environment = gymnasium.make("CartPole-v1")
    episodes = wm.collect(environment, steps=3000, seed=1, policy=lambda seen: int(seen[2] + seen[3] > 0))
    run = wm.learn(data=episodes, algorithm="bc", policy=SMALL, updates=300, run_dir=tmp_path / "run", progress=False)
    assert run.summary["real_steps"] == 0 and run.summary["updates"] == 300 and run.returns == []
    losses = [row["imitation_loss"] for row in run.rows("study")]
    assert len(losses) == 3 and losses[-1] < losses[0]
    agent = run.agent()
    total, (seen, _) = 0.0, environment.reset(seed=5)
    for _ in range(200):
        seen, reward, terminated, truncated, _ = environment.step(agent.act(seen))
        total += float(reward)
        if terminated or truncated:
            break
    # What was cloned stays up; at random a pole falls after some twenty steps.
    assert total >= 150
