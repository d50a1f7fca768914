//! An energy that is learned by taking noise out: a denoising autoencoder with tied weights.
//!
//! `E(x) = ½ |Q x|² − c·x − Σ_j log cosh(w_j·x + b_j)` has the score `s(x) = −∇E = c + Wᵀ tanh(W x + b) − Qᵀ Q x`, which corrects x by `d(x) = σ² s(x)`. Trained so that `d(x + σ ε)` is `−σ ε`, d comes to
//! `σ² ∇ log p_σ(x)`, with p_σ the density of data with noise (Vincent, "A Connection Between Score Matching and Denoising Autoencoders", 2011); since weights are tied, it is the slope of a number. Of Gaussian
//! data with covariance Σ it is `σ² (Σ + σ²)⁻¹ (μ − x)`. Where only the first numbers of x are moved, the others are what they are given.

use worldwright_core::{Interrupt, Result, Rng};
use worldwright_numerics::dense::dot;

/// How an energy is learned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lessons {
    /// Units, and rows of Q.
    pub(super) units: usize,
    pub(super) rows: usize,
    /// σ.
    pub(super) noise: f64,
    pub(super) updates: usize,
}

/// Samples of an update, and the first rate, which falls to nothing along half a cosine.
const BATCH: usize = 64;
const RATE: f64 = 2e-2;

/// What moves points to where data are.
pub(super) struct Denoiser {
    inputs: usize,
    /// Numbers that are moved, the first ones.
    moved: usize,
    units: usize,
    pub(super) noise: f64,
    /// W and b row by row, then Q, then c.
    numbers: Vec<f64>,
}

impl Denoiser {
    /// Learns from rows of so many numbers, of which the first are moved.
    ///
    /// # Errors
    /// [`Error::Interrupted`](worldwright_core::Error::Interrupted).
    pub(super) fn learned(
        data: &[Vec<f64>],
        moved: usize,
        lessons: Lessons,
        (interrupt, rng): (&Interrupt, &mut Rng),
    ) -> Result<Self> {
        let inputs = data[0].len();
        let count = lessons.units * (inputs + 1) + lessons.rows * inputs + moved;
        let size = 1.0 / (inputs as f64).sqrt();
        let numbers = (0..count).map(|_| 0.5 * size * rng.normal()).collect();
        let mut own = Self { inputs, moved, units: lessons.units, noise: lessons.noise, numbers };
        let (mut slope, mut first, mut second) = (vec![0.0; count], vec![0.0; count], vec![0.0; count]);
        let (mut seen, mut noise, mut goal) = (vec![0.0; inputs], vec![0.0; moved], vec![0.0; moved]);
        for update in 0..lessons.updates {
            interrupt.check("the study")?;
            slope.fill(0.0);
            for _ in 0..BATCH / 2 {
                let clean = &data[rng.below(data.len() as u64) as usize];
                noise.iter_mut().for_each(|noise| *noise = own.noise * rng.normal());
                // Each noise is taken both ways: what it adds to slopes by itself cancels, which is nearly all of it where σ is small.
                for sign in [1.0, -1.0] {
                    seen.copy_from_slice(clean);
                    for ((x, noise), goal) in seen.iter_mut().zip(&noise).zip(&mut goal) {
                        *x += sign * noise;
                        *goal = -sign * noise;
                    }
                    own.add_slope(&seen, &goal, &mut slope);
                }
            }
            let rate = RATE * 0.5 * (1.0 + (std::f64::consts::PI * update as f64 / lessons.updates as f64).cos());
            let [past, square] = [0.9f64, 0.999].map(|decay| 1.0 - decay.powi(update as i32 + 1));
            for (i, number) in own.numbers.iter_mut().enumerate() {
                let by = slope[i] / BATCH as f64;
                first[i] += 0.1 * (by - first[i]);
                second[i] += 0.001 * (by * by - second[i]);
                *number -= rate * first[i] / past / ((second[i] / square).sqrt() + 1e-8);
            }
        }
        Ok(own)
    }

    /// Rows of W with what is added to each, rows of Q, and c.
    fn parts(&self) -> (impl Iterator<Item = (&[f64], f64)>, std::slice::ChunksExact<'_, f64>, &[f64]) {
        let (weights, rest) = self.numbers.split_at(self.units * (self.inputs + 1));
        let (rows, shift) = rest.split_at(rest.len() - self.moved);
        let units = weights.chunks_exact(self.inputs + 1).map(|row| (&row[..self.inputs], row[self.inputs]));
        (units, rows.chunks_exact(self.inputs), shift)
    }

