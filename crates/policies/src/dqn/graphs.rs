//! The graphs that values of choices are trained and judged by.

use worldwright_core::Result;
use worldwright_nn::{Graph, Node, Store};

use crate::judging::Judged;
use crate::networks::{Networks, bounded, of_choice};

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
    pub(super) fn new(networks: &Networks, values: &Store, target: &Store, double: bool) -> Result<Self> {
        let mut g = Graph::new(1);
        let seen = networks.see(&mut g)?;
        let taken = g.input(networks.columns);
        let (reward, discount) = (g.input(1), g.input(1));
        let next = networks.see(&mut g)?;
        let weight = g.input(1);
        let bounds = [g.input(1), g.input(1)];
        g.freeze(target);
        let then = networks.judge_first(&mut g, None, next, None)?;
        let best = if double {
            g.freeze(values);
            let expected = networks.judge_first(&mut g, None, next, None)?;
            likeliest(networks, &mut g, expected)?
        } else {
            likeliest(networks, &mut g, then)?
        };
        let value = of_choice(&mut g, then, best)?;
        let value = bounded(&mut g, value, bounds)?;
        let future = g.mul(value, discount)?;
        let goal = g.add(reward, future)?;
        g.learn(values);
        let value = networks.judge_first(&mut g, None, seen, Some(taken))?;
        let error = g.square_error(value, goal)?;
        g.minimise_weighted(error, weight, 0.5)?;
        Ok(Self { graph: g, goal, error })
    }
}

/// The greatest of the columns, one-hot.
fn likeliest(networks: &Networks, g: &mut Graph, values: Node) -> Result<Node> {
    let none = g.constant(1, networks.choices, 0.0)?;
    g.straight_through(values, none, networks.choices)
}

/// The values of all choices, to act by.
pub(super) fn acting(networks: &Networks, values: &Store) -> Result<(Graph, Node)> {
    let mut g = Graph::new(1);
    let seen = networks.see(&mut g)?;
    g.freeze(values);
    let values = networks.judge_first(&mut g, None, seen, None)?;
    Ok((g, values))
}

/// The same, to judge by: a choice that is worth the size of a reward more is e times as likely.
pub(super) fn judging(networks: &Networks, values: &Store) -> Result<(Graph, Judged)> {
    let (mut g, values) = acting(networks, values)?;
    let best = likeliest(networks, &mut g, values)?;
    let value = of_choice(&mut g, values, best)?;
    Ok((g, Judged { first: values, log_std: None, value: Some(value), each: None }))
}
