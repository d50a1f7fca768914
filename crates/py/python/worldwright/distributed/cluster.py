"""Scripts for cluster managers: a Slurm array and an indexed Kubernetes Job, each element the worker with one job.

Both put a job that was preempted back into the queue, where the worker goes on from its last checkpoint.
"""

from __future__ import annotations

import json
import re
import shlex
import string
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path, PurePosixPath

from .._files import write_whole
from ..errors import ConfigError
from .job import Job, jobs_text
from .results import RESULT, Result, Results

CONFIG_MAP_BYTES = 1_000_000
"""Kubernetes holds at most a mebibyte in a ConfigMap, names and all."""


class _Template(string.Template):
    """Shell scripts are full of dollars."""

    delimiter = "@"


def slurm(
    jobs: Sequence[Job],
    path: str | Path,
    *,
    name: str = "worldwright",
    time: str = "04:00:00",
    cpus: int = 4,
    memory: str = "8G",
    partition: str | None = None,
    parallel: int | None = None,
    requeues: int = 20,
    directives: Sequence[str] = (),
    setup: str = "",
    python: str | None = None,
) -> Path:
    """Writes a Slurm array script and beside it the file of its jobs; ``sbatch`` takes it from there.

    A task that is preempted, or that comes near its time limit, goes back into the queue and on from its last checkpoint.

    Args:
        jobs: What to do, from :func:`jobs`; their folders are on a file system that all machines share.
        path: The script; the jobs go to the same name with ``.jsonl``.
        name: The array's name.
        time: Time limit of one turn in the queue.
        cpus: Processors of a task.
        memory: Memory of a task.
        partition: Where to run.
        parallel: Tasks at once at most.
        requeues: How often a task that meets its time limit is put back.
        directives: Further ``#SBATCH`` lines, such as ``"--account=lab"``.
        setup: Lines of shell before the worker starts, such as ``"module load python"``.
        python: The interpreter; this one unless told otherwise.

    Returns:
        The script's path.
    """
    path = Path(path).absolute()
    _some(jobs)
    listed = path.with_suffix(".jsonl")
    logs = path.parent / "logs"
    for word in (*directives, time, memory, name, partition or ""):
        if "\n" in word:
            raise ConfigError(f"{word!r}: one line is needed")
    lines = [*([f"--partition={partition}"] if partition else []), *directives]
    text = _template("slurm.sh").substitute(
        name=name,
        array=f"0-{len(jobs) - 1}" + (f"%{parallel}" if parallel else ""),
        cpus=cpus,
        memory=memory,
        time=time,
        logs=logs,
        directives="".join(f"#SBATCH {line}\n" for line in lines),
        setup=setup.rstrip() + "\n" if setup.strip() else "",
        folder=shlex.quote(str(Path.cwd())),
        python=shlex.quote(python or sys.executable),
        jobs=shlex.quote(str(listed)),
        requeues=requeues,
    )
    # Slurm runs nothing where it cannot write its log.
    logs.mkdir(parents=True, exist_ok=True)
    write_whole(listed, jobs_text(jobs))
    write_whole(path, text)
    path.chmod(0o755)
    return path


def kubernetes(
    jobs: Sequence[Job],
    path: str | Path,
    *,
    image: str,
    name: str = "worldwright",
    claim: str = "runs",
    mount: str = "/runs",
    root: str | Path | None = None,
    cpus: float = 2,
    memory: str = "4Gi",
    parallel: int | None = None,
    retries: int = 3,
    namespace: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Path:
    """Writes an indexed Kubernetes Job with its list of jobs; ``kubectl apply -f`` takes it from there.

    A pod that is preempted or loses its node is started again, which is no failure, and goes on from the last checkpoint.

    Args:
        jobs: What to do, from :func:`jobs`.
        path: The manifest, YAML.
        image: An image with Python and Worldwright.
        name: The Job's name: lower-case letters, digits and hyphens.
        claim: The PersistentVolumeClaim that holds the runs' folders; pods on several nodes need one that is
            ``ReadWriteMany``.
        mount: Where it stands in the container.
        root: The jobs' folders are placed under ``mount`` as they stand under this folder here; the current folder unless told
            otherwise.
        cpus: Processors of a pod.
        memory: Memory of a pod.
        parallel: Pods at once at most.
        retries: How often a job that failed is tried again.
        namespace: Where to put it.
        environment: Further environment variables.

    Returns:
        The manifest's path.
    """
    path = Path(path)
    _some(jobs)
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,55}[a-z0-9])?", name):
        raise ConfigError(f"name: lower-case letters, digits and hyphens, at most 57, are needed, got {name!r}")
    listed = _under(jobs, Path(root) if root is not None else Path.cwd())
    if len(listed) > CONFIG_MAP_BYTES:
        raise ConfigError(f"the list of jobs has {len(listed)} bytes, more than a ConfigMap holds: write several manifests")
    variables = {"PYTHONUNBUFFERED": "1", **(environment or {})}
    text = _template("kubernetes.yaml").substitute(
        name=name,
        namespace=f"\n  namespace: {json.dumps(namespace)}" if namespace else "",
        jobs="".join(f"    {line}\n" for line in listed.splitlines()),
        completions=len(jobs),
        parallelism=min(len(jobs), parallel or len(jobs)),
        retries=retries,
        image=json.dumps(image),
        mount=json.dumps(mount),
        threads=json.dumps(str(max(1, int(cpus)))),
        cpus=json.dumps(str(cpus)),
        memory=json.dumps(memory),
        claim=json.dumps(claim),
        variables="".join(
            f"            - {{name: {json.dumps(key)}, value: {json.dumps(value)}}}\n" for key, value in variables.items()
        ),
    )
    write_whole(path, text)
    return path


def collect(jobs: Sequence[Job]) -> Results:
    """What jobs carried out elsewhere came to, read from their folders; those without a result say so as their error."""
    results = Results()
    for job in jobs:
        try:
            record = json.loads((job.folder / RESULT).read_text(encoding="utf-8"))
            results.append(Result.from_json(job, record))
        except FileNotFoundError:
            begun = (job.folder / "config.toml").exists()
            results.append(Result(job=job, error="not finished" if begun else "not begun"))
        except (OSError, ValueError, KeyError) as error:
            results.append(Result(job=job, error=f"{job.folder / RESULT} cannot be read: {error}"))
    return results


def _some(jobs: Sequence[Job]) -> None:
    if not jobs:
        raise ConfigError("no jobs: make some with worldwright.distributed.jobs")


def _template(name: str) -> _Template:
    return _Template(files(__package__).joinpath("templates", name).read_text(encoding="utf-8"))


def _under(jobs: Sequence[Job], root: Path) -> str:
    """The jobs with folders relative to ``root``."""
    root = root.absolute()
    lines = []
    for job in jobs:
        record = job.to_json()
        for key in ("folder", "start"):
            if record[key] is None:
                continue
            folder = Path(record[key]).absolute()
            if not folder.is_relative_to(root):
                raise ConfigError(f"{folder} is not under {root}: name the folder that stands for the volume with root=...")
            record[key] = str(PurePosixPath(*folder.relative_to(root).parts))
        lines.append(json.dumps(record) + "\n")
    return "".join(lines)
