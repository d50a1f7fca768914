//! Words to a program, by recursive descent, with numbers and truth values told apart.
//!
//! ```text
//! choice  = "if" choice "then" choice "else" choice | either
//! either  = both { "or" both }            both  = denied { "and" denied }      denied = "not" denied | compared
//! compared = sum [ ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) sum ]
//! sum     = product { ( "+" | "-" ) product }           product = signed { ( "*" | "/" ) signed }
//! signed  = ( "-" | "+" ) signed | power                power   = atom [ "^" signed ]
//! atom    = number | channel | name | name "[" number "]" | function "(" choice { "," choice } ")" | "(" choice ")"
//! ```

use worldwright_core::{Error, Result};

use super::channels::Channels;
use super::lexer::{KEYWORDS, NEXT, Word, words};
use super::operation::{FUNCTIONS, Function, Operation};
use super::program::{DEPTH, Instruction, Program};

/// What an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Truth,
}

impl Kind {
    fn describe(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Truth => "a condition",
        }
    }
}

const CONSTANTS: [(&str, f64); 2] = [("pi", std::f64::consts::PI), ("e", std::f64::consts::E)];
/// Characters of an expression: each step of planning evaluates all of it for each row, so that longer ones are a slip.
const LONGEST: usize = 100_000;
/// Nested brackets, signs and choices: the parser calls itself for each, so the limit guards the machine's stack.
const NESTING: usize = 100;

/// Reads `source`, which must give `kind`; `key` names it in errors.
pub(super) fn read(key: &str, source: &str, channels: &Channels<'_>, kind: Kind) -> Result<Program> {
    let fail = |(column, why): (usize, String)| Error::config(key, format!("column {column}: {why}"));
    if source.len() > LONGEST {
        let why = format!(
            "the expression is {} characters long, and {LONGEST} are the most; take a shorter one",
            source.len()
        );
        return Err(Error::config(key, why));
    }
    let words = words(source, channels).map_err(fail)?;
    let mut parser = Parser { words: &words, next: 0, channels, program: Program::default(), nested: 0 };
    let parsed = parser.choice().and_then(|value| {
        parser.expect_kind(value, kind)?;
        match parser.peek() {
            Word::End => Ok(()),
            Word::Mark("=") => Err(parser.wrong("'=' has no meaning here, '==' compares".to_owned())),
            word => Err(parser.wrong(format!("expected an operator or the end, found {}", word.describe()))),
        }
    });
    parsed.map_err(fail)?;
    if parser.program.depth() > DEPTH {
        return Err(fail((1, format!("the expression is nested too deeply: at most {DEPTH} values may wait"))));
    }
    Ok(parser.program)
}

/// Refuses channels whose names mean something else: a constant, a function, a number, or an expression over other channels, such as `x-y`
/// beside `x` and `y`. What names a channel by place or after a step (`obs[1]`, `a0`, `next_x`) is found after the channels' own names,
/// and so are the generated names of choices and parts.
///
/// # Errors
/// [`Error::Config`] naming the first such channel.
pub(super) fn check_names(channels: &Channels<'_>) -> Result<()> {
    let refuse = |name: &str, why: &str| {
        Err(Error::config(
            "channels",
            format!("'{name}' is the name of a channel and {why} in an expression: rename the channel"),
        ))
    };
    let others =
        |names: &[String], name: &str| names.iter().filter(|other| *other != name).cloned().collect::<Vec<_>>();
    for name in channels.observation.iter().chain(channels.action) {
        if CONSTANTS.iter().any(|(constant, _)| constant == name) {
            return refuse(name, "a constant");
        }
        if FUNCTIONS.iter().any(|(function, _)| function == name) {
            return refuse(name, "a function");
        }
        if KEYWORDS.contains(&name.as_str()) {
            return refuse(name, "a word of the language");
        }
        // Choices may be called by their numbers: no expression names a single one.
        if name.parse::<f64>().is_ok() && channels.observation.contains(name) {
            return refuse(name, "a number");
        }
        // Plain names and those by place have one reading; only marks between operands make another.
        if !name.contains(['+', '-', '*', '/', '^', '(', '<', '>', ' ']) {
            continue;
        }
        let (observation, action) = (others(channels.observation, name), others(channels.action, name));
        let rest = Channels { observation: &observation, action: &action };
        // A sign before another's name, and what leads the name of a later observation, are one operand.
        let operands = words(name, &rest).map_or(0, |words| {
            words.iter().filter(|(_, word)| matches!(word, Word::Number(_) | Word::Name(_) | Word::Channel(..))).count()
        });
        let reads = |kind| read("channels", name, &rest, kind).is_ok();
        if operands > 1 && (reads(Kind::Number) || reads(Kind::Truth)) {
            return refuse(name, "an expression over others");
        }
    }
    Ok(())
}

