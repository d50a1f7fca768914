//! The statements of the format, read one after another.

use std::collections::HashMap;
use std::ops::Range;

use worldwright_core::{Error, Result};

use super::config::{FileConfig, ROUNDED};
use super::rewards::Rewards;
use super::rows::{Entries, Rows, TooLarge};
use super::tokens::{Token, Tokens, shortened};
use crate::Names;

/// Words that begin a statement, and so end a list of names or numbers.
const KEYWORDS: [&str; 9] = ["discount", "values", "states", "actions", "observations", "start", "T", "O", "R"];

/// What was read so far.
pub(super) struct Reader<'t> {
    pub(super) tokens: Tokens<'t>,
    pub(super) config: FileConfig,
    pub(super) states: Option<Listed>,
    pub(super) actions: Option<Listed>,
    pub(super) observations: Option<Listed>,
    pub(super) discount: Option<f64>,
    /// 1, or −1 where values are costs.
    pub(super) sign: Option<f64>,
    pub(super) start: Option<Vec<f64>>,
    /// Where a `reset` first asked for the start.
    reset: Option<Token<'t>>,
    pub(super) transitions: Option<Rows>,
    pub(super) emissions: Option<Rows>,
    pub(super) rewards: Rewards,
    /// Statements that may stand only once, with their places.
    once: HashMap<&'static str, usize>,
}

/// The names of a list and their places.
pub(super) struct Listed {
    pub(super) names: Names,
    places: HashMap<String, usize>,
    /// Whether a number means a place: not where names are numbers themselves.
    counted: bool,
}

/// Which names a part of an entry is among.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    State,
    Action,
    Observation,
}

/// Entries of a statement's front: one place, or all.
type Choice = Option<usize>;

fn range(choice: Choice, count: usize) -> Range<usize> {
    choice.map_or(0..count, |one| one..one + 1)
}

impl<'t> Reader<'t> {
    pub(super) fn new(file: &'t str, text: &'t str, config: FileConfig) -> Self {
        Self {
            tokens: Tokens::new(file, text),
            config,
            states: None,
            actions: None,
            observations: None,
            discount: None,
            sign: None,
            start: None,
            reset: None,
            transitions: None,
            emissions: None,
            rewards: Rewards::default(),
            once: HashMap::new(),
        }
    }

    /// Reads all statements.
    pub(super) fn read(&mut self) -> Result<()> {
        let mut last: Option<Token<'t>> = None;
        while self.tokens.peek().is_some() {
            let token = self.tokens.take("a statement")?;
            match token.word {
                "discount" => {
                    self.once("discount", token)?;
                    self.tokens.colon("discount")?;
                    let (at, discount) = (self.tokens.peek(), self.tokens.number("the discount")?);
                    if !(discount > 0.0 && discount <= 1.0) {
                        return Err(self.tokens.error(at, format!("the discount must lie in (0, 1], not {discount}")));
                    }
                    self.discount = Some(discount);
                }
                "values" => {
                    self.once("values", token)?;
                    self.tokens.colon("values")?;
                    let word = self.tokens.take("reward or cost")?;
                    self.sign = match word.word {
                        "reward" | "rewards" => Some(1.0),
                        "cost" | "costs" => Some(-1.0),
                        other => {
                            let near = Error::unknown("values", other, ["reward", "cost"]);
                            let why = format!("'{}' is neither reward nor cost: {near}", shortened(other));
                            return Err(self.tokens.error(Some(word), why));
                        }
                    };
                }
                "states" => {
                    self.once("states", token)?;
                    self.states = Some(self.names(token)?);
                }
                "actions" => {
                    self.once("actions", token)?;
                    self.actions = Some(self.names(token)?);
                }
                "observations" => {
                    self.once("observations", token)?;
                    self.observations = Some(self.names(token)?);
                }
                "start" => self.start(token)?,
                "T" => self.transition(token)?,
                "O" => self.emission(token)?,
                "R" => self.reward(token)?,
                other => return Err(self.no_statement(other, token, last)),
            }
            last = Some(token);
        }
        Ok(())
    }

    /// A statement that replaces nothing: a second one would leave what stands between them in doubt.
    fn once(&mut self, what: &'static str, token: Token<'t>) -> Result<()> {
        match self.once.insert(what, token.at) {
            None => Ok(()),
            Some(first) => {
                let line = self.tokens.line(first);
                Err(self.tokens.error(Some(token), format!("'{what}:' stands in line {line} already: leave one out")))
            }
        }
    }

