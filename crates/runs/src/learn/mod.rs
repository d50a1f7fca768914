//! The loop: act, observe, learn, evaluate, and be able to go on from any instant at which it was cut.
//!
//! **Checkpoints** are written at the start, as often as [`CheckpointEvery`] says, and after the last step: first the
//! episode store and every observer's file are made durable, then the checkpoint that names their lengths appears whole. To resume is to
//! take the newest whole checkpoint, cut all files back to the lengths in it, read what was experienced back from the store, and go on.
//! All randomness comes from (seed, stream, episode), so the run ends with the same weights and the same metrics as one that was
//! never cut.
//!
//! **In the middle of an episode** the environment has no state that could be saved: it is reset with the same seed and told the actions
//! that were taken. One that does not show again what it showed then goes no further: its episode is left as it was, cut.
//!
//! **Several environments at once** (`environment.count`) are a step further each round, see [`Interaction`]; the agent learns after each step of each.
//! Checkpoints are written between rounds, when nothing is under way in any of them.
//!
//! **A broken environment** (its worker crashed or hung) is the same as a cut, in one process: the episode's part is dropped, a new
//! instance is made, and the run goes on from the last checkpoint. The first new try repeats the episode as it was, so that a crash
//! by accident leaves no trace; later ones start it from another seed, since the episode itself may be what breaks it.

mod closing;
mod defined;
mod episode;
pub(crate) mod holding;
mod recorded;
mod run;
mod saving;
mod study;
mod verdict;

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use worldwright_agents::{Interaction, Taken};
use worldwright_core::{Call, Environment, Error, Interrupt, Result, uninterrupted};
use worldwright_envs::Made;

use self::episode::{Prepared, unless_broken};
use self::holding::{Asked, as_begun};
pub(crate) use self::recorded::read as read_recorded;
pub use self::run::{CheckpointEvery, Outcome, STEP_LIMIT};
use self::run::{Halt, Observers, Run};
use self::saving::header;
use crate::checkpoint::{Checkpoints, Progress};
use crate::evaluate::transitions_cost;
use crate::metrics::MetricsFile;
use crate::opening::{begin, go_on, holds_run, nothing_to_lose};
use crate::report::number;
use crate::{
    COUNT, Evaluation, EvaluationPlan, Event, Experiment, Lists, Observer, RunFolder, Workshop, instances, pages,
    state_file,
};

/// How a run is carried out; nothing here changes its result.
pub struct LearnOptions<'a> {
    /// Where it leaves what it does.
    pub folder: RunFolder,
    /// Whether to go on with what the folder holds.
    pub resume: bool,
    /// What a kill loses at most.
    pub checkpoint: CheckpointEvery,
    /// Requested when the run shall stop, by a signal handler for instance.
    pub interrupt: &'a Interrupt,
    /// Who follows it.
    pub observers: Vec<&'a mut dyn Observer>,
}

