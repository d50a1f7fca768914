//! Numbers as distributions over bins (Bellemare et al. 2017; Hafner et al. 2023, "Mastering Diverse Domains through World Models", section 3): a target is
//! shared between the two bins beside it, a prediction is the mean of the bins, and gradients do not grow with the size of what is predicted.

use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node},
    shape::Shape,
};

/// Bins at equal distances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bins {
    /// How many, at least two.
    pub count: usize,
    /// The least.
    pub low: f32,
    /// The greatest.
    pub high: f32,
    /// Whether bins stand for the symlog of numbers, so that they reach far with small steps near zero.
    pub symlog: bool,
}

impl Bins {
    /// From −20 to 20 in symlog, 255 of them, as DreamerV3 has it.
    pub const DREAMER: Self = Self { count: 255, low: -20.0, high: 20.0, symlog: true };

    /// The same range in steps of a half, which small networks learn sooner: 81 of them.
    pub const COARSE: Self = Self { count: 81, ..Self::DREAMER };

    fn step(self) -> f32 {
        (self.high - self.low) / (self.count.max(2) - 1) as f32
    }

    /// What bin `index` stands for, before the inverse of symlog.
    fn value(self, index: usize) -> f32 {
        self.low + self.step() * index as f32
    }

    fn squash(self, x: f32) -> f32 {
        if self.symlog { x.abs().ln_1p().copysign(x) } else { x }
    }
}

/// The target: operand `[1]`, result `[count]`.
#[derive(Debug)]
struct TwoHot(Bins);

impl Op for TwoHot {
    fn name(&self) -> &'static str {
        "two_hot"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        if of[0].cols != 1 || self.0.count < 2 {
            return Err(Error::shape("a number and its bins", &[1, 2], &[of[0].cols, self.0.count]));
        }
        Ok(Shape::new(of[0].rows, self.0.count))
    }

    fn differentiates(&self, _operand: usize) -> bool {
        false
    }

    fn forward(&self, c: &Context<'_>) {
        let (x, mut y) = (c.read(0), c.write());
        for row in 0..x.rows {
            let value = self.0.squash(x.row(row)[0]);
            let place = ((value - self.0.low) / self.0.step()).clamp(0.0, (self.0.count - 1) as f32);
            let below = (place as usize).min(self.0.count - 2);
            let y = y.row(row);
            y.fill(0.0);
            y[below] = 1.0 - (place - below as f32);
            y[below + 1] = place - below as f32;
        }
    }

    fn backward(&self, _c: &Context<'_>) {}
}

/// The prediction: operand logits `[count]`, result `[1]`.
#[derive(Debug)]
struct TwoHotMean(Bins);

impl TwoHotMean {
    /// The mean of the bins, with the greatest logit and the sum of exponentials below it.
    fn mean(&self, x: &[f32]) -> (f32, f32, f32) {
        let greatest = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (mut sum, mut mean) = (0.0_f32, 0.0_f32);
        for (index, x) in x.iter().enumerate() {
            let e = (x - greatest).exp();
            sum += e;
            mean += e * self.0.value(index);
        }
        (mean / sum, greatest, sum)
    }
}

impl Op for TwoHotMean {
    fn name(&self) -> &'static str {
        "two_hot_mean"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        if of[0].cols != self.0.count {
            return Err(Error::shape("logits of bins", &[self.0.count], &[of[0].cols]));
        }
        Ok(Shape::new(of[0].rows, 1))
    }

    fn work(&self, of: &[Shape], _parameters: &[[usize; 2]], _out: Shape) -> usize {
        40 * of[0].numbers()
    }

    fn forward(&self, c: &Context<'_>) {
        let (x, mut y) = (c.read(0), c.write());
        for row in 0..x.rows {
            let mean = self.mean(x.row(row)).0;
            y.row(row)[0] = if self.0.symlog { mean.abs().exp_m1().copysign(mean) } else { mean };
        }
    }

    fn backward(&self, c: &Context<'_>) {
        let (x, dy) = (c.read(0), c.dy());
        let Some(mut to) = c.add_to(0) else { return };
        for row in 0..x.rows {
            let (mean, greatest, sum) = self.mean(x.row(row));
            let d = dy.row(row)[0] * if self.0.symlog { mean.abs().exp() } else { 1.0 };
            for (index, (to, x)) in to.row(row).iter_mut().zip(x.row(row)).enumerate() {
                *to += d * (x - greatest).exp() / sum * (self.0.value(index) - mean);
            }
        }
    }
}

impl Graph {
    /// Each number of `x`, a node of one column, shared between the two bins beside it: a target for [`cross_entropy`](Self::cross_entropy). No gradient
    /// flows.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of columns, or fewer than two bins.
    pub fn two_hot(&mut self, x: Node, bins: Bins) -> Result<Node> {
        self.push(TwoHot(bins), &[x], &[])
    }

    /// The number that logits over bins stand for, in one column.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of logits.
    pub fn two_hot_mean(&mut self, logits: Node, bins: Bins) -> Result<Node> {
        self.push(TwoHotMean(bins), &[logits], &[])
    }
}
