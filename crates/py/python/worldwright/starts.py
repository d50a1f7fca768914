"""Where dreams begin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np

from . import _native
from ._contract import element, kept, numbers
from .data import episodes as recorded
from ._spaces import elements, flat_dim, rows_of
from .data.columns import kind_of
from .errors import ConfigError

Start = Callable[[np.random.Generator], Any]
"""Draws an observation."""


def starts_of(given: Any, space: gymnasium.Space[Any]) -> tuple[Start, int | None]:
    """A function that draws observations to start from, and the length of the longest recorded episode where there are episodes.

    Args:
        given: A function ``rng -> observation``, a data set, recorded episodes in whatever form, or a list or array of
            observations.
        space: What is observed.

    Raises:
        ConfigError: There is nothing to start from.
        ShapeError: Observations are not of the space.
    """
    if given is None:
        raise ConfigError(
            "there is nothing to start from: give starts, such as a run, recorded episodes, a list of observations or a function "
            "rng -> observation"
        )
    if isinstance(given, _Known):
        return given.draw, given.longest
    if isinstance(given, _native.Dataset):
        given = first_observations(given, space)
        return given.draw, given.longest
    if callable(given) and not hasattr(given, "folder"):
        return given, None
    if _are_observations(given):
        # Copies: who gave them may write into them while a dream begins at one after another.
        given = kept(given)
        if isinstance(given, np.ndarray) or _is_flat(space, given[0]):
            rows = numbers(given, "starts") if _is_flat(space, given[0]) else given
            known = _Known(elements(space, rows_of(space, rows, len(given), "starts")), None)
        else:
            known = _Known([element(space, one, f"starts: row {row}") for row, one in enumerate(given)], None)
        return known.draw, known.longest
    episodes = recorded(given)
    if flat_dim(episodes.observation_space) != flat_dim(space):
        raise ConfigError(
            f"the recorded observations have {flat_dim(episodes.observation_space)} numbers, the model's {flat_dim(space)}: they "
            "are of another environment"
        )
    longest = int(episodes.lengths.max()) if len(episodes) else None
    known = _Known(elements(episodes.observation_space, episodes.first_observations), longest)
    return known.draw, known.longest


class _Known:
    """Observations to draw from with equal chances."""

    def __init__(self, observations: Sequence[Any], longest: int | None) -> None:
        if not len(observations):
            raise ConfigError("there is nothing to start from: the data hold no episode")
        self._observations, self.longest = observations, longest

    def draw(self, generator: np.random.Generator) -> Any:
        return kept(self._observations[int(generator.integers(len(self._observations)))])


def first_observations(data: _native.Dataset, space: gymnasium.Space[Any]) -> _Known:
    """The first observation of each episode in transitions."""
    ends = np.flatnonzero(data.episode_ends)
    firsts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else np.zeros(0, dtype=np.int64)
    longest = int(np.diff(np.concatenate([[-1], ends])).max()) if len(ends) else None
    return _Known(elements(space, data.observations[firsts]), longest)


def _are_observations(given: Any) -> bool:
    """Whether it is a list or an array of observations, rather than episodes."""
    if isinstance(given, np.ndarray):
        return True
    if not isinstance(given, (list, tuple)) or kind_of(given) is not None or not given:
        return False
    first = given[0]
    if isinstance(first, Mapping):
        return "rewards" not in first
    return not hasattr(first, "rewards")


def _is_flat(space: gymnasium.Space[Any], first: Any) -> bool:
    """Whether an observation is a row of numbers although its space is none of plain arrays: parts one after another, choices one-hot."""
    if isinstance(space, (gymnasium.spaces.Dict, gymnasium.spaces.Tuple)):
        return not isinstance(first, (Mapping, tuple))
    return np.size(first) == flat_dim(space) != np.prod(space.shape or ())
