//! The hook that makes a model: a function from normalised inputs to normalised targets, learned.

use worldwright_core::{Columns, ColumnsMut, Error, FitReport, Interrupt, Key, Persist, Result, Rng, Rows, State};

use super::Normalizer;

/// What a fit learns from: one row a transition, normalised, in the order in which the transitions happened.
#[derive(Debug, Clone, Copy)]
pub struct Examples<'a> {
    /// `[observation and action dimensions][transitions]`.
    pub inputs: Columns<'a>,
    /// `[observation dimensions, then the reward where it is learned][transitions]`.
    pub targets: Columns<'a>,
    /// Whether the episode ended at each transition.
    pub episode_ends: &'a [bool],
    /// How the units changed since the last fit, for a warm start; `None` at the first fit.
    pub rescaling: Option<&'a Rescaling>,
    /// A long fit looks at it as it goes.
    pub interrupt: &'a Interrupt,
}

/// Old standard deviation divided by new, dimension by dimension: a length of 1 in the old units is this long in the new ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Rescaling {
    /// Of the inputs.
    pub inputs: Vec<f64>,
    /// Of the targets.
    pub targets: Vec<f64>,
}

/// A block of rows with all their lanes: place `lane * rows + i` holds lane `lane` of the `i`-th row.
#[derive(Debug)]
pub struct Question<'a> {
    /// `[observation and action dimensions][lanes × rows]`.
    pub inputs: Columns<'a>,
    /// Lanes of each row.
    pub lanes: usize,
    /// Rows of the block.
    pub rows: usize,
    /// Where the places are before the step, in the units of the task.
    pub(crate) observations: Columns<'a>,
    pub(crate) scales: &'a Normalizer,
    pub(crate) key: Key,
    pub(crate) to: &'a Rows<'a>,
    pub(crate) first: usize,
}

impl Question<'_> {
    /// The stream of one lane of one row. It depends on the step's key, the lane and the arena row stepped into, so a row's
    /// numbers are the same whatever else is in the batch.
    pub fn rng(&self, lane: usize, i: usize) -> Rng {
        self.key.fold(((lane as u64) << 32) | self.to.at(self.first + i) as u64).rng()
    }

    /// Standard normal numbers for one lane of all rows, `[dims][rows]` with as many columns as `out` holds: the fast way to many
    /// of them. They depend on the same as [`rng`](Self::rng)'s numbers, and are unrelated to these.
    pub fn normals(&self, lane: usize, out: &mut [f32]) {
        let lane = self.key.fold(1 << 63 | lane as u64);
        lane.fill_normals(self.rows, |i| self.to.at(self.first + i) as u64, out);
    }

    /// Where a place stands before the step along a target's dimension, in units of the targets' standard deviation: adding a
    /// normalised change gives where it arrives, up to an offset that all places share. Zero for a target that is no change of
    /// the observation.
    pub fn before(&self, place: usize, target: usize) -> f64 {
        if target < self.observations.dims() {
            self.observations.get(place, target) / self.scales.std[target]
        } else {
            0.0
        }
    }

    /// The step's key, for what all its rows share.
    pub fn key(&self) -> Key {
        self.key
    }
}

/// Whether a state is that of a regressor which was not fitted. One with other arrays than it should have is not, so that what another
/// model learned is refused and not forgotten.
pub(crate) fn unfitted(state: &State) -> bool {
    state.iter().next().is_none()
}

/// The dimensions saved as `shape`, which later lengths are computed from.
///
/// # Errors
/// [`Error::External`](worldwright_core::Error::External) unless there are `count`, each of which a model can have.
pub(crate) fn saved_shape(state: &State, count: usize) -> Result<Vec<usize>> {
    let shape = state.u64s("shape", count)?;
    if shape.iter().any(|n| !(1..1_000_000).contains(n)) {
        return Err(Error::external("saved state", format!("no model has the shape {shape:?}: it is damaged")));
    }
    Ok(shape.iter().map(|n| *n as usize).collect())
}

/// What a regressor says of a block.
#[derive(Debug)]
pub struct Answer<'a> {
    /// `[targets][lanes × rows]`: a prediction of each lane, with whatever noise the model propagates.
    pub targets: ColumnsMut<'a>,
    /// `[lanes × rows]`: epistemic standard deviation averaged over the targets, in units of the targets' standard deviation
    /// over the training data: 0 is certain, 1 is no better than their mean.
    pub epistemic: &'a mut [f64],
}

/// Derivatives of a block's predictions by its inputs, all in normalised units and place by place.
#[derive(Debug)]
pub struct Slopes<'a> {
    /// `[places][targets][inputs]`
    pub jacobian: &'a mut [f64],
    /// How many weighted sums of the targets are differentiated twice.
    pub sums: usize,
    /// `[places][sums][targets]`: what each target counts in each sum.
    pub weights: &'a [f64],
    /// `[places][sums][inputs][inputs]`
    pub curvature: &'a mut [f64],
}

/// A learned function from normalised inputs to normalised targets.
pub trait Regressor: Send + Sync + Persist {
    /// Buffers of one block; one thread uses it at a time.
    type Workspace: Send;

    /// Learns, starting from what was learned before. The report is in normalised units. An interrupted fit leaves all as it was.
    ///
    /// # Errors
    /// As for [`Learn::fit`](worldwright_core::Learn::fit).
    fn fit(&mut self, examples: &Examples<'_>, rng: &mut Rng) -> Result<FitReport>;

    /// The most rows × lanes that [`predict`](Self::predict) takes at once; blocks are given to threads.
    fn block(&self) -> usize {
        1024
    }

    /// Everything that predictions of up to `places` rows × lanes will need.
    fn workspace(&self, places: usize) -> Self::Workspace;

    /// Predicts a block, filling all of `answer` without allocation. A row that is not finite must stay so in its own
    /// places and reach no other.
    fn predict(&self, question: &Question<'_>, workspace: &mut Self::Workspace, answer: &mut Answer<'_>);

    /// Whether each lane follows one of several beliefs to the end. No default: a model made of others would otherwise forget to pass it on.
    fn keeps_beliefs(&self) -> bool;

    /// Whether [`slopes`](Self::slopes) and [`pull`](Self::pull) are there. They are asked of models that draw nothing alone; without
    /// them derivatives are differences of steps.
    fn differentiable(&self) -> bool {
        false
    }

    /// Fills `out` with the derivatives of what [`predict`](Self::predict) answers. Allocates at most at its first use of a workspace.
    fn slopes(&self, _question: &Question<'_>, _workspace: &mut Self::Workspace, _out: &mut Slopes<'_>) {}

    /// Writes the gradients `[places][inputs]` of the targets weighted by `weights` `[places][targets]`.
    fn pull(&self, _question: &Question<'_>, _weights: &[f64], _workspace: &mut Self::Workspace, _out: &mut [f64]) {}
}
