//! One Bayesian linear regression: what the data say of the weights of some targets.

use worldwright_core::{Array, Columns, Error, Result, Rng, State};
use worldwright_numerics::{
    cholesky,
    dense::{self, LANES, Matrix, MatrixMut},
};

use super::products::Products;
use crate::transition::{saved_shape, unfitted};

/// Prior of a noise variance in normalised units: one observation's weight on next to no noise.
const PRIOR_SHAPE: f64 = 0.5;
const PRIOR_RATE: f64 = 0.5e-12;
/// Powers of ten among which the ridge is chosen.
const RIDGE_POWERS: std::ops::RangeInclusive<i32> = -9..=6;

/// What the data say of the weights.
pub(super) struct Posterior {
    /// Inputs as they are given; behind them come the products.
    pub(super) inputs: usize,
    products: Products,
    pub(super) targets: usize,
    /// Weights of each lane, `[lane][target][input and product]`: the mean, or draws.
    weights: Vec<f64>,
    /// Offsets of each lane, `[lane][target]`: zero for the mean.
    offsets: Vec<f64>,
    /// Standard deviation of the noise of each target: the posterior mean of σ², or the lane's draw, `[lane][target]`.
    noise_std: Vec<f64>,
    /// `L⁻¹` of `A = L Lᵀ`, `[input][input, padded]`; empty where there are products, of which nobody asks it.
    inverse_factor: Vec<f64>,
    /// Mean over targets of the posterior mean standard deviation, `[1]`, and examples, `[1]`.
    spread: f64,
    examples: f64,
}

