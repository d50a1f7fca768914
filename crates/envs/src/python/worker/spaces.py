"""Spaces: what the host is told of them, and how their elements go to and from the shared memory.

A space lists its leaves (number type, shape); a writer puts an element into views of them, a reader makes one from them.
"""

import math

import numpy as np

# Each takes eight bytes in every observation that is held.
MOST_NUMBERS = 2**24


class Refusal(Exception):
    """Something that cannot be done, said in full: no traceback would add to it."""


def storage_of(dtype):
    """The number type in shared memory for an array of `dtype`: one that holds all its numbers, the same that the host takes."""
    dtype = np.dtype(dtype)
    if dtype == np.bool_ or dtype == np.uint8:
        return "u8"
    if dtype.kind in "iu":
        return "i64"
    if dtype.kind == "f" and dtype.itemsize <= 8:
        return "f32" if dtype.itemsize <= 4 else "f64"
    raise Refusal(f"arrays of type {dtype} are not supported")


def bound_of(values, blob):
    """Where all bounds are the same, as in images, that one as text, because JSON has no infinity; else the place in `blob` of doubles."""
    values = np.asarray(values, dtype=np.float64).ravel()
    if values.size and np.all(values == values[0]):
        return repr(float(values[0]))
    blob += values.astype("<f8").tobytes()
    return len(blob) - 8 * values.size


def plain(value, what):
    """An array of what an environment gave; NumPy would show what is under a mask."""
    if np.ma.is_masked(value):
        raise Refusal(f"{what} is masked: fill it, as by .filled(0)")
    return np.asarray(value)


def put(view, value, what):
    """Copies `value` into `view`, which has its shape; numbers that `view` cannot hold are refused instead of changed."""
    if value.dtype.kind not in "biuf":
        raise Refusal(f"{what} is of type {value.dtype}, expected numbers: {value!r:.200}")
    try:
        view[...] = value
    except (TypeError, ValueError, OverflowError) as error:
        raise Refusal(f"{what} is {value!r:.200}, which is none of its space's numbers ({error})") from None
    if view.dtype.kind in "iu" and value.dtype != view.dtype and not np.array_equal(view, value):
        raise Refusal(f"{what} holds {value.dtype} numbers that its space of whole numbers has not: {value!r:.200}")


def put_whole(view, value, what):
    """`put` for whole numbers of eight bytes that the host reads as doubles: those that would be rounded are refused."""
    if value.dtype.kind in "iu" and value.dtype.itemsize == 8:
        # Up to 2^53 a double tells neighbouring whole numbers apart.
        for whole in map(int, value[(value > 2**53) | (value < -(2**53))].flat):
            if int(float(whole)) != whole:
                raise Refusal(f"{what} holds {whole}, which a float64 cannot hold exactly: give smaller numbers, such as differences from "
                              "the first")
    put(view, value, what)


class Box:
    def __init__(self, shape, low, high, dtype):
        self.shape, self.dtype = tuple(int(n) for n in shape), np.dtype(dtype)
        size = math.prod(self.shape)
        if size > MOST_NUMBERS:
            raise Refusal(f"a Box of shape {self.shape} has {size} numbers, more than the {MOST_NUMBERS} that are taken: wrap the "
                          "environment to observe less")
        self.storage = storage_of(dtype)
        self.low, self.high = low, high

    def describe(self, blob):
        low, high = bound_of(self.low, blob), bound_of(self.high, blob)
        return {"type": "box", "shape": self.shape, "low": low, "high": high, "dtype": self.dtype.name}

    def batched(self, count):
        """The same with an axis of environments in front, for writers and readers of whole arrays; likewise below."""
        return Box((count, *self.shape), self.low, self.high, self.dtype)

    def leaves(self):
        return [(self.storage, self.shape)]

    def writer(self, views):
        view, shape, place = views.pop(0), self.shape, put_whole if self.storage == "i64" else put

        def write(value):
            value = plain(value, "an observation")
            if value.shape != shape:
                raise Refusal(f"an observation has shape {value.shape}, but its space says {shape}")
            place(view, value, "an observation")

        return write

    def reader(self, views):
        # A copy, because an environment may keep the action it was given and this memory changes with the next step.
        view, dtype = views.pop(0), self.dtype
        return lambda: view.astype(dtype)


