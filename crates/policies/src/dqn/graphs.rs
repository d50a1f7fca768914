//! The graphs that values of choices are trained and judged by.

use worldwright_core::Result;
use worldwright_nn::{Graph, Node, Store};

use super::tree::Tree;
use crate::judging::Judged;
use crate::networks::{Networks, bounded, of_choice};

/// What tells the values of choices.
pub(super) enum Network {
    /// Layers.
    Plain(Networks),
    /// A tree, and how much the rewards that it tells count beside values.
    Tree(Tree, f32),
}

impl Network {
    /// The numbers that it begins with.
    pub(super) fn store(&self) -> &Store {
        match self {
            Self::Plain(networks) => &networks.critic,
            Self::Tree(tree, _) => &tree.store,
        }
    }

    fn choices(&self) -> usize {
        match self {
            Self::Plain(networks) => networks.choices,
            Self::Tree(tree, _) => tree.choices,
        }
    }

    /// What is seen, as layers take it: an input of the graph.
    fn see(&self, g: &mut Graph) -> Result<Node> {
        match self {
            Self::Plain(networks) => networks.see(g),
            Self::Tree(tree, _) => tree.see(g),
        }
    }

    /// Values of all choices.
    fn judge(&self, g: &mut Graph, seen: Node) -> Result<Node> {
        match self {
            Self::Plain(networks) => networks.judge_first(g, None, seen, None),
            Self::Tree(tree, _) => tree.values(g, seen),
        }
    }
}

/// The regression of values. Inputs: observations, choices one-hot, rewards, discounts, next observations, weights, and what returns are at
/// least and at most.
pub(super) struct Regression {
    pub(super) graph: Graph,
    /// What is regressed on, in one column.
    pub(super) goal: Node,
    /// The squared error, in one column.
    pub(super) error: Node,
}

impl Regression {
    /// With `double`, the values that learn choose what those of `target` are asked for.
    pub(super) fn new(network: &Network, values: &Store, target: &Store, double: bool) -> Result<Self> {
        let mut g = Graph::new(1);
        let seen = network.see(&mut g)?;
        let taken = g.input(network.choices());
        let (reward, discount) = (g.input(1), g.input(1));
        let next = network.see(&mut g)?;
        let weight = g.input(1);
        let bounds = [g.input(1), g.input(1)];
        g.freeze(target);
        let then = network.judge(&mut g, next)?;
        let best = if double {
            g.freeze(values);
            let expected = network.judge(&mut g, next)?;
            likeliest(network, &mut g, expected)?
        } else {
            likeliest(network, &mut g, then)?
        };
        let value = of_choice(&mut g, then, best)?;
        let value = bounded(&mut g, value, bounds)?;
        let future = g.mul(value, discount)?;
        let goal = g.add(reward, future)?;
        g.learn(values);
        let of_all = network.judge(&mut g, seen)?;
        let value = of_choice(&mut g, of_all, taken)?;
        let error = g.square_error(value, goal)?;
        g.minimise_weighted(error, weight, 0.5)?;
        if let Network::Tree(tree, share) = network
            && *share > 0.0
        {
            let of_all = tree.rewards(&mut g, seen)?;
            let paid = of_choice(&mut g, of_all, taken)?;
            let off = g.square_error(paid, reward)?;
            g.minimise_weighted(off, weight, 0.5 * share)?;
        }
        Ok(Self { graph: g, goal, error })
    }
}

/// The greatest of the columns, one-hot.
fn likeliest(network: &Network, g: &mut Graph, values: Node) -> Result<Node> {
    let none = g.constant(1, network.choices(), 0.0)?;
    g.straight_through(values, none, network.choices())
}

/// The values of all choices, to act by.
pub(super) fn acting(network: &Network, values: &Store) -> Result<(Graph, Node)> {
    let mut g = Graph::new(1);
    let seen = network.see(&mut g)?;
    g.freeze(values);
    let values = network.judge(&mut g, seen)?;
    Ok((g, values))
}

/// The same, to judge by: a choice that is worth the size of a reward more is e times as likely.
pub(super) fn judging(network: &Network, values: &Store) -> Result<(Graph, Judged)> {
    let (mut g, values) = acting(network, values)?;
    let best = likeliest(network, &mut g, values)?;
    let value = of_choice(&mut g, values, best)?;
    Ok((g, Judged { first: values, log_std: None, value: Some(value), each: None }))
}
