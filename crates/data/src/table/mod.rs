//! Tables: a row a step, whatever file or program they come from, read by one set of rules.
//!
//! [`COLUMNS`] is what columns are called, [`flag_of_text`] and [`flag_of_number`] say what a flag is, `rows` makes episodes of
//! rows. The readers of files go through [`read`], programs that hold arrays through [`Arrays`], which does.

mod arrays;
pub(crate) mod arrow;
pub(crate) mod cells;
mod flags;
mod found;
mod given;
mod names;
mod quantities;
mod rows;

use worldwright_core::{Error, Result, Space};

pub use arrays::{Arrays, Asked, Transitions};
pub use cells::Data as Items;
pub use flags::{Flag, flag_of_number, flag_of_text};
pub use given::ColumnNames;
pub use names::{COLUMNS, Known, Part, Quantity, Resolved, name_of, nearest_name, resolve};
pub use rows::{Ended, episode_ends};
use rows::{Rows, lay_out};

use crate::named::note_names;
use crate::sink::{Sink, finite};
use crate::{Episode, Header, Precision};
use cells::Cells;
pub(crate) use flags::flags as all_flags;
use found::Found;
use quantities::Source;

/// Named columns of one length.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) columns: Vec<(String, Cells)>,
}

impl Table {
    /// What there is in a table of no rows, for messages.
    fn without_a_row(&self) -> String {
        let columns: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        if columns.is_empty() { "it is empty".to_owned() } else { format!("{} without a row", columns.join(", ")) }
    }

    /// # Errors
    /// [`Error::Config`] naming a column that is of another length than the first; of a user's own arrays [`Error::Shape`].
    fn rows(&self, kinds: Kinds) -> Result<usize> {
        let rows = self.columns.first().map_or(0, |(_, cells)| cells.rows);
        match self.columns.iter().find(|(_, cells)| cells.rows != rows) {
            None => Ok(rows),
            Some((name, cells)) if kinds == Kinds::Told => {
                Err(Error::shape(format!("column '{name}'"), &[rows], &[cells.rows]))
            }
            Some((name, cells)) => Err(Error::config(
                name.clone(),
                format!("has {} rows, and '{}' has {rows}: all columns need the same", cells.rows, self.columns[0].0),
            )),
        }
    }
}

/// What a reader of files knows of a table before it is read.
pub(crate) struct About {
    /// The environment's name and notes; its spaces count only where they are [`given`](Self::given).
    pub(crate) header: Header,
    /// Whether the spaces are known; otherwise they are found out from the columns.
    pub(crate) given: bool,
    /// Columns that the reader left out itself.
    pub(crate) left_out: Vec<String>,
    /// What columns are said to hold.
    pub(crate) names: ColumnNames,
    /// Columns of the format's own bookkeeping, which are of no news to anyone.
    pub(crate) own: &'static [&'static str],
    /// Whether every name must be known.
    pub(crate) strict: bool,
    /// What the types of numbers say.
    pub(crate) kinds: Kinds,
    /// Spaces of observations and actions that somebody asked for.
    pub(crate) spaces: [Option<Space>; 2],
}

/// What the types of numbers in a table say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kinds {
    /// Little: the numbers of a file have the types that its writer chose. Whole numbers alone in a column are choices, of observations too,
    /// and a note says so; boxes have no bounds.
    Guessed,
    /// What a user gave them: whole numbers are choices as actions and numbers as observations, and a box of actions is as wide as these are.
    Told,
}

impl Kinds {
    /// Refuses numbers of a user's own arrays that are not finite, as every array of theirs is.
    ///
    /// # Errors
    /// [`Error::Diverged`] naming episode and row.
    fn finite(self, episode: &str, what: &str, row: usize, test: impl FnOnce() -> bool) -> Result<()> {
        if self == Self::Guessed || test() {
            return Ok(());
        }
        Err(Error::Diverged {
            who: format!("episode {episode}").into(),
            why: format!("{what} of row {row} is empty, NaN or infinite; drop the episode or cut it before that row"),
        })
    }
}

impl About {
    /// A table of unknown spaces.
    pub(crate) fn new(environment: &str, origin: &str, names: &ColumnNames) -> Self {
        let none = || worldwright_core::Space::discrete(1);
        let mut header = Header::new(environment, none(), none(), 0);
        header.notes = vec![(format!("imported from {origin}"), environment.to_owned())];
        Self {
            header,
            given: false,
            left_out: Vec::new(),
            names: names.clone(),
            own: &[],
            strict: false,
            kinds: Kinds::Guessed,
            spaces: [None, None],
        }
    }
}

