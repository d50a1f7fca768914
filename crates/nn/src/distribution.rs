//! Distributions put together from operations: what policies and latent models say of their draws.

use worldwright_core::Result;

use crate::{
    activation::Activation,
    graph::{Graph, Node},
    op::Unary,
};

const HALF_LOG_TAU: f32 = 0.918_938_5;

/// How the two halves of a latent model's divergence are weighed, see [`Graph::balanced_kl`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KlBalance {
    /// Weight of `KL(stop(posterior) ‖ prior)`, which trains the prior.
    pub dynamics: f32,
    /// Weight of `KL(posterior ‖ stop(prior))`, which trains the posterior.
    pub representation: f32,
    /// Divergence that costs nothing.
    pub free_nats: f32,
}

impl Default for KlBalance {
    /// DreamerV3's: 1, 0.1, and one free nat.
    fn default() -> Self {
        Self { dynamics: 1.0, representation: 0.1, free_nats: 1.0 }
    }
}

/// A draw of a policy and its log-probability.
#[derive(Debug, Clone, Copy)]
pub struct Drawn {
    /// The action, in [−1, 1] for a squashed one.
    pub action: Node,
    /// The logarithm of its density, in one column.
    pub log_prob: Node,
}

impl Graph {
    /// `ln N(x; mean, e^log_std)`, number by number.
    ///
    /// # Errors
    /// As for [`add`](Self::add); so do all of these.
    pub fn gaussian_log_prob(&mut self, mean: Node, log_std: Node, x: Node) -> Result<Node> {
        let twice = self.affine(log_std, 2.0, 0.0)?;
        let loss = self.gaussian_nll(mean, twice, x)?;
        self.affine(loss, -0.5, -HALF_LOG_TAU)
    }

