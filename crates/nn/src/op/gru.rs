//! The gates of a gated recurrent unit (Cho et al. 2014), in PyTorch's form:
//! `r = σ(xᵣ + hᵣ)`, `u = σ(xᵤ + hᵤ)`, `c = tanh(x_c + r h_c)`, `h′ = (1 − u) c + u h`.

use pulp::{Simd, WithSimd};
use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    buffer::stride,
    context::Context,
    graph::{Graph, Node},
    plan::Write,
    rowwise::{each_vector, put},
    shape::Shape,
    vector::{fma, load, sigmoid, tanh},
    view::View,
};

/// Operands: `x W + b` and `h W + b`, both `[3 H]` in the order r, u, c; and h `[H]`.
#[derive(Debug)]
struct Gru;

impl Op for Gru {
    fn name(&self) -> &'static str {
        "gru"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        let whole = Shape::new(of[2].rows, 3 * of[2].cols);
        match of[..2].iter().find(|gates| **gates != whole) {
            Some(gates) => Err(Error::shape("gates of a GRU", &[whole.rows, whole.cols], &[gates.rows, gates.cols])),
            None => Ok(of[2]),
        }
    }

    /// r, u and c.
    fn kept(&self, _of: &[Shape], out: Shape) -> usize {
        3 * out.rows * stride(out.cols)
    }

    fn work(&self, _of: &[Shape], _parameters: &[[usize; 2]], out: Shape) -> usize {
        40 * out.numbers()
    }

    fn forward(&self, c: &Context<'_>) {
        let kept = c.pass.keep.then(|| [0, 1, 2].map(|matrix| c.kept(matrix)));
        c.run(Forward { x: c.operand(0), gates: c.operand(1), h: c.operand(2), y: c.output(), kept });
    }

    fn backward(&self, c: &Context<'_>) {
        c.run(Backward {
            gates: c.operand(1),
            h: c.operand(2),
            dy: c.gradient(),
            kept: [0, 1, 2].map(|matrix| c.kept(matrix)),
            to: [0, 1, 2].map(|operand| c.operand_gradient(operand)),
        });
    }
}

struct Forward {
    x: View,
    gates: View,
    h: View,
    y: View,
    kept: Option<[View; 3]>,
}

impl WithSimd for Forward {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (size, one) = (self.y.cols, simd.splat_f32s(1.0));
        for row in 0..self.y.rows {
            let (x, g) = (self.x.row(row), self.gates.row(row));
            each_vector!(S, size, |col, real| {
                // SAFETY: padded rows and slack behind them, see `buffer`.
                unsafe {
                    let at = |base: *mut f32, gate: usize| load::<S>(base.add(gate * size + col));
                    let r = sigmoid(simd, simd.add_f32s(at(x, 0), at(g, 0)));
                    let u = sigmoid(simd, simd.add_f32s(at(x, 1), at(g, 1)));
                    let c = tanh(simd, fma(simd, r, at(g, 2), at(x, 2)));
                    let h = load::<S>(self.h.row(row).add(col));
                    let y = fma(simd, u, h, simd.mul_f32s(simd.sub_f32s(one, u), c));
                    put(simd, self.y.row(row).add(col), y, real, Write::Fresh);
                    if let Some(kept) = self.kept {
                        for (to, value) in kept.into_iter().zip([r, u, c]) {
                            put(simd, to.row(row).add(col), value, real, Write::Fresh);
                        }
                    }
                }
            });
        }
    }
}

struct Backward {
    gates: View,
    h: View,
    dy: View,
    kept: [View; 3],
    to: [(View, Write); 3],
}

impl WithSimd for Backward {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (size, one) = (self.dy.cols, simd.splat_f32s(1.0));
        for row in 0..self.dy.rows {
            each_vector!(S, size, |col, real| {
                // SAFETY: padded rows and slack behind them, see `buffer`.
                unsafe {
                    let at = |view: View| load::<S>(view.row(row).add(col));
                    let [r, u, c] = self.kept.map(at);
                    let (h, dy) = (at(self.h), at(self.dy));
                    let hidden = load::<S>(self.gates.row(row).add(2 * size + col));
                    let rest = simd.sub_f32s(one, u);
                    let d_c = simd.mul_f32s(simd.mul_f32s(dy, rest), simd.sub_f32s(one, simd.mul_f32s(c, c)));
                    let d_u = simd.mul_f32s(simd.mul_f32s(dy, simd.sub_f32s(h, c)), simd.mul_f32s(u, rest));
                    let d_r = simd.mul_f32s(simd.mul_f32s(d_c, hidden), simd.mul_f32s(r, simd.sub_f32s(one, r)));
                    let slopes = [[d_r, d_u, d_c], [d_r, d_u, simd.mul_f32s(d_c, r)]];
                    for (slopes, (to, write)) in slopes.into_iter().zip(self.to) {
                        if write != Write::Skip {
                            for (gate, slope) in slopes.into_iter().enumerate() {
                                put(simd, to.row(row).add(gate * size + col), slope, real, write);
                            }
                        }
                    }
                    let (to, write) = self.to[2];
                    if write != Write::Skip {
                        put(simd, to.row(row).add(col), simd.mul_f32s(dy, u), real, write);
                    }
                }
            });
        }
    }
}

impl Graph {
    /// The next state of a gated recurrent unit from its gates before their functions, `x W + b` and `h W + b`, each `[3 H]` in the order reset, update,
    /// candidate, and its state `h` `[H]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when they do not fit together.
    pub fn gru(&mut self, x_gates: Node, h_gates: Node, h: Node) -> Result<Node> {
        self.push(Gru, &[x_gates, h_gates, h], &[])
    }
}
