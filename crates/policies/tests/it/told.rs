//! Transitions that a test makes, as an experience to learn from.

use std::collections::BTreeMap;
use std::ops::Range;

use worldwright_core::{Dataset, Experience, Result, Sample, Settings, Space, StepColumn, find};
use worldwright_policies::{ALL, Build, LearnedPolicy, PolicyContext};

/// Observation, action, reward, next observation, and whether the task ended.
pub(crate) type Row = (Vec<f64>, Vec<f64>, f64, Vec<f64>, bool);

/// Single transitions, each an episode of its own.
pub(crate) struct Told {
    pub(crate) dims: [usize; 2],
    pub(crate) rows: Vec<Row>,
}

impl Experience for Told {
    fn observation_dim(&self) -> usize {
        self.dims[0]
    }

    fn action_dim(&self) -> usize {
        self.dims[1]
    }

    fn columns(&self) -> &[StepColumn] {
        &[]
    }

    fn rows(&self) -> Range<u64> {
        0..self.rows.len() as u64
    }

    fn taken(&self) -> u64 {
        self.rows.len() as u64
    }

    fn is_open(&self) -> bool {
        false
    }

    fn ends_sequence(&self, row: u64, length: usize) -> bool {
        length == 1 && row < self.rows.len() as u64
    }

    fn gather(&self, first: u64, _length: usize, weight: f64, out: &mut Sample) {
        let (observation, action, reward, next, terminated) = &self.rows[first as usize];
        out.sequences += 1;
        out.transitions.push(first);
        for numbers in [observation, next] {
            out.observations.extend(numbers);
        }
        out.actions.extend(action);
        out.rewards.push(*reward);
        out.terminated.push(*terminated);
        out.truncated.push(false);
        out.weights.push(weight);
    }

    fn append_to(&self, dataset: &mut Dataset, from: u64) -> Result<u64> {
        for (observation, action, reward, next, terminated) in self.rows.iter().skip(from as usize) {
            dataset.push(observation, action, *reward, next, *terminated, true)?;
        }
        Ok(self.rows.len() as u64)
    }
}

/// The policy called `name` with settings over its defaults.
pub(crate) fn policy(
    name: &str,
    inputs: usize,
    action_space: &Space,
    discount: f64,
    settings: &[(&str, worldwright_core::Setting)],
) -> Result<Box<dyn LearnedPolicy>> {
    let entry = find(ALL, "policy", name)?;
    let given: BTreeMap<_, _> = settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let settings = Settings::resolve(entry.name, entry.parameters, &given)?;
    let context = PolicyContext { inputs, action_space: action_space.clone(), discount, seed: 3 };
    match entry.build {
        Build::Experience(build) => build(&context, &settings),
        Build::Imagination(_) => panic!("{name} learns in imagination, not from transitions"),
    }
}
