//! How many steps apart states are, by universal values: a distance model, and what sub-goal planners take for `V(s, g)`.
//!
//! Where each step but the one that reaches g costs 1, `V(s, g) = −(1 − γ^(d − 1)) / (1 − γ)`, so that `d = 1 + ln(1 + (1 − γ) V) / ln γ` steps lead there.
//! [`Leap`](worldwright_planners::subgoal::Leap) and its kin plan over minus that, where what is seen of a state is what has been achieved in it.

use worldwright_core::{Batch, Columns, Error, Policy, Result, Space};
use worldwright_planners::subgoal::StateGoalValue;

use super::layout::Layout;

/// The distances that a policy's values mean.
pub struct Reaching<'p> {
    policy: &'p mut dyn Policy,
    layout: Layout,
    discount: f64,
    seen: Batch,
    row: Vec<f64>,
}

impl<'p> Reaching<'p> {
    /// Those of a policy that sees the observations of `space`, and whose values count a step less by `discount` each.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for observations without goals or a policy without values, [`Error::Config`] for a discount outside (0, 1).
    pub fn new(policy: &'p mut dyn Policy, space: &Space, discount: f64) -> Result<Self> {
        let layout = Layout::of("reaching", space)?;
        if !policy.judges() {
            return Err(Error::unsupported("reaching", "a policy without values: choose td3, sac or dqn"));
        }
        if !(discount > 0.0 && discount < 1.0) {
            return Err(Error::config("discount", format!("must be in (0, 1) to tell steps by, got {discount}")));
        }
        Ok(Self { row: vec![0.0; layout.width], seen: Batch::zeros(layout.width, 0), policy, layout, discount })
    }

    /// Steps from each observation to the goal that it shows; at most those after which nothing more would be lost by the discount.
    ///
    /// # Errors
    /// As for [`Policy::value`].
    pub fn steps(&mut self, observations: Columns<'_>, out: &mut [f64]) -> Result<()> {
        self.policy.value(observations, out)?;
        // Of a value as low as of never, an error of the approximation is all that is left.
        let least = 1e-6;
        for steps in out {
            let left = (1.0 + (1.0 - self.discount) * *steps).clamp(least, 1.0);
            *steps = 1.0 + left.ln() / self.discount.ln();
        }
        Ok(())
    }
}

impl StateGoalValue for Reaching<'_> {
    fn values(&mut self, from: Columns<'_>, to: Columns<'_>, out: &mut [f64]) -> Result<()> {
        let (goal, state) = (self.layout.desired.len(), self.layout.observation.len());
        for (what, width) in [("states", from.dims()), ("goals", to.dims()), ("numbers of an observation", state)] {
            if width != goal {
                return Err(Error::shape(what, &[goal], &[width]));
            }
        }
        self.seen.set_rows(from.rows());
        let mut seen = std::mem::take(&mut self.seen);
        for row in 0..from.rows() {
            from.copy_row(row, &mut self.row[self.layout.achieved.clone()]);
            from.copy_row(row, &mut self.row[self.layout.observation.clone()]);
            to.copy_row(row, &mut self.row[self.layout.desired.clone()]);
            seen.columns_mut().set_row(row, &self.row);
        }
        let told = self.steps(seen.columns(), out);
        self.seen = seen;
        told?;
        for (row, value) in out.iter_mut().enumerate() {
            let there = (0..goal).all(|d| from.get(row, d) == to.get(row, d));
            *value = if there { 0.0 } else { -*value };
        }
        Ok(())
    }
}
