//! The search of all rules: what it is made of, its budget, and its roots. The rounds that it makes are in [`rounds`](super::rounds).

use worldwright_core::{
    Budget, Error, Imagination, Imagined, Key, ModelSpec, PlanReport, PlanStatus, Result, Rows, Space,
};

use super::arena::{NONE, Room, Tree};
use super::evaluation::Evaluation;
use super::length::Stage;
use super::options::{Leaf, Options};
use super::rule::Rule;
use super::simulations::Simulations;
use super::transpositions::Transpositions;
use crate::PlannerContext;
use crate::actions::ActionKind;

const ROOT: u64 = 1;
pub(super) const LEAF: u64 = 3;
const DRAWS: u64 = 4;
pub(super) const DECIDE: u64 = 5;

/// Room for outcomes of edges beyond the first: each new node takes one, and each further way to a node that is there.
const OUTCOMES_PER_NODE: usize = 4;

/// Simulations at once, over trees that are searched to their end before the next ones: enough for a batch of the model, and few enough trees to
/// stay in the second-level cache.
pub(super) const GROUP: usize = 16;

/// The number of discrete actions.
///
/// # Errors
/// [`Error::Unsupported`] for boxes.
pub(super) fn actions(name: &'static str, context: &PlannerContext) -> Result<usize> {
    Ok(ActionKind::listed(name, &context.action_space)?.choices())
}

/// A search over `roots` trees at once.
pub(super) struct Search<R> {
    pub(super) rule: R,
    pub(super) options: Options,
    /// The number of the first root in the forest that this is a part of.
    pub(super) first_root: usize,
    pub(super) action_space: Space,
    pub(super) kind: ActionKind,
    pub(super) trees: Vec<Tree>,
    pub(super) tables: Vec<Transpositions>,
    pub(super) simulations: Simulations,
    pub(super) evaluation: Evaluation,
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
    pub(super) requests: Vec<u32>,
    pub(super) keys: Vec<u64>,
    /// New nodes to evaluate: their rows and simulations.
    pub(super) new_rows: Vec<u32>,
    pub(super) new_simulations: Vec<u32>,
    /// Simulations that go on in a further batch.
    pub(super) going: Vec<u32>,
    /// Simulations of the round that shortened and came to nothing.
    pub(super) wasted: usize,
    pub(super) with_keys: bool,
    /// Of a regrown tree: where each node was, its parent and edge, and where old nodes are now.
    pub(super) origin: Vec<u32>,
    pub(super) parents: Vec<(u32, u32)>,
    pub(super) map: Vec<u32>,
}

