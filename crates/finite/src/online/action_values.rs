//! A table of action values that grows with the states, and the step sizes of its updates.
//!
//! `Q(s, a) += α_n (target − Q(s, a))` with `α_n = α / n^ω` at the n-th update of the pair (Even-Dar and Mansour, "Learning Rates for Q-learning",
//! JMLR 2003; ω in (½, 1] converges with probability one, ω = 0 tracks).

use worldwright_core::{Array, Result, Settings, State, cost};

use super::{END, damaged};

/// Bytes that a learner keeps of each pair beside its value: what followed it, when, and how often.
const PAIR_BYTES: usize = 96;

/// `[states][actions]`
#[derive(Debug, Clone)]
pub(super) struct ActionValues {
    actions: usize,
    initial: f64,
    step_size: f64,
    power: f64,
    values: Vec<f64>,
    /// Updates of each pair; empty where step sizes are constant.
    updated: Vec<u64>,
    /// States that memory was asked for.
    granted: usize,
}

impl ActionValues {
    /// Reads `step_size`, `step_size_power` and `initial_value`.
    pub(super) fn new(actions: usize, settings: &Settings) -> Result<Self> {
        Ok(Self {
            actions,
            initial: settings.float("initial_value", -1e12, 1e12)?,
            step_size: settings.float("step_size", f64::MIN_POSITIVE, 1.0)?,
            power: settings.float("step_size_power", 0.0, 1.0)?,
            values: Vec::new(),
            updated: Vec::new(),
            granted: 0,
        })
    }

    /// How many actions a state has.
    pub(super) fn actions(&self) -> usize {
        self.actions
    }

    /// How many states it has values of.
    pub(super) fn states(&self) -> usize {
        self.values.len() / self.actions
    }

    /// How many pairs.
    pub(super) fn pairs(&self) -> usize {
        self.values.len()
    }

    /// Makes room for a state.
    ///
    /// # Errors
    /// [`Error::Config`](worldwright_core::Error::Config) where that would take more memory than there is.
    pub(super) fn include(&mut self, state: usize) -> Result<()> {
        if state < self.states() {
            return Ok(());
        }
        self.granted = granted(state, self.actions, self.granted)?;
        self.values.resize((state + 1) * self.actions, self.initial);
        if self.power > 0.0 {
            self.updated.resize(self.values.len(), 0);
        }
        Ok(())
    }

    pub(super) fn pair(&self, state: usize, action: usize) -> usize {
        state * self.actions + action
    }

    /// The values of a state's actions; none of a state that it has not met.
    pub(super) fn of(&self, state: usize) -> &[f64] {
        self.values.get(state * self.actions..(state + 1) * self.actions).unwrap_or(&[])
    }

    pub(super) fn value(&self, pair: usize) -> f64 {
        self.values[pair]
    }

    /// The value of the best action.
    pub(super) fn best(&self, state: usize) -> f64 {
        let values = self.of(state);
        if values.is_empty() { self.initial } else { greatest(values) }
    }

    /// A copy of the values of a state, those of an unknown one included.
    pub(super) fn copied(&self, state: usize) -> Vec<f64> {
        let values = self.of(state);
        if values.is_empty() { vec![self.initial; self.actions] } else { values.to_vec() }
    }

    /// Moves the value of a pair towards a target.
    pub(super) fn update(&mut self, pair: usize, target: f64) {
        let mut step = self.step_size;
        if let Some(count) = self.updated.get_mut(pair) {
            *count += 1;
            step /= (*count as f64).powf(self.power);
        }
        self.values[pair] += step * (target - self.values[pair]);
    }

    pub(super) fn save(&self) -> State {
        let mut state = State::new();
        state.put("values", Array::F64(vec![self.states(), self.actions], self.values.clone()));
        state.put("updated", Array::U64(self.updated.clone()));
        state
    }

    pub(super) fn restore(&mut self, state: &State) -> Result<()> {
        let (Array::F64(_, values), Array::U64(updated)) = (state.array("values")?, state.array("updated")?) else {
            return Err(damaged("action values"));
        };
        let counts = if self.power > 0.0 { values.len() } else { 0 };
        if values.len() % self.actions != 0 || updated.len() != counts {
            return Err(damaged("action values"));
        }
        (self.values, self.updated) = (values.clone(), updated.clone());
        self.granted = granted(self.states().saturating_sub(1), self.actions, self.granted)?;
        Ok(())
    }
}

/// States that there is room for once `state` is among them, asked for by doubling.
pub(super) fn granted(state: usize, actions: usize, granted: usize) -> Result<usize> {
    if state < granted {
        return Ok(granted);
    }
    let room = (2 * granted).max(state + 1).max(16);
    let bytes = room as f64 * (actions * PAIR_BYTES + 64) as f64;
    let numbered = (room as f64) * (actions as f64) < f64::from(END);
    cost::memory(&[("states seen", room), ("actions", actions)], if numbered { bytes } else { f64::INFINITY })?;
    Ok(room)
}

/// The greatest of some numbers.
pub(super) fn greatest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}
