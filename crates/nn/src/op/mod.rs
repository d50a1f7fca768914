//! The operations of graphs, one file each: what shape comes out, what may be mixed, and both passes over a block of samples.
//!
//! A new operation is a file here with its structure, its [`Op`] and the [`Graph`](crate::Graph) method that records it, a line in this file, and its
//! name in [`OPERATIONS`], which the tests go through: each is held against finite differences and against PyTorch.

use std::fmt::Debug;

use worldwright_core::Result;

use crate::{
    activation::Activation,
    context::Context,
    shape::{Extent, Shape},
};

mod activation;
mod affine;
mod arithmetic;
mod attention;
mod bounded;
mod concat;
mod constant;
mod conv;
mod detach;
mod divergence;
mod embedding;
mod gru;
mod input;
mod lambda_return;
mod layer_norm;
mod likelihood;
mod linear;
mod lstm;
mod mixture;
mod nearest;
mod objective;
mod pointwise;
mod reduce;
mod rms_norm;
mod rows;
mod slice;
mod soft_clamp;
mod softmax;
mod standardise;
mod straight_through;
mod two_hot;

pub use arithmetic::Unary;
pub use conv::ConvShape;
pub(crate) use input::Input;
pub use nearest::Quantised;
pub(crate) use objective::Objective;
pub use two_hot::Bins;

/// Every operation that a graph can record.
pub const OPERATIONS: &[&str] = &[
    "input",
    "constant",
    "objective",
    "linear",
    "activation",
    "layer_norm",
    "concat",
    "slice",
    "add",
    "sub",
    "mul",
    "min",
    "max",
    "floor",
    "unary",
    "affine",
    "detach",
    "soft_clamp",
    "bounded",
    "square_error",
    "gaussian_nll",
    "binary_cross_entropy",
    "steps",
    "stack",
    "gather",
    "scatter_sum",
    "reshape",
    "sum_groups",
    "max_groups",
    "sum_rows",
    "rms_norm",
    "softmax",
    "log_softmax",
    "straight_through",
    "categorical_kl",
    "cross_entropy",
    "gru",
    "lstm",
    "conv",
    "conv_transpose",
    "embedding",
    "lambda_return",
    "attention",
    "mixture_nll",
    "nearest",
    "standardise",
    "two_hot",
    "two_hot_mean",
];

/// One operation.
///
/// Sizes of parameters are `[rows, cols]`. Passes run on a block of samples of one member; places are asked of the [`Context`].
pub(crate) trait Op: Debug + Send + Sync {
    /// Its name in [`OPERATIONS`].
    fn name(&self) -> &'static str;

    /// The result's shape, or why the operands do not fit.
    fn shape(&self, of: &[Shape], parameters: &[[usize; 2]]) -> Result<Shape>;

    /// What it mixes.
    fn extent(&self) -> Extent {
        Extent::Row
    }

    /// Whether a gradient flows to this operand.
    fn differentiates(&self, _operand: usize) -> bool {
        true
    }

    /// Numbers a sample that the backward pass needs beyond the values.
    fn kept(&self, _of: &[Shape], _out: Shape) -> usize {
        0
    }

    /// Numbers of room that a pass over `samples` samples needs for itself.
    fn scratch(&self, _of: &[Shape], _parameters: &[[usize; 2]], _out: Shape, _samples: usize) -> usize {
        0
    }

    /// The longest sum of its products over `samples` samples, which the panels are made for.
    fn depth(&self, _of: &[Shape], _parameters: &[[usize; 2]], _out: Shape, _samples: usize) -> usize {
        0
    }

    /// Multiply-adds a sample, forwards.
    fn work(&self, _of: &[Shape], _parameters: &[[usize; 2]], out: Shape) -> usize {
        4 * out.numbers()
    }

    /// How often a pass over a block would pack the first parameter into panels.
    fn packings(&self) -> usize {
        0
    }

    /// Whether the gradient of its first parameter is the product of its first operand, transposed, and its result's gradient.
    fn is_product(&self) -> bool {
        false
    }

    /// Whether its values are given from outside.
    fn is_input(&self) -> bool {
        false
    }

    /// Whether backward passes begin here.
    fn is_root(&self) -> bool {
        false
    }

    /// The number everywhere in it, for what is written once.
    fn constant(&self) -> Option<f32> {
        None
    }

    /// For linear layers, what follows them: inference has a way of its own for these.
    fn activation(&self) -> Option<Activation> {
        None
    }

    /// Computes the result.
    fn forward(&self, c: &Context<'_>);

    /// Adds to the gradients of operands and parameters from the gradient of the result.
    fn backward(&self, c: &Context<'_>);
}
