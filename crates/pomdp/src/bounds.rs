//! Cheap bounds on the value of a table, one vector over states an action.
//!
//! From above, QMDP (Littman, Cassandra and Kaelbling 1995): all doubt ends after one step,
//! `Q(s, a) = R(s, a) + γ Σ T(s' | s, a) max_a' Q(s', a')`, and the fast informed bound (Hauskrecht, "Value-Function Approximations for
//! Partially Observable Markov Decision Processes", 2000, section 3.5), which is never above it:
//! `F(s, a) = R(s, a) + γ Σ_o max_a' Σ_s' T(s' | s, a) Z(o | a, s') F(s', a')`. From below, blind policies (Hauskrecht 1997):
//! always the same action, `B(s, a) = R(s, a) + γ Σ T(s' | s, a) B(s', a)`.

use std::time::Instant;

use worldwright_core::Result;

use super::Table;
use super::table::Way;

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
///
/// # Errors
/// [`Error::Config`](worldwright_core::Error::Config) for a discount of 1 without a horizon.
pub fn qmdp(table: &Table, tolerance: f64) -> Result<Vectors> {
    qmdp_until(table, tolerance, None)
}

/// QMDP's values to within `tolerance`, or as they stand at the deadline: every sweep's values are bounds.
pub(super) fn qmdp_until(table: &Table, tolerance: f64, deadline: Option<Instant>) -> Result<Vectors> {
    let (states, actions, discount) = (table.states(), table.actions(), table.discount());
    let mut values = vec![highest(table)?; states];
    match table.horizon() {
        // What follows a state stands behind it: one pass from the end is all.
        Some(_) => _ = sweep(table, &mut values),
        None => {
            for _ in 0..sweeps(table) {
                let change = sweep(table, &mut values);
                if settled(table, change, &values, tolerance) || is_late(deadline) {
                    break;
                }
            }
        }
    }
    let mut known = Known::new(table);
    let mut vectors = vec![0.0; states * actions];
    for action in 0..actions {
        for state in 0..states {
            let sum = known.of(table.row_of(state, action), |row| {
                table.row(row).iter().map(|way| way.probability * values[way.next as usize]).sum()
            });
            vectors[action * states + state] = table.reward(state, action) + discount * sum;
        }
    }
    Ok(Vectors { states, values: vectors })
}

