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

/// A PDDL text that cannot be read, or asks for what is not supported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PddlError {
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
        writeln!(f, "  {number} | {}", self.source_line.trim_end())?;
        // Tabs are kept in the padding, so that the mark stands below its place however wide they are shown.
        let before = self.source_line.chars().take(column.saturating_sub(1) as usize);
        let padding: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        write!(f, "  {} | {padding}^", " ".repeat(number.len()))
    }
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
        PddlError { file: self.file.clone(), position, message: message.into(), source_line: source_line.to_owned() }
    }

    /// [`error`](Self::error) as a result.
    pub(crate) fn fail<T>(&self, position: Position, message: impl Into<String>) -> PddlResult<T> {
        Err(self.error(position, message))
    }
}
