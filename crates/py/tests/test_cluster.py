"""The worker as a program, and the scripts that start it under Slurm and Kubernetes."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium
import pytest

import worldwright as wm
from worldwright import distributed
from worldwright.distributed.worker import DONE, FAILED, MISTAKEN, STOPPED, main

SMALL: dict[str, Any] = {
    "algorithm": "pets",
    "steps": 200,
    "model": {"name": "linear", "particles": 2},
    "planner": {"name": "random-shooting", "horizon": 3, "population": 8},
    "agent": {"initial_steps": 20, "fit_every": 25},
    "evaluation": {"episodes": 1},
}
LONG = {**SMALL, "steps": 2000}


def written(jobs: list[distributed.Job], path: Path) -> Path:
    path.write_text("".join(json.dumps(job.to_json()) + "\n" for job in jobs), encoding="utf-8")
    return path


def wait_for_checkpoint(folder: Path) -> None:
    """Until a run is some way beyond its beginning."""
    until = time.monotonic() + 60
    while not any(path.name > f"{200:012}" for path in folder.glob("checkpoints/0*")):
        assert time.monotonic() < until, f"nothing in {folder}"
        time.sleep(0.005)


def payment(observation: Any, action: Any, next_observation: Any) -> Any:
    return -(next_observation**2).sum(axis=-1)


def test_the_worker_does_the_job_of_its_index(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = distributed.jobs("linear", seeds=range(3), run_dir=tmp_path, **SMALL)
    path = written(jobs, tmp_path / "jobs.jsonl")
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    assert main(["--jobs", str(path)]) == DONE
    told = json.loads(capsys.readouterr().out)
    direct = wm.learn("linear", seed=1, run_dir=tmp_path / "direct", progress=False, **SMALL)
    assert told["digest"] == direct.summary["weights_digest"]
    assert told["return_mean"] == direct.return_mean
    results = distributed.collect(distributed.read_jobs(path))
    assert [result.error for result in results] == ["not begun", None, "not begun"]
    assert results[1].digest == told["digest"] and math.isnan(results[0].return_mean)


def test_its_exit_codes_tell_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = distributed.jobs("linear", seeds=[0], run_dir=tmp_path / "a", **SMALL)
    unknown = {**job.to_json(), "choices": {**job.choices, "planner.name": "cemm"}, "folder": str(tmp_path / "b")}
    absent = {**job.to_json(), "environment": {"function": "no_such_module:make"}}
    blocked = {**job.to_json(), "folder": str(tmp_path / "file" / "run")}
    (tmp_path / "file").touch()
    path = tmp_path / "jobs.jsonl"
    path.write_text(
        "\n".join(json.dumps(record) for record in (unknown, absent, {"folder": "x"}, blocked)) + "\n", encoding="utf-8"
    )
    for name in ("SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"):
        monkeypatch.delenv(name, raising=False)
    for arguments, code, words in (
        (["--index", "0"], MISTAKEN, "did you mean 'cem'"),
        (["--index", "1"], MISTAKEN, "set PYTHONPATH"),
        (["--index", "2"], MISTAKEN, "no job"),
        (["--index", "3"], FAILED, "file"),
        (["--index", "4"], MISTAKEN, "an index from 0 to 3"),
        ([], MISTAKEN, "give --index"),
    ):
        assert main(["--jobs", str(path), *arguments]) == code, arguments
        assert words in capsys.readouterr().err
    assert main(["--jobs", str(tmp_path / "none.jsonl"), "--index", "0"]) == MISTAKEN


def test_jobs_stand_in_files_with_their_functions_by_name(tmp_path: Path) -> None:
    (job,) = distributed.jobs(gymnasium.make("Pendulum-v1"), seeds=[0], run_dir=tmp_path, reward=payment, **SMALL)
    (again,) = distributed.read_jobs(written([job], tmp_path / "jobs.jsonl"))
    assert again.to_json() == job.to_json()
    assert again.environment().spec.id == "Pendulum-v1" and again.reward is payment  # type: ignore[operator]
    (job,) = distributed.jobs(lambda: gymnasium.make("Pendulum-v1"), seeds=[0], run_dir=tmp_path, **SMALL)
    with pytest.raises(wm.ConfigError, match="top level of a module"):
        job.to_json()


def test_the_slurm_script_runs_the_worker_and_goes_back_into_the_queue(tmp_path: Path) -> None:
    jobs = distributed.jobs("linear", seeds=[5, 6], run_dir=tmp_path / "runs", **LONG)
    script = distributed.slurm(
        jobs, tmp_path / "array.sh", cpus=1, parallel=2, time="00:10:00", directives=["--account=lab"], partition="cpu"
    )
    subprocess.run(["bash", "-n", script], check=True)
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    directives = [line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH ")]
    for directive in (
        "--array=0-1%2",
        "--requeue",
        "--open-mode=append",
        "--account=lab",
        "--partition=cpu",
        "--cpus-per-task=1",
    ):
        assert directive in directives
    # Slurm reads directives up to the first command.
    assert max(i for i, line in enumerate(lines) if line.startswith("#SBATCH")) < lines.index(f"cd {Path.cwd()} || exit 2")
    assert "@{" not in script.read_text() and "--signal=B:USR1@120" in directives

    # As Slurm would start it: the time limit comes near, and the task goes on at its next turn.
    bin = tmp_path / "bin"
    bin.mkdir()
    (bin / "scontrol").write_text(f'#!/bin/bash\necho "$@" >> {tmp_path}/scontrol.log\n')
    (bin / "scontrol").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{bin}:{os.environ['PATH']}",
        "SLURM_ARRAY_TASK_ID": "1",
        "SLURM_ARRAY_JOB_ID": "77",
        "SLURM_CPUS_PER_TASK": "1",
    }
    first = subprocess.Popen(["bash", script], env=environment)
    wait_for_checkpoint(jobs[1].folder)
    first.send_signal(signal.SIGUSR1)
    assert first.wait(30) == 0
    assert (tmp_path / "scontrol.log").read_text() == "requeue 77_1\n"
    assert [result.error for result in distributed.collect(jobs)] == ["not begun", "not finished"]
    subprocess.run(["bash", script], env=environment, check=True, timeout=60)
    (result,) = distributed.collect(jobs[1:])
    whole = wm.learn("linear", seed=6, run_dir=tmp_path / "whole", progress=False, **LONG)
    assert (result.error, result.digest) == (None, whole.summary["weights_digest"])
    # A job that cannot work ends its task with its code.
    again = subprocess.run(["bash", script], env={**environment, "SLURM_ARRAY_TASK_ID": "9"}, stderr=subprocess.PIPE, timeout=60)
    assert again.returncode == MISTAKEN and b"an index from 0 to 1" in again.stderr


def test_the_kubernetes_manifest_runs_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    yaml = pytest.importorskip("yaml")
    jobs = distributed.jobs("linear", seeds=[5, 6], grid={"planner.horizon": [3, 4]}, run_dir=tmp_path / "runs", **LONG)
    path = distributed.kubernetes(
        jobs,
        tmp_path / "job.yaml",
        image="registry/worldwright:1",
        root=tmp_path,
        parallel=3,
        retries=4,
        cpus=1,
        environment={"A": 'b"c'},
    )
    config, job = yaml.safe_load_all(path.read_text())
    assert (config["apiVersion"], config["kind"]) == ("v1", "ConfigMap")
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    spec = job["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"], spec["backoffLimitPerIndex"]) == (
        "Indexed",
        4,
        3,
        4,
    )
    assert "backoffLimit" not in spec
    pod = spec["template"]["spec"]
    # Both a limit per index and a failure policy need pods that are not restarted in place.
    assert pod["restartPolicy"] == "Never"
    rules = spec["podFailurePolicy"]["rules"]
    assert rules[0] == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    assert rules[1] == {"action": "FailIndex", "onExitCodes": {"containerName": "worker", "operator": "In", "values": [MISTAKEN]}}
    (container,) = pod["containers"]
    assert container["name"] == "worker" and container["image"] == "registry/worldwright:1"
    assert {"name": "A", "value": 'b"c'} in container["env"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert volumes["runs"]["persistentVolumeClaim"] == {"claimName": "runs"} and mounts["runs"] == "/runs"
    assert volumes["jobs"]["configMap"]["name"] == config["metadata"]["name"]
    assert container["resources"]["requests"] == {"cpu": "1", "memory": "4Gi"}

    # As a pod would start it, the volume and the map at other places; its node goes away, and the next pod goes on.
    (listed,) = config["data"].items()
    (tmp_path / listed[0]).write_text(listed[1])
    volume = tmp_path / "volume"
    assert container["args"][:2] == ["--jobs", f"{mounts['jobs']}/{listed[0]}"]
    places = {container["args"][1]: str(tmp_path / listed[0]), "/runs": str(volume)}
    command = [sys.executable, *container["command"][1:], *(places.get(word, word) for word in container["args"])]
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "3")
    pod_one = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_for_checkpoint(volume / "runs/planner.horizon=4/seed6")
    pod_one.send_signal(signal.SIGTERM)
    assert pod_one.wait(30) == STOPPED
    pod_two = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60)
    whole = wm.learn(
        "linear", seed=6, run_dir=tmp_path / "whole", progress=False, **{**LONG, "planner": {**LONG["planner"], "horizon": 4}}
    )
    assert json.loads(pod_two.stdout)["digest"] == whole.summary["weights_digest"]


def test_what_no_manager_could_take_is_refused(tmp_path: Path) -> None:
    jobs = distributed.jobs("linear", seeds=[0], run_dir=tmp_path / "runs", **SMALL)
    with pytest.raises(wm.ConfigError, match="no jobs"):
        distributed.slurm([], tmp_path / "a.sh")
    with pytest.raises(wm.ConfigError, match="one line"):
        distributed.slurm(jobs, tmp_path / "a.sh", directives=["--account=a\nrm -r x"])
    with pytest.raises(wm.ConfigError, match="lower-case"):
        distributed.kubernetes(jobs, tmp_path / "a.yaml", image="x", name="My_Job")
    with pytest.raises(wm.ConfigError, match="root="):
        distributed.kubernetes(jobs, tmp_path / "a.yaml", image="x", root=tmp_path / "elsewhere")
