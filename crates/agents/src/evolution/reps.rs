//! Relative-entropy policy search: a distribution over a policy's numbers that moves by no more than so many nats a generation.
//!
//! Of N numbers that were drawn and paid R, the weights that pay the most in expectation without being further than ε from the draws in relative entropy are
//!
//! ```text
//! p_i ∝ exp(R_i / η),    η = argmin g(η) = η ε + η ln (1/N) Σ exp(R_i / η),    g'(η) = ε − KL(p ‖ 1/N)
//! ```
//!
//! (Peters, Mülling and Altun, "Relative Entropy Policy Search", AAAI 2010, equations 6 and 8, for episodes as a whole: Deisenroth, Neumann and Peters, "A Survey on Policy Search for Robotics",
//! 2013, section 2.4.3). The divergence falls with η, so that the dual has one minimum, which is found by bisection to rounding: there the bound is met exactly. The mean moves to that of the
//! weights, and the deviations to theirs.
//!
//! Unlike the paper, numbers are independent of each other, and deviations are taken from the mean that was drawn around, as rank-μ updates of covariance matrix adaptation do: from the new
//! one they fall at each generation by what the mean has moved, so that a search that began too near ends before it is anywhere.

use worldwright_core::{Array, Error, Metrics, Result, Rng, Settings, State};

use super::{Evolution, Tried};

/// Halvings of the logarithm of the temperature: from the widest range to less than rounding.
const HALVINGS: usize = 200;
/// Temperatures that are looked at, in units of how far returns lie apart.
const RANGE: [f64; 2] = [1e-12, 1e12];
/// Deviations do not fall below this share of the first one, or nothing new would ever be tried.
const LEAST: f64 = 1e-3;

pub(crate) struct Reps {
    population: usize,
    /// ε, in nats.
    bound: f64,
    spread: f64,
    mean: Vec<f64>,
    std: Vec<f64>,
    generation: u64,
}

impl Reps {
    /// Reads `population`, `spread` and `divergence`.
    pub(crate) fn begin(d: usize, settings: &Settings) -> Result<Box<dyn Evolution>> {
        let spread = settings.float("spread", 1e-6, 1e6)?;
        let population = settings.count_in("population", 2, 1 << 16)?;
        let bound = settings.float("divergence", 1e-6, 1e3)?;
        let most = (population as f64).ln();
        if bound >= most {
            let why = format!(
                "{population} samples are never further than {most:.2} nats from each other: make it less, or try more"
            );
            return Err(Error::config("divergence", why));
        }
        Ok(Box::new(Self { population, bound, spread, mean: vec![0.0; d], std: vec![spread; d], generation: 0 }))
    }
}

/// Weights of samples that paid so much, no further than `bound` nats from alike, and the temperature.
fn weigh(paid: &[f64], bound: f64) -> (Vec<f64>, f64) {
    let most = paid.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = paid.iter().copied().fold(f64::INFINITY, f64::min);
    let unit = most - least;
    if unit <= 0.0 {
        return (vec![1.0 / paid.len() as f64; paid.len()], f64::INFINITY);
    }
    let [mut low, mut high] = RANGE.map(|end| (end * unit).ln());
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if divergence(&shares(paid, middle.exp())) > bound { low = middle } else { high = middle }
    }
    (shares(paid, high.exp()), high.exp())
}

/// `p_i ∝ exp(R_i / η)`.
fn shares(paid: &[f64], temperature: f64) -> Vec<f64> {
    let most = paid.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut shares: Vec<f64> = paid.iter().map(|paid| ((paid - most) / temperature).exp()).collect();
    let sum: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}

/// Relative entropy of weights to equal ones, in nats.
fn divergence(shares: &[f64]) -> f64 {
    let count = shares.len() as f64;
    shares.iter().filter(|share| **share > 0.0).map(|share| share * (share * count).ln()).sum()
}

impl Evolution for Reps {
    fn population(&self) -> usize {
        self.population
    }

    fn generation(&self) -> u64 {
        self.generation
    }

    fn mean(&self) -> &[f64] {
        &self.mean
    }

    fn draw(&self, _tried: &[Tried], rng: &mut Rng, out: &mut [f64]) {
        for (slot, (mean, std)) in out.iter_mut().zip(self.mean.iter().zip(&self.std)) {
            *slot = mean + std * rng.normal();
        }
    }

    fn adapt(&mut self, tried: &[Tried]) -> Result<Metrics> {
        let paid: Vec<f64> = tried.iter().map(|tried| tried.paid).collect();
        let (shares, temperature) = weigh(&paid, self.bound);
        for i in 0..self.mean.len() {
            let of = || shares.iter().zip(tried).map(|(share, tried)| (share, tried.numbers[i]));
            let before = self.mean[i];
            let square: f64 = of().map(|(share, number)| share * (number - before) * (number - before)).sum();
            self.mean[i] = of().map(|(share, number)| share * number).sum();
            self.std[i] = square.sqrt().max(LEAST * self.spread);
        }
        if self.mean.iter().chain(&self.std).any(|number| !number.is_finite()) {
            let why = "its distribution is not finite: try a smaller agent.spread".into();
            return Err(Error::Diverged { who: "reps".into(), why });
        }
        self.generation += 1;
        let spread = self.std.iter().sum::<f64>() / self.std.len().max(1) as f64;
        Ok(vec![("spread", spread), ("divergence", divergence(&shares)), ("temperature", temperature)])
    }

