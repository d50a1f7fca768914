//! Randomness: one counter-based generator, so that any part of any stream can be computed on any thread with the same bytes.
//!
//! A [`Key`] names a stream of the counter-based generator Philox4x32-10; keys are derived from keys by [`Key::fold`], so a row's
//! stream depends on (seed, iteration, sample, step) alone.

use crate::normals::{self, LANES};
use crate::philox::{consecutive, philox, words};
use crate::{Array, Error, Result, State};

/// The name of a stream of random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(u64);

impl Key {
    /// The first key of a seed.
    pub fn new(seed: u64) -> Self {
        // One application of the generator, so that seeds 0, 1, 2 … give unrelated keys.
        Self(seed).fold(0x5EED)
    }

    /// The key of the part called `part`.
    #[must_use]
    pub fn fold(self, part: u64) -> Self {
        let out = philox([part as u32, (part >> 32) as u32, 0x6B65_7921, 0], [self.0 as u32, (self.0 >> 32) as u32]);
        Self(u64::from(out[0]) | (u64::from(out[1]) << 32))
    }

    /// The stream's generator, at its start.
    pub fn rng(self) -> Rng {
        Rng { key: self.words(), counter: 0, block: [0; 4], used: 4 }
    }

    fn words(self) -> [u32; 2] {
        [self.0 as u32, (self.0 >> 32) as u32]
    }

    /// Standard normal numbers of single precision for many rows at once, column by column: number `d` of row `i` becomes
    /// `out[d * rows + i]`, for as many columns as `out` holds.
    ///
    /// A number depends on this key, on `row(i)` and on `d` alone, whatever rows are asked for beside it; the bytes are the same on
    /// every machine. The numbers are unrelated to those of [`rng`](Self::rng) only under another key.
    pub fn fill_normals(self, rows: usize, row: impl Fn(usize) -> u64, out: &mut [f32]) {
        normals::of_rows(self.words(), rows, row, out);
    }

    /// A 64-bit number that stands for the key, to seed something foreign.
    pub fn to_seed(self) -> u64 {
        self.0
    }
}

/// A generator: a stream and a place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rng {
    key: [u32; 2],
    counter: u64,
    block: [u32; 4],
    used: u8,
}

impl Rng {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Key::new(seed).rng()
    }

    /// A key that nothing else drawn from this generator shares.
    pub fn key(&mut self) -> Key {
        Key(self.next_u64()).fold(1)
    }

    /// 32 random bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox([self.counter as u32, (self.counter >> 32) as u32, 0, 0], self.key);
            self.counter += 1;
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used as usize - 1]
    }

    /// 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) | (u64::from(self.next_u32()) << 32)
    }

    /// Uniform on [0, 1), with 53 bits.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform between two numbers.
    #[inline]
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform below `n`, without bias (Lemire, "Fast Random Integer Generation in an Interval", 2019).
    ///
    /// # Panics
    /// When `n` is zero.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "there is no number below zero");
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            if (product as u64) >= n.wrapping_neg() % n {
                return (product >> 64) as u64;
            }
        }
    }

    /// A standard normal number in double precision, by Box and Muller's transformation.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Puts `items` in random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }

    /// Fills `out` with standard normal numbers of single precision: vectorised, a nanosecond or two each.
    ///
    /// The numbers depend on the stream and its place alone, by plain IEEE operations in a fixed order: the same bytes on
    /// every machine. Box–Muller from 32-bit uniforms; the largest magnitude is 6.7.
    pub fn fill_normal(&mut self, out: &mut [f32]) {
        let first = self.counter;
        self.counter += out.len().div_ceil(4 * LANES) as u64 * LANES as u64;
        self.used = 4;
        normals::of_stream(self.key, first, out);
    }

    /// Fills `out` with uniform numbers on [0, 1) of single precision (24 bits).
    pub fn fill_uniform(&mut self, out: &mut [f32]) {
        let mut block = [[0; LANES]; 4];
        for chunk in out.chunks_mut(4 * LANES) {
            words(&consecutive(self.counter), 0, self.key, &mut block);
            self.counter += LANES as u64;
            for (slot, word) in chunk.iter_mut().zip(block.as_flattened()) {
                *slot = (word >> 8) as f32 * (1.0 / 16_777_216.0);
            }
        }
        self.used = 4;
    }

    /// Fills `out` with standard Gumbel numbers, `−ln −ln u` of single precision: the largest of logits plus these is a draw of their
    /// categorical distribution (Gumbel 1954; Maddison, Tarlow and Minka, "A* Sampling", 2014).
    pub fn fill_gumbel(&mut self, out: &mut [f32]) {
        self.fill_uniform(out);
        out.iter_mut().for_each(|slot| *slot = gumbel(*slot));
    }

    /// Everything needed to go on from here.
    pub fn save(&self) -> Array {
        let key = u64::from(self.key[0]) | (u64::from(self.key[1]) << 32);
        Array::U64(vec![key, self.counter, u64::from(self.used)])
    }

    /// Goes on from a saved place.
    ///
    /// # Errors
    /// When `state` holds no generator called `name`.
    pub fn restore(&mut self, state: &State, name: &str) -> Result<()> {
        let saved = state.u64s(name, 3)?;
        if saved[2] > 4 {
            return Err(Error::external("saved state", format!("'{name}' is not a generator's state")));
        }
        self.key = [saved[0] as u32, (saved[0] >> 32) as u32];
        self.counter = saved[1];
        self.used = saved[2] as u8;
        if self.used < 4 {
            let place = self.counter.wrapping_sub(1);
            self.block = philox([place as u32, (place >> 32) as u32, 0, 0], self.key);
        }
        Ok(())
    }
}