    /// Where a point is moved by.
    pub(super) fn correct(&self, x: &[f64], out: &mut [f64]) {
        let (units, rows, shift) = self.parts();
        out.copy_from_slice(shift);
        for (row, add) in units {
            let on = (dot(row, x) + add).tanh();
            out.iter_mut().zip(row).for_each(|(out, w)| *out += on * w);
        }
        for row in rows {
            let far = dot(row, x);
            out.iter_mut().zip(row).for_each(|(out, q)| *out -= far * q);
        }
        let variance = self.noise * self.noise;
        out.iter_mut().for_each(|out| *out *= variance);
    }

    /// `E`, whose slope by what is moved is less the score.
    #[cfg(test)]
    fn energy(&self, x: &[f64]) -> f64 {
        let (units, rows, shift) = self.parts();
        let wells: f64 = units.map(|(row, add)| (dot(row, x) + add).cosh().ln()).sum();
        let bowl: f64 = rows.map(|row| 0.5 * dot(row, x).powi(2)).sum();
        bowl - wells - dot(shift, x)
    }

    /// Adds the slope of `½ |d(x) − goal|² / σ²` by all numbers.
    fn add_slope(&self, x: &[f64], goal: &[f64], slope: &mut [f64]) {
        let mut off = vec![0.0; self.moved];
        self.correct(x, &mut off);
        off.iter_mut().zip(goal).for_each(|(off, goal)| *off -= goal);
        let (units, rows, _) = self.parts();
        let (weights, rest) = slope.split_at_mut(self.units * (self.inputs + 1));
        for ((row, add), by) in units.zip(weights.chunks_exact_mut(self.inputs + 1)) {
            let on = (dot(row, x) + add).tanh();
            let back = dot(row, &off) * (1.0 - on * on);
            by.iter_mut().zip(x).for_each(|(by, x)| *by += back * x);
            by.iter_mut().zip(&off).for_each(|(by, off)| *by += on * off);
            by[self.inputs] += back;
        }
        let place = rest.len() - self.moved;
        let (bowls, shift) = rest.split_at_mut(place);
        for (row, by) in rows.zip(bowls.chunks_exact_mut(self.inputs)) {
            let (far, back) = (dot(row, x), dot(row, &off));
            by.iter_mut().zip(x).for_each(|(by, x)| *by -= back * x);
            by.iter_mut().zip(&off).for_each(|(by, off)| *by -= far * off);
        }
        shift.iter_mut().zip(&off).for_each(|(by, off)| *by += off);
    }

    /// A sample of the numbers that are not held, by Langevin steps `x ← x + ε s(x) + √(2ε) ξ` with ε a share of σ² (Welling and Teh, ICML 2011, without minibatches).
    pub(super) fn sample(&self, x: &mut [f64], held: &[bool], (steps, share): (usize, f64), rng: &mut Rng) {
        let mut by = vec![0.0; self.moved];
        for _ in 0..steps {
            self.correct(x, &mut by);
            for ((x, by), held) in x.iter_mut().zip(&by).zip(held) {
                if !held {
                    *x += share * by + self.noise * (2.0 * share).sqrt() * rng.normal();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_differences_and_the_correction_that_of_an_energy() {
        let rng = &mut Rng::new(1);
        let data: Vec<Vec<f64>> = (0..20).map(|_| (0..4).map(|_| rng.normal()).collect()).collect();
        let lessons = Lessons { units: 5, rows: 2, noise: 0.3, updates: 3 };
        let mut own = Denoiser::learned(&data, 3, lessons, (&Interrupt::never(), rng)).unwrap();
        let (x, goal) = ([0.3, -0.7, 0.2, 1.1], [0.1, 0.2, -0.3]);
        let mut d = [0.0; 3];
        own.correct(&x, &mut d);
        for i in 0..3 {
            let [more, less] = [1e-5, -1e-5].map(|by| {
                let mut x = x;
                x[i] += by;
                own.energy(&x)
            });
            assert!((d[i] + 0.09 * (more - less) / 2e-5).abs() < 1e-8);
        }
        let mut slope = vec![0.0; own.numbers.len()];
        own.add_slope(&x, &goal, &mut slope);
        for i in 0..slope.len() {
            let [more, less] = [1e-5, -1e-5].map(|by| {
                let before = own.numbers[i];
                own.numbers[i] += by;
                let mut d = [0.0; 3];
                own.correct(&x, &mut d);
                own.numbers[i] = before;
                d.iter().zip(&goal).map(|(d, goal)| 0.5 * (d - goal).powi(2)).sum::<f64>() / 0.09
            });
            assert!((slope[i] - (more - less) / 2e-5).abs() < 1e-8, "{i}");
        }
    }
}
