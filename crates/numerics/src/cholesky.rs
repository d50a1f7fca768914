//! Triangular factors of symmetric matrices, `A = l lᵀ`, row-major, l lower triangular with a positive diagonal, and what is solved and
//! updated with them.
//!
//! The factorisation is the blocked right-looking one (Golub and Van Loan, "Matrix Computations", 4th edition, 4.2.6): a diagonal block, the
//! panel below it, then the rest less the panel's outer product, so nearly all the work is products. The rank-one update is section 6.5.4
//! by rotations: `l' l'ᵀ = l lᵀ + β v vᵀ` in n² operations. Kernels for a few rows whose number the compiler knows are in the room control.

use worldwright_core::{Error, Result};

use crate::dense::{Matrix, MatrixMut, dot, gemm};

/// Columns that are factored at once: long enough for products to pay, short enough for the panel to be cheap.
const BLOCK: usize = 48;
/// Width of the stripes in which symmetric results are filled, to skip most of the half above the diagonal.
const STRIPE: usize = 128;

/// Replaces the lower triangle of the symmetric `n × n` matrix `a` by its Cholesky factor `l`, `a = l lᵀ`. What stands above the
/// diagonal is neither read nor meaningful afterwards.
///
/// # Errors
/// [`Error::Diverged`] when `a` is not positive definite.
pub fn factor(a: &mut [f64], n: usize) -> Result<()> {
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
pub fn solve(l: &[f64], n: usize, b: &mut [f64]) {
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

/// Makes `a` the factor of `a aᵀ + β v vᵀ`, β not negative; `v` is used up.
pub fn rank_one(a: &mut [f64], d: usize, beta: f64, v: &mut [f64]) {
    let root = beta.sqrt();
    v.iter_mut().for_each(|x| *x *= root);
    for k in 0..d {
        let diagonal = a[k * d + k];
        let length = diagonal.hypot(v[k]);
        if v[k] == 0.0 {
            continue;
        }
        let (cos, sin) = (diagonal / length, v[k] / length);
        a[k * d + k] = length;
        for i in k + 1..d {
            let (entry, x) = (a[i * d + k], v[i]);
            a[i * d + k] = cos * entry + sin * x;
            v[i] = cos * x - sin * entry;
        }
    }
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
    fn factors_inverses_and_solutions_agree_across_block_sizes() {
        for n in [1, 2, 7, BLOCK - 1, BLOCK, BLOCK + 1, STRIPE + 5, 301] {
            let a = positive_definite(n, n as u64);
            let mut l = a.clone();
            factor(&mut l, n).unwrap();
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
            solve(&l, n, &mut solved);
            for i in 0..n {
                assert!((dot(&a[i * n..(i + 1) * n], &solved) - b[i]).abs() < 1e-10, "n {n}: solution {i}");
                assert!((dot(&inverse[i * n..(i + 1) * n], &b) - solved[i]).abs() < 1e-9, "n {n}: inverse {i}");
            }
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_is_refused() {
        let mut a = vec![1.0, 2.0, 2.0, 1.0];
        assert!(factor(&mut a, 2).unwrap_err().to_string().contains("pivot 1 of 2"));
        assert!(factor(&mut [f64::NAN], 1).is_err());
    }

    #[test]
    fn an_update_by_rank_one_is_the_factor_of_the_sum() {
        let n = 9;
        let a = positive_definite(n, 4);
        let v: Vec<f64> = (0..n).map(|i| (i as f64 * 1.3).cos()).collect();
        let mut l = a.clone();
        factor(&mut l, n).unwrap();
        rank_one(&mut l, n, 0.3, &mut v.clone());
        for i in 0..n {
            for j in 0..=i {
                let product: f64 = (0..=j).map(|k| l[i * n + k] * l[j * n + k]).sum();
                assert!((product - (a[i * n + j] + 0.3 * v[i] * v[j])).abs() < 1e-13, "({i}, {j})");
            }
        }
    }
}
