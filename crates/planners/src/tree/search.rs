//! The search of all rules: rounds of simulations over one or more trees, each round's steps in one batch of the model.
//!
//! A round takes `leaves` simulations in each tree down to an edge without a child, lets the model step all of them at once, evaluates the new
//! rows in one batch, and backs up. In stochastic models, and where transpositions join trees, a step can lead to a node that is there
//! already: the simulation then goes on from it in a further batch of the same round. A row whose numbers are not finite makes its edge
//! the last of all (its total is minus infinity) and is counted; the simulation is withdrawn.

use std::time::Instant;

use worldwright_core::{
    Actions, Budget, Error, Imagination, Imagined, Key, ModelSpec, PlanReport, PlanStatus, Result, Rows, Space,
};

use super::arena::{ENDED, NONE, PENDING, Room, Tree};
use super::backup::Backup;
use super::evaluation::Evaluation;
use super::options::{Leaf, Options};
use super::outcomes::{self, Sampled};
use super::rule::Rule;
use super::simulations::{Simulations, Step};
use super::transpositions::Transpositions;
use crate::PlannerContext;
use crate::actions::ActionKind;

const ROOT: u64 = 1;
const STEP: u64 = 2;
const LEAF: u64 = 3;
const DRAWS: u64 = 4;
pub(super) const DECIDE: u64 = 5;

/// Room for outcomes of edges beyond the first: each new node takes one, and each further way to a node that is there.
const OUTCOMES_PER_NODE: usize = 4;

/// Trees searched to their end before the next: with their rows they are about as large as a second-level cache.
const GROUP: usize = 16;

/// The number of discrete actions.
///
/// # Errors
/// [`Error::Unsupported`] for boxes.
pub(super) fn actions(name: &'static str, context: &PlannerContext) -> Result<usize> {
    Ok(kind(name, &context.action_space)?.choices())
}

/// # Errors
/// [`Error::Unsupported`] for boxes.
pub(super) fn kind(name: &'static str, space: &Space) -> Result<ActionKind> {
    match ActionKind::new(name, space)? {
        ActionKind::Continuous { .. } => Err(Error::unsupported(
            name,
            "continuous actions: it searches discrete choices; use icem, mppi or another sampling planner for boxes",
        )),
        kind => Ok(kind),
    }
}

/// A search over `roots` trees at once.
pub(super) struct Search<R> {
    pub(super) rule: R,
    pub(super) options: Options,
    pub(super) action_space: Space,
    pub(super) kind: ActionKind,
    pub(super) trees: Vec<Tree>,
    pub(super) tables: Vec<Transpositions>,
    simulations: Simulations,
    evaluation: Evaluation,
    pub(super) imagined: Imagined,
    /// What the model and its arrays were last made for.
    pub(super) shape: (usize, usize),
    /// Rows that no node uses: those taken back, and those from `next_row` on.
    pub(super) free: Vec<u32>,
    pub(super) next_row: usize,
    /// The present batch: steps to take, and for which simulation.
    pub(super) from: Vec<u32>,
    pub(super) choices: Vec<u32>,
    pub(super) to: Vec<u32>,
    requests: Vec<u32>,
    pub(super) keys: Vec<u64>,
    /// New nodes to evaluate: their rows and simulations.
    new_rows: Vec<u32>,
    new_simulations: Vec<u32>,
    /// Simulations that go on in a further batch.
    pub(super) going: Vec<u32>,
    pub(super) with_keys: bool,
    /// Of a regrown tree: where each node was, its parent and edge, and where old nodes are now.
    pub(super) origin: Vec<u32>,
    pub(super) parents: Vec<(u32, u32)>,
    pub(super) map: Vec<u32>,
}

/// How a simulation came to rest.
enum Rest {
    /// It needs the model to step.
    Requested,
    /// It is worth this from where it stands.
    Valued(f64),
    /// Another simulation of the round is on the same edge.
    Blocked,
}

