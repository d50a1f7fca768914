//! Agents: what acts in an environment and learns from it.

use crate::{Action, Observation, Persist, Result, Transition};

/// Named numbers about what an agent did, in a fixed order.
pub type Metrics = Vec<(&'static str, f64)>;

/// Something that acts, remembers and learns.
pub trait Agent: Send + Persist {
    /// Tells that an episode begins.
    ///
    /// # Errors
    /// [`Error::NotInSpace`](crate::Error::NotInSpace) for a foreign observation.
    fn begin_episode(&mut self, observation: &Observation, seed: u64) -> Result<()>;

    /// Chooses an action. While `explore` is false nothing random is added and nothing is recorded for learning.
    ///
    /// # Errors
    /// What its model or planner gives.
    fn act(&mut self, observation: &Observation, explore: bool) -> Result<Action>;

    /// Tells what came of the last action.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for a transition of other dimensions.
    fn observe(&mut self, transition: &Transition) -> Result<()>;

    /// Learns if it is due; empty metrics when it is not.
    ///
    /// # Errors
    /// What its model gives.
    fn learn(&mut self) -> Result<Metrics>;
}
