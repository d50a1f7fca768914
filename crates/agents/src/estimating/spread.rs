//! How sure an estimate is: quantiles of Student's distribution, and estimates over episodes drawn again.

use worldwright_core::Rng;

/// Share of intervals that are to hold the truth.
pub const LEVEL: f64 = 0.9;
/// The normal quantile of `(1 + LEVEL) / 2`.
const NORMAL: f64 = 1.644_853_626_951_472_2;

/// The quantile of Student's distribution that leaves out `1 − LEVEL` on both sides, by its expansion in the inverse of the degrees of freedom (Abramowitz and
/// Stegun, 26.7.5), which below 3 is too small: there they count as less.
pub(super) fn student(degrees: f64) -> f64 {
    if degrees < 1.0 {
        return f64::INFINITY;
    }
    if degrees < 3.0 {
        // 6.31, 2.92 and 2.35 at 1, 2 and 3, between them as their inverses.
        let (low, high) = if degrees < 2.0 { (1.0 / 6.314, 1.0 / 2.920) } else { (1.0 / 2.920, 1.0 / 2.353) };
        return 1.0 / (low + degrees.fract() * (high - low));
    }
    let (z, n) = (NORMAL, degrees);
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + first / n + second / (n * n) + third / (n * n * n)
}

/// Mean and standard deviation (divided by n − 1; 0 for one number).
pub(super) fn moments(numbers: &[f64]) -> (f64, f64) {
    let n = numbers.len().max(1) as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let square = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    (mean, if numbers.len() > 1 { (square / (n - 1.0)).sqrt() } else { 0.0 })
}

/// The standard deviation of an estimate over sets of as many episodes, drawn with replacement; none where it cannot be made of too many of them.
pub(super) fn bootstrap(
    episodes: usize,
    times: usize,
    rng: &mut Rng,
    mut estimate: impl FnMut(&[usize]) -> Option<f64>,
) -> Option<f64> {
    let mut drawn = vec![0; episodes];
    let mut found = Vec::with_capacity(times);
    for _ in 0..times {
        drawn.iter_mut().for_each(|slot| *slot = rng.below(episodes as u64) as usize);
        found.extend(estimate(&drawn).filter(|number| number.is_finite()));
    }
    (2 * found.len() > times).then(|| moments(&found).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (degrees, quantile) in [(1.0, 6.314), (2.0, 2.920), (3.0, 2.353), (5.0, 2.015), (7.0, 1.895), (30.0, 1.697)]
        {
            assert!((student(degrees) - quantile).abs() < 0.01, "{degrees}: {}", student(degrees));
        }
        assert!(student(0.5).is_infinite() && (student(1e9) - NORMAL).abs() < 1e-6);
    }

    #[test]
    fn the_mean_of_many_spreads_as_its_standard_error() {
        let rng = &mut Rng::new(1);
        let numbers: Vec<f64> = (0..200).map(|_| rng.normal()).collect();
        let (_, std) = moments(&numbers);
        let mean = |drawn: &[usize]| Some(drawn.iter().map(|i| numbers[*i]).sum::<f64>() / drawn.len() as f64);
        let error = bootstrap(200, 2000, rng, mean).unwrap();
        assert!((error / (std / 200f64.sqrt()) - 1.0).abs() < 0.1, "{error}");
        assert!(bootstrap(5, 10, rng, |_| None).is_none());
    }
}
