//! What Gaussian processes foresee of normal distributions: the model of PILCO.
//!
//! States are those of the [`Chart`]; processes see their features and the action, and say how the state changes, and the reward where it is not known.
//! Their moments under a normal distribution are exact ([`RadialSums`]): with `K` the covariance of the points and targets in units of their deviation s,
//!
//! ```text
//! w = s α² (K + σ²I)⁻¹ y      B = w wᵀ − s² α⁴ (K + σ²I)⁻¹      added = s² (α² + σ²)
//! ```
//!
//! (Deisenroth and Rasmussen, "PILCO: A Model-Based and Data-Efficient Approach to Policy Search", ICML 2011, section 2.1; Deisenroth, "Efficient
//! Reinforcement Learning using Gaussian Processes", 2010, equations 2.34 to 2.55), all brought into the units of the task, so that nothing is normalised on the way.

#[cfg(test)]
mod tests;

use worldwright_core::{
    Array, Batch, Dataset, Error, FitReport, Interrupt, Learn, Persist, Result, Rng, Settings, State, find,
};
use worldwright_numerics::cholesky;
use worldwright_numerics::moments::{RadialSums, Sines};

use super::chart::{Chart, turn};
use super::kernel::{Kernel, Points};
use super::{ENTRY, Fitted, GaussianProcesses};
use crate::ModelContext;
use crate::transition::{Examples, Normalizer, Regressor, Rescaling};

/// A model that foresees how normal distributions of states move.
pub struct Foresight {
    observation_dim: usize,
    action_dim: usize,
    learns_reward: bool,
    angles: Vec<usize>,
    processes: GaussianProcesses,
    known: Option<Known>,
}

/// What a fit found out.
struct Known {
    chart: Chart,
    features: Sines,
    observation: Sines,
    inputs: Normalizer,
    targets: Normalizer,
    changes: RadialSums,
    reward: Option<RadialSums>,
}

/// The model called `name` as one that foresees.
///
/// # Errors
/// [`Error::Unsupported`] for a model whose moments are not known, [`Error::Config`] for settings of it with which they are not.
pub fn build_foresight(name: &str, context: &ModelContext, settings: &Settings) -> Result<Foresight> {
    find(crate::ALL, "model", name)?;
    if name != ENTRY.name {
        let what = format!("foreseeing how uncertain states spread: choose the model {}", ENTRY.name);
        return Err(Error::unsupported(name.to_owned(), what));
    }
    let processes = GaussianProcesses::new(settings)?;
    if processes.kernel != Kernel::SquaredExponential {
        let why = "must be squared-exponential here: moments under a normal distribution are known of no other";
        return Err(Error::config("kernel", why));
    }
    let observation_dim = context.observation_space.flat_dim();
    let angles = settings.numbers("angles")?;
    if let Some(wrong) = angles.iter().find(|place| !(**place >= 0.0 && **place < observation_dim as f64)) {
        let why = format!("{wrong} is no place of an observation of {observation_dim} numbers, counted from 0");
        return Err(Error::config("angles", why));
    }
    Ok(Foresight {
        observation_dim,
        action_dim: context.action_space.flat_dim(),
        learns_reward: context.reward.is_none(),
        angles: angles.iter().map(|place| *place as usize).collect(),
        processes,
        known: None,
    })
}

impl Foresight {
    /// Numbers that policies see: those of the observation, with the sine and the cosine of each declared angle in its place.
    pub fn feature_dim(&self) -> usize {
        self.observation_dim + self.angles.len()
    }

    fn known(&self) -> Result<&Known> {
        self.known.as_ref().ok_or_else(|| Error::NotFitted { who: ENTRY.name.into() })
    }

    /// S, numbers of a state.
    ///
    /// # Errors
    /// [`Error::NotFitted`] before a fit, as for all that follow: the chart comes of the data.
    pub fn state_dim(&self) -> Result<usize> {
        Ok(self.known()?.chart.0.len())
    }

    /// What policies see of a state.
    ///
    /// # Errors
    /// As for [`state_dim`](Self::state_dim).
    pub fn features(&self) -> Result<&Sines> {
        Ok(&self.known()?.features)
    }

