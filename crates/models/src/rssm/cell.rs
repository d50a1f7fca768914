//! The networks of a recurrent state-space model, and its step as a cell.

use worldwright_core::{Result, Rng};
use worldwright_nn::{Activation, Bins, Cell, Graph, GruCell, Latent, Node, Stepped, Store, Unary, WeightInit};

use crate::latent::heads::{Head, Hidden};

/// The share of the uniform distribution in every categorical one, so that no class dies and no divergence is infinite.
const UNIMIX: f32 = 0.01;
/// The bins of rewards.
pub(super) const BINS: Bins = Bins::COARSE;

/// How large everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    /// O, numbers of a flat observation.
    pub(super) observation: usize,
    /// Columns of an action as networks are told it.
    pub(super) action: usize,
    /// Units of the recurrent part.
    pub(super) recurrent: usize,
    /// Categorical distributions of the drawn part.
    pub(super) groups: usize,
    /// Classes of each.
    pub(super) classes: usize,
    /// Width of every hidden layer.
    pub(super) hidden: usize,
    /// Whether draws are soft.
    pub(super) soft: bool,
}

impl Sizes {
    /// Columns of the drawn part.
    pub(super) fn drawn(&self) -> usize {
        self.groups * self.classes
    }

    /// Numbers of a whole latent.
    pub(super) fn latent(&self) -> usize {
        self.recurrent + self.drawn()
    }
}

/// The networks. A latent has two parts: `h`, the recurrent one, and `z`, the drawn one.
#[derive(Debug, Clone)]
pub(super) struct RssmCell {
    pub(super) sizes: Sizes,
    encoder: [Hidden; 2],
    input: Hidden,
    recurrent: GruCell,
    prior: Head,
    posterior: Head,
    decoder: Head,
    reward: Head,
    continues: Head,
}

impl RssmCell {
    /// Declares the parameters.
    pub(super) fn new(store: &mut Store, sizes: Sizes, rng: &mut Rng) -> Self {
        let (width, latent, drawn, init) = (sizes.hidden, sizes.latent(), sizes.drawn(), WeightInit::LinearDefault);
        let first = Hidden::new(store, "encoder.0", sizes.observation, width, rng);
        Self {
            sizes,
            encoder: [first, Hidden::new(store, "encoder.1", width, width, rng)],
            input: Hidden::new(store, "input", drawn + sizes.action, width, rng),
            recurrent: GruCell::new(store, "recurrent", width, sizes.recurrent, init, rng),
            prior: Head::new(store, "prior", [sizes.recurrent, width, drawn], init, rng),
            posterior: Head::new(store, "posterior", [sizes.recurrent + width, width, drawn], init, rng),
            decoder: Head::new(store, "decoder", [latent, width, sizes.observation], init, rng),
            // Zero, so that a model that knows nothing of rewards and ends promises none: dreams of them are what a policy would learn first.
            reward: Head::new(store, "reward", [latent, width, BINS.count], WeightInit::Zero, rng),
            continues: Head::new(store, "continues", [latent, width, 1], WeightInit::Zero, rng),
        }
    }

    /// What the posterior is told of observations, any number of rows of `[O]`.
    pub(super) fn embed(&self, graph: &mut Graph, observations: Node) -> Result<Node> {
        let x = graph.unary(observations, Unary::Symlog)?;
        let x = self.encoder[0].record(graph, x)?;
        self.encoder[1].record(graph, x)
    }

    /// The recurrent part after an action.
    pub(super) fn advance(&self, graph: &mut Graph, latent: &Latent, action: Node) -> Result<Node> {
        let x = graph.concat(&[latent.parts[1], action])?;
        let x = self.input.record(graph, x)?;
        self.recurrent.record(graph, x, latent.parts[0])
    }

    /// Logits of the drawn part before anything more is seen.
    pub(super) fn prior(&self, graph: &mut Graph, h: Node) -> Result<Node> {
        let logits = self.prior.record(graph, h)?;
        graph.unimix(logits, self.sizes.classes, UNIMIX)
    }

    /// Logits of the drawn part once an observation was seen.
    pub(super) fn posterior(&self, graph: &mut Graph, h: Node, embedded: Node) -> Result<Node> {
        let x = graph.concat(&[h, embedded])?;
        let logits = self.posterior.record(graph, x)?;
        graph.unimix(logits, self.sizes.classes, UNIMIX)
    }

    /// The drawn part: one-hot with the gradient of the probabilities, or the concrete distribution at temperature one (Maddison, Mnih and Teh 2017),
    /// whose gradient is its own.
    pub(super) fn draw_from(&self, graph: &mut Graph, logits: Node, gumbel: Node) -> Result<Node> {
        if self.sizes.soft {
            let tilted = graph.add(logits, gumbel)?;
            graph.softmax(tilted, self.sizes.classes)
        } else {
            graph.straight_through(logits, gumbel, self.sizes.classes)
        }
    }

    /// The symlog of the observations that features predict.
    pub(super) fn decode(&self, graph: &mut Graph, feature: Node) -> Result<Node> {
        self.decoder.record(graph, feature)
    }

    /// Logits over [`BINS`] of the reward of the step that led to a feature.
    pub(super) fn reward(&self, graph: &mut Graph, feature: Node) -> Result<Node> {
        self.reward.record(graph, feature)
    }

    /// The logit that the episode goes on.
    pub(super) fn continues(&self, graph: &mut Graph, feature: Node) -> Result<Node> {
        self.continues.record(graph, feature)
    }
}

impl Cell for RssmCell {
    fn begin(&self, graph: &mut Graph, rows: usize) -> Result<Latent> {
        let h = graph.constant(rows, self.sizes.recurrent, 0.0)?;
        Ok(Latent { parts: vec![h, graph.constant(rows, self.sizes.drawn(), 0.0)?] })
    }

    fn step(&self, graph: &mut Graph, latent: &Latent, action: Node, noise: Node) -> Result<Stepped> {
        let h = self.advance(graph, latent, action)?;
        let logits = self.prior(graph, h)?;
        let z = self.draw_from(graph, logits, noise)?;
        let latent = Latent { parts: vec![h, z] };
        let feature = latent.feature(graph)?;
        let reward = self.reward(graph, feature)?;
        let reward = graph.two_hot_mean(reward, BINS)?;
        let continues = self.continues(graph, feature)?;
        let continues = graph.activation(continues, Activation::Sigmoid)?;
        Ok(Stepped { latent, reward, continues })
    }

    fn noise(&self) -> usize {
        self.sizes.drawn()
    }

    fn draw(&self, rng: &mut Rng, noise: &mut [f32]) {
        rng.fill_gumbel(noise);
    }
}
