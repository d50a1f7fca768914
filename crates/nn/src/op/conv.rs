//! Convolutions of images and their transposes, as products over patches.
//!
//! An image is `height · width` rows of a node, pixels in reading order with their channels in columns; a node may hold several images a sample, such as
//! those of a sequence. A convolution's weight is `[kernel² · in][out]`, rows in the order of a patch: line, column, channel. A transpose's is
//! `[in][kernel² · out]`, the form in which it is the gradient of the convolution by its input (Dumoulin and Visin, "A guide to convolution arithmetic for
//! deep learning", 2016). Patches are made for a stretch of the grid at a time, so that they stay in cache, and are made anew for the gradient.

use worldwright_core::{Error, Result};

use super::{Op, linear::start};
use crate::{
    activation::{Activation, Apply},
    block::SLACK,
    buffer::stride,
    context::{Context, clear},
    graph::{Graph, Node, expect_parameter},
    matmul::{Matmul, Right, Start},
    patches::{Collect, Spread, Windows},
    plan::Write,
    rowwise::ScaleAndSum,
    shape::{Extent, Shape},
    store::Parameter,
    view::View,
};

/// Numbers of patches that are made at a time: they and the weights they meet stay in the second-level cache.
const STRETCH: usize = 1 << 17;

/// The form of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Lines of the image that goes in.
    pub height: usize,
    /// Columns of the image that goes in.
    pub width: usize,
    /// Lines and columns of a window.
    pub kernel: usize,
    /// From one window to the next.
    pub stride: usize,
    /// Zeros around the image; for a transpose, what is cut off the image that comes out.
    pub padding: usize,
}

impl ConvShape {
    /// Lines and columns of the image that comes out of a convolution.
    pub fn output(self) -> [usize; 2] {
        [self.height, self.width].map(|size| {
            (size + 2 * self.padding).checked_sub(self.kernel).map_or(0, |room| room / self.stride.max(1) + 1)
        })
    }

    /// Lines and columns of the image that comes out of a transposed convolution.
    pub fn transposed_output(self) -> [usize; 2] {
        [self.height, self.width]
            .map(|size| ((size.max(1) - 1) * self.stride + self.kernel).saturating_sub(2 * self.padding))
    }

    fn windows(self) -> Windows {
        let Self { height, width, kernel, stride, padding } = self;
        Windows { height, width, kernel, stride, padding, grid: self.output() }
    }

    /// The windows on what a transpose puts out, one for each pixel that goes in.
    fn transposed_windows(self) -> Windows {
        let [height, width] = self.transposed_output();
        let Self { kernel, stride, padding, .. } = self;
        Windows { height, width, kernel, stride, padding, grid: [self.height, self.width] }
    }
}

/// Parameters: weight, and a bias `[1][out]`.
#[derive(Debug)]
struct Conv {
    shape: ConvShape,
    activation: Activation,
    transposed: bool,
}

/// Patches of `cols` numbers that are made at a time for `samples` samples.
fn stretch(cols: usize, samples: usize) -> usize {
    (STRETCH / (cols.max(1) * samples.max(1))).max(1)
}

impl Conv {
    fn windows(&self) -> Windows {
        if self.transposed { self.shape.transposed_windows() } else { self.shape.windows() }
    }

    /// Numbers of a patch: of the image with windows on it.
    fn patch(&self, parameters: &[[usize; 2]]) -> usize {
        parameters[0][usize::from(self.transposed)]
    }

    fn product(c: &Context<'_>, rows: usize, (a, inner): (View, usize), b: Right, (to, cols): (View, usize)) -> Matmul {
        Matmul {
            rows,
            cols,
            inner,
            a: a.at,
            a_strides: (a.stride, 1),
            b,
            start: Start::Zero,
            c: to.at,
            c_stride: to.stride,
            panel: c.panel(),
            activation: Activation::Identity,
            derivative: std::ptr::null_mut(),
        }
    }

