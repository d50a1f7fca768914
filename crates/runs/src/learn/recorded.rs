//! Recorded episodes that a run begins with: read and checked before anything is written.

use std::path::Path;

use worldwright_core::{Dataset, Error, Result, Space, Step, find};
use worldwright_data::{EpisodeWriter, Header, WriterOptions, make_whole};
use worldwright_envs::Made;
use worldwright_policies::Build;

use crate::folder::file_error;
use crate::{Experiment, Workshop};

/// The transitions that `data` names, if it names any, with a word on what is odd about them.
///
/// # Errors
/// [`Error::Config`] where it holds no recorded episodes, or those of other spaces: an action that the environment does not take is
/// of another one. Observations may lie outside the bounds that an environment gives for them, as some do by themselves.
pub(crate) fn read(
    workshop: &dyn Workshop,
    experiment: &Experiment,
    made: &Made,
) -> Result<Option<(Dataset, Option<String>)>> {
    let Some((recorded, notes)) = workshop.recorded(experiment, made)? else { return Ok(None) };
    let environment = &made.environment;
    let (observed, done) = (environment.observation_space(), environment.action_space());
    let (here, there) = ([observed.flat_dim(), done.flat_dim()], [recorded.observation_dim(), recorded.action_dim()]);
    if here != there {
        let why = format!(
            "its observations and actions have {} and {} numbers, those of {} have {} and {}",
            there[0],
            there[1],
            environment.id(),
            here[0],
            here[1]
        );
        return Err(Error::config("data", why));
    }
    if experiment.steps == 0
        && learns_from_rewards(experiment)
        && recorded.rewards().iter().all(|reward| *reward == 0.0)
    {
        let why = format!(
            "every step in it pays 0, and {} learns from what was paid: name the column of the rewards (worldwright data import --columns reward=COLUMN), or do what was done (algorithm=bc)",
            experiment.agent.name
        );
        return Err(Error::config("data", why));
    }
    let (mut beyond, mut first) = (0_usize, None);
    for i in 0..recorded.len() {
        let parts = [observed.unflatten(recorded.observation(i)), observed.unflatten(recorded.next_observation(i))];
        let foreign = parts.into_iter().chain([done.unflatten(recorded.action(i))]).find_map(std::result::Result::err);
        if let Some(error) = foreign {
            return Err(Error::config("data", format!("step {i} of {} in it: {error}", recorded.len())));
        }
        if let Some(place) = outside(done, recorded.action(i)) {
            let why = format!(
                "step {i} of {} in it: the action {:?} is outside the actions of {} at place {place}; these data are of another environment",
                recorded.len(),
                recorded.action(i),
                environment.id()
            );
            return Err(Error::config("data", why));
        }
        if let Some(place) = outside(observed, recorded.observation(i)) {
            beyond += 1;
            first.get_or_insert((i, place));
        }
    }
    let odd = first.map(|(i, place)| {
        format!(
            "data: {beyond} of {} observations lie outside those of {}, the first at step {i}, place {place} ({}): are they of this environment?",
            recorded.len(),
            environment.id(),
            recorded.observation(i)[place],
        )
    });
    let single = (experiment.steps == 0 && !recorded.is_empty() && (1..recorded.len()).all(|i| recorded.follows(i)))
        .then(|| format!("data: all {} steps are of one episode, and nothing of others is known", recorded.len()));
    let told = notes.into_iter().map(|note| format!("data: {note}")).chain(odd).chain(single);
    Ok(Some((recorded, told.reduce(|one, two| format!("{one}; {two}")))))
}

/// Whether an experiment comes to nothing where nothing was paid.
fn learns_from_rewards(experiment: &Experiment) -> bool {
    let policy = experiment.roles.get("policy").map(|part| find(worldwright_policies::ALL, "policy", &part.name));
    match policy {
        Some(Ok(entry)) => !matches!(entry.build, Build::Imitation(_)),
        _ => experiment.reward.kind == "learned",
    }
}

/// Keeps transitions as a store of episodes in the run's folder, from which every resumed run reads them: what `data` names may be another
/// by then. An episode begins wherever a transition does not follow the one before it.
pub(super) fn write(place: &Path, recorded: &Dataset, header: &Header) -> Result<()> {
    let make = |part: &Path| {
        let header = Header { columns: Vec::new(), ..header.clone() };
        let mut writer = EpisodeWriter::create(part, &header, WriterOptions::default())?;
        let (observed, done) = (&header.observation_space, &header.action_space);
        for i in 0..recorded.len() {
            if !recorded.follows(i) {
                writer.start_episode(&observed.unflatten(recorded.observation(i))?, None)?;
            }
            let terminated = recorded.terminated()[i];
            let step = Step {
                observation: observed.unflatten(recorded.next_observation(i))?,
                reward: recorded.rewards()[i],
                terminated,
                truncated: recorded.episode_ends()[i] && !terminated,
            };
            writer.step(&done.unflatten(recorded.action(i))?, &step)?;
        }
        writer.close().map(|_| ())
    };
    make_whole(place, make, |error| file_error(place, "cannot be written", error))
}

/// The first place of a flat vector where a number is outside the bounds of its space, by more than rounding explains.
fn outside(space: &Space, flat: &[f64]) -> Option<usize> {
    match space {
        Space::Box { low, high, .. } => flat.iter().enumerate().position(|(i, number)| {
            let slack = 1e-6 * number.abs().max(1.0);
            *number < low[i] - slack || *number > high[i] + slack
        }),
        Space::Dict(_) | Space::Tuple(_) => {
            let mut from = 0;
            space.parts().into_iter().find_map(|(_, part)| {
                let place = outside(part, &flat[from..from + part.flat_dim()]).map(|place| from + place);
                from += part.flat_dim();
                place
            })
        }
        Space::Discrete { .. } | Space::MultiDiscrete { .. } | Space::MultiBinary { .. } => None,
    }
}
