"""Writes the small files of other programs' layouts that the tests read: python tables.py FOLDER. Needs numpy, h5py and pyarrow."""

import io
import json
import sys
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pyarrow
import pyarrow.feather
import pyarrow.parquet

out = Path(sys.argv[1])
# Three episodes of a point on a line: two, one and three steps; the first terminates, the others are cut.
lengths = [2, 1, 3]
observations = np.array([[0.0, 0.5], [1.0, 1.5], [2.0, 2.5], [10.0, 0.0], [11.0, 0.0], [20.0, 0.0], [21.0, 0.0], [22.0, 0.0], [23.0, 0.0]])
rows = np.array([0, 1, 3, 5, 6, 7])
actions = np.array([[0.25], [-0.25], [0.5], [1.0], [0.0], [-1.0]])
rewards = np.array([0.25, -1.0, 3.0, 0.0, 1.0, 2.0])
terminals = np.array([0, 1, 0, 0, 0, 0], dtype=bool)
timeouts = np.array([0, 0, 1, 0, 0, 1], dtype=bool)

with h5py.File(out / "d4rl.hdf5", "w") as file:
    for name, column in {
        "observations": observations[rows].astype(np.float32),
        "actions": actions.astype(np.float32),
        "rewards": rewards.astype(np.float32),
        "next_observations": observations[rows + 1].astype(np.float32),
        "terminals": terminals,
        "timeouts": timeouts,
        "infos/qpos": np.zeros((6, 3)),
    }.items():
        file.create_dataset(name, data=column, compression="gzip")
    file["metadata/algorithm"] = "SAC"

spans = np.cumsum([0, *lengths])
with h5py.File(out / "robomimic.hdf5", "w") as file:
    data = file.create_group("data")
    data.attrs["env_args"] = json.dumps({"env_name": "Lift", "type": 1})
    for i in range(3):
        own = slice(spans[i], spans[i + 1])
        demo = data.create_group(f"demo_{i}")
        demo.attrs["num_samples"] = lengths[i]
        demo["actions"], demo["rewards"] = actions[own], rewards[own]
        demo["dones"] = terminals[own].astype(np.int64)
        demo["states"] = np.zeros((lengths[i], 7))
        for group, at in (("obs", rows[own]), ("next_obs", rows[own] + 1)):
            demo[f"{group}/place"], demo[f"{group}/speed"] = observations[at, :1], observations[at, 1:]
    file["mask/train"] = np.array([b"demo_0", b"demo_2"])

box = lambda n: json.dumps({"type": "Box", "dtype": "float64", "shape": [n], "low": [-30.0] * n, "high": [30.0] * n})
with h5py.File(out / "minari.hdf5", "w", track_order=True) as file:
    file.attrs["dataset_id"], file.attrs["total_episodes"], file.attrs["total_steps"] = "line-v0", 3, 6
    file.attrs["observation_space"], file.attrs["action_space"] = box(2), box(1)
    for i in range(3):
        own = slice(spans[i], spans[i + 1])
        episode = file.create_group(f"episode_{i}")
        episode.attrs["id"], episode.attrs["seed"], episode.attrs["total_steps"] = i, 40 + i, lengths[i]
        episode["observations"] = observations[spans[i] + i : spans[i + 1] + i + 1]
        episode["actions"], episode["rewards"] = actions[own], rewards[own]
        episode["terminations"], episode["truncations"] = terminals[own], timeouts[own]
        episode["infos/qpos"] = np.zeros((lengths[i] + 1, 3))

np.savez_compressed(
    out / "imitation.npz",
    obs=observations,
    acts=np.asfortranarray(actions),
    rews=rewards.astype(">f8"),
    infos=np.array([{}] * 6, dtype=object),
    terminal=np.array([True, False, False]),
    indices=np.cumsum(lengths[:-1]),
)
np.savez(
    out / "d4rl.npz",
    observations=np.asfortranarray(observations[rows]),
    actions=actions.astype(">f4"),
    rewards=rewards,
    next_observations=np.asfortranarray(observations[rows + 1]),
    terminals=terminals.astype(np.uint8),
    timeouts=timeouts,
    **{"infos/action_log_probs": np.zeros(6)},
)

# Many rows whose texts are references to one long text: h5py writes a text for each, so the references are replaced by the first.
with h5py.File(out / "one_text.hdf5", "w") as file:
    count = 40000
    names = file.create_dataset("episode", shape=(count,), chunks=(count,), dtype=h5py.string_dtype(), compression="gzip")
    names[0] = "x" * 16000
    file.flush()
    references = zlib.decompress(names.id.read_direct_chunk((0,))[1])
    names.id.write_direct_chunk((0,), zlib.compress(references[:16] * count))
    for name in ["observation", "action", "reward"]:
        file.create_dataset(name, data=np.zeros(count, dtype=np.uint8), compression="gzip")

# Compressed by what is not read.
table = pyarrow.table({"action": np.zeros(64), "obs": np.zeros(64), "reward": np.zeros(64), "episode": np.zeros(64, dtype=int)})
pyarrow.parquet.write_table(table, out / "zstd.parquet", compression="zstd")
pyarrow.feather.write_feather(table, out / "zstd.feather", compression="zstd")
with h5py.File(out / "lzf.hdf5", "w") as file:
    for name in table.column_names:
        file.create_dataset(name, data=table[name].to_numpy(), compression="lzf")
with zipfile.ZipFile(out / "bzip2.npz", "w", zipfile.ZIP_BZIP2) as archive:
    for name in table.column_names:
        array = io.BytesIO()
        np.save(array, table[name].to_numpy())
        archive.writestr(f"{name}.npy", array.getvalue())
