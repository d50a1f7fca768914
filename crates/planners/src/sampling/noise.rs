//! Noise over time: white, or coloured with a power-law spectrum.
//!
//! Coloured noise of exponent β has the power spectrum `S(f) ∝ f^(−β)` over the frequencies `k / H` of the horizon (Timmer
//! and König, "On generating power law noise", 1995, as iCEM uses it: Pinneri et al., "Sample-efficient Cross-Entropy Method
//! for Real-time Planning", CoRL 2020, section 3.1). Drawing Fourier coefficients and transforming back is a linear map of H
//! standard normals, so it is one fixed H × H matrix; the constant term takes the amplitude of the lowest frequency. We
//! scale so that the variance at each step is exactly one.

use std::f64::consts::TAU;

use worldwright_core::Key;

/// Candidates whose white noise is drawn together.
const BLOCK: usize = 128;

/// A source of noise `[H][A][n]`.
#[derive(Debug)]
pub(crate) struct Noise {
    horizon: usize,
    dims: usize,
    /// `[H][H]`, absent for white noise.
    colouring: Option<Vec<f32>>,
    white: Vec<f32>,
    coloured: Vec<f32>,
}

impl Noise {
    /// Room for `capacity` candidates; `beta` zero is white noise.
    pub(crate) fn new(beta: f64, horizon: usize, dims: usize, capacity: usize) -> Self {
        let colouring = (beta > 0.0 && horizon > 1)
            .then(|| colouring_matrix(beta, horizon).into_iter().map(|x| x as f32).collect::<Vec<_>>());
        let size = horizon * dims * capacity;
        let coloured = if colouring.is_some() { vec![0.0; size] } else { Vec::new() };
        Self { horizon, dims, colouring, white: vec![0.0; size], coloured }
    }

    /// Gives `take` the standard normal numbers of each row `[H][A]`, correlated over H, with the row's number and that of the first
    /// candidate they are for. White ones come a block of candidates at a time and are used while they are still in the cache; number
    /// `row` of candidate i depends on key, i and row alone.
    pub(crate) fn each_normals(&mut self, key: Key, n: usize, mut take: impl FnMut(usize, usize, &[f32])) {
        if self.colouring.is_some() {
            self.normals(key, n).chunks_exact(n).enumerate().for_each(|(row, normals)| take(row, 0, normals));
            return;
        }
        for first in (0..n).step_by(BLOCK) {
            let count = BLOCK.min(n - first);
            let normals = &mut self.white[..self.horizon * self.dims * count];
            key.fill_normals(count, |i| (first + i) as u64, normals);
            normals.chunks_exact(count).enumerate().for_each(|(row, normals)| take(row, first, normals));
        }
    }

    /// Standard normal numbers `[H][A][n]`, correlated over H.
    fn normals(&mut self, key: Key, n: usize) -> &[f32] {
        let size = self.horizon * self.dims * n;
        for (i, column) in self.white[..size].chunks_exact_mut(n).enumerate() {
            key.fold(i as u64).rng().fill_normal(column);
        }
        let Some(colouring) = &self.colouring else {
            return &self.white[..size];
        };
        let (horizon, width) = (self.horizon, self.dims * n);
        let (white, coloured) = (&self.white[..size], &mut self.coloured[..size]);
        pulp::Arch::new().dispatch(Colour { colouring, white, coloured, horizon, width });
        &self.coloured[..size]
    }

    /// Uniform numbers on [0, 1), `[H][A][n]`, correlated over H by the normal copula where the noise is coloured.
    pub(crate) fn uniforms(&mut self, key: Key, n: usize) -> &[f32] {
        let size = self.horizon * self.dims * n;
        if self.colouring.is_some() {
            self.normals(key, n);
            for number in &mut self.coloured[..size] {
                *number = (normal_cdf(f64::from(*number)) as f32).min(1.0 - f32::EPSILON);
            }
            return &self.coloured[..size];
        }
        for (i, column) in self.white[..size].chunks_exact_mut(n).enumerate() {
            key.fold(i as u64).rng().fill_uniform(column);
        }
        &self.white[..size]
    }
}

/// The product `coloured ← colouring · white`, `[H][H]` by `[H][width]`, a few columns at a time so that they stay in the cache.
struct Colour<'a> {
    colouring: &'a [f32],
    white: &'a [f32],
    coloured: &'a mut [f32],
    horizon: usize,
    width: usize,
}

impl pulp::NullaryFnOnce for Colour<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        const BLOCK: usize = 32;
        let (horizon, width) = (self.horizon, self.width);
        let whole = width / BLOCK * BLOCK;
        for first in (0..whole).step_by(BLOCK) {
            for (t, row) in self.colouring.chunks_exact(horizon).enumerate() {
                let mut sums = [0.0_f32; BLOCK];
                for (h, weight) in row.iter().enumerate() {
                    let from = &self.white[h * width + first..][..BLOCK];
                    for lane in 0..BLOCK {
                        sums[lane] += weight * from[lane];
                    }
                }
                self.coloured[t * width + first..][..BLOCK].copy_from_slice(&sums);
            }
        }
        for (t, row) in self.colouring.chunks_exact(horizon).enumerate() {
            for i in whole..width {
                // From plain zero like the lanes above: an empty sum of floats is −0.
                let each = row.iter().enumerate().map(|(h, weight)| weight * self.white[h * width + i]);
                self.coloured[t * width + i] = each.fold(0.0, |sum, term| sum + term);
            }
        }
    }
}

