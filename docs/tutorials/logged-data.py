# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Learn from a log, and plan in what was learned
#
# Often there is a log and no simulator. We fit a model to a table of what happened, look at how well it foretells what it has not seen, and plan in it.

# %%
import gymnasium
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import worldwright as wm

# %% [markdown]
# ## The log
#
# Ours comes from a pendulum that was pushed at random for 600 steps; take a file of your own in its place.

# %%
environment = gymnasium.make("Pendulum-v1")
rng = np.random.default_rng(0)
lines = []
for episode in range(12):
    observation, _ = environment.reset(seed=episode)
    push = rng.uniform(-2, 2)
    for step in range(50):
        push = float(np.clip(0.9 * push + rng.normal(0, 0.8), -2, 2))
        lines.append(
            {
                "episode": episode,
                "step": step,
                "cos": observation[0],
                "sin": observation[1],
                "speed": observation[2],
                "torque": push,
            }
        )
        observation, *_ = environment.step(np.array([push], dtype=np.float32))
log = pd.DataFrame(lines)
log.head()

# %% [markdown]
# ## Transitions
#
# A row and the next one of the same episode make a transition. The last two episodes are kept apart.

# %%
SEEN = ["cos", "sin", "speed"]


def transitions(log):
    following = log.groupby("episode")[SEEN].shift(-1)
    there = following.notna().all(axis=1)
    return {
        "observations": log.loc[there, SEEN].to_numpy(),
        "actions": log.loc[there, ["torque"]].to_numpy(),
        "next_observations": following[there].to_numpy(),
    }


known, apart = transitions(log[log.episode < 10]), transitions(log[log.episode >= 10])

# %% [markdown]
# ## The model
#
# Gaussian processes make the most of few data. The reward is known, so nobody needs to learn it: upright, at rest, with little torque.


# %%
def upright(observation, action, following):
    angle = np.arctan2(observation[..., 1], observation[..., 0])
    return -(angle**2 + 0.1 * observation[..., 2] ** 2 + 0.001 * action[..., 0] ** 2)


model = wm.Model(
    "gp",
    observation_space=environment.observation_space,
    action_space=environment.action_space,
    reward=upright,
)
report = model.fit(known)
report

# %% [markdown]
# ## Does it know?
#
# On episodes that it has not seen, compare the predicted change of speed with the real one.

# %%
prediction = model.predict(apart["observations"], apart["actions"])
error = prediction.mean - apart["next_observations"]
persistence = apart["observations"] - apart["next_observations"]
share = error.std(axis=0) / persistence.std(axis=0)
print(
    "error as a share of predicting no change:",
    dict(zip(SEEN, share.round(4), strict=True)),
)
assert share.max() < 0.2

figure, axes = plt.subplots(figsize=(4.2, 4), layout="constrained")
real = apart["next_observations"][:, 2] - apart["observations"][:, 2]
axes.plot(
    [real.min(), real.max()], [real.min(), real.max()], color="grey", linewidth=1
)
axes.plot(
    real, prediction.mean[:, 2] - apart["observations"][:, 2], ".", markersize=5
)
axes.set(xlabel="real change of speed in rad/s", ylabel="predicted", aspect="equal")
axes.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## Plan in it
#
# The pendulum begins at rest, a little off upright, and is to be held there. The planner knows only the model.

# %%
planner = wm.Planner("icem", model=model, horizon=15, population=64, iterations=2)
environment.reset(seed=3)
environment.unwrapped.state = np.array([0.2, 0.0])
observation = np.array([np.cos(0.2), np.sin(0.2), 0.0])
angles = []
for _ in range(40):
    observation, *_ = environment.step(planner.act(observation))
    angles.append(float(np.arctan2(observation[1], observation[0])))
print(f"angle after 2 s: {angles[-1]:.3f} rad")
assert abs(angles[-1]) < 0.1
