//! Graphs, operations, parameter stores and optimisers: the numeric kernels of Worldwright.
//!
//! Everything is single precision, and shaped for what model-based learning needs: ensembles of small networks side by side, sequences, images.
//!
//! - A [`Store`] holds learned numbers, a [`Graph`] records a computation and is bound to stores to learn or frozen ([`Graph::learn`], [`Graph::freeze`]), so
//!   another batch size or another unrolled length is another graph over the same numbers.
//! - [`Runner`] replays a graph on batches: values, losses, gradients, vector-Jacobian products. [`Adam`] updates a store or chosen parameters of it;
//!   [`Store::follow`] moves a target. [`Trainer`] is the three put together for one store.
//! - [`Predictor`] is a packed snapshot of any graph for inference, by all members, by groups of rows ([`Groups`]) or by one member.
//! - Layers ([`Mlp`], [`Linear`], …) are handles: made once in a store, recorded anywhere. [`EnsembleMlp`] is the network of most models.
//!
//! ```
//! use worldwright_core::Rng;
//! use worldwright_nn::{Adam, AdamConfig, Feed, Graph, Mlp, MlpConfig, Runner, Store};
//!
//! # fn main() -> worldwright_core::Result<()> {
//! let rng = &mut Rng::new(0);
//! let mut store = Store::new(1);
//! let critic = Mlp::new(&mut store, "critic", &MlpConfig { inputs: 3, hidden: vec![32, 32], ..Default::default() }, rng);
//! let mut target = store.twin();
//!
//! // One step of temporal differences: the same layers, learning and as their own slow target.
//! let mut graph = Graph::new(1);
//! let (state, reward, next) = (graph.input(3), graph.input(1), graph.input(3));
//! graph.freeze(&target);
//! let next_value = critic.record(&mut graph, next)?;
//! let discounted = graph.affine(next_value, 0.99, 0.0)?;
//! let goal = graph.add(reward, discounted)?;
//! graph.learn(&store);
//! let value = critic.record(&mut graph, state)?;
//! let error = graph.square_error(value, goal)?;
//! graph.minimise(error, 0.5)?;
//!
//! let mut runner = Runner::new(graph, 64);
//! let mut adam = Adam::new(&store, AdamConfig { learning_rate: 3e-4, max_norm: 10.0, ..Default::default() });
//! let (states, rewards) = (vec![0.1; 64 * 3], vec![1.0; 64]);
//! for _ in 0..10 {
//!     let feeds = [Feed::Shared(&states), Feed::Shared(&rewards), Feed::Shared(&states)];
//!     runner.forward_backward(&[&store, &target], 64, &feeds)?;
//!     adam.step(&mut store, &runner)?;
//!     target.follow(&store, 0.005)?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! After construction neither a training step nor a prediction allocates, and both give the same bytes on any number of threads.

mod activation;
mod adam;
mod block;
mod buffer;
mod cell;
mod context;
mod device;
mod differential;
mod distribution;
mod ensemble;
mod feed;
mod graph;
mod grouped;
mod groups;
mod init;
mod layer;
mod layout;
mod matmul;
mod op;
mod packs;
mod patches;
mod plan;
mod predictor;
mod rowwise;
mod runner;
mod shape;
mod soft_bounds;
mod store;
mod trainer;
mod vector;
mod view;

pub use activation::Activation;
pub use adam::{Adam, AdamConfig};
pub use cell::{Cell, Latent, Starts, Stepped};
pub use differential::{Differential, DifferentialScratch, MeanSlopes};
pub use distribution::{Drawn, KlBalance};
pub use ensemble::{EnsembleConfig, EnsembleMlp};
pub use feed::Feed;
pub use graph::{Graph, Node, Objective};
pub use groups::Groups;
pub use init::Init;
pub use layer::{
    Conv, Embedding, GruCell, Linear, LstmCell, MessagePassing, Mlp, MlpConfig, Norm, NormKind, SelfAttention,
    WeightInit,
};
pub use matmul::matmul;
pub use op::{Bins, ConvShape, OPERATIONS, Quantised, Unary};
pub use predictor::{Predictor, Scratch};
pub use runner::{Pullback, Runner};
pub use shape::{Extent, Shape};
pub use store::{Parameter, Store};
pub use trainer::Trainer;
