//! The loop: act, observe, learn, evaluate, and be able to go on from any instant at which it was cut.
//!
//! **Checkpoints** are written at the start and after every training episode: first the episode store and every observer's file are
//! made durable, then the checkpoint that names their lengths appears whole. To resume is to take the newest whole checkpoint, cut
//! all files back to the lengths in it, and go on. All randomness comes from (seed, stream, episode), so the run ends with
//! the same weights and the same metrics as one that was never cut.
//!
//! **A broken environment** (its worker crashed or hung) is the same as a cut, in one process: the episode's part is dropped, a new
//! instance is made, and the run goes on from the last checkpoint. The first new try repeats the episode as it was, so that a crash
//! by accident leaves no trace; later ones start it from another seed, since the episode itself may be what breaks it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use worldwright_core::{Agent, Environment, Error, Frame, Key, Result, Transition};
use worldwright_data::{EpisodeWriter, Header, Position, WriterOptions};
use worldwright_envs::Made;

use crate::checkpoint::{Checkpoint, Checkpoints, Clock, Progress};
use crate::evaluate::{EvaluationOptions, episode_seed, evaluate, mean_and_std, stream};
use crate::folder::write_json;
use crate::lock::Lock;
use crate::metrics::MetricsFile;
use crate::opening::open;
use crate::{
    Event, Experiment, Observer, Row, RowKind, RunFolder, Summary, Workshop, bundle, diagnose, pages, state_file,
};

/// How a run is carried out; nothing here changes its result.
pub struct LearnOptions<'a> {
    /// Where it leaves what it does.
    pub folder: RunFolder,
    /// Whether to go on with what the folder holds.
    pub resume: bool,
    /// Becomes true when the run shall stop, by a signal handler for instance.
    pub stop: &'a AtomicBool,
    /// Who follows it.
    pub observers: Vec<&'a mut dyn Observer>,
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

/// Runs an experiment to its end, or until it is asked to stop.
///
/// A folder that already holds the finished run gives its summary again when `resume` is set.
///
/// # Errors
/// When the folder holds another run, or this one and `resume` is not set; when another process writes it; when a file cannot be written;
/// when the agent or, after all retries, the environment fails. Everything up to the last checkpoint is then safe.
pub fn learn(workshop: &dyn Workshop, experiment: &Experiment, options: LearnOptions<'_>) -> Result<Outcome> {
    let LearnOptions { folder, resume, stop, observers } = options;
    let made = workshop.environment(experiment)?;
    let agent = workshop.agent(experiment, &made)?;
    let opened = open(&folder, experiment, resume, &made.environment.versions())?;
    if let Some(summary) = opened.finished {
        return Ok(Outcome::Finished(summary));
    }
    let evaluation = workshop.environment(experiment)?.environment;
    let mut run = Run {
        workshop,
        experiment,
        checkpoints: Checkpoints::new(folder.checkpoints(), experiment.sha256()),
        folder: folder.clone(),
        made,
        agent,
        evaluation,
        observers: Observers { metrics: MetricsFile::default(), others: observers },
        progress: Progress::default(),
        store: None,
        session: Instant::now(),
        before: 0.0,
        stop,
        _lock: opened.lock,
    };
    if !run.load(resume)? {
        run.begin()?;
    }
    let (step, episode) = (run.progress.step, run.progress.episode);
    run.tell(&Event::Started { experiment, folder: &folder, step, episode })?;
    match run.train() {
        Err(Halt::Stopped) => return run.stopped(),
        Err(Halt::Failed(error)) => return Err(error),
        Ok(()) => {}
    }
    let (evaluated, frames) = match run.evaluate(true) {
        Err(Halt::Stopped) => return run.stopped(),
        Err(Halt::Failed(error)) => return Err(error),
        Ok(done) => done,
    };
    run.finish(&evaluated, &frames).map(Outcome::Finished)
}

/// Why the loop ended early.
enum Halt {
    Stopped,
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// How an episode ended.
enum Ended {
    Whole,
    /// The environment failed.
    Broken(Error),
}

/// The metrics file and all who follow besides.
struct Observers<'o> {
    metrics: MetricsFile,
    others: Vec<&'o mut dyn Observer>,
}

impl Observers<'_> {
    fn each(&mut self, mut to: impl FnMut(&mut dyn Observer) -> Result<()>) -> Result<()> {
        to(&mut self.metrics)?;
        self.others.iter_mut().try_for_each(|observer| to(*observer))
    }

    fn tell(&mut self, event: &Event<'_>) -> Result<()> {
        self.each(|observer| observer.event(event))
    }
}

