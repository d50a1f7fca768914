//! Refuses numbers that are not defined, where they first appear: what the environment gives, and the reward that is planned for.
//!
//! A reward that the user wrote (an expression, a function) and that is undefined somewhere would only make every plan through that place
//! rank last; said at the first real step where it happens, it can be mended.

use worldwright_core::{Action, Columns, Error, Observation, Result, Step, Transitions};

use super::run::Run;
use crate::diagnose::repeated;
use crate::report;

/// Numbers of an observation that an error shows.
const SHOWN: usize = 8;

impl Run<'_, '_> {
    /// Checks step `length` of an episode, counted from 1.
    pub(super) fn check_defined(
        &self,
        (episode, length): (u64, u64),
        before: &Observation,
        action: &Action,
        step: &Step,
    ) -> Result<()> {
        let environment = self.made.environment.as_ref();
        let place = || format!("step {} of episode {}", report::number(length as f64, 0), episode + 1);
        let flatten = |observation: &Observation| {
            let space = environment.observation_space();
            let mut flat = vec![0.0; space.flat_dim()];
            space.flatten(observation, &mut flat).map(|()| flat)
        };
        let (before, after) = (flatten(before)?, flatten(&step.observation)?);
        let undefined = after.iter().position(|number| !number.is_finite());
        let wrong = match undefined {
            Some(i) => Some((self.channel(i), after[i])),
            None if !step.reward.is_finite() => Some(("reward".to_owned(), step.reward)),
            None => None,
        };
        if let Some((what, number)) = wrong {
            return Err(Error::Diverged {
                who: environment.id().to_owned().into(),
                why: format!(
                    "its {what} is {number} at {}; mend the environment, then go on with --resume from the episode's beginning",
                    place()
                ),
            });
        }
        let Some(function) = &self.reward else { return Ok(()) };
        // A function of actions that no batch can hold is not asked here.
        let Ok(actions) = repeated(environment.action_space(), action, 1) else { return Ok(()) };
        let (mut reward, mut terminated) = ([0.0], [false]);
        let row = Transitions {
            observations: Columns::new(&before, before.len(), 1)?,
            actions: actions.view(1)?,
            next_observations: Columns::new(&after, after.len(), 1)?,
        };
        function.evaluate(row, &mut reward, &mut terminated);
        if reward[0].is_finite() {
            return Ok(());
        }
        let shown = |numbers: &[f64]| {
            let named = numbers.iter().take(SHOWN).enumerate();
            let named: Vec<String> = named.map(|(i, number)| format!("{} = {number}", self.channel(i))).collect();
            format!("{}{}", named.join(", "), if numbers.len() > SHOWN { ", …" } else { "" })
        };
        let key = if self.experiment.reward.kind == "expression" { "reward.expression" } else { "reward" };
        Err(Error::config(
            key,
            format!(
                "gives {} at {}, from {} to {}: the reward that is planned for must be a finite number for every transition",
                reward[0],
                place(),
                shown(&before),
                shown(&after)
            ),
        ))
    }

    fn channel(&self, i: usize) -> String {
        self.made.observation_channels.get(i).cloned().unwrap_or_else(|| format!("observation {i}"))
    }
}
