//! Distributions over a policy's numbers that move to where episodes pay: one file each.

mod cma_es;
mod openai_es;
mod reps;

use worldwright_core::{Metrics, Result, Rng, Settings, State};

pub(crate) use self::cma_es::CmaEs;
pub(crate) use self::openai_es::OpenAiEs;
pub(crate) use self::reps::Reps;

/// Numbers that acted in an episode, and what it paid.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tried {
    pub(crate) numbers: Vec<f64>,
    pub(crate) paid: f64,
}

/// Builds a distribution over so many numbers from the settings of the agent.
pub(crate) type Begin = fn(usize, &Settings) -> Result<Box<dyn Evolution>>;

/// A distribution over numbers. What it draws depends on it and on the draws of `rng` alone.
pub(crate) trait Evolution: Send {
    /// Episodes of a generation.
    fn population(&self) -> usize;

    /// Generations so far.
    fn generation(&self) -> u64;

    /// The best guess so far.
    fn mean(&self) -> &[f64];

    /// Draws numbers to try. `tried` are those of this generation so far, the newest last.
    fn draw(&self, tried: &[Tried], rng: &mut Rng, out: &mut [f64]);

    /// Moves to where a generation paid.
    fn adapt(&mut self, tried: &[Tried]) -> Result<Metrics>;

    fn save(&self, state: &mut State);

    fn restore(&mut self, state: &State) -> Result<()>;

    /// Takes the best guess on alone.
    fn restore_mean(&mut self, state: &State) -> Result<()>;
}

/// The order of what was tried, the best first; what paid alike stays in the order in which it was tried.
fn ranked(tried: &[Tried]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..tried.len()).collect();
    order.sort_by(|one, other| tried[*other].paid.total_cmp(&tried[*one].paid));
    order
}
