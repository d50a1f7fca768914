//! Candidate trajectories under a feedback law, imagined side by side.

use worldwright_core::{Actions, Batch, Deadline, Imagination, Imagined, Key, ModelSpec, Result, Rows, Values};

/// Candidates stepped together, with the latents on their way.
#[derive(Debug)]
pub(crate) struct Rollouts {
    horizon: usize,
    latent_dim: usize,
    action_dim: usize,
    capacity: usize,
    terminal_value: bool,
    /// `[H]` batches `[A][n]`.
    actions: Vec<Batch>,
    /// `[H + 1][n][Z]`
    latents: Vec<f64>,
    /// `[n]`, −∞ where diverged.
    pub(crate) returns: Vec<f64>,
    weights: Vec<f64>,
    imagined: Imagined,
    values: Values,
    action: Vec<f64>,
}

/// What candidate i does at step t: `u_t + α_i k_t + K_t (x − x_t)`, within the bounds.
pub(crate) struct Law<'a> {
    /// `[H][A]`
    pub(crate) feedforward: &'a [f64],
    /// `[H][Z columns][A]`; empty for none.
    pub(crate) feedback: &'a [f64],
    /// The nominal actions `[H][A]` and latents `[H + 1][Z]`.
    pub(crate) controls: &'a [f64],
    pub(crate) states: &'a [f64],
    /// `[n]`
    pub(crate) lengths: &'a [f64],
    pub(crate) low: &'a [f64],
    pub(crate) high: &'a [f64],
}

impl Rollouts {
    pub(crate) fn new(spec: (usize, usize, usize), horizon: usize, capacity: usize, terminal_value: bool) -> Self {
        let (latent_dim, action_dim, members) = spec;
        Self {
            horizon,
            latent_dim,
            action_dim,
            capacity,
            terminal_value,
            actions: vec![Batch::zeros(action_dim, capacity); horizon],
            latents: vec![0.0; (horizon + 1) * capacity * latent_dim],
            returns: vec![0.0; capacity],
            weights: vec![0.0; capacity],
            imagined: Imagined::default(),
            values: Values { value: Vec::with_capacity(capacity * members) },
            action: vec![0.0; action_dim],
        }
    }

    /// Sizes what depends on the model; allocates at the first decision only.
    pub(crate) fn prepare(&mut self, spec: &ModelSpec) {
        if self.imagined.members() != spec.members {
            self.imagined = Imagined::new(spec, self.capacity);
        }
    }

    /// Makes room for the actions of `count` candidates.
    pub(crate) fn begin(&mut self, count: usize) {
        self.actions.iter_mut().for_each(|batch| batch.set_rows(count));
    }

    /// Writes candidate `i`'s actions where no law gives them.
    pub(crate) fn set_actions(&mut self, i: usize, actions: &[f64]) {
        for (batch, action) in self.actions.iter_mut().zip(actions.chunks_exact(self.action_dim)) {
            batch.columns_mut().set_row(i, action);
        }
    }

    /// Copies candidate `i`'s actions out.
    pub(crate) fn get_actions(&self, i: usize, controls: &mut [f64]) {
        for (batch, action) in self.actions.iter().zip(controls.chunks_exact_mut(self.action_dim)) {
            batch.columns().copy_row(i, action);
        }
    }

    /// Copies candidate `i`'s actions and latents out.
    pub(crate) fn get(&self, i: usize, controls: &mut [f64], states: &mut [f64]) {
        self.get_actions(i, controls);
        let z = self.latent_dim;
        for (t, state) in states.chunks_exact_mut(z).enumerate() {
            state.copy_from_slice(&self.latents[(t * self.capacity + i) * z..][..z]);
        }
    }

    /// Imagines `count` candidates from row 0 in the rows from `first` on, under a law or with the actions that were set. False when
    /// `deadline` passed.
    pub(crate) fn run(
        &mut self,
        world: &mut dyn Imagination,
        first: usize,
        count: usize,
        law: Option<&Law<'_>>,
        key: Key,
        deadline: &Deadline,
    ) -> Result<bool> {
        let (z, a, members) = (self.latent_dim, self.action_dim, world.spec().members);
        let rows = || Rows::Span(first..first + count);
        world.copy(0, rows());
        self.returns[..count].fill(0.0);
        self.weights[..count].fill(1.0);
        for t in 0..self.horizon {
            if deadline.passed() {
                return Ok(false);
            }
            self.actions[t].set_rows(count);
            for i in 0..count {
                let latent = &mut self.latents[(t * self.capacity + i) * z..][..z];
                world.read_latent(first + i, latent)?;
                let Some(law) = law else { continue };
                for j in 0..a {
                    self.action[j] = law.controls[t * a + j] + law.lengths[i] * law.feedforward[t * a + j];
                }
                if !law.feedback.is_empty() {
                    let nominal = &law.states[t * z..][..z];
                    for (p, column) in law.feedback[t * a * z..][..a * z].chunks_exact(a).enumerate() {
                        let away = latent[p] - nominal[p];
                        self.action.iter_mut().zip(column).for_each(|(u, gain)| *u += gain * away);
                    }
                }
                for j in 0..a {
                    // A diverged row's action is not a number, which no bound repairs.
                    self.action[j] = self.action[j].max(law.low[j]).min(law.high[j]);
                }
                self.actions[t].columns_mut().set_row(i, &self.action);
            }
            self.imagined.begin(count);
            let actions = Actions::Continuous(self.actions[t].columns());
            world.step(rows(), actions, rows(), key.fold(t as u64), &mut self.imagined)?;
            for i in 0..count {
                let mean = |numbers: &[f64]| {
                    (0..members).map(|member| numbers[member * count + i]).sum::<f64>() / members as f64
                };
                let weight = self.weights[i];
                if weight != 0.0 {
                    self.returns[i] += weight * mean(&self.imagined.reward);
                    self.weights[i] = weight * mean(&self.imagined.continuation);
                }
            }
        }
        for i in 0..count {
            world.read_latent(first + i, &mut self.latents[(self.horizon * self.capacity + i) * z..][..z])?;
        }
        if self.terminal_value && world.spec().capabilities.value {
            self.values.value.resize(members * count, 0.0);
            world.value(rows(), &mut self.values)?;
            for i in 0..count {
                if self.weights[i] != 0.0 {
                    let value =
                        (0..members).map(|member| self.values.value[member * count + i]).sum::<f64>() / members as f64;
                    self.returns[i] += self.weights[i] * value;
                }
            }
        }
        for (value, weight) in self.returns[..count].iter_mut().zip(&self.weights) {
            if !value.is_finite() || !weight.is_finite() {
                *value = f64::NEG_INFINITY;
            }
        }
        Ok(true)
    }

    /// The best of `count` candidates, the first of equals; none when all diverged.
    pub(crate) fn best(&self, count: usize) -> Option<usize> {
        let mut best: Option<usize> = None;
        for i in 0..count {
            if self.returns[i] > best.map_or(f64::NEG_INFINITY, |best| self.returns[best]) {
                best = Some(i);
            }
        }
        best
    }

    /// How many of `count` diverged.
    pub(crate) fn diverged(&self, count: usize) -> u64 {
        self.returns[..count].iter().filter(|value| **value == f64::NEG_INFINITY).count() as u64
    }
}
