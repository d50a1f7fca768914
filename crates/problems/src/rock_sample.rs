//! A rover among rocks that may be good or bad.

use worldwright_core::{Entry, Parameter, Result, SettingDefault as Default, Settings};

use super::Solve;
use super::belief::{
    BACKUPS, BELIEFS, GAP, MEMORY, METHOD, PARTICLES, SCENARIOS, SIMULATIONS, STEPS, TIME, TRIALS, check, decider, play,
};
use super::cube::SEED;
use super::solution::{Cell, Solution, Status};
use worldwright_envs::rock_sample::{Rock, RockSample};
use worldwright_pomdp::Table;

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "rock-sample",
    summary: "a rover samples good rocks, which it can tell from bad ones only by looking from near",
    source: "Smith and Simmons 2004 (the problem); Silver and Veness 2010 (POMCP); Somani et al. 2013 (DESPOT)",
    parameters: &[
        Parameter { name: "size", default: Default::Integer(7), summary: "places along a side, 2 to 15" },
        Parameter {
            name: "rocks",
            default: Default::Integer(8),
            summary: "how many rocks, at most 16; 8 in a size of 7 lie as in the paper, others as the seed draws them",
        },
        Parameter { name: "discount", default: Default::Float(0.95), summary: "what a reward one step later counts" },
        Parameter {
            name: "half_efficiency",
            default: Default::Float(20.0),
            summary: "distance over which a look loses half of what it tells",
        },
        Parameter {
            default: Default::Text("pomcp"),
            summary: "pomcp or despot (by simulation); point-based or qmdp (on the table, up to ten rocks)",
            ..METHOD
        },
        Parameter { default: Default::Integer(60), ..STEPS },
        GAP,
        Parameter { default: Default::Integer(500), ..BACKUPS },
        BELIEFS,
        TIME,
        MEMORY,
        SIMULATIONS,
        SCENARIOS,
        TRIALS,
        PARTICLES,
        SEED,
    ],
    build: solve,
};

fn solve(settings: &Settings) -> Result<Solution> {
    let methods = ["pomcp", "despot", "point-based", "qmdp"];
    settings.choice("method", &methods)?;
    check(settings)?;
    let size = settings.count("size", 2)?;
    let count = settings.count("rocks", 0)?;
    let half_efficiency = settings.float("half_efficiency", 1e-9, f64::MAX)?;
    let discount = settings.float("discount", 0.0, 1.0)?;
    let problem = RockSample::sized(size, count, settings.seed("seed")?, half_efficiency, discount)?;
    let mut solution =
        Solution::new(Status::Solved, &["step", "x", "y", "action", "observation", "reward", "expected value"]);
    solution.picture = map(size, problem.start(), problem.rocks());
    let table: std::cell::OnceCell<Table> = std::cell::OnceCell::new();
    let known = || {
        let made = Table::of(&problem)?;
        Ok(table.get_or_init(|| made))
    };
    let mut decider = decider(&problem, known, None, settings, &mut solution)?;
    let mut good: Option<Vec<String>> = None;
    play(&problem, &mut *decider, settings, &mut solution, |solution, state, (action, value), step| {
        good.get_or_insert_with(|| {
            (0..count).filter(|rock| state.is_good(*rock)).map(|rock| name(rock).to_string()).collect()
        });
        let (x, y) = state.place();
        let directions = ["north", "east", "south", "west", "sample"];
        let action = match directions.get(action as usize) {
            Some(direction) => (*direction).to_owned(),
            None => format!("look at {}", name(action as usize - directions.len())),
        };
        let step_number = solution.rows.len() + 1;
        let observation = ["", "good", "bad"][step.observation as usize];
        solution.row([
            step_number.into(),
            usize::from(x).into(),
            usize::from(y).into(),
            action.into(),
            observation.into(),
            Cell::Number(step.reward),
            value.into(),
        ]);
        Ok(())
    })?;
    let good = good.unwrap_or_default();
    let which = if good.is_empty() { "no rock is good".to_owned() } else { format!("good rocks: {}", good.join(", ")) };
    solution.notes.push(format!("in this episode {which}"));
    Ok(solution)
}

/// The letter of a rock.
fn name(rock: usize) -> char {
    char::from_digit(rock as u32 + 1, 36).unwrap_or('?')
}

/// The rocks, the rover and the edge to leave by, north up.
fn map(size: usize, start: Rock, rocks: &[Rock]) -> String {
    let letter = |place: Rock| match rocks.iter().position(|rock| *rock == place) {
        Some(rock) => name(rock),
        None if place == start => 'S',
        None => '.',
    };
    let line = |y: usize| (0..size).map(|x| letter((x as u8, y as u8)).to_string() + " ").collect::<String>() + ">";
    (0..size).rev().map(line).collect::<Vec<_>>().join("\n")
}
