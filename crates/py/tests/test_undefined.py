"""NaN, infinite numbers and None are refused where they come in, with their place; nothing is made of them in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm
from gymnasium import spaces

BOX: dict[str, Any] = {"observation_space": ([-5.0, -5.0], [5.0, 5.0]), "action_space": ([-1.0], [1.0])}
BAD = {"NaN": [0.0, np.nan], "infinite": [np.inf, 0.0], "None": None, "a part None": [0.0, None]}


def model(**more: Any) -> wm.Model:
    return wm.Model.from_function(lambda o, a: o + 0.1 * a, reward=lambda o, a, n: -(n**2).sum(-1), **BOX, **more)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> wm.Agent:
    folder = tmp_path_factory.mktemp("runs") / "run"
    options: dict[str, Any] = {"model": "linear", "steps": 30, "agent": {"initial_steps": 20}, "evaluation": {"episodes": 1}}
    return wm.learn("linear", run_dir=folder, progress=False, **options).agent()


@pytest.mark.parametrize("what", BAD)
def test_an_observation(what: str, agent: wm.Agent) -> None:
    observation = BAD[what]
    planner = wm.Planner("icem", model=model(), horizon=5)
    dream = wm.as_env(model(), starts=[[0.0, 0.0]], max_episode_steps=3)
    imagined = model().imagination(2)
    calls = [
        lambda: planner.plan(observation),
        lambda: planner.act(observation),
        lambda: model().predict([[0.0, 0.0], observation], [[0.0], [0.0]]),
        lambda: imagined.observe([[0.0, 0.0], observation]),
        lambda: dream.reset(options={"observation": observation}),
        lambda: wm.as_env(model(), starts=lambda rng: observation, max_episode_steps=3).reset(seed=0),
        lambda: wm.mcts.Planner(transition_fn=model(), observation=observation).rollout(10),
        lambda: agent.act(observation),
        lambda: agent.plan(observation),
        lambda: agent.begin(observation),
    ]
    if observation is None:
        # A search without an observation says that it has none, and a dream draws a start.
        calls = [call for i, call in enumerate(calls) if i not in (4, 6)]
    for call in calls:
        with pytest.raises(wm.WorldwrightError, match="finite|None|expected|nan"):
            call()


def test_the_place_is_named() -> None:
    with pytest.raises(wm.DivergedError, match="the observation holds NaN at place 1"):
        wm.Planner("icem", model=model(), horizon=5).plan([0.0, np.nan])
    with pytest.raises(wm.DivergedError, match="the observation of row 1 holds inf at place 0"):
        model().predict([[0.0, 0.0], [np.inf, 0.0]], [[0.0], [0.0]])
    with pytest.raises(wm.DivergedError, match="actions: row 1 holds NaN"):
        model().predict([[0.0, 0.0], [0.0, 0.0]], [[0.0], [np.nan]])
    with pytest.raises(wm.DivergedError, match="actions: row 0 holds NaN"):
        dream = wm.as_env(model(), starts=[[0.0, 0.0]], max_episode_steps=3)
        dream.reset(seed=0)
        dream.step(np.array([np.nan]))


def nothing(o: Any, a: Any, n: Any) -> Any:
    return None


def sometimes(o: Any, a: Any, n: Any) -> Any:
    return 1.0 if n[0] > 0.0 else None


def logarithm(o: Any, a: Any, n: Any) -> Any:
    with np.errstate(invalid="ignore"):
        return np.log(n[..., 0])


REWARDS = {
    "None": (nothing, "got None"),
    "None for some rows": (sometimes, "got None for row 0"),
    "NaN for some rows": (logarithm, r"reward: NaN for row 0, observation \[-1.0"),
    "text": (lambda o, a, n: "much", "expected numbers"),
    "two numbers a row": (lambda o, a, n: n, "expected shape"),
    "an end that is no flag": (lambda o, a, n: (n[..., 0] * 0.0, n[..., 0] * np.nan), "terminated: row 0 is nan"),
}


@pytest.mark.parametrize("what", REWARDS)
def test_a_reward_function(what: str, tmp_path: Path) -> None:
    function, says = REWARDS[what]
    made = wm.Model.from_function(lambda o, a: o + 0.0 * a, reward=function, **BOX)
    vectorized = None
    for call in (
        lambda: wm.Planner("icem", model=made, horizon=3).act([-1.0, 1.0]),
        lambda: wm.Planner("icem", model=lambda o, a: o + 0.0 * a, reward_fn=function, vectorized=vectorized, horizon=3, **BOX).act([-1.0, 1.0]),
        lambda: made.predict([[-1.0, 1.0], [1.0, 1.0]], [[0.0], [0.0]]),
        lambda: wm.mcts.Planner(transition_fn=lambda o, a: o + 0.0 * a, reward_fn=function, observation=[-1.0, 1.0], **BOX).rollout(20),
    ):
        with pytest.raises(wm.ExternalError, match=says):
            call()


def test_a_run_ends_at_the_first_reward_that_is_none(tmp_path: Path) -> None:
    options: dict[str, Any] = {"model": "linear", "steps": 60, "agent": {"initial_steps": 20}, "evaluation": {"episodes": 1}}
    with pytest.raises(wm.ExternalError, match="reward: NaN for row 0, observation"):
        wm.learn("linear", run_dir=tmp_path / "run", progress=False, reward=lambda o, a, n: n[..., 0] * np.nan, **options)
    assert not (tmp_path / "run" / "summary.json").exists()


def test_rows_that_left_the_numbers_are_no_fault_of_the_reward() -> None:
    """A model that bursts, as one that is badly fitted does: its rows rank last, and planning goes on."""

    def burst(observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.where(actions > 0.5, observations * 1e200, observations)

    with np.errstate(over="ignore", invalid="ignore"):
        plan = wm.Planner("cem", model=burst, reward_fn=lambda o, a, n: (n**2 - n**2).sum(-1), horizon=4, vectorized=True, **BOX).plan([1.0, 1.0])
    assert plan.diverged > 0 and np.isfinite(plan.value)


def test_values_and_priors() -> None:
    made = model()
    with pytest.raises(wm.ExternalError, match="values: NaN for row"):
        wm.Planner("icem", model=made, horizon=3, value_fn=lambda o: o[:, 0] * np.nan).plan([1.0, 1.0])
    with pytest.raises(wm.ExternalError, match="the policy's actions: NaN for row"):
        wm.Planner("mppi", model=made, horizon=3, policy=lambda o: np.full((len(o), 1), np.nan)).plan([1.0, 1.0])


class Bad(gymnasium.Env[Any, Any]):
    """Shows or pays what is no finite number at its third step."""

    observation_space = spaces.Dict(x=spaces.Box(-np.inf, np.inf, (2,), np.float64))
    action_space = spaces.Box(-1, 1, (1,), np.float64)

    def __init__(self, observation: Any = 0.0, reward: Any = 1.0) -> None:
        self.observation, self.reward, self.count = observation, reward, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.count = 0
        return {"x": np.zeros(2)}, {}

    def step(self, action: Any) -> Any:
        self.count += 1
        bad = self.count == 3
        return {"x": np.array([0.0, self.observation if bad else 0.0])}, self.reward if bad else 1.0, False, self.count == 5, {}


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        (Bad(observation=np.nan), r"observation.*\['x'\] holds (NaN|nan) at"),
        (Bad(observation=np.inf), r"observation.*\['x'\] holds inf at"),
        (Bad(reward=np.nan), "the reward of Bad is nan"),
        (Bad(reward=None), "the reward of Bad: got None"),
        (Bad(reward=-np.inf), "the reward of Bad is -inf"),
    ],
)
def test_an_environment(environment: Bad, says: str, tmp_path: Path) -> None:
    with pytest.raises(wm.WorldwrightError, match=says):
        wm.collect(environment, steps=10)
    with pytest.raises(wm.ExternalError, match=says):
        wm.learn(environment, model="linear", steps=20, run_dir=tmp_path / "run", progress=False)
    with pytest.raises(wm.WorldwrightError, match=says):
        wm.collect(gymnasium.vector.SyncVectorEnv([lambda: environment]), steps=10)
