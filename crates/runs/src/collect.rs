//! Collecting episodes without learning, and planning from a single observation.

use std::fs;
use std::path::Path;

use worldwright_core::{Agent, Error, Interrupt, Key, Observation, Plan, Result, Space, Value, uninterrupted};
use worldwright_data::{EpisodeWriter, Header, WriterOptions};
use worldwright_envs::Made;

use crate::evaluate::{episode_seed, stream};
use crate::folder::file_error;
use crate::learn::STEP_LIMIT;
use crate::report::counted;

/// What was collected.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Collected {
    /// Steps.
    pub steps: u64,
    /// Return of each episode, the last perhaps cut.
    pub returns: Vec<f64>,
    /// Whether the last step that was asked for cut the last episode, which then neither terminated nor met a time limit: its return is
    /// of a part.
    pub cut: bool,
}

/// Lets an agent, or uniformly random actions where there is none, act for `steps` steps and keeps the episodes in a new store at `out`.
///
/// # Errors
/// When `out` holds something already or cannot be written; what agent and environment give; [`Error::Interrupted`] once
/// `interrupt` is requested. Whole episodes are then kept; where there is none, nothing is left at `out`.
pub fn collect(
    made: &mut Made,
    agent: Option<&mut dyn Agent>,
    steps: u64,
    seed: u64,
    out: &Path,
    interrupt: &Interrupt,
) -> Result<Collected> {
    let environment = made.environment.as_mut();
    if out.exists() {
        return Err(Error::external(out.display().to_string(), "exists already; name a new folder"));
    }
    let header = Header::new(
        environment.id(),
        environment.observation_space().clone(),
        environment.action_space().clone(),
        seed,
    )
    .with_versions(environment.versions());
    // Before the folder is made: an environment that does not even begin leaves none.
    let first = environment.reset(episode_seed(seed, stream::TRAINING_ENVIRONMENT, 0))?;
    // Whoever makes the folder owns it, should two begin at once.
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent
        .map_or(Ok(()), |parent| uninterrupted(|| fs::create_dir_all(parent)))
        .and_then(|()| uninterrupted(|| fs::create_dir(out)))
        .map_err(|error| file_error(out, "cannot be made", &error))?;
    let mut collected = Collected::default();
    let recorded = record(made, agent, (first, steps, seed), out, &header, interrupt, &mut collected);
    match recorded {
        Ok(()) => Ok(collected),
        // Without a whole episode there is nothing to keep, and the next try may take the same place.
        Err(error) if collected.returns.is_empty() => {
            let _ = uninterrupted(|| fs::remove_dir_all(out));
            Err(error)
        }
        Err(Error::External { who, why }) => {
            let kept = counted(collected.returns.len() as u64, "whole episode");
            Err(Error::External {
                who,
                why: format!("{why}; {kept} before are kept in {}: name a new folder for others", out.display()),
            })
        }
        Err(other) => Err(other),
    }
}

/// Records episodes in a new store; `collected` grows by each whole one that is kept.
fn record(
    made: &mut Made,
    mut agent: Option<&mut dyn Agent>,
    (first, steps, seed): (Observation, u64, u64),
    out: &Path,
    header: &Header,
    interrupt: &Interrupt,
    collected: &mut Collected,
) -> Result<()> {
    let environment = made.environment.as_mut();
    let mut first = Some(first);
    let mut store = EpisodeWriter::create(out, header, WriterOptions::default())?;
    let limit = made.episode_steps.unwrap_or(STEP_LIMIT);
    for episode in 0.. {
        let environment_seed = episode_seed(seed, stream::TRAINING_ENVIRONMENT, episode);
        let agent_seed = episode_seed(seed, stream::TRAINING_AGENT, episode);
        let mut rng = Key::new(agent_seed).rng();
        let mut observation = match first.take() {
            Some(first) => first,
            None => environment.reset(environment_seed)?,
        };
        store.start_episode(&observation, Some(environment.own_seed(environment_seed)))?;
        if let Some(agent) = &mut agent {
            agent.begin_episode(&observation, agent_seed)?;
        }
        let mut episode_return = 0.0;
        for length in 1.. {
            interrupt.check("collecting")?;
            let action = match &mut agent {
                Some(agent) => agent.act(&observation, false)?,
                None => environment.action_space().sample(&mut rng),
            };
            let mut step = environment.step(&action)?;
            collected.steps += 1;
            episode_return += step.reward;
            step.truncated |= !step.terminated && length >= limit;
            store.step(&action, &step)?;
            if step.done() {
                break;
            }
            // An episode under way is stored as neither terminated nor truncated.
            if collected.steps >= steps {
                collected.cut = true;
                break;
            }
            observation = step.observation;
        }
        store.flush()?;
        collected.returns.push(episode_return);
        if collected.steps >= steps {
            break;
        }
    }
    store.close().map(|_| ())
}

