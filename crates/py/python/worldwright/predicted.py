"""What models answer: reports of fits, and predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import _html
from .errors import NotFittedError

Floats = NDArray[np.float64]

SHOWN = 6
"""Rows of a prediction that a notebook shows."""


@dataclass(frozen=True)
class FitReport:
    """What a fit did."""

    epochs: int
    """Passes over the data."""
    training_loss: float
    """Loss at the end, in the model's own unit."""
    holdout_mse: float | None
    """Mean squared error one step ahead on transitions held out, in units of the data's variance; None where none were, and for models
    that predict no observations."""
    note: str
    """What the model says of the fit: which kernel, how many elites, which kind."""


@dataclass(frozen=True)
class Prediction:
    """What a model predicts for N pairs of observation and action, with its M members apart."""

    observations: Floats
    """Next observations, flat, (M, N, O)."""
    continuations: Floats
    """Discount times not terminated, (M, N)."""
    epistemic: Floats
    """How far the members disagree, in standard deviations of the training data, (N,)."""
    paid: Floats | None
    """Rewards (M, N); none where the model was fitted to data without any."""

    @property
    def rewards(self) -> Floats:
        """Rewards, (M, N).

        Raises:
            NotFittedError: The model was fitted to data without rewards.
        """
        if self.paid is None:
            raise NotFittedError(
                "the model was fitted to data without rewards, or is a function that gives none: fit it with rewards=…, or make it with "
                "reward=…, a function"
            )
        return self.paid

    @property
    def mean(self) -> Floats:
        """Next observations, mean over members, (N, O)."""
        return np.asarray(self.observations.mean(axis=0))

    @property
    def std(self) -> Floats:
        """Standard deviation of next observations between members, (N, O)."""
        return np.asarray(self.observations.std(axis=0))

    @property
    def reward(self) -> Floats:
        """Mean reward, (N,)."""
        return np.asarray(self.rewards.mean(axis=0))

    def _repr_html_(self) -> str:
        mean, std = self.mean, self.std
        count, dims = mean.shape
        columns = min(dims, 8)
        titles = ["", *(f"o{i}" for i in range(columns)), *(["…"] if dims > columns else []), *([] if self.paid is None else ["reward"]), "epistemic"]
        head = "".join(f"<th style='{_html.HEAD}'>{title}</th>" for title in titles)
        body = ""
        for row in range(min(count, SHOWN)):
            cells = [f"<span style='{_html.SOFT}'>{row}</span>"]
            cells += [
                f"{_html.number(mean[row, i])} <span style='{_html.SOFT}'>± {_html.number(std[row, i])}</span>" for i in range(columns)
            ]
            cells += ["…"] if dims > columns else []
            cells += ([] if self.paid is None else [_html.number(self.reward[row])]) + [_html.number(self.epistemic[row])]
            body += "<tr>" + "".join(f"<td style='{_html.CELL}'>{cell}</td>" for cell in cells) + "</tr>"
        left = f"<p style='{_html.SOFT}'>{count - SHOWN:,} more rows</p>" if count > SHOWN else ""
        members = self.observations.shape[0]
        title = f"<b>Prediction</b> of {count:,} next observations, mean ± std over {members} member{'s' if members != 1 else ''}"
        return f"<div><p style='margin:4px 0'>{title}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{left}</div>"
