//! Layers: handles of their parameters and how they are recorded.
//!
//! A layer is made once in a store and recorded in any number of graphs; a graph's binding decides whether its numbers learn there.

mod attention;
mod conv;
mod embedding;
mod linear;
mod mlp;
mod norm;
mod recurrent;

pub use attention::{MessagePassing, SelfAttention};
pub use conv::Conv;
pub use embedding::Embedding;
pub use linear::{Linear, WeightInit};
pub use mlp::{Mlp, MlpConfig};
pub use norm::{Norm, NormKind};
pub use recurrent::{GruCell, LstmCell};
