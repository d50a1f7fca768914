"""Several environments: one after the other here, or in one of Gymnasium's own vectors, in each of its three autoreset modes.

Whatever the mode, the arrays mean one thing: `observations` is what the step led to (at an episode's end its true last
observation), `starts` the first observation of the next episode where the flag RESTARTED stands, and the flag STARTED marks a
step that was none: its action was ignored and its observation begins an episode.
"""

import importlib

import numpy as np
from worldwright_spaces import Refusal, from_gymnasium
from worldwright_suites import ControlOne, ControlSuite, GymOne, GymSuite

TERMINATED, TRUNCATED, STARTED, RESTARTED = 1, 2, 4, 8


class Loop:
    """Environments stepped one after the other, with one of the three autoreset modes."""

    def __init__(self, setup):
        suite = (GymSuite if setup["suite"] == "gym" else ControlSuite)(setup)
        one = GymOne if setup["suite"] == "gym" else ControlOne
        self.packages = suite.packages
        self.ones = [one(suite) for _ in range(setup["environments"])]
        self.first = self.ones[0]
        self.observation_space, self.action_space = self.first.observation_space, self.first.action_space
        self.about, self.autoreset = self.first.about, setup["autoreset"]
        self.over = [False] * len(self.ones)

    def attach(self, arrays):
        def views(leaves, i):
            return [leaf[i, ...] for leaf in leaves]

        lanes = range(len(self.ones))
        self.write = [self.observation_space.writer(views(arrays.observations, i)) for i in lanes]
        self.write_start = [self.observation_space.writer(views(arrays.starts, i)) for i in lanes]
        self.read = [self.action_space.reader(views(arrays.actions, i)) for i in lanes]
        self.steps = [one.step for one in self.ones]
        self.rewards, self.flags, self.seeds, self.mask = arrays.rewards, arrays.flags, arrays.seeds, arrays.mask

    def reset(self):
        for i, one in enumerate(self.ones):
            if self.mask[i]:
                self.write[i](one.reset(self.seeds[i]))
                self.over[i] = False

    def step(self):
        for i, step in enumerate(self.steps):
            if self.over[i]:
                if self.autoreset == "disabled":
                    raise Refusal("the episode is over: reset first")
                self.write[i](self.ones[i].reset(None))
                self.over[i], self.rewards[i], self.flags[i] = False, 0.0, STARTED
                continue
            observation, reward, terminated, truncated, _ = step(self.read[i]())
            self.write[i](observation)
            self.rewards[i] = reward
            flag = (TERMINATED if terminated else 0) | (TRUNCATED if truncated else 0)
            if flag:
                if self.autoreset == "same_step":
                    self.write_start[i](self.ones[i].reset(None))
                    flag |= RESTARTED
                else:
                    self.over[i] = True
            self.flags[i] = flag

    def render(self):
        return self.first.render()

    def close(self):
        for one in self.ones:
            one.close()


class Vector:
    """A vector environment made by Gymnasium itself, in whichever of the three autoreset modes it says it has."""

    def __init__(self, setup):
        if setup["suite"] != "gym":
            raise Refusal("only Gymnasium makes vectors; take the worker's own loop for dm_control")
        suite = GymSuite(setup)
        self.packages = suite.packages
        modes = importlib.import_module("gymnasium.vector").AutoresetMode
        kind, wanted = setup["vectorization"], modes[setup["autoreset"].upper()]
        arguments = {"vector_kwargs": {"autoreset_mode": wanted}} if kind in ("sync", "async") else {}
        with suite.refusals():
            self.env = suite.gymnasium.make_vec(
                setup["id"], setup["environments"], vectorization_mode=kind, **arguments, **suite.keywords()
            )
        # An environment that is itself a vector has a mode of its own, which is the one that counts.
        mode = (self.env.metadata or {}).get("autoreset_mode", modes.NEXT_STEP)
        self.autoreset = (mode if isinstance(mode, modes) else modes(mode)).name.lower()
        self.observation_space = from_gymnasium(self.env.single_observation_space)
        self.action_space = from_gymnasium(self.env.single_action_space)
        self.about = suite.describe(self.env, self.observation_space, self.action_space)
        self.count = setup["environments"]
        self.over = np.zeros(self.count, dtype=bool)

    def attach(self, arrays):
        self.write = self.observation_space.batched(self.count).writer(list(arrays.observations))
        self.read = self.action_space.batched(self.count).reader(list(arrays.actions))
        lanes = range(self.count)
        self.write_one = [self.observation_space.writer([leaf[i, ...] for leaf in arrays.observations]) for i in lanes]
        self.observations, self.starts = arrays.observations, arrays.starts
        self.rewards, self.flags, self.seeds, self.mask = arrays.rewards, arrays.flags, arrays.seeds, arrays.mask

    def reset(self):
        mask = np.array(self.mask, dtype=bool)
        if mask.all():
            observations, _ = self.env.reset(seed=[int(seed) for seed in self.seeds])
        else:
            seeds = [int(seed) if on else None for seed, on in zip(self.seeds, mask)]
            observations, _ = self.env.reset(seed=seeds, options={"reset_mask": mask.copy()})
        self.write(observations)
        self.over &= ~mask

    def step(self):
        observations, rewards, terminated, truncated, infos = self.env.step(self.read())
        self.write(observations)
        done = np.logical_or(terminated, truncated)
        for i in range(self.count):
            if self.autoreset == "next_step" and self.over[i]:
                self.rewards[i], self.flags[i] = 0.0, STARTED
                continue
            self.rewards[i] = rewards[i]
            flag = (TERMINATED if terminated[i] else 0) | (TRUNCATED if truncated[i] else 0)
            if flag and self.autoreset == "same_step":
                if "final_obs" not in infos:
                    raise Refusal("a vector in same-step mode must give info['final_obs'], but this one does not")
                for leaf, start in zip(self.observations, self.starts):
                    start[i, ...] = leaf[i, ...]
                self.write_one[i](final_of(infos["final_obs"], i))
                flag |= RESTARTED
            self.flags[i] = flag
        # The reset step of next-step mode ends nothing, whatever the environment left in its arrays.
        self.over = done & ~(self.over if self.autoreset == "next_step" else False)

    def render(self):
        frames = self.env.render()
        if frames is None:
            raise Refusal("this vector draws no pictures (no 'rgb_array' among its render modes, or render=false)")
        return frames[0]

    def close(self):
        self.env.close()


def final_of(final, i):
    """One environment's last observation: Gymnasium gives an array of them, some vectors a dict or tuple of arrays."""
    if isinstance(final, dict):
        return {key: final_of(part, i) for key, part in final.items()}
    if isinstance(final, tuple):
        return tuple(final_of(part, i) for part in final)
    return final[i]
