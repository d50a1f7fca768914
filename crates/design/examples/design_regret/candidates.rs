//! Every candidate, fitted to the data as the search fits it and let play.

use std::collections::BTreeMap;
use std::time::Instant;

use rayon::prelude::*;
use worldwright_agents::{Choice, ModelBasedAgent, Parts, resolve};
use worldwright_core::{Dataset, Error, Key, LearnedModel, Result, Setting};
use worldwright_design::{
    DesignOptions, Domain, EnvironmentTrial, ModelChoice, PlanChoice, Record, Trial, design, fit_as_tried, models,
    plans,
};

use crate::domain::{Ground, RECORDED};

/// Episodes of every candidate: for the record, and to find those that are worth judging.
const FOR_RECORD: u64 = 4;
const SCREENED: u64 = 2;
/// Stream of the evaluation's seed, apart from those of the search.
const SCREENING: u64 = 101;

/// A model with a way to plan in it, and its returns so far.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) model: ModelChoice,
    pub(crate) plan: PlanChoice,
    pub(crate) returns: Vec<f64>,
}

impl Candidate {
    pub(crate) fn mean(&self) -> f64 {
        mean(&self.returns)
    }

    pub(crate) fn label(&self) -> String {
        format!("{}, {}", self.model.label, self.plan.label)
    }

    /// Plays episodes of a stream with a fitted model, which comes back.
    pub(crate) fn play(
        &mut self,
        model: Box<dyn LearnedModel>,
        ground: &Ground,
        episodes: std::ops::Range<u64>,
        stream: u64,
    ) -> Result<Box<dyn LearnedModel>> {
        let part = |section: &str, name: &str, settings: &BTreeMap<String, Setting>| {
            (section.to_owned(), Choice { name: Some(name.to_owned()), settings: settings.clone() })
        };
        let roles = [
            part("model", &self.model.name, &self.model.settings),
            part("planner", &self.plan.name, &self.plan.settings),
        ];
        let parts = Parts { roles: roles.into(), ..Parts::default() };
        let mut agent = ModelBasedAgent::around(model, true, &resolve("pets", "", &parts)?, &ground.context)?;
        let mut made = ground.environment()?;
        let starts = Key::new(ground.seed).fold(stream).to_seed();
        let mut trial = EnvironmentTrial::new(made.environment.as_mut(), starts);
        let (observed, done) = (&ground.context.observation_space, &ground.context.action_space);
        let mut seen = Dataset::new(observed.flat_dim(), done.flat_dim());
        for episode in episodes {
            self.returns.push(trial.play(&mut agent, episode, ground.episode_steps, &mut seen)?.episode_return);
        }
        agent.into_model().ok_or_else(|| Error::external("evaluation", "the model was lost"))
    }
}

pub(crate) fn mean(returns: &[f64]) -> f64 {
    returns.iter().sum::<f64>() / returns.len().max(1) as f64
}

/// All candidates of a domain, the best first.
pub(crate) struct Everything<'g> {
    ground: &'g Ground,
    pub(crate) candidates: Vec<Candidate>,
    /// The fitted models by label.
    models: BTreeMap<String, Box<dyn LearnedModel>>,
    pub(crate) secs: f64,
}

impl<'g> Everything<'g> {
    /// Lets every candidate play.
    pub(crate) fn play(ground: &'g Ground) -> Result<Self> {
        let began = Instant::now();
        let ways = plans(&ground.context.action_space, ground.episode_steps);
        let episodes = if ground.seed == RECORDED { FOR_RECORD } else { SCREENED };
        type Found = (String, Box<dyn LearnedModel>, Vec<Candidate>);
        let found: Vec<Found> = models(&ground.context, ground.data.len())
            .into_par_iter()
            .map(|choice| {
                let mut model = fit_as_tried(&choice, &ground.context, &ground.data)?;
                let mut found = Vec::new();
                for plan in &ways {
                    let mut candidate = Candidate { model: choice.clone(), plan: plan.clone(), returns: Vec::new() };
                    model = candidate.play(model, ground, 0..episodes, SCREENING)?;
                    found.push(candidate);
                }
                Ok((choice.label, model, found))
            })
            .collect::<Result<_>>()?;
        let (mut candidates, mut models) = (Vec::new(), BTreeMap::new());
        for (label, model, played) in found {
            candidates.extend(played);
            models.insert(label, model);
        }
        candidates.sort_by(|a: &Candidate, b| b.mean().total_cmp(&a.mean()));
        Ok(Self { ground, candidates, models, secs: began.elapsed().as_secs_f64() })
    }

    /// Lets a candidate play on.
    pub(crate) fn play_on(
        &mut self,
        candidate: &mut Candidate,
        episodes: std::ops::Range<u64>,
        stream: u64,
    ) -> Result<()> {
        let model = match self.models.remove(&candidate.model.label) {
            Some(model) => model,
            // The search may choose a latent that no candidate of the list has.
            None => fit_as_tried(&candidate.model, &self.ground.context, &self.ground.data)?,
        };
        let model = candidate.play(model, self.ground, episodes, stream)?;
        self.models.insert(candidate.model.label.clone(), model);
        Ok(())
    }

    /// What the record keeps of it.
    pub(crate) fn experience(&self) -> Result<Record> {
        let ground = self.ground;
        let gain = (self.candidates[0].mean() - ground.random).max(1e-9);
        let share = |candidate: &Candidate| ((candidate.mean() - ground.random) / gain).clamp(0.0, 1.0);
        let line = |c: &Candidate| (c.model.label.clone(), c.plan.label.clone(), share(c));
        let mut shares: Vec<_> = self.candidates.iter().map(line).collect();
        shares.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        Ok(Record { name: ground.name.to_owned(), domain: described(ground)?, shares })
    }
}

/// What a search says that the domain is like: the shortest one there is.
fn described(ground: &Ground) -> Result<Domain> {
    let options = DesignOptions {
        models: vec![ModelChoice::new("linear", "linear", &[])],
        trial_steps: 1,
        episode_steps: 1,
        record: Vec::new(),
        ..Default::default()
    };
    let mut made = ground.environment()?;
    let mut trial = EnvironmentTrial::new(made.environment.as_mut(), ground.seed);
    let found = design(&ground.context, &ground.data, &options, Some(&mut trial), &mut |_| Ok(()))?;
    Ok(Domain { episode_steps: ground.episode_steps, ..found.domain })
}
