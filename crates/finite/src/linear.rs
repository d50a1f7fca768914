//! Solving `(I − W) x = r` for the value of a policy: Gaussian elimination with partial pivoting, dense, in place.

/// Solves the dense `n × n` system in place: `matrix` row-major is destroyed, `rhs` becomes the solution. False when the matrix
/// is singular to working precision.
pub(super) fn solve(matrix: &mut [f64], rhs: &mut [f64]) -> bool {
    let n = rhs.len();
    for column in 0..n {
        let largest = (column..n)
            .max_by(|a, b| matrix[a * n + column].abs().total_cmp(&matrix[b * n + column].abs()))
            .unwrap_or(column);
        if matrix[largest * n + column].abs() <= 1e-13 {
            return false;
        }
        if largest != column {
            let (above, below) = matrix.split_at_mut(largest * n);
            above[column * n..column * n + n].swap_with_slice(&mut below[..n]);
            rhs.swap(column, largest);
        }
        let (above, below) = matrix.split_at_mut((column + 1) * n);
        let pivot = &above[column * n..];
        for (i, row) in below.chunks_exact_mut(n).enumerate() {
            let factor = row[column] / pivot[column];
            // The rows of a process are mostly empty.
            if factor != 0.0 {
                for (slot, number) in row[column..].iter_mut().zip(&pivot[column..]) {
                    *slot -= factor * number;
                }
                rhs[column + 1 + i] -= factor * rhs[column];
            }
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|column| matrix[row * n + column] * rhs[column]).sum();
        rhs[row] = (rhs[row] - known) / matrix[row * n + row];
    }
    true
}
