"""Tables in long format: Arrow, pandas and polars, a row a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces as gym_spaces
from numpy.typing import NDArray

from .. import _native
from ..errors import ConfigError, DivergedError, ShapeError
from .._contract import exact
from .columns import Table, columns_of, empty_cell, kind_of, optional, say, some_row, times
from .recorded import Episode, Episodes
from .spaces import as_space, infer_observations, near, rows_of

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped,unused-ignore]
    import polars
    import pyarrow  # type: ignore[import-untyped,unused-ignore]

Array = NDArray[Any]

__all__ = ["columns_of", "from_columns", "from_table", "gathered", "group", "hollow", "kind_of", "optional", "to_arrow", "to_pandas", "to_polars"]


def group(columns: Mapping[str, Array], name: str) -> Array | None:
    """The rows of one quantity of a table, by whichever name it goes."""
    names = list(columns)
    found, _ = _native.resolve_columns(names, strict=False)
    rows = gathered(Table(dict(columns), names, found), name)
    return None if rows is None else rows[0]


def gathered(table: Table, quantity: str, space: Any = None, *, like: list[str] | None = None) -> tuple[Array, list[str], Any] | None:
    """The rows of an observation or action, the names of its parts, and the space of named parts where it has any."""
    parts = table.parts(quantity, like=like)
    if parts is None:
        return None
    names, arrays, together = parts
    if together:
        return arrays[0] if len(arrays) == 1 else np.stack(arrays, axis=1), names, None
    if space is None:
        space = gym_spaces.Dict([(name, infer_observations(array)) for name, array in zip(names, arrays, strict=True)])
    if not isinstance(space, gym_spaces.Dict) or set(space.spaces) != set(names):
        raise ConfigError(f"{quantity}: its parts are {', '.join(names)}, and its space is {space}")
    by_name = dict(zip(names, arrays, strict=True))
    count = len(arrays[0])
    if all(isinstance(part, gym_spaces.Box) for part in space.spaces.values()):
        flat = [by_name[name].reshape(count, -1).astype(np.float64) for name in space.spaces]
        return np.concatenate(flat, axis=1), names, space
    rows = np.empty(count, dtype=object)
    for row in range(count):
        rows[row] = {name: by_name[name][row] for name in names}
    return rows_of(space, rows, count, quantity), names, space


def from_table(
    table: Any, *, observation_space: Any = None, action_space: Any = None, environment: str = "data", seed: int = 0
) -> Episodes:
    """Episodes of a table in long format, by the rules of every reader.

    A row holds an observation, the action taken at it and what came of that: ``observation`` (lists of numbers, or columns
    ``observation_0``, … or ``observation_x``, …), ``action`` (likewise; one column of whole numbers are choices), ``reward``, and, each
    of which may be left out, ``terminated``, ``truncated`` or ``done``, ``episode`` (the rows of one stand together), ``step`` (rises) and
    ``next_observation``, whose parts are paired with the observation's by name. Without the last, an episode's last row is what its
    last action led to, with an empty action; a last action without an outcome is left out, with a warning that counts the rewards and
    the ends of the task lost with it. The names of D4RL,
    imitation, robomimic, Stable-Baselines3, RLDS and LeRobot are known too (``worldwright._native.column_names()``); flags are truth
    values, 0 and 1, and their words.

    Raises:
        ConfigError: A column is missing or misspelt, flags are missing, steps have gaps, or rows do not follow each other.
        ShapeError: Numbers are missing or of mixed types.
        DivergedError: A number is NaN or infinite.
    """
    columns = columns_of(table)
    some_row(columns)
    known = Table.of(columns, strict=isinstance(table, Mapping))
    told = {
        name: as_space(space) for name, space in (("observation_space", observation_space), ("action_space", action_space)) if space is not None
    }
    return from_columns(known, environment=environment, seed=seed, **told)


def from_columns(table: Table, *, environment: str = "data", seed: int = 0, **spaces: gym_spaces.Space[Any]) -> Episodes:
    """Episodes of columns that are known; ``spaces`` are those of :class:`Episodes`."""
    missing = [name for name in ("observation", "action", "reward") if not table.has(name)]
    if missing:
        known = ", ".join(name for name, _ in _native.column_names())
        raise ConfigError(
            f"the table lacks {', '.join(missing)} (it has {', '.join(table.names)}): known names are {known}, and observation_x, "
            "observation_y, … for the parts of one"
        )
    seen, taken = gathered(table, "observation", spaces.get("observation_space")), gathered(table, "action", spaces.get("action_space"))
    assert seen is not None and taken is not None
    observations, names, observation_space = seen
    actions, action_names, action_space = taken
    if observation_space is not None:
        spaces["observation_space"] = observation_space
    if action_space is not None:
        spaces["action_space"] = action_space
    after = gathered(table, "next_observation", observation_space, like=names)
    following = None if after is None else after[0]
    rewards = _column(table, "reward")
    count = len(observations)
    if not count:
        raise ConfigError("the table holds no step: give at least one row a step")
    for what, column in (("action", actions), ("reward", rewards), ("next_observation", following)):
        if column is not None and len(column) != count:
            raise ShapeError(f"{what}: {len(column)} rows came with {count} observations")
    if following is not None and following.shape != observations.shape:
        raise ShapeError(f"observations of shape {observations.shape} came with next observations of shape {following.shape}")
    last = table.flags("is_last") or [None] * count
    acted = ~_empty_rows(actions) & np.array([flag is not True for flag in last])
    given: dict[str, Any] = {"acted": acted.tolist(), "reward": rewards.tolist()}
    for name in ("terminated", "truncated", "done", "is_first"):
        told = table.flags(name)
        if told is not None:
            given[name] = told
    labels = table.one("episode")
    if labels is not None:
        given["episode"] = _labels(*labels)
    steps = table.one("step")
    if steps is not None:
        given["step"] = _steps(*steps)
    if following is not None:
        same = (following[:-1] == observations[1:]) | (_nan(following[:-1]) & _nan(observations[1:]))
        joins = same.reshape(count - 1, int(np.prod(observations.shape[1:]))).all(axis=1)
        given["next"] = ((~_empty_rows(following)).tolist(), [*joins.tolist(), False])
    laid, notes = _native.lay_out_rows(given)
    say(notes)
    choices = _were_choices(actions)
    parts = []
    for name, (first, end), (begin, stop), closing, terminated, truncated in laid:
        shown = observations[first:end]
        if closing is not None and following is not None:
            closed = following[closing : closing + 1]
            exact = closed.astype(shown.dtype)
            shown = np.concatenate([shown, exact if (exact == closed).all() else closed])
        done, paid = actions[begin:stop], rewards[begin:stop]
        for what, numbers in (("observation", shown), ("action", done), ("reward", paid)):
            if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
                row = int(np.argmax(~np.isfinite(numbers).reshape(len(numbers), -1).all(axis=1)))
                raise DivergedError(
                    f"episode {name}: {what} of row {row} is empty, NaN or infinite; drop the episode or cut it before that row"
                )
        parts.append(Episode(shown, done.astype(np.int64) if choices else done, paid, terminated, truncated))
    made = Episodes.of(parts, environment=environment, seed=seed, **spaces)
    # Parts that have spaces of their own are named by these.
    if observation_space is None:
        made.observation_names = called(names)
    if action_space is None:
        made.action_names = called(action_names)
    return made


def called(names: list[str]) -> list[str] | None:
    """Names of the numbers of a vector; none where they are places."""
    return None if all(not name or name.replace("_", "").isdigit() for name in names) else names


def _column(table: Table, quantity: str) -> NDArray[np.float64]:
    found = table.one(quantity)
    assert found is not None
    name, column = found
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1 or column.dtype.kind not in "fiub":
        raise ShapeError(f"column '{name}' is of type {column.dtype} and shape {column.shape}, expected one number a row")
    return exact(column, f"column '{name}'")


def _cells(name: str, column: Array) -> Array:
    """A column of one cell a row, none of them empty.

    Raises:
        ConfigError: It holds arrays, or a row is empty.
    """
    if column.dtype.kind in "Mm":
        column = times(column)
    if column.ndim != 1 and int(np.prod(column.shape[1:])) == 1:
        column = column.reshape(len(column))
    if column.ndim != 1:
        raise ConfigError(f"{name}: holds arrays, expected one name or number a row")
    row = next((row for row, value in enumerate(column.tolist()) if empty_cell(value)), None)
    if row is not None:
        raise ConfigError(f"{name}: row {row} is empty")
    if column.dtype.kind == "O" and len({isinstance(value, (str, bytes)) for value in column}) > 1:
        raise ConfigError(f"{name}: holds texts in some rows and numbers in others")
    return column


def _labels(name: str, column: Array) -> list[str]:
    """The name of each row's episode: texts, or whole numbers below 2^53, above which files no longer tell neighbours apart."""
    labels = []
    for row, value in enumerate(_cells(name, column).tolist()):
        if not isinstance(value, (str, bytes)):
            if not (np.isfinite(value) and value == int(value) and abs(value) < 2**53):
                raise ConfigError(f"{name}: row {row} holds {value}, which is no whole number below 2^53: name episodes by smaller ones, or by texts")
            value = int(value)
        labels.append(str(value))
    return labels


