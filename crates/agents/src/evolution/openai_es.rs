//! A normal distribution of fixed spread whose mean follows the gradient of what episodes pay, estimated from what was drawn.
//!
//! With `x_i = m + σ z_i` and ranks of what they paid spread evenly over `u_i ∈ [−½, ½]`, `g = 1/(n σ) Σ u_i z_i`, and Adam climbs `g − λ m` (Salimans, Ho, Chen,
//! Sidor and Sutskever, "Evolution Strategies as a Scalable Alternative to Reinforcement Learning", 2017, algorithm 2 and section 2). Every second draw mirrors
//! the one that was tried before it, `−z`, so that the two of a pair tell the slope between them. Equals share their ranks.

use worldwright_core::{Array, Error, Metrics, Result, Rng, Settings, State};

use super::{Evolution, Tried, ranked};

/// Adam's decays and what keeps its step finite.
const DECAYS: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

pub(crate) struct OpenAiEs {
    population: usize,
    spread: f64,
    learning_rate: f64,
    weight_decay: f64,
    mean: Vec<f64>,
    /// Adam's moments.
    first: Vec<f64>,
    second: Vec<f64>,
    generation: u64,
}

impl OpenAiEs {
    /// Reads `population`, `spread`, `learning_rate` and `weight_decay`.
    pub(crate) fn begin(d: usize, settings: &Settings) -> Result<Box<dyn Evolution>> {
        Ok(Box::new(Self {
            population: settings.count_in("population", 2, 1 << 16)?,
            spread: settings.float("spread", 1e-6, 1e6)?,
            learning_rate: settings.float("learning_rate", 0.0, 1e3)?,
            weight_decay: settings.float("weight_decay", 0.0, 1.0)?,
            mean: vec![0.0; d],
            first: vec![0.0; d],
            second: vec![0.0; d],
            generation: 0,
        }))
    }
}

/// What each was worth by its rank: from ½ for the best to −½, equals alike.
fn shaped(tried: &[Tried]) -> Vec<f64> {
    let order = ranked(tried);
    let (mut worth, last) = (vec![0.0; tried.len()], (tried.len().max(2) - 1) as f64);
    let mut first = 0;
    for alike in order.chunk_by(|one, other| tried[*one].paid == tried[*other].paid) {
        let place = first as f64 + 0.5 * (alike.len() - 1) as f64;
        alike.iter().for_each(|one| worth[*one] = 0.5 - place / last);
        first += alike.len();
    }
    worth
}

impl Evolution for OpenAiEs {
    fn population(&self) -> usize {
        self.population
    }

    fn generation(&self) -> u64 {
        self.generation
    }

    fn mean(&self) -> &[f64] {
        &self.mean
    }

    fn draw(&self, tried: &[Tried], rng: &mut Rng, out: &mut [f64]) {
        if let Some(before) = tried.last().filter(|_| tried.len() % 2 == 1) {
            let mirrored = self.mean.iter().zip(&before.numbers);
            out.iter_mut().zip(mirrored).for_each(|(slot, (mean, number))| *slot = 2.0 * mean - number);
            return;
        }
        out.iter_mut().zip(&self.mean).for_each(|(slot, mean)| *slot = mean + self.spread * rng.normal());
    }

    fn adapt(&mut self, tried: &[Tried]) -> Result<Metrics> {
        let worth = shaped(tried);
        self.generation += 1;
        let unit = 1.0 / (tried.len().max(1) as f64 * self.spread);
        let settled = DECAYS.map(|decay| 1.0 - decay.powf(self.generation as f64));
        let mut length = 0.0;
        for i in 0..self.mean.len() {
            let z = |one: &Tried| (one.numbers[i] - self.mean[i]) / self.spread;
            let climb = unit * tried.iter().zip(&worth).map(|(one, worth)| worth * z(one)).sum::<f64>();
            let climb = climb - self.weight_decay * self.mean[i];
            length += climb * climb;
            self.first[i] = DECAYS[0] * self.first[i] + (1.0 - DECAYS[0]) * climb;
            self.second[i] = DECAYS[1] * self.second[i] + (1.0 - DECAYS[1]) * climb * climb;
            let (first, second) = (self.first[i] / settled[0], self.second[i] / settled[1]);
            self.mean[i] += self.learning_rate * first / (second.sqrt() + EPSILON);
        }
        if self.mean.iter().any(|number| !number.is_finite()) {
            let why = "its mean is not finite: try a smaller agent.learning_rate".into();
            return Err(Error::Diverged { who: "openai-es".into(), why });
        }
        Ok(vec![("gradient_norm", f64::sqrt(length))])
    }

