//! Matrices of a few rows, on the kernels of `numerics`.

use worldwright_core::{Result, Rng};
use worldwright_numerics::{cholesky, dense};

/// `rows × columns` numbers, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matrix {
    pub rows: usize,
    pub columns: usize,
    pub numbers: Vec<f64>,
}

impl Matrix {
    pub(super) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, numbers: vec![0.0; rows * columns] }
    }

    pub(super) fn identity(n: usize) -> Self {
        let mut identity = Self::zeros(n, n);
        (0..n).for_each(|i| identity.numbers[i * n + i] = 1.0);
        identity
    }

    pub(super) fn normal(rows: usize, columns: usize, rng: &mut Rng) -> Self {
        Self { rows, columns, numbers: (0..rows * columns).map(|_| rng.normal()).collect() }
    }

    /// Columns that are orthogonal and of length one, from those of a matrix of at least as many rows (Gram and Schmidt).
    pub(super) fn orthonormal(mut self) -> Self {
        let (rows, columns) = (self.rows, self.columns);
        for j in 0..columns {
            for i in 0..j {
                let shared: f64 =
                    (0..rows).map(|r| self.numbers[r * columns + i] * self.numbers[r * columns + j]).sum();
                (0..rows).for_each(|r| self.numbers[r * columns + j] -= shared * self.numbers[r * columns + i]);
            }
            let length = (0..rows).map(|r| self.numbers[r * columns + j].powi(2)).sum::<f64>().sqrt();
            (0..rows).for_each(|r| self.numbers[r * columns + j] /= length);
        }
        self
    }

    pub(super) fn transposed(&self) -> Self {
        let numbers = (0..self.columns).flat_map(|j| (0..self.rows).map(move |i| (i, j)));
        let numbers = numbers.map(|(i, j)| self.numbers[i * self.columns + j]).collect();
        Self { rows: self.columns, columns: self.rows, numbers }
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let mut product = Self::zeros(self.rows, other.columns);
        let left = dense::Matrix::new(&self.numbers, self.rows, self.columns);
        let right = dense::Matrix::new(&other.numbers, other.rows, other.columns);
        let into = dense::MatrixMut::new(&mut product.numbers, self.rows, other.columns);
        dense::gemm(1.0, left, right, 0.0, into);
        product
    }

    /// `self + scale · other`.
    pub(super) fn plus(mut self, scale: f64, other: &Self) -> Self {
        self.numbers.iter_mut().zip(&other.numbers).for_each(|(number, other)| *number += scale * other);
        self
    }

    pub(super) fn scaled(mut self, scale: f64) -> Self {
        self.numbers.iter_mut().for_each(|number| *number *= scale);
        self
    }

    /// `self · vector` over `out`.
    pub(super) fn apply(&self, vector: &[f64], out: &mut [f64]) {
        let rows = self.numbers.chunks_exact(self.columns);
        out.iter_mut().zip(rows).for_each(|(out, row)| *out = row.iter().zip(vector).map(|(a, b)| a * b).sum());
    }

    /// `vectorᵀ · self · vector`.
    pub(super) fn quadratic(&self, vector: &[f64]) -> f64 {
        let rows = self.numbers.chunks_exact(self.columns).zip(vector);
        rows.map(|(row, number)| number * row.iter().zip(vector).map(|(a, b)| a * b).sum::<f64>()).sum()
    }

    pub(super) fn trace(&self) -> f64 {
        self.numbers.iter().step_by(self.columns + 1).sum()
    }

    /// `self⁻¹ · other` for a symmetric, positive definite matrix.
    ///
    /// # Errors
    /// Where it is not positive definite.
    pub(super) fn solve(&self, other: &Self) -> Result<Self> {
        let mut factor = self.numbers.clone();
        cholesky::factor(&mut factor, self.rows)?;
        let mut columns = other.transposed();
        columns.numbers.chunks_exact_mut(self.rows).for_each(|column| cholesky::solve(&factor, self.rows, column));
        Ok(columns.transposed())
    }
}
