"""No circle of files: a module imports those below it, within functions and for types too."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
import worldwright

ROOT = Path(worldwright.__file__).parent


def modules(root: Path) -> dict[str, Path]:
    """Every module's file by its dotted name."""

    def name(path: Path) -> str:
        parts = (root.name, *path.relative_to(root).with_suffix("").parts)
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    return {name(path): path for path in root.rglob("*.py")}


def imported(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The package's modules that a module imports, wherever the statement stands. A module of another package brings that package's own
    file with it, which runs first."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            # The native half is a module beside the others, and knows none of them.
            inner = {f"{base}.{alias.name}" for alias in node.names if f"{base}.{alias.name}" in known or alias.name == "_native"}
            found |= inner if len(inner) == len(node.names) else {base, *inner}
    root = next(iter(known)).partition(".")[0]
    brought = {".".join(one.split(".")[:depth]) for one in found for depth in range(1, one.count(".") + 1)}
    around = {root, *(".".join(package[:depth]) for depth in range(1, len(package) + 1))}
    return {one for one in found | (brought - around) if one in known and one != name}


def order(root: Path) -> list[str]:
    """The modules, each behind what it imports.

    Raises:
        CycleError: There is a circle.
    """
    known = modules(root)
    return list(TopologicalSorter({name: imported(name, path, known) for name, path in known.items()}).static_order())


def test_no_module_imports_one_that_imports_it() -> None:
    found = order(ROOT)
    assert set(found) == set(modules(ROOT))
    assert found[-1] == "worldwright"
    assert found.index("worldwright.data.recorded") < found.index("worldwright.model") < found.index("worldwright.runs")


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("def f():\n    from .high import x\n", "from .low import f\n"),
        ("if TYPE_CHECKING:\n    from .high import x\n", "from . import low\n"),
        ("from .inner.part import y\n", "import house.low\n"),
    ],
)
def test_a_circle_is_found_wherever_its_imports_stand(tmp_path: Path, low: str, high: str) -> None:
    house = tmp_path / "house"
    (house / "inner").mkdir(parents=True)
    (house / "__init__.py").write_text("from .high import x\n")
    (house / "low.py").write_text(low)
    (house / "high.py").write_text(high)
    (house / "inner" / "__init__.py").write_text("from ..high import x\n")
    (house / "inner" / "part.py").write_text("y = 1\n")
    with pytest.raises(CycleError):
        order(house)
    (house / "low.py").write_text("f = 1\n")
    assert order(house).index("house.low") < order(house).index("house.high")
