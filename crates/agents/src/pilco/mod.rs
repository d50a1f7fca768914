//! `pilco`: a policy that is improved by the exact derivatives of the return that Gaussian processes foresee.
//!
//! At each fit, processes learn all that was experienced; from then on L-BFGS climbs the foreseen return of the policy by its analytic gradient
//! ([`Foreseen`]), from the policy as it is and from fresh ones, and the best is kept (Deisenroth and Rasmussen, "PILCO: A Model-Based and Data-Efficient
//! Approach to Policy Search", ICML 2011, algorithm 1). It acts without any noise: uncertainty is in the return, so that exploring pays where it may lead to more.
//!
//! Unlike the paper: the starts' distribution is that of the episodes so far, with a prior of [`PRIOR_EPISODES`] ones, as no one tells it; policies begin around what
//! was seen; and derivatives go backwards.

mod foreseen;
mod paid;
mod step;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use worldwright_core::{
    Action, Agent, Array, Batch, Call, Dataset, Error, Experience, Interrupt, Key, Metrics, Mode, Observation, Persist,
    Result, RewardFunction, Rng, Space, State, cost, find,
};
use worldwright_models::{Foresight, build_foresight};
use worldwright_numerics::minimize;
use worldwright_numerics::moments::Gaussian;
use worldwright_policies::MomentPolicy;

use crate::fitting::Fitting;
use crate::places::{self, at};
use crate::policy_agent::policy_context;
use crate::{AgentContext, Resolved};
use foreseen::Foreseen;

/// Episodes that the prior of the starts counts as, and its deviations as a share of how far states spread.
const PRIOR_EPISODES: f64 = 2.0;
const PRIOR_SHARE: f64 = 0.05;
/// Units of a sine or a cosine to policies: what the lengths of PILCO's own cart-pole begin at.
const CIRCLE: f64 = 0.7;

/// How a policy is improved.
struct Search {
    horizon: usize,
    evaluations: usize,
    restarts: usize,
    point_pairs: usize,
    discount: f64,
}

/// Acts by a policy that what was foreseen has improved.
pub(crate) struct PilcoAgent {
    foresight: Foresight,
    policy: Box<dyn MomentPolicy>,
    reward: Option<Arc<dyn RewardFunction>>,
    fitting: Fitting,
    search: Search,
    /// Times that the policy was improved.
    improved: u64,
    rng: Rng,
    observation_space: Space,
    action_space: Space,
    interrupt: Interrupt,
    /// What an episode starts anew, at each place.
    explore_rngs: Vec<Rng>,
    // Room for a decision.
    flat: Vec<f64>,
    state: Vec<f64>,
    features: Vec<f64>,
    seen: Batch,
    chosen: Batch,
}

/// Builds the agent from resolved settings.
pub(crate) fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let settings = &resolved.agent;
    let discount = settings.float("discount", 0.0, 1.0)?;
    let chosen = resolved.role("model")?;
    let foresight = chosen.said(build_foresight(&chosen.name, &context.for_model(discount), &chosen.settings))?;
    let chosen = resolved.role("policy")?;
    let entry = find(worldwright_policies::ALL, "policy", &chosen.name)?;
    let told = policy_context(foresight.feature_dim(), resolved, context)?;
    let policy = chosen.said(entry.build.foreseen(entry.name, &told, &chosen.settings))?;
    let search = Search {
        horizon: settings.count_in("horizon", 1, 1 << 14)?,
        evaluations: settings.count_in("evaluations", 1, 1 << 20)?,
        restarts: settings.count_in("restarts", 0, 1 << 10)?,
        point_pairs: settings.count_in("points", 2, 1 << 20)?.div_ceil(2),
        discount,
    };
    let (o, a) = (context.observation_space.flat_dim(), context.action_space.flat_dim());
    let points = resolved.role("model")?.settings.count("max_points", 2)?;
    let inputs = foresight.feature_dim() + a;
    cost::memory(
        &[("horizon", search.horizon), ("max_points", points)],
        8.0 * search.horizon as f64 * (5 * points * inputs) as f64,
    )?;
    let numbers = (2 * o + a) * 3 + 2 * o + a;
    cost::memory(&[("points", 2 * search.point_pairs)], 8.0 * (2 * search.point_pairs * numbers) as f64)?;
    let seed = Key::new(context.seed);
    Ok(Box::new(PilcoAgent {
        fitting: Fitting::new(settings, [o, a], false, seed.fold(1))?,
        search,
        improved: 0,
        rng: seed.fold(3).rng(),
        reward: context.reward.clone(),
        observation_space: context.observation_space.clone(),
        action_space: context.action_space.clone(),
        interrupt: context.interrupt.clone(),
        explore_rngs: vec![seed.fold(2).rng(); context.places],
        flat: vec![0.0; o.max(a)],
        state: Vec::new(),
        features: vec![0.0; foresight.feature_dim()],
        seen: Batch::zeros(foresight.feature_dim(), 1),
        chosen: Batch::zeros(a, 1),
        foresight,
        policy,
    }))
}

