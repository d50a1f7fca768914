"""Nothing that a user says is swallowed: names that nothing has are refused with the nearest, columns are read by what they are called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import worldwright as wm

SPACES: dict[str, Any] = {"observation_space": ([-9.0], [9.0]), "action_space": ([-1.0], [1.0])}


def columns(count: int = 60) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    observations, actions = rng.normal(size=(count, 1)), rng.uniform(-1.0, 1.0, size=(count, 1))
    return {"observations": observations, "actions": actions, "next_observations": observations + 0.1 * actions, "rewards": observations[:, 0]}


def fitted(model: wm.Model | None = None, **more: Any) -> wm.Model:
    model = model or wm.Model("linear", **SPACES)
    given = {**columns(), **more}
    model.fit(**{name: column for name, column in given.items() if column is not None})
    return model


MISSPELT: dict[str, tuple[Callable[[], Any], str]] = {
    "a planner's setting": (lambda: wm.Planner("icem", model=fitted(), horizn=3), "horizon"),
    "a model's setting": (lambda: wm.Model("linear", **SPACES, propagaton="expectation"), "propagation"),
    "a search's setting": (lambda: wm.mcts.Planner(transition_fn=lambda o, a: o, action_space=2, exploratoin=1.0), "exploration"),
    "a search": (lambda: wm.mcts.Planner(transition_fn=lambda o, a: o, action_space=2, algorithm="utc"), "uct"),
    "a budget": (lambda: wm.Planner("icem", model=fitted(), horizon=3).act([0.0], iteration=2), "iteration"),
    "an option of build": (lambda: wm.build("pendulum", finalist=2, progress=False), "finalists"),
    "a key of a domain": (lambda: wm.build({"environmnt": "pendulum"}), "environment"),
    "a section of learn": (lambda: wm.learn("pendulum", agent={"inital_steps": 3}, progress=False), "initial_steps"),
    "a setting of learn": (lambda: wm.learn("pendulum", settings={"planer.horizon": 3}, progress=False), "planner"),
    "a keyword of learn": (lambda: wm.learn("pendulum", step=3), "step"),
    "a keyword of collect": (lambda: wm.collect("Pendulum-v1", steps=3, polcy=None), "polcy"),
    "an option of a reset": (lambda: wm.as_env(fitted(), max_episode_steps=3).reset(options={"observatoin": [0.0]}), "observation"),
    "simulations beforehand": (lambda: wm.mcts.Planner(transition_fn=lambda o, a: o, action_space=2, simulations=9), "rollout"),
}


@pytest.mark.parametrize("what", MISSPELT)
def test_a_name_that_nothing_has(what: str) -> None:
    call, says = MISSPELT[what]
    with pytest.raises((wm.WorldwrightError, TypeError), match=says):
        call()


def test_data_without_rewards_teach_none(tmp_path: Path) -> None:
    model = fitted(rewards=None)
    predicted = model.predict([[1.0]], [[0.5]])
    np.testing.assert_allclose(predicted.mean, [[1.05]], atol=1e-6)
    assert predicted.paid is None and "reward" not in predicted._repr_html_()
    for ask in (
        lambda: predicted.rewards,
        lambda: predicted.reward,
        lambda: wm.Planner("icem", model=model, horizon=3),
        lambda: wm.mcts.Planner(transition_fn=model, observation=[0.0]).rollout(10),
        lambda: wm.as_env(model),
    ):
        with pytest.raises(wm.NotFittedError, match="without rewards"):
            ask()
    # It stays so on disk, and ends with data that have some.
    model.save(tmp_path / "model.safetensors")
    loaded = wm.Model("linear", **SPACES).load(tmp_path / "model.safetensors")
    assert not loaded.spec["rewarded"] and loaded.predict([[1.0]], [[0.5]]).paid is None
    fitted(loaded)
    np.testing.assert_allclose(loaded.predict([[1.0]], [[0.5]]).reward, [1.0], atol=1e-4)


def test_data_without_rewards_go_with_a_function() -> None:
    model = fitted(wm.Model("linear", **SPACES, reward=lambda o, a, n: -(n**2).sum(-1)), rewards=None)
    np.testing.assert_allclose(model.predict([[1.0]], [[0.5]]).reward, [-(1.05**2)], atol=1e-4)
    assert np.isfinite(wm.Planner("icem", model=model, horizon=3).plan([1.0]).value)


def test_a_run_that_would_learn_rewards_refuses_data_without(tmp_path: Path) -> None:
    data = {name: column for name, column in columns().items() if name != "rewards"}
    spaces = wm.Model("known", environment="linear")
    width = spaces.spec["observation_dim"]
    data = {name: np.repeat(column, width if "observation" in name else spaces.spec["action_dim"], axis=1) for name, column in data.items()}
    options: dict[str, Any] = {"model": "linear", "steps": 20, "agent": {"initial_steps": 10}, "evaluation": {"episodes": 1}, "progress": False}
    with pytest.raises(wm.ConfigError, match="data.*no rewards"):
        wm.learn("linear", data=data, reward={"kind": "learned"}, run_dir=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()
    wm.learn("linear", data=data, reward=lambda o, a, n: -(n**2).sum(-1), run_dir=tmp_path / "function", **options)


def test_a_reward_function_is_given_choices_from_the_first_on() -> None:
    from gymnasium import spaces

    space = spaces.Discrete(2, start=5)
    seen: set[int] = set()

    def paid(observation: Any, action: Any, following: Any) -> float:
        seen.add(int(action))
        return float(action)

    model = wm.Model("linear", observation_space=([-9.0], [9.0]), action_space=space, reward=paid)
    choices = np.array([5, 6] * 30)
    model.fit(**{**columns(), "actions": choices})
    np.testing.assert_array_equal(model.predict([[0.0], [0.0]], [5, 6]).reward, [5.0, 6.0])
    assert seen == {5, 6}
