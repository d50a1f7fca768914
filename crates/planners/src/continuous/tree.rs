//! The arena: nodes are rows of the model, edges are actions; children are linked lists, everything is sized once.

use super::NONE;

/// A tree of nodes (states) and edges (actions).
#[derive(Debug)]
pub(crate) struct Tree {
    dims: usize,
    members: usize,
    // Nodes.
    pub(crate) parent_edge: Vec<u32>,
    pub(crate) next_outcome: Vec<u32>,
    pub(crate) first_edge: Vec<u32>,
    pub(crate) edge_count: Vec<u32>,
    pub(crate) depth: Vec<u32>,
    /// Visits that came back, and those still under way.
    pub(crate) visits: Vec<f64>,
    /// Whether the model has stepped into it.
    pub(crate) ready: Vec<bool>,
    /// Whether it ended the episode in every lane, or diverged.
    pub(crate) ended: Vec<bool>,
    /// Whether it lies on the plan of the decision before.
    pub(crate) on_plan: Vec<bool>,
    /// `[node][members]`: reward and continuation of the step into it.
    pub(crate) reward: Vec<f64>,
    pub(crate) continuation: Vec<f64>,
    /// `[node][dims]`: the policy prior, where the model has one.
    pub(crate) prior_mean: Vec<f64>,
    pub(crate) prior_std: Vec<f64>,
    // Edges.
    pub(crate) from: Vec<u32>,
    pub(crate) next_edge: Vec<u32>,
    pub(crate) first_outcome: Vec<u32>,
    pub(crate) outcomes: Vec<u32>,
    pub(crate) tried: Vec<f64>,
    /// Tried and not come back yet.
    pub(crate) pending: Vec<f64>,
    total: Vec<f64>,
    /// The greatest return.
    top: Vec<f64>,
    /// Whether the model is deterministic: a return that was seen once can be had again, so an edge is worth its greatest one.
    exact: bool,
    pub(crate) dead: Vec<bool>,
    /// `[edge][dims]`
    pub(crate) action: Vec<f64>,
}

impl Tree {
    pub(crate) fn new(nodes: usize, edges: usize, dims: usize, members: usize) -> Self {
        let numbers = Vec::with_capacity;
        let links = Vec::with_capacity;
        Self {
            dims,
            members,
            parent_edge: links(nodes),
            next_outcome: links(nodes),
            first_edge: links(nodes),
            edge_count: links(nodes),
            depth: links(nodes),
            visits: numbers(nodes),
            ready: Vec::with_capacity(nodes),
            ended: Vec::with_capacity(nodes),
            on_plan: Vec::with_capacity(nodes),
            reward: numbers(nodes * members),
            continuation: numbers(nodes * members),
            prior_mean: numbers(nodes * dims),
            prior_std: numbers(nodes * dims),
            from: links(edges),
            next_edge: links(edges),
            first_outcome: links(edges),
            outcomes: links(edges),
            tried: numbers(edges),
            pending: numbers(edges),
            total: numbers(edges),
            top: numbers(edges),
            exact: false,
            dead: Vec::with_capacity(edges),
            action: numbers(edges * dims),
        }
    }

    /// Only a root, ready.
    pub(crate) fn plant(&mut self, deterministic: bool) {
        self.exact = deterministic;
        let Self { parent_edge, next_outcome, first_edge, edge_count, depth, .. } = self;
        [parent_edge, next_outcome, first_edge, edge_count, depth].into_iter().for_each(Vec::clear);
        let Self { visits, reward, continuation, prior_mean, prior_std, tried, pending, total, top, action, .. } = self;
        [visits, reward, continuation, prior_mean, prior_std, tried, pending, total, top, action]
            .into_iter()
            .for_each(Vec::clear);
        let Self { from, next_edge, first_outcome, outcomes, .. } = self;
        [from, next_edge, first_outcome, outcomes].into_iter().for_each(Vec::clear);
        let Self { ready, ended, on_plan, dead, .. } = self;
        [ready, ended, on_plan, dead].into_iter().for_each(Vec::clear);
        self.add_node(NONE);
        self.ready[0] = true;
        self.on_plan[0] = true;
    }

