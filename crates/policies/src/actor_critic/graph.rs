//! Imagination with a policy and a value on one graph, and what both learn by it.

use worldwright_core::{ActionHead, Result, Rng};
use worldwright_nn::{Bins, Cell, Graph, Latent, Mlp, MlpConfig, Node, Objective, Store, Unary};

use crate::acting::Acting;

/// The bins of values.
const BINS: Bins = Bins::COARSE;
/// The share of the uniform distribution in choices, so that none dies.
const UNIMIX: f32 = 0.01;

/// The logarithm of an action's deviation, before the tangent, stays between these.
const LOG_STD: [f32; 2] = [-3.0, 0.0];

/// How what is earned comes back to the actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Through the model's own derivatives, choices as if they were their probabilities.
    Model,
    /// By how likely it was to do what it did.
    Likelihood,
}

impl Way {
    /// As a setting says it: `auto` goes through the model for numbers, and by likelihood for choices.
    pub(super) const NAMES: [&str; 3] = ["auto", "model", "likelihood"];

    /// The way of this number among the names.
    pub(super) fn of(number: usize, choices: usize) -> Self {
        match number {
            0 if choices > 0 => Self::Likelihood,
            0 | 1 => Self::Model,
            _ => Self::Likelihood,
        }
    }
}

/// What is learned in imagination.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Objectives {
    pub(super) way: Way,
    /// H, steps imagined.
    pub(super) horizon: usize,
    pub(super) discount: f32,
    pub(super) lambda: f32,
    /// What a nat of entropy is worth, in scaled returns.
    pub(super) entropy: f32,
}

/// What an actor's layers say of its actions.
enum Said {
    /// Mean and logarithm of the deviation of a normal distribution, which the hyperbolic tangent squashes.
    Gaussian([Node; 2]),
    /// Logits of choices.
    Logits(Node),
}

/// A policy's layers.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    layers: Mlp,
    columns: usize,
    /// 0 for numbers.
    choices: usize,
}

impl Actor {
    /// Declares the parameters: layers as in `config`, which begin without an opinion, means at the middle and deviations wide, or all choices alike.
    pub(super) fn new(store: &mut Store, head: &ActionHead, config: &MlpConfig, rng: &mut Rng) -> Result<Self> {
        let (columns, choices) = (head.columns(), head.choices());
        let outputs = if choices == 0 { 2 * columns } else { choices };
        let layers = Mlp::new(store, "actor", &MlpConfig { outputs, ..config.clone() }, rng);
        layers.silence(store)?;
        if let Some(last) = layers.layers.last() {
            let mut bias = vec![1.0; outputs];
            bias[..columns].fill(0.0);
            store.set(last.bias, &bias)?;
        }
        Ok(Self { layers, columns, choices })
    }

    fn say(&self, g: &mut Graph, seen: Node) -> Result<Said> {
        let out = self.layers.record(g, seen)?;
        if self.choices > 0 {
            return Ok(Said::Logits(g.unimix(out, self.choices, UNIMIX)?));
        }
        Ok(Said::Gaussian(g.bounded_gaussian(out, self.columns, LOG_STD)?))
    }

    /// A way to act by the numbers of `store`.
    pub(super) fn acting(
        &self,
        who: &'static str,
        (inputs, head): (usize, &ActionHead),
        store: Store,
    ) -> Result<Acting> {
        let mut g = Graph::new(1);
        g.freeze(&store);
        let seen = g.input(inputs);
        let action = match self.say(&mut g, seen)? {
            Said::Gaussian([mean, log_std]) => {
                let noise = g.input(self.columns);
                g.squashed_gaussian(mean, log_std, noise)?.action
            }
            Said::Logits(logits) => logits,
        };
        Acting::new(who, (inputs, head), (&g, action), store)
    }

    /// Columns of the noise of an action: Gumbel's for choices, else normal.
    pub(super) fn noise(&self) -> usize {
        self.columns
    }
}

/// A value over bins.
#[derive(Debug, Clone)]
pub(super) struct Critic {
    layers: Mlp,
}

impl Critic {
    /// Declares the parameters: layers as in `config`, which begin by valuing everything at zero.
    pub(super) fn new(store: &mut Store, config: &MlpConfig, rng: &mut Rng) -> Result<Self> {
        let layers = Mlp::new(store, "critic", &MlpConfig { outputs: BINS.count, ..config.clone() }, rng);
        layers.silence(store)?;
        Ok(Self { layers })
    }
}

/// The graph, a start a sample. Its inputs: the parts of a latent, its weight, the inverse of the scale of returns, the noise of the model's steps
/// `[H][…]` and that of the actions `[H][…]`.
pub(super) struct Imagined {
    pub(super) graph: Graph,
    /// λ-returns `[H][1]`.
    pub(super) returns: Node,
    /// Entropies, or estimates of them, `[H][1]`.
    pub(super) entropies: Node,
    /// How likely each step comes to pass, discounted `[H][1]`.
    #[cfg(test)]
    pub(super) weights: Node,
    pub(super) actor_loss: Objective,
    pub(super) critic_loss: Objective,
}

