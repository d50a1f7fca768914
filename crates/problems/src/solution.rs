//! What came of a problem: how good the answer is, the plan as a table, and numbers about it.

use worldwright_core::{Result, Settings};

/// Solves a problem from checked settings.
pub type Solve = fn(&Settings) -> Result<Solution>;

/// How good an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// No answer is better, to within the tolerance that the problem has.
    Optimal,
    /// An answer; there may be a better one.
    Solved,
    /// None was found. Notes say what may help, or that there is none.
    Unsolved,
}

impl Status {
    /// The status in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Optimal => "optimal",
            Self::Solved => "solved",
            Self::Unsolved => "unsolved",
        }
    }
}

/// A cell of a plan's table, or a fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A whole number.
    Integer(i64),
    /// A real number.
    Number(f64),
    /// Several numbers, such as the angles of an arm.
    Numbers(Vec<f64>),
    /// A word.
    Text(String),
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// How good it is.
    pub status: Status,
    /// The problem as a picture in letters, of several lines or none.
    pub picture: String,
    /// The names of the table's columns.
    pub columns: Vec<&'static str>,
    /// The plan, a row a step: as many cells each as there are columns.
    pub rows: Vec<Vec<Cell>>,
    /// Numbers about the answer and the search, by name.
    pub facts: Vec<(&'static str, Cell)>,
    /// What else is to be said, a sentence each.
    pub notes: Vec<String>,
}

impl Solution {
    /// An answer whose table has these columns.
    pub(super) fn new(status: Status, columns: &[&'static str]) -> Self {
        let columns = columns.to_vec();
        Self { status, picture: String::new(), columns, rows: Vec::new(), facts: Vec::new(), notes: Vec::new() }
    }

    /// Adds a row.
    pub(super) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.columns.len(), "a cell for each column");
        self.rows.push(cells.into());
    }

    /// Adds a fact.
    pub(super) fn fact(&mut self, name: &'static str, value: impl Into<Cell>) {
        self.facts.push((name, value.into()));
    }

    /// The fact called `name`.
    pub fn get(&self, name: &str) -> Option<&Cell> {
        self.facts.iter().find(|(fact, _)| *fact == name).map(|(_, value)| value)
    }

    /// The texts of a column; numbers in it are left out.
    pub fn texts(&self, column: &str) -> Vec<&str> {
        let place = self.columns.iter().position(|name| *name == column);
        let cells = self.rows.iter().filter_map(|row| row.get(place?));
        cells.filter_map(|cell| if let Cell::Text(text) = cell { Some(text.as_str()) } else { None }).collect()
    }

    /// The numbers of a column; texts in it are left out.
    pub fn numbers(&self, column: &str) -> Vec<f64> {
        let place = self.columns.iter().position(|name| *name == column);
        let cells = self.rows.iter().filter_map(|row| row.get(place?));
        cells.filter_map(Cell::number).collect()
    }
}

impl Cell {
    /// The number in it.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(i) => Some(*i as f64),
            Self::Number(x) => Some(*x),
            Self::Numbers(_) | Self::Text(_) => None,
        }
    }
}
