//! How long optimal control takes on one thread, with the quality of the answer beside it.
//!
//! `cargo run --release -p worldwright-planners --example control_speed`
//!
//! Each line is one workload: the median and the minimum over many short rounds. The minimum is what a quiet machine gives.
#![allow(clippy::print_stdout, reason = "a command-line program")]

use std::time::Instant;

use worldwright_control::{ConstrainedSolver, ConstraintOptions, Options, Problem};
use worldwright_core::{Action, Actions, Budget, Columns, Imagined, Key, Observation, Rows, Setting, WorldModel};
use worldwright_planners::{PlannerContext, make};
use worldwright_testkit::{DynamicsModel, Pendulum};

#[path = "../../control/tests/it/problems/mod.rs"]
#[allow(dead_code)]
mod problems;

use problems::{CartPole, DoubleIntegrator, Rule, Unicycle, crocoddyl_lqr, standing};

/// Median and minimum microseconds of `work` over rounds.
fn time(rounds: usize, repeat: usize, mut work: impl FnMut()) -> (f64, f64) {
    let mut seen: Vec<f64> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            (0..repeat).for_each(|_| work());
            begun.elapsed().as_secs_f64() * 1e6 / repeat as f64
        })
        .collect();
    seen.sort_by(f64::total_cmp);
    (seen[rounds / 2], seen[0])
}

fn line(name: &str, (median, least): (f64, f64), answer: &str) {
    println!("{name:<58} median {median:>10.2} us   min {least:>10.2} us   {answer}");
}

/// One iteration from a standing start, as Crocoddyl's benchmark times it.
fn one_iteration<P: Problem>(problem: &P, start: &[f64], zeros: usize, repeat: usize) -> ((f64, f64), (f64, f64), f64) {
    let options = Options { iterations: 1, tolerance: 0.0, ..Options::default() };
    let mut solver = standing(problem, start, options);
    let states: Vec<f64> = solver.states().to_vec();
    let controls = vec![0.0; zeros];
    let mut cost = 0.0;
    let both = time(200, repeat, || {
        solver.states_mut().copy_from_slice(&states);
        solver.controls_mut().copy_from_slice(&controls);
        cost = solver.iterate(problem, start).cost;
    });
    let sweep = time(200, repeat, || {
        assert!(solver.sweep(problem));
    });
    (both, sweep, cost)
}

/// Planning in the pendulum's model, 200 steps from hanging: the time of each decision, and the return.
fn swing_up(name: &str, horizon: i64, iterations: i64) -> ((f64, f64), f64) {
    let model = DynamicsModel(Pendulum::new());
    let overrides = [("horizon", horizon), ("iterations", iterations)];
    let overrides = overrides.into_iter().map(|(key, number)| (key.to_owned(), Setting::Integer(number))).collect();
    let mut planner = make(name, &PlannerContext::for_model(model.spec(), 0), &overrides).expect("it plans in boxes");
    let mut world = model.imagination(planner.rows());
    let mut real = model.imagination(1);
    let mut out = Imagined::new(model.spec(), 1);
    let start = Observation::Floats(vec![std::f64::consts::PI, 0.0]);
    real.observe(0, None, &start, Key::new(0)).expect("a state");
    let (mut total, mut action, mut state, mut times) = (0.0, Action::Floats(Vec::new()), vec![0.0; 2], Vec::new());
    for _ in 0..200 {
        real.decode(0, 0, &mut state).expect("a state");
        world.observe(0, None, &Observation::Floats(state.clone()), Key::new(0)).expect("a state");
        let begun = Instant::now();
        planner.improve(&mut *world, 0, &Budget::default()).expect("a plan");
        times.push(begun.elapsed().as_secs_f64() * 1e6);
        planner.act(0, &mut action);
        planner.shift(1);
        let actions = Actions::Continuous(Columns::new(action.floats().expect("numbers"), 1, 1).expect("one"));
        real.step(Rows::Span(0..1), actions, Rows::Span(0..1), Key::new(0), &mut out).expect("a step");
        total += out.reward[0];
    }
    times.sort_by(f64::total_cmp);
    ((times[100], times[0]), total)
}

/// The exponent of cost ~ size^e by least squares on logarithms.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0.ln()).sum::<f64>() / n, points.iter().map(|p| p.1.ln()).sum::<f64>() / n);
    let covariance: f64 = points.iter().map(|p| (p.0.ln() - mx) * (p.1.ln() - my)).sum();
    covariance / points.iter().map(|p| (p.0.ln() - mx).powi(2)).sum::<f64>()
}

