"""Episodes and transitions out of whatever holds them."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from gymnasium import spaces as gym_spaces

from .. import _native
from .._choices import nearest
from .._spaces import acted_within, as_space
from ..errors import ConfigError
from . import outward
from .columns import columns_of, kind_of, say
from .files import read
from .minari_sets import from_minari
from .recorded import Episode, Episodes
from .tables import from_table

Dataset: TypeAlias = _native.Dataset
"""Transitions as models take them."""


def episodes(given: Any, *, observation_space: Any = None, action_space: Any = None) -> Episodes:
    """Episodes from whatever holds them.

    Args:
        given: :class:`Episodes`; a run, or a path that :func:`read` takes; a table of Arrow, pandas or polars or a mapping of
            its columns (:func:`from_table`); a Minari data set, or ``"minari:ID"``; a list of :class:`Episode` objects or of
            mappings.
        observation_space, action_space: Spaces, where the data do not tell.

    Raises:
        ConfigError: It is nothing of the kind, or has gaps.
        SpaceError: An action is outside the bounds of the ``action_space`` that is given. Observations may be, as environments show such.
    """
    spaces: dict[str, Any] = {
        name: as_space(space)
        for name, space in (("observation_space", observation_space), ("action_space", action_space))
        if space is not None
    }
    if isinstance(given, Episodes):
        return _within(given, spaces)
    if isinstance(given, str) and given.startswith("minari:"):
        return _within(from_minari(given.removeprefix("minari:")), spaces)
    if isinstance(given, (str, os.PathLike)):
        return _within(read(Path(given)), spaces)
    folder = getattr(given, "folder", None)
    if folder is not None:
        return _within(read(folder), spaces)
    if kind_of(given) is not None:
        return from_table(given, **spaces)
    if hasattr(given, "iterate_episodes"):
        return _within(from_minari(given), spaces)
    if isinstance(given, Mapping):
        if "lengths" in given:
            return _acted(Episodes(**_arguments({**given, **spaces})), spaces)
        return from_table(given, **spaces)
    if isinstance(given, (Episode, Sequence)) and not isinstance(given, (bytes, bytearray)):
        return Episodes.of([given] if isinstance(given, Episode) else given, **spaces)
    raise ConfigError(
        f"cannot take {type(given).__name__} as episodes: give Episodes, a run or a path, a table of Arrow, pandas or polars, "
        "a Minari data set, or a list of episodes"
    )


def _within(made: Episodes, spaces: dict[str, Any]) -> Episodes:
    """The same episodes in other spaces, which must hold them."""
    if not spaces:
        return made
    told = {"observation_space": made.observation_space, "action_space": made.action_space, **spaces}
    within = Episodes(
        observations=_arranged("observation", made.observations, made.observation_space, told["observation_space"]),
        actions=_arranged("action", made.actions, made.action_space, told["action_space"]),
        rewards=made.rewards,
        lengths=made.lengths,
        terminated=made.terminated,
        truncated=made.truncated,
        seeds=made.seeds,
        environment=made.environment,
        seed=made.seed,
        observation_names=made.observation_names,
        action_names=made.action_names,
        **told,
    )
    return _acted(within, spaces)


def _acted(made: Episodes, spaces: dict[str, Any]) -> Episodes:
    """The same episodes, whose actions lie within the space that was given for them."""
    if "action_space" in spaces:
        acted_within(made.action_space, made.actions, "actions")
    return made


def _arranged(what: str, rows: Any, own: Any, wanted: Any) -> Any:
    """Rows of a space with parts as those of another, whose parts go by the same names."""
    if not isinstance(own, gym_spaces.Dict) or not isinstance(wanted, gym_spaces.Dict):
        return rows
    return _native.arranged_rows(what, rows, own, wanted)


def _arguments(given: dict[str, Any]) -> dict[str, Any]:
    """Keywords of :class:`Episodes`, none of them unknown."""
    known = list(inspect.signature(Episodes).parameters)
    for name in given:
        if name not in known:
            raise ConfigError(f"{name}: episodes with lengths have no such part; {nearest(name, known)}")
    return given


def dataset(data: Any = None, *, action_space: Any = None, **columns: Any) -> Dataset:
    """Transitions, as a model takes them.

    Args:
        data: A :class:`Dataset`, whatever :func:`episodes` takes, or a mapping or table of transitions that need not form
            episodes: columns as below, or with the names of :func:`from_table`, of which one holds next observations.
        action_space: What could be done; found out from the data where it is not given.
        columns: ``observations`` (N, O), ``actions`` (N, A) or (N,) choices, ``rewards`` (N,), ``next_observations`` (N, O), and
            if there are any ``terminated`` and ``truncated`` (N,).

    Raises:
        ConfigError: A column is missing.
        ShapeError: Columns are of different lengths, or not numbers.
        DivergedError: A number is NaN or infinite.
    """
    if columns and data is not None and not (isinstance(data, Mapping) or kind_of(data) is not None):
        raise ConfigError(f"{', '.join(columns)}: columns go with other columns, and {type(data).__name__} has its own; give one or the other")
    if isinstance(data, _native.Dataset):
        return data
    if data is not None and not (isinstance(data, Mapping) or kind_of(data) is not None):
        return episodes(data).dataset(action_space=action_space)
    strict = kind_of(data) is None
    if data is not None:
        columns = {**(data if strict else columns_of(data)), **columns}
    if "lengths" in columns:
        return episodes(columns, action_space=action_space).dataset(action_space=action_space)
    return tabled(columns, strict=strict, action_space=action_space)[0]


def tabled(columns: Any, *, strict: bool, action_space: Any = None) -> tuple[Dataset, Any]:
    """The transitions of a table's columns, and what actions are elements of."""
    space = None if action_space is None else as_space(action_space)
    found, actions, notes = _native.Dataset.of_columns(columns_of(columns), strict=strict, action_space=space)
    say(notes)
    return found, actions


_take = episodes


def write(episodes: Any, path: str | Path, *, format: str = "store") -> Path:
    """Writes episodes.

    Args:
        episodes: :class:`Episodes`, or whatever :func:`worldwright.data.episodes` takes.
        path: A file or folder that does not exist yet.
        format: One of :func:`formats`; ``"store"`` is Worldwright's own folder.

    Returns:
        The path.

    Raises:
        ConfigError: The path exists.
        UnknownNameError: There is no such format.
    """
    return outward.write(_take(episodes), path, format=format)