    /// Goes over all patches in stretches: calls `each(first patch, first row of the grid's node, rows, room for the patches)`.
    fn stretches(&self, c: &Context<'_>, patches: usize, cols: usize, mut each: impl FnMut(usize, usize, View)) {
        let (n, step) = (c.samples, stretch(cols, c.samples));
        for first in (0..patches).step_by(step) {
            let rows = step.min(patches - first) * n;
            each(first, first * n, View { at: c.scratch(), stride: stride(cols), rows, cols });
        }
    }

    fn activate(&self, c: &Context<'_>) {
        let y = c.output();
        let derivative = if c.pass.keep { c.kept(0).at } else { std::ptr::null_mut() };
        if self.activation != Activation::Identity {
            let cols = y.cols.next_multiple_of(16);
            c.run(Apply { activation: self.activation, z: y.at, derivative, rows: y.rows, cols, stride: y.stride });
        }
    }

    /// The activation's derivative into the result's gradient, and the bias's gradient.
    fn scale(&self, c: &Context<'_>) {
        let (dy, keeps) = (c.gradient(), self.activation != Activation::Identity);
        let derivative = if keeps { c.kept(0).at.cast_const() } else { std::ptr::null() };
        let (sums, write) = c.parameter_gradient(1);
        if keeps || write != Write::Skip {
            c.run(ScaleAndSum { z: dy, derivative, sums: sums.at, write, rows: dy.rows, cols: dy.cols });
        }
    }

    /// Adds `aᵀ b` to the weight's gradient.
    fn weigh(c: &Context<'_>, a: View, b: View, first: bool) {
        let (to, write) = c.parameter_gradient(0);
        let begin = if first { start(write) } else { Start::Current };
        let product = Self::product(c, a.cols, (a, a.rows), Right::Rows(b.at, b.stride), (to, b.cols));
        c.matmul(Matmul { a_strides: (1, a.stride), start: begin, ..product });
    }
}

