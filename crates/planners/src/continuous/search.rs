//! The search: waves of simulations that go down the tree together, one step of the model for all new nodes of a wave, one batch of
//! rollouts, and the returns on the way home.
//!
//! Lane m of a simulation earns `G ← r + c G` from its leaf up (reward r less penalties, continuation c), folded by the risk measure at
//! each edge on the way; an edge is worth the mean of what came back, and under a deterministic model, where what was seen once can
//! be had again, the greatest. While a simulation is under way its actions count as tried (Liu et al., "Watch the Unobserved", ICLR 2020), so
//! that a wave spreads. Rollouts go on from the leaf to the horizon with actions drawn around the leaf's last one. The next decision
//! begins with the line that this one chose, imagined anew: rows of the arena belong to a state that was not observed, so keeping
//! them would be wrong for any model that is not exact. A wave, not a simulation, is the iteration of the budget.

use worldwright_core::{
    Action, Array, Budget, Error, Imagination, Imagined, Key, ModelSpec, Persist, PlanReport, PlanStatus, Planner,
    Priors, Result, Rng, Rows, Settings, Space, State, Values, Weighed, cost, is_bounded,
};

use super::tree::Tree;
use super::{NONE, Rule};
use crate::PlannerContext;
use crate::actions::{ActionKind, Flat, Sequence};
use crate::common;
use crate::objective::Risk;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    Auto,
    Value,
    Rollout,
}

/// A tree search over real-valued actions.
pub(crate) struct Search<R> {
    pub(super) name: &'static str,
    pub(super) rule: R,
    pub(super) action_space: Space,
    pub(super) kind: ActionKind,
    pub(super) form: Flat,
    /// `[A]`, to snap one action in.
    pub(super) snapped: Vec<f64>,
    pub(super) low: Vec<f64>,
    pub(super) high: Vec<f64>,
    /// Standard deviation of actions without bounds, and the unit of local draws.
    pub(super) spread: Vec<f64>,
    pub(super) horizon: usize,
    pub(super) simulations: usize,
    pub(super) batch: usize,
    pub(super) local_share: f64,
    pub(super) leaf: Leaf,
    pub(super) constraint_penalty: f64,
    pub(super) risk: Risk,
    pub(super) epistemic_penalty: f64,
    pub(super) tree: Tree,
    pub(super) members: usize,
    /// What was chosen, `[H][A]`, and the same while a decision is under way.
    pub(super) chosen: Sequence,
    pub(super) seed: u64,
    pub(super) decision: u64,
    /// Nodes of the wave, those that need no step first told apart by `ready`.
    pub(super) wave: Vec<u32>,
    /// Parents of the nodes that are stepped.
    pub(super) parents: Vec<u32>,
    /// `[A][n]`
    pub(super) columns: Vec<f64>,
    /// Rollout lanes `[M][n]`: return so far and what multiplies the rest.
    pub(super) returns: Vec<f64>,
    pub(super) weights: Vec<f64>,
    pub(super) lanes: Vec<f64>,
    pub(super) sorted: Vec<f64>,
    pub(super) imagined: Imagined,
    pub(super) shape: (usize, usize),
    pub(super) values: Values,
    pub(super) priors: Priors,
}

