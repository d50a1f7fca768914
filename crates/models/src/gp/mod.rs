//! `gp`: exact Gaussian processes, one for each output, with a length for each input.
//!
//! The model of PILCO (Deisenroth and Rasmussen, "PILCO: A Model-Based and Data-Efficient Approach to Policy Search", ICML 2011):
//! inputs are observation and action, targets the change of the observation. Hyper-parameters maximise the guarded marginal
//! likelihood ([`likelihood`]) from several starts at the first fit, and from where they were at later ones. A step either
//! follows the posterior mean, or each lane follows a function drawn from the posterior ([`posterior`]).
//!
//! [`foresight`] has the same processes foresee how normal distributions of states move.
//!
//! Where the transitions outnumber `max_points`, the ones kept are chosen by [`subset`]; where they outnumber
//! `likelihood_points`, the hyper-parameters are fitted to a random subset.

mod chart;
mod foresight;
mod kernel;
mod likelihood;
mod posterior;
mod subset;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rayon::prelude::*;
use worldwright_core::{
    Array, Batch, Call, Columns, Entry, FitReport, Interrupt, LearnedModel, Parameter, Persist, Result, Rng,
    SettingDefault as Default, Settings, State, cost,
};

use crate::transition::{
    ANGLES, Answer, Examples, Question, Regressor, Slopes, TransitionModel, saved_shape, unfitted,
};
use crate::{Build, ModelContext};
pub use foresight::{Foresight, build_foresight};
use kernel::{Hyper, Kernel};
use likelihood::Likelihood;
use posterior::Posterior;

/// The line in the list of models.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "gp",
    summary: "exact Gaussian processes, one an output: the most from the least data, up to about 1,500 transitions",
    source: "Deisenroth and Rasmussen, PILCO, ICML 2011; Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006",
    parameters: &[
        ANGLES,
        Parameter {
            name: "kernel",
            default: Default::Text("squared-exponential"),
            summary: "squared-exponential or matern-5/2",
        },
        Parameter {
            name: "propagation",
            default: Default::Text("mean"),
            summary: "what lanes follow: mean (one lane) or particles (functions drawn from the posterior)",
        },
        Parameter {
            name: "particles",
            default: Default::Integer(10),
            summary: "lanes of each row where propagation is particles",
        },
        Parameter {
            name: "noise",
            default: Default::Bool(false),
            summary: "whether each step of a particle adds the noise that was learned",
        },
        Parameter {
            name: "uncertainty",
            default: Default::Bool(false),
            summary: "whether steps report the epistemic spread; costs the square of the number of points",
        },
        Parameter {
            name: "max_points",
            default: Default::Integer(1500),
            summary: "transitions to condition on; of more, those of greatest variance are kept",
        },
        Parameter {
            name: "likelihood_points",
            default: Default::Integer(300),
            summary: "transitions to fit hyper-parameters to; of more, a random subset",
        },
        Parameter {
            name: "restarts",
            default: Default::Integer(2),
            summary: "random starts of the first fit of hyper-parameters, besides the usual one",
        },
        Parameter {
            name: "evaluations",
            default: Default::Integer(100),
            summary: "likelihoods to evaluate from each start; later fits take half",
        },
    ],
    build: Build::Transitions(build),
};

fn build(context: &ModelContext, settings: &Settings) -> Result<Box<dyn LearnedModel>> {
    let regressor = GaussianProcesses::new(settings)?;
    let observation = context.observation_space.flat_dim();
    let inputs = 2 * observation + context.action_space.flat_dim();
    let (lanes, each) = (regressor.lanes.unwrap_or(1), posterior::lane_numbers(inputs) * (observation + 1) as f64);
    cost::memory(&[("particles", lanes), ("inputs", inputs)], 8.0 * lanes as f64 * each)?;
    let (lanes, noise) = (regressor.lanes.unwrap_or(1), regressor.noise);
    Ok(Box::new(TransitionModel::new(ENTRY.name, context, settings, lanes, !noise, regressor)?))
}

/// Processes whose lanes are drawn functions, with the other settings that the list gives, for models that contain them.
pub(crate) fn with_particles(particles: usize) -> Result<GaussianProcesses> {
    let settings = Settings::resolve(ENTRY.name, ENTRY.parameters, &BTreeMap::new())?;
    Ok(GaussianProcesses { lanes: Some(particles), ..GaussianProcesses::new(&settings)? })
}

/// One Gaussian process for each target.
pub(crate) struct GaussianProcesses {
    kernel: Kernel,
    /// Drawn functions, or the mean where there is none.
    lanes: Option<usize>,
    noise: bool,
    uncertainty: bool,
    max_points: usize,
    likelihood_points: usize,
    restarts: usize,
    evaluations: usize,
    fitted: Option<Fitted>,
}

