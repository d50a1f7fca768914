"""Fast Downward on PDDL tasks: `classical.py DOMAIN PROBLEM [SEARCH]`; cost, expansions and seconds of its search."""
import pathlib
import subprocess
import sys
import tempfile

import up_fast_downward

driver = pathlib.Path(up_fast_downward.__file__).parent / "downward" / "fast-downward.py"
domain, problem = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
search = sys.argv[3] if len(sys.argv) > 3 else "astar(lmcut())"
with tempfile.TemporaryDirectory() as folder:
    run = subprocess.run([sys.executable, str(driver), domain, problem, "--search", search], cwd=folder, text=True,
                         capture_output=True, timeout=120)
for line in run.stdout.splitlines():
    if any(word in line for word in ("Plan cost", "Expanded", "Search time", "Solution found")):
        print(line.split("] ")[-1])
