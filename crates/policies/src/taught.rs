//! Policies as they learn: the actor that they act by, and beside it a teacher, which holds what only learning needs.

use worldwright_core::{Batch, Columns, Error, Mode, Persist, Policy, Priors, Result, Rng, Rollout, State, StepColumn};

use crate::acting::Acting;
use crate::judging::Judge;

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

    /// As [`Policy::rollout`].
    fn rollout(&self) -> Option<Rollout> {
        None
    }

    /// Whether it has a judge.
    fn judges(&self) -> bool {
        false
    }

    /// How many critics its judge has.
    fn critics(&self) -> usize {
        0
    }

    /// Whether its judge tells how actions spread, be it without values.
    fn proposes(&self) -> bool {
        self.judges()
    }

    /// As [`Policy::is_soft`].
    fn is_soft(&self) -> bool {
        false
    }

    /// As [`Policy::values`].
    fn values(&mut self, acting: &Acting, inputs: Columns<'_>, _rng: &mut Rng, out: [&mut [f64]; 2]) -> Result<()> {
        self.judge(acting)?.values(acting, inputs, out)
    }

    /// Its judge of inputs, by the newest numbers.
    fn judge(&mut self, _acting: &Acting) -> Result<&mut Judge> {
        Err(Error::unsupported("this policy", "telling values: it has no critic"))
    }

    /// Puts into a state what judging goes by, beside the actor.
    fn save_judge(&self, _state: &mut State) {}

    /// Takes it on; states of earlier versions may lack it.
    fn restore_judge(&mut self, _state: &State) -> Result<()> {
        Ok(())
    }
}

impl<T: Teacher> Policy for Taught<T> {
    fn inputs(&self) -> usize {
        self.acting.inputs()
    }

    fn act(&mut self, inputs: Columns<'_>, mode: Mode, rng: &mut Rng, out: &mut Batch) -> Result<()> {
        self.acting.act(inputs, mode, rng, out)
    }

    fn rollout(&self) -> Option<Rollout> {
        self.teacher.rollout()
    }

    fn columns(&self) -> Vec<StepColumn> {
        self.acting.columns()
    }

    fn keep(&self, row: usize, out: &mut [f64]) {
        self.acting.keep(row, out);
    }

    fn judges(&self) -> bool {
        self.teacher.judges()
    }

    fn proposes(&self) -> bool {
        self.teacher.proposes()
    }

    fn critics(&self) -> usize {
        self.teacher.critics()
    }

    fn is_soft(&self) -> bool {
        self.teacher.is_soft()
    }

    fn values(&mut self, inputs: Columns<'_>, rng: &mut Rng, out: [&mut [f64]; 2]) -> Result<()> {
        self.teacher.values(&self.acting, inputs, rng, out)
    }

    fn value(&mut self, inputs: Columns<'_>, out: &mut [f64]) -> Result<()> {
        self.teacher.judge(&self.acting)?.value(&self.acting, inputs, out)
    }

    fn prior(&mut self, inputs: Columns<'_>, out: &mut Priors) -> Result<()> {
        self.teacher.judge(&self.acting)?.prior(&self.acting, inputs, out)
    }

    fn weights(&self) -> State {
        let mut state = self.acting.weights();
        self.teacher.save_judge(&mut state);
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.acting.restore_weights(weights)?;
        self.teacher.restore_judge(weights)
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
