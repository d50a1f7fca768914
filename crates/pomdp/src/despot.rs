//! A search over determinised scenarios with regularised bounds: DESPOT (Somani, Ye, Hsu and Lee, "DESPOT: Online POMDP Planning with
//! Regularization", NIPS 2013; Ye et al., JAIR 2017).
//!
//! K scenarios, each a first state and a stream of random numbers, make every event a function of what is done: the tree branches by
//! actions and by the observations that occur in a scenario, `K |A|^D` beliefs at most. A policy tree π is worth its mean return over the
//! scenarios less `λ |π|` nodes. Lower bound: following the default policy (the problem's rollout). Upper bound: the mean over the
//! scenarios of the problem's bound on known states. With `ρ(b, a) = (1/K) Σ_φ γ^Δ(b) r(s_φ, a) − λ` the backup is
//! `ν(b) = max{ℓ₀(b), max_a ρ(b, a) + Σ_z ν(b_az)}`, `μ` alike. A trial descends by the action of the highest μ and the observation of the
//! largest excess `μ − ν − (|Φ_b| / K) ξ (μ − ν)(root)` until none is left. Where we deviate: below the root, ℓ₀ is found for what an
//! action leads to only when a trial first takes that action; before, the action counts with its μ alone. Both bounds hold as they
//! did, and following the default policy, which is nearly all the work, is done for one action in place of all.

use worldwright_core::{Error, Key, Result, Rng, cost};

use super::ParticleBelief;
use super::streams::Streams;
use worldwright_core::pomdp::Pomdp;

/// How the search goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DespotConfig {
    /// K.
    pub scenarios: usize,
    /// D, steps that the tree and the default policy look ahead.
    pub depth: usize,
    /// λ, the price of a node.
    pub regularization: f64,
    /// ξ, the share of the root's gap that may remain, in (0, 1).
    pub gap_share: f64,
    /// Trials a decision at most.
    pub trials: usize,
    /// Nodes of the tree at most.
    pub nodes: usize,
    /// States in the belief.
    pub particles: usize,
    /// Share of the belief that is moved after each update, where the problem can.
    pub reinvigorated: f64,
}

impl Default for DespotConfig {
    fn default() -> Self {
        Self {
            scenarios: 500,
            depth: 90,
            regularization: 0.0,
            gap_share: 0.95,
            trials: 200,
            nodes: 50_000,
            particles: 1_000,
            reinvigorated: 0.1,
        }
    }
}

/// What a decision came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DespotReport {
    /// What to do.
    pub action: u32,
    /// ν of the root: what the policy tree found earns on the scenarios, less its price.
    pub lower: f64,
    /// μ of the root.
    pub upper: f64,
    /// Trials made.
    pub trials: usize,
    /// Nodes of the tree.
    pub nodes: usize,
}

/// A search with its belief.
#[derive(Debug)]
pub struct Despot<'p, P: Pomdp> {
    problem: &'p P,
    config: DespotConfig,
    belief: ParticleBelief<P::State>,
    streams: Streams,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    /// (scenario, state) of every node's scenarios.
    scenarios: Vec<(u32, P::State)>,
    /// What one action leads to: (observation, scenario, state).
    reached: Vec<(u32, u32, P::State)>,
    /// The generators of a node's scenarios, side by side: every action starts from them.
    generators: Vec<Rng>,
    path: Vec<usize>,
    key: Key,
    decision: u64,
}

#[derive(Debug)]
struct Node {
    /// Its scenarios within `Despot::scenarios`.
    first: usize,
    count: usize,
    depth: usize,
    lower: f64,
    upper: f64,
    /// ℓ₀.
    default_value: f64,
    default_action: u32,
    edges: std::ops::Range<usize>,
    expanded: bool,
}

#[derive(Debug)]
struct Edge {
    action: u32,
    /// ρ
    reward: f64,
    children: std::ops::Range<usize>,
    /// Whether the default policy was followed from the children.
    followed: bool,
}

const ROOT: usize = 0;
/// Observations that are told apart in passes rather than by sorting.
const FEW: u32 = 8;

impl<'p, P: Pomdp> Despot<'p, P> {
    /// Draws the first belief.
    ///
    /// # Errors
    /// [`Error::Config`] for settings out of range.
    pub fn new(problem: &'p P, config: DespotConfig, seed: u64) -> Result<Self> {
        let sound = (config.gap_share > 0.0 && config.gap_share < 1.0)
            && config.scenarios > 0
            && config.depth > 0
            && config.nodes > 0
            && config.regularization >= 0.0;
        if !sound {
            let why = "scenarios, depth and nodes must be positive, regularization not negative, gap_share in (0, 1)";
            return Err(Error::config("despot", why));
        }
        let (scenarios, state) = (config.scenarios as f64, size_of::<(u32, P::State)>() as f64);
        let streams = scenarios * (config.depth as f64 + 1.0) * size_of::<Rng>() as f64;
        cost::memory(&[("scenarios", config.scenarios), ("depth", config.depth)], streams)?;
        // An action in a node makes a node at least, and takes all its scenarios along.
        let trials = config.trials as f64 * config.depth as f64 * problem.actions() as f64;
        let nodes = trials.min(config.nodes as f64) + problem.actions() as f64;
        cost::memory(&[("scenarios", config.scenarios), ("nodes", config.nodes)], nodes * scenarios * state)?;
        let key = Key::new(seed);
        Ok(Self {
            belief: ParticleBelief::new(problem, config.particles, config.reinvigorated, &mut key.fold(0).rng())?,
            streams: Streams::new(config.scenarios, config.depth),
            problem,
            config,
            nodes: Vec::new(),
            edges: Vec::new(),
            scenarios: Vec::new(),
            reached: Vec::new(),
            generators: Vec::new(),
            path: Vec::new(),
            key,
            decision: 0,
        })
    }

