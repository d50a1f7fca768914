"""Users' functions, wrapped so that they take and give whole batches of fixed shapes.

A function may be written for one row or for a batch. Which it is, is told by ``vectorized``, or else found out at the first call: a
function that gives for a batch what it gives row by row takes batches.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._contract import flags, kept, numbers, rows_fit
from .errors import ConfigError, DivergedError, ShapeError

Floats = NDArray[np.float64]
HUGE = 1e100
"""Beyond it squares and cubes overflow: what a function makes of such rows is no fault of the function's, they have diverged."""


def start_of(action_space: Any) -> int:
    """The number of a discrete space's first choice."""
    start = getattr(action_space, "start", 0)
    return int(start) if np.ndim(start) == 0 else 0


class Choices:
    """Zero-based choices as the user's own: ``["left", "right"]``, or numbers from ``start`` on."""

    def __init__(self, choices: Sequence[Any] | None = None, start: int = 0) -> None:
        self._choices = None if choices is None else list(choices)
        self._start = start

    def one(self, action: Any) -> Any:
        if not np.ndim(action) and np.issubdtype(np.asarray(action).dtype, np.integer):
            return self._choices[int(action)] if self._choices is not None else int(action) + self._start
        return action

    def batch(self, actions: NDArray[Any]) -> NDArray[Any]:
        if not np.issubdtype(actions.dtype, np.integer):
            return actions.copy()
        if self._choices is None:
            return actions + self._start
        return np.asarray(np.asarray(self._choices)[actions])


class Rowwise:
    """A function of rows, called in batches where it can be.

    ``outputs`` are the shapes of one row's outputs, in order; the last ones may be left out by the function.
    """

    def __init__(
        self, function: Callable[..., Any], what: str, *, arguments: int, vectorized: bool | None, choices: Choices
    ) -> None:
        if not callable(function):
            raise ConfigError(f"{what} is no function: {function!r}")
        self._function = function
        self._what = what
        self._vectorized = vectorized
        self._choices = choices
        self._arguments = _count(function, arguments)

    def rows(self, parse: Callable[[Any, int | None], Any], columns: tuple[NDArray[Any], ...]) -> Any:
        """Calls the function for a batch. ``parse`` turns what it gives into arrays; its second argument is the number of rows, or
        none for a single row."""
        columns = columns[: self._arguments]
        if self._vectorized is None:
            self._vectorized = self._probe(parse, columns)
        count = len(columns[0])
        if self._vectorized:
            return parse(self._function(*self._batch(columns)), count)
        # A function may give the same array each time, with other numbers in it.
        answers = [kept(self._function(*self._row(columns, i))) for i in range(count)]
        if isinstance(answers[0], tuple):
            lengths = {len(answer) if isinstance(answer, tuple) else 0 for answer in answers}
            if len(lengths) > 1:
                raise ShapeError(f"{self._what}: gives a tuple for some rows and not for others, or tuples of {sorted(lengths)} parts")
            return parse(tuple(_stacked(part) for part in zip(*answers, strict=True)), count)
        return parse(_stacked(answers), count)

    def _batch(self, columns: tuple[NDArray[Any], ...]) -> list[NDArray[Any]]:
        # Copies, because a function may work in place on what it gets.
        return [self._choices.batch(column) if i == 1 else column.copy() for i, column in enumerate(columns)]

    def _row(self, columns: tuple[NDArray[Any], ...], i: int) -> list[Any]:
        return [self._choices.one(kept(column[i])) if place == 1 else column[i].copy() for place, column in enumerate(columns)]

    def _probe(self, parse: Callable[[Any, int | None], Any], columns: tuple[NDArray[Any], ...]) -> bool:
        # A number of rows that is no dimension of a row: a function of one row cannot take such a batch for one.
        dims = {column.shape[1] for column in columns if column.ndim > 1}
        count = next(n for n in (3, 2, 5, 7, 11) if n not in dims)
        # Rows that differ, so that a function which mixes them up is found out.
        scale = np.linspace(0.9, 1.1, count)
        rows = np.arange(count) % len(columns[0])
        sample = tuple(
            column[rows] * scale.reshape(-1, *[1] * (column.ndim - 1)) if column.dtype == np.float64 else column[rows]
            for column in columns
        )
        try:
            batch = parse(self._function(*self._batch(sample)), count)
        except Exception:  # noqa: BLE001 - a function of one row fails on a batch in whatever way it does
            return False
        try:
            single = [parse(self._function(*self._row(sample, i)), None) for i in range(count)]
        except Exception:  # noqa: BLE001 - and a function of batches on one row
            return True
        return all(
            np.allclose(together, np.stack(apart), rtol=1e-6, atol=1e-9, equal_nan=True)
            for together, apart in zip(batch, zip(*single, strict=True), strict=True)
        )


