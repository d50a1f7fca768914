//! Covariance matrix adaptation over a policy's numbers: see [`CovarianceAdaptation`] for the method and its sources.
//!
//! Beyond [`MOST_FULL`] numbers the covariance is diagonal. The mean is what acts where nothing is tried.

use worldwright_core::{Array, Error, Metrics, Result, Rng, Settings, State};
use worldwright_planners::CovarianceAdaptation;

use super::{Evolution, Tried, ranked};

/// Numbers up to which the covariance is whole: an update costs its square for each of the best.
const MOST_FULL: usize = 200;

pub(crate) struct CmaEs {
    population: usize,
    mean: Vec<f64>,
    adaptation: CovarianceAdaptation,
}

impl CmaEs {
    /// Reads `population` and `spread`.
    pub(crate) fn begin(d: usize, settings: &Settings) -> Result<Box<dyn Evolution>> {
        let spread = settings.float("spread", 1e-6, 1e6)?;
        let population = match settings.count_in("population", 0, 1 << 16)? {
            0 => CovarianceAdaptation::population(d),
            1..=3 => return Err(Error::config("population", "must be at least 4, or 0 for what suits the policy")),
            given => given,
        };
        let adaptation = if d > MOST_FULL {
            CovarianceAdaptation::diagonal(population, d, spread)
        } else {
            let identity = (0..d * d).map(|i| f64::from(u8::from(i % (d + 1) == 0))).collect();
            CovarianceAdaptation::full(population, identity, spread)
        };
        Ok(Box::new(Self { population, mean: vec![0.0; d], adaptation }))
    }
}

impl Evolution for CmaEs {
    fn population(&self) -> usize {
        self.population
    }

    fn generation(&self) -> u64 {
        u64::from(self.adaptation.generation())
    }

    fn mean(&self) -> &[f64] {
        &self.mean
    }

    fn draw(&self, _tried: &[Tried], rng: &mut Rng, out: &mut [f64]) {
        let white: Vec<f64> = out.iter().map(|_| rng.normal()).collect();
        self.adaptation.offset(&white, out);
        out.iter_mut().zip(&self.mean).for_each(|(slot, mean)| *slot += mean);
    }

    fn adapt(&mut self, tried: &[Tried]) -> Result<Metrics> {
        let (order, mean, sigma) = (ranked(tried), &self.mean, self.adaptation.sigma());
        let best = self.adaptation.parents().min(tried.len());
        let y = |place: usize, i: usize| (tried[order[place]].numbers[i] - mean[i]) / sigma;
        let drawn_with = self.adaptation.adapt(best, y);
        let steps = self.adaptation.step();
        self.mean.iter_mut().zip(steps).for_each(|(mean, step)| *mean += drawn_with * step);
        if self.mean.iter().any(|number| !number.is_finite()) {
            let why = "its mean is not finite: try a smaller agent.spread".into();
            return Err(Error::Diverged { who: "cma-es".into(), why });
        }
        let spread = (0..self.mean.len()).map(|i| self.adaptation.std(i)).sum::<f64>() / self.mean.len().max(1) as f64;
        Ok(vec![("spread", spread)])
    }

    fn save(&self, state: &mut State) {
        state.put("mean", Array::F64(vec![self.mean.len()], self.mean.clone()));
        self.adaptation.save(state);
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.restore_mean(state)?;
        self.adaptation.restore(state)
    }

    fn restore_mean(&mut self, state: &State) -> Result<()> {
        let count = self.mean.len();
        self.mean.copy_from_slice(state.f64s("mean", count)?);
        Ok(())
    }
}
