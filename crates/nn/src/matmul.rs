//! Matrix products for the sizes that networks have: up to a few thousand rows and columns, all in cache.
//!
//! Goto's scheme (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008) without the outer blockings that
//! only matter beyond the caches: one panel of B, as wide as a register tile, is packed into the first-level cache and all row tiles of A
//! pass over it. A is read in place by broadcast, so it may be stored by rows or by columns. The activation runs over a panel
//! of the result while it is hot.
//!
//! Every element of C is one chain of multiply-adds over k in ascending order, whatever the tile: a row's result does not depend on
//! the rows beside it, nor on how rows are split over threads.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::{
    activation::{Activation, Apply},
    buffer::{Buffer, copy_out, stride},
    context::PARTS,
    device::PARALLEL_WORK,
    vector::{fma, load, select, store},
};

/// The longest register tile in columns, over all instruction sets.
pub(crate) const WIDEST: usize = 32;
static ZEROS: [f32; WIDEST] = [0.0; WIDEST];

/// Vectors side by side in a full tile.
#[inline(always)]
pub(crate) const fn vectors<S: Simd>() -> usize {
    if S::F32_LANES >= 8 { 2 } else { 4 }
}

/// Where B comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Right {
    /// Row-major `[k][n]` with a stride.
    Rows(*const f32, usize),
    /// The transpose of a row-major `[n][k]` with a stride.
    Transposed(*const f32, usize),
    /// Panels as [`pack`] leaves them.
    Packed(*const f32),
}

/// What C starts from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// Zero.
    Zero,
    /// The same row everywhere: a bias, padded.
    Row(*const f32),
    /// What is in C: accumulation.
    Current,
}

/// `C = start + A B`, then the activation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matmul {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) inner: usize,
    pub(crate) a: *const f32,
    /// Distance between rows of A and between its columns.
    pub(crate) a_strides: (usize, usize),
    pub(crate) b: Right,
    pub(crate) start: Start,
    pub(crate) c: *mut f32,
    pub(crate) c_stride: usize,
    /// Room for one panel: `inner * WIDEST` numbers. Unused when B is packed.
    pub(crate) panel: *mut f32,
    pub(crate) activation: Activation,
    /// Where derivatives of the activation go, laid out as C; null for none.
    pub(crate) derivative: *mut f32,
}

// SAFETY: a product may run on any thread; whoever shares one out keeps its parts apart, see `Matmul::parts`.
unsafe impl Send for Matmul {}

impl Matmul {
    /// Cuts the product into at most `PARTS` products of disjoint columns or rows of C, each with a panel of its own: `panel` holds that many,
    /// `panel_len` numbers apart. Every element of C is the same chain of additions as in one piece.
    pub(crate) fn parts(self, panel_len: usize) -> [Option<Self>; PARTS] {
        let mut parts = [None; PARTS];
        let by_columns = self.cols >= PARTS * WIDEST / 2;
        let (whole, grain) = if by_columns { (self.cols, WIDEST) } else { (self.rows, 12) };
        let each = whole.div_ceil(PARTS).next_multiple_of(grain);
        for (index, part) in parts.iter_mut().enumerate() {
            let from = index * each;
            if from >= whole {
                break;
            }
            let count = each.min(whole - from);
            let panel = if self.panel.is_null() { self.panel } else { self.panel.wrapping_add(index * panel_len) };
            *part = Some(if by_columns { self.columns(from, count, panel) } else { self.lines(from, count, panel) });
        }
        parts
    }

    fn columns(self, from: usize, cols: usize, panel: *mut f32) -> Self {
        let b = match self.b {
            Right::Rows(at, stride) => Right::Rows(at.wrapping_add(from), stride),
            Right::Transposed(at, stride) => Right::Transposed(at.wrapping_add(from * stride), stride),
            Right::Packed(at) => Right::Packed(at.wrapping_add(from * self.inner)),
        };
        let start = match self.start {
            Start::Row(at) => Start::Row(at.wrapping_add(from)),
            other => other,
        };
        let derivative = if self.derivative.is_null() { self.derivative } else { self.derivative.wrapping_add(from) };
        Self { cols, b, start, c: self.c.wrapping_add(from), derivative, panel, ..self }
    }

    fn lines(self, from: usize, rows: usize, panel: *mut f32) -> Self {
        let derivative = if self.derivative.is_null() {
            self.derivative
        } else {
            self.derivative.wrapping_add(from * self.c_stride)
        };
        let (a, c) = (self.a.wrapping_add(from * self.a_strides.0), self.c.wrapping_add(from * self.c_stride));
        Self { rows, a, c, derivative, panel, ..self }
    }
}

