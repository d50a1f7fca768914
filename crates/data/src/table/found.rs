//! A table whose columns are known: which of them hold what, without those that are not read.

use worldwright_core::{Error, Result};

use super::cells::{Cells, Data};
use super::flags::{Flag, flags};
use super::names::{Part, Quantity, Resolved, known_names, name_of, resolve};
use super::quantities::Source;
use super::{About, ColumnNames, Table};

/// The columns that are read, and what they hold.
pub(super) struct Found {
    pub(super) table: Table,
    /// Names of all columns that came, for messages.
    pub(super) names: Vec<String>,
    pub(super) rows: usize,
    resolved: Resolved,
    /// For each column that is read, its place among those that came.
    kept: Vec<usize>,
}

impl Found {
    /// Finds out what columns hold, `wanted` being what must be there.
    ///
    /// # Errors
    /// As for [`resolve`](super::resolve); [`Error::Config`] for what is not there, and for columns of different lengths.
    pub(super) fn new(table: Table, about: &About, wanted: &[Quantity]) -> Result<Self> {
        let names: Vec<String> = table.columns.iter().map(|(name, _)| name.clone()).collect();
        let resolved = if about.strict { resolve(&names, true) } else { about.names.resolve(&names) }?;
        let found = |quantity: Quantity| !resolved.parts(quantity).is_empty();
        all_there(&names, found, wanted)?;
        // What is not read need not be of the right length.
        let kept: Vec<usize> = (0..names.len()).filter(|column| !resolved.left_out.contains(column)).collect();
        let columns = table.columns.into_iter().enumerate().filter(|(column, _)| kept.contains(column));
        let read_as = |(name, cells): (String, Cells)| match about.names.reading(&name) {
            Some(reading) => cells.read_as(&name, reading).map(|cells| (name, cells)),
            None => Ok((name, cells)),
        };
        let table = Table { columns: columns.map(|(_, column)| read_as(column)).collect::<Result<_>>()? };
        Ok(Self { rows: table.rows(about.kinds)?, table, names, resolved, kept })
    }

    /// Refuses a table that lacks some of these.
    ///
    /// # Errors
    /// [`Error::Config`] with those that are not there, and what there is.
    pub(super) fn need(&self, wanted: &[Quantity]) -> Result<()> {
        all_there(&self.names, |quantity| self.has(quantity), wanted)
    }

    fn place(&self, column: usize) -> usize {
        self.kept.binary_search(&column).unwrap_or(0)
    }

    /// How an observation or action lies in the columns; none where it is not there.
    ///
    /// # Errors
    /// [`Error::Config`] naming a column that holds no numbers.
    pub(super) fn source(&self, quantity: Quantity) -> Result<Option<Source>> {
        let at = |part: &Part| (part.name.clone(), self.place(part.column), part.named);
        let parts: Vec<_> = self.resolved.parts(quantity).iter().map(at).collect();
        if parts.is_empty() { Ok(None) } else { Source::new(name_of(quantity), &parts, &self.table).map(Some) }
    }

    /// As [`source`](Self::source), of what must be there.
    ///
    /// # Errors
    /// As there, and where it is not.
    pub(super) fn needed(&self, quantity: Quantity) -> Result<Source> {
        self.source(quantity)?.ok_or_else(|| lacks(quantity))
    }

    /// The one column of a quantity.
    pub(super) fn column(&self, quantity: Quantity) -> Option<&(String, Cells)> {
        self.resolved.column(quantity).map(|column| &self.table.columns[self.place(column)])
    }

    /// Whether there is such a column.
    pub(super) fn has(&self, quantity: Quantity) -> bool {
        !self.resolved.parts(quantity).is_empty()
    }

    /// The flags of a column; none where it is not there.
    ///
    /// # Errors
    /// [`Error::Config`] naming the row that holds none.
    pub(super) fn flags(&self, quantity: Quantity) -> Result<Option<Vec<Flag>>> {
        self.column(quantity).map(|(name, cells)| flags(name, cells)).transpose()
    }

    /// The name of each row's episode: texts, or whole numbers.
    ///
    /// # Errors
    /// [`Error::Config`] naming the row that holds neither.
    pub(super) fn labels(&self) -> Result<Option<Vec<String>>> {
        self.column(Quantity::Episode).map(|(name, cells)| labels(name, cells)).transpose()
    }

    /// The step of each row, and whether these are whole numbers of a counter; times and fractions only rise.
    ///
    /// # Errors
    /// [`Error::Config`] naming an empty row.
    pub(super) fn steps(&self) -> Result<Option<(Vec<f64>, bool)>> {
        self.column(Quantity::Step).map(|(name, cells)| steps(name, cells)).transpose()
    }

    /// One number a row, NaN where there is none; none where the column is not there or holds something else.
    pub(super) fn rewards(&self) -> Option<Vec<f64>> {
        let (_, cells) = self.column(Quantity::Reward).filter(|(_, cells)| cells.width() == 1 && !cells.is_text())?;
        let number = |row| if cells.is_empty(row) { f64::NAN } else { cells.data.number(row) };
        Some((0..self.rows).map(number).collect())
    }

    /// The column of rewards, which must hold one number a row.
    ///
    /// # Errors
    /// [`Error::Config`] where it is not there or does not.
    pub(super) fn reward(&self) -> Result<&(String, Cells)> {
        let found = self.column(Quantity::Reward).ok_or_else(|| lacks(Quantity::Reward))?;
        let (name, cells) = found;
        cells.check_numbers(name)?;
        if cells.width() != 1 || cells.is_text() {
            let why = format!("holds {} of shape {:?}, expected one number a row", cells.data.kind(), cells.shape);
            return Err(Error::config(name.clone(), why));
        }
        Ok(found)
    }

    /// Names of the columns that are not read, those without one told of as such; `own` are of no news to anyone.
    pub(super) fn left_out(&self, about: &About) -> Vec<String> {
        let mut out: Vec<String> = self.resolved.left_out.iter().map(|column| self.names[*column].clone()).collect();
        out.extend(about.left_out.iter().cloned());
        out.retain(|name| !about.own.contains(&name.as_str()));
        // pandas writes its index below an empty name.
        out.iter_mut().filter(|name| name.trim().is_empty()).for_each(|name| *name = "(without a name)".into());
        out
    }
}

fn all_there(names: &[String], found: impl Fn(Quantity) -> bool, wanted: &[Quantity]) -> Result<()> {
    let missing: Vec<Quantity> = wanted.iter().copied().filter(|quantity| !found(*quantity)).collect();
    let [first, ..] = missing.as_slice() else { return Ok(()) };
    Err(Error::config(
        missing.iter().map(|quantity| name_of(*quantity)).collect::<Vec<_>>().join(", "),
        format!(
            "there is no such column (there are {}); known names are {}, and observation_x, observation_y, … for the parts of one; {}",
            if names.is_empty() { "none".into() } else { names.join(", ") },
            known_names(),
            ColumnNames::advice(*first)
        ),
    ))
}

fn lacks(quantity: Quantity) -> Error {
    Error::config(name_of(quantity), "there is no such column")
}

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
