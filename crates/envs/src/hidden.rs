//! Worlds that show only a part of themselves: some numbers of each observation are left out, so that what to do depends on what was seen before.

use worldwright_core::{Action, Environment, Error, Observation, Result, Space, Step, Value};

use crate::Made;
use crate::wrapper::{Wrapper, wrapped};

/// `made` without the numbers of its observations that `names` names, apart by commas. What is known of it as functions of whole observations, its reward
/// and its dynamics, is not known of the rest.
///
/// # Errors
/// [`Error::Unknown`] for a number that is not there, with the nearest; [`Error::Config`] where none would be left;
/// [`Error::Unsupported`] for observations that are no numbers in a row.
pub(crate) fn hidden(made: Made, names: &str) -> Result<Made> {
    let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Ok(made);
    }
    let channels = &made.observation_channels;
    for name in &names {
        if !channels.iter().any(|channel| channel == name) {
            return Err(Error::unknown("hidden number of the observation", name, channels.iter().map(String::as_str)));
        }
    }
    let Space::Box { low, high, shape, element } = made.environment.observation_space() else {
        return Err(Error::unsupported(made.environment.id().to_owned(), "hiding parts of what is no row of numbers"));
    };
    if shape.len() != 1 || channels.len() != low.len() {
        return Err(Error::unsupported(made.environment.id().to_owned(), "hiding parts of what is no row of numbers"));
    }
    let shown: Vec<usize> = (0..low.len()).filter(|i| !names.contains(&channels[*i].as_str())).collect();
    if shown.is_empty() {
        return Err(Error::config("hidden", "leaves nothing to see"));
    }
    let pick = |numbers: &[f64]| shown.iter().map(|i| numbers[*i]).collect::<Vec<_>>();
    let space = Space::Box { low: pick(low), high: pick(high), shape: vec![shown.len()], element: *element };
    let observation_channels = shown.iter().map(|i| channels[*i].clone()).collect();
    let made = wrapped(made, |inner| Hidden { inner, shown, space });
    Ok(Made { reward: None, simulator: None, model: None, observation_channels, ..made })
}

struct Hidden {
    inner: Box<dyn Environment>,
    /// The places that are shown.
    shown: Vec<usize>,
    space: Space,
}

impl Hidden {
    fn part(&self, observation: Observation) -> Result<Observation> {
        match observation {
            Value::Floats(numbers) => Ok(Value::Floats(self.shown.iter().map(|i| numbers[*i]).collect())),
            other => {
                Err(Error::NotInSpace { what: "observation".into(), reason: format!("{other:?} is no row of numbers") })
            }
        }
    }
}

impl Wrapper for Hidden {
    fn inner(&self) -> &dyn Environment {
        self.inner.as_ref()
    }

    fn inner_mut(&mut self) -> &mut dyn Environment {
        self.inner.as_mut()
    }

    fn observation_space(&self) -> &Space {
        &self.space
    }

    fn reset(&mut self, seed: u64) -> Result<Observation> {
        let observation = self.inner.reset(seed)?;
        self.part(observation)
    }

    fn step(&mut self, action: &Action) -> Result<Step> {
        let step = self.inner.step(action)?;
        Ok(Step { observation: self.part(step.observation)?, ..step })
    }
}
