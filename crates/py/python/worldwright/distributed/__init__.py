"""Many runs at once, on this machine, on a Ray cluster, or under Slurm and Kubernetes.

    from worldwright import distributed

    results = distributed.sweep("pendulum", seeds=range(5), grid={"planner.horizon": [15, 20, 30]}, workers=3)
    results.to_pandas()

All of them start the same worker (``python -m worldwright.distributed.worker``), which carries out one job in one folder and goes on
with what that folder holds. A result depends on its job alone: how many workers there are, and how often one dies, changes
nothing but the time.
"""

from __future__ import annotations

from ._population import population
from .cluster import collect, kubernetes, slurm
from .job import Job, Learning, Settings, read_jobs
from .results import Result, Results
from .sweeps import jobs, learn, run, sweep

__all__ = [
    "Job",
    "Learning",
    "Result",
    "Results",
    "Settings",
    "collect",
    "jobs",
    "kubernetes",
    "learn",
    "population",
    "read_jobs",
    "run",
    "slurm",
    "sweep",
]
