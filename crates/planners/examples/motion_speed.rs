//! Speed and quality of hierarchical planning: `cargo run --release -p worldwright-planners --example motion_speed`.
//! One line a workload: what, quality, median and minimum. One thread.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use worldwright_core::Rng;
use worldwright_planners::cube::{Cube, Effort, Metric, PocketSolver, TwoPhase};

fn main() {
    cube();
}

/// Milliseconds of each of `rounds` runs, sorted.
fn timed<T>(rounds: usize, mut work: impl FnMut() -> T) -> Vec<f64> {
    let mut spent: Vec<f64> = (0..rounds)
        .map(|_| {
            let started = Instant::now();
            std::hint::black_box(work());
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    spent.sort_by(f64::total_cmp);
    spent
}

fn line(what: &str, spent: &[f64], quality: &str) {
    println!("{what:<44} median {:>9.3} ms  min {:>9.3} ms  {quality}", spent[spent.len() / 2], spent[0]);
}

fn cube() {
    line("cube tables", &timed(5, TwoPhase::new), "");
    line("2×2×2 table, half turns", &timed(5, || PocketSolver::new(Metric::HalfTurn)), "3,674,160 states");
    let solver = TwoPhase::new();
    for target in [23, 22, 21, 20] {
        let mut rng = Rng::new(1);
        let (mut turns, mut longest, mut nodes) = (0, 0, 0);
        let cubes = if target == 20 { 100 } else { 1000 };
        let mut spent = timed(cubes, || {
            let cube = Cube::random(&mut rng);
            let solution = solver.solve(&cube, &Effort { target, nodes: 100_000_000 }).expect("a sound cube");
            assert!(cube.after(&solution.moves).is_solved());
            turns += solution.moves.len();
            longest = longest.max(solution.moves.len());
            nodes += solution.nodes;
        });
        let mean = spent.iter().sum::<f64>() / cubes as f64;
        let quality = format!(
            "{cubes} cubes: mean {:.2} turns, longest {longest}, mean {mean:.2} ms, {:.1} M nodes/s",
            turns as f64 / cubes as f64,
            nodes as f64 / 1e3 / spent.iter().sum::<f64>()
        );
        spent.sort_by(f64::total_cmp);
        line(&format!("cube two-phase, stop at {target}"), &spent, &quality);
    }
}
