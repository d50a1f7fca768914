"""What objects show themselves with in notebooks: small tables that follow the notebook's own colours. Runs and evaluations are drawn below."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

HEAD = "font-weight:600;text-align:left;padding:2px 14px 2px 0;white-space:nowrap;vertical-align:top"
CELL = "text-align:left;padding:2px 14px 2px 0;font-variant-numeric:tabular-nums"
SOFT = "opacity:.65;font-size:90%"


def number(value: float) -> str:
    """Four digits, a true minus."""
    value = float(value)
    if not math.isfinite(value):
        return "–"
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}").replace("-", "−")


def card(kind: str, title: str, lines: Sequence[tuple[str, str]]) -> str:
    """A heading and lines of a name and HTML each."""
    body = "".join(f"<tr><td style='{HEAD}'>{head}</td><td style='{CELL}'>{text}</td></tr>" for head, text in lines)
    name = f" {html.escape(title)}" if title else ""
    table = f"<table style='margin:0;border:none'><tbody>{body}</tbody></table>"
    return f"<div><p style='margin:4px 0'><b>{kind}</b>{name}</p>{table}</div>"


def counted(count: int) -> str:
    """So many numbers."""
    return f"{count:,} number{'s' if count != 1 else ''}"


def short(action: Any) -> str:
    """An action in a few digits."""
    if isinstance(action, Mapping):
        return "{" + ", ".join(f"{key}: {short(value)}" for key, value in action.items()) + "}"
    array = np.asarray(action)
    if array.dtype.kind not in "fiu":
        return str(action)
    if array.ndim == 0:
        return number(float(array))
    flat = array.ravel()
    return "[" + " ".join(number(float(value)) for value in flat[:6]) + (" …" if flat.size > 6 else "") + "]"


def code(space: Any) -> str:
    """A space, cut where it is long."""
    text = str(space)
    return html.escape(text if len(text) <= 90 else f"{text[:87]}…")
