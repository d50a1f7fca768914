"""The contract of environments, policies and users' functions: what they give is read by one rule and copied when it is seen, or
refused by name.

Whatever is kept is a copy, because many environments and policies write into the same arrays at every step.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from . import _native
from .errors import ConfigError, DivergedError, ShapeError, SpaceError

MOST_SEED = 2**31
"""Seeds of Python's environments are below it: many hand theirs on to generators that take 31 or 32 bits."""


def counted(name: str, given: Any) -> int:
    """A number of things.

    Raises:
        ConfigError: It is no whole number of 1 or more.
    """
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or given < 1:
        raise ConfigError(f"{name} must be a whole number of at least 1, got {given!r}")
    return int(given)


def seeded(given: Any, *, bits: int = 64, what: str = "a seed") -> int:
    """A seed as a whole number of so many bits.

    Raises:
        ConfigError: It is none; the range.
    """
    whole = isinstance(given, (int, np.integer)) and not isinstance(given, bool)
    if not whole or not 0 <= int(given) < 2**bits:
        raise ConfigError(f"{what} is a whole number from 0 to {2**bits - 1} (2^{bits} - 1), got {given!r}")
    return int(given)


def whole_numbers(given: Any, what: str) -> NDArray[np.int64]:
    """Whole numbers of 64 bits.

    Raises:
        ShapeError, SpaceError: They are none, or one is beyond the range; its row.
    """
    array = numbers(given, what)
    with np.errstate(invalid="ignore"):
        whole = array.astype(np.int64)
    # What is beyond the range comes back as another number, whose sign may be wrong.
    wrong = (whole != array) | ((whole < 0) != (array < 0))
    if wrong.any():
        place = int(np.argmax(wrong.ravel()))
        row = int(np.unravel_index(place, array.shape)[0]) if array.ndim else 0
        raise SpaceError(f"{what}: row {row} is {array.ravel()[place]}, no whole number from {-(2**63)} to {2**63 - 1}")
    return whole


def seed_of(seed: int) -> int:
    """The seed that an environment is given for one of any length: the same where it is small enough."""
    return int(seed) % MOST_SEED


def kept(value: Any) -> Any:
    """A copy that nobody writes over: of arrays, of everything within mappings and sequences, and of what else can change."""
    if isinstance(value, np.ndarray):
        return value.copy() if value.dtype != object else copy.deepcopy(value)
    if isinstance(value, (bool, int, float, complex, str, bytes, np.generic)) or value is None:
        return value
    if isinstance(value, Mapping):
        return {key: kept(part) for key, part in value.items()}
    if type(value) in (tuple, list):
        return type(value)(kept(part) for part in value)
    if hasattr(value, "detach"):
        return value.detach().clone()
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - any object may refuse to be copied, in its own way
        return value


def unmasked(given: Any, what: str) -> Any:
    """The same, where no number of it is masked: what lies under a mask is no datum.

    Raises:
        ShapeError: The first row that is masked.
    """
    if isinstance(given, np.ma.MaskedArray):
        masked = np.ma.getmaskarray(given)
        if masked.any():
            row = "it" if masked.ndim == 0 else f"row {int(np.argmax(masked.reshape(len(masked), -1).any(axis=1)))}"
            raise ShapeError(f"{what}: {row} is masked, so that a number is missing; leave masked rows out, or fill them with true numbers")
        return np.asarray(given.data)
    if isinstance(given, (list, tuple)) and any(isinstance(part, np.ma.MaskedArray) for part in given):
        first = next((place for place, part in enumerate(given) if np.ma.is_masked(part)), None)
        if first is not None:
            raise ShapeError(f"{what}: row {first} is masked, so that a number is missing; leave masked rows out, or fill them with true numbers")
    return given


def numbers(given: Any, what: str) -> NDArray[Any]:
    """An array of what a user's code gave: of NumPy, PyTorch, JAX or plain Python.

    Raises:
        ShapeError: It is no array of real numbers, or some are masked.
    """
    if hasattr(given, "detach"):
        given = given.detach().cpu().numpy()
    given = unmasked(given, what)
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ShapeError(f"{what}: rows of different lengths make no array") from error
    if array.dtype.kind not in "fiub":
        if array.dtype == object and any(part is None for part in array.ravel()):
            raise ShapeError(f"{what}: got None{_place(array)}, expected numbers; does the code return something in every case?")
        if array.dtype.kind in "cmM":
            raise ShapeError(f"{what}: got numbers of type {array.dtype}, expected real numbers")
        raise ShapeError(f"{what}: got {_shown(given)}, expected numbers")
    return array


