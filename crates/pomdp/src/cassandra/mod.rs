//! Reads partially observed problems in Cassandra's file format (`.pomdp`; A. Cassandra, pomdp.org, "Input POMDP file format").
//!
//! A preamble (`discount`, `values`, `states`, `actions`, `observations`, `start`), then `T:`, `O:` and `R:` for single entries, rows and
//! matrices, with `uniform`, `identity`, `reset`, and `*` for all; later entries replace earlier ones. Names and numbers counted from zero mean
//! the same. With `values: cost` numbers are negated. A [`Table`] has the expected reward of a step,
//! `R(s, a) = Σ T(s' | s, a) Z(o | a, s') R(a, s, s', o)`.
//!
//! Beyond the grammar: lines may end as on any system, numbers may lack a digit before or after their point and their sign may stand apart,
//! names may begin with a digit, `T: a reset` resets every state, and sums that are off by rounding are divided out.

mod config;
mod expected;
mod rewards;
mod rows;
mod statements;
mod tokens;

use std::collections::HashMap;
use std::rc::Rc;

use worldwright_core::{Error, Result};

pub use self::config::FileConfig;

use self::config::ROUNDED;
use self::expected::Expected;
use self::rows::{Entries, Rows};
use self::statements::{Reader, mebibytes};
use self::tokens::Token;
use super::table::{Parts, Way};
use super::{Named, Names, Table};

/// Rewards beyond this would overflow in sums over time.
const LARGEST: f64 = 1e100;
/// A sum that is farther from one is mentioned.
const MENTIONED: f64 = 1e-5;

/// The problem that a text describes; `file` stands in errors.
///
/// # Errors
/// [`Error::Config`] with file, line and column, the line itself and what was expected instead; or for probabilities that do not sum to
/// one, with the place that wrote them last.
pub fn parse_pomdp(file: &str, text: &str) -> Result<Named> {
    parse_pomdp_with(file, text, &FileConfig::default())
}

/// The problem that a text describes, with a discount and a limit of one's own.
///
/// # Errors
/// As for [`parse_pomdp`], and where the tables would take more memory than `config` allows.
pub fn parse_pomdp_with(file: &str, text: &str, config: &FileConfig) -> Result<Named> {
    let mut reader = Reader::new(file, text, *config);
    reader.read()?;
    let missing = |what: &str| Error::config(file, format!("has no '{what}:' line"));
    let Some(states) = reader.states.take() else { return Err(missing("states")) };
    let Some(actions) = reader.actions.take() else { return Err(missing("actions")) };
    let Some(observations) = reader.observations.take() else { return Err(missing("observations")) };
    let mut notes = Vec::new();
    let discount = match (config.discount, reader.discount) {
        (None, None) => {
            let Some(usual) = config.usual_discount else {
                let why = "has no 'discount:' line: add one, or give the discount as a setting (discount=0.95)";
                return Err(Error::config(file, why));
            };
            notes.push(format!("the file has no 'discount:' line: {usual} is taken; discount=… sets another"));
            usual
        }
        (Some(given), Some(own)) if given != own => {
            notes.push(format!("the discount is {given}, as it was asked for, not {own} as in the file"));
            given
        }
        (given, own) => given.or(own).unwrap_or_default(),
    };
    if reader.sign.is_none() {
        notes.push("the file has no 'values:' line: its numbers are taken as rewards".to_owned());
    }
    let n = states.names.len();
    let initial = match reader.start.take() {
        Some(start) => start,
        None => uniform(file, n, config.memory)?,
    };
    let built = Builder { file, reader: &reader, states: &states.names, actions: &actions.names, worst: 0.0 };
    let (parts, worst) = built.parts(observations.names.len())?;
    if worst > MENTIONED {
        notes.push(format!("probabilities that sum to one but for up to {worst:.1e} were divided by their sum"));
    }
    let counts = (n, actions.names.len(), observations.names.len());
    let table = Table::from_parts(counts, discount, initial, parts)?;
    Ok(Named { table, states: states.names, actions: actions.names, observations: observations.names, notes })
}

fn uniform(file: &str, states: usize, memory: usize) -> Result<Vec<f64>> {
    if states > memory / size_of::<f64>() {
        return Err(too_large(file, format!("a belief over {states} states"), states.saturating_mul(8), memory));
    }
    Ok(vec![1.0 / states as f64; states])
}

fn too_large(file: &str, what: String, bytes: usize, memory: usize) -> Error {
    let (bytes, memory) = (mebibytes(bytes) + 1, mebibytes(memory));
    Error::config(file, format!("{what} takes {bytes} MiB, more than the {memory} MiB that `memory` allows"))
}

/// Makes a table's parts of what was read.
struct Builder<'r, 't> {
    file: &'r str,
    reader: &'r Reader<'t>,
    states: &'r Names,
    actions: &'r Names,
    /// The largest distance of a sum from one.
    worst: f64,
}

