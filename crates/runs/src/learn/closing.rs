//! Evaluation, and what a complete run leaves.

use std::time::Instant;

use worldwright_core::{Error, Frame, Result};

use super::{Halt, Run, STEP_LIMIT};
use crate::evaluate::{EvaluationOptions, evaluate, rate};
use crate::folder::write_json;
use crate::{Evaluation, Event, Row, RowKind, Summary, bundle, diagnose, pages, state_file};

impl Run<'_, '_> {
    /// Evaluates, at the end or on the way.
    pub(super) fn evaluate(&mut self, last: bool) -> Result<(Evaluation, Vec<Frame>), Halt> {
        let plan = &self.experiment.evaluation;
        let options = EvaluationOptions {
            episodes: if last { plan.episodes } else { plan.interval_episodes },
            seed: self.experiment.seed,
            picture: last,
            step_limit: self.made.episode_steps.unwrap_or(STEP_LIMIT),
        };
        let (interrupt, observers) = (self.interrupt, &mut self.observers);
        let mut after = |episode: usize, episode_return: f64| {
            let event = Event::EvaluationEpisode { episode, of: options.episodes, episode_return };
            observers.tell(&event)?;
            Ok(!interrupt.requested())
        };
        let began = Instant::now();
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
        self.progress.clock.evaluation += began.elapsed().as_secs_f64();
        let mut clock = vec![("wall_secs".into(), self.wall_secs())];
        if let Some(rate) = evaluation.decisions_per_sec() {
            clock.push(("act_secs".into(), evaluation.act_secs));
            clock.push(("decisions_per_sec".into(), rate));
        }
        let row = Row {
            kind: RowKind::Evaluation,
            episode: self.progress.episode,
            step: self.progress.step,
            values: vec![
                ("return_mean".into(), evaluation.return_mean()),
                ("return_std".into(), evaluation.return_std()),
                ("episodes".into(), options.episodes as f64),
                ("length_mean".into(), evaluation.steps() as f64 / options.episodes as f64),
            ],
            clock,
        };
        self.tell(&Event::Row(&row))?;
        let frames = std::mem::take(&mut evaluation.frames);
        Ok((evaluation, frames))
    }

    /// Diagnostics, bundle and summary; the summary, written last, is what says that the run is complete.
    pub(super) fn finish(mut self, train_secs: f64, evaluation: &Evaluation, frames: &[Frame]) -> Result<Summary> {
        let experiment = self.experiment;
        pages::picture(&self.folder, frames, self.made.environment.dt_secs())?;
        let diagnostics = diagnose::diagnose(self.agent.as_ref(), evaluation, &self.made, experiment.seed)?;
        write_json(&self.folder.diagnostics(), &diagnostics)?;
        let weights = self.agent.weights();
        bundle::write(&self.folder.bundle(), experiment, &self.made, &weights)?;
        let clock = self.progress.clock;
        let summary = Summary {
            format: Summary::FORMAT,
            environment: experiment.environment.name.clone(),
            algorithm: experiment.agent.name.clone(),
            model: experiment.model.name.clone(),
            planner: experiment.planner.name.clone(),
            seed: experiment.seed,
            config_sha256: experiment.sha256(),
            return_mean: evaluation.return_mean(),
            return_std: evaluation.return_std(),
            returns: evaluation.returns(),
            real_steps: self.progress.step,
            episodes: self.progress.episode,
            wall_secs: self.wall_secs(),
            train_secs,
            evaluation_secs: clock.evaluation,
            decisions_per_sec: rate(self.progress.decisions, clock.act),
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