def _steps(name: str, column: Array) -> tuple[list[float], bool]:
    """Steps, and whether they are those of a counter; times and fractions only rise."""
    column = _cells(name, column)
    if column.dtype.kind == "O" and isinstance(column[0], (str, bytes)):
        # Times as text, such as 2026-01-31T12:00:00, sort as they stand.
        places = {text: float(place) for place, text in enumerate(sorted({str(value) for value in column}))}
        return [places[str(value)] for value in column], False
    numbers = np.asarray(column, dtype=np.float64)
    # A counter begins with small numbers; seconds or nanoseconds of a clock do not rise by one.
    return numbers.tolist(), bool(np.isfinite(numbers).all() and (numbers == np.round(numbers)).all() and abs(numbers[0]) < 1e9)


def _nan(numbers: Array) -> Any:
    return np.isnan(numbers) if numbers.dtype.kind == "f" else np.zeros(numbers.shape, dtype=bool)


def _empty_rows(numbers: Array) -> NDArray[np.bool_]:
    flat = _nan(numbers).reshape(len(numbers), -1)
    return np.asarray(flat.all(axis=1) if flat.shape[1] else np.zeros(len(numbers), dtype=bool))


def hollow(actions: Array) -> bool:
    """Whether some rows have no action."""
    return bool(_empty_rows(actions).any())


