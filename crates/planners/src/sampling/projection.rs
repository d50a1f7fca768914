//! Constraints by projection: candidates that break one are pulled back towards a plan that keeps them all.
//!
//! With `z` a feasible plan and u a violator, the point `z + α (u − z)` with the largest feasible α is sought by bisection, all violators
//! of an iteration in one batch of imagined rollouts a halving. For a convex feasible set that is the projection along the
//! segment, exact to 2⁻ᵏ after k halvings (it is the retraction that feasible-direction methods use; Nocedal and
//! Wright, "Numerical Optimization", 2006, section 16.7 for the box). The feasible plan is the best candidate seen in the decision;
//! while there is none, nothing is projected and the least violation ranks first. Each halving costs model steps, which the
//! report counts and the budget limits.

use worldwright_core::{Deadline, Imagination, Key, Result};

use crate::actions::{ActionKind, Sequence};
use crate::sampling::candidates::Candidates;
use crate::sampling::rollout::Rollout;
use crate::sampling::search::Search;
use crate::sampling::segment::Segment;

/// Halvings of the segment: what remains is an eighth of it.
const HALVINGS: usize = 3;
const PROJECT: u64 = 7;

/// Room to project the candidates of one iteration.
pub(crate) struct Projection {
    dims: usize,
    /// The feasible plan z.
    anchor: Sequence,
    /// The violators, and how far along their segments is known to be feasible and not.
    violators: Vec<u32>,
    low: Vec<f64>,
    high: Vec<f64>,
    /// The points being tried.
    points: Candidates,
}

impl Projection {
    pub(crate) fn new(kind: &ActionKind, horizon: usize, capacity: usize) -> Self {
        Self {
            dims: kind.dims(),
            anchor: Sequence::new(kind, horizon),
            violators: Vec::with_capacity(capacity),
            low: vec![0.0; capacity],
            high: vec![0.0; capacity],
            points: Candidates::new(kind, horizon, capacity),
        }
    }

    /// Projects the candidates whose worth `search.ranking` holds; their actions, knots and worths change. Returns the model steps that
    /// this took; `spent` is what the iteration took before.
    ///
    /// # Errors
    /// What the model gives.
    pub(crate) fn run(
        &mut self,
        world: &mut dyn Imagination,
        search: &mut Search,
        rollout: &mut Rollout,
        spent: u64,
        deadline: &Deadline,
    ) -> Result<u64> {
        let count = search.actions().count();
        let feasible = |violation: &f64| *violation == 0.0;
        let best = (0..count)
            .filter(|i| feasible(&search.ranking.violation[*i]))
            .max_by(|a, b| search.ranking.score[*a].total_cmp(&search.ranking.score[*b]).then(b.cmp(a)));
        match best {
            Some(best) if search.best_worth().0 > 0.0 || search.ranking.score[best] > search.best_worth().1 => {
                search.actions().get(best, &mut self.anchor);
            }
            _ if search.best_worth().0 == 0.0 => self.anchor.copy_from(&search.best),
            _ => return Ok(0),
        }
        self.violators.clear();
        // Infinite violations are diverged candidates: there is no telling where along the segment they end.
        let broken =
            (0..count).filter(|i| search.ranking.violation[*i] > 0.0 && search.ranking.violation[*i].is_finite());
        self.violators.extend(broken.map(|i| i as u32));
        let n = self.violators.len();
        let each = n as u64 * search.candidate_steps();
        self.low[..n].fill(0.0);
        self.high[..n].fill(1.0);
        let mut steps = 0;
        for halving in 0..HALVINGS {
            if n == 0 || search.affordable() < spent + steps + each {
                break;
            }
            self.points.begin(n);
            for j in 0..n {
                self.place(j, 0.5 * (self.low[j] + self.high[j]), search.actions());
            }
            let key: Key = search.segment(0).key.fold(PROJECT + halving as u64);
            let segment = Segment { root: 0, count: n, key };
            if !rollout.run(world, 1, &[segment], &mut self.points, false, deadline)? {
                break;
            }
            steps += each;
            for j in 0..n {
                let middle = 0.5 * (self.low[j] + self.high[j]);
                if rollout.violation[j] == 0.0 {
                    self.low[j] = middle;
                    let i = self.violators[j] as usize;
                    search.ranking.score[i] = rollout.score[j];
                    search.ranking.violation[i] = 0.0;
                    search.ranking.replace(rollout, n, j, count, i);
                } else {
                    self.high[j] = middle;
                }
            }
        }
        let mut first = count;
        for j in 0..n {
            if self.low[j] > 0.0 {
                self.points.begin(n);
                self.place(j, self.low[j], search.actions());
                let i = self.violators[j] as usize;
                first = first.min(i);
                for h in 0..self.points.horizon() {
                    for dim in 0..self.dims {
                        search.actions().column_mut(h, dim)[i] = self.points.column(h, dim)[j];
                    }
                }
            }
        }
        search.rewritten(first);
        Ok(steps)
    }

    /// Writes point j at `alpha` along its segment.
    fn place(&mut self, j: usize, alpha: f64, actions: &Candidates) {
        let i = self.violators[j] as usize;
        for h in 0..self.points.horizon() {
            for dim in 0..self.dims {
                let (from, to) = (self.anchor.values[h * self.dims + dim], actions.column(h, dim)[i]);
                self.points.column_mut(h, dim)[j] = from + alpha * (to - from);
            }
        }
    }
}
