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


class Named(Counter):
    """Says what its numbers are called."""

    observation_names = ["first", "count", "push"]
    action_names = ["lever"]


class Misnamed(Counter):
    """Has fewer names than numbers."""

    observation_names = ["first", "count"]


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


class Reusing(Counter):
    """A Counter that shows the same array each time, changed in place."""

    def __init__(self, length=3, render_mode=None):
        super().__init__(length, render_mode)
        self.shown = np.zeros(3)

    def reset(self, *, seed=None, options=None):
        self.shown[:], info = super().reset(seed=seed)
        return self.shown, info

    def step(self, action):
        self.shown[:], *rest = super().step(action)
        return (self.shown, *rest)


class Loose(Counter):
    """Gives rewards and flags in the forms that environments of the field give them in; seeds NumPy's global generator."""

    def __init__(self, reward="array", flag="array", render_mode=None):
        super().__init__()
        self.reward, self.flag = reward, flag

    def reset(self, *, seed=None, options=None):
        np.random.seed(seed)
        return super().reset(seed=seed)

    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        rewards = {"array": np.array([reward]), "none": None, "vector": np.array([reward, 10.0]), "text": "1.0"}
        flags = {"array": np.array([terminated]), "none": None, "nan": float("nan"), "text": "False", "number": np.int8(terminated)}
        return observation, rewards[self.reward], flags[self.flag], np.array([truncated]), info


class OldBox:
    """A Box as the `gym` package or a package of its own has it: the attributes are the same, the class is not."""

    def __init__(self, low, high, shape):
        self.low, self.high, self.shape, self.dtype = np.full(shape, low), np.full(shape, high), shape, np.float64


class OldParts:
    def __init__(self, parts):
        self.spaces = parts


class Strange(gymnasium.Env):
    """Has spaces of all kinds that are no vectors of numbers, or are ones under another name."""

    def __init__(self, kind="text", numbers=10):
        self.action_space = spaces.Discrete(2)
        low = np.zeros(10 if kind == "whole" else numbers)
        low[0] = -1.0
        self.observation_space = {
            "text": lambda: spaces.Text(5),
            "inner": lambda: spaces.Dict(a=spaces.Discrete(2), mission=spaces.Text(5)),
            "sequence": lambda: spaces.Sequence(spaces.Discrete(3)),
            "graph": lambda: spaces.Graph(spaces.Box(-1, 1, (2,)), None),
            "empty": lambda: spaces.Dict({}),
            "none": lambda: None,
            "object": lambda: object(),
            "old": lambda: OldParts({"b": OldBox(-1.0, 2.0, (2,)), "a": OldBox(-np.inf, np.inf, (1,))}),
            "large": lambda: spaces.Box(low, np.ones(numbers), dtype=np.float64),
            "choices": lambda: spaces.Discrete(2**40),
            "bytes": lambda: spaces.Box(0, 255, (2,), np.uint8),
            "whole": lambda: spaces.Box(-(2**62), 2**62, (2,), np.int64),
            "column": lambda: spaces.Box(-1.0, 1.0, (2,), np.float64),
        }[kind]()
        self.kind, self.numbers = kind, numbers

    def reset(self, *, seed=None, options=None):
        if self.kind == "old":
            return {"b": np.array([1.5, 0.5]), "a": np.array([7.0])}, {}
        if self.kind == "whole":
            return np.array([2**60, self.numbers]), {}
        if self.kind == "column":
            return np.zeros((2, 1)), {}
        if self.kind == "bytes":
            return np.array([0.5, 300.0]), {}
        return np.full(self.numbers, 0.25), {}

    def step(self, action):
        return self.reset()[0], 0.0, False, False, {}


class Needing(Counter):
    """Needs a package that is not there, and says so as packages of the field do."""

    def __init__(self, how="extra", render_mode=None):
        super().__init__()
        if how == "extra":
            raise gymnasium.error.DependencyNotInstalled(
                'Box2D is not installed, you can install it by run `pip install swig` followed by `pip install "gymnasium[box2d]"`'
            )
        if how == "module":
            import no_such_package.inner  # noqa: F401
        try:
            import Box2D_that_is_not_there  # noqa: F401
        except ImportError as error:
            raise RuntimeError("something went wrong while loading") from error


class Paced(Counter):
    """Pictures of 50 a second and steps of another length, told in one way or another."""

    def __init__(self, how="", render_mode=None):
        super().__init__()
        told = {"int": 2, "single": np.float32(0.25), "array": np.array(0.125), "text": "0.5", "none": 0.0, "method": lambda: 0.5}
        if how in told:
            self.dt = told[how]
        self.how = how

    def __getattr__(self, name):
        if name == "dt" and self.__dict__.get("how") == "late":
            raise RuntimeError("there is no clock before the first reset")
        raise AttributeError(name)


class Held(gymnasium.Wrapper):
    """A wrapper whose steps are longer than those within."""

    dt = 0.75


def held(how="", render_mode=None):
    return Held(Paced(how))


class Forking(Counter):
    """Starts processes, in its own group and in others, and notes their numbers in a file."""

    def __init__(self, note="", how="", render_mode=None):
        super().__init__(length=100)
        self.note, self.how = note, how

    def reset(self, *, seed=None, options=None):
        import subprocess

        children = [subprocess.Popen(["sleep", "300"], start_new_session=apart) for apart in (False, True)]
        forked = os.fork()
        if forked == 0:
            os.setsid()
            time.sleep(300)
            os._exit(0)
        with open(self.note, "w") as file:
            file.write("\n".join(str(number) for number in [*(child.pid for child in children), forked, os.getpid()]))
        return super().reset(seed=seed, options=options)

    def step(self, action):
        if self.how == "raise":
            raise RuntimeError("an exception of the environment")
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step(action)


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


class Meeting(Counter):
    """Is not made before another is being made, in a process of its own."""

    def __init__(self, folder, render_mode=None):
        super().__init__(render_mode=render_mode)
        open(os.path.join(folder, str(os.getpid())), "x").close()
        while len(os.listdir(folder)) < 2:
            time.sleep(0.01)


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
gymnasium.register("Named-v0", Named)
gymnasium.register("Misnamed-v0", Misnamed)
gymnasium.register("Echo-v0", Echo)
gymnasium.register("Image-v0", Image)
gymnasium.register("Misbehaving-v0", Misbehaving)
gymnasium.register("OwnVector-v0", Counter, vector_entry_point=OwnVector)
gymnasium.register("Idle-v0", Idle)
gymnasium.register("Timed-v0", Timed)
gymnasium.register("Meeting-v0", Meeting)
gymnasium.register("Reusing-v0", Reusing)
gymnasium.register("Loose-v0", Loose)
gymnasium.register("Needing-v0", Needing)
gymnasium.register("Strange-v0", Strange)
gymnasium.register("Forking-v0", Forking)
gymnasium.register("Paced-v0", Paced)
gymnasium.register("Held-v0", held)
