//! Derivatives of an ensemble's means by its inputs, and second derivatives of sums of them.
//!
//! With `z_l = h_{l-1} W_l + b_l`, `h_l = φ(z_l)`, `h_0 = x` and means `m = h_L W_m + b_m`, tangents of all inputs pass through the layers as
//! further rows, and for weights `w` of the means a cotangent passes back:
//!
//! ```text
//! J_1 = W_1,   J_{l+1} = (φ'(z_l) ∘ J_l) W_{l+1}                ∂m/∂x = (φ'(z_L) ∘ J_L) W_m
//! g_L = w W_mᵀ,   g_{l-1} = (φ'(z_l) ∘ g_l) W_lᵀ                ∇(w·m) = (φ'(z_1) ∘ g_1) W_1ᵀ
//! ∇²(w·m) = Σ_l J_l diag(φ''(z_l) ∘ g_l) J_lᵀ
//! ```
//!
//! The last line holds because only the activations bend (Pearlmutter, "Fast Exact Multiplication by the Hessian", 1994, applied to
//! all directions at once); it costs one row of a product a layer and sum, where tangents of tangents would cost a row for each pair of inputs.
//! Tangents of the first layer are its weights, so no product is needed for them. A sample's numbers do not depend on the samples beside it.

use pulp::{Simd, WithSimd};
use worldwright_core::{Error, Result};

use crate::{
    activation::{Activation, Curve},
    block::SLACK,
    buffer::{Buffer, stride},
    device::{Cpu, Device},
    ensemble::EnsembleMlp,
    matmul::{Matmul, Pack, Right, Start, packed_cols},
};

/// Rows of tangents that pass through the layers together.
const BLOCK_ROWS: usize = 96;

/// One linear layer of one member.
#[derive(Debug, Clone)]
struct Layer {
    inner: usize,
    cols: usize,
    forward: Buffer,
    transposed: Buffer,
    bias: Buffer,
}

/// A snapshot of an ensemble's networks, packed for derivatives of their means.
#[derive(Debug, Clone)]
pub struct Differential {
    /// `[member][layer]`; the last layer has the means alone.
    members: Vec<Vec<Layer>>,
    /// Rows of each member's first weight, and their stride.
    first: Vec<Buffer>,
    first_stride: usize,
    activation: Activation,
    inputs: usize,
    targets: usize,
    /// Samples of a block.
    capacity: usize,
    device: Cpu,
}

/// Room for one thread's derivatives.
#[derive(Debug, Clone)]
pub struct DifferentialScratch {
    /// Of each hidden layer, `[samples][width]`: values, φ' and φ''.
    values: Vec<Buffer>,
    slopes: Vec<Buffer>,
    bends: Vec<Buffer>,
    /// Of each layer but the first, `[samples][inputs][width]`: tangents before the activation.
    tangents: Vec<Buffer>,
    /// Tangents after the activation.
    passed: Buffer,
    /// Cotangents of a layer and of the one before it.
    cotangent: Buffer,
    before: Buffer,
    /// One sum's weights, `[samples][targets]`, padded.
    weights: Buffer,
}

/// What [`Differential::slopes`] adds to, for samples in the order in which they are given.
#[derive(Debug)]
pub struct MeanSlopes<'a> {
    /// `[samples][targets][inputs]`: means by inputs.
    pub jacobian: &'a mut [f64],
    /// How many sums of the means are differentiated twice.
    pub sums: usize,
    /// `[samples][sums][targets]`: what each mean counts in each sum.
    pub weights: &'a [f32],
    /// `[samples][sums][inputs][inputs]`
    pub curvature: &'a mut [f64],
}

