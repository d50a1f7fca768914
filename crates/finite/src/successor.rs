//! Successor features with generalised policy improvement, in tables.
//!
//! Where rewards are `r = φ(s, a, s') · w` with features φ that hold for all tasks, a policy's values are `Q(s, a) = ψ(s, a) · w` with its successor features
//! `ψ(s, a) = E[Σ γ^t φ_t]`, which do not know the task. Those of several policies give each new task `w` a policy at once, the best of all of them a state at a time:
//! `π(s) = argmax_a max_i ψ_i(s, a) · w`, which is no worse than any of them (Barreto, Dabney, Munos, Hunt, Schaul, van Hasselt and Silver, "Successor Features for
//! Transfer in Reinforcement Learning", NeurIPS 2017, theorem 1).
//!
//! Each policy is learned for a task of its own, by `ψ_i(s, a) += α (φ + γ ψ_i(s', b) − ψ_i(s, a))` with `b = argmax ψ_i(s', ·) · w_i`, and all of them from every
//! transition, whoever acted.

use worldwright_core::{Error, Result, cost};

/// Successor features of the best policies of some tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct SuccessorFeatures {
    actions: usize,
    features: usize,
    discount: f64,
    step_size: f64,
    /// `[I][F]`: a task of each policy.
    tasks: Vec<f64>,
    /// `[S][A][I][F]`
    table: Vec<f64>,
}

impl SuccessorFeatures {
    /// Knows nothing yet of so many states and actions. `tasks` are weights `[I][F]` of as many features, a policy each.
    ///
    /// # Errors
    /// [`Error::Config`] for none of either, weights that are no whole tasks or not finite, a discount outside of [0, 1), a step size outside of (0, 1], or tables that
    /// would take more memory than there is.
    pub fn new([states, actions, features]: [usize; 3], tasks: &[f64], discount: f64, step_size: f64) -> Result<Self> {
        if states == 0 || actions == 0 || features == 0 {
            return Err(Error::config("states, actions and features", "must be at least one each"));
        }
        if tasks.is_empty() || !tasks.len().is_multiple_of(features) || tasks.iter().any(|weight| !weight.is_finite()) {
            let why = format!("must be {features} finite weights for each task, got {}", tasks.len());
            return Err(Error::config("tasks", why));
        }
        if !(0.0..1.0).contains(&discount) {
            return Err(Error::config("discount", format!("must lie in [0, 1), got {discount}")));
        }
        if !(step_size > 0.0 && step_size <= 1.0) {
            return Err(Error::config("step_size", format!("must lie above 0 and be at most 1, got {step_size}")));
        }
        let numbers = states * actions * tasks.len();
        cost::memory(&[("states", states), ("actions", actions), ("tasks", tasks.len())], 8.0 * numbers as f64)?;
        Ok(Self { actions, features, discount, step_size, tasks: tasks.to_vec(), table: vec![0.0; numbers] })
    }

    /// I, policies.
    pub fn policies(&self) -> usize {
        self.tasks.len() / self.features
    }

    /// ψ_i(s, a) of `[F]` features.
    pub fn of(&self, policy: usize, state: usize, action: usize) -> &[f64] {
        let at = self.at(policy, state, action);
        &self.table[at..at + self.features]
    }

    fn at(&self, policy: usize, state: usize, action: usize) -> usize {
        ((state * self.actions + action) * self.policies() + policy) * self.features
    }

    /// The first best action of one policy for weights.
    fn best(&self, policy: usize, state: usize, weights: &[f64]) -> usize {
        let mut best = (0, f64::NEG_INFINITY);
        for action in 0..self.actions {
            let value = dot(self.of(policy, state, action), weights);
            if value > best.1 {
                best = (action, value);
            }
        }
        best.0
    }

    /// Learns from a transition that showed `features`; `next` is none where the task ended.
    ///
    /// # Errors
    /// [`Error::Shape`] for other features.
    pub fn learn(&mut self, state: usize, action: usize, features: &[f64], next: Option<usize>) -> Result<()> {
        if features.len() != self.features {
            return Err(Error::shape("features", &[self.features], &[features.len()]));
        }
        for policy in 0..self.policies() {
            let then = next.map(|next| {
                let task = &self.tasks[policy * self.features..(policy + 1) * self.features];
                self.at(policy, next, self.best(policy, next, task))
            });
            let at = self.at(policy, state, action);
            for (f, feature) in features.iter().enumerate() {
                let ahead = then.map_or(0.0, |then| self.discount * self.table[then + f]);
                self.table[at + f] += self.step_size * (feature + ahead - self.table[at + f]);
            }
        }
        Ok(())
    }

