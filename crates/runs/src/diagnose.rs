//! Measures the final model on evaluation episodes: error against steps ahead, calibration, and rollouts to look at.
//!
//! From a real observation the episode's own actions are fed to the model. The predictive distribution at each step is the
//! set of all lanes of several rows. Calibration compares the real value's rank among the lanes with the uniform distribution
//! that it has under a calibrated model (probability integral transform; Gneiting, Balabdaoui and Raftery, 2007, section 3.1):
//! a value of rank u lies in the central interval of probability p when |2u − 1| ≤ p.

use std::panic::{AssertUnwindSafe, catch_unwind};

use worldwright_core::{
    Action, Actions, Agent, Columns, Error, Imagined, Key, Result, Rows, Space, Transition, Value, WorldModel,
};
use worldwright_envs::Made;

use crate::evaluate::{EvaluatedEpisode, Evaluation, mean_and_std, stream};
use crate::report::counted;
use crate::{CalibrationPoint, Channel, Diagnostics, KStepError, ModelErrors, Rollout};

/// Steps ahead of the error curve.
const HORIZON: usize = 20;
/// Starts of the error curve, spread over the evaluation episodes.
const STARTS: usize = 24;
/// Starts of the calibration.
const ONE_STEP_STARTS: usize = 200;
/// Lanes that a predictive distribution is taken over, at least.
const LANES: usize = 32;
/// Steps of a rollout to look at.
const ROLLOUT_STEPS: usize = 50;
/// Dimensions of an observation that a rollout keeps: those of an image would make the file hundreds of megabytes.
const MOST_CHANNELS: usize = 64;
/// Single trajectories shown in a rollout.
const SAMPLES: usize = 8;

/// Diagnoses the agent's model; without one, everything is empty. A model that cannot be diagnosed is no error: the note says why.
///
/// # Errors
/// [`Error::Interrupted`] only.
pub(crate) fn diagnose(agent: &dyn Agent, evaluation: &Evaluation, made: &Made, seed: u64) -> Result<Diagnostics> {
    let mut diagnostics =
        Diagnostics { format: Diagnostics::FORMAT, dt_secs: made.environment.dt_secs(), ..Diagnostics::default() };
    diagnostics.choices = made.environment.observation_space().has_choices();
    let Some(model) = agent.world_model().filter(|_| !evaluation.episodes.is_empty()) else { return Ok(diagnostics) };
    diagnostics.model = model.spec().name.clone();
    // Whatever a model does when it is asked, the run has its result already.
    let measured = catch_unwind(AssertUnwindSafe(|| {
        let key = Key::new(seed).fold(stream::DIAGNOSIS);
        let mut study = Study::new(model, made, &evaluation.episodes, key)?;
        let studied = study.all(&mut diagnostics);
        diagnostics.diverged = study.diverged;
        studied
    }));
    diagnostics.note = match measured {
        Ok(Ok(())) => String::new(),
        Ok(Err(error @ Error::Interrupted { .. })) => return Err(error),
        // A model that predicts no observations has none to be compared: that section is left out.
        Ok(Err(Error::Unsupported { .. })) => String::new(),
        Ok(Err(error)) => format!("not all of the model was measured: {error}"),
        Err(_) => "not all of the model was measured: the measurement itself failed, see the messages above".to_owned(),
    };
    Ok(diagnostics)
}

impl Diagnostics {
    /// The layout that this version writes.
    pub const FORMAT: u32 = 1;

    /// The few numbers of the summary.
    pub fn errors(&self) -> ModelErrors {
        let (first, last) = (self.k_step.first(), self.k_step.last());
        // What is undefined is none, as without a model.
        let defined = |number: Option<f64>| number.filter(|number| !number.is_nan());
        ModelErrors {
            one_step: defined(first.map(|error| error.rmse)),
            at_horizon: defined(last.map(|error| error.rmse)),
            horizon: last.map_or(0, |error| error.k),
            reward: defined(first.map(|error| error.reward_rmse)),
            choices: self.choices,
        }
    }

    /// What a person should be told of it.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if !self.note.is_empty() {
            words.push(self.note.clone());
        }
        if self.diverged > 0 {
            let lost = if self.k_step.is_empty() { ", so that the model's error could not be measured" } else { "" };
            words.push(format!(
                "the model diverged: {} of the diagnosis became infinite or undefined{lost}",
                counted(self.diverged as u64, "imagined trajectory")
            ));
        }
        words
    }
}

