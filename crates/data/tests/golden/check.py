"""Reads with Minari, pandas and NumPy what the tests exported, and compares the numbers; or makes a set with Minari.

usage: check.py read FOLDER      (FOLDER holds datasets/mine/made-up-v0, rows.parquet, all.npz, lerobot/)
       check.py make FOLDER      (writes FOLDER/datasets/theirs/made-v0, FOLDER/theirs.npz, FOLDER/theirs.parquet)
Needs what requirements.txt beside it names.
"""
import json
import os
import sys
from pathlib import Path

import datasets
import numpy as np

folder = Path(sys.argv[2])
os.environ["MINARI_DATASETS_PATH"] = str(folder / "datasets")
import gymnasium as gym
import minari
import pandas as pd
from minari.data_collector.episode_buffer import EpisodeBuffer


def read():
    arrays = np.load(folder / "all.npz")
    steps = arrays["episode_steps"]
    ends = np.cumsum(steps)
    data = minari.load_dataset("mine/made-up-v0")
    assert data.total_episodes == len(steps) and data.total_steps == steps.sum()
    assert data.observation_space == gym.spaces.Box(-2.0, 2.0, (2, 2), np.float32), data.observation_space
    assert "mine/made-up-v0" in minari.list_local_datasets()
    frame = pd.read_parquet(folder / "rows.parquet")
    episodes = list(data.iterate_episodes())
    assert len(episodes) == len(steps)
    row = 0
    for i, episode in enumerate(episodes):
        t = steps[i]
        first = ends[i] - t
        np.testing.assert_array_equal(episode.observations, arrays["observations"][first + i : first + i + t + 1])
        assert episode.observations.dtype == np.float32
        np.testing.assert_array_equal(episode.actions, arrays["actions"][first : first + t])
        np.testing.assert_array_equal(episode.rewards, arrays["rewards"][first : first + t])
        np.testing.assert_array_equal(episode.terminations, arrays["terminated"][first : first + t])
        np.testing.assert_array_equal(episode.truncations, arrays["truncated"][first : first + t])
        assert (episode.terminations | episode.truncations).sum() == 1
        rows = frame.iloc[row : row + t + 1]
        np.testing.assert_array_equal(np.stack(rows["observation"]).reshape(-1, 2, 2), episode.observations)
        np.testing.assert_array_equal(rows["reward"].to_numpy()[1:], episode.rewards)
        assert (rows["episode"] == i).all() and list(rows["step"]) == list(range(t + 1))
        row += t + 1
    lerobot = folder / "lerobot"
    info = json.loads((lerobot / "meta/info.json").read_text())
    assert info["codebase_version"] == "v3.0" and info["total_frames"] == steps.sum()
    frames = pd.read_parquet(lerobot / info["data_path"].format(chunk_index=0, file_index=0))
    np.testing.assert_array_equal(frames["next.reward"], arrays["rewards"])
    about = pd.read_parquet(lerobot / "meta/episodes/chunk-000/file-000.parquet")
    assert list(about["length"]) == list(steps) and list(about["dataset_to_index"]) == list(ends)
    # As LeRobot reads its tables: a feature of shape (1,) is a plain value, a longer one a sequence of fixed length.
    kinds = {
        name: datasets.Value(about["dtype"])
        if about["shape"] == [1]
        else datasets.Sequence(datasets.Value(about["dtype"]), length=about["shape"][0])
        for name, about in info["features"].items()
    }
    tables = [str(path) for path in sorted((lerobot / "data").glob("*/*.parquet"))]
    loaded = datasets.Dataset.from_parquet(tables, features=datasets.Features(kinds), cache_dir=str(folder / "cache"))
    np.testing.assert_array_equal(np.array(loaded["observation.state"][:]), np.stack(frames["observation.state"]))
    np.testing.assert_array_equal(loaded["index"][:], np.arange(steps.sum()))
    tasks = pd.read_parquet(lerobot / "meta/tasks.parquet")
    assert tasks.index.name == "task" and list(tasks["task_index"]) == [0]
    stats = json.loads((lerobot / "meta/stats.json").read_text())
    np.testing.assert_allclose(stats["action"]["mean"], np.stack(frames["action"]).mean(0), rtol=1e-12)
    for name, q in (("q01", 0.01), ("q50", 0.5), ("q90", 0.9)):
        np.testing.assert_allclose(stats["action"][name], np.quantile(np.stack(frames["action"]), q, axis=0), rtol=1e-12)
    second = np.stack(frames["observation.state"])[ends[0] : ends[1]]
    np.testing.assert_allclose(about["stats/observation.state/mean"][1], second.mean(0), rtol=1e-12)
    np.testing.assert_array_equal(about["stats/observation.state/max"][1], second.max(0))
    assert list(about["stats/observation.state/count"][1]) == [len(second)]
    np.testing.assert_allclose(stats["action"]["std"], np.stack(frames["action"]).std(0), rtol=1e-12)


def make():
    rng = np.random.default_rng(0)
    observation = gym.spaces.Dict({"a": gym.spaces.Box(-1.0, 1.0, (3,), np.float32), "b": gym.spaces.Discrete(4)})
    action = gym.spaces.Discrete(3, start=1)
    buffers, kept = [], {"a": [], "b": [], "actions": [], "rewards": [], "steps": []}
    for steps in (2, 5, 3):
        a = rng.uniform(-1, 1, (steps + 1, 3)).astype(np.float32)
        b = rng.integers(0, 4, steps + 1)
        actions, rewards = rng.integers(1, 4, steps), rng.normal(size=steps)
        last = np.arange(steps) == steps - 1
        buffers.append(
            EpisodeBuffer(
                id=None, seed=steps, observations={"a": a, "b": b}, actions=actions, rewards=rewards,
                terminations=last & (steps % 2 == 0), truncations=last & (steps % 2 == 1),
            )
        )
        for name, value in (("a", a), ("b", b), ("actions", actions), ("rewards", rewards), ("steps", [steps])):
            kept[name].append(value)
    minari.create_dataset_from_buffers(
        "theirs/made-v0", buffers, observation_space=observation, action_space=action, data_format="arrow"
    )
    rows = []
    for i, steps in enumerate((2, 5, 3)):
        for t in range(steps + 1):
            last = t == steps
            rows.append({
                "episode": i, "observation": kept["a"][i][t],
                "action": pd.NA if last else kept["actions"][i][t], "reward": 0.0 if last else kept["rewards"][i][t],
                "terminated": t == steps - 1 and i == 0, "truncated": t == steps - 1 and i != 0,
            })
    pd.DataFrame(rows).astype({"action": "Int64"}).to_parquet(folder / "theirs.parquet", index=False)
    kept = {name: np.concatenate(parts) for name, parts in kept.items()}
    np.savez_compressed(
        folder / "theirs.npz", observations=kept["a"], actions=kept["actions"], rewards=kept["rewards"],
        terminated=np.zeros(10, bool), truncated=np.zeros(10, bool), episode_steps=kept["steps"],
    )


{"read": read, "make": make}[sys.argv[1]]()
print("ok")
