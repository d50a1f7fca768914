"""How far ahead should a planner look? A sweep over horizons and seeds, as a table.

    python examples/python/sweep.py --workers 3

Interrupt it and start it again: it goes on where it was. With Ray installed, workers are Ray actors; ``--engine processes`` does
without.
"""

from __future__ import annotations

import argparse

from worldwright import distributed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=["ray", "processes"])
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--run-dir", default="runs/horizons")
    given = parser.parse_args()

    results = distributed.sweep(
        "linear",
        algorithm="pets",
        model={"name": "linear", "particles": 2},
        planner={"name": "cem", "population": 64},
        agent={"initial_steps": 50},
        steps=300,
        seeds=range(given.seeds),
        grid={"planner.horizon": [1, 3, 10, 20]},
        run_dir=given.run_dir,
        workers=given.workers,
        engine=given.engine,
    )
    for failed in results.failures:
        print(f"{failed.job.name}: {failed.error}")
    table = results.to_pandas().groupby("planner.horizon")["return_mean"].agg(["mean", "std", "count"])
    print(table.round(2).to_string())
    print(f"best: {results.best.job.name}, see {results.best.run.report}")


# Workers read this file too, so that what starts them stands apart.
if __name__ == "__main__":
    main()
