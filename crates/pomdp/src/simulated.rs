//! A table as a simulator, so that searches that only simulate work on it.
//!
//! Steps are drawn from the table's ways. A rollout always does the one action that is worth the most when it is always done, for
//! random actions say little where one of them is ruinous; the bound on a known state is QMDP's, `max_a Q(s, a)`.

use std::time::{Duration, Instant};

use worldwright_core::{Result, Rng};

use super::Table;
use super::bounds::{blind_until, qmdp_until};
use worldwright_core::pomdp::{Actions, Pomdp, Step};

/// The simulator of a table.
#[derive(Debug, Clone)]
pub struct Simulated<'t> {
    table: &'t Table,
    /// `max_a Q(s, a)` of a known state.
    bound: Vec<f64>,
    /// Whether a state leads to itself and pays nothing, whatever is done.
    end: Vec<bool>,
    /// What rollouts do.
    blind: u32,
    range: f64,
}

/// Accuracy of the bounds, beside what the problem pays.
const ACCURACY: f64 = 1e-6;

impl<'t> Simulated<'t> {
    /// The simulator of a table.
    ///
    /// # Errors
    /// [`Error::Config`](worldwright_core::Error::Config) for a discount of 1 without a horizon.
    pub fn new(table: &'t Table) -> Result<Self> {
        Self::within(table, None)
    }

    /// The same, with looser bounds where there is no time for closer ones.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn within(table: &'t Table, time: Option<Duration>) -> Result<Self> {
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        let pairs = || (0..table.states()).flat_map(|s| (0..table.actions()).map(move |a| table.reward(s, a)));
        let (low, high) = pairs().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), r| (l.min(r), h.max(r)));
        let accuracy = ACCURACY * (high - low).max(1.0);
        let values = qmdp_until(table, accuracy, deadline)?;
        let best = |state: usize| (0..table.actions()).map(|a| values.of(a)[state]).fold(f64::NEG_INFINITY, f64::max);
        let stays = |state: usize, action: usize| {
            let ways = table.ways(state, action);
            table.reward(state, action) == 0.0 && ways.iter().all(|way| way.next as usize == state)
        };
        Ok(Self {
            bound: (0..table.states()).map(|state| best(state) + accuracy).collect(),
            end: (0..table.states()).map(|state| (0..table.actions()).all(|action| stays(state, action))).collect(),
            blind: blind_until(table, accuracy, deadline)?.best(table.initial()).0 as u32,
            range: (high - low).max(f64::MIN_POSITIVE),
            table,
        })
    }
}

impl Pomdp for Simulated<'_> {
    type State = u32;

    fn actions(&self) -> usize {
        self.table.actions()
    }

    fn discount(&self) -> f64 {
        self.table.discount()
    }

    fn reward_range(&self) -> f64 {
        self.range
    }

    fn initial(&self, rng: &mut Rng) -> u32 {
        let shares = self.table.initial().iter().enumerate().map(|(state, share)| (state as u32, *share));
        drawn(shares, 1.0, rng).unwrap_or(0)
    }

    fn step(&self, state: &mut u32, action: u32, rng: &mut Rng) -> Step {
        let here = *state as usize;
        let ways = self.table.ways(here, action as usize).iter().map(|way| (*way, way.probability));
        let reward = self.table.reward(here, action as usize);
        let Some(way) = drawn(ways, 1.0, rng) else { return Step { observation: 0, reward, terminated: true } };
        *state = way.next;
        Step { observation: way.observation, reward, terminated: self.end[way.next as usize] }
    }

    fn rollout_action(&self, _state: &u32, _rng: &mut Rng) -> u32 {
        self.blind
    }

    fn preferred(&self, _state: &u32) -> Actions {
        Actions::first(self.table.actions())
    }

    fn step_given(&self, state: &mut u32, action: u32, observation: u32, rng: &mut Rng) -> Option<f64> {
        let ways = self.table.ways(*state as usize, action as usize).iter();
        let seen = ways.filter(|way| way.observation == observation).map(|way| (way.next, way.probability));
        let total: f64 = seen.clone().map(|way| way.1).sum();
        if let Some(next) = drawn(seen, total, rng) {
            *state = next;
        }
        Some(total)
    }

    fn upper_bound(&self, state: &u32) -> f64 {
        self.bound[*state as usize]
    }
}

/// One of several, by weights that sum to `total`; none of none.
fn drawn<T: Copy>(weighed: impl Iterator<Item = (T, f64)>, total: f64, rng: &mut Rng) -> Option<T> {
    let mut left = rng.uniform() * total;
    let mut last = None;
    for (item, weight) in weighed.filter(|(_, weight)| *weight > 0.0) {
        last = Some(item);
        left -= weight;
        if left < 0.0 {
            break;
        }
    }
    last
}
