//! Exact value iteration by alpha vectors: incremental pruning (Cassandra, Littman and Zhang 1997), sped up by point-based steps (Zhang
//! and Zhang, "Speeding Up the Convergence of Value Iteration in Partially Observable Markov Decision Processes", JAIR 2001).
//!
//! The value of t steps is `V(b) = max_α b · α`, and one step back from a set Γ is
//! `H Γ = prune(∪_a R_a + ⊕_o prune{γ Σ_s' T(s' | s, a) Z(o | a, s') α(s') : α ∈ Γ})`: the cross sum over observations is
//! pruned after each of them. Pruning keeps a vector only if some belief gives it a margin above the others (a linear
//! programme, `dominance.rs`); margins below δ are not worth a vector, which lowers a step by at most `e = (2 |O| + 1) δ`.
//!
//! For a horizon of N there are N such steps from zero, and each one's set is kept. Without one, a step back alone comes closer only by
//! γ, and costs the more the further it is from the end. So it starts from the blind policies, and between two steps back the beliefs
//! at which the last one's vectors win are backed up by themselves until they settle, which costs no programmes. The distance to
//! the optimum is bounded by the step back alone, whatever it started from: where `|H V − V| ≤ r + e`,
//! `|V' − V*| ≤ e + γ (r + e) / (1 − γ)` for the V' that was found.

mod alpha;
mod points;
mod prune;
mod step;

use std::time::{Duration, Instant};

use worldwright_core::{Error, Result};

use self::alpha::{Alpha, Halt, dot};
use self::prune::{MARGIN, Pruner};
use self::step::Solver;
use super::{Table, blind_policies};

/// What exact value iteration may spend, and how exact it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExactConfig {
    /// Bound on the error of the value anywhere.
    pub tolerance: f64,
    /// Steps back at most, where there is no horizon.
    pub iterations: usize,
    /// Vectors at most; a problem that needs more is too large for exact value iteration.
    pub vectors: usize,
    /// Steps to decide for; `None` for an endless future, which needs a discount below 1.
    pub horizon: Option<usize>,
    /// Wall-clock time at most; results then depend on the machine.
    pub time: Option<Duration>,
}

impl Default for ExactConfig {
    fn default() -> Self {
        Self { tolerance: 1e-8, iterations: 10_000, vectors: 5_000, horizon: None, time: None }
    }
}

/// The optimal value function.
#[derive(Debug, Clone, PartialEq)]
pub struct Exact {
    /// The vectors of the first decision, of the second, and so on; with an endless future one set is that of all.
    stages: Vec<Vec<Alpha>>,
    /// Steps back that were made.
    pub iterations: usize,
    /// Bound on the distance to the optimal value, anywhere.
    pub error: f64,
    /// Whether the time ran out before the tolerance was reached.
    pub is_cut: bool,
}

/// Steps back without a smaller residual after which points are not settled in between any more: then only the contraction of the step
/// back itself is trusted.
const PATIENCE: usize = 5;
/// States beyond which one programme takes seconds, and a step back thousands of programmes.
const MOST_STATES: usize = 2_000;

impl Exact {
    /// Solves a table.
    ///
    /// # Errors
    /// [`Error::Config`] for a discount of 1 without a horizon, and for more states than there can be programmes for;
    /// [`Error::Diverged`] when the limits of `config` are reached first: use `PointBased`, which bounds the value from both sides.
    /// Where only the time runs out, an endless future is answered by what is known, with its error.
    pub fn solve(table: &Table, config: &ExactConfig) -> Result<Self> {
        let states = table.states();
        if states > MOST_STATES {
            let why = format!(
                "exact value iteration solves linear programmes of a row a state: {states} states are more than the \
                 {MOST_STATES} that can be hoped for; use method=point-based"
            );
            return Err(Error::config("method", why));
        }
        if config.tolerance.is_nan() || config.tolerance <= 0.0 {
            return Err(Error::config("gap", format!("must be positive, got {}", config.tolerance)));
        }
        let deadline = config.time.and_then(|time| Instant::now().checked_add(time));
        match config.horizon {
            Some(steps) => Self::finite(table, config, steps, deadline),
            None => Self::endless(table, config, deadline),
        }
    }