struct Run<'r, 'o> {
    workshop: &'r dyn Workshop,
    experiment: &'r Experiment,
    folder: RunFolder,
    checkpoints: Checkpoints,
    made: Made,
    agent: Box<dyn Agent>,
    evaluation: Box<dyn Environment>,
    observers: Observers<'o>,
    progress: Progress,
    store: Option<EpisodeWriter>,
    /// When this process took the run up, and the seconds of work before.
    session: Instant,
    before: f64,
    stop: &'o AtomicBool,
    _lock: Lock,
}

impl Run<'_, '_> {
    fn tell(&mut self, event: &Event<'_>) -> Result<()> {
        self.observers.tell(event)
    }

    fn wall_secs(&self) -> f64 {
        self.before + self.session.elapsed().as_secs_f64()
    }

    fn should_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Starts from nothing: empty files, an empty store, a checkpoint of the beginning.
    fn begin(&mut self) -> Result<()> {
        let episodes = self.folder.episodes();
        if episodes.exists() {
            // A run killed before its first checkpoint left it; nothing of it was acknowledged.
            std::fs::remove_dir_all(&episodes)
                .map_err(|error| crate::folder::file_error(&episodes, "cannot be removed", &error))?;
        }
        let environment = &self.made.environment;
        let header = Header::new(
            environment.id(),
            environment.observation_space().clone(),
            environment.action_space().clone(),
            self.experiment.seed,
        )
        .with_versions(environment.versions());
        self.store = Some(EpisodeWriter::create(&episodes, &header, WriterOptions::default())?);
        let folder = self.folder.clone();
        self.observers.each(|observer| observer.rewind(&folder, 0))?;
        self.save()
    }

    /// Takes on the newest checkpoint; false when there is none.
    fn load(&mut self, resume: bool) -> Result<bool> {
        let Some((checkpoint, damaged)) = (if resume { self.checkpoints.newest()? } else { None }) else {
            return Ok(false);
        };
        self.agent.restore(&checkpoint.agent)?;
        // The old writer's handles must be gone before its files are cut.
        self.store = None;
        let position = Position::restore(&checkpoint.store, "store")?;
        self.store = Some(EpisodeWriter::resume(self.folder.episodes(), &position, WriterOptions::default())?);
        let folder = self.folder.clone();
        let positions = &checkpoint.progress.positions;
        self.observers
            .each(|observer| observer.rewind(&folder, positions.get(observer.name()).copied().unwrap_or(0)))?;
        self.progress = checkpoint.progress;
        self.before = self.progress.clock.wall;
        self.session = Instant::now();
        for word in damaged {
            self.tell(&Event::Note(&format!(
                "going on from an older checkpoint, since the newest is not whole: {word}"
            )))?;
        }
        Ok(true)
    }

    /// Makes everything durable and writes a checkpoint.
    fn save(&mut self) -> Result<()> {
        let position = self.store.as_mut().ok_or_else(no_store)?.sync()?;
        let positions = &mut self.progress.positions;
        self.observers.each(|observer| {
            positions.insert(observer.name().to_owned(), observer.position()?);
            Ok(())
        })?;
        self.progress.clock.wall = self.wall_secs();
        let mut store = worldwright_core::State::new();
        store.put("store", position.save());
        self.checkpoints.write(&Checkpoint { progress: self.progress.clone(), agent: self.agent.save(), store })?;
        let step = self.progress.step;
        self.tell(&Event::Checkpoint { step })
    }

    fn train(&mut self) -> Result<(), Halt> {
        let mut tries = 0;
        while self.progress.step < self.experiment.steps {
            match self.episode(tries)? {
                Ended::Whole => {
                    tries = 0;
                    self.progress.episode += 1;
                    let interval = self.experiment.evaluation.interval;
                    if interval > 0
                        && self.progress.step < self.experiment.steps
                        && self.progress.step - self.progress.evaluated_at >= interval
                    {
                        self.evaluate(false)?;
                        self.progress.evaluated_at = self.progress.step;
                    }
                    self.save()?;
                }
                Ended::Broken(error) => {
                    tries += 1;
                    self.mend(tries, error)?;
                }
            }
        }
        Ok(())
    }

