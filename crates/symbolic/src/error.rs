//! What is wrong with a PDDL text, and where: file, line and column, the line itself and a mark below it.

use std::fmt;

/// A place in a text; lines and columns count from one, a column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// What kind of trouble there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PddlErrorKind {
    /// The text cannot be read, or asks for what is not supported.
    #[default]
    Text,
    /// Reading or grounding it takes more time than there is.
    TimeLimit,
    /// Reading or grounding it takes more memory than there is.
    MemoryLimit,
    /// Somebody asked to stop.
    Interrupted,
}

/// A PDDL text that cannot be read, asks for what is not supported, or is too large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PddlError {
    /// Whether the text is wrong, or a limit has been reached.
    pub kind: PddlErrorKind,
    /// The file as it was named to the reader.
    pub file: String,
    /// Where in the file.
    pub position: Position,
    /// What was found, and what was expected instead.
    pub message: String,
    /// The line of the text that `position` points into.
    pub source_line: String,
}

impl fmt::Display for PddlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position;
        writeln!(f, "{}:{line}:{column}: {}", self.file, self.message)?;
        let number = line.to_string();
        let (shown, before) = around(&self.source_line, column);
        writeln!(f, "  {number} | {shown}")?;
        // Tabs are kept in the padding, so that the mark stands below its place however wide they are shown.
        let padding: String = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        write!(f, "  {} | {padding}^", " ".repeat(number.len()))
    }
}

/// Characters of a long line that are shown on either side of a mark.
const SHOWN: usize = 80;

/// A line, or where it is long the part around a column, and what of it stands before the column.
fn around(line: &str, column: u32) -> (String, String) {
    let line = line.trim_end();
    let column = (column as usize).saturating_sub(1);
    let skipped = if column > 2 * SHOWN { column - SHOWN } else { 0 };
    let start = if skipped > 0 { "…" } else { "" };
    let mut rest = line.chars().skip(skipped);
    let before: String = start.chars().chain(rest.by_ref().take(column - skipped)).collect();
    let after: String = rest.by_ref().take(2 * SHOWN).collect();
    let end = if rest.next().is_some() { "…" } else { "" };
    (format!("{before}{after}{end}"), before)
}

impl std::error::Error for PddlError {}

/// A result with a [`PddlError`].
pub type PddlResult<T> = Result<T, PddlError>;

/// A text with the name of its file: what errors are made from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) file: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(file: &str, text: &str) -> Self {
        Self { file: file.to_owned(), text: text.to_owned() }
    }

    /// The error that `message` describes at `position`.
    pub(crate) fn error(&self, position: Position, message: impl Into<String>) -> PddlError {
        let source_line = self.text.lines().nth(position.line.saturating_sub(1) as usize).unwrap_or_default();
        PddlError {
            kind: PddlErrorKind::Text,
            file: self.file.clone(),
            position,
            message: message.into(),
            source_line: source_line.to_owned(),
        }
    }

    /// [`error`](Self::error) as a result.
    pub(crate) fn fail<T>(&self, position: Position, message: impl Into<String>) -> PddlResult<T> {
        Err(self.error(position, message))
    }
}
