//! The search: models are examined on held-out episodes, the plans of those that may be best race, and one is chosen.

mod race;

use std::time::Instant;

use worldwright_core::{Dataset, Error, Key, LearnedModel, Result, Setting};

use super::candidate::{ModelChoice, PlanChoice};
use super::candidate::{models, plans};
use super::checks::check;
use super::committee::Committee;
use super::designed::Design;
use super::domain::Domain;
use super::fitting::{fit, resolved};
use super::options::{DesignOptions, Progress, Row};
use super::prediction::Examination;
use super::record::Prior;
use super::split::{episodes, split, turns};
use super::trial::Trial;
use super::{reasons, stream};
use worldwright_agents::{AgentContext, Overrides};

/// Errors below this, in standard deviations of the data, are as good as none.
const EXACT: f64 = 1e-3;
/// A latent with angles is taken when it makes errors smaller by this factor.
const BETTER: f64 = 0.95;

type Observer<'o> = &'o mut dyn FnMut(Progress<'_>) -> Result<()>;

/// Designs a model for the domain that `context` and `dataset` describe. Plans are tried by `trial`, if there is one; `observer`
/// hears of every step and ends the search by an error.
///
/// # Errors
/// [`Error::Config`] for fewer than 20 transitions, [`Error::Unsupported`] for actions that are neither a box nor choices,
/// [`Error::Diverged`] when no candidate could be fitted; what `trial` and `observer` give.
pub fn design(
    context: &AgentContext,
    dataset: &Dataset,
    options: &DesignOptions,
    trial: Option<&mut dyn Trial>,
    observer: Observer<'_>,
) -> Result<Design> {
    let mut search = Search::new(context, dataset, options)?;
    search.examine_all(observer)?;
    search.examine_angles(observer)?;
    let judge = match (trial, Committee::simulator(context, dataset)?) {
        (Some(trial), _) => search.race(trial, true, observer)?,
        (None, Some(mut simulator)) => search.race(&mut simulator, true, observer)?,
        (None, None) => {
            let mut committee = Committee::of_models(context, &search.training, &search.held_out, search.furthest)?;
            search.race(&mut committee, false, observer)?
        }
    };
    search.choose(judge, observer)
}

/// A model that was examined.
struct Examined {
    row: Row,
    /// None where it diverged.
    model: Option<Box<dyn LearnedModel>>,
    /// What the model said of its last fit.
    note: String,
}

/// What every fit of a search begins from, so that a candidate that was tried is the one that others get.
pub(super) fn fits(context: &AgentContext) -> Key {
    Key::new(context.seed).fold(stream::FITS)
}

struct Search<'a> {
    context: &'a AgentContext,
    options: &'a DesignOptions,
    dataset: &'a Dataset,
    agent: Overrides,
    training: Dataset,
    held_out: Dataset,
    episode_steps: usize,
    plans: Vec<PlanChoice>,
    /// Steps of the longest horizon.
    furthest: usize,
    domain: Domain,
    prior: Prior<'a>,
    examined: Vec<Examined>,
    /// Whether the models of those that are tried have learned from all of the data.
    whole: bool,
    /// Candidates whose plans were tried, each with the place of its model.
    tried: Vec<(usize, Row)>,
    /// What the trials saw.
    seen: Dataset,
    began: Instant,
    cut_short: bool,
}