def _count(function: Callable[..., Any], most: int) -> int:
    """How many of the columns a function takes: ``reward(observation, action)`` may leave the next observation out."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return most
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return most
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in places if p.default is p.empty]
    return min(most, max(len(needed), min(len(places), most)))


def _stacked(answers: Sequence[Any]) -> Any:
    """What a function gave row by row as one array; of objects where it gave no numbers, which are refused by their row."""
    try:
        return np.asarray([numbers(answer, "") for answer in answers])
    except (ShapeError, ValueError):
        listed = np.empty(len(answers), dtype=object)
        listed[:] = list(answers)
        return listed


def _numbers(given: Any, shape: tuple[int, ...], what: str) -> Floats:
    array = numbers(given, what)
    if array.shape != shape:
        if not rows_fit(array.shape, shape) and not _native.shape_fits(array.shape, shape):
            raise ShapeError(f"{what}: expected shape {shape}, got {array.shape}")
        array = array.reshape(shape)
    return np.array(array, dtype=np.float64, order="C")


def defined(answer: Floats, what: str, names: Sequence[str], columns: Sequence[NDArray[Any]]) -> None:
    """Refuses NaN for a row of plain numbers. Of rows that are beyond them or no numbers themselves, NaN says that they have diverged.

    Raises:
        DivergedError: With the first such row.
    """
    wrong = np.isnan(answer).reshape(len(answer), -1).any(axis=1)
    if not wrong.any():
        return
    for column in columns:
        with np.errstate(invalid="ignore"):
            wrong &= (np.abs(column.reshape(len(answer), -1)) < HUGE).all(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        said = ", ".join(f"{name} {column[row].tolist()}" for name, column in zip(names, columns, strict=False))
        raise DivergedError(f"{what}: NaN for row {row}, {said}; give a finite number for whatever may be met")


class Reward:
    """A reward function ``(observation, action, next_observation) -> reward`` or ``-> (reward, terminated)``."""

    terminates = True

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        termination: Callable[..., Any] | None = None,
        vectorized: bool | None = None,
        choices: Choices | None = None,
    ) -> None:
        choices = choices or Choices()
        self._reward = Rowwise(function, "reward", arguments=3, vectorized=vectorized, choices=choices)
        self._ends = (
            None
            if termination is None
            else Rowwise(termination, "termination", arguments=3, vectorized=vectorized, choices=choices)
        )

    def __call__(self, observations: Floats, actions: NDArray[Any], next_observations: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        columns = (observations, actions, next_observations)

        def parse(answer: Any, count: int | None) -> tuple[Floats, NDArray[np.bool_]]:
            shape = () if count is None else (count,)
            reward, ended = answer if isinstance(answer, tuple) else (answer, np.zeros(shape, dtype=bool))
            return _numbers(reward, shape, "reward"), flags(ended, shape, "terminated")

        reward, ended = self._reward.rows(parse, columns)
        defined(reward, "reward", ("observation", "action", "next observation"), columns)
        if self._ends is not None:
            (also,) = self._ends.rows(
                lambda answer, count: (flags(answer, () if count is None else (count,), "termination"),), columns
            )
            ended = ended | also
        return np.ascontiguousarray(reward), np.ascontiguousarray(ended)


class Dynamics:
    """A transition function as a model of one member.

    ``transition(observation, action)`` gives the next observation, or a tuple of it with the reward, and with whether the task ends.
    """

    def __init__(
        self,
        transition: Callable[..., Any],
        reward: Reward | None,
        *,
        dims: int,
        vectorized: bool | None = None,
        choices: Choices | None = None,
    ) -> None:
        self._transition = Rowwise(
            transition, "transition", arguments=2, vectorized=vectorized, choices=choices or Choices()
        )
        self._reward = reward
        self._dims = dims
        self.pays: bool | None = None if reward is None else True
        """Whether anything says what is paid; not known before the first call where the function alone may tell."""

    def step(
        self, observations: Floats, actions: NDArray[Any], seed: int
    ) -> tuple[Floats, Floats, NDArray[np.bool_], Floats]:
        (before,) = observations

        def parse(answer: Any, count: int | None) -> tuple[Floats, Floats, NDArray[np.bool_]]:
            shape = () if count is None else (count,)
            parts = answer if isinstance(answer, tuple) else (answer,)
            if not 1 <= len(parts) <= 3:
                raise ShapeError(
                    f"transition: expected the next observation, with the reward and whether the task ends after it; got {len(parts)} parts"
                )
            self.pays = self._reward is not None or len(parts) > 1
            after = _numbers(parts[0], (*shape, self._dims), "next observation")
            paid = _numbers(parts[1], shape, "reward") if len(parts) > 1 else np.zeros(shape)
            ended = flags(parts[2], shape, "terminated") if len(parts) > 2 else np.zeros(shape, dtype=bool)
            return after, paid, ended

        # What NaN in a next observation says, planners count: that row has diverged.
        after, paid, ended = self._transition.rows(parse, (before, actions))
        defined(paid, "transition: reward", ("observation", "action", "next observation"), (before, actions, after))
        if self._reward is not None:
            paid, also = self._reward(before, actions, after)
            ended = ended | also
        return after.ravel(), np.ascontiguousarray(paid), np.ascontiguousarray(ended), np.zeros(len(before))
