//! How the cost of a decision grows, on one thread and on two.
//!
//! A tree over beliefs is searched on one thread; on two threads two of them, of two episodes, are searched at a time, and the time is
//! that of both.

use std::sync::Barrier;
use std::time::Instant;

use worldwright_core::{Budget, Imagination, Key, Planner, Rng, WorldModel};
use worldwright_envs::rock_sample::{RockSample, RockState};
use worldwright_pomdp::{Despot, DespotConfig, ParticleBelief, Pomcp, PomcpConfig};
use worldwright_testkit::{DynamicsModel, Pendulum};

use super::{exponent, leaning, tree_planner};

/// The table.
pub(crate) fn growths(rounds: u64) {
    println!("\n| work | grows with | threads | least milliseconds | time grows as the power of |");
    println!("|---|---|---|---|---|");
    let problem = &RockSample::seven_eight();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for threads in 1..=cores.min(2) {
        let sizes = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000];
        line("POMCP, RockSample(7,8)", "simulations", threads, &sizes, |simulations| {
            let config = PomcpConfig { simulations, ..PomcpConfig::default() };
            let build = |seed| Pomcp::new(problem, config, seed).expect("sound settings");
            least(threads, rounds, build, |search, round| search.restart(round), |search| search.search().value)
        });
        line("particle belief, an update", "particles", threads, &[300, 1_000, 3_000, 10_000, 30_000], |particles| {
            let build = |seed| {
                let mut rng = Key::new(seed).rng();
                (ParticleBelief::new(problem, particles, 0.1, &mut rng).expect("sound settings"), rng)
            };
            // A check of the first rock that says good.
            let update = |(belief, rng): &mut (ParticleBelief<RockState>, Rng)| {
                belief.update(problem, 5, 1, rng).expect("it may be good");
            };
            least(threads, rounds, build, |(belief, rng), _| belief.restart(problem, rng), update)
        });
        let despot = |scenarios: usize, trials: usize| {
            let config = DespotConfig { scenarios, trials, ..DespotConfig::default() };
            let build = |seed| Despot::new(problem, config, seed).expect("sound settings");
            let restart = |search: &mut Despot<'_, RockSample>, round| search.restart(round);
            least(threads, rounds.min(7), build, restart, |search| search.search().lower)
        };
        let sizes = [50, 100, 200, 500, 1_000];
        line("DESPOT, RockSample(7,8), 50 trials", "scenarios", threads, &sizes, |size| despot(size, 50));
        line("DESPOT, 100 scenarios", "trials", threads, &[25, 50, 100, 200, 400], |size| despot(100, size));
        for name in ["progressive-widening", "sampled-mcts"] {
            let work = format!("{name}, pendulum, horizon 25");
            line(&work, "simulations", threads, &[125, 250, 500, 1_000, 2_000], |simulations| {
                planned(name, simulations, threads, rounds)
            });
        }
    }
}

/// A decision of a tree over real-valued actions.
fn planned(name: &str, simulations: usize, threads: usize, rounds: u64) -> f64 {
    let model = &DynamicsModel(Pendulum::new());
    let build = |_| {
        let planner = tree_planner(name, model, simulations as i64).expect("sound settings");
        let world = model.imagination(planner.rows());
        (planner, world)
    };
    type Planned<'a> = (Box<dyn Planner>, Box<dyn Imagination + 'a>);
    let restart = |(planner, world): &mut Planned<'_>, round| {
        planner.reset(round);
        world.observe(0, None, &leaning(), Key::new(0)).expect("a state of the pendulum");
    };
    let plan = |(planner, world): &mut Planned<'_>| {
        planner.improve(&mut **world, 0, &Budget::default()).expect("the search runs");
    };
    least(threads, rounds, build, restart, plan)
}

fn line(work: &str, size: &str, threads: usize, sizes: &[usize], cost: impl Fn(usize) -> f64) {
    let points: Vec<(f64, f64)> = sizes.iter().map(|size| (*size as f64, cost(*size))).collect();
    let each: Vec<String> = points.iter().map(|(x, y)| format!("{x}: {:.3}", y * 1e3)).collect();
    println!("| {work} | {size} | {threads} | {} | {:.2} |", each.join(", "), exponent(&points));
}

/// The least seconds in which every thread does its work once, after a restart that is not counted.
fn least<S, T>(
    threads: usize,
    rounds: u64,
    build: impl Fn(u64) -> S + Sync,
    restart: impl Fn(&mut S, u64) + Sync,
    work: impl Fn(&mut S) -> T + Sync,
) -> f64 {
    let barrier = Barrier::new(threads);
    let run = |thread: usize| {
        let mut state = build(thread as u64);
        let round = |round| {
            restart(&mut state, round);
            // Before the barrier: another may be done before this one has left it.
            let begun = Instant::now();
            barrier.wait();
            std::hint::black_box(work(&mut state));
            barrier.wait();
            begun.elapsed().as_secs_f64()
        };
        (0..rounds).map(round).fold(f64::INFINITY, f64::min)
    };
    std::thread::scope(|scope| {
        let run = &run;
        for thread in 1..threads {
            scope.spawn(move || run(thread));
        }
        run(0)
    })
}
