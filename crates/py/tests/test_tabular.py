"""Environments whose observations are choices: counted, and solved by dynamic programming, without a setting."""

import gymnasium
import pytest

import worldwright as wm


@pytest.mark.parametrize(
    ("name", "steps", "least"),
    [
        # Slippery ice, of which the best policy without a time limit crosses 0.82 of the times, and within 100 steps 0.74.
        ("FrozenLake-v1", 2500, 0.5),
        # Thirteen steps along the cliff.
        ("CliffWalking-v1", 2500, -13.5),
    ],
)
def test_discrete_worlds_are_learned_without_a_setting(tmp_path, name, steps, least):
    environment = gymnasium.make(name, max_episode_steps=100)
    run = wm.learn(environment, steps=steps, evaluation={"episodes": 50}, progress=False, run_dir=tmp_path / "run")
    assert run.return_mean >= least
    assert run.agent().act(0) in range(4)


def test_what_is_counted_may_have_parts(tmp_path):
    environment = gymnasium.make("Blackjack-v1")
    run = wm.learn(environment, steps=3000, evaluation={"episodes": 400}, progress=False, run_dir=tmp_path / "run")
    # Drawing at random loses 0.39 a hand, the best play 0.04; the mean of 400 hands is known to 0.05.
    assert run.return_mean > -0.25
