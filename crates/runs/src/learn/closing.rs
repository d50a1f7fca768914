//! Evaluation, and what a complete run leaves.

use std::time::Instant;

use worldwright_core::{Error, Result, State};

use super::run::{Halt, Run, STEP_LIMIT};
use crate::evaluate::{EvaluatedEpisode, EvaluationOptions, evaluate, rate};
use crate::folder::write_json;
use crate::{
    Accounts, Evaluation, Event, Experiment, FilmRoll, ModelErrors, Row, RowKind, Summary, bundle, diagnose, pages,
    state_file,
};

impl Run<'_, '_> {
    /// Evaluates, at the end or on the way.
    pub(super) fn evaluate(&mut self, last: bool) -> Result<Evaluation, Halt> {
        let plan = &self.experiment.evaluation;
        let mut options = EvaluationOptions {
            episodes: if last { plan.episodes } else { plan.interval_episodes },
            seed: self.experiment.seed,
            picture: last,
            step_limit: self.made.episode_steps.unwrap_or(STEP_LIMIT),
            share_from: EvaluationOptions::SHARE_FROM,
        };
        // What evaluation asks for is no part of learning.
        let calls = self.interrupt.calls();
        let began = Instant::now();
        let (mut tries, mut undrawn) = (0, None);
        let mut evaluation = loop {
            match self.evaluate_once(&options) {
                Ok(evaluation) => break evaluation,
                // The agent learns nothing from evaluation, so that a broken one is simply done again; without pictures at first, since
                // drawing may be what broke it.
                Err(error @ Error::External { .. }) if options.picture || tries < self.experiment.retries => {
                    if std::mem::take(&mut options.picture) {
                        undrawn = Some(error.to_string());
                    } else {
                        tries += 1;
                    }
                    self.made = self.workshop.environment(self.experiment)?;
                }
                Err(error) => return Err(error.into()),
            }
        };
        self.interrupt.set_calls(calls);
        if evaluation.episodes.len() < options.episodes {
            return Err(Halt::Stopped);
        }
        if let Some(why) = undrawn {
            evaluation.film = FilmRoll::without(format!("the environment broke while it was drawn ({why})"));
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
        Ok(evaluation)
    }

    fn evaluate_once(&mut self, options: &EvaluationOptions) -> Result<Evaluation> {
        let (workshop, interrupt, experiment) = (self.workshop, &self.interrupt, self.experiment);
        let alone = Experiment { count: 1, ..experiment.clone() };
        let mut state = None;
        // Whoever trains in several environments is in the middle of an episode in each: another one evaluates.
        let mut stand_in = None;
        if experiment.count > 1 {
            let mut agent = workshop.agent(&alone, &self.made, interrupt)?;
            agent.restore(&self.agent.save())?;
            stand_in = Some(agent);
        }
        let agent = stand_in.as_mut().unwrap_or(&mut self.agent).as_mut();
        if workshop.works_at_once() {
            state = Some(agent.save());
        }
        let mut more = || {
            let Some(state) = &state else { return Ok(None) };
            let made = workshop.environment(&alone)?;
            let mut agent = workshop.agent(&alone, &made, interrupt)?;
            agent.restore(state)?;
            Ok(Some((agent, made.environment)))
        };
        let observers = &mut self.observers;
        let mut after = |episode: usize, done: &EvaluatedEpisode| {
            let episode_return = done.episode_return;
            observers.tell(&Event::EvaluationEpisode { episode, of: options.episodes, episode_return })?;
            Ok(!interrupt.requested())
        };
        evaluate(agent, self.made.environment.as_mut(), &mut more, options, &mut after)
    }

    /// What was learned, for use.
    pub(super) fn leave_bundle(&mut self) -> Result<()> {
        let weights = self.agent.weights();
        match bundle::write(&self.folder.bundle(), self.experiment, &self.made, &weights)? {
            None => Ok(()),
            Some(aside) => {
                self.note(format!("the bundle that was there is not of this run; it is kept as {}", aside.display()))
            }
        }
    }

    /// What the run came to: the summary first, then what is only looked at, which cannot take it back. The summary is written again with
    /// what the diagnosis says; a run is complete once both can be read.
    pub(super) fn finish(&mut self, train_secs: f64, evaluation: Evaluation) -> Result<Summary> {
        let weights = self.agent.weights();
        self.observers.each(|observer| observer.position().map(|_| ()))?;
        let mut summary = self.summary(train_secs, &evaluation, &weights)?;
        write_json(&self.folder.summary(), &summary)?;
        let diagnostics = diagnose::diagnose(self.agent.as_ref(), &evaluation, &self.made, self.experiment.seed)?;
        write_json(&self.folder.diagnostics(), &diagnostics)?;
        summary.model_errors = diagnostics.errors();
        diagnostics.words().into_iter().try_for_each(|word| self.note(word))?;
        // Like the diagnosis, it cannot take the result back.
        if let Ok(Some(verdict)) = self.verdict(&evaluation, &summary.model_errors) {
            self.note(verdict)?;
        }
        let drawn = pages::picture(&self.folder, &evaluation.film, self.made.environment.dt_secs());
        let undrawn = evaluation.film.left_out().map(str::to_owned).or(drawn.err().map(|error| error.to_string()));
        if let Some(why) = undrawn {
            self.note(format!("there is no film of the last episode: {}", why.trim()))?;
        }
        summary.notes.clone_from(&self.notes);
        write_json(&self.folder.summary(), &summary)?;
        if let Err(error) = pages::report(&self.folder) {
            self.note(format!("the report could not be written: {error}"))?;
        }
        self.tell(&Event::Finished(&summary))?;
        Ok(summary)
    }

    fn summary(&self, train_secs: f64, evaluation: &Evaluation, weights: &State) -> Result<Summary> {
        let (experiment, clock) = (self.experiment, self.progress.clock);
        Ok(Summary {
            format: Summary::FORMAT,
            environment: experiment.environment.name.clone(),
            algorithm: experiment.agent.name.clone(),
            parts: experiment.roles.iter().map(|(section, part)| (section.clone(), part.name.clone())).collect(),
            seed: experiment.seed,
            config_sha256: experiment.sha256(),
            return_mean: evaluation.return_mean(),
            return_std: evaluation.return_std(),
            returns: evaluation.returns(),
            updates: self.progress.updates,
            real_steps: self.progress.step,
            episodes: self.progress.episode,
            wall_secs: self.wall_secs(),
            train_secs,
            evaluation_secs: clock.evaluation,
            decisions_per_sec: rate(self.progress.decisions, clock.act),
            learn_secs: clock.learn,
            model_errors: ModelErrors::default(),
            bundle: "bundle".to_owned(),
            weights_digest: state_file::digest(weights),
            accounts: Accounts {
                policy_bytes: state_file::to_bytes(weights)?.len() as u64,
                regret: self.made.optimum.map(|_| self.progress.regret),
                ..self.accounts()
            },
            notes: self.notes.clone(),
            metrics_sha256: Some(self.observers.metrics.sha256()),
        })
    }
}
