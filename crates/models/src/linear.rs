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

use worldwright_core::{
    Array, Columns, Entry, Error, FitReport, LearnedModel, Parameter, Persist, Result, Rng, SettingDefault as Default,
    Settings, State,
};
use worldwright_nn::dense::{self, LANES, Matrix, MatrixMut};

use crate::transition::{ANGLES, Answer, Examples, Question, Regressor, TransitionModel, saved_shape};
use crate::{Build, ModelContext};

/// Prior of a noise variance in normalised units: one observation's weight on next to no noise.
const PRIOR_SHAPE: f64 = 0.5;
const PRIOR_RATE: f64 = 0.5e-12;
/// Powers of ten among which the ridge is chosen.
const RIDGE_POWERS: std::ops::RangeInclusive<i32> = -9..=6;

/// The line in the list of models.
pub(crate) const ENTRY: Entry<Build> = Entry {
    name: "linear",
    summary: "linear regression, Bayesian, with the ridge that the evidence chooses; exact on linear systems",
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
    build,
};

fn build(context: &ModelContext, settings: &Settings) -> Result<Box<dyn LearnedModel>> {
    let draws = settings.choice("propagation", &["mean", "draws"])? == 1;
    let lanes = if draws { settings.count("particles", 1)? } else { 1 };
    let noise = draws && settings.bool("noise")?;
    let regressor = Linear { draws, lanes, noise, posterior: None };
    Ok(Box::new(TransitionModel::new(ENTRY.name, context, settings, lanes, !noise, regressor)?))
}

/// Bayesian linear regression.
pub(crate) struct Linear {
    draws: bool,
    lanes: usize,
    noise: bool,
    posterior: Option<Posterior>,
}

/// What the data say of the weights.
struct Posterior {
    inputs: usize,
    targets: usize,
    /// Weights of each lane, `[lane][target][input]`: the mean, or draws.
    weights: Vec<f64>,
    /// Offsets of each lane, `[lane][target]`: zero for the mean.
    offsets: Vec<f64>,
    /// Standard deviation of the noise of each target: the posterior mean of σ², or the lane's draw, `[lane][target]`.
    noise_std: Vec<f64>,
    /// `L⁻¹` of `A = L Lᵀ`, `[input][input, padded]`.
    inverse_factor: Vec<f64>,
    /// Mean over targets of the posterior mean standard deviation, `[1]`, and examples, `[1]`.
    spread: f64,
    examples: f64,
}

/// What one ridge gives.
struct Ridge {
    precision: f64,
    factor: Vec<f64>,
    /// `[target][input]`.
    means: Vec<f64>,
    rates: Vec<f64>,
    evidence: f64,
}

struct Moments {
    inputs: usize,
    count: f64,
    gram: Vec<f64>,
    /// `Xᵀt`, `[target][input]`.
    cross: Vec<f64>,
    /// `tᵀt` of each target.
    squares: Vec<f64>,
}

impl Moments {
    fn of(examples: &Examples<'_>) -> Self {
        let (x, t) = (examples.inputs, examples.targets);
        let (p, q, n) = (x.dims(), t.dims(), x.rows());
        let (mut gram, mut cross) = (vec![0.0; p * p], vec![0.0; q * p]);
        let x_matrix = Matrix::new(x.as_slice(), p, n);
        dense::gemm(1.0, x_matrix, x_matrix.transposed(), 0.0, MatrixMut::new(&mut gram, p, p));
        dense::gemm(1.0, Matrix::new(t.as_slice(), q, n), x_matrix.transposed(), 0.0, MatrixMut::new(&mut cross, q, p));
        let squares = (0..q).map(|dim| dense::dot(t.column(dim), t.column(dim))).collect();
        Self { inputs: p, count: n as f64, gram, cross, squares }
    }

    /// The posterior and the logarithm of the evidence, up to a constant, of a ridge.
    fn ridge(&self, precision: f64) -> Result<Ridge> {
        let p = self.inputs;
        let mut factor = self.gram.clone();
        (0..p).for_each(|i| factor[i * p + i] += precision);
        dense::cholesky(&mut factor, p)?;
        let half_log_ratio = 0.5 * (p as f64 * precision.ln() - dense::log_determinant(&factor, p));
        let mut means = self.cross.clone();
        let mut rates = Vec::with_capacity(self.squares.len());
        let mut evidence = 0.0;
        for ((mean, cross), squares) in means.chunks_exact_mut(p).zip(self.cross.chunks_exact(p)).zip(&self.squares) {
            dense::solve_cholesky(&factor, p, mean);
            // tᵀt − mᵀAm, which is the residual plus λ|m|²; rounding must not take it below zero.
            let rate = PRIOR_RATE + 0.5 * (squares - dense::dot(mean, cross)).max(0.0);
            evidence += half_log_ratio - self.shape() * rate.ln();
            rates.push(rate);
        }
        Ok(Ridge { precision, factor, means, rates, evidence })
    }