impl EnsembleMlp {
    /// The networks as they are now, packed for derivatives of their means.
    ///
    /// # Errors
    /// Never, as the parameters are this ensemble's own.
    pub fn differential(&self) -> Result<Differential> {
        let (config, store, device) = (self.config(), &self.trainer.store, Cpu::new());
        let layers = &self.mlp().layers;
        let mut first = Vec::with_capacity(config.members);
        let mut members = Vec::with_capacity(config.members);
        for member in 0..config.members {
            let mut packed = Vec::with_capacity(layers.len());
            for (index, layer) in layers.iter().enumerate() {
                let [_, inner, width] = store.shape(layer.weight)?;
                let cols = if index + 1 == layers.len() { config.targets } else { width };
                let rows = store.padded(layer.weight.index, member);
                let (mut forward, mut transposed) =
                    (device.allocate(inner * packed_cols(cols)), device.allocate(cols * packed_cols(inner)));
                let from = Right::Rows(rows.as_ptr(), stride(width));
                device.run(Pack { from, inner, cols, to: &mut forward });
                let from = Right::Transposed(rows.as_ptr(), stride(width));
                device.run(Pack { from, inner: cols, cols: inner, to: &mut transposed });
                let mut bias = device.allocate(stride(width) + SLACK);
                bias[..width].copy_from_slice(&store.padded(layer.bias.index, member)[..width]);
                if index == 0 {
                    let mut copy = device.allocate(rows.len() + SLACK);
                    copy[..rows.len()].copy_from_slice(rows);
                    first.push(copy);
                }
                packed.push(Layer { inner, cols, forward, transposed, bias });
            }
            members.push(packed);
        }
        Ok(Differential {
            members,
            first,
            first_stride: stride(store.shape(layers[0].weight)?[2]),
            activation: config.activation,
            inputs: config.inputs,
            targets: config.targets,
            capacity: (BLOCK_ROWS / config.inputs).max(1),
            device,
        })
    }
}

impl Differential {
    /// Room for derivatives on one thread.
    pub fn scratch(&self) -> DifferentialScratch {
        let layers = &self.members[0];
        let room = |rows: usize, cols: usize| self.device.allocate(rows * stride(cols) + SLACK);
        let hidden: Vec<usize> = layers.iter().rev().skip(1).rev().map(|layer| layer.cols).collect();
        let widest = layers.iter().map(|layer| layer.cols.max(layer.inner)).max().unwrap_or(1);
        let each = || hidden.iter().map(|cols| room(self.capacity, *cols)).collect::<Vec<_>>();
        DifferentialScratch {
            values: each(),
            slopes: each(),
            bends: each(),
            tangents: layers.iter().skip(1).map(|layer| room(self.capacity * self.inputs, layer.cols)).collect(),
            passed: room(self.capacity * self.inputs, widest),
            cotangent: room(self.capacity, widest),
            before: room(self.capacity, widest),
            weights: room(self.capacity, self.targets),
        }
    }

    /// Adds, `share` times, the derivatives of a member's means at `x` `[samples][inputs]` to `out`.
    ///
    /// # Errors
    /// [`Error::Shape`] when the lengths do not fit together or there is no such member.
    pub fn slopes(
        &self,
        member: usize,
        x: &[f32],
        share: f64,
        out: &mut MeanSlopes<'_>,
        scratch: &mut DifferentialScratch,
    ) -> Result<()> {
        let (n, t, samples, sums) = (self.inputs, self.targets, x.len() / self.inputs, out.sums);
        let expected = [samples * n, samples * t * n, samples * sums * t, samples * sums * n * n];
        let got = [x.len(), out.jacobian.len(), out.weights.len(), out.curvature.len()];
        self.check(member, &expected, &got)?;
        for first in (0..samples).step_by(self.capacity) {
            let count = self.capacity.min(samples - first);
            self.forward(member, &x[first * n..][..count * n], count, sums > 0, scratch);
            self.forward_tangents(member, count, share, &mut out.jacobian[first * t * n..][..count * t * n], scratch);
            for sum in 0..sums {
                let weights = &out.weights[first * sums * t..][..count * sums * t];
                self.begin_back(member, weights.chunks_exact(t).skip(sum).step_by(sums), count, scratch);
                let curvature = &mut out.curvature[first * sums * n * n..][..count * sums * n * n];
                self.bend(member, count, share, (sum, sums), curvature, scratch);
            }
        }
        Ok(())
    }

    /// Adds, `share` times, the gradients by `x` `[samples][inputs]` of a member's means, weighted by `weights` `[samples][targets]`, to
    /// `out` `[samples][inputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when the lengths do not fit together or there is no such member.
    pub fn pullback(
        &self,
        member: usize,
        x: &[f32],
        weights: &[f32],
        share: f64,
        out: &mut [f64],
        scratch: &mut DifferentialScratch,
    ) -> Result<()> {
        let (n, t, samples) = (self.inputs, self.targets, x.len() / self.inputs);
        self.check(member, &[samples * n, samples * t, samples * n], &[x.len(), weights.len(), out.len()])?;
        let layers = &self.members[member];
        for first in (0..samples).step_by(self.capacity) {
            let count = self.capacity.min(samples - first);
            self.forward(member, &x[first * n..][..count * n], count, false, scratch);
            self.begin_back(member, weights[first * t..].chunks_exact(t), count, scratch);
            for layer in (1..layers.len()).rev() {
                self.back(&layers[layer - 1], layer - 1, count, scratch);
            }
            let rows = scratch.cotangent.chunks_exact(stride(n));
            for (out, row) in out[first * n..].chunks_exact_mut(n).take(count).zip(rows) {
                out.iter_mut().zip(row).for_each(|(out, number)| *out += share * f64::from(*number));
            }
        }
        Ok(())
    }

