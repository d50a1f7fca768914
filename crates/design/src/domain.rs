//! What a domain is like, in a few numbers that can be told before anything is searched.
//!
//! Noise is told apart from structure by the Gamma test (Stefánsson, Končar and Jones, "A note on the Gamma test", Neural Computing and
//! Applications, 1997): half the squared difference of two neighbours' targets, regressed on their squared distance, has the noise
//! variance as its intercept, for any smooth system. Non-linearity is what a linear model leaves unexplained.

use worldwright_core::{Dataset, Space};

use super::prediction::moments;
use worldwright_agents::AgentContext;

/// Points of the Gamma test, evenly taken from the data.
const GAMMA_POINTS: usize = 400;
/// Neighbours of each point.
const GAMMA_NEIGHBOURS: usize = 8;

/// A domain's descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Domain {
    /// Numbers observed.
    pub observation_dim: usize,
    /// Numbers told, or choices.
    pub action_dim: usize,
    /// Whether actions are choices.
    pub discrete: bool,
    /// Transitions to learn from.
    pub transitions: usize,
    /// Steps of the longest episode.
    pub episode_steps: usize,
    /// Whether reward and termination are known functions.
    pub reward_known: bool,
    /// Standard deviation of what no function of observation and action can tell of the next change, in units of the change's.
    pub noise: f64,
    /// Error of a linear model on held-out episodes, in standard deviations of the data; see [`Prediction::score`](super::Prediction::score).
    pub nonlinearity: f64,
}

impl Domain {
    /// What can be told of the data without a model.
    pub(super) fn of(context: &AgentContext, dataset: &Dataset, episode_steps: usize) -> Self {
        Self {
            observation_dim: dataset.observation_dim(),
            action_dim: dataset.action_dim(),
            discrete: matches!(context.action_space, Space::Discrete { .. }),
            transitions: dataset.len(),
            episode_steps,
            reward_known: context.reward.is_some(),
            noise: noise(dataset),
            nonlinearity: 0.0,
        }
    }

    /// How unlike two domains are; each term is about 1 for a difference that matters.
    pub fn distance(&self, other: &Self) -> f64 {
        let ratio = |a: usize, b: usize| ((a.max(1) as f64) / (b.max(1) as f64)).ln();
        let differs = |a: bool, b: bool| if a == b { 0.0 } else { 1.0 };
        let terms = [
            ratio(self.observation_dim, other.observation_dim) / 0.7,
            ratio(self.action_dim, other.action_dim) / 0.7,
            differs(self.discrete, other.discrete),
            ratio(self.transitions, other.transitions) / 1.5,
            ratio(self.episode_steps, other.episode_steps) / 1.5,
            differs(self.reward_known, other.reward_known),
            (self.noise - other.noise) / 0.2,
            (self.nonlinearity - other.nonlinearity) / 0.3,
        ];
        terms.iter().map(|term| term * term).sum::<f64>().sqrt()
    }
}

/// Noise of one step, in standard deviations of the change, averaged over the numbers that change.
fn noise(dataset: &Dataset) -> f64 {
    let taken = GAMMA_POINTS.min(dataset.len());
    if taken <= GAMMA_NEIGHBOURS {
        return 0.0;
    }
    let rows: Vec<usize> = (0..taken).map(|i| i * dataset.len() / taken).collect();
    let normalised = |columns: Vec<Vec<f64>>| -> Vec<Vec<f64>> {
        let scaled = columns.into_iter().filter_map(|column| {
            let (mean, std) = moments(column.iter().copied());
            (std > 1e-12).then(|| column.iter().map(|x| (x - mean) / std).collect())
        });
        scaled.collect()
    };
    let observed = (0..dataset.observation_dim()).map(|d| rows.iter().map(|i| dataset.observation(*i)[d]).collect());
    let told = (0..dataset.action_dim()).map(|d| rows.iter().map(|i| dataset.action(*i)[d]).collect());
    let inputs = normalised(observed.chain(told).collect());
    let change = |i: usize, d: usize| dataset.next_observation(i)[d] - dataset.observation(i)[d];
    let targets =
        normalised((0..dataset.observation_dim()).map(|d| rows.iter().map(|i| change(*i, d)).collect()).collect());
    // Of each rank of neighbour, the mean squared distance of the inputs and half of that of each target.
    let mut distances = [0.0; GAMMA_NEIGHBOURS];
    let mut halves = vec![[0.0; GAMMA_NEIGHBOURS]; targets.len()];
    let mut others: Vec<(f64, usize)> = Vec::with_capacity(taken);
    for i in 0..taken {
        others.clear();
        others.extend(
            (0..taken)
                .filter(|j| *j != i)
                .map(|j| (inputs.iter().map(|column| (column[i] - column[j]).powi(2)).sum::<f64>(), j)),
        );
        others.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (rank, (distance, j)) in others.iter().take(GAMMA_NEIGHBOURS).enumerate() {
            distances[rank] += distance / taken as f64;
            for (half, target) in halves.iter_mut().zip(&targets) {
                half[rank] += 0.5 * (target[i] - target[*j]).powi(2) / taken as f64;
            }
        }
    }
    let (x, spread) = moments(distances.iter().copied());
    let intercept = |y: &[f64; GAMMA_NEIGHBOURS]| {
        let (mean, _) = moments(y.iter().copied());
        let covariance = distances.iter().zip(y).map(|(d, y)| (d - x) * (y - mean)).sum::<f64>();
        let slope = covariance / (GAMMA_NEIGHBOURS as f64 * spread * spread).max(1e-300);
        (mean - slope * x).clamp(0.0, 1.0).sqrt()
    };
    moments(halves.iter().map(intercept)).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldwright_core::Rng;

    /// Changes sin(2x) + u with and without noise of a known share of their own standard deviation.
    #[test]
    fn noise_is_told_apart_from_structure() {
        for share in [0.0, 0.3, 0.6] {
            let mut rng = Rng::new(5);
            let mut data = Dataset::new(1, 1);
            for _ in 0..2000 {
                let (x, u) = (rng.uniform_in(-2.0, 2.0), rng.uniform_in(-1.0, 1.0));
                // The variance of sin 2x over [-2, 2] is (1 - sin(8) / 8) / 2, that of u is 1/3.
                let std = (0.5 * (1.0 - 8f64.sin() / 8.0) + 1.0 / 3.0).sqrt() * share / f64::sqrt(1.0 - share * share);
                let next = x + (2.0 * x).sin() + u + std * rng.normal();
                data.push(&[x], &[u], 0.0, &[next], false, true).unwrap();
            }
            let found = noise(&data);
            assert!((found - share).abs() < 0.1, "{share}: {found}");
        }
    }
}
