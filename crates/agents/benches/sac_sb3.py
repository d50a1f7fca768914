"""Soft actor-critic here and in Stable-Baselines3, in turns: environment steps a second, an update a step, and what is learned.

Both learn the pendulum by two critics and an actor of two hidden layers of 256, in batches of 256, from step 200 on, on one thread each. Ours is the
program, whose seconds are those that it says its training took; theirs are those of `learn`. Step sizes are 10⁻³, targets follow by 0.005 and the discount
is 0.99 in both. What differs: ours samples its pendulum in Rust, theirs in Python, which is counted in both; starts of episodes are each
program's own. Returns are means of 20 episodes without exploration, and intervals those of 95 % for the mean over rounds, by the t distribution.

usage: sac_sb3.py PROGRAM STEPS ROUNDS      (pip install stable-baselines3 scipy, with torch for the processor)
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
from scipy.stats import t as student
from stable_baselines3 import SAC
from stable_baselines3.common.evaluation import evaluate_policy

program, steps, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
FIRST = 200
EPISODES = 20
RATE = 1e-3
torch.set_num_threads(1)


def ours(seed):
    """Steps a second of the program, and what its policy earns."""
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder) / "run"
        arguments = ["learn", "pendulum", "--algorithm", "sac", "--steps", str(steps), "--seed", str(seed)]
        settings = ["agent.updates_per_step=1", f"agent.initial_steps={FIRST}", "policy.batch=256", "policy.hidden=[256,256]"]
        settings += [f"policy.learning_rate={RATE}", "policy.target_rate=0.005", "agent.discount=0.99"]
        command = [program, *arguments, *settings, f"evaluation.episodes={EPISODES}", "--run-dir", str(run)]
        environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        summary = json.loads((run / "summary.json").read_text())
        return steps / summary["train_secs"], summary["return_mean"]


def theirs(seed):
    """Steps a second of Stable-Baselines3, and what its policy earns."""
    shape = {"net_arch": [256, 256]}
    equal = {"batch_size": 256, "learning_starts": FIRST, "learning_rate": RATE, "tau": 0.005, "gamma": 0.99}
    model = SAC("MlpPolicy", "Pendulum-v1", policy_kwargs=shape, seed=seed, device="cpu", **equal)
    start = time.perf_counter()
    model.learn(steps)
    seconds = time.perf_counter() - start
    return steps / seconds, evaluate_policy(model, model.get_env(), n_eval_episodes=EPISODES)[0]


def interval(returns):
    """Mean, and half the width of its interval."""
    width = student.ppf(0.975, len(returns) - 1) * statistics.stdev(returns) / len(returns) ** 0.5
    return f"{statistics.mean(returns):.1f} ± {width:.1f}"


here, there = [], []
for each in range(rounds):
    here.append(ours(each))
    there.append(theirs(each))
    (rate, earned), (their_rate, they_earn) = here[-1], there[-1]
    rates = f"here {rate:.1f}, Stable-Baselines3 {their_rate:.1f} steps a second"
    print(f"round {each}: {rates}; returns {earned:.1f} and {they_earn:.1f}", flush=True)
ratio = statistics.median(a[0] / b[0] for a, b in zip(here, there))
rates = [statistics.median(rate for rate, _ in runs) for runs in (here, there)]
print(f"medians: here {rates[0]:.1f}, Stable-Baselines3 {rates[1]:.1f} steps a second, of the ratios {ratio:.2f}")
print("returns: here", interval([earned for _, earned in here]), "and Stable-Baselines3", interval([earned for _, earned in there]))
