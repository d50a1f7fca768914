//! Goals: experience as if it had been made on purpose, for any policy that learns from transitions.
//!
//! Hindsight (Andrychowicz et al., "Hindsight Experience Replay", NeurIPS 2017): of the transitions that are drawn, a share is told with another desired goal, one
//! that was achieved later in the same episode (their strategy *future*), and with the reward that it would have paid then. What a policy with values learns so are the
//! universal values `V(s, g)` and `Q(s, a, g)` of Schaul, Horgan, Gregor and Silver (ICML 2015), since its observation holds the goal.
//!
//! What comes of it depends on what is told beside, and on who learns:
//! - `her`: a policy that learns from rewards.
//! - `tdm`: the same with a countdown τ as another input, see [`hindsight`]. Its plan is the horizon: the shortest τ whose value is as good as the best.
//! - `gcsl`: a policy that does what was done on the way to a goal (Ghosh et al., "Learning to Reach Goals via Iterated Supervised Learning", ICLR 2021). With goals that
//!   are one step ahead it is an inverse model: which action led from s to s'.

mod hindsight;
mod layout;
mod reaching;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use worldwright_core::{
    Array, Batch, Error, Experience, Policy, Result, RewardFunction, Sample, Settings, Space, State,
};

use self::hindsight::Hindsight;
use self::layout::Layout;
pub use self::reaching::Reaching;
use crate::{AgentContext, Part};

/// The greatest countdown: one byte beside observations that are bytes.
const MOST_HORIZON: usize = 255;

/// What a transition that is told with another goal teaches, and so which settings there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What it would have paid.
    Pays,
    /// How near it leads within some steps.
    CountsDown,
    /// What to do to get there.
    Shows,
}

/// How goals are told anew.
pub(crate) struct Goals {
    layout: Layout,
    pay: Pay,
    /// Whether actions are choices, one-hot.
    chooses: bool,
    /// Chance that a transition is told with another goal.
    share: f64,
    /// Steps ahead that this goal was achieved at most; 0 for the rest of the episode.
    reach: usize,
    /// Greatest countdown, where there is one.
    horizon: Option<usize>,
    /// Goals that are no further from each other, in a straight line, are the same.
    tolerance: f64,
    /// Whether the policy learns from what the environment's own steps are told to pay, so that it matters where the two differ.
    compares: bool,
    /// Steps of which the environment said what they pay, and those of them that are told to pay something else.
    compared: [AtomicU64; 2],
    room: Mutex<Room>,
    /// `[horizon + 1]` rows of what is seen, with their countdowns; and what they are worth.
    candidates: (Batch, Vec<f64>),
}

/// What a step with another goal pays.
enum Pay {
    /// What the environment says.
    Known(Arc<dyn RewardFunction>),
    /// By whether the goal is reached; with whether that ends an episode.
    Sparse { reached: f64, missed: f64, ends: bool },
}

/// Room for one step of an episode.
#[derive(Default)]
struct Room {
    step: Sample,
    seen: Batch,
    next: Batch,
    action: Batch,
    flat: Vec<f64>,
    /// Whether each step of a sample led to the goal that it was taken for.
    reached: Vec<bool>,
}