/// Of so many rows that are left for tiles of at most twelve, how many the next takes: few tiles, none of them low, of the heights that there are.
const FIRST_OF: [u8; 24] = [0, 1, 2, 3, 4, 5, 6, 4, 8, 5, 5, 6, 12, 8, 8, 12, 8, 12, 12, 8, 12, 12, 12, 12];

/// The larger of two, and `x` where it is not a number.
#[inline(always)]
fn at_least<S: Simd>(simd: S, floor: S::f32s, x: S::f32s) -> S::f32s {
    select(simd, simd.less_than_f32s(x, floor), floor, x)
}

/// One register tile: `MR` rows of `NV` vectors.
#[inline(always)]
#[allow(clippy::too_many_arguments, clippy::needless_range_loop)]
unsafe fn tile<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    inner: usize,
    a: *const f32,
    (row_stride, col_stride): (usize, usize),
    b: *const f32,
    start: *const f32,
    start_stride: usize,
    c: *mut f32,
    c_stride: usize,
    floor: f32,
) {
    let lanes = S::F32_LANES;
    let floor = simd.splat_f32s(floor);
    let mut sums = [[simd.splat_f32s(0.0); NV]; MR];
    // SAFETY: `Panel::run` hands only tiles inside A, B and C.
    unsafe {
        for i in 0..MR {
            for j in 0..NV {
                sums[i][j] = load::<S>(start.add(i * start_stride + j * lanes));
            }
        }
        let mut b = b;
        let mut a = a;
        for _ in 0..inner {
            let mut right = [simd.splat_f32s(0.0); NV];
            for j in 0..NV {
                right[j] = load::<S>(b.add(j * lanes));
            }
            for i in 0..MR {
                let left = simd.splat_f32s(*a.add(i * row_stride));
                for j in 0..NV {
                    sums[i][j] = fma(simd, left, right[j], sums[i][j]);
                }
            }
            a = a.add(col_stride);
            b = b.add(NV * lanes);
        }
        for i in 0..MR {
            for j in 0..NV {
                store::<S>(c.add(i * c_stride + j * lanes), at_least(simd, floor, sums[i][j]));
            }
        }
    }
}

/// One row over `P` full panels at once: enough independent sums to keep the multipliers busy.
#[inline(always)]
#[allow(clippy::needless_range_loop)]
unsafe fn row<S: Simd, const NV: usize, const P: usize>(simd: S, call: &Panel) {
    let (lanes, width, floor) = (S::F32_LANES, NV * S::F32_LANES, simd.splat_f32s(call.floor));
    let mut sums = [[simd.splat_f32s(0.0); NV]; P];
    // SAFETY: `Matmul` hands only panels inside A, B and C.
    unsafe {
        for p in 0..P {
            for j in 0..NV {
                sums[p][j] = load::<S>(call.start.add(call.start_panel * p + j * lanes));
            }
        }
        for k in 0..call.inner {
            let left = simd.splat_f32s(*call.a.add(k * call.a_strides.1));
            for p in 0..P {
                let b = call.b.add((p * call.inner + k) * width);
                for j in 0..NV {
                    sums[p][j] = fma(simd, left, load::<S>(b.add(j * lanes)), sums[p][j]);
                }
            }
        }
        for p in 0..P {
            for j in 0..NV {
                store::<S>(call.c.add(p * width + j * lanes), at_least(simd, floor, sums[p][j]));
            }
        }
    }
}

/// All rows of C in one panel of columns. Its own dispatch, so that tiles are compiled once an instruction set.
struct Panel {
    rows: usize,
    inner: usize,
    a: *const f32,
    a_strides: (usize, usize),
    b: *const f32,
    vectors: usize,
    /// Panels that one row passes at once; 1 for several rows.
    panels: usize,
    start: *const f32,
    start_stride: usize,
    /// Distance of the start of the next panel.
    start_panel: usize,
    c: *mut f32,
    c_stride: usize,
    /// No result is less.
    floor: f32,
}

impl WithSimd for Panel {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // SAFETY: `Matmul` checks that the panel lies inside its matrices.
        unsafe {
            if self.panels > 1 {
                match (vectors::<S>(), self.panels) {
                    (2, 4) => row::<S, 2, 4>(simd, &self),
                    (2, _) => row::<S, 2, 2>(simd, &self),
                    (_, 4) => row::<S, 4, 4>(simd, &self),
                    _ => row::<S, 4, 2>(simd, &self),
                }
                return;
            }
            match self.vectors {
                1 => self.run::<S, 1>(simd),
                2 => self.run::<S, 2>(simd),
                _ => self.run::<S, 4>(simd),
            }
        }
    }
}

