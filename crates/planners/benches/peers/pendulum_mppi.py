"""pytorch-mppi on the pendulum's true dynamics, from hanging, 200 steps: milliseconds a decision and the return."""
import math
import time

import torch
from pytorch_mppi import MPPI

torch.set_num_threads(1)


def dynamics(state, action):
    angle, speed = state[:, 0:1], state[:, 1:2]
    speed = torch.clamp(speed + (15 * torch.sin(angle) + 3 * torch.clamp(action, -2, 2)) * 0.05, -8, 8)
    return torch.cat((angle + speed * 0.05, speed), 1)


def cost(state, action):
    angle = (state[:, 0] + math.pi) % (2 * math.pi) - math.pi
    return angle**2 + 0.1 * state[:, 1] ** 2 + 0.001 * action[:, 0] ** 2


def measure(samples, horizon, steps):
    torch.manual_seed(0)
    bound = torch.tensor(2.0)
    planner = MPPI(dynamics, cost, 2, torch.tensor(1.0), num_samples=samples, horizon=horizon, lambda_=1.0, u_min=-bound, u_max=bound)
    state, paid, seconds = torch.tensor([[math.pi, 0.0]]), 0.0, []
    for _ in range(steps):
        start = time.perf_counter()
        action = planner.command(state[0]).view(1, 1)
        seconds.append(time.perf_counter() - start)
        paid += cost(state, action).item()
        state = dynamics(state, action)
    seconds = sorted(seconds[5:])
    print(f"pytorch-mppi K={samples} T={horizon}: median {1e3 * seconds[len(seconds) // 2]:6.2f} ms, "
          f"least {1e3 * seconds[0]:6.2f} ms a decision, return {-paid:.1f} over {steps} steps", flush=True)


for samples, horizon, steps in ((1000, 30, 200), (10000, 30, 60), (100, 100, 200)):
    measure(samples, horizon, steps)
