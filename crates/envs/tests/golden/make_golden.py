"""Golden trajectories of the native environments, taken from the originals.

    python make_golden.py gym     needs gymnasium >= 1.0 and numpy; writes gym.json
    python make_golden.py mujoco  needs dm_control, mujoco and numpy; writes mujoco.json
    python make_golden.py pilco   needs numpy only; writes pilco.json
    python make_golden.py gym-rewards     needs gymnasium[mujoco]; writes gym-rewards.json
    python make_golden.py dmc-rewards     needs dm_control; writes dmc-rewards.json

States are injected, so that no random generator need be matched. Each environment gives single steps from scattered states
and one free run from a state with a fixed list of actions. Numbers are written with all digits.
"""

import json
import math
import pathlib
import sys

import numpy as np

STEPS, RUN = 40, 100


def digits(x):
    return [float(v) for v in np.asarray(x, dtype=np.float64).ravel()]


def record(low, high, draw_action, step, run_start, run_length=RUN, seed=7):
    """`step(state, action)` returns next state, observation, reward, terminated."""
    rng = np.random.default_rng(seed)
    out = {"steps": [], "run": {"start": digits(run_start), "actions": [], "states": [], "rewards": []}}
    for _ in range(STEPS):
        state, action = rng.uniform(low, high), draw_action(rng)
        after, observation, reward, terminated = step(state, action)
        out["steps"].append(
            {
                "state": digits(state),
                "action": digits(action),
                "next": digits(after),
                "observation": digits(observation),
                "reward": float(reward),
                "terminated": bool(terminated),
            }
        )
    state = np.array(run_start, dtype=np.float64)
    for _ in range(run_length):
        action = draw_action(rng)
        state, _, reward, terminated = step(state, action)
        out["run"]["actions"].append(digits(action)[0])
        out["run"]["states"].append(digits(state))
        out["run"]["rewards"].append(float(reward))
        if terminated:
            break
    return out


def gym_suite():
    import gymnasium

    def stepper(name, dtype=np.float64, as_action=lambda a: a):
        env = gymnasium.make(name).unwrapped
        env.reset(seed=0)

        def step(state, action):
            env.state = np.array(state, dtype=dtype)
            env.steps_beyond_terminated = None
            observation, reward, terminated, _, _ = env.step(as_action(action))
            return np.array(env.state, dtype=np.float64), observation, reward, terminated

        return step

    choice = lambda n: lambda rng: int(rng.integers(n))
    real = lambda bound: lambda rng: rng.uniform(-bound, bound, 1)
    single = lambda bound: lambda rng: rng.uniform(-bound, bound, 1).astype(np.float32)
    pi = math.pi

    def rounded(step):
        return lambda state, action: step(np.asarray(state, dtype=np.float32), action)

    continuous = stepper("MountainCarContinuous-v0", np.float32)

    def continuous_step(state, action):
        return continuous(state, np.asarray(action, dtype=np.float32))

    suite = {
        "pendulum": record([-9, -8], [9, 8], real(2.5), stepper("Pendulum-v1"), [3.0, 0.2]),
        "cartpole": record(
            [-2.45, -3, -0.22, -3], [2.45, 3, 0.22, 3], choice(2), stepper("CartPole-v1"), [0.01, -0.02, 0.03, 0.04]
        ),
        "mountain-car": record([-1.2, -0.07], [0.6, 0.07], choice(3), stepper("MountainCar-v0"), [-0.5, 0.0]),
        "acrobot": record(
            [-pi, -pi, -4 * pi, -9 * pi], [pi, pi, 4 * pi, 9 * pi], choice(3), stepper("Acrobot-v1"), [0.1, -0.1, 0.05, 0.0]
        ),
    }
    # The original rounds its state to single precision, so injected states are rounded before they are written.
    grid = record([-1.2, -0.07], [0.6, 0.07], single(1.3), rounded(continuous_step), [-0.5, 0.0])
    for case in grid["steps"]:
        case["state"] = digits(np.float32(case["state"]))
    suite["mountain-car-continuous"] = grid
    versions = {"gymnasium": gymnasium.__version__, "numpy": np.__version__}
    return versions, suite


