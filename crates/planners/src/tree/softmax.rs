//! Probabilities from logits, by an exponential that is fast enough to be taken of every edge.

/// Turns numbers into probabilities proportional to their exponentials.
pub(super) fn softmax(numbers: &mut [f64]) {
    let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    numbers.iter_mut().for_each(|number| *number = exp(*number - largest));
    let scale = 1.0 / numbers.iter().sum::<f64>();
    numbers.iter_mut().for_each(|number| *number *= scale);
}

/// `e^x` of a number that is not positive, within 1e-8 of it, without branches so that a loop of it becomes vector instructions: `2^k e^f` with
/// f in ±½ ln 2, the second factor by its Taylor series.
#[inline]
pub(super) fn exp(x: f64) -> f64 {
    /// Adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    let x = if x < -700.0 { -700.0 } else { x };
    let shifted = x * std::f64::consts::LOG2_E + ROUNDER;
    let f = x - (shifted - ROUNDER) * std::f64::consts::LN_2;
    let series = 1.0 / 6.0 + f * (1.0 / 24.0 + f * (1.0 / 120.0 + f * (1.0 / 720.0 + f * (1.0 / 5040.0))));
    let factor = 1.0 + f * (1.0 + f * (0.5 + f * series));
    f64::from_bits(factor.to_bits().wrapping_add(shifted.to_bits() << 52))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_fast_exponential_is_close() {
        for i in 0..70_000 {
            let x = f64::from(i) * -0.01;
            assert!((super::exp(x) / x.exp() - 1.0).abs() < 1e-8, "exp({x})");
        }
        assert!(super::exp(f64::NEG_INFINITY) < 1e-300);
    }
}
