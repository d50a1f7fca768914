"""Messages in a Python program speak of Python's arguments, whatever the command line calls them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import worldwright as wm

CRATES = Path(__file__).parents[2]
SMALL = {"planner.population": 4, "planner.horizon": 2, "evaluation.episodes": 1}


def learn(folder: Path, **more: object) -> wm.Run:
    settings = {"algorithm": "mpc", "planner": "random-shooting", "steps": 20, "progress": False, "settings": SMALL}
    return wm.learn("pendulum", run_dir=folder, **{**settings, **more})  # type: ignore[arg-type]


def test_a_folder_that_is_taken_is_told_with_arguments(tmp_path: Path) -> None:
    learn(tmp_path / "run")
    with pytest.raises(wm.WorldwrightError, match="resume=True") as raised:
        learn(tmp_path / "run")
    assert "run_dir" in str(raised.value) and "--" not in str(raised.value)
    with pytest.raises(wm.WorldwrightError) as raised:
        learn(tmp_path / "run", resume=True, seed=7)
    assert "--" not in str(raised.value)


def test_data_that_are_missing_are_told_with_arguments(tmp_path: Path) -> None:
    with pytest.raises(wm.ConfigError, match="data=PATH") as raised:
        wm.learn("pendulum", algorithm="bc", run_dir=tmp_path / "run", progress=False)
    assert "--" not in str(raised.value)
    with pytest.raises(wm.ConfigError, match=r"`worldwright\.collect` records some"):
        learn(tmp_path / "run", settings={**SMALL, "data": str(tmp_path / "nowhere")})


# Pages that are read outside Python name commands of the shell; programs are started by their own arguments; what a table's columns
# are is told in the words of both.
ELSEWHERE = ("report/mod.rs", "python/install.rs", "table/given.rs", "formats/recognised.rs")


def test_every_flag_that_a_message_names_has_its_word() -> None:
    words = re.findall(r'\("([^"]*--[a-z-]+[^"]*)", "', (CRATES / "py" / "src" / "error.rs").read_text(encoding="utf-8"))
    assert "--resume" in words
    for room in ("core", "data", "envs", "models", "policies", "planners", "agents", "design", "runs"):
        for file in sorted((CRATES / room / "src").rglob("*.rs")):
            if file.as_posix().endswith(ELSEWHERE):
                continue
            text = file.read_text(encoding="utf-8").partition("#[cfg(test)]")[0]
            lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
            for quoted in re.findall(r'"[^"]*--[a-z][^"]*"', "\n".join(lines)):
                left = quoted
                for word in words:
                    left = left.replace(word, "")
                assert not re.search(r"--[a-z]", left), f"{file.name}: {quoted}: give it a word in WORDS of crates/py/src/error.rs"


def test_the_name_of_an_environment_to_act_in_is_not_passed_over(tmp_path: Path) -> None:
    run = learn(tmp_path / "run")
    with pytest.raises(wm.UnknownNameError, match="did you mean 'pendulum'"):
        wm.load(run.folder, environment="pendulm")
