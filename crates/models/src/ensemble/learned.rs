//! A fitted ensemble.

use worldwright_nn::{Differential, Predictor};

/// What predictions need.
pub(crate) struct Learned {
    pub(crate) predictor: Predictor,
    /// Of the means, where steps follow nothing else.
    pub(crate) differential: Option<Differential>,
    /// Members used, in the order of their numbers.
    pub(crate) elites: Vec<u32>,
    pub(crate) inputs: usize,
    /// Columns of a prediction.
    pub(crate) outputs: usize,
    pub(crate) targets: usize,
    pub(crate) gaussian: bool,
}
