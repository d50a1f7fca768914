//! A graph, the store that it learns and an optimiser, put together: one call a training step.

use worldwright_core::{Persist, Result, State};

use crate::{
    adam::{Adam, AdamConfig},
    feed::Feed,
    graph::Graph,
    runner::Runner,
    store::Store,
};

/// Trains the one store of a graph. A step allocates nothing. Where several stores, optimisers or targets meet, use [`Runner`] and [`Adam`].
#[derive(Debug, Clone)]
pub struct Trainer {
    /// The learned numbers.
    pub store: Store,
    /// The optimiser.
    pub adam: Adam,
    runner: Runner,
}

impl Trainer {
    /// Makes room for batches of up to `samples` samples a member of a graph that learns `store`.
    pub fn new(graph: Graph, store: Store, samples: usize, config: AdamConfig) -> Self {
        let adam = Adam::new(&store, config);
        Self { store, adam, runner: Runner::new(graph, samples) }
    }

    /// One step on a batch of `samples` samples a member. Returns the loss before the step: the sum of the members' losses and the penalties.
    ///
    /// # Errors
    /// As for [`Runner::forward`]. A loss that is not finite is no error.
    pub fn step(&mut self, samples: usize, feeds: &[Feed<'_>]) -> Result<f64> {
        self.runner.forward_backward(&[&self.store], samples, feeds)?;
        let loss: f64 = (0..self.runner.graph().members()).map(|member| self.runner.loss(member)).sum();
        Ok(loss + self.adam.step(&mut self.store, &self.runner)?)
    }

    /// Each member's data loss on any number of samples.
    ///
    /// # Errors
    /// As for [`Runner::evaluate`].
    pub fn evaluate(&mut self, samples: usize, feeds: &[Feed<'_>], losses: &mut [f64]) -> Result<()> {
        self.runner.evaluate(&[&self.store], samples, feeds, losses)
    }

    /// The data loss of one member in the last step.
    pub fn member_loss(&self, member: usize) -> f64 {
        self.runner.loss(member)
    }

    /// Forgets the optimiser's moments, as before a fit to new data.
    pub fn reset_optimiser(&mut self) {
        self.adam.reset();
    }

    /// Room and passes, for values, gradients and Jacobians.
    pub fn runner(&mut self) -> (&mut Runner, &Store) {
        (&mut self.runner, &self.store)
    }
}

impl Persist for Trainer {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("parameters", self.store.save());
        state.put_all("adam", self.adam.save());
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.store.restore(&state.part("parameters"))?;
        self.adam.restore(&state.part("adam"))
    }
}
