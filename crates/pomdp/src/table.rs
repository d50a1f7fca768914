//! A partially observed Markov decision process as a table: `(S, A, O, T, Z, R, γ, b0)` (Kaelbling, Littman and Cassandra,
//! "Planning and Acting in Partially Observable Stochastic Domains", 1998, section 3), stored by what is not zero.
//!
//! `T(s' | s, a)` moves, `Z(o | a, s')` shows, `R(s, a)` pays. An end of the episode is a state that leads to itself and pays nothing.

use worldwright_core::pomdp::{Outcome, Tabulated};
use worldwright_core::{Error, Result};

/// One way that a step may go: what is seen, where it leads, and `T(s' | s, a) Z(o | a, s')`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Way {
    pub(crate) observation: u32,
    pub(crate) next: u32,
    pub(crate) probability: f64,
}

/// The table. Rows are `[action][state]`; states that an action treats alike share a row of ways.
#[derive(Debug, Clone)]
pub struct Table {
    states: usize,
    actions: usize,
    observations: usize,
    discount: f64,
    initial: Vec<f64>,
    parts: Parts,
    /// Steps after which the process ends by itself, where its states count them.
    horizon: Option<usize>,
}

/// The numbers of a table.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    /// The row of ways of each action and state.
    pub(super) row: Vec<u32>,
    /// Where each row begins, and the end.
    pub(super) first: Vec<u32>,
    pub(super) ways: Vec<Way>,
    pub(super) reward: Vec<f64>,
}

impl PartialEq for Table {
    /// Equal tables say the same, whether rows are shared or not.
    fn eq(&self, other: &Self) -> bool {
        let heads = |table: &Self| (table.states, table.actions, table.observations, table.discount, table.horizon);
        let mut pairs = (0..self.actions).flat_map(|action| (0..self.states).map(move |state| (state, action)));
        heads(self) == heads(other)
            && self.initial == other.initial
            && self.parts.reward == other.parts.reward
            && pairs.all(|(state, action)| self.ways(state, action) == other.ways(state, action))
    }
}

/// How far a sum of probabilities may be from one.
const SLACK: f64 = 1e-9;

impl Table {
    /// The table of a problem that knows its probabilities.
    ///
    /// # Errors
    /// As [`new`](Self::new), and what the problem says where it is too large to be listed.
    pub fn of(problem: &impl Tabulated) -> Result<Self> {
        let outcome = |state, action| problem.outcome(state, action);
        let emission = |action, next| problem.emission(action, next);
        Self::new(problem.counts()?, problem.discount(), problem.initial(), outcome, emission)
    }

    /// A table of `counts` = (states, actions, observations), from what each action does in each state, `outcome(s, a)`, and
    /// the probabilities of observations, `emission(a, s')`.
    ///
    /// # Errors
    /// [`Error::Config`] that names the row whose probabilities do not sum to one, an index or a reward that is out of range, or a
    /// discount outside (0, 1]. What is solved for an endless future needs one below 1.
    pub fn new(
        counts: (usize, usize, usize),
        discount: f64,
        initial: Vec<f64>,
        outcome: impl Fn(usize, usize) -> Outcome,
        emission: impl Fn(usize, usize) -> Vec<(usize, f64)>,
    ) -> Result<Self> {
        let (states, actions, observations) = counts;
        if states == 0 || actions == 0 || observations == 0 {
            return Err(Error::config("pomdp", "needs a state, an action and an observation at least"));
        }
        if !(discount > 0.0 && discount <= 1.0) {
            return Err(Error::config("pomdp.discount", format!("must lie in (0, 1], got {discount}")));
        }
        if initial.len() != states {
            return Err(Error::shape("initial belief", &[states], &[initial.len()]));
        }
        check("initial belief", initial.iter().copied())?;
        let rows = actions * states;
        let mut parts = Parts {
            row: (0..rows as u32).collect(),
            first: Vec::with_capacity(rows + 1),
            ways: Vec::new(),
            reward: Vec::with_capacity(rows),
        };
        for action in 0..actions {
            let emissions: Vec<Vec<(usize, f64)>> = (0..states).map(|next| emission(action, next)).collect();
            for (next, row) in emissions.iter().enumerate() {
                check(&format!("observations after action {action} in state {next}"), row.iter().map(|way| way.1))?;
                in_range("observation", row, observations)?;
            }
            for state in 0..states {
                let Outcome { next, reward } = outcome(state, action);
                check(&format!("transitions of action {action} in state {state}"), next.iter().map(|way| way.1))?;
                in_range("next state", &next, states)?;
                if !reward.is_finite() {
                    let why = format!("is {reward} for action {action} in state {state}: it must be finite");
                    return Err(Error::config("pomdp.reward", why));
                }
                parts.reward.push(reward);
                parts.first.push(parts.ways.len() as u32);
                for (next, moved) in next {
                    parts.ways.extend(emissions[next].iter().map(|(observation, shown)| Way {
                        observation: *observation as u32,
                        next: next as u32,
                        probability: moved * shown,
                    }));
                }
            }
        }
        parts.first.push(parts.ways.len() as u32);
        Ok(Self { states, actions, observations, discount, initial, parts, horizon: None })
    }

    /// A table of parts that are known to be sound.
    pub(super) fn from_parts(
        (states, actions, observations): (usize, usize, usize),
        discount: f64,
        initial: Vec<f64>,
        parts: Parts,
    ) -> Result<Self> {
        if !(discount > 0.0 && discount <= 1.0) {
            return Err(Error::config("discount", format!("must lie in (0, 1], got {discount}")));
        }
        Ok(Self { states, actions, observations, discount, initial, parts, horizon: None })
    }

