//! Models with latents of their own: they learn in updates from sequences, and their step is a [`Cell`] that others unroll.

pub(crate) mod heads;
mod learned;
pub(crate) mod loss;
mod model;
pub(crate) mod packed;
pub(crate) mod rows;
pub(crate) mod trunk;
pub(crate) mod windows;

pub(crate) use learned::Learned;
pub(crate) use model::{Kind, Latent, plain_spec};

use worldwright_core::{LearnedModel, Learner};
use worldwright_nn::{Cell, Starts, Store};

/// A model whose step is part of a graph. What plans in it uses its [`Imagination`](worldwright_core::Imagination); a policy that learns in its imagination
/// unrolls [`cell`](Self::cell) with [`store`](Self::store) frozen, from [`starts`](Self::starts), and acts on what
/// [`Imagination::read_latent`](worldwright_core::Imagination::read_latent) gives: the parts of a latent side by side, as
/// [`Latent::feature`](worldwright_nn::Latent::feature) has them on a graph.
///
/// Fitting to a data set is a number of updates from it, so that it serves wherever other models do.
pub trait LatentModel: LearnedModel + Learner {
    /// Its step.
    fn cell(&self) -> &dyn Cell;

    /// What it has learned, which the cell's handles mean.
    fn store(&self) -> &Store;

    /// The latents that it filtered from the batch of its last update: those of all that was seen in it. Empty before the first, and after a
    /// restore until the next.
    fn starts(&self) -> &Starts;
}
