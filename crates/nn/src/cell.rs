//! A latent model's step as part of a graph: what models implement, policies unroll and imagination runs.

use worldwright_core::{Result, Rng};

use crate::graph::{Graph, Node};

/// A latent state on a graph: its parts, such as a deterministic and a drawn one, in the cell's own order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latent {
    /// The parts.
    pub parts: Vec<Node>,
}

impl Latent {
    /// All parts side by side: what heads, policies and values look at.
    ///
    /// # Errors
    /// As for [`Graph::concat`].
    pub fn feature(&self, graph: &mut Graph) -> Result<Node> {
        match self.parts.as_slice() {
            [whole] => Ok(*whole),
            parts => graph.concat(parts),
        }
    }
}

/// What a step of a [`Cell`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stepped {
    /// The latent that the action leads to.
    pub latent: Latent,
    /// The reward of the step, in one column.
    pub reward: Node,
    /// The probability that the episode goes on, in one column.
    pub continues: Node,
}

/// One step of a latent model. Its parameters are bound by whoever unrolls it: [`Graph::learn`] in the model's learner, [`Graph::freeze`] in a policy's.
pub trait Cell {
    /// The latent before anything was seen, `rows` rows a sample: one for a sequence to be filtered, T to imagine from each of its steps.
    ///
    /// # Errors
    /// As for the operations that it records.
    fn begin(&self, graph: &mut Graph, rows: usize) -> Result<Latent>;

    /// The latent after `action`, with `noise` for what is drawn. Actions are as networks are told them, see
    /// [`ActionHead`](worldwright_core::ActionHead): numbers in [−1, 1], or choices one-hot.
    ///
    /// # Errors
    /// As for the operations that it records.
    fn step(&self, graph: &mut Graph, latent: &Latent, action: Node, noise: Node) -> Result<Stepped>;

    /// Columns of the noise that a step takes.
    fn noise(&self) -> usize;

    /// Fills the noise of any number of steps with what it is to be drawn from: standard normal numbers, unless a cell says otherwise.
    fn draw(&self, rng: &mut Rng, noise: &mut [f32]) {
        rng.fill_normal(noise);
    }
}

/// Latents apart from any graph, `N` of them: the beliefs that imagination starts from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Starts {
    /// Each part `[N][columns]`, in the cell's own order.
    pub parts: Vec<Vec<f32>>,
    /// The probability that the episode goes on from each `[N]`: zero where the task has ended.
    pub continues: Vec<f32>,
}

impl Starts {
    /// N, how many.
    pub fn len(&self) -> usize {
        self.continues.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.continues.is_empty()
    }
}
