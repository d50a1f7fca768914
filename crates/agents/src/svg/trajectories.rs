//! Trajectories that derivatives go back along: real ones, or those that a model imagines.
//!
//! With s' = f(s, a) and μ the policy's action beside its noise, from the last step back (Heess et al., NeurIPS 2015, equations 9 and 10):
//!
//! ```text
//! λ_H = ∂Q/∂s + (∂Q/∂a) ∂μ/∂s  with a critic, 0 without
//! ∂_a,t = ∂r/∂a + c_t λ_{t+1} ∂f/∂a        λ_t = ∂r/∂s + c_t λ_{t+1} ∂f/∂s + ∂_a,t ∂μ/∂s        ∂θ = Σ_t c_0 … c_{t−1} ∂_a,t ∂μ/∂θ
//! ```
//!
//! c_t is the discount where the task goes on. Derivatives of a real step are taken where it was: that is what the paper's inferred noise of model and policy comes
//! to where both add, so that an error of the model bends slopes alone and never the way. Imagined steps follow the model and the policy's own noise.

#[cfg(test)]
mod tests;

use worldwright_core::{
    Actions, Batch, Call, Differences, Error, Experience, Imagination, Imagined, Interrupt, Key, Linearizations, Mode,
    ModelSpec, Pulled, Result, Rng, Rows, Sample, Settings, Want, cost,
};
use worldwright_policies::ReparametrisedPolicy;

/// Rows that a model without derivatives of its own is probed by.
const SCRATCH: usize = 64;
/// Size of a probe, in units of one and the number.
const STEP: f64 = 1e-4;

/// What is climbed, with room for it. Rows are step after step, B each.
pub(super) struct Trajectories {
    /// B.
    count: usize,
    /// H.
    horizon: usize,
    imagined: bool,
    critic: bool,
    discount: f64,
    sample: Sample,
    /// `[(H + 1) B][O]` and `[(H + 1) B][A]`.
    seen: Batch,
    actions: Batch,
    by_action: Vec<f64>,
    /// `[H B]`: c, r, and whether the step is one: what a diverged row goes on with is not.
    continuation: Vec<f64>,
    rewards: Vec<f64>,
    valid: Vec<bool>,
    // Room for a step of all.
    now: Batch,
    chosen: Batch,
    flat: Vec<f64>,
    before: Vec<f64>,
    adjoint: Vec<f64>,
    cotangents: Vec<f64>,
    by_seen: Vec<f64>,
    imaginings: Imagined,
    linear: Linearizations,
    pulled: Pulled,
}

impl Trajectories {
    /// Reads `trajectories`, `horizon`, `critic` and `imagined`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a model without derivatives by what is observed.
    pub(super) fn new(settings: &Settings, spec: &ModelSpec, discount: f64) -> Result<Self> {
        let (o, a) = (spec.observation_space.flat_dim(), spec.action_space.flat_dim());
        if spec.capabilities.memory || !spec.deterministic || spec.latent_dim != o {
            let what = "derivatives along trajectories of what is observed: choose a model whose steps are not drawn, such as deterministic or gp";
            return Err(Error::unsupported(spec.name.clone(), what));
        }
        let count = settings.count_in("trajectories", 1, 1 << 16)?;
        let horizon = settings.count_in("horizon", 0, 1 << 12)?;
        let critic = settings.bool("critic")?;
        if horizon == 0 && !critic {
            return Err(Error::config("horizon", "must be 1 or more where no critic closes it (critic=false)"));
        }
        let rows = (horizon + 1) * count;
        cost::memory(&[("trajectories", count), ("horizon", horizon)], 8.0 * (rows * (2 * o + 2 * a + 3)) as f64)?;
        cost::memory(&[("trajectories", count)], 8.0 * (count * (2 + 2 * (o + a)) * (o + 1)) as f64)?;
        Ok(Self {
            count,
            horizon,
            imagined: settings.bool("imagined")?,
            critic,
            discount,
            sample: Sample::default(),
            seen: Batch::zeros(o, rows),
            actions: Batch::zeros(a, rows),
            by_action: vec![0.0; rows * a],
            continuation: vec![0.0; horizon * count],
            rewards: vec![0.0; horizon * count],
            valid: vec![true; horizon * count],
            now: Batch::zeros(o, count),
            chosen: Batch::zeros(a, count),
            flat: vec![0.0; o.max(a)],
            before: vec![0.0; o],
            adjoint: vec![0.0; count * o],
            cotangents: vec![0.0; count * o],
            by_seen: vec![0.0; count * o],
            imaginings: Imagined::new(spec, count),
            linear: Linearizations::new(spec, count, SCRATCH, false),
            pulled: Pulled::default(),
        })
    }

    /// Whether a critic closes them.
    pub(super) fn critic(&self) -> bool {
        self.critic
    }

    /// Rows that they need in an arena.
    pub(super) fn rows(&self) -> usize {
        (self.horizon + 1) * self.count + SCRATCH
    }

