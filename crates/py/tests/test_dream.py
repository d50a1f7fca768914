"""A learned model as an environment."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode


def ball(observation: np.ndarray, action: np.ndarray) -> tuple[np.ndarray, float, bool]:
    """A ball on a line, pushed; the task ends beyond 1."""
    position, velocity = observation
    velocity = velocity + 0.1 * float(action[0])
    after = np.array([position + 0.1 * velocity, velocity])
    return after, -(position**2), abs(after[0]) > 1.0


@pytest.fixture(scope="module")
def known() -> wm.Model:
    box = gymnasium.spaces.Box(np.array([-2.0, -2.0]), np.array([2.0, 2.0]), dtype=np.float64)
    return wm.Model.from_function(
        ball, observation_space=box, action_space=gymnasium.spaces.Box(-1.0, 1.0, (1,)), vectorized=False
    )


@pytest.fixture(scope="module")
def pole() -> tuple[wm.Model, wm.data.Episodes]:
    real = gymnasium.make("CartPole-v1")
    episodes = wm.collect(real, steps=400, seed=3)
    model = wm.Model(
        "deterministic",
        observation_space=real.observation_space,
        action_space=real.action_space,
        discount=0.99,
        epochs=20,
        hidden=[32],
    )
    model.fit(episodes)
    return model, episodes


def test_a_dream_is_what_the_model_says(known: wm.Model) -> None:
    dream = wm.as_env(known, starts=[[0.5, 0.0]], max_episode_steps=7)
    observation, info = dream.reset(seed=0)
    assert info == {"member": 0, "epistemic": 0.0, "diverged": False}
    state = np.array([0.5, 0.0])
    for step in range(7):
        observation, reward, terminated, truncated, _ = dream.step(np.array([0.25], dtype=np.float32))
        expected, paid, _ = ball(state, np.array([0.25]))
        np.testing.assert_allclose(observation, expected, atol=1e-12)
        assert reward == pytest.approx(paid)
        assert (terminated, truncated) == (False, step == 6)
        state = expected
    with pytest.raises(wm.ConfigError, match="reset first"):
        dream.step(np.array([0.0]))


def test_the_task_ends_where_the_model_ends_it(known: wm.Model) -> None:
    dream = wm.as_env(known, starts=[[0.95, 1.0]])
    dream.reset(seed=0)
    _, _, terminated, truncated, _ = dream.step(np.array([0.0]))
    assert (terminated, truncated) == (True, False)
    # An action beyond its bounds does what the bound does.
    dream = wm.as_env(known, starts=[[0.0, 0.0]])
    dream.reset()
    np.testing.assert_allclose(dream.step(np.array([9.0]))[0], [0.01, 0.1])


def test_predictions_are_kept_within_bounds_unless_told_otherwise(known: wm.Model) -> None:
    for clip, expected in ((True, 2.0), (False, 2.1)):
        dream = wm.as_env(known, starts=[[0.0, 2.0]], clip=clip)
        dream.reset(seed=0)
        observation, *_ = dream.step(np.array([1.0]))
        assert observation[1] == pytest.approx(expected)
        np.testing.assert_allclose(dream.step(np.array([0.0]))[0][1], expected)


def test_gymnasiums_own_check(pole: tuple[wm.Model, wm.data.Episodes], known: wm.Model) -> None:
    for dream in (wm.as_env(pole[0]), wm.as_env(known, starts=lambda rng: rng.uniform(-0.5, 0.5, 2), max_episode_steps=20)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            check_env(dream)
        # CartPole's own space is unbounded.
        assert [str(w.message) for w in caught if "infinity" not in str(w.message)] == []


def test_seeds_repeat_and_differ() -> None:
    real = gymnasium.make("Pendulum-v1")
    model = wm.Model(
        "ensemble",
        observation_space=real.observation_space,
        action_space=real.action_space,
        epochs=2,
        hidden=[8],
        members=3,
        particles=3,
    )
    model.fit(wm.collect(real, steps=60, seed=0))

    def trace(seed: int, **choices: Any) -> np.ndarray:
        dream = wm.as_env(model, **choices)
        shown = [dream.reset(seed=seed)[0]]
        shown += [dream.step(np.array([1.0], dtype=np.float32))[0] for _ in range(5)]
        return np.array(shown)

    for choices in ({}, {"member": "mean"}, {"member": "step"}, {"member": 1}):
        np.testing.assert_array_equal(trace(7, **choices), trace(7, **choices))
        assert not np.array_equal(trace(7, **choices), trace(8, **choices))
    assert {wm.as_env(model).reset(seed=seed)[1]["member"] for seed in range(20)} == {0, 1, 2}
    dream = wm.as_env(model, member="mean")
    assert dream.reset(seed=0)[1]["member"] == -1
    # What the members disagree on costs.
    (dear, cheap) = (wm.as_env(model, member=0, penalty=penalty) for penalty in (10.0, 0.0))
    dear.reset(seed=0), cheap.reset(seed=0)
    paid, free = dear.step(np.array([1.0])), cheap.step(np.array([1.0]))
    assert free[4]["epistemic"] > 0.0
    assert paid[1] == pytest.approx(free[1] - 10.0 * free[4]["epistemic"])


def test_a_dream_follows_its_model() -> None:
    space = gymnasium.spaces.Box(-5.0, 5.0, (1,))
    rng = np.random.default_rng(0)

    def columns(slope: float) -> dict[str, Any]:
        before, actions = rng.uniform(-1, 1, (200, 1)), rng.uniform(-1, 1, (200, 1))
        return {
            "observations": before,
            "actions": actions,
            "next_observations": before + slope * actions,
            "rewards": np.zeros(200),
        }

    model = wm.Model("linear", observation_space=space, action_space=gymnasium.spaces.Box(-1.0, 1.0, (1,)))
    model.fit(**columns(0.5))
    dream = wm.as_env(model, starts=[[0.0]], member="mean")
    dream.reset(seed=0)
    assert dream.step(np.array([1.0]))[0][0] == pytest.approx(0.5, abs=0.02)
    for _ in range(3):
        model.fit(**columns(-0.5))
    dream.reset(seed=0)
    assert dream.step(np.array([1.0]))[0][0] == pytest.approx(-0.5, abs=0.02)


def _same(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert set(mine) == set(theirs)
    for key, value in mine.items():
        if isinstance(value, dict):
            _same(value, theirs[key])
        else:
            assert value.dtype == theirs[key].dtype, key
            for one, other in zip(value, theirs[key], strict=True):
                np.testing.assert_array_equal(one, other, err_msg=key)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_the_vector_is_gymnasiums_vector_of_single_dreams(pole: tuple[wm.Model, wm.data.Episodes], mode: AutoresetMode) -> None:
    choices: dict[str, Any] = {"max_episode_steps": 12, "starts": pole[1]}
    vector = wm.as_vector_env(pole[0], 4, autoreset_mode=mode, **choices)
    theirs = gymnasium.vector.SyncVectorEnv([lambda: wm.as_env(pole[0], **choices)] * 4, autoreset_mode=mode)
    assert vector.metadata["autoreset_mode"] is mode
    assert (vector.observation_space, vector.action_space) == (theirs.observation_space, theirs.action_space)
    mine, other = vector.reset(seed=5), theirs.reset(seed=5)
    np.testing.assert_array_equal(mine[0], other[0])
    _same(mine[1], other[1])
    ends = np.zeros(2, dtype=int)
    for _ in range(80):
        actions = np.random.default_rng(ends.sum()).integers(2, size=4)
        mine_step, their_step = vector.step(actions), theirs.step(actions)
        for one, two in zip(mine_step[:4], their_step[:4], strict=True):
            assert one.dtype == two.dtype
            np.testing.assert_array_equal(one, two)
        _same(mine_step[4], their_step[4])
        ends += mine_step[2].sum(), mine_step[3].sum()
        over = mine_step[2] | mine_step[3]
        if mode is AutoresetMode.DISABLED and over.any():
            mine, other = (v.reset(options={"reset_mask": over.copy()}) for v in (vector, theirs))
            np.testing.assert_array_equal(mine[0], other[0])
            _same(mine[1], other[1])
    # Both kinds of end were seen.
    assert (ends > 0).all(), ends


def test_the_vectors_resets(known: wm.Model) -> None:
    vector = wm.as_vector_env(known, 3, starts=[[0.95, 1.0]], autoreset_mode="Disabled")
    with pytest.raises(wm.ConfigError, match="reset first"):
        vector.step(np.zeros((3, 1)))
    vector.reset(seed=[1, None, 3])
    vector.step(np.zeros((3, 1)))
    with pytest.raises(wm.ConfigError, match="are over"):
        vector.step(np.zeros((3, 1)))
    for wrong in ([True, False, False], np.zeros(3, dtype=bool), np.ones(3)):
        with pytest.raises(wm.ConfigError, match="reset_mask"):
            vector.reset(options={"reset_mask": wrong})
    observations, _ = vector.reset(options={"observation": [0.1, 0.2]})
    np.testing.assert_allclose(observations, [[0.1, 0.2]] * 3)
    with pytest.raises(wm.ConfigError, match="autoreset_mode"):
        wm.as_vector_env(known, 3, starts=[[0.0, 0.0]], autoreset_mode="Sometimes")


def test_numbers_that_diverge_truncate_the_episode() -> None:
    def burst(observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return observations * 1e200

    model = wm.Model.from_function(
        burst,
        observation_space=(np.array([-np.inf]), np.array([np.inf])),
        action_space=gymnasium.spaces.Box(-1.0, 1.0, (1,)),
        reward=lambda o, a: 0.0 * o[..., 0],
        vectorized=True,
    )
    dream = wm.as_env(model, starts=[[1.0]], max_episode_steps=100)
    dream.reset(seed=0)
    assert dream.step(np.array([0.0]))[2:4] == (False, False)
    observation, reward, terminated, truncated, info = dream.step(np.array([0.0]))
    assert (terminated, truncated, info["diverged"], reward) == (False, True, True, 0.0)
    assert observation[0] == 1e200


def test_starts(pole: tuple[wm.Model, wm.data.Episodes], known: wm.Model, tmp_path: Any) -> None:
    model, episodes = pole
    firsts = {tuple(np.round(row, 6)) for row in episodes.first_observations}
    for starts in (None, episodes, episodes.dataset(), list(episodes), episodes.write(tmp_path / "episodes")):
        dream = wm.as_env(model, starts=starts)
        seen = {tuple(np.round(dream.reset(seed=seed)[0], 6)) for seed in range(30)}
        assert seen <= firsts and len(seen) > 3
        assert dream._settings.max_episode_steps == episodes.lengths.max()
    assert wm.as_env(model, starts=lambda rng: np.full(4, 0.01)).reset()[0].tolist() == pytest.approx([0.01] * 4)
    with pytest.raises(wm.ConfigError, match="nothing to start from"):
        wm.as_env(known)
    with pytest.raises(wm.ShapeError):
        wm.as_env(known, starts=np.zeros((3, 5)))
    with pytest.raises(wm.ConfigError, match="another environment"):
        wm.as_env(known, starts=episodes)
    unfitted = wm.Model("deterministic", observation_space=2, action_space=2)
    with pytest.raises(wm.NotFittedError):
        wm.as_env(unfitted, starts=[0])
    for wrong in ({"member": "median"}, {"member": 5}, {"termination": "never"}, {"max_episode_steps": 0}):
        with pytest.raises(wm.ConfigError):
            wm.as_env(known, starts=[[0.0, 0.0]], **wrong)


def test_a_learned_end_comes_as_often_as_the_model_says(pole: tuple[wm.Model, wm.data.Episodes]) -> None:
    model, _ = pole
    edge = np.array([0.0, 0.0, 0.19, 0.9])
    probability = 1.0 - float(model.predict([edge], [1]).continuations[0, 0]) / 0.99
    assert 0.02 < probability < 0.98
    vector = wm.as_vector_env(model, 400, starts=[edge])
    vector.reset(seed=0)
    share = vector.step(np.ones(400, dtype=int))[2].mean()
    assert share == pytest.approx(probability, abs=4 * np.sqrt(max(probability * (1 - probability), 1e-3) / 400))


class Parts(gymnasium.Env[Any, Any]):
    """A gear that is shifted and a place that it moves; it ends at the third gear beyond 1."""

    observation_space = gymnasium.spaces.Dict(
        {"gear": gymnasium.spaces.Discrete(3), "place": gymnasium.spaces.Box(-2.0, 2.0, (1,), np.float32)}
    )
    action_space = gymnasium.spaces.Discrete(3, start=-1)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.gear, self.place = 1, float(self.np_random.uniform(-0.5, 0.5))
        return self._shown(), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.gear = int(np.clip(self.gear + action, 0, 2))
        self.place = float(np.clip(self.place + 0.2 * (self.gear - 1), -2.0, 2.0))
        return self._shown(), self.place, False, False, {}

    def _shown(self) -> dict[str, Any]:
        return {"gear": self.gear, "place": np.array([self.place], dtype=np.float32)}


def test_observations_of_parts_stay_in_their_space() -> None:
    real = gymnasium.wrappers.TimeLimit(Parts(), 20)
    episodes = wm.collect(real, steps=400, seed=0)
    model = wm.Model(
        "deterministic", observation_space=real.observation_space, action_space=real.action_space, epochs=60, hidden=[32]
    )
    model.fit(episodes)
    dream = wm.as_env(model)
    check_env(dream)
    rng = np.random.default_rng(0)
    wrong = 0
    for seed in range(10):
        shown, _ = dream.reset(seed=seed)
        real.reset()
        real.unwrapped.gear, real.unwrapped.place = shown["gear"], float(shown["place"][0])
        for _ in range(10):
            action = int(rng.integers(-1, 2))
            shown, expected = dream.step(action)[0], real.step(action)[0]
            assert dream.observation_space.contains(shown)
            wrong += shown["gear"] != expected["gear"]
    assert wrong <= 3, "gears are predicted"
    vector = wm.as_vector_env(model, 3)
    shown, _ = vector.reset(seed=0)
    theirs = gymnasium.vector.SyncVectorEnv([lambda: wm.as_env(model)] * 3)
    expected, _ = theirs.reset(seed=0)
    for action in (-1, 1, 1, 0):
        actions = np.full(3, action)
        for name in shown:
            np.testing.assert_array_equal(shown[name], expected[name])
        assert vector.observation_space.contains(shown)
        shown, expected = vector.step(actions)[0], theirs.step(actions)[0]


def test_states_that_are_numbered() -> None:
    real = gymnasium.make("FrozenLake-v1", is_slippery=False)
    episodes = wm.collect(real, steps=300, seed=0)
    assert episodes.observations.shape == (300 + len(episodes), 16)
    model = wm.Model("linear", observation_space=real.observation_space, action_space=real.action_space)
    model.fit(episodes)
    dream = wm.as_env(model)
    check_env(dream)
    assert dream.reset(seed=0)[0] == 0


def test_numbers_beyond_the_type_of_a_space_have_diverged() -> None:
    from gymnasium import spaces

    space = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    model = wm.Model.from_function(lambda o, a: o * 1e30, observation_space=space, action_space=2, reward=lambda o, a, n: 0.0)
    dream = wm.as_env(model, starts=[[1.0]], max_episode_steps=5)
    dream.reset(seed=0)
    seen, _, terminated, truncated, info = dream.step(0)
    assert seen == np.float32(1e30) and not (terminated or truncated or info["diverged"])
    seen, _, _, truncated, info = dream.step(0)
    assert np.isfinite(seen).all() and truncated and info["diverged"]


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        *(({"penalty": penalty}, "penalty is a finite number") for penalty in (float("nan"), float("inf"), "1", None, True)),
        *(({"max_episode_steps": steps}, "max_episode_steps must be a whole number") for steps in (2.5, 0, -5, "3", True)),
        *(({"member": member}, "member") for member in (0.0, True, -1, None)),
    ],
)
def test_a_wrong_setting_is_refused(known: wm.Model, setting: dict[str, Any], says: str) -> None:
    with pytest.raises(wm.ConfigError, match=says):
        wm.as_env(known, starts=[[0.0, 0.0]], **setting)
    with pytest.raises(wm.ConfigError, match=says):
        wm.as_vector_env(known, 2, starts=[[0.0, 0.0]], **setting)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_a_wrong_seed_is_refused(known: wm.Model, seed: Any) -> None:
    many = wm.as_vector_env(known, 2, starts=[[0.0, 0.0]])
    for call in (
        lambda: wm.as_env(known, starts=[[0.0, 0.0]]).reset(seed=seed),
        lambda: many.reset(seed=[0, seed]),
        lambda: many.reset(seed=seed),
    ):
        with pytest.raises(wm.ConfigError, match="a seed is a whole number of 0 or more"):
            call()
    for n in (0, 2.0, "2"):
        with pytest.raises(wm.ConfigError, match="n must be a whole number"):
            wm.as_vector_env(known, n, starts=[[0.0, 0.0]])  # type: ignore[arg-type]
