"""What the pages say is so: tutorials run, and so do the examples of the pages and of the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs/python"
TUTORIALS = sorted((PAGES / "tutorials").glob("*.py"))
WITH_EXAMPLES = [PAGES / "quick-start.md", *sorted((PAGES / "how-to").glob("*.md"))]
BLOCK = re.compile(r"(?:<!-- needs (?P<needs>[\w, ]+) -->\s*)?```python\n(?P<code>.*?)```", re.S)
LIMIT_SECS = 300


def run(script: Path, folder: Path) -> None:
    """Runs a script in a folder of its own, without a screen and without a progress bar."""
    environment = os.environ | {"MPLBACKEND": "Agg", "TQDM_DISABLE": "1"}
    done = subprocess.run(
        [sys.executable, str(script)], cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT_SECS, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_tutorials_run(tutorial: Path, tmp_path: Path) -> None:
    for package in ("matplotlib", "pandas"):
        if package in tutorial.read_text(encoding="utf-8") or ".plot(" in tutorial.read_text(encoding="utf-8"):
            pytest.importorskip(package)
    run(tutorial, tmp_path)


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda path: path.stem)
def test_examples_of_pages_run(page: Path, tmp_path: Path) -> None:
    """The blocks of a page make one script; one that needs a package that is not installed is left out with all that follow it."""
    parts = []
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        needed = [name.strip() for name in (block["needs"] or "").split(",") if name.strip()]
        if any(not installed(name) for name in needed):
            break
        parts.append(block["code"])
    if any(".plot(" in part or ".metrics(" in part or "wm.plot(" in part for part in parts):
        pytest.importorskip("matplotlib")
        pytest.importorskip("pandas")
    assert parts, f"{page.name} has no example"
    script = tmp_path / "page.py"
    script.write_text("\n".join(parts), encoding="utf-8")
    run(script, tmp_path)


def installed(package: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {package}"], capture_output=True, check=False).returncode == 0
