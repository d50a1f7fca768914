//! A linear system with a quadratic cost, whose optimum is known in closed form (Riccati): a measure for models and planners.
//!
//! x' = A x + B u + w, w ~ N(0, σ² I); reward −(xᵀ diag(q) x + uᵀ diag(r) u) of the state before, u clipped to ±`bound`.
//! The default is the double integrator under exact zero-order hold with dt = 0.1, Q = I, R = 0.1, whose infinite-horizon
//! value matrix is [[13.3172244411, 3.2015621187], [3.2015621187, 4.6035140238]]. The known dynamics are those without w.
//!
//! With a matrix C it shows y = C x + v, v ~ N(0, s² I), instead of its state. What is known of the state is then a Gaussian belief, kept by the
//! Kalman filter (Kalman 1960); to plan from its mean as if it were the state is optimal (certainty equivalence).

use worldwright_core::{Error, Filter, Parameter, Result, Rng, SettingDefault as D, Settings, Space};

use crate::draw::{Canvas, palette};
use crate::world::{MAX_DIM, Outcome, Spec, World};
use crate::{Made, native, settings};

/// Settings with their defaults.
pub(crate) const PARAMETERS: &[Parameter] = &[
    settings::episode_steps(50),
    settings::ACTION_REPEAT,
    settings::HIDDEN,
    Parameter { name: "a", default: D::Numbers(&[1.0, 0.1, 0.0, 1.0]), summary: "the matrix A, row by row" },
    Parameter { name: "b", default: D::Numbers(&[0.005, 0.1]), summary: "the matrix B, row by row" },
    Parameter { name: "q", default: D::Numbers(&[1.0, 1.0]), summary: "diagonal of the state cost Q" },
    Parameter { name: "r", default: D::Numbers(&[0.1]), summary: "diagonal of the action cost R" },
    Parameter { name: "bound", default: D::Float(10.0), summary: "actions lie within plus and minus this" },
    Parameter { name: "noise_std", default: D::Float(0.0), summary: "standard deviation of the process noise w" },
    Parameter { name: "start_std", default: D::Float(1.0), summary: "standard deviation of the first state" },
    Parameter {
        name: "c",
        default: D::Numbers(&[]),
        summary: "the matrix C of what is seen, row by row, a row a measurement; none shows the state itself",
    },
    Parameter {
        name: "measurement_std",
        default: D::Float(0.0),
        summary: "standard deviation of the noise v of what is seen; more than 0 where there is a matrix C",
    },
    Parameter { name: "dt_secs", default: D::Float(0.1), summary: "seconds a step, for pictures" },
];

