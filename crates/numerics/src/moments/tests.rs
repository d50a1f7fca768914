//! Moments against sampling, derivatives against differences.

use worldwright_core::Rng;

use super::*;

/// A normal distribution with a covariance that is no diagonal.
fn normal(dims: usize, spread: f64, rng: &mut Rng) -> Gaussian {
    let mut x = Gaussian::zeros(dims);
    x.mean.fill_with(|| 0.7 * rng.normal());
    let root: Vec<f64> = (0..dims * dims).map(|_| spread * rng.normal()).collect();
    add_product_transposed(&root, &root, &mut x.covariance, [dims, dims, dims]);
    x
}

/// Three functions over few centres; the last with a matrix of its own where asked for.
fn sums(dims: usize, own: bool, rng: &mut Rng) -> RadialSums {
    let count = 11;
    let mut sums = RadialSums::new(dims, (0..count * dims).map(|_| rng.normal()).collect());
    for _ in 0..3 {
        let lengths: Vec<f64> = (0..dims).map(|_| rng.uniform_in(0.6, 2.0)).collect();
        let weights: Vec<f64> = (0..count).map(|_| rng.normal()).collect();
        sums.push(&lengths, &weights);
        if own {
            // Any symmetric matrix.
            let mut second = vec![0.0; count * count];
            for i in 0..count {
                for j in 0..=i {
                    let number =
                        weights[i] * weights[j] - f64::from(u8::from(i == j)) * 0.3 + 0.02 * ((i + j) as f64).cos();
                    (second[i * count + j], second[j * count + i]) = (number, number);
                }
            }
            sums.spread(&second, 2.0);
        }
    }
    sums
}

/// Mean, covariance and covariance with x of a function by a million draws.
fn sampled(x: &Gaussian, outputs: usize, mut f: impl FnMut(&[f64], &mut [f64])) -> (Gaussian, Vec<f64>) {
    let (d, n) = (x.dims(), 1_000_000);
    let mut points = Points::new(d, 1);
    points.spread(x);
    let factor = points.factor().to_vec();
    let mut rng = Rng::new(5);
    let (mut mean, mut square, mut shared) = (vec![0.0; outputs], vec![0.0; outputs * outputs], vec![0.0; d * outputs]);
    let (mut unit, mut at, mut y) = (vec![0.0; d], vec![0.0; d], vec![0.0; outputs]);
    for _ in 0..n {
        unit.fill_with(|| rng.normal());
        for i in 0..d {
            at[i] = x.mean[i] + (0..=i).map(|k| factor[i * d + k] * unit[k]).sum::<f64>();
        }
        f(&at, &mut y);
        for k in 0..outputs {
            mean[k] += y[k];
            (0..outputs).for_each(|l| square[k * outputs + l] += y[k] * y[l]);
            (0..d).for_each(|i| shared[i * outputs + k] += (at[i] - x.mean[i]) * y[k]);
        }
    }
    let share = 1.0 / f64::from(n);
    mean.iter_mut().chain(&mut square).chain(&mut shared).for_each(|sum| *sum *= share);
    for k in 0..outputs {
        (0..outputs).for_each(|l| square[k * outputs + l] -= mean[k] * mean[l]);
    }
    (Gaussian { mean, covariance: square }, shared)
}

/// One per cent of the spread: what a million draws err by is a tenth of that.
fn agree(x: &Gaussian, moments: &Moments, (drawn, shared): &(Gaussian, Vec<f64>)) {
    let (d, e) = (x.dims(), moments.output.dims());
    let std = |k: usize| drawn.covariance[k * e + k].sqrt();
    let mut with = vec![0.0; d * e];
    add_product(&x.covariance, &moments.slope, &mut with, [d, d, e]);
    for k in 0..e {
        assert!((moments.output.mean[k] - drawn.mean[k]).abs() < 0.01 * std(k), "mean {k}");
        for l in 0..e {
            let (got, want) = (moments.output.covariance[k * e + l], drawn.covariance[k * e + l]);
            assert!((got - want).abs() < 0.01 * std(k) * std(l), "covariance {k} {l}: {got} not {want}");
        }
        for i in 0..d {
            let scale = std(k) * x.covariance[i * d + i].sqrt();
            let (got, want) = (with[i * e + k], shared[i * e + k]);
            assert!((got - want).abs() < 0.01 * scale, "covariance with x {i} {k}: {got} not {want}");
        }
    }
}

