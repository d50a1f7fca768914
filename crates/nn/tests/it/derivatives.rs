//! Derivatives of an ensemble's means: central differences of the same network in double precision, and what must be equal bit for bit.

use worldwright_core::Rng;
use worldwright_nn::{Activation, EnsembleConfig, EnsembleMlp, MeanSlopes};

use crate::allocations::allocated;

const INPUTS: usize = 5;
const TARGETS: usize = 3;
const MEMBERS: usize = 2;
const SUMS: usize = 2;

fn ensemble(hidden: &[usize], activation: Activation, gaussian: bool) -> EnsembleMlp {
    let config = EnsembleConfig {
        members: MEMBERS,
        inputs: INPUTS,
        targets: TARGETS,
        hidden: hidden.to_vec(),
        gaussian,
        activation,
        init: worldwright_nn::WeightInit::LinearDefault,
        ..Default::default()
    };
    EnsembleMlp::new(config, 8, &mut Rng::new(4)).unwrap()
}

fn activated(activation: Activation, x: f64) -> f64 {
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match activation {
        Activation::Identity => x,
        Activation::Silu => x * sigmoid(x),
        Activation::Relu => x.max(0.0),
        Activation::Elu => {
            if x > 0.0 {
                x
            } else {
                x.exp_m1()
            }
        }
        Activation::Tanh => x.tanh(),
        Activation::Mish => x * softplus(x).tanh(),
        Activation::Softplus => softplus(x),
        Activation::Sigmoid => sigmoid(x),
        other => panic!("{other:?} has no formula here"),
    }
}

/// The means of a member, in double precision.
fn means(ensemble: &EnsembleMlp, member: usize, x: &[f64]) -> Vec<f64> {
    let (store, layers) = (&ensemble.trainer.store, &ensemble.mlp().layers);
    let mut h = x.to_vec();
    for (index, layer) in layers.iter().enumerate() {
        let [_, rows, cols] = store.shape(layer.weight).unwrap();
        let (weight, bias) = (store.get(layer.weight).unwrap(), store.get(layer.bias).unwrap());
        let (weight, bias) = (&weight[member * rows * cols..][..rows * cols], &bias[member * cols..][..cols]);
        h = (0..cols)
            .map(|col| {
                let sum: f64 = (0..rows).map(|row| h[row] * f64::from(weight[row * cols + col])).sum();
                let z = sum + f64::from(bias[col]);
                if index + 1 == layers.len() { z } else { activated(ensemble.config().activation, z) }
            })
            .collect();
    }
    h.truncate(TARGETS);
    h
}

struct Found {
    jacobian: Vec<f64>,
    curvature: Vec<f64>,
    pulled: Vec<f64>,
}

/// Weights of the sums, `[samples][sums][targets]`.
fn weights(samples: usize) -> Vec<f32> {
    let mut weights = vec![0.0; samples * SUMS * TARGETS];
    Rng::new(8).fill_normal(&mut weights);
    weights
}

/// All derivatives of a member, with the gradient of the first sum.
fn found(ensemble: &EnsembleMlp, member: usize, x: &[f32], weights: &[f32]) -> Found {
    let (differential, samples) = (ensemble.differential().unwrap(), x.len() / INPUTS);
    let mut scratch = differential.scratch();
    let mut jacobian = vec![0.0; samples * TARGETS * INPUTS];
    let mut curvature = vec![0.0; samples * SUMS * INPUTS * INPUTS];
    let mut out = MeanSlopes { jacobian: &mut jacobian, sums: SUMS, weights, curvature: &mut curvature };
    differential.slopes(member, x, 1.0, &mut out, &mut scratch).unwrap();
    let first: Vec<f32> = weights.chunks_exact(SUMS * TARGETS).flat_map(|sums| sums[..TARGETS].to_vec()).collect();
    let mut pulled = vec![0.0; samples * INPUTS];
    differential.pullback(member, x, &first, 1.0, &mut pulled, &mut scratch).unwrap();
    Found { jacobian, curvature, pulled }
}

fn normals(len: usize, seed: u64) -> Vec<f32> {
    let mut numbers = vec![0.0; len];
    Rng::new(seed).fill_normal(&mut numbers);
    numbers
}

