//! A policy's decision: from what is seen to an action, by the spaces of a task.

use worldwright_core::{Action, Actions, Batch, Columns, Mode, Observation, Policy, Result, Rng, Space};

use crate::AgentContext;

/// The spaces, with room for a decision.
pub(crate) struct Deciding {
    observation_space: Space,
    action_space: Space,
    /// Numbers of a flat observation.
    width: usize,
    /// What the policy sees: an observation, and behind it what it is told besides.
    seen: Batch,
    flat: Vec<f64>,
    chosen: Batch,
}

impl Deciding {
    /// Room for decisions in the task of a context.
    pub(crate) fn new(context: &AgentContext) -> Self {
        Self::told_more(context, 0)
    }

    /// The same of a policy that is told so many numbers besides an observation.
    pub(crate) fn told_more(context: &AgentContext, more: usize) -> Self {
        let (width, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
        let o = width + more;
        Self {
            width,
            observation_space: context.observation_space.clone(),
            action_space: context.action_space.clone(),
            seen: Batch::zeros(o, 1),
            flat: vec![0.0; o.max(a)],
            chosen: Batch::zeros(a, 1),
        }
    }

    /// Numbers of a flat observation and of a flat action.
    pub(crate) fn dims(&self) -> [usize; 2] {
        [self.width, self.chosen.dims()]
    }

    /// Refuses a foreign observation.
    ///
    /// # Errors
    /// As for [`Space::flatten`].
    pub(crate) fn check(&mut self, observation: &Observation) -> Result<()> {
        self.observation_space.flatten(observation, &mut self.flat[..self.width])
    }

    /// A flat observation as policies see it.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub(crate) fn see(&mut self, observation: &Observation) -> Result<Columns<'_>> {
        self.check(observation)?;
        let width = self.seen.dims();
        self.seen.columns_mut().set_row(0, &self.flat[..width]);
        Ok(self.seen.columns())
    }

    /// An action at random.
    pub(crate) fn random(&self, rng: &mut Rng) -> Action {
        self.action_space.sample(rng)
    }

    /// What the policy does.
    ///
    /// # Errors
    /// What the policy gives; [`Error::Shape`](worldwright_core::Error::Shape) for a foreign observation.
    pub(crate) fn act<P: Policy + ?Sized>(
        &mut self,
        policy: &mut P,
        observation: &Observation,
        mode: Mode,
        rng: &mut Rng,
    ) -> Result<Action> {
        self.act_told(policy, observation, mode, rng, |_, _| Ok(()))
    }

    /// The same where `tell` first writes, behind the numbers of the observation, what the policy is told besides.
    ///
    /// # Errors
    /// As there, and what `tell` gives.
    pub(crate) fn act_told<P: Policy + ?Sized>(
        &mut self,
        policy: &mut P,
        observation: &Observation,
        mode: Mode,
        rng: &mut Rng,
        tell: impl FnOnce(&mut P, &mut [f64]) -> Result<()>,
    ) -> Result<Action> {
        self.check(observation)?;
        let inputs = self.seen.dims();
        tell(policy, &mut self.flat[..inputs])?;
        self.seen.columns_mut().set_row(0, &self.flat[..inputs]);
        policy.act(self.seen.columns(), mode, rng, &mut self.chosen)?;
        let action = &mut self.flat[..self.chosen.dims()];
        self.chosen.columns().copy_row(0, action);
        self.action_space.unflatten(action)
    }
}

/// Flat actions as an arena takes them.
pub(crate) fn actions<'a>(space: &Space, chosen: &'a Batch, choices: &'a mut Vec<u32>) -> Actions<'a> {
    if !matches!(space, Space::Discrete { .. }) {
        return Actions::Continuous(chosen.columns());
    }
    choices.clear();
    for row in 0..chosen.rows() {
        let columns = chosen.columns();
        let taken = (0..columns.dims()).find(|dim| columns.get(row, *dim) > 0.5);
        choices.push(taken.unwrap_or(0) as u32);
    }
    Actions::Discrete(choices)
}