impl<R: Rule> Search<R> {
    /// Allocates everything.
    pub(crate) fn new(name: &'static str, rule: R, context: &PlannerContext, settings: &Settings) -> Result<Self> {
        let kind = ActionKind::new(name, &context.action_space)?;
        let ActionKind::Continuous { low, high, form } = kind.clone() else {
            let what = format!(
                "the action space {}: it searches boxes of real numbers; use a planner for choices",
                context.action_space
            );
            return Err(Error::unsupported(name, what));
        };
        let (horizon, simulations) = (settings.count("horizon", 1)?, settings.count("simulations", 1)?);
        let batch = settings.count("batch", 2)?.min(simulations.max(2));
        let (dims, members) = (low.len(), context.members.max(1));
        let edges = rule.most_actions(simulations);
        let each_node = 40.0 + 16.0 * (members + dims) as f64;
        let each_edge = 56.0 + 8.0 * dims as f64;
        let samples = if settings.iter().any(|(key, _)| key == "samples") { settings.count("samples", 1)? } else { 1 };
        let room = [("simulations", simulations), ("samples", samples), ("horizon", horizon), ("particles", members)];
        let bytes = (simulations as f64 + 1.0) * each_node + edges as f64 * each_edge;
        cost::memory(&room, bytes + 16.0 * horizon as f64 * dims as f64 + 32.0 * (batch * members) as f64)?;
        let steps = simulations as f64 * (1.0 + horizon as f64) * members as f64;
        cost::work(&room, "steps of the model a decision", steps, cost::MOST_MODEL_STEPS)?;
        let given = settings.numbers("action_std")?;
        if given.len() > 1 && given.len() != dims || given.iter().any(|std| !(*std > 0.0 && std.is_finite())) {
            let why = format!("one positive number, or one for each of the {dims} action dimensions");
            return Err(Error::config("action_std", why));
        }
        let spread = (0..dims).map(|dim| match given {
            [] if is_bounded(low[dim], high[dim]) => 0.25 * (high[dim] - low[dim]),
            [] => 1.0,
            [one] => *one,
            several => several[dim],
        });
        let mut chosen = Sequence::new(&kind, horizon);
        chosen.values.iter_mut().enumerate().for_each(|(i, slot)| *slot = middle(low[i % dims], high[i % dims]));
        kind.snap_sequence(&mut chosen);
        Ok(Self {
            spread: spread.collect(),
            local_share: settings.float("local_share", 0.0, 1.0)?,
            leaf: match settings.choice("leaf", &["auto", "value", "rollout"])? {
                0 => Leaf::Auto,
                1 => Leaf::Value,
                _ => Leaf::Rollout,
            },
            constraint_penalty: settings.float("constraint_penalty", 0.0, f64::MAX)?,
            risk: common::risk(settings)?,
            epistemic_penalty: settings.float("epistemic_penalty", 0.0, f64::MAX)?,
            tree: Tree::new(simulations + 1, edges, dims, members),
            members,
            chosen,
            seed: context.seed,
            decision: 0,
            wave: Vec::with_capacity(batch),
            parents: Vec::with_capacity(batch),
            columns: vec![0.0; batch * dims],
            returns: vec![0.0; batch * members],
            weights: vec![0.0; batch * members],
            lanes: vec![0.0; members],
            sorted: vec![0.0; members],
            imagined: Imagined::default(),
            shape: (0, 0),
            values: Values { value: Vec::with_capacity(batch * members) },
            priors: Priors { mean: Vec::with_capacity(batch * dims), std: Vec::with_capacity(batch * dims) },
            action_space: context.action_space.clone(),
            name,
            rule,
            kind,
            form,
            snapped: vec![0.0; dims],
            low,
            high,
            horizon,
            simulations,
            batch,
        })
    }

    pub(super) fn dims(&self) -> usize {
        self.low.len()
    }

