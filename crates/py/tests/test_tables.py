"""Tables by one set of rules: names, flags, layouts; nothing is swallowed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm
from worldwright import _native, data

GOLDEN = Path(__file__).parents[2] / "data" / "tests" / "golden"


def columns(**changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(10, 2))
    return {"observations": seen, "actions": rng.normal(size=(10, 1)), "next_observations": seen + 1, "rewards": np.zeros(10)} | changes


def ends(**changes: Any) -> list[bool]:
    found: list[bool] = data.dataset(columns(**changes)).terminated.tolist()
    return found


LAST = np.arange(10) == 9


@pytest.mark.parametrize("name", ["terminated", "terminals", "terminations", "is_terminal", "Terminateds"])
@pytest.mark.parametrize(
    "flags",
    [LAST, LAST.astype(int), LAST.astype(float), np.where(LAST, "True", "False"), np.where(LAST, "1", "0"), LAST[:, None], LAST.tolist()],
)
def test_flags_by_every_name_and_kind(name: str, flags: Any) -> None:
    assert ends(**{name: flags}) == LAST.tolist()


def test_done_alone_and_beside_cuts() -> None:
    with pytest.warns(wm.WorldwrightWarning, match="'done' is taken as terminated"):
        assert ends(dones=LAST) == LAST.tolist()
    # What a time limit cut has not terminated.
    done, cut = np.isin(np.arange(10), [4, 9]), np.arange(10) == 4
    dataset = data.dataset(columns(dones=done, timeouts=cut))
    assert dataset.terminated.tolist() == LAST.tolist() and dataset.episode_ends.tolist() == done.tolist()


def test_missing_and_strange_flags_are_refused_by_row() -> None:
    pandas = pytest.importorskip("pandas")
    for flags, match in (
        (np.where(LAST, 1.0, np.nan), "terminated: row 0 is empty"),
        ([None, *LAST[1:]], "row 0 is empty"),
        (pandas.array([False, pandas.NA, *[False] * 8], dtype="boolean"), "row 1 is empty"),
        (np.arange(10), "row 2 holds 2"),
        (["maybe"] * 10, "row 0 holds 'maybe'"),
    ):
        with pytest.raises(wm.ConfigError, match=match):
            data.dataset(columns(terminated=flags))
        with pytest.raises(wm.ConfigError, match=match):
            data.episodes(pandas.DataFrame({"episode": 0, "observation": 0.0, "next_observation": 0.0, "action": 0.5, "reward": 0.0, "terminated": flags}))


def test_names_that_are_not_known() -> None:
    with pytest.raises(wm.ConfigError, match="did you mean 'terminated'"):
        data.dataset(columns(terminted=LAST))
    with pytest.raises(wm.ConfigError, match="temperature"):
        data.dataset(columns(temperature=LAST))
    with pytest.raises(wm.ConfigError, match="both hold it"):
        data.dataset(columns(obs=np.zeros((10, 2))))
    with pytest.warns(wm.WorldwrightWarning, match="left out: columns infos/qpos"):
        data.dataset(columns(**{"infos/qpos": np.zeros(10)}))
    with pytest.raises(wm.ConfigError, match="did you mean"):
        data.episodes([{"observations": [[0.0], [1.0]], "actions": [0.5], "rewards": [1.0], "terminted": True}])
    model = wm.Model("linear", observation_space=([-9.0] * 2, [9.0] * 2), action_space=([-9.0], [9.0]))
    with pytest.raises(wm.ConfigError, match="did you mean 'truncated'"):
        model.fit(**columns(truncted=LAST))


@pytest.mark.parametrize("kind", ["dict", "pandas", "polars", "arrow"])
def test_parts_are_paired_by_name(kind: str) -> None:
    seen = np.random.default_rng(0).normal(size=(10, 2))
    table: Any = {
        "obs_x": seen[:, 0], "obs_y": seen[:, 1], "act": np.linspace(0, 1, 10), "rew": np.zeros(10),
        "next_obs_y": seen[:, 1] + 1, "next_obs_x": seen[:, 0] + 1,
    }  # fmt: skip
    if kind != "dict":
        package = pytest.importorskip({"arrow": "pyarrow"}.get(kind, kind))
        table = package.table(table) if kind == "arrow" else package.DataFrame(table)
    np.testing.assert_array_equal(data.dataset(table).next_observations, seen + 1)
    with pytest.raises(wm.ConfigError, match="paired by name"):
        renamed = {**columns(), "observations": None}
        data.dataset({**{k: v for k, v in renamed.items() if k in ("actions", "rewards")},
                      "obs_x": seen[:, 0], "obs_y": seen[:, 1], "next_obs_x": seen[:, 0], "next_obs_z": seen[:, 1]})  # fmt: skip


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "parquet", "feather", "npz", "lerobot", "minari", "store"])
@pytest.mark.parametrize("lengths", [[0], [1], [0, 1, 0, 2, 0], [1, 0]])
@pytest.mark.parametrize("choices", [False, True])
def test_short_episodes_there_and_back(kind: str, lengths: list[int], choices: bool, tmp_path: Path) -> None:
    steps, rng = sum(lengths), np.random.default_rng(1)
    episodes = data.Episodes(
        observations=rng.normal(size=(steps + len(lengths), 2)),
        actions=rng.integers(0, 3, steps) if choices else rng.normal(size=(steps, 1)),
        rewards=rng.normal(size=steps),
        lengths=lengths,
        terminated=[length == 1 for length in lengths],
        truncated=[length == 2 for length in lengths],
        action_space=gymnasium.spaces.Discrete(3) if choices else gymnasium.spaces.Box(-9, 9, (1,), np.float64),
    )
    if kind in ("pandas", "polars", "arrow"):
        pytest.importorskip({"arrow": "pyarrow"}.get(kind, kind))
        if steps == 0:
            # Nothing tells what an action was.
            table = getattr(episodes, f"to_{kind}")()
            assert len(table) == 1
            back = data.episodes(table, action_space=episodes.action_space)
        else:
            back = data.episodes(getattr(episodes, f"to_{kind}")(), action_space=episodes.action_space)
    else:
        back = data.read(data.write(episodes, tmp_path / "datasets" / "short-v0", format=kind))
    np.testing.assert_array_equal(back.lengths, lengths)
    np.testing.assert_array_equal(back.observations.reshape(len(back.observations), -1), episodes.observations)
    np.testing.assert_array_equal(back.actions, episodes.actions)
    np.testing.assert_array_equal(back.rewards, episodes.rewards)
    np.testing.assert_array_equal(back.terminated, episodes.terminated)
    np.testing.assert_array_equal(back.truncated, episodes.truncated)


def log() -> dict[str, Any]:
    return {
        "episode": ["a", "a", "b"], "obs_x": [0.0, 1.0, 5.0], "obs_y": [0.0, 0.5, 0.25], "action": [1, 0, 2], "reward": [0.5, -1.0, 2.0],
        "next_obs_x": [1.0, 2.0, 6.0], "next_obs_y": [0.5, 1.0, 0.5], "terminated": [False, True, False],
    }  # fmt: skip


def test_files_of_pandas_and_polars(tmp_path: Path) -> None:
    pandas, polars, pyarrow = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    frame = pandas.DataFrame(log())
    expected = data.episodes(frame)
    assert expected.lengths.tolist() == [2, 1] and expected.terminated.tolist() == [True, False]
    categories = frame.astype({"episode": "category", "reward": "float64"})
    halves = frame.astype({"obs_x": "float16", "next_obs_x": "float16"})
    frame.to_csv(tmp_path / "log.csv", index=False)
    frame.to_csv(tmp_path / "indexed.csv", sep=";")
    frame.to_json(tmp_path / "log.jsonl", orient="records", lines=True)
    frame.to_json(tmp_path / "log.json", orient="records")
    categories.to_parquet(tmp_path / "log.parquet")
    frame.to_parquet(tmp_path / "gzip.parquet", compression="gzip")
    categories.to_feather(tmp_path / "log.feather")
    frame.to_feather(tmp_path / "plain.feather", compression="uncompressed")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pandas(halves), tmp_path / "halves.parquet")
    polars.DataFrame(log()).write_parquet(tmp_path / "polars.parquet", compression="lz4")
    polars.DataFrame(log()).write_ipc(tmp_path / "polars.arrow", compression="lz4")
    for path in sorted(tmp_path.iterdir()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wm.WorldwrightWarning)
            read = data.read(path)
        np.testing.assert_array_equal(read.observations, expected.observations, err_msg=path.name)
        np.testing.assert_array_equal(read.actions, expected.actions, err_msg=path.name)
        np.testing.assert_array_equal(read.terminated, expected.terminated, err_msg=path.name)
        np.testing.assert_array_equal(read.rewards, expected.rewards, err_msg=path.name)
    polars.DataFrame(log()).write_parquet(tmp_path / "zstd.parquet", compression="zstd")
    with pytest.raises(wm.ExternalError, match="compression='snappy'"):
        data.read(tmp_path / "zstd.parquet")
    frame.to_pickle(tmp_path / "log.pkl")
    with pytest.raises(wm.ExternalError, match="pickle.*Parquet, Feather"):
        data.read(tmp_path / "log.pkl")


def test_nested_structs_decimals_and_times(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import datetime
    import decimal

    from pyarrow import parquet

    table = pyarrow.table(
        {
            "episode": pyarrow.array(["a", "a"]).dictionary_encode(),
            "step": [datetime.datetime(2026, 1, 1, 12, 0, second) for second in (1, 4)],
            "observation": [{"place": [[0.0, 1.0], [2.0, 3.0]], "speed": 0.5}, {"place": [[1.0, 1.0], [2.0, 3.0]], "speed": 1.5}],
            "next_observation": [{"speed": 1.5, "place": [[1.0, 1.0], [2.0, 3.0]]}, {"speed": 2.5, "place": [[9.0, 1.0], [2.0, 3.0]]}],
            "action": pyarrow.array([decimal.Decimal("0.25"), decimal.Decimal("-1.50")]),
            "reward": pyarrow.array(np.array([1, 2], dtype=np.float16)),
            "done": [False, True],
            "truncated": [False, False],
        }
    )
    parquet.write_table(table, tmp_path / "nested.parquet")
    for read in (data.read(tmp_path / "nested.parquet"), data.episodes(table)):
        assert list(read.observation_space.spaces) == ["place", "speed"]
        np.testing.assert_array_equal(read.observations, [[0, 1, 2, 3, 0.5], [1, 1, 2, 3, 1.5], [9, 1, 2, 3, 2.5]])
        np.testing.assert_array_equal(read.actions.ravel(), [0.25, -1.5])
        assert read.rewards.tolist() == [1.0, 2.0] and read.terminated.tolist() == [True]


@pytest.mark.parametrize("name", ["d4rl.hdf5", "d4rl.npz", "imitation.npz", "robomimic.hdf5", "minari.hdf5"])
def test_files_of_other_projects(name: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        episodes = data.read(GOLDEN / name)
    assert episodes.lengths.tolist() == [2, 1, 3] and episodes.terminated.tolist() == [True, False, False]
    np.testing.assert_array_equal(episodes.observations[:3], [[0, 0.5], [1, 1.5], [2, 2.5]])
    assert any("left out" in str(warning.message) for warning in said) or name == "minari.hdf5"


def test_python_knows_the_same_names() -> None:
    names = dict(_native.column_names())
    assert {"observation", "action", "reward", "next_observation", "terminated", "truncated", "done", "episode", "step"} <= set(names)
    for quantity, all_names in names.items():
        for name in all_names:
            found, left_out = _native.resolve_columns([name], strict=True)
            assert list(found) == [quantity] and not left_out


ROWS: dict[str, Any] = {
    "observation": [[0.0], [1.0], [2.0]], "next_observation": [[1.0], [2.0], [3.0]], "action": [[0.5]] * 3, "reward": [0.0] * 3,
    "terminated": [False, False, True],
}  # fmt: skip


def test_a_column_of_mappings_keeps_the_parts_of_all_rows() -> None:
    from worldwright.data.columns import columns_of

    found = columns_of({"obs": [{"x": 1.0}, None, {"x": 2.0, "y": 3.0}]})
    np.testing.assert_array_equal(found["obs/x"], [1.0, np.nan, 2.0])
    np.testing.assert_array_equal(found["obs/y"], [np.nan, np.nan, 3.0])
    with pytest.raises(wm.DivergedError, match="observation of row 0 is empty"):
        data.episodes({**ROWS, "observation": [{"x": 0.0}, {"x": 1.0, "y": 1.0}, {"x": 2.0, "y": 1.0}], "next_observation": [{"x": 1.0, "y": 1.0}] * 3} | {"episode": [0, 1, 2]})
    for column in ([{"x": 1.0}, 2.0], [2.0, {"x": 1.0}]):
        with pytest.raises(wm.ShapeError, match="obs"):
            columns_of({"obs": column})


def test_two_columns_of_one_name_are_refused() -> None:
    from worldwright.data.columns import columns_of

    pyarrow, pandas = pytest.importorskip("pyarrow"), pytest.importorskip("pandas")
    for table in (
        {"obs": [{"x": 1.0}, {"x": 2.0}], "obs/x": [3.0, 4.0]},
        {"obs/x": [3.0, 4.0], "obs": {"x": [1.0, 2.0]}},
        {"1": [1.0], 1: [2.0]},
        pandas.DataFrame({"1": [1.0], 1: [2.0]}),
        pyarrow.table([[1.0], [2.0]], names=["obs/x", "obs/x"]),
        pyarrow.table({"obs": [{"x": 1.0}], "obs/x": [3.0]}),
    ):
        with pytest.raises(wm.ConfigError, match="two columns called"):
            columns_of(table)


def test_a_missing_time_is_missing() -> None:
    from worldwright.data.columns import columns_of

    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    times = np.array(["2026-01-01", "NaT", "2026-01-03"], dtype="datetime64[s]")
    stamps = [pandas.Timestamp("2026-01-01"), pandas.NaT, pandas.Timestamp("2026-01-03")]
    zoned = [pandas.Timestamp("2026-01-01", tz="UTC"), pandas.NaT, pandas.Timestamp("2026-01-03", tz="UTC")]
    for given in (times, times - times[0], list(times), [stamps[0].to_pydatetime(), None, stamps[2].to_pydatetime()]):
        found = columns_of({"step": given})["step"]
        assert found.dtype.kind in "Mm" and np.isnat(found).tolist() == [False, True, False]
    for table in (
        {**ROWS, "step": times},
        pandas.DataFrame({**ROWS, "step": stamps}),
        pandas.DataFrame({**ROWS, "step": zoned}),
        pyarrow.table({**ROWS, "step": [stamp if stamp is not pandas.NaT else None for stamp in stamps]}),
        {**ROWS, "step": ["2026-01-01", "", "2026-01-03"]},
        {**ROWS, "step": ["2026-01-01", None, "2026-01-03"]},
        {**ROWS, "step": [0.0, np.nan, 2.0]},
    ):
        with pytest.raises(wm.ConfigError, match="step: row 1 is empty"):
            data.episodes(table)
    with pytest.raises(wm.ConfigError, match="episode: row 1 is empty"):
        data.episodes({**ROWS, "episode": times})


def test_single_parts_are_paired_by_name_too() -> None:
    seen = np.arange(3.0)
    rest = {"action": [[0.5]] * 3, "reward": [0.0] * 3, "terminated": [False, False, True]}
    for own, other in (("obs_x", "next_obs_y"), ("observation/x", "next_observation/y"), ("obs_0", "next_obs_x")):
        for read in (data.episodes, data.dataset):
            with pytest.raises(wm.ConfigError, match="paired by name"):
                read({**rest, own: seen, other: seen + 1})
    for own, other in (("obs_x", "next_obs_x"), ("obs", "next_obs_0"), ("obs_0", "next_obs")):
        assert data.episodes({**rest, own: seen, other: seen + 1}).steps == 3


def test_labels_are_those_of_files(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import feather

    def both(name: str, values: Any) -> list[Any]:
        """What a mapping and a file of the same columns give: rows of each episode, or the error."""
        table = pyarrow.table({**ROWS, name: pyarrow.array(values)})
        feather.write_feather(table, tmp_path / "table.feather")
        found: list[Any] = []
        for read in (lambda: data.episodes({**ROWS, name: values}), lambda: data.episodes(table), lambda: data.read(tmp_path / "table.feather")):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", wm.WorldwrightWarning)
                try:
                    found.append(read().lengths.tolist())
                except wm.WorldwrightError as error:
                    found.append(str(error))
        return found

    for label in ("", " ", "nan", "NA", "None", "null", "#N/A"):
        assert all("episode: row 1 is empty" in str(found) for found in both("episode", ["a", label, "b"])), label
    for label in (2**53, -(2**53), 2**53 + 1, 2**62, 0.5, float("inf")):
        kind = type(label)
        assert all(f"row 1 holds" in str(found) and "no whole number" in str(found) for found in both("episode", [kind(0), label, kind(0)])), label
    for labels, lengths in (
        (["a", "a", "b"], [2, 1]),
        ([0, 0, 2**53 - 1], [2, 1]),
        ([0.0, 0.0, 3.0], [2, 1]),
        ([True, True, False], [2, 1]),
    ):
        assert both("episode", labels) == [lengths] * 3
    for steps in ([0.0, 1.0, float("inf")], [0.0, 0.5, 7.0], [2**53, 2**53 + 2, 2**53 + 8], ["2026-01-01", "2026-01-02", "2026-02-01"]):
        assert both("step", steps) == [[3]] * 3, steps
    for name in ("episode", "step"):
        assert all("holds arrays" in str(found) for found in both(name, [[0.0, 1.0]] * 3))
        with pytest.raises(wm.ConfigError, match="holds texts in some rows and numbers in others"):
            data.episodes({**ROWS, name: np.array(["a", 1, "b"], dtype=object)})


@pytest.mark.filterwarnings("ignore:note. column 'action' holds whole numbers and is read as choices")
@pytest.mark.parametrize("actions", [[1.0, 2.0, None], [1.0, 2.0**40, None], [1.0, 1e300, None], [1.0, 2.5, None], [0.0, float(1 << 20), None]])
def test_choices_among_empty_cells_are_those_of_files(actions: list[Any], tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import feather

    table = pyarrow.table({"episode": [0, 0, 0], "observation": [0.0, 1.0, 2.0], "action": actions, "reward": [0.0, 0.0, None]})
    feather.write_feather(table, tmp_path / "table.feather")
    file, memory = data.read(tmp_path / "table.feather"), data.episodes(table)
    assert type(file.action_space) is type(memory.action_space)
    np.testing.assert_array_equal(file.actions.ravel(), memory.actions.ravel())
    np.testing.assert_array_equal(memory.actions.ravel(), actions[:2])


@pytest.mark.parametrize(
    "column",
    [
        {"observation": [[2**53 + 1, 1.5]] * 6},
        {"observation": [[2**63 + 1, 1]] * 6},
        {"observation": np.array([[2**53 + 1, 1]] * 6, dtype=object)},
        {"reward": [2**70 + 1] * 6},
        {"reward": [10**400] * 6},
    ],
)
def test_whole_numbers_that_floats_would_round_are_refused_in_lists_too(column: dict[str, Any]) -> None:
    table: dict[str, Any] = {"observation": [[1.0, 2.0]] * 6, "action": [0.0] * 6, "reward": [0.0] * 6, "truncated": [False] * 5 + [True]}
    with pytest.raises(wm.ConfigError, match="cannot hold exactly"):
        wm.data.from_table({**table, **column})


HUGE = np.array([[2**63 + 1], [0], [1]], dtype=np.uint64)


@pytest.mark.parametrize("column", ["observation", "action", "reward"])
def test_unsigned_numbers_beyond_the_signed_ones_are_told_with_column_and_range(column: str) -> None:
    table: dict[str, Any] = {"observation": np.zeros((3, 1)), "action": np.zeros((3, 1)), "reward": np.zeros(3), "truncated": [0, 0, 1]}
    table[column] = HUGE if column != "reward" else HUGE[:, 0]
    with pytest.raises(wm.SpaceError, match=rf"column '{column}': row 0 holds 9223372036854775809.*from -2\^53 to 2\^53"):
        data.from_table(table)


def test_unsigned_numbers_elsewhere_are_told_with_the_argument_and_range() -> None:
    with pytest.raises(wm.SpaceError, match=r"observations: row 0 holds 9223372036854775809.*from -2\^53 to 2\^53"):
        data.Episodes(observations=HUGE, actions=np.zeros((2, 1)), rewards=np.zeros(2), lengths=[2])
    for lengths in (np.array([2**63 + 1], dtype=np.uint64), [2.5], [1e300]):
        with pytest.raises(wm.SpaceError, match=r"lengths: row 0 is .*from -9223372036854775808 to 9223372036854775807"):
            data.Episodes(observations=np.zeros((3, 1)), actions=np.zeros((2, 1)), rewards=np.zeros(2), lengths=lengths)
    model = wm.Model("known", environment="pendulum")
    with pytest.raises(wm.SpaceError, match=r"observation.*: row 0 holds 9223372036854775809.*from -2\^53 to 2\^53"):
        wm.Planner("cem", model=model).plan(np.array([2**63 + 1, 0, 0], dtype=np.uint64))
    with pytest.raises(wm.ConfigError, match=r"horizon: a whole number of a setting is from .* to 9223372036854775807, got 9223372036854775808"):
        wm.Planner("cem", model=model, horizon=np.uint64(2**63))


def _acted(actions: Any, **parts: Any) -> dict[str, Any]:
    steps = len(actions)
    seen = np.full((steps, 2), 9.0)
    told = {"observation": seen, "next_observation": seen, "action": np.asarray(actions), "reward": np.zeros(steps)}
    return {**told, "truncated": [0] * (steps - 1) + [1], **parts}


def test_actions_outside_the_space_that_is_given_are_refused_by_row_and_column(tmp_path: Path) -> None:
    space = (np.array([-1.0, -2.0]), np.array([1.0, 2.0]))
    fine, wrong = [[0.5, 2.0], [-1.0, -2.0], [0.0, 0.0]], [[0.5, 2.0], [0.0, -2.5], [0.0, 0.0]]
    within = data.from_table(_acted(fine), action_space=space)
    assert within.steps == 3 and within.action_space.high.tolist() == [1.0, 2.0]
    outside = r"row 1: column 'action' is not in its space: -2.5 is outside \[-2, 2\]"
    with pytest.raises(wm.SpaceError, match=outside):
        data.from_table(_acted(wrong), action_space=space)
    with pytest.raises(wm.SpaceError, match=outside):
        data.dataset(_acted(wrong), action_space=space)
    parts = {"observation": [[9.0]] * 3, "next_observation": [[9.0]] * 3, "reward": [0.0] * 3, "truncated": [0, 0, 1]}
    with pytest.raises(wm.SpaceError, match=r"row 1: column 'action_turn' is not in its space: -2.5 is outside \[-2, 2\]"):
        data.from_table({**parts, "action_push": [0.5, 0.0, 0.0], "action_turn": [2.0, -2.5, 0.0]}, action_space=space)
    box = gymnasium.spaces.Box(*space, dtype=np.float64)
    told = r"row 1 holds -2.5 at place 1, outside \[-2, 2\]"
    episode = {"observations": np.zeros((4, 2)), "actions": np.asarray(wrong), "rewards": np.zeros(3)}
    with pytest.raises(wm.SpaceError, match="actions of episode 0: " + told):
        data.Episodes.of([episode], action_space=box)
    with pytest.raises(wm.SpaceError, match="actions: " + told):
        data.episodes({**episode, "lengths": [3]}, action_space=box)
    file = data.write(data.Episodes.of([episode]), tmp_path / "wrong.parquet", format="parquet")
    with pytest.raises(wm.SpaceError, match="actions: " + told):
        data.episodes(file, action_space=space)
    named = gymnasium.spaces.Dict({"both": box})
    with pytest.raises(wm.SpaceError, match=told):
        data.Episodes.of([{**episode, "actions": {"both": np.asarray(wrong)}}], action_space=named)


def test_what_rounding_adds_to_a_bound_is_within_it_and_observations_may_be_outside() -> None:
    just = np.full((3, 1), np.float32(0.1), dtype=np.float32)
    five = np.full((3, 1), 5.0)
    table = _acted(just, observation=five, next_observation=five)
    taken = data.from_table(table, action_space=(-0.1, 0.1), observation_space=(-1.0, 1.0))
    assert taken.steps == 3 and taken.observations.max() == 5.0


def test_what_an_environment_was_told_is_kept_as_it_was() -> None:
    pushed = wm.collect("Pendulum-v1", steps=5, policy=lambda observation: np.array([3.0], dtype=np.float32))
    assert pushed.actions.max() == 3.0 and pushed.action_space.high.tolist() == [2.0]
