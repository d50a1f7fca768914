"""Workers as processes of this machine, started afresh (``spawn``) so that they share no threads with this one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection, wait
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from ._fleet import Event
from .job import Job

SHARE_SECS = 0.2
"""Time between two words on a job's progress."""
STOP_SECS = 5.0
"""Time that a worker has to stop by itself."""


class ProcessFleet:
    """Processes, each at the other end of a pipe.

    Args:
        threads: What each may compute with.
    """

    def __init__(self, *, threads: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._threads = threads
        self._started = 0
        self._workers: dict[int, tuple[Any, Connection]] = {}
        self._busy: set[int] = set()

    def start(self) -> int:
        """Starts a process."""
        here, there = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(there, self._threads), name=f"worldwright-worker-{self._started}")
        process.start()
        # Only the child may hold its end, so that its death is heard.
        there.close()
        number, self._started = self._started, self._started + 1
        self._workers[number] = (process, here)
        return number

    def give(self, worker: int, job: Job) -> None:
        """Sends a job; functions travel by value where no module has them."""
        self._busy.add(worker)
        try:
            self._workers[worker][1].send_bytes(cloudpickle.dumps(job))
        except OSError:
            # It has died: its end is heard at the next call of events.
            pass

    def events(self, timeout_secs: float) -> list[Event]:
        """What they have told."""
        events = []
        heard = wait([pipe for _, pipe in self._workers.values()], timeout_secs)
        for number, (process, pipe) in list(self._workers.items()):
            if pipe not in heard:
                continue
            try:
                kind, value = pipe.recv()
                if kind == "done":
                    self._busy.discard(number)
                events.append(Event(kind, number, value))
            except (EOFError, OSError):
                del self._workers[number]
                self._busy.discard(number)
                pipe.close()
                process.join(STOP_SECS)
                events.append(Event("died", number, _ending(process.exitcode)))
        return events

    def close(self) -> None:
        """Asks all to stop, and kills those that do not."""
        for number, (process, pipe) in self._workers.items():
            if number in self._busy and process.is_alive():
                os.kill(process.pid, signal.SIGINT)
            else:
                pipe.close()
        until = time.monotonic() + STOP_SECS
        for process, pipe in self._workers.values():
            process.join(max(0.0, until - time.monotonic()))
            if process.is_alive():
                # It is in a long fit, perhaps; its run is at its last checkpoint.
                process.kill()
                process.join()
            pipe.close()
        self._workers.clear()
        self._busy.clear()


def _ending(code: int | None) -> str:
    if code is None:
        return "its pipe is closed though it runs"
    if code < 0:
        return f"signal {signal.Signals(-code).name}" + (" (out of memory, perhaps)" if code == -signal.SIGKILL else "")
    return f"exit code {code}"


def _serve(pipe: Connection, threads: int) -> None:
    """The worker: jobs come in, records go out."""
    # Out of the terminal's group: an interrupt there is for the one who started this, who then stops the workers once.
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    try:
        from .worker import pin, share_of, work

        pin(threads)
        pipe.send(("ready", None))
        while True:
            job = cloudpickle.loads(pipe.recv_bytes())
            steps: int | None = None
            told = 0.0

            def follow(kind: str, values: Mapping[str, Any]) -> None:
                nonlocal steps, told
                share, steps = share_of(kind, values, steps)
                now = time.monotonic()
                if share is not None and now - told >= SHARE_SECS:
                    told = now
                    # Where nobody listens any more, this ends the run at its last checkpoint.
                    pipe.send(("share", share))

            pipe.send(("done", work(job, follow=follow).to_json()))
    except (EOFError, OSError, KeyboardInterrupt):
        # Whoever started this has stopped it or is gone.
        return
