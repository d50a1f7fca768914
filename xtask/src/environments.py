"""Collects from or learns from a game of PettingZoo: `environments.py MODULE collect|learn FOLDER`."""

import importlib
import sys

import worldwright as wm

name, what, folder = sys.argv[1:]
module = importlib.import_module(name)
turn_by_turn = ".classic." in name
game = wm.from_pettingzoo(module.env() if turn_by_turn else module.parallel_env())
if what == "collect":
    wm.collect(game, steps=100).write(folder + "/episodes")
else:
    wm.learn(game, steps=50, evaluation={"episodes": 1}, progress=False, run_dir=folder + "/run")
