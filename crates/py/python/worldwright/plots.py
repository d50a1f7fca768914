"""Pictures of runs: one run at a look, or several beside each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _panels
from ._records import Records
from ._style import GROUPS, WORDS, new_figure, short, style, thousands
from .errors import ConfigError, ExternalError, ShapeError, UnknownNameError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

KINDS = ("overview", "return", "model", "rollout", "horizon", "calibration", "speed")
"""What :meth:`worldwright.Run.plot` can show."""


def draw(run: Records, kind: str = "overview", *, rollout: int = 0) -> Figure:
    """The picture of one run; see :meth:`worldwright.Run.plot`."""
    if kind not in KINDS:
        raise UnknownNameError(f"no plot of kind {kind!r}; there are {', '.join(KINDS)}")
    rows = run.rows()
    if not rows:
        raise ExternalError(f"{run.folder} has no metrics yet: its first episode has not ended")
    with style():
        if kind == "overview":
            return _overview(run, rows)
        if kind == "rollout":
            figure = new_figure(9.5, 5.2)
            _rollout(figure, run, rollout, most=6)
            return figure
        return _single(run, kind, rows)


def _single(run: Records, kind: str, rows: list[dict[str, Any]]) -> Figure:
    figure = new_figure(5.2 if kind == "calibration" else 7.2, 4.6 if kind == "calibration" else 3.9)
    if kind == "return" and run.finished:
        _returns_beside_evaluation(figure, run, rows)
    else:
        axes = figure.add_subplot()
        if kind == "return":
            _panels.returns(axes, rows)
        elif kind == "model":
            _need(len(_panels.series(rows, "learn", "holdout_mse")[0]) > 0, run, "no error of a model was measured in it")
            _panels.model_error(axes, rows, choices=_choices(run))
        elif kind == "speed":
            _panels.speed(axes, rows)
        elif kind == "horizon":
            _need(bool(run.diagnostics["k_step"]), run, "its agent has no model")
            _panels.horizon(axes, run.diagnostics["k_step"], choices=bool(_choices(run)))
        else:
            _need(bool(run.diagnostics["calibration"]), run, "its model predicts no spread")
            _panels.calibration(axes, run.diagnostics["calibration"])
    return figure


def _choices(run: Records) -> bool | None:
    """Whether some of the observation's numbers are those of choices; None where the run has not come to where it is written."""
    return bool(run.diagnostics.get("choices")) if run.finished else None


def _need(there: bool, run: Records, why: str) -> None:
    if not there:
        raise ExternalError(f"{run.folder} has nothing to show of this kind: {why}")


def _returns_beside_evaluation(figure: Figure | SubFigure, run: Records, rows: list[dict[str, Any]]) -> None:
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3.4, 1))
    _panels.returns(left, rows)
    _panels.evaluation(right, run.returns)
    right.tick_params(labelleft=False)


def _overview(run: Records, rows: list[dict[str, Any]]) -> Figure:
    """All of a run that there is: what is not there leaves its place to the others."""
    learned = len(_panels.series(rows, "learn", "holdout_mse")[0]) > 0
    finished = run.finished
    predicted = finished and bool(run.diagnostics["rollouts"])
    decided = len(_panels.series(rows, "episode", "decisions_per_sec")[0]) > 0
    below = predicted or decided
    figure = new_figure(11.0, 7.0 if below else 3.7)
    figure.suptitle(_title(run), x=0.008, ha="left", fontsize=12.5, fontweight="bold", color="#1d2125")
    parts = figure.subfigures(2 if below else 1, 1, squeeze=False, hspace=0.06)[:, 0]
    top = parts[0].subfigures(1, 2, width_ratios=(3, 2), squeeze=False)[0] if learned else [parts[0]]
    if finished:
        _returns_beside_evaluation(top[0], run, rows)
    else:
        _panels.returns(top[0].subplots(), rows)
    if learned:
        _panels.model_error(top[1].subplots(), rows, choices=_choices(run))
    if below:
        bottom = [parts[1]]
        if predicted and decided:
            bottom = list(parts[1].subfigures(1, 2, width_ratios=(3, 1.15), squeeze=False)[0])
        if predicted:
            _rollout(bottom[0], run, 0, most=3)
        if decided:
            _panels.speed(bottom[-1].subplots(), rows)
    return figure


def _title(run: Records) -> str:
    about = run.about
    return f"{about['environment']} · {about['algorithm']} · seed {about['seed']}"


def _rollout(figure: Figure | SubFigure, run: Records, index: int, *, most: int) -> None:
    """Channels of one prediction side by side, the reward last."""
    diagnostics = run.diagnostics
    rollouts = diagnostics["rollouts"]
    _need(bool(rollouts), run, "its agent has no model")
    if not 0 <= index < len(rollouts):
        raise ConfigError(f"rollout {index} is not there: {run.folder} holds {len(rollouts)}, counted from 0")
    rollout = rollouts[index]
    channels = [*rollout["observation"][: most - 1], rollout["reward"]]
    columns = 2 if len(channels) == 4 else min(len(channels), 3)
    lines = -(-len(channels) // columns)
    grid = figure.subplots(lines, columns, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place < len(channels):
            _panels.channel(axes, channels[place], rollout["start"], diagnostics["dt_secs"], legend=place == 0)
        else:
            axes.set_axis_off()
    steps = len(rollout["reward"]["real"])
    figure.suptitle(f"Predicted from one observation, {steps} steps ahead, and what really happened",
                    x=0.012, ha="left", fontsize=9.5, color=WORDS)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))


