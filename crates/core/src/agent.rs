//! Agents: what acts in an environment and learns from it.

use crate::{Action, Error, Experience, Observation, Persist, PlanReport, Result, State, StepColumn, WorldModel};

/// Named numbers about what an agent did, in a fixed order.
pub type Metrics = Vec<(&'static str, f64)>;

/// A plan from one observation: the actions, and what the planner says of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Actions, the first for now.
    pub actions: Vec<Action>,
    /// How planning went, with the predicted return.
    pub report: PlanReport,
}

/// Something that acts and learns. It has no memory of what happened: whoever lets it act keeps that, and brings it when it may learn.
///
/// All that an episode depends on is the persisted state and the seed given to [`begin_episode`](Self::begin_episode), so
/// evaluation episodes between training ones change nothing. The state holds where it stands within an episode too: begun alike and restored,
/// it goes on in the middle of one.
///
/// It acts at [`places`](Self::places) at once, an episode at each; what it learns holds for all of them.
pub trait Agent: Send + Persist {
    /// At how many places it acts: episodes that may be under way at once, each told apart by a number below this one.
    fn places(&self) -> usize;

    /// Tells that an episode begins at a place.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] for a foreign observation, [`Error::Shape`] for a place that it has not.
    fn begin_episode(&mut self, place: usize, observation: &Observation, seed: u64) -> Result<()>;

    /// Chooses an action; call it with each observation of an episode once, in order. While `explore` is false nothing random is added for exploration's sake.
    ///
    /// # Errors
    /// What its model or planner gives; [`Error::Shape`] for a place that it has not.
    fn act(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action>;

    /// Follows an episode that somebody else acted in, a step at a time from its beginning on: `observation` was seen, and then `action` was
    /// taken. Those whose decisions depend on more than the last observation so come to where they would be had they acted.
    ///
    /// # Errors
    /// [`Error::NotInSpace`] for a foreign observation or action, [`Error::Shape`] for a place that it has not.
    fn follow(&mut self, _place: usize, _observation: &Observation, _action: &Action) -> Result<()> {
        Ok(())
    }

    /// Learns from `experience` if it is due (call it after every step); empty metrics when it is not.
    ///
    /// # Errors
    /// What its model gives.
    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics>;

    /// Learns once from `experience` whether it is due or not, as where nothing is added to it any more: one update, or one fit to all of it.
    /// The metrics are empty where several updates make up a row of them.
    ///
    /// # Errors
    /// As for [`learn`](Self::learn).
    fn study(&mut self, experience: &dyn Experience) -> Result<Metrics>;

    /// Whether it ever learns from experience, so that it is worth keeping in memory.
    fn learns(&self) -> bool {
        true
    }

    /// What it wants kept beside each step, for itself to learn from.
    fn columns(&self) -> Vec<StepColumn> {
        Vec::new()
    }

    /// The numbers of these columns for the last action, one column behind the other.
    fn kept(&self) -> &[f64] {
        &[]
    }

    /// Whether it acts by what it knows or learned; false while it still acts at random for want of experience. Decisions are
    /// counted and timed only while it is.
    fn is_ready(&self) -> bool {
        true
    }

    /// Whether what it decides depends on how long it may take, so that it is not the same beside other work.
    fn is_timed(&self) -> bool {
        false
    }

    /// A state that an agent like this one saved, with the episodes of this one in place of those that it was in the middle of: where other settings
    /// of what acts go on with what was learned.
    fn between_episodes(&self, state: &State) -> State {
        state.clone()
    }

    /// The world model it acts by, for diagnosis; none before it has one.
    fn world_model(&self) -> Option<&dyn WorldModel> {
        None
    }

    /// The words its model said of the last fit (which kernel, how many elites, why this kind); empty before one.
    fn note(&self) -> &str {
        ""
    }

    /// What it would do from `observation` at its first place, without acting.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for agents that do not plan; else what its model or planner gives.
    fn plan(&mut self, _observation: &Observation) -> Result<Plan> {
        Err(Error::unsupported("this agent", "planning: it acts by a policy"))
    }

    /// What acting needs of the state, without what only further learning needs (memory, optimiser). A bundle keeps
    /// this, and the digest of a run is taken over it.
    fn weights(&self) -> State {
        self.save()
    }

    /// Takes on weights that [`weights`](Self::weights) gave: the agent then acts without exploration as the other did.
    ///
    /// # Errors
    /// As for [`Persist::restore`].
    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.restore(weights)
    }
}
