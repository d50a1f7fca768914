//! A time limit for environments that have none, so that every episode ends: in training, evaluation and collection alike.

use worldwright_core::{Action, Environment, Observation, Persist, Result, Step};

use crate::Made;
use crate::wrapper::{Wrapper, wrapped};

/// Steps after which an episode is cut where neither the environment nor the user says when.
pub const EPISODE_STEPS: usize = 1_000;

/// Cuts the episodes of `made` after [`EPISODE_STEPS`] steps, unless it says itself when they are cut.
pub fn limited(made: Made) -> Made {
    if made.episode_steps.is_some() {
        return made;
    }
    let made = wrapped(made, |inner| Limited { inner, left: EPISODE_STEPS });
    Made { episode_steps: Some(EPISODE_STEPS), episode_steps_assumed: true, ..made }
}

/// An environment whose episodes are cut.
struct Limited {
    inner: Box<dyn Environment>,
    left: usize,
}

impl Wrapper for Limited {
    fn inner(&self) -> &dyn Environment {
        self.inner.as_ref()
    }

    fn inner_mut(&mut self) -> &mut dyn Environment {
        self.inner.as_mut()
    }

    fn reset(&mut self, seed: u64) -> Result<Observation> {
        let observation = self.inner.reset(seed)?;
        self.left = EPISODE_STEPS;
        Ok(observation)
    }

    fn step(&mut self, action: &Action) -> Result<Step> {
        let mut step = self.inner.step(action)?;
        self.left = self.left.saturating_sub(1);
        step.truncated |= self.left == 0 && !step.terminated;
        Ok(step)
    }

    // Without its count of steps a restored episode would be longer, so that nothing is offered to be saved.
    fn as_persist(&mut self) -> Option<&mut dyn Persist> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use worldwright_core::{Setting, Value};

    use super::*;
    use crate::make;

    #[test]
    fn episodes_without_an_end_are_cut_and_others_left_alone() {
        let endless = BTreeMap::from([("episode_steps".to_owned(), Setting::Integer(0))]);
        let mut made = limited(make("pendulum", &endless).expect("known settings"));
        assert_eq!((made.episode_steps, made.episode_steps_assumed), (Some(EPISODE_STEPS), true));
        for seed in 0..2 {
            made.environment.reset(seed).expect("a reset");
            let cut = (1..).find(|_| made.environment.step(&Value::Floats(vec![0.0])).expect("a step").truncated);
            assert_eq!(cut, Some(EPISODE_STEPS), "a reset begins the count anew");
        }
        let own = limited(make("pendulum", &BTreeMap::new()).expect("no settings"));
        assert_eq!((own.episode_steps, own.episode_steps_assumed), (Some(200), false));
    }
}