impl<R: Rule> Search<R> {
    /// Allocates everything.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an action space that is not discrete.
    pub(super) fn new(rule: R, mut options: Options, context: &PlannerContext) -> Result<Self> {
        let kind = kind(options.name, &context.action_space)?;
        let chance = options.widening.is_some();
        options.backup.range_of_means = R::RANGE_OF_MEANS;
        let room = Room {
            nodes: options.capacity,
            actions: kind.choices(),
            outcomes: if chance { OUTCOMES_PER_NODE * options.capacity } else { 0 },
            logits: R::PRIORS,
        };
        let batch = options.roots * options.leaves.max(1);
        let mut evaluation =
            Evaluation::new(kind.choices(), batch.max(options.roots), context.members.max(1), R::PRIORS);
        evaluation.rollout_steps = options.rollout_steps;
        evaluation.always_roll_out = options.evaluation == Leaf::Rollout;
        evaluation.scratch = options.roots * options.capacity;
        let kept = if options.reuse { options.capacity } else { 0 };
        let tables = if options.transpositions { options.roots } else { 0 };
        Ok(Self {
            action_space: context.action_space.clone(),
            trees: vec![Tree::new(room); options.roots],
            tables: vec![Transpositions::new(options.capacity); tables],
            simulations: Simulations::new(batch, options.horizon),
            evaluation,
            imagined: Imagined::default(),
            shape: (0, 0),
            free: Vec::with_capacity(options.roots * options.capacity),
            next_row: 0,
            from: Vec::with_capacity(batch),
            choices: Vec::with_capacity(batch),
            to: Vec::with_capacity(batch),
            requests: Vec::with_capacity(batch),
            keys: vec![0; batch],
            new_rows: Vec::with_capacity(batch),
            new_simulations: Vec::with_capacity(batch),
            going: Vec::with_capacity(batch),
            with_keys: false,
            origin: Vec::with_capacity(kept),
            parents: Vec::with_capacity(kept),
            map: vec![NONE; kept],
            kind,
            rule,
            options,
        })
    }

    /// Rows that it needs in an arena: the roots, one a further node, and those of rollouts.
    pub(super) fn rows(&self) -> usize {
        let rollouts = if self.options.evaluation == Leaf::Value { 0 } else { self.simulations.tree.len() };
        self.options.roots * self.options.capacity + rollouts
    }

    /// # Errors
    /// [`Error::Unsupported`] with what the model lacks.
    pub(super) fn check(&self, spec: &ModelSpec) -> Result<()> {
        let name = self.options.name;
        if spec.action_space != self.action_space {
            let why = format!(
                "the action space of model '{}': it was built for {:?}, the model has {:?}",
                spec.name, self.action_space, spec.action_space
            );
            return Err(Error::unsupported(name, why));
        }
        if self.options.widening.is_none() && !spec.deterministic {
            let why = format!("the chance in model '{}': it was built for a deterministic model", spec.name);
            return Err(Error::unsupported(name, why));
        }
        if self.options.evaluation == Leaf::Value && !spec.has_value {
            let why = format!("model '{}', which has no values: use evaluation 'rollout' or 'auto'", spec.name);
            return Err(Error::unsupported(name, why));
        }
        Ok(())
    }

    /// Prepares for a model; allocates only when it has another shape than the one before.
    pub(super) fn prepare(&mut self, world: &dyn Imagination) -> Result<()> {
        let spec = world.spec();
        self.check(spec)?;
        if world.rows() < self.rows() {
            return Err(Error::shape("rows of the model's arena", &[self.rows()], &[world.rows()]));
        }
        if self.options.transpositions && !world.has_state_keys() {
            let why = format!("transpositions in model '{}', which gives no keys of states", spec.name);
            return Err(Error::unsupported(self.options.name, why));
        }
        if self.shape != (spec.members, spec.constraints) {
            self.shape = (spec.members, spec.constraints);
            self.imagined = Imagined::new(spec, self.simulations.tree.len());
        }
        self.evaluation.prepare(world);
        let wanted = self.options.transpositions || self.options.widening.is_some() || self.options.reuse;
        self.with_keys = wanted && world.has_state_keys();
        Ok(())
    }

