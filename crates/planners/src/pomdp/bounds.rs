//! Cheap bounds on the value of a table, one vector over states an action.
//!
//! From above, QMDP (Littman, Cassandra and Kaelbling 1995): all doubt ends after one step,
//! `Q(s, a) = R(s, a) + γ Σ T(s' | s, a) max_a' Q(s', a')`, and the fast informed bound (Hauskrecht, "Value-Function Approximations for
//! Partially Observable Markov Decision Processes", 2000, section 3.5), which is never above it:
//! `F(s, a) = R(s, a) + γ Σ_o max_a' Σ_s' T(s' | s, a) Z(o | a, s') F(s', a')`. From below, blind policies (Hauskrecht 1997):
//! always the same action, `B(s, a) = R(s, a) + γ Σ T(s' | s, a) B(s', a)`.

use super::Table;

/// One vector over states for each action, `[action][state]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    states: usize,
    values: Vec<f64>,
}

impl Vectors {
    /// The vector of an action.
    pub fn of(&self, action: usize) -> &[f64] {
        &self.values[action * self.states..(action + 1) * self.states]
    }

    /// The value of doing `action` in a belief.
    pub fn action_value(&self, belief: &[f64], action: usize) -> f64 {
        belief.iter().zip(self.of(action)).map(|(share, value)| share * value).sum()
    }

    /// The best action in a belief (the first of equals), and its value.
    pub fn best(&self, belief: &[f64]) -> (usize, f64) {
        let each = (0..self.values.len() / self.states).map(|action| (action, self.action_value(belief, action)));
        each.fold((0, f64::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best })
    }
}

/// QMDP's values to within `tolerance`, from above.
pub fn qmdp(table: &Table, tolerance: f64) -> Vectors {
    let (states, actions, discount) = (table.states(), table.actions(), table.discount());
    // Sweeps in place over the states' values, a step that stays where it is solved at once: `(R + γ Σ_{s' ≠ s} …) / (1 − γ p(s))`.
    let mut values = vec![highest(table); states];
    loop {
        let mut change = 0.0_f64;
        for state in 0..states {
            let backed_up = |action: usize| {
                let (mut stays, mut sum) = (0.0, table.reward(state, action));
                for way in table.ways(state, action) {
                    if way.next as usize == state {
                        stays += way.probability;
                    } else {
                        sum += discount * way.probability * values[way.next as usize];
                    }
                }
                sum / (1.0 - discount * stays)
            };
            let best = (0..actions).map(backed_up).fold(f64::NEG_INFINITY, f64::max);
            change = change.max((best - values[state]).abs());
            values[state] = best;
        }
        if change * discount <= tolerance * (1.0 - discount) {
            break;
        }
    }
    let rows = (0..actions).flat_map(|action| (0..states).map(move |state| (state, action)));
    let value = |(state, action): (usize, usize)| {
        let ways = table.ways(state, action).iter();
        table.reward(state, action)
            + discount * ways.map(|way| way.probability * values[way.next as usize]).sum::<f64>()
    };
    Vectors { states, values: rows.map(value).collect() }
}

/// The fast informed bound to within `tolerance`, from above.
pub fn fast_informed_bound(table: &Table, tolerance: f64) -> Vectors {
    let (states, actions) = (table.states(), table.actions());
    // What each next action is worth after each observation; only the places that a state reaches are cleared again.
    let mut sums = vec![0.0; table.observations() * actions];
    let mut seen: Vec<u32> = Vec::with_capacity(table.observations());
    iterate(table, tolerance, qmdp(table, tolerance).values, |value, state, action, all| {
        for way in table.ways(state, action) {
            if !seen.contains(&way.observation) {
                seen.push(way.observation);
            }
            let start = way.observation as usize * actions;
            for (next_action, sum) in sums[start..start + actions].iter_mut().enumerate() {
                *sum += way.probability * all[next_action * states + way.next as usize];
            }
        }
        *value = 0.0;
        for observation in seen.drain(..) {
            let start = observation as usize * actions;
            *value += sums[start..start + actions].iter().copied().fold(f64::NEG_INFINITY, f64::max);
            sums[start..start + actions].fill(0.0);
        }
    })
}

/// The values of always doing the same action, to within `tolerance`, from below.
pub fn blind_policies(table: &Table, tolerance: f64) -> Vectors {
    let (states, actions) = (table.states(), table.actions());
    let rewards = |action: usize| (0..states).map(move |state| table.reward(state, action));
    let lowest = (0..actions).flat_map(rewards).fold(f64::INFINITY, f64::min) / (1.0 - table.discount());
    iterate(table, tolerance, vec![lowest; actions * states], |value, state, action, all| {
        let own = &all[action * states..(action + 1) * states];
        *value = table.ways(state, action).iter().map(|way| way.probability * own[way.next as usize]).sum();
    })
}

/// No policy earns more than the largest reward for ever.
fn highest(table: &Table) -> f64 {
    let rewards = |action: usize| (0..table.states()).map(move |state| table.reward(state, action));
    (0..table.actions()).flat_map(rewards).fold(f64::NEG_INFINITY, f64::max) / (1.0 - table.discount())
}

/// Repeats `values[a][s] ← R(s, a) + γ · expected(s, a, values)` from `start`, a bound itself, so that every iterate is one, until the
/// distance to the fixed point is below `tolerance`.
fn iterate(
    table: &Table,
    tolerance: f64,
    start: Vec<f64>,
    mut expected: impl FnMut(&mut f64, usize, usize, &[f64]),
) -> Vectors {
    let (states, actions, discount) = (table.states(), table.actions(), table.discount());
    let mut values = start;
    let mut next = values.clone();
    loop {
        let mut change = 0.0_f64;
        for action in 0..actions {
            for state in 0..states {
                let mut sum = 0.0;
                expected(&mut sum, state, action, &values);
                let slot = &mut next[action * states + state];
                *slot = table.reward(state, action) + discount * sum;
                change = change.max((*slot - values[action * states + state]).abs());
            }
        }
        std::mem::swap(&mut values, &mut next);
        if change * discount <= tolerance * (1.0 - discount) {
            return Vectors { states, values };
        }
    }
}
