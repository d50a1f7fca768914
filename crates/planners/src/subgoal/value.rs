//! Goal-conditioned values V(s, g): the expected return, at most zero, of going from s to g; minus infinity where that fails.
//!
//! Kaelbling, "Learning to achieve goals" (IJCAI 1993). The planners here assume that legs add up: V(s, m) + V(m, g) is what the
//! way over m is worth. A chance of success p is such a value as ln p, a path's length as its negative.

use worldwright_core::{Columns, Result};

/// V over numbered states.
pub trait GoalValue {
    /// How many states.
    fn states(&self) -> usize;

    /// What going from one state to another is worth to the low level alone. Zero from a state to itself; minus infinity or not a
    /// number where it cannot tell.
    fn value(&self, from: usize, to: usize) -> f64;
}

/// V over vectors, a batch at a time.
pub trait StateGoalValue {
    /// Writes the value of each pair.
    ///
    /// # Errors
    /// What a model behind it gives.
    fn values(&mut self, from: Columns<'_>, to: Columns<'_>, out: &mut [f64]) -> Result<()>;
}

/// Steps on a graph, known exactly up to a range and not at all beyond: what a low level that was trained on short ways knows.
#[derive(Debug, Clone, PartialEq)]
pub struct WithinReach {
    states: usize,
    /// `[from][to]`
    value: Vec<f32>,
}

impl WithinReach {
    /// Minus the number of steps along `neighbours`, where it is at most `range`.
    pub fn new(neighbours: &[Vec<u32>], range: usize) -> Self {
        let states = neighbours.len();
        let mut value = vec![f32::NEG_INFINITY; states * states];
        let (mut frontier, mut next) = (Vec::new(), Vec::new());
        for (from, row) in value.chunks_exact_mut(states.max(1)).enumerate() {
            row[from] = 0.0;
            frontier.clear();
            frontier.push(from as u32);
            for steps in 1..=range {
                for state in frontier.drain(..) {
                    for to in &neighbours[state as usize] {
                        if row[*to as usize] == f32::NEG_INFINITY {
                            row[*to as usize] = -(steps as f32);
                            next.push(*to);
                        }
                    }
                }
                std::mem::swap(&mut frontier, &mut next);
            }
        }
        Self { states, value }
    }
}

impl GoalValue for WithinReach {
    fn states(&self) -> usize {
        self.states
    }

    fn value(&self, from: usize, to: usize) -> f64 {
        f64::from(self.value[from * self.states + to])
    }
}
