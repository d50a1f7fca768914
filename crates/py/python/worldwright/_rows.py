"""Rows of observations and actions, however they come: flat arrays, lists of elements, mappings of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from ._contract import numbers, reals, unmasked
from ._spaces import elements, infer_observations
from .errors import ShapeError, SpaceError


def observed_rows(space: Any, given: Any) -> Any:
    """Observations as a list of elements of their space, or as they are where the space has no parts.

    Raises:
        ShapeError, SpaceError: They are none.
    """
    given = unmasked(given, "observations")
    if not isinstance(space, (spaces.Dict, spaces.Tuple)):
        return given if isinstance(given, (list, tuple)) else numbers(given, "observations")
    return _elements(space, given, "observations")


def acted_rows(space: Any, given: Any) -> Any:
    """Actions as rows of flat numbers, or as choices.

    Raises:
        ShapeError, SpaceError: They are none.
    """
    given = unmasked(given, "actions")
    if not isinstance(space, (spaces.Dict, spaces.Tuple)):
        return given
    flat = _flat(space, given, "actions")
    if flat is not None:
        return flat
    rows = [spaces.flatten(space, element) for element in _elements(space, given, "actions")]
    return np.asarray(rows, dtype=np.float64).reshape(len(rows), spaces.flatdim(space))


def parted(given: Any, what: str) -> Any:
    """The space of named parts that a mapping of arrays, or a list of mappings, spans; none for all else."""
    columns = _columns(given, what)
    if columns is None:
        return None
    part = {name: parted(column, f"{what}['{name}']") for name, column in columns.items()}
    return spaces.Dict([(name, infer_observations(numbers(column, what)) if part[name] is None else part[name]) for name, column in columns.items()])


def rows_within(space: Any, given: Any, what: str) -> Any:
    """Rows as an array: flat ones where they come as named parts, else as they are."""
    columns = _columns(given, what)
    if columns is None or not isinstance(space, spaces.Dict):
        return np.asarray(unmasked(given, what))
    rows = [spaces.flatten(space, element) for element in _elements(space, columns, what)]
    return np.asarray(rows, dtype=np.float64).reshape(len(rows), spaces.flatdim(space))


def _columns(given: Any, what: str) -> dict[Any, Any] | None:
    """A mapping of rows by the names of parts, from one or from a list of mappings."""
    if isinstance(given, Mapping):
        return dict(given)
    if not isinstance(given, (list, tuple)) or not given or not isinstance(given[0], Mapping):
        return None
    for row, element in enumerate(given):
        if not isinstance(element, Mapping) or set(element) != set(given[0]):
            raise SpaceError(f"{what}: row {row} has other parts than row 0, {', '.join(map(repr, given[0]))}")
    return {name: [element[name] for element in given] for name in given[0]}


def _flat(space: Any, given: Any, what: str) -> Any:
    """Rows of flat numbers, where it is an array of these; none for all else."""
    if isinstance(given, Mapping) or (isinstance(given, (list, tuple)) and given and isinstance(given[0], (Mapping, tuple))):
        return None
    array = np.asarray(given)
    if array.dtype == object:
        return None
    array = reals(array, what)
    width = spaces.flatdim(space)
    if array.ndim == 1 and not array.size:
        array = array.reshape(0, width)
    if array.ndim != 2 or array.shape[1] != width:
        raise ShapeError(f"{what}: expected rows of {width} flat numbers, or elements of {space}; got shape {array.shape}")
    return array


def _elements(space: Any, given: Any, what: str) -> list[Any]:
    if isinstance(given, Mapping) and isinstance(space, spaces.Dict):
        _same_parts(space, given, what)
        columns = {name: _column(part, given[name], f"{what}['{name}']") for name, part in space.spaces.items()}
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ShapeError(f"{what}: its parts have different numbers of rows: {', '.join(f'{name} {n}' for name, n in lengths.items())}")
        return [{name: column[row] for name, column in columns.items()} for row in range(next(iter(lengths.values())))]
    flat = _flat(space, given, what)
    return list(given) if flat is None else elements(space, flat)


def _column(space: Any, given: Any, what: str) -> Any:
    """The rows of one part: a single element of it is no row, so that a mapping of single elements is refused."""
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        return _elements(space, given, what)
    array = numbers(given, what)
    shape = tuple(space.shape or ())
    if array.ndim == 0 or (shape and array.ndim <= len(shape) and array.shape != (len(array),)):
        raise ShapeError(f"{what}: expected rows, an array of shape (N, {', '.join(map(str, shape))}), got shape {array.shape}")
    return array


def _same_parts(space: spaces.Dict, given: Mapping[Any, Any], what: str) -> None:
    missing, more = [name for name in space.spaces if name not in given], [name for name in given if name not in space.spaces]
    if missing or more:
        lacks = f" lack {', '.join(map(repr, missing))}" if missing else ""
        has = f" have {', '.join(map(repr, more))}, which their space lacks" if more else ""
        raise SpaceError(f"{what}{lacks}{' and' if lacks and has else ''}{has} (it has {', '.join(map(repr, space.spaces))})")
