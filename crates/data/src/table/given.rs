//! What a user says the columns of a table hold, where their names do not tell.

use worldwright_core::{Error, Result};

use super::names::{self, Quantity, Resolved, known_names, name_of, nearest_name, resolve};
use crate::spelling::same_name;

/// Columns that go by names of a user's own: for each a name that is known (`observation`, `obs`, `action_x`, `observation/place`) and
/// what it is called in the table; `observation:number` and `action:choice` say besides that whole numbers there are numbers or choices. Other columns are known by their names; where a quantity is given here, it lies in the columns that
/// are given alone, in the order in which they are given, and others that would hold it are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnNames {
    given: Vec<Given>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Given {
    known: String,
    column: String,
    quantity: Quantity,
    reading: Option<Reading>,
}

/// What a column's numbers are read as, where a user says so: whole numbers are choices otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Numbers of a box.
    Number,
    /// Choices of a discrete space.
    Choice,
}

impl ColumnNames {
    /// Takes pairs of a known name and a column's own.
    ///
    /// # Errors
    /// [`Error::Config`] for a name that is not known, with the nearest one, and for what is given twice.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut given: Vec<Given> = Vec::new();
        for (known, column) in pairs {
            let (known, reading) = match known.rsplit_once(':') {
                Some((before, "number")) => (before.to_owned(), Some(Reading::Number)),
                Some((before, "choice")) => (before.to_owned(), Some(Reading::Choice)),
                _ => (known, None),
            };
            let Some(quantity) = names::quantity_of(&known) else {
                let near = nearest_name(&known).map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
                return Err(Error::config(
                    known,
                    format!(
                        "is nothing that a column can hold{near} (known are {}, and observation_x, … for the parts of one); write \
                         observation=COLUMN, the known name first",
                        known_names()
                    ),
                ));
            };
            if given.iter().any(|other| same_name(&other.known, &known)) {
                return Err(Error::config(known, "is given two columns: keep one of them"));
            }
            if let Some(other) = given.iter().find(|other| other.column == column) {
                return Err(Error::config(known, format!("column '{column}' is given as '{}' already", other.known)));
            }
            given.push(Given { known, column, quantity, reading });
        }
        Ok(Self { given })
    }

    /// Whether columns are known by their own names alone.
    pub(crate) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// Refuses names for what has none to be given.
    ///
    /// # Errors
    /// [`Error::Config`] where there are any.
    pub(crate) fn none_for(&self, what: &str) -> Result<()> {
        match self.given.first() {
            None => Ok(()),
            Some(given) => Err(Error::config(
                given.known.clone(),
                format!("{what} says itself what its columns hold: leave the names of columns out"),
            )),
        }
    }

    /// Refuses names of columns that are not among these, which are all that there are, with those that are not read.
    ///
    /// # Errors
    /// [`Error::Config`] with the nearest one: by its letters, or by what it holds.
    pub(crate) fn among(&self, columns: &[String]) -> Result<()> {
        let there =
            |given: &Given| columns.iter().any(|name| *name == given.column || below(name, &given.column).is_some());
        let Some(given) = self.given.iter().find(|given| !there(given)) else { return Ok(()) };
        let near = columns.iter().map(|name| (strsim::damerau_levenshtein(name, &given.column), name)).min();
        let near = near.filter(|(distance, name)| *distance <= name.chars().count().max(4) / 2).map(|(_, name)| name);
        let meant = names::quantity_of(&given.column);
        let alike = || columns.iter().find(|name| meant.is_some() && names::quantity_of(name) == meant);
        let hint = near.or_else(alike).map_or_else(String::new, |name| format!("; did you mean '{name}'?"));
        let columns = if columns.is_empty() { "none".to_owned() } else { columns.join(", ") };
        Err(Error::config(
            given.known.clone(),
            format!("there is no column '{}'{hint} (there are {columns})", given.column),
        ))
    }

    /// As [`resolve`](names::resolve), leniently, of columns some of which go by other names.
    ///
    /// # Errors
    /// As for [`among`](Self::among), and as there.
    pub(crate) fn resolve(&self, columns: &[String]) -> Result<Resolved> {
        self.among(columns)?;
        let spelt: Vec<String> = columns.iter().map(|name| self.spelt(name)).collect();
        let mut resolved = resolve(&spelt, false)?;
        if let Some((place, given)) = self.given.iter().find_map(|given| {
            let left = resolved.left_out.iter().find(|place| columns[**place] == given.column)?;
            Some((*left, given))
        }) {
            let beside: Vec<String> = self
                .given
                .iter()
                .filter(|other| other.quantity == given.quantity && other.column != columns[place])
                .map(|other| format!("{}={}", other.known, other.column))
                .collect();
            return Err(Error::config(
                given.known.clone(),
                format!(
                    "column '{}' cannot be read beside {}: give all of it in one column, or each of its parts in one, all numbered or all named",
                    given.column,
                    if beside.is_empty() { "what holds it already".to_owned() } else { beside.join(", ") }
                ),
            ));
        }
        resolved.order_by(|column| self.place(&columns[column]));
        Ok(resolved)
    }

    /// Where a column stands among those that are given.
    fn place(&self, name: &str) -> usize {
        let nearest = self
            .given
            .iter()
            .enumerate()
            .filter(|(_, given)| given.column == name || below(name, &given.column).is_some());
        nearest.max_by_key(|(_, given)| given.column.len()).map_or(0, |(place, _)| place)
    }

    /// What a column's numbers are to be read as.
    pub(crate) fn reading(&self, name: &str) -> Option<Reading> {
        self.given.iter().find(|given| given.column == name).and_then(|given| given.reading)
    }

    /// Whether a column, or all that lies below a group, is not read.
    pub(crate) fn is_extra(&self, name: &str) -> bool {
        names::is_extra(&self.spelt(name)) && !self.given.iter().any(|given| below(&given.column, name).is_some())
    }

    /// Refuses a name that must be a slip of a known one.
    ///
    /// # Errors
    /// As for [`resolve`](names::resolve).
    pub(crate) fn check(&self, name: &str) -> Result<()> {
        resolve(&[self.spelt(name)], false).map(|_| ())
    }

    /// Whether a column holds a quantity, or a part of it.
    pub(crate) fn holds(&self, name: &str, quantity: Quantity) -> bool {
        names::quantity_of(&self.spelt(name)) == Some(quantity)
    }

    /// The known name of a column; empty where others hold what it would.
    fn spelt(&self, name: &str) -> String {
        // The nearest says it: the column itself, then the innermost group around it.
        if let Some(given) = self.given.iter().find(|given| given.column == name) {
            return given.known.clone();
        }
        let around = self.given.iter().filter_map(|given| Some((given, below(name, &given.column)?)));
        if let Some((given, part)) = around.max_by_key(|(given, _)| given.column.len()) {
            return format!("{}/{part}", given.known);
        }
        match names::quantity_of(name) {
            Some(quantity) if self.given.iter().any(|given| given.quantity == quantity) => String::new(),
            _ => name.to_owned(),
        }
    }

    /// What to do where columns are missing, for messages.
    pub(crate) fn advice(missing: Quantity) -> String {
        let name = name_of(missing);
        format!(
            "where it goes by a name of its own, say so: worldwright data import … --columns {name}=COLUMN, or \
             columns={{'{name}': 'COLUMN'}}"
        )
    }
}

/// What a name says below another.
fn below<'a>(name: &'a str, above: &str) -> Option<&'a str> {
    name.strip_prefix(above)?.strip_prefix('/')
}