class Discrete:
    def __init__(self, n, start, dtype):
        self.n, self.start, self.dtype = int(n), int(start), np.dtype(dtype)

    def describe(self, blob):
        return {"type": "discrete", "n": self.n, "start": self.start, "dtype": self.dtype.name}

    def batched(self, count):
        return self

    def leaves(self):
        return [("i64", ())]

    def writer(self, views):
        view = views.pop(0)

        def write(value):
            value = plain(value, "an observation")
            # An array of one choice is that choice.
            put(view, value.reshape(view.shape) if value.size == view.size else value, "an observation")

        return write

    def reader(self, views):
        view, kind = views.pop(0), self.dtype.type
        return lambda: view.astype(kind)[()]


class Choices:
    """MultiDiscrete and MultiBinary; of any shape."""

    def __init__(self, description, shape, dtype):
        self.description = {**description, "shape": [int(n) for n in shape], "dtype": np.dtype(dtype).name}
        self.shape, self.dtype = tuple(shape), dtype

    def describe(self, blob):
        return self.description

    def batched(self, count):
        return Choices(self.description, (count, *self.shape), self.dtype)

    def leaves(self):
        return [("i64", self.shape)]

    def writer(self, views):
        view, shape = views.pop(0), self.shape

        def write(value):
            value = plain(value, "an observation")
            if value.shape != shape:
                raise Refusal(f"an observation has shape {value.shape}, but its space says {shape}")
            put(view, value, "an observation")

        return write

    def reader(self, views):
        view, dtype = views.pop(0), self.dtype
        return lambda: view.astype(dtype)


class Parts:
    """Dict and Tuple spaces; a dict's parts are found by name in each element, whatever its order."""

    def __init__(self, parts, is_tuple):
        self.parts, self.is_tuple = parts, is_tuple

    def describe(self, blob):
        if self.is_tuple:
            return {"type": "tuple", "parts": [part.describe(blob) for _, part in self.parts]}
        names = [str(name) for name, _ in self.parts]
        if len(set(names)) < len(names):
            raise Refusal(f"parts of a Dict share a name: {names}")
        return {"type": "dict", "parts": [[str(name), part.describe(blob)] for name, part in self.parts]}

    def batched(self, count):
        return Parts([(key, part.batched(count)) for key, part in self.parts], self.is_tuple)

    def leaves(self):
        return [leaf for _, part in self.parts for leaf in part.leaves()]

    def writer(self, views):
        writers = [(key, part.writer(views)) for key, part in self.parts]

        def write(value):
            for key, write_part in writers:
                write_part(value[key])

        return write

    def reader(self, views):
        readers = [(key, part.reader(views)) for key, part in self.parts]
        if self.is_tuple:
            return lambda: tuple(read() for _, read in readers)
        return lambda: {key: read() for key, read in readers}


class Joined:
    """dm_control's parts, all numbers, one behind the other in the order in which the task names them."""

    def __init__(self, parts, dtype):
        self.parts, self.box = parts, None
        size = sum(size for _, size in parts)
        self.box = Box((size,), np.full(size, -np.inf), np.full(size, np.inf), dtype)

    def describe(self, blob):
        return self.box.describe(blob)

    def leaves(self):
        return self.box.leaves()

    def writer(self, views):
        view, start, slices = views.pop(0), 0, []
        for key, size in self.parts:
            slices.append((key, view[start : start + size]))
            start += size

        def write(value):
            for key, target in slices:
                part = value[key]
                # NumPy would repeat one number for many.
                if np.size(part) != target.size:
                    raise Refusal(f"the observation '{key}' has shape {np.shape(part)}, but its specification says {target.size} numbers")
                target[...] = part if np.ndim(part) < 2 else np.ravel(part)

        return write


