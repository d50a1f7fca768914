//! Normalisation by the root of the mean square (Zhang and Sennrich 2019), `y = gain · x / √(mean x² + epsilon)` over the columns of each row.

use worldwright_core::Result;

use super::Op;
use crate::{
    activation::Activation,
    context::Context,
    graph::{Graph, Node, expect_parameter},
    shape::Shape,
    store::Parameter,
};

/// Parameter: gain `[1][cols]`.
#[derive(Debug)]
struct RmsNorm {
    epsilon: f32,
}

/// The inverse root of a row's mean square.
#[inline(always)]
fn inverse(x: &[f32], epsilon: f32) -> f32 {
    let square: f32 = x.iter().map(|x| x * x).sum();
    1.0 / (square / x.len() as f32 + epsilon).sqrt()
}

impl Op for RmsNorm {
    fn name(&self) -> &'static str {
        "rms_norm"
    }

    fn shape(&self, of: &[Shape], parameters: &[[usize; 2]]) -> Result<Shape> {
        expect_parameter("gain of a normalisation", parameters[0], 1, of[0].cols)?;
        Ok(of[0])
    }

    fn forward(&self, c: &Context<'_>) {
        let (x, mut y, gain) = (c.read(0), c.write(), c.weights(0));
        c.run(|| {
            for row in 0..x.rows {
                let scale = inverse(x.row(row), self.epsilon);
                for ((y, x), gain) in y.row(row).iter_mut().zip(x.row(row)).zip(gain.row(0)) {
                    *y = gain * (x * scale);
                }
            }
        });
    }

    /// With `x̂ = x / rms` and `h = dy gain`: `dx = (h − x̂ mean(h x̂)) / rms`, `dgain = Σ dy x̂`.
    fn backward(&self, c: &Context<'_>) {
        let (x, dy, gain) = (c.read(0), c.dy(), c.weights(0));
        if let Some(mut to) = c.add_to(0) {
            c.run(|| {
                for row in 0..x.rows {
                    let (x, dy, gain) = (x.row(row), dy.row(row), gain.row(0));
                    let scale = inverse(x, self.epsilon);
                    let along: f32 = x.iter().zip(dy).zip(gain).map(|((x, dy), gain)| dy * gain * x).sum();
                    let along = along * scale * scale / x.len() as f32;
                    for (((dx, x), dy), gain) in to.row(row).iter_mut().zip(x).zip(dy).zip(gain) {
                        *dx += scale * (dy * gain - x * along);
                    }
                }
            });
        }
        if let Some(mut to) = c.add_to_parameter(0) {
            c.run(|| {
                for row in 0..x.rows {
                    let scale = inverse(x.row(row), self.epsilon);
                    for ((d, x), dy) in to.row(0).iter_mut().zip(x.row(row)).zip(dy.row(row)) {
                        *d += dy * (x * scale);
                    }
                }
            });
        }
    }
}

impl Graph {
    /// `activation(gain · x / √(mean x² + epsilon))` over the columns of each row; gain `[1][cols]`.
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn rms_norm(&mut self, x: Node, gain: Parameter, epsilon: f32, activation: Activation) -> Result<Node> {
        let normal = self.push(RmsNorm { epsilon }, &[x], &[gain])?;
        if activation == Activation::Identity { Ok(normal) } else { self.activation(normal, activation) }
    }
}
