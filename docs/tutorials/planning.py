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
# # Plan with a function of your own
#
# Nothing needs to be learned to plan: a Python function is a model. We plan by tree search where actions are choices, and by sampling where they are numbers.

# %%
import matplotlib.pyplot as plt
import numpy as np

import worldwright as wm
from worldwright import mcts

# %% [markdown]
# ## Choices: a walk on a grid
#
# A robot stands on a floor of 5 × 5 tiles, two of its rows barred by walls with one gap each. Each step costs one; at the door it is over.

# %%
MOVES = {"north": (0, 1), "south": (0, -1), "east": (1, 0), "west": (-1, 0)}
WALLS = {(1, 1), (2, 1), (3, 1), (4, 1), (0, 3), (1, 3), (2, 3), (3, 3)}
DOOR = (4, 4)


def walk(tile, action):
    """The next tile, the reward, and whether it is over."""
    following = tuple(int(v) for v in np.clip(tile + np.array(MOVES[action]), 0, 4))
    if following in WALLS:
        following = tuple(int(v) for v in tile)
    return np.array(following, dtype=float), -1.0, following == DOOR


# %% [markdown]
# The tree search learns from simulated walks which first step is best. `rollout` searches; `visits` shows how often each action was tried and what it promised.

# %%
planner = mcts.Planner(
    transition_fn=walk, action_space=list(MOVES), algorithm="uct", seed=1
)
planner.rollout(1500, observation=[3, 2])
planner.visits

# %%
tile, path = np.array([3.0, 2.0]), [(3, 2)]
while tuple(tile.astype(int)) != DOOR and len(path) < 20:
    tile, *_ = walk(tile, planner.rollout(1500, observation=tile).action)
    path.append(tuple(int(v) for v in tile))
print(path)
assert path[-1] == DOOR

# %% [markdown]
# ## Numbers: parking a cart
#
# A cart is to stop at 1 m. Its state is position and speed; the action is an acceleration of up to 2 m/s². Functions of whole batches are called once for all candidates
# of an iteration, and so cost little.

# %%
DT = 0.1


def drive(state, action):
    speed = state[..., 1] + DT * action[..., 0]
    return np.stack([state[..., 0] + DT * speed, speed], axis=-1)


def parked(state, action, following):
    return (
        -((following[..., 0] - 1.0) ** 2)
        - 0.1 * following[..., 1] ** 2
        - 0.01 * action[..., 0] ** 2
    )


planner = wm.Planner(
    "icem",
    model=drive,
    reward_fn=parked,
    action_space=([-2.0], [2.0]),
    horizon=20,
    population=64,
)
plan = planner.plan([0.0, 0.0])
plan

# %% [markdown]
# Only the first action is taken; the rest is where the next plan starts from.

# %%
state, states = np.array([0.0, 0.0]), []
for _ in range(40):
    state = drive(state, planner.act(state))
    states.append(state)
states = np.array(states)
assert abs(states[-1, 0] - 1.0) < 0.05

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.plot(DT * np.arange(1, 41), states, label=["position in m", "speed in m/s"])
axes.axhline(1.0, color="grey", linestyle=":", linewidth=1)
axes.set_xlabel("time in s")
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## Another planner, the same functions
#
# `ilqr` uses derivatives, which it takes by finite differences. Its plan is better here, since the task is smooth:

# %%
options = dict(
    model=drive, reward_fn=parked, action_space=([-2.0], [2.0]), horizon=20
)
for name in ("random-shooting", "cem", "icem", "ilqr"):
    print(f"{name:16} {wm.Planner(name, **options).plan([0.0, 0.0]).value:8.3f}")
