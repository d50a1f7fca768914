//! Losses number by number: squared error, Gaussian and Bernoulli likelihoods.

use pulp::Simd;
use worldwright_core::Result;

use super::{
    arithmetic::pointwise,
    pointwise::{Each, Pointwise},
};
use crate::{
    graph::{Graph, Node},
    vector::{exp, fma, neg, softplus},
};

#[derive(Debug, Clone, Copy)]
struct SquareError;
#[derive(Debug, Clone, Copy)]
struct GaussianNll;
#[derive(Debug, Clone, Copy)]
struct BinaryCrossEntropy;

pointwise!(SquareError, 2, "square_error", |self, simd, x| {
    let off = simd.sub_f32s(x[0], x[1]);
    let slope = simd.mul_f32s(simd.splat_f32s(2.0), off);
    (simd.mul_f32s(off, off), [slope, neg(simd, slope)])
});
pointwise!(GaussianNll, 3, "gaussian_nll", |self, simd, x| {
    let off = simd.sub_f32s(x[0], x[2]);
    let scaled = simd.mul_f32s(off, exp(simd, neg(simd, x[1])));
    let square = simd.mul_f32s(off, scaled);
    let slope = simd.mul_f32s(simd.splat_f32s(2.0), scaled);
    (simd.add_f32s(square, x[1]), [slope, simd.sub_f32s(simd.splat_f32s(1.0), square), neg(simd, slope)])
});
pointwise!(BinaryCrossEntropy, 2, "binary_cross_entropy", |self, simd, x| {
    let (value, probability) = softplus(simd, x[0]);
    let value = fma(simd, neg(simd, x[1]), x[0], value);
    (value, [simd.sub_f32s(probability, x[1]), neg(simd, x[0])])
});

impl Graph {
    /// `(prediction − target)²`, number by number.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn square_error(&mut self, prediction: Node, target: Node) -> Result<Node> {
        self.push(Each(SquareError), &[prediction, target], &[])
    }

    /// `(mean − target)² e^−log_variance + log_variance`, number by number: twice the negative log-likelihood of a Gaussian with independent
    /// dimensions, without its constant.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn gaussian_nll(&mut self, mean: Node, log_variance: Node, target: Node) -> Result<Node> {
        self.push(Each(GaussianNll), &[mean, log_variance, target], &[])
    }

    /// `softplus(logit) − target · logit`, number by number: the cross-entropy of a Bernoulli variable with that logit.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn binary_cross_entropy(&mut self, logit: Node, target: Node) -> Result<Node> {
        self.push(Each(BinaryCrossEntropy), &[logit, target], &[])
    }
}
