"""Files that appear whole: written at once by many, or not at all."""

import json
import multiprocessing
from pathlib import Path

import pytest

from worldwright._files import write_whole


def _writes(path: str, name: int) -> None:
    for turn in range(100):
        write_whole(Path(path), json.dumps({"name": name, "turn": turn, "filling": "x" * (1000 + 997 * name)}))


def test_processes_that_write_the_same_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "below" / "state.json"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_writes, args=(str(path), name)) for name in range(3)]
    for writer in writers:
        writer.start()
    read = 0
    while any(writer.is_alive() for writer in writers):
        if path.exists():
            whole = json.loads(path.read_text(encoding="utf-8"))
            assert len(whole["filling"]) == 1000 + 997 * whole["name"]
            read += 1
    assert [writer.exitcode for writer in writers] == [0, 0, 0] and read > 0
    assert [entry.name for entry in path.parent.iterdir()] == ["state.json"]


def test_a_failed_attempt_leaves_the_old_file_and_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "half \ud800")
    assert path.read_text() == "old" and [entry.name for entry in tmp_path.iterdir()] == ["state.json"]
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "folder", "text")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder", "state.json"]
    # As any other file: not for its owner's eyes alone.
    other = tmp_path / "other"
    other.write_text("")
    assert path.stat().st_mode == other.stat().st_mode
