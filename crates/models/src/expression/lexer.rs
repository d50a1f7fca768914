//! Characters to words.

use super::channels::Channels;
use super::program::Instruction;

/// A word of an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Word<'a> {
    Number(f64),
    Name(&'a str),
    /// The name of a channel that is more than a name: `obs[1][0]`, `action=-1`, `left/pos[0]`.
    Channel(&'a str, Instruction),
    /// An operator, bracket or comma.
    Mark(&'a str),
    End,
}

impl Word<'_> {
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Number(number) => format!("the number {number}"),
            Self::Name(name) | Self::Channel(name, _) => format!("'{name}'"),
            Self::Mark(mark) => format!("'{mark}'"),
            Self::End => "the end".to_owned(),
        }
    }
}

/// What leads the name of a channel of the observation after a step.
pub(super) const NEXT: &str = "next_";

pub(super) const KEYWORDS: [&str; 6] = ["if", "then", "else", "and", "or", "not"];

/// Longer marks come first, so that `<=` is not read as `<`.
const MARKS: [&str; 18] =
    ["<=", ">=", "==", "!=", "**", "<", ">", "+", "-", "*", "/", "^", "(", ")", "[", "]", ",", "="];

/// The words of `source`, each with its column counted in characters from 1; or the column and what is wrong there.
pub(super) fn words<'a>(source: &'a str, channels: &Channels<'_>) -> Result<Vec<(usize, Word<'a>)>, (usize, String)> {
    let mut words: Vec<(usize, Word<'a>)> = Vec::new();
    let (mut at, mut column) = (0, 1);
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if let Some((length, channel)) = operand(words.last()).then(|| longest(rest, channels)).flatten() {
            words.push((column, Word::Channel(&rest[..length], channel)));
            length
        } else if first.is_ascii_digit() || first == '.' {
            let length = number_length(rest);
            let number =
                rest[..length].parse().map_err(|_| (column, format!("'{}' is not a number", &rest[..length])))?;
            words.push((column, Word::Number(number)));
            length
        } else if first.is_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            words.push((column, Word::Name(&rest[..length])));
            length
        } else if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            words.push((column, Word::Mark(if *mark == "**" { "^" } else { mark })));
            mark.len()
        } else {
            return Err((column, format!("'{first}' has no meaning here")));
        };
        column += rest[..length].chars().count();
        at += length;
    }
    words.push((column, Word::End));
    Ok(words)
}

/// Whether a number or channel may stand after this word.
fn operand(before: Option<&(usize, Word<'_>)>) -> bool {
    match before {
        Some((_, Word::Name(name))) => KEYWORDS.contains(name),
        Some((_, Word::Mark(mark))) => !matches!(*mark, ")" | "]"),
        Some((_, word)) => *word == Word::End,
        None => true,
    }
}

/// The channel of the longest name that `text` begins with, of those that are neither plain names nor numbers; how long it is there.
fn longest(text: &str, channels: &Channels<'_>) -> Option<(usize, Instruction)> {
    let mut found: Option<(usize, Instruction)> = None;
    let mut look = |names: &[String], skipped: usize, make: fn(usize) -> Instruction| {
        for (place, name) in names.iter().enumerate() {
            if let Some(length) = written(&text[skipped..], name).map(|length| skipped + length)
                && found.is_none_or(|(longest, _)| length > longest)
                && !(is_plain(name) || name.parse::<f64>().is_ok())
            {
                found = Some((length, make(place)));
            }
        }
    };
    // The channels' own names come first: one may itself begin with next_.
    look(channels.observation, 0, Instruction::Observation);
    look(channels.action, 0, Instruction::Action);
    if text.starts_with(NEXT) {
        look(channels.observation, NEXT.len(), Instruction::NextObservation);
    }
    found
}

/// How many bytes of the beginning of `text` are `name`, if that is not the beginning of a longer word. There may be spaces beside
/// brackets and equals signs.
fn written(text: &str, name: &str) -> Option<usize> {
    let loose = |c: char| matches!(c, '[' | ']' | '=');
    let (mut at, mut before) = (0, ' ');
    for c in name.chars() {
        if loose(c) || loose(before) {
            at += text[at..].len() - text[at..].trim_start().len();
        }
        if !text[at..].starts_with(c) {
            return None;
        }
        at += c.len_utf8();
        before = c;
    }
    let goes_on = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    (!(goes_on(before) && text[at..].starts_with(goes_on))).then_some(at).filter(|at| *at > 0)
}

/// Whether it is one name word.
fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Digits, a point, and an exponent where digits follow its `e`.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') {
            at += 1;
        }
        at
    };
    let end = digits(0);
    if !matches!(bytes.get(end), Some(b'e' | b'E')) {
        return end;
    }
    let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
    match bytes.get(end + 1 + sign) {
        Some(byte) if byte.is_ascii_digit() => digits(end + 1 + sign),
        _ => end,
    }
}
