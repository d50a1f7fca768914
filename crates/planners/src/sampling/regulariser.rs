//! A hook in the objective: any function of imagined transitions, taken off the return of the candidate that makes them.
//!
//! A planner that is free to search finds where its model is wrong in its favour. A regulariser keeps it where the model was
//! learned: a denoising auto-encoder's reconstruction error (Boney et al., "Regularizing Trajectory Optimization with Denoising
//! Autoencoders", NeurIPS 2019), the distance to the nearest transitions of the data, a control-barrier function. Lane m of candidate
//! i then earns `Σ_t D_t (r_t − ρ(o_t, a_t, o_{t+1}))`.

use std::sync::Arc;

use worldwright_core::{Actions, Batch, Imagination, Result, Rows, Transitions};

use crate::sampling::segment::Segment;

/// A price on imagined transitions.
///
/// ```
/// use worldwright_core::Transitions;
/// use worldwright_planners::Regulariser;
///
/// /// Prices every unit that the first number of an observation leaves the range of the data.
/// struct Range(f64, f64);
///
/// impl Regulariser for Range {
///     fn price(&self, transitions: Transitions<'_>, price: &mut [f64]) {
///         for (price, x) in price.iter_mut().zip(transitions.next_observations.column(0)) {
///             *price = (self.0 - x).max(x - self.1).max(0.0);
///         }
///     }
/// }
/// ```
pub trait Regulariser: Send + Sync {
    /// Writes what each transition costs, in units of reward; a number that is not finite marks the candidate as diverged. Observations
    /// are flat, as [`Imagination::decode`] gives them. Must not allocate where planning must not.
    fn price(&self, transitions: Transitions<'_>, price: &mut [f64]);
}

/// A regulariser with room for the transitions of a batch.
pub(crate) struct Regularised {
    rule: Arc<dyn Regulariser>,
    /// For each member the observations `[O][n]` before and after a step.
    before: Vec<Batch>,
    after: Vec<Batch>,
    row: Vec<f64>,
    price: Vec<f64>,
}

impl Regularised {
    pub(crate) fn new(rule: Arc<dyn Regulariser>) -> Self {
        Self { rule, before: Vec::new(), after: Vec::new(), row: Vec::new(), price: Vec::new() }
    }

    /// Makes room for `capacity` candidates of a model with `members` lanes and observations of `dim` numbers.
    pub(crate) fn prepare(&mut self, members: usize, capacity: usize, dim: usize) {
        self.before = vec![Batch::zeros(dim, capacity); members];
        self.after = self.before.clone();
        self.row = vec![0.0; dim];
        self.price = vec![0.0; capacity];
    }

    /// Reads the observations that the candidates start from.
    pub(crate) fn begin(&mut self, world: &dyn Imagination, segments: &[Segment]) -> Result<()> {
        let n = segments.iter().map(|segment| segment.count).sum();
        for (member, batch) in self.before.iter_mut().enumerate() {
            batch.set_rows(n);
            let mut first = 0;
            for segment in segments {
                world.decode(segment.root, member, &mut self.row)?;
                for i in first..first + segment.count {
                    batch.columns_mut().set_row(i, &self.row);
                }
                first += segment.count;
            }
        }
        Ok(())
    }

    /// Adds the price of the step that led to `rows` to `penalties` `[M][n]`.
    pub(crate) fn add_price(
        &mut self,
        world: &dyn Imagination,
        rows: Rows<'_>,
        actions: Actions<'_>,
        penalties: &mut [f64],
    ) -> Result<()> {
        let n = rows.len();
        for (member, (before, after)) in self.before.iter_mut().zip(&mut self.after).enumerate() {
            after.set_rows(n);
            for i in 0..n {
                world.decode(rows.at(i), member, &mut self.row)?;
                after.columns_mut().set_row(i, &self.row);
            }
            let transitions =
                Transitions { observations: before.columns(), actions, next_observations: after.columns() };
            self.rule.price(transitions, &mut self.price[..n]);
            for (penalty, price) in penalties[member * n..].iter_mut().zip(&self.price[..n]) {
                *penalty += price;
            }
            std::mem::swap(before, after);
        }
        Ok(())
    }
}