fn main() {
    let unicycle = Unicycle { horizon: 200 };
    let (both, sweep, cost) = one_iteration(&unicycle, &[1.0, 0.0, 0.0], 400, 50);
    line("unicycle N=200, one DDP iteration", both, &format!("cost {cost:.9}"));
    line("unicycle N=200, backward pass alone", sweep, "");

    let unicycle = Unicycle { horizon: 20 };
    let start = [-1.0, -1.0, 1.0];
    let mut solver = standing(&unicycle, &start, Options::default());
    let states = solver.states().to_vec();
    let mut outcome = None;
    let full = time(200, 50, || {
        solver.states_mut().copy_from_slice(&states);
        solver.controls_mut().fill(0.0);
        outcome = Some(solver.solve_from_states(&unicycle, &start));
    });
    line("unicycle N=20, full solve", full, &format!("{:?}", outcome.expect("it ran")));

    let constraints = ConstraintOptions::default();
    for (name, rule, constrained) in [
        ("ALTRO cart-pole, bounded, goal, RK3", Rule::Third, true),
        ("ALTRO cart-pole, unconstrained, RK3", Rule::Third, false),
        ("ALTRO cart-pole, bounded, goal, RK4", Rule::Fourth, true),
    ] {
        let options = Options { iterations: 500, ..Options::default() };
        let mut solver = ConstrainedSolver::new(CartPole { rule, constrained }, options, constraints);
        let mut outcome = None;
        let full = time(30, 1, || {
            solver.reset();
            solver.controls_mut().fill(0.01);
            outcome = Some(solver.solve(&[0.0; 4]));
        });
        line(name, full, &format!("{:?}", outcome.expect("it ran")));
    }
    let mut solver = ConstrainedSolver::new(DoubleIntegrator, Options::default(), constraints);
    let mut outcome = None;
    let full = time(100, 5, || {
        solver.reset();
        solver.controls_mut().fill(0.0);
        outcome = Some(solver.solve(&[0.0; 2]));
    });
    line("ALTRO double integrator, bounded", full, &format!("{:?}", outcome.expect("it ran")));

    let lqr = crocoddyl_lqr(37, 12, 100);
    let (both, sweep, cost) = one_iteration(&lqr, &[0.0; 37], 1200, 1);
    line("LQR (37, 12) N=100, one iteration", both, &format!("cost {cost:.9}"));
    line("LQR (37, 12) N=100, backward pass alone", sweep, "");

    println!("\ndecisions in the pendulum's model, from hanging (dynamic programming on a grid: -296.2)");
    for (name, horizon, iterations) in [
        ("gradient", 40, 15),
        ("ilqr", 40, 5),
        ("ilqr", 60, 10),
        ("ilqr", 160, 20),
        ("ddp", 60, 10),
        ("collocation", 60, 10),
    ] {
        let (each, total) = swing_up(name, horizon, iterations);
        line(&format!("{name}, horizon {horizon}, {iterations} iterations"), each, &format!("return {total:.1}"));
    }
    for name in ["ilqr", "collocation"] {
        let points: Vec<(f64, f64)> = [20, 40, 80, 160]
            .iter()
            .map(|horizon| {
                let (each, total) = swing_up(name, *horizon, 5);
                line(&format!("{name}, horizon {horizon}"), each, &format!("return {total:.1}"));
                (*horizon as f64, each.0)
            })
            .collect();
        println!("median ~ horizon^{:.2}", exponent(&points));
    }

    println!("\ngrowth of one iteration");
    let horizons = [25, 50, 100, 200, 400, 800];
    let points: Vec<(f64, f64)> = horizons
        .iter()
        .map(|horizon| {
            let problem = Unicycle { horizon: *horizon };
            let (both, ..) = one_iteration(&problem, &[1.0, 0.0, 0.0], 2 * horizon, 10);
            line(&format!("unicycle, horizon {horizon}"), both, "");
            (*horizon as f64, both.1)
        })
        .collect();
    println!("time ~ horizon^{:.2}", exponent(&points));
    let points: Vec<(f64, f64)> = [8, 16, 32, 64]
        .iter()
        .map(|nx| {
            let problem = crocoddyl_lqr(*nx, nx / 2, 50);
            let (both, ..) = one_iteration(&problem, &vec![0.0; *nx], 50 * (nx / 2), 1);
            line(&format!("LQR, {nx} states, {} controls, N=50", nx / 2), both, "");
            (*nx as f64, both.1)
        })
        .collect();
    println!("time ~ states^{:.2}", exponent(&points));
}
