//! Sine and cosine for the steps of problems, short enough to be inlined into a solver's loops.
//!
//! A rollout under feedback is one chain of dependent operations, and a call of the system's sine is its longest link. Here the angle
//! is reduced to [−π/4, π/4] by multiples of π/2 held in three parts (Cody and Waite 1980), then sin r/r and cos r are polynomials in
//! r² with the minimax coefficients of Sun's fdlibm 5.3 (`k_sin.c`, `k_cos.c`), pairs of terms side by side to keep the chain short.

/// Largest angle, in radians, that the reduction takes: the products with π/2's leading parts are then exact.
const REACH: f64 = 1.0e6;
/// Adding and taking away 1.5 · 2⁵² rounds to the nearest whole number, which then stands in the low bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;
// π/2 = HIGH + MIDDLE + LOW, the first two with 33 bits each.
#[allow(clippy::excessive_precision)]
const HIGH: f64 = 1.570_796_326_734_125_614_17;
#[allow(clippy::excessive_precision)]
const MIDDLE: f64 = 6.077_100_506_303_965_976_60e-11;
#[allow(clippy::excessive_precision)]
const LOW: f64 = 2.022_266_248_795_950_631_54e-21;

/// Sine and cosine of any angle in radians, within 3e-16; NaN of what is not finite. Products and sums are fused, which is quick
/// where the solver calls it: there the code is compiled for processors that fuse.
#[inline(always)]
pub fn sin_cos(x: f64) -> (f64, f64) {
    // Written so that NaN is not near.
    if x.abs() <= REACH { near(x) } else { x.sin_cos() }
}

#[inline(always)]
fn near(x: f64) -> (f64, f64) {
    let shifted = x.mul_add(std::f64::consts::FRAC_2_PI, ROUND);
    let quadrant = shifted.to_bits();
    let k = shifted - ROUND;
    let r = k.mul_add(-LOW, k.mul_add(-MIDDLE, k.mul_add(-HIGH, x)));
    let z = r * r;
    let z2 = z * z;
    let a = z.mul_add(8.333_333_333_322_49e-3, -1.666_666_666_666_663_2e-1);
    let b = z.mul_add(2.755_731_370_707_006_8e-6, -1.984_126_982_985_795e-4);
    let c = z.mul_add(1.589_690_995_211_55e-10, -2.505_076_025_340_686_3e-8);
    let sin = (r * z).mul_add(z2.mul_add(z2.mul_add(c, b), a), r);
    let a = z.mul_add(-1.388_888_888_887_411e-3, 4.166_666_666_666_66e-2);
    let b = z.mul_add(-2.755_731_435_139_066_3e-7, 2.480_158_728_947_673e-5);
    let c = z.mul_add(-1.135_964_755_778_819_5e-11, 2.087_572_321_298_175e-9);
    let cos = z2.mul_add(z2.mul_add(z2.mul_add(c, b), a), z.mul_add(-0.5, 1.0));
    let (s, c) = if quadrant & 1 == 1 { (cos, sin) } else { (sin, cos) };
    // Signs by quadrant: the sine turns negative in 2 and 3, the cosine in 1 and 2.
    let s = f64::from_bits(s.to_bits() ^ ((quadrant & 2) << 62));
    let c = f64::from_bits(c.to_bits() ^ ((quadrant.wrapping_add(1) & 2) << 62));
    (s, c)
}

#[cfg(test)]
mod tests {
    use super::{REACH, sin_cos};

    #[test]
    fn sines_and_cosines_are_those_of_the_system() {
        for reach in [0.8, 7.0, REACH, 1e9] {
            for i in 0..200_003 {
                let x = reach * (f64::from(i) / 100_001.0 - 1.0);
                let ((s, c), (sin, cos)) = (sin_cos(x), x.sin_cos());
                assert!((s - sin).abs() < 3e-16 && (c - cos).abs() < 3e-16, "{x}: ({s}, {c})");
            }
        }
        assert_eq!(sin_cos(0.0), (0.0, 1.0));
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(sin_cos(odd).0.is_nan() && sin_cos(odd).1.is_nan());
        }
    }
}
