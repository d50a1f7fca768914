//! How the cost of a decision grows, on one thread and, where the process has two cores, on two: a pool of each, in turn.

use std::sync::Arc;
use std::time::Duration;

use worldwright_core::Setting::{Float, Integer, Text};
use worldwright_core::{Budget, Key, Observation, WorldModel};
use worldwright_models::Known;
use worldwright_planners::{BatchPlanner, PlannerContext};

use crate::linear::Linear;
use crate::{Overrides, decide, hanging, on_threads, settings, sized, time};

/// What grows: its sizes, and the least milliseconds of a decision at one of them.
type Growing<'a> = (&'a str, Vec<usize>, Box<dyn Fn(usize) -> f64 + Sync + 'a>);

/// The table.
pub(crate) fn growths(pendulum: &Known) {
    let timed = |name: &'static str, overrides: Overrides| decide(name, pendulum, &hanging(), &overrides).1;
    let coloured = |t| [sized(1000, t, 1), vec![("noise_beta", Float(2.0))]].concat();
    let knots = |t| [sized(1000, t, 1), vec![("knots", Integer(8)), ("spline", Text("cubic".into()))]].concat();
    let lines: [Growing<'_>; 8] = [
        (
            "candidates, mppi over 30 steps",
            vec![250, 500, 1000, 2000, 4000, 8000],
            Box::new(move |k| timed("mppi", settings(&sized(k as i64, 30, 1)))),
        ),
        (
            "horizon, mppi with 1000",
            vec![15, 30, 60, 120],
            Box::new(move |t| timed("mppi", settings(&sized(1000, t as i64, 1)))),
        ),
        (
            "horizon, coloured noise",
            vec![15, 30, 60, 120],
            Box::new(move |t| timed("mppi", settings(&coloured(t as i64)))),
        ),
        ("horizon, 8 cubic knots", vec![15, 30, 60, 120], Box::new(move |t| timed("mppi", settings(&knots(t as i64))))),
        (
            "iterations, mppi 1000 × 30",
            vec![1, 2, 4, 8],
            Box::new(move |i| timed("mppi", settings(&sized(1000, 30, i as i64)))),
        ),
        (
            "knots of cma-es 64 × 60 × 8",
            vec![4, 8, 16, 32, 60],
            Box::new(move |k| {
                timed("cma-es", settings(&[sized(64, 60, 8), vec![("knots", Integer(k as i64))]].concat()))
            }),
        ),
        ("state dimension, mppi 512 × 8 on a dense linear system", vec![4, 8, 16, 32, 64], Box::new(linear)),
        ("problems in a batch, icem 64 × 30 × 2", vec![1, 4, 16, 64], Box::new(|b| batch(pendulum, b))),
    ];
    println!("\n| grows with | at | 1 thread, ms | exponent | 2 threads, ms | exponent |");
    println!("|---|---|---|---|---|---|");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for (what, sizes, cost) in lines {
        let measured = [1, 2].map(|threads| {
            if threads > cores {
                return "– | –".to_owned();
            }
            let points: Vec<(f64, f64)> =
                sizes.iter().map(|size| (*size as f64, on_threads(threads, || cost(*size)))).collect();
            let each: Vec<String> = points.iter().map(|(_, ms)| format!("{ms:.3}")).collect();
            format!("{} | {:.2}", each.join(", "), exponent(&points))
        });
        let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
        println!("| {what} | {} | {} |", sizes.join(", "), measured.join(" | "));
    }
}

/// A decision in a linear system of `dim` states.
fn linear(dim: usize) -> f64 {
    let model = Known::new(Arc::new(Linear::new(dim)), None, 1.0);
    decide("mppi", &model, &Observation::Floats(vec![1.0; dim]), &settings(&sized(512, 8, 1))).1
}

/// `problems` decisions at once.
fn batch(model: &Known, problems: usize) -> f64 {
    let context = PlannerContext::for_model(model.spec(), 0);
    let seeds: Vec<u64> = (0..problems as u64).collect();
    let overrides = settings(&sized(64, 30, 2));
    let mut planner = BatchPlanner::new("icem", &context, &overrides, &seeds).expect("the settings are right");
    let mut world = model.imagination(planner.rows());
    for row in 0..problems {
        world.observe(row, None, &hanging(), Key::new(0)).expect("a state");
    }
    let (_, least) = time(Duration::from_millis(500), || {
        planner.improve(&mut *world, &Budget::default()).expect("decisions");
    });
    1e3 * least
}

/// The slope of log y against log x by least squares.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let (mx, my) = (logs.iter().map(|p| p.0).sum::<f64>() / n, logs.iter().map(|p| p.1).sum::<f64>() / n);
    logs.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>() / logs.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>()
}
