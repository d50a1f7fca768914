//! Tables: a row a step, whatever file or program they come from, read by one set of rules.
//!
//! [`COLUMNS`] is what columns are called, [`flag_of_text`] and [`flag_of_number`] say what a flag is, [`lay_out`] makes episodes of
//! rows. The readers of files and the Python package all go through these.

pub(crate) mod arrow;
pub(crate) mod cells;
mod flags;
mod given;
mod names;
mod quantities;
mod rows;

use worldwright_core::{Error, Result};

pub use flags::{Flag, flag_of_number, flag_of_text};
pub use given::ColumnNames;
pub(crate) use names::same_name;
pub use names::{COLUMNS, Known, Part, Quantity, Resolved, name_of, nearest_name, resolve};
pub use rows::{EpisodeRows, Laid, RowEnds, Rows, lay_out, row_ends};

use crate::formats::{Sink, finite};
use crate::named::note_names;
use crate::{Episode, Header, Precision};
use cells::{Cells, Data};
use flags::flags;
pub(crate) use flags::flags as all_flags;
use quantities::Source;

/// Named columns of one length.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) columns: Vec<(String, Cells)>,
}

impl Table {
    /// # Errors
    /// [`Error::Config`] naming a column that is of another length than the first.
    fn rows(&self) -> Result<usize> {
        let rows = self.columns.first().map_or(0, |(_, cells)| cells.rows);
        match self.columns.iter().find(|(_, cells)| cells.rows != rows) {
            None => Ok(rows),
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
}

impl About {
    /// A table of unknown spaces.
    pub(crate) fn new(environment: &str, origin: &str, names: &ColumnNames) -> Self {
        let none = || worldwright_core::Space::discrete(1);
        let mut header = Header::new(environment, none(), none(), 0);
        header.notes = vec![(format!("imported from {origin}"), environment.to_owned())];
        Self { header, given: false, left_out: Vec::new(), names: names.clone(), own: &[] }
    }
}

/// Reads the episodes of a table.
///
/// # Errors
/// [`Error::Config`] for columns that are missing, misspelt or do not fit together, naming row and episode.
pub(crate) fn read(table: Table, about: About, sink: &mut dyn Sink) -> Result<()> {
    // A store of ours may hold none, and comes back as it was.
    if !about.given && table.columns.iter().all(|(_, cells)| cells.rows == 0) {
        let columns: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
        let there =
            if columns.is_empty() { "it is empty".to_owned() } else { format!("{} without a row", columns.join(", ")) };
        return Err(Error::external("the table", format!("holds no step ({there}): give at least one row a step")));
    }
    let names: Vec<String> = table.columns.iter().map(|(name, _)| name.clone()).collect();
    let resolved = about.names.resolve(&names)?;
    let missing: Vec<Quantity> = [Quantity::Observation, Quantity::Action, Quantity::Reward]
        .into_iter()
        .filter(|quantity| resolved.parts(*quantity).is_empty())
        .collect();
    if let [first, ..] = missing.as_slice() {
        return Err(Error::config(
            missing.iter().map(|quantity| name_of(*quantity)).collect::<Vec<_>>().join(", "),
            format!(
                "there is no such column (there are {}); known names are {}, and observation_x, observation_y, … for the parts of one; {}",
                if names.is_empty() { "none".into() } else { names.join(", ") },
                names::known_names(),
                ColumnNames::advice(*first)
            ),
        ));
    }
    // What is not read need not be of the right length.
    let kept: Vec<usize> = (0..names.len()).filter(|column| !resolved.left_out.contains(column)).collect();
    let columns = table.columns.into_iter().enumerate().filter(|(column, _)| kept.contains(column));
    let read_as = |(name, cells): (String, Cells)| match about.names.reading(&name) {
        Some(reading) => cells.read_as(&name, reading).map(|cells| (name, cells)),
        None => Ok((name, cells)),
    };
    let whole = Table { columns: columns.map(|(_, column)| read_as(column)).collect::<Result<_>>()? };
    let place = |column: usize| kept.binary_search(&column).unwrap_or(0);
    let rows = whole.rows()?;
    let at = |part: &Part| (part.name.clone(), place(part.column), part.named);
    let source = |quantity: Quantity| -> Result<Option<Source>> {
        let parts: Vec<_> = resolved.parts(quantity).iter().map(at).collect();
        if parts.is_empty() { Ok(None) } else { Source::new(name_of(quantity), &parts, &whole).map(Some) }
    };
    let lacks = |quantity| Error::config(name_of(quantity), "there is no such column");
    let observation = source(Quantity::Observation)?.ok_or_else(|| lacks(Quantity::Observation))?;
    let action = source(Quantity::Action)?
        .ok_or_else(|| lacks(Quantity::Action))?
        .choices(&whole, |name| about.names.reading(name));
    let next = source(Quantity::NextObservation)?.map(|next| next.paired(&observation)).transpose()?;
    let column = |quantity| resolved.column(quantity).map(|column| &whole.columns[place(column)]);
    let flagged = |quantity: Quantity| -> Result<Option<Vec<Flag>>> {
        column(quantity).map(|(name, cells)| flags(name, cells)).transpose()
    };
    sink.go_on()?;
    let last = flagged(Quantity::Last)?.unwrap_or_else(|| vec![None; rows]);
    let acted: Vec<bool> = (0..rows).map(|row| last[row] != Some(true) && !action.is_empty(&whole, row)).collect();
    let joins = |next: &Source| -> (Vec<bool>, Vec<bool>) {
        let there = (0..rows).map(|row| !next.is_empty(&whole, row)).collect();
        let joins = (0..rows).map(|row| row + 1 < rows && next.same(row, &observation, row + 1, &whole)).collect();
        (there, joins)
    };
    let next_joins = next.as_ref().map(joins);
    sink.go_on()?;
    let laid = lay_out(&Rows {
        count: rows,
        episode: column(Quantity::Episode).map(|(name, cells)| labels(name, cells)).transpose()?,
        step: column(Quantity::Step).map(|(name, cells)| steps(name, cells)).transpose()?,
        next: next_joins,
        terminated: flagged(Quantity::Terminated)?,
        truncated: flagged(Quantity::Truncated)?,
        done: flagged(Quantity::Done)?,
        first: flagged(Quantity::First)?,
        reward: column(Quantity::Reward).filter(|(_, cells)| cells.width() == 1 && !cells.is_text()).map(
            |(_, cells)| {
                (0..rows).map(|row| if cells.is_empty(row) { f64::NAN } else { cells.data.number(row) }).collect()
            },
        ),
        acted,
    })?;
    sink.go_on()?;
    let mut header = about.header;
    if !about.given {
        header.observation_space = observation.space(&whole, next.as_ref())?;
        header.action_space = action.space(&whole, None)?;
        header.precision = Precision::Element;
    }
    let mut chosen = Vec::new();
    for (source, space) in [(&observation, &header.observation_space), (&action, &header.action_space)] {
        chosen.extend(source.choice_notes(&whole, space, |name| about.names.reading(name))?);
    }
    let (observed, done) = (header.observation_space.clone(), header.action_space.clone());
    let mut out: Vec<String> = resolved.left_out.iter().map(|column| names[*column].clone()).collect();
    out.extend(about.left_out);
    out.retain(|name| !about.own.contains(&name.as_str()));
    // A header of ours tells of what was written, and comes back as it was.
    if !about.given {
        if !out.is_empty() {
            // pandas writes its index below an empty name.
            out.iter_mut().filter(|name| name.trim().is_empty()).for_each(|name| *name = "(without a name)".into());
            header.notes.push(("left out".into(), format!("columns {}", out.join(", "))));
        }
        for (quantity, source) in [(Quantity::Observation, &observation), (Quantity::Action, &action)] {
            if let Some(names) = source.names(&whole) {
                note_names(&mut header, quantity, &names);
            }
        }
        header.notes.extend(chosen.into_iter().map(|note| ("note".to_owned(), note)));
        header.notes.extend(laid.notes.into_iter().map(|note| ("note".to_owned(), note)));
        header.notes.extend(laid.warnings.into_iter().map(|warning| ("warning".to_owned(), warning)));
    }
    sink.go_on()?;
    sink.begin(&header)?;
    let Some((reward_name, reward)) = column(Quantity::Reward) else { return Err(lacks(Quantity::Reward)) };
    reward.check_numbers(reward_name)?;
    if reward.width() != 1 || reward.is_text() {
        return Err(Error::config(
            reward_name.clone(),
            format!("holds {} of shape {:?}, expected one number a row", reward.data.kind(), reward.shape),
        ));
    }
    for rows in laid.episodes {
        let named =
            |row: usize, error: Error| Error::config(format!("episode {}, row {row}", rows.name), error.to_string());
        let mut episode = Episode { terminated: rows.terminated, truncated: rows.truncated, ..Episode::default() };
        for row in rows.seen.clone() {
            episode.observations.push(observation.value(&whole, row, &observed).map_err(|error| named(row, error))?);
        }
        if let (Some(row), Some(next)) = (rows.closing, &next) {
            episode.observations.push(next.value(&whole, row, &observed).map_err(|error| named(row, error))?);
        }
        for row in rows.acted.clone() {
            episode.actions.push(action.value(&whole, row, &done).map_err(|error| named(row, error))?);
            if reward.is_empty(row) {
                return Err(Error::config(
                    reward_name.clone(),
                    format!("episode {}, row {row}: it is empty or NaN beside an action", rows.name),
                ));
            }
            let number = reward.data.number(row);
            finite(reward_name, number).map_err(|error| named(row, error))?;
            episode.rewards.push(number);
        }
        sink.episode(episode)?;
    }
    Ok(())
}

/// The name of each row's episode: texts, or whole numbers.
fn labels(name: &str, cells: &Cells) -> Result<Vec<String>> {
    (0..cells.rows)
        .map(|row| match (&cells.data, cells.is_empty(row)) {
            (_, true) => Err(Error::config(name, format!("row {row} is empty: say which episode it belongs to"))),
            _ if cells.width() != 1 => Err(Error::config(name, "holds arrays, expected one name or number a row")),
            (Data::Text(texts), _) => Ok(texts[row].clone()),
            (numbers, _) => {
                let number = numbers.number(row);
                if number.fract() == 0.0 && number.abs() < 2f64.powi(53) {
                    Ok(format!("{number}"))
                } else {
                    Err(Error::config(name, format!("row {row} holds {number}, which is no whole number")))
                }
            }
        })
        .collect()
}

/// The step of each row, and whether these are whole numbers of a counter; times and fractions only rise.
fn steps(name: &str, cells: &Cells) -> Result<(Vec<f64>, bool)> {
    if cells.width() != 1 {
        return Err(Error::config(name, "holds arrays, expected one number a row"));
    }
    if let Some(row) = (0..cells.rows).find(|row| cells.is_empty(*row)) {
        return Err(Error::config(name, format!("row {row} is empty")));
    }
    if let Data::Text(texts) = &cells.data {
        // Times as text, such as 2026-01-31T12:00:00, sort as they stand.
        let mut sorted: Vec<&String> = texts.iter().collect();
        sorted.sort();
        sorted.dedup();
        let place = |text: &String| sorted.binary_search(&text).unwrap_or(0) as f64;
        return Ok((texts.iter().map(place).collect(), false));
    }
    let numbers = cells.data.numbers();
    // A counter begins with small numbers; seconds or nanoseconds of a clock do not rise by one.
    let counter = numbers.iter().all(|n| n.fract() == 0.0) && numbers.first().is_some_and(|first| first.abs() < 1e9);
    Ok((numbers, counter))
}
