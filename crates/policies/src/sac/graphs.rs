//! The networks of soft actor-critic and the graphs that they are trained by.

use worldwright_core::{ActionHead, Result, Rng};
use worldwright_nn::{Activation, Graph, Mlp, MlpConfig, Node, Parameter, Store, Unary};

use crate::acting::gaussian;
use crate::judging::Judged;

/// The deviation of an action before the tangent lies between `e^−5` and `e^2`.
const LOG_STD: [f32; 2] = [-5.0, 2.0];

/// Actor and critics as layers, with the stores that they begin with.
pub(super) struct Networks {
    inputs: usize,
    columns: usize,
    choices: usize,
    pub(super) actor: Store,
    pub(super) critic: Store,
    actor_layers: Mlp,
    critic_layers: [Mlp; 2],
}

/// What an actor's layers say of its actions.
enum Said {
    /// Mean and logarithm of the deviation, before the tangent.
    Gaussian(Node, Node),
    /// Logits of choices.
    Logits(Node),
}

impl Networks {
    pub(super) fn new(inputs: usize, head: &ActionHead, hidden: &[usize], rng: &mut Rng) -> Self {
        let (columns, choices) = (head.columns(), head.choices());
        let (mut actor, mut critic) = (Store::new(1), Store::new(1));
        let config = |inputs, outputs| MlpConfig {
            inputs,
            hidden: hidden.to_vec(),
            outputs,
            activation: Activation::Relu,
            ..MlpConfig::default()
        };
        let outputs = if choices == 0 { 2 * columns } else { choices };
        let actor_layers = Mlp::new(&mut actor, "actor", &config(inputs, outputs), rng);
        // A critic of numbers looks at the action too; one of choices values all of them at once.
        let judged = if choices == 0 { config(inputs + columns, 1) } else { config(inputs, choices) };
        let critic_layers = ["first", "second"].map(|name| Mlp::new(&mut critic, name, &judged, rng));
        Self { inputs, columns, choices, actor, critic, actor_layers, critic_layers }
    }

    /// What the actor says where `seen` was seen.
    fn say(&self, g: &mut Graph, seen: Node) -> Result<Said> {
        let out = self.actor_layers.record(g, seen)?;
        if self.choices > 0 {
            return Ok(Said::Logits(out));
        }
        let [mean, log_std] = gaussian(g, out, self.columns, LOG_STD)?;
        Ok(Said::Gaussian(mean, log_std))
    }

    /// Both critics of an action, or of all choices.
    fn judge(&self, g: &mut Graph, seen: Node, action: Option<Node>) -> Result<[Node; 2]> {
        let x = match action {
            Some(action) => g.concat(&[seen, action])?,
            None => seen,
        };
        let [first, second] = &self.critic_layers;
        Ok([first.record(g, x)?, second.record(g, x)?])
    }

    /// The soft value `E[min Q − α ln π]` under what the actor says, and the entropy's estimate `−ln π`, each in one column.
    fn soft_value(
        &self,
        g: &mut Graph,
        said: &Said,
        seen: Node,
        temperature: Node,
        critic: &Store,
    ) -> Result<[Node; 2]> {
        match *said {
            Said::Gaussian(mean, log_std) => {
                let noise = g.input(self.columns);
                let drawn = g.squashed_gaussian(mean, log_std, noise)?;
                g.freeze(critic);
                let [first, second] = self.judge(g, seen, Some(drawn.action))?;
                let least = g.min(first, second)?;
                let entropy = g.affine(drawn.log_prob, -1.0, 0.0)?;
                let bonus = g.mul(entropy, temperature)?;
                Ok([g.add(least, bonus)?, entropy])
            }
            Said::Logits(logits) => {
                let (p, log_p) = (g.softmax(logits, self.choices)?, g.log_softmax(logits, self.choices)?);
                g.freeze(critic);
                let [first, second] = self.judge(g, seen, None)?;
                let least = g.min(first, second)?;
                let weighed = g.mul(p, least)?;
                let value = g.sum_columns(weighed)?;
                let terms = g.mul(p, log_p)?;
                let negative = g.sum_columns(terms)?;
                let entropy = g.affine(negative, -1.0, 0.0)?;
                let bonus = g.mul(entropy, temperature)?;
                Ok([g.add(value, bonus)?, entropy])
            }
        }
    }

    fn see(&self, g: &mut Graph) -> Result<Node> {
        let raw = g.input(self.inputs);
        g.unary(raw, Unary::Symlog)
    }
}

