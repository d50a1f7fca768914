//! Soft bounds on log-variances, `y₁ = max − softplus(max − x)`, `y = min + softplus(y₁ − min)` (Chua et al., NeurIPS 2018, appendix A.1).

use pulp::{Simd, WithSimd};
use worldwright_core::Result;

use super::Op;
use crate::{
    buffer::stride,
    context::Context,
    graph::{Graph, Node, expect_parameter},
    plan::Write,
    rowwise::{each_vector, put},
    shape::Shape,
    store::Parameter,
    vector::{load, softplus},
    view::View,
};

/// Parameters: the bounds, min and max `[1][cols]`.
#[derive(Debug)]
struct SoftClamp;

impl Op for SoftClamp {
    fn name(&self) -> &'static str {
        "soft_clamp"
    }

    fn shape(&self, of: &[Shape], parameters: &[[usize; 2]]) -> Result<Shape> {
        expect_parameter("least bound", parameters[0], 1, of[0].cols)?;
        expect_parameter("greatest bound", parameters[1], 1, of[0].cols)?;
        Ok(of[0])
    }

    /// The two sigmoids.
    fn kept(&self, _of: &[Shape], out: Shape) -> usize {
        2 * out.rows * stride(out.cols)
    }

    fn forward(&self, c: &Context<'_>) {
        let y = c.output();
        let kept = if c.pass.keep { [0, 1].map(|matrix| c.kept(matrix).at) } else { [std::ptr::null_mut(); 2] };
        let (min, max) = (c.parameter(0).at, c.parameter(1).at);
        c.run(Forward { x: c.operand(0), y, kept, min, max, rows: y.rows, cols: y.cols });
    }

    fn backward(&self, c: &Context<'_>) {
        let dy = c.gradient();
        let (dx, write) = c.operand_gradient(0);
        let (d_min, min_write) = c.parameter_gradient(0);
        let (d_max, max_write) = c.parameter_gradient(1);
        c.run(Back {
            dy,
            dx,
            write,
            kept: [0, 1].map(|matrix| c.kept(matrix).at.cast_const()),
            d_min: d_min.at,
            d_max: d_max.at,
            parameters: [min_write, max_write],
            rows: dy.rows,
            cols: dy.cols,
        });
    }
}

impl Graph {
    /// Keeps `x` between learned bounds `[1][cols]`: `y = max − softplus(max − x)`, then `min + softplus(y − min)` (PETS, appendix A.1).
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn soft_clamp(&mut self, x: Node, min: Parameter, max: Parameter) -> Result<Node> {
        self.push(SoftClamp, &[x], &[min, max])
    }
}

/// Soft bounds forwards; keeps `σ(max − x)` and `σ(y₁ − min)`.
struct Forward {
    x: View,
    y: View,
    /// Null when no gradient will be wanted.
    kept: [*mut f32; 2],
    min: *const f32,
    max: *const f32,
    rows: usize,
    cols: usize,
}

impl WithSimd for Forward {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in 0..self.rows {
            each_vector!(S, self.cols, |col, real| {
                // SAFETY: padded rows, see `buffer`, or a window that is read past its end into slack.
                unsafe {
                    let (min, max) = (load::<S>(self.min.add(col)), load::<S>(self.max.add(col)));
                    let (over, upper) = softplus(simd, simd.sub_f32s(max, load::<S>(self.x.row(row).add(col))));
                    let below = simd.sub_f32s(max, over);
                    let (under, lower) = softplus(simd, simd.sub_f32s(below, min));
                    put(simd, self.y.row(row).add(col), simd.add_f32s(min, under), real, Write::Fresh);
                    if !self.kept[0].is_null() {
                        let at = row * self.y.stride + col;
                        put(simd, self.kept[0].add(at), upper, real, Write::Fresh);
                        put(simd, self.kept[1].add(at), lower, real, Write::Fresh);
                    }
                }
            });
        }
    }
}

/// Soft bounds backwards: `dx = dy σ₁ σ₂`, `dmax = dy σ₂ (1 − σ₁)`, `dmin = dy (1 − σ₂)`.
struct Back {
    dy: View,
    dx: View,
    write: Write,
    kept: [*const f32; 2],
    d_min: *mut f32,
    d_max: *mut f32,
    parameters: [Write; 2],
    rows: usize,
    cols: usize,
}

impl WithSimd for Back {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let one = simd.splat_f32s(1.0);
        for row in 0..self.rows {
            each_vector!(S, self.cols, |col, real| {
                // SAFETY: padded rows, see `buffer`.
                unsafe {
                    let at = row * self.dy.stride + col;
                    let dy = load::<S>(self.dy.row(row).add(col));
                    let (upper, lower) = (load::<S>(self.kept[0].add(at)), load::<S>(self.kept[1].add(at)));
                    let inside = simd.mul_f32s(dy, lower);
                    let add = |write| if row > 0 { Write::Add } else { write };
                    if self.parameters[0] != Write::Skip {
                        let d = simd.mul_f32s(dy, simd.sub_f32s(one, lower));
                        put(simd, self.d_min.add(col), d, real, add(self.parameters[0]));
                    }
                    if self.parameters[1] != Write::Skip {
                        let d = simd.mul_f32s(inside, simd.sub_f32s(one, upper));
                        put(simd, self.d_max.add(col), d, real, add(self.parameters[1]));
                    }
                    if self.write != Write::Skip {
                        put(simd, self.dx.row(row).add(col), simd.mul_f32s(inside, upper), real, self.write);
                    }
                }
            });
        }
    }
}
