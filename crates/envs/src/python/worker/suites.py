"""Single environments of the two suites.

Both kinds give reset(seed) -> observation and step(action) -> (observation, reward, terminated, truncated, information).
"""

import contextlib
import importlib
import traceback

import numpy as np
from worldwright_faults import argument, sentence
from worldwright_packages import bring_in, command, explained, nearest
from worldwright_spaces import Box, Joined, Refusal, space_of


class GymSuite:
    packages = ["gymnasium", "mujoco", "numpy", "ale_py", "pygame"]

    def __init__(self, setup):
        self.setup, self.name = setup, setup["id"]
        try:
            self.gymnasium = importlib.import_module("gymnasium")
        except ImportError as error:
            raise explained(error, setup) from error

    def keywords(self):
        """The user's arguments and time limit, and pictures where the environment's class says that it draws them."""
        keywords = dict(self.setup["keywords"])
        if self.setup["episode_steps"]:
            keywords["max_episode_steps"] = self.setup["episode_steps"]
        if self.setup["render"] and "render_mode" not in keywords:
            if "rgb_array" in (getattr(self.creator(), "metadata", None) or {}).get("render_modes", []):
                keywords["render_mode"] = "rgb_array"
        return keywords

    def creator(self):
        """What is called to make one; None where only vectors are made."""
        from gymnasium.envs.registration import load_env_creator

        entry = self.gymnasium.spec(self.name).entry_point
        return load_env_creator(entry) if isinstance(entry, str) else entry

    def find(self):
        """Sees to it that the id is registered: its own module is imported, else those of the packages that the user installed."""
        module, _, self.name = self.setup["id"].rpartition(":")
        registry, failures = self.gymnasium.registry, []
        if module:
            self.bring(module)
        elif self.name not in registry:
            failures = bring_in(self.setup, self.name, registry)
        try:
            self.gymnasium.spec(self.name)
        except self.gymnasium.error.UnregisteredEnv as said:
            for module, failure in failures:
                reason = explained(failure, self.setup)
                if isinstance(reason, Refusal):
                    raise reason from failure
            others = "".join(f"; {module} cannot be imported ({failure})" for module, failure in failures)
            raise Refusal(f"Gymnasium: {said}{others}{nearest(self.setup, self.name, registry)}") from said

    def bring(self, module):
        """Imports the module that an id begins with."""
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            raise Refusal(
                f"there is no module '{error.name}' here ({error}): where it is a file of your own, name its folder by "
                f"environment.worker.path=FOLDER; where it is a package's, {command(self.setup, [error.name.partition('.')[0].replace('_', '-')])}"
            ) from error
        except ImportError:
            raise
        except BaseException as error:
            raise Refusal(sentence(error, f"importing its module '{module}'")) from error

    def make(self):
        with self.refusals():
            self.find()
            return self.gymnasium.make(self.name, disable_env_checker=True, **self.keywords())

    @contextlib.contextmanager
    def refusals(self):
        """What Gymnasium says in full of identifiers that it does not know, and what brings packages that are missing."""
        error = self.gymnasium.error
        try:
            yield
        except (error.UnregisteredEnv, error.DeprecatedEnv) as said:
            raise Refusal(f"Gymnasium: {said}{nearest(self.setup, self.name, self.gymnasium.registry)}") from said
        except Exception as said:
            reason = explained(said, self.setup)
            if isinstance(said, AssertionError) and "gymnasium_robotics" in "".join(traceback.format_tb(said.__traceback__)):
                reason = Refusal(
                    f"gymnasium-robotics fails with the MuJoCo of {self.setup['name']}: run `worldwright env install robotics robotics`, "
                    f"which takes an older one, and write robotics:{self.name}"
                )
            if reason is said and isinstance(said, ImportError):
                # What was moved elsewhere says so when it is imported.
                reason = Refusal(f"Gymnasium: {said}{nearest(self.setup, self.name, self.gymnasium.registry)}")
            if reason is said and isinstance(said, TypeError):
                reason = argument(said, self.name, self.setup["keywords"], self.creator()) or said
            raise reason from said

    def describe(self, env, observation_space, action_space):
        spec = getattr(env, "spec", None)
        return {
            "dt_secs": dt_of(env),
            "episode_steps": getattr(spec, "max_episode_steps", None),
            "observation_parts": None if self.setup["leave_out"] else names_of(env, "observation"),
            "action_names": names_of(env, "action"),
            "environment": getattr(spec, "id", None) or self.setup["id"],
        }


