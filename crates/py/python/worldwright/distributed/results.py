"""What jobs come to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError, ExternalError
from ..runs import Run
from .job import Job

RESULT = "result.json"
"""The file in a run's folder that says what its job came to."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a job came to."""

    job: Job
    """What was asked."""
    return_mean: float = math.nan
    """Mean return of the final evaluation; NaN where the job failed."""
    returns: tuple[float, ...] = ()
    """Returns of its episodes."""
    digest: str = ""
    """SHA-256 over the final weights: equal digests, equal runs."""
    real_steps: int = 0
    """Steps taken in the environment."""
    wall_secs: float = 0.0
    """Seconds of work, pauses and lost pieces left out."""
    attempts: int = 1
    """Workers that it took."""
    error: str | None = None
    """Why it failed: the error's class and message; none where it did not."""

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.job.folder

    @property
    def varied(self) -> Mapping[str, Any]:
        """What tells its job from the others."""
        return self.job.varied

    @property
    def run(self) -> Run:
        """The run, with its metrics, report and agent.

        Raises:
            ExternalError: Where the job failed before it had a folder.
        """
        given = self.job.environment
        return Run(self.folder, environment=None if isinstance(given, str) else given, reward=self.job.reward)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, the job left out but for what varies."""
        return {
            "format": 1,
            "varied": dict(self.varied),
            "return_mean": self.return_mean if math.isfinite(self.return_mean) else None,
            "returns": list(self.returns),
            "digest": self.digest,
            "real_steps": self.real_steps,
            "wall_secs": self.wall_secs,
            "attempts": self.attempts,
            "error": self.error,
        }

    @classmethod
    def from_json(cls, job: Job, record: Mapping[str, Any]) -> Result:
        """What :meth:`to_json` wrote for a job."""
        mean = record["return_mean"]
        return cls(
            job=job,
            return_mean=math.nan if mean is None else float(mean),
            returns=tuple(record["returns"]),
            digest=record["digest"],
            real_steps=record["real_steps"],
            wall_secs=record["wall_secs"],
            attempts=record["attempts"],
            error=record["error"],
        )

    def __repr__(self) -> str:
        told = f"failed: {self.error}" if self.error else f"return {self.return_mean:.4g}, digest {self.digest[:12]}"
        return f"Result({self.job.name}: {told})"


class Results(list[Result]):
    """Results in the order of their jobs."""

    @property
    def failures(self) -> Results:
        """Those whose job failed."""
        return Results(result for result in self if result.error is not None)

    @property
    def best(self) -> Result:
        """The one with the highest mean return, the first of equals.

        Raises:
            ExternalError: Where every job failed.
        """
        ended = [result for result in self if not math.isnan(result.return_mean)]
        if not ended:
            raise ExternalError(f"none of {len(self)} jobs ended well; the first says: {self[0].error if self else 'no job'}")
        return max(ended, key=lambda result: result.return_mean)

    def to_pandas(self) -> Any:
        """A DataFrame, one row a job: what varies, then what it came to."""
        try:
            import pandas
        except ImportError as error:
            raise ConfigError("a DataFrame needs pandas: pip install worldwright[data]") from error
        return pandas.DataFrame(
            [
                {
                    **result.varied,
                    "return_mean": result.return_mean,
                    "return_std": float(np.std(result.returns, ddof=1)) if len(result.returns) > 1 else 0.0,
                    "real_steps": result.real_steps,
                    "wall_secs": result.wall_secs,
                    "attempts": result.attempts,
                    "digest": result.digest,
                    "error": result.error,
                    "folder": str(result.folder),
                }
                for result in self
            ]
        )
