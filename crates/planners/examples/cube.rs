//! Solves a Rubik's cube given by the turns that scrambled it, or by its 54 stickers:
//! `cargo run --release -p worldwright-planners --example cube -- "R U F2 L' D B2"`.
//!
//! Then an unsure hand (three of twenty turns fail, one goes a quarter too far) carries the plan out, seen and mended turn by turn.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use worldwright_core::{Result, Rng};
use worldwright_planners::cube::{
    Controller, Cube, Effort, Metric, Pocket, PocketSolver, Repair, ScriptedTurner, TwoPhase, format_moves, parse_moves,
};

fn main() -> Result<()> {
    let text = std::env::args().nth(1).unwrap_or_else(|| "R U F2 L' D B2 U' R2 F L2 B' D2".to_owned());
    let stickers = text.chars().filter(|letter| !letter.is_whitespace()).count() == 54;
    let mut cube = if stickers { Cube::from_facelets(&text)? } else { Cube::default().after(&parse_moves(&text)?) };
    println!("{}", net(&cube));
    let started = Instant::now();
    let solver = TwoPhase::new();
    println!("tables   {:.0} ms", started.elapsed().as_secs_f64() * 1e3);
    let started = Instant::now();
    let solution = solver.solve(&cube, &Effort::default())?;
    let spent = started.elapsed().as_secs_f64() * 1e3;
    println!("plan     {} ({} turns, {spent:.1} ms)", format_moves(&solution.moves), solution.moves.len());
    println!("check    solved: {}", cube.after(&solution.moves).is_solved());

    let mut hand = ScriptedTurner { failure: 0.15, overshoot: 0.05 };
    let controller = Controller { solver: &solver, effort: Effort::default(), repair: Repair::PlanAnew, tries: 500 };
    let episode = controller.run(&mut cube, &mut hand, &mut Rng::new(0))?;
    let expected = episode.planned as f64 / 0.8;
    println!(
        "hand     solved: {}, {} tries for {} turns (expected {expected:.1}), {} new plans",
        episode.solved, episode.tries, episode.planned, episode.replans
    );
    if !stickers {
        let pocket_solver = PocketSolver::new(Metric::HalfTurn);
        let pocket = pocket_solver.after(&Pocket::default(), &parse_moves(&text)?);
        let moves = pocket_solver.solve(&pocket)?;
        println!("2×2×2    {} ({} turns, none shorter)", format_moves(&moves), moves.len());
    }
    Ok(())
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