/// Runs an experiment to its end, or until it is asked to stop.
///
/// A folder that already holds the finished run gives its summary again when `resume` is set.
///
/// # Errors
/// When the folder holds another run, or this one and `resume` is not set, or other things; when another process writes it; when a file
/// that the run must go on from is damaged or gone; when a file cannot be written;
/// when the agent or, after all retries, the environment fails. Everything up to the last checkpoint is then safe.
pub fn learn(workshop: &dyn Workshop, experiment: &Experiment, options: LearnOptions<'_>) -> Result<Outcome> {
    let LearnOptions { folder, resume, checkpoint, interrupt, mut observers } = options;
    let asked = experiment.steps;
    let paced;
    let mut searched = Asked::default();
    let experiment = if holds_run(&folder, resume)? {
        paced = as_begun(experiment, &folder);
        &paced
    } else if experiment.finds_action_repeat {
        observers.iter_mut().try_for_each(|observer| observer.event(&Event::Note(holding::BEGINNING)))?;
        match holding::with_action_repeat(workshop, experiment, interrupt) {
            // Nothing is there yet to go on with, and nothing is lost.
            Err(Error::Interrupted { .. }) => return Ok(Outcome::Stopped { step: 0 }),
            found => {
                (paced, searched) = found?;
                &paced
            }
        }
    } else {
        experiment
    };
    let interrupt = interrupt.metered();
    interrupt.count(Call::Reward, searched.steps);
    // Of all instances, the first one is trained in; what is asked of the world is asked of the one that is evaluated in.
    let make = || workshop.environment(experiment);
    let (first, made) = if workshop.works_at_once() { rayon::join(make, make) } else { (make(), make()) };
    let (Made { environment: first, .. }, made) = (first?, made?);
    let agent = workshop.agent(experiment, &made, &interrupt)?;
    if experiment.budgets.weighs() {
        experiment.budgets.admit(state_file::to_bytes(&agent.weights())?.len() as u64)?;
    }
    // What does not fit is refused before anything is written.
    let limit = made.episode_steps.unwrap_or(STEP_LIMIT);
    let EvaluationPlan { episodes, interval_episodes, .. } = experiment.evaluation;
    let steps = usize::try_from(experiment.steps).unwrap_or(usize::MAX);
    transitions_cost("steps", steps, 1, made.environment.as_ref())?;
    transitions_cost("evaluation.episodes", episodes, limit, made.environment.as_ref())?;
    transitions_cost("evaluation.interval_episodes", interval_episodes, limit, made.environment.as_ref())?;
    let standing = if holds_run(&folder, resume)? { Some(go_on(&folder, experiment)?) } else { None };
    if let Some(summary) = standing.as_ref().and_then(|standing| standing.finished.clone()) {
        if !folder.report().exists()
            && let Err(error) = pages::report(&folder)
        {
            let text = format!("the report could not be written: {error}");
            observers.into_iter().try_for_each(|observer| observer.event(&Event::Note(&text)))?;
        }
        return Ok(Outcome::Finished(summary));
    }
    if experiment.count > 1 && !workshop.works_at_once() {
        let what = "several at once: it is of this process; give its name, so that each gets a process of its own (gym:MODULE:ID, with environment.worker.path where the module lies)";
        return Err(Error::unsupported(made.environment.id().to_owned(), what));
    }
    let mut environments = instances(workshop, experiment, experiment.count.saturating_sub(1))?;
    let same = |another: &dyn Environment| {
        another.observation_space() == first.observation_space() && another.action_space() == first.action_space()
    };
    if !environments.iter().all(|another| same(another.as_ref())) {
        let why = "its instances differ in what they show or take: only one of such an environment can be acted in";
        return Err(Error::config(COUNT, format!("{}: {why}", first.id())));
    }
    environments.insert(0, first);
    let checkpoints = Checkpoints::new(folder.checkpoints(), experiment.sha256());
    let newest = if standing.is_some() { checkpoints.newest()? } else { None };
    // Whatever may be refused is refused before the folder is made or anything in it is changed.
    let recorded = if newest.is_none() { recorded::read(workshop, experiment, &made)? } else { None };
    let is_new = fs::symlink_metadata(folder.path()).is_err();
    let (lock, damaged) = match standing {
        None => (begin(&folder, experiment, &made.environment.versions())?, Vec::new()),
        Some(standing) => {
            if newest.is_none() {
                nothing_to_lose(&folder, &header(experiment, made.environment.as_ref(), agent.as_ref()))?;
            }
            (standing.lock, standing.damaged)
        }
    };
    let mut run = Run {
        workshop,
        experiment,
        checkpoints,
        folder: folder.clone(),
        reward: Lists::reward(experiment, &made)?,
        memory: saving::memory(&made, agent.as_ref())?,
        unfinished: Vec::new(),
        tries: BTreeMap::new(),
        interaction: Interaction::new(environments, usize::MAX),
        checkpoint_every: checkpoint,
        checkpointed: (Instant::now(), 0),
        made,
        agent,
        observers: Observers { metrics: MetricsFile::default(), others: observers },
        progress: Progress {
            open: vec![None; experiment.count as usize],
            resets: searched.resets,
            ..Progress::default()
        },
        store: None,
        session: Instant::now(),
        before: 0.0,
        interrupt,
        notes: Vec::new(),
        _lock: lock,
    };
    let older = match newest {
        Some((checkpoint, older)) => {
            run.load(checkpoint)?;
            older
        }
        None => {
            run.begin(recorded.as_ref().map(|(dataset, _)| dataset))?;
            Vec::new()
        }
    };
    let (step, episode) = (run.progress.step, run.progress.episode);
    run.tell(&Event::Started { experiment, folder: &folder, step, episode })?;
    run.tell_of_many_numbers()?;
    if experiment.steps < asked {
        let [asked, decisions] = [asked, experiment.steps].map(|steps| number(steps as f64, 0));
        run.note(format!("of {asked} steps 300 were random, and the others are {decisions} decisions, in which all that follows is counted"))?;
    }
    if let Some(odd) = recorded.and_then(|(_, odd)| odd) {
        run.note(odd)?;
    }
    run.say_what_was_found(older, damaged)?;
    match run.study().and_then(|()| run.train()) {
        Err(Halt::Stopped) => return run.stopped(),
        Err(Halt::Failed(error)) => {
            // A setting that shows to be wrong at the first steps: nothing was done yet, and the mended command may take the same folder.
            if is_new && matches!(error, Error::Config { .. }) && run.progress.episode == 0 {
                drop(run);
                let _ = uninterrupted(|| fs::remove_dir_all(folder.path()));
            }
            return Err(error);
        }
        Ok(()) => {}
    }
    let train_secs = run.wall_secs() - run.progress.clock.evaluation;
    // Before the evaluation: what was learned is there whatever becomes of that.
    run.leave_bundle()?;
    let evaluation =
        if run.experiment.evaluation.episodes > 0 { run.evaluate(true) } else { Ok(Evaluation::default()) };
    let evaluated = match evaluation {
        Err(Halt::Stopped) => return run.stopped(),
        Err(Halt::Failed(error)) => return Err(error),
        Ok(done) => done,
    };
    match run.finish(train_secs, evaluated) {
        Err(Error::Interrupted { .. }) => run.stopped(),
        finished => finished.map(Outcome::Finished),
    }
}

