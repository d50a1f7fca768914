//! Sine and cosine by plain IEEE operations without branches, so that a batch runs through vector instructions and gives
//! the same bytes as one row, on every machine.
//!
//! The angle is reduced to [-π/4, π/4] by multiples of π/2 held in three parts (Cody and Waite 1980, with the parts and the
//! minimax polynomials of Sun's fdlibm 5.3, `k_sin.c` and `k_cos.c`); the quadrant then chooses and signs.
//! Error below 1.2e-16 · max(1, |k|·2⁻¹⁰) for |x| ≤ [`REACH`]: far below 1e-12 everywhere.

/// Largest angle, in radians, that the fast reduction takes: the products with π/2's leading parts are then exact.
pub const REACH: f64 = 1.0e6;

/// Adding and taking away 1.5 · 2⁵² rounds to the nearest whole number, which then stands in the low bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;
const TWO_OVER_PI: f64 = std::f64::consts::FRAC_2_PI;
// π/2 = HIGH + MIDDLE + LOW, the first two with 33 bits each.
#[allow(clippy::excessive_precision)]
const HIGH: f64 = 1.570_796_326_734_125_614_17;
#[allow(clippy::excessive_precision)]
const MIDDLE: f64 = 6.077_100_506_303_965_976_60e-11;
#[allow(clippy::excessive_precision)]
const LOW: f64 = 2.022_266_248_795_950_631_54e-21;

/// `a b + c`, rounded once where `FUSED`.
#[inline(always)]
fn multiply_add<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Sine and cosine of an angle within [`REACH`]; beyond it the numbers are wrong, see [`sin_cos`].
#[inline(always)]
pub fn sin_cos_near(x: f64) -> (f64, f64) {
    near::<false>(x)
}

/// Sine and cosine of an angle, with products and sums fused where `FUSED`: the chain of dependent operations is then half as long, on
/// processors that fuse; on others each would be a slow call.
#[inline(always)]
fn near<const FUSED: bool>(x: f64) -> (f64, f64) {
    let shifted = multiply_add::<FUSED>(x, TWO_OVER_PI, ROUND);
    let quadrant = shifted.to_bits();
    let k = shifted - ROUND;
    let r = multiply_add::<FUSED>(-k, HIGH, x);
    let r = multiply_add::<FUSED>(-k, LOW, multiply_add::<FUSED>(-k, MIDDLE, r));
    let z = r * r;
    // One more term of a polynomial in z.
    let series = |sum: f64, coefficient: f64| multiply_add::<FUSED>(z, sum, coefficient);
    let sin = series(1.589_690_995_211_55e-10, -2.505_076_025_340_686_3e-8);
    let sin = series(sin, 2.755_731_370_707_006_8e-6);
    let sin = series(sin, -1.984_126_982_985_795e-4);
    let sin = series(sin, 8.333_333_333_322_49e-3);
    let sin = series(sin, -1.666_666_666_666_663_2e-1);
    let sin = multiply_add::<FUSED>(r * z, sin, r);
    let cos = series(-1.135_964_755_778_819_5e-11, 2.087_572_321_298_175e-9);
    let cos = series(cos, -2.755_731_435_139_066_3e-7);
    let cos = series(cos, 2.480_158_728_947_673e-5);
    let cos = series(cos, -1.388_888_888_887_411e-3);
    let cos = series(cos, 4.166_666_666_666_66e-2);
    let cos = 1.0 - multiply_add::<FUSED>(-(z * z), cos, 0.5 * z);
    let swap = quadrant & 1 == 1;
    let (s, c) = if swap { (cos, sin) } else { (sin, cos) };
    // Signs by quadrant: the sine turns negative in 2 and 3, the cosine in 1 and 2.
    let s = f64::from_bits(s.to_bits() ^ ((quadrant & 2) << 62));
    let c = f64::from_bits(c.to_bits() ^ (((quadrant + 1) & 2) << 62));
    (s, c)
}

/// Sine and cosine of any angle: the fast way within [`REACH`], the standard library beyond; NaN of what is not finite.
#[inline]
pub fn sin_cos(x: f64) -> (f64, f64) {
    if x.abs() <= REACH { sin_cos_near(x) } else { x.sin_cos() }
}

/// The same for the steps of problems that a solver of optimal control rolls out: fused, within 3e-16.
#[inline(always)]
pub fn sin_cos_fused(x: f64) -> (f64, f64) {
    // Written so that NaN is not near.
    if x.abs() <= REACH { near::<true>(x) } else { x.sin_cos() }
}

/// The angle that differs from `x` by whole turns and lies in [-π, π].
#[inline(always)]
pub fn wrap_angle(x: f64) -> f64 {
    // 2π in the same three parts, so that nothing is lost for many turns.
    let turns = (x * (1.0 / std::f64::consts::TAU) + ROUND) - ROUND;
    ((x - turns * (4.0 * HIGH)) - turns * (4.0 * MIDDLE)) - turns * (4.0 * LOW)
}