    /// Rows of a step.
    fn span(&self, step: usize) -> std::ops::Range<usize> {
        step * self.count..(step + 1) * self.count
    }

    /// Draws trajectories and moves the policy up the derivatives of what they pay; gives what they paid in the mean.
    pub(super) fn climb(
        &mut self,
        arena: &mut dyn Imagination,
        policy: &mut dyn ReparametrisedPolicy,
        experience: &dyn Experience,
        rng: &mut Rng,
        interrupt: &Interrupt,
    ) -> Result<f64> {
        let paid = self.derive(arena, policy, experience, rng, interrupt)?;
        interrupt.count(Call::Gradient, 1);
        policy.climb(self.seen.columns(), &self.by_action)?;
        Ok(paid)
    }

    /// The derivatives by every action, weighted by what comes before; gives what they paid in the mean.
    pub(super) fn derive(
        &mut self,
        arena: &mut dyn Imagination,
        policy: &mut dyn ReparametrisedPolicy,
        experience: &dyn Experience,
        rng: &mut Rng,
        interrupt: &Interrupt,
    ) -> Result<f64> {
        self.begin(arena, experience, rng)?;
        if self.imagined {
            self.imagine(arena, policy, rng)?;
            interrupt.count(Call::ModelStep, (self.horizon * self.count) as u64);
        } else {
            self.remember(arena, experience)?;
        }
        self.back(arena, policy, rng)?;
        interrupt.count(Call::ModelStep, (self.horizon * self.count) as u64);
        Ok(self.weigh())
    }

    /// Draws what they begin with.
    fn begin(&mut self, arena: &mut dyn Imagination, experience: &dyn Experience, rng: &mut Rng) -> Result<()> {
        let length = if self.imagined { 1 } else { self.horizon.max(1) };
        experience.sample(Want::Sequences { count: self.count, length }, rng, &mut self.sample)?;
        self.valid.fill(true);
        for row in 0..self.count {
            self.see(arena, (0, row), [length, experience.observation_dim()])?;
        }
        Ok(())
    }

    /// Shows the arena what a trajectory saw at a step.
    fn see(&mut self, arena: &mut dyn Imagination, (step, row): (usize, usize), [length, o]: [usize; 2]) -> Result<()> {
        let (at, flat) = (step * self.count + row, &mut self.flat[..o]);
        self.sample.observations.copy_to((row * (length + 1) + step) * o, flat);
        let observation = arena.spec().observation_space.unflatten(flat)?;
        arena.observe(at, None, &observation, Key::new(0))?;
        arena.read_latent(at, &mut self.before)?;
        let same = |(latent, seen): (&f64, &f64)| (latent - seen).abs() <= 1e-9 * (1.0 + seen.abs());
        if !self.before.iter().zip(flat.iter()).all(same) {
            let what =
                "derivatives by what is observed: its latents are something else; choose a model that is learned";
            return Err(Error::unsupported(arena.spec().name.clone(), what));
        }
        self.seen.columns_mut().set_row(at, flat);
        Ok(())
    }

    /// Takes real steps on.
    fn remember(&mut self, arena: &mut dyn Imagination, experience: &dyn Experience) -> Result<()> {
        let (o, a, length) = (experience.observation_dim(), experience.action_dim(), self.horizon.max(1));
        for step in 0..=self.horizon {
            for row in 0..self.count {
                if step > 0 {
                    self.see(arena, (step, row), [length, o])?;
                }
                if step == length {
                    continue;
                }
                let place = row * length + step;
                self.sample.actions.copy_to(place * a, &mut self.flat[..a]);
                self.actions.columns_mut().set_row(step * self.count + row, &self.flat[..a]);
                if step < self.horizon {
                    let goes_on = if self.sample.terminated[place] { 0.0 } else { self.discount };
                    self.continuation[step * self.count + row] = goes_on;
                }
            }
        }
        Ok(())
    }

    /// Has the policy act in the model.
    fn imagine(
        &mut self,
        arena: &mut dyn Imagination,
        policy: &mut dyn ReparametrisedPolicy,
        rng: &mut Rng,
    ) -> Result<()> {
        let o = self.before.len();
        for step in 0..self.horizon {
            self.act(policy, step, rng)?;
            let [from, to] = [step, step + 1].map(|step| Rows::Span(self.span(step)));
            let actions = Actions::Continuous(self.chosen.columns());
            arena.step(from, actions, to, rng.key(), &mut self.imaginings)?;
            for row in 0..self.count {
                let (at, next) = (step * self.count + row, (step + 1) * self.count + row);
                let lanes = (0..self.imaginings.members()).map(|lane| self.imaginings.at(lane, row));
                let members = self.imaginings.members() as f64;
                let continuation = lanes.map(|place| self.imaginings.continuation[place]).sum::<f64>() / members;
                arena.read_latent(next, &mut self.flat[..o])?;
                let finite = continuation.is_finite() && self.flat[..o].iter().all(|number| number.is_finite());
                self.valid[at] = finite && (step == 0 || self.valid[at - self.count]);
                self.continuation[at] = if self.valid[at] { continuation } else { 0.0 };
                if !finite {
                    // It goes on from where it was, which counts for nothing.
                    arena.read_latent(at, &mut self.before)?;
                    arena.write_latent(next, &self.before)?;
                    self.flat[..o].copy_from_slice(&self.before);
                }
                self.seen.columns_mut().set_row(next, &self.flat[..o]);
            }
        }
        Ok(())
    }

