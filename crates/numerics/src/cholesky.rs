//! Triangular factors of covariances `C = A Aᵀ`, row-major, A lower triangular with a positive diagonal.
//!
//! Factoring and solving are Golub and Van Loan, "Matrix Computations", 4th edition, algorithms 4.2.1 and 3.1.1; the rank-one update
//! is section 6.5.4 by rotations: `A' A'ᵀ = A Aᵀ + β v vᵀ` in D² operations.

/// Factors a symmetric matrix in place, zeros above the diagonal; false where it is not positive definite.
pub fn factor(matrix: &mut [f64], d: usize) -> bool {
    for j in 0..d {
        for i in j..d {
            let dot: f64 = (0..j).map(|k| matrix[i * d + k] * matrix[j * d + k]).sum();
            let rest = matrix[i * d + j] - dot;
            if i > j {
                matrix[i * d + j] = rest / matrix[j * d + j];
            } else if rest > 0.0 {
                matrix[j * d + j] = rest.sqrt();
            } else {
                return false;
            }
        }
        matrix[j * d + j + 1..(j + 1) * d].fill(0.0);
    }
    true
}

/// Solves `A x = b` in place.
pub fn solve_lower(a: &[f64], d: usize, b: &mut [f64]) {
    for i in 0..d {
        let dot: f64 = a[i * d..i * d + i].iter().zip(b.iter()).map(|(a, x)| a * x).sum();
        b[i] = (b[i] - dot) / a[i * d + i];
    }
}

/// Makes A the factor of `A Aᵀ + β v vᵀ`, β not negative; `v` is used up.
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

    fn square(a: &[f64], d: usize) -> Vec<f64> {
        (0..d * d).map(|at| (0..d).map(|k| a[at / d * d + k] * a[at % d * d + k]).sum()).collect()
    }

    #[test]
    fn factors_multiply_back_and_update_by_rank_one() {
        let matrix = [4.0, 2.0, 0.6, 2.0, 3.0, 0.4, 0.6, 0.4, 1.5];
        let mut a = matrix;
        assert!(factor(&mut a, 3));
        assert!(square(&a, 3).iter().zip(&matrix).all(|(got, want)| (got - want).abs() < 1e-14));
        let v = [0.5, -1.0, 0.25];
        rank_one(&mut a, 3, 0.3, &mut v.clone());
        let want: Vec<f64> = (0..9).map(|at| matrix[at] + 0.3 * v[at / 3] * v[at % 3]).collect();
        assert!(square(&a, 3).iter().zip(&want).all(|(got, want)| (got - want).abs() < 1e-14));
        let mut x = [1.0, 2.0, 3.0];
        solve_lower(&a, 3, &mut x);
        let back: Vec<f64> = (0..3).map(|i| (0..=i).map(|k| a[i * 3 + k] * x[k]).sum()).collect();
        assert!(back.iter().zip([1.0, 2.0, 3.0]).all(|(got, want)| (got - want).abs() < 1e-14));
        assert!(!factor(&mut [1.0, 2.0, 2.0, 1.0], 2));
    }
}