/// Reads the episodes of a table.
///
/// # Errors
/// [`Error::Config`] for columns that are missing, misspelt or do not fit together, naming row and episode.
pub(crate) fn read(table: Table, about: About, sink: &mut dyn Sink) -> Result<()> {
    // A store of ours may hold none, and comes back as it was.
    if !about.given && table.columns.iter().all(|(_, cells)| cells.rows == 0) {
        let why = format!("holds no step ({}): give at least one row a step", table.without_a_row());
        return Err(Error::external("the table", why));
    }
    let found = Found::new(table, &about, &[Quantity::Observation, Quantity::Action, Quantity::Reward])?;
    let (rows, whole) = (found.rows, &found.table);
    let reading = |name: &str| about.names.reading(name);
    let observation = found.needed(Quantity::Observation)?;
    let action = found.needed(Quantity::Action)?;
    // A type that a user chose says already whether numbers are choices, where no NaN stands among them in place of an empty cell.
    let told = about.kinds == Kinds::Told && action.is_marked(whole);
    let action = if told { action } else { action.choices(whole, reading) };
    let next = found.source(Quantity::NextObservation)?.map(|next| next.paired(&observation)).transpose()?;
    sink.go_on()?;
    let last = found.flags(Quantity::Last)?.unwrap_or_else(|| vec![None; rows]);
    let acted: Vec<bool> = (0..rows).map(|row| last[row] != Some(true) && !action.is_empty(whole, row)).collect();
    let joins = |next: &Source| -> (Vec<bool>, Vec<bool>) {
        let there = (0..rows).map(|row| !next.is_empty(whole, row)).collect();
        let joins = (0..rows).map(|row| row + 1 < rows && next.same(row, &observation, row + 1, whole)).collect();
        (there, joins)
    };
    let next_joins = next.as_ref().map(joins);
    sink.go_on()?;
    let laid = lay_out(&Rows {
        count: rows,
        episode: found.labels()?,
        step: found.steps()?,
        next: next_joins,
        terminated: found.flags(Quantity::Terminated)?,
        truncated: found.flags(Quantity::Truncated)?,
        done: found.flags(Quantity::Done)?,
        first: found.flags(Quantity::First)?,
        reward: found.rewards(),
        acted,
    })?;
    sink.go_on()?;
    let left_out = found.left_out(&about);
    let action_space_given = about.spaces[1].is_some();
    let mut header = about.header;
    if !about.given {
        let [observed, done] = about.spaces;
        header.observation_space = observation.space_like(whole, next.as_ref(), observed, about.kinds)?;
        header.action_space = action.space_like(whole, None, done, about.kinds)?;
        header.precision = Precision::Element;
    }
    let mut chosen = Vec::new();
    if about.kinds == Kinds::Guessed {
        for (source, space) in [(&observation, &header.observation_space), (&action, &header.action_space)] {
            chosen.extend(source.choice_notes(whole, space, reading)?);
        }
    }
    let (observed, done) = (header.observation_space.clone(), header.action_space.clone());
    // A header of ours tells of what was written, and comes back as it was.
    if !about.given {
        if !left_out.is_empty() {
            header.notes.push(("left out".into(), format!("columns {}", left_out.join(", "))));
        }
        for (quantity, source) in [(Quantity::Observation, &observation), (Quantity::Action, &action)] {
            if let Some(names) = source.names(whole) {
                note_names(&mut header, quantity, &names);
            }
        }
        header.notes.extend(chosen.into_iter().map(|note| ("note".to_owned(), note)));
        header.notes.extend(laid.notes.into_iter().map(|note| ("note".to_owned(), note)));
        header.notes.extend(laid.warnings.into_iter().map(|warning| ("warning".to_owned(), warning)));
    }
    sink.go_on()?;
    sink.begin(&header)?;
    let (reward_name, reward) = found.reward()?;
    for rows in laid.episodes {
        let named = |row: usize, error: Error| match error {
            Error::NotInSpace { what, reason } if about.kinds == Kinds::Told => {
                Error::NotInSpace { what: format!("episode {}, row {row}: {what}", rows.name).into(), reason }
            }
            error => Error::config(format!("episode {}, row {row}", rows.name), error.to_string()),
        };
        let value = |source: &Source, row: usize, space: &Space| {
            about.kinds.finite(&rows.name, source.name, row, || source.is_finite(whole, row))?;
            source.value(whole, row, space).map_err(|error| named(row, error))
        };
        let mut episode = Episode { terminated: rows.terminated, truncated: rows.truncated, ..Episode::default() };
        for row in rows.seen.clone() {
            episode.observations.push(value(&observation, row, &observed)?);
        }
        if let (Some(row), Some(next)) = (rows.closing, &next) {
            episode.observations.push(value(next, row, &observed)?);
        }
        for row in rows.acted.clone() {
            episode.actions.push(value(&action, row, &done)?);
            if action_space_given {
                action.within(whole, row, &done).map_err(|error| named(row, error))?;
            }
            let told = !reward.is_empty(row) && reward.data.number(row).is_finite();
            about.kinds.finite(&rows.name, "reward", row, || told)?;
            if reward.is_empty(row) {
                let why = format!("episode {}, row {row}: it is empty or NaN beside an action", rows.name);
                return Err(Error::config(reward_name.clone(), why));
            }
            let number = reward.data.number(row);
            finite(reward_name, number).map_err(|error| named(row, error))?;
            episode.rewards.push(number);
        }
        sink.episode(episode)?;
    }
    Ok(())
}
