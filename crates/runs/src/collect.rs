//! Collecting episodes without learning, and planning from a single observation.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use worldwright_agents::{Interaction, RandomAgent, Start, Taken};
use worldwright_core::{Agent, Environment, Error, Interrupt, Observation, Plan, Result, Space, Value, uninterrupted};
use worldwright_data::{EpisodeWriter, Position, WriterOptions};
use worldwright_envs::Made;

use crate::evaluate::{episode_seed, stream};
use crate::folder::file_error;
use crate::learn::STEP_LIMIT;
use crate::offline::header;
use crate::report::counted;

/// What was collected.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Collected {
    /// Steps.
    pub steps: u64,
    /// Return of each episode in the order in which they ended, the last ones perhaps cut.
    pub returns: Vec<f64>,
    /// How many of the last ones were under way at the last step that was asked for: they neither terminated nor met a time limit, and their returns
    /// are of a part.
    pub cut: usize,
}

/// Lets an agent, or uniformly random actions where there is none, act for `steps` steps and keeps the episodes in a new store at `out`. It acts in `made`
/// and in the instances `beside` it at once.
///
/// # Errors
/// When `out` holds something already or cannot be written; what agent and environment give; [`Error::Shape`] for an agent of fewer places;
/// [`Error::Interrupted`] once `interrupt` is requested. What was collected until then is kept and told; where that is no step, nothing is left at `out`.
pub fn collect(
    made: &mut Made,
    beside: &mut [Box<dyn Environment>],
    agent: Option<&mut dyn Agent>,
    (steps, seed): (u64, u64),
    out: &Path,
    interrupt: &Interrupt,
) -> Result<Collected> {
    let limit = made.episode_steps.unwrap_or(STEP_LIMIT);
    let environment = made.environment.as_mut();
    if out.exists() {
        return Err(Error::external(out.display().to_string(), "exists already; name a new folder"));
    }
    let header = header(environment, seed);
    let mut random = RandomAgent::new(environment.action_space().clone(), 1 + beside.len());
    let beside = beside.iter_mut().map(|environment| &mut **environment);
    let mut recording = Recording {
        interaction: Interaction::new(std::iter::once(environment).chain(beside), limit),
        agent: agent.unwrap_or(&mut random),
        seed,
        under_way: BTreeMap::new(),
        begun: 0,
        collected: Collected::default(),
    };
    // Before the folder is made: an environment that does not even begin leaves none.
    let first = recording.begin(0)?;
    // Whoever makes the folder owns it, should two begin at once.
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent
        .map_or(Ok(()), |parent| uninterrupted(|| fs::create_dir_all(parent)))
        .and_then(|()| uninterrupted(|| fs::create_dir(out)))
        .map_err(|error| file_error(out, "cannot be made", &error))?;
    let mut store = match EpisodeWriter::create(out, &header, WriterOptions::default()) {
        Ok(store) => store,
        Err(error) => {
            let _ = uninterrupted(|| fs::remove_dir_all(out));
            return Err(error);
        }
    };
    let recorded = recording.record(&mut store, first, steps, interrupt);
    // What was collected is written whatever ended it. Where that fails, what was written before it is there.
    let written = store.flush();
    let (kept, cut) = (store.position(), if written.is_ok() { recording.under_way.len() } else { 0 });
    let closed = written.and_then(|_| store.close());
    match recorded.and_then(|()| closed.map(|_| ())) {
        Ok(()) => Ok(recording.collected),
        // Without a step there is nothing to keep, and the next try may take the same place.
        Err(error) if kept.steps == 0 => {
            let _ = uninterrupted(|| fs::remove_dir_all(out));
            Err(error)
        }
        Err(error) => Err(with_kept(error, &kept, cut, out)),
    }
}

/// The same error, with what is kept all the same, and how to go on.
fn with_kept(error: Error, kept: &Position, cut: usize, out: &Path) -> Error {
    let out = out.display();
    let amount = format!("{} of {}", counted(kept.episodes, "episode"), counted(kept.steps, "step"));
    let as_far = match cut {
        0 => String::new(),
        1 => ", the last as far as it came".to_owned(),
        cut => format!(", the last {cut} as far as they came"),
    };
    let go_on = "collect what is missing into another folder, from another seed";
    let said = |why: String| format!("{why}; {amount} are kept in {out}{as_far}: {go_on}");
    match error {
        Error::External { who, why } => Error::External { who, why: said(why) },
        Error::Diverged { who, why } => Error::Diverged { who, why: said(why) },
        Error::NotInSpace { what, reason } => Error::NotInSpace { what, reason: said(reason) },
        Error::Interrupted { who } => {
            Error::Interrupted { who: format!("{who} ({amount} are kept in {out}{as_far}: {go_on})").into() }
        }
        other => Error::external("collecting", said(other.to_string())),
    }
}

/// Episodes as they are recorded.
struct Recording<'r> {
    interaction: Interaction<&'r mut (dyn Environment + 'static)>,
    agent: &'r mut dyn Agent,
    seed: u64,
    /// The number and the return so far of the episode at each place.
    under_way: BTreeMap<usize, (u64, f64)>,
    begun: u64,
    /// Grows by each whole episode that is kept.
    collected: Collected,
}

impl Recording<'_> {
    /// Begins an episode: what it shows first, and its environment's own seed.
    fn begin(&mut self, place: usize) -> Result<(Observation, u64)> {
        let environment_seed = episode_seed(self.seed, stream::TRAINING_ENVIRONMENT, self.begun);
        let agent_seed = episode_seed(self.seed, stream::TRAINING_AGENT, self.begun);
        let observation = self.interaction.begin(place, self.agent, Start { environment_seed, agent_seed })?;
        self.under_way.insert(place, (self.begun, 0.0));
        self.begun += 1;
        Ok((observation, self.interaction.environment(place).own_seed(environment_seed)))
    }

    fn record(
        &mut self,
        store: &mut EpisodeWriter,
        first: (Observation, u64),
        steps: u64,
        interrupt: &Interrupt,
    ) -> Result<()> {
        store.start_episode(&first.0, Some(first.1))?;
        let mut round = Vec::new();
        while self.collected.steps < steps {
            interrupt.check("collecting")?;
            let left = usize::try_from(steps - self.collected.steps).unwrap_or(usize::MAX);
            // Where the steps that are left do not reach, no episode begins.
            for place in (0..self.interaction.places()).take(left) {
                if !self.interaction.is_open(place) {
                    let (observation, own_seed) = self.begin(place)?;
                    store.start_episode(&observation, Some(own_seed))?;
                }
            }
            // Steps of other places are kept, where one fails.
            let taken = self.interaction.round(self.agent, false, left, &mut round);
            for Taken { place, action, step, .. } in &round {
                self.collected.steps += 1;
                let Some((episode, so_far)) = self.under_way.get_mut(place) else { continue };
                *so_far += step.reward;
                store.step_of(*episode, action, step, &[])?;
                if step.done() {
                    store.flush()?;
                    self.collected.returns.push(*so_far);
                    self.under_way.remove(place);
                }
            }
            taken?;
        }
        // Those under way are stored as neither terminated nor truncated.
        self.collected.cut = self.under_way.len();
        self.collected.returns.extend(self.under_way.values().map(|(_, so_far)| so_far));
        Ok(())
    }
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
    agent.begin_episode(0, &start, episode_seed(seed, stream::EVALUATION_AGENT, 0))?;
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
