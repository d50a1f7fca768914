//! The exponential of many numbers that are at most zero, as weights are made of them, by vector instructions.
//!
//! `exp x = 2^k exp r` with `k = round(x / ln 2)` and the remainder r within ± ln 2 / 2 (Cody and Waite, Software Manual for the
//! Elementary Functions, 1980, chapter 6), by Taylor's polynomial of degree 13, whose error is below 1e-17 there. Products and
//! sums are fused, one rounding each, so that the bytes are the same on every machine.

/// Adding and taking away 1.5 · 2⁵² rounds to the nearest whole number, which then stands in the low bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts, the first with 32 bits, so that its product with k is exact.
const HIGH: f64 = 6.931_471_803_691_238e-1;
const LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Below it stands zero: weights so small count for nothing, and would be subnormal.
const LEAST: f64 = -708.0;

/// `exp x` for x ≤ 0, relative error below 4.5e-16, two units in the last place; zero below −708, NaN for NaN. It has no branches: call
/// it in loops through `pulp`.
#[inline(always)]
pub fn exp_nonpositive(x: f64) -> f64 {
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = k.mul_add(-LOW, k.mul_add(-HIGH, x));
    let r2 = r * r;
    let r4 = r2 * r2;
    // Pairs side by side keep the chain of dependent operations short.
    let pair = |odd: f64, even: f64| r.mul_add(odd, even);
    let low = r2.mul_add(pair(1.0 / 6.0, 0.5), pair(1.0, 1.0));
    let middle = r2.mul_add(pair(1.0 / 5_040.0, 1.0 / 720.0), pair(1.0 / 120.0, 1.0 / 24.0));
    let high = r2.mul_add(pair(1.0 / 39_916_800.0, 1.0 / 3_628_800.0), pair(1.0 / 362_880.0, 1.0 / 40_320.0));
    let top = pair(1.0 / 6_227_020_800.0, 1.0 / 479_001_600.0);
    let series = r4.mul_add(r4.mul_add(r4.mul_add(top, high), middle), low);
    let scaled = f64::from_bits(series.to_bits().wrapping_add(shifted.to_bits() << 52));
    // What is not a number stays so, whatever its bits.
    let known = if x.is_nan() { x } else { scaled };
    if x < LEAST { 0.0 } else { known }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_accurate() {
        let n = 700_001;
        for i in 0..n {
            let x = LEAST * f64::from(i) / f64::from(n - 1);
            let (got, want) = (exp_nonpositive(x), x.exp());
            assert!((got - want).abs() <= 4.5e-16 * want, "exp({x}) = {got}, not {want}");
        }
        assert_eq!(
            (exp_nonpositive(0.0), exp_nonpositive(-709.0), exp_nonpositive(f64::NEG_INFINITY)),
            (1.0, 0.0, 0.0)
        );
        assert!(exp_nonpositive(f64::NAN).is_nan() && exp_nonpositive(f64::from_bits(0x7FF8_0000_0000_0ABC)).is_nan());
    }
}
