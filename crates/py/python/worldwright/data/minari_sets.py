"""Minari's data sets, read."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from .._optional import optional
from ..errors import ConfigError, ExternalError
from .recorded import Episodes


def from_minari(given: Any) -> Episodes:
    """Episodes of a Minari data set, or of the one with this id on this machine (``minari.download_dataset`` brings one here).

    Raises:
        ExternalError: Minari does not have it.
    """
    minari = optional("minari", "data")
    if isinstance(given, str):
        try:
            given = minari.load_dataset(given)
        except Exception as error:  # noqa: BLE001 - Minari raises whatever the storage below it does
            raise ExternalError(f"Minari cannot load '{given}': {error}; minari list local shows what is there") from error
    observation_space, action_space = given.observation_space, given.action_space
    recorded = []
    for episode in given.iterate_episodes():
        steps = len(episode.rewards)
        recorded.append(
            {
                "observations": _rows(observation_space, episode.observations, steps + 1),
                "actions": _rows(action_space, episode.actions, steps),
                "rewards": episode.rewards,
                "terminated": bool(np.any(episode.terminations)),
                "truncated": bool(np.any(episode.truncations)),
            }
        )
    spec = getattr(given, "env_spec", None) or getattr(given.spec, "env_spec", None)
    environment = f"gym:{spec.id}" if spec is not None else str(getattr(given.spec, "dataset_id", "minari"))
    return Episodes.of(recorded, observation_space=observation_space, action_space=action_space, environment=environment)


def _rows(space: Any, given: Any, rows: int) -> Any:
    """Minari gives arrays of a box or of choices, and dictionaries and tuples of such arrays."""
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        flat = [np.asarray(spaces.flatten(space, _at(space, given, row)), dtype=np.float64) for row in range(rows)]
        return np.stack(flat)
    given = np.asarray(given)
    if len(given) < rows:
        raise ConfigError(f"a Minari episode of {rows} rows holds {len(given)}")
    return given[:rows]


def _at(space: Any, given: Any, row: int) -> Any:
    if isinstance(space, spaces.Dict):
        return {name: _at(part, given[name], row) for name, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_at(part, given[i], row) for i, part in enumerate(space.spaces))
    return given[row]