impl<'a> Search<'a> {
    fn new(context: &'a AgentContext, dataset: &'a Dataset, options: &'a DesignOptions) -> Result<Self> {
        check(context, dataset, options)?;
        let agent = Overrides::from([("discount".to_owned(), Setting::Float(options.discount))]);
        let key = Key::new(context.seed);
        let episodes = episodes(dataset);
        let longest = episodes.iter().map(ExactSizeIterator::len).max().unwrap_or(1);
        let (training, held_out) = split(dataset, episodes, options.held_out, key.fold(stream::SPLIT))?;
        let episode_steps = if options.episode_steps > 0 { options.episode_steps } else { longest };
        let plans = match options.plans.as_slice() {
            [] => plans(&context.action_space, episode_steps),
            given => given.to_vec(),
        };
        let linear = ModelChoice::new("linear", "linear", &[]);
        plans.iter().try_for_each(|plan| resolved(&linear, plan, &agent).map(|_| ()))?;
        let furthest = plans.iter().map(|plan| plan.horizon).max().unwrap_or(1);
        let mut domain = Domain::of(context, dataset, episode_steps);
        let examination = Examination::new(&held_out, furthest);
        let fitted = fit(&linear, context, &training, &agent, fits(context));
        let judged = fitted.and_then(|(model, _)| examination.judge(model.as_world_model(), key));
        domain.nonlinearity = judged.map_or(3.0, |prediction| prediction.score);
        Ok(Self {
            prior: Prior::new(&options.record, &domain),
            context,
            options,
            dataset,
            agent,
            training,
            held_out,
            episode_steps,
            plans,
            furthest,
            domain,
            examined: Vec::new(),
            whole: false,
            tried: Vec::new(),
            seen: Dataset::new(dataset.observation_dim(), dataset.action_dim()),
            began: Instant::now(),
            cut_short: false,
        })
    }

    /// What the record promises of a candidate; true dynamics promise everything.
    fn share(&self, model: &ModelChoice, plan: &PlanChoice) -> f64 {
        if model.name == "known" { 1.0 } else { self.prior.share(model.plain_label(), &plan.label) }
    }

    /// The most that the record promises of a model, under any plan.
    fn promise(&self, model: &ModelChoice) -> f64 {
        self.plans.iter().map(|plan| self.share(model, plan)).fold(0.0, f64::max)
    }

    fn late(&mut self) -> bool {
        let late = self.options.time_limit.is_some_and(|limit| self.began.elapsed() >= limit);
        self.cut_short |= late;
        late
    }

    /// Fits and examines every model, those first that the record promises most of.
    fn examine_all(&mut self, observer: Observer<'_>) -> Result<()> {
        let mut choices = match self.options.models.as_slice() {
            [] => models(self.context, self.training.len()),
            given => given.to_vec(),
        };
        choices.sort_by(|a, b| self.promise(b).total_cmp(&self.promise(a)));
        if self.options.most_models > 0 {
            choices.truncate(self.options.most_models);
        }
        let of = choices.len();
        for (index, choice) in choices.into_iter().enumerate() {
            if index > 0 && self.late() {
                break;
            }
            observer(Progress::Examining { model: &choice, place: index + 1, of })?;
            let examined = self.examine(choice);
            observer(Progress::Examined { row: &examined.row, done: index + 1, of })?;
            self.examined.push(examined);
        }
        Ok(())
    }

    fn examine(&self, choice: ModelChoice) -> Examined {
        let began = Instant::now();
        let key = Key::new(self.context.seed);
        let examination = Examination::new(&self.held_out, self.furthest);
        let fitted = fit(&choice, self.context, &self.training, &self.agent, fits(self.context));
        let judged = fitted.and_then(|(model, note)| {
            let prediction = examination.judge(model.as_world_model(), key.fold(stream::EXAMINATION))?;
            Ok((model, note, prediction))
        });
        let (model, note, prediction, diverged) = match judged {
            Ok((model, note, prediction)) => (Some(model), note, Some(prediction), None),
            Err(error) => (None, String::new(), None, Some(error.to_string())),
        };
        let fit_secs = began.elapsed().as_secs_f64();
        let row =
            Row { model: choice, plan: None, prediction, returns: Vec::new(), diverged, fit_secs, trial_secs: 0.0 };
        Examined { row, model, note }
    }

