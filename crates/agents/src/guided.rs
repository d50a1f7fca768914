//! An arena that a policy guides a planner in: its actions as prior, its critic as what lies beyond the horizon.
//!
//! With a sampling planner this is LOOP (Sikchi, Zhou and Held, "Learning Off-Policy with Online Planning", CoRL 2021): a plan of a few steps, closed by a
//! value, sees as far as the value does, and corrects what value and policy get wrong nearby.

use worldwright_core::{
    Actions, ArenaWrapper, Batch, Capabilities, Columns, Imagination, Imagined, Key, ModelSpec, Policy, Priors, Result,
    Rows, Space, Values, is_bounded,
};
use worldwright_policies::LearnedValue;

use crate::dreaming::Pay;

/// Room for what a policy is asked.
pub(crate) struct Asking {
    spec: ModelSpec,
    flat: Vec<f64>,
    seen: Batch,
}

impl Asking {
    /// Room for rows of a model with this spec, of which values are told or not, and what a policy proposes or not.
    pub(crate) fn new(spec: &ModelSpec, (values, proposes): (bool, bool)) -> Self {
        // A policy tells the choices of other spaces apart by their numbers; planners may take them as flat numbers.
        let alike = match &spec.action_space {
            Space::Discrete { .. } => true,
            Space::Box { element, .. } => element.is_float(),
            _ => false,
        };
        // What steps pay may be another's, whose derivatives the model does not know.
        let capabilities =
            Capabilities { value: values, prior: proposes && alike, derivatives: false, ..spec.capabilities };
        let inputs = spec.observation_space.flat_dim();
        Self {
            spec: ModelSpec { capabilities, ..spec.clone() },
            flat: vec![0.0; inputs],
            seen: Batch::zeros(inputs, 0),
        }
    }

    /// The spec of the guided arena.
    pub(crate) fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// What lane `lane` of rows would see.
    pub(crate) fn see(&mut self, arena: &dyn Imagination, rows: &Rows<'_>, lane: usize) -> Result<Columns<'_>> {
        self.seen.set_rows(rows.len());
        for i in 0..rows.len() {
            arena.decode(rows.at(i), lane, &mut self.flat)?;
            self.seen.columns_mut().set_row(i, &self.flat);
        }
        Ok(self.seen.columns())
    }

    /// Fills values of rows, lane by lane, with what `tell` makes of what each lane would see.
    fn value(
        &mut self,
        (arena, rows): (&dyn Imagination, &Rows<'_>),
        out: &mut Values,
        mut tell: impl FnMut(Columns<'_>, &mut [f64]) -> Result<()>,
    ) -> Result<()> {
        for (lane, values) in out.value.chunks_exact_mut(rows.len().max(1)).enumerate().take(self.spec.members) {
            tell(self.see(arena, rows, lane)?, values)?;
        }
        Ok(())
    }
}

/// The arena.
pub(crate) struct Guided<'a> {
    pub(crate) arena: &'a mut dyn Imagination,
    pub(crate) policy: &'a mut dyn Policy,
    pub(crate) asking: &'a mut Asking,
    /// What steps pay.
    pub(crate) pay: Pay,
}

impl ArenaWrapper for Guided<'_> {
    fn inner(&self) -> &dyn Imagination {
        self.arena
    }

    fn inner_mut(&mut self) -> &mut dyn Imagination {
        self.arena
    }

    fn spec(&self) -> &ModelSpec {
        &self.asking.spec
    }

    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        self.arena.step(from, actions, to, key, out)?;
        if self.pay == Pay::Epistemic {
            let each = out.reward.iter_mut().zip(&out.epistemic);
            // A row that diverged stays marked.
            each.for_each(|(reward, epistemic)| *reward = if reward.is_finite() { *epistemic } else { *reward });
        }
        Ok(())
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        let policy = &mut self.policy;
        self.asking.value((self.arena, &rows), out, |seen, values| policy.value(seen, values))
    }

    /// Lanes share an action, which their first one is asked for.
    fn prior(&mut self, rows: Rows<'_>, out: &mut Priors) -> Result<()> {
        self.policy.prior(self.asking.see(self.arena, &rows, 0)?, out)
    }
}

/// An arena whose rows are worth what was learned of them, which is an end for plans; where a policy leads them, it proposes actions.
pub(crate) struct Closed<'a> {
    pub(crate) arena: &'a mut dyn Imagination,
    pub(crate) value: &'a mut dyn LearnedValue,
    pub(crate) asking: &'a mut Asking,
    /// What proposes actions; while there is none that has learned anything, all of them.
    pub(crate) lead: Lead<'a>,
    /// Whether what is not known is hoped to be worth much.
    pub(crate) hope: bool,
}

/// A policy that leads plans.
pub(crate) type Lead<'a> = Option<&'a mut (dyn Policy + 'static)>;

/// Deviation of what nobody proposes anything of, in units of half the range of a number: draws reach everywhere, and no action is unlikely.
const ANYTHING: f64 = 10.0;

impl ArenaWrapper for Closed<'_> {
    fn inner(&self) -> &dyn Imagination {
        self.arena
    }

    fn inner_mut(&mut self) -> &mut dyn Imagination {
        self.arena
    }

    fn spec(&self) -> &ModelSpec {
        &self.asking.spec
    }

    fn value(&mut self, rows: Rows<'_>, out: &mut Values) -> Result<()> {
        let (value, hope) = (&mut self.value, self.hope);
        self.asking.value((self.arena, &rows), out, |seen, values| value.value(seen, hope, values))
    }

    fn prior(&mut self, rows: Rows<'_>, out: &mut Priors) -> Result<()> {
        if let Some(lead) = &mut self.lead {
            return lead.prior(self.asking.see(self.arena, &rows, 0)?, out);
        }
        anything(&self.asking.spec.action_space, rows.len(), out);
        Ok(())
    }
}

/// What a policy that has learned nothing would propose of so many rows.
fn anything(space: &Space, rows: usize, out: &mut Priors) {
    out.mean.clear();
    out.std.clear();
    match space {
        Space::Box { low, high, .. } => {
            for _ in 0..rows {
                for (low, high) in low.iter().zip(high) {
                    let (middle, half) =
                        if is_bounded(*low, *high) { (0.5 * (low + high), 0.5 * (high - low)) } else { (0.0, 1.0) };
                    out.mean.push(middle);
                    out.std.push(ANYTHING * half);
                }
            }
        }
        choices => out.mean.resize(rows * choices.flat_dim(), 0.0),
    }
}
