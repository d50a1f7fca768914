//! The return that a policy is foreseen to have, and its derivatives by the policy's parameters.
//!
//! From the starts' distribution on, step by step, each function's output taken for normal with its exact moments:
//!
//! ```text
//! s ──▶ features o ──▶ action a,    z = (o, a) ──▶ change Δ,    s' = s + Δ
//! Cov(s, z) = S Z,  Z = [A, A V]        Cov(s, Δ) = S Y,  Y = Z W        S' = S + Cov Δ + S Y + (S Y)ᵀ
//! J = Σ_t γ^t c_t E r_t        c_{t+1} = c_t (1 − E end_t)
//! ```
//!
//! with A, V and W the mean derivatives of features, action and change (Deisenroth and Rasmussen, "PILCO: A Model-Based and Data-Efficient Approach to Policy
//! Search", ICML 2011, sections 2.2 to 2.4). Derivatives go back through the same steps, so that they cost about as much as the return, however many
//! parameters there are; the paper carries them along. What is paid is [`Paid`].

use worldwright_core::{Result, RewardFunction};
use worldwright_models::Foresight;
use worldwright_numerics::moments::{
    Gaussian, Moments, RadialTape, add_product, add_product_transposed, add_transposed_product,
};
use worldwright_policies::MomentPolicy;

use super::paid::Paid;
use super::step::{Back, Step};

/// How a policy's return is foreseen, with room for it.
pub(super) struct Foreseen<'m> {
    model: &'m Foresight,
    paid: Paid<'m>,
    discount: f64,
    start: Gaussian,
    steps: Vec<Step>,
    last: Gaussian,
    back: Back,
    room: Room,
    dims: [usize; 3],
}

struct Room {
    square: Vec<f64>,
    wide: Vec<f64>,
    cross: Vec<f64>,
}

impl<'m> Foreseen<'m> {
    /// `horizon` steps from starts like `start`.
    pub(super) fn new(
        model: &'m Foresight,
        reward: Option<&'m dyn RewardFunction>,
        (start, horizon, discount): (Gaussian, usize, f64),
        point_pairs: usize,
    ) -> Result<Self> {
        let changes = model.changes()?;
        let (n, d) = (model.state_dim()?, model.feature_dim());
        let a = changes.dims() - d;
        let step = || Step {
            state: Gaussian::zeros(n),
            features: Moments::zeros(n, d),
            action: Moments::zeros(d, a),
            input: Gaussian::zeros(d + a),
            toward: vec![0.0; n * (d + a)],
            onward: vec![0.0; n * n],
            change: Moments::zeros(d + a, n),
            tape: RadialTape::new(changes),
            alive: 1.0,
            paid: [0.0; 2],
        };
        Ok(Self {
            model,
            paid: Paid::new(model, reward, [n, d, a], point_pairs)?,
            discount,
            start,
            steps: (0..horizon).map(|_| step()).collect(),
            last: Gaussian::zeros(n),
            back: Back {
                state: Gaussian::zeros(n),
                next: Gaussian::zeros(n),
                features: Moments::zeros(n, d),
                action: Moments::zeros(d, a),
                input: Gaussian::zeros(d + a),
                toward: vec![0.0; n * (d + a)],
                change: Moments::zeros(d + a, n),
                with_change: vec![0.0; n * n],
                with_action: vec![0.0; n * a],
            },
            room: Room { square: vec![0.0; n * n], wide: vec![0.0; n * (d + a)], cross: vec![0.0; d * a] },
            dims: [n, d, a],
        })
    }

    /// The return, and its derivatives into `slopes` `[parameters]`.
    pub(super) fn evaluate(&mut self, policy: &mut dyn MomentPolicy, slopes: &mut [f64]) -> Result<f64> {
        let value = self.forth(policy)?;
        self.back(policy)?;
        policy.slopes(slopes);
        Ok(value)
    }

    fn forth(&mut self, policy: &mut dyn MomentPolicy) -> Result<f64> {
        let [n, d, a] = self.dims;
        let (features, changes, mean_change) =
            (self.model.features()?, self.model.changes()?, self.model.mean_change()?);
        let (mut value, mut weight, mut alive) = (0.0, 1.0, 1.0);
        let mut now = self.start.clone();
        for step in &mut self.steps {
            step.alive = alive;
            step.state.clone_from(&now);
            features.moments(&step.state, &mut step.features);
            policy.moments(&step.features.output, &mut step.action);
            // Cov(o, a) = Cov(o) V.
            let cross = &mut self.room.cross;
            cross.fill(0.0);
            add_product(&step.features.output.covariance, &step.action.slope, cross, [d, d, a]);
            let width = d + a;
            step.input.mean[..d].copy_from_slice(&step.features.output.mean);
            step.input.mean[d..].copy_from_slice(&step.action.output.mean);
            for i in 0..d {
                for j in 0..d {
                    step.input.covariance[i * width + j] = step.features.output.covariance[i * d + j];
                }
                for k in 0..a {
                    step.input.covariance[i * width + d + k] = cross[i * a + k];
                    step.input.covariance[(d + k) * width + i] = cross[i * a + k];
                }
            }
            for k in 0..a {
                for l in 0..a {
                    step.input.covariance[(d + k) * width + d + l] = step.action.output.covariance[k * a + l];
                }
            }
            for (row, slope) in step.toward.chunks_exact_mut(width).zip(step.features.slope.chunks_exact(d)) {
                row[..d].copy_from_slice(slope);
                row[d..].fill(0.0);
                add_product(slope, &step.action.slope, &mut row[d..], [1, d, a]);
            }
            changes.moments(&step.input, &mut step.tape, &mut step.change);
            step.onward.fill(0.0);
            add_product(&step.toward, &step.change.slope, &mut step.onward, [n, width, n]);
            let shared = &mut self.room.square;
            shared.fill(0.0);
            add_product(&step.state.covariance, &step.onward, shared, [n, n, n]);
            for i in 0..n {
                now.mean[i] += mean_change[i] + step.change.output.mean[i];
                for j in 0..n {
                    now.covariance[i * n + j] +=
                        step.change.output.covariance[i * n + j] + shared[i * n + j] + shared[j * n + i];
                }
            }
            step.paid = self.paid.expect(step, shared, &now)?;
            value += weight * alive * step.paid[0];
            weight *= self.discount;
            alive *= 1.0 - step.paid[1];
        }
        self.last = now;
        Ok(value)
    }

