//! Trials where there is no environment: episodes in models that the candidates did not learn from.
//!
//! With a simulator at hand it is the only judge. With data alone, judges of several kinds are fitted to the held-out episodes, and the
//! candidates to the others, so that no model judges a plan that it made. Judges that foretell the candidates' episodes much worse
//! than the best of them do not sit. Trials go round the judges, and each trial starts where a recorded episode did.

use worldwright_core::{Action, Agent, Dataset, Error, Imagination, Imagined, Key, LearnedModel, Result, Rows, Space};

use super::candidate::ModelChoice;
use super::fitting::{build, fit};
use super::prediction::Examination;
use super::stream;
use super::trial::{Played, Trial};
use worldwright_agents::{AgentContext, Overrides};

/// Judges whose error is above this multiple of the best judge's do not sit.
const UNFIT: f64 = 1.5;

/// Models that judge.
pub(super) struct Committee {
    name: String,
    judges: Vec<Box<dyn LearnedModel>>,
    starts: Vec<Vec<f64>>,
    /// What a step is worth once a judge has diverged: the worst reward seen.
    worst: f64,
}

impl Committee {
    /// The simulator alone, if `context` has one.
    pub(super) fn simulator(context: &AgentContext, data: &Dataset) -> Result<Option<Self>> {
        if context.simulator.is_none() {
            return Ok(None);
        }
        let choice = ModelChoice::new("known", "known", &[]);
        let judge = build(&choice, context, &Overrides::new())?;
        Ok(Some(Self::of("the simulator".into(), vec![judge], data)))
    }

    /// Models of several kinds fitted to `held_out`, judged by how they foretell `training`.
    ///
    /// # Errors
    /// [`Error::Diverged`] when no judge can be fitted.
    pub(super) fn of_models(
        context: &AgentContext,
        training: &Dataset,
        held_out: &Dataset,
        most: usize,
    ) -> Result<Self> {
        let examination = Examination::new(training, most);
        let mut able: Vec<(f64, String, Box<dyn LearnedModel>)> = Vec::new();
        for (index, choice) in choices(context, held_out.len()).into_iter().enumerate() {
            let key = Key::new(context.seed).fold(stream::JUDGES).fold(index as u64);
            let fitted = fit(&choice, context, held_out, &Overrides::new(), key).and_then(|(model, _)| {
                let prediction = examination.judge(model.as_world_model(), key)?;
                Ok((prediction.score, choice.label.clone(), model))
            });
            able.extend(fitted.ok());
        }
        let best = able.iter().map(|(score, ..)| *score).fold(f64::INFINITY, f64::min);
        able.retain(|(score, ..)| *score <= UNFIT * best);
        if able.is_empty() {
            let why =
                "none of its judges could be fitted to the held-out episodes; give more data or a way to try plans";
            return Err(Error::Diverged { who: "the committee".into(), why: why.into() });
        }
        let names: Vec<&str> = able.iter().map(|(_, name, _)| name.as_str()).collect();
        let name = format!("models of the held-out data ({})", names.join(", "));
        let judges = able.into_iter().map(|(.., model)| model).collect();
        Ok(Self::of(name, judges, training))
    }

    fn of(name: String, judges: Vec<Box<dyn LearnedModel>>, data: &Dataset) -> Self {
        let begins = |i: &usize| *i == 0 || data.episode_ends()[*i - 1];
        let starts = (0..data.len()).filter(begins).map(|i| data.observation(i).to_vec()).collect();
        let worst = data.rewards().iter().copied().fold(f64::INFINITY, f64::min);
        Self { name, judges, starts, worst }
    }
}

/// Judges follow means: what a plan is worth should not hang on one draw.
fn choices(context: &AgentContext, transitions: usize) -> Vec<ModelChoice> {
    let mut choices =
        super::candidate::models(&AgentContext { simulator: None, known: None, ..context.clone() }, transitions);
    choices.retain(|choice| {
        ["gp of 150 points", "deterministic 2x32", "ensemble 3 of 2x32", "linear"].contains(&choice.label.as_str())
    });
    for choice in choices.iter_mut().filter(|choice| choice.name == "ensemble") {
        let expectation = worldwright_core::Setting::Text("expectation".into());
        choice.settings.insert("propagation".into(), expectation);
    }
    choices
}

impl Trial for Committee {
    fn name(&self) -> &str {
        &self.name
    }

    fn play(&mut self, agent: &mut dyn Agent, episode: u64, most: usize, _seen: &mut Dataset) -> Result<Played> {
        let judge = &self.judges[episode as usize % self.judges.len()];
        let start = &self.starts[(episode as usize / self.judges.len()) % self.starts.len()];
        let spec = judge.spec();
        let mut arena = judge.imagination(1);
        let mut imagined = Imagined::new(spec, 1);
        let key = Key::new(episode).fold(stream::TRIALS);
        let mut flat = start.clone();
        let mut observation = spec.observation_space.unflatten(&flat)?;
        agent.begin_episode(0, &observation, key.to_seed())?;
        arena.observe(0, None, &observation, key)?;
        let mut played = Played::default();
        while played.steps < most {
            let action = agent.act(0, &observation, false)?;
            step(arena.as_mut(), &spec.action_space, &action, key.fold(played.steps as u64), &mut imagined)?;
            played.steps += 1;
            if !(imagined.reward[0].is_finite() && imagined.continuation[0].is_finite()) {
                played.episode_return += self.worst * (most + 1 - played.steps) as f64;
                break;
            }
            played.episode_return += imagined.reward[0];
            if imagined.continuation[0] < 0.5 {
                break;
            }
            arena.decode(0, 0, &mut flat)?;
            observation = spec.observation_space.unflatten(&flat)?;
        }
        Ok(played)
    }
}

/// Advances row 0 by one action.
fn step(arena: &mut dyn Imagination, space: &Space, action: &Action, key: Key, imagined: &mut Imagined) -> Result<()> {
    let mut flat = vec![0.0; space.flat_dim()];
    space.flatten(action, &mut flat)?;
    let choice = [super::prediction::choice(&flat)];
    let actions = super::prediction::actions(space, &flat, &choice, 1)?;
    arena.step(Rows::Span(0..1), actions, Rows::Span(0..1), key, imagined)
}
