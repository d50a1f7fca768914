//! A part of the loss: `scale · mean(weight · x)` over samples, rows and columns.

use pulp::{Simd, WithSimd};
use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    context::Context,
    plan::Write,
    rowwise::{each_vector, put, sum},
    shape::Shape,
    vector::load,
    view::View,
};

#[derive(Debug)]
pub(crate) struct Objective {
    pub(crate) index: usize,
    pub(crate) scale: f32,
}

impl Objective {
    fn coefficient(&self, c: &Context<'_>) -> f32 {
        let x = c.operand(0);
        let rows = x.rows / c.samples.max(1);
        self.scale / (c.pass.batch.max(1) * rows.max(1) * x.cols.max(1)) as f32
    }

    fn weight(&self, c: &Context<'_>) -> Option<View> {
        (c.node.operands.len() > 1).then(|| c.operand(1))
    }
}

impl Op for Objective {
    fn name(&self) -> &'static str {
        "objective"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        let x = of[0];
        match of.get(1) {
            _ if x.numbers() == 0 => Err(Error::shape("a loss", &[1, 1], &[x.rows, x.cols])),
            Some(weight) if *weight != Shape::new(x.rows, 1) => {
                Err(Error::shape("weights of a loss's rows", &[x.rows, 1], &[weight.rows, weight.cols]))
            }
            _ => Ok(Shape::new(0, 0)),
        }
    }

    fn differentiates(&self, operand: usize) -> bool {
        operand == 0
    }

    fn is_root(&self) -> bool {
        true
    }

    fn forward(&self, c: &Context<'_>) {
        let coefficient = self.coefficient(c);
        let total = c.run(WeightedSum { x: c.operand(0), weight: self.weight(c) });
        c.add_loss(self.index, total * f64::from(coefficient));
    }

    fn backward(&self, c: &Context<'_>) {
        let (to, write) = c.operand_gradient(0);
        if write != Write::Skip {
            c.run(Seed { to, write, weight: self.weight(c), coefficient: self.coefficient(c) });
        }
    }
}

struct WeightedSum {
    x: View,
    weight: Option<View>,
}

impl WithSimd for WeightedSum {
    type Output = f64;
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let mut total = 0.0_f64;
        for row in 0..self.x.rows {
            let (mut vector, mut tail) = (simd.splat_f32s(0.0), 0.0);
            each_vector!(S, self.x.cols, |col, real| {
                // SAFETY: padded rows, see `buffer`.
                let value = unsafe { load::<S>(self.x.row(row).add(col)) };
                if real == S::F32_LANES {
                    vector = simd.add_f32s(vector, value);
                } else {
                    tail += sum::<S>(value, real);
                }
            });
            // SAFETY: weights have a row for each of x.
            let weight = self.weight.map_or(1.0, |weight| unsafe { *weight.row(row) });
            total += f64::from(weight) * (sum::<S>(vector, S::F32_LANES) + tail);
        }
        total
    }
}

struct Seed {
    to: View,
    write: Write,
    weight: Option<View>,
    coefficient: f32,
}

impl WithSimd for Seed {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in 0..self.to.rows {
            // SAFETY: weights have a row for each of x; padded rows, see `buffer`.
            unsafe {
                let weight = self.weight.map_or(1.0, |weight| *weight.row(row));
                let seed = simd.splat_f32s(self.coefficient * weight);
                each_vector!(S, self.to.cols, |col, real| {
                    put(simd, self.to.row(row).add(col), seed, real, self.write);
                });
            }
        }
    }
}
