"""Runs as pictures, tables and data frames, from a run that is really learned."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import worldwright as wm
from worldwright.plots import KINDS

QUICK = {"model.epochs": 3, "planner.population": 16, "planner.horizon": 4, "planner.iterations": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> wm.Run:
    folder = tmp_path_factory.mktemp("run") / "pendulum"
    return wm.learn("pendulum", algorithm="pets", steps=400, run_dir=folder, evaluation={"episodes": 2}, settings=QUICK, progress=False)


@pytest.fixture
def cut(run: wm.Run, tmp_path: Path) -> wm.Run:
    """The run as it was after its first episode."""
    folder = Path(shutil.copytree(run.folder, tmp_path / "cut"))
    for name in ("summary.json", "diagnostics.json", "report.html"):
        (folder / name).unlink()
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "metrics.jsonl").write_text(lines[0] + lines[1] + lines[2][:20], encoding="utf-8")
    return wm.Run(folder)


def test_metrics_are_a_table_of_every_row(run: wm.Run) -> None:
    pandas = pytest.importorskip("pandas")
    frame = run.metrics()
    assert isinstance(frame, pandas.DataFrame)
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert list(frame["kind"]) == [line["kind"] for line in lines]
    episodes = run.metrics("episode")
    assert list(episodes["return"]) == [line["return"] for line in lines if line["kind"] == "episode"]
    assert list(episodes["wall_secs"]) == [line["clock"]["wall_secs"] for line in lines if line["kind"] == "episode"]
    assert episodes["return"].dtype == np.float64 and "holdout_mse" not in episodes


def test_polars_holds_the_same(run: wm.Run) -> None:
    pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    frame = run.metrics("learn", library="polars")
    assert isinstance(frame, polars.DataFrame)
    assert frame["holdout_mse"].to_list() == list(run.metrics("learn")["holdout_mse"])


def test_tables_refuse_what_they_do_not_know(run: wm.Run) -> None:
    with pytest.raises(wm.ConfigError, match="episode, learn, evaluation"):
        run.metrics("episodes")
    with pytest.raises(wm.ConfigError, match="pandas"):
        run.metrics(library="excel")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_picture_with_its_numbers(run: wm.Run, kind: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    figure = run.plot(kind)
    figure.savefig(tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 5_000
    drawn = [np.asarray(line.get_ydata()) for axes in figure.axes for line in axes.get_lines()]
    if kind == "return":
        returns = [row["return"] for row in run.rows("episode")]
        assert any(list(values) == returns for values in drawn)
        # The final evaluation, episode by episode, beside them.
        assert any(list(values) == run.returns for values in drawn)
    if kind == "model":
        errors = np.sqrt([row["holdout_mse"] for row in run.rows("learn")])
        assert any(len(values) == len(errors) and np.allclose(values, errors) for values in drawn)
    if kind == "rollout":
        real = run.diagnostics["rollouts"][0]["reward"]["real"]
        assert any(list(values) == real for values in drawn)
    assert all(axes.get_xlabel() or not axes.get_lines() for axes in figure.axes)


def test_a_run_that_was_cut_shows_what_there_is(cut: wm.Run) -> None:
    pytest.importorskip("matplotlib")
    assert not cut.finished
    titles = {axes.get_title(loc="left") for axes in cut.plot().axes}
    assert titles == {"Return over real steps", "Model error after each fit"}
    with pytest.raises(wm.ExternalError, match="resume=True"):
        cut.plot("rollout")
    assert "not finished" in cut._repr_html_() and "resume=True" in cut._repr_html_()


def test_plots_say_what_is_wrong(run: wm.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(wm.UnknownNameError, match="overview, return"):
        run.plot("returns")
    pytest.importorskip("matplotlib")
    with pytest.raises(wm.ConfigError, match="counted from 0"):
        run.plot("rollout", rollout=99)
    with pytest.raises(wm.ShapeError, match="2 runs came with 1 labels"):
        wm.plot([run, run], labels=["a"])
    with pytest.raises(wm.ConfigError, match="no runs"):
        wm.plot([])
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    with pytest.raises(wm.ConfigError, match=r"pip install worldwright\[plot\]"):
        run.plot()


def test_runs_of_one_label_are_seeds_with_mean_and_spread(run: wm.Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    other = wm.learn("pendulum", algorithm="pets", steps=400, seed=1, run_dir=tmp_path / "one", evaluation={"episodes": 2}, settings=QUICK, progress=False)
    figure = wm.plot([run, other])
    curve = figure.axes[0].get_lines()[0]
    pair = np.array([[row["return"] for row in one.rows("episode")] for one in (run, other)])
    np.testing.assert_allclose(np.asarray(curve.get_ydata()), pair.mean(axis=0))
    assert curve.get_label() == "pets, 2 seeds"
    (band,) = figure.axes[0].collections
    low, high = band.get_paths()[0].get_extents().intervaly
    std = pair.std(axis=0, ddof=1)
    assert low == pytest.approx((pair.mean(axis=0) - std).min()) and high == pytest.approx((pair.mean(axis=0) + std).max())
    apart = wm.plot({"zero": [run], "one": [other]})
    assert [text.get_text() for text in apart.axes[0].get_legend().get_texts()] == ["zero", "one"]


def test_notebooks_show_tables(run: wm.Run) -> None:
    page = run._repr_html_()
    assert "pendulum · pets · seed 0" in page and "report.html" in page and "<svg" in page
    agent = run.agent()
    assert "ensemble" in agent.model._repr_html_() and "5 members" in agent.model._repr_html_()
    assert "expected return" in agent.plan([1.0, 0.0, 0.0])._repr_html_()
    assert "2 episodes" in agent.evaluate(episodes=2)._repr_html_()
    prediction = agent.model.predict([[1.0, 0.0, 0.0]] * 8, [[0.5]] * 8)
    assert "8 next observations" in prediction._repr_html_() and "2 more rows" in prediction._repr_html_()


def test_errors_of_choices_are_told_relative_to_guessing_the_mean(run: wm.Run, cut: wm.Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")

    def labels(shown: wm.Run, kind: str) -> str:
        return " ".join(axes.get_ylabel() for axes in shown.plot(kind).axes)

    for kind in ("model", "horizon"):
        assert "std of the data" in labels(run, kind)
    assert "std of the data" in run._repr_html_()
    # The same run, as if some of what it saw were choices.
    folder = Path(shutil.copytree(run.folder, tmp_path / "choices"))
    diagnostics = json.loads((folder / "diagnostics.json").read_text())
    summary = json.loads((folder / "summary.json").read_text())
    summary["model_errors"]["choices"] = True
    (folder / "diagnostics.json").write_text(json.dumps({**diagnostics, "choices": True}))
    (folder / "summary.json").write_text(json.dumps(summary))
    for kind in ("model", "horizon", "overview"):
        told = labels(wm.Run(folder), kind)
        assert "std" not in told and (kind == "overview" or "guessing the mean" in told)
    assert "guessing the mean" in wm.Run(folder)._repr_html_() and "std of" not in wm.Run(folder)._repr_html_()
    # It is not known before the end: what is said holds for both.
    assert "guessing the mean" in labels(cut, "model")
