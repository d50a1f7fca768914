//! The networks of a recurrent state-space model, and its step as a cell.

use worldwright_core::{Result, Rng};
use worldwright_nn::{
    Activation, Bins, Cell, Graph, GruCell, KlBalance, Latent, Node, Stepped, Store, Unary, WeightInit,
};

use crate::latent::heads::{Head, Hidden};

/// The share of the uniform distribution in every categorical one, so that no class dies and no divergence is infinite.
const UNIMIX: f32 = 0.01;
/// The bins of rewards.
pub(super) const BINS: Bins = Bins::COARSE;

/// The logarithm of a Gaussian's deviation lies between these: a tenth is PlaNet's least.
const LOG_STD: [f32; 2] = [-std::f32::consts::LN_10, 1.0];

/// What the drawn part is a draw of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Draws {
    /// Classes, one-hot, with the gradient of their probabilities.
    OneHot,
    /// Classes, by the concrete distribution at temperature one, whose gradient is its own (Maddison, Mnih and Teh 2017).
    Soft,
    /// Nothing: probabilities of classes as they are.
    Mean,
    /// As many numbers as there are classes, each normal.
    Gaussian,
}

impl Draws {
    /// As a setting says it, in the order of the variants.
    pub(super) const NAMES: [&str; 4] = ["one-hot", "soft", "mean", "gaussian"];
    pub(super) const ALL: [Self; 4] = [Self::OneHot, Self::Soft, Self::Mean, Self::Gaussian];
}

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
    pub(super) draws: Draws,
    /// Whether the recurrent part remembers; else it knows the last step alone, and what is to be remembered must go through draws.
    pub(super) memory: bool,
}

impl Sizes {
    /// Columns of the drawn part.
    pub(super) fn drawn(&self) -> usize {
        self.groups * self.classes
    }

    /// Columns of what is said of the drawn part: logits, or means and logarithms of deviations.
    fn said(&self) -> usize {
        if self.draws == Draws::Gaussian { 2 * self.drawn() } else { self.drawn() }
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
            prior: Head::new(store, "prior", [sizes.recurrent, width, sizes.said()], init, rng),
            posterior: Head::new(store, "posterior", [sizes.recurrent + width, width, sizes.said()], init, rng),
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
        let before = match self.sizes.memory {
            true => latent.parts[0],
            false => graph.affine(latent.parts[0], 0.0, 0.0)?,
        };
        self.recurrent.record(graph, x, before)
    }

    /// What layers gave as what is said: logits, or means beside logarithms of deviations.
    fn said(&self, graph: &mut Graph, given: Node) -> Result<Node> {
        if self.sizes.draws == Draws::Gaussian {
            let parts = graph.bounded_gaussian(given, self.sizes.drawn(), LOG_STD)?;
            return graph.concat(&parts);
        }
        graph.unimix(given, self.sizes.classes, UNIMIX)
    }

    /// What is said of the drawn part before anything more is seen.
    pub(super) fn prior(&self, graph: &mut Graph, h: Node) -> Result<Node> {
        let given = self.prior.record(graph, h)?;
        self.said(graph, given)
    }

    /// What is said of the drawn part once an observation was seen.
    pub(super) fn posterior(&self, graph: &mut Graph, h: Node, embedded: Node) -> Result<Node> {
        let x = graph.concat(&[h, embedded])?;
        let given = self.posterior.record(graph, x)?;
        self.said(graph, given)
    }

    /// Mean and logarithm of the deviation of a Gaussian that is said.
    fn gaussian(&self, graph: &mut Graph, said: Node) -> Result<[Node; 2]> {
        let drawn = self.sizes.drawn();
        Ok([graph.slice(said, 0, drawn)?, graph.slice(said, drawn, drawn)?])
    }

    /// The drawn part, by noise that is Gumbel's for classes and normal for numbers.
    pub(super) fn draw_from(&self, graph: &mut Graph, said: Node, noise: Node) -> Result<Node> {
        match self.sizes.draws {
            Draws::OneHot => graph.straight_through(said, noise, self.sizes.classes),
            Draws::Soft => {
                let tilted = graph.add(said, noise)?;
                graph.softmax(tilted, self.sizes.classes)
            }
            Draws::Mean => {
                // Graphs of all forms take the same inputs.
                let still = graph.affine(noise, 0.0, 0.0)?;
                let said = graph.add(said, still)?;
                graph.softmax(said, self.sizes.classes)
            }
            Draws::Gaussian => {
                let [mean, log_std] = self.gaussian(graph, said)?;
                let std = graph.unary(log_std, Unary::Exp)?;
                let off = graph.mul(std, noise)?;
                graph.add(mean, off)
            }
        }
    }

    /// How far what is said after an observation is from what was said before it, in one column.
    pub(super) fn divergence(
        &self,
        graph: &mut Graph,
        posterior: Node,
        prior: Node,
        balance: KlBalance,
    ) -> Result<Node> {
        if self.sizes.draws == Draws::Gaussian {
            let (posterior, prior) = (self.gaussian(graph, posterior)?, self.gaussian(graph, prior)?);
            return graph.balanced_gaussian_kl(posterior, prior, balance);
        }
        graph.balanced_kl(posterior, prior, self.sizes.classes, balance)
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
        match self.sizes.draws {
            Draws::Gaussian => rng.fill_normal(noise),
            _ => rng.fill_gumbel(noise),
        }
    }
}
