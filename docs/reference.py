"""Writes the pages of the reference: one for each module of the package with what it defines for users, and one for each list of what there is.

A name that ``worldwright`` itself gives out is documented as that (``worldwright.Model``), wherever it is defined.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import worldwright
from worldwright._files import write_whole

ORDER = ("learning", "runs", "agents", "designing", "model", "predicted", "written", "planner", "mcts", "data", "plots", "collecting", "multiagent", "dream", "distributed", "studying", "catalogue", "errors")
"""The order in which a reader needs them; others follow by name."""
LISTS = {
    "environments": "Native environments, for `worldwright learn NAME` and `wm.learn(NAME)`; every one of Gymnasium's goes in as an object, and `gym:ID` and `dmc:DOMAIN-TASK` by name.",
    "models": "World models, for `model=NAME` on the command line, `wm.Model(NAME)` and `wm.learn(model=NAME)`.",
    "planners": "Planners, for `planner=NAME` on the command line, `wm.Planner(NAME)` and `wm.learn(planner=NAME)`.",
    "policies": "Policies, for `policy=NAME` with an algorithm that acts by one.",
    "learners": "Tabular learners, for `learner=NAME` with an algorithm that learns a table; each is an algorithm of its own name.",
    "studies": "Experiments about learning itself, for `worldwright study NAME` and `wm.study(NAME)`.",
    "algorithms": "Algorithms, for `--algorithm NAME` and `wm.learn(algorithm=NAME)`: each a recipe of a model, a planner, a policy or a tabular learner, with settings that were measured.",
}


def pages() -> dict[str, str]:
    """The pages by the names of their files."""
    found = {f"{name.replace('.', '-')}.md": page(module) for name, module in modules()}
    found |= {f"list-{name}.md": listed(name, about) for name, about in LISTS.items()}
    return found | {"index.md": index(list(found))}


def write(folder: Path, pages: Mapping[str, str]) -> None:
    """Writes all pages into the folder; those of what is gone are taken away."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_whole(path, text)


def modules() -> Iterator[tuple[str, ModuleType]]:
    """Modules that users may import, in the reading order, and those of packages within."""
    found = {}
    for info in pkgutil.walk_packages(worldwright.__path__, "worldwright."):
        name = info.name.removeprefix("worldwright.")
        if any(part.startswith("_") for part in name.split(".")):
            continue
        try:
            found[name] = importlib.import_module(info.name)
        except ImportError as error:
            raise SystemExit(f"{info.name} cannot be imported ({error}): optional packages are imported within functions") from error
    places = {name: place for place, name in enumerate(ORDER)}
    for name in sorted(found, key=lambda name: (places.get(name.split(".")[0], len(places)), name)):
        if own(found[name]):
            yield name, found[name]


def own(module: ModuleType) -> list[tuple[str, Any]]:
    """Classes and functions that users find in a module: what ``worldwright`` gives out and this module defines, in the order of the
    source, and what the module itself gives out (its ``__all__``), wherever that is defined."""
    given = getattr(module, "__all__", ())
    found = []
    for name in given or vars(module):
        value = getattr(module, name)
        if name.startswith("_") or not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        if name in worldwright.__all__ and getattr(worldwright, name) is value:
            if value.__module__ == module.__name__:
                found.append((f"worldwright.{name}", value))
        elif name in given:
            found.append((f"{module.__name__}.{name}", value))
    return found


def page(module: ModuleType) -> str:
    """The page of a module."""
    text = with_code(inspect.getdoc(module) or "")
    first, _, rest = text.partition("\n")
    title = module.__name__
    lines = [f"# {title}", "", "```{eval-rst}", f".. currentmodule:: {title}", "", f"{first}", *([rest] if rest.strip() else []), ""]
    for name, value in own(module):
        directive = "autofunction" if inspect.isfunction(value) else "autoexception" if issubclass(value, BaseException) else "autoclass"
        options = ["   :members:", *(["   :inherited-members:"] if _goes_on(value) else [])] if directive == "autoclass" else []
        lines += [f".. {directive}:: {name}", *options, ""]
    return "\n".join([*lines, "```", ""])


def _goes_on(value: type) -> bool:
    """Whether a class stands on one that no page of its own tells of."""
    return any(base.__module__.startswith("worldwright._") and not base.__module__.endswith("_native") for base in value.__mro__[1:])


EXAMPLE = re.compile(r"(?P<before>[.:]\n)\n(?P<code>(?: {4}.*\n|\n)*? {4}.*)(?=\n\n\S|\n*\Z)")


def with_code(text: str) -> str:
    """A docstring whose indented examples, those that follow a full sentence, are Python to Sphinx."""
    return EXAMPLE.sub(r"\g<before>\n.. code-block:: python\n\n\g<code>", text)


def listed(name: str, about: str) -> str:
    """The page of a list: a section for each entry, with its settings."""
    entries: Mapping[str, Any] = getattr(worldwright, name)()
    lines = [f"# {name.capitalize()}", "", about, ""]
    for entry in entries.values():
        lines += [f"## {entry.name}", "", f"{escaped(entry.summary[:1].upper() + entry.summary[1:])}.", "", f"*{escaped(entry.source)}*", ""]
        if entry.settings:
            lines += ["| setting | default | what it is |", "| --- | --- | --- |"]
            for setting, told in entry.settings.items():
                default = repr(told["default"]) if told["default"] != "" else "–"
                lines.append(f"| `{setting}` | `{default}` | {escaped(told['summary'])} |")
            lines.append("")
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Words as Markdown shows them: nothing in them is markup."""
    for sign in ("\\", "|", "*", "_", "<", "$", "["):
        text = text.replace(sign, f"\\{sign}")
    return text


def index(pages: list[str]) -> str:
    """The first page of the reference: every name with what it is, and the pages."""
    of_modules = [name.removesuffix(".md") for name in pages if not name.startswith("list-")]
    of_lists = [name.removesuffix(".md") for name in pages if name.startswith("list-")]
    part = "```{{toctree}}\n:maxdepth: 1\n:hidden:\n\n{}\n```"
    lines = [
        "# Python", "",
        "Everything is imported as `import worldwright as wm`. Arguments after the first are given by name.", "",
        "## What there is", "", "| list | |", "| --- | --- |",
        *(f"| [{name.capitalize()}](list-{name}.md) | {about} |" for name, about in LISTS.items()), "",
        "## Names", "", "| name | what it is |", "| --- | --- |",
    ]
    for _, module in modules():
        for name, value in own(module):
            role = "func" if inspect.isfunction(value) else "exc" if issubclass(value, BaseException) else "class"
            first = (inspect.getdoc(value) or "").partition("\n\n")[0].replace("\n", " ")
            lines.append(f"| {{py:{role}}}`{name}` | {escaped(PLAIN.sub(lambda found: found[1] or found[2], first)).rstrip(':')} |")
    return "\n".join([*lines, "", part.format("\n".join(of_modules)), "", part.format("\n".join(of_lists)), ""])


PLAIN = re.compile(r":\w+:`~?(?:worldwright\.)?([\w.]+)`|``([^`]*)``")
"""Markup of docstrings, of which a table shows the words."""
