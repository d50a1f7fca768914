//! The surface of PDDL: parentheses and words, read into a tree whose nodes know their place.
//!
//! Words are lower-cased, since PDDL does not tell cases apart (McDermott et al., PDDL 1.2, section 3); `;` starts a comment that
//! ends with its line.

use super::error::{PddlError, PddlResult, Position, Source};
use super::resources::Resources;

/// A word or a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Word { text: String, at: Position },
    List { items: Vec<Node>, at: Position, end: Position },
}

/// How deep lists may nest: a tree is walked by recursion, and a stack has an end.
const DEEPEST: usize = 1000;

impl Node {
    pub(crate) fn at(&self) -> Position {
        match self {
            Self::Word { at, .. } | Self::List { at, .. } => *at,
        }
    }

    /// The word, if this is one.
    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Word { text, .. } => Some(text),
            Self::List { .. } => None,
        }
    }

    /// What messages call this: the word in quotes, or the list by its first word.
    pub(crate) fn found(&self) -> String {
        match self {
            Self::Word { text, .. } => format!("'{text}'"),
            Self::List { items, .. } => match items.first() {
                None => "'()'".to_owned(),
                Some(Self::Word { text, .. }) => format!("'({text} ...)'"),
                Some(Self::List { .. }) => "a list of lists".to_owned(),
            },
        }
    }

    /// The items of a list.
    pub(crate) fn list(&self, source: &Source, expected: &str) -> PddlResult<&[Node]> {
        match self {
            Self::List { items, .. } => Ok(items),
            Self::Word { at, .. } => source.fail(*at, format!("expected {expected}, found {}", self.found())),
        }
    }

    /// A list that opens with a word: the word and what follows it.
    pub(crate) fn headed(&self, source: &Source, expected: &str) -> PddlResult<(&str, &[Node])> {
        let items = self.list(source, expected)?;
        match items.split_first() {
            Some((Self::Word { text, .. }, rest)) => Ok((text, rest)),
            _ => source.fail(self.at(), format!("expected {expected}, found {}", self.found())),
        }
    }

    /// A word that is a name: it starts with a letter.
    pub(crate) fn name(&self, source: &Source, expected: &str) -> PddlResult<&str> {
        match self.word() {
            Some(word) if !word.starts_with(['?', ':', '-', '=']) => Ok(word),
            _ => source.fail(self.at(), format!("expected {expected}, found {}", self.found())),
        }
    }

    /// Where a list ends: the place of something missing.
    pub(crate) fn end(&self) -> Position {
        match self {
            Self::Word { at, .. } => *at,
            Self::List { end, .. } => *end,
        }
    }
}

/// Tokens between two looks at what is left of the resources.
const POLLED: usize = 4096;
/// Bytes that a token takes in the tree, with its text.
const TOKEN_BYTES: usize = size_of::<Node>() + 24;

/// The one list that a text holds.
///
/// # Errors
/// What [`read_all`] says, a second list, or nothing at all.
pub(crate) fn read(source: &Source, resources: &Resources) -> PddlResult<Node> {
    let mut nodes = read_all(source, resources)?.into_iter();
    let Some(first) = nodes.next() else {
        return source.fail(Position { line: 1, column: 1 }, "expected '(define ...)', found an empty file");
    };
    match nodes.next() {
        Some(second) => source.fail(
            second.at(),
            format!("expected the end of the file, found {}: is there a ')' too many before?", second.found()),
        ),
        None => Ok(first),
    }
}

/// The lists that a text holds.
///
/// # Errors
/// An unbalanced parenthesis, a word outside of all lists, or a text that the resources do not suffice for.
pub(crate) fn read_all(source: &Source, resources: &Resources) -> PddlResult<Vec<Node>> {
    let mut tokens = 0_usize;
    let mut open: Vec<(Vec<Node>, Position)> = Vec::new();
    let mut whole = Vec::new();
    for (token, at) in Tokens::new(&source.text) {
        tokens += 1;
        if tokens.is_multiple_of(POLLED)
            && let Some(kind) = resources.spent(source.text.len() + tokens * TOKEN_BYTES)
        {
            let message = format!("{} after {tokens} words and parentheses of this text", resources.passed(kind));
            return Err(PddlError { kind, ..source.error(at, message) });
        }
        match token {
            "(" => {
                if open.len() == DEEPEST {
                    return source.fail(at, format!("lists nest deeper than {DEEPEST}"));
                }
                open.push((Vec::new(), at));
            }
            ")" => match open.pop() {
                None => return source.fail(at, "this ')' closes nothing"),
                Some((items, start)) => {
                    let node = Node::List { items, at: start, end: at };
                    open.last_mut().map_or(&mut whole, |(outer, _)| outer).push(node);
                }
            },
            word => match open.last_mut() {
                Some((items, _)) => items.push(Node::Word { text: word.to_lowercase(), at }),
                None => return source.fail(at, format!("expected '(', found '{word}'")),
            },
        }
    }
    match open.last() {
        Some((_, at)) => source.fail(*at, "this '(' is never closed"),
        None => Ok(whole),
    }
}

/// Parentheses and words with their places.
struct Tokens<'a> {
    text: &'a str,
    at: Position,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        Self { text: text.strip_prefix('\u{feff}').unwrap_or(text), at: Position { line: 1, column: 1 } }
    }

    /// Takes the first `bytes` of what is left.
    fn take(&mut self, bytes: usize) -> (&'a str, Position) {
        let (taken, rest) = self.text.split_at(bytes);
        let at = self.at;
        for c in taken.chars() {
            if c == '\n' {
                self.at = Position { line: self.at.line + 1, column: 1 };
            } else {
                self.at.column += 1;
            }
        }
        self.text = rest;
        (taken, at)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (&'a str, Position);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let blank = self.text.find(|c: char| !c.is_whitespace()).unwrap_or(self.text.len());
            self.take(blank);
            if !self.text.starts_with(';') {
                break;
            }
            let comment = self.text.find('\n').unwrap_or(self.text.len());
            self.take(comment);
        }
        let first = self.text.chars().next()?;
        if first == '(' || first == ')' {
            return Some(self.take(1));
        }
        let end = self.text.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ';'));
        Some(self.take(end.unwrap_or(self.text.len())))
    }
}
