//! The layers that latent models are made of.

use worldwright_core::{Result, Rng};
use worldwright_nn::{Activation, Graph, Linear, Node, Norm, NormKind, Store, WeightInit};

/// A linear layer with RMS norm and SiLU behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hidden {
    linear: Linear,
    norm: Norm,
}

impl Hidden {
    /// Declares the parameters.
    pub(crate) fn new(store: &mut Store, name: &str, inputs: usize, outputs: usize, rng: &mut Rng) -> Self {
        let linear = Linear::new(store, name, inputs, outputs, WeightInit::LinearDefault, rng);
        Self { linear, norm: Norm::new(store, name, NormKind::Rms, outputs, rng) }
    }

    /// Records it for any number of rows.
    pub(crate) fn record(&self, graph: &mut Graph, x: Node) -> Result<Node> {
        let x = self.linear.record(graph, x, Activation::Identity)?;
        self.norm.record(graph, x, Activation::Silu)
    }
}

/// A hidden layer and a linear one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    hidden: Hidden,
    out: Linear,
}

impl Head {
    /// Declares the parameters.
    pub(crate) fn new(
        store: &mut Store,
        name: &str,
        [inputs, hidden, outputs]: [usize; 3],
        init: WeightInit,
        rng: &mut Rng,
    ) -> Self {
        let out = format!("{name}.out");
        let hidden = (Hidden::new(store, name, inputs, hidden, rng), hidden);
        Self { hidden: hidden.0, out: Linear::new(store, &out, hidden.1, outputs, init, rng) }
    }

    /// Records it for any number of rows.
    pub(crate) fn record(&self, graph: &mut Graph, x: Node) -> Result<Node> {
        let x = self.hidden.record(graph, x)?;
        self.out.record(graph, x, Activation::Identity)
    }
}
