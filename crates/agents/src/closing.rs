//! What plans end in, learned as they are carried out.

use worldwright_core::{
    Batch, Budget, Experience, Imagination, Interrupt, Key, Metrics, ModelSpec, PlanReport, Planner, Result, Rng,
    State, find,
};
use worldwright_policies::LearnedValue;

use crate::guided::{Asking, Closed, Lead};
use crate::policy_agent::policy_context;
use crate::updates::Updates;
use crate::{AgentContext, Resolved};

/// Learned values, and when they learn.
pub(crate) struct Closing {
    value: Box<dyn LearnedValue>,
    asking: Asking,
    updates: Updates,
    rng: Rng,
    seen: Batch,
}

impl Closing {
    /// What plays the role of the value beside a planner, or that of the policy where that is all there is to learn; none where the algorithm has no such role.
    /// Plans are `led` by a policy or not.
    pub(crate) fn new(
        spec: &ModelSpec,
        led: bool,
        resolved: &Resolved,
        context: &AgentContext,
    ) -> Result<Option<Self>> {
        let Ok(chosen) = resolved.role("value").or_else(|_| resolved.role("policy")) else { return Ok(None) };
        let entry = find(worldwright_policies::ALL, "policy", &chosen.name)?;
        let inputs = context.observation_space.flat_dim();
        let told = policy_context(inputs, resolved, context)?;
        Ok(Some(Self {
            value: chosen.said(entry.build.valuing(entry.name, &told, &chosen.settings))?,
            asking: Asking::new(spec, (true, led)),
            updates: Updates::new(&resolved.agent)?,
            rng: Key::new(context.seed).fold(6).rng(),
            seen: Batch::zeros(inputs, 1),
        }))
    }

    /// The spec of the arena that plans are made in.
    pub(crate) fn spec(&self) -> &ModelSpec {
        self.asking.spec()
    }

    /// Whether it has learned anything: before that nobody knows what rewards are like, so that there is nothing to hope for.
    pub(crate) fn is_ready(&self) -> bool {
        self.updates.made() > 0
    }

    /// Has a planner improve its plan in an arena, which ends in the values.
    pub(crate) fn improve(
        &mut self,
        planner: &mut dyn Planner,
        arena: &mut dyn Imagination,
        lead: Lead<'_>,
        (budget, hope): (&Budget, bool),
    ) -> Result<PlanReport> {
        let value = self.value.as_mut();
        planner.improve(&mut Closed { arena, value, asking: &mut self.asking, lead, hope }, 0, budget)
    }

    /// How far the values differ of a flat observation.
    pub(crate) fn doubt(&mut self, flat: &[f64]) -> Result<f64> {
        self.seen.columns_mut().set_row(0, flat);
        let mut doubt = [0.0];
        self.value.doubt(self.seen.columns(), &mut doubt)?;
        Ok(doubt[0])
    }

    /// Makes the updates that are due.
    pub(crate) fn learn(&mut self, experience: &dyn Experience, interrupt: &Interrupt) -> Result<Metrics> {
        let (value, rng) = (&mut self.value, &mut self.rng);
        self.updates.make(experience, || value.update(experience, rng, interrupt))
    }

    /// Makes one update.
    pub(crate) fn study(&mut self, experience: &dyn Experience, interrupt: &Interrupt) -> Result<Metrics> {
        let said = self.value.update(experience, &mut self.rng, interrupt)?;
        Ok(self.updates.count(said, false))
    }

    pub(crate) fn weights(&self) -> State {
        let mut state = self.value.weights();
        self.updates.put_made(&mut state);
        state
    }

    pub(crate) fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.value.restore_weights(weights)?;
        self.updates.take_made(weights)
    }

    pub(crate) fn save(&self) -> State {
        let mut state = self.value.save();
        self.updates.save(&mut state);
        state.put("update_rng", self.rng.save());
        state
    }

    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        self.value.restore(state)?;
        self.updates.restore(state)?;
        self.rng.restore(state, "update_rng")
    }
}
