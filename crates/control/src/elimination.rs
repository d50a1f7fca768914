//! Systems of linear equations with any square matrix, by elimination with row exchanges (Golub and Van Loan, "Matrix Computations",
//! 2013, section 3.4). Matrices stand column after column.

/// Solves `A X = Y` in place of Y, `[columns][n]`, and destroys A. False when A is singular or not finite.
pub(crate) fn solve(n: usize, a: &mut [f64], y: &mut [f64]) -> bool {
    for j in 0..n {
        let mut pivot = j;
        for i in j + 1..n {
            if a[j * n + i].abs() > a[j * n + pivot].abs() {
                pivot = i;
            }
        }
        let size = a[j * n + pivot].abs();
        // Written so that NaN fails.
        if !(size > 0.0 && size < f64::INFINITY) {
            return false;
        }
        if pivot != j {
            a.chunks_exact_mut(n).for_each(|column| column.swap(j, pivot));
            y.chunks_exact_mut(n).for_each(|column| column.swap(j, pivot));
        }
        let (left, right) = a.split_at_mut((j + 1) * n);
        let factors = &mut left[j * n..];
        let inverse = 1.0 / factors[j];
        factors[j + 1..].iter_mut().for_each(|factor| *factor *= inverse);
        for column in right.chunks_exact_mut(n).chain(y.chunks_exact_mut(n)) {
            let scale = column[j];
            for i in j + 1..n {
                column[i] -= scale * factors[i];
            }
        }
    }
    for column in y.chunks_exact_mut(n) {
        for j in (0..n).rev() {
            column[j] /= a[j * n + j];
            let scale = column[j];
            for i in 0..j {
                column[i] -= scale * a[j * n + i];
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::solve;

    #[test]
    fn it_exchanges_rows_and_sees_singular_matrices() {
        // Columns (0, 2, 1), (1, 0, 1), (3, 1, 0): x = (1, 2, 3) gives (11, 5, 3).
        let mut a = [0.0, 2.0, 1.0, 1.0, 0.0, 1.0, 3.0, 1.0, 0.0];
        let mut y = [11.0, 5.0, 3.0];
        assert!(solve(3, &mut a, &mut y));
        assert!(y.iter().zip([1.0, 2.0, 3.0]).all(|(got, want)| (got - want).abs() < 1e-14), "{y:?}");
        assert!(!solve(2, &mut [1.0, 2.0, 2.0, 4.0], &mut [1.0, 1.0]));
        assert!(!solve(1, &mut [f64::NAN], &mut [1.0]));
    }
}