    /// Searches from the rows `0..roots`. Trees that have nodes already are searched on.
    ///
    /// # Errors
    /// What the model gives.
    pub(super) fn run(&mut self, world: &mut dyn Imagination, budget: &Budget, key: Key) -> Result<PlanReport> {
        let deadline = budget.time.map(|time| Instant::now() + time);
        self.prepare(world)?;
        let mut report = PlanReport { value: f64::NEG_INFINITY, ..PlanReport::default() };
        let members = world.spec().members as u64;
        let per_leaf = members + self.evaluation.cost(world);
        let roots = self.options.roots;
        let root_cost = if R::PRIORS { roots as u64 * self.evaluation.cost(world) } else { 0 };
        let affordable = |report: &PlanReport, first: bool| {
            let spent = report.model_steps + if first { root_cost } else { 0 };
            budget.model_steps.map_or(usize::MAX, |limit| (limit.saturating_sub(spent) / per_leaf) as usize) / roots
        };
        let unlimited = budget.time.is_none() && budget.model_steps.is_none();
        let configured = self.options.simulations.div_ceil(self.options.leaves);
        let most = self.options.capacity.max(self.options.simulations).div_ceil(self.options.leaves);
        let rounds = budget.iterations.unwrap_or(if unlimited { configured } else { most }).min(most);
        let planned = self.options.simulations.min(rounds.saturating_mul(self.options.leaves));
        let planned = planned.min(affordable(&report, true)).max(1);
        self.rule.plan(planned);
        let late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        report.status = PlanStatus::BudgetSpent;
        if rounds == 0 || affordable(&report, true) == 0 || late() {
            return Ok(report);
        }
        self.begin(world, key, &mut report)?;
        let mut left = if unlimited && rounds == configured { self.options.simulations } else { usize::MAX };
        report.status = if rounds < configured { PlanStatus::BudgetSpent } else { PlanStatus::Completed };
        // A limit ends all trees in the same round; without one a few trees at a time stay in cache from round to round.
        let group = if unlimited { GROUP } else { roots };
        let all = left;
        for first in (0..roots).step_by(group) {
            let group = first..(first + group).min(roots);
            left = all;
            for round in 0..rounds {
                let leaves = self.options.leaves.min(affordable(&report, false)).min(left);
                if leaves == 0 || late() {
                    report.status = PlanStatus::BudgetSpent;
                    break;
                }
                left -= leaves;
                let round_key = key.fold(first as u64).fold(round as u64 + 1);
                self.round(world, group.clone(), leaves, round_key, &mut report)?;
                report.iterations = report.iterations.max(round + 1);
                if self.trees[group.clone()].iter().all(|tree| tree.proven[0]) {
                    break;
                }
            }
        }
        if self.trees.iter().all(|tree| tree.proven[0]) {
            report.status = PlanStatus::Converged;
        }
        Ok(report)
    }

    /// Puts the roots into empty trees, and draws what the rule needs.
    fn begin(&mut self, world: &mut dyn Imagination, key: Key, report: &mut PlanReport) -> Result<()> {
        let roots = self.options.roots;
        let fresh = self.trees.iter().all(|tree| tree.nodes == 0);
        if fresh {
            self.free.clear();
            self.next_row = roots;
            self.tables.iter_mut().for_each(Transpositions::clear);
            self.new_rows.clear();
            self.new_rows.extend(0..roots as u32);
            if self.with_keys {
                world.state_keys(Rows::List(&self.new_rows), &mut self.keys[..roots])?;
            }
            for (b, tree) in self.trees.iter_mut().enumerate() {
                tree.clear(key.fold(0).fold(DRAWS).fold(b as u64).to_seed());
                let root = tree.add_node(b as u32, self.with_keys.then(|| self.keys[b]));
                if let Some(table) = self.tables.get_mut(b) {
                    table.put(self.keys[b], root);
                }
            }
        }
        if fresh || R::PRIORS {
            self.evaluate_roots(world, key, report)?;
        }
        for (b, tree) in self.trees.iter_mut().enumerate() {
            tree.edges_of(0);
            if fresh && R::OPENS_IN_ORDER {
                tree.rotate_edges(0);
            }
            self.rule.begin(tree, key.fold(0).fold(ROOT).fold(b as u64));
        }
        Ok(())
    }

