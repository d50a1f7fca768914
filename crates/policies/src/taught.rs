//! Policies as they learn: the actor that they act by, and beside it a teacher, which holds what only learning needs.

use worldwright_core::{Batch, Columns, Mode, Persist, Policy, Result, Rng, State};

use crate::acting::Acting;

/// An actor with its teacher. How the teacher teaches is the policy's own; acting, and what is saved, are here.
pub(crate) struct Taught<T> {
    pub(crate) acting: Acting,
    pub(crate) teacher: T,
}

/// What only learning needs.
pub(crate) trait Teacher: Send {
    /// Puts into a state what learning goes on by, beside the actor.
    fn save(&self, state: &mut State);

    /// Takes it on.
    fn restore(&mut self, state: &State) -> Result<()>;
}

impl<T: Teacher> Policy for Taught<T> {
    fn inputs(&self) -> usize {
        self.acting.inputs()
    }

    fn act(&mut self, inputs: Columns<'_>, mode: Mode, rng: &mut Rng, out: &mut Batch) -> Result<()> {
        self.acting.act(inputs, mode, rng, out)
    }

    fn weights(&self) -> State {
        self.acting.weights()
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.acting.restore_weights(weights)
    }
}

impl<T: Teacher> Persist for Taught<T> {
    fn save(&self) -> State {
        let mut state = self.acting.weights();
        state.put("sizes", self.acting.head().sizes(self.acting.inputs()));
        self.teacher.save(&mut state);
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.acting.head().check_sizes(self.acting.inputs(), state)?;
        self.acting.restore_weights(state)?;
        self.teacher.restore(state)
    }
}
