//! Speed of the tree searches, with the quality of what they find beside it, and how their cost grows.
//!
//! `cargo run --release -p worldwright-planners --example tree_speed [ROUNDS [speed | growth]]`
#![allow(clippy::print_stdout, reason = "a program whose output is a table")]

use worldwright_core::{Observation, Value, WorldModel};
use worldwright_envs::games::{ConnectFour, Game, GameModel};

mod measure;
mod muzero_net;

use measure::{Work, exponent};
use muzero_net::MuZeroNet;

/// An observation for a network of this width.
fn embedding(width: usize) -> Observation {
    Value::Floats((0..width).map(|i| (i * 37 % 64) as f64 / 32.0 - 1.0).collect())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rounds: usize = arguments.first().and_then(|text| text.parse().ok()).unwrap_or(15);
    let wanted = |part: &str| arguments.get(1).is_none_or(|argument| argument == part);
    let game = GameModel::<ConnectFour>::new();
    let start = GameModel::<ConnectFour>::observation(ConnectFour::start());
    let net = MuZeroNet::new(18, 64, 0);
    if wanted("speed") {
        speeds(&game, &start, &net, rounds);
    }
    if wanted("growth") {
        growths(&game, &start, rounds);
    }
}

/// One thread, each work in a line.
fn speeds(game: &dyn WorldModel, start: &Observation, net: &MuZeroNet, rounds: usize) {
    println!("| work | least ms | best M simulations/s | median | depth mean / most | action |");
    println!("|---|---|---|---|---|---|");
    let line = |label: &str, work: &Work<'_>, rounds: usize| {
        let measured = work.measure(rounds);
        let all = (work.simulations * work.roots) as f64 / 1e6;
        println!(
            "| {label} | {:.3} | {:.3} | {:.3} | {:.1} / {} | {:?} |",
            measured.least * 1e3,
            all / measured.least,
            all / measured.median,
            measured.depth.mean,
            measured.depth.most,
            measured.action
        );
    };
    let uct = Work { name: "uct", model: game, state: start, simulations: 10_000, leaves: None, roots: 1, threads: 1 };
    for simulations in [1_000, 10_000, 100_000] {
        line(&format!("uct connect four, {simulations} simulations"), &Work { simulations, ..uct }, rounds);
    }
    for leaves in [1, 4, 64] {
        let work = Work { leaves: Some(leaves), ..uct };
        line(&format!("uct connect four, 10000 simulations, {leaves} leaves at once"), &work, rounds);
    }
    let state = &embedding(64);
    for name in ["puct", "gumbel"] {
        let work = Work { name, model: net, state, simulations: 50, leaves: None, roots: 1, threads: 1 };
        for roots in [1, 32, 256] {
            let label = format!("{name}, 18 actions, 64 wide, 50 simulations, batch {roots}");
            line(&label, &Work { roots, ..work }, 4 * rounds);
        }
        let label = format!("{name}, 18 actions, 64 wide, 200 simulations, batch 32");
        line(&label, &Work { roots: 32, simulations: 200, ..work }, rounds);
        let label = format!("{name}, 18 actions, 64 wide, 50 simulations, batch 1, 8 leaves at once");
        line(&label, &Work { leaves: Some(8), ..work }, 4 * rounds);
    }
}

/// Cost against one size after the other, on one and, where the process has two cores, on two threads.
fn growths(game: &dyn WorldModel, start: &Observation, rounds: usize) {
    println!("\n| work | grows with | threads | least milliseconds | time grows as the power of |");
    println!("|---|---|---|---|---|");
    let series = |label: &str, size: &str, threads: usize, points: &[(f64, f64)]| {
        let each: Vec<String> = points.iter().map(|(x, y)| format!("{x}: {:.3}", y * 1e3)).collect();
        println!("| {label} | {size} | {threads} | {} | {:.2} |", each.join(", "), exponent(points));
    };
    let least = |work: Work<'_>| work.measure(rounds).least;
    let uct = Work { name: "uct", model: game, state: start, simulations: 0, leaves: None, roots: 1, threads: 1 };
    let alone: &[usize] = &[1_000, 3_000, 10_000, 30_000, 100_000];
    // One tree is searched on one thread: two threads need two parts of a forest.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let forests = [(1, 1, alone), (32, 1, &alone[..3]), (32, 2, &alone[..3])];
    for (roots, threads, sizes) in forests.into_iter().filter(|(_, threads, _)| *threads <= cores) {
        let cost = |simulations: usize| least(Work { simulations, roots, threads, ..uct });
        let points: Vec<_> = sizes.iter().map(|size| (*size as f64, cost(*size))).collect();
        series(&format!("uct connect four, batch {roots}"), "simulations", threads, &points);
    }
    let methods = [("puct", 1), ("puct", 2), ("gumbel", 1), ("gumbel", 2)];
    for (name, threads) in methods.into_iter().filter(|(_, threads)| *threads <= cores) {
        let cost = |actions: usize, width: usize, simulations: usize, roots: usize| {
            let (net, state) = (MuZeroNet::new(actions, width, 0), embedding(width));
            least(Work { name, model: &net, state: &state, simulations, leaves: None, roots, threads })
        };
        let points = |sizes: &[usize], cost: &dyn Fn(usize) -> f64| -> Vec<(f64, f64)> {
            sizes.iter().map(|size| (*size as f64, cost(*size))).collect()
        };
        let label = |rest: &str| format!("{name}, {rest}");
        let simulations = points(&[25, 50, 100, 200, 400, 800], &|simulations| cost(18, 64, simulations, 32));
        series(&label("18 actions, 64 wide, batch 32"), "simulations", threads, &simulations);
        let roots = points(&[32, 64, 128, 256], &|roots| cost(18, 64, 50, roots));
        series(&label("18 actions, 64 wide, 50 simulations"), "batch", threads, &roots);
        let actions = points(&[4, 9, 18, 36, 72], &|actions| cost(actions, 64, 50, 32));
        series(&label("64 wide, 50 simulations, batch 32"), "actions", threads, &actions);
        let widths = points(&[32, 64, 128, 256], &|width| cost(18, width, 50, 32));
        series(&label("18 actions, 50 simulations, batch 32"), "width of the network", threads, &widths);
    }
}
