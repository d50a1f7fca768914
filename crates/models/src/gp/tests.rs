//! Posteriors against closed forms and an independent solver.

use worldwright_core::{Batch, Rng};

use super::kernel::{Hyper, Kernel};
use super::posterior::{Posterior, Workspace};

fn batch(rows: &[&[f64]]) -> Batch {
    let mut batch = Batch::zeros(rows[0].len(), rows.len());
    for (i, row) in rows.iter().enumerate() {
        batch.columns_mut().set_row(i, row);
    }
    batch
}

fn hyper(lengths: &[f64], signal: f64, noise: f64) -> Hyper {
    Hyper {
        log_lengths: lengths.iter().map(|length: &f64| length.ln()).collect(),
        log_signal: signal.ln(),
        log_noise: noise.ln(),
    }
}

/// The covariance written once more, without packing or polynomials.
fn covariance(kernel: Kernel, hyper: &Hyper, a: &[f64], b: &[f64]) -> f64 {
    let terms = a.iter().zip(b).zip(&hyper.log_lengths).map(|((a, b), log)| ((a - b) / log.exp()).powi(2));
    let r = terms.sum::<f64>().sqrt();
    let s2 = hyper.log_signal.exp().powi(2);
    match kernel {
        Kernel::SquaredExponential => s2 * (-0.5 * r * r).exp(),
        Kernel::Matern52 => s2 * (1.0 + 5.0_f64.sqrt() * r + 5.0 * r * r / 3.0) * (-(5.0_f64.sqrt()) * r).exp(),
    }
}

/// Gauss–Jordan elimination with pivoting: shares nothing with the factorisation under test.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for column in 0..n {
        let pivot = (column..n).max_by(|i, j| a[*i][column].abs().total_cmp(&a[*j][column].abs())).unwrap();
        a.swap(column, pivot);
        b.swap(column, pivot);
        for row in (0..n).filter(|row| *row != column) {
            let factor = a[row][column] / a[column][column];
            let (upper, value) = (a[column].clone(), b[column]);
            a[row].iter_mut().zip(upper).for_each(|(slot, upper)| *slot -= factor * upper);
            b[row] -= factor * value;
        }
    }
    (0..n).map(|i| b[i] / a[i][i]).collect()
}

fn predict(kernel: Kernel, hyper: &Hyper, inputs: &Batch, y: &[f64], at: &Batch) -> (Vec<f64>, Vec<f64>) {
    let posterior = Posterior::new(kernel, hyper, inputs.columns(), y, None, true, &mut Rng::new(0)).unwrap();
    let mut work = Workspace::new(inputs.dims(), inputs.rows(), true);
    let (mut mean, mut std) = (vec![0.0; at.rows()], vec![0.0; at.rows()]);
    posterior.predict(0, at.columns(), 0, &mut work, &mut mean);
    posterior.add_std(at.columns(), 1.0, &mut work, &mut std);
    (mean, std)
}