    fn check(&self, member: usize, expected: &[usize], got: &[usize]) -> Result<()> {
        if member >= self.members.len() {
            return Err(Error::shape("members", &[self.members.len()], &[member + 1]));
        }
        if expected == got { Ok(()) } else { Err(Error::shape("derivatives of networks", expected, got)) }
    }

    /// `c = start + a b` for the padded rows of a layer.
    fn product(
        &self,
        (rows, inner, cols): (usize, usize, usize),
        (a, a_stride): (*const f32, usize),
        panels: &[f32],
        start: Start,
        c: &mut [f32],
    ) {
        assert!(c.len() >= rows * stride(cols) && panels.len() >= inner * packed_cols(cols));
        self.device.run(Matmul {
            rows,
            cols,
            inner,
            a,
            a_strides: (a_stride, 1),
            b: Right::Packed(panels.as_ptr()),
            start,
            c: c.as_mut_ptr(),
            c_stride: stride(cols),
            panel: std::ptr::null_mut(),
            activation: Activation::Identity,
            derivative: std::ptr::null_mut(),
        });
    }

    /// Values, φ' and where wanted φ'' of the hidden layers.
    fn forward(&self, member: usize, x: &[f32], count: usize, bends: bool, s: &mut DifferentialScratch) {
        let layers = &self.members[member];
        for (index, layer) in layers[..layers.len() - 1].iter().enumerate() {
            let (before, values) = s.values.split_at_mut(index);
            let a = before.last().map_or((x.as_ptr(), self.inputs), |b| (b.as_ptr(), stride(layer.inner)));
            let start = Start::Row(layer.bias.as_ptr());
            self.product((count, layer.inner, layer.cols), a, &layer.forward, start, &mut values[0]);
            self.device.run(Curve {
                activation: self.activation,
                z: values[0].as_mut_ptr(),
                slope: s.slopes[index].as_mut_ptr(),
                bend: if bends { s.bends[index].as_mut_ptr() } else { std::ptr::null_mut() },
                rows: count,
                cols: layer.cols,
                stride: stride(layer.cols),
            });
        }
    }

    /// Tangents of all layers; adds the last one's to `jacobian`.
    fn forward_tangents(
        &self,
        member: usize,
        count: usize,
        share: f64,
        jacobian: &mut [f64],
        s: &mut DifferentialScratch,
    ) {
        let (layers, n) = (&self.members[member], self.inputs);
        for (index, layer) in layers.iter().enumerate().skip(1) {
            let (before, tangents) = s.tangents.split_at_mut(index - 1);
            let (tangents_before, shared) = before.last().map_or((&self.first[member], true), |b| (b, false));
            let (width, slopes, out) = (stride(layer.inner), &s.slopes[index - 1][..], &mut s.passed[..]);
            self.device.run(Scale { tangents: tangents_before, shared, slopes, out, count, inputs: n, width });
            let a = (s.passed.as_ptr(), width);
            self.product((count * n, layer.inner, layer.cols), a, &layer.forward, Start::Zero, &mut tangents[0]);
        }
        let (last, shared) = s.tangents.last().map_or((&self.first[member], true), |last| (last, false));
        let width = if shared { self.first_stride } else { stride(self.targets) };
        for (sample, jacobian) in jacobian.chunks_exact_mut(self.targets * n).enumerate() {
            for input in 0..n {
                let row = if shared { input } else { sample * n + input };
                let tangent = &last[row * width..][..self.targets];
                for (target, number) in tangent.iter().enumerate() {
                    jacobian[target * n + input] += share * f64::from(*number);
                }
            }
        }
    }