    fn back(&mut self, policy: &mut dyn MomentPolicy) -> Result<()> {
        let [n, d, a] = self.dims;
        let width = d + a;
        let (features, changes) = (self.model.features()?, self.model.changes()?);
        let back = &mut self.back;
        back.next.clear();
        let mut by_alive = 0.0;
        for t in (0..self.steps.len()).rev() {
            let (before, after) = self.steps.split_at_mut(t + 1);
            let step = &mut before[t];
            let reached = after.first().map_or(&self.last, |step| &step.state);
            back.clear();
            let weight = self.discount.powi(t as i32);
            let by_paid = [weight * step.alive, -step.alive * by_alive];
            by_alive = weight * step.paid[0] + by_alive * (1.0 - step.paid[1]);
            self.paid.pull(step, reached, by_paid, back)?;
            back.next.symmetrise();
            // s' = s + Δ, and S Y stands in S' twice.
            add(&mut back.state.mean, &back.next.mean, 1.0);
            add(&mut back.state.covariance, &back.next.covariance, 1.0);
            add(&mut back.change.output.mean, &back.next.mean, 1.0);
            add(&mut back.change.output.covariance, &back.next.covariance, 1.0);
            add(&mut back.with_change, &back.next.covariance, 2.0);
            // S Y with Y = Z W.
            let (square, wide) = (&mut self.room.square, &mut self.room.wide);
            add_product_transposed(&back.with_change, &step.onward, &mut back.state.covariance, [n, n, n]);
            square.fill(0.0);
            add_product(&step.state.covariance, &back.with_change, square, [n, n, n]);
            add_product_transposed(square, &step.change.slope, &mut back.toward, [n, n, width]);
            add_transposed_product(&step.toward, square, &mut back.change.slope, [width, n, n]);
            // S Z, its part of actions.
            wide[..n * a].fill(0.0);
            add_product(&step.state.covariance, &back.with_action, &mut wide[..n * a], [n, n, a]);
            for i in 0..n {
                for k in 0..a {
                    back.toward[i * width + d + k] += wide[i * a + k];
                    for j in 0..n {
                        back.state.covariance[j * n + i] +=
                            back.with_action[j * a + k] * step.toward[i * width + d + k];
                    }
                }
            }
            changes.pull(&mut step.tape, &back.change, &mut back.input);
            back.input.symmetrise();
            for i in 0..d {
                back.features.output.mean[i] += back.input.mean[i];
                for j in 0..d {
                    back.features.output.covariance[i * d + j] += back.input.covariance[i * width + j];
                }
                for k in 0..a {
                    // Cov(o, a), both of its places.
                    let cross = 2.0 * back.input.covariance[i * width + d + k];
                    for j in 0..d {
                        back.features.output.covariance[i * d + j] += cross * step.action.slope[j * a + k];
                        back.action.slope[j * a + k] += step.features.output.covariance[i * d + j] * cross;
                    }
                }
            }
            for k in 0..a {
                back.action.output.mean[k] += back.input.mean[d + k];
                for l in 0..a {
                    back.action.output.covariance[k * a + l] += back.input.covariance[(d + k) * width + d + l];
                }
            }
            // Z = [A, A V].
            for i in 0..n {
                let (of_features, of_action) = back.toward[i * width..(i + 1) * width].split_at(d);
                let slope = &step.features.slope[i * d..(i + 1) * d];
                for j in 0..d {
                    back.features.slope[i * d + j] += of_features[j];
                    for k in 0..a {
                        back.features.slope[i * d + j] += of_action[k] * step.action.slope[j * a + k];
                        back.action.slope[j * a + k] += slope[j] * of_action[k];
                    }
                }
            }
            policy.pull(&step.features.output, &back.action, &mut back.features.output);
            back.features.output.symmetrise();
            features.pull(&step.state, &back.features, &mut back.state);
            back.state.symmetrise();
            // What a state means is what the next means to the step before.
            std::mem::swap(&mut back.state, &mut back.next);
        }
        Ok(())
    }
}

fn add(to: &mut [f64], from: &[f64], times: f64) {
    to.iter_mut().zip(from).for_each(|(slot, number)| *slot += times * number);
}
