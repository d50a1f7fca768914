//! The order of candidates: feasible before infeasible, then by violation, then by return; diverged ones last; equals by number.
//!
//! Where the elites are all equally good, every candidate as good as they is one of them. A reward that says no more than "still
//! up" makes most candidates equals, and the first few of them by number would be those kept from before, again and again.

use std::cmp::Ordering;

/// What each candidate is worth, and their order.
#[derive(Debug, Default)]
pub(crate) struct Ranking {
    /// Return under the risk measure; minus infinity where the candidate diverged.
    pub(crate) score: Vec<f64>,
    /// Constraint violation, zero where feasible; infinite where the candidate diverged.
    pub(crate) violation: Vec<f64>,
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
        Self { score: vec![0.0; capacity], violation: vec![0.0; capacity], order: vec![0; capacity], elites: 0 }
    }

    /// Takes in the first `count` scores: puts the best `leading` of them in front, in order, or all of the best where
    /// there are more of them than that. Returns how many diverged.
    pub(crate) fn rank(&mut self, count: usize, leading: usize) -> usize {
        let (score, violation) = (&self.score, &self.violation);
        let worth = |i: u32| (violation[i as usize], score[i as usize]);
        let compare = |a: &u32, b: &u32| better(worth(*a), worth(*b)).then(a.cmp(b));
        let finite = score[..count].iter().filter(|score| score.is_finite()).count();
        self.order.clear();
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
