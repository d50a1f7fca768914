//! Batches of experienced transitions as networks are told them.

use worldwright_core::{ActionHead, Error, Experience, Priorities, Result, Rng, Sample, Want};

use crate::returns::Returns;
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
    /// `[B]`: how much each counts, 1 where all were equally likely.
    pub(crate) weights: Vec<f32>,
    /// What returns can be, by all that was told.
    pub(crate) returns: Returns,
    /// `[B]`: the same for every transition, once they were [bounded](Self::bound): the least that what follows is worth, and the most.
    pub(crate) least: Vec<f32>,
    pub(crate) most: Vec<f32>,
}

/// That observations are as wide as the scaling.
fn check_width(experience: &dyn Experience, scaling: &Scaling) -> Result<()> {
    match (experience.observation_dim(), scaling.inputs()) {
        (got, expected) if got == expected => Ok(()),
        (got, expected) => Err(Error::shape("observations that were experienced", &[expected], &[got])),
    }
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
        check_width(experience, scaling)?;
        experience.sample(Want::Returns { count, steps, discount }, rng, &mut self.sample)?;
        self.tell(experience, (scaling, head), discount)
    }

    /// The same in proportion to priorities, with weights of an exponent.
    ///
    /// # Errors
    /// As there, and as for [`Experience::sample_by`].
    pub(crate) fn draw_by(
        &mut self,
        (priorities, exponent): (&mut Priorities, f64),
        experience: &dyn Experience,
        count: usize,
        (scaling, head): (&Scaling, &ActionHead),
        (steps, discount): (usize, f64),
        rng: &mut Rng,
    ) -> Result<()> {
        check_width(experience, scaling)?;
        experience.sample_by(
            priorities,
            (Want::Returns { count, steps, discount }, exponent),
            rng,
            &mut self.sample,
        )?;
        self.tell(experience, (scaling, head), discount)
    }

    /// Takes rewards into units of `unit`, and tells what returns can be in these, with so much beyond.
    pub(crate) fn bound(&mut self, unit: f64, slack: f64) {
        self.rewards.iter_mut().for_each(|reward| *reward *= (1.0 / unit) as f32);
        let [least, most] = self.returns.within(unit, slack);
        for (numbers, bound) in [(&mut self.least, least), (&mut self.most, most)] {
            numbers.clear();
            numbers.resize(self.rewards.len(), bound);
        }
    }

    /// Which transitions the batch is of.
    pub(crate) fn transitions(&self) -> &[u64] {
        &self.sample.transitions
    }

    /// Tells networks the sample.
    fn tell(
        &mut self,
        experience: &dyn Experience,
        (scaling, head): (&Scaling, &ActionHead),
        discount: f64,
    ) -> Result<()> {
        let (a, columns, inputs) = (experience.action_dim(), head.columns(), scaling.inputs());
        let count = self.sample.sequences;
        self.observations.resize(count * inputs, 0.0);
        self.next_observations.resize(count * inputs, 0.0);
        self.actions.resize(count * columns, 0.0);
        self.rewards.resize(count, 0.0);
        self.discounts.resize(count, 0.0);
        self.weights.resize(count, 0.0);
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
            self.weights[i] = self.sample.weights[i] as f32;
            let ahead = if self.sample.terminated[i] { 0.0 } else { discount.powi(self.sample.spans[i] as i32) };
            self.returns.see(self.sample.rewards[i], ahead);
            self.discounts[i] = ahead as f32;
        }
        Ok(())
    }
}
