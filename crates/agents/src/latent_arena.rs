//! A latent model with an arena that is open in it, for agents whose model learns as they go: every update takes the model out, and opens another.

use self_cell::self_cell;
use worldwright_core::{Error, Imagination};
use worldwright_models::LatentModel;

type Arena<'a> = Box<dyn Imagination + 'a>;

self_cell!(
    /// A latent model, and an arena of a few rows in it.
    pub(crate) struct LatentArena {
        owner: Box<dyn LatentModel>,
        #[not_covariant]
        dependent: Arena,
    }
);

/// Opens an arena of `rows` rows.
pub(crate) fn latent_arena(model: Box<dyn LatentModel>, rows: usize) -> LatentArena {
    LatentArena::new(model, |model| model.imagination(rows))
}

/// What is said where an update failed while it held the model.
pub(crate) fn lost() -> Error {
    Error::Diverged {
        who: "agent".into(),
        why: "its model was lost in a failed update; resume from the last checkpoint".into(),
    }
}
