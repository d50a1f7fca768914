//! Elementary functions on vectors of single-precision numbers, for whatever instruction set `pulp` found at run time.
//!
//! exp: reduction by `n ln 2` in two parts (Cody and Waite) and the minimax polynomial of degree 5 whose first two terms are
//! 1 + r, relative error 2e-7; below -87.3 it stays at the least normal number, so that no denormal number is born. log1p on [0, 1]: `2 artanh(t / (t + 2))` by its series.
//! A value that is not a number stays one: limits are selected by comparisons, which such a value fails.

use pulp::Simd;

/// Reads one vector.
///
/// # Safety
/// `p` is readable for a whole vector.
#[inline(always)]
pub(crate) unsafe fn load<S: Simd>(p: *const f32) -> S::f32s {
    // SAFETY: the caller's promise; f32s is plain data.
    unsafe { p.cast::<S::f32s>().read_unaligned() }
}

/// Writes one vector.
///
/// # Safety
/// `p` is writable for a whole vector.
#[inline(always)]
pub(crate) unsafe fn store<S: Simd>(p: *mut f32, v: S::f32s) {
    // SAFETY: the caller's promise.
    unsafe { p.cast::<S::f32s>().write_unaligned(v) }
}

/// `a b + c`, in one rounding where the machine has it.
#[inline(always)]
pub(crate) fn fma<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(a, b, c)
}

/// `−x`. Like the two below it stands in for a provided method of `Simd` that is not always inlined, and then costs a call a vector.
#[inline(always)]
pub(crate) fn neg<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    simd.sub_f32s(simd.splat_f32s(0.0), x)
}

/// |x|
#[inline(always)]
pub(crate) fn abs<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    simd.max_f32s(x, neg(simd, x))
}

/// `a` where the mask holds, `b` elsewhere.
#[inline(always)]
pub(crate) fn select<S: Simd>(simd: S, mask: S::m32s, a: S::f32s, b: S::f32s) -> S::f32s {
    bytemuck::cast(simd.select_u32s(mask, bytemuck::cast(a), bytemuck::cast(b)))
}

#[inline(always)]
fn horner<S: Simd, const N: usize>(simd: S, x: S::f32s, coefficients: [f32; N]) -> S::f32s {
    let mut sum = simd.splat_f32s(coefficients[0]);
    let mut i = 1;
    while i < N {
        sum = fma(simd, sum, x, simd.splat_f32s(coefficients[i]));
        i += 1;
    }
    sum
}

/// e^x for x in [-87.33, 88.37]; nonsense beyond, and where x is not a number.
#[inline(always)]
fn exp_within<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const MAGIC: f32 = 12_582_912.0;
    // Adding 1.5 · 2^23 rounds to the nearest integer and leaves it in the low bits.
    let shifted = fma(simd, x, simd.splat_f32s(std::f32::consts::LOG2_E), simd.splat_f32s(MAGIC));
    let n = simd.sub_f32s(shifted, simd.splat_f32s(MAGIC));
    let r = fma(simd, n, simd.splat_f32s(-0.693_359_4), x);
    let r = fma(simd, n, simd.splat_f32s(2.121_944_4e-4), r);
    let p = [8.312_501e-3, 4.189_033e-2, 1.666_711_5e-1, 4.999_923e-1, 1.0, 1.0];
    // The power of two goes into the exponent directly.
    let power = simd.wrapping_dyn_shl_u32s(bytemuck::cast(shifted), simd.splat_u32s(23));
    bytemuck::cast(simd.add_u32s(bytemuck::cast(horner(simd, r, p)), power))
}

/// e^x; 1.2e-38 below -87.33, about 2.4e38 above 88.37.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let (low, high) = (simd.splat_f32s(-87.33), simd.splat_f32s(88.37));
    let inside = select(simd, simd.less_than_f32s(x, low), low, x);
    let inside = select(simd, simd.greater_than_f32s(x, high), high, inside);
    // Not a number, or zero.
    let nothing = simd.sub_f32s(inside, inside);
    simd.add_f32s(exp_within(simd, inside), nothing)
}

/// log(1 + t) for t in [0, 1].
#[inline(always)]
pub(crate) fn log1p_unit<S: Simd>(simd: S, t: S::f32s) -> S::f32s {
    let s = simd.div_f32s(t, simd.add_f32s(t, simd.splat_f32s(2.0)));
    let s2 = simd.mul_f32s(s, s);
    let p = horner(simd, s2, [2.0 / 15.0, 2.0 / 13.0, 2.0 / 11.0, 2.0 / 9.0, 2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0, 2.0]);
    simd.mul_f32s(s, p)
}

/// 1 / (1 + e^-x); nonsense where x is not a number.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let inside = simd.max_f32s(simd.splat_f32s(-88.37), simd.min_f32s(simd.splat_f32s(87.33), x));
    simd.div_f32s(one, simd.add_f32s(one, exp_within(simd, neg(simd, inside))))
}

/// log(1 + e^x) and its derivative 1 / (1 + e^-x), from one exponential.
#[inline(always)]
pub(crate) fn softplus<S: Simd>(simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
    let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
    let negative = simd.less_than_f32s(x, zero);
    let t = exp(simd, neg(simd, abs(simd, x)));
    let y = simd.add_f32s(select(simd, negative, zero, x), log1p_unit(simd, t));
    let s = simd.div_f32s(one, simd.add_f32s(one, t));
    (y, select(simd, negative, simd.mul_f32s(t, s), s))
}

/// The hyperbolic tangent: Cephes' odd polynomial below 0.625, `(1 - e) / (1 + e)` with `e = e^{-2|x|}` above.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let magnitude = abs(simd, x);
    let e = exp(simd, simd.mul_f32s(magnitude, simd.splat_f32s(-2.0)));
    let large = simd.div_f32s(simd.sub_f32s(one, e), simd.add_f32s(one, e));
    let large = select(simd, simd.less_than_f32s(x, simd.splat_f32s(0.0)), neg(simd, large), large);
    let z = simd.mul_f32s(x, x);
    let p = horner(simd, z, [-5.704_988_7e-3, 2.063_908_8e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1]);
    let small = fma(simd, simd.mul_f32s(p, z), x, x);
    select(simd, simd.less_than_f32s(magnitude, simd.splat_f32s(0.625)), small, large)
}