    fn search(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        let deadline = budget.deadline();
        if root != 0 {
            world.copy(root, Rows::Span(0..1));
        }
        let spec = world.spec();
        if self.shape != (spec.members, spec.constraints) {
            self.shape = (spec.members, spec.constraints);
            self.imagined = Imagined::new(spec, self.batch);
        }
        let by_value = match self.leaf {
            Leaf::Auto => spec.capabilities.value,
            Leaf::Value => true,
            Leaf::Rollout => false,
        };
        let has_prior = spec.capabilities.prior;
        let key = Key::new(self.seed).fold(self.decision);
        self.tree.plant(world.spec().deterministic);
        if has_prior {
            self.ask_prior(world, 0..1)?;
        }
        // What one simulation may cost at most.
        let each = (self.members * (1 + if by_value { 0 } else { self.horizon })) as u64;
        let mut report = PlanReport { value: f64::NEG_INFINITY, ..PlanReport::default() };
        let (mut tried, mut simulated) = (false, 0);
        while simulated < self.simulations {
            let affordable = budget.model_steps.map_or(u64::MAX, |steps| (steps - report.model_steps) / each);
            let count =
                self.batch.min(self.simulations - simulated).min(usize::try_from(affordable).unwrap_or(usize::MAX));
            let late = deadline.passed();
            if count == 0 || late || budget.iterations.is_some_and(|limit| report.iterations >= limit) {
                report.status = PlanStatus::BudgetSpent;
                break;
            }
            let wave_key = key.fold(report.iterations as u64);
            let mut rng = wave_key.fold(0).rng();
            self.descend(count, world.spec().deterministic, &mut rng);
            if self.wave.is_empty() {
                break;
            }
            simulated += self.wave.len();
            tried = true;
            report.model_steps += self.step_wave(world, wave_key.fold(1))?;
            report.model_steps += self.evaluate(world, by_value, wave_key, &mut rng)?;
            if has_prior {
                self.ask_new_priors(world)?;
            }
            report.diverged += self.back_up();
            report.iterations += 1;
        }
        let Some(edge) = self.tree.best(0) else {
            report.status = if tried { PlanStatus::AllDiverged } else { report.status };
            return Ok(report);
        };
        report.value = self.tree.worth(edge);
        self.write_plan();
        Ok(report)
    }

    /// Sends up to `count` simulations down the tree; their ends stand in `wave`.
    fn descend(&mut self, count: usize, deterministic: bool, rng: &mut Rng) {
        self.wave.clear();
        while self.wave.len() < count {
            let mut node = 0;
            let end = loop {
                let at = node as usize;
                if self.tree.ended[at] || self.tree.depth[at] as usize >= self.horizon {
                    break Some(node);
                }
                let Some(edge) = self.choose(node, rng) else {
                    // All that can be done here diverged: whoever led here is to be avoided as well.
                    let Some(led) = self.tree.parent_edge.get(at).filter(|edge| **edge != NONE) else { break None };
                    self.tree.dead[*led as usize] = true;
                    node = 0;
                    continue;
                };
                let wanted = if deterministic { 1 } else { self.rule.outcomes_at(self.tree.tried[edge as usize]) };
                if (self.tree.outcomes[edge as usize] as usize) < wanted && self.tree.len() <= self.simulations {
                    break Some(self.grow(edge));
                }
                let visits = |outcome: &u32| self.tree.visits[*outcome as usize];
                let next = self.tree.outcomes_of(edge).min_by(|a, b| visits(a).total_cmp(&visits(b)).then(a.cmp(b)));
                match next {
                    Some(next) if self.tree.ready[next as usize] => node = next,
                    _ => break None,
                }
            };
            // Whoever meets a node that is still under way waits for the next wave.
            let Some(end) = end else { break };
            self.wave.push(end);
            let mut node = end;
            while self.tree.parent_edge[node as usize] != NONE {
                let edge = self.tree.parent_edge[node as usize];
                self.tree.pending[edge as usize] += 1.0;
                node = self.tree.from[edge as usize];
                self.tree.visits[node as usize] += 1.0;
            }
        }
    }

    /// A new outcome of an edge.
    fn grow(&mut self, edge: u32) -> u32 {
        let child = self.tree.add_node(edge);
        let parent = self.tree.from[edge as usize];
        // The first action of a node on the old plan is the plan's.
        let first = self.tree.next_edge[edge as usize] == NONE;
        self.tree.on_plan[child as usize] = first && self.tree.on_plan[parent as usize];
        child
    }

