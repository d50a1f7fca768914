"""What Python's environments hand over: taken as what it plainly is, or refused by name, in every place that steps one."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm
from gymnasium import spaces

QUICK: dict[str, Any] = {"model": "linear", "steps": 20, "agent": {"initial_steps": 10}, "evaluation": {"episodes": 1}, "progress": False}


class Plain(gymnasium.Env[Any, Any]):
    """Five steps an episode; what it hands over is up to its fields."""

    observation_space: Any = spaces.Box(-99, 99, (1,), np.float32)
    action_space: Any = spaces.Box(-1, 1, (1,), np.float32)

    def __init__(self, **fields: Any) -> None:
        self.fields = fields
        self.count = 0
        self.seeds: list[Any] = []
        for name in ("observation_space", "action_space"):
            if name in fields:
                setattr(self, name, fields[name])

    def shown(self) -> Any:
        return self.fields.get("observation", lambda count: np.float32([count]))(self.count)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.count = 0
        self.seeds.append(seed)
        return self.fields.get("begin", lambda shown: (shown, {}))(self.shown())

    def step(self, action: Any) -> Any:
        self.count += 1
        over = self.count == 5
        flag = self.fields.get("flag", bool)
        step = self.shown(), self.fields.get("reward", float)(self.count), flag(False), flag(over), {}
        return self.fields.get("answer", lambda step: step)(step)


def everywhere(make: Callable[[], Any], folder: Path) -> list[Callable[[], Any]]:
    return [
        lambda: wm.collect(make(), steps=10),
        lambda: wm.collect(gymnasium.vector.SyncVectorEnv([make, make]), steps=10),
        lambda: wm.learn(make(), run_dir=folder / "run", **QUICK),
        lambda: wm.learn(gymnasium.vector.SyncVectorEnv([make]), run_dir=folder / "vector", **QUICK),
        lambda: wm.build(make(), progress=False, time_limit=1.0),
    ]


def old(step: tuple[Any, ...]) -> tuple[Any, ...]:
    return step[0], step[1], step[3], step[4]


def with_cost(step: tuple[Any, ...]) -> tuple[Any, ...]:
    return step[0], step[1], 0.5, *step[2:]


REFUSED = {
    "four values": ({"answer": old}, "step of Plain gave 4 values.*shimmy"),
    "six values": ({"answer": with_cost}, "step of Plain gave 6 values.*cost"),
    "no tuple": ({"answer": lambda step: None}, "step of Plain gave NoneType"),
    "a reset of old": ({"begin": lambda shown: shown}, "reset of Plain gave ndarray"),
    "a flag that is NaN": ({"flag": lambda over: np.nan}, "'terminated' of Plain is nan"),
    "a flag that is None": ({"flag": lambda over: None}, "'terminated' of Plain is None"),
    "a flag that is text": ({"flag": str}, "'terminated' of Plain is 'False'"),
    "a flag of two": ({"flag": lambda over: np.array([over, over])}, "'terminated' of Plain is array"),
    "a reward of three": ({"reward": lambda count: np.ones(3)}, "the reward of Plain is an array of shape"),
    "a reward that is text": ({"reward": str}, "the reward of Plain"),
    "another shape": ({"observation": lambda count: np.zeros((3,), np.float32)}, "shape"),
    "a shape turned over": (
        {"observation_space": spaces.Box(-9, 9, (2, 3), np.float32), "observation": lambda count: np.zeros((3, 2), np.float32)}, "shape",
    ),
    "a choice that is none": ({"observation_space": spaces.Discrete(3), "observation": lambda count: count + 2}, "3"),
    "choices that are none": (
        {"observation_space": spaces.MultiDiscrete([2, 2]), "observation": lambda count: np.array([1, count])}, "2",
    ),
    "fractions as bytes": (
        {"observation_space": spaces.Box(0, 255, (2,), np.uint8), "observation": lambda count: np.array([0.5, 0.25])}, "0.5",
    ),
    "an int8 that is none": (
        {"observation_space": spaces.Box(-9, 9, (2,), np.int8), "observation": lambda count: np.array([0.5, 0.25])}, "0.5",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_step_is_refused_by_name(what: str, tmp_path: Path) -> None:
    fields, says = REFUSED[what]
    for call in everywhere(lambda: Plain(**fields), tmp_path):
        with pytest.raises(wm.WorldwrightError, match=says):
            call()


TAKEN = {
    "a reward in an array": {"reward": lambda count: np.array([float(count)])},
    "a reward of NumPy": {"reward": np.float32},
    "a whole reward": {"reward": int},
    "flags of NumPy": {"flag": np.bool_},
    "flags in arrays": {"flag": lambda over: np.array([over])},
    "flags as numbers": {"flag": int},
    "an observation in a column": {"observation": lambda count: np.float32([[count]])},
    "an observation of another type": {"observation": lambda count: np.float64([count])},
    "a list as observation": {"observation": lambda count: [count]},
    "no info": {"begin": lambda shown: (shown, None), "answer": lambda step: (*step[:4], None)},
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_is_plain_is_taken(what: str, tmp_path: Path) -> None:
    calls = everywhere(lambda: Plain(**TAKEN[what]), tmp_path)
    for episodes in (calls[0](), wm.data.read(calls[2]().folder)):
        assert set(episodes.lengths) == {5} and episodes.truncated.all() and not episodes.terminated.any()
        np.testing.assert_array_equal(episodes.rewards[:5], [1, 2, 3, 4, 5])
        np.testing.assert_array_equal(episodes[0].observations.ravel(), np.arange(6))
    calls[1]()


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(-1, 1, (2,), np.float16),
        spaces.Box(-0.1, 0.3, (2, 1), np.float16),
        spaces.Box(-3, 4, (2,), np.int8),
        spaces.Box(0, 255, (2,), np.uint8),
        spaces.Box(-7, 7, (1,), np.int64),
        spaces.Box(-1, 1, (2,), np.float64),
        spaces.Discrete(3, start=-1),
    ],
)
def test_actions_are_elements_of_the_action_space(space: Any, tmp_path: Path) -> None:
    outside: list[Any] = []

    class Strict(Plain):
        action_space = space

        def step(self, action: Any) -> Any:
            if not space.contains(action):
                outside.append(action)
            return super().step(action)

    if space.dtype in (np.float32, np.float64) or isinstance(space, spaces.Discrete):
        run = wm.learn(Strict(), run_dir=tmp_path / "run", **QUICK)
        wm.collect(Strict(), steps=10, policy=run.agent())
    wm.collect(Strict(), steps=20)
    # A policy may give what is easily made one.
    wm.collect(Strict(), steps=10, policy=lambda observation: np.asarray(space.sample()).tolist())
    assert not outside, outside[:3]


def test_seeds_fit_into_31_bits(tmp_path: Path) -> None:
    made: list[Plain] = []

    def make() -> Plain:
        made.append(Plain())
        return made[-1]

    run = wm.learn(make, run_dir=tmp_path / "run", **{**QUICK, "seed": 2**40 + 3})
    run.agent().evaluate(episodes=2, seed=2**62)
    wm.collect(make, steps=10, seed=2**31 + 7)
    wm.collect(gymnasium.vector.SyncVectorEnv([make, make]), steps=10, seed=2**50 + 1)
    wm.collect(gymnasium.vector.SyncVectorEnv([make, make]), steps=10, seed=2**31 - 2)
    seeds = [seed for one in made for seed in one.seeds if seed is not None]
    assert len(seeds) > 10 and all(0 <= seed < 2**31 for seed in seeds), seeds
    # What is recorded is what the environment was given.
    assert wm.collect(Plain(), steps=10, seed=2**31 + 7).seeds == [7, 8]


def test_a_seed_of_the_users_own_is_handed_on_as_it_is() -> None:
    environment = Plain()
    assert wm.collect(environment, steps=10, seed=41).seeds == [41, 42]
    assert environment.seeds[:2] == [41, 42]


def test_a_spec_with_arrays_and_tables_among_its_arguments(tmp_path: Path) -> None:
    import pandas

    table = pandas.DataFrame({"a": [1.0, 2.0]})
    for goal in (np.array([1.0, 2.0]), table, {"nested": [np.ones(2)]}):
        gymnasium.register("Goal-v0", lambda goal=None, **_: Plain(), max_episode_steps=5, kwargs={"goal": goal})
        try:
            run = wm.learn(gymnasium.make("Goal-v0"), run_dir=tmp_path / str(id(goal)), **QUICK)
            assert run.about["environment"] == "gym:Goal-v0"
            own = gymnasium.make("Goal-v0", goal=np.array([3.0, 4.0]))
            assert wm.learn(own, run_dir=tmp_path / f"own{id(goal)}", **QUICK).about["environment"] == "python:Goal-v0"
        finally:
            del gymnasium.registry["Goal-v0"]


BoxSpace = namedtuple("BoxSpace", "low, high, shape, dtype")
DiscreteSpace = namedtuple("DiscreteSpace", "n")


class Derived(spaces.Box):
    """A space of the user's own class."""