    fn save(&self, state: &mut State) {
        state.put("mean", Array::F64(vec![self.mean.len()], self.mean.clone()));
        state.put("std", Array::F64(vec![self.std.len()], self.std.clone()));
        state.put("generation", Array::U64(vec![self.generation]));
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.restore_mean(state)?;
        let count = self.std.len();
        self.std.copy_from_slice(state.f64s("std", count)?);
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
    use worldwright_testkit::lqr::Problem;

    use super::*;

    fn paid() -> Vec<f64> {
        let rng = &mut Rng::new(3);
        (0..50).map(|_| -1000.0 + 30.0 * rng.normal()).collect()
    }

    /// η ε + η ln mean exp(R / η).
    fn dual(paid: &[f64], bound: f64, temperature: f64) -> f64 {
        let most = paid.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = paid.iter().map(|paid| ((paid - most) / temperature).exp()).sum();
        temperature * bound + most + temperature * (sum / paid.len() as f64).ln()
    }

    #[test]
    fn weights_are_as_far_from_alike_as_they_may_be() {
        let paid = paid();
        for bound in [0.01, 0.5, 1.0, 3.0] {
            let (shares, temperature) = weigh(&paid, bound);
            assert!((divergence(&shares) - bound).abs() < 1e-6, "{bound}: {}", divergence(&shares));
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            // The minimum of the dual: everything else is worth more.
            for other in [0.5, 0.9, 0.999, 1.001, 1.1, 2.0] {
                assert!(dual(&paid, bound, other * temperature) > dual(&paid, bound, temperature));
            }
        }
    }

    #[test]
    fn the_duals_slope_is_the_bound_less_the_divergence() {
        let paid = paid();
        for temperature in [3.0, 20.0, 100.0] {
            let step = 1e-4 * temperature;
            let slope = (dual(&paid, 0.7, temperature + step) - dual(&paid, 0.7, temperature - step)) / (2.0 * step);
            let told = 0.7 - divergence(&shares(&paid, temperature));
            assert!((slope - told).abs() < 1e-6, "{slope} {told}");
        }
    }

    /// In other units of reward the same is weighed alike, and of what paid alike nothing is preferred.
    #[test]
    fn units_say_nothing_and_neither_do_ties() {
        let (one, other) = (paid(), paid().iter().map(|paid| 1e-6 * paid + 7.0).collect::<Vec<_>>());
        for (one, other) in weigh(&one, 0.5).0.iter().zip(weigh(&other, 0.5).0) {
            assert!((one - other).abs() < 1e-6, "{one} {other}");
        }
        assert!(weigh(&[2.0; 8], 0.5).0.iter().all(|share| *share == 0.125));
    }

    /// The double integrator from both of its directions: the gain that pays best is Riccati's.
    #[test]
    fn the_best_gain_of_a_linear_quadratic_world_is_found() {
        let problem = Problem { discount: 0.99, ..Problem::double_integrator() };
        let want = problem.infinite().k;
        let paid = |gain: &[f64]| {
            let mut total = 0.0;
            for start in [[1.0, 0.0], [0.0, 1.0]] {
                let (mut x, mut ahead) = (start, 1.0);
                for _ in 0..400 {
                    let u = -(gain[0] * x[0] + gain[1] * x[1]);
                    total -= ahead * (x[0] * x[0] + x[1] * x[1] + 0.1 * u * u);
                    x = [x[0] + 0.1 * x[1] + 0.005 * u, x[1] + 0.1 * u];
                    ahead *= 0.99;
                }
            }
            total
        };
        let mut reps =
            Reps { population: 30, bound: 0.5, spread: 1.0, mean: vec![0.0; 2], std: vec![1.0; 2], generation: 0 };
        let rng = &mut Rng::new(1);
        for _ in 0..60 {
            let tried: Vec<Tried> = (0..reps.population())
                .map(|_| {
                    let mut numbers = vec![0.0; 2];
                    reps.draw(&[], rng, &mut numbers);
                    Tried { paid: paid(&numbers), numbers }
                })
                .collect();
            reps.adapt(&tried).unwrap();
        }
        let off = |i| (reps.mean()[i] / want.get(0, i) - 1.0f64).abs();
        assert!(off(0) < 0.02 && off(1) < 0.02, "{:?} is off {} {}", reps.mean(), want.get(0, 0), want.get(0, 1));
    }
}
