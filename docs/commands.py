"""Writes the reference of the command line and of the named problems from what the program says of itself."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from reference import escaped

ROOT = Path(__file__).parent.parent
PROGRAM = os.environ.get("WORLDWRIGHT_PROGRAM", str(ROOT / "target/debug/worldwright"))
COMMAND = re.compile(r"^  (?P<name>[a-z]+)  +(?P<about>\S.*)$", re.M)
ENTRY = re.compile(r"^(?P<name>[a-z][a-z0-9-]*)  +(?P<about>\S.*)$", re.M)
SETTING = re.compile(r"^  (?P<name>[a-z_]+) = (?P<default>.*?)  +(?P<about>\S.*)$", re.M)


def pages() -> dict[str, str]:
    """The pages by the names of their files."""
    return {"commands.md": commands(), "list-problems.md": problems()}


def said(*arguments: str) -> str:
    """What the program prints."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{PROGRAM} {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def commands() -> str:
    """The page of all commands, each with its help."""
    lines = ["# Command line", "", "What `worldwright COMMAND --help` says of each command.", ""]
    lines += [*block(said("--help")), *helped((), 2)]
    return "\n".join(lines)


def helped(path: tuple[str, ...], depth: int) -> list[str]:
    """Sections for what follows a command, one for each command of its own."""
    lines = []
    text = said(*path, "--help")
    if "\nCommands:\n" in text:
        listed = text.split("\nCommands:\n")[1].split("\n\n")[0]
        for name in (match["name"] for match in COMMAND.finditer(listed)):
            if name != "help":
                below = (*path, name)
                lines += [f"{'#' * depth} {' '.join(below)}", "", *block(said(*below, "--help")), *helped(below, depth + 1)]
    return lines


def block(text: str) -> list[str]:
    """Text as the terminal shows it."""
    return ["```text", text.rstrip(), "```", ""]


def problems() -> str:
    """The page of the problems that have planners of their own."""
    listed = said("planners").split("`worldwright plan NAME`:\n")[1]
    lines = [
        "# Problems", "",
        "Problems with planners of their own, for `worldwright plan NAME`; settings stand behind the name as `key=value`.", "",
    ]
    for entry in ENTRY.finditer(listed):
        text = said("planners", entry["name"])
        source = re.search(r"^source: (.*)$", text, re.M)
        about = entry["about"]
        lines += [f"## {entry['name']}", "", f"{escaped(about[:1].upper() + about[1:])}.", ""]
        lines += [f"*{escaped(source[1])}*", ""] if source else []
        settings = list(SETTING.finditer(text))
        if settings:
            lines += ["| setting | default | what it is |", "| --- | --- | --- |"]
            lines += [f"| `{it['name']}` | `{it['default'].strip()}` | {escaped(it['about'])} |" for it in settings] + [""]
    return "\n".join(lines)
