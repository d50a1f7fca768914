//! Dense linear algebra for analytic models: products and sums of row-major slices.
//!
//! Everything here runs on the calling thread and its results depend on the arguments alone.

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

#[cfg(test)]
mod tests {
    use super::*;
    use worldwright_core::Rng;

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
}