    /// After the environment broke: a new instance, and back to the last checkpoint.
    fn mend(&mut self, tries: u64, error: Error) -> Result<()> {
        let episode = self.progress.episode;
        if tries > self.experiment.retries {
            return Err(Error::external(
                self.made.environment.id().to_owned(),
                format!(
                    "broke in episode {episode}, {tries} times in a row, the last time with: {error}. Everything before this episode \
                     is saved: mend the environment, then go on with --resume"
                ),
            ));
        }
        self.made = self.workshop.environment(self.experiment)?;
        let clock = Clock { wall: self.wall_secs(), ..self.progress.clock };
        if !self.load(true)? {
            return Err(no_store());
        }
        // The time lost is time spent.
        self.progress.clock = clock;
        self.before = clock.wall;
        self.tell(&Event::Note(&format!(
            "the environment broke in episode {episode} ({error}); its steps are dropped and it is tried again ({tries} of {})",
            self.experiment.retries
        )))
    }

    /// One training episode.
    fn episode(&mut self, tries: u64) -> Result<Ended, Halt> {
        let (seed, episode) = (self.experiment.seed, self.progress.episode);
        let mut environment_seed = episode_seed(seed, stream::TRAINING_ENVIRONMENT, episode);
        if tries > 1 {
            environment_seed = Key::new(environment_seed).fold(tries).to_seed();
        }
        let mut observation = match self.made.environment.reset(environment_seed) {
            Ok(observation) => observation,
            Err(error @ Error::External { .. }) => return Ok(Ended::Broken(error)),
            Err(other) => return Err(other.into()),
        };
        self.store.as_mut().ok_or_else(no_store)?.start_episode(&observation, Some(environment_seed))?;
        self.agent.begin_episode(&observation, episode_seed(seed, stream::TRAINING_AGENT, episode))?;
        let (mut episode_return, mut length, mut act_secs, mut step_secs) = (0.0, 0u64, 0.0, 0.0);
        loop {
            if self.should_stop() {
                return Err(Halt::Stopped);
            }
            let began = Instant::now();
            let action = self.agent.act(&observation, true)?;
            let acted = Instant::now();
            let mut step = match self.made.environment.step(&action) {
                Ok(step) => step,
                Err(error @ Error::External { .. }) => return Ok(Ended::Broken(error)),
                Err(other) => return Err(other.into()),
            };
            let (took, stepped) = ((acted - began).as_secs_f64(), acted.elapsed().as_secs_f64());
            act_secs += took;
            step_secs += stepped;
            self.progress.clock.act += took;
            self.progress.clock.step += stepped;
            self.progress.step += 1;
            length += 1;
            episode_return += step.reward;
            // The last step of the run cuts its episode.
            step.truncated |= !step.terminated && self.progress.step >= self.experiment.steps;
            self.store.as_mut().ok_or_else(no_store)?.step(&action, &step)?;
            let (terminated, truncated) = (step.terminated, step.truncated);
            let transition = Transition {
                observation: std::mem::replace(&mut observation, step.observation.clone()),
                action,
                reward: step.reward,
                next_observation: step.observation,
                terminated,
                truncated,
            };
            self.agent.observe(&transition)?;
            self.tell(&Event::Step {
                step: self.progress.step,
                episode,
                return_so_far: episode_return,
                act_secs: took,
            })?;
            let over = terminated || truncated;
            if over {
                let row = Row {
                    kind: RowKind::Episode,
                    episode,
                    step: self.progress.step,
                    values: vec![
                        ("return".into(), episode_return),
                        ("length".into(), length as f64),
                        ("terminated".into(), f64::from(u8::from(terminated))),
                        ("truncated".into(), f64::from(u8::from(truncated))),
                    ],
                    clock: vec![
                        ("wall_secs".into(), self.wall_secs()),
                        ("act_secs".into(), act_secs),
                        ("step_secs".into(), step_secs),
                        ("decisions_per_sec".into(), length as f64 / act_secs),
                    ],
                };
                self.tell(&Event::Row(&row))?;
            }
            self.learn(episode, over)?;
            if over {
                return Ok(Ended::Whole);
            }
        }
    }

    /// Lets the agent learn if it is due.
    fn learn(&mut self, episode: u64, over: bool) -> Result<()> {
        if over {
            self.tell(&Event::Learning)?;
        }
        let began = Instant::now();
        let learned = self.agent.learn()?;
        let learn_secs = began.elapsed().as_secs_f64();
        self.progress.clock.learn += learn_secs;
        if learned.is_empty() {
            return Ok(());
        }
        let row = Row {
            kind: RowKind::Learn,
            episode,
            step: self.progress.step,
            values: learned.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            clock: vec![("wall_secs".into(), self.wall_secs()), ("learn_secs".into(), learn_secs)],
        };
        self.tell(&Event::Row(&row))?;
        let note = self.agent.note().to_owned();
        if note.is_empty() { Ok(()) } else { self.tell(&Event::Note(&note)) }
    }