impl Imagined {
    /// Unrolls the model's `cell`, its numbers frozen, together with an actor and a critic that learn and the critic's slow `target`.
    pub(super) fn new(
        (cell, model): (&dyn Cell, &Store),
        (actor, acted): (&Actor, &Store),
        (critic, learned, target): (&Critic, &Store, &Store),
        objectives: &Objectives,
    ) -> Result<Self> {
        let horizon = objectives.horizon;
        let mut graph = Graph::new(1);
        let g = &mut graph;
        g.freeze(model);
        g.learn(acted);
        let begun = cell.begin(g, 1)?;
        let mut latent = Latent { parts: Vec::new() };
        for part in begun.parts {
            let columns = g.shape(part).cols;
            latent.parts.push(g.input(columns));
        }
        let (start, inverse) = (g.input(1), g.input(1));
        let noise = g.input_rows(horizon, cell.noise());
        let action_noise = g.input_rows(horizon, actor.noise());

        let mut weight = start;
        let mut features = vec![latent.feature(g)?];
        let (mut rewards, mut discounts, mut weights, mut log_probs, mut entropies) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for t in 0..horizon {
            let (noise, action_noise) = (g.step(noise, t)?, g.step(action_noise, t)?);
            let feature = features[t];
            let mut action = match actor.say(g, feature)? {
                Said::Gaussian([mean, log_std]) => {
                    let drawn = g.squashed_gaussian(mean, log_std, action_noise)?;
                    entropies.push(g.affine(drawn.log_prob, -1.0, 0.0)?);
                    if objectives.way == Way::Likelihood {
                        // Of what was drawn before the tangent, which changes densities by the same whatever the actor says.
                        let std = g.unary(log_std, Unary::Exp)?;
                        let off = g.mul(std, action_noise)?;
                        let drawn = g.add(mean, off)?;
                        let drawn = g.detach(drawn)?;
                        let each = g.gaussian_log_prob(mean, log_std, drawn)?;
                        log_probs.push(g.sum_columns(each)?);
                    }
                    drawn.action
                }
                Said::Logits(logits) => {
                    let choices = actor.choices;
                    let drawn = g.straight_through(logits, action_noise, choices)?;
                    entropies.push(g.categorical_entropy(logits, choices)?);
                    if objectives.way == Way::Likelihood {
                        let drawn = g.detach(drawn)?;
                        log_probs.push(g.categorical_log_prob(logits, drawn, choices)?);
                    }
                    drawn
                }
            };
            if objectives.way == Way::Likelihood {
                // Its likelihood is what learns, and the model is spared the way back.
                action = g.detach(action)?;
            }
            let stepped = cell.step(g, &latent, action, noise)?;
            weights.push(weight);
            let discount = g.affine(stepped.continues, objectives.discount, 0.0)?;
            weight = g.mul(weight, discount)?;
            rewards.push(stepped.reward);
            discounts.push(discount);
            latent = stepped.latent;
            features.push(latent.feature(g)?);
        }
        let features = g.stack(&features)?;
        let [rewards, discounts, weights, entropies] =
            [&rewards, &discounts, &weights, &entropies].map(|steps| g.stack(steps));
        let (weights, entropies) = (weights?, entropies?);

        g.freeze(target);
        let logits = critic.layers.record(g, features)?;
        let values = g.two_hot_mean(logits, BINS)?;
        let after = g.steps(values, 1, horizon)?;
        let returns = g.lambda_return(rewards?, after, discounts?, objectives.lambda)?;
        let inverses = g.repeat(inverse, horizon)?;
        let gain = if log_probs.is_empty() {
            g.mul(returns, inverses)?
        } else {
            let before = g.steps(values, 0, horizon)?;
            let advantage = g.sub(returns, before)?;
            let advantage = g.mul(advantage, inverses)?;
            let advantage = g.detach(advantage)?;
            let log_probs = g.stack(&log_probs)?;
            g.mul(log_probs, advantage)?
        };
        let bonus = g.affine(entropies, objectives.entropy, 0.0)?;
        let gain = g.add(gain, bonus)?;
        let actor_loss = g.minimise_weighted(gain, weights, -1.0)?;

        g.learn(learned);
        let judged = g.steps(features, 0, horizon)?;
        let judged = g.detach(judged)?;
        let logits = critic.layers.record(g, judged)?;
        let aim = g.two_hot(returns, BINS)?;
        let error = g.cross_entropy(logits, aim, BINS.count)?;
        let critic_loss = g.minimise_weighted(error, weights, 1.0)?;
        Ok(Self {
            graph,
            returns,
            entropies,
            #[cfg(test)]
            weights,
            actor_loss,
            critic_loss,
        })
    }
}
