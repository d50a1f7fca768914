"""Writes the page of the Rust crates from the table of rooms in ARCHITECTURE.md; their own documentation lies beside the site, in `rust/`."""

from __future__ import annotations

from pathlib import Path

from reference import escaped

ROOT = Path(__file__).parent.parent
PROGRAMS = {"cli": "worldwright", "py": "_native"}
"""Rooms whose library does not have the room's name."""


def pages() -> dict[str, str]:
    """The pages by the names of their files."""
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
    return {"rust.md": "\n".join([*lines, "", "How they fit together is [ARCHITECTURE.md](../../ARCHITECTURE.md), and how to add to them [CONTRIBUTING.md](../../CONTRIBUTING.md).", ""])}
