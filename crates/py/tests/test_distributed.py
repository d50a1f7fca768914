"""Sweeps, populations and single jobs, on local processes and on Ray."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import worldwright as wm
from worldwright import distributed
from worldwright.distributed._crew import processors
from worldwright.distributed._population import _Span, _uniform
from worldwright.distributed._ray import share

SMALL: dict[str, Any] = {
    "algorithm": "pets",
    "steps": 200,
    "model": {"name": "linear", "particles": 2},
    "planner": {"name": "random-shooting", "horizon": 3, "population": 8},
    "agent": {"initial_steps": 20, "fit_every": 25},
    "evaluation": {"episodes": 1},
}
QUIET: dict[str, Any] = {"progress": False}


class Mass(gymnasium.Env[Any, Any]):
    """A mass on a line, pushed towards the origin for 20 steps. ``trap`` is a file that makes step 70 of a process deadly."""

    metadata: dict[str, Any] = {"render_modes": []}
    observation_space = gymnasium.spaces.Box(-10.0, 10.0, (2,))
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,))

    def __init__(self, trap: str | None = None, ending: str = "kill", pause_secs: float = 0.0) -> None:
        self.trap, self.ending, self.pause_secs = trap, ending, pause_secs
        self.taken = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.state, self.left = self.np_random.uniform(-1.0, 1.0, 2), 20
        return self.state.astype(np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        time.sleep(self.pause_secs)
        self.taken += 1
        if self.trap is not None and self.taken == 70 and os.path.exists(self.trap):
            if self.ending == "kill":
                os.unlink(self.trap)
                os.kill(os.getpid(), signal.SIGKILL)
            elif self.ending == "die":
                os._exit(3)
            raise ArithmeticError("the rail has broken")
        position, speed = self.state
        speed = 0.9 * speed + 0.1 * float(np.asarray(action).reshape(-1)[0])
        self.state = np.clip(np.array([position + 0.1 * speed, speed]), -10.0, 10.0)
        self.left -= 1
        return self.state.astype(np.float32), -float(position**2), False, self.left == 0, {}


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    """Ray on three processors, as many as actors are asked for."""
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=3, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


@pytest.fixture(params=["processes", "ray"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "ray":
        request.getfixturevalue("ray")
    return str(request.param)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> wm.Run:
    """A run in this process."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    return wm.learn("linear", seed=1, run_dir=folder, progress=False, **SMALL)


def test_a_sweep_gives_the_same_on_one_worker_and_on_three(engine: str, tmp_path: Path, alone: wm.Run) -> None:
    swept = [
        distributed.sweep(
            "linear",
            seeds=[0, 1],
            grid={"planner.horizon": [3, 5]},
            run_dir=tmp_path / str(workers),
            workers=workers,
            engine=engine,  # type: ignore[arg-type]
            **SMALL,
            **QUIET,
        )
        for workers in (1, 3)
    ]
    one, three = ([result.digest for result in results] for results in swept)
    assert one == three
    assert len(set(one)) == 4
    # In the order of combinations, then seeds; and the same as without any worker.
    assert [dict(result.varied) for result in swept[0]] == [
        {"planner.horizon": horizon, "seed": seed} for horizon in (3, 5) for seed in (0, 1)
    ]
    assert one[1] == alone.summary["weights_digest"]
    assert swept[1].best.return_mean == max(result.return_mean for result in swept[1])
    assert swept[0][1].run.returns == alone.returns

    pandas = pytest.importorskip("pandas")
    frame = swept[1].to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["planner.horizon"]) == [3, 3, 5, 5]
    assert list(frame["digest"]) == three


def test_a_killed_worker_is_replaced_and_one_that_always_fails_stops_nobody(engine: str, tmp_path: Path) -> None:
    traps = {ending: tmp_path / f"{ending}.trap" for ending in ("kill", "die", "raise")}
    for trap in traps.values():
        trap.touch()
    jobs = [
        distributed.jobs(
            functools.partial(Mass, trap=str(trap), ending=ending),
            seeds=[4],
            run_dir=tmp_path / ending,
            **{**SMALL, "settings": {"retries": 0}},
        )[0]
        for ending, trap in traps.items()
    ]
    killed, died, raised = distributed.run(jobs, workers=3, retries=1, engine=engine, progress=False)  # type: ignore[arg-type]

    whole = wm.learn(Mass, seed=4, run_dir=tmp_path / "whole", **{**SMALL, "settings": {"retries": 0}}, **QUIET)
    assert not traps["kill"].exists()
    assert (killed.error, killed.attempts) == (None, 2)
    assert killed.digest == whole.summary["weights_digest"]
    assert killed.returns == tuple(whole.returns)
    # It went on from its checkpoint: 60 steps were there when it was killed in its 70th.
    assert [row["step"] for row in killed.run.rows("episode")] == list(range(20, 201, 20))

    assert died.attempts == 2
    assert died.error is not None and "died 2 times" in died.error
    assert raised.attempts == 1
    assert raised.error is not None and "ArithmeticError: the rail has broken" in raised.error
    assert distributed.Results([killed, died, raised]).failures == [died, raised]
    # Mended, both go on.
    for ending in ("die", "raise"):
        traps[ending].unlink()
    mended = distributed.run(jobs, workers=2, engine=engine, progress=False)  # type: ignore[arg-type]
    assert {result.digest for result in mended} == {killed.digest}


