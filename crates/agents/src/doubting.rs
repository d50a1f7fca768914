//! Where a planner is called: at the share of decisions whose value is in doubt the most.
//!
//! A plan costs thousands of steps of a model, and corrects a policy most where it has not been much. How far learned values differ there has no scale that is the same in
//! two worlds, or early and late in one: so the doubt of a decision is compared with that of the latest ones, and a plan is made where it is at least their
//! `1 − share` quantile. Of doubts that are all alike, all are planned.

use std::collections::VecDeque;

use worldwright_core::{Array, Error, Metrics, Result, State};

/// Decisions that a doubt is compared with: few, since doubt falls while values are learned, and the doubt of long ago would keep everything from being planned.
const LATEST: usize = 100;

/// Doubts of the latest decisions, and how many of these were planned.
pub(crate) struct Doubting {
    share: f64,
    latest: VecDeque<f64>,
    /// Decisions since they were last told of, and those planned among them.
    decisions: u64,
    planned: u64,
    /// Room for sorting.
    sorted: Vec<f64>,
}

impl Doubting {
    /// So large a share of decisions is to be planned.
    pub(crate) fn new(share: f64) -> Self {
        let (latest, sorted) = (VecDeque::with_capacity(LATEST + 1), Vec::with_capacity(LATEST));
        Self { share, latest, decisions: 0, planned: 0, sorted }
    }

    /// Whether it has to know how large the doubt is.
    pub(crate) fn asks(&self) -> bool {
        self.share > 0.0 && self.share < 1.0
    }

    /// Whether a decision of such doubt is to be planned.
    pub(crate) fn plans(&mut self, doubt: f64) -> bool {
        if !self.asks() {
            return self.share > 0.0;
        }
        self.sorted.clear();
        self.sorted.extend(&self.latest);
        let rank = ((1.0 - self.share) * self.sorted.len() as f64).ceil() as usize;
        if rank >= self.sorted.len() {
            // So few are known that none is in its highest share; of a hundred, what lies above all of them is.
            return self.sorted.len() < LATEST || self.sorted.iter().all(|known| doubt > *known);
        }
        let (_, threshold, _) = self.sorted.select_nth_unstable_by(rank, f64::total_cmp);
        doubt >= *threshold
    }

    /// Counts a decision, and keeps its doubt where it was asked for.
    pub(crate) fn count(&mut self, doubt: Option<f64>, planned: bool) {
        self.decisions += 1;
        self.planned += u64::from(planned);
        if let Some(doubt) = doubt {
            self.latest.push_back(doubt);
            if self.latest.len() > LATEST {
                self.latest.pop_front();
            }
        }
    }

    /// The share that was planned, and begins to count anew.
    pub(crate) fn tell(&mut self) -> Metrics {
        let (planned, decisions) = (std::mem::take(&mut self.planned), std::mem::take(&mut self.decisions));
        vec![("planned_share", planned as f64 / decisions.max(1) as f64)]
    }

    /// What deciding goes by, and what is to be told.
    pub(crate) fn save(&self, state: &mut State) {
        let latest: Vec<f64> = self.latest.iter().copied().collect();
        state.put("doubts", Array::F64(vec![latest.len()], latest));
        state.put("doubts.counted", Array::U64(vec![self.decisions, self.planned]));
    }

    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        let Array::F64(_, latest) = state.array("doubts")? else {
            return Err(Error::external("saved state", "array 'doubts' is not of type f64: it is damaged"));
        };
        self.latest = latest.iter().copied().collect();
        let counted = state.u64s("doubts.counted", 2)?;
        (self.decisions, self.planned) = (counted[0], counted[1]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use worldwright_core::Rng;

    use super::*;

    #[test]
    fn so_large_a_share_is_planned_in_whatever_units_doubts_are() {
        for (share, unit) in [(0.2, 1.0), (0.2, 1e-9), (0.7, 1e6)] {
            let (mut doubting, mut rng) = (Doubting::new(share), Rng::new(1));
            for decision in 0..4000 {
                // Doubts that fall, as they do where something is learned.
                let doubt = unit * rng.uniform() * (-f64::from(decision) / 4000.0).exp();
                let plans = doubting.plans(doubt);
                doubting.count(Some(doubt), plans);
            }
            let planned = doubting.tell()[0].1;
            assert!((planned - share).abs() < 0.05, "{share}: {planned}");
        }
    }

    #[test]
    fn a_share_below_one_of_a_hundred_is_rare() {
        let (mut doubting, mut rng) = (Doubting::new(0.005), Rng::new(2));
        (0..4000).for_each(|_| {
            let doubt = rng.uniform();
            let plans = doubting.plans(doubt);
            doubting.count(Some(doubt), plans);
        });
        let planned = doubting.tell()[0].1;
        assert!(planned < 0.05, "{planned}");
    }

    #[test]
    fn the_largest_doubts_are_planned_and_the_smallest_are_not() {
        let mut doubting = Doubting::new(0.25);
        assert!(doubting.plans(0.0), "nothing is known of doubts yet");
        (0..100u32).for_each(|doubt| doubting.count(Some(f64::from(doubt)), false));
        assert!(!doubting.plans(74.9) && doubting.plans(75.0));
        let all = Doubting::new(1.0).plans(0.0);
        assert!(all && !Doubting::new(0.0).plans(f64::INFINITY));
    }
}
