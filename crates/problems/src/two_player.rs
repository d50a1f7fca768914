//! Two-player games by tree search from any position.

use std::collections::BTreeMap;

use worldwright_core::{
    Budget, Entry, Error, Key, Parameter, PlanStatus, Result, Setting, SettingDefault as Default, Settings, WorldModel,
};

use super::Solve;
use super::cube::SEED;
use super::solution::{Solution, Status};
use worldwright_envs::games::{ConnectFour, Game, GameModel, TicTacToe};
use worldwright_planners::PlannerContext;
use worldwright_planners::tree::{Forest, Length};

const SIMULATIONS: Parameter =
    Parameter { name: "simulations", default: Default::Integer(20_000), summary: "simulations of the search" };

pub(super) const TIC_TAC_TOE: Entry<Solve> = Entry {
    name: "tic-tac-toe",
    summary: "the best move of a position, by tree search with proofs",
    source: "Kocsis and Szepesvári 2006 (UCT); Winands, Björnsson and Saito 2008 (MCTS-Solver)",
    parameters: &[
        Parameter {
            name: "moves",
            default: Default::Text(""),
            summary: "what was played, X first: a digit a move, cells 1 to 9 row by row",
        },
        Parameter {
            default: Default::Integer(100_000),
            summary: "simulations of the search, which ends when all is proven",
            ..SIMULATIONS
        },
        SEED,
    ],
    build: solve::<TicTacToe>,
};

pub(super) const CONNECT_FOUR: Entry<Solve> = Entry {
    name: "connect-four",
    summary: "the best move of a position on 7 columns of 6, by tree search with proofs",
    source: "Kocsis and Szepesvári 2006 (UCT); Winands, Björnsson and Saito 2008 (MCTS-Solver); Teytaud and Teytaud 2010 (decisive moves)",
    parameters: &[
        Parameter {
            name: "moves",
            default: Default::Text(""),
            summary: "what was played, X first: a digit a move, columns 1 to 7",
        },
        SIMULATIONS,
        SEED,
    ],
    build: solve::<ConnectFour>,
};

/// Searches the position after the moves given.
fn solve<G: Game>(settings: &Settings) -> Result<Solution> {
    let (place, board) = (G::PLACE, G::BOARD);
    let (position, player) = replay::<G>(settings.text("moves")?, place)?;
    let model = GameModel::<G>::new().with_decisive_playouts();
    let seed = settings.seed("seed")?;
    let simulations = settings.count("simulations", 1)?;
    let overrides = BTreeMap::from([
        ("simulations".to_owned(), Setting::Integer(i64::try_from(simulations).unwrap_or(i64::MAX))),
        ("transpositions".to_owned(), Setting::Bool(true)),
    ]);
    let mut forest = Forest::new("uct", &PlannerContext::for_model(model.spec(), seed), &overrides, 1)?;
    let mut world = model.imagination(forest.rows());
    let observation = GameModel::<G>::observation(position);
    world.observe(0, None, &observation, Key::new(seed).fold(0))?;
    let report = forest.search(&mut *world, &Budget::default(), Key::new(seed).fold(1))?;
    let proven = report.status == PlanStatus::Converged;
    let mut solution =
        Solution::new(if proven { Status::Optimal } else { Status::Solved }, &[place, "visits", "value"]);
    let marks = observation.floats().unwrap_or_default();
    let line =
        |row| (0..board[1]).map(|column| mark(marks[G::cell(row, column)], player).to_string()).collect::<Vec<_>>();
    let numbers = (G::MOVES == board[1]).then(|| (1..=board[1]).map(|column| column.to_string()).collect::<Vec<_>>());
    solution.picture = (0..board[0]).map(line).chain(numbers).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n");
    let (mut visits, mut values) = (vec![0; forest.actions()], vec![0.0; forest.actions()]);
    forest.visits(0, &mut visits);
    forest.action_values(0, &mut values);
    for choice in (0..G::MOVES).filter(|choice| G::applicable(position) >> choice & 1 == 1) {
        solution.row([(choice + 1).into(), (visits[choice] as usize).into(), values[choice].into()]);
    }
    let Some(best) = forest.decide(0) else {
        solution.status = Status::Unsolved;
        return Ok(solution);
    };
    solution.fact("player", ["X", "O"][player]);
    solution.fact("play", best as usize + 1);
    solution.fact("value", forest.value(0).unwrap_or(f64::NAN));
    if let Some(Length { least, most }) = forest.length(0) {
        solution.fact("moves to the end", most);
        let end = if forest.value(0) < Some(0.0) { "defence lasts longer" } else { "win is shorter" };
        solution.notes.push(if least >= most {
            format!("no {end}, whatever both do")
        } else {
            format!("none was found whose {end}; what there may be takes {least} moves at the least: more simulations may tell")
        });
    }
    solution.fact("steps imagined", report.model_steps as usize);
    let sure = if proven { "proven" } else { "the mean of what was searched" };
    solution.notes.push(format!("a value of 1 is a win for {}, 0 a draw, −1 a loss: {sure}", ["X", "O"][player]));
    Ok(solution)
}

/// The position after a digit a move, and whose turn it is.
fn replay<G: Game>(moves: &str, place: &str) -> Result<(G::Position, usize)> {
    let (mut position, mut count, mut over) = (G::start(), 0, false);
    for digit in moves.chars().filter(|digit| !digit.is_whitespace()) {
        count += 1;
        let wrong = |why: String| Error::config("moves", format!("move {count}, '{digit}': {why}"));
        let choice = digit.to_digit(10).filter(|digit| (1..=G::MOVES as u32).contains(digit));
        let choice = choice.ok_or_else(|| wrong(format!("a {place} is a digit from 1 to {}", G::MOVES)))?;
        if over {
            return Err(wrong("the game is over before it".to_owned()));
        }
        let moved = G::play(position, choice as usize - 1).ok_or_else(|| wrong(format!("that {place} is taken")))?;
        (position, over) = (moved.position, moved.over);
    }
    if over {
        return Err(Error::config("moves", format!("the game is over after move {count}: there is nothing to plan")));
    }
    Ok((position, count % 2))
}

/// The mark of a cell, which is 1 where the player to move has it.
fn mark(number: f64, player: usize) -> char {
    match number {
        0.0 => '.',
        own if own > 0.0 => ['X', 'O'][player],
        _ => ['O', 'X'][player],
    }
}