    /// Evaluates, at the end or on the way.
    fn evaluate(&mut self, last: bool) -> Result<(crate::Evaluation, Vec<Frame>), Halt> {
        let plan = &self.experiment.evaluation;
        let options = EvaluationOptions {
            episodes: if last { plan.episodes } else { plan.interval_episodes },
            seed: self.experiment.seed,
            picture: last,
            step_limit: self.made.episode_steps.unwrap_or(STEP_LIMIT),
        };
        let (stop, observers) = (self.stop, &mut self.observers);
        let mut after = |episode: usize, episode_return: f64| {
            let event = Event::EvaluationEpisode { episode, of: options.episodes, episode_return };
            observers.tell(&event)?;
            Ok(!stop.load(Ordering::Relaxed))
        };
        let mut tries = 0;
        let mut evaluation = loop {
            match evaluate(self.agent.as_mut(), self.evaluation.as_mut(), &options, &mut after) {
                Ok(evaluation) => break evaluation,
                // The agent learns nothing from evaluation, so that a broken one is simply done again.
                Err(Error::External { .. }) if tries < self.experiment.retries => {
                    tries += 1;
                    self.evaluation = self.workshop.environment(self.experiment)?.environment;
                }
                Err(error) => return Err(error.into()),
            }
        };
        if evaluation.episodes.len() < options.episodes {
            return Err(Halt::Stopped);
        }
        let (return_mean, return_std) = mean_and_std(&evaluation.returns());
        let decisions = evaluation.decisions() as f64;
        let row = Row {
            kind: RowKind::Evaluation,
            episode: self.progress.episode,
            step: self.progress.step,
            values: vec![
                ("return_mean".into(), return_mean),
                ("return_std".into(), return_std),
                ("episodes".into(), options.episodes as f64),
                ("length_mean".into(), decisions / options.episodes as f64),
            ],
            clock: vec![
                ("wall_secs".into(), self.wall_secs()),
                ("act_secs".into(), evaluation.act_secs),
                ("decisions_per_sec".into(), decisions / evaluation.act_secs),
            ],
        };
        self.tell(&Event::Row(&row))?;
        let frames = std::mem::take(&mut evaluation.frames);
        Ok((evaluation, frames))
    }

    fn stopped(mut self) -> Result<Outcome> {
        // The last checkpoint, written at the episode's beginning, is where to go on from.
        let step = self.checkpoints.newest()?.map_or(0, |(checkpoint, _)| checkpoint.progress.step);
        self.tell(&Event::Stopped { step })?;
        Ok(Outcome::Stopped { step })
    }

    /// Diagnostics, bundle and summary; the summary, written last, is what says that the run is complete.
    fn finish(mut self, evaluation: &crate::Evaluation, frames: &[Frame]) -> Result<Summary> {
        let experiment = self.experiment;
        pages::picture(&self.folder, frames, self.made.environment.dt_secs())?;
        let diagnostics = diagnose::diagnose(self.agent.as_ref(), evaluation, &self.made, experiment.seed)?;
        write_json(&self.folder.diagnostics(), &diagnostics)?;
        let weights = self.agent.weights();
        bundle::write(&self.folder.bundle(), experiment, &self.made, &weights)?;
        let (return_mean, return_std) = mean_and_std(&evaluation.returns());
        let clock = self.progress.clock;
        let summary = Summary {
            format: Summary::FORMAT,
            environment: experiment.environment.name.clone(),
            algorithm: experiment.agent.name.clone(),
            model: experiment.model.name.clone(),
            planner: experiment.planner.name.clone(),
            seed: experiment.seed,
            config_sha256: experiment.sha256(),
            return_mean,
            return_std,
            returns: evaluation.returns(),
            real_steps: self.progress.step,
            episodes: self.progress.episode,
            wall_secs: self.wall_secs(),
            decisions_per_sec: if clock.act > 0.0 { self.progress.step as f64 / clock.act } else { 0.0 },
            learn_secs: clock.learn,
            model_errors: diagnostics.errors(),
            bundle: "bundle".to_owned(),
            weights_digest: state_file::digest(&weights),
        };
        self.observers.each(|observer| observer.position().map(|_| ()))?;
        write_json(&self.folder.summary(), &summary)?;
        pages::report(&self.folder)?;
        self.tell(&Event::Finished(&summary))?;
        Ok(summary)
    }
}

/// Steps after which an evaluation episode is cut where neither the environment nor the task says when.
pub(crate) const STEP_LIMIT: usize = 10_000;

fn no_store() -> Error {
    Error::external("run", "its files were lost while it ran; go on with --resume")
}