/// A parsed part: its kind, the place of its result, and the column where it begins.
#[derive(Clone, Copy)]
struct Part {
    kind: Kind,
    place: usize,
    column: usize,
}

type Parsed<T> = std::result::Result<T, (usize, String)>;

struct Parser<'a> {
    words: &'a [(usize, Word<'a>)],
    next: usize,
    channels: &'a Channels<'a>,
    program: Program,
    nested: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Word<'a> {
        self.words[self.next].1
    }

    fn column(&self) -> usize {
        self.words[self.next].0
    }

    fn wrong(&self, why: String) -> (usize, String) {
        (self.column(), why)
    }

    /// Takes the next word if it is this keyword or mark.
    fn take(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Word::Name(word) | Word::Mark(word) if word == wanted);
        self.next += usize::from(found);
        found
    }

    fn require(&mut self, wanted: &str) -> Parsed<()> {
        if self.take(wanted) {
            return Ok(());
        }
        Err(self.wrong(format!("expected '{wanted}', found {}", self.peek().describe())))
    }

    fn expect_kind(&self, part: Part, kind: Kind) -> Parsed<()> {
        if part.kind == kind {
            return Ok(());
        }
        Err((part.column, format!("expected {}, found {}", kind.describe(), part.kind.describe())))
    }

    fn apply(&mut self, operation: Operation, parts: &[Part], kind: Kind) -> Part {
        let mut places = [0; 4];
        places.iter_mut().zip(parts).for_each(|(place, part)| *place = part.place);
        let place = self.program.push(Instruction::Apply(operation, places, parts.len()));
        Part { kind, place, column: parts[0].column }
    }

    fn nest<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nested == NESTING {
            return Err(self.wrong(format!("nested more than {NESTING} deep")));
        }
        self.nested += 1;
        let parsed = inner(self);
        self.nested -= 1;
        parsed
    }

    fn choice(&mut self) -> Parsed<Part> {
        if !self.take("if") {
            return self.either();
        }
        self.nest(|parser| {
            let condition = parser.choice()?;
            parser.expect_kind(condition, Kind::Truth)?;
            parser.require("then")?;
            let holds = parser.choice()?;
            parser.require("else")?;
            let fails = parser.choice()?;
            parser.expect_kind(fails, holds.kind)?;
            Ok(parser.apply(Operation::Select, &[condition, holds, fails], holds.kind))
        })
    }

    /// Parts of kind `kind` joined, from the left, by one of `joints`.
    fn joined(
        &mut self,
        part: fn(&mut Self) -> Parsed<Part>,
        joints: &[(&str, Operation)],
        kind: Kind,
    ) -> Parsed<Part> {
        let mut left = part(self)?;
        while let Some((_, operation)) = joints.iter().find(|(joint, _)| self.take(joint)) {
            self.expect_kind(left, kind)?;
            let right = part(self)?;
            self.expect_kind(right, kind)?;
            left = self.apply(*operation, &[left, right], kind);
        }
        Ok(left)
    }

    fn either(&mut self) -> Parsed<Part> {
        self.joined(Self::both, &[("or", Operation::Or)], Kind::Truth)
    }

    fn both(&mut self) -> Parsed<Part> {
        self.joined(Self::denied, &[("and", Operation::And)], Kind::Truth)
    }

    fn denied(&mut self) -> Parsed<Part> {
        if !self.take("not") {
            return self.compared();
        }
        let part = self.nest(Self::denied)?;
        self.expect_kind(part, Kind::Truth)?;
        Ok(self.apply(Operation::Not, &[part], Kind::Truth))
    }

    fn compared(&mut self) -> Parsed<Part> {
        const SIGNS: [(&str, Operation); 6] = [
            ("<=", Operation::LessOrEqual),
            (">=", Operation::GreaterOrEqual),
            ("<", Operation::Less),
            (">", Operation::Greater),
            ("==", Operation::Equal),
            ("!=", Operation::NotEqual),
        ];
        let left = self.sum()?;
        let Some((_, operation)) = SIGNS.iter().find(|(sign, _)| self.take(sign)) else { return Ok(left) };
        self.expect_kind(left, Kind::Number)?;
        let right = self.sum()?;
        self.expect_kind(right, Kind::Number)?;
        Ok(self.apply(*operation, &[left, right], Kind::Truth))
    }

    fn sum(&mut self) -> Parsed<Part> {
        self.joined(Self::product, &[("+", Operation::Add), ("-", Operation::Subtract)], Kind::Number)
    }

    fn product(&mut self) -> Parsed<Part> {
        self.joined(Self::signed, &[("*", Operation::Multiply), ("/", Operation::Divide)], Kind::Number)
    }

    fn signed(&mut self) -> Parsed<Part> {
        let negative = self.take("-");
        if !negative && !self.take("+") {
            return self.power();
        }
        let part = self.nest(Self::signed)?;
        self.expect_kind(part, Kind::Number)?;
        Ok(if negative { self.apply(Operation::Negate, &[part], Kind::Number) } else { part })
    }

    fn power(&mut self) -> Parsed<Part> {
        let base = self.atom()?;
        if !self.take("^") {
            return Ok(base);
        }
        self.expect_kind(base, Kind::Number)?;
        let start = self.program.len();
        let exponent = self.nest(Self::signed)?;
        self.expect_kind(exponent, Kind::Number)?;
        if self.program.len() == start + 1
            && let Instruction::Constant(number) = self.program.at(start)
            && number.fract() == 0.0
            && number.abs() <= 64.0
        {
            self.program.pop();
            return Ok(self.apply(Operation::WholePower(number as i32), &[base], Kind::Number));
        }
        Ok(self.apply(Operation::Power, &[base, exponent], Kind::Number))
    }

    fn atom(&mut self) -> Parsed<Part> {
        let column = self.column();
        let instruction = match self.peek() {
            Word::Number(number) => {
                self.next += 1;
                Instruction::Constant(number)
            }
            Word::Channel(_, channel) => {
                self.next += 1;
                channel
            }
            Word::Mark("(") => {
                self.next += 1;
                let part = self.nest(Self::choice)?;
                self.require(")")?;
                return Ok(Part { column, ..part });
            }
            Word::Name(name) if !KEYWORDS.contains(&name) => {
                self.next += 1;
                match self.peek() {
                    Word::Mark("(") => return self.call(name, column),
                    Word::Mark("[") => self.by_place(name, column)?,
                    Word::Mark("=") => {
                        return Err(self.wrong("'=' has no meaning here, '==' compares".to_owned()));
                    }
                    _ => self.named(name, column)?,
                }
            }
            word => return Err((column, format!("expected a number, a channel or '(', found {}", word.describe()))),
        };
        Ok(Part { kind: Kind::Number, place: self.program.push(instruction), column })
    }

    fn call(&mut self, name: &str, column: usize) -> Parsed<Part> {
        let Some(index) = FUNCTIONS.iter().position(|(function, _)| *function == name) else {
            return Err((column, unknown("no function", name, FUNCTIONS.iter().map(|(name, _)| (*name).to_owned()))));
        };
        self.next += 1;
        let mut parts = Vec::new();
        loop {
            let part = self.nest(Self::choice)?;
            self.expect_kind(part, Kind::Number)?;
            parts.push(part);
            if !self.take(",") {
                break;
            }
        }
        self.require(")")?;
        let wanted = FUNCTIONS[index].1;
        if parts.len() != wanted {
            return Err((column, format!("{name} takes {wanted} arguments, got {}", parts.len())));
        }
        let part = self.apply(Operation::Function(Function::ALL[index]), &parts, Kind::Number);
        Ok(Part { column, ..part })
    }

    fn by_place(&mut self, name: &str, column: usize) -> Parsed<Instruction> {
        let (observations, actions) = (self.channels.observation.len(), self.channels.action.len());
        type Make = fn(usize) -> Instruction;
        let (make, count): (Make, usize) = match name {
            "observation" | "obs" => (Instruction::Observation, observations),
            "next_observation" | "next_obs" => (Instruction::NextObservation, observations),
            "action" => (Instruction::Action, actions),
            _ => {
                let lists = ["observation", "next_observation", "action"].map(str::to_owned);
                return Err((column, unknown("no list", name, lists)));
            }
        };
        self.next += 1;
        match self.peek() {
            Word::Number(place) if place.fract() == 0.0 && (0.0..count as f64).contains(&place) => {
                self.next += 1;
                self.require("]")?;
                Ok(make(place as usize))
            }
            word => Err(self.wrong(format!("{name} has places 0 to {}, found {}", count.max(1) - 1, word.describe()))),
        }
    }

    fn named(&self, name: &str, column: usize) -> Parsed<Instruction> {
        let place = |channels: &[String], name: &str| channels.iter().position(|channel| channel == name);
        // The channels' own names come first: one may itself begin with next_.
        if let Some(dim) = place(self.channels.observation, name) {
            return Ok(Instruction::Observation(dim));
        }
        if let Some(dim) = place(self.channels.action, name) {
            return Ok(Instruction::Action(dim));
        }
        if let Some(dim) = name.strip_prefix(NEXT).and_then(|name| place(self.channels.observation, name)) {
            return Ok(Instruction::NextObservation(dim));
        }
        if let Some((_, number)) = CONSTANTS.iter().find(|(constant, _)| *constant == name) {
            return Ok(Instruction::Constant(*number));
        }
        if let Some(channel) = self.numbered(name) {
            return Ok(channel);
        }
        let next = self.channels.observation.iter().map(|channel| format!("next_{channel}"));
        let known = self.channels.observation.iter().chain(self.channels.action).cloned().chain(next);
        let known = known.chain(CONSTANTS.iter().map(|(name, _)| (*name).to_owned()));
        Err((column, unknown("no channel or constant", name, known)))
    }

    /// What `o3`, `next_o3` and `a1` stand for by place: environments without names of their own called all their numbers so, and what
    /// was written then is read where no channel has the name.
    fn numbered(&self, name: &str) -> Option<Instruction> {
        let at = |digits: &str, count: usize| {
            let place = digits.parse::<usize>().ok().filter(|place| *place < count)?;
            (place.to_string() == digits).then_some(place)
        };
        let (observations, actions) = (self.channels.observation.len(), self.channels.action.len());
        if let Some(digits) = name.strip_prefix('a') {
            return at(digits, actions).map(Instruction::Action);
        }
        if let Some(digits) = name.strip_prefix('o') {
            return at(digits, observations).map(Instruction::Observation);
        }
        at(name.strip_prefix(NEXT)?.strip_prefix('o')?, observations).map(Instruction::NextObservation)
    }
}

/// `what` is called `name`, with the nearest of the names that are.
fn unknown(what: &str, name: &str, known: impl IntoIterator<Item = String>) -> String {
    let known: Vec<String> = known.into_iter().collect();
    match Error::unknown("", name, known.iter().map(String::as_str)) {
        Error::Unknown { nearest: Some(nearest), .. } => {
            format!("{what} is called '{name}'; did you mean '{nearest}'?")
        }
        _ => format!("{what} is called '{name}'; there are {}", known.join(", ")),
    }
}
