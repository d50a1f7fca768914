"""Workers as Ray actors, on this machine or on a cluster."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError
from ._fleet import Event
from .job import Job

SHARE_SECS = 0.5
"""Time between two questions for a job's progress."""


class Actor:
    """What runs in an actor's process. Its methods overlap: progress is told while a job runs."""

    def __init__(self, threads: int, path: list[str]) -> None:
        from .worker import pin

        pin(threads)
        # Where the caller found its modules, a worker on the same file system finds them too.
        sys.path.extend(place for place in path if place not in sys.path)
        self._share = 0.0

    def ready(self) -> None:
        """Answers as soon as the actor lives."""

    def work(self, job: Job) -> dict[str, Any]:
        """Carries out a job and gives its record."""
        from .worker import share_of, work

        steps: int | None = None
        self._share = 0.0

        def follow(kind: str, values: Mapping[str, Any]) -> None:
            nonlocal steps
            share, steps = share_of(kind, values, steps)
            self._share = self._share if share is None else share

        return work(job, follow=follow).to_json()

    def share(self) -> float:
        """How much of the job is done."""
        return self._share


class RayFleet:
    """Actors. Ray is started on this machine where the caller has not connected to a cluster, and stopped in the end.

    Args:
        workers: How many at most; as many as there are processors unless told otherwise.
        jobs: How many jobs there are.
    """

    def __init__(self, workers: int | None, jobs: int) -> None:
        try:
            import ray
        except ImportError as error:
            raise ConfigError('Ray is not installed: pip install worldwright[ray], or choose engine="processes"') from error
        self._ray: Any = ray
        self._own = not ray.is_initialized()
        if self._own:
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        sizes = [node["Resources"].get("CPU", 0.0) for node in self._ray.nodes() if node["Alive"]]
        self.workers = max(1, min(jobs, workers or int(sum(sizes))))
        processors = share(sizes, self.workers)
        self._threads = max(1, int(processors))
        # Death is dealt with by the crew, which knows what a job's folder holds.
        self._class = self._ray.remote(Actor).options(num_cpus=processors, max_concurrency=2, max_restarts=0)
        self._started = 0
        self._actors: dict[int, Any] = {}
        self._pending: dict[Any, tuple[str, int]] = {}
        self._asked: dict[int, float] = {}

    def start(self) -> int:
        """Starts an actor; on a full cluster it waits for its place, and the others go on."""
        number, self._started = self._started, self._started + 1
        actor = self._class.remote(self._threads, sys.path)
        self._actors[number] = actor
        self._pending[actor.ready.remote()] = ("ready", number)
        return number

    def give(self, worker: int, job: Job) -> None:
        """Sends a job."""
        self._pending[self._actors[worker].work.remote(job)] = ("done", worker)
        self._asked[worker] = time.monotonic()

    def events(self, timeout_secs: float) -> list[Event]:
        """What they have told."""
        now = time.monotonic()
        for worker, asked in self._asked.items():
            if now - asked >= SHARE_SECS:
                self._asked[worker] = now
                self._pending[self._actors[worker].share.remote()] = ("share", worker)
        ended, _ = self._ray.wait(list(self._pending), num_returns=1, timeout=timeout_secs)
        return [event for reference in ended for event in self._hear(reference)]

    def _hear(self, reference: Any) -> list[Event]:
        kind, worker = self._pending.pop(reference, ("", -1))
        if worker not in self._actors:
            return []
        try:
            value = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            if kind == "share":
                # Its job's own end says so too.
                return []
            self._forget(worker)
            return [Event("died", worker, _why(error))]
        if kind == "done":
            self._asked.pop(worker, None)
        return [Event(kind, worker, value)]  # type: ignore[arg-type]

    def _forget(self, worker: int) -> None:
        self._ray.kill(self._actors.pop(worker))
        self._asked.pop(worker, None)
        self._pending = {reference: told for reference, told in self._pending.items() if told[1] != worker}

    def close(self) -> None:
        """Kills all actors; their runs are at their last checkpoints."""
        for worker in list(self._actors):
            self._forget(worker)
        if self._own:
            self._ray.shutdown()


def _why(error: Exception) -> str:
    """What Ray says, without the colours and the stack that it prints with it."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, BaseException):
        error = cause  # type: ignore[assignment]
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def share(sizes: list[float], workers: int) -> float:
    """Processors for each of so many workers on machines of these sizes: the largest equal share with which all find a place."""
    whole = range(int(max(sizes, default=1)), 0, -1)
    parts = (1.0 / of for of in range(2, workers + 1))
    for processors in (*map(float, whole), *parts):
        if sum(int(size / processors + 1e-9) for size in sizes) >= workers:
            return processors
    return 1.0
