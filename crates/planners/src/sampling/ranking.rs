//! The order of candidates: feasible before infeasible, then by violation, then by return; diverged ones last; equals by number.
//!
//! Where the elites are all equally good, every candidate as good as they is one of them. A reward that says no more than "still
//! up" makes most candidates equals, and the first few of them by number would be those kept from before, again and again.

use std::cmp::Ordering;

use crate::sampling::rollout::{Rollout, Wanted};

/// What each candidate is worth, and their order.
#[derive(Debug, Default)]
pub(crate) struct Ranking {
    /// Return under the risk measure; minus infinity where the candidate diverged.
    pub(crate) score: Vec<f64>,
    /// Constraint violation, zero where feasible; infinite where the candidate diverged.
    pub(crate) violation: Vec<f64>,
    /// Standard deviation of the return over the lanes, and `[H][n]` what was earned before each step; empty where not wanted.
    pub(crate) spread: Vec<f64>,
    pub(crate) earned: Vec<f64>,
    order: Vec<u32>,
    elites: usize,
}

/// Compares (violation, score) pairs: `Less` is better.
pub(crate) fn better(a: (f64, f64), b: (f64, f64)) -> Ordering {
    a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1))
}

impl Ranking {
    /// Room for `capacity` candidates.
    pub(crate) fn new(capacity: usize) -> Self {
        let (spread, earned) = (Vec::new(), Vec::new());
        let (score, violation) = (vec![0.0; capacity], vec![0.0; capacity]);
        Self { score, violation, spread, earned, order: vec![0; capacity], elites: 0 }
    }

    /// Room for what is wanted beside scores.
    pub(crate) fn with(mut self, wanted: Wanted, horizon: usize) -> Self {
        self.spread = vec![0.0; if wanted.spread { self.score.len() } else { 0 }];
        self.earned = vec![0.0; if wanted.earned { horizon * self.score.len() } else { 0 }];
        self
    }

    /// Takes what a rollout of `n` candidates gave `count` of them, from `first` on.
    pub(crate) fn take(&mut self, rollout: &Rollout, n: usize, first: usize, count: usize) {
        let span = first..first + count;
        self.score[..count].copy_from_slice(&rollout.score[span.clone()]);
        self.violation[..count].copy_from_slice(&rollout.violation[span.clone()]);
        if !self.spread.is_empty() {
            self.spread[..count].copy_from_slice(&rollout.spread[span.clone()]);
        }
        if !self.earned.is_empty() {
            for (to, from) in self.earned.chunks_exact_mut(count).zip(rollout.earned.chunks_exact(n)) {
                to.copy_from_slice(&from[span.clone()]);
            }
        }
    }

    /// Candidate `i` of `count` is now what a rollout of `n` others gave number `j` of them: what is wanted beside the worth.
    pub(crate) fn replace(&mut self, rollout: &Rollout, n: usize, j: usize, count: usize, i: usize) {
        if let Some(spread) = self.spread.get_mut(i) {
            *spread = rollout.spread[j];
        }
        if !self.earned.is_empty() {
            for (to, from) in self.earned.chunks_exact_mut(count).zip(rollout.earned.chunks_exact(n)) {
                to[i] = from[j];
            }
        }
    }

    /// How far the values of the elites disagree: the root of the variance between them plus the mean variance between the lanes
    /// of each.
    pub(crate) fn disagreement(&self) -> f64 {
        let elites = self.elites();
        let n = elites.len().max(1) as f64;
        let mean = elites.iter().map(|i| self.score[*i as usize]).sum::<f64>() / n;
        let between = elites.iter().map(|i| (self.score[*i as usize] - mean).powi(2)).sum::<f64>() / n;
        let within = elites.iter().map(|i| self.spread[*i as usize].powi(2)).sum::<f64>() / n;
        (between + within).sqrt()
    }

    /// Standard deviation of the first `count` scores that are finite.
    pub(crate) fn score_std(&self, count: usize) -> f64 {
        let finite = || self.score[..count].iter().filter(|score| score.is_finite());
        let n = finite().count().max(1) as f64;
        let mean = finite().sum::<f64>() / n;
        (finite().map(|score| (score - mean) * (score - mean)).sum::<f64>() / n).sqrt()
    }

