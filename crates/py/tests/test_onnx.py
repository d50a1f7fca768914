"""Networks as ONNX, checked with onnxruntime against the model itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def asked(path: Path, **inputs: Any) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, inputs), strict=True))


def pendulum(kind: str, **settings: Any) -> tuple[wm.Model, np.ndarray, np.ndarray]:
    """A model of an angle and a speed, which see the angle as sine and cosine."""
    rng = np.random.default_rng(0)
    before = np.column_stack([rng.uniform(-6, 6, 300), rng.uniform(-8, 8, 300)])
    actions = rng.uniform(-2, 2, (300, 1))
    speed = before[:, 1] + 0.05 * (15 * np.sin(before[:, 0]) + 3 * actions[:, 0])
    after = np.column_stack([before[:, 0] + 0.05 * speed, speed])
    box = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64)
    model = wm.Model(
        kind,
        observation_space=box,
        action_space=gymnasium.spaces.Box(-2.0, 2.0, (1,)),
        epochs=5,
        hidden=[24, 16],
        angles=[0],
        **settings,
    )
    model.fit(observations=before, actions=actions, next_observations=after, rewards=-(before[:, 0] ** 2))
    return model, before[:40], actions[:40]


@pytest.mark.parametrize("activation", ["silu", "relu", "elu", "tanh", "mish", "softplus"])
def test_one_network(activation: str, tmp_path: Path) -> None:
    model, observations, actions = pendulum("deterministic", activation=activation)
    expected = model.predict(observations, actions)
    told = asked(model.export_onnx(tmp_path / "a.onnx", precision="float64"), observation=observations, action=actions)
    np.testing.assert_allclose(told["next_observations"], expected.observations, atol=1e-5)
    np.testing.assert_allclose(told["rewards"], expected.rewards, atol=1e-5)
    np.testing.assert_allclose(told["continuations"], expected.continuations, atol=1e-5)
    assert np.ptp(expected.observations) > 1.0
    single = {"observation": observations.astype(np.float32), "action": actions.astype(np.float32)}
    told = asked(model.export_onnx(tmp_path / "b.onnx"), **single)
    assert told["next_observations"].dtype == np.float32
    np.testing.assert_allclose(told["next_observations"], expected.observations, atol=1e-5, rtol=1e-5)


def test_members_and_their_mean(tmp_path: Path) -> None:
    model, observations, actions = pendulum("ensemble", members=4, elites=3, propagation="expectation")
    expected = model.predict(observations, actions)
    told = asked(model.export_onnx(tmp_path / "a.onnx", precision="float64"), observation=observations, action=actions)
    assert told["next_observations"].shape == (3, 40, 2)
    np.testing.assert_allclose(told["next_observations"].mean(axis=0), expected.mean, atol=1e-5)
    np.testing.assert_allclose(told["rewards"].mean(axis=0), expected.reward, atol=1e-5)
    assert told["next_observations"].std(axis=0).max() > 1e-3
    # A number of rows that the file was not written for.
    one = asked(tmp_path / "a.onnx", observation=observations[:1], action=actions[:1])
    np.testing.assert_allclose(one["next_observations"][:, 0], told["next_observations"][:, 0], atol=1e-6)


def test_choices_and_where_the_task_ends(tmp_path: Path) -> None:
    episodes = wm.collect("CartPole-v1", steps=300, seed=1)
    model = wm.Model(
        "deterministic",
        observation_space=episodes.observation_space,
        action_space=episodes.action_space,
        discount=0.97,
        epochs=5,
        hidden=[16],
    )
    model.fit(episodes)
    columns = episodes.transitions()
    observations, actions = columns["observations"].astype(np.float64), columns["actions"]
    expected = model.predict(observations, actions)
    told = asked(model.export_onnx(tmp_path / "a.onnx", precision="float64"), observation=observations, action=actions)
    np.testing.assert_allclose(told["next_observations"], expected.observations, atol=1e-5)
    np.testing.assert_allclose(told["continuations"], expected.continuations, atol=1e-5)
    assert told["continuations"].min() < 0.5 and told["continuations"].max() <= 0.97


def test_a_reward_that_is_known_is_not_in_the_file(tmp_path: Path) -> None:
    episodes = wm.collect("Pendulum-v1", steps=50, seed=1)
    model = wm.Model(
        "deterministic",
        observation_space=episodes.observation_space,
        action_space=episodes.action_space,
        reward=lambda observation, action: -(observation[..., 2] ** 2),
        epochs=2,
        hidden=[8],
    )
    model.fit(episodes)
    told = asked(model.export_onnx(tmp_path / "a.onnx"), observation=episodes.observations[:5], action=episodes.actions[:5])
    assert list(told) == ["next_observations"]
    np.testing.assert_allclose(
        told["next_observations"], model.predict(episodes.observations[:5], episodes.actions[:5]).observations, atol=1e-5
    )


def test_what_is_no_network_is_told(tmp_path: Path) -> None:
    box = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float64)
    columns = {name: np.linspace(-1, 1, 20)[:, None] for name in ("observations", "actions", "next_observations")}
    for kind in ("linear", "gp", "auto"):
        model = wm.Model(kind, observation_space=box, action_space=box)
        model.fit(**columns)
        with pytest.raises(wm.UnsupportedError, match="is no network"):
            model.export_onnx(tmp_path / "a.onnx")
    with pytest.raises(wm.NotFittedError):
        wm.Model("ensemble", observation_space=box, action_space=box).export_onnx(tmp_path / "a.onnx")
    with pytest.raises(wm.ConfigError, match="precision"):
        wm.Model("ensemble", observation_space=box, action_space=box).export_onnx(tmp_path / "a.onnx", precision="int8")


def test_the_ensemble_that_auto_chose(tmp_path: Path) -> None:
    box = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float64)
    rng = np.random.default_rng(0)
    before, actions = rng.uniform(-1, 1, (24, 1)), rng.uniform(-1, 1, (24, 1))
    model = wm.Model("auto", observation_space=box, action_space=box, gp_transitions=10)
    report = model.fit(observations=before, actions=actions, next_observations=before + 0.1 * actions)
    assert "ensemble" in report.note
    told = asked(model.export_onnx(tmp_path / "a.onnx", precision="float64"), observation=before, action=actions)
    # Each of its five lanes adds noise to what one member expects.
    sampled = np.mean([model.predict(before, actions, seed=seed).observations for seed in range(40)], axis=0)
    assert np.abs(told["next_observations"].mean(axis=0) - sampled.mean(axis=0)).max() < 0.02