    fn finite(table: &Table, config: &ExactConfig, steps: usize, deadline: Option<Instant>) -> Result<Self> {
        if steps == 0 {
            return Err(Error::config("horizon", "must be at least 1"));
        }
        let (states, observations) = (table.states(), table.observations());
        // Each step adds its error to those that follow it.
        let duration = table.duration_of(steps);
        let margin = (config.tolerance / (duration * (2 * observations + 1) as f64)).max(MARGIN);
        let mut solver = Solver::new(table, config.vectors, Pruner::new(states, margin, deadline));
        let mut stages = vec![vec![Alpha { action: 0, values: vec![0.0; states] }]];
        for step in 0..steps {
            let next = solver.step_back(&stages[step]).map_err(|halt| {
                let of = format!("after {step} of {steps} steps");
                match halt {
                    Halt::Time => too_large(format!("the time ran out {of}")),
                    Halt::Vectors => too_large(format!("more than {} vectors are needed {of}", config.vectors)),
                }
            })?;
            stages.push(next);
        }
        stages.remove(0);
        stages.reverse();
        let error = duration * (2 * observations + 1) as f64 * margin;
        Ok(Self { stages, iterations: steps, error, is_cut: false })
    }

    fn endless(table: &Table, config: &ExactConfig, deadline: Option<Instant>) -> Result<Self> {
        let (states, observations, discount) = (table.states(), table.observations(), table.discount());
        let duration = table.duration()?;
        let parts = (2 * observations + 1) as f64;
        // A quarter of the tolerance goes to margins, the rest to what is left of the future.
        let margin = (config.tolerance / (4.0 * parts * duration)).max(MARGIN);
        let step_error = parts * margin;
        let error_of = |residual: f64| step_error + discount * (residual.max(0.0) + step_error) * duration;
        let wanted = ((config.tolerance - error_of(0.0)) / (discount * duration)).max(MARGIN);
        let mut solver = Solver::new(table, config.vectors, Pruner::new(states, margin, deadline));
        let blind = blind_policies(table, config.tolerance.max(1e-6))?;
        let mut alphas: Vec<Alpha> =
            (0..table.actions()).map(|action| Alpha { action, values: blind.of(action).to_vec() }).collect();
        let (mut best, mut best_residual, mut waited) = (alphas.clone(), f64::INFINITY, 0);
        let mut iterations = 0;
        let mut is_cut = false;
        while iterations < config.iterations {
            let found = solver.step_back(&alphas).and_then(|next| {
                let residual = solver.distance(&next, &alphas, wanted)?;
                Ok((next, residual))
            });
            let (next, residual) = match found {
                Ok(found) => found,
                Err(Halt::Time) => {
                    is_cut = true;
                    break;
                }
                Err(Halt::Vectors) => {
                    return Err(too_large(format!("a step back needs more than {} vectors", config.vectors)));
                }
            };
            iterations += 1;
            waited = if residual < best_residual { 0 } else { waited + 1 };
            if residual < best_residual {
                best_residual = residual;
                best.clone_from(&next);
            }
            if residual <= wanted {
                break;
            }
            alphas = if waited < PATIENCE { solver.settle(next, 0.1 * wanted) } else { next };
        }
        let spread = || {
            let rewards = (0..states).flat_map(|s| (0..table.actions()).map(move |a| table.reward(s, a)));
            let (low, high) = rewards.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), r| (l.min(r), h.max(r)));
            (high - low) * duration
        };
        let error = if best_residual.is_finite() { error_of(best_residual) } else { spread() };
        if !is_cut && best_residual > wanted {
            return Err(too_large(format!("{iterations} iterations do not reach tolerance {}", config.tolerance)));
        }
        Ok(Self { stages: vec![best], iterations, error, is_cut })
    }

    /// The optimal value of a belief, before the first decision.
    pub fn value(&self, belief: &[f64]) -> f64 {
        self.best(0, belief).1
    }

    /// The best action in a belief, at the first decision.
    pub fn action(&self, belief: &[f64]) -> usize {
        self.best(0, belief).0
    }

    /// The best action in a belief after `done` decisions, and the value of what is left.
    ///
    /// # Errors
    /// [`Error::Config`] for a decision beyond the horizon.
    pub fn decide(&self, done: usize, belief: &[f64]) -> Result<(usize, f64)> {
        let stage = if self.stages.len() == 1 { 0 } else { done };
        if stage >= self.stages.len() {
            return Err(Error::config("horizon", format!("{} decisions were solved for", self.stages.len())));
        }
        Ok(self.best(stage, belief))
    }

    /// The alpha vectors of the first decision, each with the action that its plan begins with.
    pub fn alphas(&self) -> impl ExactSizeIterator<Item = (usize, &[f64])> {
        self.stages[0].iter().map(|alpha| (alpha.action, &alpha.values[..]))
    }

    fn best(&self, stage: usize, belief: &[f64]) -> (usize, f64) {
        let each = self.stages[stage].iter().map(|alpha| (alpha.action, dot(belief, &alpha.values)));
        each.fold((0, f64::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best })
    }
}

fn too_large(why: String) -> Error {
    Error::Diverged {
        who: "exact value iteration".into(),
        why: format!("{why}; use method=point-based, or a larger gap"),
    }
}