impl Goals {
    /// Reads the settings that an algorithm called `who` has for goals that are told like this.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for observations without goals, [`Error::Config`] for a setting out of range.
    pub(crate) fn new(kind: Kind, who: &str, settings: &Settings, context: &AgentContext) -> Result<Self> {
        let layout = Layout::of(who, &context.observation_space)?;
        let horizon = match kind {
            Kind::CountsDown => Some(settings.count_in("horizon", 0, MOST_HORIZON)?),
            Kind::Pays | Kind::Shows => None,
        };
        let pay = match (&context.reward, kind) {
            (Some(reward), _) => Pay::Known(Arc::clone(reward)),
            (None, Kind::Pays) => Pay::Sparse {
                reached: settings.float("reached_reward", -1e9, 1e9)?,
                missed: settings.float("missed_reward", -1e9, 1e9)?,
                ends: settings.bool("ends_when_reached")?,
            },
            (None, Kind::CountsDown | Kind::Shows) => Pay::Sparse { reached: 0.0, missed: 0.0, ends: false },
        };
        let chooses = matches!(context.action_space, Space::Discrete { .. });
        let pay = match pay {
            Pay::Known(_) if !chooses && context.action_space.count().is_some() => {
                let what = "several choices at once where the environment says what another goal pays";
                return Err(Error::unsupported(who.to_owned(), what));
            }
            pay => pay,
        };
        let rows = horizon.map_or(0, |most| most + 1);
        Ok(Self {
            candidates: (Batch::zeros(layout.width + 1, rows), vec![0.0; rows]),
            room: Mutex::new(Room {
                seen: Batch::zeros(layout.width, 1),
                next: Batch::zeros(layout.width, 1),
                action: Batch::zeros(context.action_space.flat_dim(), 1),
                flat: vec![0.0; layout.width.max(context.action_space.flat_dim())],
                ..Room::default()
            }),
            compares: kind == Kind::Pays && matches!(pay, Pay::Sparse { .. }),
            compared: [AtomicU64::new(0), AtomicU64::new(0)],
            layout,
            pay,
            chooses,
            share: settings.float("share", 0.0, 1.0)?,
            reach: if kind == Kind::Shows { settings.count("reach", 0)? } else { 0 },
            horizon,
            tolerance: if kind == Kind::Shows { 0.0 } else { settings.float("tolerance", 0.0, f64::MAX)? },
        })
    }

    /// Numbers that a policy is told besides an observation.
    pub(crate) fn more(&self) -> usize {
        usize::from(self.horizon.is_some())
    }

    /// An experience with goals told anew.
    pub(crate) fn over<'a>(&'a self, all: &'a dyn Experience) -> Hindsight<'a> {
        Hindsight::new(all, self)
    }

    /// Plans the horizon: writes, behind the observation, the shortest countdown whose value is within the tolerance of the best one's.
    ///
    /// # Errors
    /// As for [`Policy::value`].
    pub(crate) fn plan<P: Policy + ?Sized>(&mut self, policy: &mut P, seen: &mut [f64]) -> Result<()> {
        if self.horizon.is_none() {
            return Ok(());
        }
        let (batch, values) = &mut self.candidates;
        let last = seen.len() - 1;
        for left in 0..values.len() {
            seen[last] = left as f64;
            batch.columns_mut().set_row(left, seen);
        }
        policy.value(batch.columns(), values)?;
        let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shortest = values.iter().position(|value| *value >= best - self.tolerance);
        seen[last] = shortest.unwrap_or(values.len() - 1) as f64;
        Ok(())
    }

    /// What to say where the environment pays its own goals otherwise than they are told; empty where all agrees.
    pub(crate) fn note(&self) -> String {
        let [compared, differ] = self.compared();
        if differ == 0 {
            return String::new();
        }
        format!(
            "{:.0} % of the environment's steps pay otherwise than agent.reached_reward, agent.missed_reward and agent.tolerance say, which goals are told anew by",
            (100.0 * differ as f64 / compared as f64).max(1.0)
        )
    }

    /// Steps that were compared, and those of them that differ.
    fn compared(&self) -> [u64; 2] {
        [0, 1].map(|which| self.compared[which].load(Ordering::Relaxed))
    }

    /// Keeps what was compared, so that a run that goes on says the same.
    pub(crate) fn save(&self, state: &mut State) {
        state.put("goals_compared", Array::U64(self.compared().to_vec()));
    }

    /// Takes it on.
    ///
    /// # Errors
    /// As for [`State::u64s`].
    pub(crate) fn restore(&mut self, state: &State) -> Result<()> {
        let kept = state.u64s("goals_compared", 2)?;
        self.compared = [AtomicU64::new(kept[0]), AtomicU64::new(kept[1])];
        Ok(())
    }

    /// Refuses a policy that tells no values where they are planned over.
    pub(crate) fn check(&self, chosen: &Part, policy: &dyn Policy) -> Result<()> {
        if self.horizon.is_some() && !policy.judges() {
            let what = "telling what a horizon is worth: choose a policy with values, such as td3 or dqn";
            return Err(chosen.cannot(what));
        }
        Ok(())
    }
}
