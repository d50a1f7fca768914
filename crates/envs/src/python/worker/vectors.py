"""Several environments: one after the other here, or in one of Gymnasium's own vectors, in each of its three autoreset modes.

Whatever the mode, the arrays mean one thing: `observations` is what the step led to (at an episode's end its true last
observation), `starts` the first observation of the next episode where the flag RESTARTED stands, and the flag STARTED marks a
step that was none: its action was ignored and its observation begins an episode.
"""

import importlib

import numpy as np
from worldwright_spaces import Refusal, space_of
from worldwright_suites import ControlOne, ControlSuite, GymOne, GymSuite

TERMINATED, TRUNCATED, STARTED, RESTARTED = 1, 2, 4, 8


def not_five(answer):
    """What is wrong with what a step gave, where that is not five values."""
    given = f"{len(answer)} values" if isinstance(answer, (tuple, list)) else f"a {type(answer).__name__}"
    return (
        f"its step gave {given}, expected five of Gymnasium's API: (observation, reward, terminated, truncated, info); four, as the older "
        "gym package gave, hold one flag for both ends: return terminated and truncated apart, or convert the environment with the "
        "package shimmy (GymV21CompatibilityV0)"
    )


def number(reward, weights):
    """A reward as one number: an array of one is what it holds, several are weighed."""
    if np.ma.is_masked(reward):
        raise Refusal("its reward is masked: give a number")
    array = np.asarray(reward)
    if array.dtype.kind not in "biuf":
        raise Refusal(f"its reward is {reward!r}, which is no number")
    if array.size == 1:
        return float(array.reshape(()))
    if weights and array.shape == (len(weights),):
        return float(array.astype(np.float64) @ np.asarray(weights, dtype=np.float64))
    raise Refusal(
        f"its reward is an array of shape {array.shape}, and a planner needs one number: weigh them, as by "
        f"environment.worker.reward_weights=[{', '.join(['1.0'] * min(max(array.size, 1), 8))}]"
    )


def is_set(flag, name):
    """Whether a flag is set; an array of one is what it holds, and what is no flag is refused."""
    array = np.asarray(flag)
    if array.size == 1 and array.dtype.kind in "biuf":
        one = array.reshape(())[()]
        if one == 0 or one == 1:
            return bool(one)
    raise Refusal(f"its step returned {flag!r} for '{name}', where true or false is expected")


def copied(env):
    """An environment whose observations are its receiver's own: a vector that resets within a step keeps the last observation by
    reference, and some environments use one array for all."""
    import copy

    import gymnasium

    class Copied(gymnasium.Wrapper):
        def reset(self, **arguments):
            observation, info = self.env.reset(**arguments)
            return copy.deepcopy(observation), info

        def step(self, action):
            observation, *rest = self.env.step(action)
            return (copy.deepcopy(observation), *rest)

    return Copied(env)


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
        self.weights = setup["reward_weights"]

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
            answer = step(self.read[i]())
            if not isinstance(answer, (tuple, list)) or len(answer) != 5:
                raise Refusal(not_five(answer))
            observation, reward, terminated, truncated, _ = answer
            self.write[i](observation)
            # NumPy would take None for NaN, and text for the number that it spells.
            self.rewards[i] = reward if isinstance(reward, float) else number(reward, self.weights)
            flag = 0
            # Almost every step ends nothing, and says so by Python's own False.
            if terminated is not False and is_set(terminated, "terminated"):
                flag |= TERMINATED
            if truncated is not False and is_set(truncated, "truncated"):
                flag |= TRUNCATED
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
        arguments = {}
        if kind in ("sync", "async"):
            arguments = {"vector_kwargs": {"autoreset_mode": wanted}, "wrappers": [copied]}
        with suite.refusals():
            suite.find()
            self.env = suite.gymnasium.make_vec(
                suite.name, setup["environments"], vectorization_mode=kind, **arguments, **suite.keywords()
            )
        # An environment that is itself a vector has a mode of its own, which is the one that counts.
        mode = (self.env.metadata or {}).get("autoreset_mode", modes.NEXT_STEP)
        self.autoreset = (mode if isinstance(mode, modes) else modes(mode)).name.lower()
        self.observation_space = space_of(self.env, "single_observation_space", setup["leave_out"])
        self.action_space = space_of(self.env, "single_action_space")
        self.about = suite.describe(self.env, self.observation_space, self.action_space)
        self.count = setup["environments"]
        self.over = np.zeros(self.count, dtype=bool)
        self.weights = setup["reward_weights"]

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
            self.rewards[i] = number(rewards[i], self.weights)
            flag = (TERMINATED if is_set(terminated[i], "terminated") else 0) | (
                TRUNCATED if is_set(truncated[i], "truncated") else 0
            )
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
