"""What the Python skin costs: a call to plan, and an environment step driven from Rust.

    python crates/py/benches/overhead.py

Install the package with ``pip install .`` first (or ``maturin develop --release``). Counted is the processor's time of the process, all
threads together, so that what else the machine does counts little; both sides of a difference take turns. Printed are the minimum and the
median over rounds, in microseconds: for a difference, that of the minima, and the median of the rounds' differences.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import gymnasium
import numpy as np

import worldwright as wm
from worldwright import _native, mcts
from worldwright._environments import Source

ROUNDS = 100


def microseconds(work: Callable[[], int]) -> float:
    """Time of one of the pieces that ``work`` does."""
    began = time.process_time()
    pieces = work()
    return 1e6 * (time.process_time() - began) / pieces


def in_turns(*works: Callable[[], int]) -> list[list[float]]:
    """Times of each, over rounds in which all take their turn."""
    for work in works:
        work()
    rounds = [[microseconds(work) for work in works] for _ in range(ROUNDS)]
    return [list(times) for times in zip(*rounds, strict=True)]


def show(title: str, times: list[float]) -> None:
    row(title, min(times), statistics.median(times))


def row(title: str, minimum: float, median: float) -> None:
    print(f"| {title} | {minimum:.2f} | {median:.2f} |", flush=True)


class Still(gymnasium.Env):
    """Does nothing, so that what remains is the call."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (3,), np.float32)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self) -> None:
        self.observation = np.zeros(3, dtype=np.float32)

    def reset(self, *, seed=None, options=None):
        return self.observation, {}

    def step(self, action):
        return self.observation, 0.0, False, False, {}


def own_loop(make: Callable[[], gymnasium.Env], steps: int) -> Callable[[], int]:
    """Random actions as a user would write them, with the observations kept."""

    def work() -> int:
        environment = make()
        actions = np.random.default_rng(0).uniform(-1, 1, (steps, 1)).astype(np.float32)
        environment.reset(seed=0)
        kept = np.empty((steps, 3))
        for i in range(steps):
            observation, reward, terminated, truncated, _ = environment.step(actions[i])
            kept[i] = observation
            if terminated or truncated:
                environment.reset(seed=i)
        return steps

    return work


def driven(make: Callable[[], gymnasium.Env], steps: int) -> Callable[[], int]:
    """The same from Rust, into a data set."""
    source = Source(make)

    def work() -> int:
        _native.explore(source=source, environment_name=None, steps=steps, seed=0)
        return steps

    return work


def repeated(call: Callable[[], object], times: int) -> Callable[[], int]:
    def work() -> int:
        for _ in range(times):
            call()
        return times

    return work


def main() -> None:
    print("| microseconds | minimum | median |\n| --- | ---: | ---: |")
    # Two candidates of one step: what is left is the way in and out.
    planner = wm.Planner("random-shooting", model=wm.Model("known", environment="pendulum"), population=2, horizon=1)
    search = mcts.Planner(transition_fn=wm.Model("known", environment="cartpole"), horizon=1)
    observation, cart = np.array([1.0, 0.0, 0.0]), np.zeros(4)
    calls = {
        "a call of `Planner.act` with two model steps": lambda: planner.act(observation),
        "a call of `Planner.plan` with two model steps": lambda: planner.plan(observation),
        "a call of `mcts.Planner.rollout` with one simulation": lambda: search.rollout(1, observation=cart),
    }
    for title, times in zip(calls, in_turns(*(repeated(call, 1000) for call in calls.values())), strict=True):
        show(title, times)
    pendulum = lambda: gymnasium.make("Pendulum-v1")  # noqa: E731
    for title, make, steps in [("an empty environment", Still, 10_000), ("`Pendulum-v1`", pendulum, 2_000)]:
        own, rust = in_turns(own_loop(make, steps), driven(make, steps))
        show(f"a step of {title}, Python's own loop", own)
        show(f"a step of {title}, driven from Rust", rust)
        differences = [ours - theirs for ours, theirs in zip(rust, own, strict=True)]
        row("the difference", min(rust) - min(own), statistics.median(differences))


if __name__ == "__main__":
    main()
