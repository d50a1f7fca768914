//! Linear-quadratic-Gaussian control: a stationary Kalman filter under a stationary regulator.
//!
//! For `x' = A x + B u + w`, `y = C x + v` with covariances W and V, the best control of the cost `½ xᵀQx + ½ uᵀRu` is `u = K x̂` with
//! the regulator's K and the filter's estimate x̂ (Åström, "Introduction to Stochastic Control Theory", 1970, chapter 8):
//!
//! ```text
//! x̂ ← x̂ + L (y − C x̂)    L = Σ Cᵀ (C Σ Cᵀ + V)⁻¹    Σ = A Σ Aᵀ + W − A Σ Cᵀ (C Σ Cᵀ + V)⁻¹ C Σ Aᵀ
//! ```
//!
//! The filter's equation is the regulator's with `Aᵀ, Cᵀ, W, V`. A step costs `½ (tr P W + tr Σ⁺ Kᵀ (R + BᵀPB) K)` on average, where
//! `Σ⁺ = Σ − L C Σ` is the covariance after an observation.

use worldwright_core::{Error, Result};

use super::dense::{Part, add_product, mirror, product, transpose};
use super::linear_quadratic::LinearQuadratic;
use super::riccati::Regulator;

/// A system that is disturbed and seen through noise, matrices column after column.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// C, o × n.
    pub c: Vec<f64>,
    /// W, n × n: the covariance of the disturbance.
    pub disturbance: Vec<f64>,
    /// V, o × o: the covariance of the noise.
    pub noise: Vec<f64>,
}

/// The controller with its estimate.
#[derive(Debug, Clone)]
pub struct Lqg {
    problem: LinearQuadratic,
    observed: Observed,
    regulator: Regulator,
    /// `[n][n]`, Σ before and Σ⁺ after an observation.
    prior: Vec<f64>,
    posterior: Vec<f64>,
    /// `[o columns][n]`, L.
    gain: Vec<f64>,
    estimate: Vec<f64>,
    innovation: Vec<f64>,
    next: Vec<f64>,
}

impl Lqg {
    /// The stationary controller; the estimate is zero. Drift, linear costs and the final cost of `problem` do not count.
    ///
    /// # Errors
    /// [`Error::Shape`] for matrices that do not fit, [`Error::Config`] where no control or no observation keeps the state bounded.
    pub fn new(problem: LinearQuadratic, observed: Observed) -> Result<Self> {
        problem.check()?;
        let (n, m) = (problem.drift.len(), problem.r_linear.len());
        let o = observed.c.len() / n.max(1);
        for (name, matrix, rows, columns) in
            [("C", &observed.c, o, n), ("W", &observed.disturbance, n, n), ("V", &observed.noise, o, o)]
        {
            if matrix.len() != rows * columns {
                return Err(Error::shape(name, &[rows, columns], &[matrix.len()]));
            }
        }
        let mut problem = problem;
        problem.drift.fill(0.0);
        problem.q_linear.fill(0.0);
        problem.r_linear.fill(0.0);
        let mut regulator = Regulator::new(n, m);
        if !regulator.solve(&problem, 1.0) {
            return Err(Error::config(
                "problem",
                "no control keeps its cost finite: R must be positive definite and (A, B) stabilisable",
            ));
        }
        let mut dual = LinearQuadratic::zeros(n, o, 1);
        transpose(n, n, &problem.a, &mut dual.a);
        transpose(o, n, &observed.c, &mut dual.b);
        dual.q.copy_from_slice(&observed.disturbance);
        dual.r.copy_from_slice(&observed.noise);
        let mut filter = Regulator::new(n, o);
        if !filter.solve(&dual, 1.0) {
            return Err(Error::config(
                "observed",
                "no filter keeps its error bounded: V must be positive definite and (A, C) detectable",
            ));
        }
        let (gain, posterior) = correct(n, o, &filter.cost_to_go, &observed)?;
        Ok(Self {
            problem,
            observed,
            regulator,
            prior: filter.cost_to_go,
            posterior,
            gain,
            estimate: vec![0.0; n],
            innovation: vec![0.0; o],
            next: vec![0.0; n],
        })
    }

