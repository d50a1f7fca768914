"""OpenSpiel's C++ UCT from the first position, one random playout a simulation."""
import time

import pyspiel


def measure(name, simulations):
    game = pyspiel.load_game(name)
    bot = pyspiel.MCTSBot(game, pyspiel.RandomRolloutEvaluator(1, 42), 2.0, simulations, 1000, False, 42, False)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        root = bot.mcts_search(game.new_initial_state())
        seconds.append(time.perf_counter() - start)
    median = sorted(seconds)[2]
    best = max(root.children, key=lambda child: child.explore_count).action
    print(f"open_spiel UCT {name}, {simulations} simulations: median {simulations / median:9.0f}, "
          f"most {simulations / min(seconds):9.0f} simulations/s, plays {best}")


measure("connect_four", 1000)
measure("connect_four", 10000)
measure("tic_tac_toe", 10000)
