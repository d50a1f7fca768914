//! How weights begin.
//!
//! Truncated normal `σ = 1 / (2 √in)`, cut at 2 σ (Chua et al. 2018, PETS); Kaiming uniform `±√(6 / in)` (He et al. 2015); Xavier uniform
//! `±√(6 / (in + out))` (Glorot and Bengio 2010); `±1 / √in`, PyTorch's default for linear layers and their biases.

use worldwright_core::Rng;

/// A distribution of initial values.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// The same number everywhere.
    Constant(f32),
    /// Normal with standard deviation `1 / (2 √inputs)`, cut at two deviations.
    TruncatedNormal {
        /// Inputs of the layer.
        inputs: usize,
    },
    /// Uniform within `√(6 / inputs)`.
    KaimingUniform {
        /// Inputs of the layer.
        inputs: usize,
    },
    /// Uniform within `√(6 / (inputs + outputs))`.
    XavierUniform {
        /// Inputs of the layer.
        inputs: usize,
        /// Outputs of the layer.
        outputs: usize,
    },
    /// Uniform within `1 / √inputs`.
    LinearDefault {
        /// Inputs of the layer.
        inputs: usize,
    },
}

impl Init {
    /// Fills `out` from the distribution.
    pub fn fill(self, out: &mut [f32], rng: &mut Rng) {
        let uniform = |out: &mut [f32], rng: &mut Rng, bound: f64| {
            for value in out {
                *value = rng.uniform_in(-bound, bound) as f32;
            }
        };
        match self {
            Self::Constant(value) => out.fill(value),
            Self::TruncatedNormal { inputs } => {
                let std = 0.5 / (inputs.max(1) as f64).sqrt();
                for value in out {
                    let normal = loop {
                        let normal = rng.normal();
                        if normal.abs() <= 2.0 {
                            break normal;
                        }
                    };
                    *value = (std * normal) as f32;
                }
            }
            Self::KaimingUniform { inputs } => uniform(out, rng, (6.0 / inputs.max(1) as f64).sqrt()),
            Self::XavierUniform { inputs, outputs } => {
                uniform(out, rng, (6.0 / (inputs + outputs).max(1) as f64).sqrt());
            }
            Self::LinearDefault { inputs } => uniform(out, rng, 1.0 / (inputs.max(1) as f64).sqrt()),
        }
    }
}
