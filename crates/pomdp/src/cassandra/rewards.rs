//! The rewards of a text: rules of which the last that fits counts.

use std::collections::{BTreeMap, HashMap};

/// `R(a, s, s', o)` by rules; a missing part of a rule fits anything.
#[derive(Debug, Default)]
pub(super) struct Rewards {
    /// The rules of each action and state.
    rules: BTreeMap<(Option<u32>, Option<u32>), Rules>,
    count: u64,
}

/// What was said last for each next state and observation: the number of the statement and its reward.
type Rules = HashMap<(Option<u32>, Option<u32>), (u64, f64)>;

/// The rules that may fit an action and a state.
#[derive(Debug)]
pub(super) struct Fitting<'r> {
    rules: Vec<&'r Rules>,
    /// The last rule that fits whatever follows.
    total: (u64, f64),
    /// Whether a later rule depends on what follows.
    depends: bool,
}

impl Rewards {
    /// Adds a rule for action, state, next state and observation.
    pub(super) fn add(&mut self, [action, state, next, observation]: [Option<usize>; 4], reward: f64) {
        let narrow = |part: Option<usize>| part.map(|part| part as u32);
        let rules = self.rules.entry((narrow(action), narrow(state))).or_default();
        self.count += 1;
        rules.insert((narrow(next), narrow(observation)), (self.count, reward));
    }

    /// Whether a rule names this state.
    pub(super) fn names(&self, action: usize, state: usize) -> bool {
        let (action, state) = (action as u32, state as u32);
        self.rules.contains_key(&(Some(action), Some(state))) || self.rules.contains_key(&(None, Some(state)))
    }

    /// The rules that may fit a state that no rule names.
    pub(super) fn unnamed(&self, action: usize) -> Fitting<'_> {
        self.of(&[(Some(action as u32), None), (None, None)])
    }

    /// The rules that may fit.
    pub(super) fn fitting(&self, action: usize, state: usize) -> Fitting<'_> {
        let (action, state) = (Some(action as u32), Some(state as u32));
        self.of(&[(action, state), (action, None), (None, state), (None, None)])
    }

    fn of(&self, keys: &[(Option<u32>, Option<u32>)]) -> Fitting<'_> {
        let rules: Vec<&Rules> = keys.iter().filter_map(|key| self.rules.get(key)).collect();
        let totals = rules.iter().filter_map(|rules| rules.get(&(None, None)));
        let total = totals.copied().max_by_key(|rule| rule.0).unwrap_or((0, 0.0));
        let depends = rules.iter().any(|rules| rules.len() > usize::from(rules.contains_key(&(None, None))));
        Fitting { rules, total, depends }
    }

    /// What the rules that name an action and a state, or that state for every action, say of what follows.
    pub(super) fn own(&self, action: usize, state: usize) -> impl Iterator<Item = (Option<u32>, Option<u32>)> {
        let keys = [(Some(action as u32), Some(state as u32)), (None, Some(state as u32))];
        keys.into_iter().filter_map(|key| self.rules.get(&key)).flat_map(|rules| rules.keys().copied())
    }
}

impl Fitting<'_> {
    /// The reward where it does not depend on what follows.
    pub(super) fn constant(&self) -> Option<f64> {
        (!self.depends).then_some(self.total.1)
    }

    /// Whether no rule that depends on what follows is later than the last that does not.
    pub(super) fn is_flat_under(&self, later: &Self) -> bool {
        let newest = self.rules.iter().flat_map(|rules| rules.iter()).filter(|(key, _)| **key != (None, None));
        newest.map(|(_, rule)| rule.0).max().is_none_or(|newest| newest < later.total.0)
    }

    /// The reward of the last rule that fits an observation and names no next state.
    pub(super) fn seen(&self, observation: u32) -> f64 {
        let fit = self.rules.iter().filter_map(|rules| rules.get(&(None, Some(observation))));
        fit.copied().chain([self.total]).max_by_key(|rule| rule.0).unwrap_or(self.total).1
    }

    /// The reward of the last rule that fits; zero where none does.
    pub(super) fn get(&self, next: u32, observation: u32) -> f64 {
        let mut last = self.total;
        for rules in &self.rules {
            for key in [(Some(next), Some(observation)), (Some(next), None), (None, Some(observation))] {
                if let Some(rule) = rules.get(&key).filter(|rule| rule.0 > last.0) {
                    last = *rule;
                }
            }
        }
        last.1
    }
}
