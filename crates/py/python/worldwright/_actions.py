"""Actions as Gymnasium's environments take them, one or a batch, as the rows of numbers that models take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from . import _native
from ._contract import numbers
from .errors import DivergedError, ShapeError, SpaceError


def whole(space: Any) -> bool:
    """Whether every part of an action is a choice, so that none is a real number."""
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        return all(whole(part) for part in (space.spaces.values() if isinstance(space, spaces.Dict) else space.spaces))
    return not isinstance(space, spaces.Box)


def sequence(space: Any, actions: Sequence[Any]) -> Any:
    """Actions one after another: a list where each has parts, else an array."""
    return list(actions) if isinstance(space, (spaces.Dict, spaces.Tuple)) else np.asarray(actions)


def action_row(space: Any, action: Any) -> NDArray[Any]:
    """One action as a batch of one row; see :func:`action_rows`."""
    return _rows(space, action, (), "actions", top=True)


def action_rows(space: Any, actions: Any, rows: int) -> NDArray[Any]:
    """A batch of actions in Gymnasium's batched form (of a dict or a tuple, one whose parts are batches) as a model's rows: choices of a
    discrete space as they are, (rows,), everything else flat, (rows, A). What lies beyond a box does what its bound does.

    Raises:
        ShapeError, SpaceError, DivergedError: They are no actions of the space; with the first row that is none.
    """
    return _rows(space, actions, (rows,), "actions", top=True)


def _rows(space: Any, given: Any, lead: tuple[int, ...], what: str, *, top: bool = False) -> NDArray[Any]:
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        parts = _parts(space, given, what)
        return np.concatenate([_rows(part, one, lead, f"{what}[{key!r}]") for key, part, one in parts], axis=1)
    array = _leaf(space, given, lead, what)
    rows = array.reshape(lead[0] if lead else 1, -1)
    if isinstance(space, spaces.Box):
        rows = np.asarray(np.clip(rows, space.low.ravel(), space.high.ravel()))
        _all(np.isfinite(rows), rows, what, "finite numbers")
        return rows
    if isinstance(space, spaces.MultiBinary):
        _all((rows == 0) | (rows == 1), rows, what, "0 or 1")
        return np.asarray(rows, dtype=np.float64)
    if isinstance(space, spaces.Discrete):
        start, counts = np.array([space.start], dtype=object), np.array([int(space.n)])
    else:
        start, counts = np.asarray(space.start).ravel().astype(object), np.asarray(space.nvec).ravel().astype(np.int64)
    # Python's own numbers, because what stands beyond the last choice may not fit into its type.
    last = start + counts - 1
    with np.errstate(invalid="ignore"):
        _all((rows == np.round(rows)) & (rows >= start).astype(bool) & (rows <= last).astype(bool), rows, what, _range(start, last))
    if top and isinstance(space, spaces.Discrete):
        return rows.ravel().astype(np.int64)
    chosen = (rows.astype(object) - start).astype(np.int64)
    flat = np.zeros((len(rows), int(counts.sum())))
    flat[np.arange(len(rows))[:, np.newaxis], chosen + np.concatenate([[0], np.cumsum(counts)[:-1]])] = 1.0
    return flat


def _range(start: NDArray[Any], last: NDArray[Any]) -> str:
    if len(start) == 1:
        return f"a whole number from {start[0]} to {last[0]}"
    return f"whole numbers from {start.tolist()} to {last.tolist()}"


def _all(right: NDArray[np.bool_], rows: NDArray[Any], what: str, expected: str) -> None:
    if right.all():
        return
    row, place = (int(index) for index in np.argwhere(~right)[0])
    number = rows[row, place]
    undefined = rows.dtype.kind == "f" and not np.isfinite(number)
    said = "NaN" if undefined and np.isnan(number) else number
    raise (DivergedError if undefined else SpaceError)(f"{what}: row {row} holds {said} at place {place}, expected {expected}")


def _parts(space: Any, given: Any, what: str) -> list[tuple[Any, Any, Any]]:
    if isinstance(space, spaces.Dict):
        if not isinstance(given, Mapping) or set(given) != set(space.spaces):
            got = f"a dict with {', '.join(map(repr, given))}" if isinstance(given, Mapping) else repr(given)[:80]
            raise SpaceError(f"{what}: got {got}, expected a dict with {', '.join(map(repr, space.spaces))}")
        return [(key, part, given[key]) for key, part in space.spaces.items()]
    listed = isinstance(given, (list, tuple)) or (isinstance(given, np.ndarray) and given.ndim > 0)
    if not listed or len(given) != len(space.spaces):
        raise SpaceError(f"{what}: got {repr(given)[:80]}, expected a tuple of {len(space.spaces)} parts, as {space} has")
    return list(zip(range(len(space.spaces)), space.spaces, given, strict=True))


def _leaf(space: Any, given: Any, lead: tuple[int, ...], what: str) -> NDArray[Any]:
    array = numbers(given, what)
    shape = tuple(space.shape or ())
    if array.shape[: len(lead)] != lead or not _native.shape_fits(array.shape[len(lead) :], shape):
        raise ShapeError(f"{what}: expected shape {(*lead, *shape)}, got {array.shape}")
    return array
