//! The networks of a value-equivalent model, and its step as a cell.

use worldwright_core::{Result, Rng};
use worldwright_nn::{Activation, Bins, Cell, Graph, Latent, Linear, Node, Stepped, Store, Unary, WeightInit};

use crate::latent::heads::{Head, Hidden};

/// The bins of rewards and values.
pub(super) const BINS: Bins = Bins::COARSE;

/// How large everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    /// O, numbers of a flat observation.
    pub(super) observation: usize,
    /// A, choices.
    pub(super) actions: usize,
    /// Z, numbers of a latent.
    pub(super) latent: usize,
    /// Numbers of each of a latent's simplices.
    pub(super) simplex: usize,
    /// Width of every hidden layer.
    pub(super) hidden: usize,
}

/// What a step leads to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Advanced {
    /// The next latent.
    pub(super) latent: Node,
    /// Logits over [`BINS`] of the reward.
    pub(super) reward: Node,
    /// The logit that the episode goes on.
    pub(super) continues: Node,
}

/// The networks. A latent has one part.
#[derive(Debug, Clone)]
pub(super) struct MuzeroCell {
    pub(super) sizes: Sizes,
    encoder: [Hidden; 2],
    encoded: Linear,
    dynamics: [Hidden; 2],
    moved: Linear,
    reward: Head,
    continues: Head,
    policy: Head,
    value: Head,
}

impl MuzeroCell {
    /// Declares the parameters.
    pub(super) fn new(store: &mut Store, sizes: Sizes, rng: &mut Rng) -> Self {
        let (width, latent, init) = (sizes.hidden, sizes.latent, WeightInit::LinearDefault);
        // A model that knows nothing has no opinion of what to do and of what it is worth: searches would follow it.
        let none = WeightInit::Zero;
        let encoder = [
            Hidden::new(store, "encoder.0", sizes.observation, width, rng),
            Hidden::new(store, "encoder.1", width, width, rng),
        ];
        let dynamics = [
            Hidden::new(store, "dynamics.0", latent + sizes.actions, width, rng),
            Hidden::new(store, "dynamics.1", width, width, rng),
        ];
        Self {
            sizes,
            encoder,
            encoded: Linear::new(store, "encoder.out", width, latent, init, rng),
            dynamics,
            moved: Linear::new(store, "dynamics.out", width, latent, init, rng),
            reward: Head::new(store, "reward", [width, width, BINS.count], none, rng),
            continues: Head::new(store, "continues", [width, width, 1], none, rng),
            policy: Head::new(store, "policy", [latent, width, sizes.actions], none, rng),
            value: Head::new(store, "value", [latent, width, BINS.count], none, rng),
        }
    }

    /// The latents of observations, any number of rows of `[O]`.
    pub(super) fn represent(&self, graph: &mut Graph, observations: Node) -> Result<Node> {
        let mut x = graph.unary(observations, Unary::Symlog)?;
        for layer in &self.encoder {
            x = layer.record(graph, x)?;
        }
        let x = self.encoded.record(graph, x, Activation::Identity)?;
        graph.sim_norm(x, self.sizes.simplex)
    }

    /// The next latents, and what the dynamics say of the steps in `[W]` numbers that [`paid`](Self::paid) reads.
    pub(super) fn advance(&self, graph: &mut Graph, latent: Node, action: Node) -> Result<(Node, Node)> {
        let mut x = graph.concat(&[latent, action])?;
        for layer in &self.dynamics {
            x = layer.record(graph, x)?;
        }
        let moved = self.moved.record(graph, x, Activation::Identity)?;
        Ok((graph.sim_norm(moved, self.sizes.simplex)?, x))
    }

    /// Logits over [`BINS`] of the rewards of steps, and logits that the episode goes on.
    pub(super) fn paid(&self, graph: &mut Graph, steps: Node) -> Result<(Node, Node)> {
        Ok((self.reward.record(graph, steps)?, self.continues.record(graph, steps)?))
    }

    /// A whole step.
    pub(super) fn advanced(&self, graph: &mut Graph, latent: Node, action: Node) -> Result<Advanced> {
        let (latent, step) = self.advance(graph, latent, action)?;
        let (reward, continues) = self.paid(graph, step)?;
        Ok(Advanced { latent, reward, continues })
    }

    /// Logits of the policy from latents, and logits over [`BINS`] of their values.
    pub(super) fn predict(&self, graph: &mut Graph, latent: Node) -> Result<(Node, Node)> {
        Ok((self.policy.record(graph, latent)?, self.value.record(graph, latent)?))
    }
}

impl Cell for MuzeroCell {
    fn begin(&self, graph: &mut Graph, rows: usize) -> Result<Latent> {
        // Nothing was seen: every simplex is even.
        let even = 1.0 / self.sizes.simplex as f32;
        Ok(Latent { parts: vec![graph.constant(rows, self.sizes.latent, even)?] })
    }

    fn step(&self, graph: &mut Graph, latent: &Latent, action: Node, _noise: Node) -> Result<Stepped> {
        let latent = latent.feature(graph)?;
        let Advanced { latent, reward, continues } = self.advanced(graph, latent, action)?;
        let reward = graph.two_hot_mean(reward, BINS)?;
        let continues = graph.activation(continues, Activation::Sigmoid)?;
        Ok(Stepped { latent: Latent { parts: vec![latent] }, reward, continues })
    }

    fn noise(&self) -> usize {
        0
    }
}
