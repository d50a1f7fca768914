"""What the native half needs to know of an environment object, found out once, in Python."""

from __future__ import annotations

import copy
import importlib.metadata
import pickle
import platform
from collections.abc import Callable
from typing import Any

import gymnasium

from . import _native
from ._keys import OwnKeys, are_text
from ._known_spaces import space_of
from .errors import ConfigError
from .multiagent import from_pettingzoo, is_pettingzoo
from .vector import first_lane

EnvironmentLike = Any
"""An environment of Gymnasium's API, a function that makes one, or the name of one that Worldwright knows."""


class Source:
    """Makes environments like the one that a user gave: first that one itself, then others."""

    name: str
    """What stands in records: ``gym:ID`` for an unchanged environment of Gymnasium's registry, else ``python:ID``."""

    def __init__(self, given: EnvironmentLike) -> None:
        self._given: Any = None if _is_maker(given) else single(given)
        self._maker: Callable[[], Any] | None = given if _is_maker(given) else None
        first: Any = self._given if self._maker is None else single(self._maker())
        check(first)
        self._given = first
        self._first = first
        spec = getattr(first, "spec", None)
        self.name = _name(first, spec)
        self.observation_space: Any = space_of(first, "observation_space")
        self.action_space: Any = space_of(first, "action_space")
        self.episode_steps: int | None = getattr(spec, "max_episode_steps", None) or _time_limit(first)
        self.dt_secs: float = _dt(first)
        self.observation_channels = _channels(first, "observation", self.observation_space)
        self.action_channels = _channels(first, "action", self.action_space)
        self.versions = _versions()

    def make(self) -> Any:
        """The given environment at the first call, another like it at each later one.

        One that cannot be made again is shared: episodes never overlap, and each begins with a seeded reset.
        """
        made = self._make()
        return made if are_text(self.action_space) else OwnKeys(made, self.action_space)

    def _make(self) -> Any:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._maker is not None:
            return single(self._maker())
        spec = getattr(self._given, "spec", None)
        if spec is not None and self.name.startswith("gym:"):
            return _drawing(spec)
        try:
            return copy.deepcopy(self._given)
        except Exception:  # noqa: BLE001 - any object may refuse to be copied, in its own way
            return self._given


class Named(gymnasium.Env[Any, Any]):
    """An environment that Worldwright makes by its name, of Gymnasium's API."""

    def __init__(self, name: str) -> None:
        self._native = _native.Environment(name)
        self.name = self._native.name
        """What stands in records."""
        self.observation_space, self.action_space = self._native.observation_space, self._native.action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self._native.reset(int(self.np_random.integers(2**31)) if seed is None else seed), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return (*self._native.step(action), {})


def named(name: str) -> Any:
    """The environment of a name: one of Gymnasium's registry is made here, where this interpreter has it, all others as ``wm.learn`` makes
    them.

    Raises:
        UnknownNameError: Nothing has that name.
        ConfigError: Gymnasium has it and cannot make it.
    """
    identity = name.removeprefix("gym:")
    try:
        return gymnasium.make(identity)
    except (gymnasium.error.Error, ImportError) as said:
        if identity == name and name in gymnasium.registry:
            raise ConfigError(f"Gymnasium cannot make {name}: {said}") from said
    return Named(name)


def called(environment: Any) -> str:
    """What messages call an environment."""
    inmost = getattr(environment, "unwrapped", environment)
    return inmost.name if isinstance(inmost, Named) else type(inmost).__name__


def _positive(given: Any) -> float | None:
    """A positive finite number, or a NumPy array of one; None for all else."""
    if isinstance(given, (bool, str)) or callable(given):
        return None
    try:
        number = float(given)
    except (TypeError, ValueError):
        return None
    return number if 0.0 < number < float("inf") else None


def _dt(environment: Any) -> float:
    """Seconds of a step: the ``dt`` that the environment has, that of an outer wrapper before that of an inner one; else what a picture is
    shown for, which need not be the same; else a twentieth."""
    layer, inmost = environment, getattr(environment, "unwrapped", environment)
    while layer is not None:
        try:
            told = _positive(getattr(layer, "dt", None))
        except Exception:  # noqa: BLE001 - a property of its own may fail in its own way, before the first reset above all
            told = None
        if told is not None:
            return told
        layer = None if layer is inmost else getattr(layer, "env", None)
    frames = _positive((getattr(environment, "metadata", None) or {}).get("render_fps"))
    return 0.05 if frames is None else 1.0 / frames


