"""Types: the stubs say what the native half holds, and calls as users write them are sound in strict mode."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import worldwright
from worldwright import _native

ROOT = Path(__file__).parents[3]
STUB = Path(worldwright.__file__).with_name("_native.pyi")


def stub() -> dict[str, ast.stmt]:
    """What the stub declares at its top, without its private helpers."""
    named = {}
    for item in ast.parse(STUB.read_text(encoding="utf-8")).body:
        if isinstance(item, (ast.ClassDef, ast.FunctionDef)) and not item.name.startswith("_"):
            named[item.name] = item
    return named


def members(item: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    return {part.name: part for part in item.body if isinstance(part, ast.FunctionDef)}


def parameters(function: ast.FunctionDef) -> list[str]:
    """Names in order, keyword-only ones after a star; ``self`` and ``cls`` left out."""
    given = function.args
    names = [a.arg for a in [*given.posonlyargs, *given.args] if a.arg not in ("self", "cls")]
    names += ["*"] if given.kwonlyargs else []
    return [*names, *(a.arg for a in given.kwonlyargs)]


def native_parameters(function: object) -> list[str]:
    names: list[str] = []
    for parameter in inspect.signature(function).parameters.values():  # type: ignore[arg-type]
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in names:
            names.append("*")
        if parameter.name not in ("self", "cls"):
            names.append(parameter.name)
    return names


def test_the_stub_names_what_the_module_holds() -> None:
    held = {name for name in dir(_native) if not name.startswith("_")}
    assert set(stub()) == held


@pytest.mark.parametrize("name", sorted(stub()))
def test_the_stub_has_the_signatures_of_the_module(name: str) -> None:
    declared, held = stub()[name], getattr(_native, name)
    assert ast.get_docstring(declared), f"{name} has no docstring"
    if isinstance(declared, ast.FunctionDef):
        assert parameters(declared) == native_parameters(held)
        return
    assert isinstance(declared, ast.ClassDef)
    written = members(declared)
    inside = {part for part in vars(held) if not part.startswith("_") or part in ("__new__", "__len__")}
    assert set(written) == inside
    for part, function in written.items():
        decorators = {node.id for node in function.decorator_list if isinstance(node, ast.Name)}
        if "property" in decorators:
            assert inspect.isgetsetdescriptor(vars(held)[part]), f"{name}.{part} is no property"
        elif part == "__new__":
            assert parameters(function) == native_parameters(held)
        elif part != "__len__":
            assert parameters(function) == native_parameters(getattr(held, part)), f"{name}.{part}"


def test_the_package_and_calls_of_users_are_sound_in_strict_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    monkeypatch.chdir(ROOT)
    options = ["--config-file", "pyproject.toml", "--cache-dir", "target/mypy"]
    said, wrong, code = api.run([*options, str(STUB.parent), str(Path(__file__).with_name("typed_calls.py"))])
    assert code == 0, said + wrong
