//! How a file is read.

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FileConfig {
    /// The discount in place of the file's, which may then lack one.
    pub discount: Option<f64>,
    /// The discount where neither is given, which a note then says; none: the file must have one.
    pub usual_discount: Option<f64>,
    /// Bytes that the tables may take.
    pub memory: usize,
}

impl Default for FileConfig {
    fn default() -> Self {
        Self { discount: None, usual_discount: None, memory: 4 << 30 }
    }
}

/// How far the numbers of a file, which are often rounded, may sum from one; they are divided by their sum.
pub(super) const ROUNDED: f64 = 1e-3;