/// What a fit leaves: all but `posteriors` is saved, and they follow from it.
struct Fitted {
    hypers: Vec<Hyper>,
    inputs: Batch,
    targets: Batch,
    seeds: Vec<u64>,
    posteriors: Vec<Posterior>,
}

impl GaussianProcesses {
    fn new(settings: &Settings) -> Result<Self> {
        let draws = settings.choice("propagation", &["mean", "particles"])? == 1;
        let particles = settings.count("particles", 1)?;
        Ok(Self {
            kernel: [Kernel::SquaredExponential, Kernel::Matern52]
                [settings.choice("kernel", &["squared-exponential", "matern-5/2"])?],
            lanes: draws.then_some(particles),
            noise: draws && settings.bool("noise")?,
            uncertainty: settings.bool("uncertainty")?,
            max_points: settings.count("max_points", 2)?,
            likelihood_points: settings.count("likelihood_points", 2)?,
            restarts: settings.count_in("restarts", 0, 10_000)?,
            evaluations: settings.count_in("evaluations", 1, 1_000_000)?,
            fitted: None,
        })
    }

    /// Conditions every output on its data.
    fn condition(&self, hypers: Vec<Hyper>, inputs: Batch, targets: Batch, seeds: Vec<u64>) -> Result<Fitted> {
        let condition = |(dim, hyper): (usize, &Hyper)| {
            let (y, rng) = (targets.columns().column(dim), &mut Rng::new(seeds[dim]));
            Posterior::new(self.kernel, hyper, inputs.columns(), y, self.lanes, self.uncertainty, rng)
        };
        let posteriors = hypers.par_iter().enumerate().map(condition).collect::<Result<Vec<_>>>()?;
        Ok(Fitted { hypers, inputs, targets, seeds, posteriors })
    }

    /// Refuses to condition on more points than matrices over them fit: two for each output, and while the likelihood is evaluated five.
    fn fit_cost(&self, transitions: usize, targets: usize) -> Result<()> {
        let (points, sample) = (transitions.min(self.max_points), transitions.min(self.likelihood_points));
        let (n, m, threads) = (points as f64, sample as f64, rayon::current_num_threads() as f64);
        cost::memory(&[("max_points", points)], 8.0 * n * n * (targets as f64 + 2.0 * threads))?;
        cost::memory(&[("likelihood_points", sample)], 40.0 * m * m * threads.min(targets as f64))
    }

    /// Hyper-parameters of one output, and evaluations spent.
    fn hyper(
        &self,
        inputs: Columns<'_>,
        y: &[f64],
        before: Option<Hyper>,
        interrupt: &Interrupt,
        rng: &mut Rng,
    ) -> Hyper {
        let dims = inputs.dims();
        if y.iter().all(|y| *y == 0.0) {
            // A target that never varied: any signal would be made up.
            return Hyper { log_lengths: vec![0.0; dims], log_signal: 1e-3_f64.ln(), log_noise: 1e-4_f64.ln() };
        }
        let mut starts = Vec::new();
        let evaluations = match before {
            Some(before) => {
                starts.push(before);
                self.evaluations.div_ceil(2)
            }
            None => {
                starts.push(Hyper::start(dims));
                starts.extend((0..self.restarts).map(|_| Hyper {
                    log_lengths: (0..dims).map(|_| rng.uniform_in(0.3_f64.ln(), 5.0_f64.ln())).collect(),
                    log_signal: 0.0,
                    log_noise: rng.uniform_in(0.01_f64.ln(), 0.3_f64.ln()),
                }));
                self.evaluations
            }
        };
        let mut likelihood = Likelihood::new(self.kernel, inputs, y);
        let mut best = (f64::INFINITY, Hyper::start(dims));
        for start in starts {
            let mut vector = start.to_vector();
            // Where the function is not defined the search ends, and so it does at an interrupt.
            let value = |at: &[f64], slope: &mut [f64]| {
                interrupt.count(Call::Gradient, 1);
                if interrupt.requested() { f64::INFINITY } else { likelihood.evaluate(at, slope) }
            };
            let value = worldwright_numerics::minimize(value, &mut vector, evaluations);
            if value < best.0 {
                best = (value, Hyper::from_vector(&vector));
            }
        }
        best.1
    }