    /// The belief.
    pub fn belief(&self) -> &ParticleBelief<P::State> {
        &self.belief
    }

    /// Starts a new episode with random numbers of its own.
    pub fn restart(&mut self, seed: u64) {
        self.key = Key::new(seed);
        self.decision = 0;
        self.belief.restart(self.problem, &mut self.key.fold(0).rng());
    }

    /// Takes in what was really done and seen.
    ///
    /// # Errors
    /// [`Error::Diverged`] when no particle explains it.
    pub fn advance(&mut self, action: u32, observation: u32) -> Result<()> {
        let mut rng = self.key.fold(2 * self.decision + 1).fold(self.belief.history().len() as u64).rng();
        self.belief.update(self.problem, action, observation, &mut rng)
    }

    /// Builds a tree, and tells what is best now.
    pub fn search(&mut self) -> DespotReport {
        self.decision += 1;
        let key = self.key.fold(2 * self.decision);
        self.nodes.clear();
        self.edges.clear();
        self.scenarios.clear();
        self.streams.restart(key);
        let mut rng = key.fold(u64::MAX).rng();
        for scenario in 0..self.config.scenarios {
            let particles = self.belief.particles();
            let state = particles[rng.below(particles.len() as u64) as usize];
            self.scenarios.push((scenario as u32, state));
        }
        self.add(0, self.config.scenarios, 0);
        self.follow(ROOT);
        let mut trials = 0;
        while trials < self.config.trials && self.gap(ROOT) > 1e-6 && self.trial() {
            trials += 1;
        }
        let root = &self.nodes[ROOT];
        let mut best = (root.default_action, root.default_value);
        for edge in &self.edges[root.edges.clone()] {
            let value = self.value(edge, |node| node.lower);
            if value > best.1 {
                best = (edge.action, value);
            }
        }
        DespotReport { action: best.0, lower: root.lower, upper: root.upper, trials, nodes: self.nodes.len() }
    }

    fn gap(&self, node: usize) -> f64 {
        self.nodes[node].upper - self.nodes[node].lower
    }

    fn value(&self, edge: &Edge, bound: impl Fn(&Node) -> f64) -> f64 {
        edge.reward + self.nodes[edge.children.clone()].iter().map(bound).sum::<f64>()
    }

    /// One descent and the backups on the way home; false when there was nothing to expand.
    fn trial(&mut self) -> bool {
        let root_gap = self.gap(ROOT);
        let mut path = std::mem::take(&mut self.path);
        path.clear();
        let (mut node, mut grown) = (ROOT, false);
        loop {
            path.push(node);
            if self.nodes[node].depth >= self.config.depth {
                break;
            }
            if !self.nodes[node].expanded {
                if self.nodes.len() >= self.config.nodes {
                    break;
                }
                self.expand(node);
                grown = true;
            }
            let Some(next) = self.choose(node, root_gap) else { break };
            node = next;
        }
        for node in path.iter().rev() {
            self.backup(*node);
        }
        self.path = path;
        grown
    }

