//! What value-equivalent models share: an encoder, and dynamics that say what steps pay and whether the episode goes on.
//!
//! ```text
//! z = h(o)          x = g(z, a)          z' = SimNorm(x W)          r̂, ĉ = heads(x)
//! ```
//!
//! Observations are squashed by symlog, latents are simplices (Hansen, Su and Wang, "TD-MPC2", ICLR 2024), rewards are distributions over bins.

use worldwright_core::{Error, Result, Rng, Settings};
use worldwright_nn::{Activation, Bins, Cell, Graph, Latent, Linear, Node, Stepped, Store, Unary, WeightInit};

use super::heads::{Head, Hidden};

/// How large everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// O, numbers of a flat observation.
    pub(crate) observation: usize,
    /// A, columns of an action as networks are told it.
    pub(crate) actions: usize,
    /// Z, numbers of a latent.
    pub(crate) latent: usize,
    /// Numbers of each of a latent's simplices.
    pub(crate) simplex: usize,
    /// W, width of every hidden layer.
    pub(crate) hidden: usize,
}

impl Sizes {
    /// The sizes that the settings `latent`, `simplex` and `hidden` of the model `who` say, for so many numbers of an observation and columns of an action.
    ///
    /// # Errors
    /// [`Error::Config`] for sizes out of range or that do not divide each other, [`Error::Unsupported`] where nothing is observed.
    pub(crate) fn read(who: &'static str, settings: &Settings, [observation, actions]: [usize; 2]) -> Result<Self> {
        let simplex = settings.count_in("simplex", 2, 4096)?;
        let latent = settings.count_in("latent", 1, 4096)?;
        if !latent.is_multiple_of(simplex) {
            let why = format!("must divide the {latent} numbers of latent, got {simplex}");
            return Err(Error::config("simplex", why));
        }
        if observation == 0 {
            return Err(Error::unsupported(who, "observations without numbers: there is nothing to tell states by"));
        }
        Ok(Self { observation, actions, latent, simplex, hidden: settings.count_in("hidden", 1, 4096)? })
    }
}

/// What a step leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Advanced {
    /// The next latent.
    pub(crate) latent: Node,
    /// Logits over the trunk's bins of the reward.
    pub(crate) reward: Node,
    /// The logit that the episode goes on.
    pub(crate) continues: Node,
}

/// The networks. A latent has one part.
#[derive(Debug, Clone)]
pub(crate) struct Trunk {
    pub(crate) sizes: Sizes,
    /// Of rewards.
    bins: Bins,
    encoder: [Hidden; 2],
    encoded: Linear,
    dynamics: [Hidden; 2],
    moved: Linear,
    reward: Head,
    continues: Head,
}

impl Trunk {
    /// Declares the parameters, for rewards over these bins.
    pub(crate) fn new(store: &mut Store, (sizes, bins): (Sizes, Bins), rng: &mut Rng) -> Self {
        let (width, latent, init) = (sizes.hidden, sizes.latent, WeightInit::LinearDefault);
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
            bins,
            encoder,
            encoded: Linear::new(store, "encoder.out", width, latent, init, rng),
            dynamics,
            moved: Linear::new(store, "dynamics.out", width, latent, init, rng),
            // A model that knows nothing promises nothing: searches would follow it.
            reward: Head::new(store, "reward", [width, width, bins.count], WeightInit::Zero, rng),
            continues: Head::new(store, "continues", [width, width, 1], WeightInit::Zero, rng),
        }
    }

    /// The latents of observations, any number of rows of `[O]`.
    pub(crate) fn represent(&self, graph: &mut Graph, observations: Node) -> Result<Node> {
        let mut x = graph.unary(observations, Unary::Symlog)?;
        for layer in &self.encoder {
            x = layer.record(graph, x)?;
        }
        let x = self.encoded.record(graph, x, Activation::Identity)?;
        graph.sim_norm(x, self.sizes.simplex)
    }

    /// The next latents, and what the dynamics say of the steps in `[W]` numbers that [`paid`](Self::paid) reads.
    pub(crate) fn advance(&self, graph: &mut Graph, latent: Node, action: Node) -> Result<(Node, Node)> {
        let mut x = graph.concat(&[latent, action])?;
        for layer in &self.dynamics {
            x = layer.record(graph, x)?;
        }
        let moved = self.moved.record(graph, x, Activation::Identity)?;
        Ok((graph.sim_norm(moved, self.sizes.simplex)?, x))
    }

    /// Logits over the bins of the rewards of steps, and logits that the episode goes on.
    pub(crate) fn paid(&self, graph: &mut Graph, steps: Node) -> Result<(Node, Node)> {
        Ok((self.reward.record(graph, steps)?, self.continues.record(graph, steps)?))
    }

    /// A whole step.
    pub(crate) fn advanced(&self, graph: &mut Graph, latent: Node, action: Node) -> Result<Advanced> {
        let (latent, step) = self.advance(graph, latent, action)?;
        let (reward, continues) = self.paid(graph, step)?;
        Ok(Advanced { latent, reward, continues })
    }
}

impl Cell for Trunk {
    fn begin(&self, graph: &mut Graph, rows: usize) -> Result<Latent> {
        // Nothing was seen: every simplex is even.
        let even = 1.0 / self.sizes.simplex as f32;
        Ok(Latent { parts: vec![graph.constant(rows, self.sizes.latent, even)?] })
    }

    fn step(&self, graph: &mut Graph, latent: &Latent, action: Node, _noise: Node) -> Result<Stepped> {
        let latent = latent.feature(graph)?;
        let Advanced { latent, reward, continues } = self.advanced(graph, latent, action)?;
        let reward = graph.two_hot_mean(reward, self.bins)?;
        let continues = graph.activation(continues, Activation::Sigmoid)?;
        Ok(Stepped { latent: Latent { parts: vec![latent] }, reward, continues })
    }

    fn noise(&self) -> usize {
        0
    }
}
