//! What a policy would earn, told from recorded episodes before anybody lets it act, and how sure that is.
//!
//! Three ways, which err in different ways: [fitted Q evaluation](worldwright_policies::FittedQ) believes that a network can tell values, rollouts of a model
//! that it can tell what comes next, and importance weights believe in nothing but the recorded actions' probabilities, and say nothing where no episode goes
//! as the policy would. Each gives the return of H steps with an interval for 90 of 100 such estimates.

mod importance;
mod rollouts;
mod spread;

use worldwright_core::{Dataset, Error, Interrupt, Key, Result, Space};
use worldwright_policies::{Behaviour, FittedQ, FittedQConfig, episode_numbers};

pub use self::importance::{Weighed, Weighing, per_decision};
pub use self::spread::LEVEL;
use self::spread::{moments, student};
use crate::AgentContext;

/// Updates that the recorded actions' policy is cloned in.
const CLONING: usize = 2000;

/// Writes the policy's flat action where a flat observation is seen.
pub type Decide<'a> = &'a mut dyn FnMut(&[f64], &mut [f64]) -> Result<()>;

/// What is asked.
pub struct Question<'a> {
    /// What was recorded.
    pub recorded: &'a Dataset,
    /// Natural logarithms of the recorded actions' probabilities (densities in units of the space, for numbers), where they were recorded too.
    pub log_probabilities: Option<&'a [f64]>,
    /// The task's spaces, and its reward where that is known.
    pub context: &'a AgentContext,
    /// H: steps that the policy acts for.
    pub horizon: usize,
    /// What a reward one step later is worth.
    pub discount: f64,
    /// Deviation of the noise, in halves of the range of a number, with which importance weights take the policy to act: what it does exactly, no recorded
    /// episode does.
    pub noise: f64,
    /// Updates of fitted Q evaluation.
    pub updates: usize,
    /// What all randomness comes from.
    pub seed: u64,
    /// A request to stop.
    pub interrupt: &'a Interrupt,
}

/// An estimate of what a policy earns.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// How it was made.
    pub name: &'static str,
    /// The return; no number where nothing can be told.
    pub mean: f64,
    /// Where the interval begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// What to know of it.
    pub note: String,
}

/// The three estimates of a policy.
///
/// # Errors
/// [`Error::Config`] for fewer than two recorded episodes, of which nothing can be told how sure an estimate is, and for episodes that paid nothing; what
/// model, networks and policy give.
pub fn estimate(question: &Question<'_>, decide: Decide<'_>) -> Result<Vec<Estimate>> {
    let recorded = question.recorded;
    let numbers = episode_numbers(recorded);
    let starts: Vec<usize> = (0..recorded.len()).filter(|i| *i == 0 || numbers[*i] != numbers[*i - 1]).collect();
    if starts.len() < 2 {
        let why =
            format!("holds {} episode: how sure an estimate is, is told from how several of them differ", starts.len());
        return Err(Error::config("data", why));
    }
    if recorded.rewards().iter().all(|reward| *reward == 0.0) {
        return Err(Error::config("data", "pays 0 in every step: there is nothing to estimate"));
    }
    let mut estimates = vec![
        fitted(question, &starts, decide)?,
        rollouts::estimate(question, &starts, decide)?,
        weighed(question, &numbers, decide)?,
    ];
    let [least, most] = possible(recorded.rewards(), (question.horizon, question.discount));
    for one in estimates.iter_mut().filter(|one| one.low < least || one.high > most) {
        // A policy may go where nothing was recorded, so that the interval is left as it is.
        if one.low.is_finite() && one.high.is_finite() {
            one.note.push_str(&format!("; rewards as recorded add up to between {least:.4} and {most:.4} at most"));
        }
    }
    Ok(estimates)
}

/// The least and the greatest return of rewards between the recorded extremes: of all steps, or of one where fewer are more.
fn possible(rewards: &[f64], (horizon, discount): (usize, f64)) -> [f64; 2] {
    let steps = if discount < 1.0 { (1.0 - discount.powf(horizon as f64)) / (1.0 - discount) } else { horizon as f64 };
    let least = rewards.iter().copied().fold(f64::INFINITY, f64::min);
    let most = rewards.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    [least * if least < 0.0 { steps } else { 1.0 }, most * if most > 0.0 { steps } else { 1.0 }]
}

