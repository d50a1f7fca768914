//! What was asked of the world, of models and of gradients, counted as work goes on.
//!
//! Whoever works hands the counts on by the [`Interrupt`](crate::Interrupt) that it is given anyway. They are sums of whole numbers, so that they are the same
//! whatever order threads come in.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// A step of one row of a model, learned or known.
    ModelStep,
    /// A gradient of a loss over a batch.
    Gradient,
    /// A transition that a reward which is known as a function was asked of.
    Reward,
}

/// How often each was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// Steps of rows of a model.
    pub model_steps: u64,
    /// Gradients of a loss over a batch.
    pub gradients: u64,
    /// Transitions that a known reward was asked of.
    pub rewards: u64,
}

/// The counts, as threads share them.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    model_steps: AtomicU64,
    gradients: AtomicU64,
    rewards: AtomicU64,
}

impl Meter {
    pub(crate) fn count(&self, call: Call, times: u64) {
        let counter = match call {
            Call::ModelStep => &self.model_steps,
            Call::Gradient => &self.gradients,
            Call::Reward => &self.rewards,
        };
        counter.fetch_add(times, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Calls {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Calls { model_steps: of(&self.model_steps), gradients: of(&self.gradients), rewards: of(&self.rewards) }
    }

    pub(crate) fn set(&self, calls: Calls) {
        self.model_steps.store(calls.model_steps, Ordering::Relaxed);
        self.gradients.store(calls.gradients, Ordering::Relaxed);
        self.rewards.store(calls.rewards, Ordering::Relaxed);
    }
}
