"""Learning in environments of Gymnasium's, and what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import worldwright as wm

SMALL = {"model": "linear", "planner": {"name": "cem", "horizon": 5, "population": 16, "iterations": 2}, "evaluation": {"episodes": 1}}


class Cart(gymnasium.Env):
    """A cart that is pushed to the origin; ends far away."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self) -> None:
        self.steps = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = self.np_random.uniform(-1, 1, 2)
        self.steps = 0
        return self.state.astype(np.float32), {}

    def step(self, action):
        self.steps += 1
        position, speed = self.state
        force = float(np.clip(action, -1, 1)[0])
        self.state = np.array([position + 0.1 * speed, speed + 0.1 * force])
        return self.state.astype(np.float32), -float(position**2 + 0.1 * force**2), bool(abs(position) > 10), self.steps >= 40, {}


def paid(observation, action, following):
    """What the cart earns, as a function; a linear model could not learn a square."""
    return -(observation[..., 0] ** 2) - 0.1 * action[..., 0] ** 2


def test_an_environment_object_is_learned(tmp_path: Path) -> None:
    heard = []
    run = wm.learn(
        Cart(), steps=200, agent={"initial_steps": 80}, run_dir=tmp_path / "run", progress=False, model="linear",
        planner={"name": "icem", "horizon": 20, "population": 64, "iterations": 3}, evaluation={"episodes": 3},
        follow=lambda kind, values: heard.append((kind, dict(values))), reward=paid,
    )
    assert [kind for kind, _ in heard if kind in ("started", "finished")] == ["started", "finished"]
    assert sum(kind == "step" for kind, _ in heard) == 200
    assert run.summary["environment"] == "python:Cart"
    assert run.summary["real_steps"] == 200
    # Where pushing is understood the cart is brought to the origin; drifting off at a speed of 1 costs up to 500.
    assert run.return_mean > -25
    assert run.report.exists()
    agent = run.agent()
    evaluation = agent.evaluate(episodes=2, seed=3)
    assert len(evaluation.returns) == 2 and evaluation.lengths == [40, 40]
    observation, _ = Cart().reset(seed=1)
    agent.begin(observation)
    action = agent.act(observation)
    assert Cart.action_space.contains(action)
    plan = agent.plan(observation)
    assert plan.actions.shape == (20, 1)
    # The model knows the law of motion, which is linear.
    state = np.array([[0.5, -0.2]])
    predicted = agent.model.predict(state, np.array([[1.0]])).mean[0]
    np.testing.assert_allclose(predicted, [0.48, -0.1], atol=1e-2)


def test_the_same_seed_gives_the_same_weights_by_object_and_by_function(tmp_path: Path) -> None:
    digests = [
        wm.learn(given, steps=120, seed=5, agent={"initial_steps": 40}, run_dir=tmp_path / str(i), progress=False, **SMALL).summary["weights_digest"]
        for i, given in enumerate([Cart(), Cart])
    ]
    assert digests[0] == digests[1]


def test_a_registered_environment_has_its_own_name(tmp_path: Path) -> None:
    run = wm.learn(gymnasium.make("Pendulum-v1"), steps=200, run_dir=tmp_path / "run", progress=False, **SMALL)
    assert run.summary["environment"] == "gym:Pendulum-v1"
    # The bundle is that of the command line too, and loads without being told the environment.
    assert wm.load(tmp_path / "run").evaluate(episodes=1).lengths == [200]


def test_own_rewards_are_planned_for(tmp_path: Path) -> None:
    run = wm.learn(
        "pendulum", steps=200, algorithm="mpc", run_dir=tmp_path / "run", progress=False, evaluation={"episodes": 1},
        planner={"name": "cem", "horizon": 8, "population": 32},
        reward=lambda observation, action, following: -abs(following[..., 2] - 4.0),
    )
    episode = run.rows("evaluation")
    assert episode, "an evaluation is recorded"
    # It spins: the known reward, which punishes speed, is not what was planned for.
    assert run.return_mean < -800


def test_errors_of_the_environment_are_the_cause(tmp_path: Path) -> None:
    class Broken(Cart):
        def step(self, action):
            if self.steps == 3:
                raise RuntimeError("the motor is on fire")
            return super().step(action)

    with pytest.raises(wm.WorldwrightError) as caught:
        wm.learn(Broken(), steps=100, run_dir=tmp_path / "run", progress=False, **SMALL)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert "on fire" in str(caught.value.__cause__)


def test_errors_of_a_reward_are_the_cause(tmp_path: Path) -> None:
    def reward(observation, action, following):
        raise KeyError("no such weight")

    with pytest.raises(wm.ExternalError, match="no such weight") as caught:
        wm.learn("pendulum", algorithm="mpc", steps=50, reward=reward, run_dir=tmp_path / "run", progress=False)
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"environment": "pendulun"}, wm.UnknownNameError, "did you mean 'pendulum'"),
        ({"environment": "pendulum", "algorithm": "pets2"}, wm.UnknownNameError, "pets"),
        ({"environment": "pendulum", "planner": {"horizn": 3}}, wm.UnknownNameError, "did you mean 'horizon'"),
        ({"environment": "pendulum", "steps": 0}, wm.ConfigError, "steps"),
        ({"environment": object()}, wm.ConfigError, "no method 'reset'"),
        ({"environment": "pendulum", "config": "missing.toml"}, wm.ConfigError, "check the path"),
        ({}, wm.ConfigError, "none is named"),
    ],
)
def test_what_is_wrong_is_said(options, error, message, tmp_path: Path) -> None:
    with pytest.raises(error, match=message):
        wm.learn(run_dir=tmp_path / "run", progress=False, **options)


