//! Tensors, a reverse-mode tape, fused layers and optimisers: the numeric kernels of Worldwright.
//!
//! Everything is single precision and shaped for ensembles of small networks: members side by side, rows independent of each other.
//!
//! - [`EnsembleMlp`]: the network of most models: `new`, `step` on batches, `evaluate` for a holdout, `predictor` for planning, `save`/`restore`.
//! - [`Predictor`]: a packed snapshot for inference, by all members, by groups of rows ([`Groups`]) or by one member.
//! - [`Tape`] records any other network once (linear layers, activations, layer normalisation, arithmetic, losses with masks); [`Trainer`] trains it;
//!   [`Runner`] gives values, gradients, vector-Jacobian products and Jacobians of a batch.
//! - [`Parameters`], [`Adam`], [`Init`], [`Activation`]: the parts.
//!
//! ```
//! use worldwright_core::{Persist, Rng};
//! use worldwright_nn::{EnsembleConfig, EnsembleMlp, Feed};
//!
//! # fn main() -> worldwright_core::Result<()> {
//! let config = EnsembleConfig { members: 3, inputs: 2, targets: 1, hidden: vec![32, 32], ..Default::default() };
//! let mut ensemble = EnsembleMlp::new(config, 64, &mut Rng::new(0))?;
//! let x: Vec<f32> = (0..128).map(|i| (i as f32 * 0.7).sin()).collect();
//! let y: Vec<f32> = x.chunks(2).map(|row| row[0] * row[1]).collect();
//! let index: Vec<u32> = (0..3 * 64).map(|i| (i * 37 % 64) as u32).collect();
//! for _ in 0..10 {
//!     let feeds = [Feed::Gather { table: &x, index: &index }, Feed::Gather { table: &y, index: &index }];
//!     let _loss = ensemble.step(64, &feeds)?;
//! }
//! let predictor = ensemble.predictor();
//! let mut scratch = predictor.scratch();
//! let mut out = vec![0.0; 2];
//! predictor.predict_member(0, &[0.1, 0.2], &mut out, &mut scratch)?;
//! let (_mean, _log_variance) = (out[0], out[1]);
//! # Ok(())
//! # }
//! ```
//!
//! After construction neither a training step nor a prediction allocates, and both give the same bytes on any number of threads.

mod activation;
mod adam;
mod block;
mod buffer;
mod init;
mod matmul;
mod mlp;
mod parameters;
mod plan;
mod predictor;
mod rowwise;
mod runner;
mod soft_bounds;
mod tape;
mod trainer;
mod vector;

pub use activation::Activation;
pub use adam::{Adam, AdamConfig};
pub use init::Init;
pub use matmul::matmul;
pub use mlp::{EnsembleConfig, EnsembleMlp, Mlp, WeightInit};
pub use parameters::{Parameter, Parameters};
pub use predictor::{Groups, Predictor, Scratch};
pub use runner::{Feed, Pullback, Runner};
pub use tape::{Node, Tape};
pub use trainer::Trainer;