def check(environment: Any) -> None:
    """Refuses what is no environment of Gymnasium's API.

    Raises:
        ConfigError: It is not, and why.
    """
    kind = type(environment).__name__
    if callable(getattr(environment, "step_wait", None)) and not isinstance(environment, gymnasium.vector.VectorEnv):
        raise ConfigError(
            f"{kind} is a vector of Stable-Baselines3, whose reset and step are its own: give one of its environments (the function that "
            "DummyVecEnv was made of), or a vector of Gymnasium's (gymnasium.make_vec)"
        )
    for method in ("reset", "step"):
        if not callable(getattr(environment, method, None)):
            raise ConfigError(
                f"{kind} is no environment: it has no method '{method}'. Give an object of Gymnasium's "
                "API, a function that makes one, or a name such as 'pendulum'"
            )


def _is_maker(given: Any) -> bool:
    return isinstance(given, type) or (callable(given) and not hasattr(given, "step"))


def _drawing(spec: Any) -> Any:
    """An environment of a spec, able to draw where it can."""
    modes = []
    try:
        creator = gymnasium.envs.registration.load_env_creator(spec.entry_point) if isinstance(spec.entry_point, str) else spec.entry_point
        modes = (getattr(creator, "metadata", None) or {}).get("render_modes", [])
    except Exception:  # noqa: BLE001 - drawing is a nicety
        pass
    if "rgb_array" in modes:
        return gymnasium.make(spec, render_mode="rgb_array")
    return gymnasium.make(spec)


def single(environment: Any) -> Any:
    """The one environment of a vector, or the single one that PettingZoo's make: a learner decides for one at a time."""
    if is_pettingzoo(environment):
        return from_pettingzoo(environment)
    if not isinstance(environment, gymnasium.vector.VectorEnv):
        return environment
    return first_lane(environment)


def _name(environment: Any, spec: Any) -> str:
    identity = getattr(spec, "id", None) or type(getattr(environment, "unwrapped", environment)).__name__
    if spec is not None and not spec.additional_wrappers and not _arguments(spec):
        try:
            plain = gymnasium.make(spec.id)
        except Exception:  # noqa: BLE001 - a spec that cannot be made is simply not plain
            return f"python:{identity}"
        same = _layers(plain) == _layers(environment)
        plain.close()
        if same:
            return f"gym:{identity}"
    return f"python:{identity}"


def _arguments(spec: Any) -> dict[str, Any]:
    """What was said to the constructor besides how to draw."""
    registered = gymnasium.registry.get(spec.id)
    usual = {} if registered is None else registered.kwargs
    return {
        key: value for key, value in spec.kwargs.items() if key != "render_mode" and not (key in usual and _same(usual[key], value))
    }


def _same(one: Any, other: Any) -> bool:
    """Whether two arguments say the same; arrays and tables, which compare number by number, by all that they hold."""
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - any object may refuse to be compared, in its own way
        pass
    try:
        return pickle.dumps(one) == pickle.dumps(other)
    except Exception:  # noqa: BLE001 - or to be written
        return False


def _layers(environment: Any) -> list[type]:
    layers = [type(environment)]
    while hasattr(environment, "env"):
        environment = environment.env
        layers.append(type(environment))
    return layers


def _time_limit(environment: Any) -> int | None:
    while environment is not None:
        steps = getattr(environment, "_max_episode_steps", None)
        if isinstance(steps, int):
            return steps
        environment = environment.__dict__.get("env") if hasattr(environment, "__dict__") else None
    return None


def _channels(environment: Any, what: str, space: Any) -> list[str]:
    """Names that the environment gives (``observation_names``, ``action_names``), else numbered ones.

    Raises:
        ConfigError: They are not one a number, or two are the same.
    """
    names = getattr(getattr(environment, "unwrapped", environment), f"{what}_names", None)
    flat = int(gymnasium.spaces.flatdim(space))
    if names is not None:
        told = [str(name) for name in names]
        if len(told) != flat:
            raise ConfigError(f"{what}_names has {len(told)} names for {flat} numbers: give one for each")
        twice = next((name for name in told if told.count(name) > 1), None)
        if twice is not None:
            raise ConfigError(f"{what}_names has {twice!r} twice: a name is one number's")
        return told
    if isinstance(space, gymnasium.spaces.Box):
        return [f"{what[0]}{i}" for i in range(flat)]
    # The numbers of choices and parts say which of them they are.
    return _native.channel_names(space, "obs" if what == "observation" else what)


def _versions() -> list[tuple[str, str]]:
    versions = [("python", platform.python_version())]
    for package in ("gymnasium", "numpy", "mujoco"):
        try:
            versions.append((package, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
