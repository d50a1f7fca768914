//! What a run tells those who follow it, and how they go on after a resume.

use std::borrow::Cow;

use worldwright_core::Result;

use crate::{Experiment, RunFolder, Summary};

/// What a metrics row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowKind {
    /// A training episode ended: `return`, `length`, `terminated`, `truncated`; and `cut` where it was under way at the run's last step,
    /// which is no time limit of the environment.
    Episode,
    /// The agent learned: its own numbers (`holdout_mse`, `epochs` …).
    Learn,
    /// Updates were made on recorded episodes: the agent's own numbers, at the `step` that is their count.
    Study,
    /// An evaluation ended: `return_mean`, `return_std`, `episodes`, `length_mean`.
    Evaluation,
}

impl RowKind {
    /// The word in the `kind` field of `metrics.jsonl`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Episode => "episode",
            Self::Learn => "learn",
            Self::Study => "study",
            Self::Evaluation => "evaluation",
        }
    }
}

/// A line of `metrics.jsonl`.
///
/// In the file: `{"kind", "episode", "step", <values…>, "clock": {<clock…>}}`. A number that is not finite is written as
/// the text `"NaN"`, `"Infinity"` or `"-Infinity"`. Everything outside `clock` depends on the experiment alone, everything in it on the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is about.
    pub kind: RowKind,
    /// Training episode, from zero; for an evaluation the number of training episodes before it.
    pub episode: u64,
    /// Real training steps taken so far; for [`RowKind::Study`] updates made so far.
    pub step: u64,
    /// What happened.
    pub values: Vec<(Cow<'static, str>, f64)>,
    /// How long it took: `wall_secs` (since the run began, pauses left out), and by kind `step_secs`, `learn_secs`, and
    /// `act_secs` with `decisions_per_sec` where anything was decided.
    pub clock: Vec<(Cow<'static, str>, f64)>,
}

impl Row {
    /// A value or clock number by name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.iter().chain(&self.clock).find(|(key, _)| key == name).map(|(_, value)| *value)
    }
}

/// What happens in a run, in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The run begins, or goes on after `step` training steps in `episode` episodes.
    Started {
        /// What is run.
        experiment: &'a Experiment,
        /// Where.
        folder: &'a RunFolder,
        /// Training steps that an earlier process took; zero for a new run.
        step: u64,
        /// Training episodes that an earlier process finished.
        episode: u64,
    },
    /// A training step was taken: for live views, not recorded.
    Step {
        /// Training steps so far.
        step: u64,
        /// The episode, from zero.
        episode: u64,
        /// Return of the episode so far.
        return_so_far: f64,
        /// Seconds that the agent took to decide; none for an action drawn at random for want of experience.
        act_secs: Option<f64>,
    },
    /// An update was made on recorded episodes: for live views, not recorded.
    Studied {
        /// Updates so far.
        update: u64,
        /// Of how many.
        of: u64,
    },
    /// An episode is over and the agent may learn from it now: for live views, since that may take a while.
    Learning,
    /// A row was added to `metrics.jsonl`.
    Row(&'a Row),
    /// An evaluation episode ended: for live views, not recorded.
    EvaluationEpisode {
        /// Which, from zero.
        episode: usize,
        /// Of how many.
        of: usize,
        /// Its return.
        episode_return: f64,
    },
    /// Something that a person should know: a retried episode, a damaged checkpoint.
    Note(&'a str),
    /// What the model says of a fit, clauses apart by semicolons; much of it is the same after every fit.
    FitNote(&'a str),
    /// The run can be resumed from here.
    Checkpoint {
        /// Training steps.
        step: u64,
    },
    /// The run was asked to stop and has saved everything.
    Stopped {
        /// Updates on recorded episodes that are saved.
        updates: u64,
        /// Training steps that are.
        step: u64,
    },
    /// The run is complete; diagnostics and bundle are written.
    Finished(&'a Summary),
}

/// Follows a run.
///
/// One that writes a file into the run folder tells its [`position`](Self::position) at every checkpoint and is set back to it
/// with [`rewind`](Self::rewind) on resume, so that the file ends up as if the run had never been cut.
pub trait Observer {
    /// A word for it, unique among a run's observers: checkpoints keep positions under it.
    fn name(&self) -> &'static str;

    /// Takes note.
    ///
    /// # Errors
    /// When its file cannot be written; the run then stops with everything saved up to the last checkpoint.
    fn event(&mut self, event: &Event<'_>) -> Result<()>;

    /// Makes what was written durable and says how many bytes that is. Zero for views that write no file.
    ///
    /// # Errors
    /// When its file cannot be flushed.
    fn position(&mut self) -> Result<u64> {
        Ok(0)
    }

    /// Opens its file in `folder` and cuts it at `position` bytes (zero: a new file). Called once, before
    /// [`Event::Started`].
    ///
    /// # Errors
    /// When the file cannot be opened or is shorter.
    fn rewind(&mut self, _folder: &RunFolder, _position: u64) -> Result<()> {
        Ok(())
    }
}
