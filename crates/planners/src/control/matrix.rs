//! Small dense kernels on arrays whose sizes the compiler knows: no allocation, loops that it unrolls and vectorises.
//!
//! A matrix is an array of rows. Sums run in one fixed order, so that results repeat.

/// A matrix of `R` rows and `C` columns.
pub(super) type Matrix<const R: usize, const C: usize> = [[f64; C]; R];

/// `out = add + aᵀ b`.
#[inline(always)]
pub(super) fn transposed_product<const K: usize, const R: usize, const C: usize>(
    a: &Matrix<K, R>,
    b: &Matrix<K, C>,
    add: &Matrix<R, C>,
    out: &mut Matrix<R, C>,
) {
    for (i, row) in out.iter_mut().enumerate() {
        let mut sums = add[i];
        for (left, right) in a.iter().zip(b) {
            for (sum, x) in sums.iter_mut().zip(right) {
                *sum += left[i] * x;
            }
        }
        *row = sums;
    }
}

/// `out = a b`.
#[inline(always)]
pub(super) fn product<const R: usize, const K: usize, const C: usize>(
    a: &Matrix<R, K>,
    b: &Matrix<K, C>,
    out: &mut Matrix<R, C>,
) {
    for (left, row) in a.iter().zip(out) {
        let mut sums = [0.0; C];
        for (x, right) in left.iter().zip(b) {
            for (sum, y) in sums.iter_mut().zip(right) {
                *sum += x * y;
            }
        }
        *row = sums;
    }
}

/// `out = add + aᵀ x`.
#[inline(always)]
pub(super) fn transposed_apply<const R: usize, const C: usize>(
    a: &Matrix<R, C>,
    x: &[f64; R],
    add: &[f64; C],
) -> [f64; C] {
    let mut sums = *add;
    for (row, x) in a.iter().zip(x) {
        for (sum, entry) in sums.iter_mut().zip(row) {
            *sum += entry * x;
        }
    }
    sums
}

/// `out = add + a x`.
#[inline(always)]
pub(super) fn apply<const R: usize, const C: usize>(a: &Matrix<R, C>, x: &[f64; C], add: &[f64; R]) -> [f64; R] {
    let mut out = *add;
    for (sum, row) in out.iter_mut().zip(a) {
        *sum += dot(row, x);
    }
    out
}

/// `aᵀ b`.
#[inline(always)]
pub(super) fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Replaces the lower triangle of `a` by its Cholesky factor, the diagonal by the factor's reciprocal; false unless `a` is
/// positive definite. Rows and columns outside `free` are left out.
#[inline(always)]
pub(super) fn cholesky<const N: usize>(a: &mut Matrix<N, N>, free: &[bool; N]) -> bool {
    for i in 0..N {
        if !free[i] {
            continue;
        }
        for j in 0..=i {
            if !free[j] {
                continue;
            }
            let mut sum = a[i][j];
            for k in 0..j {
                if free[k] {
                    sum -= a[i][k] * a[j][k];
                }
            }
            if i != j {
                a[i][j] = sum * a[j][j];
            } else if sum > 0.0 && sum.is_finite() {
                a[i][i] = 1.0 / sum.sqrt();
            } else {
                return false;
            }
        }
    }
    true
}

/// Solves with a factor of [`cholesky`] for all columns of `b` at once; rows outside `free` become zero.
#[inline(always)]
pub(super) fn solve<const N: usize, const C: usize>(l: &Matrix<N, N>, free: &[bool; N], b: &mut Matrix<N, C>) {
    for i in 0..N {
        if !free[i] {
            b[i] = [0.0; C];
            continue;
        }
        let mut row = b[i];
        for k in 0..i {
            if free[k] {
                for (x, y) in row.iter_mut().zip(&b[k]) {
                    *x -= l[i][k] * y;
                }
            }
        }
        row.iter_mut().for_each(|x| *x *= l[i][i]);
        b[i] = row;
    }
    for i in (0..N).rev() {
        if !free[i] {
            continue;
        }
        let mut row = b[i];
        for k in i + 1..N {
            if free[k] {
                for (x, y) in row.iter_mut().zip(&b[k]) {
                    *x -= l[k][i] * y;
                }
            }
        }
        row.iter_mut().for_each(|x| *x *= l[i][i]);
        b[i] = row;
    }
}