    fn evaluate_roots(&mut self, world: &mut dyn Imagination, key: Key, report: &mut PlanReport) -> Result<()> {
        let roots = self.options.roots;
        self.new_rows.clear();
        self.new_rows.extend(0..roots as u32);
        let each = if R::PRIORS { self.kind.choices() } else { 0 };
        let (values, applicable, logits) = if R::PRIORS {
            let (evaluated, steps) = self.evaluation.run(world, &self.new_rows, key.fold(0).fold(LEAF))?;
            report.model_steps += steps;
            (evaluated.values, evaluated.applicable, evaluated.logits)
        } else {
            // Only the actions are asked for: nothing looks at a root's own value.
            self.evaluation.applicable.begin(roots);
            world.applicable(Rows::List(&self.new_rows), &mut self.evaluation.applicable)?;
            (&[][..], &self.evaluation.applicable, &[][..])
        };
        for (b, tree) in self.trees.iter_mut().enumerate() {
            let value = values.get(b).copied().unwrap_or(0.0);
            let sound = value.is_finite() && logits[b * each..(b + 1) * each].iter().all(|logit| !logit.is_nan());
            if !sound {
                report.diverged += 1;
            }
            tree.evaluate(0, if sound { value } else { 0.0 }, applicable, logits, b);
            tree.value[0] = tree.estimate[0];
            if !sound {
                tree.forget_logits(0);
            }
        }
        Ok(())
    }

    /// One round: `leaves` simulations in every tree of a group.
    fn round(
        &mut self,
        world: &mut dyn Imagination,
        group: std::ops::Range<usize>,
        leaves: usize,
        key: Key,
        report: &mut PlanReport,
    ) -> Result<()> {
        self.simulations.clear();
        self.clear_batch();
        for _ in 0..leaves {
            for b in group.clone() {
                if !self.trees[b].proven[0] {
                    let simulation = self.simulations.begin(b);
                    self.go_on(simulation, leaves);
                }
            }
        }
        let mut batch = 0;
        while !self.requests.is_empty() {
            let batch_key = key.fold(batch);
            self.step(world, batch_key.fold(STEP), report)?;
            self.evaluate(world, batch_key.fold(LEAF), report)?;
            self.clear_batch();
            let going = std::mem::take(&mut self.going);
            going.iter().for_each(|simulation| self.go_on(*simulation as usize, leaves));
            self.going = going;
            self.going.clear();
            batch += 1;
        }
        Ok(())
    }

    pub(super) fn clear_batch(&mut self) {
        self.from.clear();
        self.choices.clear();
        self.to.clear();
        self.requests.clear();
    }

    /// Takes a simulation down from where it stands, until it needs the model or ends.
    #[inline]
    fn go_on(&mut self, simulation: usize, leaves: usize) {
        let rest = self.descend(simulation, leaves);
        let tree = &mut self.trees[self.simulations.tree[simulation] as usize];
        match rest {
            Rest::Requested => {}
            Rest::Valued(value) => self.options.backup.run(tree, self.simulations.path(simulation), value),
            Rest::Blocked => Backup::withdraw(tree, self.simulations.path(simulation)),
        }
    }

