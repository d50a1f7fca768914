//! Reads partially observed problems in Cassandra's file format (`.pomdp`; A. Cassandra, pomdp.org, "Input POMDP file format").
//!
//! A preamble (`discount`, `values`, `states`, `actions`, `observations`, `start`), then `T:`, `O:` and `R:` for single entries, rows and
//! matrices, with `uniform`, `identity`, `reset`, and `*` for all; later entries replace earlier ones. Names and numbers counted from zero mean
//! the same. With `values: cost` numbers are negated on their way in. A [`Table`] has the expected reward of a step,
//! `R(s, a) = Σ T(s' | s, a) Z(o | a, s') R(a, s, s', o)`.

mod rewards;
mod statements;
mod tokens;

use worldwright_core::{Error, Result};

use self::statements::Reader;
use self::tokens::Token;
use super::{Named, Outcome, Table};

/// A row of probabilities: places with what is not zero, in order, and the word that wrote it last.
#[derive(Debug, Clone, Default)]
struct Row<'t> {
    entries: Vec<(usize, f64)>,
    at: Option<Token<'t>>,
}

impl<'t> Row<'t> {
    fn set(&mut self, place: usize, probability: f64, at: Token<'t>) {
        match self.entries.binary_search_by_key(&place, |entry| entry.0) {
            Ok(i) if probability == 0.0 => _ = self.entries.remove(i),
            Ok(i) => self.entries[i].1 = probability,
            Err(_) if probability == 0.0 => {}
            Err(i) => self.entries.insert(i, (place, probability)),
        }
        self.at = Some(at);
    }
}

/// How far the numbers of a file, which are often rounded, may sum from one; they are divided by their sum.
const ROUNDED: f64 = 1e-3;

/// The problem that a text describes; `file` stands in errors.
///
/// # Errors
/// [`Error::Config`] with file, line and column, the line itself and what was expected instead; or for probabilities that do not sum to
/// one, with the place that wrote them last.
pub fn parse_pomdp(file: &str, text: &str) -> Result<Named> {
    let mut reader = Reader::new(file, text);
    reader.read()?;
    let Reader { tokens, states, actions, observations, discount, start, transitions, emissions, rewards, .. } = reader;
    let missing = |what: &str| Error::config(file, format!("has no '{what}:' line"));
    let names = |names: Option<Vec<String>>, what| names.ok_or_else(|| missing(what));
    let (states, actions, observations) =
        (names(states, "states")?, names(actions, "actions")?, names(observations, "observations")?);
    let n = states.len();
    let scaled = |what: &str, row: &Row<'_>, action: usize, state: usize| {
        let sum: f64 = row.entries.iter().map(|entry| entry.1).sum();
        let (action, state) = (&actions[action], &states[state]);
        match row.at {
            None => Err(Error::config(file, format!("no {what} is given for action '{action}' and state '{state}'"))),
            Some(at) if (sum - 1.0).abs() > ROUNDED => {
                let why = format!("the {what} of action '{action}' and state '{state}' sums to {sum}, not to 1");
                Err(tokens.error(Some(at), why))
            }
            Some(_) => Ok(row.entries.iter().map(|(place, share)| (*place, share / sum)).collect::<Vec<_>>()),
        }
    };
    let (mut moves, mut shows) = (Vec::with_capacity(n * actions.len()), Vec::with_capacity(n * actions.len()));
    for action in 0..actions.len() {
        for state in 0..n {
            moves.push(scaled("T", &transitions[action * n + state], action, state)?);
            shows.push(scaled("O", &emissions[action * n + state], action, state)?);
        }
    }
    let reward = |state: usize, action: usize| {
        let each = |(next, moved): &(usize, f64)| {
            let seen = shows[action * n + next].iter();
            moved * seen.map(|(o, share)| share * rewards.get(action, state, *next, *o)).sum::<f64>()
        };
        moves[action * n + state].iter().map(each).sum::<f64>()
    };
    let table = Table::new(
        (n, actions.len(), observations.len()),
        discount.ok_or_else(|| missing("discount"))?,
        start.unwrap_or_else(|| vec![1.0 / n as f64; n]),
        |state, action| Outcome { next: moves[action * n + state].clone(), reward: reward(state, action) },
        |action, next| shows[action * n + next].clone(),
    )?;
    Ok(Named { table, states, actions, observations })
}
