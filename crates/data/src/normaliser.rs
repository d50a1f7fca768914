//! Running mean and standard deviation of each dimension.
//!
//! Welford's update, and for merging the pairwise form of Chan, Golub and LeVeque ("Algorithms for Computing the Sample
//! Variance", 1983): with `δ = mean_b - mean_a`, `M = M_a + M_b + δ² n_a n_b / n`. Both agree with the two-pass formula to
//! rounding.

use worldwright_core::{Array, Error, Persist, Result, State};

/// Running moments of vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Normaliser {
    count: u64,
    mean: Vec<f64>,
    /// Sums of squared distances from the mean.
    scatter: Vec<f64>,
}

impl Normaliser {
    /// Nothing seen yet.
    pub fn new(dims: usize) -> Self {
        Self { count: 0, mean: vec![0.0; dims], scatter: vec![0.0; dims] }
    }

    /// How many vectors were seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean of each dimension, zero before any was seen.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Population variance of dimension `dim`.
    pub fn variance(&self, dim: usize) -> f64 {
        if self.count == 0 { 0.0 } else { self.scatter[dim] / self.count as f64 }
    }

    /// Population standard deviation of dimension `dim`.
    pub fn std(&self, dim: usize) -> f64 {
        self.variance(dim).sqrt()
    }

    /// Takes in a vector.
    ///
    /// # Errors
    /// [`Error::Shape`] for another length, [`Error::Diverged`] for a number that is not finite, which would spoil all that
    /// follows: nothing is taken in then.
    pub fn observe(&mut self, vector: &[f64]) -> Result<()> {
        self.check(vector)?;
        if let Some(number) = vector.iter().find(|number| !number.is_finite()) {
            return Err(Error::Diverged { who: "normaliser".into(), why: format!("{number} was to be taken in") });
        }
        self.count += 1;
        for ((mean, scatter), x) in self.mean.iter_mut().zip(&mut self.scatter).zip(vector) {
            let delta = x - *mean;
            *mean += delta / self.count as f64;
            *scatter += delta * (x - *mean);
        }
        Ok(())
    }

    /// Takes in all that another has seen.
    ///
    /// # Errors
    /// [`Error::Shape`] for another length.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.check(&other.mean)?;
        if other.count == 0 {
            return Ok(());
        }
        let (a, b) = (self.count as f64, other.count as f64);
        for dim in 0..self.mean.len() {
            let delta = other.mean[dim] - self.mean[dim];
            self.mean[dim] += delta * (b / (a + b));
            self.scatter[dim] += other.scatter[dim] + delta * delta * (a * b / (a + b));
        }
        self.count += other.count;
        Ok(())
    }

    /// Replaces each number by its distance from the mean in standard deviations. A dimension whose deviation is below
    /// `least_std` is divided by that: it hardly varied, and must not be blown up.
    ///
    /// # Errors
    /// [`Error::Shape`] for another length.
    pub fn normalise(&self, vector: &mut [f64], least_std: f64) -> Result<()> {
        self.check(vector)?;
        for (dim, x) in vector.iter_mut().enumerate() {
            *x = (*x - self.mean[dim]) / self.std(dim).max(least_std);
        }
        Ok(())
    }

    /// The inverse of [`normalise`](Self::normalise).
    ///
    /// # Errors
    /// [`Error::Shape`] for another length.
    pub fn denormalise(&self, vector: &mut [f64], least_std: f64) -> Result<()> {
        self.check(vector)?;
        for (dim, x) in vector.iter_mut().enumerate() {
            *x = *x * self.std(dim).max(least_std) + self.mean[dim];
        }
        Ok(())
    }

    fn check(&self, vector: &[f64]) -> Result<()> {
        if vector.len() == self.mean.len() {
            Ok(())
        } else {
            Err(Error::shape("normaliser", &[self.mean.len()], &[vector.len()]))
        }
    }
}

impl Persist for Normaliser {
    fn save(&self) -> State {
        let mut state = State::new();
        state.put("count", Array::U64(vec![self.count]));
        state.put("mean", Array::F64(vec![self.mean.len()], self.mean.clone()));
        state.put("scatter", Array::F64(vec![self.scatter.len()], self.scatter.clone()));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let dims = self.mean.len();
        let (count, mean) = (state.u64s("count", 1)?[0], state.f64s("mean", dims)?.to_vec());
        let scatter = state.f64s("scatter", dims)?.to_vec();
        *self = Self { count, mean, scatter };
        Ok(())
    }
}
