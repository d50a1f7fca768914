//! The graphs that soft actor-critic is trained by.

use worldwright_core::Result;
use worldwright_nn::{Activation, Graph, Node, Parameter, Store};

use super::conservative::Conservatism;
use crate::critics::Critics;
use crate::draws::{Draws, Law};
use crate::judging::Judged;
use crate::networks::{Networks, Said, bounded, least, least_of, mean};

/// What is made of the values of several critics.
#[derive(Clone, Copy)]
enum Believed {
    /// The least of so many of them.
    Least(usize),
    /// Their mean.
    Mean,
}

impl Believed {
    fn of(self, g: &mut Graph, draws: &mut Draws, judged: &[Node]) -> Result<Node> {
        match self {
            Self::Least(count) => least_of(g, draws, judged, count),
            Self::Mean => mean(g, judged),
        }
    }
}

/// The soft value `E[Q − α ln π]` under what the actor says, where Q is what of the critics is believed, and the entropy's estimate `−ln π`, each in one
/// column.
fn soft_value(
    networks: &Networks,
    (g, draws): (&mut Graph, &mut Draws),
    (said, seen): (&Said, Node),
    temperature: Node,
    (critic, believed): (&Store, Believed),
) -> Result<[Node; 2]> {
    match *said {
        Said::Gaussian(mean, log_std) => {
            let noise = draws.input(g, networks.columns, Law::Normal);
            let drawn = g.squashed_gaussian(mean, log_std, noise)?;
            g.freeze(critic);
            let judged = networks.judge(g, Some(draws), seen, Some(drawn.action))?;
            let value = believed.of(g, draws, &judged)?;
            let entropy = g.affine(drawn.log_prob, -1.0, 0.0)?;
            let bonus = g.mul(entropy, temperature)?;
            Ok([g.add(value, bonus)?, entropy])
        }
        Said::Logits(logits) => {
            let (p, log_p) = (g.softmax(logits, networks.choices)?, g.log_softmax(logits, networks.choices)?);
            g.freeze(critic);
            let judged = networks.judge(g, Some(draws), seen, None)?;
            let values = believed.of(g, draws, &judged)?;
            let weighed = g.mul(p, values)?;
            let value = g.sum_columns(weighed)?;
            let terms = g.mul(p, log_p)?;
            let negative = g.sum_columns(terms)?;
            let entropy = g.affine(negative, -1.0, 0.0)?;
            let bonus = g.mul(entropy, temperature)?;
            Ok([g.add(value, bonus)?, entropy])
        }
    }
}

/// The critics' regression, and what keeps them conservative where something does. Inputs: observations, actions, rewards, discounts, next observations,
/// temperatures, and what returns are at least and at most.
pub(super) fn regression(
    networks: &Networks,
    actor: &Store,
    critics: &Critics,
    conservatism: Option<&Conservatism>,
) -> Result<(Graph, Draws)> {
    let (mut g, mut draws) = (Graph::new(1), Draws::default());
    let seen = networks.see(&mut g)?;
    let action = g.input(networks.columns);
    let (reward, discount) = (g.input(1), g.input(1));
    let next = networks.see(&mut g)?;
    let temperature = g.input(1);
    let bounds = [g.input(1), g.input(1)];
    g.freeze(actor);
    let said = networks.say(&mut g, next)?;
    let believed = (&critics.target, Believed::Least(critics.ensemble.believed));
    let [value, _] = soft_value(networks, (&mut g, &mut draws), (&said, next), temperature, believed)?;
    let value = bounded(&mut g, value, bounds)?;
    let future = g.mul(value, discount)?;
    let goal = g.add(reward, future)?;
    g.learn(&critics.store);
    for value in networks.judge_taken(&mut g, Some(&mut draws), seen, action)? {
        let error = g.square_error(value, goal)?;
        g.minimise(error, 0.5)?;
    }
    if let Some(conservatism) = conservatism {
        let here = networks.say(&mut g, seen)?;
        for excess in conservatism.excess(networks, (&mut g, &mut draws), (seen, action), [&here, &said])? {
            g.minimise(excess, conservatism.weight)?;
        }
    }
    Ok((g, draws))
}

/// The actor's improvement, and the estimate of its entropy in one column. Inputs: observations, temperatures.
pub(super) fn improvement(networks: &Networks, actor: &Store, critics: &Critics) -> Result<((Graph, Draws), Node)> {
    let (mut g, mut draws) = (Graph::new(1), Draws::default());
    let seen = networks.see(&mut g)?;
    let temperature = g.input(1);
    g.learn(actor);
    let said = networks.say(&mut g, seen)?;
    let ensemble = critics.ensemble;
    let believed = if ensemble.believes_some() { Believed::Mean } else { Believed::Least(ensemble.critics) };
    let value = soft_value(networks, (&mut g, &mut draws), (&said, seen), temperature, (&critics.store, believed))?;
    let [value, entropy] = value;
    g.minimise(value, -1.0)?;
    Ok(((g, draws), entropy))
}

/// The temperature's regulation: `ln α (H − H̄)` is minimised, so that it falls while the entropy is above its target. Input: `H − H̄`.
pub(super) fn regulation(store: &Store, log_temperature: Parameter) -> Result<Graph> {
    let mut g = Graph::new(1);
    let above = g.input(1);
    g.learn(store);
    let loss = g.linear(above, log_temperature, None, Activation::Identity)?;
    g.minimise(loss, 1.0)?;
    Ok(g)
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
            let values = networks.judge(&mut g, None, seen, Some(mode))?;
            Judged { first: mode, log_std: Some(log_std), value: Some(least(&mut g, &values)?), each: None }
        }
        Said::Logits(logits) => {
            let p = g.softmax(logits, networks.choices)?;
            let values = networks.judge(&mut g, None, seen, None)?;
            let least = least(&mut g, &values)?;
            let weighed = g.mul(p, least)?;
            Judged { first: logits, log_std: None, value: Some(g.sum_columns(weighed)?), each: None }
        }
    };
    Ok((g, judged))
}
