//! The linear-quadratic problem as a world model: every planner's answer can be held against Riccati's.
//!
//! Reward `−(xᵀQx + uᵀRu)` on the old state. On request: members with perturbed dynamics, process noise, a quadratic terminal
//! value, the optimal feedback as a policy prior, and a half-space that the next state must stay in.

use worldwright_core::{Key, ModelSpec, Space};

use crate::dynamics::{Dynamics, LaneAction, Outcome, Place, plain_spec};
use crate::lqr::Problem;
use crate::matrix::Matrix;

/// A linear-quadratic world.
#[derive(Debug, Clone)]
pub struct LinearQuadratic {
    problem: Problem,
    spec: ModelSpec,
    /// Each member's factor on B.
    input_scales: Vec<f64>,
    noise_std: f64,
    terminal: Option<Matrix>,
    prior: Option<(Matrix, f64)>,
    half_space: Option<(Vec<f64>, f64)>,
}

impl LinearQuadratic {
    /// The exact, undisturbed world of `problem`, its actions within ± `bound` (which may be infinite).
    pub fn new(problem: Problem, bound: f64) -> Self {
        let actions = problem.b.columns();
        let controls = Space::vector(&vec![-bound; actions], &vec![bound; actions]);
        let spec = plain_spec("linear-quadratic", problem.a.rows(), controls);
        let input_scales = vec![1.0];
        Self { problem, spec, input_scales, noise_std: 0.0, terminal: None, prior: None, half_space: None }
    }

    /// Lanes that differ in how strongly actions work. Their spread is told as epistemic.
    #[must_use]
    pub fn with_members(mut self, input_scales: &[f64]) -> Self {
        self.spec.members = input_scales.len();
        self.spec.capabilities.beliefs = input_scales.len() > 1;
        self.input_scales = input_scales.to_vec();
        self
    }

    /// Adds normal noise of this standard deviation to each state dimension at each step.
    #[must_use]
    pub fn with_noise(mut self, std: f64) -> Self {
        self.spec.deterministic = std == 0.0;
        self.noise_std = std;
        self
    }

    /// The value `−xᵀPx` at the end.
    #[must_use]
    pub fn with_value(mut self, p: Matrix) -> Self {
        self.spec.capabilities.value = true;
        self.terminal = Some(p);
        self
    }

    /// The prior policy `−Kx` with this standard deviation.
    #[must_use]
    pub fn with_prior(mut self, k: Matrix, std: f64) -> Self {
        self.spec.capabilities.prior = true;
        self.prior = Some((k, std));
        self
    }

    /// The constraint `normal · x' ≤ offset`.
    #[must_use]
    pub fn with_half_space(mut self, normal: &[f64], offset: f64) -> Self {
        self.spec.constraints = 1;
        self.half_space = Some((normal.to_vec(), offset));
        self
    }
}

impl Dynamics for LinearQuadratic {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn advance(
        &self,
        place: Place,
        state: &mut [f64],
        next: &mut [f64],
        action: LaneAction<'_>,
        key: Key,
        out: &mut Outcome<'_>,
    ) {
        let LaneAction::Numbers(u) = action else {
            out.reward = f64::NAN;
            return;
        };
        let Problem { a, b, q, r, discount } = &self.problem;
        let quadratic = |matrix: &Matrix, x: &[f64]| -> f64 {
            (0..x.len()).map(|i| x[i] * (0..x.len()).map(|j| matrix.get(i, j) * x[j]).sum::<f64>()).sum()
        };
        out.reward = -(quadratic(q, state) + quadratic(r, u));
        out.continuation = *discount;
        let mut rng = (self.noise_std > 0.0).then(|| key.fold(place.row as u64).fold(place.lane as u64).rng());
        for (i, slot) in next.iter_mut().enumerate() {
            let drift: f64 = (0..u.len()).map(|j| b.get(i, j) * u[j]).sum();
            *slot =
                (0..state.len()).map(|j| a.get(i, j) * state[j]).sum::<f64>() + self.input_scales[place.lane] * drift;
            if let Some(rng) = &mut rng {
                *slot += self.noise_std * rng.normal();
            }
        }
        state.copy_from_slice(next);
        let mean_scale = self.input_scales.iter().sum::<f64>() / self.input_scales.len() as f64;
        let variance = self.input_scales.iter().map(|scale| (scale - mean_scale).powi(2)).sum::<f64>();
        let size = u.iter().map(|u| u.abs()).sum::<f64>();
        out.epistemic = (variance / self.input_scales.len() as f64).sqrt() * size;
        if let Some((normal, offset)) = &self.half_space {
            out.constraints[0] = normal.iter().zip(&*state).map(|(a, b)| a * b).sum::<f64>() - offset;
        }
    }

    fn value(&self, state: &[f64]) -> f64 {
        let Some(p) = &self.terminal else { return 0.0 };
        let n = state.len();
        -(0..n).map(|i| state[i] * (0..n).map(|j| p.get(i, j) * state[j]).sum::<f64>()).sum::<f64>()
    }

    fn prior(&self, state: &[f64], mean: &mut [f64], std: &mut [f64]) {
        let Some((k, spread)) = &self.prior else { return };
        for (i, slot) in mean.iter_mut().enumerate() {
            *slot = -(0..state.len()).map(|j| k.get(i, j) * state[j]).sum::<f64>();
        }
        std.fill(*spread);
    }
}