    pub(crate) fn len(&self) -> usize {
        self.depth.len()
    }

    /// A node after an edge, not ready yet.
    pub(crate) fn add_node(&mut self, edge: u32) -> u32 {
        let node = self.len() as u32;
        let mut next = NONE;
        if edge != NONE {
            next = std::mem::replace(&mut self.first_outcome[edge as usize], node);
            self.outcomes[edge as usize] += 1;
        }
        self.depth.push(if edge == NONE { 0 } else { self.depth[self.from[edge as usize] as usize] + 1 });
        self.parent_edge.push(edge);
        self.next_outcome.push(next);
        self.first_edge.push(NONE);
        self.edge_count.push(0);
        self.visits.push(0.0);
        self.ready.push(false);
        self.ended.push(false);
        self.on_plan.push(false);
        self.reward.resize(self.len() * self.members, 0.0);
        self.continuation.resize(self.len() * self.members, 0.0);
        self.prior_mean.resize(self.len() * self.dims, 0.0);
        self.prior_std.resize(self.len() * self.dims, 0.0);
        node
    }

    /// An edge of a node; its action is to be written.
    pub(crate) fn add_edge(&mut self, node: u32) -> u32 {
        let edge = self.from.len() as u32;
        self.from.push(node);
        self.next_edge.push(std::mem::replace(&mut self.first_edge[node as usize], edge));
        self.edge_count[node as usize] += 1;
        self.first_outcome.push(NONE);
        self.outcomes.push(0);
        self.tried.push(0.0);
        self.pending.push(0.0);
        self.total.push(0.0);
        self.top.push(f64::NEG_INFINITY);
        self.dead.push(false);
        self.action.resize(self.from.len() * self.dims, 0.0);
        edge
    }

    /// The actions of a node, the newest first.
    pub(crate) fn edges(&self, node: u32) -> impl Iterator<Item = u32> {
        chain(&self.next_edge, self.first_edge[node as usize])
    }

    /// The outcomes of an edge, the newest first.
    pub(crate) fn outcomes_of(&self, edge: u32) -> impl Iterator<Item = u32> {
        chain(&self.next_outcome, self.first_outcome[edge as usize])
    }

    /// Counts a return at an edge.
    pub(crate) fn update(&mut self, edge: usize, worth: f64) {
        self.tried[edge] += 1.0;
        self.total[edge] += worth;
        self.top[edge] = self.top[edge].max(worth);
    }

    /// What an edge that was tried is worth: its mean return, or its greatest one where the model is deterministic.
    pub(crate) fn worth(&self, edge: u32) -> f64 {
        let edge = edge as usize;
        if self.exact { self.top[edge] } else { self.total[edge] / self.tried[edge] }
    }

    /// The best action of a node; where returns are random, among those tried at least a tenth as often as the most tried one.
    pub(crate) fn best(&self, node: u32) -> Option<u32> {
        let sound = |edge: &u32| !self.dead[*edge as usize] && self.tried[*edge as usize] > 0.0;
        let most = self.edges(node).filter(sound).map(|edge| self.tried[edge as usize]).fold(0.0, f64::max);
        let enough = if self.exact { 0.0 } else { 0.1 * most };
        self.edges(node)
            .filter(|edge| sound(edge) && self.tried[*edge as usize] >= enough)
            // Of equals the older.
            .min_by(|a, b| self.worth(*b).total_cmp(&self.worth(*a)).then(a.cmp(b)))
    }

    pub(crate) fn action_of(&self, edge: u32) -> &[f64] {
        &self.action[edge as usize * self.dims..(edge as usize + 1) * self.dims]
    }
}

/// The members of a linked list.
fn chain(next: &[u32], first: u32) -> impl Iterator<Item = u32> {
    std::iter::successors((first != NONE).then_some(first), |at| {
        let next = next[*at as usize];
        (next != NONE).then_some(next)
    })
}
