//! Bayesian networks: all weights by samples of their posterior, and the last layer alone by its normal approximation, which for squared error is exact.
//!
//! Sampled is `f(x) = b + Σ_i v_i tanh(w_i x + c_i)` with normal priors whose deviations are those below (Neal, 1996). The last layer of a network that was trained on squared error is linear
//! in its features φ: its posterior is `N(m, A⁻¹)`, `A = α I + ΦᵀΦ / σ²`, `m = A⁻¹ Φᵀ y / σ²`, with the α of the greatest evidence on a grid (MacKay, "A Practical Bayesian Framework for
//! Backpropagation Networks", 1992; Daxberger et al., "Laplace Redux", NeurIPS 2021).

use worldwright_core::{Result, Rng};
use worldwright_numerics::cholesky;

use super::hmc::{disagreement, sample};
use super::networks;
use super::world::{Data, NOISE};
use super::{Belief, Effort};

/// Hidden units of the sampled network.
const UNITS: usize = 16;
/// Deviations of the priors: of inner weights and shifts, of outer weights, of the constant.
const PRIOR: [f64; 3] = [3.0, 0.6, 1.0];
/// Chains.
const CHAINS: usize = 2;
/// Chains that disagree by more about what is told have not been anywhere near everywhere.
pub(super) const MOST_DISAGREEMENT: f64 = 2.0;
/// Where chains are asked how far they disagree: on data, and off them on both sides and between, where they are free to.
const ASKED: [f64; 7] = [-2.0, -1.75, -1.0, 0.0, 1.0, 1.75, 2.0];

/// Whether chains that disagree so far may be believed.
pub(super) fn agree(apart: f64) -> bool {
    apart <= MOST_DISAGREEMENT
}

/// Bytes that chains of so many samples take, each once in its chain and once among all.
pub(super) fn bytes(samples: usize) -> f64 {
    2.0 * 8.0 * (CHAINS * (3 * UNITS + 1)) as f64 * samples as f64
}

fn told(weights: &[f64], x: f64) -> f64 {
    weights[3 * UNITS]
        + (0..UNITS).map(|i| weights[2 * UNITS + i] * (weights[i] * x + weights[UNITS + i]).tanh()).sum::<f64>()
}

fn prior(k: usize) -> f64 {
    match k / UNITS {
        0 | 1 => PRIOR[0],
        2 => PRIOR[1],
        _ => PRIOR[2],
    }
}

/// Logarithm of the posterior but for a constant, and its gradient.
fn posterior(data: &Data, weights: &[f64], slope: &mut [f64]) -> f64 {
    let mut value = 0.0;
    for (k, (weight, slope)) in weights.iter().zip(slope.iter_mut()).enumerate() {
        let precision = prior(k).powi(-2);
        value -= 0.5 * precision * weight * weight;
        *slope = -precision * weight;
    }
    for (x, y) in data.x.iter().zip(&data.y) {
        let off = (y - told(weights, *x)) / (NOISE * NOISE);
        value -= 0.5 * off * off * NOISE * NOISE;
        for i in 0..UNITS {
            let bent = (weights[i] * x + weights[UNITS + i]).tanh();
            let inner = off * weights[2 * UNITS + i] * (1.0 - bent * bent);
            slope[i] += inner * x;
            slope[UNITS + i] += inner;
            slope[2 * UNITS + i] += off * bent;
        }
        slope[3 * UNITS] += off;
    }
    value
}

pub(super) fn sampled(data: &Data, places: &[f64], effort: Effort<'_>, rng: &mut Rng) -> Result<Belief> {
    let chains: Result<Vec<Vec<Vec<f64>>>> = (0..CHAINS)
        .map(|_| {
            let start = (0..=3 * UNITS).map(|k| 0.5 * prior(k) * rng.normal()).collect();
            sample(|weights, slope| posterior(data, weights, slope), start, effort.samples, (rng, effort.interrupt))
        })
        .collect();
    let chains = chains?;
    let at = |x: f64| {
        let each: Vec<Vec<f64>> =
            chains.iter().map(|chain| chain.iter().map(|weights| told(weights, x)).collect()).collect();
        let apart = disagreement(&each);
        if apart.is_finite() { apart } else { f64::INFINITY }
    };
    let apart = ASKED.map(at).into_iter().fold(0.0, f64::max);
    let all = chains.concat();
    let n = all.len() as f64;
    let (mut mean, mut doubt) = (Vec::new(), Vec::new());
    for x in places {
        let values: Vec<f64> = all.iter().map(|weights| told(weights, *x)).collect();
        let m = values.iter().sum::<f64>() / n;
        doubt.push((values.iter().map(|value| (value - m).powi(2)).sum::<f64>() / n).sqrt());
        mean.push(m);
    }
    // The least of hundreds of samples is far below what is believed: two deviations stand for the worst.
    Ok(Belief { mean, doubt, noise: vec![NOISE; places.len()], members: Vec::new(), apart: Some(apart) })
}

