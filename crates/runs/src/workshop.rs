//! Where a run's environment and agent come from. The loop asks a [`Workshop`], so that it can be tried on any pair of them.

use rayon::prelude::*;
use worldwright_core::{Agent, Dataset, Environment, Error, Experience, Interrupt, Result, Space, Value};
use worldwright_data::{Elements, EpisodeStore, Named, Replay, arranged, recorded_names};
use worldwright_envs::{ACTION_REPEAT, Made};

use crate::Experiment;
use crate::offline::{open_recorded, steps_each};

/// Makes what an experiment names.
pub trait Workshop: Sync {
    /// A new instance of the environment. Called once for each that is trained in, once for evaluation (once more for each that evaluates beside it), and
    /// again when one has broken.
    ///
    /// # Errors
    /// What the environment says of its settings, or of what it lacks.
    fn environment(&self, experiment: &Experiment) -> Result<Made>;

    /// Whether instances of the environment can be worked in at once; those that one interpreter runs cannot.
    fn works_at_once(&self) -> bool {
        true
    }

    /// The agent, for the spaces of `made`; its fits and decisions look at `interrupt`.
    ///
    /// # Errors
    /// What the agent or its parts say of their settings.
    fn agent(&self, experiment: &Experiment, made: &Made, interrupt: &Interrupt) -> Result<Box<dyn Agent>>;

    /// The transitions that the agent begins with, where the experiment names some, as elements of the spaces of `made`: parts and numbers
    /// that go by names are matched by these. Also what a user should know of that.
    ///
    /// # Errors
    /// [`Error::Config`] where its name holds no recorded episodes, and for parts that one has and the other lacks.
    fn recorded(&self, experiment: &Experiment, made: &Made) -> Result<Option<(Dataset, Vec<String>)>> {
        if experiment.data.is_empty() {
            return Ok(None);
        }
        let (store, mut notes) = open_recorded(&experiment.data)?;
        if let Some(steps) = steps_each(store.header(), made.environment.as_ref()).filter(|steps| *steps != 1.0) {
            let why = format!(
                "a step of the episodes in {} takes as long as {steps} of {} do here, which to a model is another world: \
                 leave environment.{} out, and it is found from them",
                experiment.data,
                made.environment.id(),
                ACTION_REPEAT.name
            );
            return Err(Error::config("data", why));
        }
        let dataset = Replay::from_store(&store).and_then(|replay| replay.all());
        let dataset = dataset.map_err(|error| match undefined(&store) {
            Ok(Some(place)) => Error::config("data", format!("{}: {place}; leave it out", experiment.data)),
            _ => error,
        })?;
        let [observation, action] = recorded_names(store.header());
        let given = Elements {
            who: "the data",
            observation: Named { space: &store.header().observation_space, names: observation.as_deref() },
            action: Named { space: &store.header().action_space, names: action.as_deref() },
        };
        let (dataset, said) = arranged(dataset, &given, &elements(made))?;
        notes.extend(said);
        Ok(Some((dataset, notes)))
    }
}

/// More instances of an experiment's environment, as many as `count`. Those of Python take long to start, each in a process of its own, so that as many as
/// there are threads start at once, where their workshop can; more would only be late.
///
/// # Errors
/// As for [`Workshop::environment`], that of the first one that fails.
pub fn instances(workshop: &dyn Workshop, experiment: &Experiment, count: u64) -> Result<Vec<Box<dyn Environment>>> {
    let make = |_| workshop.environment(experiment).map(|made| made.environment);
    if !workshop.works_at_once() {
        return (0..count).map(make).collect();
    }
    let made: Vec<Result<_>> = (0..count).into_par_iter().map(make).collect();
    made.into_iter().collect()
}

/// What an environment shows and takes, and what it calls the numbers of these.
pub fn elements(made: &Made) -> Elements<'_> {
    let environment = made.environment.as_ref();
    // Names of choices are not those of numbers.
    let names = |space: &Space, names: &[String]| names.len() == space.flat_dim();
    let (observed, done) = (environment.observation_space(), environment.action_space());
    Elements {
        who: environment.id(),
        observation: Named {
            space: observed,
            names: Some(made.observation_channels.as_slice()).filter(|it| names(observed, it)),
        },
        action: Named { space: done, names: Some(made.action_channels.as_slice()).filter(|it| names(done, it)) },
    }
}

/// The first number in a store that is not finite, and where it is.
fn undefined(store: &EpisodeStore) -> Result<Option<String>> {
    let (observed, done) = (&store.header().observation_space, &store.header().action_space);
    let wrong = |space: &Space, value: &Value| {
        let mut flat = vec![0.0; space.flat_dim()];
        let flattened = space.flatten(value, &mut flat);
        flattened.map(|()| flat.into_iter().find(|number| !number.is_finite()))
    };
    for i in 0..store.episodes().len() {
        let episode = store.episode(i)?;
        for (t, observation) in episode.observations.iter().enumerate() {
            let action = episode.actions.get(t).map_or(Ok(None), |action| wrong(done, action))?;
            let reward = episode.rewards.get(t).copied().filter(|reward| !reward.is_finite());
            let found =
                [("an observation", wrong(observed, observation)?), ("an action", action), ("a reward", reward)];
            if let Some((what, number)) = found.into_iter().find_map(|(what, found)| Some((what, found?))) {
                return Ok(Some(format!("{what} holds {number} at step {t} of episode {i}")));
            }
        }
    }
    Ok(None)
}