/// One sweep over the states' values in place, from the last state on; returns the largest change. A step that stays where it is is
/// solved at once: `(R + γ Σ_{s' ≠ s} …) / (1 − γ p(s))`. Where many states share a row, that would cost each of them the whole row: the
/// row is then taken as it stood when the sweep first met it, which bounds as well.
fn sweep(table: &Table, values: &mut [f64]) -> f64 {
    let (states, actions, discount) = (table.states(), table.actions(), table.discount());
    let mut users = vec![0_u32; table.rows()];
    (0..actions).for_each(|action| (0..states).for_each(|state| users[table.row_of(state, action)] += 1));
    let mut known = Known::new(table);
    let mut change = 0.0_f64;
    for state in 0..states {
        let state = if table.horizon().is_some() { states - 1 - state } else { state };
        let backed_up = |action: usize| {
            let (row, reward) = (table.row_of(state, action), table.reward(state, action));
            if users[row] > 1 {
                let each = |row| table.row(row).iter().map(|way| way.probability * values[way.next as usize]).sum();
                return reward + discount * known.of(row, each);
            }
            let (mut stays, mut sum) = (0.0, reward);
            for way in table.row(row) {
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
    change
}

/// Whether the fixed point is within `tolerance` after a sweep that changed no value by more than `change`, or as near as rounding lets
/// it come.
fn settled(table: &Table, change: f64, values: &[f64], tolerance: f64) -> bool {
    let largest = || values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    change * table.discount() <= tolerance * (1.0 - table.discount()) || change <= 4.0 * f64::EPSILON * largest()
}

/// Sweeps at most. A discount next to 1 would ask for millions; every sweep's values are bounds, so that fewer only bound less closely.
fn sweeps(table: &Table) -> usize {
    let ways: usize = (0..table.rows()).map(|row| table.row(row).len()).sum();
    (WORK / (ways + table.states() * table.actions())).max(LEAST_SWEEPS)
}

/// Ways that are followed at most, and sweeps that are made however large a table is.
const WORK: usize = 4_000_000_000;
const LEAST_SWEEPS: usize = 200;

fn is_late(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// What rows come to, each computed once.
struct Known(Vec<f64>);

impl Known {
    fn new(table: &Table) -> Self {
        Self(vec![f64::NAN; table.rows()])
    }

    #[inline]
    fn of(&mut self, row: usize, value: impl FnOnce(usize) -> f64) -> f64 {
        if self.0[row].is_nan() {
            self.0[row] = value(row);
        }
        self.0[row]
    }
}

/// The fast informed bound to within `tolerance`, from above (looser only where the discount is next to 1).
///
/// # Errors
/// As for [`qmdp`].
pub fn fast_informed_bound(table: &Table, tolerance: f64) -> Result<Vectors> {
    informed_until(table, tolerance, None)
}

/// The fast informed bound to within `tolerance`, or as it stands at the deadline.
pub(super) fn informed_until(table: &Table, tolerance: f64, deadline: Option<Instant>) -> Result<Vectors> {
    let (states, actions) = (table.states(), table.actions());
    // What each next action is worth after each observation; only the places that a state reaches are cleared again.
    let mut sums = vec![0.0; table.observations() * actions];
    let mut is_seen = vec![false; table.observations()];
    let mut seen: Vec<u32> = Vec::new();
    let start = qmdp_until(table, tolerance, deadline)?.values;
    iterate(table, (tolerance, deadline), start, |ways, _, all| {
        for way in ways {
            if !std::mem::replace(&mut is_seen[way.observation as usize], true) {
                seen.push(way.observation);
            }
            let start = way.observation as usize * actions;
            for (next_action, sum) in sums[start..start + actions].iter_mut().enumerate() {
                *sum += way.probability * all[next_action * states + way.next as usize];
            }
        }
        let mut value = 0.0;
        for observation in seen.drain(..) {
            is_seen[observation as usize] = false;
            let start = observation as usize * actions;
            value += sums[start..start + actions].iter().copied().fold(f64::NEG_INFINITY, f64::max);
            sums[start..start + actions].fill(0.0);
        }
        value
    })
}

/// The values of always doing the same action, to within `tolerance`, from below.
///
/// # Errors
/// As for [`qmdp`].
pub fn blind_policies(table: &Table, tolerance: f64) -> Result<Vectors> {
    blind_until(table, tolerance, None)
}

/// The values of always doing the same action to within `tolerance`, or as they stand at the deadline.
pub(super) fn blind_until(table: &Table, tolerance: f64, deadline: Option<Instant>) -> Result<Vectors> {
    let (states, actions) = (table.states(), table.actions());
    let lowest = rewards(table).fold(f64::INFINITY, f64::min) * table.duration()?;
    iterate(table, (tolerance, deadline), vec![lowest; actions * states], |ways, action, all| {
        let own = &all[action * states..(action + 1) * states];
        ways.iter().map(|way| way.probability * own[way.next as usize]).sum()
    })
}

fn rewards(table: &Table) -> impl Iterator<Item = f64> {
    (0..table.actions()).flat_map(move |action| (0..table.states()).map(move |state| table.reward(state, action)))
}

/// No policy earns more than the largest reward for ever.
fn highest(table: &Table) -> Result<f64> {
    Ok(rewards(table).fold(f64::NEG_INFINITY, f64::max) * table.duration()?)
}

/// Repeats `values[a][s] ← R(s, a) + γ · expected(ways, a, values)` from `start`, a bound itself, so that every iterate is one, until the
/// distance to the fixed point is below `tolerance`.
fn iterate(
    table: &Table,
    (tolerance, deadline): (f64, Option<Instant>),
    start: Vec<f64>,
    mut expected: impl FnMut(&[Way], usize, &[f64]) -> f64,
) -> Result<Vectors> {
    let (states, actions, discount) = (table.states(), table.actions(), table.discount());
    let mut values = start;
    if table.horizon().is_some() {
        // What follows a state stands behind it: one pass from the end is all.
        let mut known = Known::new(table);
        for state in (0..states).rev() {
            for action in 0..actions {
                let sum = known.of(table.row_of(state, action), |row| expected(table.row(row), action, &values));
                values[action * states + state] = table.reward(state, action) + discount * sum;
            }
        }
        return Ok(Vectors { states, values });
    }
    let mut next = values.clone();
    for _ in 0..sweeps(table) {
        let (mut change, mut known) = (0.0_f64, Known::new(table));
        for action in 0..actions {
            for state in 0..states {
                let sum = known.of(table.row_of(state, action), |row| expected(table.row(row), action, &values));
                let slot = &mut next[action * states + state];
                *slot = table.reward(state, action) + discount * sum;
                change = change.max((*slot - values[action * states + state]).abs());
            }
        }
        std::mem::swap(&mut values, &mut next);
        if settled(table, change, &values, tolerance) || is_late(deadline) {
            break;
        }
    }
    Ok(Vectors { states, values })
}