/// By fitted Q evaluation.
fn fitted(question: &Question<'_>, starts: &[usize], decide: Decide<'_>) -> Result<Estimate> {
    let recorded = question.recorded;
    let (n, o, a) = (recorded.len(), recorded.observation_dim(), recorded.action_dim());
    let mut next_actions = vec![0.0; n * a];
    for i in 0..n {
        decide(recorded.next_observation(i), &mut next_actions[i * a..(i + 1) * a])?;
    }
    let config = FittedQConfig {
        updates: question.updates,
        ..FittedQConfig::new(question.horizon, question.discount, question.seed)
    };
    let space = &question.context.action_space;
    let mut fitted = FittedQ::fit(recorded, &next_actions, space, &config, question.interrupt)?;
    let (mut seen, mut done) = (Vec::with_capacity(starts.len() * o), vec![0.0; starts.len() * a]);
    for (row, start) in starts.iter().enumerate() {
        seen.extend_from_slice(recorded.observation(*start));
        decide(recorded.observation(*start), &mut done[row * a..(row + 1) * a])?;
    }
    let values = fitted.values(&seen, &done)?;
    let means: Vec<f64> = (values.chunks_exact(starts.len()).zip(fitted.drawn()))
        .map(|(values, drawn)| {
            let count = drawn.iter().sum::<u32>().max(1);
            values.iter().zip(drawn).map(|(value, often)| value * f64::from(*often)).sum::<f64>() / f64::from(count)
        })
        .collect();
    // The first network took every episode once, so that it is as good a guess as any and tells nothing of how draws differ.
    let (mean, _) = moments(&means);
    let (_, std) = moments(means.get(1..).unwrap_or_default());
    let m = means.len() as f64;
    let half = student(m - 2.0) * std * (1.0 + 1.0 / m).sqrt();
    let note = format!("{} networks, each of episodes drawn again, spread by {std:.4}", means.len());
    Ok(Estimate { name: "fitted Q evaluation", mean, low: mean - half, high: mean + half, note })
}

/// By importance weights.
fn weighed(question: &Question<'_>, numbers: &[usize], decide: Decide<'_>) -> Result<Estimate> {
    let (recorded, space) = (question.recorded, &question.context.action_space);
    let cloned;
    let (behaviour, how) = match question.log_probabilities {
        Some(recorded) => (recorded, "recorded probabilities"),
        None => {
            let mut behaviour = Behaviour::fit(recorded, space, CLONING, question.seed, question.interrupt)?;
            cloned = behaviour.log_probabilities(recorded)?;
            (cloned.as_slice(), "probabilities of a cloned policy")
        }
    };
    if behaviour.len() != recorded.len() {
        return Err(Error::shape("probabilities of recorded actions", &[recorded.len()], &[behaviour.len()]));
    }
    let mut episodes: Vec<Vec<Weighed>> = vec![Vec::new(); numbers.last().map_or(0, |last| last + 1)];
    let mut action = vec![0.0; recorded.action_dim()];
    for (i, episode) in numbers.iter().enumerate() {
        decide(recorded.observation(i), &mut action)?;
        let log = log_probability(space, recorded.action(i), &action, question.noise);
        episodes[*episode].push((recorded.rewards()[i], log - behaviour[i]));
    }
    // What comes behind where an episode was cut, nobody knows.
    let mut ended = vec![false; episodes.len()];
    numbers.iter().enumerate().for_each(|(i, episode)| ended[*episode] |= recorded.terminated()[i]);
    let whole = episodes.into_iter().zip(ended);
    let episodes: Vec<_> =
        whole.filter_map(|(episode, ended)| (ended || episode.len() >= question.horizon).then_some(episode)).collect();
    let rng = &mut Key::new(question.seed).fold(0x13).rng();
    let mut said = importance::estimate(&episodes, (question.horizon, question.discount), rng);
    said.note.push_str(&format!("; {how}"));
    if matches!(space, Space::Box { .. }) {
        said.note.push_str(&format!(", of the policy with noise of {} of half the range", question.noise));
    }
    Ok(said)
}

/// The logarithm of how likely a policy that chooses `mode` takes `action`: for numbers the density of a Gaussian around it.
fn log_probability(space: &Space, action: &[f64], mode: &[f64], noise: f64) -> f64 {
    let Space::Box { low, high, .. } = space else {
        return if action == mode { 0.0 } else { f64::NEG_INFINITY };
    };
    let each = (0..action.len()).map(|d| (action[d] - mode[d], 0.5 * noise * (high[d] - low[d])));
    each.filter(|(_, std)| *std > 0.0)
        .map(|(off, std)| -0.5 * (off / std).powi(2) - std.ln() - 0.5 * std::f64::consts::TAU.ln())
        .sum()
}