#[test]
fn derivatives_are_central_differences_of_the_network_in_double_precision() {
    let samples = 3;
    for (name, activation) in Activation::ALL {
        for (hidden, gaussian) in [(&[][..], true), (&[17][..], false), (&[40, 33, 24][..], true)] {
            let ensemble = ensemble(hidden, *activation, gaussian);
            let (x, weights) = (normals(samples * INPUTS, 3), weights(samples));
            for member in 0..MEMBERS {
                let got = found(&ensemble, member, &x, &weights);
                for sample in 0..samples {
                    let x: Vec<f64> = x[sample * INPUTS..][..INPUTS].iter().map(|x| f64::from(*x)).collect();
                    let at = |moves: &[(usize, f64)]| {
                        let mut moved = x.clone();
                        moves.iter().for_each(|(input, by)| moved[*input] += by);
                        means(&ensemble, member, &moved)
                    };
                    let h = 1e-4;
                    for p in 0..INPUTS {
                        let (plus, minus) = (at(&[(p, h)]), at(&[(p, -h)]));
                        for target in 0..TARGETS {
                            let want = (plus[target] - minus[target]) / (2.0 * h);
                            let got = got.jacobian[(sample * TARGETS + target) * INPUTS + p];
                            assert!((got - want).abs() < 2e-6, "{name} {hidden:?}: slope {got} instead of {want}");
                        }
                        for q in 0..INPUTS {
                            let (near, far) = (at(&[(p, h), (q, h)]), at(&[(p, -h), (q, -h)]));
                            let (left, right) = (at(&[(p, h), (q, -h)]), at(&[(p, -h), (q, h)]));
                            for sum in 0..SUMS {
                                let weights = &weights[(sample * SUMS + sum) * TARGETS..][..TARGETS];
                                let want: f64 = (0..TARGETS)
                                    .map(|t| f64::from(weights[t]) * (near[t] + far[t] - left[t] - right[t]))
                                    .sum::<f64>()
                                    / (4.0 * h * h);
                                let got = got.curvature[((sample * SUMS + sum) * INPUTS + p) * INPUTS + q];
                                assert!((got - want).abs() < 1e-5, "{name} {hidden:?}: bend {got} instead of {want}");
                            }
                        }
                        let want: f64 = (0..TARGETS)
                            .map(|t| {
                                let weight = f64::from(weights[sample * SUMS * TARGETS + t]);
                                weight * got.jacobian[(sample * TARGETS + t) * INPUTS + p]
                            })
                            .sum();
                        let got = got.pulled[sample * INPUTS + p];
                        assert!((got - want).abs() < 2e-6, "{name} {hidden:?}: pulled {got} instead of {want}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_batch_is_its_samples_one_by_one_and_one_that_diverged_stays_alone() {
    let samples = 61;
    let ensemble = ensemble(&[40, 24], Activation::Silu, true);
    let (mut x, weights) = (normals(samples * INPUTS, 5), weights(samples));
    let whole = found(&ensemble, 1, &x, &weights);
    x[7 * INPUTS] = f32::NAN;
    let spoilt = found(&ensemble, 1, &x, &weights);
    for sample in (0..samples).filter(|sample| *sample != 7) {
        let alone =
            found(&ensemble, 1, &x[sample * INPUTS..][..INPUTS], &weights[sample * SUMS * TARGETS..][..SUMS * TARGETS]);
        for many in [&whole, &spoilt] {
            for (all, one) in
                [(&many.jacobian, &alone.jacobian), (&many.curvature, &alone.curvature), (&many.pulled, &alone.pulled)]
            {
                assert_eq!(all[sample * one.len()..][..one.len()], one[..], "sample {sample}");
            }
        }
    }
    assert!(spoilt.jacobian[7 * TARGETS * INPUTS..][..TARGETS * INPUTS].iter().all(|slope| slope.is_nan()));
}

#[test]
fn derivatives_allocate_nothing_and_refuse_what_does_not_fit() {
    let ensemble = ensemble(&[40, 24], Activation::Silu, true);
    let differential = ensemble.differential().unwrap();
    let mut scratch = differential.scratch();
    let (x, weights) = (normals(30 * INPUTS, 5), weights(30));
    let mut jacobian = vec![0.0; 30 * TARGETS * INPUTS];
    let mut curvature = vec![0.0; 30 * SUMS * INPUTS * INPUTS];
    let mut out = MeanSlopes { jacobian: &mut jacobian, sums: SUMS, weights: &weights, curvature: &mut curvature };
    let before = allocated();
    differential.slopes(0, &x, 1.0, &mut out, &mut scratch).unwrap();
    assert_eq!(allocated() - before, 0);
    assert!(differential.slopes(MEMBERS, &x, 1.0, &mut out, &mut scratch).is_err());
    assert!(differential.slopes(0, &x[INPUTS..], 1.0, &mut out, &mut scratch).is_err());
    assert!(differential.pullback(0, &x, &weights, 1.0, &mut [0.0; 2], &mut scratch).is_err());
}
