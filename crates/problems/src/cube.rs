//! Rubik's cube by the two-phase algorithm, and a hand that carries the plan out and sometimes misses.

use worldwright_core::{Entry, Error, Key, Parameter, Result, SettingDefault as Default, Settings};

use super::Solve;
use super::solution::{Solution, Status};
use crate::rubik::{Controller, Effort, Repair, ScriptedTurner, TwoPhase};
use worldwright_envs::cube::{Cube, Move, format_moves, parse_moves};

pub(super) const SCRAMBLE: Parameter = Parameter {
    name: "scramble",
    default: Default::Text("R U F2 L' D B2 U' R2 F L2 B' D2"),
    summary: "the turns that scrambled it, from the solved cube; random: one drawn with the seed",
};

/// Turns that are soon found for any cube.
const ENOUGH: usize = 21;

pub(super) const SEED: Parameter =
    Parameter { name: "seed", default: Default::Integer(0), summary: "what all randomness comes from" };

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "cube",
    summary: "Rubik's 3×3×3 cube in some 20 turns, and a hand that turns faces and sometimes misses",
    source: "Kociemba 1992 (two-phase algorithm)",
    parameters: &[
        SCRAMBLE,
        Parameter {
            name: "stickers",
            default: Default::Text(""),
            summary: "the cube as it looks instead: 54 letters, faces U R F D L B one after another, row by row",
        },
        Parameter {
            name: "turns",
            default: Default::Integer(0),
            summary: "look on until so few are enough; 0 for as many as the scramble has, 21 at the most",
        },
        Parameter { name: "nodes", default: Default::Integer(20_000_000), summary: "nodes after which to be content" },
        Parameter { name: "failure", default: Default::Float(0.15), summary: "chance that the hand turns nothing" },
        Parameter {
            name: "overshoot",
            default: Default::Float(0.05),
            summary: "chance that it turns a quarter too far",
        },
        SEED,
    ],
    build: solve,
};

fn solve(settings: &Settings) -> Result<Solution> {
    let key = Key::new(settings.seed("seed")?);
    let (scramble, stickers) = (settings.text("scramble")?, settings.text("stickers")?);
    let mut cube = match (scramble, stickers) {
        (_, stickers) if !stickers.is_empty() => Cube::from_facelets(stickers)?,
        ("random", _) => Cube::random(&mut key.fold(0).rng()),
        (scramble, _) => Cube::default().after(&parse_moves(scramble)?),
    };
    let (failure, overshoot) = (settings.float("failure", 0.0, 1.0)?, settings.float("overshoot", 0.0, 1.0)?);
    if failure + overshoot >= 1.0 {
        return Err(Error::config("failure", "together with overshoot it must stay below 1, or no turn ever succeeds"));
    }
    let target = match settings.count("turns", 0)? {
        0 if stickers.is_empty() && scramble != "random" => parse_moves(scramble)?.len().min(ENOUGH),
        0 => ENOUGH,
        turns => turns,
    };
    let effort = Effort { target, nodes: settings.count("nodes", 1)? as u64 };
    let solver = TwoPhase::new();
    let found = solver.solve(&cube, &effort)?;
    let mut solution = Solution::new(Status::Solved, &["step", "turn", "face", "quarters"]);
    solution.picture = net(&cube);
    turns(&mut solution, &found.moves);
    solution.fact("turns", found.moves.len());
    solution.fact("plan", format_moves(&found.moves));
    solution.fact("nodes searched", found.nodes as usize);
    if failure + overshoot > 0.0 {
        let mut hand = ScriptedTurner { failure, overshoot };
        let controller = Controller { solver: &solver, effort, repair: Repair::PlanAnew, tries: 1000 };
        let planned = found.moves.len();
        let episode = controller.follow(found.moves, &mut cube, &mut hand, &mut key.fold(1).rng())?;
        solution.fact("tries by the hand", episode.tries);
        solution.fact("new plans on the way", episode.replans);
        let expected = planned as f64 / (1.0 - failure - overshoot);
        let ending = if episode.solved { "solved the cube" } else { "gave up" };
        solution.notes.push(format!(
            "a hand that misses {:.0} turns of 100 {ending} in {} tries; {expected:.1} are expected of one that plans once",
            100.0 * (failure + overshoot),
            episode.tries
        ));
    }
    Ok(solution)
}

/// A row a turn.
pub(super) fn turns(solution: &mut Solution, moves: &[Move]) {
    for (i, turn) in moves.iter().enumerate() {
        let face = ["up", "right", "front", "down", "left", "back"][turn.face() as usize];
        let quarters = ["clockwise", "half turn", "counter-clockwise"][turn.quarters() as usize - 1];
        solution.row([(i + 1).into(), turn.to_string().into(), face.into(), quarters.into()]);
    }
}

/// The cube cut open: up above front, then left, front, right and back beside each other, down below.
fn net(cube: &Cube) -> String {
    let letters = cube.facelets();
    let row = |face: usize, row: usize| &letters[face * 9 + row * 3..face * 9 + row * 3 + 3];
    let mut lines = Vec::new();
    lines.extend((0..3).map(|i| format!("    {}", row(0, i))));
    lines.extend((0..3).map(|i| [4, 2, 1, 5].map(|face| row(face, i)).join(" ")));
    lines.extend((0..3).map(|i| format!("    {}", row(3, i))));
    lines.join("\n")
}