impl PilcoAgent {
    fn fit(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        let places = self.explore_rngs.len();
        let report = self.fitting.fit(&mut self.foresight, experience, places, &self.interrupt)?;
        let (value, evaluations) = self.improve()?;
        let mut told = vec![("fit_epochs", report.epochs as f64), ("training_loss", report.training_loss)];
        told.extend(report.holdout_mse.map(|mse| ("holdout_mse", mse)));
        told.extend([("foreseen_return", value), ("evaluations", evaluations as f64)]);
        Ok(told)
    }

    /// Climbs the foreseen return; gives it, and how often it was evaluated.
    fn improve(&mut self) -> Result<(f64, usize)> {
        let start = starts(&self.foresight, self.fitting.dataset())?;
        let reward = self.reward.as_deref();
        let plan = (start, self.search.horizon, self.search.discount);
        let mut foreseen = Foreseen::new(&self.foresight, reward, plan, self.search.point_pairs)?;
        let before = self.policy.save();
        let fresh = self.search.restarts + usize::from(self.improved == 0);
        let mut candidates = Vec::new();
        if self.improved > 0 {
            candidates.push(before.clone());
        }
        let (seen, std) = around(&self.foresight, self.fitting.dataset())?;
        for _ in 0..fresh {
            self.policy.begin(seen.columns(), &std, &mut self.rng)?;
            candidates.push(self.policy.save());
        }
        let (mut best, mut used) = ((f64::NEG_INFINITY, before.clone()), 0);
        for candidate in candidates {
            self.policy.restore(&candidate)?;
            let (policy, interrupt, horizon) = (self.policy.as_mut(), &self.interrupt, self.search.horizon as u64);
            let mut parameters = policy.parameters().to_vec();
            let value = |at: &[f64], slopes: &mut [f64]| {
                used += 1;
                interrupt.count(Call::Gradient, 1);
                interrupt.count(Call::ModelStep, horizon);
                if interrupt.requested() || policy.set_parameters(at).is_err() {
                    return f64::INFINITY;
                }
                match foreseen.evaluate(policy, slopes) {
                    Ok(value) if value.is_finite() && slopes.iter().all(|slope| slope.is_finite()) => {
                        slopes.iter_mut().for_each(|slope| *slope = -*slope);
                        -value
                    }
                    _ => f64::INFINITY,
                }
            };
            let value = -minimize(value, &mut parameters, self.search.evaluations);
            if value > best.0 && self.policy.set_parameters(&parameters).is_ok() {
                best = (value, self.policy.save());
            }
        }
        let interrupted = self.interrupt.check("improving the policy");
        self.policy.restore(if interrupted.is_ok() { &best.1 } else { &before })?;
        interrupted?;
        if !best.0.is_finite() {
            let why = "no policy's return is finite: lower the horizon, or let it see more first (initial_steps)";
            return Err(Error::Diverged { who: "pilco".into(), why: why.into() });
        }
        self.improved += 1;
        Ok((best.0, used))
    }
}

/// The distribution of states that episodes start in, from those that did.
fn starts(foresight: &Foresight, dataset: &Dataset) -> Result<Gaussian> {
    let n = foresight.state_dim()?;
    let mut states = vec![0.0; dataset.len() * n];
    for (i, state) in states.chunks_exact_mut(n).enumerate() {
        foresight.read(dataset.observation(i), state)?;
    }
    let first = states[..n].to_vec();
    for state in states.chunks_exact_mut(n) {
        foresight.unwind(&first, state)?;
    }
    let mut it = Gaussian::zeros(n);
    let began: Vec<&[f64]> =
        states.chunks_exact(n).enumerate().filter(|(i, _)| !dataset.follows(*i)).map(|(_, state)| state).collect();
    for dim in 0..n {
        let moments = |numbers: &mut dyn Iterator<Item = f64>| {
            let (count, sum, squares) = numbers.fold((0.0, 0.0, 0.0), |(c, s, q), x| (c + 1.0, s + x, q + x * x));
            let mean: f64 = sum / count;
            (count, mean, (squares - count * mean * mean).max(0.0))
        };
        let (all, _, spread) = moments(&mut states.chunks_exact(n).map(|state| state[dim]));
        let (count, mean, squares) = moments(&mut began.iter().map(|state| state[dim]));
        let prior = PRIOR_SHARE * PRIOR_SHARE * spread / all;
        it.mean[dim] = mean;
        it.covariance[dim * n + dim] = (squares + PRIOR_EPISODES * prior) / (count - 1.0 + PRIOR_EPISODES);
    }
    Ok(it)
}

