//! How well one number tells another: the correlation of ranks, with its interval.
//!
//! Spearman's ρ is the correlation of ranks, equal numbers sharing theirs. Its interval is Fisher's, with the variance `(1 + ρ²/2) / (n − 3)` of atanh ρ (Bonett and Wright, "Sample Size
//! Requirements for Estimating Pearson, Kendall and Spearman Correlations", Psychometrika 2000).

use worldwright_core::Rng;

/// ρ with the ends of its 95 % interval.
pub(crate) fn spearman(x: &[f64], y: &[f64]) -> [f64; 3] {
    let rho = correlation(&ranks(x), &ranks(y));
    let half = 1.96 * ((1.0 + 0.5 * rho * rho) / (x.len() as f64 - 3.0).max(1.0)).sqrt();
    let centre = rho.clamp(-0.999_999, 0.999_999).atanh();
    [rho, (centre - half).tanh(), (centre + half).tanh()]
}

/// What is left of the correlation of ranks of x and y when both are told z.
pub(crate) fn beside(x: &[f64], y: &[f64], z: &[f64]) -> f64 {
    let [x, y, z] = [x, y, z].map(ranks);
    let (xy, xz, yz) = (correlation(&x, &y), correlation(&x, &z), correlation(&y, &z));
    (xy - xz * yz) / ((1.0 - xz * xz) * (1.0 - yz * yz)).sqrt().max(f64::MIN_POSITIVE)
}

/// How much more of the correlation with y is x's than z's, each where the other is told, with the ends of a 95 % interval: between the percentiles of
/// as many drawings of the numbers anew, with replacement, as make these sure to a hundredth (Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 1979).
pub(crate) fn ahead(x: &[f64], z: &[f64], y: &[f64]) -> [f64; 3] {
    const DRAWN: usize = 2000;
    let apart = |x: &[f64], z: &[f64], y: &[f64]| beside(x, y, z) - beside(z, y, x);
    let (rng, mut rows) = (&mut Rng::new(0), vec![0; y.len()]);
    let mut drawn: Vec<f64> = (0..DRAWN)
        .map(|_| {
            rows.fill_with(|| rng.below(y.len() as u64) as usize);
            let [x, z, y] = [x, z, y].map(|of| rows.iter().map(|row| of[*row]).collect::<Vec<f64>>());
            apart(&x, &z, &y)
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| drawn[(share * (DRAWN - 1) as f64).round() as usize];
    [apart(x, z, y), at(0.025), at(0.975)]
}

/// Pairs of numbers as a curve: ten groups by the first, or fewer where there are few; of each its median, and of the second number the quartiles.
pub(crate) fn grouped(x: &[f64], y: &[f64]) -> Vec<[f64; 4]> {
    let mut pairs: Vec<[f64; 2]> = x.iter().zip(y).map(|(x, y)| [*x, *y]).collect();
    pairs.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let groups = (pairs.len() / 5).clamp(1, 10);
    let group = |i: usize| &pairs[i * pairs.len() / groups..(i + 1) * pairs.len() / groups];
    let of = |i: usize| {
        let mut second: Vec<f64> = group(i).iter().map(|pair| pair[1]).collect();
        second.sort_by(f64::total_cmp);
        let at = |share: f64| second[(share * (second.len() - 1) as f64).round() as usize];
        [group(i)[group(i).len() / 2][0], at(0.25), at(0.5), at(0.75)]
    };
    (0..groups).map(of).collect()
}

fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len() as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let (a, b) = (mean(x), mean(y));
    let cross: f64 = x.iter().zip(y).map(|(x, y)| (x - a) * (y - b)).sum();
    let square = |v: &[f64], m: f64| v.iter().map(|v| (v - m) * (v - m)).sum::<f64>();
    cross / (square(x, a) * square(y, b)).sqrt().max(f64::MIN_POSITIVE)
}

/// Numbers of which more is better, as ranks from the worst on. What is not finite comes from what failed, and is alike the worst.
fn ranks(numbers: &[f64]) -> Vec<f64> {
    let numbers: Vec<f64> = numbers.iter().map(|x| if x.is_finite() { *x } else { f64::NEG_INFINITY }).collect();
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut first = 0;
    while first < order.len() {
        let alike = order[first..].iter().take_while(|i| numbers[**i] == numbers[order[first]]).count();
        let rank = first as f64 + 0.5 * (alike as f64 - 1.0);
        order[first..first + alike].iter().for_each(|i| ranks[*i] = rank);
        first += alike;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_alike_the_worst() {
        let numbers = [2.0, f64::NAN, -3.0, f64::INFINITY, -f64::NAN, 2.0];
        assert_eq!(ranks(&numbers), [4.5, 1.0, 3.0, 1.0, 1.0, 4.5]);
        assert_eq!(ranks(&[f64::NAN; 3]), [1.0; 3]);
        assert_eq!(ranks(&[0.0, -0.0]), [0.5; 2]);
    }

    #[test]
    fn correlations_are_those_of_small_cases() {
        let up = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert!((spearman(&up, &[1.0, 4.0, 9.0, 16.0, 25.0])[0] - 1.0).abs() < 1e-12);
        assert!((spearman(&up, &[5.0, 4.0, 3.0, 2.0, 1.0])[0] + 1.0).abs() < 1e-12);
        // Without ties ρ = 1 − 6 Σ d² / (n (n² − 1)): differences 1, 1, 0, 1, 1.
        let [rho, low, high] = spearman(&up, &[2.0, 1.0, 3.0, 5.0, 4.0]);
        assert!((rho - 0.8).abs() < 1e-12 && low < 0.8 && high > 0.8);
        // Equal numbers share the mean of their ranks: 1.5, 1.5, 3 against 1, 2, 3.
        let tied = spearman(&[1.0, 1.0, 2.0], &[1.0, 2.0, 3.0])[0];
        assert!((tied - 0.75_f64.sqrt()).abs() < 1e-12, "{tied}");
        // By hand: ρ of x and y is 0.6, of x and z 0, of y and z −0.8, so that 0.6 / (1 · 0.6) is left.
        let [x, y, z] = [[1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 4.0, 3.0], [2.0, 4.0, 1.0, 3.0]];
        assert!((beside(&x, &y, &z) - 1.0).abs() < 1e-12);
        let x: Vec<f64> = (0..10).rev().map(f64::from).collect();
        assert_eq!(grouped(&x, &x), [[2.0, 1.0, 2.0, 3.0], [7.0, 6.0, 7.0, 8.0]]);
    }
}
