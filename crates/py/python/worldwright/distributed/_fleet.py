"""Fleets: where workers live. A crew knows no more of them than this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from .job import Job

Engine = Literal["ray", "processes"]


@dataclass(frozen=True)
class Event:
    """What a worker tells: ``ready`` for a job, a ``share`` of its job, ``done`` with it (a record), or ``died`` (why)."""

    kind: Literal["ready", "share", "done", "died"]
    worker: int
    value: Any = None


class Fleet(Protocol):
    """Where workers live."""

    def start(self) -> int:
        """Starts a worker and gives its number; it tells when it is ready."""

    def give(self, worker: int, job: Job) -> None:
        """Gives a job to a worker that is ready."""

    def events(self, timeout_secs: float) -> list[Event]:
        """What has happened, waiting for the first event for a while."""

    def close(self) -> None:
        """Stops all workers; their runs are kept."""
