"""Tables in long format: Arrow, pandas and polars, a row a step."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, DivergedError, ShapeError
from .recorded import Episode, Episodes

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped,unused-ignore]
    import polars
    import pyarrow  # type: ignore[import-untyped,unused-ignore]

Array = NDArray[Any]
NAMES = ("episode", "step", "observation", "action", "reward", "next_observation", "terminated", "truncated")


def optional(package: str, extra: str) -> Any:
    """A package that only some need.

    Raises:
        ConfigError: It is not installed; the message names the extra that holds it.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ConfigError(f"this needs {package}, which is not installed: pip install worldwright[{extra}]") from error


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
    """The columns of a table as arrays: (N,), or (N, k) for lists of one length. What is empty becomes NaN."""
    kind = kind_of(table)
    if kind == "pandas":
        if any(name in NAMES for name in table.index.names):
            table = table.reset_index()
        return {str(name): _array(str(name), table[name].to_numpy()) for name in table.columns}
    if kind == "polars":
        table = table.collect() if type(table).__name__ == "LazyFrame" else table
        return {name: _array(name, table[name].to_numpy()) for name in table.columns}
    pyarrow = optional("pyarrow", "data")
    return {name: _arrow_array(pyarrow, name, table.column(name)) for name in table.schema.names}


def _array(name: str, column: Array) -> Array:
    if column.dtype.kind != "O":
        return column
    empty = [value is None or (np.ndim(value) == 0 and value != value) for value in column]
    if all(empty):
        return np.full(len(column), np.nan)
    first = next(value for value, none in zip(column, empty, strict=True) if not none)
    filler = np.full(np.shape(first), np.nan) if np.ndim(first) else np.nan
    try:
        stacked = np.stack([np.asarray(filler if none else value) for value, none in zip(column, empty, strict=True)])
    except ValueError as error:
        raise ShapeError(
            f"column '{name}': its lists have different lengths; every row needs the same number of numbers"
        ) from error
    return stacked


def _arrow_array(pyarrow: Any, name: str, column: Any) -> Array:
    column = column.combine_chunks() if isinstance(column, pyarrow.ChunkedArray) else column
    if isinstance(column, pyarrow.ChunkedArray):
        column = pyarrow.concat_arrays(column.chunks) if column.num_chunks else pyarrow.array([], column.type)
    kind = column.type
    if pyarrow.types.is_fixed_size_list(kind) and not column.null_count:
        return np.asarray(column.flatten().to_numpy(zero_copy_only=False)).reshape(len(column), kind.list_size)
    if pyarrow.types.is_nested(kind) or pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        values = np.empty(len(column), dtype=object)
        values[:] = column.to_pylist()
        return _array(name, values)
    return _array(name, column.to_numpy(zero_copy_only=False))


def group(columns: Mapping[str, Array], name: str) -> Array | None:
    """One quantity of a table: the column of its name, or those of its parts (``observation_0``, ``observation_1``, … or with a
    dot), in order."""
    if name in columns:
        return columns[name]
    if f"{name}s" in columns:
        return columns[f"{name}s"]
    parts = [key for key in columns if key.startswith((f"{name}_", f"{name}."))]
    if not parts:
        return None
    numbers = [re.fullmatch(r"\d+", key[len(name) + 1 :]) for key in parts]
    if all(numbers):
        parts.sort(key=lambda key: int(key[len(name) + 1 :]))
        places = [int(key[len(name) + 1 :]) for key in parts]
        if places != list(range(len(places))):
            raise ShapeError(f"columns of {name} are numbered {places}: expected 0 to {len(places) - 1} without gaps")
    bad = [key for key in parts if columns[key].ndim != 1 or columns[key].dtype.kind not in "fiub"]
    if bad:
        raise ShapeError(f"columns {', '.join(bad)} do not hold one number a row")
    return np.stack([columns[key] for key in parts], axis=1)


def from_table(table: Any, **spaces: Any) -> Episodes:
    """Episodes of a table in long format.

    A row holds an observation, the action taken at it and what came of that: ``episode`` (the rows of one stand together),
    ``step`` (may be left out; rises by one), ``observation`` (lists of numbers, or columns ``observation_0``, …), ``action``
    (likewise; one column of whole numbers are choices), ``reward``, ``terminated`` and ``truncated`` (may be left out), and
    ``next_observation``. Without the last, an episode's last row is what its last action led to, with an empty action.

    Raises:
        ConfigError: A column is missing, steps have gaps, or rows do not follow each other.
        ShapeError: Numbers are missing or of mixed types.
        DivergedError: A number is NaN or infinite.
    """
    columns = table if isinstance(table, Mapping) else columns_of(table)
    found = {name: group(columns, name) for name in NAMES}
    missing = [name for name in ("episode", "observation", "action", "reward") if found[name] is None]
    if missing:
        raise ConfigError(
            f"the table lacks {', '.join(missing)} (it has {', '.join(columns)}): rename its columns to episode, step, "
            "observation (or observation_0, observation_1, …), action (likewise), reward, terminated, truncated, next_observation"
        )
    for name, column in found.items():
        if column is not None and name != "episode" and column.dtype.kind not in "fiub":
            raise ShapeError(
                f"column '{name}' is of type {column.dtype}, expected numbers, of which every row has the same count"
            )
    ids = np.asarray(found["episode"])
    if not len(ids):
        raise ConfigError("the table is empty")
    changes = np.flatnonzero(ids[1:] != ids[:-1]) + 1
    spans = list(zip([0, *changes], [*changes, len(ids)], strict=True))
    order = [ids[first] for first, _ in spans]
    if len(set(np.asarray(order).tolist())) < len(order):
        raise ConfigError("the rows of an episode do not stand together: sort the table by episode and step")
    parts = [_episode(found, int(first), int(last), ids[first]) for first, last in spans]
    return Episodes.of(parts, **spaces)