/// An adjoint of any numbers, symmetric where covariances are, and what it says of moments.
fn asked(inputs: usize, outputs: usize, rng: &mut Rng) -> Moments {
    let mut adjoint = Moments::zeros(inputs, outputs);
    adjoint.output.mean.fill_with(|| rng.normal());
    adjoint.output.covariance.fill_with(|| rng.normal());
    adjoint.output.symmetrise();
    adjoint.slope.fill_with(|| rng.normal());
    adjoint
}

fn told(adjoint: &Moments, moments: &Moments) -> f64 {
    let both = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    both(&adjoint.output.mean, &moments.output.mean)
        + both(&adjoint.output.covariance, &moments.output.covariance)
        + both(&adjoint.slope, &moments.slope)
}

/// Whether `got` are the derivatives of `f` by the moments of x.
fn by_differences(x: &Gaussian, got: &Gaussian, mut f: impl FnMut(&Gaussian) -> f64) {
    let (d, step) = (x.dims(), 1e-5);
    let mut differ = |change: &dyn Fn(&mut Gaussian, f64)| {
        let (mut up, mut down) = (x.clone(), x.clone());
        change(&mut up, step);
        change(&mut down, -step);
        (f(&up) - f(&down)) / (2.0 * step)
    };
    for i in 0..d {
        let want = differ(&|x, h| x.mean[i] += h);
        assert!((got.mean[i] - want).abs() < 1e-6 * (1.0 + want.abs()), "by mean {i}: {} not {want}", got.mean[i]);
        for j in 0..=i {
            let want = differ(&|x, h| {
                x.covariance[i * d + j] += h;
                if i != j {
                    x.covariance[j * d + i] += h;
                }
            });
            let both =
                if i == j { got.covariance[i * d + i] } else { got.covariance[i * d + j] + got.covariance[j * d + i] };
            assert!((both - want).abs() < 1e-6 * (1.0 + want.abs()), "by covariance {i} {j}: {both} not {want}");
        }
    }
}

#[test]
fn moments_of_radial_sums_are_those_of_a_million_draws() {
    let rng = &mut Rng::new(1);
    let (x, sums) = (normal(3, 0.4, rng), sums(3, false, rng));
    let (mut tape, mut moments) = (RadialTape::new(&sums), Moments::zeros(3, 3));
    sums.moments(&x, &mut tape, &mut moments);
    agree(&x, &moments, &sampled(&x, 3, |at, y| sums.at(at, y)));
}

#[test]
fn without_spread_moments_are_the_functions_themselves() {
    let rng = &mut Rng::new(2);
    let (mut x, sums) = (normal(4, 0.4, rng), sums(4, false, rng));
    x.covariance.fill(0.0);
    let (mut tape, mut moments, mut y) = (RadialTape::new(&sums), Moments::zeros(4, 3), [0.0; 3]);
    sums.moments(&x, &mut tape, &mut moments);
    sums.at(&x.mean, &mut y);
    for (k, y) in y.iter().enumerate() {
        assert!((moments.output.mean[k] - y).abs() < 1e-12);
    }
    assert!(moments.output.covariance.iter().all(|number| number.abs() < 1e-10), "{:?}", moments.output.covariance);
}

#[test]
fn derivatives_of_radial_moments_are_those_of_differences() {
    // Nine dimensions take the loop of any number of them.
    for (dims, own) in [(1, false), (2, true), (3, false), (3, true), (9, true), (9, false)] {
        let rng = &mut Rng::new(10 + dims as u64);
        let (x, sums, adjoint) = (normal(dims, 0.3, rng), sums(dims, own, rng), asked(dims, 3, rng));
        let (mut tape, mut moments) = (RadialTape::new(&sums), Moments::zeros(dims, 3));
        sums.moments(&x, &mut tape, &mut moments);
        let mut into = Gaussian::zeros(dims);
        sums.pull(&mut tape, &adjoint, &mut into);
        by_differences(&x, &into, |x| {
            sums.moments(x, &mut tape, &mut moments);
            told(&adjoint, &moments)
        });
    }
}

