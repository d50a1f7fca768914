//! What the arenas of latent models do alike with rows in single precision.

use worldwright_core::{Imagined, ModelSpec, Observation, Result, Rows};
use worldwright_nn::{Graph, Store};

use super::loss::write_singles;

/// A graph over numbers that it leaves as they are.
pub(crate) fn frozen(store: &Store) -> Graph {
    let mut graph = Graph::new(1);
    graph.freeze(store);
    graph
}

/// Makes room for at least so many rows of parts of these widths.
pub(crate) fn reserve<const N: usize>(parts: [(&mut Vec<f32>, usize); N], rows: usize) {
    for (part, width) in parts {
        if part.len() < rows * width {
            part.resize(rows * width, 0.0);
        }
    }
}

/// Copies a row into others, part by part.
pub(crate) fn copy<const N: usize>(parts: [(&mut Vec<f32>, usize); N], from: usize, to: &Rows<'_>) {
    for (part, width) in parts {
        to.iter().for_each(|row| part.copy_within(from * width..(from + 1) * width, row * width));
    }
}

/// Tells what step `i` of a batch earned and whether it goes on; a row whose latent is not whole has diverged, whatever its heads say.
pub(crate) fn tell<'a>(
    out: &mut Imagined,
    i: usize,
    mut latent: impl Iterator<Item = &'a f32>,
    (reward, continues): (f32, f32),
    discount: f64,
) {
    let whole = latent.all(|number| number.is_finite());
    let shown = |number: f32| if whole { f64::from(number) } else { f64::NAN };
    out.reward[i] = shown(reward);
    out.continuation[i] = discount * shown(continues);
    out.epistemic[i] = 0.0;
}

/// Room for what is told of a world, flat and in single precision.
pub(crate) struct Told {
    flat: Vec<f64>,
    observation: Vec<f32>,
    /// A flat action.
    pub(crate) action: Vec<f64>,
}

impl Told {
    /// For a model with this spec.
    pub(crate) fn new(spec: &ModelSpec) -> Self {
        let observation = spec.observation_space.flat_dim();
        Self {
            flat: vec![0.0; observation],
            observation: vec![0.0; observation],
            action: vec![0.0; spec.action_space.flat_dim()],
        }
    }

    /// An observation as networks are told it.
    pub(crate) fn see(&mut self, spec: &ModelSpec, observation: &Observation) -> Result<&[f32]> {
        spec.observation_space.flatten(observation, &mut self.flat)?;
        write_singles(&self.flat, &mut self.observation);
        Ok(&self.observation)
    }
}