    fn shape(&self) -> f64 {
        // One degree of freedom went into the targets' mean.
        PRIOR_SHAPE + 0.5 * (self.count - 1.0)
    }

    /// The ridge of greatest evidence.
    fn best(&self) -> Result<Ridge> {
        let mut best: Option<Ridge> = None;
        for power in RIDGE_POWERS {
            // Without enough ridge, dependent inputs leave no factor.
            let Ok(ridge) = self.ridge(10_f64.powi(power)) else { continue };
            if best.as_ref().is_none_or(|best| ridge.evidence > best.evidence) {
                best = Some(ridge);
            }
        }
        best.ok_or_else(|| Error::Diverged {
            who: "linear".into(),
            why: "no ridge makes the normal equations solvable".into(),
        })
    }
}

impl Linear {
    fn posterior(&self, moments: &Moments, ridge: &Ridge, rng: &mut Rng) -> Posterior {
        let (p, q) = (moments.inputs, ridge.rates.len());
        let shape = moments.shape();
        let variance = |rate: f64| rate / (shape - 1.0).max(0.5);
        let mut inverse = vec![0.0; p * p];
        dense::invert_lower(&ridge.factor, p, &mut inverse);
        let stride = p.next_multiple_of(LANES);
        let mut inverse_factor = vec![0.0; p * stride];
        for (padded, row) in inverse_factor.chunks_exact_mut(stride).zip(inverse.chunks_exact(p)) {
            padded[..p].copy_from_slice(row);
        }
        let mut posterior = Posterior {
            inputs: p,
            targets: q,
            weights: Vec::new(),
            offsets: Vec::new(),
            noise_std: Vec::new(),
            inverse_factor,
            spread: ridge.rates.iter().map(|rate| variance(*rate).sqrt()).sum::<f64>() / q as f64,
            examples: moments.count,
        };
        for _ in 0..self.lanes {
            for (mean, rate) in ridge.means.chunks_exact(p).zip(&ridge.rates) {
                if !self.draws {
                    posterior.weights.extend_from_slice(mean);
                    posterior.offsets.push(0.0);
                    posterior.noise_std.push(variance(*rate).sqrt());
                    continue;
                }
                let std = (rate / gamma(shape, rng)).sqrt();
                let mut draw: Vec<f64> = (0..p).map(|_| std * rng.normal()).collect();
                dense::solve_lower_transposed(&ridge.factor, p, &mut draw);
                posterior.weights.extend(mean.iter().zip(&draw).map(|(mean, draw)| mean + draw));
                posterior.offsets.push(std * rng.normal() / moments.count.sqrt());
                posterior.noise_std.push(std);
            }
        }
        posterior
    }
}

