"""Columns of tables by name: whatever holds the table, the native half knows what they are called and what a flag is."""

from __future__ import annotations

import datetime
import decimal
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _native
from .._contract import unmasked
from .._optional import optional
from ..errors import ConfigError, ShapeError, WorldwrightWarning

Array = NDArray[Any]


def kind_of(given: Any) -> str | None:
    """``"pandas"``, ``"polars"`` or ``"arrow"`` for a table of theirs, without importing any of them."""
    module = type(given).__module__.partition(".")[0]
    name = type(given).__name__
    if module == "pandas" and name == "DataFrame":
        return "pandas"
    if module == "polars" and name in ("DataFrame", "LazyFrame"):
        return "polars"
    if module == "pyarrow" and name in ("Table", "RecordBatch"):
        return "arrow"
    return None


def columns_of(table: Any) -> dict[str, Array]:
    """The columns of a table or a mapping as arrays: (N,), or (N, k) for lists of one length. What is empty becomes NaN among numbers
    and None among texts and flags; parts of structs and mappings are columns ``name/part``, empty in the rows that lack them.

    Raises:
        ConfigError: Two columns have one name.
        ShapeError: A column holds something other than numbers, flags and texts, or lists of different lengths.
    """
    kind = kind_of(table)
    raw: list[tuple[str, Any]]
    if kind == "pandas":
        table = _indexed(table)
        if len(set(table.columns)) < len(table.columns):
            twice = [str(name) for name in table.columns[table.columns.duplicated()]]
            raise ConfigError(f"the table has several columns called {', '.join(twice)}: keep one of each")
        raw = [(str(name), table[name].to_numpy()) for name in table.columns]
    elif kind == "polars":
        table = table.collect() if type(table).__name__ == "LazyFrame" else table
        raw = []
        for name in table.columns:
            nested = type(table[name].dtype).__name__ in ("Struct", "List", "Array", "Decimal")
            raw.append((name, _objects(table[name].to_list()) if nested else table[name].to_numpy()))
    elif kind == "arrow":
        pyarrow = optional("pyarrow", "data")
        raw = [(name, _arrow_array(pyarrow, table.column(place))) for place, name in enumerate(table.schema.names)]
    elif isinstance(table, Mapping):
        raw = [(str(name), column) for name, column in table.items()]
    else:
        raise ConfigError(f"cannot take {type(table).__name__} as a table: give one of Arrow, pandas or polars, or a mapping of columns")
    found: dict[str, Array] = {}
    for name, column in raw:
        _add(found, name, column)
    return found


def _indexed(frame: Any) -> Any:
    """A frame of pandas with those levels of its index as columns whose names are known. The index is otherwise no datum: it tells how rows
    were called, and these are taken in the order in which they stand.

    Raises:
        ConfigError: A level and a column of one name hold different things.
    """
    taken = []
    for level, name in enumerate(frame.index.names):
        known = _native.resolve_columns([str(name)], strict=False)[0].values() if isinstance(name, str) else ()
        if not any(part == "" for parts in known for part, _, _ in parts):
            continue
        if name not in frame.columns:
            taken.append(level)
        elif not np.array_equal(frame.index.get_level_values(level).to_numpy(), frame[name].to_numpy()):
            raise ConfigError(f"'{name}' is a column and, with other values, a level of the index: keep one of them")
    return frame.reset_index(level=taken) if taken else frame


def _add(found: dict[str, Array], name: str, column: Any) -> None:
    if isinstance(column, Mapping):
        for part, inner in column.items():
            _add(found, f"{name}/{part}", inner)
        return
    column = unmasked(column, f"column '{name}'")
    try:
        array = np.asarray(column)
    except ValueError:
        array = _objects(list(column))
    if array.dtype.kind == "f" and isinstance(column, (list, tuple)):
        _check_exact(name, column)
    if array.dtype.kind in "UST" or array.dtype.kind == "O":
        array = _array(found, name, array.astype(object))
    if array is None:
        return
    if name in found:
        raise ConfigError(f"the table has two columns called '{name}' (parts of '{name.partition('/')[0]}' count as well): keep one of them")
    found[name] = array


def _objects(values: Sequence[Any]) -> Array:
    objects = np.empty(len(values), dtype=object)
    # One by one: NumPy would take lists of one length apart.
    for place, value in enumerate(values):
        objects[place] = value
    return objects