/// A linear function of features, by its posterior.
struct Linear {
    factor: Vec<f64>,
    mean: Vec<f64>,
    evidence: f64,
}

impl Linear {
    fn new(features: &[Vec<f64>], y: &[f64], alpha: f64) -> Result<Self> {
        let (n, d, beta) = (y.len() as f64, features[0].len(), NOISE.powi(-2));
        let (mut factor, mut mean) = (vec![0.0; d * d], vec![0.0; d]);
        for (row, y) in features.iter().zip(y) {
            for i in 0..d {
                (0..d).for_each(|j| factor[i * d + j] += beta * row[i] * row[j]);
                mean[i] += beta * row[i] * y;
            }
        }
        (0..d).for_each(|i| factor[i * d + i] += alpha);
        cholesky::factor(&mut factor, d)?;
        cholesky::solve(&factor, d, &mut mean);
        let dot = |row: &[f64]| row.iter().zip(&mean).map(|(a, b)| a * b).sum::<f64>();
        let error: f64 = features.iter().zip(y).map(|(row, y)| (y - dot(row)).powi(2)).sum();
        let size: f64 = mean.iter().map(|m| m * m).sum();
        let constant = n * (beta.ln() - (2.0 * std::f64::consts::PI).ln()) + d as f64 * alpha.ln();
        let evidence = 0.5 * (constant - beta * error - alpha * size - cholesky::log_determinant(&factor, d));
        Ok(Self { factor, mean, evidence })
    }

    fn tell(&self, row: &[f64]) -> [f64; 2] {
        let mean = row.iter().zip(&self.mean).map(|(a, b)| a * b).sum();
        let mut solved = row.to_vec();
        cholesky::solve_lower(&self.factor, row.len(), &mut solved);
        [mean, solved.iter().map(|x| x * x).sum::<f64>().sqrt()]
    }
}

pub(super) fn last_layer(data: &Data, places: &[f64], effort: Effort<'_>, rng: &mut Rng) -> Result<Belief> {
    let [seen, asked] = networks::features(data, places, effort, rng)?;
    let mut best: Option<Linear> = None;
    for step in -8..=12 {
        let linear = Linear::new(&seen, &data.y, (f64::from(step) * 0.5).exp2())?;
        if best.as_ref().is_none_or(|best| linear.evidence > best.evidence) {
            best = Some(linear);
        }
    }
    let told: Vec<[f64; 2]> = best.iter().flat_map(|best| asked.iter().map(|row| best.tell(row))).collect();
    Ok(Belief {
        mean: told.iter().map(|[mean, _]| *mean).collect(),
        doubt: told.iter().map(|[_, std]| *std).collect(),
        noise: vec![NOISE; places.len()],
        members: Vec::new(),
        apart: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One feature: A = α + Σφ² / σ², and the evidence is the density of y ~ N(0, σ² I + φφᵀ / α).
    #[test]
    fn one_feature_is_that_of_the_closed_form() {
        let (phi, y, alpha) = ([0.7, -0.4], [0.3, 0.1], 2.0);
        let features: Vec<Vec<f64>> = phi.iter().map(|x| vec![*x]).collect();
        let linear = Linear::new(&features, &y, alpha).unwrap();
        let s = NOISE * NOISE;
        let precision = alpha + (0.49 + 0.16) / s;
        let [mean, std] = linear.tell(&[2.0]);
        assert!((mean - 2.0 * (0.7 * 0.3 - 0.4 * 0.1) / s / precision).abs() < 1e-12);
        assert!((std - 2.0 / precision.sqrt()).abs() < 1e-12);
        let (a, b, d) = (s + 0.49 / alpha, -0.28 / alpha, s + 0.16 / alpha);
        let det = a * d - b * b;
        let fit = (d * y[0] * y[0] - 2.0 * b * y[0] * y[1] + a * y[1] * y[1]) / det;
        let density = -0.5 * (fit + det.ln() + 2.0 * (2.0 * std::f64::consts::PI).ln());
        assert!((linear.evidence - density).abs() < 1e-9, "{} {density}", linear.evidence);
    }

    #[test]
    fn the_gradient_of_the_posterior_is_that_of_differences() {
        let data = Data { x: vec![-1.0, 0.2, 0.9], y: vec![0.3, -0.5, 0.8] };
        let rng = &mut Rng::new(3);
        let weights: Vec<f64> = (0..=3 * UNITS).map(|_| 0.5 * rng.normal()).collect();
        let mut slope = vec![0.0; weights.len()];
        posterior(&data, &weights, &mut slope);
        for k in 0..weights.len() {
            let at = |h: f64| {
                let mut moved = weights.clone();
                moved[k] += h;
                posterior(&data, &moved, &mut vec![0.0; weights.len()])
            };
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((difference - slope[k]).abs() < 1e-4 * (1.0 + slope[k].abs()), "{k}: {difference} {}", slope[k]);
        }
    }
}
