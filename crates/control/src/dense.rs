//! Dense kernels on matrices stored column after column, inlined into their callers so that known sizes unroll.
//!
//! `FMA` says whether the surrounding code is compiled for a processor that multiplies and adds in one instruction; without one
//! the fused operation would be a slow call. Products of at least [`TILE_ROWS`] × [`TILE_COLUMNS`] run in tiles held in registers,
//! the last tile of a side overlapping its neighbour instead of leaving a remainder.

use pulp::{Scalar, Simd};

/// Rows of a tile: two vectors of four numbers.
pub(super) const TILE_ROWS: usize = 8;
/// Columns of a tile.
pub(super) const TILE_COLUMNS: usize = 4;

/// Whether code for `S` is compiled for a processor with fused multiplication and addition.
pub(super) fn fused<S: Simd>() -> bool {
    std::any::TypeId::of::<S>() != std::any::TypeId::of::<Scalar>() || cfg!(target_feature = "fma")
}

/// `a b + c`
#[inline(always)]
pub(super) fn multiply_add<const FMA: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `aᵀb`
#[inline(always)]
pub(super) fn dot<const FMA: bool>(a: &[f64], b: &[f64]) -> f64 {
    let mut sum = 0.0;
    if a.len() < TILE_ROWS {
        for (a, b) in a.iter().zip(b) {
            sum = multiply_add::<FMA>(*a, *b, sum);
        }
        return sum;
    }
    let mut lanes = [0.0; TILE_ROWS];
    let (a_tiles, b_tiles) = (a.chunks_exact(TILE_ROWS), b.chunks_exact(TILE_ROWS));
    for (a, b) in a_tiles.remainder().iter().zip(b_tiles.remainder()) {
        sum = multiply_add::<FMA>(*a, *b, sum);
    }
    for (a, b) in a_tiles.zip(b_tiles) {
        for i in 0..TILE_ROWS {
            lanes[i] = multiply_add::<FMA>(a[i], b[i], lanes[i]);
        }
    }
    sum + ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]))
}

/// `y ← y + s x`
#[inline(always)]
pub(super) fn add_scaled<const FMA: bool>(s: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = multiply_add::<FMA>(s, *x, *y);
    }
}

/// `y ← y + A x` with A of `y.len()` rows, four columns at a time.
#[inline(always)]
pub(super) fn add_product<const FMA: bool>(a: &[f64], x: &[f64], y: &mut [f64]) {
    let rows = y.len();
    if rows < TILE_ROWS {
        for (column, x) in a.chunks_exact(rows).zip(x) {
            add_scaled::<FMA>(*x, column, y);
        }
        return;
    }
    let (fours, rest) = (x.chunks_exact(4), x.len() / 4 * 4);
    for (x, columns) in fours.zip(a.chunks_exact(4 * rows)) {
        let (a0, columns) = columns.split_at(rows);
        let (a1, columns) = columns.split_at(rows);
        let (a2, a3) = columns.split_at(rows);
        let a3 = &a3[..rows];
        for i in 0..rows {
            let sum = multiply_add::<FMA>(a0[i], x[0], y[i]);
            let sum = multiply_add::<FMA>(a1[i], x[1], sum);
            let sum = multiply_add::<FMA>(a2[i], x[2], sum);
            y[i] = multiply_add::<FMA>(a3[i], x[3], sum);
        }
    }
    for (column, x) in a.chunks_exact(rows).zip(x).skip(rest) {
        add_scaled::<FMA>(*x, column, y);
    }
}

/// `y ← y + Aᵀx` with A of `x.len()` rows.
#[inline(always)]
pub(super) fn add_product_transposed<const FMA: bool>(a: &[f64], x: &[f64], y: &mut [f64]) {
    for (column, y) in a.chunks_exact(x.len()).zip(y) {
        *y += dot::<FMA>(column, x);
    }
}

/// `out ← Aᵀ` for A of `rows` rows and `columns` columns.
#[inline(always)]
pub(super) fn transpose(rows: usize, columns: usize, a: &[f64], out: &mut [f64]) {
    for j in 0..columns {
        for i in 0..rows {
            out[i * columns + j] = a[j * rows + i];
        }
    }
}

/// Which part of a product is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    All,
    /// On and below the diagonal; what stands above it is unspecified.
    Lower,
}

/// `C ← base + A B`, sizes `[rows][depth] [depth][columns]`; no base is zero.
#[inline(always)]
pub(super) fn product<const FMA: bool>(
    (rows, depth, columns): (usize, usize, usize),
    base: Option<&[f64]>,
    a: &[f64],
    b: &[f64],
    part: Part,
    c: &mut [f64],
) {
    if rows >= TILE_ROWS && columns >= TILE_COLUMNS {
        return tiled::<FMA>((rows, depth, columns), base, a, b, part, c);
    }
    for j in 0..columns {
        let first = if part == Part::Lower { j.min(rows) } else { 0 };
        for i in first..rows {
            let mut sum = if let Some(base) = base { base[j * rows + i] } else { 0.0 };
            for k in 0..depth {
                sum = multiply_add::<FMA>(a[k * rows + i], b[j * depth + k], sum);
            }
            c[j * rows + i] = sum;
        }
    }
}

