//! Value iteration at a few beliefs, between two exact steps back (Zhang and Zhang 2001, section 5).

use std::collections::HashMap;

use super::alpha::{Alpha, dot};
use super::step::Solver;

/// Sweeps at most: a discount near one would settle for ever.
const SWEEPS: usize = 2_000;

impl Solver<'_> {
    /// Backs up the beliefs at which the last step's vectors won, again and again, until none changes by more than `until`; returns the
    /// vectors that are best at them. Every vector is a plan's, so the result bounds the value from below as the start did.
    pub(super) fn settle(&self, alphas: Vec<Alpha>, until: f64) -> Vec<Alpha> {
        let points = self.pruner.witnesses();
        let mut set = alphas;
        for _ in 0..SWEEPS {
            let Some((next, change)) = self.sweep(&set, &points) else { return set };
            set = next;
            if change <= until {
                break;
            }
        }
        set
    }

    /// One backup of each belief; `None` when the time is over.
    fn sweep(&self, set: &[Alpha], points: &[Vec<f64>]) -> Option<(Vec<Alpha>, f64)> {
        // What each vector is worth before each action and observation, made once for all beliefs.
        let projected: Vec<Vec<Vec<Alpha>>> = (self.moves.iter().enumerate())
            .map(|(action, moves)| {
                let project =
                    |(_, moves): &(usize, _)| set.iter().map(|alpha| self.project(alpha, action, moves)).collect();
                moves.iter().map(project).collect()
            })
            .collect();
        let rewards: Vec<Vec<f64>> = (0..self.table.actions()).map(|action| self.rewards(action)).collect();
        // Many beliefs choose the same plan: (action, the vector that follows each observation).
        let mut made: HashMap<(usize, Vec<usize>), ()> = HashMap::new();
        let (mut next, mut kept, mut change) = (Vec::new(), vec![false; set.len()], 0.0_f64);
        for belief in points {
            self.pruner.check().ok()?;
            let old = best(set, belief);
            let mut plan: (f64, usize, Vec<usize>) = (f64::NEG_INFINITY, 0, Vec::new());
            for (action, parts) in projected.iter().enumerate() {
                let mut value = dot(belief, &rewards[action]);
                let mut choices = Vec::with_capacity(parts.len());
                for part in parts {
                    let (choice, worth) = best(part, belief);
                    value += worth;
                    choices.push(choice);
                }
                if value > plan.0 {
                    plan = (value, action, choices);
                }
            }
            let (value, action, choices) = plan;
            if value <= old.1 {
                // A backup of a bound that improves nothing here: the vector that is there stays.
                if !std::mem::replace(&mut kept[old.0], true) {
                    next.push(set[old.0].clone());
                }
                continue;
            }
            change = change.max(value - old.1);
            if made.insert((action, choices.clone()), ()).is_none() {
                let mut values = rewards[action].clone();
                for (part, choice) in projected[action].iter().zip(&choices) {
                    values.iter_mut().zip(&part[*choice].values).for_each(|(sum, value)| *sum += value);
                }
                next.push(Alpha { action, values });
            }
        }
        Some((next, change))
    }
}

/// The best vector in a belief, the first of equals, and its value.
fn best(set: &[Alpha], belief: &[f64]) -> (usize, f64) {
    let each = set.iter().map(|alpha| dot(belief, &alpha.values)).enumerate();
    each.fold((0, f64::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best })
}