/// An episode with flat observations.
struct Flat<'a> {
    observations: Vec<Vec<f64>>,
    transitions: &'a [Transition],
}

/// A predicted step: every lane of every row.
struct Predicted {
    /// `[dimension][lane]`, lanes that are finite only.
    observation: Vec<Vec<f64>>,
    reward: Vec<f64>,
}

struct Study<'a> {
    model: &'a dyn WorldModel,
    episodes: Vec<Flat<'a>>,
    channels: Vec<String>,
    /// Standard deviation of each dimension over all real observations; dimensions that never change are left out of errors.
    scale: Vec<f64>,
    key: Key,
    diverged: usize,
}

impl<'a> Study<'a> {
    fn new(model: &'a dyn WorldModel, made: &Made, episodes: &'a [EvaluatedEpisode], key: Key) -> Result<Self> {
        let space = made.environment.observation_space();
        let flatten = |value: &Value| {
            let mut flat = vec![0.0; space.flat_dim()];
            space.flatten(value, &mut flat).map(|()| flat)
        };
        let episodes = episodes
            .iter()
            .filter(|episode| !episode.transitions.is_empty())
            .map(|episode| {
                let first = flatten(&episode.transitions[0].observation);
                let rest = episode.transitions.iter().map(|transition| flatten(&transition.next_observation));
                let observations = std::iter::once(first).chain(rest).collect::<Result<_>>()?;
                Ok(Flat { observations, transitions: &episode.transitions })
            })
            .collect::<Result<Vec<_>>>()?;
        let scale = (0..space.flat_dim())
            .map(|dim| {
                let column: Vec<f64> = episodes
                    .iter()
                    .flat_map(|episode: &Flat<'_>| episode.observations.iter().map(move |o| o[dim]))
                    .collect();
                mean_and_std(&column).1
            })
            .collect();
        let mut channels = made.observation_channels.clone();
        channels.extend((channels.len()..space.flat_dim()).map(|dim| format!("observation {dim}")));
        Ok(Self { model, episodes, channels, scale, key, diverged: 0 })
    }

    /// Up to `count` pairs (episode, start), evenly spread over all steps that have at least `ahead` steps after them.
    fn starts(&self, count: usize, ahead: usize) -> Vec<(usize, usize)> {
        let all: Vec<(usize, usize)> = (0..self.episodes.len())
            .flat_map(|e| (0..(self.episodes[e].transitions.len() + 1).saturating_sub(ahead)).map(move |s| (e, s)))
            .collect();
        let taken = count.min(all.len());
        (0..taken).map(|i| all[i * all.len() / taken]).collect()
    }

    /// Open-loop predictions of `steps` steps from `start`.
    fn predict(&mut self, episode: usize, start: usize, steps: usize) -> Result<Vec<Predicted>> {
        let spec = self.model.spec();
        let rows = if spec.deterministic { 1 } else { LANES.div_ceil(spec.members) };
        let mut arena = self.model.imagination(rows + 1);
        let mut imagined = Imagined::new(spec, rows);
        let key = self.key.fold(episode as u64).fold(start as u64);
        let flat = &self.episodes[episode];
        // A belief depends on all that was seen since the episode began; rows 0 and 1 take turns, so that the last one is row 0.
        let first = if spec.capabilities.memory { 0 } else { start };
        for past in first..=start {
            let row = (start - past) % 2;
            let previous = (past > first).then(|| (1 - row, &flat.transitions[past - 1].action));
            let key = if past == start { key.fold(u64::MAX) } else { key.fold(u64::MAX).fold(past as u64) };
            arena.observe(row, previous, &flat.transitions[past].observation, key)?;
        }
        arena.copy(0, Rows::Span(1..rows + 1));
        let dims = self.scale.len();
        let mut out = vec![0.0; dims];
        let mut lost = vec![false; rows * spec.members];
        let mut predictions = Vec::with_capacity(steps);
        for step in 0..steps {
            let actions = repeated(&spec.action_space, &flat.transitions[start + step].action, rows)?;
            arena.step(
                Rows::Span(1..rows + 1),
                actions.view(rows)?,
                Rows::Span(1..rows + 1),
                key.fold(step as u64),
                &mut imagined,
            )?;
            let mut predicted = Predicted { observation: vec![Vec::new(); dims], reward: Vec::new() };
            for member in 0..spec.members {
                for row in 0..rows {
                    arena.decode(row + 1, member, &mut out)?;
                    let reward = imagined.reward[imagined.at(member, row)];
                    let lane = &mut lost[member * rows + row];
                    let finite = out.iter().all(|x| x.is_finite()) && reward.is_finite();
                    if !finite && !*lane {
                        self.diverged += 1;
                    }
                    *lane |= !finite;
                    if !*lane {
                        predicted.observation.iter_mut().zip(&out).for_each(|(lanes, x)| lanes.push(*x));
                        predicted.reward.push(reward);
                    }
                }
            }
            predictions.push(predicted);
        }
        Ok(predictions)
    }

    fn all(&mut self, diagnostics: &mut Diagnostics) -> Result<()> {
        self.error_curve(diagnostics)?;
        self.calibration(diagnostics)?;
        self.rollouts(diagnostics)
    }

    fn error_curve(&mut self, diagnostics: &mut Diagnostics) -> Result<()> {
        let longest = self.episodes.iter().map(|episode| episode.transitions.len()).max().unwrap_or(0);
        let horizon = HORIZON.min(longest);
        let mut sums = vec![Sums::default(); horizon];
        for (episode, start) in self.starts(STARTS, horizon) {
            let predictions = self.predict(episode, start, horizon)?;
            let flat = &self.episodes[episode];
            for (k, predicted) in predictions.iter().enumerate() {
                let now = &flat.observations[start + k + 1];
                sums[k].add(predicted, now, &flat.observations[start], flat.transitions[start + k].reward, &self.scale);
            }
        }
        diagnostics.k_step =
            sums.iter().enumerate().filter(|(_, sum)| sum.starts > 0).map(|(k, sum)| sum.error(k + 1)).collect();
        Ok(())
    }

    fn calibration(&mut self, diagnostics: &mut Diagnostics) -> Result<()> {
        let mut depths = Vec::new();
        for (episode, start) in self.starts(ONE_STEP_STARTS, 1) {
            let predictions = self.predict(episode, start, 1)?;
            let real = &self.episodes[episode].observations[start + 1];
            for (dim, lanes) in predictions[0].observation.iter().enumerate() {
                let spread = lanes.iter().any(|lane| *lane != lanes[0]);
                if spread && self.scale[dim] > 0.0 {
                    depths.push(depth(lanes, real[dim]));
                }
            }
        }
        if !depths.is_empty() {
            diagnostics.calibration = (1..20)
                .map(|i| {
                    let nominal = f64::from(i) * 0.05;
                    let inside = depths.iter().filter(|depth| **depth <= nominal).count();
                    CalibrationPoint { nominal, observed: inside as f64 / depths.len() as f64 }
                })
                .collect();
        }
        Ok(())
    }

    fn rollouts(&mut self, diagnostics: &mut Diagnostics) -> Result<()> {
        let mut starts = vec![(0, 0)];
        if let Some(first) = self.episodes.first() {
            starts.push((0, first.transitions.len() / 2));
        }
        starts.push((1, 0));
        starts.dedup();
        for (episode, start) in starts {
            let Some(flat) = self.episodes.get(episode) else { continue };
            let steps = ROLLOUT_STEPS.min(flat.transitions.len() - start);
            let predictions = self.predict(episode, start, steps)?;
            let flat = &self.episodes[episode];
            let real = &flat.observations[start..=start + steps];
            let observation = (0..self.scale.len().min(MOST_CHANNELS))
                .map(|dim| {
                    let lanes = predictions.iter().map(|predicted| &predicted.observation[dim]);
                    channel(&self.channels[dim], real.iter().map(|o| o[dim]).collect(), Some(real[0][dim]), lanes)
                })
                .collect();
            let rewards = flat.transitions[start..start + steps].iter().map(|transition| transition.reward).collect();
            let reward = channel("reward", rewards, None, predictions.iter().map(|predicted| &predicted.reward));
            diagnostics.rollouts.push(Rollout { episode, start, observation, reward });
        }
        Ok(())
    }
}

/// Running sums of squares at one number of steps ahead.
#[derive(Debug, Clone, Default)]
struct Sums {
    error: f64,
    spread: f64,
    persistence: f64,
    numbers: usize,
    reward: f64,
    starts: usize,
}

impl Sums {
    fn add(&mut self, predicted: &Predicted, real: &[f64], first: &[f64], reward: f64, scale: &[f64]) {
        if predicted.reward.is_empty() {
            return;
        }
        for (dim, lanes) in predicted.observation.iter().enumerate().filter(|(dim, _)| scale[*dim] > 0.0) {
            let (mean, std) = mean_and_std(lanes);
            self.error += ((mean - real[dim]) / scale[dim]).powi(2);
            self.spread += (std / scale[dim]).powi(2);
            self.persistence += ((first[dim] - real[dim]) / scale[dim]).powi(2);
            self.numbers += 1;
        }
        self.reward += (mean_and_std(&predicted.reward).0 - reward).powi(2);
        self.starts += 1;
    }

