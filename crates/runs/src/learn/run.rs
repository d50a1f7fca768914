//! A run under way: what its parts share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use worldwright_agents::Interaction;
use worldwright_core::{Agent, Environment, Error, Interrupt, Result, RewardFunction};
use worldwright_data::{Episode, EpisodeWriter, Replay};
use worldwright_envs::Made;

use crate::checkpoint::{Checkpoints, Progress};
use crate::folder::set_aside;
use crate::lock::Lock;
use crate::metrics::MetricsFile;
use crate::{Accounts, Event, Experiment, Observer, RunFolder, Summary, Workshop, report, state_file};

/// Steps after which an evaluation episode is cut where neither the environment nor the task says when; training episodes of
/// environments that are [limited](worldwright_envs::limited) are cut there too.
pub const STEP_LIMIT: usize = worldwright_envs::EPISODE_STEPS;

/// Numbers of an observation from which on it is said what they cost.
const MANY_NUMBERS: usize = 512;

/// When a checkpoint is due, within an episode or at its end alike: what waits for the disk tens of milliseconds is no price of an episode
/// that may be a single step. One more is written after the last step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckpointEvery {
    /// Steps since the last one.
    pub steps: u64,
    /// Seconds since the last one.
    pub secs: f64,
}

impl Default for CheckpointEvery {
    fn default() -> Self {
        Self { steps: 1000, secs: 5.0 }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one value a run")]
pub enum Outcome {
    /// It is complete.
    Finished(Summary),
    /// It was asked to stop; `--resume` goes on from `step`.
    Stopped {
        /// Training steps that the last checkpoint holds.
        step: u64,
    },
}

/// Why the loop ended early.
pub(super) enum Halt {
    Stopped,
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        match error {
            Error::Interrupted { .. } => Self::Stopped,
            other => Self::Failed(other),
        }
    }
}

/// The metrics file and all who follow besides.
pub(super) struct Observers<'o> {
    pub(super) metrics: MetricsFile,
    pub(super) others: Vec<&'o mut dyn Observer>,
}

impl Observers<'_> {
    pub(super) fn each(&mut self, mut to: impl FnMut(&mut dyn Observer) -> Result<()>) -> Result<()> {
        to(&mut self.metrics)?;
        self.others.iter_mut().try_for_each(|observer| to(*observer))
    }

    pub(super) fn tell(&mut self, event: &Event<'_>) -> Result<()> {
        self.each(|observer| observer.event(event))
    }
}

pub(super) struct Run<'r, 'o> {
    pub(super) workshop: &'r dyn Workshop,
    pub(super) experiment: &'r Experiment,
    pub(super) folder: RunFolder,
    pub(super) checkpoints: Checkpoints,
    /// The world, with the instance that is evaluated in.
    pub(super) made: Made,
    /// The instances that are trained in.
    pub(super) interaction: Interaction<Box<dyn Environment>>,
    pub(super) agent: Box<dyn Agent>,
    /// The reward that is planned for, where it is a function of the user's.
    pub(super) reward: Option<Arc<dyn RewardFunction>>,
    pub(super) observers: Observers<'o>,
    pub(super) progress: Progress,
    pub(super) store: Option<EpisodeWriter>,
    /// What was experienced, recorded data first.
    pub(super) memory: Replay,
    /// What the store holds of the episode that was under way at each place at the checkpoint that was taken up.
    pub(super) unfinished: Vec<Option<Episode>>,
    /// How often the environment broke in each episode since the last checkpoint, by its number: what was saved since is no sign of one that cannot
    /// go on.
    pub(super) tries: BTreeMap<u64, u64>,
    pub(super) checkpoint_every: CheckpointEvery,
    /// When and at which step the last checkpoint was written.
    pub(super) checkpointed: (Instant, u64),
    /// When this process took the run up, and the seconds of work before.
    pub(super) session: Instant,
    pub(super) before: f64,
    /// Requested when it shall stop; it counts what the agent asks for.
    pub(super) interrupt: Interrupt,
    /// What a person should know of the run, for its summary.
    pub(super) notes: Vec<String>,
    pub(super) _lock: Lock,
}

impl Run<'_, '_> {
    pub(super) fn tell(&mut self, event: &Event<'_>) -> Result<()> {
        self.observers.tell(event)
    }

    /// Says something once, now and in the summary.
    pub(super) fn note(&mut self, text: String) -> Result<()> {
        if self.notes.contains(&text) {
            return Ok(());
        }
        self.tell(&Event::Note(&text))?;
        self.notes.push(text);
        Ok(())
    }

    /// What is not as it should be with the folder that the run goes on in, and with its task.
    pub(super) fn say_what_was_found(&mut self, older: Vec<String>, damaged: Vec<(PathBuf, String)>) -> Result<()> {
        for word in older {
            let text = format!("going on from an older checkpoint, since the newest is not whole: {word}");
            self.tell(&Event::Note(&text))?;
        }
        for (path, why) in damaged {
            let aside = set_aside(&path)?;
            let text = format!("{why}; it is kept as {} and made anew from the last checkpoint", aside.display());
            self.tell(&Event::Note(&text))?;
        }
        if !self.experiment.is_offline() && self.made.episode_steps.is_none_or(|_| self.made.episode_steps_assumed) {
            self.note(format!(
                "nothing limits the steps of an episode of {}: one that does not end by itself is cut after {}; \
                 environment.episode_steps (in Python a TimeLimit around it) sets another limit",
                self.experiment.environment.name,
                report::number(self.made.episode_steps.unwrap_or(STEP_LIMIT) as f64, 0),
            ))?;
        }
        Ok(())
    }

    pub(super) fn wall_secs(&self) -> f64 {
        self.before + self.session.elapsed().as_secs_f64()
    }

    /// Says what pictures cost a model that learns each of their numbers, before the first fit and the first decision show it.
    pub(super) fn tell_of_many_numbers(&mut self) -> Result<()> {
        let numbers = self.made.environment.observation_space().flat_dim();
        if numbers < MANY_NUMBERS {
            return Ok(());
        }
        self.tell(&Event::Note(&format!(
            "observations have {numbers} numbers, each of which the model learns and foretells: a fit may take minutes and a decision \
             seconds; quicker are smaller pictures or features (a wrapper that crops, shrinks or turns them grey) and smaller \
             planner.population, planner.horizon, model.particles and model.members"
        )))
    }

    /// Training steps that it ends after.
    pub(super) fn limit(&self) -> u64 {
        self.progress.ends_after.unwrap_or(self.experiment.steps)
    }

    /// What was asked for so far.
    pub(super) fn accounts(&self) -> Accounts {
        Accounts::of(self.progress.step, self.progress.resets, self.interrupt.calls())
    }

    /// The budget that is spent, in words.
    pub(super) fn spent(&self) -> Result<Option<String>> {
        let mut accounts = self.accounts();
        // What acts is weighed between episodes, since that takes as long as saving it.
        let between = (0..self.interaction.places()).all(|place| !self.interaction.is_open(place));
        if between && self.experiment.budgets.weighs() {
            accounts.policy_bytes = state_file::to_bytes(&self.agent.weights())?.len() as u64;
        }
        Ok(self.experiment.budgets.spent(&accounts))
    }

    pub(super) fn should_stop(&self) -> bool {
        self.interrupt.requested()
    }
}
