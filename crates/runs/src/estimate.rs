//! What a bundle would earn, told from recorded episodes before anybody runs it.

use worldwright_agents::{AgentContext, Estimate, Question, estimate as tell};
use worldwright_core::{Dataset, Error, Experience, Interrupt, Result, Sample};
use worldwright_data::Replay;

use crate::evaluate::mean_and_std;
use crate::learn::read_recorded;
use crate::offline::open_recorded;
use crate::{Experiment, Loaded, Workshop};

/// The column beside each step that holds the natural logarithm of its action's probability, where whoever recorded it kept that.
pub const LOG_PROBABILITY: &str = "action_log_probability";

/// How to estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EstimateOptions {
    /// Steps that the policy acts for; those of the longest recorded episode where nobody says.
    pub horizon: Option<usize>,
    /// What a reward one step later is worth.
    pub discount: f64,
    /// Noise with which importance weights take numbers to be done, as a share of half their range.
    pub noise: f64,
    /// Updates of fitted Q evaluation.
    pub updates: usize,
    /// What all randomness comes from.
    pub seed: u64,
}

impl Default for EstimateOptions {
    /// Returns as they are paid, of whole episodes.
    fn default() -> Self {
        Self { horizon: None, discount: 1.0, noise: 0.25, updates: 3000, seed: 0 }
    }
}

impl EstimateOptions {
    /// Steps of a return at most.
    const MOST_STEPS: usize = 1_000_000;

    fn check(&self) -> Result<()> {
        if self.horizon.is_some_and(|horizon| !(1..=Self::MOST_STEPS).contains(&horizon)) {
            return Err(Error::config("horizon", format!("must be from 1 to {}", Self::MOST_STEPS)));
        }
        for (key, share) in [("discount", self.discount), ("noise", self.noise)] {
            if !(share > 0.0 && share <= 1.0) {
                return Err(Error::config(key, format!("must lie above 0 and be at most 1, got {share}")));
            }
        }
        Ok(())
    }
}

/// What was told of a bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimated {
    /// Steps of the return.
    pub horizon: usize,
    /// Recorded episodes of so many steps, or that ended before; mean and deviation of their returns.
    pub recorded: (usize, f64, f64),
    /// The estimates.
    pub estimates: Vec<Estimate>,
    /// What to know of how the data were read.
    pub notes: Option<String>,
}

impl Estimated {
    /// What is promised: the middle one of the intervals' lower ends, so that one way alone that hopes or fears too much decides nothing.
    pub fn promise(&self) -> f64 {
        let mut lows: Vec<f64> = self.estimates.iter().map(|estimate| estimate.low).collect();
        lows.sort_by(f64::total_cmp);
        lows.get(lows.len() / 2).copied().unwrap_or(f64::NEG_INFINITY)
    }
}