impl Panel {
    #[inline(always)]
    unsafe fn run<S: Simd, const NV: usize>(&self, simd: S) {
        // A tile of one vector has registers to spare, and needs them to hide the multipliers' latency.
        let tall = if NV == 1 || (S::REGISTER_COUNT >= 32 && S::F32_LANES >= 16) { 12 } else { 6 };
        let mut row = 0;
        while row < self.rows {
            let left = match self.rows - row {
                left if left >= 2 * tall => tall,
                left if tall == 12 => usize::from(FIRST_OF[left]),
                // The rest is shared evenly over as few tiles as there can be: a low one waits for its own sums.
                left => left.div_ceil(left.div_ceil(tall)),
            };
            macro_rules! tiles {
                ($($mr:literal)*) => {
                    match left {
                        // SAFETY: rows `row .. row + left` are inside A and C.
                        $($mr if $mr <= tall => unsafe {
                            tile::<S, $mr, NV>(
                                simd, self.inner, self.a.add(row * self.a_strides.0), self.a_strides, self.b,
                                self.start.add(row * self.start_stride), self.start_stride,
                                self.c.add(row * self.c_stride), self.c_stride, self.floor,
                            )
                        },)*
                        _ => unreachable!("a tile has at most {tall} rows"),
                    }
                };
            }
            tiles!(12 8 6 5 4 3 2 1);
            row += left;
        }
    }
}

/// Columns of the panel that starts at `col`, in vectors: full, or just enough vectors for what is left where that is one.
#[inline(always)]
fn panel_vectors<S: Simd>(cols: usize, col: usize) -> usize {
    if cols - col <= S::F32_LANES { 1 } else { vectors::<S>() }
}

/// Packs `width` columns from `col` on: `panel[k][width]`, with zeros beyond the last column.
#[inline(always)]
unsafe fn pack_panel<S: Simd>(b: Right, inner: usize, cols: usize, col: usize, width: usize, panel: *mut f32) {
    let real = width.min(cols - col);
    // SAFETY: the source holds `inner × cols` numbers at its stride, the panel `inner × width`.
    unsafe {
        match b {
            Right::Rows(from, stride) if real == width => {
                for k in 0..inner {
                    let mut at = 0;
                    while at < width {
                        store::<S>(panel.add(k * width + at), load::<S>(from.add(k * stride + col + at)));
                        at += S::F32_LANES;
                    }
                }
            }
            Right::Rows(from, stride) => {
                for k in 0..inner {
                    for j in 0..width {
                        *panel.add(k * width + j) = if j < real { *from.add(k * stride + col + j) } else { 0.0 };
                    }
                }
            }
            Right::Transposed(from, stride) => {
                // Eight by eight, so that both sides are read and written by whole lines.
                let mut k0 = 0;
                while k0 < inner {
                    let depth = (inner - k0).min(8);
                    let mut j0 = 0;
                    while j0 < width {
                        if depth == 8 && j0 + 8 <= real {
                            let mut block = [[0.0_f32; 8]; 8];
                            for (j, line) in block.iter_mut().enumerate() {
                                *line = from.add((col + j0 + j) * stride + k0).cast::<[f32; 8]>().read_unaligned();
                            }
                            for k in 0..8 {
                                let mut line = [0.0_f32; 8];
                                for j in 0..8 {
                                    line[j] = block[j][k];
                                }
                                panel.add((k0 + k) * width + j0).cast::<[f32; 8]>().write_unaligned(line);
                            }
                            j0 += 8;
                        } else {
                            for k in 0..depth {
                                *panel.add((k0 + k) * width + j0) =
                                    if j0 < real { *from.add((col + j0) * stride + k0 + k) } else { 0.0 };
                            }
                            j0 += 1;
                        }
                    }
                    k0 += depth;
                }
            }
            Right::Packed(_) => {}
        }
    }
}

