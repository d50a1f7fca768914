//! Finite Markov decision processes and value iteration, the referee of everything discrete.
//!
//! `V(s) ← max_a Σ p(s', r | s, a) (r + γ V(s'))` until it changes by less than a tolerance (Bellman 1957).

/// One possible outcome of an action: probability, next state (none when the episode ends), reward.
pub type Branch = (f64, Option<usize>, f64);

/// A finite process: `branches[state][action]` lists the outcomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Outcomes of each action in each state.
    pub branches: Vec<Vec<Vec<Branch>>>,
}

impl Process {
    /// The value of doing `action` in `state` when `values` follow.
    pub fn action_value(&self, state: usize, action: usize, discount: f64, values: &[f64]) -> f64 {
        self.branches[state][action]
            .iter()
            .map(|(p, next, reward)| p * (reward + discount * next.map_or(0.0, |next| values[next])))
            .sum()
    }

    /// The optimal value of each state, to within `tolerance` a sweep.
    pub fn value_iteration(&self, discount: f64, tolerance: f64) -> Vec<f64> {
        let mut values = vec![0.0; self.branches.len()];
        loop {
            let mut change = 0.0_f64;
            for state in 0..values.len() {
                let actions = 0..self.branches[state].len();
                let best = actions
                    .map(|action| self.action_value(state, action, discount, &values))
                    .fold(f64::NEG_INFINITY, f64::max);
                change = change.max((best - values[state]).abs());
                values[state] = best;
            }
            if change <= tolerance {
                return values;
            }
        }
    }

    /// FrozenLake 4×4 with slippery ice: each move goes where it should or to either side, a third each.
    pub fn frozen_lake() -> Self {
        let map = b"SFFFFHFHFFFHHFFG";
        let move_to = |state: usize, direction: usize| {
            let (row, column) = (state / 4, state % 4);
            match direction {
                0 => row * 4 + column.saturating_sub(1),
                1 => (row + 1).min(3) * 4 + column,
                2 => row * 4 + (column + 1).min(3),
                _ => row.saturating_sub(1) * 4 + column,
            }
        };
        let branches = (0..16)
            .map(|state| {
                (0..4)
                    .map(|action| {
                        if matches!(map[state], b'H' | b'G') {
                            return vec![(1.0, None, 0.0)];
                        }
                        [action + 3, action, action + 1]
                            .map(|direction| {
                                let next = move_to(state, direction % 4);
                                let goal = if map[next] == b'G' { 1.0 } else { 0.0 };
                                (1.0 / 3.0, Some(next), goal)
                            })
                            .to_vec()
                    })
                    .collect()
            })
            .collect();
        Self { branches }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frozen_lake_has_its_known_values() {
        let lake = Process::frozen_lake();
        assert!((lake.value_iteration(0.99, 1e-14)[0] - 0.542_025_932).abs() < 1e-9);
        assert!((lake.value_iteration(1.0, 1e-15)[0] - 14.0 / 17.0).abs() < 1e-9);
    }
}
