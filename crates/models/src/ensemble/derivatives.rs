//! Derivatives of an ensemble that follows the mean of its elites' means: the mean of theirs.

use worldwright_nn::MeanSlopes;

use super::learned::Learned;
use super::propagation::{Derivatives, Workspace};
use crate::transition::{Question, Slopes};

/// Fills `out` for a block.
pub(super) fn slopes(learned: &Learned, question: &Question<'_>, workspace: &mut Workspace, out: &mut Slopes<'_>) {
    let Some(differential) = &learned.differential else { return };
    let (inputs, Derivatives { weights, scratch }) = workspace.load(question);
    let scratch = scratch.get_or_insert_with(|| differential.scratch());
    weights.clear();
    weights.extend(out.weights.iter().map(|weight| *weight as f32));
    out.jacobian.fill(0.0);
    out.curvature.fill(0.0);
    let mut sums =
        MeanSlopes { jacobian: &mut *out.jacobian, sums: out.sums, weights: &*weights, curvature: &mut *out.curvature };
    let share = 1.0 / learned.elites.len() as f64;
    for member in &learned.elites {
        let found = differential.slopes(*member as usize, inputs, share, &mut sums, scratch);
        debug_assert!(found.is_ok(), "the workspace was made for these networks: {found:?}");
    }
}

/// Writes the gradients of the weighted targets of a block.
pub(super) fn pull(
    learned: &Learned,
    question: &Question<'_>,
    weights: &[f64],
    workspace: &mut Workspace,
    out: &mut [f64],
) {
    let Some(differential) = &learned.differential else { return };
    let (inputs, Derivatives { weights: single, scratch }) = workspace.load(question);
    let scratch = scratch.get_or_insert_with(|| differential.scratch());
    single.clear();
    single.extend(weights.iter().map(|weight| *weight as f32));
    out.fill(0.0);
    let share = 1.0 / learned.elites.len() as f64;
    for member in &learned.elites {
        let found = differential.pullback(*member as usize, inputs, single, share, out, scratch);
        debug_assert!(found.is_ok(), "the workspace was made for these networks: {found:?}");
    }
}
