//! Random numbers for roots: Dirichlet and Gumbel.

use worldwright_core::Rng;

/// A draw from the symmetric Dirichlet distribution: gamma variates over their sum.
pub(super) fn dirichlet(rng: &mut Rng, alpha: f64, out: &mut [f64]) {
    out.iter_mut().for_each(|slot| *slot = gamma(rng, alpha));
    let sum: f64 = out.iter().sum();
    let even = 1.0 / out.len() as f64;
    out.iter_mut().for_each(|slot| *slot = if sum > 0.0 { *slot / sum } else { even });
}

/// A gamma variate of scale 1 (Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", 2000); shapes below 1 by the power of
/// a uniform number.
fn gamma(rng: &mut Rng, shape: f64) -> f64 {
    if shape < 1.0 {
        let boost = (1.0 - rng.uniform()).powf(1.0 / shape);
        return gamma(rng, shape + 1.0) * boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = rng.normal();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && (1.0 - rng.uniform()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// A standard Gumbel variate.
pub(super) fn gumbel(rng: &mut Rng) -> f64 {
    // Halfway between the grid's points, so that neither logarithm meets zero.
    -(-(rng.uniform() + 0.5 / (1_u64 << 53) as f64).ln()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variates_have_their_moments() {
        let mut rng = Rng::new(2);
        let n = 200_000;
        let mean = |draw: &mut dyn FnMut() -> f64| (0..n).map(|_| draw()).sum::<f64>() / f64::from(n);
        for shape in [0.3, 1.0, 4.5] {
            let mut rng = Rng::new(3);
            let first = mean(&mut || gamma(&mut rng, shape));
            // Four standard errors of a gamma variate, whose variance is its shape.
            assert!((first - shape).abs() < 4.0 * (shape / f64::from(n)).sqrt(), "{shape}: {first}");
        }
        let first = mean(&mut || gumbel(&mut rng));
        assert!((first - 0.577_215_66).abs() < 4.0 * 1.2826 / f64::from(n).sqrt(), "{first}");
        // The variance of a component of a symmetric Dirichlet: (1/k)(1 − 1/k) / (k α + 1).
        let mut parts = [0.0; 4];
        let second = mean(&mut || {
            dirichlet(&mut rng, 0.5, &mut parts);
            assert!((parts.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            (parts[2] - 0.25).powi(2)
        });
        assert!((second - 0.1875 / 3.0).abs() < 0.001, "{second}");
    }
}
