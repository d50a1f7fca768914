"""Keys of dict spaces. The native half names parts by text; a user's own keys, such as numbers, are put back on the way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gymnasium import spaces


def are_text(space: Any) -> bool:
    """Whether every key within a space is text, so that nothing has to be put back."""
    if isinstance(space, spaces.Dict):
        return all(isinstance(key, str) and are_text(part) for key, part in space.spaces.items())
    return all(are_text(part) for part in space.spaces) if isinstance(space, spaces.Tuple) else True


def own(space: Any, element: Any) -> Any:
    """An element with the keys of its space, where it came with their texts; what the space lacks stays as it is."""
    if isinstance(space, spaces.Dict) and isinstance(element, Mapping):
        texts = {str(key): key for key in space.spaces}
        named = ((name if name in space.spaces else texts.get(name, name), part) for name, part in element.items())
        return {key: own(space.spaces[key], part) if key in space.spaces else part for key, part in named}
    if isinstance(space, spaces.Tuple) and isinstance(element, tuple) and len(element) == len(space.spaces):
        return tuple(own(part, one) for part, one in zip(space.spaces, element, strict=True))
    return element


class OwnKeys:
    """An environment that is told actions with texts as keys, and tells its own environment those with its keys."""

    def __init__(self, environment: Any, action_space: Any) -> None:
        self._environment, self._action_space = environment, action_space

    def step(self, action: Any) -> Any:
        """A step of the environment."""
        return self._environment.step(own(self._action_space, action))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._environment, name)
