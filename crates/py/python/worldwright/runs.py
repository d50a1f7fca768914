"""A run: what a folder of ``learn`` holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ExternalError

if TYPE_CHECKING:
    from .agents import Agent


class Run:
    """A run's folder.

    Args:
        folder: The folder that ``learn`` or the command line wrote.
        environment: The environment, where it cannot be made again from its name.
        reward: The reward function, where it was written in Python.
    """

    def __init__(self, folder: str | Path, *, environment: Any = None, reward: Any = None) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise ExternalError(f"{self.folder} is not a run's folder: it does not exist")
        self._environment = environment
        self._reward = reward

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """What the finished run came to (``summary.json``)."""
        path = self.folder / "summary.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise ExternalError(
                f"{self.folder} has no summary: the run is not finished; go on with the same call of learn and resume=True"
            ) from error

    @property
    def return_mean(self) -> float:
        """Mean return of the final evaluation's episodes."""
        return float(self.summary["return_mean"])

    @property
    def returns(self) -> list[float]:
        """Returns of the final evaluation's episodes."""
        return [float(value) for value in self.summary["returns"]]

    def rows(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The lines of ``metrics.jsonl``, those of one kind (``"episode"``, ``"learn"``, ``"evaluation"``) if told; the numbers of
        ``clock`` stand beside the others."""
        rows = []
        with (self.folder / "metrics.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                row |= row.pop("clock", {})
                if kind is None or row["kind"] == kind:
                    rows.append(row)
        return rows

    @property
    def report(self) -> Path:
        """The report, which any browser opens."""
        return self.folder / "report.html"

    def agent(self) -> Agent:
        """What the run learned, ready to act."""
        from .agents import load

        return load(self.folder, environment=self._environment, reward=self._reward)

    def __repr__(self) -> str:
        finished = (self.folder / "summary.json").exists()
        return f"Run({str(self.folder)!r}{'' if finished else ', not finished'})"