/// How a regression went.
pub(super) struct Fit {
    pub(super) precision: f64,
    /// Mean squared residuals, and those of each example left out of the data.
    pub(super) residuals: f64,
    pub(super) left_out: f64,
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
    fn of(x: Columns<'_>, t: Columns<'_>) -> Self {
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
        cholesky::factor(&mut factor, p)?;
        let half_log_ratio = 0.5 * (p as f64 * precision.ln() - cholesky::log_determinant(&factor, p));
        let mut means = self.cross.clone();
        let mut rates = Vec::with_capacity(self.squares.len());
        let mut evidence = 0.0;
        for ((mean, cross), squares) in means.chunks_exact_mut(p).zip(self.cross.chunks_exact(p)).zip(&self.squares) {
            cholesky::solve(&factor, p, mean);
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

impl Posterior {
    /// Regresses `targets` on `inputs` and on those products of theirs; `draws` are lanes of plausible weights in place of the mean.
    ///
    /// # Errors
    /// [`Error::Diverged`] for equations that no ridge makes solvable.
    pub(super) fn fit(
        inputs: Columns<'_>,
        products: Products,
        targets: Columns<'_>,
        draws: Option<usize>,
        rng: &mut Rng,
    ) -> Result<(Self, Fit)> {
        let expanded = products.expand(inputs);
        let moments = Moments::of(expanded.columns(), targets);
        let ridge = moments.best()?;
        let (residuals, left_out) = leave_one_out(expanded.columns(), targets, &ridge);
        let fit = Fit { precision: ridge.precision, residuals, left_out };
        let (p, q) = (moments.inputs, ridge.rates.len());
        let shape = moments.shape();
        let variance = |rate: f64| rate / (shape - 1.0).max(0.5);
        let mut posterior = Self {
            inputs: inputs.dims(),
            targets: q,
            weights: Vec::new(),
            offsets: Vec::new(),
            noise_std: Vec::new(),
            inverse_factor: if products.len() == 0 { inverse(&ridge.factor, p) } else { Vec::new() },
            spread: ridge.rates.iter().map(|rate| variance(*rate).sqrt()).sum::<f64>() / q as f64,
            examples: moments.count,
            products,
        };
        for _ in 0..draws.unwrap_or(1) {
            for (mean, rate) in ridge.means.chunks_exact(p).zip(&ridge.rates) {
                if draws.is_none() {
                    posterior.weights.extend_from_slice(mean);
                    posterior.offsets.push(0.0);
                    posterior.noise_std.push(variance(*rate).sqrt());
                    continue;
                }
                let std = (rate / gamma(shape, rng)).sqrt();
                let mut draw: Vec<f64> = (0..p).map(|_| std * rng.normal()).collect();
                cholesky::solve_lower_transposed(&ridge.factor, p, &mut draw);
                posterior.weights.extend(mean.iter().zip(&draw).map(|(mean, draw)| mean + draw));
                posterior.offsets.push(std * rng.normal() / moments.count.sqrt());
                posterior.noise_std.push(std);
            }
        }
        Ok((posterior, fit))
    }

    /// Writes what lane `lane` makes of target `target` of `inputs`' rows `span` into `out`.
    pub(super) fn predict(
        &self,
        inputs: Columns<'_>,
        span: std::ops::Range<usize>,
        lane: usize,
        target: usize,
        out: &mut [f64],
    ) {
        let (linear, quadratic) = self.weights_of(lane, target);
        out.fill(self.offsets[lane * self.targets + target]);
        for (input, weight) in linear.iter().enumerate() {
            let numbers = &inputs.column(input)[span.clone()];
            out.iter_mut().zip(numbers).for_each(|(out, number)| *out += weight * number);
        }
        for ((i, j, mean), weight) in self.products.each().zip(quadratic) {
            let both = inputs.column(i)[span.clone()].iter().zip(&inputs.column(j)[span.clone()]);
            out.iter_mut().zip(both).for_each(|(out, (a, b))| *out += weight * (a * b - mean));
        }
    }

    /// Adds the slopes of what a lane makes of a target by the inputs at `input`, `weight` times.
    pub(super) fn add_slopes(&self, input: &[f64], (lane, target): (usize, usize), weight: f64, out: &mut [f64]) {
        let (linear, quadratic) = self.weights_of(lane, target);
        out.iter_mut().zip(linear).for_each(|(out, slope)| *out += weight * slope);
        for ((i, j, _), slope) in self.products.each().zip(quadratic) {
            out[i] += weight * slope * input[j];
            out[j] += weight * slope * input[i];
        }
    }

    /// Adds the second derivatives of what a lane makes of a target, `weight` times, to `out` `[inputs][inputs]`.
    pub(super) fn add_bends(&self, (lane, target): (usize, usize), weight: f64, out: &mut [f64]) {
        let (_, quadratic) = self.weights_of(lane, target);
        for ((i, j, _), slope) in self.products.each().zip(quadratic) {
            out[i * self.inputs + j] += weight * slope;
            out[j * self.inputs + i] += weight * slope;
        }
    }

    /// Weights of the inputs and of their products.
    fn weights_of(&self, lane: usize, target: usize) -> (&[f64], &[f64]) {
        let width = self.inputs + self.products.len();
        let at = lane * self.targets + target;
        self.weights[at * width..(at + 1) * width].split_at(self.inputs)
    }

    /// Standard deviation of a target's noise in a lane.
    pub(super) fn noise_std(&self, lane: usize, target: usize) -> f64 {
        self.noise_std[lane * self.targets + target]
    }

    /// `mean σ · sqrt(xᵀA⁻¹x + 1/N)`, in closed form.
    pub(super) fn epistemic(&self, inputs: Columns<'_>, rows: &mut [f64], out: &mut [f64]) {
        let stride = self.inputs.next_multiple_of(LANES);
        for (place, row) in rows.chunks_exact_mut(stride).take(inputs.rows()).enumerate() {
            inputs.copy_row(place, &mut row[..self.inputs]);
        }
        dense::squared_norms(&self.inverse_factor, self.inputs, stride, rows, out);
        out.iter_mut().for_each(|variance| *variance = self.spread * (*variance + self.examples.recip()).sqrt());
    }

    pub(super) fn save(&self) -> State {
        let mut state = State::new();
        let shape = [self.inputs, self.targets, self.inputs + self.products.len()];
        state.put("shape", Array::U64(shape.iter().map(|n| *n as u64).collect()));
        let arrays = [
            ("weights", &self.weights),
            ("offsets", &self.offsets),
            ("noise_std", &self.noise_std),
            ("inverse_factor", &self.inverse_factor),
        ];
        for (name, array) in arrays {
            state.put(name, Array::F64(vec![array.len()], array.clone()));
        }
        state.put("spread", Array::F64(vec![2], vec![self.spread, self.examples]));
        self.products.save(&mut state);
        state
    }

    /// What was saved of `lanes` lanes; none where nothing was fitted.
    pub(super) fn restore(state: &State, lanes: usize) -> Result<Option<Self>> {
        if unfitted(state) {
            return Ok(None);
        }
        let shape = saved_shape(state, 3)?;
        let (inputs, q, products) = (shape[0], shape[1], shape[2].saturating_sub(shape[0]));
        let padded = if products == 0 { inputs * inputs.next_multiple_of(LANES) } else { 0 };
        let spread = state.f64s("spread", 2)?;
        Ok(Some(Self {
            inputs,
            targets: q,
            weights: state.f64s("weights", lanes * q * (inputs + products))?.to_vec(),
            offsets: state.f64s("offsets", lanes * q)?.to_vec(),
            noise_std: state.f64s("noise_std", lanes * q)?.to_vec(),
            inverse_factor: state.f64s("inverse_factor", padded)?.to_vec(),
            spread: spread[0],
            examples: spread[1],
            products: Products::restore(state, inputs, products)?,
        }))
    }
}

/// `L⁻¹`, rows padded to whole vectors.
fn inverse(factor: &[f64], p: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; p * p];
    cholesky::invert_lower(factor, p, &mut inverse);
    let stride = p.next_multiple_of(LANES);
    let mut padded = vec![0.0; p * stride];
    for (padded, row) in padded.chunks_exact_mut(stride).zip(inverse.chunks_exact(p)) {
        padded[..p].copy_from_slice(row);
    }
    padded
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
fn leave_one_out(x: Columns<'_>, t: Columns<'_>, ridge: &Ridge) -> (f64, f64) {
    let p = x.dims();
    let (mut input, mut residuals, mut left_out) = (vec![0.0; p], 0.0, 0.0);
    for i in 0..x.rows() {
        x.copy_row(i, &mut input);
        let errors =
            ridge.means.chunks_exact(p).enumerate().map(|(dim, mean)| t.get(i, dim) - dense::dot(mean, &input));
        let squared: f64 = errors.map(|error| error * error).sum();
        cholesky::solve_lower(&ridge.factor, p, &mut input);
        let leverage = dense::dot(&input, &input) + 1.0 / x.rows() as f64;
        residuals += squared;
        left_out += squared / (1.0 - leverage).max(1e-6).powi(2);
    }
    let count = (t.rows() * t.dims()) as f64;
    (residuals / count, left_out / count)
}