/// A draw from the gamma distribution of that shape and rate 1 (Marsaglia and Tsang, "A Simple Method for Generating Gamma
/// Variables", 2000); the shape is at least 1 for two examples or more.
fn gamma(shape: f64, rng: &mut Rng) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = rng.normal();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && (1.0 - rng.uniform()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// Mean over targets and examples of the squared leave-one-out residual (PRESS), from the leverages `h`: `(t − mᵀx) / (1 − h)`.
fn leave_one_out(examples: &Examples<'_>, ridge: &Ridge) -> (f64, f64) {
    let (x, t, p) = (examples.inputs, examples.targets, examples.inputs.dims());
    let (mut input, mut residuals, mut left_out) = (vec![0.0; p], 0.0, 0.0);
    for i in 0..x.rows() {
        x.copy_row(i, &mut input);
        let errors =
            ridge.means.chunks_exact(p).enumerate().map(|(dim, mean)| t.get(i, dim) - dense::dot(mean, &input));
        let squared: f64 = errors.map(|error| error * error).sum();
        dense::solve_lower(&ridge.factor, p, &mut input);
        let leverage = dense::dot(&input, &input) + 1.0 / x.rows() as f64;
        residuals += squared;
        left_out += squared / (1.0 - leverage).max(1e-6).powi(2);
    }
    let count = (t.rows() * t.dims()) as f64;
    (residuals / count, left_out / count)
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
        let moments = Moments::of(examples);
        let ridge = moments.best()?;
        self.posterior = Some(self.posterior(&moments, &ridge, rng));
        let (training_loss, holdout_mse) = leave_one_out(examples, &ridge);
        Ok(FitReport {
            epochs: 1,
            training_loss,
            holdout_mse,
            note: format!("ridge {:e} by the evidence; held-out error by leave-one-out", ridge.precision),
        })
    }

    fn workspace(&self, places: usize) -> Workspace {
        let (inputs, targets) =
            self.posterior.as_ref().map_or((0, 0), |posterior| (posterior.inputs, posterior.targets));
        Workspace { rows: vec![0.0; inputs.next_multiple_of(LANES) * places], normals: vec![0.0; targets * places] }
    }

    fn predict(&self, question: &Question<'_>, workspace: &mut Workspace, answer: &mut Answer<'_>) {
        let Some(posterior) = &self.posterior else { return };
        let (p, q, rows) = (posterior.inputs, posterior.targets, question.rows);
        for lane in 0..question.lanes {
            for dim in 0..q {
                let target = &mut answer.targets.column_mut(dim)[lane * rows..(lane + 1) * rows];
                target.fill(posterior.offsets[lane * q + dim]);
                for (input, weight) in posterior.weights[(lane * q + dim) * p..][..p].iter().enumerate() {
                    let numbers = &question.inputs.column(input)[lane * rows..(lane + 1) * rows];
                    target.iter_mut().zip(numbers).for_each(|(target, number)| *target += weight * number);
                }
            }
            if self.noise {
                let normals = &mut workspace.normals[..q * rows];
                question.normals(lane, normals);
                for (dim, normals) in normals.chunks_exact(rows).enumerate() {
                    let std = posterior.noise_std[lane * q + dim];
                    let target = &mut answer.targets.column_mut(dim)[lane * rows..(lane + 1) * rows];
                    target.iter_mut().zip(normals).for_each(|(target, normal)| *target += std * f64::from(*normal));
                }
            }
        }
        posterior.epistemic(question.inputs, &mut workspace.rows, answer.epistemic);
    }
}

impl Posterior {
    /// `mean σ · sqrt(xᵀA⁻¹x + 1/N)`, in closed form.
    fn epistemic(&self, inputs: Columns<'_>, rows: &mut [f64], out: &mut [f64]) {
        let stride = self.inputs.next_multiple_of(LANES);
        for (place, row) in rows.chunks_exact_mut(stride).take(inputs.rows()).enumerate() {
            inputs.copy_row(place, &mut row[..self.inputs]);
        }
        dense::squared_norms(&self.inverse_factor, self.inputs, stride, rows, out);
        out.iter_mut().for_each(|variance| *variance = self.spread * (*variance + self.examples.recip()).sqrt());
    }
}

impl Persist for Linear {
    fn save(&self) -> State {
        let mut state = State::new();
        let Some(posterior) = &self.posterior else { return state };
        state.put("shape", Array::U64(vec![posterior.inputs as u64, posterior.targets as u64]));
        let arrays = [
            ("weights", &posterior.weights),
            ("offsets", &posterior.offsets),
            ("noise_std", &posterior.noise_std),
            ("inverse_factor", &posterior.inverse_factor),
        ];
        for (name, array) in arrays {
            state.put(name, Array::F64(vec![array.len()], array.clone()));
        }
        state.put("spread", Array::F64(vec![2], vec![posterior.spread, posterior.examples]));
        state
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        if !state.contains("shape") {
            self.posterior = None;
            return Ok(());
        }
        let shape = saved_shape(state, 2)?;
        let (p, q) = (shape[0], shape[1]);
        let spread = state.f64s("spread", 2)?;
        self.posterior = Some(Posterior {
            inputs: p,
            targets: q,
            weights: state.f64s("weights", self.lanes * q * p)?.to_vec(),
            offsets: state.f64s("offsets", self.lanes * q)?.to_vec(),
            noise_std: state.f64s("noise_std", self.lanes * q)?.to_vec(),
            inverse_factor: state.f64s("inverse_factor", p * p.next_multiple_of(LANES))?.to_vec(),
            spread: spread[0],
            examples: spread[1],
        });
        Ok(())
    }
}
