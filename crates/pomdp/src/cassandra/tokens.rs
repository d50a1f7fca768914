//! The words of a text in Cassandra's format: what stands between spaces, `:` by itself, a `*` that begins a word too, `#` begins a
//! comment.
//!
//! Words are found as they are asked for, so that a text of many numbers costs no memory beside itself.

use worldwright_core::{Error, Result};

/// A word and the byte at which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) word: &'t str,
    pub(super) at: usize,
}

/// The text with the place that is read.
pub(super) struct Tokens<'t> {
    file: &'t str,
    text: &'t str,
    next: Option<Token<'t>>,
    /// Whether the next word is the first of its line.
    first_of_line: bool,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        // Some editors begin a file with a mark of its byte order.
        let from = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let (next, _) = scan(text, from);
        Self { file, text, next, first_of_line: true }
    }

    /// The next word, not taken.
    pub(super) fn peek(&self) -> Option<Token<'t>> {
        self.next
    }

    /// The word after the next.
    pub(super) fn second(&self) -> Option<Token<'t>> {
        self.next.and_then(|next| scan(self.text, next.at + next.word.len()).0)
    }

    /// Whether the next word is the first of its line.
    pub(super) fn is_first_of_line(&self) -> bool {
        self.first_of_line
    }

    /// Takes the next word; `wanted` says what it should have been if there is none.
    pub(super) fn take(&mut self, wanted: &str) -> Result<Token<'t>> {
        let token =
            self.peek().ok_or_else(|| self.error(None, format!("the text ends where {wanted} should stand")))?;
        (self.next, self.first_of_line) = scan(self.text, token.at + token.word.len());
        Ok(token)
    }

    /// Takes the next word if it is this one.
    pub(super) fn takes(&mut self, word: &str) -> bool {
        let is = self.peek().is_some_and(|token| token.word == word);
        if is {
            // There is a word, so this cannot fail.
            _ = self.take(word);
        }
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

    /// Takes a number; its sign may stand apart.
    pub(super) fn number(&mut self, what: &str) -> Result<f64> {
        let token = self.take(what)?;
        let sign = match token.word {
            "-" => -1.0,
            "+" => 1.0,
            word => return self.parsed(word, token, what),
        };
        let unsigned = self.take(what)?;
        if !unsigned.word.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
            return Err(self.no_number(unsigned, what));
        }
        Ok(sign * self.parsed(unsigned.word, unsigned, what)?)
    }

    fn parsed(&self, word: &str, token: Token<'t>, what: &str) -> Result<f64> {
        let number = word.parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| self.no_number(token, what))
    }

    fn no_number(&self, token: Token<'t>, what: &str) -> Error {
        self.error(Some(token), format!("expected {what}, a number, found '{}'", shortened(token.word)))
    }

    /// The line of a byte, counted from one.
    pub(super) fn line(&self, at: usize) -> usize {
        lines(self.text).take_while(|(start, _)| *start <= at).count().max(1)
    }

    /// What is wrong at a word, or at the end of the text: file, line and column, the line itself and a mark below it.
    pub(super) fn error(&self, at: Option<Token<'_>>, why: impl std::fmt::Display) -> Error {
        let at = at.map_or(self.text.len(), |token| token.at);
        let (line, (start, source)) =
            lines(self.text).enumerate().take_while(|(_, (start, _))| *start <= at).last().unwrap_or((0, (0, "")));
        let line = line + 1;
        // At the end of the text the mark stands behind the last line.
        let before = &source[..source.len().min(at - start)];
        let column = before.chars().count() + 1;
        let (source, skipped) = window(source, column);
        let padding: String = before
            .chars()
            .skip(skipped)
            .map(|letter| if letter == '\t' { '\t' } else { ' ' })
            .chain(std::iter::repeat_n(' ', if skipped > 0 { 1 } else { 0 }))
            .collect();
        let margin = " ".repeat(line.to_string().len());
        let place = format!("{}:{line}:{column}", self.file);
        Error::config(place, format!("{why}\n  {line} | {}\n  {margin} | {padding}^", source.trim_end()))
    }
}

/// Letters of a line that an error shows at most: a matrix may stand in one line.
const SHOWN: usize = 160;

/// A line as an error shows it, and how many letters are left out before what is shown.
fn window(source: &str, column: usize) -> (String, usize) {
    if source.chars().count() <= SHOWN {
        return (source.to_owned(), 0);
    }
    let skipped = column.saturating_sub(SHOWN / 2);
    let shown: String = source.chars().skip(skipped).take(SHOWN).collect();
    (if skipped > 0 { format!("…{shown}") } else { shown }, skipped)
}

/// A word as an error repeats it.
pub(super) fn shortened(word: &str) -> String {
    if word.chars().count() <= 60 {
        word.to_owned()
    } else {
        format!("{}…", word.chars().take(60).collect::<String>())
    }
}

/// The first word from a byte on, and whether a line ended before it.
fn scan(text: &str, from: usize) -> (Option<Token<'_>>, bool) {
    let (mut at, mut broken) = (from, from == 0);
    while let Some(letter) = text[at..].chars().next() {
        match letter {
            '#' => {
                at += text[at..].find(['\n', '\r']).unwrap_or(text.len() - at);
                continue;
            }
            ':' | '*' => return (Some(Token { word: &text[at..=at], at }), broken),
            letter if letter.is_whitespace() => broken |= letter == '\n' || letter == '\r',
            _ => {
                let rest = &text[at..];
                let end = rest.find(|letter: char| letter.is_whitespace() || letter == ':' || letter == '#');
                return (Some(Token { word: &rest[..end.unwrap_or(rest.len())], at }), broken);
            }
        }
        at += letter.len_utf8();
    }
    (None, broken)
}

/// Where each line begins, and the line; lines end with `\n`, `\r\n` or `\r`.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let begin = start?;
        let rest = &text[begin..];
        let end = rest.find(['\n', '\r']);
        start = end.map(|end| begin + end + if rest[end..].starts_with("\r\n") { 2 } else { 1 });
        // What follows the last line's end is no line.
        start = start.filter(|start| *start < text.len());
        Some((begin, &rest[..end.unwrap_or(rest.len())]))
    })
}
