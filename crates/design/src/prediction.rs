//! How well a model foretells episodes that it did not see: open-loop predictions along recorded actions.
//!
//! From starts spread over the held-out episodes a model is fed the actions that were taken. With μ the mean and v the variance over
//! its lanes, all in units of the data's standard deviation, the error k steps ahead and the log likelihood are
//!
//! ```text
//! e_k = sqrt(mean min((μ − o)², 9)),     ℓ_k = mean log N(o; μ, v + c_k)
//! ```
//!
//! over starts and dimensions, the sum of the first k rewards among them. A single run-away prediction counts three standard
//! deviations, so that it cannot hide how the others fared. `c_k` is the variance that a model's own lanes lack, taken from
//! the other half of the starts: a model without spread is judged by the noise that it leaves, an overconfident one by what it owes.

use worldwright_core::{Actions, Columns, Dataset, Error, Imagination, Imagined, Key, Result, Rows, Space, WorldModel};

/// Steps ahead at which predictions are compared with what came.
const STEPS: [usize; 6] = [1, 2, 5, 10, 20, 40];
/// Starts, spread over the held-out episodes.
const STARTS: usize = 64;
/// Squared error, in units of the data's variance, beyond which a prediction is wrong and no more.
const WORST: f64 = 9.0;
/// Least variance of a predictive distribution.
const LEAST_VARIANCE: f64 = 1e-10;

/// How well a model foretells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prediction {
    /// Steps ahead.
    pub steps: Vec<usize>,
    /// Error at each of them, in standard deviations of the data.
    pub errors: Vec<f64>,
    /// Mean over them and over all numbers of the log likelihood, in nats a number.
    pub log_likelihood: f64,
    /// What candidates are ranked by: the mean of `errors`.
    pub score: f64,
}

/// Held-out episodes, ready to judge any model by.
pub(super) struct Examination<'a> {
    data: &'a Dataset,
    /// First transition of each prediction, and how many follow it in its episode.
    starts: Vec<(usize, usize)>,
    steps: Vec<usize>,
    /// Standard deviation of each observed number; those that never change are left out.
    scale: Vec<f64>,
    /// Standard deviation of the sum of rewards over as many steps as `steps` says; zero where rewards never change.
    reward_scale: Vec<f64>,
}

impl<'a> Examination<'a> {
    /// Of `data`, whole episodes, with predictions up to `most` steps ahead.
    pub(super) fn new(data: &'a Dataset, most: usize) -> Self {
        let remaining = remaining(data);
        let longest = remaining.iter().copied().max().unwrap_or(0);
        let steps: Vec<usize> = STEPS.into_iter().filter(|k| *k <= most.max(1).min(longest)).collect();
        let furthest = steps.last().copied().unwrap_or(0);
        // Where episodes are short, some starts end before the furthest comparison; half of it is enough for a start.
        let able: Vec<usize> = (0..data.len()).filter(|i| 2 * remaining[*i] >= furthest.max(2)).collect();
        let able = if able.is_empty() { (0..data.len()).collect() } else { able };
        let taken = STARTS.min(able.len());
        let starts: Vec<(usize, usize)> =
            (0..taken).map(|i| able[i * able.len() / taken]).map(|start| (start, remaining[start])).collect();
        let scale = (0..data.observation_dim())
            .map(|dim| moments((0..data.len()).map(|i| data.next_observation(i)[dim])).1)
            .collect();
        let sum = |start: usize, k: usize| data.rewards()[start..start + k].iter().sum::<f64>();
        let reward_scale = steps
            .iter()
            .map(|k| moments(starts.iter().filter(|(_, left)| left >= k).map(|(start, _)| sum(*start, *k))).1)
            .collect();
        Self { data, starts, steps, scale, reward_scale }
    }

    /// Examines a fitted model.
    ///
    /// # Errors
    /// [`Error::Diverged`] where some start has no finite prediction; what the model's steps give.
    pub(super) fn judge(&self, model: &dyn WorldModel, key: Key) -> Result<Prediction> {
        let (count, spec) = (self.starts.len(), model.spec());
        let mut arena = model.imagination(count);
        let mut imagined = Imagined::new(spec, count);
        for (row, (start, _)) in self.starts.iter().enumerate() {
            let observation = spec.observation_space.unflatten(self.data.observation(*start))?;
            arena.observe(row, None, &observation, key)?;
        }
        let mut paid = vec![0.0; spec.members * count];
        let mut prediction = Prediction { steps: self.steps.clone(), ..Prediction::default() };
        for step in 0..self.steps.last().copied().unwrap_or(0) {
            let (numbers, choices) = self.recorded(step);
            let actions = actions(&spec.action_space, &numbers, &choices, count)?;
            let rows = || Rows::Span(0..count);
            arena.step(rows(), actions, rows(), key.fold(step as u64), &mut imagined)?;
            paid.iter_mut().zip(&imagined.reward).for_each(|(sum, reward)| *sum += reward);
            if let Some(place) = self.steps.iter().position(|k| *k == step + 1) {
                let cells = self.compare(arena.as_ref(), &paid, place)?;
                let errors: f64 = cells.iter().map(|cell| cell.square).sum();
                prediction.errors.push((errors / cells.len().max(1) as f64).sqrt());
                prediction.log_likelihood += log_likelihood(&cells) / self.steps.len() as f64;
            }
        }
        prediction.score = prediction.errors.iter().sum::<f64>() / prediction.errors.len().max(1) as f64;
        Ok(prediction)
    }

