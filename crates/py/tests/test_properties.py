"""For any space of Gymnasium's, nested in any way, and any sample of it in any memory layout: what comes back out is the same, by name.

Brief unless ``WORLDWRIGHT_FUZZ_CASES`` says how many cases each property tries.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import worldwright as wm
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CASES = int(os.environ.get("WORLDWRIGHT_FUZZ_CASES", "25"))
BRIEF = settings(
    max_examples=CASES, deadline=None, derandomize="WORLDWRIGHT_FUZZ_CASES" not in os.environ, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip
SHAPES = st.lists(st.integers(1, 3), max_size=3).map(tuple)
FLOATS, WHOLE = ("float16", "float32", "float64"), ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64")


@st.composite
def boxes(draw: st.DrawFn) -> spaces.Box:
    shape, dtype = draw(SHAPES), np.dtype(draw(st.sampled_from(FLOATS + WHOLE)))
    if dtype.kind == "f":
        low = draw(st.sampled_from([-np.inf, -4.0, 0.25]))
        return spaces.Box(low, draw(st.sampled_from([np.inf, 7.5])), shape, dtype.type)
    low = 0 if dtype.kind == "u" else draw(st.integers(-100, 0))
    return spaces.Box(low, draw(st.integers(1, 100)), shape, dtype.type)


@st.composite
def many_discrete(draw: st.DrawFn) -> spaces.MultiDiscrete:
    shape = draw(SHAPES.filter(bool))
    count = int(np.prod(shape))
    nvec = np.reshape(draw(st.lists(st.integers(1, 4), min_size=count, max_size=count)), shape)
    start = np.reshape(draw(st.lists(st.integers(-5, 5), min_size=count, max_size=count)), shape)
    return spaces.MultiDiscrete(nvec, start=start)


PLAIN: st.SearchStrategy[Any] = st.one_of(
    boxes(),
    st.builds(lambda n, start: spaces.Discrete(n, start=start), st.integers(1, 5), st.integers(-5, 5)),
    many_discrete(),
    SHAPES.filter(bool).map(lambda shape: spaces.MultiBinary(shape if len(shape) > 1 else shape[0])),
)
NAMES = st.text("abzXY_ 0.'é", min_size=1, max_size=4)


def nested(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    # Pairs in a list keep their order in Gymnasium, where a plain dict is sorted.
    named = st.lists(st.tuples(NAMES, parts), min_size=1, max_size=3, unique_by=lambda pair: pair[0])
    return st.one_of(named.map(spaces.Dict), st.lists(parts, min_size=1, max_size=3).map(lambda of: spaces.Tuple(tuple(of))))


SPACES = st.recursive(PLAIN, nested, max_leaves=4)


def rolled(x: np.ndarray) -> np.ndarray:
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, -1, 0)), 0, -1) if x.ndim else x


def strided(x: np.ndarray) -> np.ndarray:
    return np.repeat(x, 3, axis=-1)[..., ::3] if x.ndim else x


def backwards(x: np.ndarray) -> np.ndarray:
    return np.flip(np.ascontiguousarray(np.flip(x))) if x.ndim else x


def unaligned(x: np.ndarray) -> np.ndarray:
    memory = np.empty(x.nbytes + 1, dtype=np.uint8)
    there = memory[1:].view(x.dtype).reshape(x.shape)
    there[...] = x
    return there


def frozen(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.setflags(write=False)
    return x


LAYOUTS: list[Callable[[np.ndarray], Any]] = [
    np.asfortranarray, rolled, strided, backwards, unaligned, frozen, lambda x: x.astype(x.dtype.newbyteorder(">")), lambda x: x.tolist(),
]  # fmt: skip


def laid_out(element: Any, pick: Callable[[], Callable[[np.ndarray], Any]]) -> Any:
    """The same element in other memory; dictionaries in another order too."""
    if isinstance(element, dict):
        return {key: laid_out(element[key], pick) for key in reversed(element)}
    if isinstance(element, tuple):
        return tuple(laid_out(part, pick) for part in element)
    return pick()(element) if isinstance(element, np.ndarray) else element


def same(one: Any, other: Any) -> None:
    if isinstance(other, dict):
        assert set(one) == set(other)
        for key in other:
            same(one[key], other[key])
    elif isinstance(other, tuple):
        assert len(one) == len(other)
        for mine, yours in zip(one, other, strict=True):
            same(mine, yours)
    else:
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, list[Any], list[Any]]:
    """A space, three of its elements, and the same in other memory."""
    space = draw(SPACES)
    space.seed(draw(st.integers(0, 2**31 - 1)))
    elements = [space.sample() for _ in range(3)]
    return space, elements, [laid_out(element, lambda: draw(st.sampled_from(LAYOUTS))) for element in elements]


class Shown(gymnasium.Env[Any, Any]):
    """Shows elements one after another, and keeps what it was told to do."""

    def __init__(self, observed: Any, shown: list[Any], acted: Any = None) -> None:
        self.observation_space, self.action_space = observed, acted or spaces.Box(-1, 1, (1,), np.float32)
        self.shown, self.count = shown, 0
        self.told: list[Any] = []

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.count = 0
        return self.shown[0], {}

    def step(self, action: Any) -> Any:
        self.told.append(action)
        self.count += 1
        return self.shown[self.count], float(self.count), self.count == len(self.shown) - 1, False, {}


@BRIEF
@given(cases())
def test_what_is_collected_is_what_was_shown(case: tuple[Any, list[Any], list[Any]]) -> None:
    space, elements, given = case
    episodes = wm.collect(Shown(space, given), steps=2)
    for row, element in enumerate(elements):
        found = episodes.observation(row)
        same(found, element)
        assert space.contains(found), (space, found)


@BRIEF
@given(cases())
def test_actions_reach_the_environment_as_they_were_given(case: tuple[Any, list[Any], list[Any]]) -> None:
    space, elements, given = case
    environment = Shown(spaces.Discrete(3), [0, 1, 2], space)
    acts = iter(given)
    episodes = wm.collect(environment, steps=2, policy=lambda _: next(acts))
    for told, element in zip(environment.told, elements, strict=False):
        same(told, element)
        assert space.contains(told), (space, told)
    same(episodes.action(1), elements[1])


def still(space: Any, **more: Any) -> wm.Model:
    return wm.Model.from_function(
        lambda o, a: o, observation_space=space, action_space=([-1.0], [1.0]), vectorized=True,
        reward=lambda o, a, n: n @ np.cos(np.arange(1, n.shape[-1] + 1)), **more,
    )  # fmt: skip


@BRIEF
@given(cases())
def test_a_model_sees_the_same_in_any_memory(case: tuple[Any, list[Any], list[Any]]) -> None:
    space, elements, given = case
    model = still(space)
    actions = np.zeros((3, 1))
    wanted, found = model.predict(elements, actions), model.predict(given, actions)
    np.testing.assert_array_equal(found.mean, wanted.mean)
    np.testing.assert_array_equal(found.reward, wanted.reward)
    np.testing.assert_array_equal(wanted.mean, [spaces.flatten(space, element) for element in elements])
    planner = wm.Planner("random-shooting", model=model, horizon=1, population=2, iterations=1)
    assert planner.plan(given[0]).value == planner.plan(elements[0]).value == wanted.reward[0]


@BRIEF
@given(cases())
def test_a_dream_shows_elements_of_its_space(case: tuple[Any, list[Any], list[Any]]) -> None:
    space, elements, given = case
    dream = wm.as_env(still(space), starts=given, max_episode_steps=5)
    shown, _ = dream.reset(options={"observation": given[0]})
    same(shown, elements[0])
    assert space.contains(shown), (space, shown)
    again, *_ = dream.step(np.zeros(1, np.float32))
    same(again, elements[0])
    drawn, _ = dream.reset(seed=0)
    assert any(_is(drawn, element) for element in elements)


def _is(one: Any, other: Any) -> bool:
    try:
        same(one, other)
    except AssertionError:
        return False
    return True


@BRIEF
@given(cases())
def test_what_is_learned_is_learned_by_name(case: tuple[Any, list[Any], list[Any]]) -> None:
    space, elements, given = case
    one, other = (wm.collect(Shown(space, shown), steps=2).dataset() for shown in (elements, given))
    for name in ("observations", "next_observations", "actions", "rewards", "terminated", "episode_ends"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.observations, [spaces.flatten(space, element) for element in elements[:2]])
