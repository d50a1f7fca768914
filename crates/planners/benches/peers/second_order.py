"""Crocoddyl on the problems of `control_speed`: one iteration, its backward pass, and whole solutions with their costs."""
import time

import crocoddyl
import numpy as np


def clock(work, rounds):
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return f"median {1e6 * np.median(seconds):9.1f} us, least {1e6 * min(seconds):9.1f} us"


def measure(name, model, start, steps, rounds):
    nu = model.nu
    problem = crocoddyl.ShootingProblem(start, [model] * steps, model)
    states, controls = [start] * (steps + 1), [np.zeros(nu)] * steps
    solver = crocoddyl.SolverFDDP(problem)
    print(f"crocoddyl {name}: one iteration  {clock(lambda: solver.solve(states, controls, 1), rounds)}")
    problem.calc(states, controls)
    problem.calcDiff(states, controls)
    solver.setCandidate(states, controls, False)
    solver.computeDirection(True)
    print(f"crocoddyl {name}: backward pass  {clock(solver.backwardPass, rounds)}")
    print(f"crocoddyl {name}: whole solution {clock(lambda: solver.solve(states, controls, 100), min(rounds, 50))}, "
          f"{solver.iter} iterations, cost {solver.cost:.9f}")


print("crocoddyl", crocoddyl.__version__)
unicycle = crocoddyl.ActionModelUnicycle()
measure("unicycle N=200", unicycle, np.array([1.0, 0.0, 0.0]), 200, 1000)
measure("unicycle N=20", unicycle, np.array([-1.0, -1.0, 1.0]), 20, 1000)
measure("LQR(37, 12) N=100", crocoddyl.ActionModelLQR(37, 12), np.zeros(37), 100, 60)
