//! Sums, differences, products, the lesser and the greater, and functions of one number.

use pulp::Simd;
use worldwright_core::Result;

use super::pointwise::{Each, Pointwise};
use crate::{
    graph::{Graph, Node},
    vector::{abs, exp, neg, select, store},
};

macro_rules! pointwise {
    ($name:ident, $n:literal, $text:literal, |$self:ident, $simd:ident, $x:ident| $body:expr) => {
        impl Pointwise<$n> for $name {
            const NAME: &'static str = $text;
            #[inline(always)]
            fn at<S: Simd>($self, $simd: S, $x: [S::f32s; $n]) -> (S::f32s, [S::f32s; $n]) {
                $body
            }
        }
    };
}
pub(super) use pointwise;

#[derive(Debug, Clone, Copy)]
struct Add;
#[derive(Debug, Clone, Copy)]
struct Sub;
#[derive(Debug, Clone, Copy)]
struct Mul;
#[derive(Debug, Clone, Copy)]
struct Min;
#[derive(Debug, Clone, Copy)]
struct Max;
#[derive(Debug, Clone, Copy)]
struct Floor {
    least: f32,
}

pointwise!(Add, 2, "add", |self, simd, x| {
    let one = simd.splat_f32s(1.0);
    (simd.add_f32s(x[0], x[1]), [one, one])
});
pointwise!(Sub, 2, "sub", |self, simd, x| (simd.sub_f32s(x[0], x[1]), [simd.splat_f32s(1.0), simd.splat_f32s(-1.0)]));
pointwise!(Mul, 2, "mul", |self, simd, x| (simd.mul_f32s(x[0], x[1]), [x[1], x[0]]));
pointwise!(Min, 2, "min", |self, simd, x| {
    let (first, second) = shares(simd, x[1], x[0]);
    (select(simd, simd.less_than_f32s(x[1], x[0]), x[1], x[0]), [first, second])
});
pointwise!(Max, 2, "max", |self, simd, x| {
    let (first, second) = shares(simd, x[0], x[1]);
    (select(simd, simd.less_than_f32s(x[0], x[1]), x[1], x[0]), [first, second])
});
pointwise!(Floor, 1, "floor", |self, simd, x| {
    let (zero, one, least) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0), simd.splat_f32s(self.least));
    let below = simd.less_than_f32s(x[0], least);
    (select(simd, below, least, x[0]), [select(simd, below, zero, one)])
});

/// One for the greater and zero for the other; a half each where they are equal.
#[inline(always)]
fn shares<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> (S::f32s, S::f32s) {
    let (zero, half, one) = (simd.splat_f32s(0.0), simd.splat_f32s(0.5), simd.splat_f32s(1.0));
    let less = simd.less_than_f32s(a, b);
    let equal = simd.equal_f32s(a, b);
    (select(simd, equal, half, select(simd, less, zero, one)), select(simd, equal, half, select(simd, less, one, zero)))
}

/// A function of one number beyond the [activations](crate::Activation).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unary {
    /// e^x
    Exp,
    /// ln x
    Log,
    /// x²
    Square,
    /// √x
    Sqrt,
    /// |x|
    Abs,
    /// 1 / x
    Reciprocal,
    /// sign(x) ln(1 + |x|), which squashes returns of any size (Hafner et al. 2023, "Mastering Diverse Domains through World Models", eq. 9)
    Symlog,
    /// sign(x) (e^|x| − 1), its inverse
    Symexp,
}

impl Unary {
    /// Every one of them.
    pub const ALL: &'static [Self] =
        &[Self::Exp, Self::Log, Self::Square, Self::Sqrt, Self::Abs, Self::Reciprocal, Self::Symlog, Self::Symexp];
}

/// A function of the standard library on each lane.
#[inline(always)]
fn lanes<S: Simd>(x: S::f32s, f: impl Fn(f32) -> f32) -> S::f32s {
    let mut lanes = [0.0_f32; 16];
    // SAFETY: no vector is longer than sixteen numbers.
    unsafe {
        store::<S>(lanes.as_mut_ptr(), x);
        lanes[..S::F32_LANES].iter_mut().for_each(|lane| *lane = f(*lane));
        crate::vector::load::<S>(lanes.as_ptr())
    }
}

pointwise!(Unary, 1, "unary", |self, simd, x| {
    let (x, one, two) = (x[0], simd.splat_f32s(1.0), simd.splat_f32s(2.0));
    let negative = simd.less_than_f32s(x, simd.splat_f32s(0.0));
    match self {
        Self::Exp => {
            let y = exp(simd, x);
            (y, [y])
        }
        Self::Log => (lanes::<S>(x, f32::ln), [simd.div_f32s(one, x)]),
        Self::Square => (simd.mul_f32s(x, x), [simd.mul_f32s(two, x)]),
        Self::Sqrt => {
            let y = simd.sqrt_f32s(x);
            (y, [simd.div_f32s(simd.splat_f32s(0.5), y)])
        }
        Self::Abs => {
            let zero = simd.splat_f32s(0.0);
            let sign = select(simd, simd.equal_f32s(x, zero), zero, select(simd, negative, neg(simd, one), one));
            (abs(simd, x), [sign])
        }
        Self::Reciprocal => {
            let y = simd.div_f32s(one, x);
            (y, [neg(simd, simd.mul_f32s(y, y))])
        }
        Self::Symlog => {
            let size = abs(simd, x);
            let y = lanes::<S>(size, f32::ln_1p);
            (select(simd, negative, neg(simd, y), y), [simd.div_f32s(one, simd.add_f32s(one, size))])
        }
        Self::Symexp => {
            let size = abs(simd, x);
            let y = lanes::<S>(size, f32::exp_m1);
            (select(simd, negative, neg(simd, y), y), [exp(simd, size)])
        }
    }
});

impl Graph {
    /// `a + b`. Here and below an operand of one column, or of one row a sample, is spread over the other's.
    ///
    /// # Errors
    /// [`Error::Shape`](worldwright_core::Error::Shape) when the shapes do not fit together (likewise below).
    pub fn add(&mut self, a: Node, b: Node) -> Result<Node> {
        self.push(Each(Add), &[a, b], &[])
    }

    /// `a − b`.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn sub(&mut self, a: Node, b: Node) -> Result<Node> {
        self.push(Each(Sub), &[a, b], &[])
    }

    /// `a · b`, number by number.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn mul(&mut self, a: Node, b: Node) -> Result<Node> {
        self.push(Each(Mul), &[a, b], &[])
    }

    /// The lesser of `a` and `b`, number by number: the pessimist of two critics. Equals share the gradient.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn min(&mut self, a: Node, b: Node) -> Result<Node> {
        self.push(Each(Min), &[a, b], &[])
    }

    /// The greater of `a` and `b`, number by number. Equals share the gradient.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn max(&mut self, a: Node, b: Node) -> Result<Node> {
        self.push(Each(Max), &[a, b], &[])
    }

    /// `x`, or `least` where that is greater; no gradient flows there: free nats.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn floor(&mut self, x: Node, least: f32) -> Result<Node> {
        self.push(Each(Floor { least }), &[x], &[])
    }

    /// A function of each number.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn unary(&mut self, x: Node, function: Unary) -> Result<Node> {
        self.push(Each(function), &[x], &[])
    }
}
