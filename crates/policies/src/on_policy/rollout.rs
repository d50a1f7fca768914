//! A rollout: the transitions that a policy made since it learned last, each episode in its own order, and how much better than expected each action was.
//!
//! Generalised advantage estimation (Schulman, Moritz, Levine, Jordan and Abbeel, ICLR 2016): with `δ_t = r_t + γ v(s_{t+1}) − v(s_t)`,
//! `A_t = δ_t + γ λ A_{t+1}`, and what a value aims at is `A_t + v(s_t)`. Nothing follows the end of the task; an episode that was cut, or is still under way,
//! goes on with the value of what was seen last (Pardo et al., "Time Limits in Reinforcement Learning", ICML 2018).

use worldwright_core::{ActionHead, Error, Experience, Result, Sample};

use crate::acting::DRAWN_ACTION;
use crate::scaling::Scaling;

/// What an action and what was drawn for it may differ by, in the units of a network.
const ROUNDING: f32 = 1e-4;

/// Room for a rollout of n transitions, filled anew at each update.
#[derive(Default)]
pub(super) struct Rollout {
    sample: Sample,
    rows: Vec<u64>,
    /// `[n]`: which of them follows each in its episode.
    next: Vec<Option<usize>>,
    action: Vec<f64>,
    /// `[n][O]`: what was seen, scaled.
    pub(super) observations: Vec<f32>,
    /// `[n][O]`: what it led to.
    pub(super) next_observations: Vec<f32>,
    /// `[n][C]`: what was drawn, in the units of a network.
    pub(super) actions: Vec<f32>,
    /// `[n]`: how likely it was, as a logarithm.
    pub(super) log_probs: Vec<f32>,
    /// `[n]`: what was expected where it was seen, and where it led, in the units of values.
    pub(super) values: Vec<f32>,
    pub(super) next_values: Vec<f32>,
    /// `[n]`: by how much the action was better.
    pub(super) advantages: Vec<f64>,
    /// `[n]`: what values aim at.
    pub(super) returns: Vec<f64>,
    /// Transitions that are learned from.
    pub(super) chosen: Vec<u32>,
}

impl Rollout {
    /// n.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Number `d` of what was seen before transition `row`, as the world told it.
    pub(super) fn seen(&self, row: usize, d: usize) -> f64 {
        let inputs = self.sample.observations.len() / (2 * self.rows.len());
        self.sample.observations.get(2 * row * inputs + d)
    }

    /// Takes all transitions that are held. Where nothing can be expected of an episode that is under way, its transitions teach nothing yet.
    ///
    /// # Errors
    /// [`Error::Config`] where nothing can be learned from, [`Error::Shape`] for observations of another width, and [`Error::NotInSpace`] for what is no action.
    pub(super) fn gather(
        &mut self,
        experience: &dyn Experience,
        (inputs, head): (usize, &ActionHead),
        whole_episodes: bool,
    ) -> Result<()> {
        if experience.observation_dim() != inputs {
            return Err(Error::shape("observations that were experienced", &[inputs], &[experience.observation_dim()]));
        }
        self.rows.clear();
        self.rows.extend(experience.rows().filter(|row| experience.ends_sequence(*row, 1)));
        if self.rows.is_empty() {
            return Err(Error::config("experience", "holds no transition to learn from"));
        }
        self.sample.begin(1);
        self.rows.iter().for_each(|row| experience.gather(*row, 1, 1.0, &mut self.sample));
        let (rows, ends) = (&self.rows, |i: usize| self.sample.terminated[i] || self.sample.truncated[i]);
        self.next.clear();
        self.next.extend(rows.iter().enumerate().map(|(i, row)| {
            let after = if ends(i) { None } else { experience.after(*row) };
            rows.binary_search(&after?).ok()
        }));
        let mut ended = vec![true; rows.len()];
        for i in (0..rows.len()).rev().filter(|_| whole_episodes) {
            ended[i] = ends(i) || self.next[i].is_some_and(|next| ended[next]);
        }
        self.chosen.clear();
        self.chosen.extend((0..rows.len() as u32).filter(|i| ended[*i as usize]));
        if self.chosen.is_empty() {
            return Err(Error::config("experience", "holds no episode that ended: let it go on"));
        }
        self.take_actions(experience, head)
    }

    /// The actions as they were drawn. Those of others, who kept nothing, are taken as they are.
    fn take_actions(&mut self, experience: &dyn Experience, head: &ActionHead) -> Result<()> {
        let (a, columns) = (experience.action_dim(), head.columns());
        let kept: usize = experience.columns().iter().map(|column| column.width).sum();
        let mut start = 0;
        let drawn = experience.columns().iter().find(|column| {
            start += column.width;
            column.name == DRAWN_ACTION && column.width == columns
        });
        let first = drawn.map(|column| start - column.width);
        self.action.resize(a, 0.0);
        self.actions.resize(self.rows.len() * columns, 0.0);
        for (i, slots) in self.actions.chunks_exact_mut(columns).enumerate() {
            self.sample.actions.copy_to(i * a, &mut self.action);
            head.write_network(&self.action, slots)?;
            let Some(first) = first else { continue };
            let drawn = &self.sample.columns[i * kept + first..][..columns];
            let same = |(slot, drawn): (&f32, &f64)| (*slot - drawn.clamp(-1.0, 1.0) as f32).abs() <= ROUNDING;
            if slots.iter().zip(drawn).all(same) {
                slots.iter_mut().zip(drawn).for_each(|(slot, drawn)| *slot = *drawn as f32);
            }
        }
        Ok(())
    }

    /// Scales what was seen, and makes room for what is said of it.
    pub(super) fn scale(&mut self, scaling: &Scaling) {
        let (n, inputs) = (self.rows.len(), scaling.inputs());
        let seen = &self.sample.observations;
        self.observations.resize(n * inputs, 0.0);
        self.next_observations.resize(n * inputs, 0.0);
        for i in 0..n {
            for d in 0..inputs {
                self.observations[i * inputs + d] = scaling.of(d, seen.get(2 * i * inputs + d));
                self.next_observations[i * inputs + d] = scaling.of(d, seen.get((2 * i + 1) * inputs + d));
            }
        }
        self.log_probs.resize(n, 0.0);
        self.values.clear();
        self.values.resize(n, 0.0);
        self.next_values.clear();
        self.next_values.resize(n, 0.0);
    }

    /// Computes advantages and returns, `value` telling a value in the units of rewards.
    pub(super) fn judge(&mut self, (discount, lambda): (f64, f64), value: impl Fn(f32) -> f64) {
        let n = self.rows.len();
        self.advantages.resize(n, 0.0);
        self.returns.resize(n, 0.0);
        for i in (0..n).rev() {
            let expected = value(self.values[i]);
            let ahead = if self.sample.terminated[i] { 0.0 } else { discount * value(self.next_values[i]) };
            // What follows lies behind it, so that it is known already.
            let later = self.next[i].map_or(0.0, |next| discount * lambda * self.advantages[next]);
            self.advantages[i] = self.sample.rewards[i] + ahead - expected + later;
            self.returns[i] = self.advantages[i] + expected;
        }
    }
}
