//! Exact value iteration by alpha vectors: incremental pruning (Cassandra, Littman and Zhang 1997).
//!
//! The value of t steps is `V(b) = max_α b · α`, and one step back from a set Γ is
//! `Γ' = prune(∪_a R_a + ⊕_o prune{γ Σ_s' T(s' | s, a) Z(o | a, s') α(s') : α ∈ Γ})`: the cross sum over observations is
//! pruned after each of them. Pruning keeps a vector if and only if some belief gives it a margin above the others (a linear
//! programme, `dominance.rs`). When neither set beats the other by more than ε, `|V − V*| ≤ ε γ / (1 − γ)`.

use worldwright_core::{Error, Result};

use super::Table;
use super::dominance::Dominance;

/// What exact value iteration may spend, and how exact it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExactConfig {
    /// Bound on the error of the value anywhere.
    pub tolerance: f64,
    /// Steps back at most.
    pub iterations: usize,
    /// Vectors at most; a problem that needs more is too large for exact value iteration.
    pub vectors: usize,
}

impl Default for ExactConfig {
    fn default() -> Self {
        Self { tolerance: 1e-8, iterations: 10_000, vectors: 5_000 }
    }
}

/// An alpha vector: what a conditional plan is worth in each state, and the action that it begins with.
#[derive(Debug, Clone, PartialEq)]
struct Alpha {
    action: usize,
    values: Vec<f64>,
}

/// The optimal value function.
#[derive(Debug, Clone, PartialEq)]
pub struct Exact {
    alphas: Vec<Alpha>,
    /// Steps back that were made.
    pub iterations: usize,
    /// Bound on the distance to the optimal value, anywhere.
    pub error: f64,
}

/// A margin below this is rounding: the vector adds nothing.
const MARGIN: f64 = 1e-10;

/// Steps from one comparison of successive sets to the next.
const COMPARED: usize = 10;

impl Exact {
    /// Solves a table.
    ///
    /// # Errors
    /// [`Error::Diverged`] when the limits of `config` are reached first: use `PointBased`, which bounds the value from both sides.
    pub fn solve(table: &Table, config: &ExactConfig) -> Result<Self> {
        let (states, discount) = (table.states(), table.discount());
        let mut solver = Solver { table, config, dominance: Dominance::default() };
        let mut alphas = vec![Alpha { action: 0, values: vec![0.0; states] }];
        for iteration in 1..=config.iterations {
            let next = solver.step_back(&alphas)?;
            // Comparing the sets costs as much as pruning them, so it is not done at every step.
            if iteration % COMPARED != 0 && iteration != config.iterations {
                alphas = next;
                continue;
            }
            let residual = solver.lead(&next, &alphas).max(solver.lead(&alphas, &next));
            alphas = next;
            // Rounding in the programmes is part of the error that can be promised.
            let error = (residual.max(0.0) + MARGIN) * discount / (1.0 - discount);
            if error <= config.tolerance {
                return Ok(Self { alphas, iterations: iteration, error });
            }
        }
        Err(too_large(format!("{} iterations do not reach tolerance {}", config.iterations, config.tolerance)))
    }

    /// The optimal value of a belief.
    pub fn value(&self, belief: &[f64]) -> f64 {
        self.best(belief).1
    }

    /// The best action in a belief.
    pub fn action(&self, belief: &[f64]) -> usize {
        self.best(belief).0
    }

    /// The alpha vectors, each with the action that its plan begins with.
    pub fn alphas(&self) -> impl ExactSizeIterator<Item = (usize, &[f64])> {
        self.alphas.iter().map(|alpha| (alpha.action, &alpha.values[..]))
    }

    fn best(&self, belief: &[f64]) -> (usize, f64) {
        let each = self.alphas.iter().map(|alpha| (alpha.action, dot(belief, &alpha.values)));
        each.fold((0, f64::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best })
    }
}

struct Solver<'t> {
    table: &'t Table,
    config: &'t ExactConfig,
    dominance: Dominance,
}