/// The angle within [-π, π] and its sine, for angles within [`REACH`]: one reduction for both, [`reduce_near`] and then
/// [`sine_of_reduced`].
#[inline(always)]
pub fn wrap_and_sin_near(x: f64) -> (f64, f64) {
    let (wrapped, r) = reduce_near(x);
    (wrapped, sine_of_reduced(r))
}

/// The angle within [-π, π], and the one within [-π/2, π/2] that has the same sine: those of |x| > π/2 are those of π − x. For angles
/// within [`REACH`]. Products and sums are fused here and in [`sine_of_reduced`], one rounding each, which is exact everywhere and
/// quick where the processor does it: call them through `pulp`.
#[inline(always)]
pub fn reduce_near(x: f64) -> (f64, f64) {
    let turns = x.mul_add(1.0 / std::f64::consts::TAU, ROUND) - ROUND;
    let wrapped = turns.mul_add(-4.0 * LOW, turns.mul_add(-4.0 * MIDDLE, turns.mul_add(-4.0 * HIGH, x)));
    let near = std::f64::consts::PI - wrapped.abs();
    (wrapped, if wrapped.abs() > std::f64::consts::FRAC_PI_2 { near.copysign(wrapped) } else { wrapped })
}

/// The sine of an angle within [-π/2, π/2], by a polynomial of degree 17 that interpolates `(sin r/r − 1)/r²` at the Chebyshev points of
/// [0, (π/2)²], relative error 3e-17. With [`reduce_near`], error of the sine below 1e-15, half that within a turn.
#[inline(always)]
pub fn sine_of_reduced(r: f64) -> f64 {
    let z = r * r;
    let z2 = z * z;
    // Pairs side by side keep the chain of dependent operations short.
    let a = z.mul_add(8.333_333_333_333_316e-3, -1.666_666_666_666_666_6e-1);
    let b = z.mul_add(2.755_731_921_915_843e-6, -1.984_126_984_125_495_5e-4);
    let c = z.mul_add(1.605_897_727_281_748_8e-10, -2.505_210_761_638_462_4e-8);
    let d = z.mul_add(2.731_428_986_911_617_5e-15, -7.643_969_031_116_06e-13);
    let sum = (z2 * z2).mul_add(z2.mul_add(d, c), z2.mul_add(b, a));
    (r * z).mul_add(sum, r)
}

/// The same for any angle: NaN of what is not finite.
#[inline(always)]
pub fn wrap_and_sin(x: f64) -> (f64, f64) {
    if x.abs() <= REACH { wrap_and_sin_near(x) } else { (wrap_angle(x), x.sin()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_sines_are_accurate() {
        for (low, high, bound) in [(-7.0, 7.0, 5e-16), (-REACH, REACH, 1e-15)] {
            let n = 400_003;
            for i in 0..n {
                let x = low + (high - low) * f64::from(i) / f64::from(n - 1);
                let (wrapped, sin) = wrap_and_sin_near(x);
                assert!((sin - x.sin()).abs() < bound, "sin({x}) = {sin}");
                assert!((wrapped - wrap_angle(x)).abs() < 5e-16, "{x} within a turn: {wrapped}");
            }
        }
        assert!(wrap_and_sin(f64::NAN).1.is_nan() && wrap_and_sin(f64::INFINITY).1.is_nan());
        assert_eq!(wrap_and_sin(1e9).1, 1e9_f64.sin());
    }

    fn worst(sin_cos: fn(f64) -> (f64, f64), low: f64, high: f64) -> f64 {
        let n = 400_003;
        (0..n)
            .map(|i| {
                let x = low + (high - low) * f64::from(i) / f64::from(n - 1);
                let (s, c) = sin_cos(x);
                (s - x.sin()).abs().max((c - x.cos()).abs())
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn sines_and_cosines_are_accurate() {
        for sin_cos in [sin_cos_near, sin_cos_fused] {
            let near = worst(sin_cos, -7.0, 7.0);
            assert!(near < 3e-16, "{near:e}");
            let far = worst(sin_cos, -REACH, REACH);
            assert!(far < 3e-16, "{far:e}");
        }
    }

    #[test]
    fn special_angles() {
        assert_eq!(sin_cos(0.0), (0.0, 1.0));
        let (s, c) = sin_cos(f64::NAN);
        assert!(s.is_nan() && c.is_nan());
        assert!(sin_cos(f64::INFINITY).0.is_nan());
        assert_eq!(sin_cos(1e9), 1e9_f64.sin_cos());
        assert!(sin_cos_fused(f64::NAN).0.is_nan() && sin_cos_fused(f64::INFINITY).1.is_nan());
    }

    #[test]
    fn wrapping_keeps_the_angle_and_its_range() {
        for i in -2000..2000 {
            let x = f64::from(i) * 0.037;
            let wrapped = wrap_angle(x);
            assert!(wrapped.abs() <= std::f64::consts::PI + 1e-12, "{x} -> {wrapped}");
            assert!((wrapped.sin() - x.sin()).abs() < 1e-14 && (wrapped.cos() - x.cos()).abs() < 1e-14);
        }
    }
}
