"""Studies from Python."""

from __future__ import annotations

from pathlib import Path

import pytest
import worldwright as wm

SMALL = {"sizes": [2, 3, 4], "seeds": 2}


def test_a_study_is_found_again_by_the_same_settings(tmp_path: Path) -> None:
    assert "oracles" in wm.studies() and "sizes" in wm.studies()["oracles"].settings
    heard: list[tuple[int, int, str]] = []
    one = wm.study("oracles", progress=False, follow=lambda *told: heard.append(told), **SMALL)
    other = wm.study("oracles", progress=False, **SMALL)
    assert one.findings == other.findings and one.tables == other.tables and one.settings["seeds"] == 2
    assert [done for done, _, _ in heard] == list(range(len(heard))) and heard[0][1] == len(heard)
    calls = one.tables[2].records()
    cells = {row["who asks"]: row["d = 2"] for row in calls}
    assert cells["gradients of the return"]["mean"] < cells["search by returns"]["mean"] > cells["model from states and costs"]["mean"]
    assert "search by returns" in str(one.tables[2]) and "<table>" in one._repr_html_()
    folder = one.save(tmp_path / "kept")
    assert {"report.html", "study.json", "oracles.md"} <= {path.name for path in folder.iterdir()}
    with pytest.raises(wm.errors.ExternalError, match="exists already"):
        one.save(folder)


def test_slips_and_what_followers_raise_are_said() -> None:
    with pytest.raises(wm.UnknownNameError, match="did you mean 'oracles'"):
        wm.study("oracle")
    with pytest.raises(wm.UnknownNameError, match="did you mean 'seed'"):
        wm.study("oracles", seed_count=2)
    with pytest.raises(wm.ConfigError, match="three"):
        wm.study("oracles", progress=False, sizes=[2, 3])

    def stumble(*_: object) -> None:
        raise ValueError("not today")

    with pytest.raises(wm.errors.ExternalError, match="not today"):
        wm.study("oracles", progress=False, follow=stumble, **SMALL)
