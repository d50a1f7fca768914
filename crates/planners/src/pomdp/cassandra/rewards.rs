//! The rewards of a text: rules of which the last that fits counts.

use std::collections::BTreeMap;

/// `R(a, s, s', o)` by rules; a missing part of a rule fits anything.
#[derive(Debug, Default)]
pub(super) struct Rewards {
    /// The rules of each action and state, in order.
    rules: BTreeMap<(Option<usize>, Option<usize>), Vec<Rule>>,
    count: usize,
}

#[derive(Debug, Clone, Copy)]
struct Rule {
    order: usize,
    next: Option<usize>,
    observation: Option<usize>,
    reward: f64,
}

impl Rewards {
    /// Adds a rule for action, state, next state and observation.
    pub(super) fn add(&mut self, [action, state, next, observation]: [Option<usize>; 4], reward: f64) {
        let rules = self.rules.entry((action, state)).or_default();
        // What it covers wholly can never count again.
        rules.retain(|old| {
            let covers = |new: Option<usize>, old: Option<usize>| new.is_none() || new == old;
            !(covers(next, old.next) && covers(observation, old.observation))
        });
        rules.push(Rule { order: self.count, next, observation, reward });
        self.count += 1;
    }

    /// The reward of the last rule that fits; zero where none does.
    pub(super) fn get(&self, action: usize, state: usize, next: usize, observation: usize) -> f64 {
        let keys = [(Some(action), Some(state)), (Some(action), None), (None, Some(state)), (None, None)];
        let fits =
            |rule: &&Rule| rule.next.is_none_or(|n| n == next) && rule.observation.is_none_or(|o| o == observation);
        let last = |key: &(Option<usize>, Option<usize>)| self.rules.get(key)?.iter().rev().find(fits).copied();
        keys.iter().filter_map(last).max_by_key(|rule| rule.order).map_or(0.0, |rule| rule.reward)
    }
}
