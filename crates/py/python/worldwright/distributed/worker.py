"""The worker: carries out one job, from wherever an earlier one was cut.

Ray actors, local processes, Slurm arrays and Kubernetes Jobs all start this. As a program::

    python -m worldwright.distributed.worker --jobs jobs.jsonl --index 3

Exit codes: 0, the job is done; 1, it failed and may work another time; 2, it can never work as it is written (settings, an
index, a function that cannot be imported); 75, it was stopped (SIGINT, SIGTERM) and goes on when it is started again.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import _native
from .._callables import Choices, Reward, start_of
from .._environments import Source
from .._files import write_whole
from ..errors import ConfigError, ShapeError, SpaceError, UnknownNameError, UnsupportedError, WorldwrightError
from ..learning import learn
from .job import Job, read_jobs
from .results import RESULT, Result

DONE, FAILED, MISTAKEN, STOPPED = 0, 1, 2, 75
INDICES = ("SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX")
"""Where cluster managers tell a worker its index."""
MISTAKES = (ConfigError, UnknownNameError, ShapeError, SpaceError, UnsupportedError, TypeError)

Follower = Callable[[str, Mapping[str, Any]], None]


def work(job: Job, *, follow: Follower | None = None, progress: bool = False) -> Result:
    """Carries out a job, going on with what its folder holds, and writes ``result.json`` there.

    Args:
        job: What to do.
        follow: Hears what happens, as in :func:`worldwright.learn`.
        progress: Whether to show a progress bar.

    Returns:
        What it came to; an error is told in the result.

    Raises:
        KeyboardInterrupt: After an interrupt, when everything is saved.
    """
    return _attempt(job, follow, progress)[0]


def _attempt(job: Job, follow: Follower | None, progress: bool) -> tuple[Result, Exception | None]:
    try:
        # What an earlier worker said of this folder holds no longer.
        (job.folder / RESULT).unlink(missing_ok=True)
        if job.start is not None and not (job.folder / "config.toml").exists():
            _branch(job, job.start)
        run = learn(
            job.environment,
            config=job.choices,
            reward=job.reward,
            termination=job.termination,
            run_dir=job.folder,
            resume=True,
            progress=progress,
            follow=follow,
        )
        summary = run.summary
        result = Result(
            job=job,
            return_mean=float(summary["return_mean"]),
            returns=tuple(run.returns),
            digest=str(summary["weights_digest"]),
            real_steps=int(summary["real_steps"]),
            wall_secs=float(summary["wall_secs"]),
        )
        _write(result)
    except Exception as error:  # noqa: BLE001 - whatever an environment or a function raises is the job's result
        cause = error.__cause__
        why = f"{type(error).__name__}: {error}" + (f" (caused by {type(cause).__name__}: {cause})" if cause else "")
        result = Result(job=job, error=why)
        try:
            _write(result)
        except OSError:
            # The error itself may be that nothing can be written there.
            pass
        return result, error
    return result, None


def pin(threads: int) -> None:
    """Keeps this process to its share of the machine; to be called before it computes anything."""
    for variable in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)


def share_of(kind: str, values: Mapping[str, Any], steps: int | None) -> tuple[float | None, int | None]:
    """How much of a job is done after an event, where that says so, and its steps in all."""
    if kind == "started":
        steps = max(1, int(values["steps"]))
    if steps is None or "step" not in values:
        return None, steps
    return min(1.0, int(values["step"]) / steps), steps


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; gives its exit code."""
    parser = argparse.ArgumentParser("python -m worldwright.distributed.worker", description="Carries out one job of a file.")
    parser.add_argument("--jobs", required=True, type=Path, help="file with one job a line")
    parser.add_argument("--index", type=int, help=f"which line, from 0; else {' or '.join(INDICES)} of the environment")
    parser.add_argument("--root", type=Path, default=Path(), help="what folders in the file are relative to")
    parser.add_argument("--threads", type=int, help="threads to compute with; else all")
    given = parser.parse_args(arguments)
    if given.threads is not None:
        pin(max(1, given.threads))
    try:
        (job,) = read_jobs(given.jobs, index=_index(given.index), root=given.root)
    except WorldwrightError as error:
        return _say(f"error: {error}", MISTAKEN)
    _stop_on_termination()
    _say(f"{job.name}: begins or goes on in {job.folder}", DONE)
    try:
        result, failure = _attempt(job, None, progress=sys.stderr.isatty())
    except KeyboardInterrupt:
        return _say(f"{job.name}: stopped; the same command goes on with {job.folder}", STOPPED)
    if failure is not None:
        return _say(f"error: {job.name}: {result.error}", MISTAKEN if isinstance(failure, MISTAKES) else FAILED)
    print(json.dumps({"folder": str(job.folder), **result.to_json()}))
    return DONE


def _index(told: int | None) -> int:
    if told is not None:
        return told
    for variable in INDICES:
        if variable in os.environ:
            try:
                return int(os.environ[variable])
            except ValueError as error:
                raise ConfigError(f"{variable} is no whole number: {os.environ[variable]!r}") from error
    raise ConfigError(f"which job? give --index, or start this where {' or '.join(INDICES)} is set")


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr, flush=True)
    return code


def _branch(job: Job, start: Path) -> None:
    """Begins with what another run has learned."""
    choices = dict(job.choices)
    if isinstance(job.environment, str):
        source = None
        choices["environment"] = job.environment
    else:
        source = Source(job.environment)
        choices["environment"] = source.name
    reward = None
    if job.reward is not None:
        words = Choices(None, start_of(None if source is None else source.action_space))
        reward = Reward(job.reward, termination=job.termination, choices=words)
        choices["reward.kind"] = "known"
    _native.branch(choices=choices, source=source, reward=reward, run_dir=job.folder, start=start)


def _write(result: Result) -> None:
    write_whole(result.folder / RESULT, json.dumps(result.to_json(), indent=2) + "\n")


def _stop_on_termination() -> None:
    """Makes SIGTERM, which cluster managers send before they kill, the same as an interrupt."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A shell starts what it sends into the background with interrupts ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    sys.exit(main())
