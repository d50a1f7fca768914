"""Tables in long format: Arrow, pandas and polars, a row a step. What their columns hold, the native half knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import _native
from .._contract import seeded
from .._spaces import as_space
from .columns import columns_of
from .recorded import Episodes
from .stored import stored


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
        SpaceError: An action is outside the bounds of the ``action_space`` that is given. Observations may be, as environments show such.
        DivergedError: A number is NaN or infinite.
    """
    asked = {"observation_space": observation_space, "action_space": action_space}
    told: dict[str, Any] = {name: as_space(space) for name, space in asked.items() if space is not None}
    strict = isinstance(table, Mapping)
    found = _native.read_table(columns_of(table), strict=strict, environment=environment, seed=seeded(seed), **told)
    return stored(found, **told)
