//! Transitions that a test makes, as an experience to learn from.

use std::collections::BTreeMap;

use worldwright_core::{Dataset, Result, Settings, Space, find};
use worldwright_policies::{ALL, Build, LearnedPolicy, PolicyContext};

/// Observation, action, reward, next observation, and whether the task ended.
pub(crate) type Row = (Vec<f64>, Vec<f64>, f64, Vec<f64>, bool);

/// Single transitions of O and A numbers, each an episode of its own.
pub(crate) fn told([observation, action]: [usize; 2], rows: impl IntoIterator<Item = Row>) -> Dataset {
    let mut data = Dataset::new(observation, action);
    for (before, action, reward, after, terminated) in rows {
        data.push(&before, &action, reward, &after, terminated, true).unwrap();
    }
    data
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
        Build::Experience(build) | Build::Imitation(build) => build(&context, &settings),
        Build::Imagination(_) | Build::Evolution(_) | Build::Value(_) | Build::Derivatives(_) | Build::Moments(_) => {
            panic!("{name} does not learn from transitions")
        }
    }
}
