"""Records of a run: what its folder holds, as tables and numbers."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from .errors import ConfigError, ExternalError


class Records:
    """A run's folder, to read.

    Args:
        folder: The folder that ``learn`` or the command line wrote.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        """The folder."""
        if not self.folder.is_dir():
            raise ExternalError(f"{self.folder} is not a run's folder: it does not exist")

    @property
    def finished(self) -> bool:
        """Whether the run came to its end; one that did not goes on with ``resume=True``."""
        return (self.folder / "summary.json").exists()

    @property
    def trained(self) -> bool:
        """Whether the finished run learned anything: one that ended before its first fit acted at random."""
        if self.summary.get("updates"):
            return True
        return self.summary["decisions_per_sec"] is not None or self.summary["model_errors"]["one_step"] is not None

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """What the finished run came to (``summary.json``)."""
        return self._json("summary.json", "no summary")

    @cached_property
    def diagnostics(self) -> Mapping[str, Any]:
        """How well the final model predicts episodes that it never saw (``diagnostics.json``): ``k_step`` errors, ``calibration`` and
        ``rollouts``."""
        return self._json("diagnostics.json", "no diagnostics")

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """Everything that the run depended on, as tables of settings (``config.toml``)."""
        try:
            with (self.folder / "config.toml").open("rb") as file:
                return tomllib.load(file)
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ExternalError(f"{self.folder} is not a run's folder: its config.toml cannot be read ({error})") from error

    @property
    def about(self) -> dict[str, Any]:
        """In short: ``environment``, ``algorithm``, the algorithm's parts (``model``, ``planner``, ``policy``) and ``seed``."""
        config = self.config
        word = {"agent": "algorithm"}
        named = {word.get(table, table): part["name"] for table, part in config.items() if isinstance(part, dict) and "name" in part}
        return named | {"seed": config.get("seed", 0)}

    @property
    def return_mean(self) -> float:
        """Mean return of the final evaluation's episodes."""
        return float(self.summary["return_mean"])

    @property
    def returns(self) -> list[float]:
        """Returns of the final evaluation's episodes."""
        return [float(value) for value in self.summary["returns"]]

    def rows(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The lines of ``metrics.jsonl``, those of one kind (``"episode"``, ``"learn"``, ``"study"``, ``"evaluation"``) if told; the numbers of
        ``clock`` stand beside the others."""
        rows: list[dict[str, Any]] = []
        path = self.folder / "metrics.jsonl"
        if not path.exists():
            return rows
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if not line.endswith("\n"):
                    break  # A run that is still going is writing this one.
                row = _numbers(json.loads(line))
                row |= row.pop("clock", {})
                if kind is None or row["kind"] == kind:
                    rows.append(row)
        return rows

    def metrics(self, kind: str | None = None, *, library: Literal["pandas", "polars"] = "pandas") -> Any:
        """The metrics as a table: a line for each episode, fit and evaluation, in the order in which they happened.

        Args:
            kind: Only ``"episode"``, ``"learn"`` or ``"evaluation"``; the columns are then those of that kind.
            library: ``"pandas"`` or ``"polars"``, whose ``DataFrame`` it is.

        Returns:
            A ``DataFrame``. ``step`` counts real steps; ``return`` and ``return_mean`` are in the environment's unit; columns that end in
            ``_secs`` are seconds; numbers that a row does not have, or that were not finite, are missing.

        Raises:
            ConfigError: The library is not installed, or there is no such kind or library.
        """
        kinds = ("episode", "learn", "evaluation")
        if kind is not None and kind not in kinds:
            raise ConfigError(f"no metrics of kind {kind!r}; there are {', '.join(kinds)}")
        rows = self.rows(kind)
        columns = list(dict.fromkeys(name for row in rows for name in row))
        table = {name: [row.get(name) for row in rows] for name in columns}
        try:
            if library == "pandas":
                import pandas

                frame = pandas.DataFrame(table)
                numbers = [name for name in columns if name not in ("kind", "episode", "step")]
                return frame.astype(dict.fromkeys(numbers, "float64"))
            if library == "polars":
                import polars

                return polars.DataFrame(table, strict=False)
        except ImportError as error:
            raise ConfigError(f"tables need {library}: pip install worldwright[data]") from error
        raise ConfigError(f"no library {library!r}: give 'pandas' or 'polars'")

    @property
    def report(self) -> Path:
        """The report, which any browser opens."""
        return self.folder / "report.html"

    def _json(self, name: str, none: str) -> dict[str, Any]:
        try:
            return dict(_numbers(json.loads((self.folder / name).read_text(encoding="utf-8"))))
        except OSError as error:
            raise ExternalError(
                f"{self.folder} has {none}: the run is not finished; go on with the same call of learn and resume=True"
            ) from error


_WORDS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def _numbers(value: Any) -> Any:
    """A value of JSON with the words for numbers that are not finite as those numbers."""
    if isinstance(value, dict):
        return {key: _numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_numbers(part) for part in value]
    return _WORDS.get(value, value) if isinstance(value, str) else value
