"""Spaces: what the host is told of them, and how their elements go to and from the shared memory.

A space lists its leaves (number type, shape); a writer puts an element into views of them, a reader makes one from them.
"""

import numpy as np


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


def bound_of(values):
    """Bounds as text, because JSON has no infinity; one number where all are the same, as in images."""
    values = np.asarray(values, dtype=np.float64).ravel()
    if values.size and np.all(values == values[0]):
        return [repr(float(values[0]))]
    return [repr(float(value)) for value in values]


class Box:
    def __init__(self, shape, low, high, dtype):
        self.shape, self.dtype = tuple(int(n) for n in shape), np.dtype(dtype)
        self.storage = storage_of(dtype)
        self.low, self.high = low, high

    def describe(self):
        low, high = bound_of(self.low), bound_of(self.high)
        return {"type": "box", "shape": self.shape, "low": low, "high": high, "dtype": self.dtype.name}

    def batched(self, count):
        """The same with an axis of environments in front, for writers and readers of whole arrays; likewise below."""
        return Box((count, *self.shape), self.low, self.high, self.dtype)

    def leaves(self):
        return [(self.storage, self.shape)]

    def writer(self, views):
        view, shape = views.pop(0), self.shape

        def write(value):
            value = np.asarray(value)
            if value.shape != shape:
                raise Refusal(f"an observation has shape {value.shape}, but its space says {shape}")
            view[...] = value

        return write

    def reader(self, views):
        # A copy, because an environment may keep the action it was given and this memory changes with the next step.
        view, dtype = views.pop(0), self.dtype
        return lambda: view.astype(dtype)


class Discrete:
    def __init__(self, n, start, dtype):
        self.n, self.start, self.dtype = int(n), int(start), np.dtype(dtype)

    def describe(self):
        return {"type": "discrete", "n": self.n, "start": self.start, "dtype": self.dtype.name}

    def batched(self, count):
        return self

    def leaves(self):
        return [("i64", ())]

    def writer(self, views):
        view = views.pop(0)

        def write(value):
            view[...] = value

        return write

    def reader(self, views):
        view, kind = views.pop(0), self.dtype.type
        return lambda: view.astype(kind)[()]


class Choices:
    """MultiDiscrete and MultiBinary; of any shape."""

    def __init__(self, description, shape, dtype):
        self.description = {**description, "shape": [int(n) for n in shape], "dtype": np.dtype(dtype).name}
        self.shape, self.dtype = tuple(shape), dtype

    def describe(self):
        return self.description

    def batched(self, count):
        return Choices(self.description, (count, *self.shape), self.dtype)

    def leaves(self):
        return [("i64", self.shape)]

    def writer(self, views):
        view, shape = views.pop(0), self.shape

        def write(value):
            if np.shape(value) != shape:
                raise Refusal(f"an observation has shape {np.shape(value)}, but its space says {shape}")
            view[...] = value

        return write

    def reader(self, views):
        view, dtype = views.pop(0), self.dtype
        return lambda: view.astype(dtype)


class Parts:
    """Dict and Tuple spaces; a dict's parts are found by name in each element, whatever its order."""

    def __init__(self, parts, is_tuple):
        self.parts, self.is_tuple = parts, is_tuple

    def describe(self):
        if self.is_tuple:
            return {"type": "tuple", "parts": [part.describe() for _, part in self.parts]}
        names = [str(name) for name, _ in self.parts]
        if len(set(names)) < len(names):
            raise Refusal(f"parts of a Dict share a name: {names}")
        return {"type": "dict", "parts": [[str(name), part.describe()] for name, part in self.parts]}

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

    def describe(self):
        return self.box.describe()

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
                target[...] = part if np.ndim(part) < 2 else np.ravel(part)

        return write


def from_gymnasium(space):
    from gymnasium import spaces

    if isinstance(space, spaces.Box):
        return Box(space.shape, space.low, space.high, space.dtype)
    if isinstance(space, spaces.Discrete):
        return Discrete(space.n, getattr(space, "start", 0), space.dtype)
    if isinstance(space, spaces.MultiDiscrete):
        nvec = np.asarray(space.nvec)
        start = np.broadcast_to(getattr(space, "start", 0), nvec.shape)
        numbers = {"nvec": [int(n) for n in nvec.ravel()], "start": [int(n) for n in start.ravel()]}
        return Choices({"type": "multi_discrete", **numbers}, nvec.shape, space.dtype)
    if isinstance(space, spaces.MultiBinary):
        return Choices({"type": "multi_binary"}, space.shape, space.dtype)
    if isinstance(space, spaces.Dict):
        return Parts([(key, from_gymnasium(part)) for key, part in space.spaces.items()], False)
    if isinstance(space, spaces.Tuple):
        return Parts([(i, from_gymnasium(part)) for i, part in enumerate(space.spaces)], True)
    raise Refusal(f"spaces of type {type(space).__name__} are not supported; wrap the environment to one of fixed shape")
