"""Spaces that an environment may have: Gymnasium's, and others that say the same in other classes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from .errors import ConfigError

MOST_NUMBERS = 2**24
"""The most numbers that the flat vector of a space may have, as in workers: each takes eight bytes in every observation that is held."""

PLAIN = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


def space_of(environment: Any, what: str) -> spaces.Space[Any]:
    """The ``observation_space`` or ``action_space`` of an environment, as one of Gymnasium's.

    Raises:
        ConfigError: It has none, or one of a kind that no array of fixed shape holds, or of more numbers than are taken.
    """
    who = type(getattr(environment, "unwrapped", environment)).__name__
    given = getattr(environment, what, None)
    if given is None:
        raise ConfigError(f"{who} has no {what}: set it to a space of gymnasium.spaces, such as Box or Discrete")
    space = known(given, f"the {what} of {who}")
    _bounded(numbers_of(space), f"{who}: its {what.replace('_', ' ')}", "wrap the environment to observe or choose among less")
    return space


def numbers_of(space: spaces.Space[Any]) -> int:
    """How many numbers the flat vector of a space has, without making it: choices count one each."""
    if isinstance(space, spaces.Discrete):
        return int(space.n)
    if isinstance(space, spaces.MultiDiscrete):
        return sum(int(n) for n in space.nvec.ravel())
    if isinstance(space, spaces.Dict):
        return sum(numbers_of(part) for part in space.spaces.values())
    if isinstance(space, spaces.Tuple):
        return sum(numbers_of(part) for part in space.spaces)
    return math.prod(space.shape or ())


def _bounded(count: int, what: str, do: str) -> None:
    if count > MOST_NUMBERS:
        raise ConfigError(f"{what} has {count} numbers (choices count one each), more than the {MOST_NUMBERS} that are taken: {do}")


def asked(given: Any, what: str) -> Any:
    """A space that a user gave: one of Gymnasium's, or as it is a number of choices, a list of them, or a pair ``(low, high)``.

    Raises:
        ConfigError: It is of a kind that no array of fixed shape holds, or of more numbers than are taken.
    """
    if given is None or isinstance(given, (list, tuple)):
        return given
    space = given if isinstance(given, (int, np.integer)) else known(given, what)
    _bounded(int(space) if isinstance(space, (int, np.integer)) else numbers_of(space), what, "observe or choose among less")
    return space


def known(given: Any, what: str) -> spaces.Space[Any]:
    """A space as one of Gymnasium's own classes, converted where another package's says the same (``low`` and ``high``, ``nvec``, ``n``,
    ``spaces``).

    Raises:
        ConfigError: It is of another kind.
    """
    kind = type(given)
    if kind in PLAIN:
        return given  # type: ignore[no-any-return]
    parts = getattr(given, "spaces", None)
    if isinstance(parts, Mapping):
        _some(parts, what)
        converted = {key: known(part, f"part {key!r} of {what}") for key, part in parts.items()}
        return given if kind is spaces.Dict and all(converted[key] is parts[key] for key in parts) else _dict(converted)
    if isinstance(parts, (tuple, list)) and "OneOf" not in kind.__name__:
        _some(parts, what)
        listed = [known(part, f"part {i} of {what}") for i, part in enumerate(parts)]
        same = kind is spaces.Tuple and all(one is other for one, other in zip(listed, parts, strict=True))
        return given if same else spaces.Tuple(listed)
    if isinstance(given, spaces.Space) and not isinstance(given, PLAIN):
        raise ConfigError(_refused(given, what))
    if hasattr(given, "low") and hasattr(given, "high"):
        shape, dtype = getattr(given, "shape", None), getattr(given, "dtype", None)
        shape = np.shape(given.low) if shape is None else tuple(shape)
        return spaces.Box(given.low, given.high, shape, np.dtype(np.float32 if dtype is None else dtype).type)
    if hasattr(given, "nvec"):
        return spaces.MultiDiscrete(np.asarray(given.nvec), start=getattr(given, "start", None))
    if hasattr(given, "n") and (isinstance(given, spaces.MultiBinary) or "MultiBinary" in kind.__name__):
        return spaces.MultiBinary(given.n if np.ndim(given.n) else int(given.n))
    if hasattr(given, "n"):
        return spaces.Discrete(int(given.n), start=int(getattr(given, "start", 0)))
    raise ConfigError(_refused(given, what))


def _dict(parts: Mapping[Any, spaces.Space[Any]]) -> spaces.Dict:
    # Pairs in a list keep their order, where Gymnasium would sort the keys of a dictionary.
    return spaces.Dict(list(parts.items()))


def _some(parts: Any, what: str) -> None:
    if not parts:
        raise ConfigError(f"{what} is empty: a space of parts needs at least one")


def _refused(given: Any, what: str) -> str:
    kind = type(given)
    return (
        f"{what} is a {kind.__name__} (of {kind.__module__}), which no array of fixed shape holds: expected Box, Discrete, MultiDiscrete, "
        "MultiBinary, Dict or Tuple of gymnasium.spaces; drop that part or wrap the environment (gymnasium.ObservationWrapper, "
        "gymnasium.wrappers.FilterObservation)"
    )
