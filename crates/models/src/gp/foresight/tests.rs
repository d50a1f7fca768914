//! What is foreseen against what processes say of drawn inputs, one by one.

use std::collections::BTreeMap;

use worldwright_core::{Dataset, Interrupt, Rng, Setting, Settings, Space};
use worldwright_numerics::cholesky;
use worldwright_numerics::moments::{Gaussian, Moments, RadialTape, add_product};

use super::*;
use crate::ModelContext;

/// A pendulum that shows the sine and the cosine of its angle, and its speed.
fn swung(count: usize) -> Dataset {
    let (mut rng, mut data) = (Rng::new(3), Dataset::new(3, 1));
    for _ in 0..count {
        let (angle, speed, u) = (rng.uniform_in(-3.0, 3.0), rng.uniform_in(-4.0, 4.0), rng.uniform_in(-2.0, 2.0));
        let after = speed + 0.1 * (7.0 * angle.sin() + 3.0 * u) + 0.02 * rng.normal();
        let next = angle + 0.1 * after;
        let seen = [angle.sin(), angle.cos(), speed];
        let reward = angle.cos() - 0.01 * u * u;
        data.push(&seen, &[u], reward, &[next.sin(), next.cos(), after], false, false).unwrap();
    }
    data
}

fn foresight(settings: &[(&str, Setting)]) -> Result<Foresight> {
    let context = ModelContext {
        observation_space: Space::unbounded(3),
        action_space: Space::vector(&[-2.0], &[2.0]),
        reward: None,
        simulator: None,
        known: None,
        players: 1,
        discount: 1.0,
        seed: 0,
    };
    let given: BTreeMap<_, _> = settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    build_foresight("gp", &context, &Settings::resolve("gp", ENTRY.parameters, &given)?)
}

fn fitted(count: usize) -> Foresight {
    let mut foresight = foresight(&[]).unwrap();
    foresight.fit(&swung(count), &mut Rng::new(1), &Interrupt::never()).unwrap();
    foresight
}

/// Mean and variance at one known input by the textbook (Rasmussen and Williams, 2006, equations 2.25 and 2.26), noise included.
struct Textbook<'a> {
    of: &'a Foresight,
    factors: Vec<Vec<f64>>,
    alphas: Vec<Vec<f64>>,
}

impl<'a> Textbook<'a> {
    fn new(of: &'a Foresight) -> Self {
        let mut it = Self { of, factors: Vec::new(), alphas: Vec::new() };
        let fitted = of.processes.fitted.as_ref().unwrap();
        let n = fitted.inputs.rows();
        for (output, hyper) in fitted.hypers.iter().enumerate() {
            let mut factor = Vec::new();
            for i in 0..n {
                let mut point = vec![0.0; fitted.inputs.dims()];
                fitted.inputs.columns().copy_row(i, &mut point);
                factor.extend(it.with(output, &point));
            }
            (0..n).for_each(|i| factor[i * n + i] += hyper.noise_variance());
            cholesky::factor(&mut factor, n).unwrap();
            let mut alpha = fitted.targets.columns().column(output).to_vec();
            cholesky::solve(&factor, n, &mut alpha);
            it.factors.push(factor);
            it.alphas.push(alpha);
        }
        it
    }

    /// Covariances of a normalised input with all points.
    fn with(&self, output: usize, input: &[f64]) -> Vec<f64> {
        let fitted = self.of.processes.fitted.as_ref().unwrap();
        let (hyper, columns) = (&fitted.hypers[output], fitted.inputs.columns());
        let squares = |i: usize| {
            let terms = input.iter().enumerate();
            terms.map(|(d, x)| ((x - columns.get(i, d)) * (-hyper.log_lengths[d]).exp()).powi(2)).sum::<f64>()
        };
        (0..columns.rows()).map(|i| hyper.signal_variance() * (-0.5 * squares(i)).exp()).collect()
    }

    fn at(&self, output: usize, input: &[f64]) -> (f64, f64) {
        let known = self.of.known.as_ref().unwrap();
        let hyper = &self.of.processes.fitted.as_ref().unwrap().hypers[output];
        let scales = known.inputs.mean.iter().zip(&known.inputs.std);
        let normal: Vec<f64> = input.iter().zip(scales).map(|(x, (mean, std))| (x - mean) / std).collect();
        let with = self.with(output, &normal);
        let mut half = with.clone();
        cholesky::solve_lower(&self.factors[output], with.len(), &mut half);
        let value: f64 = with.iter().zip(&self.alphas[output]).map(|(a, b)| a * b).sum();
        let gone: f64 = half.iter().map(|x| x * x).sum();
        let variance = hyper.signal_variance() + hyper.noise_variance() - gone;
        let (mean, std) = (known.targets.mean[output], known.targets.std[output]);
        (mean + std * value, std * std * variance)
    }
}

