//! Recorded episodes that a run begins with: read and checked before anything is written.

use worldwright_core::{Dataset, Error, Result};
use worldwright_envs::Made;

use crate::{Experiment, Workshop};

/// The transitions that `data` names, if it names any.
///
/// # Errors
/// [`Error::Config`] where it holds no recorded episodes, or those of other spaces.
pub(super) fn read(workshop: &dyn Workshop, experiment: &Experiment, made: &Made) -> Result<Option<Dataset>> {
    let Some(recorded) = workshop.recorded(experiment)? else { return Ok(None) };
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
    for i in 0..recorded.len() {
        let parts = [observed.unflatten(recorded.observation(i)), observed.unflatten(recorded.next_observation(i))];
        let foreign = parts.into_iter().chain([done.unflatten(recorded.action(i))]).find_map(std::result::Result::err);
        if let Some(error) = foreign {
            return Err(Error::config("data", format!("step {i} of {} in it: {error}", recorded.len())));
        }
    }
    Ok(Some(recorded))
}
