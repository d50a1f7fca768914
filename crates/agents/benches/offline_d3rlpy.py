"""Learning from recorded episodes alone, here and in d3rlpy: what is earned by policies of the same files at equal settings.

Both take the same transitions of the pendulum, two hidden layers of 64, batches of 128, step sizes of 10⁻³, a discount of 0.99, targets that follow by 0.005, and
each algorithm's own numbers (expectile 0.7 and temperature 3 for iql, α = 2.5 for td3-bc, a conservatism of 2 over 4 samples for cql). Returns are means of 20 episodes without exploration, each
program's own starts, and intervals those of 95 % for the mean over seeds, by the t distribution.

usage: offline_d3rlpy.py PROGRAM SET SEEDS UPDATES      (pip install d3rlpy gym scipy, with torch for the processor)
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import d3rlpy
import gymnasium
import numpy as np
import torch
from d3rlpy.algos import CQLConfig, IQLConfig, TD3PlusBCConfig
from d3rlpy.models import VectorEncoderFactory
from d3rlpy.preprocessing import MinMaxActionScaler
from scipy.stats import t as student

program, recorded, seeds, updates = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
EPISODES = 20
RATE = 1e-3
torch.set_num_threads(1)
ENCODER = VectorEncoderFactory([64, 64])
SHARED = {"batch_size": 128, "gamma": 0.99, "tau": 0.005, "actor_learning_rate": RATE, "critic_learning_rate": RATE}
ACTOR = {"actor_encoder_factory": ENCODER, "critic_encoder_factory": ENCODER, "action_scaler": MinMaxActionScaler([-2.0], [2.0])}
PEERS = {
    "td3-bc": lambda: TD3PlusBCConfig(**SHARED, **ACTOR, alpha=2.5),
    "iql": lambda: IQLConfig(**SHARED, **ACTOR, value_encoder_factory=ENCODER, expectile=0.7, weight_temp=3.0),
    "cql": lambda: CQLConfig(
        **SHARED, **ACTOR, temp_learning_rate=RATE, alpha_learning_rate=0.0, initial_alpha=1.0, conservative_weight=2.0, n_action_samples=4
    ),
}


def ours(name, seed):
    """What the program's policy earns."""
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder) / "run"
        settings = ["policy.batch=128", "policy.hidden=[64,64]", f"policy.learning_rate={RATE}", f"updates={updates}", "agent.discount=0.99"]
        command = [program, "learn", "pendulum", "--data", recorded, "--algorithm", name, "--seed", str(seed), *settings]
        command += [f"evaluation.episodes={EPISODES}", "--run-dir", str(run)]
        environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return json.loads((run / "summary.json").read_text())["return_mean"]


def data():
    """The same transitions, as d3rlpy takes them."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "set.npz"
        subprocess.run([program, "data", "export", recorded, "--format", "npz", "--out", file], check=True, stdout=subprocess.DEVNULL)
        arrays = np.load(file)
        # Each episode has one observation more than actions; the last one is what its last step led to.
        ends = np.cumsum(arrays["episode_steps"] + 1) - 1
        observations = np.delete(arrays["observations"], ends, axis=0)
        last = arrays["truncated"] | arrays["terminated"]
        return d3rlpy.dataset.MDPDataset(
            observations, arrays["actions"], arrays["rewards"].astype(np.float32), arrays["terminated"].astype(np.float32), timeouts=(last & ~arrays["terminated"]).astype(np.float32)
        )


def theirs(name, transitions, seed):
    """What d3rlpy's policy earns."""
    d3rlpy.seed(seed)
    algorithm = PEERS[name]().create(device="cpu:0")
    algorithm.fit(
        transitions, n_steps=updates, n_steps_per_epoch=updates, show_progress=False, logger_adapter=d3rlpy.logging.NoopAdapterFactory()
    )
    environment, earned = gymnasium.make("Pendulum-v1"), []
    for episode in range(EPISODES):
        observation, total, ended = environment.reset(seed=1000 * seed + episode)[0], 0.0, False
        while not ended:
            action = algorithm.predict(observation[None])[0]
            observation, reward, terminated, truncated, _ = environment.step(action)
            total, ended = total + reward, terminated or truncated
        earned.append(total)
    return statistics.mean(earned)


def interval(returns):
    """Mean, and half the width of its interval."""
    width = student.ppf(0.975, len(returns) - 1) * statistics.stdev(returns) / len(returns) ** 0.5
    return f"{statistics.mean(returns):.0f} ± {width:.0f}"


transitions = data()
for name in PEERS:
    mine = [ours(name, seed) for seed in range(seeds)]
    peer = [theirs(name, transitions, seed) for seed in range(seeds)]
    print(f"{name}: worldwright {interval(mine)} {[round(x) for x in mine]}, d3rlpy {interval(peer)} {[round(x) for x in peer]}", flush=True)
