//! Second-order planning: time an iteration and a whole solution, with the costs reached.
//!
//! `cargo run --release -p worldwright-planners --example control_speed`

#![allow(clippy::print_stdout, reason = "a command-line program")]

use std::hint::black_box;
use std::time::Instant;

use worldwright_planners::control::problems::{CartPole, LinearQuadraticControl, Unicycle};
use worldwright_planners::control::{Constrained, ConstrainedOptions, Ddp, DdpOptions, Goal, Problem};

/// Median and least microseconds of `work` over rounds of 20 calls, each after `prepare`.
fn clock<S: Clone>(rounds: usize, begin: &S, mut work: impl FnMut(&mut S)) -> (f64, f64) {
    let mut micros: Vec<f64> = (0..rounds)
        .map(|_| {
            let mut copies = vec![begin.clone(); 20];
            let start = Instant::now();
            copies.iter_mut().for_each(|copy| work(black_box(copy)));
            start.elapsed().as_secs_f64() * 1e6 / 20.0
        })
        .collect();
    micros.sort_by(f64::total_cmp);
    (micros[rounds / 2], micros[0])
}

fn measure<P: Problem<N, M>, const N: usize, const M: usize>(name: &str, problem: &P, start: &[f64; N], rounds: usize) {
    let mut solver = Ddp::new(problem.stages());
    solver.roll_out(problem, start);
    let once = DdpOptions { iterations: 1, tolerance: 0.0, ..DdpOptions::default() };
    let iteration = clock(rounds, &solver, |solver| _ = solver.solve(problem, once));
    let backward =
        clock(rounds, &solver, |solver| _ = solver.solve(problem, DdpOptions { tolerance: f64::MAX, ..once }));
    let whole = clock(rounds, &solver, |solver| {
        solver.roll_out(problem, start);
        solver.solve(problem, DdpOptions::default());
    });
    let report = solver.solve(problem, DdpOptions::default());
    println!(
        "{name}: one iteration {:.2} us (least {:.2}); derivatives and backward pass {:.2} ({:.2}); whole solution {:.2} ({:.2}), {} \
         iterations, cost {:.9}",
        iteration.0, iteration.1, backward.0, backward.1, whole.0, whole.1, report.iterations, report.cost
    );
}

fn main() {
    measure("unicycle N=200", &Unicycle { stages: 200 }, &[1.0, 0.0, 0.0], 400);
    measure("unicycle N=20", &Unicycle { stages: 20 }, &[-1.0, -1.0, 1.0], 1000);
    measure("LQR(37, 12) N=100", &LinearQuadraticControl::<37, 12>::identities(100), &[0.0; 37], 11);
    let goal = Goal { state: CartPole::GOAL, stages: CartPole::STAGES };
    let problem = CartPole { limit: Some(3.0) };
    let mut solver = Ddp::<4, 1>::new(CartPole::STAGES);
    solver.controls.fill([0.01]);
    solver.roll_out(&problem, &[0.0; 4]);
    let options = ConstrainedOptions {
        inner: DdpOptions { iterations: 300, tolerance: 1e-5, sufficient: 1e-4 },
        ..ConstrainedOptions::default()
    };
    let mut constrained = Constrained::new(&problem, &goal);
    let whole = clock(11, &solver, |solver| _ = constrained.solve(solver, &[0.0; 4], options));
    let report = constrained.solve(&mut solver, &[0.0; 4], options);
    println!(
        "bounded cart-pole to its goal: {:.2} ms (least {:.2}), {} iterations in {} updates, cost {:.9}, violation {:.1e}",
        whole.0 / 1e3,
        whole.1 / 1e3,
        report.inner.iterations,
        report.updates,
        report.inner.cost,
        report.violation
    );
    let mut seen = Vec::new();
    for stages in [50, 100, 200, 400, 800] {
        let problem = Unicycle { stages };
        let mut solver = Ddp::new(stages);
        solver.roll_out(&problem, &[1.0, 0.0, 0.0]);
        let once = DdpOptions { iterations: 1, tolerance: 0.0, ..DdpOptions::default() };
        seen.push((stages as f64, clock(100, &solver, |solver| _ = solver.solve(&problem, once)).1));
    }
    if let [first, .., last] = seen[..] {
        println!(
            "an iteration grows with the horizon to the power {:.2}",
            (last.1 / first.1).ln() / (last.0 / first.0).ln()
        );
    }
}
