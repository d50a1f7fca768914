"""What there is: environments, models, planners and algorithms, with their settings."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import _native

__all__ = ["Catalogue", "Entry", "algorithms", "environments", "learners", "models", "planners", "policies", "studies"]


@dataclass(frozen=True)
class Entry:
    """A line of a list."""

    name: str
    """The name that users write."""
    summary: str
    """What it is."""
    source: str
    """The paper, book or program it follows."""
    settings: Mapping[str, Mapping[str, Any]]
    """Its settings: ``default`` and ``summary`` of each."""

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.summary} ({self.source})"]
        rows = [(name, repr(about["default"]), about["summary"]) for name, about in self.settings.items()]
        wide, wider = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
        lines += [f"  {name:<{wide}}  {default:<{wider}}  {summary}" for name, default, summary in rows]
        return "\n".join(lines)


class Catalogue(dict[str, Entry]):
    """Entries by name; prints and shows itself as a table."""

    def __str__(self) -> str:
        width = max((len(name) for name in self), default=0)
        return "\n".join(f"{name:<{width}}  {entry.summary}" for name, entry in self.items())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td><code>{html.escape(name)}</code></td><td>{html.escape(entry.summary)}</td>"
            f"<td>{html.escape(entry.source)}</td></tr>"
            for name, entry in self.items()
        )
        return f"<table><thead><tr><th>name</th><th>what it is</th><th>source</th></tr></thead><tbody>{rows}</tbody></table>"


def _list(what: str) -> Catalogue:
    items = _native.catalogue(what)
    for item in items:
        for about in item["settings"].values():
            about["default"] = _plain(about["default"])
    return Catalogue({item["name"]: Entry(**item) for item in items})


def _plain(default: Any) -> Any:
    """Lists of whole numbers as a user writes them: widths of layers are no fractions."""
    if isinstance(default, list) and all(float(number).is_integer() for number in default):
        return [int(number) for number in default]
    return default


def environments() -> Catalogue:
    """Native environments. Any of Gymnasium's goes in as an object."""
    return _list("environment")


def models() -> Catalogue:
    """World models."""
    return _list("model")


def planners() -> Catalogue:
    """Planners."""
    return _list("planner")


def policies() -> Catalogue:
    """Policies that learn."""
    return _list("policy")


def learners() -> Catalogue:
    """Tabular learners."""
    return _list("learner")


def algorithms() -> Catalogue:
    """Algorithms: each a recipe of a model, a planner, a policy or a tabular learner, with settings that were measured."""
    return _list("algorithm")


def studies() -> Catalogue:
    """Experiments about learning itself, for :func:`worldwright.study`."""
    return _list("study")
