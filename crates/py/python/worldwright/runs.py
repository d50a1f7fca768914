"""A run: what a folder of ``learn`` holds, to look at and to act with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _native
from ._records import Records
from .agents import Agent, load
from .plots import draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Run(Records):
    """A run's folder. In a notebook it shows itself as a table with its learning curve.

    Args:
        folder: The folder that ``learn`` or the command line wrote.
        environment: The environment, where it cannot be made again from its name.
        reward: The reward function, where it was written in Python.
    """

    def __init__(self, folder: str | Path, *, environment: Any = None, reward: Any = None) -> None:
        super().__init__(folder)
        self._environment = environment
        self._reward = reward

    def plot(self, kind: str = "overview", *, rollout: int = 0) -> Figure:
        """A picture of the run.

        Args:
            kind: ``"overview"``, or one part of it: ``"return"`` (over real steps, with evaluations and the spread of the last),
                ``"model"`` (its error after each fit), ``"rollout"`` (what the model predicted beside what happened), ``"horizon"``
                (error against steps ahead), ``"calibration"`` (of one step) or ``"speed"`` (decisions a second).
            rollout: Which of the recorded predictions ``"rollout"`` shows, counted from 0.

        Returns:
            A matplotlib figure: a notebook shows it, ``run.plot().savefig("run.png")`` writes it.

        Raises:
            ConfigError: matplotlib is not installed.
            UnknownNameError: There is no such kind.
            ExternalError: The run has nothing of this kind to show, such as predictions before it is finished.
        """
        return draw(self, kind, rollout=rollout)

    def agent(self) -> Agent:
        """What the run learned, ready to act."""
        return load(self.folder, environment=self._environment, reward=self._reward)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}{'' if self.finished else ', not finished'})"

    def _repr_html_(self) -> str:
        return _native.run_card(self.folder)