    /// What each action of a state is worth at least under the policy that generalised improvement gives for weights `[F]` of any task.
    ///
    /// # Errors
    /// [`Error::Shape`] for other weights.
    pub fn action_values(&self, state: usize, weights: &[f64]) -> Result<Vec<f64>> {
        if weights.len() != self.features {
            return Err(Error::shape("weights of the task", &[self.features], &[weights.len()]));
        }
        let best = |action| {
            let of_each = (0..self.policies()).map(|policy| dot(self.of(policy, state, action), weights));
            of_each.fold(f64::NEG_INFINITY, f64::max)
        };
        Ok((0..self.actions).map(best).collect())
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use worldwright_core::Rng;

    use super::*;
    use crate::{MdpBuilder, Stop, Sweep, evaluate, value_iteration};

    /// A ring of states with a feature at each of three of them: one step to the left or to the right.
    const RING: usize = 9;
    const DISCOUNT: f64 = 0.9;

    fn step(state: usize, action: usize) -> usize {
        (state + if action == 0 { RING - 1 } else { 1 }) % RING
    }

    fn features(next: usize) -> [f64; 3] {
        [0, 3, 6].map(|place| f64::from(u8::from(next == place)))
    }

    fn learned() -> SuccessorFeatures {
        let tasks = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let mut it = SuccessorFeatures::new([RING, 2, 3], &tasks, DISCOUNT, 1.0).unwrap();
        let rng = &mut Rng::new(1);
        for _ in 0..20_000 {
            let (state, action) = (rng.below(RING as u64) as usize, rng.below(2) as usize);
            let next = step(state, action);
            it.learn(state, action, &features(next), Some(next)).unwrap();
        }
        it
    }

    #[test]
    fn features_times_weights_are_the_values_of_each_task() {
        let it = learned();
        for (policy, place) in [0, 3, 6].into_iter().enumerate() {
            let weights: Vec<f64> = (0..3).map(|f| f64::from(u8::from(f == policy))).collect();
            for state in 0..RING {
                for action in 0..2 {
                    // One gets there by the shorter way, and comes back every second step.
                    let next = step(state, action);
                    let away = (next + RING - place) % RING;
                    let far = away.min(RING - away) as i32;
                    let value = DISCOUNT.powi(far) / (1.0 - DISCOUNT * DISCOUNT);
                    let learned = dot(it.of(policy, state, action), &weights);
                    assert!((learned - value).abs() < 1e-6, "{policy} {state} {action}: {learned}, {value}");
                }
            }
        }
    }

    #[test]
    fn a_new_task_is_done_no_worse_than_by_any_policy() {
        let it = learned();
        let rng = &mut Rng::new(2);
        for _ in 0..20 {
            let weights = [0; 3].map(|_| rng.uniform_in(-1.0, 1.0));
            let mut builder = MdpBuilder::new(DISCOUNT);
            for state in 0..RING {
                builder.state();
                for action in 0..2 {
                    let next = step(state, action);
                    builder.action().outcome(1.0, dot(&features(next), &weights), Some(next));
                }
            }
            let mdp = builder.build().unwrap();
            let greedy = |values: Vec<f64>| u32::from(values[1] > values[0]);
            let improved: Vec<u32> = (0..RING).map(|s| greedy(it.action_values(s, &weights).unwrap())).collect();
            let best = value_iteration(&mdp, Sweep::Synchronous, &Stop::default()).unwrap().values;
            let value = evaluate(&mdp, &improved).unwrap();
            for policy in 0..3 {
                let task: Vec<f64> = (0..3).map(|f| f64::from(u8::from(f == policy))).collect();
                let own: Vec<u32> = (0..RING).map(|s| it.best(policy, s, &task) as u32).collect();
                let own = evaluate(&mdp, &own).unwrap();
                for state in 0..RING {
                    assert!(value[state] >= own[state] - 1e-6 && value[state] <= best[state] + 1e-6);
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (tasks, discount, step_size) in
            [(&[1.0, 2.0][..], 0.9, 0.1), (&[], 0.9, 0.1), (&[1.0; 3], 1.0, 0.1), (&[1.0; 3], 0.9, 0.0)]
        {
            assert!(matches!(SuccessorFeatures::new([2, 2, 3], tasks, discount, step_size), Err(Error::Config { .. })));
        }
        let mut it = SuccessorFeatures::new([2, 2, 3], &[1.0; 3], 0.9, 0.1).unwrap();
        assert!(matches!(it.learn(0, 0, &[1.0], None), Err(Error::Shape { .. })));
        assert!(matches!(it.action_values(0, &[1.0]), Err(Error::Shape { .. })));
    }
}
