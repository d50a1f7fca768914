"""Environments in: single, vector in all autoreset modes, a lane of a vector, PettingZoo."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm
from gymnasium.vector import AutoresetMode
from worldwright.vector import Lane, first_lane


class Count(gymnasium.Env[np.ndarray, int]):
    """Counts its steps on from where its reset began; episodes differ in length and in how they end."""

    observation_space = gymnasium.spaces.Box(0.0, 1e6, (2,), np.float64)
    action_space = gymnasium.spaces.Discrete(3)
    made = 0

    def __init__(self) -> None:
        self.number, Count.made = Count.made, Count.made + 1
        self.episode = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.episode += 1
        self.step_count = 0
        return self._shown(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.step_count += 1
        over = self.step_count == 2 + (self.number + self.episode) % 3
        return (
            self._shown(),
            10.0 * self.step_count + action,
            over and self.number % 2 == 0,
            over and self.number % 2 == 1,
            {"at": self.step_count},
        )

    def _shown(self) -> np.ndarray:
        return np.array([100.0 * self.number + self.episode, self.step_count])


def check(episodes: wm.data.Episodes) -> None:
    """Every episode is one of the environment's own, whole, in order, and paid for the action that it took."""
    for i, episode in enumerate(episodes):
        which = episode.observations[:, 0]
        assert len(set(which)) == 1, "a transition from one episode into the next"
        np.testing.assert_array_equal(episode.observations[:, 1], np.arange(len(episode) + 1))
        np.testing.assert_array_equal(episode.rewards, 10.0 * np.arange(1, len(episode) + 1) + episode.actions)
        number, turn = divmod(int(which[0]), 100)
        if episode.terminated or episode.truncated:
            assert len(episode) == 2 + (number + turn) % 3
            assert episode.terminated == (number % 2 == 0)
        else:
            last = i + 1 == len(episodes) or episodes[i + 1].observations[0, 0] // 100 != number
            assert last, "only the last episode of an environment may be open"


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_a_vector_in_every_mode(mode: AutoresetMode) -> None:
    Count.made = 0
    vector = gymnasium.vector.SyncVectorEnv([Count] * 3, autoreset_mode=mode)
    episodes = wm.collect(vector, steps=50, seed=1)
    check(episodes)
    assert episodes.steps == 50
    assert {int(which) // 100 for which in episodes.first_observations[:, 0]} == {0, 1, 2}
    assert episodes.terminated.any() and episodes.truncated.any()


def test_a_policy_of_batches_and_one_of_an_object() -> None:
    Count.made = 0
    vector = gymnasium.vector.SyncVectorEnv([Count] * 2)
    episodes = wm.collect(vector, steps=10, policy=lambda observations: (observations[:, 1] % 3).astype(int))
    for episode in episodes:
        np.testing.assert_array_equal(episode.actions, episode.observations[:-1, 1] % 3)

    class Trained:
        def predict(self, observation: np.ndarray) -> tuple[int, None]:
            return int(observation[1]) % 2, None

    episodes = wm.collect(Count(), steps=7, policy=Trained())
    for episode in episodes:
        np.testing.assert_array_equal(episode.actions, episode.observations[:-1, 1] % 2)
    with pytest.raises(wm.ConfigError, match="no policy"):
        wm.collect(Count(), steps=7, policy=3)


def test_a_single_environment_repeats_by_its_seed() -> None:
    one, two = (wm.collect("Pendulum-v1", steps=250, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.observations, two.observations)
    assert one.lengths.tolist() == [200, 50] and one.seeds == [4, 5]
    assert one.truncated.tolist() == [True, False]
    other = wm.collect("Pendulum-v1", steps=250, seed=9)
    assert not np.array_equal(one.observations, other.observations)
    shown, _ = gymnasium.make("Pendulum-v1").reset(seed=5)
    np.testing.assert_array_equal(one.first_observations[1], shown)


def test_a_same_step_vector_that_hides_its_last_observation_is_refused() -> None:
    class Hiding(gymnasium.vector.VectorWrapper):
        def step(self, actions: Any) -> Any:
            *rest, infos = self.env.step(actions)
            infos.pop("final_obs", None)
            return (*rest, infos)

    vector = Hiding(gymnasium.vector.SyncVectorEnv([Count] * 2, autoreset_mode=AutoresetMode.SAME_STEP))
    with pytest.raises(wm.ConfigError, match="final_obs"):
        wm.collect(vector, steps=20)


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("lane", [0, 1])
def test_a_lane_is_the_environment_alone(mode: AutoresetMode, lane: int) -> None:
    makers = [lambda: gymnasium.make("CartPole-v1")] * 3
    one = Lane(gymnasium.vector.SyncVectorEnv(makers, autoreset_mode=mode), lane=lane)
    alone = gymnasium.make("CartPole-v1")
    rng = np.random.default_rng(0)
    for episode in range(4):
        mine, _ = one.reset(seed=episode)
        np.testing.assert_array_equal(mine, alone.reset(seed=episode)[0])
        over = False
        while not over:
            action = int(rng.integers(2))
            step, expected = one.step(action), alone.step(action)
            np.testing.assert_array_equal(step[0], expected[0])
            assert step[1:4] == expected[1:4]
            over = step[2] or step[3]
        with pytest.raises(wm.ConfigError):
            one.step(0)


def test_which_lane_is_taken() -> None:
    vector = gymnasium.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync")
    assert first_lane(vector) is vector.envs[0]
    computed = gymnasium.make_vec("CartPole-v1", num_envs=2, vectorization_mode="vector_entry_point", sutton_barto_reward=True)
    alone = first_lane(computed)
    assert type(alone.unwrapped).__name__ == "CartPoleEnv" and alone.unwrapped._sutton_barto_reward
    assert wm.collect(computed, steps=100, seed=0).steps == 100
    wrapped = gymnasium.wrappers.vector.TransformReward(vector, lambda reward: -reward)
    lane = first_lane(wrapped)
    assert isinstance(lane, Lane)
    lane.reset(seed=0)
    assert lane.step(0)[1] == -1.0


def test_learning_goes_through_a_lane(tmp_path: Any) -> None:
    vector = gymnasium.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync")
    wrapped = gymnasium.wrappers.vector.TransformReward(vector, lambda reward: 2.0 * reward)
    run = wm.learn(
        wrapped,
        steps=40,
        run_dir=tmp_path / "run",
        model={"name": "linear"},
        agent={"initial_steps": 40},
        progress=False,
        settings={"evaluation.episodes": 1, "planner.horizon": 3},
    )
    episodes = wm.data.episodes(run)
    assert episodes.steps == 40 and set(episodes.rewards) == {2.0}
    dream = wm.as_env(run, max_episode_steps=5)
    assert dream.observation_space.contains(dream.reset(seed=0)[0])
    assert dream.step(1)[1] == pytest.approx(2.0, abs=1e-6)


def test_policies_written_in_python_act() -> None:
    turned = wm.Policy.of(lambda observations: -100.0 * observations[:, :1])
    single = wm.collect(gymnasium.make("Pendulum-v1"), steps=30, policy=turned)
    vector = wm.collect(gymnasium.make_vec("Pendulum-v1", num_envs=3), steps=30, policy=turned)
    for episodes in (single, vector):
        transitions = episodes.transitions()
        wanted = np.clip(-100.0 * transitions["observations"][:, :1], -2.0, 2.0)
        np.testing.assert_allclose(transitions["actions"], wanted, rtol=1e-5)
    right = wm.Policy.of(lambda observations: np.tile([0.0, 1.0], (len(observations), 1)))
    assert np.all(wm.collect("CartPole-v1", steps=9, policy=right).transitions()["actions"] == 1)
    assert np.all(wm.collect(gymnasium.make_vec("CartPole-v1", num_envs=2), steps=9, policy=right).transitions()["actions"] == 1)


def test_a_class_makes_its_environment() -> None:
    class Still(gymnasium.Env[Any, Any]):
        observation_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float64)
        action_space = gymnasium.spaces.Discrete(2)

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
            return np.zeros(1), {}

        def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
            return np.zeros(1), 1.0, False, False, {}

    assert wm.collect(Still, steps=3).steps == 3


class Grid(gymnasium.Env[Any, Any]):
    """Shows and takes arrays of choices, of which Gymnasium tells no length without a warning."""

    observation_space = gymnasium.spaces.MultiDiscrete(np.array([[3, 2]]))
    action_space = gymnasium.spaces.MultiDiscrete(np.array([[2]]))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return np.array([[2, 1]]), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return np.array([[int(action[0, 0]), 1]]), 1.0, False, False, {}


def test_spaces_are_taken_as_they_are_whatever_their_length() -> None:
    collected = wm.collect(Grid(), steps=12, seed=1)
    assert collected.observation_space == Grid.observation_space and collected.action_space == Grid.action_space
    assert len(wm.data.dataset(collected)) == 12


@pytest.mark.parametrize(("name", "recorded"), [("pendulum", "pendulum"), ("tiger", "tiger"), ("gym:CartPole-v1", "gym:CartPole-v1")])
def test_names_are_those_of_learn(name: str, recorded: str) -> None:
    one, two = (wm.collect(name, steps=30, seed=3) for _ in range(2))
    assert one.environment == recorded and one.steps == 30
    np.testing.assert_array_equal(one.observations, two.observations)
    assert not np.array_equal(one.actions, wm.collect(name, steps=30, seed=4).actions)


def test_a_native_environment_is_stepped_by_a_policy_and_its_episodes_end() -> None:
    episodes = wm.collect("pendulum", steps=250, policy=lambda observation: np.array([2.0 * np.sign(observation[2])]), seed=7)
    assert episodes.lengths.tolist() == [200, 50] and episodes.truncated.tolist() == [True, False] and episodes.seeds == [7, 8]
    shown = episodes.transitions()["observations"]
    np.testing.assert_array_equal(episodes.actions[:, 0], 2.0 * np.sign(shown[:, 2]))
    # The same as its original from the same state: cos² + sin² = 1, and the reward of Gymnasium's documentation.
    angle, speed = np.arctan2(shown[:, 1], shown[:, 0]), shown[:, 2]
    np.testing.assert_allclose(episodes.rewards, -(angle**2 + 0.1 * speed**2 + 0.001 * episodes.actions[:, 0] ** 2), atol=1e-5)


def test_names_that_nothing_has_are_told_with_the_nearest() -> None:
    with pytest.raises(wm.UnknownNameError, match="did you mean 'pendulum'"):
        wm.collect("pendulm", steps=3)
    with pytest.raises(wm.WorldwrightError, match="CartPol-v1"):
        wm.collect("gym:CartPol-v1", steps=3)


class Dying(Count):
    """A Count whose twelfth step fails."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        self.age = getattr(self, "age", 0)
        return super().reset(seed=seed, options=options)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.age += 1
        if self.age == 12:
            raise OSError("the cable came off")
        return super().step(action)


@pytest.mark.parametrize("places", [1, 3])
def test_what_was_collected_before_a_failure_is_kept_by_the_exception(places: int, tmp_path: Any) -> None:
    Count.made = 0
    environment = Dying() if places == 1 else gymnasium.vector.SyncVectorEnv([Dying] * places)
    with pytest.raises(OSError, match="the cable came off") as raised:
        wm.collect(environment, steps=100, seed=2)
    kept: wm.data.Episodes = raised.value.collected  # type: ignore[attr-defined]
    check(kept)
    assert kept.steps >= 11 * places - places and f"{kept.steps} steps in {len(kept)} episodes" in raised.value.__notes__[0]
    written = wm.data.write(kept, tmp_path / "kept")
    np.testing.assert_array_equal(wm.data.episodes(written).observations, kept.observations)


def test_a_failure_before_the_first_step_has_nothing_to_keep() -> None:
    def policy(_: Any) -> int:
        raise OSError("no policy")

    with pytest.raises(OSError) as raised:
        wm.collect(Count(), steps=3, policy=policy)
    assert not hasattr(raised.value, "collected") and not hasattr(raised.value, "__notes__")