    fn no_statement(&self, word: &str, token: Token<'_>, last: Option<Token<'_>>) -> Error {
        let number = word.parse::<f64>().is_ok();
        match last {
            Some(last) if number => {
                let line = self.tokens.line(last.at);
                let why = format!("'{word}' is a number too many for the '{}:' of line {line}", last.word);
                self.tokens.error(Some(token), why)
            }
            _ => self.tokens.error(Some(token), Error::unknown("statement", &shortened(word), KEYWORDS)),
        }
    }

    /// Whether a statement begins here. A name may be a lone T, O or R where no colon follows it and it does not begin its line.
    fn begins(&self) -> bool {
        self.tokens.peek().is_some_and(|token| {
            let follows = || self.tokens.second().is_some_and(|second| second.word == ":");
            KEYWORDS.contains(&token.word) && (token.word.len() > 1 || self.tokens.is_first_of_line() || follows())
        })
    }

    /// A count, or a list of names.
    fn names(&mut self, of: Token<'t>) -> Result<Listed> {
        self.tokens.colon(of.word)?;
        let mut words: Vec<Token<'t>> = Vec::new();
        let mut places = HashMap::new();
        while let Some(token) = self.tokens.peek().filter(|_| !self.begins()) {
            // A colon follows a word that was meant to begin a statement.
            if let (":", Some(last)) = (token.word, words.last()) {
                return Err(self.no_statement(last.word, *last, None));
            }
            if token.word == ":" || token.word == "*" {
                return Err(self.tokens.error(Some(token), format!("'{}' is no name", token.word)));
            }
            if places.insert(token.word.to_owned(), words.len()).is_some() {
                let why = format!("'{}' stands twice among the {}", shortened(token.word), of.word);
                return Err(self.tokens.error(Some(token), why));
            }
            words.push(token);
            self.tokens.take("a name")?;
        }
        let is_number = |token: &&Token<'_>| {
            token.word.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
                && token.word.parse::<f64>().is_ok()
        };
        let is_whole = |token: &Token<'_>| token.word.bytes().all(|byte| byte.is_ascii_digit());
        match words[..] {
            [] => Err(self.tokens.error(Some(of), format!("{} needs a count or names", of.word))),
            [one] if is_number(&&one) => {
                let count = one.word.parse::<usize>().ok().filter(|count| *count > 0 && *count <= MOST);
                let count = count.filter(|_| is_whole(&one)).ok_or_else(|| {
                    let why = format!("'{}' is no count of {}: a whole number from 1 to {MOST}", one.word, of.word);
                    self.tokens.error(Some(one), why)
                })?;
                Ok(Listed { names: Names::Numbered(count), places: HashMap::new(), counted: true })
            }
            _ => {
                if let Some(number) = words.iter().find(|word| is_number(word) && !is_whole(word)) {
                    let why = format!("'{}' is no name: {} are a count or names", shortened(number.word), of.word);
                    return Err(self.tokens.error(Some(*number), why));
                }
                let counted = !words.iter().any(is_whole);
                let names = Names::Listed(words.iter().map(|word| word.word.to_owned()).collect());
                Ok(Listed { names, places, counted })
            }
        }
    }

    fn known(&self, kind: Kind, at: Token<'_>) -> Result<&Listed> {
        let (names, what) = match kind {
            Kind::State => (&self.states, "states"),
            Kind::Action => (&self.actions, "actions"),
            Kind::Observation => (&self.observations, "observations"),
        };
        names.as_ref().ok_or_else(|| self.tokens.error(Some(at), format!("'{what}:' must stand before this")))
    }

    fn count(&self, kind: Kind, at: Token<'_>) -> Result<usize> {
        Ok(self.known(kind, at)?.names.len())
    }

    /// A name or a number of its kind, or `*`.
    fn choice(&mut self, kind: Kind) -> Result<Choice> {
        let what = ["a state", "an action", "an observation"][kind as usize];
        let token = self.tokens.take(what)?;
        if token.word == "*" {
            return Ok(None);
        }
        self.place(kind, token).map(Some)
    }

    fn place(&self, kind: Kind, token: Token<'_>) -> Result<usize> {
        let known = self.known(kind, token)?;
        if let Some(place) = known.places.get(token.word) {
            return Ok(*place);
        }
        let what = ["state", "action", "observation"][kind as usize];
        let whole = known.counted && token.word.bytes().all(|byte| byte.is_ascii_digit());
        let number = token.word.parse::<usize>().ok().filter(|_| whole);
        if let Some(place) = number.filter(|place| *place < known.names.len()) {
            return Ok(place);
        }
        let error = match &known.names {
            Names::Listed(names) if number.is_none() => {
                Error::unknown(what, &shortened(token.word), names.iter().map(String::as_str)).to_string()
            }
            names => {
                let last = names.len() - 1;
                format!("unknown {what} '{}': they are numbered from 0 to {last}", shortened(token.word))
            }
        };
        Err(self.tokens.error(Some(token), error))
    }

    fn start(&mut self, token: Token<'t>) -> Result<()> {
        self.once("start", token)?;
        if let Some(reset) = self.reset {
            let line = self.tokens.line(reset.at);
            let why = format!("'start:' must stand before the 'reset' of line {line}, which leads there");
            return Err(self.tokens.error(Some(token), why));
        }
        let n = self.count(Kind::State, token)?;
        let only = [("include", true), ("exclude", false)].into_iter().find(|(word, _)| self.tokens.takes(word));
        self.tokens.colon("start")?;
        let mut words = Vec::new();
        while self.tokens.peek().is_some() && !self.begins() {
            words.push(self.tokens.take("a state")?);
        }
        let one = |chosen: usize| {
            let mut belief = vec![0.0; n];
            belief[chosen] = 1.0;
            belief
        };
        // Some public files list the states to start in without `include`.
        let is_listed = words.len() > 1 && words.iter().all(|word| self.place(Kind::State, *word).is_ok());
        let is_shares = words.len() == n && words.iter().all(|word| word.word.parse::<f64>().is_ok());
        let only = only.or((is_listed && !is_shares).then_some(("include", true)));
        let belief = match (only, &words[..]) {
            (Some((_, included)), words) => {
                let mut listed = vec![false; n];
                for word in words {
                    match word.word {
                        "*" => listed.fill(true),
                        _ => listed[self.place(Kind::State, *word)?] = true,
                    }
                }
                let count = listed.iter().filter(|listed| **listed == included).count();
                if count == 0 {
                    return Err(self.tokens.error(Some(token), "no state is left to start in"));
                }
                listed.iter().map(|listed| if *listed == included { 1.0 / count as f64 } else { 0.0 }).collect()
            }
            (None, [word]) if word.word == "uniform" => vec![1.0 / n as f64; n],
            (None, [word]) if n > 1 || self.place(Kind::State, *word).is_ok() => one(self.place(Kind::State, *word)?),
            (None, words) if words.len() == n => self.shares(token, words)?,
            (None, words) => {
                let why = format!("start needs a state, 'uniform' or {n} probabilities, not {} words", words.len());
                return Err(self.tokens.error(Some(token), why));
            }
        };
        self.start = Some(belief);
        Ok(())
    }

    /// The start as probabilities.
    fn shares(&self, token: Token<'t>, words: &[Token<'t>]) -> Result<Vec<f64>> {
        let number = |word: &Token<'_>| {
            let wrong = || self.tokens.error(Some(*word), format!("'{}' is not a probability", shortened(word.word)));
            word.word.parse::<f64>().ok().filter(|p| (0.0..=1.0).contains(p)).ok_or_else(wrong)
        };
        let shares = words.iter().map(number).collect::<Result<Vec<f64>>>()?;
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > ROUNDED {
            return Err(self.tokens.error(Some(token), format!("the start sums to {sum}, not to 1")));
        }
        Ok(shares.iter().map(|share| share / sum).collect())
    }

    fn transition(&mut self, token: Token<'t>) -> Result<()> {
        let n = self.count(Kind::State, token)?;
        let rows = self.transitions.take();
        self.transitions = Some(self.fill(token, rows, n, Kind::State)?);
        Ok(())
    }

    fn emission(&mut self, token: Token<'t>) -> Result<()> {
        let o = self.count(Kind::Observation, token)?;
        let rows = self.emissions.take();
        self.emissions = Some(self.fill(token, rows, o, Kind::Observation)?);
        Ok(())
    }

    /// What a `T:` or `O:` statement makes of rows that have `width` places of a kind.
    fn fill(&mut self, token: Token<'t>, rows: Option<Rows>, width: usize, kind: Kind) -> Result<Rows> {
        let (n, count) = (self.count(Kind::State, token)?, self.count(Kind::Action, token)?);
        let Some(mut rows) = rows.or_else(|| Rows::new(count, n, width, self.config.memory)) else {
            let limit = mebibytes(self.config.memory);
            let why = format!(
                "{n} states times {count} actions are too many rows for a table within {limit} MiB, the limit that \
                 `memory` sets"
            );
            return Err(self.tokens.error(Some(token), why));
        };
        self.tokens.colon(token.word)?;
        let action = self.choice(Kind::Action)?;
        let state = if self.tokens.takes(":") { Some(self.choice(Kind::State)?) } else { None };
        let place = if state.is_some() && self.tokens.takes(":") { Some(self.choice(kind)?) } else { None };
        let (actions, states) = (range(action, count), range(state.flatten(), n));
        let at = token.at;
        let done = match (state, place) {
            (_, Some(place)) => {
                let share = self.probability("a probability")?;
                rows.set((actions, states), place, share, at)
            }
            _ if self.tokens.takes("uniform") => rows.uniform().map(|row| rows.assign(actions, states, &row, at)),
            (None, None) if kind == Kind::State && self.tokens.takes("identity") => (0..n).try_for_each(|state| {
                rows.made(vec![(state as u32, 1.0)]).map(|row| rows.assign(actions.clone(), state..state + 1, &row, at))
            }),
            _ if kind == Kind::State && self.tokens.takes("reset") => {
                self.reset.get_or_insert(token);
                let row: Entries = match &self.start {
                    Some(start) => nonzero(start.iter().copied()).collect(),
                    None => nonzero(std::iter::repeat_n(1.0 / n as f64, n)).collect(),
                };
                rows.made(row).map(|row| rows.assign(actions, states, &row, at))
            }
            (None, None) => {
                for state in 0..n {
                    let row = self.numbers(token, width, Some((state, n)))?;
                    let done = rows.made(row).map(|row| rows.assign(actions.clone(), state..state + 1, &row, at));
                    self.affordable(token, done)?;
                }
                Ok(())
            }
            (Some(_), None) => {
                let row = self.numbers(token, width, None)?;
                rows.made(row).map(|row| rows.assign(actions, states, &row, at))
            }
        };
        self.affordable(token, done)?;
        Ok(rows)
    }

    fn affordable(&self, token: Token<'_>, done: Result<(), TooLarge>) -> Result<()> {
        let limit = mebibytes(self.config.memory);
        let why =
            || format!("up to here the {} rows take more than {limit} MiB, the limit that `memory` sets", token.word);
        done.map_err(|TooLarge| self.tokens.error(Some(token), why()))
    }

    /// A row of numbers, of which what is not zero is kept; `of` says which row of how many it is.
    fn numbers(&mut self, token: Token<'t>, width: usize, of: Option<(usize, usize)>) -> Result<Entries> {
        let mut entries = Entries::new();
        for place in 0..width {
            if let Some(next) = self.tokens.peek().filter(|_| place + of.map_or(0, |of| of.0) > 0 && self.begins()) {
                let row = of.map_or(String::new(), |(row, rows)| format!("row {} of {rows} of ", row + 1));
                let line = self.tokens.line(token.at);
                let why = format!(
                    "{row}the '{}:' of line {line} has {place} of {width} numbers: a probability, a number, should stand here",
                    token.word
                );
                return Err(self.tokens.error(Some(next), why));
            }
            let share = self.probability("a probability")?;
            if share != 0.0 {
                entries.push((place as u32, share));
            }
        }
        Ok(entries)
    }

    fn probability(&mut self, what: &str) -> Result<f64> {
        let (at, number) = (self.tokens.peek(), self.tokens.number(what)?);
        if (0.0..=1.0).contains(&number) {
            Ok(number)
        } else {
            Err(self.tokens.error(at, format!("{number} is not a probability: it must lie in [0, 1]")))
        }
    }

    fn reward(&mut self, token: Token<'t>) -> Result<()> {
        let (n, o) = (self.count(Kind::State, token)?, self.count(Kind::Observation, token)?);
        self.tokens.colon("R")?;
        let action = self.choice(Kind::Action)?;
        self.tokens.colon("the action")?;
        let state = self.choice(Kind::State)?;
        let next = if self.tokens.takes(":") { Some(self.choice(Kind::State)?) } else { None };
        let observation =
            if next.is_some() && self.tokens.takes(":") { Some(self.choice(Kind::Observation)?) } else { None };
        match (next, observation) {
            (Some(next), Some(observation)) => {
                let reward = self.tokens.number("the reward")?;
                self.rewards.add([action, state, next, observation], reward);
            }
            (Some(next), None) => {
                for observation in 0..o {
                    let reward = self.tokens.number("a reward for each observation")?;
                    self.rewards.add([action, state, next, Some(observation)], reward);
                }
            }
            (None, _) => {
                for place in 0..n.saturating_mul(o) {
                    let reward = self.tokens.number("a reward for each next state and observation")?;
                    self.rewards.add([action, state, Some(place / o), Some(place % o)], reward);
                }
            }
        }
        Ok(())
    }
}

/// Places are numbered with 32 bits, the last of which stands for none.
const MOST: usize = u32::MAX as usize - 1;

pub(super) fn mebibytes(bytes: usize) -> usize {
    bytes >> 20
}

fn nonzero(shares: impl Iterator<Item = f64>) -> impl Iterator<Item = (u32, f64)> {
    shares.enumerate().filter(|(_, share)| *share != 0.0).map(|(place, share)| (place as u32, share))
}
