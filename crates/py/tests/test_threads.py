"""What other threads, interrupts and forked children meet while something long runs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import worldwright as wm

TICKS = 20
"""A thread that ticks each millisecond comes nowhere near this where the lock is kept: it then gets at most a few, before and after."""
LONG_SECS = 0.3


@contextmanager
def ticking() -> Iterator[list[int]]:
    """Counts in another thread, in Python, a tick each millisecond or so."""
    count, over = [0], threading.Event()

    def tick() -> None:
        while not over.wait(0.001):
            count[0] += 1

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield count
    finally:
        over.set()
        thread.join()


def ticks_during(call: Callable[[int], object]) -> int:
    """Ticks of the other thread while something runs, made larger until it takes its time."""
    for size in (1, 4, 16, 64):
        with ticking() as count:
            before, began = count[0], time.perf_counter()
            call(size)
            after, took = count[0], time.perf_counter() - began
        if took >= LONG_SECS:
            return after - before
    raise AssertionError(f"only {took:.2f} s: too short to tell")


def test_other_threads_go_on_while_it_plans() -> None:
    planner = wm.Planner("icem", model=wm.Model("known", environment="pendulum"), horizon=200, population=4000, iterations=10_000)
    # The first call is carried out where it is made, later long ones on the pool.
    for _ in range(2):
        assert ticks_during(lambda size: planner.plan([-1.0, 0.0, 0.0], time=2 * LONG_SECS)) > TICKS


def test_other_threads_go_on_while_it_learns(tmp_path: Path) -> None:
    def learn(size: int) -> None:
        options = {"model": "linear", "steps": 400 * size, "agent": {"initial_steps": 200}, "evaluation": {"episodes": 1}}
        wm.learn("pendulum", run_dir=tmp_path / str(size), progress=False, **options)

    assert ticks_during(learn) > TICKS


def test_other_threads_go_on_while_a_model_is_fitted() -> None:
    def fit(size: int) -> None:
        rng = np.random.default_rng(0)
        observations, actions = rng.normal(size=(1000 * size, 2)), rng.normal(size=(1000 * size, 1))
        model = wm.Model("ensemble", observation_space=([-9.0, -9.0], [9.0, 9.0]), action_space=([-9.0], [9.0]), hidden=[64], members=2)
        model.fit(observations=observations, actions=actions, next_observations=observations + 0.1 * actions, rewards=observations[:, 0])

    assert ticks_during(fit) > TICKS


class Sleepy(gymnasium.Env[Any, Any]):
    """Pushes a number; one of its steps takes a second, in which interrupts can come."""

    observation_space = gymnasium.spaces.Box(-9.0, 9.0, (1,), np.float64)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float64)
    steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.state = self.np_random.uniform(-1.0, 1.0, 1)
        return self.state, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        type(self).steps += 1
        if os.environ.get("SLEEPY") and type(self).steps == 50:
            print("asleep", flush=True)
            time.sleep(1.0)
        self.state = np.clip(self.state + 0.1 * action, -9.0, 9.0)
        return self.state, -float(self.state[0] ** 2), False, False, {}


SLEEPER = """
import sys
import gymnasium
import worldwright as wm
from test_threads import Sleepy

run = wm.learn(
    lambda: gymnasium.wrappers.TimeLimit(Sleepy(), 20), model="linear", steps=80, agent={"initial_steps": 20}, evaluation={"episodes": 1},
    planner={"name": "cem", "horizon": 3, "population": 8, "iterations": 1}, run_dir=sys.argv[1], resume="resume" in sys.argv, progress=False,
)
print(run.summary["weights_digest"])
"""


def sleeper(folder: Path, *words: str, **variables: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])} | variables
    program = [sys.executable, "-c", SLEEPER, str(folder), *words]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.skipif(os.name == "nt", reason="interrupts are sent as signals")
def test_a_second_interrupt_while_the_first_is_honoured_loses_nothing(tmp_path: Path) -> None:
    process = sleeper(tmp_path / "cut", SLEEPY="1")
    assert process.stdout is not None and process.stdout.readline() == "asleep\n"
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0 and errors.count("KeyboardInterrupt: the run is kept in") == 1, errors
    digests = []
    for folder, word in (("cut", "resume"), ("whole", "new")):
        done, errors = (again := sleeper(tmp_path / folder, word)).communicate(timeout=60)
        assert again.returncode == 0, errors
        digests.append(done.strip())
    assert digests[0] == digests[1], "as if it had never been cut"


ENDLESS = {
    "a plan": """
        import worldwright as wm
        model = wm.Model.from_function(lambda o, a: o + a, observation_space=([-9.0], [9.0]), action_space=([-1.0], [1.0]), reward=lambda o, a, n: n[..., 0])
        planner = wm.Planner("random-shooting", model=model, iterations=20)
        planner.plan([0.0])
        print("go", flush=True)
        planner.plan([0.0], iterations=10**9)
    """,
    "an evaluation": """
        import sys
        import worldwright as wm
        run = wm.learn("linear", algorithm="mpc", steps=10, run_dir=sys.argv[1], evaluation={"episodes": 1}, progress=False)
        agent = run.agent()
        print("go", flush=True)
        agent.evaluate(episodes=10**5)
    """,
}


@pytest.mark.skipif(os.name == "nt", reason="interrupts are sent as signals")
@pytest.mark.parametrize("what", ENDLESS)
def test_an_interrupt_ends(what: str, tmp_path: Path) -> None:
    """On the pool, where no code of Python's hears of it by itself."""
    program = [sys.executable, "-c", textwrap.dedent(ENDLESS[what]), str(tmp_path / "run")]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "go\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert "KeyboardInterrupt" in errors and "ExternalError" not in errors, errors


FORK = """
import multiprocessing, sys
import numpy as np
import worldwright as wm

def work(folder):
    planner = wm.Planner("icem", model=wm.Model("known", environment="pendulum"), seed=3, population=512)
    plans = [planner.plan([-1.0, 0.0, 0.0]).actions for _ in range(2)]
    run = wm.learn("linear", steps=60, model={"name": "ensemble", "members": 2, "hidden": [16]}, agent={"initial_steps": 40}, run_dir=folder,
                   planner={"name": "icem", "horizon": 5, "population": 256}, evaluation={"episodes": 1}, progress=False)
    return np.concatenate(plans), run.summary["weights_digest"], run.agent().act(np.zeros(2))

before = "after" not in sys.argv or work(sys.argv[1] + "/parent")
with multiprocessing.get_context("fork").Pool(2) as pool:
    children = pool.map_async(work, [f"{sys.argv[1]}/{i}" for i in range(2)]).get(timeout=60)
after = work(sys.argv[1] + "/parent-after")
for plans, digest, action in children:
    assert np.array_equal(plans, after[0]) and digest == after[1] and np.array_equal(action, after[2])
"""


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
@pytest.mark.parametrize("when", ["before", "after"])
def test_forked_children_compute_as_their_parent_does(when: str, tmp_path: Path) -> None:
    """Before the parent has computed anything, and after it has: a child has none of its parent's threads."""
    script = textwrap.dedent(FORK)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, str(tmp_path), when], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
