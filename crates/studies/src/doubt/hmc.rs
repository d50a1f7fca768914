//! Hamiltonian Monte Carlo: samples of a density whose gradient is known (Neal, "Bayesian Learning for Neural Networks", 1996; "MCMC Using Hamiltonian Dynamics", 2011).
//!
//! A place x and a momentum p ~ N(0, I) move by L leapfrog steps of size ε along `H = −ln π(x) + ½ pᵀp`; the end is taken with probability `min(1, e^(H − H'))`. In a warm-up ε is moved until eight of ten
//! ends are taken, and then stays, so that samples are those of the density.

use worldwright_core::{Interrupt, Result, Rng};

/// Share of ends that shall be taken.
const TAKEN: f64 = 0.8;
/// L is drawn up to this, so that no orbit closes.
const MOST_STEPS: u64 = 40;

/// `samples` places after as many of warm-up, from `start`. `density` gives ln π and writes its gradient.
///
/// # Errors
/// [`Error::Interrupted`](worldwright_core::Error::Interrupted).
pub(super) fn sample(
    mut density: impl FnMut(&[f64], &mut [f64]) -> f64,
    start: Vec<f64>,
    samples: usize,
    (rng, interrupt): (&mut Rng, &Interrupt),
) -> Result<Vec<Vec<f64>>> {
    let n = start.len();
    let (mut here, mut slope) = (start, vec![0.0; n]);
    let mut value = density(&here, &mut slope);
    let (mut size, mut out) = (0.05_f64, Vec::with_capacity(samples));
    for round in 0..2 * samples {
        interrupt.check("the study")?;
        let (mut place, mut gradient) = (here.clone(), slope.clone());
        let mut momentum: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        let energy = |value: f64, momentum: &[f64]| 0.5 * momentum.iter().map(|p| p * p).sum::<f64>() - value;
        let (before, mut after) = (energy(value, &momentum), value);
        for _ in 0..1 + rng.below(MOST_STEPS) {
            momentum.iter_mut().zip(&gradient).for_each(|(p, slope)| *p += 0.5 * size * slope);
            place.iter_mut().zip(&momentum).for_each(|(x, p)| *x += size * p);
            after = density(&place, &mut gradient);
            momentum.iter_mut().zip(&gradient).for_each(|(p, slope)| *p += 0.5 * size * slope);
        }
        let chance = (before - energy(after, &momentum)).exp().min(1.0);
        // Written so that an end which is not finite is not taken.
        let chance = if chance.is_finite() { chance } else { 0.0 };
        if rng.uniform() < chance {
            (here, slope, value) = (place, gradient, after);
        }
        if round < samples {
            // Robbins and Monro's steps, ever smaller.
            size *= ((chance - TAKEN) * 2.0 / (round as f64 + 10.0).sqrt()).exp();
        } else {
            out.push(here.clone());
        }
    }
    Ok(out)
}

/// How far chains disagree, √ of the variance over that within them: 1 where they have mixed (Gelman and Rubin, 1992). `chains` are of one number.
pub(super) fn disagreement(chains: &[Vec<f64>]) -> f64 {
    let n = chains[0].len() as f64;
    let means: Vec<f64> = chains.iter().map(|chain| chain.iter().sum::<f64>() / n).collect();
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    let between = n * means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (means.len() as f64 - 1.0).max(1.0);
    let variance = |(chain, mean): (&Vec<f64>, &f64)| chain.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let within = chains.iter().zip(&means).map(variance).sum::<f64>() / chains.len() as f64;
    (((n - 1.0) / n * within + between / n) / within.max(f64::MIN_POSITIVE)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_stop_when_asked() {
        let stop = Interrupt::new();
        stop.request();
        let still = |_: &[f64], slope: &mut [f64]| {
            slope.fill(0.0);
            0.0
        };
        assert!(sample(still, vec![0.0], 10, (&mut Rng::new(1), &stop)).is_err());
    }

    /// Bayesian linear regression of y = w₀ + w₁ x: the posterior is normal, with precision I + XᵀX / σ².
    #[test]
    fn moments_are_those_of_bayesian_linear_regression() {
        let (x, y, noise) = ([-1.0, 0.0, 0.5, 2.0], [0.2, 0.9, 1.4, 3.1], 0.5_f64);
        let beta = 1.0 / (noise * noise);
        let density = |w: &[f64], slope: &mut [f64]| {
            let mut value = -0.5 * (w[0] * w[0] + w[1] * w[1]);
            (slope[0], slope[1]) = (-w[0], -w[1]);
            for (x, y) in x.iter().zip(y) {
                let off = y - w[0] - w[1] * x;
                value -= 0.5 * beta * off * off;
                slope[0] += beta * off;
                slope[1] += beta * off * x;
            }
            value
        };
        let (n, sx, sxx) = (4.0, 1.5, 5.25);
        let (sy, sxy): (f64, f64) = (y.iter().sum(), x.iter().zip(y).map(|(x, y)| x * y).sum());
        let (a, b, d) = (1.0 + beta * n, beta * sx, 1.0 + beta * sxx);
        let det = a * d - b * b;
        let mean = [beta * (d * sy - b * sxy) / det, beta * (a * sxy - b * sy) / det];
        let variance = [d / det, a / det];
        let chains: Vec<Vec<Vec<f64>>> = (0..2)
            .map(|seed| sample(density, vec![0.0; 2], 4000, (&mut Rng::new(seed), &Interrupt::never())).unwrap())
            .collect();
        for k in 0..2 {
            let each: Vec<Vec<f64>> = chains.iter().map(|chain| chain.iter().map(|w| w[k]).collect()).collect();
            assert!(disagreement(&each) < 1.01);
            let all = each.concat();
            let m = all.iter().sum::<f64>() / all.len() as f64;
            let v = all.iter().map(|w| (w - m).powi(2)).sum::<f64>() / all.len() as f64;
            // Three errors of a mean of some 3,000 samples that count, and of a variance.
            assert!((m - mean[k]).abs() < 3.0 * (variance[k] / 3000.0).sqrt(), "{m} {mean:?}");
            assert!((v / variance[k] - 1.0).abs() < 3.0 * (2.0_f64 / 3000.0).sqrt(), "{v} {variance:?}");
        }
    }
}