def space_of(env, what, leave_out=()):
    """The space of `env` that is called `what`, without the parts that are left out."""
    space = getattr(env, what, None)
    name = what.replace("_", " ")
    if space is None:
        raise Refusal(f"it has no {name}: an environment needs a Gymnasium space as its `{what}`")
    parts = getattr(space, "spaces", None)
    names = [str(key) for key in parts] if hasattr(parts, "items") else []
    for part in leave_out:
        if part not in names:
            raise Refusal(f"environment.worker.leave_out names '{part}', but the parts of its {name} are {', '.join(names) or 'none'}")
    try:
        if leave_out:
            kept = [(key, from_gymnasium(part)) for key, part in parts.items() if str(key) not in leave_out]
            if not kept:
                raise Refusal("nothing of it is left")
            return Parts(kept, False)
        return from_gymnasium(space)
    except Refusal as refusal:
        odd = [str(key) for key, part in parts.items() if kind_of(part) is None] if names else []
        way = f", or leave it out by environment.worker.leave_out={','.join(odd)}" if odd and len(odd) < len(names) else ""
        raise Refusal(f"its {name} cannot be taken: {refusal}{way if 'observation' in what else ''}") from None


def kind_of(space):
    """What kind of space it is: one of Gymnasium's, or one that has the attributes of such, as those of the older `gym` package."""
    from gymnasium import spaces

    for kind in ("Box", "Discrete", "MultiDiscrete", "MultiBinary", "Dict", "Tuple"):
        if isinstance(space, getattr(spaces, kind)):
            return kind
    names = {base.__name__ for base in type(space).__mro__}
    if isinstance(space, spaces.Space) or names & {"Text", "Graph", "Sequence", "OneOf"}:
        return None
    if all(hasattr(space, name) for name in ("low", "high", "shape")):
        return "Box"
    if hasattr(space, "nvec"):
        return "MultiDiscrete"
    if hasattr(space, "n"):
        return "MultiBinary" if "MultiBinary" in names or getattr(space, "shape", ()) else "Discrete"
    parts = getattr(space, "spaces", None)
    return "Dict" if hasattr(parts, "items") else "Tuple" if isinstance(parts, (list, tuple)) else None


def from_gymnasium(space):
    kind = kind_of(space)
    if kind == "Box":
        shape, dtype = tuple(space.shape), np.dtype(getattr(space, "dtype", None) or np.float32)
        if 0 in shape:
            raise Refusal(f"a Box of shape {shape} holds no numbers")
        return Box(shape, np.broadcast_to(space.low, shape), np.broadcast_to(space.high, shape), dtype)
    if kind == "Discrete":
        return Discrete(space.n, getattr(space, "start", 0), getattr(space, "dtype", None) or np.int64)
    if kind == "MultiDiscrete":
        nvec = np.asarray(space.nvec)
        start = np.broadcast_to(getattr(space, "start", 0), nvec.shape)
        numbers = {"nvec": [int(n) for n in nvec.ravel()], "start": [int(n) for n in start.ravel()]}
        return Choices({"type": "multi_discrete", **numbers}, nvec.shape, getattr(space, "dtype", None) or np.int64)
    if kind == "MultiBinary":
        shape = tuple(getattr(space, "shape", None) or np.atleast_1d(space.n))
        return Choices({"type": "multi_binary"}, shape, getattr(space, "dtype", None) or np.int8)
    if kind is None:
        name = f"{type(space).__module__}.{type(space).__qualname__}"
        raise Refusal(f"{name} is no space of a fixed number of numbers; wrap the environment so that it gives Box, Discrete, "
                      "MultiDiscrete, MultiBinary, or Dict and Tuple of these")
    parts = list(space.spaces.items() if kind == "Dict" else enumerate(space.spaces))
    if not parts:
        raise Refusal(f"a {kind} without parts holds no numbers")
    return Parts([(key, from_gymnasium(part)) for key, part in parts], kind == "Tuple")
