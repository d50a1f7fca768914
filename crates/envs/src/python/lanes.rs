//! How the environments of a worker are stepped and reset.

/// When environments that ended are reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Autoreset {
    /// In the step after the last: its action is ignored, and it is no transition.
    #[default]
    NextStep,
    /// Within the last step.
    SameStep,
    /// Never: [`VectorEnvironment::reset_where`](super::VectorEnvironment::reset_where) does it.
    Disabled,
}

impl Autoreset {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NextStep => "next_step",
            Self::SameStep => "same_step",
            Self::Disabled => "disabled",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::NextStep, Self::SameStep, Self::Disabled].into_iter().find(|mode| mode.name() == name)
    }
}

/// What steps the environments of one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Vectorization {
    /// The worker itself, one after the other: the least overhead, and for both suites.
    #[default]
    Loop,
    /// Gymnasium's `SyncVectorEnv`.
    Sync,
    /// Gymnasium's `AsyncVectorEnv`: a process for each environment.
    Async,
    /// The environment's own vector (`vector_entry_point`), whose autoreset mode is its own too.
    EntryPoint,
}

impl Vectorization {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::Sync => "sync",
            Self::Async => "async",
            Self::EntryPoint => "vector_entry_point",
        }
    }
}
