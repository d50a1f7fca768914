"""Calls as users write them, for the type checker: what comes out has the type that is written beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

import worldwright as wm
from worldwright import mcts

Floats = NDArray[np.float64]


def reward(observation: Floats, action: Floats, following: Floats) -> Floats:
    return -np.asarray((observation**2).sum(axis=-1))


def step(observation: Floats, action: Floats) -> Floats:
    return observation + 0.1 * action


def follow(kind: str, values: Any) -> None:
    print(kind, dict(values))


def runs() -> None:
    run: wm.Run = wm.learn(
        gymnasium.make("Pendulum-v1"), algorithm="pets", steps=1000, seed=3, model={"members": 7}, planner="icem",
        evaluation={"episodes": 20}, reward=reward, run_dir=Path("runs/mine"), resume=True, follow=follow,
    )
    wm.learn("pendulum", config={"steps": 200}, settings={"planner.horizon": 20}, progress=False)
    mean: float = run.return_mean
    returns: list[float] = run.returns
    rows: list[dict[str, Any]] = run.rows("episode")
    frame = run.metrics("learn", library="polars")
    figure = run.plot("return")
    wm.plot([run, run], labels=["a", "b"])
    wm.plot({"a": [run]})
    finished: bool = run.finished
    print(mean, returns, rows, frame, figure, finished, run.summary["seed"], run.about["model"], run.report)


def agents() -> None:
    agent: wm.Agent = wm.load("runs/mine", reward=reward)
    action = agent.act(np.zeros(3))
    plan: wm.Plan = agent.plan(np.zeros(3))
    evaluation: wm.Evaluation = agent.evaluate(episodes=5, seed=1)
    value: float = plan.value
    returns: list[float] = evaluation.returns
    print(action, value, returns, agent.model.spec["members"])


def models() -> None:
    model = wm.Model("ensemble", observation_space=([-1.0], [1.0]), action_space=2, members=5)
    report: wm.FitReport = model.fit(observations=np.zeros((9, 1)), actions=np.zeros(9, dtype=int), next_observations=np.zeros((9, 1)))
    prediction: wm.Prediction = model.predict(np.zeros((4, 1)), np.zeros(4, dtype=int))
    mean: Floats = prediction.mean
    same: wm.Model = model.load("model.safetensors")
    written: wm.Model = wm.Model.from_function(step, observation_space=([-1.0], [1.0]), action_space=([-1.0], [1.0]), reward=reward)
    print(report.holdout_mse, mean, same, written)


def planners(model: wm.Model) -> None:
    planner = wm.Planner("icem", model=model, horizon=20)
    plan: wm.Plan = planner.plan(np.zeros(2), time=0.01)
    other = wm.Planner("cem", model=step, reward_fn=reward, action_space=([-1.0], [1.0]))
    search: mcts.Planner = mcts.Planner(transition_fn=step, action_space=["left", "right"], reward_fn=reward).rollout(1000, observation=[0.0])
    value: float = search.value
    weighed: list[wm.Weighed] = search.visits
    print(plan.action, other.horizon, search.action, value, weighed)


class Pushed(wm.WorldModel):
    def predict(self, observations: Floats, actions: NDArray[Any], rng: np.random.Generator) -> Floats:
        return step(observations, actions)


def written() -> None:
    model = Pushed(observation_space=2, action_space=([-1, -1], [1, 1]), reward=reward)
    policy: wm.Policy = wm.Policy.of(lambda observations: np.zeros((len(observations), 2)))
    wm.Planner("icem", model=model, policy=policy, value_fn=lambda observations: np.zeros(len(observations)))


def dreams(model: wm.Model) -> None:
    dream = wm.as_env(model, starts=[[0.0]], member="mean")
    observation, info = dream.reset(seed=0)
    reward: float = dream.step(0)[1]
    vector = wm.as_vector_env(model, 8, autoreset_mode="SameStep")
    rewards: NDArray[np.float64] = vector.step(vector.action_space.sample())[1]
    path: Path = model.export_onnx("model.onnx")
    print(observation, info, reward, rewards, path)


def recorded() -> None:
    episodes: wm.data.Episodes = wm.collect("Pendulum-v1", steps=400)
    first: wm.data.Episode = episodes[0]
    returns: NDArray[np.float64] = episodes.returns
    transitions: wm.data.Dataset = wm.data.dataset(episodes.to_pandas())
    path: Path = wm.data.write(episodes[:1], "pendulum.parquet", format="parquet")
    again: wm.data.Episodes = wm.data.read(path)
    print(first.episode_return, returns, len(transitions), again)


def lists() -> None:
    entry: wm.Entry = wm.planners()["icem"]
    names: list[str] = [*wm.models(), *wm.environments(), *wm.algorithms()]
    print(entry.summary, entry.settings["horizon"]["default"], names, wm.__version__)


def errors() -> None:
    try:
        wm.learn("pendulun")
    except wm.UnknownNameError as error:
        print(error)
    except wm.WorldwrightError as error:
        print(error.__cause__)
