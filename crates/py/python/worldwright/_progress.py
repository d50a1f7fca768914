"""A progress bar for terminals and notebooks, fed by what a run tells."""

from __future__ import annotations

import math
import shutil
import time
import warnings
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from ._html import number

REFRESH_SECS = 0.1
LOG_SECS = 10.0
"""Where nobody looks on, each refresh is a line of a log."""
FORM = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} steps [{elapsed}<{remaining}{postfix}]"


class Bar:
    """Shows a run; also passes on to ``follow`` what it hears."""

    def __init__(self, show: bool, follow: Callable[[str, Mapping[str, Any]], None] | None) -> None:
        self._show = show
        self._follow = follow
        self._bar: Any = None
        self._told: dict[str, str] = {}
        self._shown = 0.0
        self._refresh_secs = REFRESH_SECS
        self._step = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._draw(last=True)
            self._bar.close()

    def hear(self, kind: str, values: Mapping[str, Any]) -> None:
        """Takes note of an event."""
        if self._show:
            self._note(kind, values)
        if self._follow is not None:
            self._follow(kind, values)

    def _note(self, kind: str, values: Mapping[str, Any]) -> None:
        if kind == "started":
            from tqdm import TqdmWarning

            with warnings.catch_warnings():
                # A notebook without ipywidgets shows the bar as text, which is no reason to warn.
                warnings.simplefilter("ignore", TqdmWarning)
                from tqdm.auto import tqdm

            self._step = values["step"]
            self._bar = tqdm(
                total=values["steps"],
                initial=self._step,
                desc=f"{values['environment']} · {values['algorithm']}",
                bar_format=FORM,
                dynamic_ncols=True,
            )
            if self._bar.disable:
                self._bar = None
                return
            watched = hasattr(self._bar, "container") or getattr(self._bar.fp, "isatty", bool)()
            self._refresh_secs = REFRESH_SECS if watched else LOG_SECS
        elif self._bar is None:
            return
        elif kind == "step":
            self._step = values["step"]
            self._draw(soon=False)
        elif kind == "learning":
            self._draw("learning")
        elif kind == "episode":
            self._told["return"] = f"return {number(values['return'])}"
            self._draw()
        elif kind == "learn":
            error = values.get("holdout_mse")
            if error is not None and error >= 0.0:
                self._told["model"] = f"model error {number(math.sqrt(error))}"
            self._draw()
        elif kind == "evaluation_episode":
            self._draw(f"evaluating {values['episode'] + 1}/{values['of']}")
        elif kind == "evaluation":
            found = f"evaluation {number(values['return_mean'])} ± {number(values['return_std'])}"
            self._told = {"evaluation": found} | {what: text for what, text in self._told.items() if what != "evaluation"}
            self._draw()
        elif kind == "stopped":
            self._told = {"stopped": "stopped"} | self._told
            self._draw()
        elif kind == "finished" and "evaluation" in self._told:
            # What a run comes to stands in the line that stays.
            self._told = {"evaluation": self._told["evaluation"]}
            self._draw()

    def _draw(self, now: str = "", *, soon: bool = True, last: bool = False) -> None:
        """Draws the line. Where something takes its time (``now``) it says what; what else is known follows as far as there is room."""
        pause = self._refresh_secs if self._refresh_secs == LOG_SECS or not soon else 0.0
        if not last and time.monotonic() - self._shown < pause:
            return
        self._shown = time.monotonic()
        told = [part for part in (now, *self._told.values()) if part]
        if not hasattr(self._bar, "container"):
            # A line that is cut within a number would say another one.
            frame = f"{self._bar.desc}  100%|--| {self._bar.total}/{self._bar.total} steps [00:00<00:00, ]"
            room = shutil.get_terminal_size().columns - len(frame)
            while len(told) > 1 and len(", ".join(told)) > room:
                told.pop()
        self._bar.set_postfix_str(", ".join(told), refresh=False)
        self._bar.n = self._step
        self._bar.refresh()