#[test]
fn derivatives_by_centres_lengths_and_weights_are_those_of_differences() {
    let (dims, rng) = (2, &mut Rng::new(3));
    let (x, sums, adjoint) = (normal(dims, 0.5, rng), sums(dims, false, rng), asked(dims, 3, rng));
    let (mut tape, mut moments) = (RadialTape::new(&sums), Moments::zeros(dims, 3));
    sums.moments(&x, &mut tape, &mut moments);
    let mut slopes = RadialSlopes::zeros(&sums);
    sums.pull_parameters(&mut tape, &adjoint, &mut Gaussian::zeros(dims), &mut slopes);
    let mut at = |change: &dyn Fn(&mut RadialSums, f64)| {
        let mut value = |h: f64| {
            let mut changed = sums.clone();
            change(&mut changed, h);
            changed.moments(&x, &mut tape, &mut moments);
            told(&adjoint, &moments)
        };
        (value(1e-5) - value(-1e-5)) / 2e-5
    };
    let same = |got: f64, want: f64, what: &str| {
        assert!((got - want).abs() < 1e-6 * (1.0 + want.abs()), "{what}: {got} not {want}")
    };
    for i in 0..slopes.centres.len() {
        same(slopes.centres[i], at(&|sums, h| sums.move_centre(i, h)), "centre");
    }
    for a in 0..3 {
        for i in 0..sums.count() {
            same(slopes.weights[a * sums.count() + i], at(&|sums, h| sums.weigh(a, i, h)), "weight");
        }
        for k in 0..dims {
            same(slopes.log_lengths[a * dims + k], at(&|sums, h| sums.stretch(a, k, h)), "length");
        }
    }
}

fn waves() -> Sines {
    let wave = |of, offset, wave| Sine { of, offset, wave };
    Sines(vec![
        wave(0, 0.3, None),
        wave(1, 0.0, Some((1.0, 0.0))),
        wave(1, 0.0, Some((1.0, std::f64::consts::FRAC_PI_2))),
        wave(2, -0.5, Some((2.5, 0.4))),
        wave(1, 0.0, None),
    ])
}

#[test]
fn moments_of_sines_are_those_of_a_million_draws() {
    let rng = &mut Rng::new(4);
    let (x, sines) = (normal(3, 0.5, rng), waves());
    let mut moments = Moments::zeros(3, 5);
    sines.moments(&x, &mut moments);
    agree(&x, &moments, &sampled(&x, 5, |at, y| sines.at(at, y)));
}

#[test]
fn derivatives_of_sines_are_those_of_differences() {
    let rng = &mut Rng::new(6);
    let (x, sines, adjoint) = (normal(3, 0.5, rng), waves(), asked(3, 5, rng));
    let (mut moments, mut into) = (Moments::zeros(3, 5), Gaussian::zeros(3));
    sines.pull(&x, &adjoint, &mut into);
    by_differences(&x, &into, |x| {
        sines.moments(x, &mut moments);
        told(&adjoint, &moments)
    });
}

/// A bell that sees one direction of three.
const SEEN: [f64; 9] = [4.0, 2.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0];
const TARGET: [f64; 3] = [0.2, -0.4, 7.0];

fn bell(at: &[f64]) -> f64 {
    let along = 2.0 * (at[0] - TARGET[0]) + (at[1] - TARGET[1]);
    (-0.5 * along * along).exp()
}

#[test]
fn the_expectation_of_a_bell_is_exact_and_so_are_its_derivatives() {
    let x = normal(3, 0.5, &mut Rng::new(7));
    let mut into = Gaussian::zeros(3);
    let value = expect_bell(&x, &TARGET, &SEEN, 1.0, &mut into);
    let (drawn, _) = sampled(&x, 1, |at, y| y[0] = bell(at));
    assert!((value - drawn.mean[0]).abs() < 2e-3, "{value} not {}", drawn.mean[0]);
    by_differences(&x, &into, |x| expect_bell(x, &TARGET, &SEEN, 1.0, &mut Gaussian::zeros(3)));
}

#[test]
fn points_give_the_mean_of_a_bell_and_the_derivatives_of_their_own_sum() {
    let x = normal(3, 0.3, &mut Rng::new(8));
    let mut points = Points::new(3, 100);
    let slope = |at: &[f64], k: usize| {
        let along = 2.0 * (at[0] - TARGET[0]) + (at[1] - TARGET[1]);
        -along * bell(at) * [2.0, 1.0, 0.0][k]
    };
    let at = points.spread(&x).to_vec();
    let slopes: Vec<f64> = at.chunks_exact(3).flat_map(|at| [slope(at, 0), slope(at, 1), slope(at, 2)]).collect();
    let mut into = Gaussian::zeros(3);
    points.pull(&slopes, &mut into);
    let mut mean = |x: &Gaussian| points.spread(x).chunks_exact(3).map(bell).sum::<f64>() / 200.0;
    let exact = expect_bell(&x, &TARGET, &SEEN, 1.0, &mut Gaussian::zeros(3));
    assert!((mean(&x) - exact).abs() < 0.02, "{} not {exact}", mean(&x));
    by_differences(&x, &into, mean);
    // Quadratic functions have no error at all.
    let squares = points.spread(&x).chunks_exact(3).map(|at| at[0] * at[1]).sum::<f64>() / 200.0;
    assert!((squares - (x.covariance[1] + x.mean[0] * x.mean[1])).abs() < 1e-7);
}
