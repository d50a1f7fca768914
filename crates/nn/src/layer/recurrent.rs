//! Recurrent cells: one step of a sequence.

use worldwright_core::{Result, Rng};

use super::{Linear, WeightInit};
use crate::{
    activation::Activation,
    graph::{Graph, Node},
    store::Store,
};

/// A gated recurrent unit in PyTorch's form, parameters `NAME.input.*` `[in][3 H]` and `NAME.hidden.*` `[H][3 H]`.
#[derive(Debug, Clone, Copy)]
pub struct GruCell {
    /// What the input gives to the gates.
    pub input: Linear,
    /// What the state gives to the gates.
    pub hidden: Linear,
}

impl GruCell {
    /// Declares the parameters.
    pub fn new(store: &mut Store, name: &str, inputs: usize, size: usize, init: WeightInit, rng: &mut Rng) -> Self {
        Self {
            input: Linear::new(store, &format!("{name}.input"), inputs, 3 * size, init, rng),
            hidden: Linear::new(store, &format!("{name}.hidden"), size, 3 * size, init, rng),
        }
    }

    /// The next state.
    ///
    /// # Errors
    /// As for [`Graph::linear`].
    pub fn record(&self, graph: &mut Graph, x: Node, h: Node) -> Result<Node> {
        let x = self.input.record(graph, x, Activation::Identity)?;
        let gates = self.hidden.record(graph, h, Activation::Identity)?;
        graph.gru(x, gates, h)
    }
}

/// A long short-term memory in PyTorch's form, parameters `NAME.input.*` `[in][4 H]` and `NAME.hidden.*` `[H][4 H]`.
#[derive(Debug, Clone, Copy)]
pub struct LstmCell {
    /// What the input gives to the gates.
    pub input: Linear,
    /// What the state gives to the gates.
    pub hidden: Linear,
    size: usize,
}

impl LstmCell {
    /// Declares the parameters.
    pub fn new(store: &mut Store, name: &str, inputs: usize, size: usize, init: WeightInit, rng: &mut Rng) -> Self {
        Self {
            input: Linear::new(store, &format!("{name}.input"), inputs, 4 * size, init, rng),
            hidden: Linear::new(store, &format!("{name}.hidden"), size, 4 * size, init, rng),
            size,
        }
    }

    /// The next state and cell.
    ///
    /// # Errors
    /// As for [`Graph::linear`].
    pub fn record(&self, graph: &mut Graph, x: Node, (h, c): (Node, Node)) -> Result<(Node, Node)> {
        let x = self.input.record(graph, x, Activation::Identity)?;
        let hidden = self.hidden.record(graph, h, Activation::Identity)?;
        let gates = graph.add(x, hidden)?;
        let both = graph.lstm(gates, c)?;
        Ok((graph.slice(both, 0, self.size)?, graph.slice(both, self.size, self.size)?))
    }
}
