//! The likelihood of a mixture of Gaussians with independent dimensions (Bishop 1994; Ha and Schmidhuber, "World Models", 2018):
//! `−ln Σ_k w_k Π_d N(y_d; μ_kd, σ_kd)`, where `w = softmax(logits)`.

use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node},
    shape::Shape,
};

/// Operands: logits `[K]`, means and logarithms of deviations `[K D]`, component after component, and the target `[D]`.
#[derive(Debug)]
struct Mixture;

const HALF_LOG_TAU: f32 = 0.918_938_5;

/// Fills `p` with each component's share of the density at `y`; returns the logarithm of the density.
fn shares(logits: &[f32], means: &[f32], stds: &[f32], y: &[f32], p: &mut [f32]) -> f32 {
    let size = y.len();
    let log_sum = |x: &[f32]| {
        let greatest = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        greatest + x.iter().map(|x| (x - greatest).exp()).sum::<f32>().ln()
    };
    let normal = log_sum(logits);
    for (k, p) in p.iter_mut().enumerate() {
        let (means, stds) = (&means[k * size..(k + 1) * size], &stds[k * size..(k + 1) * size]);
        let density: f32 = (means.iter().zip(stds).zip(y))
            .map(|((mean, log_std), y)| {
                let off = (y - mean) * (-log_std).exp();
                -0.5 * off * off - log_std - HALF_LOG_TAU
            })
            .sum();
        *p = logits[k] - normal + density;
    }
    let whole = log_sum(p);
    p.iter_mut().for_each(|p| *p = (*p - whole).exp());
    whole
}

impl Op for Mixture {
    fn name(&self) -> &'static str {
        "mixture_nll"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        let (rows, components, size) = (of[0].rows, of[0].cols, of[3].cols);
        let whole = Shape::new(rows, components * size);
        match [of[1], of[2]].into_iter().find(|shape| *shape != whole) {
            Some(other) => Err(Error::shape("components of a mixture", &[rows, whole.cols], &[other.rows, other.cols])),
            None if of[3].rows != rows => Err(Error::shape("targets of a mixture", &[rows], &[of[3].rows])),
            None => Ok(Shape::new(rows, 1)),
        }
    }

    fn scratch(&self, of: &[Shape], _parameters: &[[usize; 2]], _out: Shape, _samples: usize) -> usize {
        2 * of[0].cols
    }

    fn work(&self, of: &[Shape], _parameters: &[[usize; 2]], _out: Shape) -> usize {
        60 * of[1].numbers()
    }

    fn forward(&self, c: &Context<'_>) {
        let (logits, means, stds, target) = (c.read(0), c.read(1), c.read(2), c.read(3));
        let [p, _] = c.scratch_rows(logits.cols);
        let mut y = c.write();
        for row in 0..logits.rows {
            y.row(row)[0] = -shares(logits.row(row), means.row(row), stds.row(row), target.row(row), p);
        }
    }

    fn backward(&self, c: &Context<'_>) {
        let (logits, means, stds, target, dy) = (c.read(0), c.read(1), c.read(2), c.read(3), c.dy());
        let [p, weights] = c.scratch_rows(logits.cols);
        for operand in 0..4 {
            let Some(mut to) = c.add_to(operand) else { continue };
            for row in 0..logits.rows {
                let (means, stds, target, dy) = (means.row(row), stds.row(row), target.row(row), dy.row(row)[0]);
                shares(logits.row(row), means, stds, target, p);
                let to = to.row(row);
                if operand == 0 {
                    let x = logits.row(row);
                    let greatest = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    weights.iter_mut().zip(x).for_each(|(w, x)| *w = (x - greatest).exp());
                    let sum: f32 = weights.iter().sum();
                    for k in 0..p.len() {
                        to[k] += dy * (weights[k] / sum - p[k]);
                    }
                    continue;
                }
                for k in 0..p.len() {
                    for d in 0..target.len() {
                        let at = k * target.len() + d;
                        let inverse = (-stds[at]).exp();
                        let off = (target[d] - means[at]) * inverse;
                        match operand {
                            1 => to[at] -= dy * p[k] * off * inverse,
                            2 => to[at] -= dy * p[k] * (off * off - 1.0),
                            _ => to[d] += dy * p[k] * off * inverse,
                        }
                    }
                }
            }
        }
    }
}

impl Graph {
    /// The negative log-likelihood, in one column, of `target` `[D]` under a mixture of K Gaussians: `logits` `[K]`, `means` and `log_stds` `[K D]`, component
    /// after component.
    ///
    /// # Errors
    /// [`Error::Shape`] when they do not fit together.
    pub fn mixture_nll(&mut self, logits: Node, means: Node, log_stds: Node, target: Node) -> Result<Node> {
        self.push(Mixture, &[logits, means, log_stds, target], &[])
    }
}
