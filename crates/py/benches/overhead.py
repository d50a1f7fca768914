"""What the Python skin costs: a call to plan, and an environment step driven from Rust.

    python crates/py/benches/overhead.py

Build the package with ``maturin develop --release`` first. Medians and minima over rounds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import gymnasium
import numpy as np

import worldwright as wm
from worldwright import _native
from worldwright._environments import Source

ROUNDS = 15


def microseconds(work: Callable[[], int]) -> list[float]:
    """Time of one of the pieces that ``work`` does, over rounds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        pieces = work()
        times.append(1e6 * (time.perf_counter() - began) / pieces)
    return times


def show(title: str, times: list[float]) -> None:
    print(f"{title:<58} {statistics.median(times):8.2f} {min(times):8.2f}")


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


def own_loop(environment: gymnasium.Env, steps: int) -> int:
    """Random actions as a user would write them, with the observations kept."""
    actions = np.random.default_rng(0).uniform(-1, 1, (steps, 1)).astype(np.float32)
    environment.reset(seed=0)
    kept = np.empty((steps, 3))
    for i in range(steps):
        observation, reward, terminated, truncated, _ = environment.step(actions[i])
        kept[i] = observation
        if terminated or truncated:
            environment.reset(seed=i)
    return steps


def driven(make: Callable[[], gymnasium.Env], steps: int) -> int:
    _native.explore(source=Source(make), environment_name=None, steps=steps, seed=0)
    return steps


def main() -> None:
    print(f"{'microseconds':<58} {'median':>8} {'minimum':>8}")
    # Two candidates of one step: what is left is the way in and out.
    model = wm.Model("known", environment="pendulum")
    planner = wm.Planner("random-shooting", model=model, population=2, horizon=1)
    observation = np.array([1.0, 0.0, 0.0])

    def plans() -> int:
        for _ in range(2000):
            planner.act(observation)
        return 2000

    plans()
    show("a call of Planner.act with two model steps", microseconds(plans))
    native = planner._native

    def improves() -> int:
        for _ in range(2000):
            native.improve(observation, iterations=None, model_steps=None, time_secs=None)
        return 2000

    show("the native call within", microseconds(improves))
    for title, make, steps in [("an empty environment", Still, 20_000), ("Pendulum-v1", lambda: gymnasium.make("Pendulum-v1"), 4_000)]:
        environment = make()
        own = microseconds(lambda environment=environment, steps=steps: own_loop(environment, steps))
        rust = microseconds(lambda make=make, steps=steps: driven(make, steps))
        show(f"a step of {title}, Python's own loop", own)
        show(f"a step of {title}, driven from Rust", rust)
        show("    the difference", [ours - theirs for ours, theirs in zip(rust, own, strict=True)])


if __name__ == "__main__":
    main()
