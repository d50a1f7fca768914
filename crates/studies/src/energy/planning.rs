//! Plans in a model that is fitted to little data, with and without a price on what the data never showed.
//!
//! The world moves by `s' = s + 0.4 sin 2a`; recorded actions are small, so that a cubic model holds for more and more pushes to bring it farther and farther. A plan of eight actions within ±1.5 maximises
//! `−Σ (s_t − 2)² − 0.05 Σ a_t²` in the model, less `α Σ_t |d(s_t, a_t, s_{t+1})|² / σ²` with the correction d of a denoiser that was trained on the same data (Boney et al., "Regularizing Trajectory Optimization with
//! Denoising Autoencoders", NeurIPS 2019, section 3, over windows of one transition).

use worldwright_core::{Interrupt, Result, Rng};
use worldwright_numerics::dense::dot;
use worldwright_numerics::{cholesky, minimize};

use super::denoiser::{Denoiser, Lessons};

const PLAN: usize = 8;
const MOST: f64 = 1.5;
const GOAL: f64 = 2.0;
/// Deviation of recorded actions, and of what is measured of the next state.
const SMALL: f64 = 0.3;
const NOISE: f64 = 0.1;
/// Monomials of s and a up to the third degree, and what keeps their weights finite.
const TERMS: usize = 10;
const RIDGE: f64 = 1e-6;
/// Evaluations of a search, and how far apart its differences are.
const EVALUATIONS: usize = 80;
const APART: f64 = 1e-5;

fn world(s: f64, a: f64) -> f64 {
    s + 0.4 * (2.0 * a).sin()
}

fn terms(s: f64, a: f64) -> [f64; TERMS] {
    [1.0, s, a, s * s, s * a, a * a, s * s * s, s * s * a, s * a * a, a * a * a]
}

/// Weights of the change of state by least squares.
fn fitted(data: &[Vec<f64>]) -> Result<Vec<f64>> {
    let (mut square, mut pull) = (vec![0.0; TERMS * TERMS], vec![0.0; TERMS]);
    square.iter_mut().step_by(TERMS + 1).for_each(|entry| *entry = RIDGE);
    for row in data {
        let terms = terms(row[0], row[1]);
        for i in 0..TERMS {
            pull[i] += terms[i] * (row[2] - row[0]);
            (0..TERMS).for_each(|j| square[i * TERMS + j] += terms[i] * terms[j]);
        }
    }
    cholesky::factor(&mut square, TERMS)?;
    cholesky::solve(&square, TERMS, &mut pull);
    Ok(pull)
}

/// What a plan pays where states follow `next`, and how far it is from the data: `Σ_t |d|² / σ²`.
fn paid(plan: &[f64], denoiser: &Denoiser, next: &dyn Fn(f64, f64) -> f64) -> [f64; 2] {
    let (mut s, mut total, mut far, mut by) = (0.0, 0.0, 0.0, [0.0; 3]);
    for a in plan {
        let to = next(s, *a);
        denoiser.correct(&[s, *a, to], &mut by);
        far += dot(&by, &by) / (denoiser.noise * denoiser.noise);
        total -= (to - GOAL).powi(2) + 0.05 * a * a;
        s = to;
    }
    [total, far]
}

/// The best plan by what it pays less so much times how far it is from the data, by L-BFGS over actions that are squashed into their range.
fn planned(denoiser: &Denoiser, next: &dyn Fn(f64, f64) -> f64, penalty: f64) -> Vec<f64> {
    let actions = |free: &[f64]| -> Vec<f64> { free.iter().map(|z| MOST * z.tanh()).collect() };
    let cost = |free: &[f64]| {
        let [total, far] = paid(&actions(free), denoiser, next);
        penalty * far - total
    };
    let mut free = vec![0.05; PLAN];
    minimize(
        |free, slope| {
            let mut moved = free.to_vec();
            for i in 0..PLAN {
                moved[i] = free[i] + APART;
                let more = cost(&moved);
                moved[i] = free[i] - APART;
                slope[i] = (more - cost(&moved)) / (2.0 * APART);
                moved[i] = free[i];
            }
            cost(free)
        },
        &mut free,
        EVALUATIONS,
    );
    actions(&free)
}

/// What a plan promised, what it paid in the world, and how far from the data it is.
pub(super) type Came = [f64; 3];

/// Plans in a model without and with the price, and in the world itself.
pub(super) fn compared(
    rows: usize,
    penalty: f64,
    lessons: Lessons,
    (interrupt, rng): (&Interrupt, &mut Rng),
) -> Result<[Came; 3]> {
    let mut record = || {
        let (s, a) = (GOAL * rng.uniform_in(-0.5, 1.5), SMALL * rng.normal());
        vec![s, a, world(s, a) + NOISE * rng.normal()]
    };
    let data: Vec<Vec<f64>> = (0..rows).map(|_| record()).collect();
    let weights = fitted(&data)?;
    let denoiser = Denoiser::learned(&data, 3, lessons, (interrupt, rng))?;
    let model = |s: f64, a: f64| s + dot(&weights, &terms(s, a));
    let told = |plan: &[f64], promised: f64| {
        let [given, far] = paid(plan, &denoiser, &world);
        [promised, given, far]
    };
    let came = |next: &dyn Fn(f64, f64) -> f64, penalty: f64| {
        let plan = planned(&denoiser, next, penalty);
        told(&plan, paid(&plan, &denoiser, next)[0])
    };
    Ok([came(&model, 0.0), came(&model, penalty), came(&world, 0.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_on_what_was_never_seen_keeps_plans_near_the_data_and_brings_more() {
        let (mut far, mut given) = ([0.0; 2], [0.0; 3]);
        for seed in 0..8 {
            let lessons = Lessons { units: 32, rows: 3, noise: 0.2, updates: 800 };
            let came = compared(25, 0.3, lessons, (&Interrupt::never(), &mut Rng::new(seed))).unwrap();
            (0..2).for_each(|i| far[i] += came[i][2]);
            (0..3).for_each(|i| given[i] += came[i][1]);
        }
        assert!(far[1] < far[0] && given[1] > given[0] && given[2] >= given[1], "{far:?} {given:?}");
    }
}
