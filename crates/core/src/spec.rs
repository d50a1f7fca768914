//! What is known of a model before it is used.

use crate::{Error, Result, Space};

/// What a planner may know of a model before using it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// The model's name in its list.
    pub name: String,
    /// What it observes.
    pub observation_space: Space,
    /// What it can be told to do.
    pub action_space: Space,
    /// Lanes that each row carries: members of an ensemble, or particles. At least 1.
    pub members: usize,
    /// Constraint values a step; satisfied where not positive.
    pub constraints: usize,
    /// Z, how many numbers [`Imagination::read_latent`](crate::Imagination::read_latent) gives for a row; zero where latents cannot be read.
    pub latent_dim: usize,
    /// Whether a step depends on nothing but row and action.
    pub deterministic: bool,
    /// What else it can do.
    pub capabilities: Capabilities,
}

impl ModelSpec {
    /// Refuses to decode a lane that is not there, or into room for another observation.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape).
    pub fn check_decoded(&self, member: usize, room: usize) -> Result<()> {
        let width = self.observation_space.flat_dim();
        if member < self.members && room == width {
            return Ok(());
        }
        Err(Error::shape("decoded lane and length", &[self.members, width], &[member, room]))
    }
}

/// What only some models can do: declared here once, and then delivered; what is not declared is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Whether its rows are beliefs that depend on all that was seen: [`Imagination::observe`](crate::Imagination::observe) then needs the row before and the action.
    pub memory: bool,
    /// Whether [`Imagination::value`](crate::Imagination::value) is there.
    pub value: bool,
    /// Whether [`Imagination::prior`](crate::Imagination::prior) is there.
    pub prior: bool,
    /// Whether [`Imagination::state_keys`](crate::Imagination::state_keys) is there.
    pub keys: bool,
    /// Whether [`Imagination::decode`](crate::Imagination::decode) is there.
    pub decode: bool,
    /// Whether [`Imagination::applicable`](crate::Imagination::applicable) may take actions away.
    pub rules: bool,
    /// Whether [`Imagination::linearize`](crate::Imagination::linearize) and [`Imagination::pullback`](crate::Imagination::pullback) know the derivatives of a step, rather than find them by
    /// differences of many. Either way they are those of what a step computes.
    pub derivatives: bool,
    /// Whether each lane of a row follows one belief about the world to the end, be it a member of an ensemble or a drawn function, so that what lanes tell apart is what is not known. Lanes that
    /// draw another at each step, or are drawn from what all expect together, differ by less. A model of one lane declares it only where that is known to be the truth: it then has no doubt of
    /// anything.
    pub beliefs: bool,
}