/// The Gumbel number of a number on the grid of 24 bits below 1. Half a step off the grid, so that the lower end is not infinite; the upper one would be rounded to 1, and is held below.
fn gumbel(uniform: f32) -> f32 {
    let inside = (uniform + 0.5 / 16_777_216.0).min(1.0 - f32::EPSILON / 2.0);
    -(-inside.ln()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gumbel_numbers_are_finite_from_end_to_end_of_the_grid() {
        let grid = |step: u32| step as f32 / 16_777_216.0;
        let ends = [grid(0), grid(1), grid(16_777_214), grid(16_777_215)].map(gumbel);
        assert!(ends.iter().all(|number| number.is_finite()), "{ends:?}");
        assert!(ends.is_sorted() && ends[0] < -2.8 && (16.0..17.5).contains(&ends[3]), "{ends:?}");
    }

    #[test]
    fn normals_have_the_moments_of_a_normal() {
        let mut numbers = vec![0.0_f32; 1_000_000];
        Rng::new(3).fill_normal(&mut numbers);
        let n = numbers.len() as f64;
        let moment = |power: i32| numbers.iter().map(|x| f64::from(*x).powi(power)).sum::<f64>() / n;
        // Four standard errors each: sqrt(1, 2, 15, 96) / 1000.
        assert!(moment(1).abs() < 0.004, "mean {}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.006, "variance {}", moment(2));
        assert!(moment(3).abs() < 0.016, "third {}", moment(3));
        assert!((moment(4) - 3.0).abs() < 0.04, "fourth {}", moment(4));
        let beyond = |x: f64| numbers.iter().filter(|y| f64::from(**y).abs() > x).count() as f64 / n;
        assert!((beyond(1.959_964) - 0.05).abs() < 0.001);
        assert!((beyond(3.290_527) - 0.001).abs() < 0.000_15);
    }

    #[test]
    fn gumbels_have_the_moments_of_a_gumbel() {
        let mut numbers = vec![0.0_f32; 400_000];
        Rng::new(6).fill_gumbel(&mut numbers);
        assert!(numbers.iter().all(|number| number.is_finite()));
        let n = numbers.len() as f64;
        let mean = numbers.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
        let variance = numbers.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n;
        // Euler's constant and π²/6, each within four standard errors.
        assert!((mean - 0.577_215_665).abs() < 0.008, "mean {mean}");
        assert!((variance - 1.644_934_067).abs() < 0.022, "variance {variance}");
    }

    #[test]
    fn normals_by_rows_depend_on_the_row_alone() {
        let (key, columns) = (Key::new(4), 6);
        let mut all = vec![0.0; columns * 100];
        key.fill_normals(100, |i| i as u64, &mut all);
        let chosen = [77, 3, 3, 99, 0, 12, 51, 8, 40, 41, 42];
        let mut some = vec![0.0; columns * chosen.len()];
        key.fill_normals(chosen.len(), |i| chosen[i], &mut some);
        for (i, row) in chosen.iter().enumerate() {
            for column in 0..columns {
                assert_eq!(some[column * chosen.len() + i], all[column * 100 + *row as usize]);
            }
        }
        all.sort_by(f32::total_cmp);
        all.dedup();
        assert_eq!(all.len(), columns * 100, "no number comes twice");
    }

    #[test]
    fn a_restored_generator_goes_on() {
        let mut rng = Rng::new(11);
        for _ in 0..5 {
            rng.next_u32();
        }
        let mut state = State::new();
        state.put("rng", rng.save());
        let mut other = Rng::new(0);
        other.restore(&state, "rng").unwrap();
        assert_eq!(
            (0..9).map(|_| rng.next_u32()).collect::<Vec<_>>(),
            (0..9).map(|_| other.next_u32()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn below_is_uniform() {
        let mut rng = Rng::new(5);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            counts[rng.below(6) as usize] += 1;
        }
        // Five standard deviations of a binomial count.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 460), "{counts:?}");
    }
}
