//! Convolutions.

use worldwright_core::{Result, Rng};

use super::WeightInit;
use crate::{
    activation::Activation,
    graph::{Graph, Node},
    op::ConvShape,
    store::{Parameter, Store},
};

/// A convolution or its transpose, parameters `NAME.weight` and `NAME.bias`.
#[derive(Debug, Clone, Copy)]
pub struct Conv {
    /// `[kernel² · in][out]`; of a transpose `[in][kernel² · out]`.
    pub weight: Parameter,
    /// `[1][out]`.
    pub bias: Parameter,
    /// Its form.
    pub shape: ConvShape,
    transposed: bool,
}

impl Conv {
    /// Declares the parameters of a convolution from `channels[0]` to `channels[1]` channels.
    pub fn new(
        store: &mut Store,
        name: &str,
        channels: [usize; 2],
        shape: ConvShape,
        init: WeightInit,
        rng: &mut Rng,
    ) -> Self {
        let inputs = shape.kernel * shape.kernel * channels[0];
        let (weight, bias) = init.of(inputs, channels[1]);
        let weight = store.parameter(format!("{name}.weight"), inputs, channels[1], weight, rng);
        let bias = store.parameter(format!("{name}.bias"), 1, channels[1], bias, rng);
        Self { weight, bias, shape, transposed: false }
    }

    /// Declares the parameters of a transposed convolution from `channels[0]` to `channels[1]` channels.
    pub fn transposed(
        store: &mut Store,
        name: &str,
        channels: [usize; 2],
        shape: ConvShape,
        init: WeightInit,
        rng: &mut Rng,
    ) -> Self {
        let taps = shape.kernel * shape.kernel;
        let (weight, bias) = init.of(taps * channels[1], taps * channels[0]);
        let weight = store.parameter(format!("{name}.weight"), channels[0], taps * channels[1], weight, rng);
        let bias = store.parameter(format!("{name}.bias"), 1, channels[1], bias, rng);
        Self { weight, bias, shape, transposed: true }
    }

    /// `activation(convolution + b)`.
    ///
    /// # Errors
    /// As for [`Graph::conv`].
    pub fn record(&self, graph: &mut Graph, x: Node, activation: Activation) -> Result<Node> {
        if self.transposed {
            graph.conv_transpose(x, self.weight, self.bias, self.shape, activation)
        } else {
            graph.conv(x, self.weight, self.bias, self.shape, activation)
        }
    }
}