    /// Places of the examined models that can be used, the best prediction first.
    fn by_prediction(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.examined.len()).filter(|i| self.examined[*i].model.is_some()).collect();
        places.sort_by(|a, b| {
            let of = |i: &usize| self.examined[*i].row.prediction.as_ref().map_or(f64::INFINITY, |p| p.score);
            of(a).total_cmp(&of(b))
        });
        places
    }

    /// Tries the best learned model on a latent where numbers that turn are points on the circle.
    fn examine_angles(&mut self, observer: Observer<'_>) -> Result<()> {
        let turning: Vec<usize> = (0..self.dataset.observation_dim()).filter(|dim| turns(self.dataset, *dim)).collect();
        let learned = |i: &usize| self.examined[*i].row.model.name != "known";
        let Some(best) = self.by_prediction().into_iter().find(learned) else { return Ok(()) };
        let score = |row: &Row| row.prediction.as_ref().map_or(f64::INFINITY, |p| p.score);
        let mut better: Option<Examined> = None;
        if score(&self.examined[best].row) < EXACT {
            return Ok(());
        }
        let mut bound = BETTER * score(&self.examined[best].row);
        for place in turning {
            if self.late() {
                break;
            }
            let done = self.examined.len() + 1;
            let choice = self.examined[best].row.model.with_angles(&[place]);
            observer(Progress::Examining { model: &choice, place: done, of: done })?;
            let examined = self.examine(choice);
            observer(Progress::Examined { row: &examined.row, done, of: done })?;
            if score(&examined.row) < bound {
                bound = score(&examined.row);
                better = Some(examined);
            }
        }
        self.examined.extend(better);
        Ok(())
    }

    /// The model of the chosen candidate, fitted to all that is known: the very one that was tried where nothing is new to it.
    fn last_fit(&mut self, place: usize, dataset: &Dataset) -> Result<(Box<dyn LearnedModel>, String)> {
        if self.whole
            && dataset.len() == self.dataset.len()
            && let Some(model) = self.examined[place].model.take()
        {
            return Ok((model, std::mem::take(&mut self.examined[place].note)));
        }
        fit(&self.examined[place].row.model, self.context, dataset, &self.agent, fits(self.context))
    }

    fn choose(mut self, judge: String, observer: Observer<'_>) -> Result<Design> {
        let mut places: Vec<usize> = (0..self.tried.len()).collect();
        self.rank(&mut places);
        let Some((place, chosen)) = places.first().map(|place| self.tried[*place].clone()) else {
            let why = "none of the planners can plan in the best models; give others";
            return Err(Error::unsupported("design", why));
        };
        let Row { model, plan: Some(plan), diverged: None, .. } = chosen else {
            let why = chosen.diverged.unwrap_or_default();
            return Err(Error::Diverged { who: "design".into(), why: format!("every candidate did: {why}") });
        };
        let mut dataset = self.dataset.clone();
        if self.options.learn_from_trials && !self.seen.is_empty() {
            dataset.append(&self.seen)?;
        }
        let able: Vec<bool> = self.examined.iter().map(|examined| examined.model.is_some()).collect();
        let mut rest: Vec<usize> = self.by_prediction();
        rest.extend((0..self.examined.len()).filter(|i| !able[*i]));
        rest.retain(|i| self.tried.iter().all(|(place, _)| place != i));
        let (fitted, note) = self.last_fit(place, &dataset)?;
        observer(Progress::Chosen)?;
        let mut rows: Vec<Row> = places.iter().map(|place| self.tried[*place].1.clone()).collect();
        rows.extend(rest.into_iter().map(|i| self.examined[i].row.clone()));
        rows.sort_by_key(|row| row.diverged.is_some());
        let told = reasons::Told {
            rows: &rows,
            domain: &self.domain,
            prior: &self.prior,
            judge: &judge,
            held_out: self.held_out.len(),
            seen: if self.options.learn_from_trials { self.seen.len() } else { 0 },
            note: &note,
            cut_short: self.cut_short,
        };
        let reasons = told.sentences();
        let resolved = resolved(&model, &plan, &self.agent)?;
        Ok(Design { model, plan, resolved, fitted, dataset, domain: self.domain, judge, rows, reasons })
    }
}
