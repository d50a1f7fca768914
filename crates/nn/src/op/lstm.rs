//! The gates of a long short-term memory (Hochreiter and Schmidhuber 1997), in PyTorch's form:
//! `c′ = σ(f) c + σ(i) tanh(g)`, `h′ = σ(o) tanh(c′)`.

use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node},
    shape::Shape,
};

/// Operands: gates before their functions, `[4 H]` in the order i, f, g, o; and c `[H]`. The result is `[h′ | c′]`.
#[derive(Debug)]
struct Lstm;

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// σ(i), σ(f), tanh(g), σ(o) of unit `unit`.
fn gates(gates: &[f32], size: usize, unit: usize) -> [f32; 4] {
    let at = |gate: usize| gates[gate * size + unit];
    [sigmoid(at(0)), sigmoid(at(1)), at(2).tanh(), sigmoid(at(3))]
}

impl Op for Lstm {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        let whole = Shape::new(of[1].rows, 4 * of[1].cols);
        if of[0] != whole {
            return Err(Error::shape("gates of an LSTM", &[whole.rows, whole.cols], &[of[0].rows, of[0].cols]));
        }
        Ok(Shape::new(of[1].rows, 2 * of[1].cols))
    }

    fn work(&self, _of: &[Shape], _parameters: &[[usize; 2]], out: Shape) -> usize {
        60 * out.numbers()
    }

    fn forward(&self, context: &Context<'_>) {
        let (x, c, mut y) = (context.read(0), context.read(1), context.write());
        for row in 0..c.rows {
            let (x, c, y) = (x.row(row), c.row(row), y.row(row));
            for unit in 0..c.len() {
                let [i, f, g, o] = gates(x, c.len(), unit);
                let next = f * c[unit] + i * g;
                y[unit] = o * next.tanh();
                y[c.len() + unit] = next;
            }
        }
    }

    fn backward(&self, context: &Context<'_>) {
        let (x, c, y, dy) = (context.read(0), context.read(1), context.result(), context.dy());
        // The gradient of c′ from both halves of the result, with the gates.
        let chain = |row: usize, unit: usize| {
            let (c, y, dy) = (c.row(row), y.row(row), dy.row(row));
            let size = c.len();
            let gates = gates(x.row(row), size, unit);
            let squashed = y[size + unit].tanh();
            (gates, squashed, dy[size + unit] + dy[unit] * gates[3] * (1.0 - squashed * squashed))
        };
        if let Some(mut to) = context.add_to(0) {
            for row in 0..c.rows {
                let (c, dx) = (c.row(row), to.row(row));
                for unit in 0..c.len() {
                    let ([i, f, g, o], squashed, d) = chain(row, unit);
                    dx[unit] += d * g * i * (1.0 - i);
                    dx[c.len() + unit] += d * c[unit] * f * (1.0 - f);
                    dx[2 * c.len() + unit] += d * i * (1.0 - g * g);
                    dx[3 * c.len() + unit] += dy.row(row)[unit] * squashed * o * (1.0 - o);
                }
            }
        }
        if let Some(mut to) = context.add_to(1) {
            for row in 0..c.rows {
                for unit in 0..c.cols {
                    let ([_, f, _, _], _, d) = chain(row, unit);
                    to.row(row)[unit] += d * f;
                }
            }
        }
    }
}

impl Graph {
    /// The next state and cell `[h′ | c′]` of a long short-term memory from its gates before their functions, `[4 H]` in the order input, forget,
    /// candidate, output, and its cell `c` `[H]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when they do not fit together.
    pub fn lstm(&mut self, gates: Node, c: Node) -> Result<Node> {
        self.push(Lstm, &[gates, c], &[])
    }
}
