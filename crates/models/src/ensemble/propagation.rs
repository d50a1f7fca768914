//! How a belief moves through an ensemble (Chua et al., NeurIPS 2018, section 5.2).

use worldwright_nn::{DifferentialScratch, Groups, Scratch};

use super::learned::Learned;
use crate::transition::{Answer, Question};

/// Which member a lane follows, and what is done with the lanes afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// One member to the end of the trajectory.
    TsInf,
    /// A member drawn at every step.
    Ts1,
    /// The mean of the members' means; one lane.
    Expectation,
    /// Lanes are redrawn from the Gaussian with their mean and variance.
    MomentMatching,
}

impl Propagation {
    pub(crate) const ALL: [Self; 4] = [Self::TsInf, Self::Ts1, Self::Expectation, Self::MomentMatching];
    /// Their names, in the same order.
    pub(crate) const NAMES: [&'static str; 4] = ["ts-inf", "ts1", "expectation", "moment-matching"];
}

/// Buffers of a block.
pub(crate) struct Workspace {
    /// `[place][inputs]`.
    inputs: Vec<f32>,
    /// `[place][outputs]`; for expectation `[elite][place][outputs]`.
    outputs: Vec<f32>,
    /// `[lane][targets][rows]`.
    normals: Vec<f32>,
    members: Vec<u32>,
    groups: Groups,
    /// Moments over lanes.
    mean: Vec<f64>,
    square: Vec<f64>,
    scratch: Option<Scratch>,
    pub(super) derivatives: Derivatives,
}

/// Buffers of derivatives, made at first use.
#[derive(Default)]
pub(super) struct Derivatives {
    /// Weights of targets.
    pub(super) weights: Vec<f32>,
    pub(super) scratch: Option<DifferentialScratch>,
}

impl Workspace {
    pub(super) fn new(learned: Option<&Learned>, propagation: Propagation, places: usize) -> Self {
        let Some(learned) = learned else {
            let (inputs, outputs, normals, members) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            let (mean, square) = (Vec::new(), Vec::new());
            let derivatives = Derivatives::default();
            return Self {
                inputs,
                outputs,
                normals,
                members,
                groups: Groups::default(),
                mean,
                square,
                scratch: None,
                derivatives,
            };
        };
        let copies = if propagation == Propagation::Expectation { learned.elites.len() } else { 1 };
        Self {
            inputs: vec![0.0; places * learned.inputs],
            outputs: vec![0.0; copies * places * learned.outputs],
            normals: vec![0.0; learned.targets * places],
            members: vec![0; places],
            groups: Groups::new(learned.predictor.members(), places),
            mean: vec![0.0; places],
            square: vec![0.0; places],
            scratch: Some(learned.predictor.scratch()),
            derivatives: Derivatives::default(),
        }
    }

    /// Writes the inputs of a block place by place; gives them, and the buffers of derivatives.
    pub(super) fn load(&mut self, question: &Question<'_>) -> (&[f32], &mut Derivatives) {
        let (width, places) = (question.inputs.dims(), question.lanes * question.rows);
        for (dim, column) in (0..width).map(|dim| (dim, question.inputs.column(dim))) {
            for (slot, number) in self.inputs[dim..].iter_mut().step_by(width).zip(column) {
                *slot = *number as f32;
            }
        }
        (&self.inputs[..places * width], &mut self.derivatives)
    }
}

/// The elite that a lane follows under `ts-inf`: neighbouring lanes share one, so that its weights stay in the cache.
fn elite_of_lane(lane: usize, lanes: usize, elites: usize) -> usize {
    lane * elites / lanes.max(elites)
}

impl Propagation {
    /// Fills `answer` for a block of rows with all their lanes.
    pub(super) fn predict(
        self,
        learned: &Learned,
        question: &Question<'_>,
        workspace: &mut Workspace,
        answer: &mut Answer<'_>,
    ) {
        let places = question.lanes * question.rows;
        workspace.load(question);
        let asked = self.ask(learned, question, workspace, places);
        debug_assert!(asked.is_ok(), "the workspace was made for this predictor: {asked:?}");
        match self {
            Self::Expectation => average(learned, places, workspace, answer),
            Self::TsInf | Self::Ts1 => {
                spread_of_lanes(learned, question, workspace, answer);
                sample(learned, question, workspace, answer);
            }
            Self::MomentMatching => {
                spread_of_lanes(learned, question, workspace, answer);
                match_moments(learned, question, workspace, answer);
            }
        }
    }

