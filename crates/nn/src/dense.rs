//! Double-precision dense linear algebra for analytic models: products, Cholesky factors and what is solved with them.
//!
//! Matrices are row-major slices. The factorisation is the blocked right-looking one (Golub and Van Loan, Matrix Computations,
//! 4th ed., 4.2.6): a diagonal block, the panel below it, then the rest less the panel's outer product, so nearly all the work is
//! products. Everything here runs on the calling thread and its results depend on the arguments alone.

use worldwright_core::{Error, Result};

/// Columns that are factored at once: long enough for products to pay, short enough for the panel to be cheap.
const BLOCK: usize = 48;
/// Width of the stripes in which symmetric results are filled, to skip most of the half above the diagonal.
const STRIPE: usize = 128;

/// Read access to a matrix whose element `(i, j)` is `data[i * row_stride + j * column_stride]`.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    data: &'a [f64],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `rows` rows of `columns` numbers, one after the other.
    ///
    /// # Panics
    /// When `data` is shorter than that.
    pub fn new(data: &'a [f64], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// As [`new`](Self::new), with rows that begin `stride` numbers apart.
    ///
    /// # Panics
    /// When `data` is shorter than that.
    pub fn strided(data: &'a [f64], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(fits(data.len(), rows, columns, stride), "{rows} x {columns} numbers are not in {}", data.len());
        Self { data, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// The transposed matrix.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// Write access to a row-major matrix.
#[derive(Debug)]
pub struct MatrixMut<'a> {
    data: &'a mut [f64],
    rows: usize,
    columns: usize,
    row_stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// `rows` rows of `columns` numbers, one after the other.
    ///
    /// # Panics
    /// When `data` is shorter than that.
    pub fn new(data: &'a mut [f64], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// As [`new`](Self::new), with rows that begin `stride` numbers apart.
    ///
    /// # Panics
    /// When `data` is shorter than that.
    pub fn strided(data: &'a mut [f64], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(fits(data.len(), rows, columns, stride), "{rows} x {columns} numbers are not in {}", data.len());
        Self { data, rows, columns, row_stride: stride }
    }
}

fn fits(len: usize, rows: usize, columns: usize, stride: usize) -> bool {
    rows == 0 || columns == 0 || (columns <= stride && (rows - 1) * stride + columns <= len)
}

/// `c ← beta c + alpha a b`.
///
/// # Panics
/// When the shapes do not fit together.
pub fn gemm(alpha: f64, a: Matrix<'_>, b: Matrix<'_>, beta: f64, c: MatrixMut<'_>) {
    assert_eq!((a.rows, b.columns, a.columns), (c.rows, c.columns, b.rows), "shapes of a product");
    if c.rows == 0 || c.columns == 0 {
        return;
    }
    // SAFETY: the constructors hold every element of the three matrices within its slice, the shapes agree, and `c` is borrowed
    // exclusively, so it overlaps neither `a` nor `b`.
    unsafe {
        ::gemm::gemm(
            c.rows,
            c.columns,
            a.columns,
            c.data.as_mut_ptr(),
            1,
            c.row_stride as isize,
            beta != 0.0,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            beta,
            alpha,
            false,
            false,
            false,
            ::gemm::Parallelism::None,
        );
    }
}

/// Replaces the lower triangle of the symmetric `n × n` matrix `a` by its Cholesky factor `l`, `a = l lᵀ`. What stands above the
/// diagonal is neither read nor meaningful afterwards.
///
/// # Errors
/// [`Error::Diverged`] when `a` is not positive definite.
pub fn cholesky(a: &mut [f64], n: usize) -> Result<()> {
    let mut panel = vec![0.0; n * BLOCK];
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        let width = end - start;
        for i in start..n {
            // Rows of the diagonal block and of the panel alike: x lᵀ = a, one row after the other.
            for j in start..end.min(i + 1) {
                let (above, row) = a.split_at_mut(i * n);
                let row = &mut row[..n];
                if i == j {
                    let pivot = row[j] - dot(&row[start..j], &row[start..j]);
                    if pivot.is_nan() || pivot <= 0.0 {
                        let why = format!("the matrix is not positive definite: pivot {j} of {n} is {pivot:e}");
                        return Err(Error::Diverged { who: "Cholesky factor".into(), why });
                    }
                    row[j] = pivot.sqrt();
                } else {
                    let other = &above[j * n..j * n + n];
                    row[j] = (row[j] - dot(&row[start..j], &other[start..j])) / other[j];
                }
            }
        }
        for (i, copy) in (end..n).zip(panel.chunks_exact_mut(width)) {
            copy.copy_from_slice(&a[i * n + start..i * n + end]);
        }
        for stripe in (end..n).step_by(STRIPE) {
            let stripe_end = (stripe + STRIPE).min(n);
            let below = Matrix::new(&panel[(stripe - end) * width..], n - stripe, width);
            let across = Matrix::new(&panel[(stripe - end) * width..], stripe_end - stripe, width).transposed();
            let target = MatrixMut::strided(&mut a[stripe * n + stripe..], n - stripe, stripe_end - stripe, n);
            gemm(-1.0, below, across, 1.0, target);
        }
    }
    Ok(())
}

/// `Σ ln l²`, the logarithm of the determinant of `l lᵀ`.
pub fn log_determinant(l: &[f64], n: usize) -> f64 {
    2.0 * (0..n).map(|i| l[i * n + i].ln()).sum::<f64>()
}

/// Solves `l x = b` in place.
pub fn solve_lower(l: &[f64], n: usize, b: &mut [f64]) {
    for i in 0..n {
        let row = &l[i * n..i * n + n];
        b[i] = (b[i] - dot(&row[..i], &b[..i])) / row[i];
    }
}

/// Solves `lᵀ x = b` in place.
pub fn solve_lower_transposed(l: &[f64], n: usize, b: &mut [f64]) {
    for i in (0..n).rev() {
        let row = &l[i * n..i * n + n];
        b[i] /= row[i];
        let known = b[i];
        for (slot, factor) in b[..i].iter_mut().zip(row) {
            *slot -= factor * known;
        }
    }
}

/// Solves `l lᵀ x = b` in place.
pub fn solve_cholesky(l: &[f64], n: usize, b: &mut [f64]) {
    solve_lower(l, n, b);
    solve_lower_transposed(l, n, b);
}

/// Writes the inverse of the lower triangular `l` over all of `out`, with zeros above the diagonal.
pub fn invert_lower(l: &[f64], n: usize, out: &mut [f64]) {
    out[..n * n].fill(0.0);
    let mut product = vec![0.0; n * BLOCK];
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        let width = end - start;
        // The diagonal block, column by column.
        let mut block = [0.0; BLOCK * BLOCK];
        for j in 0..width {
            for i in j..width {
                let row = &l[(start + i) * n + start..][..width];
                let sum: f64 = (j..i).map(|k| row[k] * block[k * width + j]).sum();
                block[i * width + j] = (f64::from(u8::from(i == j)) - sum) / row[i];
            }
        }
        // The rows left of it: −block⁻¹ (l above⁻¹).
        let (above, rows) = out.split_at_mut(start * n);
        if start > 0 {
            let left = Matrix::strided(&l[start * n..], width, start, n);
            let product = &mut product[..width * start];
            gemm(1.0, left, Matrix::strided(above, start, start, n), 0.0, MatrixMut::new(product, width, start));
            let (block, product) = (Matrix::new(&block, width, width), Matrix::new(product, width, start));
            gemm(-1.0, block, product, 0.0, MatrixMut::strided(rows, width, start, n));
        }
        for i in 0..width {
            rows[i * n + start..i * n + end].copy_from_slice(&block[i * width..(i + 1) * width]);
        }
    }
}

/// Writes `xᵀ x` for the lower triangular `x` over all of `out`: with `x = l⁻¹`, the inverse of `l lᵀ`.
pub fn gram_of_lower(x: &[f64], n: usize, out: &mut [f64]) {
    for start in (0..n).step_by(STRIPE) {
        let end = (start + STRIPE).min(n);
        // Rows of `x` above `start` do not reach these columns.
        let left = Matrix::strided(&x[start * n + start..], n - start, end - start, n).transposed();
        let right = Matrix::strided(&x[start * n..], n - start, end, n);
        gemm(1.0, left, right, 0.0, MatrixMut::strided(&mut out[start * n..], end - start, end, n));
    }
    for i in 0..n {
        for j in 0..i {
            out[j * n + i] = out[i * n + j];
        }
    }
}

/// Numbers to which [`squared_norms`] wants its vectors filled up with zeros: a multiple of every machine's vector length.
pub const LANES: usize = 8;

/// `out[i] = |x aᵢ|²` for the lower triangular `n × n` matrix `x` and the rows `aᵢ` of `a`. Rows of both begin `stride` numbers
/// apart, a multiple of [`LANES`] no smaller than `n`, and hold zeros from place `n` on. Allocates nothing.
///
/// # Panics
/// When the shapes do not fit together.
pub fn squared_norms(x: &[f64], n: usize, stride: usize, a: &[f64], out: &mut [f64]) {
    assert!(stride >= n && stride.is_multiple_of(LANES), "rows of {n} numbers must lie a multiple of {LANES} apart");
    assert!(x.len() >= n * stride && a.len() >= out.len() * stride, "rows are missing");
    pulp::Arch::new().dispatch(SquaredNorms { x: &x[..n * stride], stride, a, out });
}

struct SquaredNorms<'a> {
    x: &'a [f64],
    stride: usize,
    a: &'a [f64],
    out: &'a mut [f64],
}

