//! Forward-mode derivatives: numbers that carry their gradient with respect to `K` inputs.
//!
//! With as many inputs as a stage has states and controls, one evaluation of the dynamics gives its whole Jacobian.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// What smooth dynamics are written in, so that one formula gives values and derivatives.
pub trait Number:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Add<f64, Output = Self>
    + Mul<f64, Output = Self>
{
    /// Sine and cosine.
    #[must_use]
    fn sin_cos(self) -> (Self, Self);
}

impl Number for f64 {
    fn sin_cos(self) -> (Self, Self) {
        self.sin_cos()
    }
}

/// A value with its gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dual<const K: usize> {
    /// The number itself.
    pub value: f64,
    /// Its derivatives with respect to the inputs.
    pub gradient: [f64; K],
}

impl<const K: usize> Dual<K> {
    /// Input number `index`.
    #[inline(always)]
    pub fn input(value: f64, index: usize) -> Self {
        Self { value, gradient: std::array::from_fn(|i| if i == index { 1.0 } else { 0.0 }) }
    }

    #[inline(always)]
    fn chain(self, value: f64, slope: f64) -> Self {
        Self { value, gradient: self.gradient.map(|x| x * slope) }
    }

    #[inline(always)]
    fn join(self, other: Self, value: f64, left: f64, right: f64) -> Self {
        let gradient = std::array::from_fn(|i| left * self.gradient[i] + right * other.gradient[i]);
        Self { value, gradient }
    }
}

impl<const K: usize> Number for Dual<K> {
    #[inline(always)]
    fn sin_cos(self) -> (Self, Self) {
        let (sine, cosine) = self.value.sin_cos();
        (self.chain(sine, cosine), self.chain(cosine, -sine))
    }
}

impl<const K: usize> Add for Dual<K> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.join(other, self.value + other.value, 1.0, 1.0)
    }
}

impl<const K: usize> Sub for Dual<K> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.join(other, self.value - other.value, 1.0, -1.0)
    }
}

impl<const K: usize> Mul for Dual<K> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.join(other, self.value * other.value, other.value, self.value)
    }
}

impl<const K: usize> Div for Dual<K> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let (inverse, value) = (1.0 / other.value, self.value / other.value);
        self.join(other, value, inverse, -value * inverse)
    }
}

impl<const K: usize> Neg for Dual<K> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.chain(-self.value, -1.0)
    }
}

impl<const K: usize> Add<f64> for Dual<K> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: f64) -> Self {
        self.chain(self.value + other, 1.0)
    }
}

impl<const K: usize> Mul<f64> for Dual<K> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: f64) -> Self {
        self.chain(self.value * other, other)
    }
}