    /// Has the networks predict all places.
    fn ask(
        self,
        learned: &Learned,
        question: &Question<'_>,
        workspace: &mut Workspace,
        places: usize,
    ) -> worldwright_core::Result<()> {
        let Some(scratch) = &mut workspace.scratch else { return Ok(()) };
        let (lanes, rows, elites) = (question.lanes, question.rows, learned.elites.len());
        let (width, height) = (learned.inputs, learned.outputs);
        let inputs = &workspace.inputs[..places * width];
        match self {
            Self::Expectation => {
                for (elite, member) in learned.elites.iter().enumerate() {
                    let out = &mut workspace.outputs[elite * places * height..(elite + 1) * places * height];
                    learned.predictor.predict_member(*member as usize, &[inputs], &mut [out], scratch)?;
                }
            }
            Self::Ts1 => {
                for lane in 0..lanes {
                    for i in 0..rows {
                        let drawn = question.rng(lane, i).below(elites as u64) as usize;
                        workspace.members[lane * rows + i] = learned.elites[drawn];
                    }
                }
                let outputs = &mut workspace.outputs[..places * height];
                workspace.groups.assign(learned.predictor.members(), &workspace.members[..places])?;
                learned.predictor.predict_grouped(&[inputs], &workspace.groups, &mut [outputs], scratch)?;
            }
            Self::TsInf | Self::MomentMatching => {
                let mut lane = 0;
                while lane < lanes {
                    let elite = elite_of_lane(lane, lanes, elites);
                    let mut end = lane + 1;
                    while end < lanes && elite_of_lane(end, lanes, elites) == elite {
                        end += 1;
                    }
                    let (first, last) = (lane * rows, end * rows);
                    let outputs = &mut workspace.outputs[first * height..last * height];
                    let member = learned.elites[elite] as usize;
                    learned.predictor.predict_member(
                        member,
                        &[&inputs[first * width..last * width]],
                        &mut [outputs],
                        scratch,
                    )?;
                    lane = end;
                }
            }
        }
        Ok(())
    }
}

/// The mean of the elites' means, and their spread.
fn average(learned: &Learned, places: usize, workspace: &mut Workspace, answer: &mut Answer<'_>) {
    let height = learned.outputs;
    let share = 1.0 / learned.elites.len() as f64;
    answer.epistemic.fill(0.0);
    for dim in 0..learned.targets {
        let column = answer.targets.column_mut(dim);
        for place in 0..places {
            let (mut sum, mut square) = (0.0, 0.0);
            for elite in 0..learned.elites.len() {
                let mean = f64::from(workspace.outputs[(elite * places + place) * height + dim]);
                sum += mean;
                square += mean * mean;
            }
            let mean = sum * share;
            column[place] = mean;
            answer.epistemic[place] += (square * share - mean * mean).max(0.0).sqrt() / learned.targets as f64;
        }
    }
}

/// Standard deviation of the predicted means over a row's lanes, averaged over targets.
///
/// Lanes that have moved apart are compared where they are: the spread then holds what their difference grew to.
fn spread_of_lanes(learned: &Learned, question: &Question<'_>, workspace: &mut Workspace, answer: &mut Answer<'_>) {
    let (lanes, rows, height) = (question.lanes, question.rows, learned.outputs);
    answer.epistemic.fill(0.0);
    let share = 1.0 / lanes as f64;
    let (sums, squares) = (&mut workspace.mean[..rows], &mut workspace.square[..rows]);
    for dim in 0..learned.targets {
        sums.fill(0.0);
        squares.fill(0.0);
        for lane in 0..lanes {
            let outputs = workspace.outputs[lane * rows * height + dim..].iter().step_by(height);
            for ((sum, square), mean) in sums.iter_mut().zip(squares.iter_mut()).zip(outputs) {
                let mean = f64::from(*mean);
                *sum += mean;
                *square += mean * mean;
            }
        }
        for (slot, (sum, square)) in answer.epistemic.iter_mut().zip(sums.iter().zip(squares.iter())) {
            let mean = sum * share;
            *slot += (square * share - mean * mean).max(0.0).sqrt() / learned.targets as f64;
        }
    }
    for lane in 1..lanes {
        answer.epistemic.copy_within(0..rows, lane * rows);
    }
}

/// Each place's own mean and noise.
fn sample(learned: &Learned, question: &Question<'_>, workspace: &mut Workspace, answer: &mut Answer<'_>) {
    let (rows, height, targets) = (question.rows, learned.outputs, learned.targets);
    for lane in 0..question.lanes {
        let outputs = &workspace.outputs[lane * rows * height..(lane + 1) * rows * height];
        let normals = &mut workspace.normals[..targets * rows];
        if learned.gaussian {
            question.normals(lane, normals);
        }
        for dim in 0..targets {
            let column = &mut answer.targets.column_mut(dim)[lane * rows..(lane + 1) * rows];
            let outputs = column.iter_mut().zip(outputs.chunks_exact(height));
            if learned.gaussian {
                for ((slot, output), normal) in outputs.zip(&normals[dim * rows..]) {
                    *slot = f64::from(output[dim] + output[targets + dim] * normal);
                }
            } else {
                outputs.for_each(|(slot, output)| *slot = f64::from(output[dim]));
            }
        }
    }
}

/// Redraws the lanes of each row from the Gaussian with their mean and their variance, that of the means and the noise's
/// together. What is matched is where the lanes arrive, so that lanes which differ before the step do not keep their difference.
fn match_moments(learned: &Learned, question: &Question<'_>, workspace: &mut Workspace, answer: &mut Answer<'_>) {
    let (lanes, rows, height) = (question.lanes, question.rows, learned.outputs);
    let share = 1.0 / lanes as f64;
    for (lane, normals) in workspace.normals.chunks_exact_mut(learned.targets * rows).take(lanes).enumerate() {
        question.normals(lane, normals);
    }
    for dim in 0..learned.targets {
        let (sums, squares) = (&mut workspace.mean[..rows], &mut workspace.square[..rows]);
        sums.fill(0.0);
        squares.fill(0.0);
        for lane in 0..lanes {
            let outputs = workspace.outputs[lane * rows * height..].chunks_exact(height);
            for (i, output) in outputs.take(rows).enumerate() {
                let arrival = question.before(lane * rows + i, dim) + f64::from(output[dim]);
                let deviation = if learned.gaussian { f64::from(output[learned.targets + dim]) } else { 0.0 };
                sums[i] += arrival;
                squares[i] += arrival * arrival + deviation * deviation;
            }
        }
        for (sum, square) in sums.iter_mut().zip(squares) {
            let mean = *sum * share;
            *square = (*square * share - mean * mean).max(0.0).sqrt();
            *sum = mean;
        }
        let column = answer.targets.column_mut(dim);
        for lane in 0..lanes {
            let normals = &workspace.normals[(lane * learned.targets + dim) * rows..][..rows];
            for (i, normal) in normals.iter().enumerate() {
                let place = lane * rows + i;
                let drawn = workspace.mean[i] + workspace.square[i] * f64::from(*normal);
                column[place] = drawn - question.before(place, dim);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_shared_evenly() {
        let count = |lanes, elites| {
            (0..elites)
                .map(|e| (0..lanes).filter(|lane| elite_of_lane(*lane, lanes, elites) == e).count())
                .collect::<Vec<_>>()
        };
        assert_eq!(count(20, 5), [4; 5]);
        assert_eq!(count(7, 3), [3, 2, 2]);
        // Fewer lanes than members: the first ones each have a lane of their own.
        assert_eq!(count(2, 5), [1, 1, 0, 0, 0]);
    }
}