impl Op for Conv {
    fn name(&self) -> &'static str {
        if self.transposed { "conv_transpose" } else { "conv" }
    }

    fn shape(&self, of: &[Shape], parameters: &[[usize; 2]]) -> Result<Shape> {
        let (conv, x) = (self.shape, of[0]);
        let pixels = conv.height * conv.width;
        let [height, width] = if self.transposed { conv.transposed_output() } else { conv.output() };
        if pixels == 0 || conv.stride == 0 || height * width == 0 || !x.rows.is_multiple_of(pixels) {
            return Err(Error::shape("pixels of an image", &[conv.height, conv.width], &[x.rows, height, width]));
        }
        let taps = conv.kernel * conv.kernel;
        let outputs = if self.transposed { parameters[0][1] / taps } else { parameters[0][1] };
        let weight = if self.transposed { [x.cols, taps * outputs] } else { [taps * x.cols, outputs] };
        expect_parameter("weight of a convolution", parameters[0], weight[0], weight[1])?;
        expect_parameter("bias of a convolution", parameters[1], 1, outputs)?;
        Ok(Shape::new(x.rows / pixels * height * width, outputs))
    }

    fn extent(&self) -> Extent {
        Extent::Group
    }

    fn kept(&self, _of: &[Shape], out: Shape) -> usize {
        if self.activation == Activation::Identity { 0 } else { out.rows * stride(out.cols) }
    }

    fn scratch(&self, _of: &[Shape], parameters: &[[usize; 2]], _out: Shape, samples: usize) -> usize {
        let cols = self.patch(parameters);
        // A block may hold fewer samples and then more patches a stretch.
        (STRETCH / cols.max(1)).max(samples) * stride(cols) + SLACK
    }

    fn depth(&self, _of: &[Shape], parameters: &[[usize; 2]], _out: Shape, samples: usize) -> usize {
        let rows = (STRETCH / self.patch(parameters).max(1)).max(samples);
        rows.max(parameters[0][0]).max(parameters[0][1])
    }

    fn work(&self, of: &[Shape], parameters: &[[usize; 2]], out: Shape) -> usize {
        let places = if self.transposed { of[0].rows } else { out.rows };
        places * parameters[0][0] * parameters[0][1]
    }

    fn packings(&self) -> usize {
        4
    }

    fn forward(&self, c: &Context<'_>) {
        let (x, y, weight, bias) = (c.operand(0), c.output(), c.parameter(0), c.parameter(1));
        let (windows, samples) = (self.windows(), c.samples);
        if self.transposed {
            for row in 0..y.rows {
                // SAFETY: whole padded rows of both, see `buffer`.
                unsafe { std::ptr::copy_nonoverlapping(bias.at.cast_const(), y.row(row), y.stride) };
            }
            self.stretches(c, x.rows / samples.max(1), weight.cols, |first, row, patches| {
                let (rows, from) = (patches.rows, x.lines(row, patches.rows));
                c.matmul(Self::product(c, rows, (from, x.cols), c.right(0), (patches, weight.cols)));
                c.run(Spread { windows, from: patches, samples, first, image: y });
            });
            self.activate(c);
            return;
        }
        let keep = c.pass.keep && self.activation != Activation::Identity;
        self.stretches(c, y.rows / samples.max(1), weight.rows, |first, row, patches| {
            c.run(Collect { windows, image: x, samples, first, to: patches });
            let derivative = if keep { c.kept(0).row(row) } else { std::ptr::null_mut() };
            let to = (y.lines(row, patches.rows), weight.cols);
            let product = Self::product(c, patches.rows, (patches, weight.rows), c.right(0), to);
            c.matmul(Matmul { start: Start::Row(bias.at), activation: self.activation, derivative, ..product });
        });
    }

    fn backward(&self, c: &Context<'_>) {
        self.scale(c);
        let (x, dy, weight) = (c.operand(0), c.gradient(), c.parameter(0));
        let (windows, samples) = (self.windows(), c.samples);
        let ((dx, write), (_, weigh)) = (c.operand_gradient(0), c.parameter_gradient(0));
        if self.transposed {
            self.stretches(c, x.rows / samples.max(1), weight.cols, |first, row, patches| {
                c.run(Collect { windows, image: dy, samples, first, to: patches });
                if weigh != Write::Skip {
                    Self::weigh(c, x.lines(row, patches.rows), patches, first == 0);
                }
                if write != Write::Skip {
                    let to = (dx.lines(row, patches.rows), x.cols);
                    let (a, b) = ((patches, weight.cols), c.right_transposed(0));
                    c.matmul(Matmul { start: start(write), ..Self::product(c, patches.rows, a, b, to) });
                }
            });
            return;
        }
        if weigh != Write::Skip {
            self.stretches(c, dy.rows / samples.max(1), weight.rows, |first, row, patches| {
                c.run(Collect { windows, image: x, samples, first, to: patches });
                Self::weigh(c, patches, dy.lines(row, patches.rows), first == 0);
            });
        }
        if write == Write::Fresh {
            clear(dx);
        }
        if write != Write::Skip {
            self.stretches(c, dy.rows / samples.max(1), weight.rows, |first, row, patches| {
                let from = (dy.lines(row, patches.rows), weight.cols);
                c.matmul(Self::product(c, patches.rows, from, c.right_transposed(0), (patches, weight.rows)));
                c.run(Spread { windows, from: patches, samples, first, image: dx });
            });
        }
    }
}

impl Graph {
    /// `activation(convolution + b)`: weight `[kernel² · in][out]`, bias `[1][out]`; `x` has `height · width` rows for each image.
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn conv(
        &mut self,
        x: Node,
        weight: Parameter,
        bias: Parameter,
        shape: ConvShape,
        activation: Activation,
    ) -> Result<Node> {
        self.push(Conv { shape, activation, transposed: false }, &[x], &[weight, bias])
    }

    /// `activation(transposed convolution + b)`: weight `[in][kernel² · out]`, bias `[1][out]`.
    ///
    /// # Errors
    /// As for [`linear`](Self::linear).
    pub fn conv_transpose(
        &mut self,
        x: Node,
        weight: Parameter,
        bias: Parameter,
        shape: ConvShape,
        activation: Activation,
    ) -> Result<Node> {
        self.push(Conv { shape, activation, transposed: true }, &[x], &[weight, bias])
    }
}
