"""What there is: environments, models, planners and algorithms, with their settings."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import _native


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
        width = max((len(name) for name in self.settings), default=0)
        lines += [
            f"  {name:<{width}}  {about['default']!r:<12}  {about['summary']}" for name, about in self.settings.items()
        ]
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
    return Catalogue({item["name"]: Entry(**item) for item in _native.catalogue(what)})


def environments() -> Catalogue:
    """Native environments. Any of Gymnasium's goes in as an object."""
    return _list("environment")


def models() -> Catalogue:
    """World models."""
    return _list("model")


def planners() -> Catalogue:
    """Planners."""
    return _list("planner")


def algorithms() -> Catalogue:
    """Algorithms: a model and a planner each, with settings that were measured."""
    return _list("algorithm")
