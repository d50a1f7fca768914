"""A progress bar for terminals and notebooks, fed by what a run tells."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

REFRESH_SECS = 0.1


class Bar:
    """Shows a run; also passes on to ``follow`` what it hears."""

    def __init__(self, show: bool, follow: Callable[[str, Mapping[str, Any]], None] | None) -> None:
        self._show = show
        self._follow = follow
        self._bar: Any = None
        self._told: dict[str, str] = {}
        self._shown = 0.0
        self._step = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._draw(force=True)
            self._bar.close()

    def hear(self, kind: str, values: Mapping[str, Any]) -> None:
        """Takes note of an event."""
        if self._show:
            self._note(kind, values)
        if self._follow is not None:
            self._follow(kind, values)

    def _note(self, kind: str, values: Mapping[str, Any]) -> None:
        if kind == "started":
            from tqdm.auto import tqdm

            self._bar = tqdm(
                total=values["steps"],
                initial=values["step"],
                desc=f"{values['environment']} · {values['algorithm']}",
                unit="step",
                dynamic_ncols=True,
            )
            self._step = values["step"]
        elif self._bar is None:
            return
        elif kind == "step":
            self._step = values["step"]
            self._draw()
        elif kind == "learning":
            self._told["now"] = "learning"
            self._draw(force=True)
            self._told.pop("now")
        elif kind == "episode":
            self._told["return"] = f"{values['return']:.4g}"
            self._draw(force=True)
        elif kind == "learn":
            error = values.get("holdout_mse")
            if error is not None and error == error:
                self._told["model_error"] = f"{error:.3g}"
            self._draw(force=True)
        elif kind == "evaluation_episode":
            self._told["evaluation"] = f"{values['episode'] + 1}/{values['of']}"
            self._draw(force=True)
        elif kind == "evaluation":
            self._told["evaluation"] = f"{values['return_mean']:.4g}"
            self._draw(force=True)

    def _draw(self, *, force: bool = False) -> None:
        now = time.monotonic()
        if force or now - self._shown >= REFRESH_SECS:
            self._shown = now
            self._bar.set_postfix(self._told, refresh=False)
            self._bar.n = self._step
            self._bar.refresh()
