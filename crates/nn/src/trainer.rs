//! A tape, its parameters and their optimiser, put together: one call a training step.

use worldwright_core::{Persist, Result, Rng, State};

use crate::{
    adam::{Adam, AdamConfig},
    parameters::Parameters,
    runner::{Feed, Runner},
    tape::Tape,
};

/// Trains the parameters of a tape. A step allocates nothing.
#[derive(Debug, Clone)]
pub struct Trainer {
    /// The learned numbers.
    pub parameters: Parameters,
    /// The optimiser.
    pub adam: Adam,
    runner: Runner,
}

impl Trainer {
    /// Initialises the parameters from `rng` and makes room for batches of up to `rows` rows a member.
    pub fn new(tape: Tape, rows: usize, config: AdamConfig, rng: &mut Rng) -> Self {
        let parameters = tape.initialise(rng);
        let adam = Adam::new(&parameters, config);
        Self { parameters, adam, runner: Runner::new(tape, rows) }
    }

    /// One step on a batch of `rows` rows a member. Returns the loss before the step: the sum of the members' losses and the penalties.
    ///
    /// # Errors
    /// [`Error::Shape`](worldwright_core::Error::Shape) when a feed does not hold what the tape takes. A loss that is not finite is no error.
    pub fn step(&mut self, rows: usize, feeds: &[Feed<'_>]) -> Result<f64> {
        self.runner.forward_backward(&self.parameters, rows, feeds)?;
        let loss: f64 = (0..self.runner.tape().members()).map(|member| self.runner.loss(member)).sum();
        Ok(loss + self.adam.step(&mut self.parameters, &self.runner))
    }

    /// Each member's data loss on `rows` rows, any number of them.
    ///
    /// # Errors
    /// As for [`Runner::evaluate`].
    pub fn evaluate(&mut self, rows: usize, feeds: &[Feed<'_>], losses: &mut [f64]) -> Result<()> {
        self.runner.evaluate(&self.parameters, rows, feeds, losses)
    }

    /// The data loss of one member in the last step.
    pub fn member_loss(&self, member: usize) -> f64 {
        self.runner.loss(member)
    }

    /// Forgets the optimiser's moments, as before a fit to new data.
    pub fn reset_optimiser(&mut self) {
        self.adam = Adam::new(&self.parameters, self.adam.config);
    }

    /// Room and passes, for values, gradients and Jacobians.
    pub fn runner(&mut self) -> (&mut Runner, &Parameters) {
        (&mut self.runner, &self.parameters)
    }
}

impl Persist for Trainer {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("parameters", self.parameters.save());
        state.put_all("adam", self.adam.save());
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.parameters.restore(&state.part("parameters"))?;
        self.adam.restore(&state.part("adam"))
    }
}