def _were_choices(column: Array) -> bool:
    """Whether a column of numbers with empty cells holds choices alone: with empty cells, tables make whole numbers fractions."""
    if column.dtype.kind != "f" or column.ndim != 1:
        return False
    numbers = column[~np.isnan(column)]
    if len(numbers) in (0, len(column)) or not np.isfinite(numbers).all() or (numbers != np.round(numbers)).any():
        return False
    return near(float(numbers.min()), float(numbers.max()))


def _long(episodes: Episodes) -> dict[str, Array]:
    """A row a transition; an episode without a step is a row of its one observation, all else in it being empty."""
    columns = episodes.transitions()
    steps, lengths = episodes.steps, episodes.lengths
    step = np.arange(steps) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    long = {
        "episode": columns["episode"],
        "step": step,
        "observation": columns["observations"].reshape(steps, _width(episodes.observations)),
        "action": columns["actions"] if columns["actions"].ndim == 1 else columns["actions"].reshape(steps, _width(episodes.actions)),
        "reward": columns["rewards"],
        "next_observation": columns["next_observations"].reshape(steps, _width(episodes.observations)),
        "terminated": columns["terminated"],
        "truncated": columns["truncated"],
    }
    hollow = np.flatnonzero(lengths == 0)
    if not len(hollow):
        return long
    before = np.cumsum(lengths)[hollow]
    lone = {
        "episode": hollow,
        "step": np.zeros(len(hollow), dtype=np.int64),
        "observation": episodes.first_observations[hollow].reshape(len(hollow), -1),
        "terminated": episodes.terminated[hollow],
        "truncated": episodes.truncated[hollow],
    }
    for name in ("action", "reward", "next_observation"):
        lone[name] = np.full((len(hollow), *long[name].shape[1:]), np.nan)
        long[name] = long[name].astype(np.float64)
    return {name: np.insert(column, before, lone[name], axis=0) for name, column in long.items()}


def _width(rows: Array) -> int:
    return int(np.prod(rows.shape[1:]))


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
