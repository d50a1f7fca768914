//! Plans that pay for leaving a policy, as much as keeps them near it.
//!
//! Guided policy search (Levine and Koltun, "Guided Policy Search", ICML 2013; Montgomery and Levine, "Guided Policy Search via Approximate Mirror Descent", NeurIPS 2016, algorithm 2): a trajectory
//! optimiser finds what is best within so many nats of the policy, and the policy is then told by maximum likelihood what was found. What a policy cannot do yet is no lesson: the steps between
//! are. With μ and σ of what the policy proposes where a step begins, it pays
//!
//! ```text
//! r − λ ½ |(a − μ) / σ|²,
//! ```
//!
//! and the multiplier λ rises while what is planned is further from the policy than the bound, and falls while it is nearer, so that it vanishes where both agree.
//!
//! Unlike the papers, local controllers are plans made anew at each state, whose feedback is in their being made anew; the multiplier is one for all of them, moved a little after each.

use worldwright_core::{
    Actions, ArenaWrapper, Array, Budget, Columns, Error, Imagination, Imagined, Key, ModelSpec, PlanReport, Planner,
    Policy, Priors, Result, Rows, Settings, Space, State,
};

use crate::guided::Asking;

/// By what factor the multiplier moves after a plan, and how small and large it may become.
const MOVES: f64 = 1.05;
const RANGE: [f64; 2] = [1e-9, 1e9];

/// The price of a nat, and what it is to keep to.
pub(crate) struct Tether {
    price: f64,
    bound: f64,
    asking: Asking,
    priors: Priors,
}

impl Tether {
    /// Reads `tether` and `divergence`.
    pub(crate) fn read(settings: &Settings, spec: &ModelSpec) -> Result<Self> {
        if !matches!(&spec.action_space, Space::Box { .. }) {
            return Err(Error::unsupported("gps", "actions that are no numbers: choose dagger"));
        }
        Ok(Self {
            price: settings.float("tether", RANGE[0], RANGE[1])?,
            bound: settings.float("divergence", 1e-9, 1e9)?,
            asking: Asking::new(spec, (false, false)),
            priors: Priors::default(),
        })
    }

    /// Has a planner improve its plan in an arena, tethered to a policy.
    pub(crate) fn improve(
        &mut self,
        planner: &mut dyn Planner,
        arena: &mut dyn Imagination,
        policy: &mut (dyn Policy + 'static),
        budget: &Budget,
    ) -> Result<PlanReport> {
        planner.improve(&mut Tethered { arena, policy, tether: self }, 0, budget)
    }

    /// Takes in what was planned where the policy proposes something else.
    pub(crate) fn settle(&mut self, policy: &mut dyn Policy, seen: Columns<'_>, planned: &[f64]) -> Result<()> {
        policy.prior(seen, &mut self.priors)?;
        let nats = nats(&self.priors, 0, planned.iter().copied());
        let moved = if nats > self.bound { self.price * MOVES } else { self.price / MOVES };
        self.price = moved.clamp(RANGE[0], RANGE[1]);
        Ok(())
    }

    pub(crate) fn save(&self, state: &mut State) {
        state.put("tether", Array::F64(vec![1], vec![self.price]));
    }

    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        self.price = state.f64s("tether", 1)?[0];
        Ok(())
    }
}

/// `½ |(a − μ) / σ|²` of row `row` of what was proposed.
fn nats(priors: &Priors, row: usize, action: impl ExactSizeIterator<Item = f64>) -> f64 {
    let first = row * action.len();
    let gap = |(d, number): (usize, f64)| (number - priors.mean[first + d]) / priors.std[first + d];
    action.enumerate().map(|each| 0.5 * gap(each).powi(2)).sum()
}

/// The arena. Its derivatives are differences of its steps.
struct Tethered<'a> {
    arena: &'a mut dyn Imagination,
    policy: &'a mut (dyn Policy + 'static),
    tether: &'a mut Tether,
}

impl ArenaWrapper for Tethered<'_> {
    fn inner(&self) -> &dyn Imagination {
        self.arena
    }

    fn inner_mut(&mut self) -> &mut dyn Imagination {
        self.arena
    }

    fn spec(&self) -> &ModelSpec {
        self.tether.asking.spec()
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        let Tether { asking, priors, price, .. } = &mut *self.tether;
        // Rows may be led to where they came from: what is proposed there is asked first.
        self.policy.prior(asking.see(self.arena, &from, 0)?, priors)?;
        self.arena.step(from, actions, to, key, out)?;
        let Actions::Continuous(actions) = actions else { return Ok(()) };
        let (rows, dims) = (actions.rows(), actions.dims());
        for row in 0..rows {
            let off = *price * nats(priors, row, (0..dims).map(|d| actions.get(row, d)));
            (0..out.members()).for_each(|lane| {
                let at = out.at(lane, row);
                out.reward[at] -= off;
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nats_are_those_of_a_normal_distribution() {
        let priors = Priors { mean: vec![9.0, 9.0, 1.0, -2.0], std: vec![1.0, 1.0, 0.5, 2.0] };
        assert_eq!(nats(&priors, 1, [2.0, 0.0].into_iter()), 0.5 * (4.0 + 1.0));
    }
}
