//! Layer normalisation (Ba, Kiros and Hinton 2016) with the activation that follows it,
//! `y = activation(gain · (x − mean) / √(variance + epsilon) + shift)` over the columns of each row.

use pulp::{Simd, WithSimd};
use worldwright_core::Result;

use super::Op;
use crate::{
    activation::{Activation, Function, with_function},
    buffer::stride,
    context::Context,
    graph::{Graph, Node, expect_parameter},
    plan::Write,
    rowwise::{each_vector, put, sum},
    shape::Shape,
    store::Parameter,
    vector::{fma, load, store},
    view::View,
};

/// Parameters: gain and shift `[1][cols]`.
#[derive(Debug)]
struct LayerNorm {
    epsilon: f32,
    activation: Activation,
}

impl Op for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn shape(&self, of: &[Shape], parameters: &[[usize; 2]]) -> Result<Shape> {
        expect_parameter("gain of a normalisation", parameters[0], 1, of[0].cols)?;
        expect_parameter("shift of a normalisation", parameters[1], 1, of[0].cols)?;
        Ok(of[0])
    }

    /// The normalised row with the inverse deviation behind it, and the activation's derivative.
    fn kept(&self, _of: &[Shape], out: Shape) -> usize {
        out.rows * (2 * stride(out.cols) + 16)
    }

    fn forward(&self, c: &Context<'_>) {
        let y = c.output();
        let kept = if c.pass.keep { [0, 1, 2].map(|matrix| c.kept(matrix).at) } else { [std::ptr::null_mut(); 3] };
        c.run(Normalise {
            activation: self.activation,
            epsilon: self.epsilon,
            x: c.operand(0),
            y,
            kept,
            gain: c.parameter(0).at,
            shift: c.parameter(1).at,
            rows: y.rows,
            cols: y.cols,
        });
    }

    fn backward(&self, c: &Context<'_>) {
        let dy = c.gradient();
        let (dx, write) = c.operand_gradient(0);
        let (d_gain, gain_write) = c.parameter_gradient(0);
        let (d_shift, shift_write) = c.parameter_gradient(1);
        c.run(NormaliseBack {
            dy,
            dx,
            write,
            kept: [0, 1, 2].map(|matrix| c.kept(matrix).at),
            gain: c.parameter(0).at,
            d_gain: d_gain.at,
            d_shift: d_shift.at,
            parameters: [gain_write, shift_write],
            rows: dy.rows,
            cols: dy.cols,
        });
    }
}

impl Graph {
    /// `activation(gain · (x − mean) / √(variance + epsilon) + shift)` over the columns of each row; gain and shift `[1][cols]`.
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn layer_norm(
        &mut self,
        x: Node,
        gain: Parameter,
        shift: Parameter,
        epsilon: f32,
        activation: Activation,
    ) -> Result<Node> {
        self.push(LayerNorm { epsilon, activation }, &[x], &[gain, shift])
    }
}

/// Layer normalisation of rows, forwards.
struct Normalise {
    activation: Activation,
    epsilon: f32,
    x: View,
    y: View,
    /// The normalised row, the activation's derivative (both laid out as `y`) and the inverse deviation of each row; null where no backward
    /// pass may follow.
    kept: [*mut f32; 3],
    gain: *const f32,
    shift: *const f32,
    rows: usize,
    cols: usize,
}

impl WithSimd for Normalise {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        with_function!(self.activation, F => self.run::<S, F>(simd));
    }
}

