"""What the pages say is so: tutorials run, and so do the examples of the pages and of the README, word by word."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import worldwright as wm

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs"
TUTORIALS = sorted((PAGES / "tutorials").glob("*.py"))
WITH_EXAMPLES = [ROOT / "README.md", PAGES / "quick-start.md", *sorted(page for page in (PAGES / "how-to").glob("*.md") if page.stem != "rust")]
BLOCK = re.compile(r"(?:<!-- needs (?P<needs>[\w, ]+) -->\s*)?```python\n(?P<code>.*?)```", re.S)
LIMIT_SECS = 300


def run(script: Path, folder: Path) -> None:
    """Runs a script in a folder of its own, without a screen and without a progress bar."""
    environment = os.environ | {"MPLBACKEND": "Agg", "TQDM_DISABLE": "1", "MINARI_DATASETS_PATH": str(folder / "minari")}
    done = subprocess.run(
        [sys.executable, str(script)], cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT_SECS, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_tutorials_run(tutorial: Path, tmp_path: Path) -> None:
    needs(tutorial.read_text(encoding="utf-8"))
    run(tutorial, tmp_path)


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda path: path.stem)
def test_examples_of_pages_run(page: Path, tmp_path: Path) -> None:
    """The blocks of a page make one script; those that need a package that is not installed are left out."""
    parts = []
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        packages = re.findall(r"\w+", block["needs"] or "")
        if all(installed(package) for package in packages):
            parts.append(block["code"])
    assert parts, f"{page.name} has no example"
    needs("\n".join(parts))
    script = tmp_path / "page.py"
    script.write_text("\n".join(parts), encoding="utf-8")
    run(script, tmp_path)


def test_every_public_name_stands_in_the_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PAGES))
    import reference

    reference.write(tmp_path, reference.pages())
    written = "\n".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("*.md"))
    for name in wm.__all__:
        value = getattr(wm, name)
        if name != "__version__":
            said = f"# worldwright.{name}\n" if type(value).__name__ == "module" else f":: worldwright.{name}\n"
            assert said in written, f"worldwright.{name} stands on no page"


def test_every_page_stands_in_a_list() -> None:
    """In the list of the first page, or, for a folder with one, in that of its own `index.md`, which holds all beside it."""
    listed = set(re.findall(r"^[\w/-]+$", (PAGES / "index.md").read_text(encoding="utf-8"), re.M))
    pages = {path.relative_to(PAGES).with_suffix("").as_posix() for path in [*PAGES.rglob("*.md"), *TUTORIALS] if "reference" not in path.parts}
    for page in pages - listed - {"index"}:
        beside = PAGES / Path(page).parent / "index.md"
        told = beside.read_text(encoding="utf-8") if beside.parent != PAGES and beside.exists() else ""
        assert ":glob:" in told and f"({Path(page).name}.md)" in told, f"{page} stands in no list"


def needs(text: str) -> None:
    """Skips where what a text draws or lists with is not installed."""
    for package, signs in {"matplotlib": (".plot(", "matplotlib"), "pandas": (".metrics(", "pandas")}.items():
        if any(sign in text for sign in signs):
            pytest.importorskip(package)


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