# PETS's cart-pole, by the constants of its published model.
PETS = """
<mujoco>
  <compiler inertiafromgeom="true"/>
  <option gravity="0 0 -9.81" integrator="RK4" timestep="0.02"/>
  <worldbody>
    <body>
      <joint name="slider" type="slide" axis="1 0 0" damping="1" limited="true" range="-2.5 2.5"/>
      <geom type="capsule" quat="0.707 0 0.707 0" size="0.1 0.1" contype="0" conaffinity="0"/>
      <body>
        <joint name="hinge" type="hinge" axis="0 1 0" damping="1" limited="false"/>
        <geom type="capsule" fromto="0 0 0 0.001 0 -0.6" size="0.049 0.3" contype="0" conaffinity="0"/>
      </body>
    </body>
  </worldbody>
  <actuator><motor joint="slider" gear="100" ctrllimited="true" ctrlrange="-3 3"/></actuator>
</mujoco>
"""


def mujoco_suite():
    from importlib.metadata import version

    import mujoco
    from dm_control import suite as dmc

    def dmc_stepper(domain, task):
        env = dmc.load(domain, task)
        dims = env.physics.model.nq

        def step(state, action):
            env.reset()
            with env.physics.reset_context():
                env.physics.data.qpos[:] = state[:dims]
                env.physics.data.qvel[:] = state[dims:]
            # Cold start: what the last step left in the solver must not reach this one.
            env.physics.data.qacc_warmstart[:] = 0
            now = env.step(action)
            after = np.concatenate([env.physics.data.qpos, env.physics.data.qvel])
            observation = np.concatenate([np.ravel(part) for part in now.observation.values()])
            return after, observation, now.reward, False

        return step

    model = mujoco.MjModel.from_xml_string(PETS)
    model.opt.tolerance = 0
    data = mujoco.MjData(model)

    def pets_step(state, action):
        mujoco.mj_resetData(model, data)
        data.qpos[:], data.qvel[:] = state[:2], state[2:]
        data.ctrl[:] = action
        for _ in range(2):
            mujoco.mj_step(model, data)
        after = np.concatenate([data.qpos, data.qvel])
        tip = np.array([after[0] - 0.6 * math.sin(after[1]), -0.6 * math.cos(after[1])])
        reward = math.exp(-np.sum((tip - [0, 0.6]) ** 2) / 0.36) - 0.01 * float(np.sum(np.square(action)))
        return after, after, reward, False

    real = lambda bound: lambda rng: rng.uniform(-bound, bound, 1)
    pi = math.pi
    cartpole = dmc_stepper("cartpole", "swingup")
    suite = {
        "dmc-pendulum-swingup": record([-7, -9], [7, 9], real(1), dmc_stepper("pendulum", "swingup"), [3.0, 0.1]),
        "dmc-cartpole-swingup": record(
            [-1.7, -7, -3, -9], [1.7, 7, 3, 9], real(1), cartpole, [0.01, 3.13, -0.01, 0.02]
        ),
        "dmc-cartpole-swingup at the rail": record(
            [-1.9, -7, -5, -9], [-1.79, 7, 1, 9], real(1), cartpole, [1.7, 3.0, 2.5, 0.3]
        ),
        "pets-cartpole": record([-2, -7, -3, -9], [2, 7, 3, 9], real(3), pets_step, [0.05, 0.1, -0.1, 0.05]),
        "pets-cartpole at the rail": record(
            [2.45, -7, -1, -9], [2.6, 7, 5, 9], real(3), pets_step, [2.3, 0.1, 2.0, 0.3]
        ),
    }
    versions = {"dm_control": version("dm_control"), "mujoco": mujoco.__version__, "numpy": np.__version__}
    return versions, suite


