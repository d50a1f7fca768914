//! Characters to words.

/// A word of an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Word<'a> {
    Number(f64),
    Name(&'a str),
    /// An operator, bracket or comma.
    Mark(&'a str),
    End,
}

impl Word<'_> {
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Number(number) => format!("the number {number}"),
            Self::Name(name) => format!("'{name}'"),
            Self::Mark(mark) => format!("'{mark}'"),
            Self::End => "the end".to_owned(),
        }
    }
}

/// Longer marks come first, so that `<=` is not read as `<`.
const MARKS: [&str; 18] =
    ["<=", ">=", "==", "!=", "**", "<", ">", "+", "-", "*", "/", "^", "(", ")", "[", "]", ",", "="];

/// The words of `source`, each with its column counted in characters from 1; or the column and what is wrong there.
pub(super) fn words(source: &str) -> Result<Vec<(usize, Word<'_>)>, (usize, String)> {
    let mut words = Vec::new();
    let (mut at, mut column) = (0, 1);
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let length = if first.is_whitespace() {
            first.len_utf8()
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