def test_an_interrupt_keeps_the_runs_and_the_same_call_goes_on(engine: str, tmp_path: Path) -> None:
    def swept() -> distributed.Results:
        maker = functools.partial(Mass, pause_secs=0.004)
        return distributed.sweep(maker, seeds=[4], run_dir=tmp_path, workers=1, engine=engine, **SMALL, **QUIET)  # type: ignore[arg-type]

    folder = tmp_path / "seed4"

    def interrupt() -> None:
        until = time.monotonic() + 60
        while len(list(folder.glob("checkpoints/0*"))) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(KeyboardInterrupt, match="goes on"):
        swept()
    watcher.join()
    assert multiprocessing.active_children() == []
    assert not (folder / "summary.json").exists()
    (result,) = swept()
    whole = wm.learn(Mass, seed=4, run_dir=tmp_path / "whole", **SMALL, **QUIET)
    assert (result.error, result.digest) == (None, whole.summary["weights_digest"])


POPULATION: dict[str, Any] = {
    **SMALL,
    "steps": 50,
    "members": 3,
    "rounds": 3,
    "explore": {"planner.horizon": (2, 8), "agent.exploration_noise": (0.05, 0.5)},
    **QUIET,
}


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> distributed.Results:
    return distributed.population("linear", run_dir=tmp_path_factory.mktemp("one"), workers=1, engine="processes", **POPULATION)


def test_a_population_is_the_same_on_one_worker_and_on_three(
    engine: str, population: distributed.Results, tmp_path: Path
) -> None:
    three = distributed.population("linear", run_dir=tmp_path, workers=3, engine=engine, **POPULATION)
    assert [result.error for result in three] == [None] * 9
    assert [(dict(result.varied), result.digest) for result in three] == [
        (dict(result.varied), result.digest) for result in population
    ]


def test_after_each_round_the_worst_goes_on_from_the_best(population: distributed.Results) -> None:
    rounds = [population[start : start + 3] for start in (0, 3, 6)]
    assert len({result.digest for result in population}) == 9
    for turn, results in enumerate(rounds):
        assert [result.real_steps for result in results] == [50 * (turn + 1)] * 3
    for before, after in zip(rounds, rounds[1:], strict=False):
        returns = [result.return_mean for result in before]
        best, worst = returns.index(max(returns)), returns.index(min(returns))
        parents = [result.varied["parent"] for result in after]
        assert parents == [best if member == worst else member for member in range(3)]
        for member, result in enumerate(after):
            horizon = result.varied["planner.horizon"]
            assert 2 <= horizon <= 8
            if member != worst:
                assert horizon == before[member].varied["planner.horizon"]
        # What the copy has seen begins with what the best had seen.
        copied, donor = after[worst].run.rows("episode"), before[best].run.rows("episode")
        assert [row["return"] for row in copied[: len(donor)]] == [row["return"] for row in donor]


def test_a_run_branched_with_more_steps_is_the_run_with_more_steps(tmp_path: Path, alone: wm.Run) -> None:
    from worldwright.distributed.job import one
    from worldwright.distributed.worker import work

    first = work(one("linear", folder=tmp_path / "first", seed=1, **{**SMALL, "steps": 100}))
    longer = work(one("linear", folder=tmp_path / "longer", seed=1, start=first.folder, **SMALL))
    assert (longer.error, longer.digest) == (None, alone.summary["weights_digest"])
    steady = ("kind", "step", "episode", "return", "return_mean", "holdout_mse")
    assert [[row.get(key) for key in steady] for row in longer.run.rows()] == [
        [row.get(key) for key in steady] for row in alone.rows()
    ]
    # The planner's settings are free, what shapes the model is not, and an environment stays.
    free = work(one("linear", folder=tmp_path / "free", seed=7, start=first.folder, **SMALL, varied={"planner.horizon": 6}))
    assert free.error is None and free.real_steps == 200
    other = work(one("linear", folder=tmp_path / "other", start=first.folder, **{**SMALL, "model": "gp"}))
    assert other.error is not None and other.error.startswith("ConfigError") and "does not fit" in other.error
    elsewhere = work(one("point-mass", folder=tmp_path / "elsewhere", start=first.folder, **SMALL))
    assert elsewhere.error is not None and "a branch keeps its environment" in elsewhere.error


def test_one_job_is_a_run_and_its_error_is_raised(engine: str, tmp_path: Path, alone: wm.Run) -> None:
    result = distributed.learn("linear", seed=1, run_dir=tmp_path / "run", engine=engine, **SMALL, **QUIET)  # type: ignore[arg-type]
    assert result.digest == alone.summary["weights_digest"]
    if engine == "ray":
        # What follows starts nothing that this has not started.
        return
    # The folder holds this run: with another seed, that is told.
    with pytest.raises(wm.ExternalError, match="seed: was 1, is now 2"):
        distributed.learn("linear", seed=2, run_dir=tmp_path / "run", engine=engine, **SMALL, **QUIET)  # type: ignore[arg-type]