#[test]
fn moments_are_those_of_the_process_at_drawn_inputs_within_a_hundredth() {
    let foresight = fitted(60);
    let changes = foresight.changes().unwrap();
    assert_eq!((foresight.state_dim().unwrap(), changes.dims(), changes.outputs()), (2, 4, 2));
    let x = Gaussian {
        mean: vec![0.3, 0.8, 0.5, -0.4],
        covariance: vec![0.09, 0.02, 0.05, 0.0, 0.02, 0.05, 0.0, 0.01, 0.05, 0.0, 0.8, 0.1, 0.0, 0.01, 0.1, 0.3],
    };
    let (mut tape, mut moments) = (RadialTape::new(changes), Moments::zeros(4, 2));
    changes.moments(&x, &mut tape, &mut moments);
    let (reward, offset) = foresight.reward().unwrap().unwrap();
    let mut paid = Moments::zeros(4, 1);
    reward.means(&x, &mut RadialTape::new(reward), &mut paid);

    let mut factor = x.covariance.clone();
    cholesky::factor(&mut factor, 4).unwrap();
    let (textbook, mut rng, draws) = (Textbook::new(&foresight), Rng::new(9), 200_000);
    let (mut mean, mut square, mut own, mut shared) = ([0.0; 3], [0.0; 4], [0.0; 2], [0.0; 8]);
    for _ in 0..draws {
        let unit: [f64; 4] = std::array::from_fn(|_| rng.normal());
        let at: [f64; 4] =
            std::array::from_fn(|i| x.mean[i] + (0..=i).map(|k| factor[i * 4 + k] * unit[k]).sum::<f64>());
        let said = [0, 1, 2].map(|output| textbook.at(output, &at));
        (0..3).for_each(|k| mean[k] += said[k].0);
        for k in 0..2 {
            own[k] += said[k].1;
            (0..2).for_each(|l| square[k * 2 + l] += said[k].0 * said[l].0);
            (0..4).for_each(|i| shared[i * 2 + k] += (at[i] - x.mean[i]) * said[k].0);
        }
    }
    let share = 1.0 / f64::from(draws);
    let mean = mean.map(|sum| sum * share);
    let covariance =
        |k: usize, l: usize| square[k * 2 + l] * share - mean[k] * mean[l] + if k == l { own[k] * share } else { 0.0 };
    let std = [0, 1].map(|k| covariance(k, k).sqrt());
    let mut with = vec![0.0; 8];
    add_product(&x.covariance, &moments.slope, &mut with, [4, 4, 2]);
    for k in 0..2 {
        let got = foresight.mean_change().unwrap()[k] + moments.output.mean[k];
        assert!((got - mean[k]).abs() < 0.01 * std[k], "mean {k}: {got} not {}", mean[k]);
        for l in 0..2 {
            let (got, want) = (moments.output.covariance[k * 2 + l], covariance(k, l));
            assert!((got - want).abs() < 0.01 * std[k] * std[l], "covariance {k} {l}: {got} not {want}");
        }
        for i in 0..4 {
            let (got, want) = (with[i * 2 + k], shared[i * 2 + k] * share);
            let scale = std[k] * x.covariance[i * 5].sqrt();
            assert!((got - want).abs() < 0.01 * scale, "with input {i} {k}: {got} not {want}");
        }
    }
    let got = offset + paid.output.mean[0];
    assert!((got - mean[2]).abs() < 0.01 * mean[2].abs().max(0.1), "reward {got} not {}", mean[2]);
}

#[test]
fn a_circle_is_one_angle_and_what_was_saved_foresees_the_same() {
    let one = fitted(40);
    let mut other = foresight(&[]).unwrap();
    other.restore(&one.save()).unwrap();
    assert_eq!(one.changes().unwrap(), other.changes().unwrap());
    let mut state = [0.0; 2];
    one.read(&[0.6, 0.8, 1.5], &mut state).unwrap();
    assert!((state[0] - 0.6_f64.asin()).abs() < 1e-12 && state[1] == 1.5);
    one.unwind(&[7.0, 0.0], &mut state).unwrap();
    assert!((state[0] - 0.6_f64.asin() - std::f64::consts::TAU).abs() < 1e-12);
    let (mut features, mut observation) = ([0.0; 3], [0.0; 3]);
    one.features().unwrap().at(&state, &mut features);
    one.observation().unwrap().at(&state, &mut observation);
    assert!(features == observation && (features[0] - 0.6).abs() < 1e-12 && (features[1] - 0.8).abs() < 1e-12);
    // Unfitted, it says so and saves nothing.
    let mut fresh = foresight(&[]).unwrap();
    assert!(matches!(fresh.changes(), Err(Error::NotFitted { .. })));
    fresh.restore(&foresight(&[]).unwrap().save()).unwrap();
}

#[test]
fn what_has_no_moments_is_refused() {
    let error = foresight(&[("kernel", Setting::Text("matern-5/2".into()))]).err().unwrap().to_string();
    assert!(error.contains("squared-exponential"), "{error}");
    let error = foresight(&[("angles", Setting::Numbers(vec![3.0]))]).err().unwrap().to_string();
    assert!(error.contains("no place"), "{error}");
}
