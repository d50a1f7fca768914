//! The two stages of the search.

use std::time::Instant;

use worldwright_core::{Dataset, Error, Key, LearnedModel, Result, Setting, Space};
use worldwright_planners::PlannerContext;

use super::candidate::{models, plans};
use super::committee::Committee;
use super::domain::Domain;
use super::prediction::Examination;
use super::record::Prior;
use super::split::{episodes, split, turns};
use super::{Design, DesignOptions, ModelChoice, PlanChoice, Progress, Row, Trial, fit, reasons, resolved, stream};
use crate::{AgentContext, ModelBasedAgent, Overrides};

/// Errors below this, in standard deviations of the data, are as good as none.
const EXACT: f64 = 1e-3;
/// Least transitions that a search can tell anything from.
const LEAST: usize = 20;
/// Episodes' worth of steps that trials take together.
const TRIALS: usize = 16;
/// Share of the best gain that a model of twice the error is thought to lose: how prediction and record are weighed.
const WEIGHT: f64 = 0.25;
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
    let judge = match trial {
        Some(trial) => search.try_plans(trial, observer)?,
        None => {
            let mut committee = match Committee::simulator(context, dataset)? {
                Some(committee) => committee,
                None => Committee::of_models(context, &search.training, &search.held_out, search.furthest)?,
            };
            search.try_plans(&mut committee, observer)?
        }
    };
    search.choose(judge, observer)
}

/// A model that was examined.
struct Examined {
    row: Row,
    /// None where it diverged.
    model: Option<Box<dyn LearnedModel>>,
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
    /// Candidates whose plans were tried, each with the place of its model.
    tried: Vec<(usize, Row)>,
    /// What the trials saw.
    seen: Dataset,
    began: Instant,
    cut_short: bool,
}