    /// The policy's actions at a step, with noise.
    fn act(&mut self, policy: &mut dyn ReparametrisedPolicy, step: usize, rng: &mut Rng) -> Result<()> {
        self.look(step);
        policy.act(self.now.columns(), Mode::Explore, rng, &mut self.chosen)?;
        let a = self.chosen.dims();
        for row in 0..self.count {
            self.chosen.columns().copy_row(row, &mut self.flat[..a]);
            self.actions.columns_mut().set_row(step * self.count + row, &self.flat[..a]);
        }
        Ok(())
    }

    /// Has what was seen and done at a step at hand.
    fn look(&mut self, step: usize) {
        let span = self.span(step);
        for (all, now) in [(&self.seen, &mut self.now), (&self.actions, &mut self.chosen)] {
            for dim in 0..all.dims() {
                now.columns_mut().column_mut(dim).copy_from_slice(&all.columns().column(dim)[span.clone()]);
            }
        }
    }

    /// Derivatives from the last step to the first.
    fn back(
        &mut self,
        arena: &mut dyn Imagination,
        policy: &mut dyn ReparametrisedPolicy,
        rng: &mut Rng,
    ) -> Result<()> {
        let (o, a) = (self.now.dims(), self.chosen.dims());
        self.by_action.fill(0.0);
        self.adjoint.fill(0.0);
        if self.critic {
            // What was really done last is known where no step of a model comes before it.
            if self.horizon > 0 || self.imagined {
                self.act(policy, self.horizon, rng)?;
            }
            self.look(self.horizon);
            let last = self.span(self.horizon);
            let by_action = &mut self.by_action[last.start * a..last.end * a];
            policy.judge(self.now.columns(), self.chosen.columns(), &mut self.adjoint, by_action)?;
            policy.pull(self.now.columns(), by_action, &mut self.adjoint)?;
        }
        for step in (0..self.horizon).rev() {
            self.look(step);
            let span = self.span(step);
            let continuations = &self.continuation[span.clone()];
            for (row, continuation) in continuations.iter().enumerate() {
                for dim in row * o..(row + 1) * o {
                    // Nothing that comes after the end means anything, be it finite or not.
                    self.cotangents[dim] = if *continuation == 0.0 { 0.0 } else { continuation * self.adjoint[dim] };
                }
            }
            let scratch = self.span(self.horizon).end..self.rows();
            let differences = Differences { scratch, step: STEP, reward_curvature: false, latent_curvature: false };
            let (actions, room) = (Actions::Continuous(self.chosen.columns()), &mut self.pulled);
            let rows = Rows::Span(span.clone());
            arena.pullback(rows, actions, &self.cotangents, &differences, &mut self.linear, room)?;
            for row in (0..self.count).filter(|row| !self.valid[span.start + row]) {
                self.pulled.by_latent[row * o..(row + 1) * o].fill(0.0);
                self.pulled.by_action[row * a..(row + 1) * a].fill(0.0);
            }
            self.rewards[span.clone()].copy_from_slice(&self.linear.reward[..self.count]);
            let by_action = &mut self.by_action[span.start * a..span.end * a];
            by_action.copy_from_slice(&self.pulled.by_action[..self.count * a]);
            self.adjoint.copy_from_slice(&self.pulled.by_latent[..self.count * o]);
            self.by_seen.fill(0.0);
            policy.pull(self.now.columns(), by_action, &mut self.by_seen)?;
            self.adjoint.iter_mut().zip(&self.by_seen).for_each(|(slot, slope)| *slot += slope);
        }
        Ok(())
    }

    /// Weighs the derivatives by each action by whether and how late it comes; gives what the steps pay in the mean.
    fn weigh(&mut self) -> f64 {
        let (a, mut paid) = (self.chosen.dims(), 0.0);
        for row in 0..self.count {
            let mut weight = 1.0;
            for step in 0..=self.horizon {
                let at = step * self.count + row;
                self.by_action[at * a..(at + 1) * a].iter_mut().for_each(|slope| *slope *= weight);
                if step < self.horizon {
                    paid += if self.valid[at] { weight * self.rewards[at] } else { 0.0 };
                    weight *= self.continuation[at];
                }
            }
        }
        paid / self.count as f64
    }
}
