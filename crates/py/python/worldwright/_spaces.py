"""Rows of elements of spaces: arrays of the space's own shape for a box, whole numbers for choices, else flat numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from . import _native
from ._contract import exact, rows_fit
from .errors import ConfigError, ShapeError, SpaceError

Array = NDArray[Any]


def flat_dim(space: gymnasium.Space[Any]) -> int:
    """Length of a flat element."""
    return int(spaces.flatdim(space))


def as_space(given: Any) -> gymnasium.Space[Any]:
    """A space of Gymnasium's from one, a number of choices, a list of them, or a pair ``(low, high)``."""
    if isinstance(given, spaces.Space):
        return given
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
        return spaces.Discrete(int(given))
    if isinstance(given, list):
        return spaces.Discrete(len(given))
    if isinstance(given, tuple) and len(given) == 2:
        low, high = (np.atleast_1d(np.asarray(part, dtype=np.float64)) for part in given)
        return spaces.Box(low, high, dtype=np.float64)
    raise ConfigError(f"cannot take {type(given).__name__} as a space: give one of gymnasium.spaces")


def lies_within(inner: gymnasium.Space[Any], outer: gymnasium.Space[Any]) -> bool:
    """Whether a space is another, or differs in narrower bounds alone; bounds are compared in the narrower of two types of real numbers."""
    if isinstance(inner, spaces.Box) and isinstance(outer, spaces.Box):
        if inner.shape != outer.shape or (inner.dtype.kind == "f") != (outer.dtype.kind == "f"):
            return False
        narrow = min(inner.dtype, outer.dtype, key=lambda dtype: dtype.itemsize) if inner.dtype.kind == "f" else np.dtype(np.float64)
        with np.errstate(over="ignore"):
            low = inner.low.astype(narrow) >= outer.low.astype(narrow)
            return bool((low & (inner.high.astype(narrow) <= outer.high.astype(narrow))).all())
    if isinstance(inner, spaces.Discrete) and isinstance(outer, spaces.Discrete):
        return bool(inner.n == outer.n and inner.start == outer.start)
    if isinstance(inner, spaces.Dict) and isinstance(outer, spaces.Dict):
        return list(inner.spaces) == list(outer.spaces) and all(map(lies_within, inner.spaces.values(), outer.spaces.values()))
    if isinstance(inner, spaces.Tuple) and isinstance(outer, spaces.Tuple):
        return len(inner.spaces) == len(outer.spaces) and all(map(lies_within, inner.spaces, outer.spaces))
    return bool(inner == outer)


def infer_observations(observations: Array) -> gymnasium.Space[Any]:
    """The unbounded box that observations span."""
    _numeric(observations, "observations")
    if observations.ndim == 0:
        raise ShapeError("observations: expected rows, got a single number")
    # Their type and shape tell it: no row needs to be looked at.
    space: gymnasium.Space[Any] = _native.spanned_space("observations", observations[:0])
    return space


def infer_actions(actions: Array) -> gymnasium.Space[Any]:
    """Choices for rows of single whole numbers, else a box as wide as the data."""
    _numeric(actions, "actions")
    space: gymnasium.Space[Any] = _native.spanned_space("actions", np.atleast_1d(actions))
    return space


def _numeric(numbers: Array, what: str) -> None:
    if numbers.dtype.kind not in "fiub":
        raise ShapeError(
            f"{what} are of type {numbers.dtype}, expected numbers: rows of different lengths and mixed types make no array"
        )


def rows_of(space: gymnasium.Space[Any], given: Array, rows: int, what: str) -> Array:
    """Rows of a space, without a copy where they are in order already."""
    if isinstance(space, spaces.Box):
        _numeric(given, what)
        wanted = (rows, *space.shape)
        _held(space, given, what)
        if given.shape == wanted:
            exact(given, what)
            return given if given.dtype.kind in "fu" else given.astype(np.float64)
        if rows_fit(given.shape, wanted):
            exact(given, what)
            return given.reshape(wanted)
        raise ShapeError(f"{what}: expected shape {wanted}, got {given.shape}")
    wanted = (rows, flat_dim(space))
    if given.dtype.kind == "O" or given.shape != wanted:
        if len(given) != rows:
            raise ShapeError(f"{what}: expected {rows} rows, got {len(given)}")
        try:
            return np.stack([np.asarray(spaces.flatten(space, _element(space, row)), dtype=np.float64) for row in given])
        except (TypeError, ValueError, KeyError, IndexError) as error:
            raise ShapeError(
                f"{what}: expected elements of {space}, or flat rows of shape {wanted}; got {given.shape}"
            ) from error
    return exact(given, what)


def _held(space: spaces.Box, given: Array, what: str) -> None:
    """Refuses numbers that the type of a box does not hold: they would become others once they are elements of it."""
    dtype = np.dtype(space.dtype)
    if np.can_cast(given.dtype, dtype):
        return
    with np.errstate(over="ignore", invalid="ignore"):
        cast = given.astype(dtype)
    wrong = ~np.isfinite(cast) if dtype.kind == "f" else cast != given
    # What is not finite itself is told of by those who need it so.
    wrong &= np.isfinite(given)
    if wrong.any():
        at = np.unravel_index(int(np.argmax(wrong)), given.shape)
        raise SpaceError(f"{what}: row {at[0]} holds {given[at]}, which {dtype} of its space {space} does not hold: give a space of the numbers' type")


def _element(space: gymnasium.Space[Any], row: Any) -> Any:
    return int(row) if isinstance(space, spaces.Discrete) else row