impl Normalise {
    #[inline(always)]
    fn run<S: Simd, F: Function>(&self, simd: S) {
        let cols = self.cols as f64;
        for row in 0..self.rows {
            let x = self.x.row(row);
            let (mut total, mut tail) = (simd.splat_f32s(0.0), 0.0);
            // SAFETY: padded rows, see `buffer`.
            unsafe {
                each_vector!(S, self.cols, |col, real| {
                    let value = load::<S>(x.add(col));
                    if real == S::F32_LANES {
                        total = simd.add_f32s(total, value);
                    } else {
                        tail += sum::<S>(value, real);
                    }
                });
                let mean = ((sum::<S>(total, S::F32_LANES) + tail) / cols) as f32;
                let centre = simd.splat_f32s(mean);
                (total, tail) = (simd.splat_f32s(0.0), 0.0);
                each_vector!(S, self.cols, |col, real| {
                    let off = simd.sub_f32s(load::<S>(x.add(col)), centre);
                    if real == S::F32_LANES {
                        total = fma(simd, off, off, total);
                    } else {
                        tail += sum::<S>(simd.mul_f32s(off, off), real);
                    }
                });
                let variance = (sum::<S>(total, S::F32_LANES) + tail) / cols;
                let inverse = (1.0 / (variance + f64::from(self.epsilon)).sqrt()) as f32;
                let keep = !self.kept[0].is_null();
                if keep {
                    *self.kept[2].add(row) = inverse;
                }
                let inverse = simd.splat_f32s(inverse);
                let at = row * self.y.stride;
                each_vector!(S, self.cols, |col, real| {
                    let hat = simd.mul_f32s(simd.sub_f32s(load::<S>(x.add(col)), centre), inverse);
                    let z = fma(simd, hat, load::<S>(self.gain.add(col)), load::<S>(self.shift.add(col)));
                    let (y, d) = F::at(simd, z);
                    if keep {
                        put(simd, self.kept[0].add(at + col), hat, real, Write::Fresh);
                        put(simd, self.kept[1].add(at + col), d, real, Write::Fresh);
                    }
                    put(simd, self.y.row(row).add(col), y, real, Write::Fresh);
                });
            }
        }
    }
}

/// Layer normalisation backwards: with `d = dy · act′` and `h = d · gain`, `dx = (h − mean h − x̂ mean(h x̂)) / deviation`.
struct NormaliseBack {
    dy: View,
    dx: View,
    write: Write,
    kept: [*mut f32; 3],
    gain: *const f32,
    d_gain: *mut f32,
    d_shift: *mut f32,
    parameters: [Write; 2],
    rows: usize,
    cols: usize,
}

impl WithSimd for NormaliseBack {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let n = self.cols as f64;
        for row in 0..self.rows {
            let (mut plain, mut along) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
            let at = row * self.dy.stride;
            // SAFETY: padded rows, see `buffer`; gradients and what was kept are zero in the padding, so sums may run over it.
            unsafe {
                each_vector!(S, self.cols, |col, real| {
                    let hat = load::<S>(self.kept[0].add(at + col));
                    let d = simd.mul_f32s(load::<S>(self.dy.row(row).add(col)), load::<S>(self.kept[1].add(at + col)));
                    store::<S>(self.dy.row(row).add(col), d);
                    let add = |write| if row > 0 { Write::Add } else { write };
                    if self.parameters[0] != Write::Skip {
                        let write = add(self.parameters[0]);
                        put(simd, self.d_gain.add(col), simd.mul_f32s(d, hat), real, write);
                    }
                    if self.parameters[1] != Write::Skip {
                        put(simd, self.d_shift.add(col), d, real, add(self.parameters[1]));
                    }
                    let h = simd.mul_f32s(d, load::<S>(self.gain.add(col)));
                    plain = simd.add_f32s(plain, h);
                    along = fma(simd, h, hat, along);
                });
                if self.write == Write::Skip {
                    continue;
                }
                let plain = simd.splat_f32s((sum::<S>(plain, S::F32_LANES) / n) as f32);
                let along = simd.splat_f32s((sum::<S>(along, S::F32_LANES) / n) as f32);
                let inverse = simd.splat_f32s(*self.kept[2].add(row));
                each_vector!(S, self.cols, |col, real| {
                    let hat = load::<S>(self.kept[0].add(at + col));
                    let h = simd.mul_f32s(load::<S>(self.dy.row(row).add(col)), load::<S>(self.gain.add(col)));
                    let dx = simd.sub_f32s(simd.sub_f32s(h, plain), simd.mul_f32s(hat, along));
                    put(simd, self.dx.row(row).add(col), simd.mul_f32s(dx, inverse), real, self.write);
                });
            }
        }
    }
}