def pilco_suite():
    """The paper's system from its Lagrangian, by very small steps: another form than the environment's closed one."""
    m, cart, length, b, g = 0.5, 0.5, 0.5, 0.1, 9.82

    def derivative(s, force):
        x, x_dot, theta, theta_dot = s
        # Pole: a thin rod hinged at one end; its centre lies at (x + l/2 sin, -l/2 cos).
        half, inertia = length / 2, m * length**2 / 12
        mass = np.array(
            [[cart + m, m * half * math.cos(theta)], [m * half * math.cos(theta), inertia + m * half**2]]
        )
        load = np.array(
            [force - b * x_dot + m * half * theta_dot**2 * math.sin(theta), -m * g * half * math.sin(theta)]
        )
        acc = np.linalg.solve(mass, load)
        return np.array([x_dot, acc[0], theta_dot, acc[1]])

    def step(state, action):
        s, h, force = np.array(state), 0.1 / 400, float(np.clip(action[0], -10, 10))
        for _ in range(400):
            k1 = derivative(s, force)
            k2 = derivative(s + h / 2 * k1, force)
            k3 = derivative(s + h / 2 * k2, force)
            k4 = derivative(s + h * k3, force)
            s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        tip = np.array([s[0] + length * math.sin(s[2]), -length * math.cos(s[2])])
        reward = math.exp(-np.sum((tip - [0, length]) ** 2) / (2 * 0.25**2))
        return s, [s[0], s[1], math.cos(s[2]), math.sin(s[2]), s[3]], reward, False

    real = lambda rng: rng.uniform(-11, 11, 1)
    suite = {"pilco-cartpole": record([-2, -3, -7, -9], [2, 3, 7, 9], real, step, [0.1, 0, -0.1, 0.05], run_length=40)}
    return {"numpy": np.__version__}, suite


def short(x):
    return [float(f"{v:.9g}") for v in np.asarray(x, dtype=np.float64).ravel()]


def transitions(reset, step, low, high, rows=16, every=3, seed=3):
    """Every third transition of random episodes, and the one that ends an episode; `step` gives observation, reward, end."""
    rng = np.random.default_rng(seed)
    out, before, t = [], reset(), 0
    while len(out) < rows:
        action = np.float32(rng.uniform(low, high))
        after, reward, terminated = step(action)
        if t % every == 0 or terminated:
            out.append([short(before), short(action), short(after), float(f"{reward:.9g}"), bool(terminated)])
        before, t = (reset(), 0) if terminated else (after, t + 1)
    return out


def gym_rewards():
    import gymnasium
    import mujoco

    suite = {}
    for name in ["InvertedPendulum", "HalfCheetah", "Hopper", "Walker2d", "Swimmer", "Reacher", "Pusher"]:
        env = gymnasium.make(f"{name}-v5").unwrapped
        env.reset(seed=0)

        def step(action):
            observation, reward, terminated, _, _ = env.step(action)
            return observation, reward, terminated

        low, high = env.action_space.low, env.action_space.high
        suite[f"gym:{name}-v5"] = transitions(lambda: env.reset()[0], step, low, high)
    versions = {"gymnasium": gymnasium.__version__, "mujoco": mujoco.__version__, "numpy": np.__version__}
    return versions, suite


def dmc_rewards():
    from importlib.metadata import version

    from dm_control import suite as dmc

    suite = {}
    for domain, task in [("cheetah", "run"), ("pendulum", "swingup"), ("cartpole", "swingup"), ("cartpole", "balance")]:
        env = dmc.load(domain, task, task_kwargs={"random": 1})
        flat = lambda now: np.concatenate([np.ravel(part) for part in now.observation.values()])

        def step(action):
            now = env.step(action)
            return flat(now), now.reward, False

        spec = env.action_spec()
        suite[f"dmc:{domain}-{task}"] = transitions(lambda: flat(env.reset()), step, spec.minimum, spec.maximum)
    return {"dm_control": version("dm_control"), "mujoco": version("mujoco"), "numpy": np.__version__}, suite


SUITES = {
    "gym": gym_suite,
    "mujoco": mujoco_suite,
    "pilco": pilco_suite,
    "gym-rewards": gym_rewards,
    "dmc-rewards": dmc_rewards,
}

if __name__ == "__main__":
    name = sys.argv[1]
    versions, suite = SUITES[name]()
    path = pathlib.Path(__file__).parent / f"{name}.json"
    lines = [f'"{key}": {json.dumps(value, separators=(",", ":"))}' for key, value in suite.items()]
    path.write_text('{\n"versions": ' + json.dumps(versions) + ",\n" + ",\n".join(lines) + "\n}\n")