    /// The child of the largest excess below the action of the highest upper bound, while it has any.
    fn choose(&mut self, node: usize, root_gap: f64) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        for edge in self.nodes[node].edges.clone() {
            let upper = self.value(&self.edges[edge], |node| node.upper);
            if best.is_none_or(|best| upper > best.1) {
                best = Some((edge, upper));
            }
        }
        let edge = best?.0;
        self.follow_below(edge);
        let allowed = |child: usize| {
            self.nodes[child].count as f64 / self.config.scenarios as f64 * self.config.gap_share * root_gap
        };
        let each = self.edges[edge].children.clone().map(|child| (child, self.gap(child) - allowed(child)));
        each.filter(|(_, excess)| *excess > 0.0)
            .fold(None, |most: Option<(usize, f64)>, next| match most {
                Some(most) if most.1 >= next.1 => Some(most),
                _ => Some(next),
            })
            .map(|(child, _)| child)
    }

    fn backup(&mut self, node: usize) {
        let Node { default_value, edges, expanded, .. } = &self.nodes[node];
        if !expanded {
            return;
        }
        let (mut lower, mut upper) = (*default_value, *default_value);
        for edge in &self.edges[edges.clone()] {
            lower = lower.max(self.value(edge, |node| node.lower));
            upper = upper.max(self.value(edge, |node| node.upper));
        }
        let node = &mut self.nodes[node];
        node.lower = node.lower.max(lower);
        node.upper = node.upper.min(upper).max(node.lower);
    }

    /// Tries every action in every scenario of a node.
    fn expand(&mut self, node: usize) {
        let Node { first, count, depth, .. } = self.nodes[node];
        let legal = self.problem.legal(&self.scenarios[first].1);
        let weight = self.weight(depth);
        let begin = self.edges.len();
        self.generators.clear();
        for (scenario, _) in &self.scenarios[first..first + count] {
            self.generators.push(self.streams.at(*scenario, depth));
        }
        for action in legal.iter() {
            let mut reward = -self.config.regularization;
            self.reached.clear();
            let (mut least, mut most) = (u32::MAX, 0);
            for (generator, (scenario, state)) in self.generators.iter().zip(&self.scenarios[first..first + count]) {
                let (mut rng, mut state) = (generator.clone(), *state);
                let step = self.problem.step(&mut state, action, &mut rng);
                reward += weight * step.reward;
                if !step.terminated {
                    (least, most) = (least.min(step.observation), most.max(step.observation));
                    self.reached.push((step.observation, *scenario, state));
                }
            }
            let children = self.nodes.len();
            if self.reached.is_empty() || most - least < FEW {
                // The scenarios are in order already, so a pass for each observation parts them.
                for observation in least..=most {
                    let start = self.scenarios.len();
                    let group = self.reached.iter().filter(|reached| reached.0 == observation);
                    self.scenarios.extend(group.map(|(_, scenario, state)| (*scenario, *state)));
                    if self.scenarios.len() > start {
                        self.add(start, self.scenarios.len() - start, depth + 1);
                    }
                }
            } else {
                // Stable by (observation, scenario), which are unique.
                self.reached.sort_unstable_by_key(|(observation, scenario, _)| (*observation, *scenario));
                let mut i = 0;
                while i < self.reached.len() {
                    let observation = self.reached[i].0;
                    let group = self.reached[i..].iter().take_while(|reached| reached.0 == observation).count();
                    let start = self.scenarios.len();
                    self.scenarios
                        .extend(self.reached[i..i + group].iter().map(|(_, scenario, state)| (*scenario, *state)));
                    self.add(start, group, depth + 1);
                    i += group;
                }
            }
            self.edges.push(Edge { action, reward, children: children..self.nodes.len(), followed: false });
        }
        let edges = begin..self.edges.len();
        self.nodes[node].edges = edges.clone();
        self.nodes[node].expanded = true;
        if node == ROOT {
            edges.for_each(|edge| self.follow_below(edge));
        }
    }

    /// A leaf with its bound from above, and as yet none from below.
    fn add(&mut self, first: usize, count: usize, depth: usize) {
        let weight = self.weight(depth);
        let (problem, states) = (self.problem, self.scenarios[first..first + count].iter());
        let upper = states.map(|(_, state)| weight * problem.upper_bound(state)).sum();
        self.nodes.push(Node {
            first,
            count,
            depth,
            lower: f64::NEG_INFINITY,
            upper,
            default_value: f64::NEG_INFINITY,
            default_action: 0,
            edges: 0..0,
            expanded: false,
        });
    }

    /// What a reward of one scenario counts at a depth.
    fn weight(&self, depth: usize) -> f64 {
        self.problem.discount().powi(depth as i32) / self.config.scenarios as f64
    }

    fn follow_below(&mut self, edge: usize) {
        if !self.edges[edge].followed {
            self.edges[edge].followed = true;
            self.edges[edge].children.clone().for_each(|child| self.follow(child));
        }
    }

    /// Bounds a leaf from below: follows the default policy in all its scenarios.
    fn follow(&mut self, node: usize) {
        let (problem, discount) = (self.problem, self.problem.discount());
        let Node { first, count, depth, .. } = self.nodes[node];
        let (weight, mut lower) = (self.weight(depth), 0.0);
        for (scenario, state) in &self.scenarios[first..first + count] {
            let mut ahead = *state;
            let mut factor = weight;
            for t in depth..self.config.depth {
                let mut rng = self.streams.at(*scenario, t);
                // The default policy draws from the stream first, then the world.
                let action = problem.rollout_action(&ahead, &mut rng);
                let step = problem.step(&mut ahead, action, &mut rng);
                lower += factor * step.reward;
                factor *= discount;
                if step.terminated {
                    break;
                }
            }
        }
        let mut rng = self.streams.at(self.scenarios[first].0, depth);
        let default_action = problem.rollout_action(&self.scenarios[first].1, &mut rng);
        let node = &mut self.nodes[node];
        (node.lower, node.default_value, node.default_action) = (lower, lower, default_action);
        node.upper = node.upper.max(lower);
    }
}
