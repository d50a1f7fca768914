//! The order of candidates: feasible before infeasible, then by violation, then by return; diverged ones last; equals by number.

use std::cmp::Ordering;

/// What each candidate is worth, and their order.
#[derive(Debug, Default)]
pub(crate) struct Ranking {
    /// Return under the risk measure; minus infinity where the candidate diverged.
    pub(crate) score: Vec<f64>,
    /// Constraint violation, zero where feasible; infinite where the candidate diverged.
    pub(crate) violation: Vec<f64>,
    order: Vec<u32>,
    finite: usize,
}

/// Compares (violation, score) pairs: `Less` is better.
pub(crate) fn better(a: (f64, f64), b: (f64, f64)) -> Ordering {
    a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1))
}

impl Ranking {
    /// Room for `capacity` candidates.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { score: vec![0.0; capacity], violation: vec![0.0; capacity], order: vec![0; capacity], finite: 0 }
    }

    /// Takes in the first `count` scores: puts the best `leading` of them in front, in order. Returns how many diverged.
    pub(crate) fn rank(&mut self, count: usize, leading: usize) -> usize {
        let (score, violation) = (&self.score, &self.violation);
        let compare = |a: &u32, b: &u32| {
            let (i, j) = (*a as usize, *b as usize);
            better((violation[i], score[i]), (violation[j], score[j])).then(a.cmp(b))
        };
        self.order.clear();
        self.order.extend(0..count as u32);
        let leading = leading.clamp(1, count.max(1));
        if leading < count {
            self.order.select_nth_unstable_by(leading - 1, compare);
        }
        self.order[..leading.min(count)].sort_unstable_by(compare);
        self.finite = score[..count].iter().filter(|score| score.is_finite()).count();
        count - self.finite
    }

    /// The best `count` candidates that did not diverge, in order. At most as many as were ranked to lead.
    pub(crate) fn elites(&self, count: usize) -> &[u32] {
        &self.order[..count.min(self.finite)]
    }

    /// Violation and score of a candidate.
    pub(crate) fn worth(&self, i: usize) -> (f64, f64) {
        (self.violation[i], self.score[i])
    }
}
