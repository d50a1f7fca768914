//! One exact step back.

use super::alpha::{Alpha, Halt};
use super::prune::Pruner;
use crate::Table;

/// Moves of one action and observation: (state, next state, γ times the probability).
pub(super) type Moves = Vec<(u32, u32, f64)>;

/// A table prepared for steps back.
pub(super) struct Solver<'t> {
    pub(super) table: &'t Table,
    vectors: usize,
    /// `[action][observation]`, without observations that cannot follow.
    pub(super) moves: Vec<Vec<(usize, Moves)>>,
    pub(super) pruner: Pruner,
}

/// Sums of a cross sum for each vector that may be left of it.
const SUMS: usize = 400;

impl<'t> Solver<'t> {
    pub(super) fn new(table: &'t Table, vectors: usize, pruner: Pruner) -> Self {
        let moves = (0..table.actions()).map(|action| {
            let mut by_observation = std::collections::BTreeMap::<usize, Moves>::new();
            for state in 0..table.states() {
                for way in table.ways(state, action).iter().filter(|way| way.probability > 0.0) {
                    let moved = (state as u32, way.next, table.discount() * way.probability);
                    by_observation.entry(way.observation as usize).or_default().push(moved);
                }
            }
            by_observation.into_iter().collect()
        });
        Self { table, vectors, moves: moves.collect(), pruner }
    }

    /// One exact step back, to within the pruner's margin at each pruning.
    pub(super) fn step_back(&mut self, alphas: &[Alpha]) -> Result<Vec<Alpha>, Halt> {
        let mut all = Vec::new();
        for action in 0..self.table.actions() {
            let mut parts = Vec::with_capacity(self.moves[action].len());
            for (observation, moves) in &self.moves[action] {
                let projected = alphas.iter().map(|alpha| self.project(alpha, action, moves)).collect();
                parts.push((*observation, self.pruner.prune(projected, (action, *observation, 0))?));
            }
            // Small sets first: the sums stay few for longer.
            parts.sort_by_key(|(observation, part)| (part.len(), *observation));
            let mut sums = vec![Alpha { action, values: self.rewards(action) }];
            for (observation, part) in parts {
                if sums.len().saturating_mul(part.len()) > self.vectors.saturating_mul(SUMS) {
                    return Err(Halt::Vectors);
                }
                let cross = sums.iter().flat_map(|sum| part.iter().map(move |part| plus(sum, part))).collect();
                // A set that is moved by one vector stays without a vector too many.
                let is_pruned = sums.len() == 1 || part.len() == 1;
                sums = if is_pruned { cross } else { self.pruner.prune(cross, (action, observation, 1))? };
                if sums.len() > self.vectors {
                    return Err(Halt::Vectors);
                }
            }
            all.extend(sums);
        }
        let all = self.pruner.prune(all, (0, 0, 2))?;
        if all.len() > self.vectors { Err(Halt::Vectors) } else { Ok(all) }
    }

    /// The rewards of an action.
    pub(super) fn rewards(&self, action: usize) -> Vec<f64> {
        (0..self.table.states()).map(|state| self.table.reward(state, action)).collect()
    }

    /// `γ Σ_s' T(s' | s, a) Z(o | a, s') α(s')`.
    pub(super) fn project(&self, alpha: &Alpha, action: usize, moves: &Moves) -> Alpha {
        let mut values = vec![0.0; self.table.states()];
        for (state, next, weight) in moves {
            values[*state as usize] += weight * alpha.values[*next as usize];
        }
        Alpha { action, values }
    }

    /// The largest distance between two value functions, anywhere; exact only above `wanted`.
    pub(super) fn distance(&mut self, one: &[Alpha], other: &[Alpha], wanted: f64) -> Result<f64, Halt> {
        Ok(self.pruner.lead(one, other, wanted)?.max(self.pruner.lead(other, one, wanted)?))
    }
}

fn plus(a: &Alpha, b: &Alpha) -> Alpha {
    Alpha { action: a.action, values: a.values.iter().zip(&b.values).map(|(a, b)| a + b).collect() }
}