/// Builds it.
pub(crate) fn make(settings: &Settings) -> Result<Made> {
    let (q, r) = (settings.numbers("q")?.to_vec(), settings.numbers("r")?.to_vec());
    let (n, m) = (q.len(), r.len());
    for (key, count) in [("q", n), ("r", m)] {
        if count == 0 || count > MAX_DIM {
            return Err(Error::config(key, format!("needs 1 to {MAX_DIM} numbers, got {count}")));
        }
    }
    let matrix = |key: &str, columns: usize| {
        let numbers = settings.numbers(key)?;
        if numbers.len() != n * columns {
            let why = format!("needs {n} × {columns} numbers (q has {n}, r has {m}), got {}", numbers.len());
            return Err(Error::config(key, why));
        }
        Ok(numbers.to_vec())
    };
    let (a, b) = (matrix("a", n)?, matrix("b", m)?);
    for (key, numbers) in [("a", &a), ("b", &b), ("q", &q), ("r", &r)] {
        if numbers.iter().any(|number| !number.is_finite()) {
            return Err(Error::config(key, "every number must be finite"));
        }
    }
    let bound = settings.float("bound", f64::MIN_POSITIVE, f64::MAX)?;
    let noise_std = settings.float("noise_std", 0.0, f64::MAX)?;
    let start_std = settings.float("start_std", 0.0, f64::MAX)?;
    let kalman = kalman(settings, &a, &b, [noise_std, start_std], bound)?;
    let seen = kalman.as_ref().map_or(n, |kalman| kalman.c.len() / n);
    let partial = kalman.is_some();
    let mut made = native::made(
        Linear {
            noise_std,
            start_std,
            kalman,
            spec: Spec {
                id: "linear",
                observation_space: Space::unbounded(seen),
                action_space: Space::vector(&vec![-bound; m], &vec![bound; m]),
                state_dim: n,
                dt_secs: settings.float("dt_secs", 1e-9, 1e9)?,
                observation_channels: (0..seen).map(|i| format!("{}{i}", if partial { "y" } else { "x" })).collect(),
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
    )?;
    if partial {
        // What a step pays depends on what is not seen.
        made.reward = None;
    }
    Ok(made)
}

/// The filter of a world that shows `C x + v`, if it is one.
fn kalman(
    settings: &Settings,
    a: &[f64],
    b: &[f64],
    [noise_std, start_std]: [f64; 2],
    bound: f64,
) -> Result<Option<Kalman>> {
    let (c, measurement_std) = (settings.numbers("c")?.to_vec(), settings.float("measurement_std", 0.0, f64::MAX)?);
    let n = a.len().isqrt();
    if c.is_empty() {
        if measurement_std > 0.0 {
            return Err(Error::config("measurement_std", "needs c, the matrix of what is measured"));
        }
        return Ok(None);
    }
    if !c.len().is_multiple_of(n) || c.len() / n > MAX_DIM || c.iter().any(|number| !number.is_finite()) {
        let why = format!("needs rows of {n} finite numbers, at most {MAX_DIM} rows, got {} numbers", c.len());
        return Err(Error::config("c", why));
    }
    if measurement_std == 0.0 {
        return Err(Error::config("measurement_std", "must be more than 0 where c is given"));
    }
    Ok(Some(Kalman {
        a: a.to_vec(),
        b: b.to_vec(),
        c,
        bound,
        noise_variance: noise_std * noise_std,
        start_variance: start_std * start_std,
        measurement_variance: measurement_std * measurement_std,
    }))
}

/// The Kalman filter of a linear system (Kalman 1960): a mean `[n]` and a covariance `[n][n]`.
///
/// Measurement noise is independent between measurements, so that they are taken in one by one: each is a division, no matrix is inverted.
struct Kalman {
    a: Vec<f64>,
    b: Vec<f64>,
    c: Vec<f64>,
    bound: f64,
    noise_variance: f64,
    start_variance: f64,
    measurement_variance: f64,
}

impl Filter for Kalman {
    fn spread_dim(&self) -> usize {
        self.a.len()
    }

    fn begin(&self, mean: &mut [f64], spread: &mut [f64]) {
        let n = mean.len();
        mean.fill(0.0);
        spread.fill(0.0);
        (0..n).for_each(|i| spread[i * n + i] = self.start_variance);
    }

    /// `m ← A m + B u`, `P ← A P Aᵀ + W`.
    fn predict(&self, mean: &mut [f64], spread: &mut [f64], action: &[f64]) {
        let n = mean.len();
        let mut moved = [0.0; MAX_DIM];
        drift(&self.a, &self.b, mean, action, self.bound, &mut moved[..n]);
        mean.copy_from_slice(&moved[..n]);
        let mut left = [0.0; MAX_DIM * MAX_DIM];
        for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
            left[i * n + j] = (0..n).map(|k| self.a[i * n + k] * spread[k * n + j]).sum();
        }
        for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
            let both: f64 = (0..n).map(|k| left[i * n + k] * self.a[j * n + k]).sum();
            spread[i * n + j] = both + if i == j { self.noise_variance } else { 0.0 };
        }
    }

    /// For each measurement `g = P c`, `m ← m + g (y − cᵀ m) / s`, `P ← P − g gᵀ / s` with `s = cᵀ P c + v`.
    fn correct(&self, mean: &mut [f64], spread: &mut [f64], observation: &[f64]) {
        let n = mean.len();
        for (c, seen) in self.c.chunks_exact(n).zip(observation) {
            let mut gain = [0.0; MAX_DIM];
            for (i, gain) in gain[..n].iter_mut().enumerate() {
                *gain = spread[i * n..(i + 1) * n].iter().zip(c).map(|(p, c)| p * c).sum();
            }
            let variance: f64 = self.measurement_variance + gain.iter().zip(c).map(|(g, c)| g * c).sum::<f64>();
            let surprise = seen - mean.iter().zip(c).map(|(m, c)| m * c).sum::<f64>();
            for i in 0..n {
                mean[i] += gain[i] * surprise / variance;
                (0..n).for_each(|j| spread[i * n + j] -= gain[i] * gain[j] / variance);
            }
        }
    }
}

/// `A x + B u` with actions within their bounds.
fn drift(a: &[f64], b: &[f64], state: &[f64], action: &[f64], bound: f64, next: &mut [f64]) {
    let (n, m) = (state.len(), action.len());
    for (i, slot) in next.iter_mut().enumerate() {
        let drift: f64 = a[i * n..(i + 1) * n].iter().zip(state).map(|(a, x)| a * x).sum();
        let push: f64 = b[i * m..(i + 1) * m].iter().zip(action).map(|(b, u)| b * u.clamp(-bound, bound)).sum();
        *slot = drift + push;
    }
}

struct Linear {
    a: Vec<f64>,
    b: Vec<f64>,
    q: Vec<f64>,
    r: Vec<f64>,
    bound: f64,
    noise_std: f64,
    start_std: f64,
    /// Where it does not show its state.
    kalman: Option<Kalman>,
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
        drift(&self.a, &self.b, state, action, self.bound, next);
        self.outcome(state, action)
    }

    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        match &self.kalman {
            None => observation.copy_from_slice(state),
            Some(kalman) => {
                for (slot, c) in observation.iter_mut().zip(kalman.c.chunks_exact(state.len())) {
                    *slot = c.iter().zip(state).map(|(c, x)| c * x).sum();
                }
            }
        }
    }

    fn measure(&self, rng: &mut Rng, state: &[f64], observation: &mut [f64]) {
        self.observe(state, observation);
        if let Some(kalman) = &self.kalman {
            let std = kalman.measurement_variance.sqrt();
            observation.iter_mut().for_each(|seen| *seen += std * rng.normal());
        }
    }

    fn filter(&self) -> Option<&dyn Filter> {
        self.kalman.as_ref().map(|kalman| kalman as _)
    }

    fn invert(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        if self.kalman.is_some() {
            return Err(Error::unsupported(
                "linear",
                "the state of an observation: what is seen does not determine it",
            ));
        }
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
