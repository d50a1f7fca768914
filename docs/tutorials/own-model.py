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
# # Write a model as a class
#
# A model of your own, of whichever library, is a class with a method `predict`. Here it is a small ensemble in NumPy, so that nothing else needs to be installed. With
# PyTorch only the bodies of `fit` and `predict` change; [the how-to](../how-to/models.md) has that version.

# %%
import numpy as np

import worldwright as wm

# %% [markdown]
# ## The class
#
# Each member is a linear readout of random features (Rahimi and Recht, 2007), fitted by ridge regression to its own bootstrap of the data. With `members=5`, observations
# have the shape (5, N, O): each member goes its own way, and planners judge by all of them.


# %%
class RandomFeatures(wm.WorldModel):
    """Next observation = observation + features · weights, for each member."""

    def __init__(self, *, features=200, ridge=1e-3, **spaces):
        super().__init__(members=5, deterministic=True, **spaces)
        self.features, self.ridge = features, ridge

    def lift(self, observations, actions):
        return np.cos(
            (np.concatenate([observations, actions], axis=-1) / self.scale)
            @ self.directions
            + self.phases
        )

    def fit(self, data=None, *, observations, actions, next_observations, seed=0):
        rng = np.random.default_rng(seed)
        inputs = np.concatenate([observations, actions], axis=-1)
        self.scale = 2.0 * inputs.std(axis=0)
        self.directions = rng.normal(size=(inputs.shape[1], self.features))
        self.phases = rng.uniform(0, 2 * np.pi, self.features)
        lifted, change = (
            self.lift(observations, actions),
            next_observations - observations,
        )
        self.weights = []
        for _ in range(self.members):
            rows = rng.integers(0, len(lifted), len(lifted))
            gram = lifted[rows].T @ lifted[rows] + self.ridge * np.eye(self.features)
            self.weights.append(np.linalg.solve(gram, lifted[rows].T @ change[rows]))
        self.weights = np.stack(self.weights)

    def predict(self, observations, actions, rng):
        actions = np.broadcast_to(
            actions, (*observations.shape[:2], actions.shape[-1])
        )
        return observations + self.lift(observations, actions) @ self.weights


# %% [markdown]
# ## Data
#
# A pendulum without a driver, seen as angle and speed, from random states under random torques.


# %%
def real(state, torque):
    """The pendulum: 1 kg at 1 m, steps of 0.05 s."""
    speed = state[..., 1] + 0.05 * (
        15.0 * np.sin(state[..., 0]) + 3.0 * torque[..., 0]
    )
    return np.stack([state[..., 0] + 0.05 * speed, speed], axis=-1)


def upright(state, torque, following):
    return (
        -(following[..., 0] ** 2)
        - 0.1 * following[..., 1] ** 2
        - 0.001 * torque[..., 0] ** 2
    )


rng = np.random.default_rng(0)
states = rng.uniform([-1.5, -4.0], [1.5, 4.0], (400, 2))
torques = rng.uniform(-6.0, 6.0, (400, 1))

model = RandomFeatures(
    observation_space=2, action_space=([-6.0], [6.0]), reward=upright
)
model.fit(
    observations=states, actions=torques, next_observations=real(states, torques)
)

# %% [markdown]
# ## It is a model like any other
#
# `model.model` is the same thing as a `wm.Model`: it predicts, and tells how far its members disagree.

# %%
model.model.predict([[0.3, 0.0], [1.0, -2.0]], [[0.0], [4.0]])

# %% [markdown]
# ## Plan in it

# %%
planner = wm.Planner("icem", model=model, horizon=15, population=48, iterations=2)
state = np.array([0.5, 0.0])
for _ in range(40):
    state = real(state, planner.act(state))
print(f"after 2 s: angle {state[0]:.3f} rad, speed {state[1]:.3f} rad/s")
assert abs(state[0]) < 0.1
