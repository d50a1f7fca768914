//! Tree search beside a perfect solver: how often it keeps the outcome of a position, and how often it plays the shortest win or the
//! longest defence.
//!
//! `cargo run --release -p worldwright-planners --example solved_positions [METHOD [POSITIONS [SEED [SIMULATIONS…]]]]`
//!
//! Positions come from random play, 12 to 34 stones, and have two different moves at least. The score of a move is the solver's: larger for
//! sooner wins and later losses, 0 for draws.

#![allow(clippy::print_stdout, reason = "a program whose output is a table")]

use std::collections::BTreeMap;
use std::time::Instant;

use connect_four_ai::{Position, Solver};
use worldwright_core::Setting::{Bool, Integer};
use worldwright_core::{Budget, Key, Result, Rng, WorldModel};
use worldwright_envs::games::{ConnectFour, GameModel, Stones};
use worldwright_planners::PlannerContext;
use worldwright_planners::tree::Forest;

/// A position with the solver's score of each move.
struct Solved {
    stones: Stones,
    scores: [Option<i8>; 7],
    /// Moves after which the other player wins at once.
    hanging: [bool; 7],
}

impl Solved {
    fn best(&self) -> i8 {
        self.scores.iter().flatten().copied().max().unwrap_or(0)
    }
}

/// Won, drawn and lost positions, or all: by the score of the best move.
type Kind = (&'static str, fn(i8) -> bool);
const KINDS: [Kind; 4] =
    [("all", |_| true), ("won", |best| best > 0), ("drawn", |best| best == 0), ("lost", |best| best < 0)];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: usize| arguments.get(i).and_then(|text| text.parse().ok()).unwrap_or(default);
    let name = arguments.first().map_or("uct", String::as_str);
    let given: Vec<usize> = arguments.iter().skip(3).filter_map(|text| text.parse().ok()).collect();
    let budgets = if given.is_empty() { vec![20_000, 200_000] } else { given };
    let positions = solved(number(1, 400), number(2, 0) as u64);
    println!(
        "| {name}: simulations | positions | | outcome kept | best score | loses at once without need | seconds |"
    );
    println!("|---|---|---|---|---|---|---|");
    for simulations in budgets {
        let begun = Instant::now();
        let chosen = choices(name, &positions, simulations)?;
        let seconds = begun.elapsed().as_secs_f64();
        for (kind, belongs) in KINDS {
            let of_kind = || positions.iter().zip(&chosen).filter(|(position, _)| belongs(position.best()));
            let count = of_kind().count();
            let share = |good: &dyn Fn(&Solved, usize) -> bool| {
                of_kind().filter(|(position, choice)| good(position, **choice)).count() as f64 / count.max(1) as f64
            };
            let score = |position: &Solved, choice: usize| position.scores[choice].unwrap_or(i8::MIN);
            println!(
                "| {simulations} | {kind} | {count} | {:.4} | {:.4} | {:.4} | {} |",
                share(&|position, choice| score(position, choice).signum() == position.best().signum()),
                share(&|position, choice| score(position, choice) == position.best()),
                share(&|position, choice| position.hanging[choice] && score(position, choice) < position.best()),
                if kind == "all" { format!("{seconds:.1}") } else { String::new() },
            );
        }
    }
    Ok(())
}

/// What the planner does in each position.
fn choices(name: &str, positions: &[Solved], simulations: usize) -> Result<Vec<usize>> {
    let model = GameModel::<ConnectFour>::new().with_decisive_playouts();
    let overrides = BTreeMap::from([
        ("simulations".to_owned(), Integer(simulations as i64)),
        ("transpositions".to_owned(), Bool(true)),
    ]);
    let mut forest = Forest::new(name, &PlannerContext::for_model(model.spec(), 0), &overrides, 1)?;
    let mut world = model.imagination(forest.rows());
    let mut chosen = Vec::with_capacity(positions.len());
    for (i, position) in positions.iter().enumerate() {
        let observation = GameModel::<ConnectFour>::observation(position.stones);
        world.observe(0, None, &observation, Key::new(0).fold(i as u64))?;
        forest.search(&mut *world, &Budget::default(), Key::new(1).fold(i as u64))?;
        chosen.push(forest.decide(0).map_or(0, |choice| choice as usize));
    }
    Ok(chosen)
}

/// So many positions of random play.
fn solved(count: usize, seed: u64) -> Vec<Solved> {
    let mut solver = Solver::new();
    let mut rng = Rng::new(seed);
    let mut found = Vec::with_capacity(count);
    while found.len() < count {
        let length = 12 + rng.below(23);
        let columns: Vec<usize> = (0..length).map(|_| rng.below(7) as usize).collect();
        let Some(stones) = Stones::after(&columns) else { continue };
        let mut position = Position::new();
        columns.iter().for_each(|column| position.play(*column));
        let scores = solver.get_all_move_scores(&position);
        if scores.iter().flatten().count() < 2 {
            continue;
        }
        let hangs = |column: usize| {
            let mut after = position;
            let playable = scores[column].is_some() && !after.is_winning_move(column);
            playable && {
                after.play(column);
                after.can_win_next()
            }
        };
        found.push(Solved { stones, scores, hanging: std::array::from_fn(hangs) });
    }
    found
}
