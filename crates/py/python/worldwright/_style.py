"""How pictures look: the report's colours, few lines, words that a reader needs; and matplotlib, asked for only when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from .errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REAL = "#2a2f34"
"""What really happened."""
MODEL = "#1668b0"
"""What the model says."""
EVALUATION = "#c2561a"
"""Episodes apart from training."""
BASELINE = "#8b9095"
"""What must be beaten."""
WORDS = "#5b6167"
GROUPS = ("#1668b0", "#c2561a", "#3a8f5d", "#8a4f9e", "#b8860b", "#2a2f34", "#c0426a", "#4a9aa5")
"""Groups of runs, one colour each, in turn."""

_RC: dict[str, Any] = {
    "figure.dpi": 110,
    "savefig.dpi": 160,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.titlecolor": "#1d2125",
    "axes.labelcolor": WORDS,
    "axes.edgecolor": "#a9adb0",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": "#e6e6e1",
    "grid.linewidth": 0.8,
    "xtick.color": WORDS,
    "ytick.color": WORDS,
    "xtick.labelcolor": WORDS,
    "ytick.labelcolor": WORDS,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.7,
    "lines.solid_capstyle": "round",
    "lines.solid_joinstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.labelcolor": "#33383d",
    "legend.handlelength": 1.5,
    "svg.fonttype": "none",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.07,
    "figure.constrained_layout.w_pad": 0.07,
}


def error_unit(choices: bool | None) -> str:
    """What errors of observations are measured in. Zeros and ones of choices have no scale that a standard deviation would be one of; the
    number is the same, so that where it is not known (None) whether there are any, the words are those that hold for both."""
    return "std of the data" if choices is False else "relative to guessing the mean"


def style() -> AbstractContextManager[None]:
    """The look of everything that is drawn within."""
    try:
        import matplotlib.style
    except ImportError as error:
        raise ConfigError("plots need matplotlib: pip install worldwright[plot]") from error
    return matplotlib.style.context(["default", _RC])


def new_figure(width: float, height: float) -> Figure:
    """A figure of so many inches, known to ``pyplot`` so that ``plt.show()`` shows it; a notebook shows what a cell gives, once."""
    import matplotlib
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(width, height))
    if "inline" in str(matplotlib.get_backend()).lower():
        plt.close(figure)
    return figure


def thousands(axes: Axes, *, x: bool = True, y: bool = True) -> None:
    """Whole numbers with separators on the axes."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    def words(value: float, _: int | None) -> str:
        return f"{value:,.4g}".replace("-", "−") if abs(value) < 1000 else f"{value:,.0f}".replace("-", "−")

    for wanted, axis in ((x, axes.xaxis), (y, axes.yaxis)):
        if wanted:
            axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
            axis.set_major_formatter(FuncFormatter(words))


def short(value: float) -> str:
    """A number in four digits, with a true minus."""
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}").replace("-", "−")


def span(values: Sequence[float]) -> tuple[float, float]:
    """Limits that hold all finite values with some air."""
    import math

    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    air = 0.06 * (high - low) or 0.06 * abs(high) or 1.0
    return low - air, high + air
