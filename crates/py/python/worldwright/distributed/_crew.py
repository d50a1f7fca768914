"""A crew: workers that take jobs in turn, are replaced when they die, and are stopped together.

The crew knows nothing of processes or actors; a :class:`Fleet` has them. Results depend on the jobs alone: which worker takes
which job, how many there are and how often one dies changes nothing but the time.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

from ..errors import ConfigError, ExternalError
from ._fleet import Engine, Fleet
from .job import Job
from .results import Result, Results

POLL_SECS = 0.25


class Bar:
    """A progress bar over jobs, each counted by the share that is done."""

    def __init__(self, show: bool, what: str, jobs: int) -> None:
        self._shares = [0.0] * jobs
        self._best: float | None = None
        self._failed = 0
        self._bar: Any = None
        if show:
            from tqdm.auto import tqdm

            form = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f}/{total_fmt} jobs [{elapsed}<{remaining}{postfix}]"
            self._bar = tqdm(total=jobs, desc=what, bar_format=form, dynamic_ncols=True)

    def share(self, job: int, share: float) -> None:
        """So much of a job is done."""
        if share > self._shares[job]:
            self._shares[job] = share
            self._draw()

    def done(self, job: int, result: Result) -> None:
        """A job has ended."""
        self._shares[job] = 1.0
        if result.error is not None:
            self._failed += 1
        elif self._best is None or result.return_mean > self._best:
            self._best = result.return_mean
        self._draw()

    def close(self) -> None:
        """Leaves the bar as it is."""
        if self._bar is not None:
            self._bar.close()

    def _draw(self) -> None:
        if self._bar is not None:
            told = {} if self._best is None else {"best return": f"{self._best:.4g}"}
            self._bar.set_postfix(told | ({"failed": self._failed} if self._failed else {}), refresh=False)
            self._bar.n = sum(self._shares)
            self._bar.refresh()


class Crew:
    """Workers of one fleet, to be used in a ``with`` statement: what remains of them is stopped at its end."""

    def __init__(self, engine: Engine | None, *, workers: int | None, jobs: int, retries: int, what: str, progress: bool) -> None:
        if workers is not None and workers < 1:
            raise ConfigError(f"workers: at least 1 is needed, got {workers}")
        if retries < 0:
            raise ConfigError(f"retries: at least 0 is needed, got {retries}")
        self._fleet, most = _fleet(engine, workers, jobs)
        self._most = most
        self._retries = retries
        self._bar = Bar(progress, what, jobs)
        self._drawn = 0
        self._starting: set[int] = set()
        self._idle: list[int] = []
        self._busy: dict[int, int] = {}
        self._stillborn = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.close()
        self._fleet.close()
        if kind is KeyboardInterrupt:
            raise KeyboardInterrupt("the workers are stopped and all runs are kept: the same call goes on with them") from error

    def carry_out(self, jobs: Sequence[Job]) -> Results:
        """All jobs to their ends; results in their order."""
        waiting = deque(range(len(jobs)))
        deaths = [0] * len(jobs)
        results: dict[int, Result] = {}
        while len(results) < len(jobs):
            while waiting and self._idle:
                worker, place = self._idle.pop(), waiting.popleft()
                self._busy[worker] = place
                self._fleet.give(worker, jobs[place])
            needed = min(self._most, len(waiting) + len(self._busy))
            for _ in range(needed - len(self._busy) - len(self._idle) - len(self._starting)):
                self._starting.add(self._fleet.start())
            for event in self._fleet.events(POLL_SECS):
                worker = event.worker
                held = self._busy.get(worker)
                if event.kind == "share":
                    if held is not None:
                        self._bar.share(self._drawn + held, event.value)
                elif event.kind == "ready":
                    self._starting.discard(worker)
                    self._idle.append(worker)
                elif event.kind == "done" and held is not None:
                    del self._busy[worker]
                    self._idle.append(worker)
                    result = Result.from_json(jobs[held], event.value)
                    results[held] = replace(result, attempts=deaths[held] + 1)
                    self._bar.done(self._drawn + held, results[held])
                elif event.kind == "died" and held is not None:
                    del self._busy[worker]
                    deaths[held] += 1
                    if deaths[held] <= self._retries:
                        # It comes first, so that the one that has come furthest is not the last.
                        waiting.appendleft(held)
                        continue
                    why = f"ExternalError: its worker died {deaths[held]} times, the last time with: {event.value}"
                    results[held] = Result(job=jobs[held], error=why, attempts=deaths[held])
                    self._bar.done(self._drawn + held, results[held])
                elif event.kind == "died":
                    self._lost_unused(worker, str(event.value))
        self._drawn += len(jobs)
        return Results(results[place] for place in range(len(jobs)))

    def _lost_unused(self, worker: int, why: str) -> None:
        if worker in self._idle:
            self._idle.remove(worker)
        self._starting.discard(worker)
        self._stillborn += 1
        if self._stillborn > self._most + self._retries:
            raise ExternalError(
                f'workers die before they have a job: {why}. In a script, call this under `if __name__ == "__main__":`, '
                "since workers read the script too"
            )


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _fleet(engine: Engine | None, workers: int | None, jobs: int) -> tuple[Fleet, int]:
    """A fleet, and how many workers it shall have at once."""
    engine = engine or ("ray" if find_spec("ray") is not None else "processes")
    if engine == "ray":
        from ._ray import RayFleet

        fleet = RayFleet(workers, jobs)
        return fleet, fleet.workers
    if engine == "processes":
        from ._processes import ProcessFleet

        most = max(1, min(jobs, workers or processors()))
        return ProcessFleet(threads=max(1, processors() // most)), most
    raise ConfigError(f"engine: expected 'ray' or 'processes', got {engine!r}")
