//! The activation functions, each with its derivative from the same intermediate values, and with its second derivative.
//!
//! SiLU `x σ(x)` (Elfwing et al. 2017), ELU with α = 1 (Clevert et al. 2015), Mish `x tanh(softplus(x))` (Misra 2019).

use pulp::{Simd, WithSimd};

use crate::vector::{exp, fma, load, neg, select, sigmoid, softplus, store, tanh};

/// What follows a linear map, number by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Activation {
    /// x
    #[default]
    Identity,
    /// x σ(x), also called swish
    Silu,
    /// max(x, 0)
    Relu,
    /// x where positive, e^x − 1 elsewhere
    Elu,
    /// tanh(x)
    Tanh,
    /// x tanh(softplus(x))
    Mish,
    /// log(1 + e^x)
    Softplus,
    /// 1 / (1 + e^−x)
    Sigmoid,
}

impl Activation {
    /// Every activation with the name that settings use.
    pub const ALL: &'static [(&'static str, Activation)] = &[
        ("identity", Self::Identity),
        ("silu", Self::Silu),
        ("relu", Self::Relu),
        ("elu", Self::Elu),
        ("tanh", Self::Tanh),
        ("mish", Self::Mish),
        ("softplus", Self::Softplus),
        ("sigmoid", Self::Sigmoid),
    ];

    /// The activation of that name.
    ///
    /// # Errors
    /// [`Unknown`](worldwright_core::Error::Unknown) with the nearest name.
    pub fn from_name(name: &str) -> worldwright_core::Result<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, activation)| *activation).ok_or_else(|| {
            worldwright_core::Error::unknown("activation", name, Self::ALL.iter().map(|(known, _)| *known))
        })
    }
}

/// Value and derivative at `x`; what the caller drops is never computed, as everything is inlined.
pub(crate) trait Function {
    fn at<S: Simd>(simd: S, x: S::f32s) -> (S::f32s, S::f32s);

    /// The second derivative at `x`.
    fn bend<S: Simd>(simd: S, x: S::f32s) -> S::f32s;
}

macro_rules! function {
    ($name:ident, |$simd:ident, $x:ident| $body:expr, $bend:expr) => {
        pub(crate) struct $name;
        impl Function for $name {
            #[inline(always)]
            fn at<S: Simd>($simd: S, $x: S::f32s) -> (S::f32s, S::f32s) {
                $body
            }

            #[inline(always)]
            fn bend<S: Simd>($simd: S, $x: S::f32s) -> S::f32s {
                $bend
            }
        }
    };
}

function!(Identity, |simd, x| (x, simd.splat_f32s(1.0)), simd.sub_f32s(x, x));
function!(
    Silu,
    |simd, x| {
        let s = sigmoid(simd, x);
        let y = simd.mul_f32s(x, s);
        (y, fma(simd, y, simd.sub_f32s(simd.splat_f32s(1.0), s), s))
    },
    {
        // s (1 − s) (2 + x (1 − 2 s))
        let (one, two) = (simd.splat_f32s(1.0), simd.splat_f32s(2.0));
        let s = sigmoid(simd, x);
        let both = simd.mul_f32s(s, simd.sub_f32s(one, s));
        simd.mul_f32s(both, fma(simd, x, fma(simd, neg(simd, two), s, one), two))
    }
);
function!(
    Relu,
    |simd, x| {
        let zero = simd.splat_f32s(0.0);
        let y = select(simd, simd.less_than_f32s(x, zero), zero, x);
        (y, select(simd, simd.greater_than_f32s(x, zero), simd.splat_f32s(1.0), zero))
    },
    simd.sub_f32s(x, x)
);
function!(
    Elu,
    |simd, x| {
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        let positive = simd.greater_than_f32s(x, zero);
        let e = exp(simd, select(simd, positive, zero, x));
        (select(simd, positive, x, simd.sub_f32s(e, one)), e)
    },
    {
        let zero = simd.splat_f32s(0.0);
        let positive = simd.greater_than_f32s(x, zero);
        select(simd, positive, zero, exp(simd, select(simd, positive, zero, x)))
    }
);
function!(
    Tanh,
    |simd, x| {
        let y = tanh(simd, x);
        (y, fma(simd, neg(simd, y), y, simd.splat_f32s(1.0)))
    },
    {
        // −2 y (1 − y²)
        let y = tanh(simd, x);
        let slope = fma(simd, neg(simd, y), y, simd.splat_f32s(1.0));
        simd.mul_f32s(simd.mul_f32s(simd.splat_f32s(-2.0), y), slope)
    }
);
function!(
    Mish,
    |simd, x| {
        let MishParts { t, s, slope } = mish(simd, x);
        (simd.mul_f32s(x, t), fma(simd, simd.mul_f32s(x, slope), s, t))
    },
    {
        // s (1 − t²) (2 + x (1 − s − 2 t s)) with t = tanh(softplus(x)) and its slope 1 − t²
        let MishParts { t, s, slope } = mish(simd, x);
        let (one, two) = (simd.splat_f32s(1.0), simd.splat_f32s(2.0));
        let inner = simd.sub_f32s(simd.sub_f32s(one, s), simd.mul_f32s(simd.mul_f32s(two, t), s));
        simd.mul_f32s(simd.mul_f32s(s, slope), fma(simd, x, inner, two))
    }
);
function!(Softplus, |simd, x| softplus(simd, x), {
    let (_, s) = softplus(simd, x);
    simd.mul_f32s(s, simd.sub_f32s(simd.splat_f32s(1.0), s))
});
function!(
    Sigmoid,
    |simd, x| {
        let s = select(simd, simd.equal_f32s(x, x), sigmoid(simd, x), x);
        (s, simd.mul_f32s(s, simd.sub_f32s(simd.splat_f32s(1.0), s)))
    },
    {
        let (one, two) = (simd.splat_f32s(1.0), simd.splat_f32s(2.0));
        let s = sigmoid(simd, x);
        let slope = simd.mul_f32s(s, simd.sub_f32s(one, s));
        simd.mul_f32s(slope, fma(simd, neg(simd, two), s, one))
    }
);