/// What was seen, as policies see it, and in what units.
fn around(foresight: &Foresight, dataset: &Dataset) -> Result<(Batch, Vec<f64>)> {
    let features = foresight.features()?;
    let (mut state, mut feature) = (vec![0.0; foresight.state_dim()?], vec![0.0; features.outputs()]);
    let mut seen = Batch::zeros(feature.len(), dataset.len());
    for i in 0..dataset.len() {
        foresight.read(dataset.observation(i), &mut state)?;
        features.at(&state, &mut feature);
        seen.columns_mut().set_row(i, &feature);
    }
    let of = |dim: usize| {
        let column = seen.columns().column(dim);
        let mean = column.iter().sum::<f64>() / column.len() as f64;
        let std = (column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / column.len() as f64).sqrt();
        // What does not vary keeps the unit that it has.
        if std > 1e-9 * (1.0 + mean.abs()) { std } else { 1.0 }
    };
    let std = features.0.iter().enumerate().map(|(dim, sine)| if sine.wave.is_some() { CIRCLE } else { of(dim) });
    let std = std.collect();
    Ok((seen, std))
}

impl Agent for PilcoAgent {
    fn places(&self) -> usize {
        self.explore_rngs.len()
    }

    fn between_episodes(&self, state: &State) -> State {
        places::exchanged(state, &self.save())
    }

    fn begin_episode(&mut self, place: usize, observation: &Observation, seed: u64) -> Result<()> {
        self.observation_space.flatten(observation, &mut self.flat[..self.observation_space.flat_dim()])?;
        *at(&mut self.explore_rngs, place)? = Key::new(seed).fold(2).rng();
        Ok(())
    }

    fn act(&mut self, place: usize, observation: &Observation, explore: bool) -> Result<Action> {
        self.interrupt.check("acting")?;
        let (is_ready, rng) = (self.is_ready(), at(&mut self.explore_rngs, place)?);
        if !is_ready {
            return Ok(self.action_space.sample(rng));
        }
        let (o, a) = (self.observation_space.flat_dim(), self.action_space.flat_dim());
        self.observation_space.flatten(observation, &mut self.flat[..o])?;
        self.state.resize(self.foresight.state_dim()?, 0.0);
        self.foresight.read(&self.flat[..o], &mut self.state)?;
        let features = self.foresight.features()?;
        features.at(&self.state, &mut self.features);
        self.seen.columns_mut().set_row(0, &self.features);
        let mode = if explore { Mode::Explore } else { Mode::Exploit };
        self.policy.act(self.seen.columns(), mode, rng, &mut self.chosen)?;
        self.chosen.columns().copy_row(0, &mut self.flat[..a]);
        self.action_space.unflatten(&self.flat[..a])
    }

    fn learn(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        if self.fitting.is_due(experience, self.explore_rngs.len()) { self.fit(experience) } else { Ok(Metrics::new()) }
    }

    fn study(&mut self, experience: &dyn Experience) -> Result<Metrics> {
        self.fit(experience)
    }

    fn is_ready(&self) -> bool {
        self.improved > 0
    }

    fn note(&self) -> &str {
        &self.fitting.note
    }

    fn weights(&self) -> State {
        let mut state = State::new();
        state.put_all("model", self.foresight.save());
        state.put_all("policy", self.policy.weights());
        state.put("improved", Array::U64(vec![self.improved]));
        state
    }

    fn restore_weights(&mut self, weights: &State) -> Result<()> {
        self.foresight.restore(&weights.part("model"))?;
        self.policy.restore_weights(&weights.part("policy"))?;
        self.improved = weights.u64s("improved", 1)?[0];
        Ok(())
    }
}

impl Persist for PilcoAgent {
    fn save(&self) -> State {
        let mut state = self.weights();
        self.fitting.save(&mut state);
        state.put("search_rng", self.rng.save());
        places::put(&mut state, &self.explore_rngs, |rng| {
            let mut kept = State::new();
            kept.put("explore_rng", rng.save());
            kept
        });
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.restore_weights(state)?;
        self.fitting.restore(state)?;
        self.rng.restore(state, "search_rng")?;
        let mut rngs = self.explore_rngs.iter_mut().enumerate();
        rngs.try_for_each(|(place, rng)| rng.restore(&places::part(state, place), "explore_rng"))
    }
}
