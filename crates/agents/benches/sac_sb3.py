"""Soft actor-critic here and in Stable-Baselines3, in turns: environment steps a second, an update a step.

Both learn the pendulum by two critics and an actor of two hidden layers of 256, in batches of 256, from step 200 on, on one thread each. Ours is the
program, whose seconds are those that it says its training took; theirs are those of `learn`. What differs: ours samples its pendulum in Rust, theirs in
Python, which is counted in both.

usage: sac_sb3.py PROGRAM STEPS ROUNDS      (pip install stable-baselines3, with torch for the processor)
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from stable_baselines3 import SAC

program, steps, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
FIRST = 200
torch.set_num_threads(1)


def ours(seed):
    """Steps a second of the program."""
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder) / "run"
        arguments = ["learn", "pendulum", "--algorithm", "sac", "--steps", str(steps), "--seed", str(seed)]
        settings = ["agent.updates_per_step=1", f"agent.initial_steps={FIRST}", "policy.batch=256", "policy.hidden=[256,256]"]
        command = [program, *arguments, *settings, "evaluation.episodes=1", "--run-dir", str(run)]
        environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return steps / json.loads((run / "summary.json").read_text())["train_secs"]


def theirs(seed):
    """Steps a second of Stable-Baselines3."""
    shape = {"net_arch": [256, 256]}
    model = SAC("MlpPolicy", "Pendulum-v1", batch_size=256, learning_starts=FIRST, policy_kwargs=shape, seed=seed, device="cpu")
    start = time.perf_counter()
    model.learn(steps)
    return steps / (time.perf_counter() - start)


here, there = [], []
for each in range(rounds):
    here.append(ours(each))
    there.append(theirs(each))
    print(f"round {each}: here {here[-1]:.1f}, Stable-Baselines3 {there[-1]:.1f} steps a second", flush=True)
ratio = statistics.median(a / b for a, b in zip(here, there))
print(f"medians: here {statistics.median(here):.1f}, Stable-Baselines3 {statistics.median(there):.1f}, of the ratios {ratio:.2f}")
