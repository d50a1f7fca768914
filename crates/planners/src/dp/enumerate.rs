//! All states that a model can reach from given observations, as a finite process.
//!
//! States are told apart by the bytes of what the model decodes, and numbered in the order of discovery (breadth first). Each lane
//! of a model is an outcome of equal chance, so that a simulator gives one and an ensemble as many as it has members.

use std::collections::HashMap;

use worldwright_core::{Actions, Error, Imagined, Key, Observation, Result, Rows, Space, Value, WorldModel};

use super::{FiniteMdp, MdpBuilder};

/// A finite process with what its states look like.
#[derive(Debug, Clone)]
pub struct Enumerated {
    /// The process; the actions are the model's choices.
    pub mdp: FiniteMdp,
    /// Flat observation of each state.
    pub observations: Vec<Vec<f64>>,
}

/// Enumerates what `model` can reach from `starts`, which become the first states. The model's own discount is in the process:
/// continuations multiply the probabilities.
///
/// # Errors
/// [`Error::Unsupported`] for actions that are not discrete and for observations that are not vectors; [`Error::Config`] when there
/// are more than `most_states`; what the model gives.
pub fn enumerate(model: &dyn WorldModel, starts: &[Observation], most_states: usize, key: Key) -> Result<Enumerated> {
    let spec = model.spec();
    let Space::Discrete { n, .. } = spec.action_space else {
        return Err(Error::unsupported("enumeration", "actions that are not discrete: lay a grid over them"));
    };
    if !matches!(spec.observation_space, Space::Box { .. }) {
        return Err(Error::unsupported("enumeration", "observations that are not vectors of numbers"));
    }
    let dims = spec.observation_space.flat_dim();
    let mut world = model.imagination(n + 1);
    let mut out = Imagined::new(spec, n);
    // Looked up only: the order of a map never reaches a result.
    let mut numbers: HashMap<Vec<u64>, u32> = HashMap::new();
    let mut observations: Vec<Vec<f64>> = Vec::new();
    let mut number = |flat: &[f64], observations: &mut Vec<Vec<f64>>| {
        // Negative zero is zero.
        let bits: Vec<u64> = flat.iter().map(|x| (x + 0.0).to_bits()).collect();
        let next = observations.len() as u32;
        let number = *numbers.entry(bits).or_insert(next);
        if number == next {
            observations.push(flat.to_vec());
        }
        number
    };
    let mut flat = vec![0.0; dims];
    for start in starts {
        spec.observation_space.flatten(start, &mut flat)?;
        number(&flat, &mut observations);
    }
    let choices: Vec<u32> = (0..n as u32).collect();
    let mut builder = MdpBuilder::new();
    let mut outcomes = Vec::new();
    let mut state = 0;
    while state < observations.len() {
        if observations.len() > most_states {
            return Err(Error::config("most_states", format!("the model reaches more than {most_states} states")));
        }
        world.observe(0, None, &Value::Floats(observations[state].clone()), key)?;
        world.copy(0, Rows::Span(1..n + 1));
        let (rows, key) = (Rows::Span(1..n + 1), key.fold(state as u64));
        world.step(rows.clone(), Actions::Discrete(&choices), rows, key, &mut out)?;
        for action in 0..n {
            let (mut reward, share) = (0.0, 1.0 / spec.members as f64);
            outcomes.clear();
            for member in 0..spec.members {
                let at = out.at(member, action);
                reward += share * out.reward[at];
                if out.continuation[at] > 0.0 {
                    world.decode(1 + action, member, &mut flat)?;
                    outcomes.push((number(&flat, &mut observations), share * out.continuation[at]));
                }
            }
            builder.action(action as u32, reward, &outcomes)?;
        }
        builder.end_state();
        state += 1;
    }
    Ok(Enumerated { mdp: builder.finish()?, observations })
}
