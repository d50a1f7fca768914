"""From keyword arguments to the dotted keys of an experiment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from . import _native
from .errors import ConfigError

Section = str | Mapping[str, Any] | None
"""A name (``"gp"``), settings (``{"horizon": 20}``), or both (``{"name": "icem", "horizon": 20}``)."""


def nearest(given: str, known: Iterable[str]) -> str:
    """What to write instead of a name that nothing has: the nearest one, or all of them."""
    known = list(known)
    near = _native.nearest_name(given, known)
    return f"there are {', '.join(known)}" if near is None else f"did you mean '{near}'?"


def flat(sections: Mapping[str, Section], settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Dotted keys of sections and of ``settings``, which may be nested or dotted itself; later ones win."""
    choices: dict[str, Any] = {}
    for section, given in sections.items():
        if isinstance(given, Mapping):
            _nest(choices, section, given)
        elif given is not None:
            choices[section] = given
    for key, value in (settings or {}).items():
        if isinstance(value, Mapping):
            _nest(choices, key, value)
        else:
            choices[key] = value
    return {key: str(value) if isinstance(value, Path) else value for key, value in choices.items()}


def _nest(choices: dict[str, Any], section: str, given: Mapping[str, Any]) -> None:
    for key, value in given.items():
        if isinstance(value, Mapping):
            raise ConfigError(f"{section}.{key}: settings are one level deep, got {dict(value)!r}")
        choices[f"{section}.{key}"] = value


def toml_text(config: str | Path | Mapping[str, Any] | None) -> tuple[str, str] | None:
    """The text of a configuration file with its path. YAML is read by way of PyYAML."""
    if config is None or isinstance(config, Mapping):
        return None
    path = Path(config)
    text = _text(path)
    return None if path.suffix in (".yaml", ".yml") else (text, str(path))


def _text(path: Path) -> str:
    try:
        return _native.utf8_text(str(path), path.read_bytes())
    except OSError as error:
        raise ConfigError(f"the configuration {path} cannot be read ({error.strerror}); check the path") from error


def mapping(config: str | Path | Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The settings of a mapping or of a YAML file; those of a TOML file are read by the native half."""
    if isinstance(config, Mapping):
        return config
    if config is None or Path(config).suffix not in (".yaml", ".yml"):
        return {}
    try:
        import yaml
    except ImportError as error:
        raise ConfigError("reading YAML needs PyYAML: pip install pyyaml, or write the file as TOML") from error
    try:
        loaded = yaml.safe_load(_text(Path(config)))
    except yaml.YAMLError as error:
        raise ConfigError(f"the configuration {config} cannot be read: {error}") from error
    if not isinstance(loaded, Mapping):
        raise ConfigError(f"{config} holds {type(loaded).__name__}, expected settings by name")
    return loaded
