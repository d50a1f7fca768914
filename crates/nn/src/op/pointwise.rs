//! Operations number by number of one to four operands, from one definition of value and slopes.
//!
//! An operand of one column is spread over the columns of the others, one of one row a sample over their rows.

use std::fmt::Debug;

use pulp::{Simd, WithSimd};
use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    context::{Context, clear},
    plan::Write,
    rowwise::{each_vector, fold, put},
    shape::Shape,
    vector::load,
    view::View,
};

/// A function of `N` numbers with its partial derivatives.
pub(super) trait Pointwise<const N: usize>: Copy + Debug + Send + Sync + 'static {
    /// Its name in the list of operations.
    const NAME: &'static str;

    /// Value and slopes; what the caller drops is never computed, as everything is inlined.
    fn at<S: Simd>(self, simd: S, x: [S::f32s; N]) -> (S::f32s, [S::f32s; N]);
}

/// The operation that a function makes.
#[derive(Debug)]
pub(super) struct Each<F, const N: usize>(pub(super) F);

impl<F: Pointwise<N>, const N: usize> Op for Each<F, N> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        let rows = of.iter().map(|shape| shape.rows).max().unwrap_or(1);
        let cols = of.iter().map(|shape| shape.cols).max().unwrap_or(1);
        let fits = |shape: &&Shape| (shape.rows == rows || shape.rows == 1) && (shape.cols == cols || shape.cols == 1);
        match of.iter().find(|shape| !fits(shape)) {
            Some(other) => {
                Err(Error::shape(format!("operand of {}", F::NAME), &[rows, cols], &[other.rows, other.cols]))
            }
            None => Ok(Shape::new(rows, cols)),
        }
    }

    fn forward(&self, c: &Context<'_>) {
        let of = std::array::from_fn(|operand| c.operand(operand));
        c.run(Forward { function: self.0, of, y: c.output() });
    }

    fn backward(&self, c: &Context<'_>) {
        let of = std::array::from_fn(|operand| c.operand(operand));
        let dy = c.gradient();
        let to = std::array::from_fn(|operand| {
            let (view, write) = c.operand_gradient(operand);
            // Sums over what an operand was spread over begin at zero.
            let spread = view.rows != dy.rows || view.cols != dy.cols;
            if spread && write == Write::Fresh {
                clear(view);
            }
            (view, if spread && write != Write::Skip { Write::Add } else { write })
        });
        c.run(Backward { function: self.0, of, dy, to });
    }
}

struct Forward<F, const N: usize> {
    function: F,
    of: [View; N],
    y: View,
}

/// The numbers of an operand beside a vector of the result.
///
/// # Safety
/// Row and column lie in `whole`, and `of` is spread over it.
#[inline(always)]
unsafe fn operand<S: Simd>(simd: S, of: View, whole: View, row: usize, col: usize) -> S::f32s {
    let row = if of.rows == whole.rows { row } else { row % of.rows };
    // SAFETY: padded rows, see `buffer`.
    unsafe { if of.cols == whole.cols { load::<S>(of.row(row).add(col)) } else { simd.splat_f32s(*of.row(row)) } }
}

impl<F: Pointwise<N>, const N: usize> WithSimd for Forward<F, N> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in 0..self.y.rows {
            each_vector!(S, self.y.cols, |col, real| {
                let mut x = [simd.splat_f32s(0.0); N];
                // SAFETY: padded rows, see `buffer`.
                unsafe {
                    for i in 0..N {
                        x[i] = operand(simd, self.of[i], self.y, row, col);
                    }
                    put(simd, self.y.row(row).add(col), self.function.at(simd, x).0, real, Write::Fresh);
                }
            });
        }
    }
}

struct Backward<F, const N: usize> {
    function: F,
    of: [View; N],
    dy: View,
    to: [(View, Write); N],
}

impl<F: Pointwise<N>, const N: usize> WithSimd for Backward<F, N> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in 0..self.dy.rows {
            each_vector!(S, self.dy.cols, |col, real| {
                let mut x = [simd.splat_f32s(0.0); N];
                // SAFETY: padded rows, see `buffer`.
                unsafe {
                    for i in 0..N {
                        x[i] = operand(simd, self.of[i], self.dy, row, col);
                    }
                    let dy = load::<S>(self.dy.row(row).add(col));
                    let slopes = self.function.at(simd, x).1;
                    for i in 0..N {
                        let (to, write) = self.to[i];
                        if write == Write::Skip {
                            continue;
                        }
                        let d = simd.mul_f32s(slopes[i], dy);
                        let row = if to.rows == self.dy.rows { row } else { row % to.rows };
                        if to.cols == self.dy.cols {
                            put(simd, to.row(row).add(col), d, real, write);
                        } else {
                            *to.row(row) += fold::<S>(d, real);
                        }
                    }
                }
            });
        }
    }
}