impl pulp::WithSimd for SquaredNorms<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let Self { x, stride, a, out } = self;
        // Four vectors meet two rows of `x` at a time: eight sums and six operands fill the registers of AVX2.
        for (rows, out) in a.chunks(4 * stride).zip(out.chunks_mut(4)) {
            let row = |i: usize| S::as_simd_f64s(&rows[i.min(out.len() - 1) * stride..][..stride]).0;
            let rows = [row(0), row(1), row(2), row(3)];
            let mut norms = [0.0; 4];
            for (pair, x) in x.chunks(2 * stride).enumerate() {
                // Nothing but zeros stands right of the diagonal.
                let reach = (2 * pair + 2).next_multiple_of(LANES).min(stride);
                let first = S::as_simd_f64s(&x[..reach]).0;
                let second = if x.len() > stride { S::as_simd_f64s(&x[stride..][..reach]).0 } else { first };
                let mut sums = [[simd.splat_f64s(0.0); 4]; 2];
                let [r0, r1, r2, r3] = rows.map(|row| &row[..first.len()]);
                for k in 0..first.len() {
                    for (i, row) in [r0, r1, r2, r3].into_iter().enumerate() {
                        sums[0][i] = simd.mul_add_f64s(first[k], row[k], sums[0][i]);
                        sums[1][i] = simd.mul_add_f64s(second[k], row[k], sums[1][i]);
                    }
                }
                for (i, norm) in norms.iter_mut().enumerate() {
                    *norm += simd.reduce_sum_f64s(sums[0][i]).powi(2);
                    if x.len() > stride {
                        *norm += simd.reduce_sum_f64s(sums[1][i]).powi(2);
                    }
                }
            }
            out.copy_from_slice(&norms[..out.len()]);
        }
    }
}