    /// Takes in the first `count` scores: puts the best `leading` of them in front, in order, or all of the best where
    /// there are more of them than that. Returns how many diverged.
    pub(crate) fn rank(&mut self, count: usize, leading: usize) -> usize {
        let (score, violation) = (&self.score, &self.violation);
        let worth = |i: u32| (violation[i as usize], score[i as usize]);
        let compare = |a: &u32, b: &u32| better(worth(*a), worth(*b)).then(a.cmp(b));
        let finite = score[..count].iter().filter(|score| score.is_finite()).count();
        self.order.clear();
        if leading <= 1 && finite > 0 {
            // The best alone and its equals need no order among the others.
            let least = violation[..count].iter().copied().fold(f64::INFINITY, f64::min);
            let each = || score[..count].iter().zip(&violation[..count]);
            let most =
                each().fold(
                    f64::NEG_INFINITY,
                    |most, (score, violation)| {
                        if (*violation == least) & (*score > most) { *score } else { most }
                    },
                );
            self.order.extend(
                each()
                    .enumerate()
                    .filter(|(_, (score, violation))| **violation == least && **score == most)
                    .map(|it| it.0 as u32),
            );
            self.elites = self.order.len();
            return count - finite;
        }
        self.order.extend(0..count as u32);
        self.elites = leading.clamp(1, count.max(1)).min(finite);
        if 0 < self.elites && self.elites < count {
            let (leaders, last, others) = self.order.select_nth_unstable_by(self.elites - 1, compare);
            let level = worth(*last);
            if leaders.iter().all(|i| better(worth(*i), level).is_eq()) {
                for i in 0..others.len() {
                    if better(worth(others[i]), level).is_eq() {
                        others.swap(i, self.elites - leaders.len() - 1);
                        self.elites += 1;
                    }
                }
            }
        }
        self.order[..self.elites].sort_unstable_by(compare);
        count - finite
    }

    /// The best candidate; none where all diverged.
    pub(crate) fn best(&self) -> Option<usize> {
        self.elites().first().map(|best| *best as usize)
    }

    /// The candidates put in front, in order; none that diverged.
    pub(crate) fn elites(&self) -> &[u32] {
        &self.order[..self.elites]
    }

    /// Violation and score of a candidate.
    pub(crate) fn worth(&self, i: usize) -> (f64, f64) {
        (self.violation[i], self.score[i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(score: &[f64], leading: usize) -> Vec<u32> {
        let mut ranking = Ranking::new(score.len());
        ranking.score.copy_from_slice(score);
        ranking.rank(score.len(), leading);
        ranking.elites().to_vec()
    }

    #[test]
    fn all_of_the_best_are_elites() {
        assert_eq!(ranked(&[1.0, 3.0, 1.0, 3.0, 3.0, 0.0, 3.0], 2), [1, 3, 4, 6]);
        assert_eq!(ranked(&[1.0, 5.0, 1.0, 3.0, 3.0, 3.0, 0.0], 2), [1, 3]);
        assert_eq!(ranked(&[2.0; 5], 1), [0, 1, 2, 3, 4]);
        assert_eq!(ranked(&[1.0, 4.0, 2.0, 3.0], 2), [1, 3]);
        assert_eq!(ranked(&[1.0, 2.0], 5), [1, 0]);
    }

    #[test]
    fn the_best_alone_and_its_equals_head_the_order_of_all() {
        let mut rng = worldwright_core::Rng::new(2);
        for _ in 0..500 {
            let n = 1 + rng.below(9) as usize;
            let mut ranking = Ranking::new(n);
            for i in 0..n {
                let lost = rng.below(4) == 0;
                ranking.score[i] = if lost { f64::NEG_INFINITY } else { rng.below(3) as f64 };
                ranking.violation[i] = if lost { f64::INFINITY } else { rng.below(2) as f64 };
            }
            let diverged = ranking.rank(n, n);
            let all = ranking.elites().to_vec();
            let worth = |i: &u32| ranking.worth(*i as usize);
            let equals: Vec<u32> = all.iter().take_while(|i| worth(i) == worth(&all[0])).copied().collect();
            assert_eq!((ranking.rank(n, 1), ranking.elites()), (diverged, &equals[..]));
        }
    }

    #[test]
    fn the_diverged_are_never_elites() {
        let lost = f64::NEG_INFINITY;
        let mut ranking = Ranking::new(4);
        ranking.score.copy_from_slice(&[lost, 1.0, lost, lost]);
        ranking.violation.copy_from_slice(&[f64::INFINITY, 0.0, f64::INFINITY, f64::INFINITY]);
        assert_eq!(ranking.rank(4, 3), 3);
        assert_eq!(ranking.elites(), [1]);
        ranking.score[1] = lost;
        assert_eq!(ranking.rank(4, 3), 4);
        assert_eq!(ranking.best(), None);
    }
}