    /// The cotangent of the last hidden layer's values.
    fn begin_back<'a>(
        &self,
        member: usize,
        weights: impl Iterator<Item = &'a [f32]>,
        count: usize,
        s: &mut DifferentialScratch,
    ) {
        let (width, layers) = (stride(self.targets), &self.members[member]);
        for (row, weights) in s.weights.chunks_exact_mut(width).zip(weights.take(count)) {
            row[..self.targets].copy_from_slice(weights);
        }
        let last = &layers[layers.len() - 1];
        let a = (s.weights.as_ptr(), width);
        self.product((count, last.cols, last.inner), a, &last.transposed, Start::Zero, &mut s.cotangent);
    }

    /// From the cotangent of a hidden layer's values to that of the layer before.
    fn back(&self, layer: &Layer, index: usize, count: usize, s: &mut DifferentialScratch) {
        let len = count * stride(layer.cols);
        self.device.run(Times { numbers: &mut s.cotangent[..len], by: &s.slopes[index][..len] });
        let a = (s.cotangent.as_ptr(), stride(layer.cols));
        self.product((count, layer.cols, layer.inner), a, &layer.transposed, Start::Zero, &mut s.before);
        std::mem::swap(&mut s.cotangent, &mut s.before);
    }

    /// Adds every layer's part of a sum's second derivatives.
    fn bend(
        &self,
        member: usize,
        count: usize,
        share: f64,
        (sum, sums): (usize, usize),
        curvature: &mut [f64],
        s: &mut DifferentialScratch,
    ) {
        let layers = &self.members[member];
        for index in (0..layers.len() - 1).rev() {
            let layer = &layers[index];
            let (tangents, shared) =
                index.checked_sub(1).map_or((&self.first[member], true), |i| (&s.tangents[i], false));
            self.device.run(Bend {
                tangents,
                shared,
                cotangent: &s.cotangent,
                bends: &s.bends[index],
                weighted: &mut s.passed,
                out: curvature,
                share,
                place: (sum, sums),
                sizes: (count, self.inputs, layer.cols),
            });
            if index > 0 {
                self.back(layer, index, count, s);
            }
        }
    }
}

/// `out = slopes ∘ tangents`, sample by sample; `shared` tangents are the same for all.
struct Scale<'a> {
    tangents: &'a [f32],
    shared: bool,
    slopes: &'a [f32],
    out: &'a mut [f32],
    count: usize,
    inputs: usize,
    width: usize,
}

impl WithSimd for Scale<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { tangents, shared, slopes, out, count, inputs, width } = self;
        for sample in 0..count {
            let slopes = &slopes[sample * width..][..width];
            for input in 0..inputs {
                let row = if shared { input } else { sample * inputs + input };
                let tangent = &tangents[row * width..][..width];
                let out = &mut out[(sample * inputs + input) * width..][..width];
                for ((out, slope), tangent) in out.iter_mut().zip(slopes).zip(tangent) {
                    *out = slope * tangent;
                }
            }
        }
    }
}

struct Times<'a> {
    numbers: &'a mut [f32],
    by: &'a [f32],
}

impl WithSimd for Times<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        self.numbers.iter_mut().zip(self.by).for_each(|(number, by)| *number *= by);
    }
}

/// `out[sample][sum] += share · J diag(bends ∘ cotangent) Jᵀ`
struct Bend<'a> {
    tangents: &'a [f32],
    shared: bool,
    cotangent: &'a [f32],
    bends: &'a [f32],
    /// Room for one row.
    weighted: &'a mut [f32],
    out: &'a mut [f64],
    share: f64,
    place: (usize, usize),
    /// Samples, inputs and columns.
    sizes: (usize, usize, usize),
}

impl WithSimd for Bend<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let (count, inputs, cols) = self.sizes;
        let (width, (sum, sums)) = (stride(cols), self.place);
        for sample in 0..count {
            let (cotangent, bends) = (&self.cotangent[sample * width..][..cols], &self.bends[sample * width..][..cols]);
            let out = &mut self.out[(sample * sums + sum) * inputs * inputs..][..inputs * inputs];
            let row = |input: usize| if self.shared { input } else { sample * inputs + input };
            for p in 0..inputs {
                let tangent = &self.tangents[row(p) * width..][..cols];
                let weighted = &mut self.weighted[..cols];
                for (((slot, tangent), cotangent), bend) in weighted.iter_mut().zip(tangent).zip(cotangent).zip(bends) {
                    *slot = tangent * (cotangent * bend);
                }
                for q in p..inputs {
                    let bend = self.share * f64::from(dot(weighted, &self.tangents[row(q) * width..][..cols]));
                    out[p * inputs + q] += bend;
                    if p != q {
                        out[q * inputs + p] += bend;
                    }
                }
            }
        }
    }
}

/// The inner product, in sixteen sums.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}
