//! Networks of an actor that spreads alike everywhere and of a value beside it, and the graphs that they learn and act by.

use worldwright_core::{ActionHead, Result, Rng};
use worldwright_nn::{Activation, Graph, Init, Mlp, MlpConfig, Node, Objective, Parameter, Store, WeightInit};

use super::Surrogate;
use crate::judging::Judged;
use crate::scaling::rescale;

/// The most that the logarithm of a ratio of probabilities may be: its exponent stays finite.
const MOST_LOG_RATIO: f32 = 20.0;

/// Actor and value in one store, so that one bound holds for the gradient of both. Layers see scaled numbers as they are, so that a change of scale can be
/// made up for in the first of them; the last ones begin at zero, so that nothing is preferred, nor expected.
pub(super) struct Networks {
    pub(super) inputs: usize,
    pub(super) columns: usize,
    pub(super) choices: usize,
    pub(super) store: Store,
    pub(super) actor: Mlp,
    critic: Option<Mlp>,
    /// Logarithms of the deviations of numbers `[1][columns]`.
    pub(super) log_std: Option<Parameter>,
    /// Deviation and mean of returns, which turn what the critic says into the units of rewards.
    units: [Parameter; 2],
}

/// What is said of an action that was taken, in one column each.
struct Said {
    log_prob: Node,
    entropy: Node,
}

impl Networks {
    pub(super) fn new(
        inputs: usize,
        head: &ActionHead,
        (hidden, std, has_value): (&[usize], f64, bool),
        rng: &mut Rng,
    ) -> Result<Self> {
        let (columns, choices) = (head.columns(), head.choices());
        let mut store = Store::new(1);
        let config = |outputs| MlpConfig {
            inputs,
            hidden: hidden.to_vec(),
            outputs,
            activation: Activation::Tanh,
            init: WeightInit::KaimingUniform,
            norm: None,
        };
        let actor = Mlp::new(&mut store, "actor", &config(columns), rng);
        let critic = has_value.then(|| Mlp::new(&mut store, "critic", &config(1), rng));
        for layers in [Some(&actor), critic.as_ref()].into_iter().flatten() {
            let Some(last) = layers.layers.last() else { continue };
            let count: usize = store.shape(last.weight)?.iter().product();
            store.set(last.weight, &vec![0.0; count])?;
        }
        let spread = Init::Constant(std.ln() as f32);
        let log_std = (choices == 0).then(|| store.parameter("log_std", 1, columns, spread, rng));
        let units =
            [("std", 1.0), ("mean", 0.0)].map(|(name, start)| store.parameter(name, 1, 1, Init::Constant(start), rng));
        Ok(Self { inputs, columns, choices, store, actor, critic, log_std, units })
    }

    /// Mean, or logits, and logarithms of the deviations.
    fn say(&self, g: &mut Graph, seen: Node) -> Result<(Node, Option<Node>)> {
        let first = self.actor.record(g, seen)?;
        let Some(log_std) = self.log_std else { return Ok((first, None)) };
        let one = g.constant(1, 1, 1.0)?;
        Ok((first, Some(g.linear(one, log_std, None, Activation::Identity)?)))
    }

    fn say_of(&self, g: &mut Graph, seen: Node, taken: Node) -> Result<Said> {
        let (first, log_std) = self.say(g, seen)?;
        let (log_prob, entropy) = match log_std {
            Some(log_std) => {
                let each = g.gaussian_log_prob(first, log_std, taken)?;
                let spread = g.sum_columns(log_std)?;
                let of_unit = 0.5 * (std::f32::consts::TAU * std::f32::consts::E).ln();
                (g.sum_columns(each)?, g.affine(spread, 1.0, self.columns as f32 * of_unit)?)
            }
            None => {
                let log_prob = g.categorical_log_prob(first, taken, self.choices)?;
                (log_prob, g.categorical_entropy(first, self.choices)?)
            }
        };
        Ok(Said { log_prob, entropy })
    }

    /// To act by: the action that a noise gives, not cut off at any bounds, or logits.
    pub(super) fn acting(&self) -> Result<(Graph, Node)> {
        let mut g = Graph::new(1);
        g.freeze(&self.store);
        let seen = g.input(self.inputs);
        let (first, log_std) = self.say(&mut g, seen)?;
        let Some(log_std) = log_std else { return Ok((g, first)) };
        let noise = g.input(self.columns);
        let std = g.unary(log_std, worldwright_nn::Unary::Exp)?;
        let off = g.mul(std, noise)?;
        let action = g.add(first, off)?;
        Ok((g, action))
    }

    /// How likely actions are: inputs are what was seen and what was done.
    pub(super) fn likelihood(&self) -> Result<(Graph, Node)> {
        let mut g = Graph::new(1);
        g.freeze(&self.store);
        let (seen, taken) = (g.input(self.inputs), g.input(self.columns));
        let said = self.say_of(&mut g, seen, taken)?;
        Ok((g, said.log_prob))
    }

    /// What is expected of what is seen, in the units of values; none where nothing is.
    pub(super) fn expecting(&self) -> Result<Option<(Graph, Node)>> {
        let Some(critic) = &self.critic else { return Ok(None) };
        let mut g = Graph::new(1);
        g.freeze(&self.store);
        let seen = g.input(self.inputs);
        let value = critic.record(&mut g, seen)?;
        Ok(Some((g, value)))
    }

