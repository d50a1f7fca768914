"""The panels of a run's picture: each draws one thing into axes that it is given."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._style import BASELINE, EVALUATION, MODEL, REAL, WORDS, error_unit, short, span, thousands

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Rows = Sequence[Mapping[str, Any]]


def series(rows: Rows, kind: str, name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Steps and values of one number over the rows of a kind, those that are finite."""
    pairs = [(row["step"], row[name]) for row in rows if row["kind"] == kind and row.get(name) is not None]
    pairs = [pair for pair in pairs if math.isfinite(pair[1])]
    steps, values = zip(*pairs, strict=True) if pairs else ((), ())
    return np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)


def returns(axes: Axes, rows: Rows) -> None:
    """Return of the training episodes and of the evaluations, over real steps."""
    steps, training = series(rows, "episode", "return")
    many = len(steps) > 60
    axes.plot(steps, training, color=REAL, alpha=0.35 if many else 1.0, linewidth=1.0 if many else 1.7,
              marker=None if many else "o", markersize=4, label="training episode")
    if many:
        width = max(len(steps) // 25, 2)
        smooth = np.convolve(training, np.ones(width) / width, mode="valid")
        axes.plot(steps[width - 1 :], smooth, color=REAL, label=f"mean of {width} episodes")
    at, mean = series(rows, "evaluation", "return_mean")
    if len(at):
        _, std = series(rows, "evaluation", "return_std")
        std = std if len(std) == len(mean) else np.zeros(len(mean))
        axes.errorbar(at, mean, yerr=std, color=EVALUATION, marker="o", markersize=5, capsize=3, elinewidth=1.4,
                      linestyle="-" if len(at) > 1 else "none", label="evaluation, mean ± std", zorder=4)
    axes.set_title("Return over real steps")
    axes.set_xlabel("real steps")
    axes.set_ylabel("return of an episode")
    axes.set_xlim(left=0)
    thousands(axes)
    if len(at) or many:
        axes.legend(loc="best")


def evaluation(axes: Axes, values: Sequence[float]) -> None:
    """Each episode of the final evaluation as a dot, with mean and standard deviation beside them."""
    spread = np.asarray(values, dtype=np.float64)
    # Neighbours in value are set side by side, the same way each time.
    ranks = np.argsort(np.argsort(spread))
    places = 0.22 * np.sin(2.4 * ranks)
    axes.plot(places, spread, linestyle="none", marker="o", markersize=4, color=EVALUATION, alpha=0.4, markeredgewidth=0)
    mean, std = float(spread.mean()), float(spread.std(ddof=1)) if len(spread) > 1 else 0.0
    axes.errorbar([0.55], [mean], yerr=[std], color=EVALUATION, marker="o", markersize=6, capsize=3, elinewidth=1.6)
    axes.set_xlim(-0.5, 0.85)
    axes.set_xticks([])
    axes.grid(visible=False, axis="x")
    axes.set_title("Final evaluation")
    axes.set_xlabel(f"{short(mean)} ± {short(std)}\nover {len(spread)} episodes")


def model_error(axes: Axes, rows: Rows, *, choices: bool | None) -> None:
    """Held-out error one step ahead after each fit, on a logarithmic axis."""
    steps, mse = series(rows, "learn", "holdout_mse")
    positive = mse > 0
    axes.plot(steps[positive], np.sqrt(mse[positive]), color=MODEL, marker="o" if len(steps) <= 60 else None, markersize=4)
    axes.set_yscale("log")
    axes.set_title("Model error after each fit")
    axes.set_xlabel("real steps")
    axes.set_ylabel(f"error one step ahead ({error_unit(choices)})")
    axes.set_xlim(left=0)
    thousands(axes, y=False)
    _plain_log(axes)


def speed(axes: Axes, rows: Rows) -> None:
    """Decisions a second, episode by episode."""
    steps, rate = series(rows, "episode", "decisions_per_sec")
    axes.plot(steps, rate, color=REAL, marker="o" if len(steps) <= 60 else None, markersize=4, label="training")
    at, evaluated = series(rows, "evaluation", "decisions_per_sec")
    if len(at):
        axes.plot(at, evaluated, color=EVALUATION, marker="o", markersize=5, linestyle="-" if len(at) > 1 else "none",
                  label="evaluation")
    axes.set_title("Decisions per second")
    axes.set_xlabel("real steps")
    axes.set_ylabel("decisions / s")
    axes.set_xlim(left=0)
    top = max([*rate, *evaluated], default=1.0)
    axes.set_ylim(0, 1.12 * top)
    thousands(axes)
    if len(at):
        axes.legend(loc="lower left")


def channel(axes: Axes, about: Mapping[str, Any], start: int, dt_secs: float, *, legend: bool) -> None:
    """One channel of an open-loop prediction beside what really happened."""
    at = (start + np.arange(len(about["real"]))) * (dt_secs or 1.0)
    mean, std = (np.asarray(about[name], dtype=np.float64) for name in ("mean", "std"))
    if np.any(std > 0):
        axes.fill_between(at, mean - 2 * std, mean + 2 * std, color=MODEL, alpha=0.18, linewidth=0, label="± 2 std")
    for i, sample in enumerate(about["samples"][:8]):
        axes.plot(at, np.asarray(sample, dtype=np.float64), color=MODEL, linewidth=0.7, alpha=0.35,
                  label="one imagined future" if i == 0 and legend else None)
    axes.plot(at, mean, color=MODEL, label="predicted")
    axes.plot(at, about["real"], color=REAL, linestyle=(0, (4, 2.2)), label="real")
    axes.set_title(str(about["name"]))
    axes.set_xlabel("time in s" if dt_secs > 0 else "step")
    axes.set_xlim(at[0], at[-1])
    axes.set_ylim(*_frame(about, mean, std))
    thousands(axes)


def _frame(about: Mapping[str, Any], mean: np.ndarray[Any, Any], std: np.ndarray[Any, Any]) -> tuple[float, float]:
    # A band that grows without bounds must not flatten what happened: three spans of the real values are enough.
    low, high = span([*about["real"], *mean])
    room = high - low
    edges = span([*(mean - 2 * std), *(mean + 2 * std), low, high])
    return max(edges[0], low - room), min(edges[1], high + room)


def horizon(axes: Axes, k_step: Sequence[Mapping[str, float]], *, choices: bool) -> None:
    """Error against steps ahead, beside the spread that the model gave and the error of predicting no change."""
    from matplotlib.ticker import MaxNLocator

    k = [error["k"] for error in k_step]
    axes.plot(k, [error["persistence_rmse"] for error in k_step], color=BASELINE, linestyle="--", label="predicting no change")
    spread = [error["predicted_std"] for error in k_step]
    if any(value > 0 for value in spread):
        axes.plot(k, spread, color=MODEL, linestyle=":", label="spread that the model gave")
    axes.plot(k, [error["rmse"] for error in k_step], color=MODEL, marker="o", markersize=3.5, label="error of the model")
    axes.set_yscale("log")
    _plain_log(axes)
    axes.set_title("Prediction error against steps ahead")
    axes.set_xlabel("steps ahead")
    axes.set_ylabel(f"error ({error_unit(choices)})")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="best")


def calibration(axes: Axes, points: Sequence[Mapping[str, float]]) -> None:
    """Observed coverage of central intervals against their probability."""
    nominal = [0.0, *(100 * point["nominal"] for point in points), 100.0]
    observed = [0.0, *(100 * point["observed"] for point in points), 100.0]
    axes.plot([0, 100], [0, 100], color=BASELINE, linestyle="--", label="perfect")
    axes.plot(nominal, observed, color=MODEL, marker="o", markersize=3.5, label="the model")
    axes.text(97, 4, "too sure", ha="right", color=WORDS, fontsize=8.5)
    axes.text(3, 93, "too cautious", color=WORDS, fontsize=8.5)
    axes.set(xlim=(0, 100), ylim=(0, 100), aspect="equal")
    axes.set_title("Calibration of one step")
    axes.set_xlabel("expected coverage in %")
    axes.set_ylabel("observed coverage in %")
    axes.legend(loc="center right")


def _plain_log(axes: Axes) -> None:
    """Plain numbers on a logarithmic axis, also where it spans less than a power of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_ylim()
    decades = math.log10(high / low) if low > 0 else 3.0
    subs = (1.0,) if decades > 3 else (1.0, 3.0) if decades > 1.2 else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
