"""The edges of data: arrays of another shape than their space has, tables without rows, the index of a frame, names that nothing has."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm
from gymnasium import spaces

OBSERVATIONS = np.arange(8.0).reshape(4, 2)
COLUMNS: dict[str, Any] = {
    "obs_x": OBSERVATIONS[:, 0], "obs_y": OBSERVATIONS[:, 1], "action": np.arange(4.0) / 4, "reward": np.ones(4),
    "terminated": np.array([False, False, False, True]),
}  # fmt: skip
GOLDEN = Path(__file__).parents[2] / "data" / "tests" / "golden"


class Column(gymnasium.Env[Any, Any]):
    """Shows a column where its space has a row of two."""

    observation_space: Any = spaces.Box(-1, 1, (2,), np.float64)
    action_space: Any = spaces.Box(-1, 1, (1,), np.float64)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        return np.zeros((2, 1)), {}

    def step(self, action: Any) -> Any:
        return np.zeros((2, 1)), 0.0, False, False, {}


def pushed(observation: Any, action: Any) -> Any:
    return observation + 0.1 * action


def episodes(observations: Any) -> wm.data.Episodes:
    return wm.data.Episodes(
        observations=observations, actions=np.zeros((3, 1)), rewards=np.zeros(3), lengths=[3], observation_space=Column.observation_space
    )


def planner() -> wm.Planner:
    made = wm.Planner("random-shooting", model=pushed, reward_fn=lambda o, a, n: -(o**2).sum(axis=-1), action_space=([-1.0], [1.0]), horizon=3)
    made.plan(np.zeros(2))
    return made


@pytest.mark.parametrize(
    "enter",
    [
        lambda _: wm.collect(Column(), steps=3),
        lambda path: wm.learn(Column(), steps=9, run_dir=path / "run", progress=False),
        lambda _: planner().plan(np.zeros((2, 1))),
        lambda _: planner().act(np.zeros((2, 1))),
        lambda _: planner().act([[0.0], [0.0]]),
        lambda _: episodes(np.zeros((4, 2, 1))),
    ],
)
def test_a_column_is_no_row(enter: Callable[[Path], Any], tmp_path: Path) -> None:
    with pytest.raises(wm.WorldwrightError, match=r"2, 1") as raised:
        enter(tmp_path)
    assert "(2,)" in str(raised.value) or "[2]" in str(raised.value) or "(4, 2)" in str(raised.value)


def test_rows_on_their_side_are_refused_wherever_they_enter(tmp_path: Path) -> None:
    wide = spaces.Box(-1, 1, (2, 3), np.float64)
    with pytest.raises(wm.ShapeError, match=r"\(4, 2, 3\), got \(4, 3, 2\)"):
        wm.data.Episodes(observations=np.zeros((4, 3, 2)), actions=np.zeros((3, 1)), rewards=np.zeros(3), lengths=[3], observation_space=wide)
    turned = wm.Planner(
        "random-shooting", model=lambda o, a: (o + 0.1 * a).T, reward_fn=lambda o, a, n: -(o**2).sum(axis=-1), action_space=([-1.0], [1.0]),
        observation_space=([-9.0] * 2, [9.0] * 2), horizon=3, vectorized=True,
    )  # fmt: skip
    with pytest.raises(wm.WorldwrightError, match=r"expected shape \(\d+, 2\), got \(2, \d+\)"):
        turned.plan(np.zeros(2))
    # An archive of this program's that somebody else wrote again.
    path = wm.data.write(episodes(np.zeros((4, 2))), tmp_path / "own.npz", format="npz")
    with np.load(path) as own:
        arrays = dict(own)
    np.savez(tmp_path / "turned.npz", **{**arrays, "observations": arrays["observations"].reshape(4, 2, 1)})
    with pytest.raises(wm.WorldwrightError, match=r"\[4, 2\].*\[4, 2, 1\]"):
        wm.data.read(tmp_path / "turned.npz")
    # Recorded data too, where somebody else's space takes them up.
    model = wm.Model("linear", observation_space=Column.observation_space, action_space=([-1.0], [1.0]))
    columns = {"observations": np.zeros((4, 2, 1)), "actions": np.zeros((4, 1)), "rewards": np.zeros(4), "next_observations": np.zeros((4, 2, 1))}
    recorded = wm.data.Episodes(observations=np.zeros((4, 2, 1)), actions=np.zeros((3, 1)), rewards=np.zeros(3), lengths=[3])
    with pytest.raises(wm.ConfigError, match=r"shape \[2, 1\].*\[2\]"):
        model.fit(recorded)
    assert wm.data.dataset(**columns).observation_dim == 2


def test_what_leaves_no_doubt_is_taken() -> None:
    wanted = planner().plan(np.array([0.5, -0.5])).actions
    for same in ([0.5, -0.5], np.array([[0.5, -0.5]]), np.array([0.5, -0.5], dtype=np.float32)):
        np.testing.assert_array_equal(planner().plan(same).actions, wanted)
    # A flat row holds the numbers of an image in NumPy's order.
    image = np.arange(6.0).reshape(1, 2, 3).repeat(4, axis=0)
    given = {"actions": np.zeros((3, 1)), "rewards": np.zeros(3), "lengths": [3], "observation_space": spaces.Box(-9, 9, (2, 3), np.float64)}
    np.testing.assert_array_equal(wm.data.Episodes(observations=image.reshape(4, 6), **given).observations, image)


def test_tables_without_a_row_hold_no_step(tmp_path: Path) -> None:
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(COLUMNS)
    none: dict[str, Any] = {name: column[:0] for name, column in COLUMNS.items()}
    np.savez(tmp_path / "none.npz", **none)
    frame[:0].to_csv(tmp_path / "none.csv", index=False)
    frame[:0].to_parquet(tmp_path / "none.parquet")
    frame[:0].to_feather(tmp_path / "none.feather")
    given: list[Any] = [frame[:0], pandas.DataFrame(), none, {}, pyarrow.Table.from_pandas(frame[:0]), *tmp_path.iterdir()]
    assert len(given) == 9
    model = wm.Model("linear", observation_space=([-1.0] * 2, [1.0] * 2), action_space=([-1.0], [1.0]))
    for table in given:
        for enter in (wm.data.episodes, wm.data.dataset, model.fit):
            with pytest.raises(wm.WorldwrightError, match="holds no step"):
                enter(table)
    empty = wm.data.Episodes(observations=OBSERVATIONS[:0], actions=np.zeros((0, 1)), rewards=[], lengths=[])
    with pytest.raises(wm.ConfigError, match="hold no step"):
        wm.data.dataset(empty)


def test_the_index_of_a_frame_is_no_datum_and_changes_no_order(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    plain = pandas.DataFrame(COLUMNS)

    def read(frame: Any) -> list[wm.data.Episodes]:
        frame.to_parquet(tmp_path / "frame.parquet")
        frame.to_csv(tmp_path / "frame.csv")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wm.WorldwrightWarning)
            return [wm.data.episodes(one) for one in (frame, tmp_path / "frame.parquet", tmp_path / "frame.csv")]

    for index in (
        [3, 1, 0, 2],
        [0, 0, 0, 0],
        ["c", "a", "d", "b"],
        pandas.Index([0.5, 0.25, 2.0, 1.0], name="seconds"),
        pandas.MultiIndex.from_arrays([[1, 1, 0, 0], [3, 1, 0, 2]]),
    ):
        for made in read(plain.set_axis(index, axis=0)):
            np.testing.assert_array_equal(made.observations, OBSERVATIONS)
            assert made.observation_names == ["x", "y"]


def test_levels_of_an_index_with_known_names_are_columns() -> None:
    pandas = pytest.importorskip("pandas")
    plain = pandas.DataFrame(COLUMNS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wm.WorldwrightWarning)
        two = pandas.MultiIndex.from_arrays([["a", "a", "b", "b"], [0, 1, 0, 1], [7, 5, 6, 4]], names=["episode", "Step", None])
        assert wm.data.from_table(plain.set_axis(two, axis=0)).lengths.tolist() == [1, 1]
        kept = plain.assign(step=range(4)).set_index("step", drop=False)
        assert wm.data.from_table(kept).lengths.tolist() == [3]
    with pytest.raises(wm.ConfigError, match="'step' is a column and, with other values, a level of the index"):
        wm.data.from_table(kept.assign(step=range(1, 5)))
    with pytest.raises(wm.ConfigError, match="steps must rise by one"):
        wm.data.from_table(plain.set_axis(pandas.Index([3, 1, 0, 2], name="step"), axis=0))


@pytest.mark.parametrize(("file", "given", "near"), [("d4rl.hdf5", "observation", "observations"), ("robomimic.hdf5", "obs/sped", "obs/speed"), ("d4rl.npz", "obs", "observations")])
def test_a_name_that_nothing_has_is_told_with_the_nearest(file: str, given: str, near: str) -> None:
    with pytest.raises(wm.ConfigError, match=f"there is no column '{given}'; did you mean '{near}'"):
        wm.data.read(GOLDEN / file, columns={"obs": given})


@pytest.mark.parametrize("ending", ["toml", "yaml"])
@pytest.mark.parametrize(
    ("content", "words"),
    [("# café".encode("latin-1"), "from Latin-1 by"), ("seed = 1".encode("utf-16"), "in UTF-16"), (b"\x1f\x8b\x08\0\0", "compressed by gzip")],
)
def test_a_configuration_that_is_no_text_in_utf8_is_named(content: bytes, words: str, ending: str, tmp_path: Path) -> None:
    pytest.importorskip("yaml" if ending == "yaml" else "numpy")
    path = tmp_path / f"config.{ending}"
    path.write_bytes(content)
    with pytest.raises(wm.ExternalError, match=f"config.{ending}: is .*{words}"):
        wm.learn("pendulum", config=path, run_dir=tmp_path / "run")
