//! Small dense matrices, row-major, for oracles: clarity before speed.

/// A matrix of `rows` × `columns` numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    data: Vec<f64>,
}

impl Matrix {
    /// From rows of equal length.
    ///
    /// # Panics
    /// When the rows differ in length.
    pub fn from_rows(rows: &[&[f64]]) -> Self {
        let columns = rows.first().map_or(0, |row| row.len());
        assert!(rows.iter().all(|row| row.len() == columns), "rows of a matrix are equally long");
        Self { rows: rows.len(), columns, data: rows.concat() }
    }

    /// Zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, data: vec![0.0; rows * columns] }
    }

    /// `scale` times the identity.
    pub fn diagonal(n: usize, scale: f64) -> Self {
        let mut matrix = Self::zeros(n, n);
        for i in 0..n {
            matrix.data[i * n + i] = scale;
        }
        matrix
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One number.
    pub fn get(&self, row: usize, column: usize) -> f64 {
        self.data[row * self.columns + column]
    }

    /// Writes one number.
    pub fn set(&mut self, row: usize, column: usize, value: f64) {
        self.data[row * self.columns + column] = value;
    }

    /// `self · other`.
    ///
    /// # Panics
    /// When the shapes do not fit (likewise below).
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        assert_eq!(self.columns, other.rows, "columns of the left are rows of the right");
        let mut product = Self::zeros(self.rows, other.columns);
        for i in 0..self.rows {
            for j in 0..other.columns {
                product.set(i, j, (0..self.columns).map(|k| self.get(i, k) * other.get(k, j)).sum());
            }
        }
        product
    }

    /// `self · vector`.
    #[must_use]
    pub fn apply(&self, vector: &[f64]) -> Vec<f64> {
        assert_eq!(self.columns, vector.len(), "a vector as long as a row");
        self.data.chunks_exact(self.columns).map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
    }

    /// `vectorᵀ · self · vector`.
    #[must_use]
    pub fn quadratic(&self, vector: &[f64]) -> f64 {
        self.apply(vector).iter().zip(vector).map(|(a, b)| a * b).sum()
    }

    /// The transpose.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let mut transposed = Self::zeros(self.columns, self.rows);
        for i in 0..self.rows {
            for j in 0..self.columns {
                transposed.set(j, i, self.get(i, j));
            }
        }
        transposed
    }

    /// `self + scale · other`.
    #[must_use]
    pub fn plus(&self, scale: f64, other: &Self) -> Self {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns), "equal shapes");
        let data = self.data.iter().zip(&other.data).map(|(a, b)| a + scale * b).collect();
        Self { data, ..*self }
    }

    /// `self⁻¹ · other`, by elimination with pivoting.
    ///
    /// # Panics
    /// When `self` is singular or the shapes do not fit.
    #[must_use]
    pub fn solve(&self, other: &Self) -> Self {
        let n = self.rows;
        assert!(self.columns == n && other.rows == n, "a square matrix and as many rows on the right");
        let (mut left, mut right) = (self.clone(), other.clone());
        for pivot in 0..n {
            let best = (pivot..n).max_by(|a, b| left.get(*a, pivot).abs().total_cmp(&left.get(*b, pivot).abs()));
            let best = best.expect("a pivot row");
            assert!(left.get(best, pivot) != 0.0, "the matrix is singular");
            for matrix in [&mut left, &mut right] {
                for j in 0..matrix.columns {
                    let (a, b) = (matrix.get(pivot, j), matrix.get(best, j));
                    matrix.set(pivot, j, b);
                    matrix.set(best, j, a);
                }
            }
            for i in (0..n).filter(|i| *i != pivot) {
                let factor = left.get(i, pivot) / left.get(pivot, pivot);
                for matrix in [&mut left, &mut right] {
                    for j in 0..matrix.columns {
                        matrix.set(i, j, matrix.get(i, j) - factor * matrix.get(pivot, j));
                    }
                }
            }
        }
        for i in 0..n {
            for j in 0..right.columns {
                right.set(i, j, right.get(i, j) / left.get(i, i));
            }
        }
        right
    }

    /// The largest absolute number.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.data.iter().fold(0.0, |largest, number| number.abs().max(largest))
    }
}
