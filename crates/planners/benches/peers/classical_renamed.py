"""Greedy search beside Fast Downward's lama-first, each on renamed copies of the same tasks:
`classical_renamed.py FOLDER TABLE.tsv PDDL_TABLE COPIES [DOMAIN...]`.

What a greedy search expands hangs on ties, and ties hang on the names of objects: one task may take 50 states by luck or 7,000.
So each task of TABLE.tsv (of its `gbfs` lines) in FOLDER is solved under COPIES permutations of its objects' names, by both
programs, within the same time. PDDL_TABLE is our example's program. A line a domain: copies, solved by each, and where both
solved the geometric means of our costs over theirs and of the states expanded.
"""
import importlib.util
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable

LIMIT_SECS = 20
# Found, not imported: its module needs another package, its programs do not.
SPEC = importlib.util.find_spec("up_fast_downward")
if SPEC is None or SPEC.origin is None:
    sys.exit("pip install -r crates/planners/benches/peers/requirements.txt")
DRIVER = pathlib.Path(SPEC.origin).parent / "downward" / "fast-downward.py"


def renamed(problem: str, seed: int) -> str:
    """The problem with its objects' names permuted."""
    problem = re.sub(r";.*", "", problem.lower())
    names = re.search(r"\(:objects(.*?)\)", problem, re.S)[1].split()
    types = {after for before, after in zip(names, names[1:]) if before == "-"}
    names = [name for name in names if name != "-" and name not in types and "(" not in name]
    others = names.copy()
    random.Random(seed).shuffle(others)
    other = dict(zip(names, others))
    start = problem.index("(:objects")
    return problem[:start] + re.sub(r"[^\s()]+", lambda word: other.get(word[0], word[0]), problem[start:])


def fast_downward(domain: pathlib.Path, problem: pathlib.Path) -> tuple[int, int] | None:
    """Cost and states expanded of Fast Downward's first iteration of LAMA."""
    limits = ["--search-time-limit", f"{LIMIT_SECS}s", "--search-memory-limit", "4G"]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(DRIVER), *limits, "--alias", "lama-first", str(domain), str(problem)]
        out = subprocess.run(command, cwd=folder, text=True, capture_output=True).stdout
    cost, expanded = re.search(r"Plan cost: (\d+)", out), re.search(r"Expanded (\d+) state", out)
    return (int(cost[1]), int(expanded[1])) if cost and expanded else None


def ours(program: str, folder: pathlib.Path, domain: str, task: str) -> tuple[int, int] | None:
    """The same of our search."""
    table = folder / "one.tsv"
    table.write_text(f"gbfs\t{domain}\t{task}\t-\t-\t-\t-\n")
    out = subprocess.run([program, str(folder), str(table), domain, str(LIMIT_SECS)], text=True, capture_output=True)
    cells = [cell.strip() for cell in out.stdout.strip().splitlines()[-1].split("|")]
    return (int(cells[5]), int(cells[7])) if cells[5].isdigit() else None


def mean(values: Iterable[float]) -> float:
    """The geometric mean."""
    return statistics.geometric_mean(list(values) or [1.0])


def main() -> None:
    source, table, program, copies = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    wanted = set(sys.argv[5:])
    rows = [line.split("\t")[1:3] for line in open(table) if line.startswith("gbfs")]
    domains = list(dict.fromkeys(domain for domain, _ in rows if not wanted or domain in wanted))
    print("| domain | copies | solved | theirs | cost over theirs | expanded | theirs | ratio |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    for domain in domains:
        results = []
        for task in (task for name, task in rows if name == domain):
            folder = source / domain
            own = folder / f"domain{task}.pddl"
            text = (own if own.exists() else folder / "domain.pddl").read_text()
            for seed in range(copies):
                with tempfile.TemporaryDirectory() as name:
                    copy = pathlib.Path(name) / domain
                    copy.mkdir()
                    (copy / "domain.pddl").write_text(text)
                    problem = copy / f"task{task}.pddl"
                    problem.write_text(renamed((folder / f"task{task}.pddl").read_text(), seed))
                    results.append((ours(program, pathlib.Path(name), domain, task),
                                    fast_downward(copy / "domain.pddl", problem)))
                    print(domain, task, seed, *results[-1], file=sys.stderr, flush=True)
        both = [(own, other) for own, other in results if own and other]
        cost = mean(max(own[0], 1) / max(other[0], 1) for own, other in both)
        expanded = [mean(pair[side][1] for pair in both) for side in range(2)]
        solved = [sum(pair[side] is not None for pair in results) for side in range(2)]
        print(f"| {domain} | {len(results)} | {solved[0]} | {solved[1]} | {cost:.2f} | {expanded[0]:.0f} | {expanded[1]:.0f} "
              f"| {expanded[0] / expanded[1]:.2f} |", flush=True)


main()