def test_an_interrupt_keeps_the_run_and_resume_goes_on(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys, time
        import worldwright as wm
        def follow(kind, values):
            if kind == "step":
                print(values["step"], flush=True)
        run = wm.learn("pendulum", algorithm="pets", steps=600, seed=1, run_dir=sys.argv[1], resume=sys.argv[2] == "resume",
                       model="linear", planner={"name": "cem", "horizon": 5, "population": 16, "iterations": 2},
                       evaluation={"episodes": 1}, progress=False, follow=follow)
        print(run.summary["weights_digest"])
        """
    )
    program = [sys.executable, "-c", script]
    environment = dict(os.environ)
    process = subprocess.Popen([*program, str(tmp_path / "cut"), "new"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == 450:
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert process.returncode != 0
    digests = []
    for folder, how in (("cut", "resume"), ("whole", "new")):
        done = subprocess.run([*program, str(tmp_path / folder), how], capture_output=True, text=True, timeout=120, env=environment, check=True)
        digests.append(done.stdout.splitlines()[-1])
    assert digests[0] == digests[1], "as if it had never been cut"


def test_settings_by_dotted_key_and_files(tmp_path: Path) -> None:
    (tmp_path / "domain.toml").write_text('environment = "pendulum"\nsteps = 200\n[planner]\nname = "cem"\nhorizon = 6\n')
    run = wm.learn(config=tmp_path / "domain.toml", model="linear", settings={"planner.population": 20, "evaluation.episodes": 1}, run_dir=tmp_path / "run", progress=False)
    experiment = run.agent().experiment
    assert experiment["planner.horizon"] == 6 and experiment["planner.population"] == 20 and experiment["model.name"] == "linear"


def logged(steps: int) -> wm.data.Episodes:
    return wm.collect(Cart(), steps=steps, seed=9)


def test_what_was_recorded_before_is_begun_with(tmp_path: Path) -> None:
    options = dict(steps=80, agent={"initial_steps": 80}, reward=paid, progress=False, **SMALL)
    episodes = logged(200)
    run = wm.learn(Cart(), data=episodes, run_dir=tmp_path / "run", **options)
    # Eighty steps are known from the start: the first of its own is followed by a fit, and every other one is planned.
    assert [row["step"] for row in run.rows("learn")][0] == 1
    assert run.summary["real_steps"] == 80
    alone = wm.learn(Cart(), run_dir=tmp_path / "alone", **options)
    assert [row["step"] for row in alone.rows("learn")] == [80]
    # The same transitions in another form are the same data, and others are not gone on with.
    again = wm.learn(Cart(), data=episodes.transitions(), run_dir=tmp_path / "again", **options)
    assert again.summary["weights_digest"] == run.summary["weights_digest"] != alone.summary["weights_digest"]
    assert wm.learn(Cart(), data=episodes, run_dir=tmp_path / "run", resume=True, **options).returns == run.returns
    with pytest.raises(wm.ExternalError, match="data: was"):
        wm.learn(Cart(), data=logged(100), run_dir=tmp_path / "run", resume=True, **options)
    with pytest.raises(wm.ConfigError, match="2 and 1 numbers, those of pendulum have 3 and 1"):
        wm.learn("pendulum", data=episodes, run_dir=tmp_path / "other", progress=False, **SMALL)


def test_a_run_goes_on_from_the_episodes_of_another_whatever_its_choices(tmp_path: Path) -> None:
    options = dict(model="linear", planner={"name": "random-shooting", "horizon": 4, "population": 16}, evaluation={"episodes": 1}, progress=False)
    first = wm.learn("mountain-car", steps=60, agent={"initial_steps": 60}, run_dir=tmp_path / "first", **options)
    for name, data in (("run", first), ("path", first.folder)):
        run = wm.learn("mountain-car", steps=20, data=data, run_dir=tmp_path / name, agent={"initial_steps": 60}, **options)
        assert run.rows("learn")[0]["step"] == 1


def test_progress_tells_whole_numbers_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from worldwright._progress import Bar

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    told = [
        ("started", {"environment": "pendulum", "algorithm": "pets", "steps": 400, "step": 0, "episode": 0}),
        ("step", {"step": 200}),
        ("episode", {"return": -1741.25}),
        ("learning", {}),
        ("learn", {"holdout_mse": 0.0004}),
        ("evaluation_episode", {"episode": 0, "of": 2}),
        ("evaluation", {"return_mean": -140.5, "return_std": 12.25}),
        ("finished", {}),
    ]
    shown = []
    with Bar(True, None) as bar:
        for kind, values in told:
            bar.hear(kind, values)
            # What nobody watches is drawn seldom; here each is looked at.
            bar._refresh_secs = 0.0
            shown.append(bar._bar.postfix)
    assert shown[2:] == [
        "return −1,741", "learning, return −1,741", "return −1,741", "evaluating 1/2", "evaluation −140.5 ± 12.25", "evaluation −140.5 ± 12.25",
    ]