impl Builder<'_, '_> {
    /// The parts, and the largest distance of a sum from one.
    fn parts(mut self, observations: usize) -> Result<(Parts, f64)> {
        let (n, count, memory) = (self.states.len(), self.actions.len(), self.reader.config.memory);
        let no = |what: &str| {
            let why = format!("has no '{what}:' line: say what each action does, for instance `{what}: * uniform`");
            Error::config(self.file, why)
        };
        let Some(moves) = &self.reader.transitions else { return Err(no("T")) };
        let Some(shows) = &self.reader.emissions else { return Err(no("O")) };
        // What the rows of the table and the rewards take, and what the bounds on them will: each a number an action.
        let heads = n.saturating_mul(count).saturating_mul(32);
        let seen = observations.saturating_mul(count).saturating_mul(8);
        if heads.saturating_add(seen) > memory {
            let what = format!("a table of {n} states, {count} actions and {observations} observations");
            return Err(too_large(self.file, what, heads.saturating_add(seen), memory));
        }
        let mut parts = Parts {
            row: Vec::with_capacity(n * count),
            first: vec![0],
            ways: Vec::new(),
            reward: Vec::with_capacity(n * count),
        };
        for action in 0..count {
            let shown = self.sums("O", shows, action)?;
            let moved = self.sums("T", moves, action)?;
            let wide = |next: &u32| shows.row(action, *next as usize).entries.len();
            let ways: usize = moved.rows.iter().flat_map(|row| row.iter()).map(|(next, _)| wide(next)).sum();
            let bytes = (parts.ways.len() + ways).saturating_mul(size_of::<Way>()).saturating_add(heads);
            if bytes > memory || parts.ways.len() + ways > u32::MAX as usize {
                let what = format!("the table of {n} states up to action '{}'", self.actions.name(action));
                return Err(too_large(self.file, what, bytes, memory));
            }
            parts.ways.reserve(ways);
            let begin = parts.first.len() - 1;
            for (row, sum) in moved.rows.iter().zip(&moved.sums) {
                for (next, share) in row.iter() {
                    let (seen, total) = shown.of(*next as usize);
                    parts.ways.extend(seen.iter().map(|(observation, probability)| Way {
                        observation: *observation,
                        next: *next,
                        probability: (share / sum) * (probability / total),
                    }));
                }
                parts.first.push(parts.ways.len() as u32);
            }
            parts.row.extend(moved.row.iter().map(|row| begin as u32 + row));
            self.rewards(action, &moved, &mut parts)?;
        }
        Ok((parts, self.worst))
    }

    /// The rows of an action that differ, each with its sum.
    fn sums(&mut self, what: &str, rows: &Rows, action: usize) -> Result<Distinct> {
        let mut distinct = Distinct { row: Vec::with_capacity(self.states.len()), rows: Vec::new(), sums: Vec::new() };
        let mut known: HashMap<*const Entries, u32> = HashMap::new();
        for state in 0..self.states.len() {
            let row = rows.row(action, state);
            let number = match known.get(&Rc::as_ptr(&row.entries)) {
                Some(number) if row.at.is_some() => *number,
                _ => {
                    let sum: f64 = row.entries.iter().map(|entry| entry.1).sum();
                    self.check(what, sum, row.at, action, state)?;
                    let number = distinct.rows.len() as u32;
                    known.insert(Rc::as_ptr(&row.entries), number);
                    distinct.rows.push(row.entries.clone());
                    distinct.sums.push(sum);
                    number
                }
            };
            distinct.row.push(number);
        }
        Ok(distinct)
    }

    fn check(&mut self, what: &str, sum: f64, at: Option<usize>, action: usize, state: usize) -> Result<()> {
        let (action, state) = (self.actions.name(action), self.states.name(state));
        let Some(at) = at else {
            let why = format!(
                "no {what} is given for action '{action}' and state '{state}': add a line such as `{what}: {action} : \
                 {state} uniform`"
            );
            return Err(Error::config(self.file, why));
        };
        if (sum - 1.0).abs() > ROUNDED {
            let why = format!("the {what} of action '{action}' and state '{state}' sums to {sum}, not to 1");
            return Err(self.reader.tokens.error(Some(Token { word: "", at }), why));
        }
        self.worst = self.worst.max((sum - 1.0).abs());
        Ok(())
    }

    /// The expected rewards of an action.
    fn rewards(&self, action: usize, moved: &Distinct, parts: &mut Parts) -> Result<()> {
        let sign = self.reader.sign.unwrap_or(1.0);
        let mut expected = Expected::new(&self.reader.rewards, action);
        let mut sharing = vec![0_u32; moved.rows.len()];
        moved.row.iter().for_each(|row| sharing[*row as usize] += 1);
        for (state, own) in moved.row.iter().enumerate() {
            let row = parts.row[parts.row.len() - moved.row.len() + state] as usize;
            let ways = &parts.ways[parts.first[row] as usize..parts.first[row + 1] as usize];
            let expected = sign * expected.of(state, *own, ways, sharing[*own as usize] > 1);
            if expected.is_nan() || expected.abs() > LARGEST {
                let (action, state) = (self.actions.name(action), self.states.name(state));
                let why = format!(
                    "the reward of action '{action}' in state '{state}' is beyond {LARGEST:e}: use another unit"
                );
                return Err(Error::config(self.file, why));
            }
            parts.reward.push(expected);
        }
        Ok(())
    }
}

/// The rows of an action that differ.
struct Distinct {
    /// The row of each state.
    row: Vec<u32>,
    rows: Vec<Rc<Entries>>,
    sums: Vec<f64>,
}

impl Distinct {
    /// The entries of a state, and their sum.
    fn of(&self, state: usize) -> (&Entries, f64) {
        let row = self.row[state] as usize;
        (&self.rows[row], self.sums[row])
    }
}
