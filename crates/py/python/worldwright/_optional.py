"""Packages that only some need."""

from __future__ import annotations

import importlib
from typing import Any

from .errors import ConfigError


def optional(package: str, extra: str) -> Any:
    """A package that only some need.

    Raises:
        ConfigError: It is not installed; the message names the extra that holds it.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ConfigError(f"this needs {package}, which is not installed: pip install worldwright[{extra}]") from error
