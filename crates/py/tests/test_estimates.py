"""What agents would earn, told from recorded episodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import worldwright as wm


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> wm.Run:
    folder = tmp_path_factory.mktemp("estimates") / "run"
    small = {"hidden": [16, 16], "batch": 32}
    return wm.learn("pendulum", algorithm="sac", steps=800, policy=small, evaluation={"episodes": 1}, run_dir=folder, progress=False)


def test_a_path_and_its_transitions_tell_the_same(run: wm.Run) -> None:
    agent = run.agent()
    told = agent.estimate(run.folder, horizon=50, seed=3)
    assert told.horizon == 50 and told.recorded[0] == 4 and told.recorded[1] < 0.0
    ways = {one.name: one for one in told.estimates}
    assert len(ways) == 3 and all(one.low <= one.mean <= one.high for one in told.estimates if np.isfinite(one.mean))
    assert told.promise == sorted(one.low for one in told.estimates)[1] and "between" in str(told)
    again = agent.estimate(wm.data.dataset(run.folder), horizon=50, seed=3)
    assert [one.name for one in again.estimates] == list(ways)
    for one in again.estimates:
        np.testing.assert_equal((one.mean, one.low, one.high), (ways[one.name].mean, ways[one.name].low, ways[one.name].high))


def test_what_tells_nothing_is_refused(run: wm.Run, tmp_path: Path) -> None:
    agent = run.agent()
    with pytest.raises(wm.WorldwrightError, match="nothing-here"):
        agent.estimate(tmp_path / "nothing-here")
    with pytest.raises(wm.WorldwrightError):
        agent.estimate({"observations": np.zeros((5, 2)), "actions": np.zeros((4, 1)), "rewards": np.zeros(4)})


@pytest.mark.parametrize(("option", "value"), [("discount", 2.0), ("discount", float("nan")), ("noise", 0.0), ("horizon", 0)])
def test_options_out_of_range_are_refused(run: wm.Run, option: str, value: float) -> None:
    with pytest.raises(wm.ConfigError, match=option):
        run.agent().estimate(run.folder, **{option: value})