/// The critics' regression. Inputs: observations, actions, rewards, discounts, next observations, temperatures, noise (numbers only).
pub(super) struct CriticGraph {
    pub(super) graph: Graph,
}

impl CriticGraph {
    pub(super) fn new(networks: &Networks, actor: &Store, critic: &Store, target: &Store) -> Result<Self> {
        let mut g = Graph::new(1);
        let seen = networks.see(&mut g)?;
        let action = g.input(networks.columns);
        let (reward, discount) = (g.input(1), g.input(1));
        let next = networks.see(&mut g)?;
        let temperature = g.input(1);
        g.freeze(actor);
        let said = networks.say(&mut g, next)?;
        let [value, _] = networks.soft_value(&mut g, &said, next, temperature, target)?;
        let future = g.mul(value, discount)?;
        let goal = g.add(reward, future)?;
        g.learn(critic);
        let judged = networks.judge(&mut g, seen, (networks.choices == 0).then_some(action))?;
        for mut value in judged {
            if networks.choices > 0 {
                let taken = g.mul(value, action)?;
                value = g.sum_columns(taken)?;
            }
            let error = g.square_error(value, goal)?;
            g.minimise(error, 0.5)?;
        }
        Ok(Self { graph: g })
    }
}

/// The actor's improvement. Inputs: observations, temperatures, noise (numbers only).
pub(super) struct ActorGraph {
    pub(super) graph: Graph,
    /// The estimate of the entropy, in one column.
    pub(super) entropy: Node,
}

impl ActorGraph {
    pub(super) fn new(networks: &Networks, actor: &Store, critic: &Store) -> Result<Self> {
        let mut g = Graph::new(1);
        let seen = networks.see(&mut g)?;
        let temperature = g.input(1);
        g.learn(actor);
        let said = networks.say(&mut g, seen)?;
        let [value, entropy] = networks.soft_value(&mut g, &said, seen, temperature, critic)?;
        g.minimise(value, -1.0)?;
        Ok(Self { graph: g, entropy })
    }
}

/// The temperature's regulation: `ln α (H − H̄)` is minimised, so that it falls while the entropy is above its target. Input: `H − H̄`.
pub(super) struct TemperatureGraph {
    pub(super) graph: Graph,
    pub(super) log_temperature: Parameter,
}

impl TemperatureGraph {
    pub(super) fn new(store: &Store, log_temperature: Parameter) -> Result<Self> {
        let mut g = Graph::new(1);
        let above = g.input(1);
        g.learn(store);
        let loss = g.linear(above, log_temperature, None, Activation::Identity)?;
        g.minimise(loss, 1.0)?;
        Ok(Self { graph: g, log_temperature })
    }
}

/// The actor alone, to act by: the action that a noise gives, or logits.
pub(super) fn acting(networks: &Networks, actor: &Store) -> Result<(Graph, Node)> {
    let mut g = Graph::new(1);
    let seen = networks.see(&mut g)?;
    g.freeze(actor);
    let action = match networks.say(&mut g, seen)? {
        Said::Gaussian(mean, log_std) => {
            let noise = g.input(networks.columns);
            g.squashed_gaussian(mean, log_std, noise)?.action
        }
        Said::Logits(logits) => logits,
    };
    Ok((g, action))
}

/// Actor and critics, to judge by: the value of the mode, or of all choices by their probabilities.
pub(super) fn judging(networks: &Networks, actor: &Store, critic: &Store) -> Result<(Graph, Judged)> {
    let mut g = Graph::new(1);
    let seen = networks.see(&mut g)?;
    g.freeze(actor);
    let said = networks.say(&mut g, seen)?;
    g.freeze(critic);
    let judged = match said {
        Said::Gaussian(mean, log_std) => {
            let mode = g.activation(mean, Activation::Tanh)?;
            let [first, second] = networks.judge(&mut g, seen, Some(mode))?;
            Judged { first: mode, log_std: Some(log_std), value: g.min(first, second)? }
        }
        Said::Logits(logits) => {
            let p = g.softmax(logits, networks.choices)?;
            let [first, second] = networks.judge(&mut g, seen, None)?;
            let least = g.min(first, second)?;
            let weighed = g.mul(p, least)?;
            Judged { first: logits, log_std: None, value: g.sum_columns(weighed)? }
        }
    };
    Ok((g, judged))
}
