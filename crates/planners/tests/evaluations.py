"""Evaluations that Hansen's own pycma needs, with positive weights only and its default sizes: mean and deviation over seeds.

    pip install cma==4.5.0 && python evaluations.py
"""
import math
import statistics

import cma
import numpy


def sphere(x):
    return float(numpy.dot(x, x))


def ellipsoid(x):
    return sum(10 ** (6 * i / (len(x) - 1)) * v * v for i, v in enumerate(x))


def rosenbrock(x):
    return sum(100 * (x[i] ** 2 - x[i + 1]) ** 2 + (x[i] - 1) ** 2 for i in range(len(x) - 1))


def count(function, start, std, target, seed, **more):
    options = {"seed": seed, "verbose": -9, "CMA_active": False, "ftarget": target, "maxfevals": 1e5, "tolfun": 0, "tolx": 0,
               "tolfunhist": 0, "tolstagnation": 1e9, "tolflatfitness": 1e9, **more}
    search = cma.CMAEvolutionStrategy(start, std, options)
    while True:
        points = search.ask()
        values = [function(x) for x in points]
        search.tell(points, values)
        if min(values) <= target:
            return search.countevals
        if search.countevals >= 1e5:
            return math.nan


for name, function, start, std, more in [
    ("sphere", sphere, 10 * [1.0], 1.0, {}),
    ("ellipsoid", ellipsoid, 10 * [1.0], 1.0, {}),
    ("rosenbrock", rosenbrock, 10 * [0.0], 0.5, {}),
    ("ellipsoid, diagonal", ellipsoid, 10 * [1.0], 1.0, {"CMA_diagonal": True}),
]:
    counts = [count(function, start, std, 1e-9, seed, **more) for seed in range(1, 31)]
    # A local minimum catches some runs on Rosenbrock's function.
    reached = [c for c in counts if not math.isnan(c)]
    print(f"{name}: {len(reached)}/30 runs, mean {statistics.mean(reached):.0f}, deviation {statistics.stdev(reached):.0f}")