def gym_spaces() -> dict[str, Any]:
    """Spaces as packages without Gymnasium make them: the classes of the older gym have these names and fields."""
    box = type("Box", (), {"low": np.float32([-9, -9]), "high": np.float32([9, 9]), "shape": (2,), "dtype": np.dtype("float32")})
    discrete = type("Discrete", (), {"n": 3})
    many = type("MultiDiscrete", (), {"nvec": np.array([2, 3])})
    bits = type("MultiBinary", (), {"n": 4})
    return {
        "Box": (box(), np.float32([1, 2])),
        "Dict": (type("Dict", (), {"spaces": {"b": box(), "a": discrete()}})(), {"b": np.float32([1, 2]), "a": 1}),
        "Tuple": (type("Tuple", (), {"spaces": (discrete(), box())})(), (2, np.float32([1, 2]))),
        "MultiDiscrete": (many(), np.array([1, 2])),
        "MultiBinary": (bits(), np.array([1, 0, 0, 1])),
        "crafter's": (BoxSpace(0, 255, (2, 2, 3), np.uint8), np.zeros((2, 2, 3), np.uint8)),
        "a class derived from Gymnasium's": (Derived(-9, 9, (2,), np.float32), np.float32([1, 2])),
    }


@pytest.mark.parametrize("kind", list(gym_spaces()))
def test_spaces_that_say_the_same_are_taken(kind: str, tmp_path: Path) -> None:
    space, shown = gym_spaces()[kind]
    environment = Plain(observation_space=space, observation=lambda count: shown, action_space=DiscreteSpace(3))
    episodes = wm.collect(environment, steps=10)
    assert isinstance(episodes.observation_space, spaces.Space) and isinstance(episodes.action_space, spaces.Discrete)
    learned = wm.data.read(wm.learn(environment, run_dir=tmp_path / "run", **QUICK).folder)
    np.testing.assert_array_equal(np.asarray(learned.observations)[0], np.asarray(episodes.observations).reshape(len(episodes.observations), -1)[0].reshape(np.shape(learned.observations[0])))


