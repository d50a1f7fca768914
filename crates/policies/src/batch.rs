//! Batches of experienced transitions as networks are told them.

use worldwright_core::{ActionHead, Error, Experience, Result, Rng, Sample, Want};

use crate::scaling::Scaling;

/// Room for a batch of transitions, filled anew at each update without allocation once it has grown.
#[derive(Default)]
pub(crate) struct Transitions {
    sample: Sample,
    action: Vec<f64>,
    /// `[B][O]`: what was seen, scaled.
    pub(crate) observations: Vec<f32>,
    /// `[B][O]`: what it led to.
    pub(crate) next_observations: Vec<f32>,
    /// `[B]` rows as [`ActionHead::write_network`] gives them.
    pub(crate) actions: Vec<f32>,
    /// `[B]`
    pub(crate) rewards: Vec<f32>,
    /// `[B]`: the factor on the future, zero where the task itself ended. An episode that was cut is no end of the task.
    pub(crate) discounts: Vec<f32>,
}

impl Transitions {
    /// Draws `count` of them, each over up to `steps` steps of its episode.
    ///
    /// # Errors
    /// As for [`Experience::sample`]; [`Error::Shape`] for observations of another width than the scaling's.
    pub(crate) fn draw(
        &mut self,
        experience: &dyn Experience,
        count: usize,
        (scaling, head): (&Scaling, &ActionHead),
        (steps, discount): (usize, f64),
        rng: &mut Rng,
    ) -> Result<()> {
        let (a, columns, inputs) = (experience.action_dim(), head.columns(), scaling.inputs());
        if experience.observation_dim() != inputs {
            return Err(Error::shape("observations that were experienced", &[inputs], &[experience.observation_dim()]));
        }
        experience.sample(Want::Returns { count, steps, discount }, rng, &mut self.sample)?;
        self.observations.resize(count * inputs, 0.0);
        self.next_observations.resize(count * inputs, 0.0);
        self.actions.resize(count * columns, 0.0);
        self.rewards.resize(count, 0.0);
        self.discounts.resize(count, 0.0);
        self.action.resize(a, 0.0);
        let seen = &self.sample.observations;
        for i in 0..count {
            for d in 0..inputs {
                self.observations[i * inputs + d] = scaling.of(d, seen.get(2 * i * inputs + d));
                self.next_observations[i * inputs + d] = scaling.of(d, seen.get((2 * i + 1) * inputs + d));
            }
            self.sample.actions.copy_to(i * a, &mut self.action);
            head.write_network(&self.action, &mut self.actions[i * columns..(i + 1) * columns])?;
            self.rewards[i] = self.sample.rewards[i] as f32;
            let ahead = discount.powi(self.sample.spans[i] as i32) as f32;
            self.discounts[i] = if self.sample.terminated[i] { 0.0 } else { ahead };
        }
        Ok(())
    }
}
