//! Scaled dot-product attention over the rows of a sample (Vaswani et al. 2017): for each head `softmax(q kᵀ / √d) v`, causal where a row may look
//! at itself and the rows before it only.

use worldwright_core::{Error, Result};

use super::Op;
use crate::{
    context::Context,
    graph::{Graph, Node},
    shape::{Extent, Shape},
    view::Rows,
};

/// Operands: queries, keys and values; heads side by side in their columns.
#[derive(Debug)]
struct Attention {
    heads: usize,
    causal: bool,
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

impl Attention {
    /// The rows that row `row` looks at.
    fn seen(&self, row: usize, keys: usize) -> usize {
        if self.causal { (row + 1).min(keys) } else { keys }
    }

    /// The weights that row `row` of a sample gives to the rows it looks at.
    #[inline(always)]
    fn weigh(&self, q: Rows<'_>, k: Rows<'_>, head: usize, row: usize, p: &mut [f32]) {
        let size = q.cols / self.heads;
        let at = head * size..(head + 1) * size;
        let scale = 1.0 / (size as f32).sqrt();
        let seen = self.seen(row, k.rows);
        let mut greatest = f32::NEG_INFINITY;
        for (key, p) in p[..seen].iter_mut().enumerate() {
            *p = scale * dot(&q.row(row)[at.clone()], &k.row(key)[at.clone()]);
            greatest = greatest.max(*p);
        }
        p[..seen].iter_mut().for_each(|p| *p = (*p - greatest).exp());
        let inverse = 1.0 / p[..seen].iter().sum::<f32>();
        p[..seen].iter_mut().for_each(|p| *p *= inverse);
    }
}

impl Op for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn shape(&self, of: &[Shape], _parameters: &[[usize; 2]]) -> Result<Shape> {
        let (q, k, v) = (of[0], of[1], of[2]);
        if k.cols != q.cols || v.rows != k.rows || self.heads == 0 {
            return Err(Error::shape("keys and values of attention", &[k.rows, q.cols], &[v.rows, k.cols]));
        }
        if !q.cols.is_multiple_of(self.heads) || !v.cols.is_multiple_of(self.heads) {
            return Err(Error::shape("columns of attention's heads", &[self.heads], &[q.cols, v.cols]));
        }
        Ok(Shape::new(q.rows, v.cols))
    }

    fn extent(&self) -> Extent {
        Extent::Group
    }

    fn scratch(&self, of: &[Shape], _parameters: &[[usize; 2]], _out: Shape, _samples: usize) -> usize {
        2 * of[1].rows
    }

    fn work(&self, of: &[Shape], _parameters: &[[usize; 2]], out: Shape) -> usize {
        out.rows * of[1].rows * (of[0].cols + out.cols)
    }

    fn forward(&self, c: &Context<'_>) {
        let (q, k, v, mut y) = (c.read(0), c.read(1), c.read(2), c.write());
        let [p, _] = c.scratch_rows(k.rows / c.samples.max(1));
        let size = v.cols / self.heads;
        c.run(|| {
            for sample in 0..c.samples {
                let [q, k, v] = [q, k, v].map(|rows| rows.sample(sample, c.samples));
                let mut y = y.sample(sample, c.samples);
                for head in 0..self.heads {
                    for row in 0..q.rows {
                        self.weigh(q, k, head, row, p);
                        let y = &mut y.row(row)[head * size..(head + 1) * size];
                        y.fill(0.0);
                        for key in 0..self.seen(row, k.rows) {
                            let v = &v.row(key)[head * size..(head + 1) * size];
                            y.iter_mut().zip(v).for_each(|(y, v)| *y += p[key] * v);
                        }
                    }
                }
            }
        });
    }

    /// With weights `p`: `dv = pᵀ dy`, `ds = p (dy vᵀ − Σ p dy vᵀ) / √d`, `dq = ds k`, `dk = dsᵀ q`. Weights are computed anew for each operand, which
    /// needs no room that grows with the square of the rows.
    fn backward(&self, c: &Context<'_>) {
        let (q, k, v, dy) = (c.read(0), c.read(1), c.read(2), c.dy());
        let [p, ds] = c.scratch_rows(k.rows / c.samples.max(1));
        let (size, value_size) = (q.cols / self.heads, v.cols / self.heads);
        let scale = 1.0 / (size as f32).sqrt();
        for operand in 0..3 {
            let Some(mut to) = c.add_to(operand) else { continue };
            c.run(|| {
                for sample in 0..c.samples {
                    let [q, k, v, dy] = [q, k, v, dy].map(|rows| rows.sample(sample, c.samples));
                    let mut to = to.sample(sample, c.samples);
                    for head in 0..self.heads {
                        let (at, values) = (head * size, head * value_size);
                        for row in 0..q.rows {
                            self.weigh(q, k, head, row, p);
                            let dy = &dy.row(row)[values..values + value_size];
                            let seen = self.seen(row, k.rows);
                            let mut along = 0.0;
                            for key in 0..seen {
                                ds[key] = dot(dy, &v.row(key)[values..values + value_size]);
                                along += p[key] * ds[key];
                            }
                            for key in 0..seen {
                                let d = scale * p[key] * (ds[key] - along);
                                let (to, from, factor) = match operand {
                                    0 => (&mut to.row(row)[at..at + size], &k.row(key)[at..at + size], d),
                                    1 => (&mut to.row(key)[at..at + size], &q.row(row)[at..at + size], d),
                                    _ => (&mut to.row(key)[values..values + value_size], dy, p[key]),
                                };
                                to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
                            }
                        }
                    }
                }
            });
        }
    }
}

impl Graph {
    /// Attention of `heads` heads, side by side in the columns, of the rows of `q` to those of `k` and `v`. With `causal` a row looks at no later one.
    ///
    /// # Errors
    /// [`Error::Shape`] when they do not fit together.
    pub fn attention(&mut self, q: Node, k: Node, v: Node, heads: usize, causal: bool) -> Result<Node> {
        self.push(Attention { heads, causal }, &[q, k, v], &[])
    }
}
