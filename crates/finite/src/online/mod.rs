//! Tabular learners: they act, and learn from one transition at a time.
//!
//! A [`TabularLearner`] counts states from 0 on and knows no more of them than that some are equal; its tables grow as new ones come, and are refused where
//! they would take more memory than there is. Two rules hold for all of them: what follows a terminated transition is worth nothing, what follows a
//! truncated one is worth what any other state is (Pardo, Tavakoli, Levdik and Kormushev, "Time Limits in Reinforcement Learning", ICML 2018).
//!
//! ```
//! use worldwright_core::{Rng, Settings};
//! use worldwright_finite::online::{ALL, LearnerContext, Transition};
//!
//! // One state: action 1 pays 1 and ends.
//! let entry = worldwright_core::find(ALL, "learner", "q-learning")?;
//! let settings = Settings::resolve(entry.name, entry.parameters, &Default::default())?;
//! let mut learner = (entry.build)(&LearnerContext { actions: 2, discount: 0.9, places: 1 }, &settings)?;
//! let mut rng = Rng::new(0);
//! for _ in 0..100 {
//!     learner.learn(0, &Transition { state: 0, action: 1, reward: 1.0, next: None, truncated: false }, &mut rng)?;
//! }
//! assert_eq!(learner.choose(0, 0, false, &mut rng)?, 1);
//! # Ok::<(), worldwright_core::Error>(())
//! ```

mod action_values;
mod counted;
mod double_q;
mod dyna;
mod epsilon_greedy;
mod expected_sarsa;
mod n_step;
mod n_step_sarsa;
mod outcomes;
mod prioritised_sweeping;
mod psrl;
mod q_learning;
mod r_max;
mod sarsa;
mod settings;
mod tree_backup;

use worldwright_core::{Entry, Error, Persist, Result, Rng, Settings, State};

/// What was experienced in a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    /// Where it began.
    pub state: usize,
    /// What was done.
    pub action: usize,
    /// What that paid.
    pub reward: f64,
    /// Where it led; none where the task ended.
    pub next: Option<usize>,
    /// Whether the episode was cut there, though the task went on.
    pub truncated: bool,
}

impl Transition {
    /// Whether no other transition follows it in its episode.
    pub fn ends(&self) -> bool {
        self.next.is_none() || self.truncated
    }
}

/// What acts in a finite world and learns from one transition at a time.
pub trait TabularLearner: Send + Persist {
    /// Tells that an episode begins at a place.
    fn begin(&mut self, _place: usize) {}

    /// An action for a state at a place, with exploration where `explore` is true; equal actions are drawn from.
    ///
    /// # Errors
    /// What solving a process gives.
    fn choose(&mut self, place: usize, state: usize, explore: bool, rng: &mut Rng) -> Result<usize>;

    /// Learns from a transition. `trajectory` is the number of the episode among those that are under way: after a transition that
    /// [ends](Transition::ends), the same number stands for another one.
    ///
    /// # Errors
    /// [`Error::Config`] where its tables would take more memory than there is; what solving a process gives.
    fn learn(&mut self, trajectory: usize, transition: &Transition, rng: &mut Rng) -> Result<()>;

    /// Tells that nothing more will come of a trajectory, though it did not end.
    fn cut(&mut self, _trajectory: usize) {}

    /// What it believes each action of a state to be worth, as it acts without exploring.
    ///
    /// # Errors
    /// What solving a process gives.
    fn action_values(&mut self, state: usize) -> Result<Vec<f64>>;

    /// Updates of a value that it has made, those of planning among them.
    fn updates(&self) -> u64;

    /// Whether there is more to learn from the same transition when it is brought again; those that count would count it twice.
    fn replays(&self) -> bool {
        true
    }

    /// Learns what it can from what it remembers, without another transition.
    ///
    /// # Errors
    /// What solving a process gives.
    fn plan(&mut self) -> Result<()> {
        Ok(())
    }

    /// What it keeps of the episode at a place, beside what it learned.
    fn save_episode(&self, _place: usize) -> State {
        State::new()
    }

    /// Takes on what was kept of an episode.
    ///
    /// # Errors
    /// As for [`Persist::restore`].
    fn restore_episode(&mut self, _place: usize, _state: &State) -> Result<()> {
        Ok(())
    }
}

/// What a learner is told of the world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearnerContext {
    /// Actions of each state, at least one.
    pub actions: usize,
    /// What a reward one step later is worth, in [0, 1].
    pub discount: f64,
    /// Places at which it acts.
    pub places: usize,
}

impl LearnerContext {
    /// # Errors
    /// [`Error::Config`] for a world without actions or with more than pairs could be numbered with, or a discount out of range.
    fn check(&self) -> Result<()> {
        if self.actions == 0 || self.actions > MOST_ACTIONS {
            let why = format!("a state has 1 to {MOST_ACTIONS} actions, not {}", self.actions);
            return Err(Error::config("actions", why));
        }
        if !(0.0..=1.0).contains(&self.discount) {
            return Err(Error::config("discount", format!("must lie in [0, 1], got {}", self.discount)));
        }
        Ok(())
    }
}

/// Builds a learner.
pub type Build = fn(&LearnerContext, &Settings) -> Result<Box<dyn TabularLearner>>;

/// The tabular learners.
pub const ALL: &[Entry<Build>] = &[
    q_learning::ENTRY,
    sarsa::ENTRY,
    expected_sarsa::ENTRY,
    n_step_sarsa::ENTRY,
    tree_backup::ENTRY,
    double_q::ENTRY,
    dyna::DYNA_Q,
    dyna::DYNA_Q_PLUS,
    prioritised_sweeping::ENTRY,
    r_max::ENTRY,
    psrl::ENTRY,
];

/// The most actions of a state.
const MOST_ACTIONS: usize = 1 << 20;
/// Stands for the end of the task in tables and saved arrays.
const END: u32 = u32::MAX;

fn damaged(what: &str) -> Error {
    Error::external("saved state", format!("{what} that do not fit together: it is damaged"))
}
