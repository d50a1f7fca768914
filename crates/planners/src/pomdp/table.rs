//! A partially observed Markov decision process as a table: `(S, A, O, T, Z, R, γ, b0)` (Kaelbling, Littman and Cassandra,
//! "Planning and Acting in Partially Observable Stochastic Domains", 1998, section 3), stored by what is not zero.
//!
//! `T(s' | s, a)` moves, `Z(o | a, s')` shows, `R(s, a)` pays. An end of the episode is a state that leads to itself and pays nothing.

use worldwright_core::{Error, Result};

/// What doing an action in a state comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Next states with their probabilities, which sum to one.
    pub next: Vec<(usize, f64)>,
    /// `R(s, a)`, the expected reward of the step.
    pub reward: f64,
}

/// One way that a step may go: what is seen, where it leads, and `T(s' | s, a) Z(o | a, s')`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Way {
    pub(crate) observation: u32,
    pub(crate) next: u32,
    pub(crate) probability: f64,
}

/// The table. Rows are `[action][state]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    states: usize,
    actions: usize,
    observations: usize,
    discount: f64,
    initial: Vec<f64>,
    reward: Vec<f64>,
    /// Where the ways of row `a * S + s` begin.
    first: Vec<u32>,
    ways: Vec<Way>,
}

/// How far a sum of probabilities may be from one.
const SLACK: f64 = 1e-9;

impl Table {
    /// A table of `counts` = (states, actions, observations), from what each action does in each state, `outcome(s, a)`, and
    /// the probabilities of observations, `emission(a, s')`.
    ///
    /// # Errors
    /// [`Error::Config`] that names the row whose probabilities do not sum to one, an index or a reward that is out of range, or a
    /// discount outside (0, 1).
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
        if !(discount > 0.0 && discount < 1.0) {
            return Err(Error::config("pomdp.discount", format!("must lie in (0, 1), got {discount}")));
        }
        if initial.len() != states {
            return Err(Error::shape("initial belief", &[states], &[initial.len()]));
        }
        check("initial belief", initial.iter().copied())?;
        let mut table = Self {
            states,
            actions,
            observations,
            discount,
            initial,
            reward: Vec::with_capacity(actions * states),
            first: Vec::with_capacity(actions * states + 1),
            ways: Vec::new(),
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
                table.reward.push(reward);
                table.first.push(table.ways.len() as u32);
                for (next, moved) in next {
                    table.ways.extend(emissions[next].iter().map(|(observation, shown)| Way {
                        observation: *observation as u32,
                        next: next as u32,
                        probability: moved * shown,
                    }));
                }
            }
        }
        table.first.push(table.ways.len() as u32);
        Ok(table)
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
        self.reward[action * self.states + state]
    }

    /// How a step may go.
    #[inline]
    pub(crate) fn ways(&self, state: usize, action: usize) -> &[Way] {
        let row = action * self.states + state;
        &self.ways[self.first[row] as usize..self.first[row + 1] as usize]
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
