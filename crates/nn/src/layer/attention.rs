//! Attention and messages: layers that mix the rows of a sample.

use worldwright_core::{Error, Result, Rng};

use super::{Linear, Mlp, MlpConfig, WeightInit};
use crate::{
    activation::Activation,
    graph::{Graph, Node},
    store::Store,
};

/// Attention of the rows of a sample to each other, parameters `NAME.query.*`, `NAME.key.*`, `NAME.value.*` and `NAME.out.*`, each `[cols][cols]`.
#[derive(Debug, Clone, Copy)]
pub struct SelfAttention {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    heads: usize,
}

impl SelfAttention {
    /// Declares the parameters.
    pub fn new(store: &mut Store, name: &str, cols: usize, heads: usize, init: WeightInit, rng: &mut Rng) -> Self {
        let mut layer = |part: &str| Linear::new(store, &format!("{name}.{part}"), cols, cols, init, rng);
        Self { query: layer("query"), key: layer("key"), value: layer("value"), out: layer("out"), heads }
    }

    /// What each row gathers; with `causal` from itself and the rows before it.
    ///
    /// # Errors
    /// As for [`Graph::attention`].
    pub fn record(&self, graph: &mut Graph, x: Node, causal: bool) -> Result<Node> {
        let q = self.query.record(graph, x, Activation::Identity)?;
        let k = self.key.record(graph, x, Activation::Identity)?;
        let v = self.value.record(graph, x, Activation::Identity)?;
        let mixed = graph.attention(q, k, v, self.heads, causal)?;
        self.out.record(graph, mixed, Activation::Identity)
    }
}

/// Message passing over a declared graph (Battaglia et al., "Interaction Networks", 2016): the rows of a sample are its nodes; along each edge goes a message
/// computed from both ends, and each node's new row is computed from its own and the sum of what arrives. Parameters `NAME.message.*` and `NAME.update.*`.
#[derive(Debug, Clone)]
pub struct MessagePassing {
    edges: Vec<[usize; 2]>,
    message: Mlp,
    update: Mlp,
}

impl MessagePassing {
    /// Declares the parameters; `edges` hold the rows from and to which messages go. Both perceptrons have the hidden layers, activation, weights and
    /// normalisation of `config`; its `inputs` are the columns of the rows, its `outputs` those of messages and results.
    pub fn new(store: &mut Store, name: &str, edges: &[[usize; 2]], config: &MlpConfig, rng: &mut Rng) -> Self {
        let message = MlpConfig { inputs: 2 * config.inputs, ..config.clone() };
        let update = MlpConfig { inputs: config.inputs + config.outputs, ..config.clone() };
        Self {
            edges: edges.to_vec(),
            message: Mlp::new(store, &format!("{name}.message"), &message, rng),
            update: Mlp::new(store, &format!("{name}.update"), &update, rng),
        }
    }

    /// One round of messages.
    ///
    /// # Errors
    /// [`Error::Shape`] when an edge names a row that `x` does not have.
    pub fn record(&self, graph: &mut Graph, x: Node) -> Result<Node> {
        let rows = graph.shape(x).rows;
        if let Some(edge) = self.edges.iter().find(|edge| edge.iter().any(|end| *end >= rows)) {
            return Err(Error::shape("ends of an edge", &[rows], edge));
        }
        let [from, to] = [0, 1].map(|end| self.edges.iter().map(|edge| edge[end]).collect::<Vec<usize>>());
        let (senders, receivers) = (graph.gather(x, &from)?, graph.gather(x, &to)?);
        let both = graph.concat(&[senders, receivers])?;
        let messages = self.message.record(graph, both)?;
        let arrived = graph.scatter_sum(messages, &to, rows)?;
        let whole = graph.concat(&[x, arrived])?;
        self.update.record(graph, whole)
    }
}