    /// The same process ending after `steps` steps: its states are those of the process at each step to go, first all with `steps` to
    /// go, and from the last of them no way leads on. What solves an endless future then solves a finite one, without a
    /// discount too, and what is always known (the steps to go) parts the states.
    ///
    /// # Errors
    /// [`Error::Config`] for no steps, and where the table would take more than `memory` bytes.
    pub fn with_horizon(&self, steps: usize, memory: usize) -> Result<Self> {
        if steps == 0 {
            return Err(Error::config("horizon", "must be at least 1"));
        }
        let (base, rows) = (&self.parts, self.parts.first.len() - 1);
        let states = self.states.saturating_mul(steps);
        let heads = states.saturating_mul(self.actions).saturating_mul(32);
        let bytes = heads.saturating_add(base.ways.len().saturating_mul(steps).saturating_mul(size_of::<Way>()));
        let ways = base.ways.len().saturating_mul(steps - 1);
        if bytes > memory || states > u32::MAX as usize || ways > u32::MAX as usize {
            let why = format!(
                "{steps} steps of {} states take {} MiB, more than the {} MiB that `memory` allows",
                self.states,
                (bytes >> 20) + 1,
                memory >> 20
            );
            return Err(Error::config("horizon", why));
        }
        let mut parts = Parts {
            row: Vec::with_capacity(states * self.actions),
            first: Vec::with_capacity(rows * (steps - 1) + 2),
            ways: Vec::with_capacity(ways),
            reward: Vec::with_capacity(states * self.actions),
        };
        for step in 1..steps {
            let ahead = (step * self.states) as u32;
            parts.first.extend(base.first[..rows].iter().map(|first| first + parts.ways.len() as u32));
            parts.ways.extend(base.ways.iter().map(|way| Way { next: way.next + ahead, ..*way }));
        }
        // The last row is that of the last step: nothing follows.
        parts.first.extend([parts.ways.len() as u32; 2]);
        for action in 0..self.actions {
            let of = action * self.states..(action + 1) * self.states;
            for step in 0..steps {
                let last = (rows * (steps - 1)) as u32;
                let number = |row: &u32| if step + 1 == steps { last } else { (rows * step) as u32 + row };
                parts.row.extend(base.row[of.clone()].iter().map(number));
                parts.reward.extend_from_slice(&base.reward[of.clone()]);
            }
        }
        let mut initial = self.initial.clone();
        initial.resize(states, 0.0);
        let discount = self.discount;
        Ok(Self { states, initial, parts, discount, horizon: Some(steps), ..*self })
    }

    /// Steps after which the process ends by itself, where its states count them.
    pub fn horizon(&self) -> Option<usize> {
        self.horizon
    }

    /// What one more reward in every step adds up to.
    ///
    /// # Errors
    /// [`Error::Config`] where that is endless: a discount of 1 without a horizon.
    pub(super) fn duration(&self) -> Result<f64> {
        match self.horizon {
            None if self.discount >= 1.0 => {
                let why = "1 over an endless future has no finite value: set horizon=N, or a discount below 1";
                Err(Error::config("discount", why))
            }
            None => Ok(1.0 / (1.0 - self.discount)),
            Some(steps) => Ok(self.duration_of(steps)),
        }
    }

    /// What one more reward in each of so many steps adds up to.
    pub(super) fn duration_of(&self, steps: usize) -> f64 {
        if self.discount >= 1.0 {
            return steps as f64;
        }
        (1.0 - self.discount.powf(steps as f64)) / (1.0 - self.discount)
    }

    /// How many states.
    pub fn states(&self) -> usize {
        self.states
    }

    /// How many actions.
    pub fn actions(&self) -> usize {
        self.actions
    }

    /// How many observations.
    pub fn observations(&self) -> usize {
        self.observations
    }

    /// γ.
    pub fn discount(&self) -> f64 {
        self.discount
    }

    /// The belief at the start, `[states]`.
    pub fn initial(&self) -> &[f64] {
        &self.initial
    }

    /// `R(s, a)`.
    #[inline]
    pub fn reward(&self, state: usize, action: usize) -> f64 {
        self.parts.reward[action * self.states + state]
    }

    /// How a step may go.
    #[inline]
    pub(crate) fn ways(&self, state: usize, action: usize) -> &[Way] {
        self.row(self.row_of(state, action))
    }

    /// The row that a state has for an action.
    #[inline]
    pub(super) fn row_of(&self, state: usize, action: usize) -> usize {
        self.parts.row[action * self.states + state] as usize
    }

    /// The ways of a row.
    #[inline]
    pub(super) fn row(&self, row: usize) -> &[Way] {
        &self.parts.ways[self.parts.first[row] as usize..self.parts.first[row + 1] as usize]
    }

    /// How many rows of ways there are.
    pub(super) fn rows(&self) -> usize {
        self.parts.first.len() - 1
    }
}

fn check(what: &str, probabilities: impl Iterator<Item = f64>) -> Result<()> {
    let mut sum = 0.0;
    for probability in probabilities {
        if !(0.0..=1.0 + SLACK).contains(&probability) {
            return Err(Error::config("pomdp", format!("{what}: {probability} is not a probability")));
        }
        sum += probability;
    }
    if (sum - 1.0).abs() <= SLACK {
        Ok(())
    } else {
        Err(Error::config("pomdp", format!("{what}: probabilities sum to {sum}, not to 1")))
    }
}

fn in_range(what: &str, row: &[(usize, f64)], count: usize) -> Result<()> {
    match row.iter().find(|(index, _)| *index >= count) {
        Some((index, _)) => Err(Error::config("pomdp", format!("{what} {index} is not below {count}"))),
        None => Ok(()),
    }
}
