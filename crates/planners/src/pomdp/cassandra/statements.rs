//! The statements of the format, read one after another.

use worldwright_core::{Error, Result};

use super::Row;
use super::rewards::Rewards;
use super::tokens::{Token, Tokens};

/// Words that begin a statement, and so end a list of names or numbers.
const KEYWORDS: [&str; 9] = ["discount", "values", "states", "actions", "observations", "start", "T", "O", "R"];
/// Pairs of action and state beyond which a text is not meant to be read into a table.
const MOST_ROWS: usize = 20_000_000;

/// What was read so far. Rows are `[action][state]`.
pub(super) struct Reader<'t> {
    pub(super) tokens: Tokens<'t>,
    pub(super) states: Option<Vec<String>>,
    pub(super) actions: Option<Vec<String>>,
    pub(super) observations: Option<Vec<String>>,
    pub(super) discount: Option<f64>,
    /// 1, or −1 where values are costs.
    sign: f64,
    pub(super) start: Option<Vec<f64>>,
    pub(super) transitions: Vec<Row<'t>>,
    pub(super) emissions: Vec<Row<'t>>,
    pub(super) rewards: Rewards,
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

impl<'t> Reader<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self {
            tokens: Tokens::new(file, text),
            states: None,
            actions: None,
            observations: None,
            discount: None,
            sign: 1.0,
            start: None,
            transitions: Vec::new(),
            emissions: Vec::new(),
            rewards: Rewards::default(),
        }
    }

    /// Reads all statements.
    pub(super) fn read(&mut self) -> Result<()> {
        while let Some(token) = self.tokens.peek() {
            self.tokens.take("a statement")?;
            match token.word {
                "discount" => {
                    self.tokens.colon("discount")?;
                    let (at, discount) = (self.tokens.peek(), self.tokens.number("the discount")?);
                    if !(discount > 0.0 && discount < 1.0) {
                        return Err(self.tokens.error(at, format!("the discount must lie in (0, 1), not {discount}")));
                    }
                    self.discount = Some(discount);
                }
                "values" => {
                    self.tokens.colon("values")?;
                    let word = self.tokens.take("reward or cost")?;
                    self.sign = match word.word {
                        "reward" => 1.0,
                        "cost" => -1.0,
                        other => {
                            return Err(self.tokens.error(Some(word), format!("'{other}' is neither reward nor cost")));
                        }
                    };
                }
                "states" => self.states = Some(self.names(token)?),
                "actions" => self.actions = Some(self.names(token)?),
                "observations" => self.observations = Some(self.names(token)?),
                "start" => self.start(token)?,
                "T" => self.transition(token)?,
                "O" => self.emission(token)?,
                "R" => self.reward(token)?,
                other => {
                    let error = Error::unknown("statement", other, KEYWORDS);
                    return Err(self.tokens.error(Some(token), error));
                }
            }
        }
        Ok(())
    }

    /// A count, or a list of names.
    fn names(&mut self, of: Token<'t>) -> Result<Vec<String>> {
        self.tokens.colon(of.word)?;
        let mut words: Vec<Token<'t>> = Vec::new();
        while let Some(token) = self.tokens.peek().filter(|token| !KEYWORDS.contains(&token.word)) {
            // A colon follows a word that was meant to begin a statement.
            if let (":", Some(last)) = (token.word, words.last()) {
                return Err(self.tokens.error(Some(*last), Error::unknown("statement", last.word, KEYWORDS)));
            }
            if words.iter().any(|word| word.word == token.word) {
                return Err(self
                    .tokens
                    .error(Some(token), format!("'{}' stands twice among the {}", token.word, of.word)));
            }
            words.push(token);
            self.tokens.take("a name")?;
        }
        match words[..] {
            [] => Err(self.tokens.error(Some(of), format!("{} needs a count or names", of.word))),
            [one] if one.word.parse::<usize>().is_ok_and(|count| count > 0 && count <= MOST_ROWS) => {
                Ok((0..one.word.parse().unwrap_or(0)).map(|i: usize| i.to_string()).collect())
            }
            _ => Ok(words.iter().map(|word| word.word.to_owned()).collect()),
        }
    }

    fn known(&self, kind: Kind, at: Token<'_>) -> Result<&[String]> {
        let (names, what) = match kind {
            Kind::State => (&self.states, "states"),
            Kind::Action => (&self.actions, "actions"),
            Kind::Observation => (&self.observations, "observations"),
        };
        names.as_deref().ok_or_else(|| self.tokens.error(Some(at), format!("'{what}:' must stand before this")))
    }

    fn count(&self, kind: Kind, at: Token<'_>) -> Result<usize> {
        Ok(self.known(kind, at)?.len())
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
        let named = known.iter().position(|name| name == token.word);
        let numbered = || token.word.parse::<usize>().ok().filter(|place| *place < known.len());
        named.or_else(numbered).ok_or_else(|| {
            let what = ["state", "action", "observation"][kind as usize];
            self.tokens.error(Some(token), Error::unknown(what, token.word, known.iter().map(String::as_str)))
        })
    }

    fn start(&mut self, token: Token<'t>) -> Result<()> {
        let n = self.count(Kind::State, token)?;
        let only = [("include", true), ("exclude", false)].into_iter().find(|(word, _)| self.tokens.takes(word));
        self.tokens.colon("start")?;
        let mut words = Vec::new();
        while let Some(word) = self.tokens.peek().filter(|word| !KEYWORDS.contains(&word.word)) {
            words.push(self.tokens.take("a state").unwrap_or(word));
        }
        let alike = |chosen: &dyn Fn(usize) -> bool| {
            let count = (0..n).filter(|state| chosen(*state)).count();
            (0..n).map(|state| if chosen(state) { 1.0 / count as f64 } else { 0.0 }).collect::<Vec<f64>>()
        };
        let belief = match (only, &words[..]) {
            (Some((_, included)), words) => {
                let listed = words.iter().map(|word| self.place(Kind::State, *word)).collect::<Result<Vec<_>>>()?;
                alike(&|state| listed.contains(&state) == included)
            }
            (None, [word]) if word.word == "uniform" => alike(&|_| true),
            (None, [word]) if n > 1 => {
                let first = self.place(Kind::State, *word)?;
                alike(&|state| state == first)
            }
            (None, words) if words.len() == n => {
                let number = |word: &Token<'_>| {
                    let wrong = || self.tokens.error(Some(*word), format!("'{}' is not a probability", word.word));
                    word.word.parse::<f64>().ok().filter(|p| (0.0..=1.0).contains(p)).ok_or_else(wrong)
                };
                let shares = words.iter().map(number).collect::<Result<Vec<f64>>>()?;
                let sum: f64 = shares.iter().sum();
                if (sum - 1.0).abs() > super::ROUNDED {
                    return Err(self.tokens.error(Some(token), format!("the start sums to {sum}, not to 1")));
                }
                shares.iter().map(|share| share / sum).collect()
            }
            (None, words) => {
                let why = format!("start needs a state, 'uniform' or {n} probabilities, not {} words", words.len());
                return Err(self.tokens.error(Some(token), why));
            }
        };
        if belief.iter().any(|share| !share.is_finite()) || belief.iter().sum::<f64>() == 0.0 {
            return Err(self.tokens.error(Some(token), "no state is left to start in"));
        }
        self.start = Some(belief);
        Ok(())
    }

    fn transition(&mut self, token: Token<'t>) -> Result<()> {
        let n = self.count(Kind::State, token)?;
        let rows = self.fill(token, n, Kind::State)?;
        rows.into_iter().for_each(|(row, place, share)| self.transitions[row].set(place, share, token));
        Ok(())
    }

    fn emission(&mut self, token: Token<'t>) -> Result<()> {
        let o = self.count(Kind::Observation, token)?;
        let rows = self.fill(token, o, Kind::Observation)?;
        rows.into_iter().for_each(|(row, place, share)| self.emissions[row].set(place, share, token));
        Ok(())
    }

    /// The entries (row, place, probability) of a `T:` or `O:` statement whose rows have `width` places of a kind.
    fn fill(&mut self, token: Token<'t>, width: usize, kind: Kind) -> Result<Vec<(usize, usize, f64)>> {
        let (n, actions) = (self.count(Kind::State, token)?, self.count(Kind::Action, token)?);
        if n.saturating_mul(actions) > MOST_ROWS {
            return Err(self
                .tokens
                .error(Some(token), format!("{n} states times {actions} actions are too many for a table")));
        }
        self.transitions.resize(n * actions, Row::default());
        self.emissions.resize(n * actions, Row::default());
        self.tokens.colon(token.word)?;
        let action = self.choice(Kind::Action)?;
        let state = if self.tokens.takes(":") { Some(self.choice(Kind::State)?) } else { None };
        let place = if state.is_some() && self.tokens.takes(":") { Some(self.choice(kind)?) } else { None };
        let each = |choice: Choice, count: usize| choice.map_or(0..count, |one| one..one + 1);
        let rows = || {
            let states = each(state.flatten(), n);
            each(action, actions).flat_map(move |action| states.clone().map(move |state| (action * n + state, state)))
        };
        let mut entries = Vec::new();
        match (state, place) {
            (_, Some(place)) => {
                let share = self.probability()?;
                rows().for_each(|(row, _)| entries.extend(each(place, width).map(|place| (row, place, share))));
            }
            (_, None) if self.tokens.takes("uniform") => {
                let share = 1.0 / width as f64;
                rows().for_each(|(row, _)| entries.extend((0..width).map(|place| (row, place, share))));
            }
            (None, None) if kind == Kind::State && self.tokens.takes("identity") => {
                let one = |at: usize, place| f64::from(u8::from(at == place));
                rows().for_each(|(row, at)| entries.extend((0..width).map(|place| (row, place, one(at, place)))));
            }
            (Some(_), None) if kind == Kind::State && self.tokens.takes("reset") => {
                let start = self.start.clone().unwrap_or_else(|| vec![1.0 / n as f64; n]);
                rows().for_each(|(row, _)| entries.extend(start.iter().enumerate().map(|(place, p)| (row, place, *p))));
            }
            (None, None) => {
                let numbers = (0..n * width).map(|_| self.probability()).collect::<Result<Vec<f64>>>()?;
                let number = |at: usize, place: usize| numbers[at * width + place];
                rows().for_each(|(row, at)| entries.extend((0..width).map(|place| (row, place, number(at, place)))));
            }
            (Some(_), None) => {
                let numbers = (0..width).map(|_| self.probability()).collect::<Result<Vec<f64>>>()?;
                rows()
                    .for_each(|(row, _)| entries.extend(numbers.iter().enumerate().map(|(place, p)| (row, place, *p))));
            }
        }
        Ok(entries)
    }

    fn probability(&mut self) -> Result<f64> {
        let (at, number) = (self.tokens.peek(), self.tokens.number("a probability")?);
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
                let reward = self.sign * self.tokens.number("the reward")?;
                self.rewards.add([action, state, next, observation], reward);
            }
            (Some(next), None) => {
                for observation in 0..o {
                    let reward = self.sign * self.tokens.number("a reward for each observation")?;
                    self.rewards.add([action, state, next, Some(observation)], reward);
                }
            }
            (None, _) => {
                for place in 0..n * o {
                    let reward = self.sign * self.tokens.number("a reward for each next state and observation")?;
                    self.rewards.add([action, state, Some(place / o), Some(place % o)], reward);
                }
            }
        }
        Ok(())
    }
}
