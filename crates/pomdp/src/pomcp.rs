//! POMCP: Monte-Carlo tree search over histories from a belief of particles (Silver and Veness, NIPS 2010).
//!
//! A simulation draws a state from the belief and descends by `argmax_a Q(h, a) + c √(ln N(h) / N(h, a))` (PO-UCT), each child one
//! observation, until it leaves the tree; there a node is added and a rollout follows. Actions that the problem prefers begin with
//! visits and a value. The tree below what was really done and seen is kept. Where we deviate: the belief is a particle filter of
//! its own (`particles.rs`) in place of the states that happened to pass the node, so it never starves.

mod tree;

use worldwright_core::{Error, Key, Result, Rng, cost};

use self::tree::{Prior, Tree};
use super::ParticleBelief;
use worldwright_core::pomdp::Pomdp;

/// How POMCP searches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PomcpConfig {
    /// Simulations a decision.
    pub simulations: usize,
    /// States in the belief.
    pub particles: usize,
    /// c as a multiple of the problem's reward range.
    pub exploration: f64,
    /// Steps that a simulation goes at most.
    pub depth: usize,
    /// Visits that every action of a new node is taken to have, at the return of the rollout from there.
    pub prior_visits: f64,
    /// What actions that are not preferred are taken to earn less, as a multiple of the reward range.
    pub prior_penalty: f64,
    /// Share of the belief that is moved after each update, where the problem can.
    pub reinvigorated: f64,
    /// Whether the tree below the real step is kept.
    pub reuse: bool,
}

impl Default for PomcpConfig {
    fn default() -> Self {
        Self {
            simulations: 5_000,
            particles: 1_000,
            exploration: 0.25,
            depth: 90,
            prior_visits: 1.0,
            prior_penalty: 0.25,
            reinvigorated: 0.1,
            reuse: true,
        }
    }
}

/// What a decision came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PomcpReport {
    /// The action of the highest value.
    pub action: u32,
    /// Its value.
    pub value: f64,
    /// Nodes of the tree.
    pub nodes: usize,
    /// Steps simulated, in the tree and in rollouts.
    pub steps: u64,
    /// Depth of the deepest node.
    pub depth: usize,
}

/// A search with its belief.
#[derive(Debug)]
pub struct Pomcp<'p, P: Pomdp> {
    problem: &'p P,
    config: PomcpConfig,
    belief: ParticleBelief<P::State>,
    tree: Tree,
    /// Discount to the power of its index.
    discounts: Vec<f64>,
    /// (edge, reward) of a simulation.
    path: Vec<(u32, f64)>,
    key: Key,
    decision: u64,
}

impl<'p, P: Pomdp> Pomcp<'p, P> {
    /// Allocates everything and draws the first belief.
    ///
    /// # Errors
    /// [`Error::Config`] for settings out of range, [`Error::Unsupported`] for more than 64 actions.
    pub fn new(problem: &'p P, config: PomcpConfig, seed: u64) -> Result<Self> {
        if problem.actions() == 0 || problem.actions() > 64 {
            return Err(Error::unsupported("pomcp", format!("{} actions: from 1 to 64", problem.actions())));
        }
        let scaled = [config.exploration, config.prior_visits, config.prior_penalty];
        let sound = scaled.iter().all(|number| (0.0..f64::INFINITY).contains(number));
        if config.simulations == 0 || config.depth == 0 || !sound {
            let why = "simulations and depth must be positive, exploration and the prior's numbers not negative";
            return Err(Error::config("pomcp", why));
        }
        let (simulations, actions) = (config.simulations, problem.actions());
        cost::memory(&[("simulations", simulations)], Tree::bytes(actions, simulations))?;
        cost::memory(&[("depth", config.depth)], 24.0 * config.depth as f64)?;
        if 2.0 * (simulations as f64 + 1.0) * actions.next_multiple_of(64) as f64 > f64::from(u32::MAX) {
            let why = format!("{simulations} of {actions} actions are more than a tree can number: take less");
            return Err(Error::config("simulations", why));
        }
        let key = Key::new(seed);
        let belief = ParticleBelief::new(problem, config.particles, config.reinvigorated, &mut key.fold(0).rng())?;
        let discounts = (0..=config.depth).map(|t| problem.discount().powi(t as i32)).collect();
        let mut search = Self {
            tree: Tree::new(problem.actions(), config.simulations),
            path: Vec::with_capacity(config.depth + 1),
            problem,
            config,
            belief,
            discounts,
            key,
            decision: 0,
        };
        search.plant();
        Ok(search)
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
        self.plant();
    }

