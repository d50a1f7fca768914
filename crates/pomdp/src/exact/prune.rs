//! Keeps the vectors that are best somewhere (Lark's algorithm; White 1991), with the beliefs at which they are.
//!
//! Most of the work is linear programmes that find nothing. So what can be had without them is had first: vectors that one other exceeds in
//! every state go, and the winners at the corners and at the beliefs where the last pruning of the same place had its winners
//! are taken at once; successive sets differ little. Programmes then only show that the rest wins nowhere.

use std::collections::HashMap;
use std::time::Instant;

use super::alpha::{Alpha, Halt, dot};
use crate::dominance::Dominance;

/// A margin below this is rounding.
pub(super) const MARGIN: f64 = 1e-11;

/// Beliefs where sets were far apart that are kept.
const GAPS: usize = 1_000;

/// Which of a step's prunings: action, observation, and whether of a projection, a cross sum or the union.
type Place = (usize, usize, u8);

/// Prunes sets of vectors.
pub(super) struct Pruner {
    states: usize,
    /// What a vector must win by somewhere.
    margin: f64,
    deadline: Option<Instant>,
    dominance: Dominance,
    /// Where the winners of the last pruning of each place won.
    winners: HashMap<Place, Vec<Vec<f64>>>,
    /// Where successive sets were far apart.
    gaps: Vec<Vec<f64>>,
}

impl Pruner {
    pub(super) fn new(states: usize, margin: f64, deadline: Option<Instant>) -> Self {
        Self { states, margin, deadline, dominance: Dominance::default(), winners: HashMap::new(), gaps: Vec::new() }
    }

    /// Whether there is time left.
    pub(super) fn check(&self) -> Result<(), Halt> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) { Err(Halt::Time) } else { Ok(()) }
    }

    /// Where the vectors of the last step back win, the corners, and where sets were far apart.
    pub(super) fn witnesses(&self) -> Vec<Vec<f64>> {
        let won = self.winners.get(&(0, 0, 2)).into_iter().flatten().cloned();
        let corners = (0..self.states).map(|state| self.corner(state));
        corners.chain(won).chain(self.gaps.iter().rev().take(GAPS).cloned()).collect()
    }

    fn corner(&self, state: usize) -> Vec<f64> {
        let mut corner = vec![0.0; self.states];
        corner[state] = 1.0;
        corner
    }

    /// The vectors that are best somewhere by more than the margin.
    pub(super) fn prune(&mut self, candidates: Vec<Alpha>, place: Place) -> Result<Vec<Alpha>, Halt> {
        let mut candidates = self.pointwise(candidates)?;
        if candidates.len() == 1 {
            return Ok(candidates);
        }
        let mut kept: Vec<Alpha> = Vec::new();
        let mut won: Vec<Vec<f64>> = Vec::new();
        let corners: Vec<Vec<f64>> = (0..self.states).map(|state| self.corner(state)).collect();
        let known = self.winners.remove(&place).unwrap_or_default();
        for belief in corners.into_iter().chain(known) {
            self.check()?;
            if self.take_best(&mut candidates, &belief, &mut kept) {
                won.push(belief);
            }
        }
        while let Some(candidate) = candidates.last() {
            self.check()?;
            let others = kept.iter().map(|alpha| &alpha.values[..]);
            if self.dominance.margin(&candidate.values, others, self.margin) <= self.margin {
                candidates.pop();
                continue;
            }
            let witness = self.dominance.witness.clone();
            if self.take_best(&mut candidates, &witness, &mut kept) {
                won.push(witness);
            } else {
                // Where rounding hides the margin, the candidate goes: each round ends one.
                candidates.pop();
            }
        }
        self.winners.insert(place, won);
        Ok(kept)
    }

    /// Moves the candidate that is best at `belief` to `kept`, unless one that is kept already is as good; tells whether it did.
    fn take_best(&self, candidates: &mut Vec<Alpha>, belief: &[f64], kept: &mut Vec<Alpha>) -> bool {
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
            Some((i, here)) if here > already + self.margin => {
                kept.push(candidates.swap_remove(i));
                true
            }
            _ => false,
        }
    }

    /// Drops vectors that another one exceeds or equals in every state. No slack: it would add up along chains of vectors.
    fn pointwise(&self, mut alphas: Vec<Alpha>) -> Result<Vec<Alpha>, Halt> {
        // Only what sums to as much can exceed everywhere, so that what is kept is never dropped again.
        let mut order: Vec<(f64, usize)> = alphas.iter().map(|alpha| alpha.values.iter().sum()).zip(0..).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut kept: Vec<Alpha> = Vec::new();
        for (_, i) in order {
            self.check()?;
            let below = |other: &Alpha| alphas[i].values.iter().zip(&other.values).all(|(a, b)| a <= b);
            if !kept.iter().any(below) {
                kept.push(Alpha { action: alphas[i].action, values: std::mem::take(&mut alphas[i].values) });
            }
        }
        Ok(kept)
    }

    /// By how much the one set exceeds the other, anywhere; exact only above `wanted`. Beliefs where it is above are remembered.
    pub(super) fn lead(&mut self, one: &[Alpha], other: &[Alpha], wanted: f64) -> Result<f64, Halt> {
        let mut lead = f64::NEG_INFINITY;
        for alpha in one {
            self.check()?;
            let margin = self.dominance.margin(&alpha.values, other.iter().map(|other| &other.values[..]), wanted);
            if margin > wanted {
                self.gaps.push(self.dominance.witness.clone());
            }
            lead = lead.max(margin);
        }
        Ok(lead)
    }
}

fn greater(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).find(|(a, b)| (**a - **b).abs() > MARGIN).is_some_and(|(a, b)| a > b)
}