    fn hypers(&self, examples: &Examples<'_>, rng: &mut Rng) -> Vec<Hyper> {
        let mut order: Vec<usize> = (0..examples.inputs.rows()).collect();
        if order.len() > self.likelihood_points {
            rng.shuffle(&mut order);
            order.truncate(self.likelihood_points);
            order.sort_unstable();
        }
        let (inputs, targets) = (rows_of(examples.inputs, &order), rows_of(examples.targets, &order));
        let seeds: Vec<u64> = (0..targets.dims()).map(|_| rng.next_u64()).collect();
        let one = |(dim, seed): (usize, &u64)| {
            let before = match (&self.fitted, examples.rescaling) {
                (Some(fitted), Some(rescaling)) => {
                    let mut hyper = fitted.hypers[dim].clone();
                    hyper.log_lengths.iter_mut().zip(&rescaling.inputs).for_each(|(log, ratio)| *log += ratio.ln());
                    hyper.log_signal += rescaling.targets[dim].ln();
                    hyper.log_noise += rescaling.targets[dim].ln();
                    Some(hyper)
                }
                _ => None,
            };
            self.hyper(
                inputs.columns(),
                targets.columns().column(dim),
                before,
                examples.interrupt,
                &mut Rng::new(*seed),
            )
        };
        seeds.par_iter().enumerate().map(one).collect()
    }
}

fn rows_of(columns: Columns<'_>, rows: &[usize]) -> Batch {
    let mut batch = Batch::zeros(columns.dims(), rows.len());
    for dim in 0..columns.dims() {
        let column = columns.column(dim);
        batch.columns_mut().column_mut(dim).iter_mut().zip(rows).for_each(|(slot, row)| *slot = column[*row]);
    }
    batch
}

/// Buffers of a block.
pub(crate) struct Workspace {
    posterior: posterior::Workspace,
    normals: Vec<f32>,
    /// Derivatives of one target, `[inputs]` and `[inputs][inputs]`, made at first use.
    gradient: Vec<f64>,
    bends: Vec<f64>,
}

impl Regressor for GaussianProcesses {
    type Workspace = Workspace;

    fn fit(&mut self, examples: &Examples<'_>, rng: &mut Rng) -> Result<FitReport> {
        self.fit_cost(examples.inputs.rows(), examples.targets.dims())?;
        let hypers = self.hypers(examples, rng);
        examples.interrupt.check("the fit")?;
        let kept = subset::choose(self.kernel, &hypers, examples.inputs, self.max_points, examples.interrupt);
        examples.interrupt.check("the fit")?;
        let (inputs, targets) = (rows_of(examples.inputs, &kept), rows_of(examples.targets, &kept));
        let seeds = hypers.iter().map(|_| rng.next_u64()).collect();
        let fitted = self.condition(hypers, inputs, targets, seeds)?;
        let mean = |error: fn(&Posterior) -> f64| {
            fitted.posteriors.iter().map(error).sum::<f64>() / fitted.posteriors.len() as f64
        };
        let (count, kept) = (examples.inputs.rows(), kept.len());
        let mut note = if kept < count {
            format!("conditioned on {kept} of {count} transitions, those of greatest variance")
        } else {
            format!("conditioned on all {count} transitions")
        };
        if count > self.likelihood_points {
            note += &format!("; hyper-parameters from {} of them", self.likelihood_points);
        }
        note += "; held-out error by leave-one-out";
        let report = FitReport {
            epochs: 1,
            training_loss: mean(|posterior| posterior.errors.0),
            holdout_mse: Some(mean(|posterior| posterior.errors.1)),
            note,
        };
        self.fitted = Some(fitted);
        Ok(report)
    }

    fn block(&self) -> usize {
        256
    }

    fn workspace(&self, places: usize) -> Workspace {
        let (dims, points, targets) = match &self.fitted {
            Some(fitted) => (fitted.inputs.dims(), fitted.inputs.rows(), fitted.targets.dims()),
            None => (0, 0, 0),
        };
        Workspace {
            posterior: posterior::Workspace::new(dims, points, self.uncertainty),
            normals: vec![0.0; targets * places],
            gradient: Vec::new(),
            bends: Vec::new(),
        }
    }

