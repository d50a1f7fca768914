//! Whether a run learned anything: what it does beside what acting at random does, and where it is no better, why that may be.

use worldwright_agents::RandomAgent;
use worldwright_core::Result;

use super::run::{Run, STEP_LIMIT};
use crate::evaluate::{EvaluationOptions, evaluate};
use crate::report::short;
use crate::{Evaluation, ModelErrors};

/// Steps at random after which no further episode is begun; neither is one once they are as many as the evaluation took.
const ENOUGH_STEPS: usize = 2000;
/// Standard errors of the difference of two means within which neither is better.
const ERRORS: f64 = 2.0;
/// How many times as many episodes are proposed where these do not tell.
const MORE: usize = 10;
/// A one-step error of the model, in deviations of what is seen, beyond which it foretells little.
const LARGE: f64 = 0.3;

impl Run<'_, '_> {
    /// What is to be said of a policy that is no better than acting at random on the same starts; nothing of a better one.
    pub(super) fn verdict(&mut self, learned: &Evaluation, errors: &ModelErrors) -> Result<Option<String>> {
        // An environment that is an object of somebody else's process is not acted in without being asked; and where players take turns, the sum over both
        // sides says nothing.
        let asked = self.workshop.works_at_once() && self.made.environment.players() == 1;
        if !asked || !self.agent.learns() || learned.episodes.len() < 2 {
            return Ok(None);
        }
        let enough = ENOUGH_STEPS.min(learned.steps());
        let options = EvaluationOptions {
            episodes: learned.episodes.len(),
            seed: self.experiment.seed,
            picture: false,
            step_limit: self.made.episode_steps.unwrap_or(STEP_LIMIT),
            share_from: EvaluationOptions::SHARE_FROM,
        };
        let mut steps = 0;
        let interrupt = &self.interrupt;
        let mut agent = RandomAgent::new(self.made.environment.action_space().clone(), 1);
        let random =
            evaluate(&mut agent, self.made.environment.as_mut(), &mut || Ok(None), &options, &mut |_, episode| {
                steps += episode.transitions.len();
                Ok(steps < enough && !interrupt.requested())
            })?;
        Ok((random.episodes.len() > 1 && !is_better(learned, &random)).then(|| {
            let (episodes, why) = (random.episodes.len(), reason([learned, &random], errors));
            let [earned, by_chance] = [learned, &random].map(|of| short(of.return_mean()));
            // Where it earned more, it is chance that is not ruled out.
            if learned.return_mean() > random.return_mean() {
                let more = MORE * learned.episodes.len();
                return format!(
                    "{episodes} episodes do not tell what was learned from random actions ({earned} against {by_chance}): evaluation.episodes={more} may; if they do not, {why}"
                );
            }
            format!(
                "what was learned is no better than random actions ({earned} against {by_chance} over {episodes} episodes): {why}"
            )
        }))
    }
}

/// Whether the mean return is larger by more than chance would have it.
fn is_better(learned: &Evaluation, random: &Evaluation) -> bool {
    let square = |of: &Evaluation| of.return_std().powi(2) / of.episodes.len() as f64;
    let error = (square(learned) + square(random)).sqrt();
    let gained = learned.return_mean() - random.return_mean();
    gained > ERRORS * error && gained > 1e-9 * random.return_mean().abs()
}

/// The likeliest reason.
fn reason(evaluations: [&Evaluation; 2], errors: &ModelErrors) -> String {
    let transitions = || evaluations.into_iter().flat_map(|e| &e.episodes).flat_map(|episode| &episode.transitions);
    let rewards = || transitions().map(|transition| transition.reward);
    let (low, high) = rewards().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), r| (l.min(r), h.max(r)));
    if low == high && !transitions().any(|transition| transition.terminated) {
        return format!(
            "every step paid {low}, whatever was done: its reward lies where neither came; more steps, a reward of your own or recorded episodes that reach it may help"
        );
    }
    match errors.one_step {
        Some(error) if error > LARGE => format!(
            "its model is off by {error:.2} of what there is to foretell one step ahead: more steps, or something that matters is not seen"
        ),
        _ => "it may need more steps, or something that matters is not seen".to_owned(),
    }
}
