//! Expected rewards of states that share a row of ways and that rules name each: what the row gives by itself is summed once, and for
//! each state only the ways that lead where its own rules say.
//!
//! With `f` the rewards that a state shares with others and `r` its own, `Σ p r = Σ p f + Σ p (r − f)`, in which the second sum is over the
//! next states that its rules name. `f` is what holds for any state; or, where the state's own rules are later than all that hold for any,
//! what they say of observations.

use std::collections::HashMap;

use super::super::table::Way;
use super::rewards::{Fitting, Rewards};

/// Shorter rows are summed for each state: that is as fast.
const LONG: usize = 1024;

/// What is known of the rows of one action.
pub(super) struct Expected<'r> {
    rewards: &'r Rewards,
    action: usize,
    unnamed: Fitting<'r>,
    /// Of each row: the reward of a state that no rule names.
    plain: HashMap<u32, f64>,
    /// Of each row: the probability of each observation that is seen.
    seen: HashMap<u32, Vec<(u32, f64)>>,
}

impl<'r> Expected<'r> {
    pub(super) fn new(rewards: &'r Rewards, action: usize) -> Self {
        let unnamed = rewards.unnamed(action);
        Self { rewards, action, unnamed, plain: HashMap::new(), seen: HashMap::new() }
    }

    /// The expected reward in a state whose ways, in the order of their next states, are row `row`; `shared`: whether others have it too.
    pub(super) fn of(&mut self, state: usize, row: u32, ways: &[Way], shared: bool) -> f64 {
        let named = self.rewards.names(self.action, state);
        if let Some(known) = self.plain.get(&row).filter(|_| !named) {
            return *known;
        }
        let fitting = self.rewards.fitting(self.action, state);
        if let Some(constant) = fitting.constant() {
            return constant;
        }
        if !named {
            let expected = sum(ways, |way| fitting.get(way.next, way.observation));
            self.plain.insert(row, expected);
            return expected;
        }
        let few = if shared && ways.len() >= LONG { self.by_few(state, row, ways, &fitting) } else { None };
        few.unwrap_or_else(|| sum(ways, |way| fitting.get(way.next, way.observation)))
    }

    /// The same by the next states that the state's own rules name, where these are few and the rest is shared.
    fn by_few(&mut self, state: usize, row: u32, ways: &[Way], fitting: &Fitting<'_>) -> Option<f64> {
        let own: Vec<(Option<u32>, Option<u32>)> = self.rewards.own(self.action, state).collect();
        let mut nexts: Vec<u32> = own.iter().filter_map(|(next, _)| *next).collect();
        nexts.sort_unstable();
        nexts.dedup();
        let leading = |next: u32| {
            let from = ways.partition_point(|way| way.next < next);
            ways[from..].iter().take_while(move |way| way.next == next)
        };
        let flat = self.unnamed.is_flat_under(fitting);
        if nexts.len() * 8 > ways.len() || !flat && own.iter().any(|(next, _)| next.is_none()) {
            return None;
        }
        let apart = |shared: &dyn Fn(&Way) -> f64| -> f64 {
            let changed = nexts.iter().flat_map(|next| leading(*next));
            changed.map(|way| way.probability * (fitting.get(way.next, way.observation) - shared(way))).sum()
        };
        if flat {
            let seen = self.seen.entry(row).or_insert_with(|| marginal(ways));
            let shared: f64 = seen.iter().map(|(observation, share)| share * fitting.seen(*observation)).sum();
            return Some(shared + apart(&|way| fitting.seen(way.observation)));
        }
        let unnamed = &self.unnamed;
        let plain = self.plain.entry(row).or_insert_with(|| sum(ways, |way| unnamed.get(way.next, way.observation)));
        Some(*plain + apart(&|way| unnamed.get(way.next, way.observation)))
    }
}

fn sum(ways: &[Way], reward: impl Fn(&Way) -> f64) -> f64 {
    ways.iter().map(|way| way.probability * reward(way)).sum()
}

/// The probability of each observation of a row.
fn marginal(ways: &[Way]) -> Vec<(u32, f64)> {
    let mut shares: HashMap<u32, f64> = HashMap::new();
    for way in ways {
        *shares.entry(way.observation).or_default() += way.probability;
    }
    // In order, so that sums over it are the same each time.
    let mut shares: Vec<(u32, f64)> = shares.into_iter().collect();
    shares.sort_unstable_by_key(|share| share.0);
    shares
}