impl<'a> Search<'a> {
    fn new(context: &'a AgentContext, dataset: &'a Dataset, options: &'a DesignOptions) -> Result<Self> {
        let expected = [context.observation_space.flat_dim(), context.action_space.flat_dim()];
        let got = [dataset.observation_dim(), dataset.action_dim()];
        if expected != got {
            return Err(Error::shape("observations and actions of the data", &expected, &got));
        }
        if dataset.len() < LEAST {
            let why = format!("needs at least {LEAST} transitions to design a model from, got {}", dataset.len());
            return Err(Error::config("data", why));
        }
        if !matches!(context.action_space, Space::Box { .. } | Space::Discrete { .. }) {
            return Err(Error::unsupported("design", "action spaces other than a box or discrete choices"));
        }
        if !(options.held_out > 0.0 && options.held_out < 1.0) {
            return Err(Error::config("held_out", format!("must lie between 0 and 1, got {}", options.held_out)));
        }
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
        let fitted = fit(&linear, context, &training, &agent, key.fold(stream::FITS));
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
        let fitted = fit(&choice, self.context, &self.training, &self.agent, key.fold(stream::FITS));
        let judged = fitted.and_then(|(model, _)| {
            let prediction = examination.judge(model.as_world_model(), key.fold(stream::EXAMINATION))?;
            Ok((model, prediction))
        });
        let (model, prediction, diverged) = match judged {
            Ok((model, prediction)) => (Some(model), Some(prediction), None),
            Err(error) => (None, None, Some(error.to_string())),
        };
        let fit_secs = began.elapsed().as_secs_f64();
        let row =
            Row { model: choice, plan: None, prediction, returns: Vec::new(), diverged, fit_secs, trial_secs: 0.0 };
        Examined { row, model }
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
            let examined = self.examine(self.examined[best].row.model.with_angles(&[place]));
            let done = self.examined.len() + 1;
            observer(Progress::Examined { row: &examined.row, done, of: done })?;
            if score(&examined.row) < bound {
                bound = score(&examined.row);
                better = Some(examined);
            }
        }
        self.examined.extend(better);
        Ok(())
    }

    /// Whether a planner can plan in an examined model.
    fn fits(&self, place: usize, plan: &PlanChoice) -> bool {
        let Some(model) = &self.examined[place].model else { return false };
        let context = PlannerContext::for_model(model.spec(), self.context.seed);
        let planner = worldwright_planners::make(&plan.name, &context, &plan.settings);
        planner.is_ok_and(|planner| planner.check(model.spec()).is_ok())
    }

    /// Plays the plans of the best few models, halving the candidates after each round. Gives the judge's name.
    fn try_plans(&mut self, trial: &mut dyn Trial, observer: Observer<'_>) -> Result<String> {
        let order = self.by_prediction();
        let Some(first) = order.first() else {
            let why = self.examined.iter().filter_map(|e| e.row.diverged.clone()).next().unwrap_or_default();
            let why = format!("no candidate could be fitted; the first said: {why}");
            return Err(Error::Diverged { who: "design".into(), why });
        };
        let score = |i: usize| self.examined[i].row.prediction.as_ref().map_or(f64::INFINITY, |p| p.score);
        let best = score(*first).max(EXACT);
        let worth = |i: usize| -WEIGHT * (score(i).max(EXACT) / best).log2();
        let mut finalists = order.clone();
        let promised = |i: usize| worth(i) + self.promise(&self.examined[i].row.model);
        // The best prediction is always tried, whatever the record says.
        finalists.sort_by(|a, b| (b == first).cmp(&(a == first)).then(promised(*b).total_cmp(&promised(*a))));
        // The best of each kind before the second of any: one kind's errors on held-out data often share a cause.
        let mut kinds: Vec<&str> = Vec::new();
        let second = |place: &usize| {
            let kind = self.examined[*place].row.model.name.as_str();
            let seen = kinds.contains(&kind);
            kinds.push(kind);
            seen
        };
        finalists.sort_by_cached_key(second);
        finalists.truncate(self.options.finalists.max(1));
        let mut field: Vec<(f64, usize, &PlanChoice)> = Vec::new();
        for place in finalists {
            let model = &self.examined[place].row.model;
            let promised = |plan: &PlanChoice| worth(place) + self.share(model, plan);
            field.extend(
                self.plans.iter().filter(|plan| self.fits(place, plan)).map(|plan| (promised(plan), place, plan)),
            );
        }
        field.sort_by(|a, b| b.0.total_cmp(&a.0));
        let of = if self.options.trial_steps > 0 { self.options.trial_steps } else { TRIALS * self.episode_steps };
        // Half of the budget goes to the first round.
        field.truncate((of / (2 * self.episode_steps)).max(1));
        let entered: Vec<(usize, Row)> = field
            .into_iter()
            .map(|(_, place, plan)| (place, Row { plan: Some(plan.clone()), ..self.examined[place].row.clone() }))
            .collect();
        self.tried = entered;
        let mut steps = 0;
        let mut alive: Vec<usize> = (0..self.tried.len()).collect();
        for round in 0.. {
            if round > 0 && (alive.len() < 2 || steps + alive.len() * self.episode_steps > of || self.late()) {
                break;
            }
            for i in alive.clone() {
                steps += self.try_once(i, trial, round)?;
                observer(Progress::Tried { row: &self.tried[i].1, steps, of })?;
            }
            self.rank(&mut alive);
            alive.retain(|i| self.tried[*i].1.diverged.is_none());
            alive.truncate(alive.len().div_ceil(2).max(2));
        }
        Ok(trial.name().to_owned())
    }

    /// Plays episode `round` with candidate `i`; gives its steps.
    fn try_once(&mut self, i: usize, trial: &mut dyn Trial, round: u64) -> Result<usize> {
        let began = Instant::now();
        let (place, row) = &mut self.tried[i];
        let Some(plan) = row.plan.as_ref().filter(|_| row.diverged.is_none()) else { return Ok(0) };
        let Some(model) = self.examined[*place].model.take() else { return Ok(0) };
        let settings = resolved(&row.model, plan, &self.agent)?;
        let mut agent = ModelBasedAgent::around(model, true, &settings, self.context)?;
        let played = trial.play(&mut agent, round, self.episode_steps);
        let (model, seen) = agent.into_parts();
        self.examined[*place].model = model;
        row.trial_secs += began.elapsed().as_secs_f64();
        if !seen.is_empty() {
            self.seen.append(&seen)?;
        }
        let steps = played.as_ref().map_or(0, |played| played.steps);
        match played {
            Ok(played) if played.episode_return.is_finite() => row.returns.push(played.episode_return),
            Ok(played) => row.diverged = Some(format!("its return was {}", played.episode_return)),
            // The candidate's own failure; what an environment says ends the search.
            Err(Error::Diverged { who, why }) => row.diverged = Some(format!("{who}: {why}")),
            Err(other) => return Err(other),
        }
        Ok(steps)
    }

    /// Sorts places of tried candidates: the diverged last, then more trials, then greater returns, then smaller errors.
    fn rank(&self, places: &mut [usize]) {
        places.sort_by(|a, b| {
            let (a, b) = (&self.tried[*a].1, &self.tried[*b].1);
            let score = |row: &Row| row.prediction.as_ref().map_or(f64::INFINITY, |p| p.score);
            let mean = |row: &Row| row.mean_return().unwrap_or(f64::NEG_INFINITY);
            a.diverged
                .is_some()
                .cmp(&b.diverged.is_some())
                .then(b.returns.len().cmp(&a.returns.len()))
                .then(mean(b).total_cmp(&mean(a)))
                .then(score(a).total_cmp(&score(b)))
        });
    }

    fn choose(self, judge: String, observer: Observer<'_>) -> Result<Design> {
        let mut places: Vec<usize> = (0..self.tried.len()).collect();
        self.rank(&mut places);
        let Some(chosen) = places.first().map(|place| self.tried[*place].1.clone()) else {
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
        let key = Key::new(self.context.seed).fold(stream::FINAL_FIT);
        let (fitted, note) = fit(&model, self.context, &dataset, &self.agent, key)?;
        observer(Progress::Chosen)?;
        let mut rows: Vec<Row> = places.iter().map(|place| self.tried[*place].1.clone()).collect();
        let mut rest: Vec<usize> = self.by_prediction();
        rest.extend((0..self.examined.len()).filter(|i| self.examined[*i].model.is_none()));
        rest.retain(|i| self.tried.iter().all(|(place, _)| place != i));
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