impl Run<'_, '_> {
    fn train(&mut self) -> Result<(), Halt> {
        let mut round = Vec::new();
        while self.progress.step < self.limit() {
            if let Some((place, error)) = self.round(&mut round)? {
                self.mend(place, error)?;
            }
        }
        Ok(())
    }

    /// A step at each place, where episodes begin or go on first; the place that broke, if one did.
    fn round(&mut self, round: &mut Vec<Taken>) -> Result<Option<(usize, Error)>, Halt> {
        if self.should_stop() {
            // Nothing is under way between two rounds, so that what was done up to here is kept.
            self.save()?;
            return Err(Halt::Stopped);
        }
        let before = self.progress.episode;
        if let Some(broken) = self.take_up()? {
            return Ok(Some(broken));
        }
        let mut left = usize::try_from(self.limit() - self.progress.step).unwrap_or(usize::MAX);
        // Whatever is under way is cut by a last step, as where all steps are taken.
        if let Some(spent) = self.spent()?.filter(|_| left > self.interaction.places()) {
            left = self.interaction.places();
            let last = self.progress.step + left as u64;
            self.progress.ends_after = Some(last);
            self.note(format!("{spent}: the run ends after step {last}"))?;
        }
        // Where the steps that are left do not reach, no episode begins.
        for place in (0..self.interaction.places()).take(left) {
            if !self.interaction.is_open(place)
                && let Prepared::Broken(error) = self.start(place)?
            {
                return Ok(Some((place, error)));
            }
        }
        match unless_broken(self.interaction.round(self.agent.as_mut(), true, left, round))? {
            Ok(()) => {}
            Err(broken) => return Ok(Some(broken)),
        }
        for taken in round.drain(..) {
            let place = taken.place;
            if self.take(taken)? {
                self.over(place);
            }
        }
        let ended = self.progress.episode > before;
        let interval = self.experiment.evaluation.interval;
        if ended
            && interval > 0
            && self.progress.step < self.limit()
            && self.progress.step - self.progress.evaluated_at >= interval
        {
            self.evaluate(false)?;
            self.progress.evaluated_at = self.progress.step;
        }
        // An environment that broke may break again soon: an episode that it came through is kept.
        if self.progress.step >= self.limit() || ended && !self.tries.is_empty() {
            self.save()?;
        } else {
            self.save_if_due()?;
        }
        Ok(None)
    }

    /// Goes on with the episodes that were under way at the last checkpoint; the place that broke, if one did.
    fn take_up(&mut self) -> Result<Option<(usize, Error)>, Halt> {
        let waits = |run: &Self, place: usize| run.progress.open[place].filter(|_| !run.interaction.is_open(place));
        if (0..self.interaction.places()).all(|place| waits(self, place).is_none()) {
            return Ok(None);
        }
        let agent = self.agent.save();
        for place in 0..self.interaction.places() {
            let Some(open) = waits(self, place) else { continue };
            match self.go_on(place, open)? {
                Prepared::Acting => {}
                Prepared::Over => self.over(place),
                Prepared::Broken(error) => return Ok(Some((place, error))),
            }
        }
        self.agent.restore(&agent)?;
        Ok(None)
    }

    /// The episode at a place is over.
    fn over(&mut self, place: usize) {
        self.progress.episode += 1;
        self.progress.open[place] = None;
    }
}