    /// The action to follow from a node; none where all of them diverged.
    fn choose(&mut self, node: u32, rng: &mut Rng) -> Option<u32> {
        let visits = self.tree.visits[node as usize];
        // The root gives every simulation of the first wave an action of its own.
        let allowed = self.rule.actions_at(visits).max(if node == 0 { self.batch } else { 1 });
        let has = self.tree.edge_count[node as usize] as usize;
        if self.rule.all_at_once() && has == 0 {
            for _ in 0..allowed {
                self.propose(node, rng);
            }
        } else if has < allowed && self.tree.from.len() < self.rule.most_actions(self.simulations) {
            return Some(self.propose(node, rng));
        }
        let (middle, greatest) = self.scale(node);
        let half = if greatest > middle { 2.0 * (greatest - middle) } else { 1.0 };
        let mut best: Option<(u32, f64)> = None;
        for edge in self.tree.edges(node).filter(|edge| !self.tree.dead[*edge as usize]) {
            let back = self.tree.tried[edge as usize];
            let tried = back + self.tree.pending[edge as usize];
            // What never came back is worth the middle.
            let value = if back > 0.0 { 1.0 + (self.tree.worth(edge) - greatest) / half } else { 0.5 };
            let bound = value + self.rule.bonus(visits, tried, self.tree.edge_count[node as usize] as usize);
            if best.is_none_or(|best| bound >= best.1) {
                best = Some((edge, bound));
            }
        }
        best.map(|best| best.0)
    }

    /// Mean and greatest worth of a node's actions. Values are scaled so that these are ½ and 1: the least would be one bad draw's.
    fn scale(&self, node: u32) -> (f64, f64) {
        let tried = |edge: &u32| !self.tree.dead[*edge as usize] && self.tree.tried[*edge as usize] > 0.0;
        let (mut sum, mut count, mut greatest) = (0.0, 0.0, f64::NEG_INFINITY);
        for edge in self.tree.edges(node).filter(tried) {
            let worth = self.tree.worth(edge);
            (sum, count, greatest) = (sum + worth, count + 1.0, f64::max(greatest, worth));
        }
        if count > 0.0 { (sum / count, greatest) } else { (0.0, 0.0) }
    }

    /// Adds an action: the old plan's, one near the best, one of the prior, or one from anywhere.
    fn propose(&mut self, node: u32, rng: &mut Rng) -> u32 {
        let dims = self.dims();
        let planned = self.tree.on_plan[node as usize] && self.tree.edge_count[node as usize] == 0;
        let best = self.tree.best(node).filter(|_| rng.uniform() < self.local_share);
        let depth = self.tree.depth[node as usize] as usize;
        // Local draws come closer the more actions there are.
        let shrink = 1.0 / f64::from(self.tree.edge_count[node as usize].max(1));
        let edge = self.tree.add_edge(node);
        for dim in 0..dims {
            let (low, high, spread) = (self.low[dim], self.high[dim], self.spread[dim]);
            let prior = node as usize * dims + dim;
            let drawn = if planned {
                self.chosen.values[depth * dims + dim]
            } else if let Some(best) = best {
                self.tree.action_of(best)[dim] + shrink * spread * rng.normal()
            } else if self.tree.prior_std[prior] > 0.0 {
                self.tree.prior_mean[prior] + self.tree.prior_std[prior] * rng.normal()
            } else if is_bounded(low, high) {
                rng.uniform_in(low, high)
            } else {
                spread * rng.normal()
            };
            self.tree.action[edge as usize * dims + dim] = drawn.max(low).min(high);
        }
        self.form.snap(&mut self.tree.action[edge as usize * dims..(edge as usize + 1) * dims]);
        edge
    }