    /// `KL(N(mean, e^log_std) ‖ N(other mean, e^other log_std))`, number by number.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn gaussian_kl(&mut self, [mean, log_std]: [Node; 2], [other, other_log_std]: [Node; 2]) -> Result<Node> {
        // ½ ((σ² + (μ − ν)²) / τ² − 1) + ln τ − ln σ
        let ratio = self.sub(log_std, other_log_std)?;
        let twice = self.affine(ratio, 2.0, 0.0)?;
        let spread = self.unary(twice, Unary::Exp)?;
        let other_twice = self.affine(other_log_std, 2.0, 0.0)?;
        let off = self.gaussian_nll(mean, other_twice, other)?;
        // The likelihood holds `2 ln τ` beside the squared distance.
        let off = self.sub(off, other_twice)?;
        let sum = self.add(spread, off)?;
        let half = self.affine(sum, 0.5, -0.5)?;
        self.sub(half, ratio)
    }

    /// Mean and logarithm of the deviation of each of `columns` numbers, from the `2 columns` that layers gave; the logarithm is brought between bounds by the
    /// hyperbolic tangent.
    ///
    /// # Errors
    /// As for [`slice`](Self::slice).
    pub fn bounded_gaussian(&mut self, given: Node, columns: usize, log_std: [f32; 2]) -> Result<[Node; 2]> {
        let mean = self.slice(given, 0, columns)?;
        let spread = self.slice(given, columns, columns)?;
        let spread = self.activation(spread, Activation::Tanh)?;
        let half = 0.5 * (log_std[1] - log_std[0]);
        Ok([mean, self.affine(spread, half, log_std[0] + half)?])
    }

    /// `tanh(mean + e^log_std · noise)` and its log-probability (Haarnoja et al. 2018, "Soft Actor-Critic Algorithms and Applications", appendix C):
    /// `ln N(u) − 2 Σ (ln 2 − u − softplus(−2u))`, which does not lose digits where the tangent is flat.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn squashed_gaussian(&mut self, mean: Node, log_std: Node, noise: Node) -> Result<Drawn> {
        let std = self.unary(log_std, Unary::Exp)?;
        let off = self.mul(std, noise)?;
        let u = self.add(mean, off)?;
        let action = self.activation(u, Activation::Tanh)?;
        // Of the draw as a function of the noise, the exponent is the noise's own and constant.
        let square = self.unary(noise, Unary::Square)?;
        let normal = self.affine(square, -0.5, -HALF_LOG_TAU)?;
        let normal = self.sub(normal, log_std)?;
        let turned = self.affine(u, -2.0, 0.0)?;
        let flat = self.activation(turned, Activation::Softplus)?;
        let both = self.add(u, flat)?;
        let change = self.affine(both, 2.0, -2.0 * std::f32::consts::LN_2)?;
        let each = self.add(normal, change)?;
        Ok(Drawn { action, log_prob: self.sum_columns(each)? })
    }

    /// Logits of `(1 − share) softmax(logits) + share / classes`, so that no class ever dies (Hafner et al. 2023).
    ///
    /// # Errors
    /// As for [`softmax`](Self::softmax).
    pub fn unimix(&mut self, logits: Node, classes: usize, share: f32) -> Result<Node> {
        let p = self.softmax(logits, classes)?;
        let mixed = self.affine(p, 1.0 - share, share / classes.max(1) as f32)?;
        self.unary(mixed, Unary::Log)
    }

    /// The log-probability of one-hot draws, a column a group of `classes` columns.
    ///
    /// # Errors
    /// As for [`softmax`](Self::softmax).
    pub fn categorical_log_prob(&mut self, logits: Node, one_hot: Node, classes: usize) -> Result<Node> {
        let loss = self.cross_entropy(logits, one_hot, classes)?;
        self.affine(loss, -1.0, 0.0)
    }

    /// The entropy of each group of `classes` columns of logits.
    ///
    /// # Errors
    /// As for [`softmax`](Self::softmax).
    pub fn categorical_entropy(&mut self, logits: Node, classes: usize) -> Result<Node> {
        let (p, log_p) = (self.softmax(logits, classes)?, self.log_softmax(logits, classes)?);
        let terms = self.mul(p, log_p)?;
        let sum = self.sum_groups(terms, classes)?;
        self.affine(sum, -1.0, 0.0)
    }

    /// A latent model's divergence of posterior from prior, both given by logits, with free nats and balance (Hafner et al. 2021 and 2023):
    /// `dynamics max(free, KL(stop(posterior) ‖ prior)) + representation max(free, KL(posterior ‖ stop(prior)))`, in one column.
    ///
    /// # Errors
    /// As for [`softmax`](Self::softmax).
    pub fn balanced_kl(&mut self, posterior: Node, prior: Node, classes: usize, balance: KlBalance) -> Result<Node> {
        let (held_posterior, held_prior) = (self.detach(posterior)?, self.detach(prior)?);
        let dynamics = self.categorical_kl(held_posterior, prior, classes)?;
        let representation = self.categorical_kl(posterior, held_prior, classes)?;
        self.balanced(dynamics, representation, balance)
    }

    /// The same of two Gaussians, each given by mean and logarithm of the deviation; free nats are of all numbers together.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn balanced_gaussian_kl(&mut self, posterior: [Node; 2], prior: [Node; 2], balance: KlBalance) -> Result<Node> {
        let held_posterior = [self.detach(posterior[0])?, self.detach(posterior[1])?];
        let held_prior = [self.detach(prior[0])?, self.detach(prior[1])?];
        let dynamics = self.gaussian_kl(held_posterior, prior)?;
        let dynamics = self.sum_columns(dynamics)?;
        let representation = self.gaussian_kl(posterior, held_prior)?;
        let representation = self.sum_columns(representation)?;
        self.balanced(dynamics, representation, balance)
    }

    /// Two divergences, each with its free nats, weighed.
    fn balanced(&mut self, dynamics: Node, representation: Node, balance: KlBalance) -> Result<Node> {
        let dynamics = self.floor(dynamics, balance.free_nats)?;
        let representation = self.floor(representation, balance.free_nats)?;
        let dynamics = self.affine(dynamics, balance.dynamics, 0.0)?;
        let representation = self.affine(representation, balance.representation, 0.0)?;
        self.add(dynamics, representation)
    }
}