/// Tells what a bundle would earn from the recorded episodes that `data` names.
///
/// # Errors
/// As for reading recorded episodes to learn from; [`Error::Unsupported`] for agents whose decisions depend on more than what they see,
/// [`Error::Config`] for a bundle that learned nothing and for options out of range; as for [`worldwright_agents::estimate`].
pub fn estimate(
    workshop: &dyn Workshop,
    loaded: &mut Loaded,
    data: &str,
    options: &EstimateOptions,
    interrupt: &Interrupt,
) -> Result<Estimated> {
    options.check()?;
    if !loaded.agent.is_ready() {
        let why = "learned nothing: its run ended before its first fit, so learn for more steps";
        return Err(Error::config("the bundle", why));
    }
    if loaded.agent.world_model().is_some_and(|model| model.spec().capabilities.memory) {
        let what = "estimates from recorded steps: what it does depends on all that it saw before";
        return Err(Error::unsupported(loaded.experiment.agent.name.clone(), what));
    }
    let experiment = Experiment { data: data.to_owned(), ..loaded.experiment.clone() };
    let Some((recorded, notes)) = read_recorded(workshop, &experiment, &loaded.made)? else {
        return Err(Error::config("data", "names no recorded episodes"));
    };
    // Transitions that are no file carry no columns besides their own.
    let on_disk = std::path::Path::new(data).exists();
    let kept = if on_disk { log_probabilities(data, recorded.len())? } else { None };
    let (observed, done) = {
        let environment = &loaded.made.environment;
        (environment.observation_space().clone(), environment.action_space().clone())
    };
    let longest = episodes(&recorded).iter().map(std::ops::Range::len).max().unwrap_or(0);
    let horizon = options.horizon.unwrap_or(longest).max(1);
    let context = AgentContext {
        observation_space: observed.clone(),
        action_space: done.clone(),
        reward: loaded.reward.clone(),
        simulator: None,
        known: None,
        players: 1,
        places: 1,
        seed: options.seed,
        interrupt: interrupt.clone(),
    };
    let question = Question {
        recorded: &recorded,
        log_probabilities: kept.as_deref(),
        context: &context,
        horizon,
        discount: options.discount,
        noise: options.noise,
        updates: options.updates,
        seed: options.seed,
        interrupt,
    };
    let agent = loaded.agent.as_mut();
    if !recorded.is_empty() {
        agent.begin_episode(0, &observed.unflatten(recorded.observation(0))?, options.seed)?;
    }
    let mut decide = |seen: &[f64], out: &mut [f64]| {
        let action = agent.act(0, &observed.unflatten(seen)?, false)?;
        done.flatten(&action, out)
    };
    let estimates = tell(&question, &mut decide)?;
    Ok(Estimated { horizon, recorded: returns(&recorded, (horizon, options.discount)), estimates, notes })
}

/// The transitions of each episode.
fn episodes(recorded: &Dataset) -> Vec<std::ops::Range<usize>> {
    let starts: Vec<usize> = (0..recorded.len()).filter(|i| *i == 0 || !recorded.follows(*i)).collect();
    let ends = starts.iter().skip(1).copied().chain([recorded.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// How many recorded episodes show the whole return, with its mean and deviation.
fn returns(recorded: &Dataset, (horizon, discount): (usize, f64)) -> (usize, f64, f64) {
    let whole = |steps: &std::ops::Range<usize>| steps.len() >= horizon || recorded.terminated()[steps.end - 1];
    let paid = |steps: std::ops::Range<usize>| {
        let rewards = recorded.rewards()[steps].iter().take(horizon);
        rewards.rev().fold(0.0, |ahead, reward| reward + discount * ahead)
    };
    let returns: Vec<f64> = episodes(recorded).into_iter().filter(whole).map(paid).collect();
    let (mean, std) = mean_and_std(&returns);
    (returns.len(), mean, std)
}

/// The probabilities that were kept beside the steps, in their order.
fn log_probabilities(data: &str, steps: usize) -> Result<Option<Vec<f64>>> {
    let (store, _) = open_recorded(data)?;
    let mut before = 0;
    let found = store.header().columns.iter().find_map(|column| {
        let here = before;
        before += column.width;
        (column.name == LOG_PROBABILITY && column.width == 1).then_some(here)
    });
    let Some(place) = found else { return Ok(None) };
    let width: usize = store.header().columns.iter().map(|column| column.width).sum();
    let replay = Replay::from_store(&store)?;
    let (mut sample, mut kept) = (Sample::default(), Vec::with_capacity(steps));
    for row in replay.transitions() {
        sample.begin(1);
        replay.gather(row, 1, 1.0, &mut sample);
        let number =
            sample.columns.get(place).copied().filter(|number| number.is_finite() && sample.columns.len() == width);
        kept.push(number.ok_or_else(|| {
            let why =
                format!("its column {LOG_PROBABILITY} holds no number at step {}: leave the column out", kept.len());
            Error::config("data", why)
        })?);
    }
    Ok((kept.len() == steps).then_some(kept))
}
