//! The 2×2×2 cube, solved in as few turns as can be.

use worldwright_core::{Entry, Key, Parameter, Result, SettingDefault as Default, Settings};

use super::Solve;
use super::cube::{SCRAMBLE, SEED, turns};
use super::solution::{Solution, Status};
use crate::rubik::{Pocket, PocketSolver};
use worldwright_envs::cube::{Metric, format_moves, parse_moves};

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "pocket-cube",
    summary: "the 2×2×2 cube in as few turns as can be, from a table of all 3,674,160 states",
    source: "Moore 1959 (breadth-first search)",
    parameters: &[
        SCRAMBLE,
        Parameter {
            name: "metric",
            default: Default::Text("half-turn"),
            summary: "half-turn: any turn of a face counts one; quarter-turn: half turns count two",
        },
        SEED,
    ],
    build: solve,
};

fn solve(settings: &Settings) -> Result<Solution> {
    let metric = [Metric::HalfTurn, Metric::QuarterTurn][settings.choice("metric", &["half-turn", "quarter-turn"])?];
    let scramble = settings.text("scramble")?;
    // A scramble that cannot be read is told before the table is made.
    let scrambled = if scramble == "random" { None } else { Some(parse_moves(scramble)?) };
    let seed = settings.seed("seed")?;
    let solver = PocketSolver::new(metric);
    let pocket = match scrambled {
        Some(moves) => solver.after(&Pocket::default(), &moves),
        None => Pocket::random(&mut Key::new(seed).rng()),
    };
    let moves = solver.solve(&pocket)?;
    let mut solution = Solution::new(Status::Optimal, &["step", "turn", "face", "quarters"]);
    turns(&mut solution, &moves);
    solution.fact("turns", solver.distance(&pocket));
    solution.fact("plan", format_moves(&moves));
    solution.fact("state", pocket.index());
    Ok(solution)
}