UNKNOWN = {
    "Text": spaces.Text(5),
    "Sequence": spaces.Sequence(spaces.Discrete(3)),
    "Graph": spaces.Graph(spaces.Box(-1, 1, (2,)), None),
    "an empty Dict": spaces.Dict({}),
    "an empty Tuple": spaces.Tuple(()),
    "a part of Text": spaces.Dict(a=spaces.Discrete(2), mission=spaces.Text(5)),
    "None": None,
    "no space": "Box(2)",
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_spaces_of_no_fixed_shape_are_refused_in_one_way(kind: str, tmp_path: Path) -> None:
    says = {
        "an empty Dict": "empty", "an empty Tuple": "empty", "None": "has no observation_space", "a part of Text": "'mission'", "no space": "str",
    }.get(kind, kind)  # fmt: skip
    def make() -> Plain:
        return Plain(observation_space=UNKNOWN[kind])

    calls = [
        lambda: wm.collect(make(), steps=10),
        lambda: wm.learn(make(), run_dir=tmp_path / "run", **QUICK),
        lambda: wm.build(make(), progress=False),
    ]
    if UNKNOWN[kind] is not None and kind != "no space":
        calls += [
            lambda: wm.Model("linear", observation_space=UNKNOWN[kind], action_space=2),
            lambda: wm.Planner("icem", model=lambda o, a: o, observation_space=UNKNOWN[kind], action_space=2),
            lambda: wm.Model.from_function(lambda o, a: o, observation_space=2, action_space=UNKNOWN[kind]),
        ]
    for call in calls:
        with pytest.raises(wm.ConfigError, match=says):
            call()


def test_an_environment_without_spaces() -> None:
    class Bare:
        def reset(self, **_: Any) -> Any:
            return 0, {}

        def step(self, action: Any) -> Any:
            return 0, 0.0, True, False, {}

    for call in (lambda: wm.collect(Bare(), steps=3), lambda: wm.learn(Bare())):
        with pytest.raises(wm.ConfigError, match="Bare has no observation_space"):
            call()


def test_a_vector_of_stable_baselines_is_refused_by_name() -> None:
    class DummyVecEnv:
        """As of Stable-Baselines3: reset gives observations alone, step four values of all."""

        num_envs = 2
        observation_space = action_space = spaces.Box(-1, 1, (1,), np.float32)

        def reset(self) -> Any: ...
        def step(self, actions: Any) -> Any: ...
        def step_async(self, actions: Any) -> Any: ...
        def step_wait(self) -> Any: ...

    for call in (lambda: wm.collect(DummyVecEnv(), steps=3), lambda: wm.learn(DummyVecEnv()), lambda: wm.build(DummyVecEnv())):
        with pytest.raises(wm.ConfigError, match="DummyVecEnv is a vector of Stable-Baselines3"):
            call()


@pytest.mark.parametrize(("kind", "given"), [(np.float32, 1e39), (np.float32, -1e300), (np.float16, 7e4), (np.float16, 70_000), (np.int8, 1e300)])
def test_numbers_beyond_their_type_are_refused(kind: Any, given: Any) -> None:
    from worldwright._contract import element

    space = spaces.Box(-100, 100, (2,), kind) if kind is np.int8 else spaces.Box(-np.inf, np.inf, (2,), kind)
    with pytest.raises((wm.DivergedError, wm.SpaceError), match=r"an observation holds .* at \[1\]"):
        element(space, np.array([0, given]), "an observation")
    with pytest.raises((wm.DivergedError, wm.SpaceError), match=r"an observation\['a'\]"):
        element(spaces.Dict(a=space), {"a": [0, given]}, "an observation")
    with pytest.raises((wm.DivergedError, wm.SpaceError), match="observations: row 1"):
        wm.data.Episodes(observations=[[0, 0], [0, given]], actions=[[0.0]], rewards=[0.0], lengths=[1], observation_space=space)


def test_spaces_too_large_are_refused_before_anything_is_made_of_them() -> None:
    from worldwright._environments import Source
    from worldwright._known_spaces import numbers_of

    class Wide(gymnasium.Env[Any, Any]):
        def __init__(self, observed: Any, done: Any) -> None:
            self.observation_space, self.action_space = observed, done

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            raise AssertionError("nothing may be asked of it")

        def step(self, action: Any) -> Any:
            raise AssertionError("nothing may be asked of it")

    one = spaces.Box(-1.0, 1.0, (1,))
    for wide, count in (
        (spaces.Discrete(10**9), 10**9),
        (spaces.MultiDiscrete([10**9, 2]), 10**9 + 2),
        (spaces.Dict(a=spaces.Discrete(2**23), b=spaces.Tuple([spaces.Discrete(2**23), spaces.Discrete(1)])), 2**24 + 1),
    ):
        assert numbers_of(wide) == count
        for observed, done, what in ((wide, one, "observation space"), (one, wide, "action space")):
            with pytest.raises(wm.ConfigError, match=f"its {what} has {count} numbers .*more than the {2**24} that are taken"):
                Source(Wide(observed, done))
    assert numbers_of(spaces.Dict(a=spaces.Box(0, 1, (2, 3)), b=spaces.MultiBinary([2, 2]), c=spaces.Discrete(5))) == 15


class Levers(gymnasium.Env[Any, Any]):
    """A choice and two numbers to see, two choices to make; its steps are not as long as its pictures are shown."""

    observation_space: Any = spaces.Tuple((spaces.Discrete(3, start=-1), spaces.Box(-1, 1, (2,), np.float32)))
    action_space: Any = spaces.MultiDiscrete([2, 3])
    metadata: Any = {"render_fps": 50}  # noqa: RUF012

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return (0, np.zeros(2, np.float32)), {}


class Slower(gymnasium.Wrapper[Any, Any, Any, Any]):
    dt = 0.75


def test_numbers_of_choices_and_parts_say_which_they_are() -> None:
    from worldwright._environments import Source

    source = Source(Levers())
    assert source.observation_channels == ["obs[0]=-1", "obs[0]=0", "obs[0]=1", "obs[1][0]", "obs[1][1]"]
    assert source.action_channels == ["action[0]=0", "action[0]=1", "action[1]=0", "action[1]=1", "action[1]=2"]
    assert Source(Plain()).observation_channels == ["o0"]


def test_a_step_takes_as_long_as_the_environment_says() -> None:
    from worldwright._environments import Source

    levers = Levers()
    assert Source(levers).dt_secs == 0.02
    for told, seconds in ((2, 2.0), (np.float32(0.25), 0.25), (np.array(0.125), 0.125), ("0.5", 0.02), (0.0, 0.02), (np.nan, 0.02), (True, 0.02)):
        levers.dt = told  # type: ignore[attr-defined]
        assert Source(levers).dt_secs == seconds, told
    levers.dt = 2.0  # type: ignore[attr-defined]
    assert Source(Slower(levers)).dt_secs == 0.75


def test_errors_name_spaces_as_gymnasium_does() -> None:
    with pytest.raises(wm.WorldwrightError, match=r"Box\(-1\.0, 1\.0, \(1,\), float64\)"):
        wm.Model("tabular", observation_space=([-1.0], [1.0]), action_space=3)