    #[inline]
    fn descend(&mut self, simulation: usize, leaves: usize) -> Rest {
        let tree = &mut self.trees[self.simulations.tree[simulation] as usize];
        let mut node = self.simulations.node[simulation] as usize;
        // By the maximum, totals are written anew by every backup: there is nothing to lend.
        let lend = leaves > 1 && !self.options.backup.by_maximum;
        loop {
            if tree.proven[node] {
                return Rest::Valued(tree.value[node]);
            }
            if self.simulations.depth(simulation) == self.options.horizon {
                return Rest::Valued(value_so_far(tree, node, self.options.backup.by_maximum));
            }
            if tree.first[node] == NONE {
                tree.edges_of(node);
                if R::OPENS_IN_ORDER {
                    tree.rotate_edges(node);
                }
            }
            let Some(edge) = self.rule.choose(tree, node) else {
                return Rest::Valued(tree.estimate[node]);
            };
            if R::OPENS_IN_ORDER {
                let place = edge as u32 - tree.first[node];
                tree.opened[node] = tree.opened[node].max(place + 1);
            }
            let visits = tree.edge_visits[edge];
            let lent = if lend {
                let mean = if visits == 0 { tree.estimate[node] } else { tree.total[edge] / f64::from(visits) };
                mean - self.options.virtual_loss * tree.range()
            } else {
                0.0
            };
            tree.visits[node] += 1;
            tree.edge_visits[edge] = visits + 1;
            tree.total[edge] += lent;
            let mut slot = edge;
            let mut sample = tree.child[edge] == NONE;
            let has_row = !self.free.is_empty() || self.next_row < self.evaluation.scratch;
            if let Some(widening) = self.options.widening {
                let room = has_row && outcomes::room(tree, tree.pending);
                sample = widening.samples(tree, edge, room);
                if !sample {
                    match outcomes::draw(tree, edge) {
                        Some(drawn) => slot = drawn,
                        None => sample = true,
                    }
                }
            }
            self.simulations.push(simulation, Step { node: node as u32, edge: edge as u32, slot: slot as u32, lent });
            if sample {
                if !has_row || tree.nodes + tree.pending >= tree.capacity() {
                    return Rest::Blocked;
                }
                if self.options.widening.is_none() {
                    tree.child[edge] = PENDING;
                }
                let row = self.free.pop().unwrap_or_else(|| {
                    self.next_row += 1;
                    self.next_row as u32 - 1
                });
                tree.pending += 1;
                self.from.push(tree.row[node]);
                self.choices.push(tree.action[edge]);
                self.to.push(row);
                self.requests.push(simulation as u32);
                self.simulations.node[simulation] = node as u32;
                return Rest::Requested;
            }
            match tree.child[slot] {
                ENDED => return Rest::Valued(0.0),
                PENDING => return Rest::Blocked,
                child => node = child as usize,
            }
        }
    }

    /// Lets the model take the steps of the batch and sees where they lead.
    fn step(&mut self, world: &mut dyn Imagination, key: Key, report: &mut PlanReport) -> Result<()> {
        let n = self.requests.len();
        self.imagined.begin(n);
        let actions = Actions::Discrete(&self.choices);
        world.step(Rows::List(&self.from), actions, Rows::List(&self.to), key, &mut self.imagined)?;
        let members = self.shape.0;
        report.model_steps += (n * members) as u64;
        if self.with_keys {
            world.state_keys(Rows::List(&self.to), &mut self.keys[..n])?;
        }
        self.new_rows.clear();
        self.new_simulations.clear();
        for i in 0..n {
            let (reward, continuation) = self.paid(i);
            let simulation = self.requests[i] as usize;
            let b = self.simulations.tree[simulation] as usize;
            let (tree, row) = (&mut self.trees[b], self.to[i]);
            tree.pending -= 1;
            let edge = self.simulations.last(simulation).edge as usize;
            if !(reward.is_finite() && continuation.is_finite()) {
                self.free.push(row);
                self.diverge(simulation, report);
                continue;
            }
            tree.zero_sum |= continuation < 0.0;
            tree.ends |= continuation == 0.0;
            let key = self.with_keys.then(|| self.keys[i]);
            let sampled = Sampled { reward, continuation, key };
            let mut slot = edge;
            if self.options.widening.is_some() {
                let known = outcomes::find(tree, edge, sampled);
                slot = known.unwrap_or_else(|| outcomes::add(tree, edge));
                tree.samples[slot] += 1;
                self.simulations.last(simulation).slot = slot as u32;
                if known.is_some() {
                    self.free.push(row);
                    self.arrive(simulation, slot);
                    continue;
                }
            }
            tree.reward[slot] = reward;
            tree.continuation[slot] = continuation;
            let joined = self.tables.get(b).and_then(|table| table.get(self.keys[i]));
            if continuation == 0.0 || joined.is_some() {
                tree.child[slot] = if continuation == 0.0 { ENDED } else { joined.map_or(ENDED, |node| node as u32) };
                self.free.push(row);
                self.arrive(simulation, slot);
                continue;
            }
            let node = tree.add_node(row, key);
            tree.child[slot] = node as u32;
            // Another simulation of this batch may come to the same state: it joins this node before it is evaluated.
            if let Some(table) = self.tables.get_mut(b) {
                table.put(self.keys[i], node);
            }
            self.simulations.node[simulation] = node as u32;
            self.new_rows.push(row);
            self.new_simulations.push(simulation as u32);
        }
        Ok(())
    }

