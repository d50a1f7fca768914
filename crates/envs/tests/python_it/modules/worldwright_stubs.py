"""Small environments whose every number is known, and some that misbehave; imported by Gymnasium through ids `worldwright_stubs:…`."""

import os
import signal
import sys
import time

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv


class Counter(gymnasium.Env):
    """Shows (seed or draw, steps so far, action); the reward is the step's number. Ends after `length` steps: terminated, or
    truncated where the first number is odd."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 50}

    def __init__(self, length=3, render_mode=None):
        self.length, self.render_mode = length, render_mode
        self.observation_space = spaces.Box(-np.inf, np.inf, (3,), np.float64)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.first = float(self.np_random.integers(1000))
        self.count = 0
        return np.array([self.first, 0.0, 0.0]), {}

    def step(self, action):
        self.count += 1
        over, odd = self.count >= self.length, self.first % 2 == 1
        observation = np.array([self.first, self.count, action[0]])
        return observation, float(self.count), over and not odd, over and odd, {}

    def render(self):
        frame = np.zeros((4, 6, 3), np.uint8)
        frame[0, 1] = (1, 2, self.count)
        return frame


class Echo(gymnasium.Env):
    """Shows what it was told, for actions and observations of every kind of space."""

    def __init__(self):
        self.action_space = spaces.Dict(
            {
                "choice": spaces.Discrete(4, start=2),
                "choices": spaces.MultiDiscrete([3, 5], start=[0, 1]),
                "bits": spaces.MultiBinary([2, 2]),
                "half": spaces.Box(-2.0, 2.0, (2,), np.float16),
                "long": spaces.Box(-9, 9, (2, 1), np.int32),
                "pair": spaces.Tuple((spaces.Discrete(3), spaces.Box(0.0, 1.0, (), np.float64))),
            }
        )
        self.observation_space = spaces.Dict(
            {"told": self.action_space, "image": spaces.Box(0, 255, (2, 3, 3), np.uint8), "count": spaces.Discrete(100)}
        )

    def look(self, told):
        image = np.arange(18, dtype=np.uint8).reshape(2, 3, 3) + 200 + np.uint8(self.count)
        return {"told": told, "image": image, "count": self.count}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        self.action_space.seed(seed)
        return self.look(self.action_space.sample()), {}

    def step(self, action):
        assert self.action_space.contains(action), action
        self.count += 1
        return self.look(action), 0.0, False, False, {}


class Image(gymnasium.Env):
    """A picture as observation, a choice as action: the pixel of the last choice is lit."""

    def __init__(self):
        self.action_space = spaces.Discrete(5)
        self.observation_space = spaces.Box(0, 255, (5, 7, 3), np.uint8)

    def look(self):
        image = np.full((5, 7, 3), 255, np.uint8)
        image[self.last, 0] = (7, 8, 9)
        return image

    def reset(self, *, seed=None, options=None):
        self.last = 0
        return self.look(), {}

    def step(self, action):
        self.last = action
        return self.look(), 1.0, False, False, {}


class Misbehaving(Counter):
    """Fails as told, at the third step of its first life; a file marks that it has lived."""

    def __init__(self, how="raise", mark="", where="step", render_mode=None):
        super().__init__(length=10)
        self.how, self.mark, self.where = how, mark, where
        if where == "make":
            self.fail()

    def reset(self, *, seed=None, options=None):
        if self.where == "reset":
            self.fail()
        return super().reset(seed=seed, options=options)

    def step(self, action):
        if self.where == "step" and self.count == 2:
            self.fail()
        return super().step(action)

    def fail(self):
        if self.mark:
            try:
                open(self.mark, "x").close()
            except FileExistsError:
                return
        print("printed before failing", flush=True)
        print("the last words", file=sys.stderr, flush=True)
        if self.how == "exit":
            os._exit(7)
        if self.how == "sys_exit":
            sys.exit(3)
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "hang":
            while True:
                time.sleep(0.01)
        if self.how == "shape":
            self.step = lambda action: (np.zeros(7), 0.0, False, False, {})
            return
        raise RuntimeError("an exception of the environment")


class OwnVector(VectorEnv):
    """A vector of its own, in same-step mode, whose last observations come as one array."""

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(self, num_envs=1, length=3, render_mode=None):
        self.num_envs, self.length = num_envs, length
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
        self.single_action_space = spaces.Discrete(3)
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, num_envs)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed=None, options=None):
        self.counts = np.zeros(self.num_envs, np.float32)
        self.seeds = np.asarray(seed, np.float32)
        return np.stack([self.seeds, self.counts], 1), {}

    def step(self, actions):
        self.counts += 1 + actions
        final = np.stack([self.seeds, self.counts], 1)
        over = self.counts >= self.length
        self.counts[over] = 0
        info = {"final_obs": final, "_final_obs": over}
        none = np.zeros(self.num_envs, bool)
        return np.stack([self.seeds, self.counts], 1), actions.astype(np.float64), over, none, info


class Idle(gymnasium.Env):
    """Does nothing, in the shape of HalfCheetah: what is left is the cost of being driven."""

    def __init__(self):
        self.observation_space = spaces.Box(-np.inf, np.inf, (17,), np.float64)
        self.action_space = spaces.Box(-1.0, 1.0, (6,), np.float32)
        self.observation = np.zeros(17)

    def reset(self, *, seed=None, options=None):
        return self.observation, {}

    def step(self, action):
        return self.observation, 0.0, False, False, {}


class Timed(gymnasium.Env):
    """Another environment; the reward is the nanoseconds that its own step took."""

    def __init__(self, inner):
        self.env = gymnasium.make(inner, disable_env_checker=True)
        self.observation_space, self.action_space = self.env.observation_space, self.env.action_space

    def reset(self, *, seed=None, options=None):
        return self.env.reset(seed=seed, options=options)

    def step(self, action):
        start = time.perf_counter_ns()
        observation, _, terminated, truncated, info = self.env.step(action)
        return observation, float(time.perf_counter_ns() - start), terminated, truncated, info


gymnasium.register("Counter-v0", Counter)
gymnasium.register("Echo-v0", Echo)
gymnasium.register("Image-v0", Image)
gymnasium.register("Misbehaving-v0", Misbehaving)
gymnasium.register("OwnVector-v0", Counter, vector_entry_point=OwnVector)
gymnasium.register("Idle-v0", Idle)
gymnasium.register("Timed-v0", Timed)
