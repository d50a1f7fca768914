"""ALTRO's cart-pole swing-up (101 knots over 5 s, third-order Runge-Kutta, |u| <= 3, goal) by CasADi and IPOPT."""
import time

import casadi as ca
import numpy as np

KNOTS, SECONDS, LIMIT = 101, 5.0, 3.0
DT = SECONDS / (KNOTS - 1)


def rate(x, u):
    cart, pole, length, gravity = 1.0, 0.2, 0.5, 9.81
    sine, cosine = ca.sin(x[1]), ca.cos(x[1])
    coupling = pole * length * cosine
    push = u[0] + pole * length * x[3] ** 2 * sine
    pull = -pole * gravity * length * sine
    determinant = (cart + pole) * pole * length**2 - coupling**2
    return ca.vertcat(x[2:4], (pole * length**2 * push - coupling * pull) / determinant,
                      ((cart + pole) * pull - coupling * push) / determinant)


def step(x, u):
    k1 = rate(x, u) * DT
    k2 = rate(x + k1 / 2, u) * DT
    k3 = rate(x - k1 + 2 * k2, u) * DT
    return x + (k1 + 4 * k2 + k3) / 6


def solve(bounded):
    opti = ca.Opti()
    x, u = opti.variable(4, KNOTS), opti.variable(1, KNOTS - 1)
    goal = np.array([0.0, np.pi, 0.0, 0.0])
    opti.minimize(0.5 * 1e-2 * DT * ca.sumsqr(x[:, :-1] - goal) + 0.5 * 1e-1 * DT * ca.sumsqr(u)
                  + 0.5 * 1e2 * ca.sumsqr(x[:, -1] - goal))
    opti.subject_to(x[:, 0] == 0)
    for k in range(KNOTS - 1):
        opti.subject_to(x[:, k + 1] == step(x[:, k], u[:, k]))
    if bounded:
        opti.subject_to(x[:, -1] == goal)
        opti.subject_to(opti.bounded(-LIMIT, ca.vec(u), LIMIT))
    opti.set_initial(u, 0.01)
    opti.solver("ipopt", {"print_time": False, "expand": True}, {"print_level": 0, "sb": "yes"})
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        answer = opti.solve()
        seconds.append(time.perf_counter() - start)
    print(f"IPOPT cart-pole {'bounded' if bounded else 'free':7}: median {1e3 * np.median(seconds):6.1f} ms, "
          f"least {1e3 * min(seconds):6.1f} ms, cost {answer.value(opti.f):.9f}")


solve(True)
solve(False)
