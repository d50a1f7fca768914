"""Writes the page of the Rust crates from the table of rooms in ARCHITECTURE.md, and takes the root's own pages into the site.

The crates' documentation lies beside the site, in `rust/`.
"""

from __future__ import annotations

import re
from pathlib import Path

from reference import escaped

ROOT = Path(__file__).parent.parent
REPOSITORY = "https://github.com/worldwright/worldwright/blob/main/"
OF_THE_ROOT = {"architecture.md": "ARCHITECTURE.md", "contributing.md": "CONTRIBUTING.md", "style.md": "STYLE.md", "changes.md": "CHANGELOG.md"}
"""Pages of the root, by the names that they have in the site."""
LINK = re.compile(r"\]\((?!https?:|#)(?P<target>[^)\s]+)")
PROGRAMS = {"cli": "worldwright", "py": "_native"}
"""Rooms whose library does not have the room's name."""


def pages() -> dict[str, str]:
    """The pages by the names of their files."""
    return {"rust.md": crates()} | {name: taken(source) for name, source in OF_THE_ROOT.items()}


def taken(source: str) -> str:
    """A page of the root, whose links lead to pages of the site where there are such, and otherwise to the repository."""
    here = {page: name for name, page in OF_THE_ROOT.items()}

    def led(link: re.Match[str]) -> str:
        target = link["target"]
        if target in here:
            return f"]({here[target]}"
        return f"](../{target.removeprefix('docs/')}" if target.startswith("docs/") else f"]({REPOSITORY}{target}"

    return LINK.sub(led, (ROOT / source).read_text(encoding="utf-8"))


def crates() -> str:
    """The page of all crates."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text.split("\n## Rooms")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")][2:]
    lines = [
        "# Rust crates", "",
        "The program is made of libraries that can be used alone, a crate each. Who uses one names it in its own `Cargo.toml`; every name leads to its documentation.", "",
        "| crate | what |", "| --- | --- |",
    ]
    for _, room, what, _ in ([cell.strip() for cell in row] for row in rows):
        library = PROGRAMS.get(room, f"worldwright_{room}")
        link = f'<a class="reference external" href="../rust/{library}/index.html"><code>worldwright-{room}</code></a>'
        lines.append(f"| {link} | {escaped(what.replace('`', ''))} |")
    return "\n".join([*lines, "", "How they fit together is [the house](architecture.md), and how to add to them [Contributing](contributing.md).", ""])