/// The map `[H][H]` from white to coloured noise, row-major, each row of unit length.
pub(crate) fn colouring_matrix(beta: f64, horizon: usize) -> Vec<f64> {
    let h = horizon as f64;
    let amplitude = |k: usize| (k.max(1) as f64 / h).powf(-beta / 2.0);
    let mut matrix = vec![0.0; horizon * horizon];
    for (t, row) in matrix.chunks_exact_mut(horizon).enumerate() {
        let mut column = 0;
        for k in 0..=horizon / 2 {
            let angle = TAU * (k * t % horizon) as f64 / h;
            // Frequencies 0 and ½ have a cosine only; the others have two coefficients of the same variance. A pair's
            // cos² + sin² is 1, so half of it is the two-sided share that the single ones carry once.
            if k == 0 || 2 * k == horizon {
                row[column] = amplitude(k) * angle.cos();
                column += 1;
            } else {
                row[column] = std::f64::consts::SQRT_2 * amplitude(k) * angle.cos();
                row[column + 1] = std::f64::consts::SQRT_2 * amplitude(k) * angle.sin();
                column += 2;
            }
        }
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        row.iter_mut().for_each(|x| *x /= length);
    }
    matrix
}

/// The standard normal distribution function, error below 8e-8 (Abramowitz and Stegun 26.2.17).
fn normal_cdf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let series =
        t * (0.319_381_530 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-0.5 * x * x).exp() / TAU.sqrt() * series;
    if x > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean power at frequency `k` of `n` sequences `[H][n]`.
    fn power(noise: &[f32], horizon: usize, n: usize, k: usize) -> f64 {
        (0..n)
            .map(|i| {
                let (mut re, mut im) = (0.0, 0.0);
                for t in 0..horizon {
                    let angle = TAU * (k * t) as f64 / horizon as f64;
                    re += f64::from(noise[t * n + i]) * angle.cos();
                    im += f64::from(noise[t * n + i]) * angle.sin();
                }
                re * re + im * im
            })
            .sum::<f64>()
            / n as f64
    }

    #[test]
    fn coloured_noise_falls_off_with_its_exponent_and_keeps_unit_variance() {
        let (horizon, n) = (32, 4000);
        for beta in [0.0, 0.5, 1.0, 2.0, 3.5] {
            let mut noise = Noise::new(beta, horizon, 1, n);
            let numbers = noise.normals(Key::new(5), n);
            // Slope of log power against log frequency by least squares over k = 1..15.
            let points: Vec<(f64, f64)> =
                (1..16).map(|k| ((k as f64).ln(), power(numbers, horizon, n, k).ln())).collect();
            let (mx, my) =
                (points.iter().map(|p| p.0).sum::<f64>() / 15.0, points.iter().map(|p| p.1).sum::<f64>() / 15.0);
            let slope = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>()
                / points.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>();
            assert!((slope + beta).abs() < 0.03, "beta {beta}: slope {slope}");
            for t in [0, 7, horizon - 1] {
                let variance =
                    numbers[t * n..(t + 1) * n].iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / n as f64;
                // Four standard errors of a variance: 4 sqrt(2 / n).
                assert!((variance - 1.0).abs() < 0.09, "beta {beta} at {t}: variance {variance}");
            }
        }
    }

    #[test]
    fn white_noise_of_a_candidate_does_not_depend_on_how_many_there_are() {
        let (horizon, dims) = (5, 2);
        let draw = |n: usize| {
            let mut table = vec![0.0; horizon * dims * n];
            Noise::new(0.0, horizon, dims, n).each_normals(Key::new(7), n, |row, first, normals| {
                table[row * n + first..][..normals.len()].copy_from_slice(normals);
            });
            table
        };
        let most = 3 * BLOCK + 41;
        let all = draw(most);
        assert!(all.iter().all(|x| *x != 0.0), "every candidate has its noise");
        for n in [1, 7, BLOCK, BLOCK + 1, 2 * BLOCK + 99] {
            for (few, many) in draw(n).chunks_exact(n).zip(all.chunks_exact(most)) {
                assert_eq!(few, &many[..n]);
            }
        }
    }

    #[test]
    fn the_normal_distribution_function_has_its_quantiles() {
        for (x, p) in [(0.0, 0.5), (1.959_963_985, 0.975), (-1.281_551_566, 0.1), (3.090_232_306, 0.999)] {
            assert!((normal_cdf(x) - p).abs() < 1e-7);
        }
    }

    #[test]
    fn coloured_uniforms_are_uniform() {
        let n = 20_000;
        let mut noise = Noise::new(2.0, 5, 1, n);
        let numbers = noise.uniforms(Key::new(1), n);
        for step in numbers.chunks_exact(n) {
            for p in [0.1, 0.5, 0.9] {
                let below = step.iter().filter(|u| f64::from(**u) < p).count() as f64 / n as f64;
                assert!((below - p).abs() < 0.015, "{below} below {p}");
            }
        }
    }
}
