"""Vector environments."""

from __future__ import annotations

from typing import Any

import gymnasium

from .errors import UnsupportedError


def first_lane(vector: Any) -> Any:
    """The single environment of which a vector holds several."""
    envs = getattr(vector, "envs", None)
    if envs:
        return envs[0]
    makers = getattr(vector, "env_fns", None)
    if makers:
        return makers[0]()
    spec = getattr(vector, "spec", None)
    if spec is not None:
        return gymnasium.make(spec)
    raise UnsupportedError(f"{type(vector).__name__} cannot be taken apart: give a function that makes one environment of it")