/// Runs `body` with the widest vector instructions that this machine has. What `body` calls must be inlined into it.
#[inline(always)]
pub fn vectorized<T>(body: impl FnOnce() -> T) -> T {
    pulp::Arch::new().dispatch(body)
}

/// Sums in eight lanes, so that the order of additions does not depend on the machine.
#[inline]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + rest
}

/// `eˣ` without branches, so that loops over it become vector instructions; relative error below 3e-16 where the result is a
/// normal number, zero below `x = -708`, `e^709` above 709, NaN for NaN.
///
/// Cody and Waite's reduction (Software Manual for the Elementary Functions, 1980), then the Taylor polynomial of degree 13.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 × 2^52: adding it rounds to a whole number
    let inside = if x > 709.0 { 709.0 } else { x };
    let inside = if inside < -708.0 { -708.0 } else { inside };
    let shifted = inside * std::f64::consts::LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = (inside - n * 6.931_471_803_691_238e-1) - n * 1.908_214_929_270_587_7e-10;
    let mut p = 1.0 / 6_227_020_800.0;
    p = p * r + 1.0 / 479_001_600.0;
    p = p * r + 1.0 / 39_916_800.0;
    p = p * r + 1.0 / 3_628_800.0;
    p = p * r + 1.0 / 362_880.0;
    p = p * r + 1.0 / 40_320.0;
    p = p * r + 1.0 / 5_040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    let value = (p * r) * r + r + 1.0;
    // The low bits of `shifted` hold n; the power of two goes straight into the exponent.
    let power = f64::from_bits((shifted.to_bits().wrapping_add(1023)) << 52);
    if x < -708.0 { 0.0 } else { value * power }
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldwright_core::Rng;

    /// A random matrix `m mᵀ + I / 10`, with condition numbers of a few thousand.
    fn positive_definite(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = Rng::new(seed);
        let m: Vec<f64> = (0..n * n).map(|_| rng.normal() / (n as f64).sqrt()).collect();
        let mut a = vec![0.0; n * n];
        gemm(1.0, Matrix::new(&m, n, n), Matrix::new(&m, n, n).transposed(), 0.0, MatrixMut::new(&mut a, n, n));
        (0..n).for_each(|i| a[i * n + i] += 0.1);
        a
    }

    #[test]
    fn products_agree_with_the_definition() {
        let mut rng = Rng::new(1);
        let a: Vec<f64> = (0..5 * 7).map(|_| rng.normal()).collect();
        let b: Vec<f64> = (0..5 * 3).map(|_| rng.normal()).collect();
        let mut c = vec![1.0; 7 * 3];
        gemm(2.0, Matrix::new(&a, 5, 7).transposed(), Matrix::new(&b, 5, 3), -1.0, MatrixMut::new(&mut c, 7, 3));
        for i in 0..7 {
            for j in 0..3 {
                let want: f64 = 2.0 * (0..5).map(|k| a[k * 7 + i] * b[k * 3 + j]).sum::<f64>() - 1.0;
                assert!((c[i * 3 + j] - want).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn factors_inverses_and_solutions_agree_across_block_sizes() {
        for n in [1, 2, 7, BLOCK - 1, BLOCK, BLOCK + 1, STRIPE + 5, 301] {
            let a = positive_definite(n, n as u64);
            let mut l = a.clone();
            cholesky(&mut l, n).unwrap();
            for i in 0..n {
                for j in 0..=i {
                    let product: f64 = (0..=j).map(|k| l[i * n + k] * l[j * n + k]).sum();
                    assert!((product - a[i * n + j]).abs() < 1e-12, "n {n}: ({i}, {j})");
                }
            }
            let (mut x, mut inverse) = (vec![9.0; n * n], vec![9.0; n * n]);
            invert_lower(&l, n, &mut x);
            gram_of_lower(&x, n, &mut inverse);
            let b: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
            let mut solved = b.clone();
            solve_cholesky(&l, n, &mut solved);
            for i in 0..n {
                assert!((dot(&a[i * n..(i + 1) * n], &solved) - b[i]).abs() < 1e-10, "n {n}: solution {i}");
                assert!((dot(&inverse[i * n..(i + 1) * n], &b) - solved[i]).abs() < 1e-9, "n {n}: inverse {i}");
            }
        }
    }

    #[test]
    fn squared_norms_are_those_of_the_products() {
        for (n, count) in [(1_usize, 1), (5, 3), (8, 4), (29, 9), (64, 6)] {
            let stride = n.next_multiple_of(LANES) + LANES;
            let mut rng = Rng::new(n as u64);
            let (mut x, mut a) = (vec![0.0; n * stride], vec![0.0; count * stride]);
            (0..n).for_each(|i| (0..=i).for_each(|j| x[i * stride + j] = rng.normal()));
            (0..count).for_each(|i| (0..n).for_each(|j| a[i * stride + j] = rng.normal()));
            let mut norms = vec![0.0; count];
            squared_norms(&x, n, stride, &a, &mut norms);
            for (row, norm) in a.chunks_exact(stride).zip(norms) {
                let want: f64 =
                    x.chunks_exact(stride).map(|x| x.iter().zip(row).map(|(x, a)| x * a).sum::<f64>().powi(2)).sum();
                assert!((norm - want).abs() < 1e-12 * (1.0 + want), "n {n}: {norm} not {want}");
            }
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_is_refused() {
        let mut a = vec![1.0, 2.0, 2.0, 1.0];
        assert!(cholesky(&mut a, 2).unwrap_err().to_string().contains("pivot 1 of 2"));
        assert!(cholesky(&mut [f64::NAN], 1).is_err());
    }

    #[test]
    fn the_exponential_is_exact_to_rounding() {
        for i in -70_000..70_000 {
            let x = f64::from(i) * 0.010_1;
            let want = x.exp();
            assert!((exp(x) - want).abs() <= 5e-16 * want, "exp({x}) = {} not {want}", exp(x));
        }
        assert_eq!((exp(-1e9), exp(0.0)), (0.0, 1.0));
        assert!(exp(f64::NAN).is_nan());
    }
}
