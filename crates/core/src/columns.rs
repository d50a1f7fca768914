//! Batches of f64 vectors, stored column by column: column `d` holds dimension `d` of every row.
//!
//! Columns let a simulator run a whole batch with vector instructions, and let a planner lay out its candidates as
//! `[step][action dimension][candidate]` without a transposition.

use std::ops::Range;

use crate::{Error, Result};

/// Read access to `dims` columns of `rows` numbers each.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    data: &'a [f64],
    /// Numbers from one column to the next, at least `rows`.
    stride: usize,
    rows: usize,
    dims: usize,
}

impl<'a> Columns<'a> {
    /// Column-major `data` of length `dims * rows`.
    ///
    /// # Errors
    /// [`Error::Shape`] when the length does not match.
    pub fn new(data: &'a [f64], dims: usize, rows: usize) -> Result<Self> {
        if data.len() != dims * rows {
            return Err(Error::shape("columns", &[dims, rows], &[data.len()]));
        }
        Ok(Self { data, stride: rows, rows, dims })
    }

    /// Some consecutive rows of these, seen where they stand.
    ///
    /// # Panics
    /// When a row is not below [`rows`](Self::rows).
    #[inline]
    pub fn span(&self, rows: Range<usize>) -> Columns<'a> {
        assert!(rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        let data = if self.dims == 0 { self.data } else { &self.data[rows.start..] };
        Columns { data, stride: self.stride, rows: rows.len(), dims: self.dims }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns, that is, dimensions of a row.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Column `dim`: that dimension of every row.
    ///
    /// # Panics
    /// When `dim` is not below [`dims`](Self::dims).
    #[inline]
    pub fn column(&self, dim: usize) -> &'a [f64] {
        &self.data[dim * self.stride..][..self.rows]
    }

    /// One number.
    #[inline]
    pub fn get(&self, row: usize, dim: usize) -> f64 {
        self.data[dim * self.stride + row]
    }

    /// Copies row `row` into `out`, whose length is [`dims`](Self::dims).
    pub fn copy_row(&self, row: usize, out: &mut [f64]) {
        for (dim, slot) in out.iter_mut().enumerate() {
            *slot = self.get(row, dim);
        }
    }

    /// All numbers, column after column.
    ///
    /// # Panics
    /// For a [`span`](Self::span) of other columns: its own do not follow each other.
    pub fn as_slice(&self) -> &'a [f64] {
        assert_eq!(self.stride, self.rows, "a span of columns is not one slice");
        self.data
    }
}

/// Write access to columns.
#[derive(Debug)]
pub struct ColumnsMut<'a> {
    data: &'a mut [f64],
    rows: usize,
    dims: usize,
}

impl<'a> ColumnsMut<'a> {
    /// Column-major `data` of length `dims * rows`.
    ///
    /// # Errors
    /// [`Error::Shape`] when the length does not match.
    pub fn new(data: &'a mut [f64], dims: usize, rows: usize) -> Result<Self> {
        if data.len() != dims * rows {
            return Err(Error::shape("columns", &[dims, rows], &[data.len()]));
        }
        Ok(Self { data, rows, dims })
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Column `dim`, to write.
    #[inline]
    pub fn column_mut(&mut self, dim: usize) -> &mut [f64] {
        &mut self.data[dim * self.rows..(dim + 1) * self.rows]
    }

    /// Writes one number.
    #[inline]
    pub fn set(&mut self, row: usize, dim: usize, value: f64) {
        self.data[dim * self.rows + row] = value;
    }

    /// Writes a whole row.
    pub fn set_row(&mut self, row: usize, values: &[f64]) {
        for (dim, value) in values.iter().enumerate() {
            self.set(row, dim, *value);
        }
    }

    /// All columns at once, each to write: for kernels that fill several dimensions in one pass.
    pub fn columns_mut(&mut self) -> std::slice::ChunksExactMut<'_, f64> {
        self.data.chunks_exact_mut(self.rows.max(1))
    }

    /// The same columns, to read.
    pub fn as_columns(&self) -> Columns<'_> {
        Columns { data: self.data, stride: self.rows, rows: self.rows, dims: self.dims }
    }
}

/// Owned columns, allocated once for up to `capacity` rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    data: Vec<f64>,
    rows: usize,
    dims: usize,
}

impl Batch {
    /// Zeros, `dims` columns of `rows` numbers.
    pub fn zeros(dims: usize, rows: usize) -> Self {
        Self { data: vec![0.0; dims * rows], rows, dims }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Changes the number of rows, keeping the capacity; what the rows then hold is unspecified.
    pub fn set_rows(&mut self, rows: usize) {
        self.rows = rows;
        self.data.resize(self.dims * rows, 0.0);
    }

    /// Read access.
    pub fn columns(&self) -> Columns<'_> {
        Columns { data: &self.data, stride: self.rows, rows: self.rows, dims: self.dims }
    }

    /// Write access.
    pub fn columns_mut(&mut self) -> ColumnsMut<'_> {
        ColumnsMut { data: &mut self.data, rows: self.rows, dims: self.dims }
    }
}

/// Which rows of an [`Imagination`](crate::Imagination)'s arena: a span, or a list in any order with repetitions.
#[derive(Debug, Clone)]
pub enum Rows<'a> {
    /// Consecutive rows.
    Span(Range<usize>),
    /// Rows by number.
    List(&'a [u32]),
}

impl<'a> Rows<'a> {
    /// How many rows are named.
    pub fn len(&self) -> usize {
        match self {
            Self::Span(span) => span.len(),
            Self::List(list) => list.len(),
        }
    }

    /// Whether no row is named.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `i`-th named row.
    #[inline]
    pub fn at(&self, i: usize) -> usize {
        match self {
            Self::Span(span) => span.start + i,
            Self::List(list) => list[i] as usize,
        }
    }

    /// The named rows in order.
    pub fn iter(&self) -> RowIter<'_, 'a> {
        RowIter { rows: self, next: 0 }
    }

    /// The largest row number named, plus one: what an arena must hold. Zero when empty.
    pub fn end(&self) -> usize {
        match self {
            Self::Span(span) if span.is_empty() => 0,
            Self::Span(span) => span.end,
            Self::List(list) => list.iter().max().map_or(0, |row| *row as usize + 1),
        }
    }
}

/// Iterates over the rows that a [`Rows`] names.
#[derive(Debug)]
pub struct RowIter<'r, 'a> {
    rows: &'r Rows<'a>,
    next: usize,
}

impl Iterator for RowIter<'_, '_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        (self.next < self.rows.len()).then(|| {
            self.next += 1;
            self.rows.at(self.next - 1)
        })
    }
}