    fn predict(&self, question: &Question<'_>, workspace: &mut Workspace, answer: &mut Answer<'_>) {
        let Some(fitted) = &self.fitted else { return };
        let (inputs, rows) = (question.inputs, question.rows);
        answer.epistemic.fill(0.0);
        for (dim, posterior) in fitted.posteriors.iter().enumerate() {
            let column = answer.targets.column_mut(dim);
            for (lane, out) in column.chunks_exact_mut(rows).enumerate() {
                posterior.predict(lane, inputs, lane * rows, &mut workspace.posterior, out);
            }
            if self.uncertainty {
                let scale = (fitted.posteriors.len() as f64).recip();
                posterior.add_std(inputs, scale, &mut workspace.posterior, answer.epistemic);
            }
        }
        if !self.noise {
            return;
        }
        for lane in 0..question.lanes {
            let normals = &mut workspace.normals[..fitted.hypers.len() * rows];
            question.normals(lane, normals);
            for (dim, (normals, hyper)) in normals.chunks_exact(rows).zip(&fitted.hypers).enumerate() {
                let std = hyper.log_noise.exp();
                let target = &mut answer.targets.column_mut(dim)[lane * rows..(lane + 1) * rows];
                target.iter_mut().zip(normals).for_each(|(target, normal)| *target += std * f64::from(*normal));
            }
        }
    }

    fn keeps_beliefs(&self) -> bool {
        self.lanes.is_some()
    }

    fn differentiable(&self) -> bool {
        true
    }

    fn slopes(&self, question: &Question<'_>, workspace: &mut Workspace, out: &mut Slopes<'_>) {
        let Some(fitted) = &self.fitted else { return };
        let (n, q, sums) = (fitted.inputs.dims(), fitted.targets.dims(), out.sums);
        let Workspace { posterior: work, bends, .. } = workspace;
        bends.resize(if sums > 0 { n * n } else { 0 }, 0.0);
        out.jacobian.fill(0.0);
        out.curvature.fill(0.0);
        for (place, jacobian) in out.jacobian.chunks_exact_mut(q * n).enumerate() {
            let lane = place / question.rows;
            for (dim, posterior) in fitted.posteriors.iter().enumerate() {
                bends.fill(0.0);
                posterior.add_slopes(lane, (question.inputs, place), work, (&mut jacobian[dim * n..][..n], bends));
                for sum in place * sums..(place + 1) * sums {
                    let weight = out.weights[sum * q + dim];
                    let curvature = &mut out.curvature[sum * n * n..][..n * n];
                    curvature.iter_mut().zip(&*bends).for_each(|(slot, bend)| *slot += weight * bend);
                }
            }
        }
    }

    fn pull(&self, question: &Question<'_>, weights: &[f64], workspace: &mut Workspace, out: &mut [f64]) {
        let Some(fitted) = &self.fitted else { return };
        let (n, q) = (fitted.inputs.dims(), fitted.targets.dims());
        let Workspace { posterior: work, gradient, .. } = workspace;
        gradient.resize(n, 0.0);
        out.fill(0.0);
        for (place, (out, weights)) in out.chunks_exact_mut(n).zip(weights.chunks_exact(q)).enumerate() {
            for (posterior, weight) in fitted.posteriors.iter().zip(weights) {
                gradient.fill(0.0);
                posterior.add_slopes(place / question.rows, (question.inputs, place), work, (gradient, &mut []));
                out.iter_mut().zip(&*gradient).for_each(|(slot, slope)| *slot += weight * slope);
            }
        }
    }
}

impl Persist for GaussianProcesses {
    fn save(&self) -> State {
        let mut state = State::new();
        let Some(fitted) = &self.fitted else { return state };
        let shape = [fitted.inputs.dims(), fitted.targets.dims(), fitted.inputs.rows()];
        state.put("shape", Array::U64(shape.map(|n| n as u64).to_vec()));
        state.put("seeds", Array::U64(fitted.seeds.clone()));
        let hypers: Vec<f64> = fitted.hypers.iter().flat_map(Hyper::to_vector).collect();
        state.put("hypers", Array::F64(vec![shape[1], shape[0] + 2], hypers));
        for (name, batch) in [("inputs", &fitted.inputs), ("targets", &fitted.targets)] {
            let columns = batch.columns();
            state.put(name, Array::F64(vec![columns.dims(), columns.rows()], columns.as_slice().to_vec()));
        }
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        if unfitted(state) {
            self.fitted = None;
            return Ok(());
        }
        let shape = saved_shape(state, 3)?;
        let batch = |name: &str, dims: usize| -> Result<Batch> {
            let numbers = Columns::new(state.f64s(name, dims * shape[2])?, dims, shape[2])?;
            let all: Vec<usize> = (0..shape[2]).collect();
            Ok(rows_of(numbers, &all))
        };
        let hypers = state.f64s("hypers", shape[1] * (shape[0] + 2))?;
        let hypers = hypers.chunks_exact(shape[0] + 2).map(Hyper::from_vector).collect();
        let seeds = state.u64s("seeds", shape[1])?.to_vec();
        self.fitted = Some(self.condition(hypers, batch("inputs", shape[0])?, batch("targets", shape[1])?, seeds)?);
        Ok(())
    }
}
