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


def test_spaces_given_beside_a_model_are_its_own() -> None:
    from gymnasium import spaces

    def model(action_space: Any) -> wm.Model:
        return wm.Model.from_function(lambda o, a: o, observation_space=([-9.0], [9.0]), action_space=action_space, reward=lambda o, a, n: 0.0)

    two = ["left", "right", "none"]
    for own, given in (
        (spaces.Discrete(3), ["a", "b", "c"]),
        (spaces.Discrete(3), spaces.Discrete(3, start=1)),
        (spaces.Discrete(3), spaces.Box(-1.0, 1.0, (3,))),
        (spaces.Discrete(3), 4),
        (two, ["left", "none", "right"]),
        (spaces.Box(-1.0, 1.0, (2,)), spaces.Box(-0.5, 1.0, (2,))),
        (spaces.Box(-1.0, 1.0, (4,)), spaces.Box(-1.0, 1.0, (2, 2))),
    ):
        with pytest.raises(wm.ConfigError, match="action_space .* is not the model's"):
            wm.Planner(model=model(own), action_space=given)
        with pytest.raises(wm.ConfigError, match="action_space .* is not the model's"):
            wm.mcts.Planner(transition_fn=model(own), action_space=given, observation=[0.0]).rollout(4)
    for own, given in (
        (spaces.Discrete(3), 3),
        (two, list(two)),
        (spaces.Box(-0.9, 0.9, (2,)), spaces.Box(-1.0, 1.0, (2,))),
        (spaces.Box(-0.1, 0.1, (2,), np.float32), ([-0.1, -0.1], [0.1, 0.1])),
        (spaces.Discrete(3, start=1), spaces.Discrete(3, start=1)),
    ):
        assert wm.Planner("random-shooting", model=model(own), action_space=given, horizon=2).horizon == 2
    with pytest.raises(wm.ConfigError, match="observation_space .* is not the model's"):
        wm.Planner(model=model(2), observation_space=([-20.0], [1.0]))


def test_what_goes_with_other_data_is_not_swallowed(tmp_path: Path) -> None:
    made = wm.data.episodes([{"observations": [[0.0], [1.0]], "actions": [[0.5]], "rewards": [1.0], "terminated": True}])
    ready, path = made.dataset(), made.write(tmp_path / "made")
    for given in (made, ready, path, list(made)):
        with pytest.raises(wm.ConfigError, match="rewards"):
            wm.data.dataset(given, rewards=[5.0])
    from gymnasium import spaces

    other = spaces.Box(-7.0, 7.0, (1,))
    for given in (made, path):
        for name in ("observation_space", "action_space"):
            assert getattr(wm.data.episodes(given, **{name: other}), name) == other
        with pytest.raises(wm.ShapeError):
            wm.data.episodes(given, observation_space=spaces.Box(-7.0, 7.0, (2,)))
    assert wm.data.episodes(made) is made
    with pytest.raises(TypeError, match="acton_space"):
        wm.data.from_table({"nothing": [1.0]}, acton_space=other)  # type: ignore[call-arg, unused-ignore]


UNUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "an end without a reward": (lambda: wm.learn("pendulum", termination=lambda o, a, n: False, progress=False), "termination"),
    "an end beside an expression": (lambda: wm.build({"environment": "pendulum", "reward": "x", "termination": lambda o, a, n: False}), "termination"),
    "an expression beside a function": (lambda: wm.build({"environment": "pendulum", "reward": lambda o, a, n: 0.0, "termination": "x > 1"}), "termination"),
    "rewards without actions": (lambda: wm.build({"data": columns(), "rewards": [1.0]}), "rewards"),
    "ends without actions": (lambda: wm.build({"data": columns(), "terminated": [True]}), "terminated"),
    "data twice": (lambda: wm.build({"data": columns()}, data=columns()), "data"),
    "data and recordings": (lambda: wm.build({"data": columns(), "observations": [[0.0], [1.0]], "actions": [[0.5]]}), "data"),
    "steps without an environment": (lambda: wm.build({"data": columns(), "steps": 3}), "steps"),
    "an option without a search": (
        lambda: wm.build({"actions": 2, "observations": ["x"], "transition": lambda o, a: o, "reward": lambda o, a, n: 0.0}, finalist=2),
        "finalists",
    ),
    "too many rewards": (lambda: wm.build({"observations": np.zeros((4, 1)), "actions": np.zeros((3, 1)), "rewards": np.zeros(5)}), "rewards of episode 0"),
    "an end in the middle": (
        lambda: wm.build({"observations": np.zeros((4, 1)), "actions": np.zeros((3, 1)), "terminated": [True, False, False]}),
        "goes on after its end",
    ),
    "an end that is none": (lambda: wm.build({"observations": np.zeros((4, 1)), "actions": np.zeros((3, 1)), "terminated": [0, 0, 2]}), "row 2 holds 2"),
}  # fmt: skip


@pytest.mark.parametrize("what", UNUSED)
def test_a_part_that_would_go_unread_is_refused(what: str) -> None:
    call, says = UNUSED[what]
    with pytest.raises(wm.WorldwrightError, match=says):
        call()


def test_bounds_may_change_after_they_were_given() -> None:
    for searched in (False, True):
        low, high = np.array([-1.0]), np.array([1.0])
        given: dict[str, Any] = {"action_space": (low, high), "reward_fn": lambda o, a, n: a[..., 0], "seed": 0}
        planner = (
            wm.mcts.Planner(transition_fn=lambda o, a: o, observation=[0.0], **given)
            if searched
            else wm.Planner("random-shooting", model=lambda o, a: o, horizon=2, **given)
        )
        low[:], high[:] = 50.0, 60.0
        action = planner.rollout(20).action if isinstance(planner, wm.mcts.Planner) else planner.act([0.0])
        assert -1.0 <= float(action[0]) <= 1.0
