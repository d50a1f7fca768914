"""Ctrl-C, and handlers of the user's own, act while the native half works; a call that cannot end is ended, another goes on."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import worldwright as wm
from worldwright import _native as native

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals come by way of timers")
LATE_SECS = 60.0
"""A guard against hanging: each of these would go on for hours."""


class Bell(Exception):
    """What a handler raises."""


Ready = Callable[[], None]


def endless_plan(folder: Path, ready: Ready) -> None:
    model = wm.Model("known", environment="pendulum")
    planner = wm.Planner("icem", model=model, horizon=50, population=2000, tolerance=0.0)
    ready()
    planner.plan([-1.0, 0.0, 0.0], iterations=10**12)


def endless_short_plan(folder: Path, ready: Ready) -> None:
    """One that is carried out where it is called, because those before it were short."""
    planner = wm.Planner("random-shooting", model=wm.Model("known", environment="linear"), horizon=2, population=2, iterations=1)
    for _ in range(3):
        planner.plan([0.1, 0.0])
    ready()
    planner.plan([0.1, 0.0], iterations=10**12)


def endless_rollout(folder: Path, ready: Ready) -> None:
    ready()
    wm.mcts.Planner(transition_fn=wm.Model("known", environment="cartpole"), observation=[0.0] * 4, rollout_steps=500).rollout(1_000_000)


def endless_gradients(folder: Path, ready: Ready) -> None:
    model = wm.Model("known", environment="pendulum")
    planner = wm.Planner("ilqr", model=model, horizon=20_000)
    ready()
    planner.plan([-1.0, 0.0, 0.0], iterations=10**12)


def endless_function(folder: Path, ready: Ready) -> None:
    planner = wm.Planner("random-shooting", model=lambda o, a: o + a, reward_fn=lambda o, a, n: n[..., 0], action_space=([-1.0], [1.0]))
    ready()
    planner.plan([0.0], iterations=10**12)


def endless_evaluation(folder: Path, ready: Ready) -> None:
    run = wm.learn("linear", algorithm="mpc", steps=10, run_dir=folder / "run", evaluation={"episodes": 1}, progress=False)
    agent = run.agent()
    ready()
    agent.evaluate(episodes=10**5)


def endless_run(folder: Path, ready: Ready) -> None:
    ready()
    wm.learn("linear", algorithm="mpc", steps=10**7, run_dir=folder / "run", progress=False)


ENDLESS = {
    call.__name__.removeprefix("endless_"): call
    for call in (endless_plan, endless_short_plan, endless_rollout, endless_gradients, endless_function, endless_evaluation, endless_run)
}


def ring(handler: Callable[..., Any], after: float = 0.3) -> None:
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, after)


@contextmanager
def hurried() -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        assert time.monotonic() - began < LATE_SECS


@pytest.fixture(autouse=True)
def _handlers() -> Any:
    before = {number: signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM)}
    yield
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("what", ENDLESS)
def test_what_a_handler_raises_ends_the_call(what: str, tmp_path: Path) -> None:
    def handler(*_: Any) -> None:
        raise Bell("rung")

    with pytest.raises(Bell, match="rung"), hurried():
        ENDLESS[what](tmp_path, lambda: ring(handler))
    # Nothing of it is left for the calls that follow.
    assert np.isfinite(wm.Planner("icem", model=wm.Model("known", environment="linear"), horizon=3).plan([0.1, 0.0]).value)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("what", ENDLESS)
def test_an_interrupt_ends_the_call(what: str, number: signal.Signals, tmp_path: Path) -> None:
    """Also by SIGTERM, where its handler is Python's of an interrupt."""
    signal.signal(number, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt) as caught, hurried():
        ENDLESS[what](tmp_path, lambda: ring(lambda *_: signal.raise_signal(number)))
    assert ("the run is kept in" in str(caught.value)) == (what == "run")


def test_a_handler_that_raises_nothing_is_heard_and_the_call_goes_on() -> None:
    heard = []
    ring(lambda *_: heard.append(time.monotonic()), after=0.2)
    planner = wm.Planner("icem", model=wm.Model("known", environment="pendulum"), horizon=50, population=2000, tolerance=0.0)
    plan = planner.plan([-1.0, 0.0, 0.0], iterations=10**12, time=1.5)
    assert len(heard) == 1 and heard[0] < time.monotonic() - 0.3 and np.isfinite(plan.value)


def test_an_interrupt_ends_what_other_threads_do() -> None:
    ended: list[BaseException] = []

    def plan() -> None:
        try:
            endless_plan(Path(), lambda: None)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at below
            ended.append(error)

    thread = threading.Thread(target=plan, daemon=True)
    thread.start()
    time.sleep(0.5)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        thread.join(LATE_SECS)
    thread.join(LATE_SECS)
    assert [type(error) for error in ended] == [KeyboardInterrupt]


@pytest.mark.filterwarnings("ignore::worldwright.errors.WorldwrightWarning")  # What the table lacks is not looked at here.
def test_an_interrupt_ends_imports_and_exports(tmp_path: Path) -> None:
    """Neither leaves anything behind, half or whole."""
    table = tmp_path / "long.csv"
    table.write_text("observation,action,reward,done\n" + "0.25,0.5,1.5,0\n0.25,0.5,1.5,1\n" * 1_500_000)
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupted(call: Callable[[], Any]) -> None:
        ring(lambda *_: signal.raise_signal(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt), hurried():
            call()

    interrupted(lambda: wm.data.read(table))
    interrupted(lambda: native.import_data(table, "csv", tmp_path / "store"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["long.csv"]
    table.write_text("observation,action,reward,done\n" + "0.25,0.5,1.5,0\n0.25,0.5,1.5,1\n" * 150_000)
    native.import_data(table, "csv", tmp_path / "store")
    for kind in ("npz", "parquet", "feather", "minari"):
        interrupted(lambda kind=kind: [native.export_data(tmp_path / "store", kind, tmp_path / f"{kind}{i}-v0") for i in range(1000)])
        made = [entry for entry in tmp_path.iterdir() if entry.name.startswith((kind, "."))]
        assert all(entry.name.startswith(kind) and wm.data.read(entry).lengths.sum() == 150_000 for entry in made[:1])


def test_an_interrupted_run_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    class Bored(Exception):
        pass

    options: dict[str, Any] = {"algorithm": "mpc", "steps": 400, "evaluation": {"episodes": 1}, "progress": False}

    def follow(kind: str, values: Any) -> None:
        if kind == "step" and values["step"] == 120:
            signal.raise_signal(signal.SIGALRM)

    def handler(*_: Any) -> None:
        raise Bored

    signal.signal(signal.SIGALRM, handler)
    with pytest.raises((Bored, wm.ExternalError)):
        wm.learn("linear", run_dir=tmp_path / "cut", follow=follow, **options)
    again = wm.learn("linear", run_dir=tmp_path / "cut", resume=True, **options)
    whole = wm.learn("linear", run_dir=tmp_path / "whole", **options)
    assert again.summary["weights_digest"] == whole.summary["weights_digest"] and again.returns == whole.returns
