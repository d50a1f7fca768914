"""Data in and out in every form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm
from worldwright import data


def same(one: data.Episodes, two: data.Episodes, *, seeds: bool = False) -> None:
    np.testing.assert_array_equal(one.lengths, two.lengths)
    np.testing.assert_array_equal(
        one.observations.reshape(len(one.observations), -1), two.observations.reshape(len(two.observations), -1)
    )
    np.testing.assert_array_equal(one.actions.reshape(one.steps, -1), two.actions.reshape(two.steps, -1))
    np.testing.assert_array_equal(one.rewards, two.rewards)
    np.testing.assert_array_equal(one.terminated, two.terminated)
    np.testing.assert_array_equal(one.truncated, two.truncated)
    if seeds:
        assert one.seeds == two.seeds


@pytest.fixture(scope="module")
def swings() -> data.Episodes:
    return wm.collect("Pendulum-v1", steps=430, seed=2)[:2]


@pytest.fixture(scope="module")
def poles() -> data.Episodes:
    episodes = wm.collect("CartPole-v1", steps=120, seed=2)
    return episodes[: len(episodes) - 1]


def test_episodes_are_views_of_the_given_arrays() -> None:
    observations, actions, rewards = np.arange(14.0).reshape(7, 2), np.arange(5.0).reshape(5, 1), np.arange(5.0)
    episodes = data.Episodes(
        observations=observations, actions=actions, rewards=rewards, lengths=[2, 3], terminated=[True, False]
    )
    assert episodes.observations is observations and episodes.rewards is rewards and episodes.actions is actions
    second = episodes[1]
    assert np.shares_memory(second.observations, observations)
    np.testing.assert_array_equal(second.observations, observations[3:])
    np.testing.assert_array_equal(second.actions, actions[2:])
    np.testing.assert_array_equal(episodes.first_observations, observations[[0, 3]])
    np.testing.assert_array_equal(episodes.returns, [1.0, 9.0])
    columns = episodes.transitions()
    np.testing.assert_array_equal(columns["observations"], observations[[0, 1, 3, 4, 5]])
    np.testing.assert_array_equal(columns["next_observations"], observations[[1, 2, 4, 5, 6]])
    assert columns["terminated"].tolist() == [False, True, False, False, False]
    assert columns["actions"] is actions
    dataset = episodes.dataset()
    np.testing.assert_array_equal(dataset.observations, columns["observations"])
    np.testing.assert_array_equal(dataset.next_observations, columns["next_observations"])
    np.testing.assert_array_equal(dataset.actions, actions)
    assert dataset.episode_ends.tolist() == [False, True, False, False, True]
    assert dataset.terminated.tolist() == columns["terminated"].tolist()
    same(episodes[0:2], episodes)
    np.testing.assert_array_equal(episodes[::-1].observations, observations[[3, 4, 5, 6, 0, 1, 2]])
    np.testing.assert_array_equal(episodes[1:].actions, actions[2:])
    assert len(episodes[2:]) == 0 and episodes[2:].steps == 0


@pytest.mark.parametrize("kind", ["arrow", "pandas", "polars"])
def test_tables_there_and_back(kind: str, swings: data.Episodes, poles: data.Episodes) -> None:
    pytest.importorskip({"arrow": "pyarrow"}.get(kind, kind))
    for episodes in (swings, poles):
        table = getattr(episodes, f"to_{kind}")()
        assert len(table) == episodes.steps
        back = data.episodes(table, action_space=episodes.action_space)
        same(back, episodes)
        # And straight into a model.
        np.testing.assert_array_equal(data.dataset(table).observations, episodes.dataset().observations)
    assert isinstance(data.episodes(poles.to_arrow()).action_space, gymnasium.spaces.Discrete)


def test_a_frame_as_others_write_it() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "episode": ["a", "a", "a", "b", "b"],
            "step": [0, 1, 2, 0, 1],
            "observation.angle": [0.0, 0.1, 0.2, 1.0, 1.1],
            "observation.speed": [0.0, 1.0, 2.0, 0.0, 1.0],
            "action": pandas.array([1, 0, None, 2, None], dtype="Int64"),
            "reward": [1.0, 2.0, None, 3.0, None],
            "terminated": [False, True, False, False, False],
        }
    )
    episodes = data.episodes(frame)
    assert episodes.lengths.tolist() == [2, 1]
    assert episodes.action_space == gymnasium.spaces.Discrete(3)
    assert episodes.actions.tolist() == [1, 0, 2]
    # Without a column that says so, what did not terminate was cut.
    assert (episodes.terminated.tolist(), episodes.truncated.tolist()) == ([True, False], [False, True])
    np.testing.assert_array_equal(episodes[1].observations, [[1.0, 0.0], [1.1, 1.0]])


def test_what_is_wrong_with_a_table_is_told() -> None:
    def table(**changes: Any) -> dict[str, Any]:
        columns: dict[str, Any] = {
            "episode": [0, 0, 1, 1],
            "step": [0, 1, 0, 1],
            "observation": [[0.0], [1.0], [2.0], [3.0]],
            "next_observation": [[1.0], [5.0], [3.0], [6.0]],
            "action": [[0.5], [0.5], [0.1], [0.2]],
            "reward": [0.0, 0.0, 0.0, 0.0],
            "terminated": [False, False, False, True],
        } | changes
        return {name: column for name, column in columns.items() if column is not None}

    assert data.episodes(table()).steps == 4
    for changes, error, match in (
        ({"reward": None}, wm.ConfigError, "reward: there is no such column"),
        ({"step": [0, 2, 0, 1]}, wm.ConfigError, "from step 0 to step 2"),
        ({"episode": [0, 1, 0, 1]}, wm.ConfigError, "do not stand together"),
        ({"reward": [0.0, np.nan, 0.0, 0.0]}, wm.DivergedError, "episode 0: reward of row 1"),
        (
            {"observation": [[0.0], [np.inf], [2.0], [3.0]], "next_observation": [[np.inf], [5.0], [3.0], [6.0]]},
            wm.DivergedError,
            "observation",
        ),
        ({"next_observation": [[7.0], [5.0], [3.0], [6.0]]}, wm.ConfigError, "row 0 is not the observation of row 1"),
        ({"terminated": [True, False, False, True]}, wm.ConfigError, "goes on after"),
        ({"observation": [["a"], ["b"], ["c"], ["d"]]}, wm.WorldwrightError, "numbers|observation"),
    ):
        with pytest.raises(error, match=match):
            data.episodes(table(**changes))
    with pytest.warns(wm.WorldwrightWarning, match="last action of 2 of 2 episodes is left out.* lost with them are 1 end of the task"):
        assert data.episodes(table(next_observation=None)).lengths.tolist() == [1, 1]
    sparse = table(next_observation=None, terminated=[False] * 4, reward=[0.0, 1.0, 0.0, 0.5])
    with pytest.warns(wm.WorldwrightWarning, match=r"lost with them are 2 rewards other than zero \(their sum is 1\.5\), which"):
        assert data.episodes(sparse).rewards.tolist() == [0.0, 0.0]
    pandas = pytest.importorskip("pandas")
    ragged = pandas.DataFrame(table(observation=[[0.0], [1.0, 2.0], [2.0], [3.0]]))
    with pytest.raises(wm.ShapeError, match="different lengths"):
        data.episodes(ragged)
    numbered = pandas.DataFrame({**table(observation=None), "observation_0": [0.0] * 4, "observation_2": [0.0] * 4})
    with pytest.raises(wm.ConfigError, match="without gaps"):
        data.episodes(numbered)


def test_lists_of_episodes() -> None:
    one = {"observations": [[0.0], [1.0], [2.0]], "actions": [0, 1], "rewards": [1, 2], "terminated": [False, True]}
    episodes = data.episodes([one, data.Episode(np.zeros((2, 1)), np.array([1]), np.zeros(1), False, True, seed=5)])
    assert episodes.lengths.tolist() == [2, 1] and episodes.seeds == [None, 5]
    assert episodes.terminated.tolist() == [True, False] and episodes.action_space == gymnasium.spaces.Discrete(2)
    for wrong, match in (
        ({**one, "observations": [[0.0], [1.0]]}, "T \\+ 1 observations"),
        ({**one, "actions": [0]}, "1 actions"),
        ({**one, "terminated": [True, False]}, "goes on after its end"),
        ({**one, "terminated": [True]}, r"terminated: expected shape \[2\]"),
        ({**one, "observations": [[0.0], [1.0, 2.0], [2.0]]}, "inhomogeneous|lengths|mixed"),
    ):
        with pytest.raises((wm.ShapeError, wm.ConfigError, ValueError), match=match):
            data.episodes([wrong])
    with pytest.raises(wm.ConfigError, match="lacks rewards"):
        data.episodes([{"observations": [[0.0], [1.0]], "actions": [0]}])
    with pytest.raises(wm.ConfigError, match="cannot take float"):
        data.episodes(3.0)
    with pytest.raises(wm.SpaceError, match="row 1 is 7"):
        data.Episodes.of([{**one, "actions": [0, 7]}], action_space=gymnasium.spaces.Discrete(2))


def test_flags_of_steps_in_lists_of_episodes() -> None:
    steps = {"observations": [[0.0], [1.0], [2.0], [3.0]], "actions": [0, 1, 0], "rewards": [0.0] * 3}

    def ends(**flags: Any) -> tuple[bool, bool]:
        (episode,) = data.episodes([{**steps, **flags}])
        return episode.terminated, episode.truncated

    for name in ("dones", "terminated", "truncated"):
        with pytest.raises(wm.ConfigError, match="goes on after its end at step 0"):
            ends(**{name: [True, False, False]})
        with pytest.raises(wm.ShapeError, match=r"expected shape \[3\]"):
            ends(**{name: [False, True]})
    with pytest.raises(wm.ConfigError, match="goes on after its end"):
        ends(dones=[False, True, False], terminated=True, truncated=False)
    with pytest.raises(wm.ConfigError, match="goes on after its end"):
        ends(dones=True, timeouts=[False, True, False])
    last = [False, False, True]
    with pytest.warns(wm.WorldwrightWarning, match="'done' is taken as terminated"):
        assert ends(dones=last) == (True, False)
    assert ends(dones=last, timeouts=last) == (False, True)
    assert ends(dones=last, terminated=False) == (False, True)
    assert ends(dones=False) == (False, False)


def test_all_columns_of_lists_of_episodes_are_read_or_named() -> None:
    one = {"observations": [[0.0], [1.0], [2.0]], "actions": [0, 1], "rewards": [1.0, 2.0]}
    with pytest.warns(wm.WorldwrightWarning, match="left out: weights, episode, is_last") as said:
        data.episodes([{**one, "weights": [1.0, 1.0], "episode": 3, "is_last": [False, True]}] * 2)
    assert len(said) == 1
    # What actions led to, as a column of its own: in place of the last observation, or beside it.
    episodes = data.episodes([{**one, "observations": [[0.0], [1.0]], "next_observations": [[1.0], [2.0]]}])
    np.testing.assert_array_equal(episodes.observations, one["observations"])
    np.testing.assert_array_equal(data.episodes([{**one, "next_observations": [[1.0], [2.0]]}]).observations, one["observations"])
    for wrong, error, match in (
        ({"next_observations": [[1.0], [7.0]]}, wm.ConfigError, "next observation of step 1 is not the observation"),
        ({"observations": [[0.0], [5.0]], "next_observations": [[1.0], [2.0]]}, wm.ConfigError, "next observation of step 0"),
        ({"next_observations": [[1.0]]}, wm.ShapeError, "1 next observations"),
        ({"next_observations": [[1.0, 1.0]] * 2}, wm.ShapeError, "next observations of shape"),
    ):
        with pytest.raises(error, match=match):
            data.episodes([{**one, **wrong}])
    # Objects are held to the same rule as mappings: one too many here would make up for one too few there.
    long, short = (data.Episode(np.zeros((rows, 1)), np.zeros((2, 1)), np.zeros(2), False, True) for rows in (4, 2))
    with pytest.raises(wm.ShapeError, match="episode 0 has 4 observations"):
        data.episodes([long, short])


@pytest.mark.parametrize("format", ["store", "parquet", "feather", "npz", "minari", "lerobot"])
def test_files_there_and_back(format: str, tmp_path: Path, swings: data.Episodes, poles: data.Episodes) -> None:
    assert format in data.formats()
    for name, episodes in (("swings", swings), ("poles", poles)):
        path = tmp_path / "datasets" / f"{name}-v0"
        data.write(episodes, path, format=format)
        back = data.read(path)
        same(back, episodes, seeds=True)
        same(data.read(path, format=format), episodes)
        with pytest.raises(wm.ConfigError, match="exists already"):
            data.write(episodes, path, format=format)
    if format == "store":
        assert (back.environment, back.observation_space, back.action_space) == (
            "gym:CartPole-v1",
            poles.observation_space,
            poles.action_space,
        )
    with pytest.raises(wm.UnknownNameError):
        data.read(path, format="punchcards")
    with pytest.raises(wm.ExternalError, match="no such file"):
        data.read(tmp_path / "nowhere")


def test_spaces_of_parts_and_pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    spaces = gymnasium.spaces
    parts = spaces.Dict({"where": spaces.Box(-1.0, 1.0, (2,), np.float64), "gear": spaces.Discrete(3)})
    observations = [{"where": rng.uniform(-1, 1, 2), "gear": int(rng.integers(3))} for _ in range(6)]
    made = data.Episodes(
        observations=np.array([spaces.flatten(parts, each) for each in observations]),
        actions=rng.integers(0, 4, (5, 2)),
        rewards=np.zeros(5),
        lengths=[5],
        observation_space=parts,
        action_space=spaces.Box(0, 3, (2,), np.int64),
    )
    back = data.read(data.write(made, tmp_path / "parts"))
    same(back, made)
    assert back.observation_space == parts
    shown = back.observation(3)
    assert shown["gear"] == observations[3]["gear"]
    np.testing.assert_array_equal(shown["where"], observations[3]["where"])
    pictures = rng.integers(0, 256, (4, 5, 5, 3), dtype=np.uint8)
    film = data.Episodes(observations=pictures, actions=np.array([0, 1, 0]), rewards=np.zeros(3), lengths=[3])
    back = data.read(data.write(film, tmp_path / "film"))
    assert back.observations.dtype == np.uint8 and back.observations.shape == (4, 5, 5, 3)
    np.testing.assert_array_equal(back.observations, pictures)


def test_minari(swings: data.Episodes, poles: data.Episodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("minari")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    for name, episodes in (("swings", swings), ("poles", poles)):
        made = episodes.to_minari(
            f"mine/{name}-v0", description="A test.", author="Someone", author_email="a@b.c", code_permalink="https://b.c"
        )
        same(data.episodes(made), episodes)
        back = data.episodes(f"minari:mine/{name}-v0")
        same(back, episodes)
        assert back.environment == episodes.environment
        assert back.observation_space == episodes.observation_space
    with pytest.raises(wm.ExternalError, match="mine/nothing-v0"):
        data.episodes("minari:mine/nothing-v0")


def test_a_model_takes_all_of_them(poles: data.Episodes, tmp_path: Path) -> None:
    def fitted(given: Any, **columns: Any) -> Any:
        model = wm.Model("linear", observation_space=poles.observation_space, action_space=poles.action_space)
        model.fit(given, **columns)
        return model.predict(poles.observations[:3], [0, 1, 0]).observations

    expected = fitted(poles)
    columns = poles.transitions()
    forms = [
        poles.dataset(),
        list(poles),
        poles.write(tmp_path / "poles"),
        columns,
        {k: v for k, v in columns.items() if k != "episode"},
    ]
    for form in forms:
        np.testing.assert_allclose(fitted(form), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        fitted(None, **{k: v for k, v in columns.items() if k != "episode"}), expected, rtol=1e-9, atol=1e-12
    )
    for package in ("pandas", "polars", "pyarrow"):
        pytest.importorskip(package)
    for form in (poles.to_pandas(), poles.to_polars(), poles.to_arrow()):
        np.testing.assert_allclose(fitted(form), expected, rtol=1e-9, atol=1e-12)
    with pytest.raises(wm.ConfigError, match="next_observation: there is no such column"):
        fitted({"observations": np.zeros((3, 4)), "actions": np.zeros(3, dtype=int)})
    with pytest.raises(wm.DivergedError):
        fitted({**columns, "rewards": np.full(poles.steps, np.nan)})
    with pytest.raises(wm.ShapeError):
        fitted({**columns, "rewards": np.zeros(3)})


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, poles: data.Episodes) -> None:
    import importlib

    real = importlib.import_module

    def without(name: str, package: str | None = None) -> Any:
        if name == "polars":
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(wm.ConfigError, match=r"pip install worldwright\[data\]"):
        poles.to_polars()


def test_columns_of_other_names_are_given(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("obs,state,torque,reward,next_state,terminated\n9,0.5,0.25,1,1.5,0\n9,1.5,-0.25,2,2.5,1\n")
    given = {"observation": "state", "next_obs": "next_state", "action": "torque"}
    with pytest.warns(wm.WorldwrightWarning, match="left out: columns obs"):
        episodes = data.read(path, columns=given)
    assert episodes[0].observations.ravel().tolist() == [0.5, 1.5, 2.5]
    assert episodes.actions.ravel().tolist() == [0.25, -0.25]
    with pytest.raises(wm.ConfigError, match="no column 'stat'; did you mean 'state'"):
        data.read(path, columns={"observation": "stat"})
    with pytest.raises(wm.ConfigError, match="did you mean 'action'"):
        data.read(path, columns={"acttion": "torque"})
    data.write(episodes, tmp_path / "kept")
    with pytest.raises(wm.ConfigError, match="leave columns= out"):
        data.read(tmp_path / "kept", columns=given)
