"""One job, and all combinations of settings and seeds."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from .. import _native, errors
from .._contract import seeded
from .._environments import EnvironmentLike
from ..errors import ConfigError, ExternalError
from ._crew import Crew
from ._fleet import Engine
from .job import Job, Learning, Settings, environment_name, one
from .results import Result, Results

DEFAULT_ALGORITHM = "pets"


def learn(
    environment: EnvironmentLike,
    *,
    seed: int = 0,
    run_dir: str | Path | None = None,
    engine: Engine | None = None,
    retries: int = 2,
    progress: bool = True,
    **learning: Unpack[Learning],
) -> Result:
    """:func:`worldwright.learn` in a worker of its own, which is replaced if it dies; the same call goes on with a cut run.

    Args:
        environment: A name of ``wm.environments()``, ``"gym:ID"``, or a function that makes an environment.
        seed: What all randomness comes from.
        run_dir: Where the run is kept; ``runs/ENVIRONMENT-ALGORITHM-seedSEED`` unless told otherwise.
        engine: ``"ray"`` or ``"processes"``; Ray where it is installed.
        retries: How often a worker that died is replaced.
        progress: Whether to show a progress bar.
        learning: Everything else that :func:`worldwright.learn` takes.

    Returns:
        What it came to; ``result.run`` is the run.

    Raises:
        KeyboardInterrupt: After an interrupt; the same call goes on.
        WorldwrightError: Where the job failed.
    """
    seed = seeded(seed, bits=63)
    folder = Path(run_dir) if run_dir is not None else Path("runs") / f"{base_name(environment, learning)}-seed{seed}"
    job = one(environment, folder=folder, seed=seed, **learning)
    (result,) = run([job], workers=1, engine=engine, retries=retries, progress=progress, what=environment_name(job.environment))
    if result.error is not None:
        kind, _, message = result.error.partition(": ")
        known = getattr(errors, kind, ExternalError)
        raise known(message if known is not ExternalError else result.error)
    return result


def jobs(
    environment: EnvironmentLike,
    *,
    seeds: Iterable[int] = range(5),
    grid: Mapping[str, Sequence[Any]] | None = None,
    run_dir: str | Path | None = None,
    **learning: Unpack[Learning],
) -> list[Job]:
    """The jobs of a sweep, for :func:`slurm` and :func:`kubernetes`, or to look at. Arguments as for :func:`sweep`."""
    seeds = [seeded(seed, bits=63) for seed in seeds]
    grid = {key: list(values) for key, values in (grid or {}).items()}
    empty = [key for key, values in grid.items() if not values] + ([] if seeds else ["seeds"])
    if empty:
        raise ConfigError(f"{empty[0]}: no value to try; name at least one")
    for key, values in grid.items():
        if isinstance(values, str) or key == "seed":
            raise ConfigError(f"{key}: give seeds as seeds=..., and each setting of the grid as a list of values")
    root = Path(run_dir) if run_dir is not None else Path("runs") / f"{base_name(environment, learning)}-sweep"
    made = []
    for values in itertools.product(*grid.values()):
        varied = dict(zip(grid, values, strict=True))
        group = "_".join(_folder_name(f"{key}={value}") for key, value in varied.items())
        for seed in seeds:
            made.append(one(environment, folder=root / group / f"seed{seed}", varied={**varied, "seed": seed}, **learning))
        check(made[-1])
    folders = [job.folder for job in made]
    if len(set(folders)) < len(folders):
        raise ConfigError("seeds or values of the grid stand twice: each combination needs a folder of its own")
    return made


def sweep(
    environment: EnvironmentLike,
    *,
    seeds: Iterable[int] = range(5),
    grid: Mapping[str, Sequence[Any]] | None = None,
    run_dir: str | Path | None = None,
    workers: int | None = None,
    engine: Engine | None = None,
    retries: int = 2,
    progress: bool = True,
    **learning: Unpack[Learning],
) -> Results:
    """Learns with all combinations of settings and seeds.

    Which worker does what, and how many there are, changes nothing in the results: a job depends on its settings and seed alone.

    Args:
        environment: A name of ``wm.environments()``, ``"gym:ID"``, or a function that makes an environment.
        seeds: Seeds for each combination.
        grid: Values to try by dotted key, such as ``{"planner.horizon": [15, 20, 30], "model": ["gp", "ensemble"]}``.
        run_dir: Folder of the runs' folders; ``runs/ENVIRONMENT-ALGORITHM-sweep`` unless told otherwise. Where it holds some
            of these runs already, they are gone on with; finished ones are read.
        workers: Jobs at once; as many as there are processors unless told otherwise. Each computes with its share of them.
        engine: ``"ray"`` or ``"processes"``; Ray where it is installed.
        retries: How often a job's worker is replaced after it died; an error that a job raises is reported at once.
        progress: Whether to show a progress bar.
        learning: Everything else that :func:`worldwright.learn` takes.

    Returns:
        Results in the order of combinations, then seeds; a job that failed has its ``error``, and the others are finished.

    Raises:
        KeyboardInterrupt: After an interrupt; workers are stopped, runs are kept, and the same call goes on.
        ConfigError: For settings that no job could work with.
    """
    made = jobs(environment, seeds=seeds, grid=grid, run_dir=run_dir, **learning)
    what = environment_name(made[0].environment)
    return run(made, workers=workers, engine=engine, retries=retries, progress=progress, what=what)


def run(
    made: Sequence[Job],
    *,
    workers: int | None = None,
    engine: Engine | None = None,
    retries: int = 2,
    progress: bool = True,
    what: str = "jobs",
) -> Results:
    """Carries out jobs; arguments as for :func:`sweep`."""
    with Crew(engine, workers=workers, jobs=len(made), retries=retries, what=what, progress=progress) as crew:
        return crew.carry_out(made)


def check(job: Job) -> None:
    """Completes the settings here, where an environment costs nothing, so that a slip is heard before any worker starts.

    Raises:
        WorldwrightError: What each worker would say.
    """
    if isinstance(job.environment, str) and ":" not in job.environment:
        _native.default_run_folder(choices={**job.choices, "environment": job.environment}, source=None, toml=None)


def base_name(environment: EnvironmentLike, learning: Settings | Learning) -> str:
    """The beginning of a folder's name."""
    spec = getattr(environment, "spec", None)
    word = getattr(spec, "id", None) or environment_name(environment)
    return f"{_folder_name(word)}-{learning.get('algorithm') or DEFAULT_ALGORITHM}"


def _folder_name(text: str) -> str:
    """Text as a folder's name; a short hash keeps apart what would become the same."""
    plain = re.sub(r"[^A-Za-z0-9._=+-]+", "-", text)
    if plain == text and len(text) <= 80:
        return plain
    return f"{plain[:60].strip('-')}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