def _missing(value: Any) -> bool:
    if isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)):
        return bool(value != value)
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _array(found: dict[str, Array], name: str, column: Array) -> Any:
    """An array of the things in a column of objects; none where they are mappings, whose parts are added one by one."""
    if column.ndim != 1:
        return _numbers(name, column)
    empty = [_missing(value) for value in column]
    if all(empty):
        return np.full(len(column), np.nan)
    first = next(value for value, none in zip(column, empty, strict=True) if not none)
    if isinstance(first, Mapping):
        row = next((row for row, value in enumerate(column) if not empty[row] and not isinstance(value, Mapping)), None)
        if row is not None:
            raise ShapeError(f"column '{name}': row {row} holds {type(column[row]).__name__}, but rows before it hold parts by name")
        # A part may come up in a later row for the first time.
        for part in dict.fromkeys(part for value, none in zip(column, empty, strict=True) if not none for part in value):
            _add(found, f"{name}/{part}", _objects([None if none else value.get(part) for value, none in zip(column, empty, strict=True)]))
        return None
    if isinstance(first, (str, bytes, bool, np.bool_)):
        return _objects([None if none else value for value, none in zip(column, empty, strict=True)])
    if isinstance(first, (datetime.date, np.datetime64)):
        return np.array([None if none else value for value, none in zip(column, empty, strict=True)], dtype="datetime64[ns]")
    if isinstance(first, (datetime.timedelta, np.timedelta64)):
        return np.array([None if none else value for value, none in zip(column, empty, strict=True)], dtype="timedelta64[ns]")
    if isinstance(first, decimal.Decimal):
        return np.array([np.nan if none else float(value) for value, none in zip(column, empty, strict=True)])
    filler = np.full(np.shape(first), np.nan) if np.ndim(first) else np.nan
    _check_exact(name, column)
    try:
        stacked = np.stack([np.asarray(filler if none else value) for value, none in zip(column, empty, strict=True)])
    except ValueError as error:
        raise ShapeError(
            f"column '{name}': its lists have different lengths; every row needs the same number of numbers"
        ) from error
    return _numbers(name, stacked)


def _check_exact(name: str, values: Any) -> None:
    """Refuses whole numbers that would be rounded on their way into an array of floats.

    Raises:
        ConfigError: A list, or an array of objects, holds one.
    """
    for value in values:
        if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype.kind == "O"):
            _check_exact(name, value)
        elif isinstance(value, int) and abs(value) > 2**53 and (value.bit_length() > 1023 or int(float(value)) != value):
            shown = str(value) if value.bit_length() < 100 else f"a whole number of {value.bit_length()} bits"
            raise ConfigError(
                f"column '{name}' holds {shown}, which a float64 cannot hold exactly: give whole numbers from -2^53 to 2^53, such as differences "
                "from the first"
            )


def _numbers(name: str, column: Array) -> Array:
    if column.dtype.kind != "O":
        return column
    _check_exact(name, column)
    try:
        return np.asarray(column.tolist(), dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ShapeError(f"column '{name}' holds something other than numbers, flags and texts") from error


def _arrow_array(pyarrow: Any, column: Any) -> Array:
    column = column.combine_chunks() if isinstance(column, pyarrow.ChunkedArray) else column
    if isinstance(column, pyarrow.ChunkedArray):
        column = pyarrow.concat_arrays(column.chunks) if column.num_chunks else pyarrow.array([], column.type)
    kind = column.type
    simple = pyarrow.types.is_fixed_size_list(kind) and not pyarrow.types.is_nested(kind.value_type)
    if simple and not column.null_count and not column.values.null_count:
        return np.asarray(column.flatten().to_numpy(zero_copy_only=False)).reshape(len(column), kind.list_size)
    plain = pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind) or pyarrow.types.is_boolean(kind)
    if plain or pyarrow.types.is_timestamp(kind):
        return np.asarray(column.to_numpy(zero_copy_only=False))
    return _objects(column.to_pylist())


def flags(name: str, given: Any) -> list[bool | None]:
    """Flags by the one rule of all readers: truth values, 0 and 1, and their words; None is a missing one.

    Raises:
        ConfigError: Something is neither true nor false.
    """
    array = np.asarray(unmasked(given, name))
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ShapeError(f"{name}: expected one flag a row, got shape {array.shape}")
    if array.dtype.kind == "b":
        kept: list[bool | None] = array.tolist()
        return kept
    return _native.read_flags(name, [None if _missing(value) else value for value in array.tolist()])


def told_flags(name: str, given: Any) -> NDArray[np.bool_]:
    """Flags of which none may be missing.

    Raises:
        ConfigError: One is missing, or neither true nor false.
    """
    found = flags(name, given)
    if None in found:
        raise ConfigError(f"{name}: row {found.index(None)} is empty (NaN, None or NA): give true or false, or leave it out")
    return np.array(found, dtype=bool)


def say(notes: list[str]) -> None:
    """Warns of what a user should know of how a table was read."""
    for note in notes:
        warnings.warn(note, WorldwrightWarning, stacklevel=4)
