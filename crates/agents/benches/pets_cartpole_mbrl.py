"""mbrl-lib's PETS on the PETS cart-pole, by the clock: the return of each trial and the seconds since the start.

After mbrl-lib 0.2.0's pets_cartpole_paper_version (examples/conf), made cheaper where it differs: 350 candidates instead of 500,
horizon 25 instead of 30, 5 members instead of 7; ReLU, TS-infinity and a learning rate of 1e-3. The first trial is random. Ends after LIMIT seconds, also within a trial.

usage: pets_cartpole_mbrl.py THREADS LIMIT      (pip install torch gymnasium mujoco mbrl hydra-core)
"""

import sys
import time

import gymnasium as gym
import mbrl.models as models
import mbrl.planning as planning
import mbrl.util.common as common
import mujoco
import numpy as np
import torch
from omegaconf import OmegaConf

threads, limit = int(sys.argv[1]), float(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(0)

MODEL = """
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


def reward(action, after):
    tip = torch.cat([after[:, :1] - 0.6 * after[:, 1:2].sin(), -0.6 * after[:, 1:2].cos()], dim=1)
    near = torch.exp(-((tip - torch.tensor([0.0, 0.6])) ** 2).sum(1) / 0.36)
    return (near - 0.01 * (action**2).sum(1)).view(-1, 1)


class CartPole(gym.Env):
    observation_space = gym.spaces.Box(-np.inf, np.inf, (4,), np.float64)
    action_space = gym.spaces.Box(-3, 3, (1,), np.float32)

    def __init__(self):
        self.model = mujoco.MjModel.from_xml_string(MODEL)
        self.data = mujoco.MjData(self.model)
        self.rng = np.random.default_rng(0)

    def state(self):
        return np.concatenate([self.data.qpos, self.data.qvel])

    def reset(self, seed=None, options=None):
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[:], self.data.qvel[:] = self.rng.normal(0, 0.1, 2), self.rng.normal(0, 0.1, 2)
        self.steps = 0
        return self.state(), {}

    def step(self, action):
        self.data.ctrl[:] = action
        for _ in range(2):
            mujoco.mj_step(self.model, self.data)
        self.steps += 1
        paid = reward(torch.tensor(np.atleast_2d(action)).float(), torch.tensor(self.state()[None]).float())
        return self.state(), float(paid), False, self.steps == 200, {}


network = dict(_target_="mbrl.models.GaussianMLP", device="cpu", num_layers=4, in_size=6, out_size=4, ensemble_size=5,
               hid_size=200, deterministic=False, propagation_method="fixed_model", learn_logvar_bounds=False)
training = OmegaConf.create(dict(model_batch_size=256, validation_ratio=0, num_epochs_train_model=25, patience=25, num_steps=2000))
config = OmegaConf.create(dict(dynamics_model=network, seed=0, overrides=dict(obs_process_fn="mbrl.env.pets_cartpole.CartPoleEnv.preprocess_fn"),
                               algorithm=dict(learned_rewards=False, target_is_delta=True, normalize=True, dataset_size=4000)))
env = CartPole()
dynamics = common.create_one_dim_tr_model(config, (4,), (1,))
never = lambda action, after: torch.zeros(len(after), 1, dtype=torch.bool)  # noqa: E731
world = models.ModelEnv(env, dynamics, never, reward, generator=torch.Generator().manual_seed(0))
cem = OmegaConf.create(dict(_target_="mbrl.planning.CEMOptimizer", num_iterations=5, elite_ratio=0.1, population_size=350,
                            alpha=0.1, device="cpu", lower_bound="???", upper_bound="???", return_mean_elites=True))
agent = planning.TrajectoryOptimizerAgent(cem, [-3.0], [3.0], planning_horizon=25, replan_freq=1, verbose=False)
agent.set_trajectory_eval_fn(lambda s, plans: world.evaluate_action_sequences(plans, initial_state=s, num_particles=20))
buffer = common.create_replay_buffer(
    OmegaConf.create(dict(overrides=dict(num_steps=4000), algorithm=dict(dataset_size=4000), dynamics_model=network)),
    (4,), (1,), rng=np.random.default_rng(0))
trainer = models.ModelTrainer(dynamics, optim_lr=1e-3, weight_decay=3e-5)

start, steps = time.perf_counter(), 0
for trial in range(6):
    (observation, _), total, done = env.reset(), 0.0, False
    agent.reset()
    if trial > 0:
        common.train_model_and_save_model_and_data(dynamics, trainer, training, buffer, work_dir=None)
    while not done:
        if time.perf_counter() - start > limit:
            print(f"stopped after {limit:.0f} s within trial {trial + 1}, at its step {env.steps}, with a return of {total:.1f} so far")
            sys.exit()
        action = env.action_space.sample() if trial == 0 else agent.act(observation)
        after, paid, _, done, _ = env.step(action)
        buffer.add(observation, action, after, paid, False, done)
        observation, total, steps = after, total + paid, steps + 1
    print(f"trial {trial + 1}: return {total:.1f} at {time.perf_counter() - start:.1f} s, {steps} steps", flush=True)
