"""pomdp-py's POMCP on RockSample(7, 8): simulations a second from the first belief."""
import random
import time

import pomdp_py
from pomdp_py.problems.rocksample.rocksample_problem import RockSampleProblem, RockType, State

SIZE, ROCKS, SIMULATIONS = 7, 8, 5000
random.seed(0)
start, places = RockSampleProblem.generate_instance(SIZE, ROCKS)
types = tuple(RockType.random() for _ in range(ROCKS))
particles = [State(start.position, tuple(RockType.random() for _ in range(ROCKS)), False) for _ in range(1000)]
problem = RockSampleProblem(SIZE, ROCKS, start, places, pomdp_py.Particles(particles))
planner = pomdp_py.POMCP(max_depth=30, discount_factor=0.95, num_sims=SIMULATIONS, exploration_const=20,
                         rollout_policy=problem.agent.policy_model, num_visits_init=1)
seconds = []
for _ in range(3):
    problem.agent.tree = None
    begin = time.perf_counter()
    planner.plan(problem.agent)
    seconds.append(time.perf_counter() - begin)
print(f"pomdp-py POMCP RockSample({SIZE}, {ROCKS}), {SIMULATIONS} simulations: median {SIMULATIONS / sorted(seconds)[1]:8.0f}, "
      f"most {SIMULATIONS / min(seconds):8.0f} simulations/s")
