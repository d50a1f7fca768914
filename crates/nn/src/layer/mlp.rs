//! Multi-layer perceptrons.

use worldwright_core::{Result, Rng};

use super::{Linear, Norm, NormKind, WeightInit};
use crate::{
    activation::Activation,
    graph::{Graph, Node},
    store::Store,
};

/// What an [`Mlp`] is.
#[derive(Debug, Clone, PartialEq)]
pub struct MlpConfig {
    /// Columns of the input.
    pub inputs: usize,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Columns of the output.
    pub outputs: usize,
    /// What follows each hidden layer.
    pub activation: Activation,
    /// How weights begin.
    pub init: WeightInit,
    /// A normalisation between each hidden layer and its activation.
    pub norm: Option<NormKind>,
}

impl Default for MlpConfig {
    /// Two hidden layers of 256 with SiLU, PyTorch's initial weights, no normalisation.
    fn default() -> Self {
        Self {
            inputs: 1,
            hidden: vec![256, 256],
            outputs: 1,
            activation: Activation::Silu,
            init: WeightInit::LinearDefault,
            norm: None,
        }
    }
}

/// Hidden layers and a linear one after them, parameters `NAME.0.weight`, `NAME.0.bias` …
#[derive(Debug, Clone)]
pub struct Mlp {
    /// The linear layers, first to last.
    pub layers: Vec<Linear>,
    norms: Vec<Norm>,
    activation: Activation,
}

impl Mlp {
    /// Declares the parameters.
    pub fn new(store: &mut Store, name: &str, config: &MlpConfig, rng: &mut Rng) -> Self {
        let (mut layers, mut norms) = (Vec::new(), Vec::new());
        let mut inputs = config.inputs;
        for (layer, width) in config.hidden.iter().copied().chain([config.outputs]).enumerate() {
            let name = format!("{name}.{layer}");
            layers.push(Linear::new(store, &name, inputs, width, config.init, rng));
            if let Some(kind) = config.norm.filter(|_| layer < config.hidden.len()) {
                norms.push(Norm::new(store, &name, kind, width, rng));
            }
            inputs = width;
        }
        Self { layers, norms, activation: config.activation }
    }

    /// Lets the last layer say zero of everything, which is what to begin with where an opinion would be believed.
    ///
    /// # Errors
    /// As for [`Store::set`].
    pub fn silence(&self, store: &mut Store) -> Result<()> {
        let Some(last) = self.layers.last() else { return Ok(()) };
        for parameter in [last.weight, last.bias] {
            let count: usize = store.shape(parameter)?.iter().product();
            store.set(parameter, &vec![0.0; count])?;
        }
        Ok(())
    }

    /// The last layer's values, without activation.
    ///
    /// # Errors
    /// As for [`Graph::linear`].
    pub fn record(&self, graph: &mut Graph, x: Node) -> Result<Node> {
        self.record_masked(graph, x, &[])
    }

    /// The same, with the numbers of each hidden layer multiplied by a mask before they are normalised: dropout. Layers without a mask stay whole.
    ///
    /// # Errors
    /// As for [`Graph::linear`], and where a mask is of another width.
    pub fn record_masked(&self, graph: &mut Graph, x: Node, masks: &[Node]) -> Result<Node> {
        let mut node = x;
        for (index, layer) in self.layers.iter().enumerate() {
            let hidden = index + 1 < self.layers.len();
            let (norm, mask) = (self.norms.get(index), masks.get(index).filter(|_| hidden));
            if !hidden {
                node = layer.record(graph, node, Activation::Identity)?;
            } else if norm.is_none() && mask.is_none() {
                node = layer.record(graph, node, self.activation)?;
            } else {
                node = layer.record(graph, node, Activation::Identity)?;
                if let Some(mask) = mask {
                    node = graph.mul(node, *mask)?;
                }
                node = match norm {
                    Some(norm) => norm.record(graph, node, self.activation)?,
                    None => graph.activation(node, self.activation)?,
                };
            }
        }
        Ok(node)
    }
}