def plot(
    runs: Sequence[Records] | Mapping[str, Sequence[Records]],
    *,
    labels: Sequence[str] | None = None,
    title: str | None = None,
) -> Figure:
    """Runs beside each other: return over real steps, and the final evaluations.

    Runs of one label are seeds of one thing: their mean is drawn with a band of one standard deviation.

    Args:
        runs: Runs, or lists of them by label.
        labels: A label for each; the environment, the algorithm and where these do not tell them apart the model and the planner
            unless told otherwise.
        title: What stands above.

    Returns:
        A matplotlib figure: a notebook shows it, ``savefig`` writes it.

    Raises:
        ConfigError: matplotlib is not installed, or there are no runs.
        ShapeError: There are not as many labels as runs.
    """
    groups = _groups(runs, labels)
    with style():
        figure = new_figure(10.0, 4.2)
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3.2, 1.0 + 0.3 * len(groups)))
        for place, (label, members) in enumerate(groups.items()):
            colour = GROUPS[place % len(GROUPS)]
            _curve(left, members, colour, label)
            _finals(right, place, members, colour)
        left.set_title(title or "Return over real steps")
        left.set_xlabel("real steps")
        left.set_ylabel("return of a training episode")
        left.set_xlim(left=0)
        thousands(left)
        left.legend(loc="best")
        right.set_title("Final evaluation")
        right.set_xticks(range(len(groups)), [_wrapped(label) for label in groups])
        right.set_xlim(-0.6, len(groups) - 0.4)
        right.grid(visible=False, axis="x")
        return figure


def _groups(runs: Sequence[Records] | Mapping[str, Sequence[Records]], labels: Sequence[str] | None) -> dict[str, list[Records]]:
    if isinstance(runs, Mapping):
        groups = {str(label): list(members) for label, members in runs.items() if len(members)}
    else:
        given = list(runs)
        if labels is not None and len(labels) != len(given):
            raise ShapeError(f"{len(given)} runs came with {len(labels)} labels: give one for each")
        groups = {}
        for run, label in zip(given, labels if labels is not None else _told_apart(given), strict=True):
            groups.setdefault(str(label), []).append(run)
    if not groups:
        raise ConfigError("no runs were given")
    return groups


def _told_apart(runs: Sequence[Records]) -> list[str]:
    """The shortest labels that differ wherever the runs differ in more than the seed."""
    words: list[Callable[[Mapping[str, Any]], str]] = [
        lambda about: str(about["algorithm"]),
        lambda about: f"{about['environment']} · {about['algorithm']}",
        lambda about: f"{about['environment']} · {about['algorithm']} ({about['model']}, {about['planner']})",
    ]
    whole = [words[-1](run.about) for run in runs]
    for word in words:
        labels = [word(run.about) for run in runs]
        if len(set(labels)) == len(set(whole)):
            return labels
    return whole


def _curve(axes: Axes, runs: Sequence[Records], colour: str, label: str) -> None:
    curves = [_panels.series(run.rows(), "episode", "return") for run in runs]
    curves = [curve for curve in curves if len(curve[0])]
    if not curves:
        return
    # Where all of them have something to say.
    steps = np.unique(np.concatenate([steps for steps, _ in curves]))
    shared = (steps >= max(steps[0] for steps, _ in curves)) & (steps <= min(steps[-1] for steps, _ in curves))
    steps = steps[shared] if shared.any() else curves[0][0]
    values = np.stack([np.interp(steps, *curve) for curve in curves])
    mean = values.mean(axis=0)
    seeds = f"{label}, {len(curves)} seeds" if len(curves) > 1 else label
    axes.plot(steps, mean, color=colour, label=seeds, marker="o" if len(steps) <= 25 else None, markersize=4)
    if len(curves) > 1:
        std = values.std(axis=0, ddof=1)
        axes.fill_between(steps, mean - std, mean + std, color=colour, alpha=0.16, linewidth=0)


def _finals(axes: Axes, place: int, runs: Sequence[Records], colour: str) -> None:
    finished = [run for run in runs if run.finished]
    if not finished:
        return
    # One run is shown by its episodes, several by their means.
    means = np.asarray(finished[0].returns if len(finished) == 1 else [run.return_mean for run in finished], dtype=np.float64)
    spread = 0.14 * np.sin(2.4 * np.argsort(np.argsort(means))) if len(means) > 1 else np.zeros(1)
    axes.plot(place - 0.12 + spread, means, linestyle="none", marker="o", markersize=5, color=colour, alpha=0.45, markeredgewidth=0)
    std = float(means.std(ddof=1)) if len(means) > 1 else 0.0
    axes.errorbar([place + 0.2], [means.mean()], yerr=[std], color=colour, marker="o", markersize=6, capsize=3)
    axes.annotate(short(float(means.mean())), (place + 0.2, float(means.mean())), xytext=(7, 0), textcoords="offset points",
                  va="center", fontsize=8.5, color=WORDS)


def _wrapped(label: str) -> str:
    return label.replace(" · ", "\n").replace(" (", "\n(")
