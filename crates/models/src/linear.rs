//! `linear`: Bayesian linear regression with the ridge that the evidence chooses.
//!
//! With inputs `x` normalised over the data (so the offset is the targets' mean), each target `t` has
//!
//! ```text
//! t = wᵀx + ε,   ε ~ N(0, σ²),   w | σ² ~ N(0, σ²/λ I),   σ² ~ InverseGamma(a₀, b₀)
//! A = XᵀX + λI,  m = A⁻¹Xᵀt,  w | σ², data ~ N(m, σ² A⁻¹),  σ² | data ~ InverseGamma(a₀ + N/2, b₀ + ½(tᵀt − mᵀAm))
//! ```
//!
//! (Murphy, Machine Learning: A Probabilistic Perspective, 2012, section 7.6.3). `λ` is one for all targets, the maximiser of the
//! product of their evidences, so that they share `A` and its factor. Lanes are draws of all weights from the posterior, made
//! at the fit: a lane follows one plausible system throughout.
//!
//! A reward that is learned is regressed on the inputs' products in pairs too, with a ridge of its own: what is paid for being near to
//! something has no slope that a plan could follow to it, but a curvature. So the model is the one of linear systems with quadratic
//! rewards, exact where the world is.

mod posterior;
mod products;

use worldwright_core::{
    Columns, Entry, Error, FitReport, LearnedModel, Parameter, Persist, Result, Rng, SettingDefault as Default,
    Settings, State, cost,
};
use worldwright_numerics::dense::LANES;

use self::posterior::Posterior;
use self::products::Products;
use crate::transition::{ANGLES, Answer, Examples, Question, Regressor, Slopes, TransitionModel, unfitted};
use crate::{Build, ModelContext};

/// The line in the list of models.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "linear",
    summary: "linear regression, Bayesian, with the ridge that the evidence chooses; exact on linear systems with quadratic rewards",
    source: "Murphy, Machine Learning: A Probabilistic Perspective, 2012, section 7.6",
    parameters: &[
        ANGLES,
        Parameter {
            name: "propagation",
            default: Default::Text("mean"),
            summary: "what lanes are: mean (one lane) or draws (of the weights)",
        },
        Parameter {
            name: "particles",
            default: Default::Integer(10),
            summary: "lanes of each row where propagation is draws",
        },
        Parameter {
            name: "noise",
            default: Default::Bool(false),
            summary: "whether each step of a draw adds the noise that was learned",
        },
    ],
    build: Build::Transitions(build),
};

fn build(context: &ModelContext, settings: &Settings) -> Result<Box<dyn LearnedModel>> {
    let draws = settings.choice("propagation", &["mean", "draws"])? == 1;
    let particles = settings.count("particles", 1)?;
    let lanes = if draws { particles } else { 1 };
    let observation = context.observation_space.flat_dim();
    let inputs = 2 * observation + context.action_space.flat_dim() + 1;
    let (p, q) = (inputs as f64, observation as f64 + 1.0);
    cost::memory(&[("particles", lanes), ("inputs", inputs)], 8.0 * p * (6.0 * p + q * (2.0 + lanes as f64)))?;
    let noise = draws && settings.bool("noise")?;
    let regressor = Linear { draws, lanes, noise, pays: context.reward.is_none(), changes: None, reward: None };
    Ok(Box::new(TransitionModel::new(ENTRY.name, context, settings, lanes, !noise, regressor)?))
}

/// Bayesian linear regression.
pub(crate) struct Linear {
    draws: bool,
    lanes: usize,
    noise: bool,
    /// Whether the last target is a reward.
    pays: bool,
    changes: Option<Posterior>,
    reward: Option<Posterior>,
}

/// Buffers of a block.
pub(crate) struct Workspace {
    /// Inputs row by row, padded.
    rows: Vec<f64>,
    /// `[targets][rows]` of one lane.
    normals: Vec<f32>,
}

impl Regressor for Linear {
    type Workspace = Workspace;

    fn fit(&mut self, examples: &Examples<'_>, rng: &mut Rng) -> Result<FitReport> {
        let (inputs, targets) = (examples.inputs, examples.targets);
        let (q, n) = (targets.dims(), targets.rows());
        let (changes, reward) = targets.as_slice().split_at((q - usize::from(self.pays)) * n);
        let draws = self.draws.then_some(self.lanes);
        let changes = Columns::new(changes, changes.len() / n.max(1), n)?;
        let (posterior, fit) = Posterior::fit(inputs, Products::default(), changes, draws, rng)?;
        let (mut residuals, mut left_out) =
            (fit.residuals * changes.dims() as f64, fit.left_out * changes.dims() as f64);
        let mut note = format!("ridge {:e} by the evidence", fit.precision);
        self.changes = Some(posterior);
        if self.pays {
            let (posterior, fit) =
                Posterior::fit(inputs, Products::of(inputs), Columns::new(reward, 1, n)?, draws, rng)?;
            self.reward = Some(posterior);
            (residuals, left_out) = (residuals + fit.residuals, left_out + fit.left_out);
            note += &format!(", {:e} for the quadratic reward", fit.precision);
        }
        Ok(FitReport {
            epochs: 1,
            training_loss: residuals / q as f64,
            holdout_mse: Some(left_out / q as f64),
            note: note + "; held-out error by leave-one-out",
        })
    }