    fn save(&self, state: &mut State) {
        for (name, numbers) in [("mean", &self.mean), ("first", &self.first), ("second", &self.second)] {
            state.put(name, Array::F64(vec![numbers.len()], numbers.clone()));
        }
        state.put("generation", Array::U64(vec![self.generation]));
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.restore_mean(state)?;
        for (name, numbers) in [("first", &mut self.first), ("second", &mut self.second)] {
            let count = numbers.len();
            numbers.copy_from_slice(state.f64s(name, count)?);
        }
        self.generation = state.u64s("generation", 1)?[0];
        Ok(())
    }

    fn restore_mean(&mut self, state: &State) -> Result<()> {
        let count = self.mean.len();
        self.mean.copy_from_slice(state.f64s("mean", count)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(numbers: Vec<f64>, paid: f64) -> Tried {
        Tried { numbers, paid }
    }

    #[test]
    fn worth_is_by_rank_and_equals_share_theirs() {
        let all = [1.0, 7.0, 1.0, -3.0, 1.0].map(|paid| tried(Vec::new(), paid));
        assert_eq!(shaped(&all), [0.0, 0.5, 0.0, -0.5, 0.0]);
        assert_eq!(shaped(&[tried(Vec::new(), 1.0), tried(Vec::new(), 1.0)]), [0.0, 0.0]);
    }

    fn begun(d: usize, spread: f64) -> OpenAiEs {
        let zeros = || vec![0.0; d];
        OpenAiEs {
            population: 40,
            spread,
            learning_rate: 0.05,
            weight_decay: 0.0,
            mean: zeros(),
            first: zeros(),
            second: zeros(),
            generation: 0,
        }
    }

    /// Pairs that mirror each other cancel what is the same on both sides: along a slope, the climb is along it.
    #[test]
    fn it_climbs_along_the_slope() {
        let (mut search, rng, slope) = (begun(3, 0.1), &mut Rng::new(1), [1.0, -2.0, 0.5]);
        let mut all: Vec<Tried> = Vec::new();
        for _ in 0..40_000 {
            let mut numbers = vec![0.0; 3];
            search.draw(&all, rng, &mut numbers);
            let paid = numbers.iter().zip(slope).map(|(x, slope)| x * slope).sum();
            all.push(tried(numbers, paid));
        }
        let middle: f64 = all.iter().map(|one| one.numbers[0]).sum::<f64>();
        assert!(middle.abs() < 1e-9, "pairs cancel: {middle}");
        search.adapt(&all).unwrap();
        // The expectation of `u z` for evenly spread ranks of a normal number: along the slope, `1 / (2 √π)` long.
        let climb: Vec<f64> = search.first.iter().map(|first| first / (1.0 - DECAYS[0])).collect();
        let size = slope.iter().map(|slope| slope * slope).sum::<f64>().sqrt();
        for (climb, slope) in climb.iter().zip(slope) {
            let exact = slope / size * 0.5 / std::f64::consts::PI.sqrt() / 0.1;
            assert!((climb - exact).abs() < 0.1, "{climb}, exact {exact}");
        }
    }

    #[test]
    fn it_finds_the_middle_of_a_bowl() {
        let (mut search, rng, middle) = (begun(5, 0.1), &mut Rng::new(2), [0.4, -0.3, 0.9, 0.0, -1.0]);
        for _ in 0..150 {
            let mut all: Vec<Tried> = Vec::new();
            for _ in 0..search.population() {
                let mut numbers = vec![0.0; 5];
                search.draw(&all, rng, &mut numbers);
                let paid = -numbers.iter().zip(middle).map(|(x, at)| (x - at) * (x - at)).sum::<f64>();
                all.push(tried(numbers, paid));
            }
            search.adapt(&all).unwrap();
        }
        for (found, at) in search.mean().iter().zip(middle) {
            assert!((found - at).abs() < 0.05, "{found}, where the middle is {at}");
        }
    }
}