    /// The flat observation of a state.
    ///
    /// # Errors
    /// As for [`state_dim`](Self::state_dim).
    pub fn observation(&self) -> Result<&Sines> {
        Ok(&self.known()?.observation)
    }

    /// The change of the state, less its [mean](Self::mean_change), as a function of features and action.
    ///
    /// # Errors
    /// As for [`state_dim`](Self::state_dim).
    pub fn changes(&self) -> Result<&RadialSums> {
        Ok(&self.known()?.changes)
    }

    /// The mean change of the state over the data.
    ///
    /// # Errors
    /// As for [`state_dim`](Self::state_dim).
    pub fn mean_change(&self) -> Result<&[f64]> {
        let known = self.known()?;
        Ok(&known.targets.mean[..known.chart.0.len()])
    }

    /// The learned reward less its mean, as a function of features and action, and that mean; none where the reward is known.
    ///
    /// # Errors
    /// As for [`state_dim`](Self::state_dim).
    pub fn reward(&self) -> Result<Option<(&RadialSums, f64)>> {
        let known = self.known()?;
        Ok(known.reward.as_ref().map(|reward| (reward, known.targets.mean[known.chart.0.len()])))
    }

    /// The state behind a flat observation.
    ///
    /// # Errors
    /// As for [`state_dim`](Self::state_dim).
    pub fn read(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        self.known()?.chart.read(observation, state);
        Ok(())
    }

    /// Adds to a state what turns its angles the shortest way to where those of `near` are within half a turn.
    ///
    /// # Errors
    /// As for [`state_dim`](Self::state_dim).
    pub fn unwind(&self, near: &[f64], state: &mut [f64]) -> Result<()> {
        let chart = &self.known()?.chart;
        for dim in (0..state.len()).filter(|dim| chart.turns(*dim)) {
            state[dim] = near[dim] + turn(near[dim], state[dim]);
        }
        Ok(())
    }

    /// Inputs and targets of all transitions, in the units of the task.
    fn columns(&self, chart: &Chart, dataset: &Dataset) -> (Batch, Batch) {
        let (n, features) = (chart.0.len(), chart.features());
        let (d, rows) = (features.outputs(), dataset.len());
        let mut inputs = Batch::zeros(d + self.action_dim, rows);
        let mut targets = Batch::zeros(n + usize::from(self.learns_reward), rows);
        let (mut before, mut after) = (vec![0.0; n], vec![0.0; n]);
        let mut input = vec![0.0; d + self.action_dim];
        let mut target = vec![0.0; targets.dims()];
        for i in 0..rows {
            chart.read(dataset.observation(i), &mut before);
            chart.read(dataset.next_observation(i), &mut after);
            features.at(&before, &mut input[..d]);
            input[d..].copy_from_slice(dataset.action(i));
            for dim in 0..n {
                let plain = after[dim] - before[dim];
                target[dim] = if chart.turns(dim) { turn(before[dim], after[dim]) } else { plain };
            }
            if let Some(reward) = target.get_mut(n) {
                *reward = dataset.rewards()[i];
            }
            inputs.columns_mut().set_row(i, &input);
            targets.columns_mut().set_row(i, &target);
        }
        (inputs, targets)
    }

    /// Takes on a fit.
    fn know(&mut self, chart: Chart, inputs: Normalizer, targets: Normalizer) -> Result<()> {
        let fitted = self.processes.fitted.as_ref().ok_or_else(|| Error::NotFitted { who: ENTRY.name.into() })?;
        let n = chart.0.len();
        let changes = functions(fitted, (&inputs, &targets), 0..n, true)?;
        let reward = match self.learns_reward {
            true => Some(functions(fitted, (&inputs, &targets), n..n + 1, false)?),
            false => None,
        };
        let (features, observation) = (chart.features(), chart.observation());
        self.known = Some(Known { chart, features, observation, inputs, targets, changes, reward });
        Ok(())
    }
}

