"""Data: recorded episodes and transitions, in from everywhere and out again.

    episodes = wm.data.read("runs/pendulum-pets-seed0")
    frame = episodes.to_pandas()
    model.fit(frame)

Whatever holds data goes into :func:`episodes`, :func:`dataset` and ``Model.fit``: :class:`Episodes`, a run, a path, a mapping of
arrays, a table of Arrow, pandas or polars, a Minari data set or its id, a list of episodes.
"""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from gymnasium import spaces as gym_spaces

from .. import _native
from .._contract import exact, numbers
from ..errors import ConfigError, ShapeError
from .columns import Table, columns_of, kind_of, say, some_row
from .files import formats, read, write
from .minari_sets import from_minari, to_minari
from .recorded import Episode, Episodes
from .spaces import action_rows, as_space, infer_actions, infer_observations
from .tables import called, from_columns, from_table, gathered, hollow

__all__ = [
    "Dataset",
    "Episode",
    "Episodes",
    "dataset",
    "episodes",
    "formats",
    "from_minari",
    "from_table",
    "read",
    "to_minari",
    "write",
]

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
            return Episodes(**_arguments({**given, **spaces}))
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
    return Episodes(
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
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise ConfigError(f"{name}: episodes with lengths have no such part{hint} (there are {', '.join(known)})")
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
    columns = columns_of(columns)
    some_row(columns)
    table = Table.of(columns, strict=strict)
    tells = ("episode", "step", "terminated", "truncated", "done", "is_first")
    if not table.has("next_observation") and table.has("reward") and any(table.has(name) for name in tells):
        return from_columns(table).dataset(action_space=action_space)
    seen = gathered(table, "observation")
    acted = gathered(table, "action")
    # Parts of their own are matched with others by whoever takes them up.
    if acted is not None and acted[2] is not None:
        action_space = acted[2]
    parts = {
        "observations": seen,
        "actions": acted,
        "next_observations": None if seen is None else gathered(table, "next_observation", seen[2], like=seen[1]),
    }
    missing = [name for name, part in parts.items() if part is None]
    if missing:
        raise ConfigError(f"the data lack {', '.join(missing)} (there are {', '.join(table.names) or 'none'})")
    arrays = {name: part[0] for name, part in parts.items() if part is not None}
    observations, actions, following = arrays["observations"], arrays["actions"], arrays["next_observations"]
    count = len(observations)
    if table.has("reward") and table.has("episode") and hollow(actions):
        # Rows of observations alone are no transitions.
        return from_columns(table).dataset(action_space=action_space)
    if action_space is None:
        action_space = infer_actions(actions)
    if len(actions) == count and not isinstance(action_space, (int, list, tuple)):
        actions = action_rows(action_space, actions, count, "actions")
    paid = table.one("reward")
    rewards = None if paid is None else numbers(paid[1], f"column '{paid[0]}'")
    if rewards is not None:
        rewards = exact(rewards.reshape(-1) if rewards.size == count else rewards, f"column '{paid[0] if paid else ''}'")
    given = {name: flags for name in ("terminated", "truncated", "done") if (flags := table.flags(name)) is not None}
    for name, flag in given.items():
        if len(flag) != count:
            raise ShapeError(f"{name}: expected {count} flags, got {len(flag)}")
    terminated, truncated, notes = _native.row_ends({"acted": [True] * count, **given})
    say(notes)
    ends = np.array(terminated, dtype=bool) | np.array(truncated, dtype=bool)
    labels = table.one("episode")
    if labels is not None and count:
        ids = labels[1]
        ends = ends | np.append(ids[1:] != ids[:-1], True)
    return _native.Dataset(
        observations=observations.astype(np.float64, copy=False).reshape(count, -1),
        actions=actions.reshape(len(actions), -1) if actions.ndim > 1 else actions,
        rewards=rewards,
        next_observations=np.asarray(following).astype(np.float64, copy=False).reshape(len(np.asarray(following)), -1),
        terminated=terminated,
        episode_ends=ends.tolist(),
        action_space=action_space,
        **_named(seen, acted, observations),
    )


def _named(seen: Any, acted: Any, observations: Any) -> dict[str, Any]:
    """What observations and actions are elements of, where their columns have names; nothing where they are numbers alone."""
    _, names, space = seen
    words, doings = called(names), None if acted is None or acted[2] is not None else called(acted[1])
    if space is None and words is None and doings is None and (acted is None or acted[2] is None):
        return {}
    return {
        "observation_space": infer_observations(observations) if space is None else space,
        "observation_names": words if space is None else None,
        "action_names": doings,
    }
