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

    /// The rules that may fit.
    pub(super) fn fitting(&self, action: usize, state: usize) -> Fitting<'_> {
        let (action, state) = (Some(action as u32), Some(state as u32));
        let keys = [(action, state), (action, None), (None, state), (None, None)];
        let rules: Vec<&Rules> = keys.iter().filter_map(|key| self.rules.get(key)).collect();
        let totals = rules.iter().filter_map(|rules| rules.get(&(None, None)));
        let total = totals.copied().max_by_key(|rule| rule.0).unwrap_or((0, 0.0));
        let depends = rules.iter().any(|rules| rules.len() > usize::from(rules.contains_key(&(None, None))));
        Fitting { rules, total, depends }
    }
}

impl Fitting<'_> {
    /// The reward where it does not depend on what follows.
    pub(super) fn constant(&self) -> Option<f64> {
        (!self.depends).then_some(self.total.1)
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