    /// For planners: what is expected in the units of rewards, and how actions spread.
    pub(super) fn judging(&self) -> Result<Option<(Graph, Judged)>> {
        let Some(critic) = &self.critic else { return Ok(None) };
        let mut g = Graph::new(1);
        g.freeze(&self.store);
        let seen = g.input(self.inputs);
        let (first, log_std) = self.say(&mut g, seen)?;
        let value = critic.record(&mut g, seen)?;
        let [std, mean] = self.units;
        let value = g.linear(value, std, Some(mean), Activation::Identity)?;
        // Spread over the rows of what is seen: the deviations are the same everywhere.
        let log_std = match log_std {
            Some(log_std) => {
                let nothing = g.affine(first, 0.0, 0.0)?;
                Some(g.add(nothing, log_std)?)
            }
            None => None,
        };
        Ok(Some((g, Judged { first, log_std, value: Some(value), each: None })))
    }

    /// Has the first layers see the same in numbers that were scaled otherwise: `before` and `now` give what each is reduced by and then divided by.
    pub(super) fn rescale(&self, store: &mut Store, before: &[[f64; 2]], now: &[[f64; 2]]) -> Result<()> {
        for layers in [Some(&self.actor), self.critic.as_ref()].into_iter().flatten() {
            rescale(layers, store, before, now)?;
        }
        Ok(())
    }

    /// Has the last layer of the value say the same in other units, each given as mean and deviation.
    pub(super) fn convert(&self, store: &mut Store, before: [f64; 2], now: [f64; 2]) -> Result<()> {
        let Some(last) = self.critic.as_ref().and_then(|critic| critic.layers.last()) else { return Ok(()) };
        let ([old_mean, old_std], [mean, std]) = (before, now);
        let weight: Vec<f32> =
            store.get(last.weight)?.iter().map(|weight| (f64::from(*weight) * old_std / std) as f32).collect();
        let bias: Vec<f32> = (store.get(last.bias)?.iter())
            .map(|bias| ((f64::from(*bias) * old_std + old_mean - mean) / std) as f32)
            .collect();
        store.set(last.weight, &weight)?;
        store.set(last.bias, &bias)?;
        store.set(self.units[0], &[std as f32])?;
        store.set(self.units[1], &[mean as f32])
    }
}

/// What the loss is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights {
    pub(super) surrogate: Surrogate,
    pub(super) entropy: f32,
    pub(super) value: f32,
    /// How far a value may go from what it was, in its units; 0 for any distance.
    pub(super) value_clip: f32,
}

/// The loss. Inputs: what was seen, what was done, the logarithm of its probability then, advantages, what values aim at, values as they were.
pub(super) struct Learning {
    pub(super) graph: Graph,
    pub(super) policy_loss: Objective,
    pub(super) value_loss: Option<Objective>,
    /// The logarithm of how much likelier the action is than it was, in one column.
    pub(super) log_ratio: Node,
    pub(super) entropy: Node,
}

impl Learning {
    pub(super) fn new(networks: &Networks, weights: &Weights) -> Result<Self> {
        let mut graph = Graph::new(1);
        let g = &mut graph;
        g.learn(&networks.store);
        let (seen, taken) = (g.input(networks.inputs), g.input(networks.columns));
        let [log_prob, advantage, aim, value_then] = [(); 4].map(|()| g.input(1));
        let said = networks.say_of(g, seen, taken)?;
        let log_ratio = g.sub(said.log_prob, log_prob)?;
        let gain = match weights.surrogate {
            Surrogate::Likelihood => g.mul(said.log_prob, advantage)?,
            Surrogate::Clipped(range) => {
                let finite = ceiling(g, log_ratio, MOST_LOG_RATIO)?;
                let ratio = g.unary(finite, worldwright_nn::Unary::Exp)?;
                let near = clip(g, ratio, [1.0 - range, 1.0 + range])?;
                let (free, held) = (g.mul(ratio, advantage)?, g.mul(near, advantage)?);
                g.min(free, held)?
            }
        };
        let policy_loss = g.minimise(gain, -1.0)?;
        if weights.entropy != 0.0 {
            g.minimise(said.entropy, -weights.entropy)?;
        }
        let value_loss = match &networks.critic {
            None => None,
            Some(critic) => {
                let value = critic.record(g, seen)?;
                let mut error = g.square_error(value, aim)?;
                if weights.value_clip > 0.0 {
                    let off = g.sub(value, value_then)?;
                    let off = clip(g, off, [-weights.value_clip, weights.value_clip])?;
                    let near = g.add(value_then, off)?;
                    let held = g.square_error(near, aim)?;
                    error = g.max(error, held)?;
                }
                Some(g.minimise(error, weights.value)?)
            }
        };
        Ok(Self { graph, policy_loss, value_loss, log_ratio, entropy: said.entropy })
    }
}

/// `x`, or `most` where that is less; no gradient flows there.
fn ceiling(g: &mut Graph, x: Node, most: f32) -> Result<Node> {
    let turned = g.affine(x, -1.0, 0.0)?;
    let floored = g.floor(turned, -most)?;
    g.affine(floored, -1.0, 0.0)
}

/// `x` within bounds; no gradient flows beyond.
fn clip(g: &mut Graph, x: Node, [least, most]: [f32; 2]) -> Result<Node> {
    let floored = g.floor(x, least)?;
    ceiling(g, floored, most)
}