    fn error(&self, k: usize) -> KStepError {
        let root = |sum: f64| (sum / self.numbers.max(1) as f64).sqrt();
        KStepError {
            k,
            rmse: root(self.error),
            predicted_std: root(self.spread),
            reward_rmse: (self.reward / self.starts as f64).sqrt(),
            persistence_rmse: root(self.persistence),
            starts: self.starts,
        }
    }
}

/// |2u − 1| for the rank u of `real` among `lanes`, ties counted half.
fn depth(lanes: &[f64], real: f64) -> f64 {
    let below = lanes.iter().filter(|lane| **lane < real).count() as f64;
    let equal = lanes.iter().filter(|lane| **lane == real).count() as f64;
    (2.0 * (below + 0.5 * equal) / lanes.len() as f64 - 1.0).abs()
}

/// A channel of a rollout; `first` is the known value before the first predicted step.
fn channel<'l>(
    name: &str,
    real: Vec<f64>,
    first: Option<f64>,
    lanes: impl Iterator<Item = &'l Vec<f64>> + Clone,
) -> Channel {
    let moments = || lanes.clone().map(|lanes| mean_and_std(lanes));
    // Lanes that diverged leave gaps; a trajectory is shown while all lanes are still there.
    let whole = lanes.clone().map(Vec::len).max().unwrap_or(0);
    let samples = (0..whole.min(SAMPLES))
        .map(|lane| first.into_iter().chain(lanes.clone().map_while(|l| (l.len() == whole).then(|| l[lane]))).collect())
        .collect();
    Channel {
        name: name.to_owned(),
        real,
        mean: first.into_iter().chain(moments().map(|(mean, _)| mean)).collect(),
        std: first.map(|_| 0.0).into_iter().chain(moments().map(|(_, std)| std)).collect(),
        samples,
    }
}