def names_of(env, what):
    """What an environment calls the numbers of its observations or actions (`observation_names`, `action_names`), each with no length of
    its own; None where it does not say. Where parts are left out, nothing tells which names are theirs. Names that are not one a number, or of which two are the same, are a slip."""
    names = getattr(getattr(env, "unwrapped", env), f"{what}_names", None)
    if names is None:
        return None
    from gymnasium.spaces import flatdim

    names, count = [str(name) for name in names], int(flatdim(getattr(env, f"{what}_space")))
    if len(names) != count:
        raise Refusal(f"{what}_names has {len(names)} names for {count} numbers: give one for each")
    for name in names:
        if names.count(name) > 1:
            raise Refusal(f"{what}_names has '{name}' twice: a name is one number's")
    return [[name, None] for name in names]


def positive(given):
    """A positive finite number, or a NumPy array of one, as a float; None for all else."""
    if isinstance(given, (bool, str)) or callable(given):
        return None
    try:
        number = float(given)
    except (TypeError, ValueError):
        return None
    return number if 0.0 < number < float("inf") else None


def dt_of(env):
    """Seconds of a step: the `dt` that the environment has, that of an outer wrapper before that of an inner one; else what a
    picture is shown for, which need not be the same. None where neither is told."""
    layer = env
    while layer is not None:
        try:
            dt = positive(getattr(layer, "dt", None))
        except Exception:  # A property of its own may fail in its own way, before the first reset above all.
            dt = None
        if dt is not None:
            return dt
        layer = None if layer is env.unwrapped else getattr(layer, "env", None)
    fps = positive((getattr(env, "metadata", None) or {}).get("render_fps"))
    return None if fps is None else 1.0 / fps


class GymOne:
    def __init__(self, suite):
        self.env = suite.make()
        self.observation_space = space_of(self.env, "observation_space", suite.setup["leave_out"])
        self.action_space = space_of(self.env, "action_space")
        self.about = suite.describe(self.env, self.observation_space, self.action_space)
        self.close = self.env.close
        self.step = self.env.step

    def reset(self, seed):
        return self.env.reset(seed=seed)[0]

    def render(self):
        if self.env.render_mode is None:
            raise Refusal("this environment draws no pictures (no 'rgb_array' among its render modes, or render=false)")
        frame = self.env.render()
        return frame[-1] if isinstance(frame, list) and frame else frame


class ControlSuite:
    packages = ["dm_control", "dm_env", "mujoco", "numpy"]

    def __init__(self, setup):
        try:
            self.suite = importlib.import_module("dm_control.suite")
        except ImportError as error:
            raise explained(error, setup) from error
        self.setup = setup
        names = {f"{domain}-{task}".replace("_", "-"): (domain, task) for domain, task in self.suite.ALL_TASKS}
        wanted = setup["id"].replace("_", "-")
        if wanted not in names:
            import difflib

            near = difflib.get_close_matches(wanted, names, 3, 0.5)
            raise Refusal(f"dm_control has no task '{setup['id']}'; the nearest are {', '.join(near) or 'none'}")
        self.task = names[wanted]


class ControlOne:
    def __init__(self, suite):
        setup = suite.setup
        keywords = {"random": 0, **setup["keywords"]}
        try:
            self.env = suite.suite.load(*suite.task, task_kwargs=keywords)
        except TypeError as error:
            task = getattr(importlib.import_module(f"dm_control.suite.{suite.task[0]}"), suite.task[1], None)
            raise argument(error, setup["id"], setup["keywords"], task) or error from error
        self.size = (setup["height"], setup["width"])
        parts = [(key, int(np.prod(spec.shape))) for key, spec in self.env.observation_spec().items()]
        dtypes = {np.dtype(spec.dtype) for spec in self.env.observation_spec().values()}
        # One observation's numbers side by side: double precision unless all parts are single.
        self.observation_space = Joined(parts, np.result_type(*dtypes))
        action = self.env.action_spec()
        low, high = np.broadcast_to(action.minimum, action.shape), np.broadcast_to(action.maximum, action.shape)
        self.action_space = Box(action.shape, low, high, action.dtype)
        if setup["episode_steps"]:
            self.env._step_limit = setup["episode_steps"]
        limit = getattr(self.env, "_step_limit", np.inf)
        self.about = {
            "dt_secs": float(self.env.control_timestep()),
            "episode_steps": int(np.ceil(limit)) if np.isfinite(limit) else None,
            "observation_parts": [
                [key, None if spec.shape == () else size]
                for (key, size), spec in zip(parts, self.env.observation_spec().values(), strict=True)
            ],
            "environment": "-".join(suite.task),
        }
        self.close = self.env.close

    def reset(self, seed):
        if seed is not None:
            # A RandomState takes 32 bits as a seed, or an array of such.
            self.env.task.random.seed(seed if seed < 2**32 else [seed & 0xFFFFFFFF, seed >> 32])
        return self.env.reset().observation

    def step(self, action):
        moment = self.env.step(action)
        last = moment.step_type == 2
        over = last and moment.discount == 0.0
        return moment.observation, moment.reward or 0.0, over, last and not over, None

    def render(self):
        return self.env.physics.render(self.size[0], self.size[1], camera_id=0)
