"""Data: transitions from arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import _native
from .errors import ConfigError

Dataset = _native.Dataset


def dataset(data: Any = None, *, action_space: Any, **columns: Any) -> Dataset:
    """Transitions of columns by name: ``observations``, ``actions``, ``rewards``, ``next_observations``, ``terminated``, ``truncated``."""
    if isinstance(data, Dataset):
        return data
    if isinstance(data, Mapping):
        columns = {**data, **columns}
    elif data is not None:
        raise ConfigError(f"cannot take {type(data).__name__} as data: give columns by name")
    missing = [name for name in ("observations", "actions", "next_observations") if name not in columns]
    if missing:
        raise ConfigError(f"the data lack {', '.join(missing)}")
    observations = np.asarray(columns["observations"], dtype=np.float64)
    observations = observations.reshape(len(observations), -1)
    following = np.asarray(columns["next_observations"], dtype=np.float64).reshape(len(observations), -1)
    rewards = np.asarray(columns.get("rewards", np.zeros(len(observations))), dtype=np.float64)
    flags = [np.asarray(columns.get(name, np.zeros(len(observations))), dtype=bool) for name in ("terminated", "truncated")]
    return Dataset(
        observations=observations,
        actions=np.asarray(columns["actions"]),
        rewards=rewards,
        next_observations=following,
        terminated=flags[0].tolist(),
        episode_ends=(flags[0] | flags[1]).tolist(),
        action_space=action_space,
    )