    /// Writes the line of best actions; beyond the tree its last action stands.
    fn write_plan(&mut self) {
        let dims = self.dims();
        let (mut node, mut last) = (Some(0), 0);
        for t in 0..self.horizon {
            match node.and_then(|node| self.tree.best(node)) {
                Some(edge) => {
                    last = edge;
                    let most = |a: &u32, b: &u32| {
                        self.tree.visits[*a as usize].total_cmp(&self.tree.visits[*b as usize]).then(b.cmp(a))
                    };
                    node = self.tree.outcomes_of(edge).max_by(most);
                }
                None => node = None,
            }
            let action = last as usize * dims..(last as usize + 1) * dims;
            self.chosen.values[t * dims..(t + 1) * dims].copy_from_slice(&self.tree.action[action]);
        }
    }
}

impl<R: Rule> Planner for Search<R> {
    fn rows(&self) -> usize {
        1 + self.simulations + self.batch
    }

    fn check(&self, spec: &ModelSpec) -> Result<()> {
        if spec.action_space != self.action_space || spec.members != self.members {
            let what = format!(
                "model '{}' with {} and {} lanes: it was built for {} and {}",
                spec.name, spec.action_space, spec.members, self.action_space, self.members
            );
            return Err(Error::unsupported(self.name, what));
        }
        if self.leaf == Leaf::Value && !spec.capabilities.value {
            let what = format!("leaf = 'value' with model '{}', which has none: use 'rollout'", spec.name);
            return Err(Error::unsupported(self.name, what));
        }
        Ok(())
    }

    fn improve(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        self.check(world.spec())?;
        if world.rows() < self.rows() || root >= world.rows() {
            return Err(Error::shape("rows of the model's arena", &[self.rows().max(root + 1)], &[world.rows()]));
        }
        let report = self.search(world, root, budget)?;
        self.decision += 1;
        Ok(report)
    }

    fn act(&self, t: usize, out: &mut Action) {
        self.kind.write(&self.chosen, t.min(self.horizon - 1), out);
    }

    fn horizon(&self) -> usize {
        self.horizon
    }

    fn shift(&mut self, steps: usize) {
        self.chosen.shift(self.horizon, steps);
    }

    fn reset(&mut self, seed: u64) {
        self.seed = seed;
        self.decision = 0;
        let dims = self.dims();
        let (low, high) = (&self.low, &self.high);
        for (i, slot) in self.chosen.values.iter_mut().enumerate() {
            *slot = middle(low[i % dims], high[i % dims]);
        }
        self.kind.snap_sequence(&mut self.chosen);
    }

    fn weighed(&self) -> Vec<Weighed> {
        if self.tree.len() == 0 {
            return Vec::new();
        }
        let dims = self.dims();
        let all: f64 = self.tree.edges(0).map(|edge| self.tree.tried[edge as usize]).sum();
        let weighed = self.tree.edges(0).map(|edge| {
            let edge = edge as usize;
            let mut action = Action::Integer(0);
            self.form.write(&self.tree.action[edge * dims..(edge + 1) * dims], &mut action);
            Weighed {
                action,
                visits: self.tree.tried[edge] as u64,
                value: if self.tree.tried[edge] > 0.0 { self.tree.worth(edge as u32) } else { f64::NAN },
                share: if all > 0.0 { self.tree.tried[edge] / all } else { 0.0 },
            }
        });
        weighed.collect()
    }
}

/// The middle of bounds; zero, or the bound nearest to it, where one is infinite.
fn middle(low: f64, high: f64) -> f64 {
    if is_bounded(low, high) { 0.5 * (low + high) } else { 0.0_f64.clamp(low, high) }
}

impl<R: Rule> Persist for Search<R> {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put("chosen", Array::F64(vec![self.horizon, self.dims()], self.chosen.values.clone()));
        state.put("counters", Array::U64(vec![self.seed, self.decision]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let counters = state.u64s("counters", 2)?;
        let chosen = state.f64s("chosen", self.chosen.values.len())?;
        (self.seed, self.decision) = (counters[0], counters[1]);
        self.chosen.values.copy_from_slice(chosen);
        Ok(())
    }
}
