"""Stable-Baselines3 trains in a dream.

A world model of Pendulum is learned from a few real steps, soft actor-critic is trained within it, and what it learned is tried
in the real environment: in rounds, of which each records with the policy of the one before.

    pip install . stable-baselines3
    python examples/python/sb3_in_a_dream.py --seed 0
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import gymnasium
import numpy as np
import torch
import worldwright as wm
from stable_baselines3 import SAC


def returns(environment: gymnasium.Env[Any, Any], policy: SAC | None, *, episodes: int, seed: int) -> np.ndarray:
    """Undiscounted returns of whole episodes, without exploration; of random actions where there is no policy."""
    environment.action_space.seed(seed)
    total = np.zeros(episodes)
    for episode in range(episodes):
        observation, _ = environment.reset(seed=seed + episode)
        over = False
        while not over:
            action = environment.action_space.sample() if policy is None else policy.predict(observation, deterministic=True)[0]
            observation, reward, terminated, truncated, _ = environment.step(action)
            total[episode] += float(reward)
            over = terminated or truncated
    return total


def shown(numbers: np.ndarray) -> str:
    return f"{numbers.mean():8.0f} ± {numbers.std(ddof=1):4.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", default="Pendulum-v1")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--real-steps", type=int, default=400, help="real steps recorded in each round")
    parser.add_argument("--dream-steps", type=int, default=4000, help="imagined steps trained on in each round")
    parser.add_argument("--penalty", type=float, default=0.0, help="what a unit of the model's disagreement costs")
    parser.add_argument("--episodes", type=int, default=10, help="episodes of each evaluation")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)

    real = gymnasium.make(chosen.environment)
    model = wm.Model(
        "ensemble",
        observation_space=real.observation_space,
        action_space=real.action_space,
        seed=chosen.seed,
        members=5,
        hidden=[64, 64],
    )
    policy: SAC | None = None
    recorded: list[wm.data.Episode] = []
    print(f"random actions: {shown(returns(real, None, episodes=chosen.episodes, seed=1000))} in {chosen.environment}")
    print("real steps | model's held-out error | return in the dream | return in reality | seconds")
    for turn in range(chosen.rounds):
        begun = time.perf_counter()
        new = wm.collect(real, steps=chosen.real_steps, policy=policy, seed=100 * (chosen.seed + 1) + turn * 10)
        recorded += list(new)
        episodes = wm.data.Episodes.of(recorded, observation_space=real.observation_space, action_space=real.action_space)
        report = model.fit(episodes)
        dream = wm.as_env(model, starts=episodes, max_episode_steps=200, penalty=chosen.penalty)
        if policy is None:
            policy = SAC("MlpPolicy", dream, learning_rate=1e-3, learning_starts=200, gamma=0.98, seed=chosen.seed, device="cpu")
        else:
            policy.set_env(dream)
        policy.learn(chosen.dream_steps, reset_num_timesteps=turn == 0)
        imagined = returns(dream, policy, episodes=chosen.episodes, seed=2000)
        lived = returns(real, policy, episodes=chosen.episodes, seed=3000)
        seconds = time.perf_counter() - begun
        row = f"{episodes.steps:10} | {report.holdout_mse:22.5f} | {shown(imagined):>19} | {shown(lived):>17} | {seconds:7.0f}"
        print(row, flush=True)


if __name__ == "__main__":
    main()