    /// Reward and continuation of row `i` of the batch: the mean over the lanes, less the price of not knowing.
    #[inline]
    pub(super) fn paid(&self, i: usize) -> (f64, f64) {
        let (out, members) = (&self.imagined, self.shape.0);
        if members == 1 && self.options.epistemic_penalty == 0.0 {
            return (out.reward[i], out.continuation[i]);
        }
        let (mut reward, mut continuation) = (0.0, 0.0);
        for member in 0..members {
            let at = out.at(member, i);
            let spread = if self.options.epistemic_penalty == 0.0 { 0.0 } else { out.epistemic[at] };
            reward += out.reward[at] - self.options.epistemic_penalty * spread;
            continuation += out.continuation[at];
        }
        (reward / members as f64, continuation / members as f64)
    }

    /// A simulation reached a slot that leads to an end or to a node that is there.
    fn arrive(&mut self, simulation: usize, slot: usize) {
        let b = self.simulations.tree[simulation] as usize;
        match self.trees[b].child[slot] {
            ENDED => self.options.backup.run(&mut self.trees[b], self.simulations.path(simulation), 0.0),
            child => {
                self.simulations.node[simulation] = child;
                self.going.push(simulation as u32);
            }
        }
    }

    /// Marks the simulation's last edge as the last of all and withdraws the rest.
    fn diverge(&mut self, simulation: usize, report: &mut PlanReport) {
        report.diverged += 1;
        let tree = &mut self.trees[self.simulations.tree[simulation] as usize];
        let path = self.simulations.path(simulation);
        Backup::withdraw(tree, path);
        if let Some(last) = path.last() {
            let edge = last.edge as usize;
            tree.total[edge] = f64::NEG_INFINITY;
            tree.edge_visits[edge] = tree.edge_visits[edge].max(1);
            if tree.child[edge] == PENDING {
                tree.child[edge] = NONE;
            }
        }
    }

    /// Evaluates the new nodes and backs them up.
    fn evaluate(&mut self, world: &mut dyn Imagination, key: Key, report: &mut PlanReport) -> Result<()> {
        if self.new_rows.is_empty() {
            return Ok(());
        }
        let each = if R::PRIORS { self.kind.choices() } else { 0 };
        let mut broken = 0;
        let (evaluated, steps) = self.evaluation.run(world, &self.new_rows, key)?;
        report.model_steps += steps;
        for (i, simulation) in self.new_simulations.iter().enumerate() {
            let tree = &mut self.trees[self.simulations.tree[*simulation as usize] as usize];
            let node = self.simulations.node[*simulation as usize] as usize;
            let value = evaluated.values[i];
            let logits = &evaluated.logits[i * each..(i + 1) * each];
            if value.is_finite() && logits.iter().all(|logit| !logit.is_nan()) {
                tree.evaluate(node, value, evaluated.applicable, evaluated.logits, i);
                if self.options.backup.by_maximum {
                    tree.value[node] = value;
                }
                self.options.backup.run(tree, self.simulations.path(*simulation as usize), value);
            } else {
                // The node stays, without actions, for others that may have joined it. The requests are done with and hold those that broke.
                tree.evaluate(node, 0.0, evaluated.applicable, evaluated.logits, i);
                tree.value[node] = 0.0;
                tree.forget_actions(node);
                self.requests[broken] = *simulation;
                broken += 1;
            }
        }
        for i in 0..broken {
            self.diverge(self.requests[i] as usize, report);
        }
        Ok(())
    }
}

/// What a node is worth by the simulations below it.
fn value_so_far(tree: &Tree, node: usize, by_maximum: bool) -> f64 {
    let sound = tree.edges_made(node).filter(|edge| tree.total[*edge].is_finite() && tree.edge_visits[*edge] > 0);
    let (visits, total) =
        sound.fold((0, 0.0), |(visits, total), edge| (visits + tree.edge_visits[edge], total + tree.total[edge]));
    if by_maximum {
        tree.value[node]
    } else if visits == 0 {
        tree.estimate[node]
    } else {
        total / f64::from(visits)
    }
}