impl Learn for Foresight {
    fn fit(&mut self, dataset: &Dataset, rng: &mut Rng, interrupt: &Interrupt) -> Result<FitReport> {
        let (expected, got) =
            ([self.observation_dim, self.action_dim], [dataset.observation_dim(), dataset.action_dim()]);
        if expected != got {
            return Err(Error::shape("observations and actions of the data", &expected, &got));
        }
        if dataset.len() < 2 {
            let why = format!("needs at least 2 transitions to learn from, got {}", dataset.len());
            return Err(Error::config(ENTRY.name, why));
        }
        // A circle, once taken for one, stays one: hyper-parameters belong to the chart.
        let chart = match &self.known {
            Some(known) => known.chart.clone(),
            None => Chart::of(dataset, &self.angles),
        };
        let (mut inputs, mut targets) = self.columns(&chart, dataset);
        let (of_inputs, of_targets) = (Normalizer::fit(inputs.columns()), Normalizer::fit(targets.columns()));
        of_inputs.normalize(&mut inputs.columns_mut());
        of_targets.normalize(&mut targets.columns_mut());
        let rescaling = self.known.as_ref().map(|before| Rescaling {
            inputs: before.inputs.ratios(&of_inputs),
            targets: before.targets.ratios(&of_targets),
        });
        let examples = Examples {
            inputs: inputs.columns(),
            targets: targets.columns(),
            episode_ends: dataset.episode_ends(),
            rescaling: rescaling.as_ref(),
            interrupt,
        };
        let report = self.processes.fit(&examples, rng)?;
        self.know(chart, of_inputs, of_targets)?;
        Ok(report)
    }
}

/// The posteriors of some outputs as sums of radial functions in the units of the task, with their own uncertainty where they spread.
fn functions(
    fitted: &Fitted,
    (inputs, targets): (&Normalizer, &Normalizer),
    outputs: std::ops::Range<usize>,
    spread: bool,
) -> Result<RadialSums> {
    let (columns, n) = (fitted.inputs.columns(), fitted.inputs.rows());
    let d = columns.dims();
    let centres = (0..n * d).map(|i| inputs.mean[i % d] + inputs.std[i % d] * columns.get(i / d, i % d)).collect();
    let mut sums = RadialSums::new(d, centres);
    let (mut factor, mut half, mut inverse) = (vec![0.0; n * n], vec![0.0; n * n], vec![0.0; n * n]);
    for output in outputs {
        let (hyper, scale) = (&fitted.hypers[output], targets.std[output]);
        let (signal, noise) = (hyper.signal_variance(), hyper.noise_variance());
        let points = Points::new(columns, hyper.inverse_lengths());
        let query = &mut vec![0.0; d];
        points.covariances(Kernel::SquaredExponential, signal, columns, 0, n, query, &mut factor, None);
        (0..n).for_each(|i| factor[i * n + i] += noise);
        cholesky::factor(&mut factor, n)?;
        let mut weights = fitted.targets.columns().column(output).to_vec();
        cholesky::solve(&factor, n, &mut weights);
        weights.iter_mut().for_each(|weight| *weight *= scale * signal);
        let lengths: Vec<f64> = hyper.log_lengths.iter().zip(&inputs.std).map(|(log, std)| log.exp() * std).collect();
        sums.push(&lengths, &weights);
        if spread {
            cholesky::invert_lower(&factor, n, &mut half);
            cholesky::gram_of_lower(&half, n, &mut inverse);
            let gone = (scale * signal).powi(2);
            for (i, row) in inverse.chunks_exact_mut(n).enumerate() {
                row.iter_mut().zip(&weights).for_each(|(number, other)| *number = weights[i] * other - gone * *number);
            }
            sums.spread(&inverse, scale * scale * (signal + noise));
        }
    }
    Ok(sums)
}

impl Persist for Foresight {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put_all("processes", self.processes.save());
        let Some(known) = &self.known else { return state };
        state.put("chart", Array::U64(known.chart.saved()));
        state.put_all("inputs", known.inputs.save());
        state.put_all("targets", known.targets.save());
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.processes.restore(&state.part("processes"))?;
        self.known = None;
        if self.processes.fitted.is_none() {
            return Ok(());
        }
        let Array::U64(saved) = state.array("chart")? else {
            return Err(Error::external("saved state", "array 'chart' is damaged"));
        };
        let chart = Chart::restored(saved, self.observation_dim)?;
        let inputs = Normalizer::restore(&state.part("inputs"), chart.features().outputs() + self.action_dim)?;
        let targets = Normalizer::restore(&state.part("targets"), chart.0.len() + usize::from(self.learns_reward))?;
        self.know(chart, inputs, targets)
    }
}