/// tanh(softplus(x)), the logistic function of x, and `1 − t²`.
struct MishParts<V> {
    t: V,
    s: V,
    slope: V,
}

#[inline(always)]
fn mish<S: Simd>(simd: S, x: S::f32s) -> MishParts<S::f32s> {
    // With e = e^x, tanh(log(1 + e)) = n / (n + 2) for n = e (e + 2). Beyond 20 it is 1 in single precision.
    let (one, two, top) = (simd.splat_f32s(1.0), simd.splat_f32s(2.0), simd.splat_f32s(20.0));
    let e = exp(simd, select(simd, simd.greater_than_f32s(x, top), top, x));
    let n = simd.mul_f32s(e, simd.add_f32s(e, two));
    let inverse = simd.div_f32s(one, simd.add_f32s(n, two));
    let t = simd.mul_f32s(n, inverse);
    let s = simd.div_f32s(e, simd.add_f32s(one, e));
    let slope = simd.mul_f32s(simd.mul_f32s(two, inverse), simd.add_f32s(one, t));
    MishParts { t, s, slope }
}

/// Runs `$go::<$function>` for the function that an activation names.
macro_rules! with_function {
    ($activation:expr, $f:ident => $body:expr) => {
        match $activation {
            $crate::activation::Activation::Identity => {
                type $f = $crate::activation::Identity;
                $body
            }
            $crate::activation::Activation::Silu => {
                type $f = $crate::activation::Silu;
                $body
            }
            $crate::activation::Activation::Relu => {
                type $f = $crate::activation::Relu;
                $body
            }
            $crate::activation::Activation::Elu => {
                type $f = $crate::activation::Elu;
                $body
            }
            $crate::activation::Activation::Tanh => {
                type $f = $crate::activation::Tanh;
                $body
            }
            $crate::activation::Activation::Mish => {
                type $f = $crate::activation::Mish;
                $body
            }
            $crate::activation::Activation::Softplus => {
                type $f = $crate::activation::Softplus;
                $body
            }
            $crate::activation::Activation::Sigmoid => {
                type $f = $crate::activation::Sigmoid;
                $body
            }
        }
    };
}
pub(crate) use with_function;

/// Replaces a window of `z` by the activation and, where wanted, writes the derivative to a window of the same shape.
pub(crate) struct Apply {
    pub(crate) activation: Activation,
    pub(crate) z: *mut f32,
    /// Null when the derivative is not wanted.
    pub(crate) derivative: *mut f32,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) stride: usize,
}

impl WithSimd for Apply {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        with_function!(self.activation, F => self.run::<S, F>(simd));
    }
}

impl Apply {
    #[inline(always)]
    fn run<S: Simd, F: Function>(&self, simd: S) {
        if self.derivative.is_null() {
            self.each::<S>(|at| {
                // SAFETY: whoever builds an `Apply` owns `rows` padded rows from `z` (and `derivative`) on.
                unsafe { store::<S>(self.z.add(at), F::at(simd, load::<S>(self.z.add(at))).0) }
            });
        } else {
            self.each::<S>(|at| {
                // SAFETY: as above.
                unsafe {
                    let (y, d) = F::at(simd, load::<S>(self.z.add(at)));
                    store::<S>(self.z.add(at), y);
                    store::<S>(self.derivative.add(at), d);
                }
            });
        }
    }

    /// Every vector's place.
    #[inline(always)]
    fn each<S: Simd>(&self, mut visit: impl FnMut(usize)) {
        for row in 0..self.rows {
            for vector in 0..self.cols.div_ceil(S::F32_LANES) {
                visit(row * self.stride + vector * S::F32_LANES);
            }
        }
    }
}

/// Replaces a window of `z` by the activation, with its first and where wanted its second derivative in windows of the same shape.
pub(crate) struct Curve {
    pub(crate) activation: Activation,
    pub(crate) z: *mut f32,
    pub(crate) slope: *mut f32,
    /// Null when the second derivative is not wanted.
    pub(crate) bend: *mut f32,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) stride: usize,
}

impl WithSimd for Curve {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        with_function!(self.activation, F => self.run::<S, F>(simd));
    }
}

impl Curve {
    #[inline(always)]
    fn run<S: Simd, F: Function>(&self, simd: S) {
        for row in 0..self.rows {
            for vector in 0..self.cols.div_ceil(S::F32_LANES) {
                let at = row * self.stride + vector * S::F32_LANES;
                // SAFETY: whoever builds a `Curve` owns `rows` padded rows from each of the pointers that are not null on.
                unsafe {
                    let x = load::<S>(self.z.add(at));
                    let (y, slope) = F::at(simd, x);
                    if !self.bend.is_null() {
                        store::<S>(self.bend.add(at), F::bend(simd, x));
                    }
                    store::<S>(self.z.add(at), y);
                    store::<S>(self.slope.add(at), slope);
                }
            }
        }
    }
}
