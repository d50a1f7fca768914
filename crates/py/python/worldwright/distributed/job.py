"""Jobs, and how they stand in files."""

from __future__ import annotations

import functools
import importlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from .._choices import Section, flat, mapping, toml_text
from .._contract import seeded
from .._environments import EnvironmentLike, Source, _is_maker
from ..errors import ConfigError

SECTIONS = ("agent", "environment", "model", "planner")


class Settings(TypedDict, total=False):
    """What :func:`worldwright.learn` takes besides an environment, steps, a seed and a folder; see there."""

    algorithm: str | None
    config: str | Path | Mapping[str, Any] | None
    model: Section
    planner: Section
    agent: Section
    evaluation: Section
    reward: Section | Callable[..., Any]
    termination: Callable[..., Any] | None
    settings: Mapping[str, Any] | None


class Learning(Settings, total=False):
    """The same with steps."""

    steps: int | None


@dataclass(frozen=True, kw_only=True)
class Job:
    """One call of :func:`worldwright.learn`, as a value that can be sent."""

    environment: str | Callable[[], Any]
    """A name, or a function that makes one."""
    folder: Path
    """Where the run is kept. Every worker must see it: on several machines, a folder that they share."""
    choices: Mapping[str, Any]
    """Settings by dotted key, ``steps`` and ``seed`` among them."""
    varied: Mapping[str, Any] = field(default_factory=dict)
    """What tells this job from its fellows; columns of tables."""
    reward: Callable[..., Any] | None = None
    """A reward function."""
    termination: Callable[..., Any] | None = None
    """A termination function, beside ``reward``."""
    start: Path | None = None
    """A finished run whose model and data this one begins with."""

    @property
    def name(self) -> str:
        """What varies, in one line."""
        return " ".join(f"{key}={value}" for key, value in self.varied.items()) or self.folder.name

    def to_json(self) -> dict[str, Any]:
        """As plain JSON; functions by module and name.

        Raises:
            ConfigError: For a function that cannot be imported by a name, such as a lambda.
        """
        given = self.environment
        return {
            "environment": given if isinstance(given, str) else _to_reference(given),
            "folder": str(self.folder),
            "choices": dict(self.choices),
            "varied": dict(self.varied),
            "reward": None if self.reward is None else _to_reference(self.reward),
            "termination": None if self.termination is None else _to_reference(self.termination),
            "start": None if self.start is None else str(self.start),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any], *, root: str | Path = ".") -> Job:
        """What :meth:`to_json` wrote; folders that are not absolute stand under ``root``."""
        try:
            given, reward, termination, start = (record[key] for key in ("environment", "reward", "termination", "start"))
            return cls(
                environment=given if isinstance(given, str) else _from_reference(given),
                folder=Path(root) / record["folder"],
                choices=dict(record["choices"]),
                varied=dict(record["varied"]),
                reward=None if reward is None else _from_reference(reward),
                termination=None if termination is None else _from_reference(termination),
                start=None if start is None else Path(root) / start,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError(f"this is no job ({type(error).__name__}: {error}); write jobs with slurm or kubernetes") from error


def one(
    environment: EnvironmentLike,
    *,
    folder: str | Path,
    seed: int | None = None,
    varied: Mapping[str, Any] | None = None,
    start: Path | None = None,
    algorithm: str | None = None,
    steps: int | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
    model: Section = None,
    planner: Section = None,
    agent: Section = None,
    evaluation: Section = None,
    reward: Section | Callable[..., Any] = None,
    termination: Callable[..., Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Job:
    """A job of what :func:`worldwright.learn` takes; ``varied`` wins over all other settings."""
    if seed is not None:
        seed = seeded(seed, bits=63)
    function = reward if callable(reward) else None
    if function is None and termination is not None:
        raise ConfigError("a termination function goes with a reward function: give both")
    sections: dict[str, Section] = {
        "algorithm": algorithm,
        "model": model,
        "planner": planner,
        "agent": agent,
        "evaluation": evaluation,
    }
    if not callable(reward):
        sections["reward"] = reward
    run = {key: value for key, value in (("steps", steps), ("seed", seed)) if value is not None}
    given = (flat({}, _read(config)), flat(sections, settings), run, flat({}, varied))
    # One word for each setting, so that later ones win whichever way they are written.
    choices = {_full(key): value for part in given for key, value in part.items()}
    return Job(
        environment=_portable(environment),
        folder=Path(os.path.abspath(folder)),
        choices={key: _plain(key, value) for key, value in choices.items()},
        varied={key: _plain(key, value) for key, value in (varied or {}).items()},
        reward=function,
        termination=termination,
        start=start,
    )


def environment_name(environment: str | Callable[[], Any]) -> str:
    """A word for an environment, for folders and bars."""
    if isinstance(environment, str):
        return environment
    if isinstance(environment, functools.partial):
        words = [str(word) for word in (*environment.args, *environment.keywords.values())]
        return "-".join([environment.func.__name__, *words])
    return str(getattr(environment, "__name__", type(environment).__name__))


def read_jobs(path: str | Path, *, index: int | None = None, root: str | Path = ".") -> list[Job]:
    """Jobs of a file with one a line, or the one at ``index``, counted from 0."""
    path = Path(path)
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise ConfigError(f"the jobs in {path} cannot be read ({error.strerror}); check the path") from error
    if index is not None:
        if not 0 <= index < len(lines):
            raise ConfigError(f"{path} holds {len(lines)} jobs: an index from 0 to {len(lines) - 1} is needed, got {index}")
        lines = [lines[index]]
    try:
        return [Job.from_json(json.loads(line), root=root) for line in lines]
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path} is damaged ({error}); write it anew") from error


def jobs_text(jobs: Iterable[Job]) -> str:
    """Jobs, one a line."""
    return "".join(json.dumps(job.to_json()) + "\n" for job in jobs)


def _read(config: str | Path | Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Settings of a file are sent along: not every worker sees the file."""
    text = toml_text(config)
    if text is None:
        return mapping(config)
    import tomllib

    try:
        return tomllib.loads(text[0])
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{text[1]} is no TOML: {error}") from error


def _portable(environment: EnvironmentLike) -> str | Callable[[], Any]:
    if isinstance(environment, str) or _is_maker(environment):
        return environment  # type: ignore[no-any-return]
    source = Source(environment)
    suite, _, identity = source.name.partition(":")
    if suite == "gym":
        import gymnasium

        return functools.partial(gymnasium.make, identity)
    raise ConfigError(
        f"{type(environment).__name__} lives in this process and cannot be sent to workers: give a function that makes one"
    )


def _full(key: str) -> str:
    """A section's bare name chooses its entry, and ``algorithm`` is another word for ``agent``."""
    section, dot, setting = key.partition(".")
    section = "agent" if section == "algorithm" else section
    return f"{section}.{setting if dot else 'name'}" if dot or section in SECTIONS else key


def _plain(key: str, value: Any) -> Any:
    """A setting as JSON holds it."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [float(number) for number in value]
    raise ConfigError(f"{key}: a setting is a bool, an int, a float, a str or a list of numbers, got {type(value).__name__}")


def _to_reference(function: Any) -> dict[str, Any]:
    if isinstance(function, functools.partial):
        return {**_to_reference(function.func), "args": list(function.args), "kwargs": dict(function.keywords)}
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    reference = {"function": f"{module}:{name}"}
    try:
        found = module != "__main__" and _resolve(reference["function"]) is function
    except (ImportError, AttributeError, ValueError):
        found = False
    if not found:
        raise ConfigError(
            f"{name or function!r} cannot be named in a file: put it at the top level of a module that workers can import"
        )
    return reference


def _from_reference(reference: Mapping[str, Any]) -> Callable[..., Any]:
    try:
        function = _resolve(reference["function"])
    except ImportError as error:
        raise ConfigError(
            f"the function {reference['function']} cannot be imported ({error}): start the worker where it is found, or set "
            "PYTHONPATH"
        ) from error
    if "args" in reference:
        return functools.partial(function, *reference["args"], **reference["kwargs"])
    return function


def _resolve(reference: str) -> Callable[..., Any]:
    module, _, name = reference.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]
