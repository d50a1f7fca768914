//! Normalisation layers.

use worldwright_core::{Result, Rng};

use crate::{
    activation::Activation,
    graph::{Graph, Node},
    init::Init,
    store::{Parameter, Store},
};

/// Which normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NormKind {
    /// Mean and variance of each row, with gain and shift.
    Layer,
    /// The root of each row's mean square, with gain.
    Rms,
}

/// A normalisation over columns, parameters `NAME.gain` and, for layers', `NAME.shift` `[1][cols]`.
#[derive(Debug, Clone, Copy)]
pub struct Norm {
    gain: Parameter,
    shift: Option<Parameter>,
    epsilon: f32,
}

impl Norm {
    /// Declares the parameters.
    pub fn new(store: &mut Store, name: &str, kind: NormKind, cols: usize, rng: &mut Rng) -> Self {
        let gain = store.parameter(format!("{name}.gain"), 1, cols, Init::Constant(1.0), rng);
        match kind {
            NormKind::Layer => {
                let shift = store.parameter(format!("{name}.shift"), 1, cols, Init::Constant(0.0), rng);
                Self { gain, shift: Some(shift), epsilon: 1e-5 }
            }
            NormKind::Rms => Self { gain, shift: None, epsilon: 1e-6 },
        }
    }

    /// The normalised rows, after `activation`.
    ///
    /// # Errors
    /// As for [`Graph::linear`].
    pub fn record(&self, graph: &mut Graph, x: Node, activation: Activation) -> Result<Node> {
        match self.shift {
            Some(shift) => graph.layer_norm(x, self.gain, shift, self.epsilon, activation),
            None => graph.rms_norm(x, self.gain, self.epsilon, activation),
        }
    }
}