def reals(given: Any, what: str) -> NDArray[np.float64]:
    """An array of doubles, for the native half: complex numbers and times would be cut to something else.

    Raises:
        ShapeError: As for :func:`numbers`.
    """
    return exact(numbers(given, what), what)


def exact(array: NDArray[Any], what: str) -> NDArray[np.float64]:
    """Numbers as doubles, each the same.

    Raises:
        SpaceError: A whole number is beyond 2^53 and would be rounded; its row and the number.
    """
    doubles = array.astype(np.float64, copy=False)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size:
        # Back from a double, the largest would not fit its own type.
        beyond = np.flatnonzero((doubles.ravel() >= 2.0**53) | (doubles.ravel() <= -(2.0**53)))
        for place in beyond.tolist():
            whole = int(array.ravel()[place])
            if int(doubles.ravel()[place]) != whole:
                row = int(np.unravel_index(place, array.shape)[0]) if array.ndim else 0
                raise SpaceError(
                    f"{what}: row {row} holds {whole}, which a float64 cannot hold exactly: give whole numbers from -2^53 to 2^53, such as "
                    "differences from the first"
                )
    return doubles


def rows_fit(shown: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether an array of one shape holds rows of another, row for row: each is then an element without a doubt
    (``worldwright._native.shape_fits``)."""
    return shown[:1] == wanted[:1] and _native.shape_fits(shown[1:], wanted[1:])


def _place(array: NDArray[Any]) -> str:
    if array.ndim == 0:
        return ""
    row = next(i for i, part in enumerate(array.reshape(len(array), -1)) if any(one is None for one in part))
    return f" for row {row}"


def _shown(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 80 else f"{text[:80]}…"


def flag(given: Any, what: str) -> bool:
    """Whether something is so: a bool of Python's or NumPy's, 0 or 1, or an array of one of these.

    Raises:
        ConfigError: It is none of them.
    """
    if isinstance(given, (bool, np.bool_)):
        return bool(given)
    if not isinstance(given, (str, bytes)) and given is not None:
        array = np.asarray(given.detach().cpu().numpy() if hasattr(given, "detach") else given)
        if array.size == 1 and array.dtype.kind in "biuf" and array.ravel()[0] in (0, 1):
            return bool(array.ravel()[0])
    raise ConfigError(f"{what} is {_shown(given)}, expected True or False")


def flags(given: Any, shape: tuple[int, ...], what: str) -> NDArray[np.bool_]:
    """The same of many: an array of bools, or of numbers that are 0 or 1.

    Raises:
        ShapeError: For another shape, or what no flags are; with the first row that is none.
    """
    array = numbers(given, what)
    if array.shape != shape:
        if array.size != int(np.prod(shape)) or array.squeeze().shape != np.empty(shape).squeeze().shape:
            raise ShapeError(f"{what}: expected shape {shape}, got {array.shape}")
        array = array.reshape(shape)
    if array.dtype.kind != "b":
        wrong = ~((array == 0) | (array == 1))
        if wrong.any():
            row = int(np.argmax(wrong.reshape(-1)))
            raise ShapeError(f"{what}: row {row} is {array.reshape(-1)[row]}, expected True or False")
    return array.astype(bool)


def reward(given: Any, who: str) -> float:
    """A reward: a number, or an array that holds one.

    Raises:
        ShapeError, DivergedError: It is none, or not finite.
    """
    array = numbers(given, f"the reward of {who}")
    if array.size != 1:
        raise ShapeError(
            f"the reward of {who} is an array of shape {array.shape}, expected one number: return one, such as the sum, or wrap the "
            "environment (gymnasium.RewardWrapper)"
        )
    number = float(array.ravel()[0])
    if not np.isfinite(number):
        raise DivergedError(f"the reward of {who} is {number}, expected a finite number")
    return number


def begun(answer: Any, who: str) -> tuple[Any, dict[str, Any]]:
    """What ``reset`` gave: the observation and the information beside it.

    Raises:
        ConfigError: It is not what Gymnasium's environments give.
    """
    if isinstance(answer, tuple) and len(answer) == 2 and (answer[1] is None or isinstance(answer[1], Mapping)):
        return answer[0], dict(answer[1] or {})
    raise ConfigError(
        f"reset of {who} gave {_kind(answer)}, expected (observation, info) of Gymnasium's API; an environment of the older gym "
        "package is converted by gymnasium.make('GymV21Environment-v0', env=…) of the package shimmy"
    )


def _kind(answer: Any) -> str:
    return f"{len(answer)} values" if isinstance(answer, (tuple, list)) else type(answer).__name__


MORE = {
    4: "four, as the older gym package gave, hold one flag for both ends: return terminated and truncated apart, or convert the environment "
    "with the package shimmy (GymV21CompatibilityV0)",
    6: "six, as safety-gymnasium gives, hold a cost: return reward minus a weight times the cost, or wrap the environment "
    "(safety_gymnasium.wrappers.SafetyGymnasium2Gymnasium)",
}


def stepped(answer: Any, who: str) -> tuple[Any, float, bool, bool, dict[str, Any]]:
    """What ``step`` gave: observation, reward, terminated, truncated and information.

    Raises:
        ConfigError, ShapeError, DivergedError: It is not what Gymnasium's environments give.
    """
    if not isinstance(answer, (tuple, list)) or len(answer) != 5:
        more = MORE.get(len(answer)) if isinstance(answer, (tuple, list)) else None
        raise ConfigError(
            f"step of {who} gave {_kind(answer)}, expected five of Gymnasium's API: (observation, reward, terminated, truncated, "
            f"info){'; ' + more if more else ''}"
        )
    observation, paid, terminated, truncated, info = answer
    return (
        observation,
        reward(paid, who),
        flag(terminated, f"'terminated' of {who}"),
        flag(truncated, f"'truncated' of {who}"),
        info if isinstance(info, dict) else {},
    )


def element(space: Any, given: Any, what: str) -> Any:
    """An element of a space in arrays of its own, of the space's type and in its shape: equal arrays give equal elements, however they lie
    in memory.

    Args:
        space: Whose.
        given: An array, a number, a mapping or a tuple, nested as the space is.
        what: What it is called in messages.

    Raises:
        ShapeError, SpaceError, DivergedError: It is none, or holds NaN or an infinite number.
    """
    if isinstance(space, spaces.Dict):
        if not isinstance(given, Mapping):
            raise SpaceError(f"{what} is {_shown(given)}, expected a dict with {', '.join(map(repr, space.spaces))}")
        missing = [key for key in space.spaces if key not in given]
        if missing:
            raise SpaceError(f"{what} lacks {', '.join(map(repr, missing))} (it has {', '.join(map(repr, given))})")
        more = [key for key in given if key not in space.spaces]
        if more:
            raise SpaceError(f"{what} has {', '.join(map(repr, more))}, which its space lacks (it has {', '.join(map(repr, space.spaces))})")
        return {key: element(part, given[key], f"{what}[{key!r}]") for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        if isinstance(given, Mapping) or not isinstance(given, (Sequence, np.ndarray)) or len(given) != len(space.spaces):
            raise SpaceError(f"{what} is {_shown(given)}, expected a tuple of {len(space.spaces)} parts")
        return tuple(element(part, one, f"{what}[{i}]") for i, (part, one) in enumerate(zip(space.spaces, given, strict=True)))
    array = numbers(given, what)
    if isinstance(space, spaces.Discrete):
        last = space.start + space.n - 1
        if array.size != 1 or array.ravel()[0] != np.round(array.ravel()[0]) or not space.start <= array.ravel()[0] <= last:
            raise SpaceError(f"{what} is {_shown(given)}, expected a whole number from {space.start} to {last}")
        return int(array.ravel()[0])
    shaped = _shaped(space, array, what)
    if isinstance(space, (spaces.MultiDiscrete, spaces.MultiBinary)) and not space.contains(shaped):
        raise SpaceError(f"{what} is {_shown(given)}, expected an element of {space}")
    return shaped


def _shaped(space: Any, array: NDArray[Any], what: str) -> NDArray[Any]:
    shape, dtype = tuple(space.shape), np.dtype(space.dtype)
    if array.shape != shape:
        if not _native.shape_fits(array.shape, shape):
            raise ShapeError(f"{what} has shape {array.shape}, but its space says {shape}")
        array = array.reshape(shape)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        at = np.unravel_index(int(np.argmax(~np.isfinite(array))), array.shape)
        where = f" at {list(map(int, at))}" if at else ""
        raise DivergedError(f"{what} holds {array[at]}{where}; expected finite numbers")
    with np.errstate(over="ignore", invalid="ignore"):
        converted = np.array(array, dtype=dtype, order="C")
    if dtype.kind == "f" and not np.isfinite(converted).all():
        at = np.unravel_index(int(np.argmax(~np.isfinite(converted))), array.shape)
        raise DivergedError(
            f"{what} holds {array[at]} at {list(map(int, at))}, more than {dtype} of its space holds (up to {np.finfo(dtype).max:.4g}): scale it, "
            "or give a space of a wider type"
        )
    if dtype.kind in "iub" and array.dtype != dtype and (converted != array).any():
        at = np.unravel_index(int(np.argmax(converted != array)), array.shape)
        raise SpaceError(
            f"{what} holds {array[at]} at {list(map(int, at))} in an array of {array.dtype}, but its space is of {dtype}: give numbers of "
            "that type, or a space of the numbers' type"
        )
    return converted