def action_rows(space: gymnasium.Space[Any], given: Array, rows: int, what: str) -> Array:
    """Rows of an action space: choices are whole numbers."""
    if not isinstance(space, spaces.Discrete):
        return rows_of(space, given, rows, what)
    _numeric(given, what)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.shape != (rows,):
        raise ShapeError(f"{what}: expected {rows} choices, got shape {given.shape}")
    choices = given.astype(np.int64)
    wrong = (choices != given) | (choices < space.start) | (choices >= space.start + space.n)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise SpaceError(f"{what}: row {row} is {given[row]}, no choice from {space.start} to {space.start + space.n - 1}")
    return choices


def bounds_of(space: gymnasium.Space[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least and the largest number in each place of a flat element; infinite where there is no bound."""
    if isinstance(space, spaces.Box):
        return space.low.ravel().astype(np.float64), space.high.ravel().astype(np.float64)
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        each = [bounds_of(part) for part in (space.spaces.values() if isinstance(space, spaces.Dict) else space.spaces)]
        return np.concatenate([low for low, _ in each]), np.concatenate([high for _, high in each])
    return np.full(flat_dim(space), -np.inf), np.full(flat_dim(space), np.inf)


SLACK = 1e-6
"""What a bound may be missed by, relatively: programs compute in single precision what they declare in double."""


def acted_within(space: gymnasium.Space[Any], rows: Array, what: str) -> None:
    """Refuses recorded actions outside the bounds of a space that was given for them: nothing tells what was done in their place.

    Raises:
        SpaceError: The first row, its place and the bounds.
    """
    if isinstance(space, spaces.Discrete):
        return
    low, high = bounds_of(space)
    flat = rows.reshape(len(rows), -1)
    slack = 0.0 if isinstance(space, spaces.Box) and space.dtype is not None and space.dtype.kind != "f" else SLACK
    with np.errstate(invalid="ignore"):
        wrong = (flat < low - slack * (1.0 + np.abs(low))) | (flat > high + slack * (1.0 + np.abs(high)))
    if wrong.any():
        row, place = map(int, np.unravel_index(int(np.argmax(wrong)), flat.shape))
        raise SpaceError(
            f"{what}: row {row} holds {flat[row, place]:g} at place {place}, outside [{low[place]:g}, {high[place]:g}] of the action space that "
            "is given: clip it, where the environment did, or give the space that the actions have"
        )


def most_of(space: gymnasium.Space[Any]) -> NDArray[np.float64]:
    """The largest number that the space's own type holds, for each number of a flat element."""
    if isinstance(space, spaces.Box) and space.dtype is not None and space.dtype.kind == "f":
        return np.full(flat_dim(space), min(float(np.finfo(space.dtype).max), float(np.finfo(np.float64).max)))
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        return np.concatenate([most_of(part) for part in (space.spaces.values() if isinstance(space, spaces.Dict) else space.spaces)])
    return np.full(flat_dim(space), np.inf)


def projector(space: gymnasium.Space[Any], *, clip: bool = True) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """:func:`project` with a space of which much is asked."""
    if isinstance(space, spaces.Box) and space.dtype is not None and space.dtype.kind == "f":
        if not clip or not (np.isfinite(space.low).any() or np.isfinite(space.high).any()):
            return lambda flat: flat
        low, high = (bound.ravel().astype(np.float64) for bound in (space.low, space.high))
        return lambda flat: np.minimum(np.maximum(flat, low), high)
    return lambda flat: project(space, flat, clip=clip)


def project(space: gymnasium.Space[Any], flat: NDArray[np.float64], *, clip: bool = True) -> NDArray[np.float64]:
    """The flat elements nearest to rows of numbers, (N, O): within bounds, whole where they must be, one choice where there is
    one."""
    if isinstance(space, spaces.Box):
        numbers = np.round(flat) if space.dtype is not None and space.dtype.kind in "iu" else flat
        return np.asarray(np.clip(numbers, space.low.ravel(), space.high.ravel())) if clip else numbers
    if isinstance(space, spaces.Discrete):
        return _one_hot(flat)
    if isinstance(space, spaces.MultiBinary):
        return (flat > 0.5).astype(np.float64)
    if isinstance(space, spaces.MultiDiscrete):
        return np.concatenate([_one_hot(part) for part in np.split(flat, np.cumsum(space.nvec.ravel())[:-1], axis=1)], axis=1)
    parts, place = [], 0
    inner = space.spaces.values() if isinstance(space, spaces.Dict) else getattr(space, "spaces", ())
    for part in inner:
        length = flat_dim(part)
        parts.append(project(part, flat[:, place : place + length], clip=clip))
        place += length
    if place != flat.shape[1]:
        raise ConfigError(
            f"cannot take {space} apart: it holds spaces other than Box, Discrete, MultiBinary, MultiDiscrete, Dict and Tuple"
        )
    return np.concatenate(parts, axis=1)


def _one_hot(flat: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.eye(flat.shape[1])[np.argmax(flat, axis=1)])


def unflatten(space: gymnasium.Space[Any], row: Any) -> Any:
    """One row as an element of its space."""
    if isinstance(space, spaces.Box):
        return np.asarray(row, dtype=space.dtype).reshape(space.shape)
    if isinstance(space, spaces.Discrete) and np.ndim(row) == 0:
        return int(row)
    return spaces.unflatten(space, np.asarray(row))


def elements(space: gymnasium.Space[Any], rows: Array) -> list[Any]:
    """Rows as elements of their space."""
    return [unflatten(space, row) for row in rows]