    /// Simulates, and tells what is best now.
    pub fn search(&mut self) -> PomcpReport {
        self.decision += 1;
        let mut rng = self.key.fold(2 * self.decision).rng();
        let (mut steps, mut deepest) = (0, 0);
        for _ in 0..self.config.simulations {
            steps += self.simulate(&mut rng);
            deepest = deepest.max(self.path.len());
        }
        let (action, value) = self.tree.best(Tree::ROOT);
        PomcpReport { action, value, nodes: self.tree.len(), steps, depth: deepest }
    }

    /// Takes in what was really done and seen.
    ///
    /// # Errors
    /// [`Error::Diverged`] when no particle explains it; belief and tree are then as they were.
    pub fn advance(&mut self, action: u32, observation: u32) -> Result<()> {
        let mut rng = self.key.fold(2 * self.decision + 1).fold(self.belief.history().len() as u64).rng();
        self.belief.update(self.problem, action, observation, &mut rng)?;
        if !(self.config.reuse && self.tree.keep_below(action, observation)) {
            self.plant();
        }
        Ok(())
    }

    /// A tree of nothing but its root.
    fn plant(&mut self) {
        self.tree.clear();
        let mut rng = self.key.fold(2 * self.decision + 1).fold(u64::MAX).rng();
        let state = self.belief.particles()[0];
        let (mut mean, mut first) = (0.0, 0);
        for i in 0..ROOT_ROLLOUTS {
            let particles = self.belief.particles();
            let mut drawn = particles[i * particles.len() / ROOT_ROLLOUTS];
            let rolled = rollout(self.problem, &mut drawn, &self.discounts[1..], &mut rng);
            mean += rolled.total / ROOT_ROLLOUTS as f64;
            first = rolled.first;
        }
        self.tree.add(None, self.problem.legal(&state), &self.prior(&state, mean, first));
    }

    #[inline]
    fn prior(&self, state: &P::State, value: f64, first: u32) -> Prior {
        Prior {
            preferred: self.problem.preferred(state),
            visits: self.config.prior_visits as f32,
            value: value as f32,
            penalty: (self.config.prior_penalty * self.problem.reward_range()) as f32,
            first,
        }
    }

    /// One simulation; returns the steps that it took.
    fn simulate(&mut self, rng: &mut Rng) -> u64 {
        let particles = self.belief.particles();
        let drawn = (u64::from(rng.next_u32()) * particles.len() as u64) >> 32;
        let mut state = particles[drawn as usize];
        let exploration = (self.config.exploration * self.problem.reward_range()) as f32;
        let (mut node, mut tail, mut steps) = (Tree::ROOT, 0.0, 0);
        self.path.clear();
        while self.path.len() < self.config.depth {
            let edge = self.tree.select(node, exploration);
            let action = self.tree.action(edge);
            let step = self.problem.step(&mut state, action, rng);
            self.path.push((edge, step.reward));
            steps += 1;
            if step.terminated {
                break;
            }
            if let Some(child) = self.tree.child(edge, step.observation) {
                node = child;
                continue;
            }
            let left = self.config.depth - self.path.len();
            let new = state;
            let rolled = rollout(self.problem, &mut state, &self.discounts[..left], rng);
            if self.tree.has_room() && left > 0 {
                let prior = self.prior(&new, rolled.total, rolled.first);
                self.tree.add(Some((edge, step.observation)), self.problem.legal(&new), &prior);
            }
            tail = rolled.total;
            steps += rolled.steps;
            break;
        }
        let discount = self.problem.discount();
        for (edge, reward) in self.path.iter().rev() {
            tail = reward + discount * tail;
            self.tree.update(*edge, tail as f32);
        }
        steps
    }
}

/// What a rollout came to.
struct Rollout {
    total: f64,
    first: u32,
    steps: u64,
}

/// A rollout of at most as many steps as there are `discounts`.
#[inline]
fn rollout<P: Pomdp>(problem: &P, state: &mut P::State, discounts: &[f64], rng: &mut Rng) -> Rollout {
    let mut rolled = Rollout { total: 0.0, first: 0, steps: 0 };
    for discount in discounts {
        let action = problem.rollout_action(state, rng);
        if rolled.steps == 0 {
            rolled.first = action;
        }
        let step = problem.step(state, action, rng);
        rolled.steps += 1;
        rolled.total += discount * step.reward;
        if step.terminated {
            break;
        }
    }
    rolled
}

/// Rollouts that say what the root is worth to begin with.
const ROOT_ROLLOUTS: usize = 16;
