//! The graphs that deterministic actors and their critics are trained by.

use worldwright_core::Result;
use worldwright_nn::{Graph, Node, Store};

use crate::critics::Critics;
use crate::draws::{Draws, Law};
use crate::judging::Judged;
use crate::networks::{Networks, bounded, least, least_of, mean};

/// The critics' regression. Inputs: observations, actions, rewards, discounts, next observations, and what returns are at least and at most.
pub(crate) struct CriticGraph {
    pub(crate) graph: Graph,
    pub(crate) draws: Draws,
    /// What is regressed on, in one column.
    pub(crate) goal: Node,
}

impl CriticGraph {
    /// Targets are those of `actor`, the slow one, whose action `smoothing` moves.
    pub(crate) fn new(networks: &Networks, actor: &Store, critics: &Critics, smoothing: Law) -> Result<Self> {
        let (mut g, mut draws) = (Graph::new(1), Draws::default());
        let seen = networks.see(&mut g)?;
        let taken = g.input(networks.columns);
        let (reward, discount) = (g.input(1), g.input(1));
        let next = networks.see(&mut g)?;
        let bounds = [g.input(1), g.input(1)];
        let noise = draws.input(&mut g, networks.columns, smoothing);
        g.freeze(actor);
        let inclined = networks.incline(&mut g, next)?;
        let then = networks.act(&mut g, inclined, Some(noise))?;
        g.freeze(&critics.target);
        let judged = networks.judge_taken(&mut g, Some(&mut draws), next, then)?;
        let value = least_of(&mut g, &mut draws, &judged, critics.ensemble.believed)?;
        let value = bounded(&mut g, value, bounds)?;
        let future = g.mul(value, discount)?;
        let goal = g.add(reward, future)?;
        g.learn(&critics.store);
        for value in networks.judge_taken(&mut g, Some(&mut draws), seen, taken)? {
            let error = g.square_error(value, goal)?;
            g.minimise(error, 0.5)?;
        }
        Ok(Self { graph: g, draws, goal })
    }
}

/// The actor's improvement: it climbs the first critic, or the mean of all where targets believe a part of them only. Input: observations. Where it is
/// `anchored`, that counts by a weight, and what it does is drawn to what was done; inputs then are actions and weights too.
pub(super) fn improvement(
    networks: &Networks,
    actor: &Store,
    critics: &Critics,
    anchored: bool,
) -> Result<(Graph, Draws)> {
    let (mut g, mut draws) = (Graph::new(1), Draws::default());
    let seen = networks.see(&mut g)?;
    let anchor = anchored.then(|| [g.input(networks.columns), g.input(1)]);
    g.learn(actor);
    let inclined = networks.incline(&mut g, seen)?;
    let action = networks.act(&mut g, inclined, None)?;
    g.freeze(&critics.store);
    let mut value = if critics.ensemble.believes_some() {
        let judged = networks.judge_taken(&mut g, Some(&mut draws), seen, action)?;
        mean(&mut g, &judged)?
    } else {
        networks.judge_first(&mut g, Some(&mut draws), seen, Some(action))?
    };
    if let Some([done, weight]) = anchor {
        value = g.mul(value, weight)?;
        let off = match networks.choices {
            0 => g.square_error(action, done)?,
            choices => g.cross_entropy(inclined, done, choices)?,
        };
        g.minimise(off, 1.0)?;
    }
    g.minimise(value, -1.0)?;
    Ok((g, draws))
}

/// The actor alone, to act by: the action that a noise of this deviation moves, or logits.
pub(crate) fn acting(networks: &Networks, actor: &Store, deviation: f32) -> Result<(Graph, Node)> {
    let mut g = Graph::new(1);
    let seen = networks.see(&mut g)?;
    g.freeze(actor);
    let inclined = networks.incline(&mut g, seen)?;
    if networks.choices > 0 {
        return Ok((g, inclined));
    }
    let noise = g.input(networks.columns);
    let scaled = g.affine(noise, deviation, 0.0)?;
    let action = networks.act(&mut g, inclined, Some(scaled))?;
    Ok((g, action))
}

/// Actor and critics, to judge by: the least value of its action.
pub(crate) fn judging(networks: &Networks, actor: &Store, critics: &Critics) -> Result<(Graph, Judged)> {
    let mut g = Graph::new(1);
    let seen = networks.see(&mut g)?;
    g.freeze(actor);
    let inclined = networks.incline(&mut g, seen)?;
    let action = networks.act(&mut g, inclined, None)?;
    g.freeze(&critics.store);
    let judged = networks.judge_taken(&mut g, None, seen, action)?;
    let (value, each) = (least(&mut g, &judged)?, g.concat(&judged)?);
    let first = if networks.choices > 0 { inclined } else { action };
    Ok((g, Judged { first, log_std: None, value: Some(value), each: Some(each) }))
}
