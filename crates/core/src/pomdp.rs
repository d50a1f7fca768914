//! What is known of a partially observable problem: a simulator of states ([`Pomdp`]), or every probability ([`Tabulated`]).
//!
//! Particle beliefs and online searches need no more than `(s', o, r) ~ G(s, a)` (Silver and Veness, "Monte-Carlo Planning in Large
//! POMDPs", NIPS 2010, section 3); they are generic over the trait, so that every call is resolved at compile time. Exact and point-based
//! solvers need `T(s' | s, a)`, `Z(o | a, s')` and `R(s, a)`.

use crate::{Result, Rng};

/// What one simulated step gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// What was seen.
    pub observation: u32,
    /// Reward.
    pub reward: f64,
    /// Whether the episode ended.
    pub terminated: bool,
}

/// A set of actions out of at most 64, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Actions(pub u64);

/// What doing an action in a state comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Next states with their probabilities, which sum to one.
    pub next: Vec<(usize, f64)>,
    /// `R(s, a)`, the expected reward of the step.
    pub reward: f64,
}

/// A problem by its probabilities. An end of the episode is a state that leads to itself and pays nothing.
pub trait Tabulated {
    /// States, actions and observations.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) where there are too many to list.
    fn counts(&self) -> Result<(usize, usize, usize)>;

    /// γ in (0, 1].
    fn discount(&self) -> f64;

    /// The belief at the start, `[states]`.
    fn initial(&self) -> Vec<f64>;

    /// What an action does in a state.
    fn outcome(&self, state: usize, action: usize) -> Outcome;

    /// What is seen after an action led to a state, with its probabilities.
    fn emission(&self, action: usize, next: usize) -> Vec<(usize, f64)>;
}

/// A generative problem.
pub trait Pomdp: Sync {
    /// A state, with whatever of the history the preferences of [`preferred`](Self::preferred) need.
    type State: Copy + Send + Sync;

    /// How many actions there are, at most 64.
    fn actions(&self) -> usize;

    /// γ in (0, 1].
    fn discount(&self) -> f64;

    /// The distance between the best and the worst reward, which scales exploration.
    fn reward_range(&self) -> f64;

    /// A state drawn from the belief at the start.
    fn initial(&self, rng: &mut Rng) -> Self::State;

    /// Advances `state` by one step.
    fn step(&self, state: &mut Self::State, action: u32, rng: &mut Rng) -> Step;

    /// Actions that may be done. It must be the same for all states of a belief, and not empty.
    fn legal(&self, _state: &Self::State) -> Actions {
        Actions::first(self.actions())
    }

    /// Legal actions that domain knowledge prefers; not empty. All legal ones where nothing is known.
    fn preferred(&self, state: &Self::State) -> Actions {
        self.legal(state)
    }

    /// What a rollout does: a preferred action, each as likely.
    fn rollout_action(&self, state: &Self::State, rng: &mut Rng) -> u32 {
        self.preferred(state).pick(rng)
    }

    /// Advances `state` by one step in which `observation` was seen, and returns how likely that was. `None`, with the state untouched,
    /// where the likelihood is not known: particle beliefs then simulate until the observation agrees.
    fn step_given(&self, _state: &mut Self::State, _action: u32, _observation: u32, _rng: &mut Rng) -> Option<f64> {
        None
    }

    /// Moves a particle to another state that the history (actions and observations since the start) makes as likely, so that a
    /// belief of many equal particles becomes diverse again. False where the problem knows no such move.
    fn reinvigorate(&self, _state: &mut Self::State, _history: &[(u32, u32)], _rng: &mut Rng) -> bool {
        false
    }

    /// A bound on what any policy can still earn from a state that is known, for searches that prune.
    fn upper_bound(&self, state: &Self::State) -> f64;
}

impl Actions {
    /// The first `n` actions.
    #[inline]
    pub fn first(n: usize) -> Self {
        Self(if n >= 64 { u64::MAX } else { (1 << n) - 1 })
    }

    /// Whether an action is in the set.
    #[inline]
    pub fn contains(self, action: u32) -> bool {
        self.0 >> action & 1 == 1
    }

    /// The actions in order.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = u32> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            (left != 0).then(|| {
                let action = left.trailing_zeros();
                left &= left - 1;
                action
            })
        })
    }

    /// One of the set, each as likely (to within 2⁻²⁶ of its share).
    ///
    /// # Panics
    /// In debug builds, when the set is empty.
    #[inline]
    pub fn pick(self, rng: &mut Rng) -> u32 {
        debug_assert!(self.0 != 0, "a set of actions is not empty");
        let count = self.0.count_ones();
        if count == 1 {
            return self.0.trailing_zeros();
        }
        let mut left = self.0;
        for _ in 0..(u64::from(rng.next_u32()) * u64::from(count)) >> 32 {
            left &= left - 1;
        }
        left.trailing_zeros()
    }
}
