//! Returns that mix values over all horizons, `Rₜ = rₜ + cₜ ((1 − λ) vₜ + λ Rₜ₊₁)` with `R = r + c v` at the last step, where `vₜ` is the value of the
//! state that step t leads to and `cₜ` its discount, zero where the episode ended (Sutton and Barto, "Reinforcement Learning", 2018, chapter 12;
//! in this form Hafner et al., "Dream to Control", 2020, equation 6).

use worldwright_core::Result;

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node, expect_same},
    shape::{Extent, Shape},
};

/// Operands: rewards, values and discounts, a row a step.
#[derive(Debug)]
struct LambdaReturn {
    lambda: f32,
}

impl Op for LambdaReturn {
    fn name(&self) -> &'static str {
        "lambda_return"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        expect_same("values of a return", of[1], of[0])?;
        expect_same("discounts of a return", of[2], of[0])?;
        Ok(of[0])
    }

    fn extent(&self) -> Extent {
        Extent::Group
    }

    fn forward(&self, c: &Context<'_>) {
        let (reward, value, discount, mut y) = (c.read(0), c.read(1), c.read(2), c.write());
        let n = c.samples;
        for row in (0..reward.rows).rev() {
            let last = row + n >= reward.rows;
            for col in 0..reward.cols {
                let value = value.row(row)[col];
                let ahead = if last { value } else { (1.0 - self.lambda) * value + self.lambda * y.row(row + n)[col] };
                y.row(row)[col] = reward.row(row)[col] + discount.row(row)[col] * ahead;
            }
        }
    }

    /// The gradient of each return, its own and what it passes back to the one before, runs forwards through time.
    fn backward(&self, c: &Context<'_>) {
        let (value, discount, y, dy) = (c.read(1), c.read(2), c.result(), c.dy());
        let n = c.samples;
        for operand in 0..3 {
            let Some(mut to) = c.add_to(operand) else { continue };
            for sample in 0..n {
                for col in 0..y.cols {
                    let mut g = 0.0;
                    for row in (sample..y.rows).step_by(n) {
                        let (last, discount) = (row + n >= y.rows, discount.row(row)[col]);
                        g += dy.row(row)[col];
                        let share = if last { 1.0 } else { 1.0 - self.lambda };
                        let rest = if last { 0.0 } else { self.lambda * y.row(row + n)[col] };
                        to.row(row)[col] += match operand {
                            0 => g,
                            1 => g * discount * share,
                            _ => g * (share * value.row(row)[col] + rest),
                        };
                        g *= discount * self.lambda;
                    }
                }
            }
        }
    }
}

impl Graph {
    /// λ-returns of sequences: `rewards`, `values` of the states that steps lead to, and `discounts`, each a row a step.
    ///
    /// # Errors
    /// [`Error::Shape`](worldwright_core::Error::Shape) when they differ in shape.
    pub fn lambda_return(&mut self, rewards: Node, values: Node, discounts: Node, lambda: f32) -> Result<Node> {
        self.push(LambdaReturn { lambda }, &[rewards, values, discounts], &[])
    }
}
