//! Linear layers.

use worldwright_core::{Result, Rng};

use crate::{
    activation::Activation,
    graph::{Graph, Node},
    init::Init,
    store::{Parameter, Store},
};

/// How the weights of linear layers begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WeightInit {
    /// Truncated normal with deviation `1 / (2 √in)`, biases zero: PETS.
    #[default]
    TruncatedNormal,
    /// Kaiming uniform, biases zero.
    KaimingUniform,
    /// Xavier uniform, biases zero.
    XavierUniform,
    /// Uniform within `1 / √in`, biases too: PyTorch's default.
    LinearDefault,
    /// Zero: heads that begin without an opinion.
    Zero,
}

impl WeightInit {
    /// The distributions of weights and biases of a layer.
    pub(crate) fn of(self, inputs: usize, outputs: usize) -> (Init, Init) {
        match self {
            Self::TruncatedNormal => (Init::TruncatedNormal { inputs }, Init::Constant(0.0)),
            Self::KaimingUniform => (Init::KaimingUniform { inputs }, Init::Constant(0.0)),
            Self::XavierUniform => (Init::XavierUniform { inputs, outputs }, Init::Constant(0.0)),
            Self::LinearDefault => (Init::LinearDefault { inputs }, Init::LinearDefault { inputs }),
            Self::Zero => (Init::Constant(0.0), Init::Constant(0.0)),
        }
    }
}

/// `x W + b`, parameters `NAME.weight` `[in][out]` and `NAME.bias` `[1][out]`.
#[derive(Debug, Clone, Copy)]
pub struct Linear {
    /// The weight.
    pub weight: Parameter,
    /// The bias.
    pub bias: Parameter,
}

impl Linear {
    /// Declares the parameters.
    pub fn new(store: &mut Store, name: &str, inputs: usize, outputs: usize, init: WeightInit, rng: &mut Rng) -> Self {
        let (weight, bias) = init.of(inputs, outputs);
        let weight = store.parameter(format!("{name}.weight"), inputs, outputs, weight, rng);
        Self { weight, bias: store.parameter(format!("{name}.bias"), 1, outputs, bias, rng) }
    }

    /// `activation(x W + b)`.
    ///
    /// # Errors
    /// As for [`Graph::linear`]; so do all layers.
    pub fn record(&self, graph: &mut Graph, x: Node, activation: Activation) -> Result<Node> {
        graph.linear(x, self.weight, Some(self.bias), activation)
    }
}
