"""Everything that Worldwright raises: one hierarchy, each class also the built-in one that a caller would expect."""

from __future__ import annotations


class WorldwrightError(Exception):
    """The base of every error that Worldwright raises."""


class ShapeError(WorldwrightError, ValueError):
    """An array has another shape than its user needs."""


class SpaceError(WorldwrightError, ValueError):
    """A value is not an element of the space that it should belong to."""


class UnsupportedError(WorldwrightError, NotImplementedError):
    """A model, planner or environment was asked for something that it cannot do."""


class NotFittedError(WorldwrightError, RuntimeError):
    """A model was used before it had learned."""


class DivergedError(WorldwrightError, ArithmeticError):
    """Numbers became infinite or undefined."""


class ConfigError(WorldwrightError, ValueError):
    """A setting is missing, of the wrong type or out of range."""


class UnknownNameError(WorldwrightError, LookupError):
    """A name that no list holds; the message names the nearest."""


class ExternalError(WorldwrightError, RuntimeError):
    """Something outside failed: an environment, a file, a worker. What Python raised is the cause."""


class WorldwrightWarning(UserWarning):
    """Something that is probably not what was meant."""