#[test]
fn three_points_have_the_posterior_of_the_closed_form() {
    // K is inverted by its adjugate.
    let (x, y, s, noise) = ([-1.0, 0.0, 2.0], [0.5, -0.3, 1.1], 1.3, 0.2);
    let hyper = hyper(&[0.8], s, noise);
    let k = |a: f64, b: f64| s * s * (-(a - b) * (a - b) / (2.0 * 0.8 * 0.8)).exp();
    let m = |i: usize, j: usize| k(x[i], x[j]) + if i == j { noise * noise } else { 0.0 };
    let cofactor = |i: usize, j: usize| {
        let (a, b, c, d) = ((i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3);
        m(a, c) * m(b, d) - m(a, d) * m(b, c)
    };
    let determinant: f64 = (0..3).map(|j| m(0, j) * cofactor(0, j)).sum();
    let queries = [-3.0, -1.0, -0.4, 0.7, 2.0, 9.0];
    let rows: Vec<[f64; 1]> = queries.iter().map(|q| [*q]).collect();
    let rows: Vec<&[f64]> = rows.iter().map(|row| row.as_slice()).collect();
    let inputs = batch(&[&x[..1], &x[1..2], &x[2..]]);
    let (mean, std) = predict(Kernel::SquaredExponential, &hyper, &inputs, &y, &batch(&rows));
    for (i, q) in queries.iter().enumerate() {
        let (mut want, mut explained) = (0.0, 0.0);
        for a in 0..3 {
            for b in 0..3 {
                let inverse = cofactor(b, a) / determinant;
                want += k(*q, x[a]) * inverse * y[b];
                explained += k(*q, x[a]) * inverse * k(*q, x[b]);
            }
        }
        assert!((mean[i] - want).abs() < 1e-12, "mean at {q}: {} not {want}", mean[i]);
        assert!((std[i].powi(2) - (s * s - explained)).abs() < 1e-12, "variance at {q}");
    }
}

#[test]
fn many_points_agree_with_an_independent_solver() {
    let (mut rng, n, rows) = (Rng::new(7), 157, 70);
    let random = |count: usize, rng: &mut Rng| {
        let mut batch = Batch::zeros(3, count);
        for dim in 0..3 {
            batch.columns_mut().column_mut(dim).iter_mut().for_each(|x| *x = rng.normal());
        }
        batch
    };
    let (inputs, at) = (random(n, &mut rng), random(rows, &mut rng));
    let y: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
    let row = |batch: &Batch, i: usize| (0..3).map(|dim| batch.columns().get(i, dim)).collect::<Vec<_>>();
    for kernel in [Kernel::SquaredExponential, Kernel::Matern52] {
        let hyper = hyper(&[0.5, 1.0, 3.0], 0.9, 0.1);
        let (mean, std) = predict(kernel, &hyper, &inputs, &y, &at);
        let matrix: Vec<Vec<f64>> = (0..n)
            .map(|i| (0..n).map(|j| covariance(kernel, &hyper, &row(&inputs, i), &row(&inputs, j))).collect())
            .enumerate()
            .map(|(i, mut row): (usize, Vec<f64>)| {
                row[i] += 0.01;
                row
            })
            .collect();
        let alpha = solve(matrix.clone(), y.clone());
        for i in (0..rows).step_by(9) {
            let k: Vec<f64> = (0..n).map(|j| covariance(kernel, &hyper, &row(&at, i), &row(&inputs, j))).collect();
            let want: f64 = k.iter().zip(&alpha).map(|(k, alpha)| k * alpha).sum();
            let explained: f64 = solve(matrix.clone(), k.clone()).iter().zip(&k).map(|(a, b)| a * b).sum();
            assert!((mean[i] - want).abs() < 1e-9, "{kernel:?} mean {i}: {} not {want}", mean[i]);
            assert!((std[i].powi(2) - (0.81 - explained)).abs() < 1e-9, "{kernel:?} variance {i}");
        }
    }
}

#[test]
fn drawn_functions_have_the_posteriors_moments() {
    let hyper = hyper(&[0.7], 1.0, 0.1);
    let inputs = batch(&[&[-1.0], &[-0.2], &[0.4], &[1.5]]);
    let y = [0.3, 1.0, 0.2, -0.8];
    let at = batch(&[&[-1.0], &[0.0], &[0.9], &[3.0]]);
    for kernel in [Kernel::SquaredExponential, Kernel::Matern52] {
        let (mean, std) = predict(kernel, &hyper, &inputs, &y, &at);
        // Features are drawn anew in each posterior: their own error would otherwise not average out.
        let (posteriors, lanes) = (40, 50);
        let mut sums = [[0.0; 2]; 4];
        for seed in 0..posteriors {
            let mut rng = Rng::new(seed);
            let posterior = Posterior::new(kernel, &hyper, inputs.columns(), &y, Some(lanes), false, &mut rng).unwrap();
            let mut work = Workspace::new(1, 4, false);
            let mut out = [0.0; 4];
            for lane in 0..lanes {
                posterior.predict(lane, at.columns(), 0, &mut work, &mut out);
                for (sum, number) in sums.iter_mut().zip(out) {
                    sum[0] += number;
                    sum[1] += number * number;
                }
            }
        }
        let count = (posteriors * lanes as u64) as f64;
        for i in 0..4 {
            let (drawn, spread) = (sums[i][0] / count, (sums[i][1] / count - (sums[i][0] / count).powi(2)).sqrt());
            // Five standard errors of the mean and of the standard deviation over 2,000 draws, and the features' error.
            assert!((drawn - mean[i]).abs() < 0.12 * std[i] + 0.01, "{kernel:?} mean {i}: {drawn} not {}", mean[i]);
            assert!((spread / std[i] - 1.0).abs() < 0.12, "{kernel:?} std {i}: {spread} not {}", std[i]);
        }
    }
}

#[test]
fn the_leave_one_out_error_is_that_of_leaving_each_out() {
    let hyper = hyper(&[0.7], 1.0, 0.3);
    let x = [-1.0, -0.2, 0.4, 1.5, 2.0];
    let y = [0.3, 1.0, 0.2, -0.8, -0.5];
    let rows: Vec<&[f64]> = x.iter().map(std::slice::from_ref).collect();
    let all = batch(&rows);
    let posterior =
        Posterior::new(Kernel::SquaredExponential, &hyper, all.columns(), &y, None, false, &mut Rng::new(0)).unwrap();
    let mut want = 0.0;
    for out in 0..5 {
        let rest: Vec<&[f64]> = (0..5).filter(|i| *i != out).map(|i| rows[i]).collect();
        let rest_y: Vec<f64> = (0..5).filter(|i| *i != out).map(|i| y[i]).collect();
        let (mean, _) = predict(Kernel::SquaredExponential, &hyper, &batch(&rest), &rest_y, &batch(&[rows[out]]));
        want += (y[out] - mean[0]).powi(2) / 5.0;
    }
    assert!((posterior.errors.1 - want).abs() < 1e-12, "{} not {want}", posterior.errors.1);
}