impl WithSimd for Matmul {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (start, start_stride, along) = match self.start {
            Start::Zero => (ZEROS.as_ptr(), 0, false),
            Start::Row(row) => (row, 0, true),
            Start::Current => (self.c.cast_const(), self.c_stride, true),
        };
        // The rectifier alone is done on its way out of the registers.
        let rectify = self.activation == Activation::Relu && self.derivative.is_null();
        let floor = if rectify { 0.0 } else { f32::NEG_INFINITY };
        let pass = !rectify && (self.activation != Activation::Identity || !self.derivative.is_null());
        let mut col = 0;
        while col < self.cols {
            let count = panel_vectors::<S>(self.cols, col);
            let one = count * S::F32_LANES;
            let panels = match self.b {
                Right::Packed(_) if self.rows == 1 && count == vectors::<S>() => {
                    // All but the last panel are full, and the last may be.
                    let full = (self.cols - col) / one;
                    if full >= 4 {
                        4
                    } else if full >= 2 {
                        2
                    } else {
                        1
                    }
                }
                _ => 1,
            };
            let width = one * panels;
            // SAFETY: rows of C, of a bias and of derivatives are padded to whole tiles (see `buffer`); the others are checked by type.
            unsafe {
                let b = match self.b {
                    Right::Packed(panels) => panels.add(col * self.inner),
                    other => {
                        pack_panel::<S>(other, self.inner, self.cols, col, one, self.panel);
                        self.panel.cast_const()
                    }
                };
                let c = self.c.add(col);
                simd.vectorize(Panel {
                    rows: self.rows,
                    inner: self.inner,
                    a: self.a,
                    a_strides: self.a_strides,
                    b,
                    vectors: count,
                    panels,
                    start_panel: if along { one } else { 0 },
                    start: if along { start.add(col) } else { start },
                    start_stride,
                    c,
                    c_stride: self.c_stride,
                    floor,
                });
                if pass {
                    let derivative = if self.derivative.is_null() { self.derivative } else { self.derivative.add(col) };
                    simd.vectorize(Apply {
                        activation: self.activation,
                        z: c,
                        derivative,
                        rows: self.rows,
                        cols: width.min((self.cols - col).next_multiple_of(S::F32_LANES)),
                        stride: self.c_stride,
                    });
                }
            }
            col += width;
        }
    }
}

/// Packs `[inner][cols]` into the panels that [`Right::Packed`] reads.
pub(crate) struct Pack<'a> {
    /// Not packed yet.
    pub(crate) from: Right,
    pub(crate) inner: usize,
    pub(crate) cols: usize,
    /// `inner * packed_cols` numbers.
    pub(crate) to: &'a mut [f32],
}

/// Columns of all panels together, whatever the instruction set.
pub(crate) fn packed_cols(cols: usize) -> usize {
    cols.next_multiple_of(WIDEST)
}

impl WithSimd for Pack<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        assert!(self.to.len() >= self.inner * packed_cols(self.cols));
        let mut col = 0;
        while col < self.cols {
            let width = panel_vectors::<S>(self.cols, col) * S::F32_LANES;
            // SAFETY: the length of the panels was checked, and whoever packs a matrix holds all of it.
            unsafe {
                pack_panel::<S>(
                    self.from,
                    self.inner,
                    self.cols,
                    col,
                    width,
                    self.to.as_mut_ptr().add(col * self.inner),
                );
            }
            col += width;
        }
    }
}

/// `c = a b` for contiguous row-major matrices: a `[m][k]`, b `[k][n]`, c `[m][n]`, sizes given as `[m, k, n]`. Allocates a panel a thread;
/// networks go by [`Runner`](crate::Runner) and [`Predictor`](crate::Predictor) instead.
///
/// # Errors
/// [`Shape`](worldwright_core::Error::Shape) when a matrix is of another size.
pub fn matmul(a: &[f32], b: &[f32], c: &mut [f32], [m, k, n]: [usize; 3]) -> worldwright_core::Result<()> {
    for (what, len, expected) in [("a", a.len(), [m, k]), ("b", b.len(), [k, n]), ("c", c.len(), [m, n])] {
        if len != expected[0] * expected[1] {
            return Err(worldwright_core::Error::shape(what, &expected, &[len]));
        }
    }
    if m * n == 0 {
        return Ok(());
    }
    let arch = pulp::Arch::new();
    let width = stride(n);
    let mut packed = Buffer::zeros(k * packed_cols(n));
    arch.dispatch(Pack { from: Right::Rows(b.as_ptr(), n), inner: k, cols: n, to: &mut packed });
    let block = |(index, c): (usize, &mut [f32])| {
        let rows = c.len() / n;
        let mut padded = Buffer::zeros(rows * width + WIDEST);
        arch.dispatch(Matmul {
            rows,
            cols: n,
            inner: k,
            a: a[index * MATMUL_ROWS * k..].as_ptr(),
            a_strides: (k, 1),
            b: Right::Packed(packed.as_ptr()),
            start: Start::Zero,
            c: padded.as_mut_ptr(),
            c_stride: width,
            panel: std::ptr::null_mut(),
            activation: Activation::Identity,
            derivative: std::ptr::null_mut(),
        });
        copy_out(c, &padded, n);
    };
    if m * k * n > PARALLEL_WORK {
        c.par_chunks_mut(MATMUL_ROWS * n).enumerate().for_each(block);
    } else {
        c.chunks_mut(MATMUL_ROWS * n).enumerate().for_each(block);
    }
    Ok(())
}

/// Rows of one task of [`matmul`].
const MATMUL_ROWS: usize = 96;
