//! A linear system with a quadratic cost, whose optimum is known in closed form (Riccati): a measure for models and planners.
//!
//! x' = A x + B u + w, w ~ N(0, σ² I); reward −(xᵀ diag(q) x + uᵀ diag(r) u) of the state before, u clipped to ±`bound`.
//! The default is the double integrator under exact zero-order hold with dt = 0.1, Q = I, R = 0.1, whose infinite-horizon
//! value matrix is [[13.3172244411, 3.2015621187], [3.2015621187, 4.6035140238]]. The known dynamics are those without w.

use worldwright_core::{Error, Parameter, Result, Rng, SettingDefault as D, Settings, Space};

use crate::draw::{Canvas, palette};
use crate::world::{MAX_DIM, Outcome, Spec, World};
use crate::{Made, native, settings};

/// Settings with their defaults.
pub(crate) const PARAMETERS: &[Parameter] = &[
    settings::episode_steps(50),
    settings::ACTION_REPEAT,
    Parameter { name: "a", default: D::Numbers(&[1.0, 0.1, 0.0, 1.0]), summary: "the matrix A, row by row" },
    Parameter { name: "b", default: D::Numbers(&[0.005, 0.1]), summary: "the matrix B, row by row" },
    Parameter { name: "q", default: D::Numbers(&[1.0, 1.0]), summary: "diagonal of the state cost Q" },
    Parameter { name: "r", default: D::Numbers(&[0.1]), summary: "diagonal of the action cost R" },
    Parameter { name: "bound", default: D::Float(10.0), summary: "actions lie within plus and minus this" },
    Parameter { name: "noise_std", default: D::Float(0.0), summary: "standard deviation of the process noise w" },
    Parameter { name: "start_std", default: D::Float(1.0), summary: "standard deviation of the first state" },
    Parameter { name: "dt_secs", default: D::Float(0.1), summary: "seconds a step, for pictures" },
];

/// Builds it.
pub(crate) fn make(settings: &Settings) -> Result<Made> {
    let (q, r) = (settings.numbers("q")?.to_vec(), settings.numbers("r")?.to_vec());
    let (n, m) = (q.len(), r.len());
    for (key, count) in [("q", n), ("r", m)] {
        if count == 0 || count > MAX_DIM {
            return Err(Error::config(format!("linear.{key}"), format!("needs 1 to {MAX_DIM} numbers, got {count}")));
        }
    }
    let matrix = |key: &str, columns: usize| {
        let numbers = settings.numbers(key)?;
        if numbers.len() != n * columns {
            let why = format!("needs {n} × {columns} numbers (q has {n}, r has {m}), got {}", numbers.len());
            return Err(Error::config(format!("linear.{key}"), why));
        }
        Ok(numbers.to_vec())
    };
    let (a, b) = (matrix("a", n)?, matrix("b", m)?);
    for (key, numbers) in [("a", &a), ("b", &b), ("q", &q), ("r", &r)] {
        if numbers.iter().any(|number| !number.is_finite()) {
            return Err(Error::config(format!("linear.{key}"), "every number must be finite"));
        }
    }
    let bound = settings.float("bound", f64::MIN_POSITIVE, f64::MAX)?;
    native::made(
        Linear {
            noise_std: settings.float("noise_std", 0.0, f64::MAX)?,
            start_std: settings.float("start_std", 0.0, f64::MAX)?,
            spec: Spec {
                id: "linear",
                observation_space: Space::unbounded(n),
                action_space: Space::vector(&vec![-bound; m], &vec![bound; m]),
                state_dim: n,
                dt_secs: settings.float("dt_secs", 1e-9, 1e9)?,
                observation_channels: (0..n).map(|i| format!("x{i}")).collect(),
                action_channels: (0..m).map(|i| format!("u{i}")).collect(),
                episode_steps: settings::steps(settings)?,
            },
            a,
            b,
            q,
            r,
            bound,
        },
        settings,
    )
}

struct Linear {
    a: Vec<f64>,
    b: Vec<f64>,
    q: Vec<f64>,
    r: Vec<f64>,
    bound: f64,
    noise_std: f64,
    start_std: f64,
    spec: Spec,
}

impl Linear {
    fn outcome(&self, state: &[f64], action: &[f64]) -> Outcome {
        let state_cost: f64 = self.q.iter().zip(state).map(|(q, x)| q * x * x).sum();
        let action_cost: f64 = self
            .r
            .iter()
            .zip(action)
            .map(|(r, u)| {
                let u = u.clamp(-self.bound, self.bound);
                r * u * u
            })
            .sum();
        Outcome::on(-(state_cost + action_cost))
    }
}

impl World for Linear {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn start(&self, rng: &mut Rng, state: &mut [f64]) {
        state.fill_with(|| self.start_std * rng.normal());
    }

    fn advance(&self, state: &[f64], action: &[f64], next: &mut [f64]) -> Outcome {
        let (n, m) = (self.q.len(), self.r.len());
        for (i, slot) in next.iter_mut().enumerate() {
            let drift: f64 = self.a[i * n..(i + 1) * n].iter().zip(state).map(|(a, x)| a * x).sum();
            let push: f64 =
                self.b[i * m..(i + 1) * m].iter().zip(action).map(|(b, u)| b * u.clamp(-self.bound, self.bound)).sum();
            *slot = drift + push;
        }
        self.outcome(state, action)
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }

    fn invert(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        state.copy_from_slice(observation);
        Ok(())
    }

    fn judge(&self, observation: &[f64], action: &[f64], _next: &[f64]) -> Outcome {
        self.outcome(observation, action)
    }

    fn disturb(&self, rng: &mut Rng, state: &mut [f64]) {
        if self.noise_std > 0.0 {
            state.iter_mut().for_each(|x| *x += self.noise_std * rng.normal());
        }
    }

    fn draw(&self, state: &[f64], _action: &[f64], canvas: &mut Canvas) {
        // One bar a state, from the zero line, on a scale that squeezes large numbers: ±3 fills the picture's half to 3/4.
        canvas.view([0.0, 0.0], 2.4);
        let wide = canvas.half_width();
        let pitch = 2.0 * wide / (state.len() + 1) as f64;
        for (i, x) in state.iter().enumerate() {
            let height = x / (1.0 + x.abs());
            let colour = if i % 2 == 0 { palette::BODY } else { palette::EFFECTOR };
            let at = -wide + pitch * (i + 1) as f64;
            canvas.rectangle([at, height / 2.0], [0.25 * pitch, (height / 2.0).abs()], colour);
        }
        canvas.capsule([-wide, 0.0], [wide, 0.0], 0.01, palette::INK);
    }
}
