//! A small real run, and what must be the same of two runs.

use std::path::Path;

use worldwright_core::{Error, Interrupt, Result};
use worldwright_data::{Episode, EpisodeStore, Header};
use worldwright_runs::{
    CheckpointEvery, Choices, Event, Experiment, LearnOptions, Lists, Observer, Outcome, RunFolder, Summary, Workshop,
    learn,
};

/// Never requested.
pub(crate) static GO_ON: Interrupt = Interrupt::never();

/// Bayesian linear regression and a few random candidates: a whole run takes about a second.
pub(crate) fn experiment(overrides: &[&str]) -> Experiment {
    let choices = [
        "environment=pendulum",
        "algorithm=pets",
        "model=linear",
        "model.particles=2",
        "planner=random-shooting",
        "planner.horizon=4",
        "planner.population=8",
        "agent.initial_steps=60",
        "agent.exploration_noise=0.3",
        "agent.fit_every=70",
        "steps=1700",
        "seed=3",
        "evaluation.episodes=2",
        "evaluation.interval=500",
        "evaluation.interval_episodes=1",
    ];
    completed(&[&choices[..], overrides].concat())
}

/// The experiment of these choices alone.
pub(crate) fn completed(choices: &[&str]) -> Experiment {
    let choices =
        choices.iter().try_fold(Choices::new(), |choices, assignment| choices.assign(assignment)).expect("assignments");
    Lists.resolve(&choices).expect("an experiment")
}

/// Runs it in `folder`.
pub(crate) fn run<'a>(
    workshop: &dyn Workshop,
    experiment: &Experiment,
    folder: &Path,
    resume: bool,
    interrupt: &'a Interrupt,
    observers: Vec<&'a mut dyn Observer>,
) -> Result<Outcome> {
    // Far more often than by default, so that a cut falls into or between many of them.
    run_saving(
        CheckpointEvery { steps: 100, ..CheckpointEvery::default() },
        workshop,
        experiment,
        folder,
        resume,
        interrupt,
        observers,
    )
}

/// The same with checkpoints as often as `checkpoint` says.
pub(crate) fn run_saving<'a>(
    checkpoint: CheckpointEvery,
    workshop: &dyn Workshop,
    experiment: &Experiment,
    folder: &Path,
    resume: bool,
    interrupt: &'a Interrupt,
    observers: Vec<&'a mut dyn Observer>,
) -> Result<Outcome> {
    learn(
        workshop,
        experiment,
        LearnOptions { folder: RunFolder::new(folder), resume, checkpoint, interrupt, observers },
    )
}

/// Runs it to its end.
pub(crate) fn finish(experiment: &Experiment, folder: &Path, resume: bool) -> Summary {
    finished(run(&Lists, experiment, folder, resume, &GO_ON, Vec::new()).expect("the run ends well"))
}

pub(crate) fn finished(outcome: Outcome) -> Summary {
    match outcome {
        Outcome::Finished(summary) => summary,
        Outcome::Stopped { step } => panic!("stopped at {step}"),
    }
}

/// Sets a flag, or fails, at the given training step.
pub(crate) struct AtStep<'a> {
    pub(crate) step: u64,
    pub(crate) interrupt: Option<&'a Interrupt>,
}

impl Observer for AtStep<'_> {
    fn name(&self) -> &'static str {
        "at-step"
    }

    fn event(&mut self, event: &Event<'_>) -> Result<()> {
        match (event, self.interrupt) {
            (Event::Step { step, .. }, Some(interrupt)) if *step == self.step => interrupt.request(),
            (Event::Step { step, .. }, None) if *step == self.step => {
                return Err(Error::external("somewhere/file", "cannot be written: no space left on device"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Stops the tiny run at `step`.
pub(crate) fn stopped_at(step: u64, folder: &Path) {
    let interrupt = Interrupt::new();
    let mut observer = AtStep { step, interrupt: Some(&interrupt) };
    let outcome = run(&Lists, &experiment(&[]), folder, true, &interrupt, vec![&mut observer]).expect("no failure");
    assert!(matches!(outcome, Outcome::Stopped { step: at } if at <= step), "{outcome:?}");
}

/// All that must not depend on how often a run was cut: metrics without clocks, episodes, weights, configuration.
#[derive(Debug, PartialEq)]
pub(crate) struct Trace {
    metrics: Vec<String>,
    header: Header,
    episodes: Vec<Episode>,
    digest: String,
    returns: Vec<f64>,
    diagnostics: String,
}

pub(crate) fn trace(folder: &Path) -> Trace {
    let run = RunFolder::new(folder);
    let metrics = run
        .read_metrics()
        .expect("metrics")
        .into_iter()
        .map(|mut row| {
            row.remove("clock").expect("a clock");
            serde_json::Value::Object(row).to_string()
        })
        .collect();
    let store = EpisodeStore::open(run.episodes()).expect("episodes");
    let episodes = (0..store.episodes().len()).map(|i| store.episode(i).expect("an episode")).collect();
    let summary = run.read_summary().expect("summary");
    Trace {
        metrics,
        header: store.header().clone(),
        episodes,
        digest: summary.weights_digest,
        returns: summary.returns,
        diagnostics: std::fs::read_to_string(run.diagnostics()).expect("diagnostics"),
    }
}
