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
# # Learn to swing up a pendulum
#
# Gymnasium's `Pendulum-v1` is a rod that hangs from a joint whose motor is too weak to lift it at once. We learn how it moves from 1,000 steps,
# five episodes, and plan in what was learned.

# %%
import gymnasium
import numpy as np

import worldwright as wm

environment = gymnasium.make("Pendulum-v1")
environment.observation_space, environment.action_space

# %% [markdown]
# ## Learn
#
# `"pets"` learns an ensemble of probabilistic networks and plans through it at every step (Chua et al., NeurIPS 2018). The first episode acts at random; after each
# episode the ensemble is fitted to everything that was seen. At the end new episodes say how good it is.

# %%
run = wm.learn(
    environment,
    algorithm="pets",
    steps=1000,
    seed=0,
    evaluation={"episodes": 3},
    run_dir="runs/pendulum",
    progress=False,
)
run

# %% [markdown]
# ## Look at the run
#
# Top left: the return of each episode. The best possible is about −140 on average; an episode at random gives about −1,200. Top right: the error of the model on
# transitions that were held out. Below: what the model foretells from one observation alone, 50 steps ahead, and what really happened.

# %%
run.plot()

# %%
run.metrics("episode")[["episode", "step", "return", "decisions_per_sec"]]

# %% [markdown]
# How far ahead can it be trusted? Its error grows with the steps ahead. Where the dashed line is crossed, the model is no better than saying that nothing changes.

# %%
run.plot("horizon")

# %% [markdown]
# ## Act
#
# An agent takes observations as the environment gives them, and gives actions as `step` takes them.

# %%
agent = run.agent()
observation, _ = environment.reset(seed=7)
agent.begin(observation)
rewards = []
for _ in range(60):
    observation, reward, *_ = environment.step(agent.act(observation))
    rewards.append(float(reward))
print(
    f"reward of the first ten steps {np.mean(rewards[:10]):.2f} a step, of the last ten {np.mean(rewards[-10:]):.2f}"
)

# %% [markdown]
# A plan says what it would do and which return it expects over its horizon:

# %%
agent.plan([-1.0, 0.0, 0.0])

# %% [markdown]
# ## Ask the model
#
# The ensemble itself is at hand. Where its members disagree (`epistemic`), it has seen too little.

# %%
agent.model

# %%
agent.model.predict(
    [[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [1.0, 0.0, 20.0]], [[0.0], [2.0], [2.0]]
)

# %% [markdown]
# The third observation, a speed of 20 rad/s, is one that the pendulum never has.
