"""Learning from recorded episodes alone, here and in d3rlpy: what is earned by policies of the same files at equal settings.

Both take the same transitions of the pendulum, two hidden layers of 64, batches of 128, step sizes of 10⁻³, a discount of 0.99, targets that follow by 0.005, and
each algorithm's own numbers (expectile 0.7 and temperature 3 for iql, α = 2.5 for td3-bc, a conservatism of 2 over 4 samples, soft targets and a first temperature of 0.1 for cql). Both see observations that
are standardised and rewards in units of their root mean square, as ours always do, since temperature and conservatism are numbers in the units of rewards. Returns
are means of 100 episodes without exploration, each program's own starts, and intervals those of 95 % for the mean over seeds, by the t distribution.

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
from d3rlpy.preprocessing import MinMaxActionScaler, MultiplyRewardScaler, StandardObservationScaler
from scipy.stats import t as student

EPISODES = 100
RATE = 1e-3
torch.set_num_threads(1)
ENCODER = VectorEncoderFactory([64, 64])
PEERS = {
    "td3-bc": lambda shared: TD3PlusBCConfig(**shared, alpha=2.5),
    "iql": lambda shared: IQLConfig(**shared, value_encoder_factory=ENCODER, expectile=0.7, weight_temp=3.0),
    "cql": lambda shared: CQLConfig(
        **shared,
        temp_learning_rate=RATE,
        initial_temperature=0.1,
        soft_q_backup=True,
        alpha_learning_rate=0.0,
        initial_alpha=1.0,
        # Ours weighs the square of errors by a half, as the paper has it, and theirs by one.
        conservative_weight=4.0,
        n_action_samples=4,
    ),
}


def shared(unit):
    """What all of them are set to, where rewards are seen in units of `unit`."""
    return {
        "batch_size": 128,
        "gamma": 0.99,
        "tau": 0.005,
        "actor_learning_rate": RATE,
        "critic_learning_rate": RATE,
        "actor_encoder_factory": ENCODER,
        "critic_encoder_factory": ENCODER,
        "action_scaler": MinMaxActionScaler([-2.0], [2.0]),
        "observation_scaler": StandardObservationScaler(),
        "reward_scaler": MultiplyRewardScaler(1 / unit),
    }


def ours(program, recorded, updates, name, seed):
    """What the program's policy earns."""
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder) / "run"
        settings = ["policy.batch=128", "policy.hidden=[64,64]", f"policy.learning_rate={RATE}", f"updates={updates}", "agent.discount=0.99"]
        command = [program, "learn", "pendulum", "--data", recorded, "--algorithm", name, "--seed", str(seed), *settings]
        command += [f"evaluation.episodes={EPISODES}", "--run-dir", str(run)]
        environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return json.loads((run / "summary.json").read_text())["return_mean"]


def data(program, recorded):
    """The same transitions, as d3rlpy takes them, and the root mean square of their rewards."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "set.npz"
        subprocess.run([program, "data", "export", recorded, "--format", "npz", "--out", file], check=True, stdout=subprocess.DEVNULL)
        arrays = np.load(file)
        # Each episode has one observation more than actions; the last one is what its last step led to.
        ends = np.cumsum(arrays["episode_steps"] + 1) - 1
        observations = np.delete(arrays["observations"], ends, axis=0)
        last = arrays["truncated"] | arrays["terminated"]
        transitions = d3rlpy.dataset.MDPDataset(
            observations, arrays["actions"], arrays["rewards"].astype(np.float32), arrays["terminated"].astype(np.float32), timeouts=(last & ~arrays["terminated"]).astype(np.float32)
        )
        return transitions, float(np.sqrt(np.mean(arrays["rewards"] ** 2)))


def theirs(transitions, unit, updates, name, seed):
    """What d3rlpy's policy earns."""
    d3rlpy.seed(seed)
    algorithm = PEERS[name](shared(unit)).create(device="cpu:0")
    algorithm.fit(
        transitions, n_steps=updates, n_steps_per_epoch=updates, show_progress=False, logger_adapter=d3rlpy.logging.NoopAdapterFactory()
    )
    environments = gymnasium.make_vec("Pendulum-v1", num_envs=EPISODES, vectorization_mode="sync")
    observations, earned = environments.reset(seed=[1000 * seed + episode for episode in range(EPISODES)])[0], np.zeros(EPISODES)
    # All of them last equally long.
    for _ in range(200):
        observations, rewards, *_ = environments.step(algorithm.predict(observations))
        earned += rewards
    return float(np.mean(earned))


def interval(returns):
    """Mean, and half the width of its interval."""
    width = student.ppf(0.975, len(returns) - 1) * statistics.stdev(returns) / len(returns) ** 0.5
    return f"{statistics.mean(returns):.0f} ± {width:.0f}"


def main(program, recorded, seeds, updates):
    transitions, unit = data(program, recorded)
    for name in PEERS:
        mine = [ours(program, recorded, updates, name, seed) for seed in range(seeds)]
        peer = [theirs(transitions, unit, updates, name, seed) for seed in range(seeds)]
        print(f"{name}: worldwright {interval(mine)} {[round(x) for x in mine]}, d3rlpy {interval(peer)} {[round(x) for x in peer]}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
