"""Equal arrays are equal, however they lie in memory; and what is kept is a copy, whoever writes into the array later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from worldwright.vector import Lane


def unaligned(x: np.ndarray) -> np.ndarray:
    memory = np.empty(x.nbytes + 1, dtype=np.uint8)
    there = memory[1:].view(x.dtype).reshape(x.shape)
    there[...] = x
    return there


def frozen(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.setflags(write=False)
    return x


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "fortran": np.asfortranarray,
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "fancy": lambda x: x[:, list(range(x.shape[1]))],
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "backwards": lambda x: np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "read-only": frozen,
    "unaligned": unaligned,
    "view": lambda x: np.pad(x, 1)[1:-1, 1:-1],
    "list": lambda x: x.tolist(),  # type: ignore[arg-type, return-value]
}
X = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_observation_is_its_numbers(layout: str, dtype: type) -> None:
    model = wm.Model.from_function(
        lambda o, a: o, observation_space=spaces.Box(-9, 9, (2, 3), dtype), action_space=([-1.0], [1.0]), reward=lambda o, a, n: n[..., 1]
    )
    given = LAYOUTS[layout](X.astype(dtype))
    assert wm.Planner("icem", model=model, horizon=1).plan(given).value == 1.0
    np.testing.assert_array_equal(model.predict([given], [[0.0]]).mean[0], X.ravel())
    dream = wm.as_env(model, starts=[given], max_episode_steps=3)
    np.testing.assert_array_equal(dream.reset(seed=0)[0], X)
    np.testing.assert_array_equal(dream.step(np.zeros(1))[0], X)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_columns_are_their_numbers(layout: str) -> None:
    rng = np.random.default_rng(0)
    observations, actions = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    columns = {
        "observations": observations, "actions": actions, "next_observations": observations + 0.1,
        "rewards": observations[:, :1], "terminated": np.zeros((40, 1), dtype=bool),
    }  # fmt: skip
    of: Callable[[np.ndarray], np.ndarray] = LAYOUTS[layout]
    wanted = wm.data.dataset(**{name: column.reshape(len(column), -1)[:, 0] if column.shape[1] == 1 else column for name, column in columns.items()})
    found = wm.data.dataset(**{name: of(column)[:, 0] if name in ("rewards", "terminated") and layout != "list" else
                               np.ravel(column) if name in ("rewards", "terminated") else of(column) for name, column in columns.items()})  # fmt: skip
    for name in ("observations", "actions", "next_observations", "rewards", "terminated"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))


class Reusing(gymnasium.Env[Any, Any]):
    """Counts its steps in the same array for ever, and writes into the actions that it is given."""

    def __init__(self, kind: str = "dict", length: int = 4, fresh: bool = False) -> None:
        part = spaces.Box(-99, 99, (1,), np.float64)
        nested: dict[str, spaces.Space[Any]] = {
            "box": part, "dict": spaces.Dict(x=part), "tuple": spaces.Tuple((part, part)), "nested": spaces.Dict(x=spaces.Tuple((part,)), a=part)
        }  # fmt: skip
        self.observation_space, self.action_space = nested[kind], spaces.Box(-1, 1, (1,), np.float64)
        self.kind, self.length, self.fresh, self.count = kind, length, fresh, np.zeros(1)

    def _shown(self) -> Any:
        x = self.count.copy() if self.fresh else self.count
        return {"box": x, "dict": {"x": x}, "tuple": (x, x), "nested": {"x": (x,), "a": x}}[self.kind]

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.count[:] = 0
        return self._shown(), {}

    def step(self, action: Any) -> Any:
        paid = float(action[0])
        action *= 10
        self.count += 1
        return self._shown(), paid, False, bool(self.count[0] >= self.length), {}


def columns(episodes: wm.data.Episodes) -> np.ndarray:
    return np.asarray(episodes.observations, dtype=np.float64).reshape(episodes.steps + len(episodes), -1)[:, 0]


@pytest.mark.parametrize("kind", ["box", "dict", "tuple", "nested"])
def test_what_is_collected_is_what_was_seen(kind: str) -> None:
    mine = np.zeros(1)

    def policy(_: Any) -> np.ndarray:
        mine[:] = 0.5 - mine
        return mine

    episodes = wm.collect(Reusing(kind), steps=8, policy=policy)
    np.testing.assert_array_equal(columns(episodes), [*range(5), *range(5)])
    # The environment's tenfold of its own copy is no business of the policy's next action, nor of the record.
    np.testing.assert_array_equal(episodes.actions.ravel(), [0.5, 0.0] * 4)
    np.testing.assert_array_equal(episodes.rewards, [0.5, 0.0] * 4)


@pytest.mark.parametrize("kind", ["box", "dict", "tuple", "nested"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("copy", [True, False])
def test_a_vector_that_reuses_its_arrays_is_collected_as_one_that_does_not(kind: str, mode: AutoresetMode, copy: bool) -> None:
    def vector(fresh: bool) -> SyncVectorEnv:
        makers = [lambda length=length: Reusing(kind, length, fresh) for length in (3, 4)]
        return SyncVectorEnv(makers, copy=copy or fresh, autoreset_mode=mode)

    def policy(batch: Any) -> np.ndarray:
        return np.full((2, 1), 0.5)

    reused, fresh = (wm.collect(vector(how), steps=24, policy=policy) for how in (False, True))
    np.testing.assert_array_equal(columns(reused), columns(fresh))
    np.testing.assert_array_equal(reused.actions, fresh.actions)
    for episode in reused:
        seen = np.asarray(episode.observations, dtype=np.float64).reshape(len(episode) + 1, -1)[:, 0]
        np.testing.assert_array_equal(seen, np.arange(len(episode) + 1))
    assert set(reused.actions.ravel()) == {0.5}


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
def test_a_lane_shows_the_last_observation(mode: AutoresetMode) -> None:
    lane = Lane(SyncVectorEnv([lambda: Reusing("dict", 3), lambda: Reusing("dict", 5)], autoreset_mode=mode))
    first, _ = lane.reset(seed=0)
    seen = [first]
    over = False
    while not over:
        observation, _, terminated, truncated, _ = lane.step(np.zeros(1))
        over = terminated or truncated
        seen.append(observation)
    assert [float(one["x"][0]) for one in seen] == [0.0, 1.0, 2.0, 3.0]


def test_starts_are_copies() -> None:
    model = wm.Model("known", environment="linear")
    mine = np.array([[1.0, 0.0]])
    dream = wm.as_env(model, starts=mine, max_episode_steps=3)
    mine[:] = 5.0
    shown, _ = dream.reset(seed=0)
    np.testing.assert_array_equal(shown, [1.0, 0.0])
    shown[:] = 7.0
    np.testing.assert_array_equal(dream.reset(seed=0)[0], [1.0, 0.0])


def test_a_search_keeps_the_observation_that_it_was_given() -> None:
    at = np.array([0.0])
    search = wm.mcts.Planner(transition_fn=lambda o, a: (o + a, -np.abs(o + a).sum()), action_space=[-1.0, 1.0], observation_space=([-9.0], [9.0]), observation=at)
    at[:] = 100.0
    assert search.rollout(20).observation[0] == 0.0


def test_a_function_may_write_into_what_it_gets_and_give_the_same_array() -> None:
    out = np.zeros(1)

    def moved(observation: np.ndarray, action: np.ndarray) -> np.ndarray:
        observation += action[0]
        out[:] = observation
        return out

    model = wm.Model.from_function(
        moved, observation_space=([-9.0], [9.0]), action_space=([-1.0], [1.0]), reward=lambda o, a, n: float(n[0] - o[0]), vectorized=False
    )
    predicted = model.predict([[1.0], [2.0]], [[0.5], [-0.5]])
    np.testing.assert_array_equal(predicted.mean, [[1.5], [1.5]])
    np.testing.assert_array_equal(predicted.reward, [0.5, -0.5])