/// One action for every row.
pub(crate) enum Repeated {
    Continuous(Vec<f64>, usize),
    Discrete(Vec<u32>),
}

impl Repeated {
    pub(crate) fn view(&self, rows: usize) -> Result<Actions<'_>> {
        Ok(match self {
            Self::Continuous(data, dims) => Actions::Continuous(Columns::new(data, *dims, rows)?),
            Self::Discrete(choices) => Actions::Discrete(choices),
        })
    }
}

/// The action of every one of `rows` rows.
pub(crate) fn repeated(space: &Space, action: &Action, rows: usize) -> Result<Repeated> {
    if let (Space::Discrete { start, .. }, Value::Integer(choice)) = (space, action) {
        let reason = format!("{action} is not of {space}");
        let place = u32::try_from(choice - start).map_err(|_| Error::NotInSpace { what: "action".into(), reason })?;
        return Ok(Repeated::Discrete(vec![place; rows]));
    }
    let mut flat = vec![0.0; space.flat_dim()];
    space.flatten(action, &mut flat)?;
    let data = flat.iter().flat_map(|number| std::iter::repeat_n(*number, rows)).collect();
    Ok(Repeated::Continuous(data, flat.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_a_calibrated_sample_are_uniform() {
        let mut rng = worldwright_core::Rng::new(3);
        let mut inside = 0;
        for _ in 0..2000 {
            let lanes: Vec<f64> = (0..64).map(|_| rng.normal()).collect();
            inside += usize::from(depth(&lanes, rng.normal()) <= 0.5);
        }
        assert!((inside as f64 / 2000.0 - 0.5).abs() < 0.04, "{inside}");
        assert_eq!(depth(&[1.0, 2.0], 5.0), 1.0);
        assert_eq!(depth(&[1.0, 1.0], 1.0), 0.0);
    }
}
