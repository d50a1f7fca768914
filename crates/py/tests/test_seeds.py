"""Every door that takes a seed refuses what is none as a ValueError that names the range."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import worldwright as wm

BOX = (np.full(2, -1.0), np.ones(2))
PUSH = (np.full(1, -1.0), np.ones(1))
SMALL: dict[str, Any] = {"name": "random-shooting", "population": 8, "horizon": 3}
COLUMNS = {
    "observations": np.zeros((4, 2)),
    "actions": np.zeros((4, 1)),
    "rewards": np.zeros(4),
    "next_observations": np.zeros((4, 2)),
}


def model(**options: Any) -> wm.Model:
    return wm.Model("linear", observation_space=BOX, action_space=PUSH, reward=lambda o, a, n: 0.0, **options)


def function() -> wm.Model:
    return wm.Model.from_function(lambda o, a: o, observation_space=BOX, action_space=PUSH, reward=lambda o, a, n: 0.0)


def episodes(**options: Any) -> Any:
    return wm.data.Episodes(observations=np.zeros((3, 1)), actions=np.zeros((2, 1)), rewards=np.zeros(2), lengths=[2], **options)


def observed(seed: Any) -> Any:
    imagined = function().imagination(1)
    imagined.observe(np.zeros((1, 2)), seed=seed)
    return imagined.step(np.zeros((1, 1)), seed=0)


def stepped(seed: Any) -> Any:
    imagined = function().imagination(1)
    imagined.observe(np.zeros((1, 2)))
    return imagined.step(np.zeros((1, 1)), seed=seed)


DOORS: dict[str, Callable[[Any], Any]] = {
    "model": lambda seed: model(seed=seed),
    "fit": lambda seed: model().fit(COLUMNS, seed=seed),
    "predict": lambda seed: function().predict(np.zeros((1, 2)), np.zeros((1, 1)), seed=seed),
    "observe": observed,
    "step": stepped,
    "planner": lambda seed: wm.Planner(model=function(), seed=seed, **SMALL),
    "planner of a function": lambda seed: wm.Planner(model=lambda o, a: (o, 0.0), action_space=PUSH, seed=seed, **SMALL),
    "reset": lambda seed: wm.Planner(model=function(), **SMALL).reset(seed=seed),
    "tree search": lambda seed: wm.mcts.Planner(transition_fn=function(), seed=seed),
    "collect": lambda seed: wm.collect("Pendulum-v1", steps=2, seed=seed),
    "episodes": lambda seed: episodes(seed=seed),
    "an episode": lambda seed: episodes(seeds=[seed]),
}
RUNS: dict[str, Callable[[Any], Any]] = {
    "learn": lambda seed: wm.learn("pendulum", steps=1, seed=seed, progress=False),
    "sweep": lambda seed: wm.distributed.sweep("pendulum", seeds=[seed], progress=False),
    "worker": lambda seed: wm.distributed.learn("pendulum", seed=seed, progress=False),
}


@pytest.mark.parametrize("wrong", [-1, 2**64, -(2**70), True, 1.0, "1", np.int64(-3)], ids=repr)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_seed_is_refused(door: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"a whole number from 0 to 18446744073709551615"):
        DOORS[door](wrong)


@pytest.mark.parametrize("seed", [0, 2**63, 2**64 - 1, np.uint64(2**64 - 1)], ids=repr)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_one_is_taken(door: str, seed: Any) -> None:
    DOORS[door](seed)


@pytest.mark.parametrize("wrong", [-1, 2**63, 2**64, True, 0.5], ids=repr)
@pytest.mark.parametrize("door", RUNS)
def test_runs_keep_their_seed_as_a_signed_number(door: str, wrong: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"a whole number from 0 to 9223372036854775807"):
        RUNS[door](wrong)
    assert list(tmp_path.iterdir()) == []


def test_other_settings_name_their_range(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(wm.ConfigError, match="planner.horizon: a whole number of a setting is from"):
        wm.learn("pendulum", steps=1, settings={"planner.horizon": 2**80}, progress=False)
    with pytest.raises(wm.ConfigError, match="seed"):
        wm.learn("pendulum", steps=1, settings={"seed": 2**64}, progress=False)