#[inline(always)]
fn tiled<const FMA: bool>(
    (rows, depth, columns): (usize, usize, usize),
    base: Option<&[f64]>,
    a: &[f64],
    b: &[f64],
    part: Part,
    c: &mut [f64],
) {
    let mut j = 0;
    while j < columns {
        let left = j.min(columns - TILE_COLUMNS);
        let mut i = if part == Part::Lower { left / TILE_ROWS * TILE_ROWS } else { 0 };
        while i < rows {
            let top = i.min(rows - TILE_ROWS);
            tile::<FMA>((rows, depth), (top, left), base, a, b, c);
            i += TILE_ROWS;
        }
        j += TILE_COLUMNS;
    }
}

#[inline(always)]
fn tile<const FMA: bool>(
    (rows, depth): (usize, usize),
    (top, left): (usize, usize),
    base: Option<&[f64]>,
    a: &[f64],
    b: &[f64],
    c: &mut [f64],
) {
    let mut sums = [[0.0; TILE_ROWS]; TILE_COLUMNS];
    if let Some(base) = base {
        for (j, sums) in sums.iter_mut().enumerate() {
            sums.copy_from_slice(&base[(left + j) * rows + top..][..TILE_ROWS]);
        }
    }
    let b0 = &b[left * depth..][..depth];
    let b1 = &b[(left + 1) * depth..][..depth];
    let b2 = &b[(left + 2) * depth..][..depth];
    let b3 = &b[(left + 3) * depth..][..depth];
    let a = &a[..rows * depth];
    let mut start = top;
    for k in 0..depth {
        let Some(column) = a.get(start..start + TILE_ROWS) else { break };
        let scales = [b0[k], b1[k], b2[k], b3[k]];
        for (sums, scale) in sums.iter_mut().zip(scales) {
            for i in 0..TILE_ROWS {
                sums[i] = multiply_add::<FMA>(column[i], scale, sums[i]);
            }
        }
        start += rows;
    }
    for (j, sums) in sums.iter().enumerate() {
        c[(left + j) * rows + top..][..TILE_ROWS].copy_from_slice(sums);
    }
}

/// Copies the lower triangle to the upper one.
#[inline(always)]
pub(super) fn mirror(n: usize, a: &mut [f64]) {
    for j in 0..n {
        for i in j + 1..n {
            a[i * n + j] = a[j * n + i];
        }
    }
}

/// Factors the lower triangle of a symmetric matrix into `L D Lᵀ` in place: L below the diagonal, 1/D on it. False when a pivot is
/// not positive, that is, the matrix is not positive definite (or not finite).
#[inline(always)]
pub(super) fn factor<const FMA: bool>(n: usize, a: &mut [f64]) -> bool {
    if n == 2 {
        return factor_pair::<FMA>(a);
    }
    for j in 0..n {
        let pivot = a[j * n + j];
        // Written so that NaN fails.
        if !(pivot > 0.0 && pivot < f64::INFINITY) {
            return false;
        }
        let inverse = 1.0 / pivot;
        for k in j + 1..n {
            let scale = -a[j * n + k] * inverse;
            for i in k..n {
                a[k * n + i] = multiply_add::<FMA>(scale, a[j * n + i], a[k * n + i]);
            }
        }
        for i in j + 1..n {
            a[j * n + i] *= inverse;
        }
        a[j * n + j] = inverse;
    }
    true
}

/// [`factor`] for n = 2 with both divisions side by side: a backward pass waits for them at every step. The second pivot is
/// `c − b²/a = (a c − b²)/a`.
#[inline(always)]
fn factor_pair<const FMA: bool>(a: &mut [f64]) -> bool {
    let (pivot, below) = (a[0], a[1]);
    let determinant = multiply_add::<FMA>(-below, below, pivot * a[3]);
    // Written so that NaN fails.
    if !(pivot > 0.0 && determinant > 0.0 && pivot <= f64::MAX && determinant <= f64::MAX) {
        return false;
    }
    let inverse = 1.0 / pivot;
    a[3] = pivot / determinant;
    a[1] = below * inverse;
    a[0] = inverse;
    true
}

/// Solves `X A = Y` in place for the factored symmetric A `[n][n]` and Y of n columns with `rows` rows.
#[inline(always)]
pub(super) fn solve_right<const FMA: bool>(n: usize, rows: usize, factored: &[f64], y: &mut [f64]) {
    for j in 0..n {
        let (before, rest) = y.split_at_mut(j * rows);
        let column = &mut rest[..rows];
        for k in 0..j {
            add_scaled::<FMA>(-factored[k * n + j], &before[k * rows..][..rows], column);
        }
    }
    for j in (0..n).rev() {
        let (before, after) = y.split_at_mut((j + 1) * rows);
        let column = &mut before[j * rows..];
        for value in column.iter_mut() {
            *value *= factored[j * n + j];
        }
        for k in j + 1..n {
            add_scaled::<FMA>(-factored[j * n + k], &after[(k - j - 1) * rows..][..rows], column);
        }
    }
}
