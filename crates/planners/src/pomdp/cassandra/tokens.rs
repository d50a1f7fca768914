//! The words of a text in Cassandra's format, each with its place: what stands between spaces, `:` by itself, `#` begins a comment.

use worldwright_core::{Error, Result};

/// A word; line and column count from one, a column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) word: &'t str,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// The text with the place that is read.
pub(super) struct Tokens<'t> {
    file: &'t str,
    text: &'t str,
    tokens: Vec<Token<'t>>,
    next: usize,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        let mut tokens = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let code = line.split('#').next().unwrap_or_default();
            let mut begun: Option<(usize, usize)> = None;
            // A space beyond the end closes the last word.
            let letters = code.char_indices().chain([(code.len(), ' ')]).enumerate();
            for (column, (byte, letter)) in letters {
                let breaks = letter == ':' || letter.is_whitespace();
                if let (true, Some((column, start))) = (breaks, begun) {
                    tokens.push(Token { word: &code[start..byte], line: i + 1, column: column + 1 });
                    begun = None;
                } else if !breaks && begun.is_none() {
                    begun = Some((column, byte));
                }
                if letter == ':' {
                    tokens.push(Token { word: &code[byte..=byte], line: i + 1, column: column + 1 });
                }
            }
        }
        Self { file, text, tokens, next: 0 }
    }

    /// The next word, not taken.
    pub(super) fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.next).copied()
    }

    /// Takes the next word; `wanted` says what it should have been if there is none.
    pub(super) fn take(&mut self, wanted: &str) -> Result<Token<'t>> {
        let token =
            self.peek().ok_or_else(|| self.error(None, format!("the text ends where {wanted} should stand")))?;
        self.next += 1;
        Ok(token)
    }

    /// Takes the next word if it is this one.
    pub(super) fn takes(&mut self, word: &str) -> bool {
        let is = self.peek().is_some_and(|token| token.word == word);
        self.next += usize::from(is);
        is
    }

    /// Takes a colon.
    pub(super) fn colon(&mut self, after: &str) -> Result<()> {
        if self.takes(":") {
            return Ok(());
        }
        let found = self.peek().map_or("the end of the text".to_owned(), |token| format!("'{}'", token.word));
        Err(self.error(self.peek(), format!("expected ':' after {after}, found {found}")))
    }

    /// Takes a number.
    pub(super) fn number(&mut self, what: &str) -> Result<f64> {
        let token = self.take(what)?;
        let number = token.word.parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| self.error(Some(token), format!("expected {what}, a number, found '{}'", token.word)))
    }

    /// What is wrong at a word, or at the end of the text: file, line and column, the line itself and a mark below it.
    pub(super) fn error(&self, at: Option<Token<'_>>, why: impl std::fmt::Display) -> Error {
        let lines = || self.text.lines();
        let end = || (lines().count().max(1), lines().last().map_or(0, |line| line.chars().count()) + 1);
        let (line, column) = at.map_or_else(end, |token| (token.line, token.column));
        let source = lines().nth(line - 1).unwrap_or_default();
        let padding: String =
            source.chars().take(column - 1).map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
        let margin = " ".repeat(line.to_string().len());
        let place = format!("{}:{line}:{column}", self.file);
        Error::config(place, format!("{why}\n  {line} | {}\n  {margin} | {padding}^", source.trim_end()))
    }
}
