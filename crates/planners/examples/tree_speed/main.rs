//! Speed of the tree searches on one thread, with the quality of what they find beside it.
//!
//! `cargo run --release -p worldwright-planners --example tree_speed [rounds]`

use std::collections::BTreeMap;
use std::time::Instant;

use worldwright_core::Setting::{Float, Integer};
use worldwright_core::{Budget, Key, Observation, Setting, Value, WorldModel};
use worldwright_planners::PlannerContext;
use worldwright_planners::tree::Forest;
use worldwright_testkit::games::{ConnectFour, Game, GameModel};

mod muzero_net;

use muzero_net::MuZeroNet;

/// What a workload's rounds came to.
struct Timed {
    /// Seconds.
    least: f64,
    median: f64,
}

fn timed(rounds: usize, mut work: impl FnMut(u64)) -> Timed {
    let mut seconds: Vec<f64> = (0..rounds)
        .map(|round| {
            let begun = Instant::now();
            work(round as u64);
            begun.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    Timed { least: seconds[0], median: seconds[rounds / 2] }
}

/// Searches from the same state in every root; prints the line and returns the best simulations a second.
#[allow(clippy::print_stdout)]
fn measure(
    label: &str,
    name: &str,
    model: &dyn WorldModel,
    state: &Observation,
    overrides: &[(&str, Setting)],
    roots: usize,
    rounds: usize,
) -> f64 {
    if std::env::args().nth(2).is_some_and(|wanted| !label.contains(&wanted)) {
        return f64::NAN;
    }
    let overrides: BTreeMap<String, Setting> =
        overrides.iter().map(|(key, setting)| ((*key).to_owned(), setting.clone())).collect();
    let simulations = match overrides.get("simulations") {
        Some(Integer(simulations)) => *simulations as f64,
        _ => unreachable!("every workload says how many"),
    };
    let context = PlannerContext::for_model(model.spec(), 0);
    let mut forest = Forest::new(name, &context, &overrides, roots).expect("the workload fits the planner");
    let mut world = model.imagination(forest.rows());
    for root in 0..roots {
        world.observe(root, None, state, Key::new(root as u64)).expect("a state of the model");
    }
    let mut chosen = None;
    let time = timed(rounds, |round| {
        forest.search(&mut *world, &Budget::default(), Key::new(round)).expect("the search runs");
        chosen = forest.decide(0);
    });
    let depth = forest.depth(0);
    let all = simulations * roots as f64;
    let (best, typical) = (all / time.least, all / time.median);
    println!(
        "{label:46} {:9.3} ms  {:7.3} M/s best, {:7.3} M/s median   depth {:5.2} mean {:3} most   action {chosen:?}",
        time.least * 1e3,
        best / 1e6,
        typical / 1e6,
        depth.mean,
        depth.most
    );
    best
}

/// The exponent p of `y ∝ x^p` by least squares on the logarithms.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let logs = || points.iter().map(|(x, y)| (x.ln(), y.ln()));
    let (mean_x, mean_y) = (logs().map(|p| p.0).sum::<f64>() / n, logs().map(|p| p.1).sum::<f64>() / n);
    let across: f64 = logs().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
    across / logs().map(|p| (p.0 - mean_x).powi(2)).sum::<f64>()
}

#[allow(clippy::print_stdout)]
fn main() {
    let rounds: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(15);
    let game = GameModel::<ConnectFour>::new();
    let start = GameModel::<ConnectFour>::observation(ConnectFour::start());
    let mut growth = Vec::new();
    for simulations in [1_000, 10_000, 100_000] {
        let label = format!("uct connect four, {simulations} simulations");
        let overrides = [("simulations", Integer(simulations))];
        let best = measure(&label, "uct", &game, &start, &overrides, 1, rounds);
        growth.push((simulations as f64, simulations as f64 / best));
    }
    println!("  time grows as simulations^{:.3}", exponent(&growth));
    for leaves in [1, 4, 64] {
        let label = format!("uct connect four, 10000, {leaves} leaves at once");
        let overrides = [("simulations", Integer(10_000)), ("leaves", Integer(leaves))];
        measure(&label, "uct", &game, &start, &overrides, 1, rounds);
    }
    let net = MuZeroNet::new(18, 64, 0);
    let embedding = Value::Floats((0..64).map(|i| f64::from(i * 37 % 64) / 32.0 - 1.0).collect());
    for name in ["puct", "gumbel"] {
        let mut growth = Vec::new();
        for roots in [1, 32, 256] {
            let overrides = [("simulations", Integer(50))];
            let label = format!("{name}, 18 actions, 64 wide, 50 sims, batch {roots}");
            let best = measure(&label, name, &net, &embedding, &overrides, roots, 4 * rounds);
            growth.push((roots as f64, roots as f64 / best));
        }
        println!("  time grows as batch^{:.3}", exponent(&growth));
        let mut growth = Vec::new();
        for simulations in [50, 200, 800] {
            let overrides = [("simulations", Integer(simulations))];
            let label = format!("{name}, 18 actions, 64 wide, {simulations} sims, batch 32");
            let best = measure(&label, name, &net, &embedding, &overrides, 32, rounds);
            growth.push((simulations as f64, simulations as f64 / best));
        }
        println!("  time grows as simulations^{:.3}", exponent(&growth));
        let overrides = [("simulations", Integer(50)), ("leaves", Integer(8)), ("virtual_loss", Float(0.5))];
        measure(
            &format!("{name}, 50 sims, batch 1, 8 leaves at once"),
            name,
            &net,
            &embedding,
            &overrides,
            1,
            4 * rounds,
        );
    }
}