impl<R: Rule> Search<R> {
    /// Allocates everything.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an action space that is not discrete.
    pub(super) fn new(rule: R, mut options: Options, context: &PlannerContext) -> Result<Self> {
        let kind = ActionKind::listed(options.name, &context.action_space)?;
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
            first_root: 0,
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
            wasted: 0,
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
                "the action space of model '{}': it was built for {}, the model has {}",
                spec.name, self.action_space, spec.action_space
            );
            return Err(Error::unsupported(name, why));
        }
        if self.options.widening.is_none() && !spec.deterministic {
            let why = format!("the chance in model '{}': it was built for a deterministic model", spec.name);
            return Err(Error::unsupported(name, why));
        }
        if self.options.evaluation == Leaf::Value && !spec.capabilities.value {
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
        if self.options.transpositions && !world.spec().capabilities.keys {
            let why = format!("transpositions in model '{}', which gives no keys of states", spec.name);
            return Err(Error::unsupported(self.options.name, why));
        }
        if self.shape != (spec.members, spec.constraints) {
            self.shape = (spec.members, spec.constraints);
            self.imagined = Imagined::new(spec, self.simulations.tree.len());
        }
        self.evaluation.prepare(world);
        let wanted = self.options.transpositions || self.options.widening.is_some() || self.options.reuse;
        self.with_keys = wanted && world.spec().capabilities.keys;
        Ok(())
    }

    /// Searches from the rows `0..roots`. Trees that have nodes already are searched on.
    ///
    /// # Errors
    /// What the model gives.
    pub(super) fn run(&mut self, world: &mut dyn Imagination, budget: &Budget, key: Key) -> Result<PlanReport> {
        let deadline = budget.deadline();
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
        let late = || deadline.passed();
        report.status = PlanStatus::BudgetSpent;
        if rounds == 0 || affordable(&report, true) == 0 || late() {
            return Ok(report);
        }
        self.begin(world, key, &mut report)?;
        let mut left = if unlimited && rounds == configured { self.options.simulations } else { usize::MAX };
        report.status = if rounds < configured { PlanStatus::BudgetSpent } else { PlanStatus::Completed };
        // A limit ends all trees in the same round; without one a few trees at a time stay in cache from round to round: a power of two, so
        // that every multiple of the largest group begins one.
        let few = 1 << (GROUP / self.options.leaves).max(1).ilog2();
        let group = if unlimited { few } else { roots };
        let (all, counted) = (left, left != usize::MAX);
        for first in (0..roots).step_by(group) {
            let group = first..(first + group).min(roots);
            left = all;
            self.go_further(group.clone());
            // Without a limit simulations are counted, not rounds: those that came to nothing are made up for.
            for round in 0..if counted { usize::MAX } else { rounds } {
                if left == 0 {
                    break;
                }
                let leaves = self.options.leaves.min(affordable(&report, false)).min(left);
                if leaves == 0 || late() {
                    report.status = PlanStatus::BudgetSpent;
                    break;
                }
                left -= leaves;
                let round_key = key.fold((self.first_root + first) as u64).fold(round as u64 + 1);
                let wasted = self.round(world, group.clone(), leaves, round_key, &mut report)?;
                if counted {
                    left += (wasted / group.len()).min(leaves - 1);
                }
                self.go_further(group.clone());
                report.iterations = report.iterations.max(round + 1);
                if self.trees[group.clone()].iter().all(|tree| tree.stage == Stage::Settled) {
                    break;
                }
            }
        }
        if self.trees.iter().all(|tree| tree.proven[0]) {
            report.status = PlanStatus::Converged;
        }
        Ok(report)
    }

    /// Trees whose roots are proven look for shorter wins and longer defences, or rest.
    fn go_further(&mut self, group: std::ops::Range<usize>) {
        self.trees[group].iter_mut().for_each(|tree| self.options.backup.go_further(tree));
    }

    /// Puts the roots into empty trees, and draws what the rule needs.
    fn begin(&mut self, world: &mut dyn Imagination, key: Key, report: &mut PlanReport) -> Result<()> {
        let roots = self.options.roots;
        let first_root = self.first_root;
        let number = |b: usize| (first_root + b) as u64;
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
                tree.clear(key.fold(0).fold(DRAWS).fold(number(b)).to_seed());
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
            if fresh && !R::PRIORS {
                tree.rotate_edges(0);
            }
            self.rule.begin(tree, key.fold(0).fold(ROOT).fold(number(b)));
        }
        Ok(())
    }

    /// Evaluates the roots, in the groups in which they are searched.
    fn evaluate_roots(&mut self, world: &mut dyn Imagination, key: Key, report: &mut PlanReport) -> Result<()> {
        for first in (0..self.options.roots).step_by(GROUP) {
            let group = first..(first + GROUP).min(self.options.roots);
            let key = key.fold(0).fold(LEAF).fold((self.first_root + first) as u64);
            self.evaluate_group(world, group, key, report)?;
        }
        Ok(())
    }

    fn evaluate_group(
        &mut self,
        world: &mut dyn Imagination,
        group: std::ops::Range<usize>,
        key: Key,
        report: &mut PlanReport,
    ) -> Result<()> {
        self.new_rows.clear();
        self.new_rows.extend(group.start as u32..group.end as u32);
        let each = if R::PRIORS { self.kind.choices() } else { 0 };
        let (values, applicable, logits) = if R::PRIORS {
            let (evaluated, steps) = self.evaluation.run(world, &self.new_rows, key)?;
            report.model_steps += steps;
            (evaluated.values, evaluated.applicable, evaluated.logits)
        } else {
            // Only the actions are asked for: nothing looks at a root's own value.
            self.evaluation.applicable.begin(group.len());
            world.applicable(Rows::List(&self.new_rows), &mut self.evaluation.applicable)?;
            (&[][..], &self.evaluation.applicable, &[][..])
        };
        for (i, tree) in self.trees[group].iter_mut().enumerate() {
            let value = values.get(i).copied().unwrap_or(0.0);
            let sound = value.is_finite() && logits[i * each..(i + 1) * each].iter().all(|logit| !logit.is_nan());
            if !sound {
                report.diverged += 1;
            }
            tree.evaluate(0, if sound { value } else { 0.0 }, applicable, logits, i);
            if !tree.proven[0] {
                tree.value[0] = tree.estimate[0];
            }
            if !sound {
                tree.forget_logits(0);
            }
        }
        Ok(())
    }
}
