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
                    let (x, g) = (x.add(col), g.add(col));
                    let r = sigmoid(simd, simd.add_f32s(load::<S>(x), load::<S>(g)));
                    let u = sigmoid(simd, simd.add_f32s(load::<S>(x.add(size)), load::<S>(g.add(size))));
                    let hidden = load::<S>(g.add(2 * size));
                    let c = tanh(simd, fma(simd, r, hidden, load::<S>(x.add(2 * size))));
                    let h = load::<S>(self.h.row(row).add(col));
                    let y = fma(simd, u, h, simd.mul_f32s(simd.sub_f32s(one, u), c));
                    put(simd, self.y.row(row).add(col), y, real, Write::Fresh);
                    if let Some([keep_r, keep_u, keep_c]) = self.kept {
                        put(simd, keep_r.row(row).add(col), r, real, Write::Fresh);
                        put(simd, keep_u.row(row).add(col), u, real, Write::Fresh);
                        put(simd, keep_c.row(row).add(col), c, real, Write::Fresh);
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
                    let [kept_r, kept_u, kept_c] = self.kept;
                    let r = load::<S>(kept_r.row(row).add(col));
                    let u = load::<S>(kept_u.row(row).add(col));
                    let c = load::<S>(kept_c.row(row).add(col));
                    let (h, dy) = (load::<S>(self.h.row(row).add(col)), load::<S>(self.dy.row(row).add(col)));
                    let hidden = load::<S>(self.gates.row(row).add(2 * size + col));
                    let rest = simd.sub_f32s(one, u);
                    let d_c = simd.mul_f32s(simd.mul_f32s(dy, rest), simd.sub_f32s(one, simd.mul_f32s(c, c)));
                    let d_u = simd.mul_f32s(simd.mul_f32s(dy, simd.sub_f32s(h, c)), simd.mul_f32s(u, rest));
                    let d_r = simd.mul_f32s(simd.mul_f32s(d_c, hidden), simd.mul_f32s(r, simd.sub_f32s(one, r)));
                    let slopes = [[d_r, d_u, d_c], [d_r, d_u, simd.mul_f32s(d_c, r)]];
                    for side in 0..2 {
                        let (to, write) = self.to[side];
                        if write != Write::Skip {
                            for gate in 0..3 {
                                put(simd, to.row(row).add(gate * size + col), slopes[side][gate], real, write);
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