    /// The regulator.
    pub fn regulator(&self) -> &Regulator {
        &self.regulator
    }

    /// `[o columns][n]`, L.
    pub fn filter_gain(&self) -> &[f64] {
        &self.gain
    }

    /// `[n][n]`, the covariance of the estimate before and after an observation.
    pub fn covariances(&self) -> (&[f64], &[f64]) {
        (&self.prior, &self.posterior)
    }

    /// x̂, `[n]`.
    pub fn estimate(&self) -> &[f64] {
        &self.estimate
    }

    /// Sets the estimate.
    pub fn estimate_mut(&mut self) -> &mut [f64] {
        &mut self.estimate
    }

    /// Corrects the estimate by an observation `[o]`, writes the control `[m]` and predicts the next estimate.
    pub fn control(&mut self, observation: &[f64], out: &mut [f64]) {
        self.innovation.fill(0.0);
        add_product::<false>(&self.observed.c, &self.estimate, &mut self.innovation);
        self.innovation.iter_mut().zip(observation).for_each(|(slot, seen)| *slot = seen - *slot);
        add_product::<false>(&self.gain, &self.innovation, &mut self.estimate);
        out.fill(0.0);
        add_product::<false>(&self.regulator.feedback, &self.estimate, out);
        self.next.fill(0.0);
        add_product::<false>(&self.problem.a, &self.estimate, &mut self.next);
        add_product::<false>(&self.problem.b, out, &mut self.next);
        std::mem::swap(&mut self.estimate, &mut self.next);
    }

    /// What a step costs on average.
    pub fn average_cost(&self) -> f64 {
        let (n, m) = (self.problem.drift.len(), self.problem.r_linear.len());
        let p = &self.regulator.cost_to_go;
        // Kᵀ (R + BᵀPB) K, by way of P B and its product with Bᵀ.
        let (mut pb, mut bt, mut quu) = (vec![0.0; n * m], vec![0.0; n * m], vec![0.0; m * m]);
        product::<false>((n, n, m), None, p, &self.problem.b, Part::All, &mut pb);
        transpose(n, m, &self.problem.b, &mut bt);
        product::<false>((m, n, m), Some(&self.problem.r), &bt, &pb, Part::All, &mut quu);
        let (mut qk, mut kt, mut spent) = (vec![0.0; n * m], vec![0.0; n * m], vec![0.0; n * n]);
        product::<false>((m, m, n), None, &quu, &self.regulator.feedback, Part::All, &mut qk);
        transpose(m, n, &self.regulator.feedback, &mut kt);
        product::<false>((n, m, n), None, &kt, &qk, Part::All, &mut spent);
        let trace = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        0.5 * (trace(p, &self.observed.disturbance) + trace(&self.posterior, &spent))
    }
}

/// L and Σ⁺ from Σ.
fn correct(n: usize, o: usize, prior: &[f64], observed: &Observed) -> Result<(Vec<f64>, Vec<f64>)> {
    let (mut ct, mut gain, mut seen) = (vec![0.0; n * o], vec![0.0; n * o], vec![0.0; o * o]);
    transpose(o, n, &observed.c, &mut ct);
    product::<false>((n, n, o), None, prior, &ct, Part::All, &mut gain);
    product::<false>((o, n, o), Some(&observed.noise), &observed.c, &gain, Part::All, &mut seen);
    let mut covered = vec![0.0; n * o];
    transpose(n, o, &gain, &mut covered);
    mirror(o, &mut seen);
    if !super::dense::factor::<false>(o, &mut seen) {
        return Err(Error::config("observed", "V must be positive definite"));
    }
    super::dense::solve_right::<false>(o, n, &seen, &mut gain);
    let mut posterior = vec![0.0; n * n];
    product::<false>((n, o, n), None, &gain, &covered, Part::All, &mut posterior);
    posterior.iter_mut().zip(prior).for_each(|(slot, before)| *slot = before - *slot);
    Ok((gain, posterior))
}
