//! Vector quantisation (van den Oord, Vinyals and Kavukcuoglu 2017): each row becomes the nearest code of a learned book.

use worldwright_core::Result;

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node, expect_parameter},
    shape::Shape,
    store::Parameter,
    view::Rows,
};

/// Parameter: codes `[K][cols]`. The gradient goes to the codes that were chosen, none to the operand.
#[derive(Debug)]
struct Nearest;

/// The code of least squared distance, the first of equals.
fn nearest(x: &[f32], codes: Rows<'_>) -> usize {
    let distance = |code: usize| codes.row(code).iter().zip(x).map(|(code, x)| (code - x) * (code - x)).sum::<f32>();
    let mut best = (distance(0), 0);
    for code in 1..codes.rows {
        let other = distance(code);
        if other < best.0 {
            best = (other, code);
        }
    }
    best.1
}

impl Op for Nearest {
    fn name(&self) -> &'static str {
        "nearest"
    }

    fn shape(&self, of: &[Shape], parameters: &[[usize; 2]]) -> Result<Shape> {
        expect_parameter("codes", parameters[0], parameters[0][0].max(1), of[0].cols)?;
        Ok(of[0])
    }

    fn differentiates(&self, _operand: usize) -> bool {
        false
    }

    fn work(&self, _of: &[Shape], parameters: &[[usize; 2]], out: Shape) -> usize {
        out.rows * parameters[0][0] * parameters[0][1]
    }

    fn forward(&self, c: &Context<'_>) {
        let (x, codes, mut y) = (c.read(0), c.weights(0), c.write());
        for row in 0..x.rows {
            y.row(row).copy_from_slice(codes.row(nearest(x.row(row), codes)));
        }
    }

    fn backward(&self, c: &Context<'_>) {
        let (x, codes, dy) = (c.read(0), c.weights(0), c.dy());
        let Some(mut to) = c.add_to_parameter(0) else { return };
        for row in 0..x.rows {
            let code = to.row(nearest(x.row(row), codes));
            code.iter_mut().zip(dy.row(row)).for_each(|(d, dy)| *d += dy);
        }
    }
}

/// What [`Graph::vector_quantise`] gives.
#[derive(Debug, Clone, Copy)]
pub struct Quantised {
    /// The nearest code, with the gradient passed straight through to what was quantised.
    pub value: Node,
    /// `|stop(x) − code|²`, number by number: draws codes to what they stand for.
    pub codebook_loss: Node,
    /// `|x − stop(code)|²`, number by number: keeps `x` near its code.
    pub commitment: Node,
}

impl Graph {
    /// The nearest of the codes `[K][cols]` to each row. Gradients go to the codes alone.
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn nearest(&mut self, x: Node, codes: Parameter) -> Result<Node> {
        self.push(Nearest, &[x], &[codes])
    }

    /// Quantises each row to the nearest of the codes `[K][cols]`.
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn vector_quantise(&mut self, x: Node, codes: Parameter) -> Result<Quantised> {
        let code = self.nearest(x, codes)?;
        let (held_x, held_code) = (self.detach(x)?, self.detach(code)?);
        let step = self.sub(held_code, held_x)?;
        Ok(Quantised {
            value: self.add(x, step)?,
            codebook_loss: self.square_error(code, held_x)?,
            commitment: self.square_error(x, held_code)?,
        })
    }
}