impl Solver<'_> {
    /// One exact step back.
    fn step_back(&mut self, alphas: &[Alpha]) -> Result<Vec<Alpha>> {
        let (table, states) = (self.table, self.table.states());
        let mut all = Vec::new();
        for action in 0..table.actions() {
            let rewards = (0..states).map(|state| table.reward(state, action)).collect();
            let mut sums = vec![Alpha { action, values: rewards }];
            for observation in 0..table.observations() {
                let projected = alphas.iter().map(|alpha| self.project(alpha, action, observation)).collect();
                let projected = self.prune(projected);
                let cross = sums.iter().flat_map(|sum| projected.iter().map(move |part| plus(sum, part))).collect();
                sums = self.prune(cross);
                if sums.len() > self.config.vectors {
                    return Err(too_large(format!("a step back needs more than {} vectors", self.config.vectors)));
                }
            }
            all.extend(sums);
        }
        Ok(self.prune(all))
    }

    /// `γ Σ_s' T(s' | s, a) Z(o | a, s') α(s')`.
    fn project(&self, alpha: &Alpha, action: usize, observation: usize) -> Alpha {
        let value = |state: usize| {
            let ways = self.table.ways(state, action).iter().filter(|way| way.observation as usize == observation);
            self.table.discount() * ways.map(|way| way.probability * alpha.values[way.next as usize]).sum::<f64>()
        };
        Alpha { action, values: (0..self.table.states()).map(value).collect() }
    }

    /// Keeps the vectors that are best somewhere (Lark's algorithm; White 1991).
    fn prune(&mut self, mut candidates: Vec<Alpha>) -> Vec<Alpha> {
        pointwise(&mut candidates);
        let states = self.table.states();
        let mut kept: Vec<Alpha> = Vec::with_capacity(candidates.len());
        // What is best at a corner is surely needed, and found without a programme.
        for state in 0..states {
            let mut corner = vec![0.0; states];
            corner[state] = 1.0;
            take_best(&mut candidates, &corner, &mut kept);
        }
        while let Some(candidate) = candidates.last() {
            let margin = self.dominance.margin(&candidate.values, kept.iter().map(|alpha| &alpha.values[..]));
            if margin <= MARGIN {
                candidates.pop();
            } else {
                let witness = std::mem::take(&mut self.dominance.witness);
                // Where rounding hides the margin, the candidate goes: each round ends one.
                if !take_best(&mut candidates, &witness, &mut kept) {
                    candidates.pop();
                }
                self.dominance.witness = witness;
            }
        }
        kept
    }

    /// By how much the one set exceeds the other, anywhere.
    fn lead(&mut self, one: &[Alpha], other: &[Alpha]) -> f64 {
        let mut lead = f64::NEG_INFINITY;
        for alpha in one {
            lead = lead.max(self.dominance.margin(&alpha.values, other.iter().map(|other| &other.values[..])));
        }
        lead
    }
}

/// Moves the candidate that is best at `belief` to `kept`, unless one that is kept already is as good; tells whether it did.
fn take_best(candidates: &mut Vec<Alpha>, belief: &[f64], kept: &mut Vec<Alpha>) -> bool {
    let value = |alpha: &Alpha| dot(belief, &alpha.values);
    let already = kept.iter().map(value).fold(f64::NEG_INFINITY, f64::max);
    let mut best: Option<(usize, f64)> = None;
    for (i, candidate) in candidates.iter().enumerate() {
        let here = value(candidate);
        // Of equals the greater vector, entry by entry: it is the one that stays best nearby on at least one side.
        let better = best.is_none_or(|(b, most)| {
            here > most + MARGIN || (here >= most - MARGIN && greater(&candidate.values, &candidates[b].values))
        });
        if better {
            best = Some((i, here));
        }
    }
    match best {
        Some((i, here)) if here > already + MARGIN => {
            kept.push(candidates.swap_remove(i));
            true
        }
        _ => false,
    }
}

fn greater(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).find(|(a, b)| (**a - **b).abs() > MARGIN).is_some_and(|(a, b)| a > b)
}

/// Drops vectors that another one exceeds or equals in every state.
fn pointwise(alphas: &mut Vec<Alpha>) {
    let mut kept: Vec<Alpha> = Vec::with_capacity(alphas.len());
    let below = |a: &Alpha, b: &Alpha| a.values.iter().zip(&b.values).all(|(a, b)| *a <= *b + MARGIN);
    for alpha in alphas.drain(..) {
        if !kept.iter().any(|other| below(&alpha, other)) {
            kept.retain(|other| !below(other, &alpha));
            kept.push(alpha);
        }
    }
    *alphas = kept;
}

fn plus(a: &Alpha, b: &Alpha) -> Alpha {
    Alpha { action: a.action, values: a.values.iter().zip(&b.values).map(|(a, b)| a + b).collect() }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn too_large(why: String) -> Error {
    Error::Diverged { who: "exact value iteration".into(), why: format!("{why}; use point-based value iteration") }
}
