"""How objects show themselves in notebooks: small tables that follow the notebook's own colours, and a curve."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._style import error_unit

if TYPE_CHECKING:
    from .agents import Evaluation
    from .model import Model, Prediction
    from .planner import Plan
    from .runs import Run

_HEAD = "font-weight:600;text-align:left;padding:2px 14px 2px 0;white-space:nowrap;vertical-align:top"
_CELL = "text-align:left;padding:2px 14px 2px 0;font-variant-numeric:tabular-nums"
_SOFT = "opacity:.65;font-size:90%"


def run(shown: Run) -> str:
    """A run: what it was, what it came to, how it went."""
    about = shown.about
    title = f"{about['environment']} · {about['algorithm']} · seed {about['seed']}"
    lines: list[tuple[str, str]] = [("model, planner", f"{about['model']}, {about['planner']}")]
    if shown.finished:
        summary = shown.summary
        evaluated = f"{number(summary['return_mean'])} ± {number(summary['return_std'])} over {len(summary['returns'])} evaluation episodes"
        lines.insert(0, ("return", evaluated))
        lines.append(("experience", f"{summary['real_steps']:,} real steps in {summary['episodes']:,} episodes"))
        errors = summary.get("model_errors") or {}
        if errors.get("one_step") is not None:
            ahead = f"; {number(errors['at_horizon'])} at {errors['horizon']} steps ahead" if errors.get("at_horizon") is not None else ""
            unit = error_unit(bool(errors.get("choices")))
            lines.append(("model error", f"{number(errors['one_step'])} one step ahead{ahead} ({unit})"))
        lines.extend(("note", html.escape(note)) for note in summary.get("notes", ()))
        lines.append(("time", f"{number(summary['train_secs'])} s of training, {number(summary['decisions_per_sec'])} decisions a second"))
    else:
        rows = shown.rows("episode")
        steps = rows[-1]["step"] if rows else 0
        wanted = shown.config.get("steps", 0)
        lines.insert(0, ("state", f"not finished: {steps:,} of {wanted:,} real steps; the same call with <code>resume=True</code> goes on"))
    folder = html.escape(str(shown.folder))
    link = f'<a href="{html.escape(shown.report.as_posix())}" target="_blank">report</a>, ' if shown.report.exists() else ""
    lines.append(("folder", f"{link}<code>{folder}</code>"))
    points = [(row["step"], row["return"]) for row in shown.rows("episode") if math.isfinite(row.get("return", math.nan))]
    return _card("Run", title, lines, curve(points, "return over real steps"))


def model(shown: Model) -> str:
    """A model: its spec."""
    spec = shown.spec
    kind = "deterministic" if spec["deterministic"] else "probabilistic"
    lines = [
        ("state", "fitted" if spec["fitted"] else "not fitted"),
        ("predicts", f"{kind}, {spec['members']} member{'s' if spec['members'] != 1 else ''}"),
        ("observation", f"{_numbers(spec['observation_dim'])}, <code>{_code(shown.observation_space)}</code>"),
        ("action", f"{_numbers(spec['action_dim'])}, <code>{_code(shown.action_space)}</code>"),
    ]
    more = [word for word, there in (("a value", spec["has_value"]), ("a policy prior", spec["has_prior"])) if there]
    if more:
        lines.append(("also gives", " and ".join(more)))
    return _card("Model", str(spec["name"]), lines)


def plan(shown: Plan) -> str:
    """A plan: what it expects, and its first actions."""
    actions = list(shown.actions)
    first = ", ".join(html.escape(_short(action)) for action in actions[:6]) + (", …" if len(actions) > 6 else "")
    lines = [
        ("action", f"<b>{html.escape(_short(shown.action))}</b>"),
        ("expected return", number(shown.value)),
        ("actions", f"{first} <span style='{_SOFT}'>({len(actions)} steps)</span>"),
        ("planning", f"{html.escape(shown.status)} after {shown.iterations:,} improvements and {shown.model_steps:,} model steps"),
    ]
    if shown.diverged:
        lines.append(("diverged", f"{shown.diverged:,} candidates became infinite or undefined"))
    return _card("Plan", "", lines)


def evaluation(shown: Evaluation) -> str:
    """An evaluation: mean, spread, extremes."""
    steps = f"{min(shown.lengths):,} to {max(shown.lengths):,}" if len(set(shown.lengths)) > 1 else f"{shown.lengths[0]:,}"
    lines = [
        ("return", f"<b>{number(shown.return_mean)} ± {number(shown.return_std)}</b> over {len(shown.returns)} episodes"),
        ("lowest, highest", f"{number(min(shown.returns))}, {number(max(shown.returns))}"),
        ("steps", f"{steps} an episode"),
    ]
    return _card("Evaluation", "", lines, curve(list(enumerate(shown.returns)), "return of each episode", dots=True))


def prediction(shown: Prediction, rows: int = 6) -> str:
    """A prediction: mean and spread of the first rows."""
    mean, std = shown.mean, shown.std
    count, dims = mean.shape
    columns = min(dims, 8)
    titles = ["", *(f"o{i}" for i in range(columns)), *(["…"] if dims > columns else []), *([] if shown.paid is None else ["reward"]), "epistemic"]
    head = "".join(f"<th style='{_HEAD}'>{title}</th>" for title in titles)
    body = ""
    for row in range(min(count, rows)):
        cells = [f"<span style='{_SOFT}'>{row}</span>"]
        cells += [
            f"{number(mean[row, i])} <span style='{_SOFT}'>± {number(std[row, i])}</span>" for i in range(columns)
        ]
        cells += ["…"] if dims > columns else []
        cells += ([] if shown.paid is None else [number(shown.reward[row])]) + [number(shown.epistemic[row])]
        body += "<tr>" + "".join(f"<td style='{_CELL}'>{cell}</td>" for cell in cells) + "</tr>"
    left = f"<p style='{_SOFT}'>{count - rows:,} more rows</p>" if count > rows else ""
    members = shown.observations.shape[0]
    title = f"<b>Prediction</b> of {count:,} next observations, mean ± std over {members} member{'s' if members != 1 else ''}"
    return f"<div><p style='margin:4px 0'>{title}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{left}</div>"


def number(value: float) -> str:
    """Four digits, a true minus."""
    value = float(value)
    if not math.isfinite(value):
        return "–"
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}").replace("-", "−")


def curve(points: Sequence[tuple[float, float]], words: str, *, dots: bool = False, width: int = 300, height: int = 120) -> str:
    """A small curve as SVG; empty for fewer than two points."""
    points = [(float(x), float(y)) for x, y in points if math.isfinite(y)]
    if len(points) < 2:
        return ""
    (x0, x1), (y0, y1) = ((min(v), max(v)) for v in zip(*points, strict=True))
    wide, tall = (x1 - x0) or 1.0, (y1 - y0) or 1.0
    left, top, bottom = 52, 10, 22
    at = [(left + (x - x0) / wide * (width - left - 8), top + (y1 - y) / tall * (height - top - bottom)) for x, y in points]
    line = "" if dots else f"<polyline points='{' '.join(f'{x:.1f},{y:.1f}' for x, y in at)}' fill='none' stroke='#1668b0' stroke-width='1.8'/>"
    marks = "".join(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2.4' fill='#1668b0'/>" for x, y in at) if len(at) <= 60 else ""
    text = "font-size='11' fill='currentColor' opacity='.7'"
    base = height - bottom
    edges = "".join(
        f"<line x1='{left - 4}' x2='{width - 4}' y1='{y}' y2='{y}' stroke='currentColor' opacity='.15'/>" for y in (top, base)
    )
    labels = (
        f"<text x='{left - 8}' y='{top + 4}' text-anchor='end' {text}>{number(y1)}</text>"
        f"<text x='{left - 8}' y='{base + 4}' text-anchor='end' {text}>{number(y0)}</text>"
        f"<text x='{(left + width) / 2:.0f}' y='{height - 4}' text-anchor='middle' {text}>{html.escape(words)}</text>"
    )
    return (
        f"<svg width='{width}' height='{height}' viewBox='0 0 {width} {height}' role='img' aria-label='{html.escape(words)}'>"
        f"{edges}{line}{marks}{labels}</svg>"
    )


def _card(kind: str, title: str, lines: Sequence[tuple[str, str]], picture: str = "") -> str:
    body = "".join(f"<tr><td style='{_HEAD}'>{head}</td><td style='{_CELL}'>{text}</td></tr>" for head, text in lines)
    name = f" {html.escape(title)}" if title else ""
    table = f"<table style='margin:0;border:none'><tbody>{body}</tbody></table>"
    beside = f"<div style='flex:none'>{picture}</div>" if picture else ""
    return (
        f"<div><p style='margin:4px 0'><b>{kind}</b>{name}</p>"
        f"<div style='display:flex;gap:24px;align-items:center;flex-wrap:wrap'><div>{table}</div>{beside}</div></div>"
    )


def _numbers(count: int) -> str:
    return f"{count:,} number{'s' if count != 1 else ''}"


def _short(action: Any) -> str:
    if isinstance(action, Mapping):
        return "{" + ", ".join(f"{key}: {_short(value)}" for key, value in action.items()) + "}"
    array = np.asarray(action)
    if array.dtype.kind not in "fiu":
        return str(action)
    if array.ndim == 0:
        return number(float(array))
    flat = array.ravel()
    return "[" + " ".join(number(float(value)) for value in flat[:6]) + (" …" if flat.size > 6 else "") + "]"


def _code(space: Any) -> str:
    text = str(space)
    return html.escape(text if len(text) <= 90 else f"{text[:87]}…")
