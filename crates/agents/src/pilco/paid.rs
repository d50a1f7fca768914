//! What a step is expected to pay, and how likely it ends the task, where states and actions are normally distributed.
//!
//! A reward that is a bell has a closed form, and so has one that a Gaussian process learned. Of any other function the mean is taken over fixed points that are
//! spread like (s, a, s') together; its derivative at a point is a difference over a tenth of the spread either way, so that steps of a reward, and where a task
//! ends, have slopes too.

use worldwright_core::{Actions, Batch, Bell, Error, Result, RewardFunction, Transitions};
use worldwright_models::Foresight;
use worldwright_numerics::moments::{
    Gaussian, Moments, Points, RadialTape, Sines, add_product, add_product_transposed, add_transposed_product,
    expect_bell,
};

use super::step::{Back, Step};

/// How far differences reach, in deviations.
const REACH: f64 = 0.1;

/// How rewards are expected.
pub(super) struct Paid<'m> {
    form: Form<'m>,
    /// S, D, A.
    dims: [usize; 3],
}

enum Form<'m> {
    Bell { bell: Bell, observe: &'m Sines, seen: Moments, by_seen: Moments },
    Learned { model: &'m Foresight, tape: Box<RadialTape>, reward: Moments, by_reward: Moments },
    Points(Box<Sampled<'m>>),
}

impl<'m> Paid<'m> {
    /// The form of `reward`, or of the model's where there is none.
    pub(super) fn new(
        model: &'m Foresight,
        reward: Option<&'m dyn RewardFunction>,
        [n, d, a]: [usize; 3],
        point_pairs: usize,
    ) -> Result<Self> {
        let observe = model.observation()?;
        let form = match (reward, model.reward()?) {
            (Some(function), _) => match function.bell() {
                Some(bell) => {
                    let seen = Moments::zeros(n, observe.outputs());
                    Form::Bell { bell, observe, by_seen: seen.clone(), seen }
                }
                None => Form::Points(Box::new(Sampled::new(function, observe, [n, a], point_pairs))),
            },
            (None, Some((learned, _))) => {
                let reward = Moments::zeros(d + a, 1);
                Form::Learned { model, tape: Box::new(RadialTape::new(learned)), by_reward: reward.clone(), reward }
            }
            (None, None) => return Err(Error::config("reward", "is neither known nor learned")),
        };
        Ok(Self { form, dims: [n, d, a] })
    }

    /// The expected reward of a step to `next`, and the chance that the task ends there. `shared` is `Cov(s, Δ)`.
    pub(super) fn expect(&mut self, step: &Step, shared: &[f64], next: &Gaussian) -> Result<[f64; 2]> {
        match &mut self.form {
            Form::Bell { bell, observe, seen, by_seen } => {
                observe.moments(next, seen);
                Ok([expect_bell(&seen.output, &bell.target, &bell.precision, 0.0, &mut by_seen.output), 0.0])
            }
            Form::Learned { model, tape, reward, .. } => {
                let Some((learned, mean)) = model.reward()? else { return Ok([0.0; 2]) };
                learned.means(&step.input, tape, reward);
                Ok([mean + reward.output.mean[0], 0.0])
            }
            Form::Points(sampled) => {
                sampled.join(step, shared, next, self.dims);
                Ok(sampled.mean())
            }
        }
    }

    /// Adds to `back` what `by` of the expected reward and the chance of an end mean.
    pub(super) fn pull(&mut self, step: &Step, next: &Gaussian, by: [f64; 2], back: &mut Back) -> Result<()> {
        match &mut self.form {
            Form::Bell { bell, observe, seen, by_seen } => {
                observe.moments(next, seen);
                by_seen.clear();
                expect_bell(&seen.output, &bell.target, &bell.precision, by[0], &mut by_seen.output);
                observe.pull(next, by_seen, &mut back.next);
            }
            Form::Learned { model, tape, reward, by_reward } => {
                let Some((learned, _)) = model.reward()? else { return Ok(()) };
                learned.means(&step.input, tape, reward);
                by_reward.output.mean[0] = by[0];
                learned.pull_means(tape, by_reward, &mut back.input);
            }
            Form::Points(sampled) => {
                let n = self.dims[0];
                let mut shared = vec![0.0; n * n];
                add_product(&step.state.covariance, &step.onward, &mut shared, [n, n, n]);
                sampled.join(step, &shared, next, self.dims);
                sampled.pull(step, by, self.dims, back);
            }
        }
        Ok(())
    }
}

/// A reward of which nothing is known, over points of (s, a, s').
struct Sampled<'m> {
    function: &'m dyn RewardFunction,
    observe: &'m Sines,
    points: Points,
    joint: Gaussian,
    /// `[P][2S + A]`
    at: Vec<f64>,
    /// What the function is told, and says: a row a point.
    seen: Batch,
    done: Batch,
    seen_after: Batch,
    reward: Vec<f64>,
    ends: Vec<bool>,
    slopes: Vec<f64>,
    flat: Vec<f64>,
}

impl<'m> Sampled<'m> {
    fn new(function: &'m dyn RewardFunction, observe: &'m Sines, [n, a]: [usize; 2], pairs: usize) -> Self {
        let points = Points::new(2 * n + a, pairs);
        let (count, width) = (points.count(), observe.outputs());
        Self {
            function,
            observe,
            joint: Gaussian::zeros(2 * n + a),
            at: vec![0.0; count * (2 * n + a)],
            seen: Batch::zeros(width, count),
            done: Batch::zeros(a, count),
            seen_after: Batch::zeros(width, count),
            reward: vec![0.0; count],
            ends: vec![false; count],
            slopes: vec![0.0; count * (2 * n + a)],
            flat: vec![0.0; width],
            points,
        }
    }

    /// The distribution of (s, a, s') and its points.
    fn join(&mut self, step: &Step, shared: &[f64], next: &Gaussian, [n, d, a]: [usize; 3]) {
        let (width, all) = (d + a, 2 * n + a);
        let joint = &mut self.joint;
        joint.mean[..n].copy_from_slice(&step.state.mean);
        joint.mean[n..n + a].copy_from_slice(&step.input.mean[d..]);
        joint.mean[n + a..].copy_from_slice(&next.mean);
        let mut put = |i: usize, j: usize, number: f64| {
            joint.covariance[i * all + j] = number;
            joint.covariance[j * all + i] = number;
        };
        // Cov(s, a) = S Z, and Cov(a, Δ) = Cov(a, z) W.
        let mut with_action = vec![0.0; n * a];
        for i in 0..n {
            for k in 0..a {
                let terms = (0..n).map(|j| step.state.covariance[i * n + j] * step.toward[j * width + d + k]);
                with_action[i * a + k] = terms.sum();
            }
        }
        for i in 0..n {
            for j in 0..n {
                put(i, j, step.state.covariance[i * n + j]);
                put(n + a + i, n + a + j, next.covariance[i * n + j]);
                put(i, n + a + j, step.state.covariance[i * n + j] + shared[i * n + j]);
            }
            for k in 0..a {
                put(i, n + k, with_action[i * a + k]);
                let row = &step.input.covariance[(d + k) * width..(d + k + 1) * width];
                let change: f64 = (0..width).map(|j| row[j] * step.change.slope[j * n + i]).sum();
                put(n + k, n + a + i, with_action[i * a + k] + change);
            }
        }
        for k in 0..a {
            (0..a).for_each(|l| put(n + k, n + l, step.input.covariance[(d + k) * width + d + l]));
        }
        self.at.copy_from_slice(self.points.spread(&self.joint));
    }

    /// Has the function judge all points, with number `moved` of each moved by so much.
    fn judge(&mut self, moved: usize, by: f64) {
        let (all, a) = (self.joint.dims(), self.done.dims());
        let n = (all - a) / 2;
        for (row, at) in self.at.chunks_exact_mut(all).enumerate() {
            let kept = at[moved];
            at[moved] += by;
            self.observe.at(&at[..n], &mut self.flat);
            self.seen.columns_mut().set_row(row, &self.flat);
            self.done.columns_mut().set_row(row, &at[n..n + a]);
            self.observe.at(&at[n + a..], &mut self.flat);
            self.seen_after.columns_mut().set_row(row, &self.flat);
            at[moved] = kept;
        }
        let transitions = Transitions {
            observations: self.seen.columns(),
            actions: Actions::Continuous(self.done.columns()),
            next_observations: self.seen_after.columns(),
        };
        self.function.evaluate(transitions, &mut self.reward, &mut self.ends);
    }

    /// Mean reward, and the share of ends.
    fn mean(&mut self) -> [f64; 2] {
        self.judge(0, 0.0);
        let count = self.reward.len() as f64;
        let ends = self.ends.iter().filter(|ends| **ends).count() as f64;
        [self.reward.iter().sum::<f64>() / count, ends / count]
    }

    fn pull(&mut self, step: &Step, by: [f64; 2], [n, d, a]: [usize; 3], back: &mut Back) {
        let (all, width) = (self.joint.dims(), d + a);
        for number in 0..all {
            let reach = REACH * self.joint.covariance[number * all + number].max(0.0).sqrt().max(1e-6);
            for sign in [1.0, -1.0] {
                self.judge(number, sign * reach);
                let told = self.reward.iter().zip(&self.ends);
                for (slopes, (reward, ends)) in self.slopes.chunks_exact_mut(all).zip(told) {
                    let value = by[0] * reward + by[1] * f64::from(u8::from(*ends));
                    let share = sign * value / (2.0 * reach);
                    slopes[number] = if sign > 0.0 { share } else { slopes[number] + share };
                }
            }
        }
        let mut by_joint = Gaussian::zeros(all);
        self.points.pull(&self.slopes, &mut by_joint);
        let (mean, covariance) = (&by_joint.mean, |i: usize, j: usize| by_joint.covariance[i * all + j]);
        let mut by_both = vec![0.0; a * n];
        for i in 0..n {
            back.state.mean[i] += mean[i];
            back.next.mean[i] += mean[n + a + i];
            for j in 0..n {
                back.state.covariance[i * n + j] += covariance(i, j) + 2.0 * covariance(i, n + a + j);
                back.next.covariance[i * n + j] += covariance(n + a + i, n + a + j);
                back.with_change[i * n + j] += 2.0 * covariance(i, n + a + j);
            }
            for k in 0..a {
                let both = 2.0 * covariance(n + k, n + a + i);
                by_both[k * n + i] = both;
                back.with_action[i * a + k] += 2.0 * covariance(i, n + k) + both;
            }
        }
        let (rows, into) = (&step.input.covariance[d * width..], &mut back.input.covariance[d * width..]);
        add_product_transposed(&by_both, &step.change.slope, into, [a, n, width]);
        add_transposed_product(rows, &by_both, &mut back.change.slope, [width, a, n]);
        for k in 0..a {
            back.input.mean[d + k] += mean[n + k];
            (0..a).for_each(|l| back.input.covariance[(d + k) * width + d + l] += covariance(n + k, n + l));
        }
    }
}