def _episode(found: Mapping[str, Array | None], first: int, last: int, name: Any) -> Episode:
    def rows(what: str) -> Array:
        column = found[what]
        assert column is not None
        return column[first:last]

    steps = found["step"]
    if steps is not None:
        gaps = np.flatnonzero(np.diff(steps[first:last].astype(np.float64)) != 1)
        if len(gaps):
            at = first + int(gaps[0])
            raise ConfigError(
                f"episode {name} goes from step {steps[at]} to step {steps[at + 1]}: steps must rise by one; sort by episode and "
                "step, and split the episode where steps are missing"
            )
    observations, actions, rewards = rows("observation"), rows("action"), rows("reward").astype(np.float64)
    ended = {what: rows(what).astype(bool) if found[what] is not None else None for what in ("terminated", "truncated")}
    if found["next_observation"] is None:
        if last - first < 1 or not _empty(actions[-1]):
            raise ConfigError(
                f"episode {name} does not say what its last action led to: give columns next_observation, or a last row with an "
                "empty action"
            )
        actions, rewards = actions[:-1], rewards[:-1]
        flags = {what: None if given is None else given[:-1] for what, given in ended.items()}
    else:
        following = rows("next_observation")
        if following.shape != observations.shape:
            raise ShapeError(f"observations of shape {observations.shape} came with next observations of shape {following.shape}")
        apart = np.flatnonzero((following[:-1] != observations[1:]).reshape(len(observations) - 1, -1).any(axis=1))
        if len(apart) and np.isfinite(following[:-1]).all():
            raise ConfigError(
                f"episode {name}: the next observation of its row {apart[0]} is not the observation of row "
                f"{apart[0] + 1}; give separate stretches separate episodes, or fit a model to "
                "the transitions as columns without episode"
            )
        observations = np.concatenate([observations, following[-1:]])
        flags = dict(ended)
    for what, numbers in (("observation", observations), ("action", actions), ("reward", rewards)):
        if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
            row = int(np.argmax(~np.isfinite(numbers).reshape(len(numbers), -1).all(axis=1)))
            raise DivergedError(
                f"episode {name}: {what} of row {row} is empty, NaN or infinite; drop the episode or cut it before that row"
            )
    if actions.dtype.kind == "f" and actions.ndim == 1 and found["action"] is not None and _were_choices(found["action"]):
        actions = actions.astype(np.int64)
    done = {what: bool(given.any()) if given is not None else False for what, given in flags.items()}
    for what, given in flags.items():
        if given is not None and given[:-1].any():
            raise ConfigError(
                f"episode {name} goes on after it {what} at row {int(np.argmax(given))}: give what follows an episode of its own"
            )
    # Without a column that says so, an episode that does not terminate was cut.
    return Episode(
        observations,
        actions,
        rewards,
        done["terminated"],
        done["truncated"] or (flags["truncated"] is None and not done["terminated"]),
    )


def _empty(action: Any) -> bool:
    return bool(np.all(np.isnan(np.asarray(action, dtype=np.float64))))


def _were_choices(column: Array) -> bool:
    """Whether a column of numbers with empty cells holds whole numbers alone: with empty cells, tables make them fractions."""
    numbers = column[np.isfinite(column)]
    return bool(np.isnan(column).any() and (numbers == np.round(numbers)).all())


def _long(episodes: Episodes) -> dict[str, Array]:
    columns = episodes.transitions()
    step = np.arange(episodes.steps) - np.repeat(np.cumsum(episodes.lengths) - episodes.lengths, episodes.lengths)
    return {
        "episode": columns["episode"],
        "step": step,
        "observation": columns["observations"].reshape(episodes.steps, -1),
        "action": columns["actions"] if columns["actions"].ndim == 1 else columns["actions"].reshape(episodes.steps, -1),
        "reward": columns["rewards"],
        "next_observation": columns["next_observations"].reshape(episodes.steps, -1),
        "terminated": columns["terminated"],
        "truncated": columns["truncated"],
    }


def to_arrow(episodes: Episodes) -> pyarrow.Table:
    """A table with lists of numbers."""
    arrow = optional("pyarrow", "data")

    def column(numbers: Array) -> Any:
        if numbers.ndim == 1:
            return arrow.array(numbers)
        return arrow.FixedSizeListArray.from_arrays(arrow.array(np.ascontiguousarray(numbers).ravel()), numbers.shape[1])

    return arrow.table({name: column(numbers) for name, numbers in _long(episodes).items()})


def _wide(episodes: Episodes) -> dict[str, Array]:
    wide: dict[str, Array] = {}
    for name, numbers in _long(episodes).items():
        if numbers.ndim == 1:
            wide[name] = numbers
        else:
            wide |= {f"{name}_{i}": numbers[:, i] for i in range(numbers.shape[1])}
    return wide


def to_pandas(episodes: Episodes) -> pandas.DataFrame:
    """A frame with a column a number."""
    return optional("pandas", "data").DataFrame(_wide(episodes))


def to_polars(episodes: Episodes) -> polars.DataFrame:
    """A frame with a column a number."""
    frame: polars.DataFrame = optional("polars", "data").DataFrame(
        {name: np.ascontiguousarray(numbers) for name, numbers in _wide(episodes).items()}
    )
    return frame