/// What an agent would do: from `observation` (its numbers, a choice being one), or from the environment's start with `seed` where there is none.
///
/// # Errors
/// [`Error::Shape`] for an observation of another length, [`Error::NotInSpace`] for what is no choice, [`Error::Unsupported`] for agents that do not plan.
pub fn plan(
    made: &mut Made,
    agent: &mut dyn Agent,
    observation: Option<&[f64]>,
    seed: u64,
) -> Result<(Observation, Plan)> {
    let environment = made.environment.as_mut();
    let start = match observation {
        None => environment.reset(episode_seed(seed, stream::EVALUATION_ENVIRONMENT, 0))?,
        Some(numbers) => {
            let space = environment.observation_space();
            if space.numbers() != numbers.len() {
                return Err(Error::shape("observation", &[space.numbers()], &[numbers.len()]));
            }
            let value = element(space, &mut numbers.iter().copied())?;
            space.flatten(&value, &mut vec![0.0; space.flat_dim()])?;
            value
        }
    };
    agent.begin_episode(&start, episode_seed(seed, stream::EVALUATION_AGENT, 0))?;
    let plan = agent.plan(&start)?;
    Ok((start, plan))
}

/// The element of a space whose numbers these are, a choice being one, in the order of [`Space::entry_names`].
fn element(space: &Space, numbers: &mut dyn Iterator<Item = f64>) -> Result<Value> {
    let none = |number: f64| Error::NotInSpace {
        what: "observation".into(),
        reason: format!("{number} is no whole number, or none there is"),
    };
    let whole = |number: f64| if number.fract() == 0.0 { Ok(number as i64) } else { Err(none(number)) };
    Ok(match space {
        Space::Discrete { n, start, .. } => {
            let choice = whole(numbers.next().unwrap_or(f64::NAN))?;
            let last = i128::from(*start) + *n as i128 - 1;
            if !(i128::from(*start)..=last).contains(&i128::from(choice)) {
                let reason = format!("{choice} is no choice from {start} to {last}");
                return Err(Error::NotInSpace { what: "observation".into(), reason });
            }
            Value::Integer(choice)
        }
        Space::MultiDiscrete { .. } | Space::MultiBinary { .. } => {
            let value = Value::Integers(numbers.take(space.numbers()).map(whole).collect::<Result<_>>()?);
            space.check(&value)?;
            value
        }
        Space::Box { element, .. } if element.is_bytes() => {
            let byte = |number: f64| u8::try_from(whole(number)?).map_err(|_| none(number));
            Value::Bytes(numbers.take(space.numbers()).map(byte).collect::<Result<_>>()?)
        }
        Space::Box { .. } => Value::Floats(numbers.take(space.numbers()).collect()),
        Space::Dict(parts) => {
            let parts = parts.iter().map(|(name, part)| Ok((name.clone(), self::element(part, numbers)?)));
            Value::Dict(parts.collect::<Result<_>>()?)
        }
        Space::Tuple(parts) => {
            Value::Tuple(parts.iter().map(|part| self::element(part, numbers)).collect::<Result<_>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_is_read_from_its_numbers() {
        let space = Space::Tuple(vec![
            Space::choices(3, -1),
            Space::Dict(vec![("b".into(), Space::unbounded(2)), ("a".into(), Space::multi_discrete(&[2, 4]))]),
        ]);
        let read = |numbers: &[f64]| element(&space, &mut numbers.iter().copied());
        let parts = vec![("b".into(), Value::Floats(vec![0.5, -0.5])), ("a".into(), Value::Integers(vec![1, 3]))];
        assert_eq!(
            read(&[-1.0, 0.5, -0.5, 1.0, 3.0]).unwrap(),
            Value::Tuple(vec![Value::Integer(-1), Value::Dict(parts)])
        );
        assert!(read(&[2.0, 0.5, -0.5, 1.0, 3.0]).unwrap_err().to_string().contains("no choice from -1 to 1"));
        assert!(read(&[0.5, 0.5, -0.5, 1.0, 3.0]).is_err() && read(&[0.0, 0.5, -0.5, 1.0, 4.0]).is_err());
    }
}