def test_slips_are_heard_before_any_worker_starts(tmp_path: Path) -> None:
    here: dict[str, Any] = {"run_dir": tmp_path, "progress": False}
    with pytest.raises(wm.UnknownNameError, match="horizon"):
        distributed.sweep("linear", grid={"planner.horizn": [3]}, **here, **SMALL)
    with pytest.raises(wm.ConfigError, match="no value"):
        distributed.sweep("linear", grid={"planner.horizon": []}, **here, **SMALL)
    with pytest.raises(wm.ConfigError, match="twice"):
        distributed.sweep("linear", seeds=[1, 1], **here, **SMALL)
    with pytest.raises(wm.ConfigError, match="seeds="):
        distributed.sweep("linear", grid={"seed": [1]}, **here, **SMALL)
    with pytest.raises(wm.ConfigError, match="workers"):
        distributed.sweep("linear", workers=0, **here, **SMALL)
    with pytest.raises(wm.ConfigError, match="engine"):
        distributed.sweep("linear", engine="threads", **here, **SMALL)  # type: ignore[arg-type]
    with pytest.raises(wm.ConfigError, match="function that makes one"):
        distributed.sweep(Mass(), **here, **SMALL)
    with pytest.raises(wm.ConfigError, match="at least 2 members"):
        distributed.population("linear", explore={}, members=1, **here, **SMALL)
    with pytest.raises(wm.ConfigError, match="a range is"):
        distributed.population("linear", explore={"planner.horizon": (9, 3)}, **here, **SMALL)
    with pytest.raises(TypeError, match="sttings"):
        distributed.sweep("linear", sttings={}, **here)  # type: ignore[call-arg]


def test_folders_of_a_sweep_tell_its_settings() -> None:
    jobs = distributed.jobs(
        "linear", seeds=[3], grid={"model": ["gp", "linear"], "planner.horizon": np.arange(4, 6)}, run_dir="x", algorithm="pets"
    )
    assert [job.folder for job in jobs] == [
        Path.cwd() / "x" / f"model={model}_planner.horizon={horizon}" / "seed3"
        for model in ("gp", "linear")
        for horizon in (4, 5)
    ]
    assert jobs[1].choices == {"agent.name": "pets", "model.name": "gp", "planner.horizon": 5, "seed": 3}
    # An environment of Gymnasium's registry goes as what makes another like it.
    (job,) = distributed.jobs(gymnasium.make("Pendulum-v1"), seeds=[0])
    assert job.folder == Path.cwd() / "runs/Pendulum-v1-pets-sweep/seed0"
    assert callable(job.environment) and job.environment().spec.id == "Pendulum-v1"


def test_shares_of_processors() -> None:
    assert share([8.0], 3) == 2.0
    assert share([3.0], 3) == 1.0
    assert share([8.0, 8.0], 3) == 4.0
    assert share([2.0], 3) == 0.5
    assert share([16.0, 4.0], 1) == 16.0
    assert processors() >= 1


def test_spans_stay_within_and_move_by_a_quarter_or_to_a_neighbour() -> None:
    numbers = [_uniform(0, "place", i) for i in range(2000)]
    assert abs(float(np.mean(numbers)) - 0.5) < 0.02 and 0.0 <= min(numbers) and max(numbers) < 1.0
    rate = _Span("rate", (1e-4, 1e-2))
    drawn = [rate.draw(number) for number in numbers]
    assert min(drawn) >= 1e-4 and max(drawn) <= 1e-2
    assert abs(float(np.median(drawn)) - 1e-3) < 1e-4

    def fixed(**numbers: float) -> Any:
        return lambda word: numbers[word]

    assert rate.perturb(1e-3, fixed(resample=0.9, direction=0.1)) == 1.25e-3
    assert rate.perturb(1e-3, fixed(resample=0.9, direction=0.9)) == 8e-4
    assert rate.perturb(9e-3, fixed(resample=0.9, direction=0.1)) == 1e-2
    assert rate.perturb(9e-3, fixed(resample=0.1, again=0.0)) == pytest.approx(1e-4)
    horizon = _Span("horizon", (2, 8))
    assert horizon.perturb(2, fixed(resample=0.9, direction=0.1)) == 3
    assert horizon.perturb(2, fixed(resample=0.9, direction=0.9)) == 2
    planner = _Span("planner", ["cem", "icem", "mppi"])
    assert planner.perturb("icem", fixed(resample=0.9, direction=0.1)) == "mppi"
    assert planner.perturb("cem", fixed(resample=0.9, direction=0.9)) == "cem"


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_its_extra_is_named(tmp_path: Path) -> None:
    with pytest.raises(wm.ConfigError, match=r"worldwright\[ray\]"):
        distributed.sweep("linear", engine="ray", run_dir=tmp_path, **SMALL, **QUIET)
