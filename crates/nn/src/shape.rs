//! How large a node is for one sample of a batch, and what an operation may mix.

/// Rows and columns that a node holds for each sample: one row for a transition, T for a sequence, height times width for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Rows a sample.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
}

impl Shape {
    /// `rows` rows of `cols` columns a sample.
    pub fn new(rows: usize, cols: usize) -> Self {
        Self { rows, cols }
    }

    /// Numbers a sample.
    pub fn numbers(self) -> usize {
        self.rows * self.cols
    }
}

/// Which numbers of a batch an operation brings together, which decides how a batch may be cut for parallel work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Each row by itself.
    Row,
    /// The rows of one sample: attention, messages, returns over time.
    Group,
    /// All samples: a batch with such an operation is never cut.
    Batch,
}