    /// Every number of every start that has come this far against what really came; `paid` is `[members][starts]`.
    fn compare(&self, arena: &dyn Imagination, paid: &[f64], place: usize) -> Result<Vec<Cell>> {
        let (spec, count, step) = (arena.spec(), self.starts.len(), self.steps[place] - 1);
        let dims = self.scale.len();
        let mut lane = vec![0.0; dims + 1];
        let mut lanes = Vec::with_capacity(spec.members * (dims + 1));
        let mut cells = Vec::with_capacity(count * (dims + 1));
        for (row, (start, _)) in self.starts.iter().enumerate().filter(|(_, (_, left))| *left > step) {
            lanes.clear();
            for member in 0..spec.members {
                arena.decode(row, member, &mut lane[..dims])?;
                lane[dims] = paid[member * count + row];
                if lane.iter().all(|x| x.is_finite()) {
                    lanes.extend_from_slice(&lane);
                }
            }
            if lanes.is_empty() {
                let why = format!("{} steps ahead no prediction is finite", step + 1);
                return Err(Error::Diverged { who: spec.name.clone().into(), why });
            }
            let rewards: f64 = self.data.rewards()[*start..=start + step].iter().sum();
            let real = self.data.next_observation(start + step).iter().chain([&rewards]);
            let scales = self.scale.iter().chain([&self.reward_scale[place]]);
            for (number, (real, scale)) in real.zip(scales).enumerate().filter(|(_, (_, scale))| **scale > 0.0) {
                let (mean, std) = moments(lanes.iter().skip(number).step_by(dims + 1).copied());
                let square = ((mean - real) / scale).powi(2).min(WORST);
                cells.push(Cell { number, half: row % 2, square, variance: (std / scale).powi(2) });
            }
        }
        Ok(cells)
    }

    /// The recorded actions `step` steps after each start; past an episode's end the last one again.
    fn recorded(&self, step: usize) -> (Vec<f64>, Vec<u32>) {
        let row = |(start, left): &(usize, usize)| self.data.action(start + step.min(left - 1));
        let numbers = (0..self.data.action_dim()).flat_map(|dim| self.starts.iter().map(move |start| row(start)[dim]));
        (numbers.collect(), self.starts.iter().map(|start| choice(row(start))).collect())
    }
}

/// The choice of a flat discrete action.
pub(super) fn choice(flat: &[f64]) -> u32 {
    flat.iter().position(|x| *x > 0.5).unwrap_or(0) as u32
}

/// Flat actions as models take them: `numbers` is `[dimension][row]`, `choices` one a row.
///
/// # Errors
/// [`Error::Shape`] for numbers of another length.
pub(super) fn actions<'a>(space: &Space, numbers: &'a [f64], choices: &'a [u32], rows: usize) -> Result<Actions<'a>> {
    match space {
        Space::Discrete { .. } => Ok(Actions::Discrete(choices)),
        space => Ok(Actions::Continuous(Columns::new(numbers, space.flat_dim(), rows)?)),
    }
}

/// One predicted number beside the real one, in units of the data's variance.
struct Cell {
    number: usize,
    half: usize,
    /// Squared error, [`WORST`] at the most.
    square: f64,
    /// Variance over the lanes.
    variance: f64,
}

/// Mean log density of the real numbers; the variance that lanes lack comes from the other half of the starts.
fn log_likelihood(cells: &[Cell]) -> f64 {
    let numbers = cells.iter().map(|cell| cell.number + 1).max().unwrap_or(0);
    // Sums of squares, variances and counts, `[number][half]`.
    let mut sums = vec![[[0.0; 3]; 2]; numbers];
    for cell in cells {
        let sums = &mut sums[cell.number][cell.half];
        sums.iter_mut().zip([cell.square, cell.variance, 1.0]).for_each(|(sum, x)| *sum += x);
    }
    let lacking = |cell: &Cell| {
        let [own, other] = [sums[cell.number][cell.half], sums[cell.number][1 - cell.half]];
        let [squares, variances, count] = if other[2] > 0.0 { other } else { own };
        ((squares - variances) / count).max(0.0)
    };
    let density = |cell: &Cell| {
        let variance = cell.variance + lacking(cell) + LEAST_VARIANCE;
        -0.5 * ((std::f64::consts::TAU * variance).ln() + cell.square / variance)
    };
    cells.iter().map(density).sum::<f64>() / cells.len().max(1) as f64
}

/// Steps of each transition's episode from it on, itself among them.
fn remaining(data: &Dataset) -> Vec<usize> {
    let mut remaining = vec![0; data.len()];
    let mut left = 0;
    for i in (0..data.len()).rev() {
        left = if data.episode_ends()[i] { 1 } else { left + 1 };
        remaining[i] = left;
    }
    remaining
}

/// Mean and standard deviation, divided by n.
pub(super) fn moments(numbers: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let (sum, count) = numbers.clone().fold((0.0, 0.0), |(sum, count), x| (sum + x, count + 1.0));
    let mean = sum / f64::max(count, 1.0);
    let squares: f64 = numbers.map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / f64::max(count, 1.0)).sqrt())
}
