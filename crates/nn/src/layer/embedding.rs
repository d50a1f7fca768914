//! Embeddings.

use worldwright_core::{Result, Rng};

use crate::{
    graph::{Graph, Node},
    init::Init,
    store::{Parameter, Store},
};

/// A table of vectors, parameter `NAME.table` `[entries][size]`.
#[derive(Debug, Clone, Copy)]
pub struct Embedding {
    /// The table.
    pub table: Parameter,
}

impl Embedding {
    /// Declares the table; its numbers begin uniform within `1 / √size`.
    pub fn new(store: &mut Store, name: &str, entries: usize, size: usize, rng: &mut Rng) -> Self {
        let init = Init::LinearDefault { inputs: size };
        Self { table: store.parameter(format!("{name}.table"), entries, size, init, rng) }
    }

    /// The vectors that whole numbers stand for, side by side.
    ///
    /// # Errors
    /// As for [`Graph::embedding`].
    pub fn record(&self, graph: &mut Graph, index: Node) -> Result<Node> {
        graph.embedding(index, self.table)
    }
}
