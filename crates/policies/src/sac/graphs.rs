//! The graphs that soft actor-critic is trained by.

use worldwright_core::Result;
use worldwright_nn::{Activation, Graph, Node, Parameter, Store};

use crate::judging::Judged;
use crate::networks::{Networks, Said, least};

/// The soft value `E[min Q − α ln π]` under what the actor says, and the entropy's estimate `−ln π`, each in one column.
fn soft_value(
    networks: &Networks,
    g: &mut Graph,
    said: &Said,
    seen: Node,
    temperature: Node,
    critic: &Store,
) -> Result<[Node; 2]> {
    match *said {
        Said::Gaussian(mean, log_std) => {
            let noise = g.input(networks.columns);
            let drawn = g.squashed_gaussian(mean, log_std, noise)?;
            g.freeze(critic);
            let judged = networks.judge(g, seen, Some(drawn.action))?;
            let least = least(g, &judged)?;
            let entropy = g.affine(drawn.log_prob, -1.0, 0.0)?;
            let bonus = g.mul(entropy, temperature)?;
            Ok([g.add(least, bonus)?, entropy])
        }
        Said::Logits(logits) => {
            let (p, log_p) = (g.softmax(logits, networks.choices)?, g.log_softmax(logits, networks.choices)?);
            g.freeze(critic);
            let judged = networks.judge(g, seen, None)?;
            let least = least(g, &judged)?;
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
        let [value, _] = soft_value(networks, &mut g, &said, next, temperature, target)?;
        let future = g.mul(value, discount)?;
        let goal = g.add(reward, future)?;
        g.learn(critic);
        for value in networks.judge_taken(&mut g, seen, action)? {
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
        let [value, entropy] = soft_value(networks, &mut g, &said, seen, temperature, critic)?;
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
            let values = networks.judge(&mut g, seen, Some(mode))?;
            Judged { first: mode, log_std: Some(log_std), value: least(&mut g, &values)? }
        }
        Said::Logits(logits) => {
            let p = g.softmax(logits, networks.choices)?;
            let values = networks.judge(&mut g, seen, None)?;
            let least = least(&mut g, &values)?;
            let weighed = g.mul(p, least)?;
            Judged { first: logits, log_std: None, value: g.sum_columns(weighed)? }
        }
    };
    Ok((g, judged))
}
