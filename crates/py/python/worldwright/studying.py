"""``study``: experiments about learning itself, and what they found."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from . import _native
from ._html import CELL, HEAD, number
from .errors import ExternalError


@dataclass(frozen=True)
class StudyTable:
    """A table of a study."""

    title: str
    """What it shows."""
    columns: list[str]
    """What each column holds."""
    rows: list[list[Any]]
    """A cell a column: words, a number, or ``{"mean": …, "low": …, "high": …}`` with the ends of the 95 % interval."""

    def records(self) -> list[dict[str, Any]]:
        """A mapping from column to cell for each row, as ``pandas.DataFrame`` takes them."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def __str__(self) -> str:
        lines = [self.columns, *([_text(cell) for cell in row] for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        shown = ("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
        return "\n".join((self.title, *shown))

    def _repr_html_(self) -> str:
        head = "".join(f"<th style='{HEAD}'>{html.escape(column)}</th>" for column in self.columns)
        rows = ("".join(f"<td style='{CELL}'>{html.escape(_text(cell))}</td>" for cell in row) for row in self.rows)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<p>{html.escape(self.title)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Study:
    """What a study found; prints its findings, and shows its tables in notebooks."""

    name: str
    """Its name in ``wm.studies()``."""
    settings: Mapping[str, Any]
    """What it was carried out with, complete."""
    findings: list[str]
    """What came out, a sentence each."""
    tables: list[StudyTable]
    """The numbers."""
    figures: list[dict[str, Any]]
    """What the pictures show: ``title``, ``axes``, ``logarithmic`` and ``curves``, each of these with ``name`` and ``points`` of ``[x, low, middle, high]``."""

    def __init__(self, native: _native.Studied) -> None:
        found = json.loads(native.json())
        self._native = native
        self.name, self.findings, self.figures = found["study"], found["findings"], found["figures"]
        self.settings = MappingProxyType(found["settings"])
        self.tables = [StudyTable(**table) for table in found["tables"]]

    def save(self, folder: str | Path) -> Path:
        """Leaves ``report.html``, ``study.json``, the Markdown and the pictures in a new folder.

        Raises:
            ExternalError: If the folder exists already, or a file cannot be written.
        """
        folder = Path(folder)
        if folder.exists():
            raise ExternalError(f"{folder} exists already: choose another path, or move it away")
        self._native.write(folder)
        return folder

    def __str__(self) -> str:
        return "\n".join((self.name, *(f"- {finding}" for finding in self.findings)))

    def __repr__(self) -> str:
        return f"<Study {self.name}: {len(self.findings)} findings, {len(self.tables)} tables>"

    def _repr_html_(self) -> str:
        findings = "".join(f"<li>{html.escape(finding)}</li>" for finding in self.findings)
        return f"<b>{html.escape(self.name)}</b><ul>{findings}</ul>" + "".join(table._repr_html_() for table in self.tables)


def study(
    name: str, *, progress: bool = True, follow: Callable[[int, int, str], None] | None = None, **settings: Any
) -> Study:
    """Carries out an experiment about learning itself.

    Args:
        name: One of ``wm.studies()``.
        progress: Whether to show a progress bar.
        follow: A function that hears how far it is: ``(done, all, what)``.
        settings: Its settings, such as ``seeds=3``; ``print(wm.studies()[name])`` lists them.

    Returns:
        What was found: findings, tables, figures. The same settings find the same.

    Raises:
        UnknownNameError: If there is no such study or setting.
        ConfigError: If a setting is out of range.
    """
    with _Bar(name, progress, follow) as bar:
        return Study(_native.study(name, given=settings, follow=bar.hear))


class _Bar:
    """Shows how far a study is, and passes it on."""

    def __init__(self, name: str, show: bool, follow: Callable[[int, int, str], None] | None) -> None:
        self._name, self._show, self._follow = name, show, follow
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._bar is not None:
            if kind is None:
                self._bar.n = self._bar.total
            self._bar.close()

    def hear(self, done: int, everything: int, what: str) -> None:
        if self._follow is not None:
            self._follow(done, everything, what)
        if not self._show:
            return
        if self._bar is None:
            from tqdm.auto import tqdm

            self._bar = tqdm(desc=self._name, unit="part", dynamic_ncols=True)
        self._bar.total, self._bar.n = everything, done
        self._bar.set_postfix_str(what, refresh=False)
        self._bar.refresh()


def _text(cell: Any) -> str:
    if isinstance(cell, dict):
        mean, low, high = (number(cell[key]) for key in ("mean", "low", "high"))
        return mean if mean == low == high else f"{mean} ({low} to {high})"
    return cell if isinstance(cell, str) else number(cell)