    fn workspace(&self, places: usize) -> Workspace {
        let (inputs, targets) =
            self.changes.as_ref().map_or((0, 0), |posterior| (posterior.inputs, posterior.targets + 1));
        Workspace { rows: vec![0.0; inputs.next_multiple_of(LANES) * places], normals: vec![0.0; targets * places] }
    }

    fn predict(&self, question: &Question<'_>, workspace: &mut Workspace, answer: &mut Answer<'_>) {
        let Some(changes) = &self.changes else { return };
        let (rows, q) = (question.rows, answer.targets.dims());
        for lane in 0..question.lanes {
            let span = lane * rows..(lane + 1) * rows;
            let normals = &mut workspace.normals[..q * rows];
            if self.noise {
                question.normals(lane, normals);
            }
            for dim in 0..q {
                let target = &mut answer.targets.column_mut(dim)[span.clone()];
                let (posterior, place) = self.posterior(changes, dim);
                posterior.predict(question.inputs, span.clone(), lane, place, target);
                if self.noise {
                    let std = posterior.noise_std(lane, place);
                    let normals = &normals[dim * rows..(dim + 1) * rows];
                    target.iter_mut().zip(normals).for_each(|(target, normal)| *target += std * f64::from(*normal));
                }
            }
        }
        changes.epistemic(question.inputs, &mut workspace.rows, answer.epistemic);
    }

    fn keeps_beliefs(&self) -> bool {
        self.draws
    }

    fn differentiable(&self) -> bool {
        true
    }

    fn slopes(&self, question: &Question<'_>, workspace: &mut Workspace, out: &mut Slopes<'_>) {
        let Some(changes) = &self.changes else { return };
        let (n, q) = (changes.inputs, changes.targets + usize::from(self.reward.is_some()));
        out.jacobian.fill(0.0);
        out.curvature.fill(0.0);
        let input = &mut workspace.rows[..n];
        for (place, jacobian) in out.jacobian.chunks_exact_mut(q * n).enumerate() {
            question.inputs.copy_row(place, input);
            let lane = place / question.rows;
            for (dim, slopes) in jacobian.chunks_exact_mut(n).enumerate() {
                let (posterior, target) = self.posterior(changes, dim);
                posterior.add_slopes(input, (lane, target), 1.0, slopes);
                for sum in 0..out.sums {
                    let at = place * out.sums + sum;
                    let curvature = &mut out.curvature[at * n * n..][..n * n];
                    posterior.add_bends((lane, target), out.weights[at * q + dim], curvature);
                }
            }
        }
    }

    fn pull(&self, question: &Question<'_>, weights: &[f64], workspace: &mut Workspace, out: &mut [f64]) {
        let Some(changes) = &self.changes else { return };
        let (n, q) = (changes.inputs, changes.targets + usize::from(self.reward.is_some()));
        out.fill(0.0);
        let input = &mut workspace.rows[..n];
        for (place, (out, weights)) in out.chunks_exact_mut(n).zip(weights.chunks_exact(q)).enumerate() {
            question.inputs.copy_row(place, input);
            for (dim, weight) in weights.iter().enumerate() {
                let (posterior, target) = self.posterior(changes, dim);
                posterior.add_slopes(input, (place / question.rows, target), *weight, out);
            }
        }
    }
}

impl Linear {
    /// Where target `dim` was regressed, and its number there.
    fn posterior<'a>(&'a self, changes: &'a Posterior, dim: usize) -> (&'a Posterior, usize) {
        match &self.reward {
            Some(reward) if dim == changes.targets => (reward, 0),
            _ => (changes, dim),
        }
    }
}

impl Persist for Linear {
    fn save(&self) -> State {
        let mut state = State::new();
        for (name, posterior) in [("changes", &self.changes), ("reward", &self.reward)] {
            if let Some(posterior) = posterior {
                state.put_all(name, posterior.save());
            }
        }
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let (changes, reward) = (state.part("changes"), state.part("reward"));
        if unfitted(&changes) && unfitted(&reward) && !unfitted(state) {
            return Err(Error::external(
                "saved state",
                "holds no posterior of a linear model: another model or version wrote it",
            ));
        }
        (self.changes, self.reward) =
            (Posterior::restore(&changes, self.lanes)?, Posterior::restore(&reward, self.lanes)?);
        Ok(())
    }
}
