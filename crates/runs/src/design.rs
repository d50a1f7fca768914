//! Designing a model for an environment, from steps of random actions and trials in it, or for data alone.
//!
//! [`explore`] and [`design_from`] are the two halves, for callers that bring an environment, data or a reward of their own;
//! [`design_for_environment`] and [`design_for_episodes`] put them together for what experiments and folders describe.

use std::path::Path;
use std::sync::Arc;

use worldwright_agents::AgentContext;
use worldwright_core::{
    Action, Dataset, Environment, Error, Experience, Frame, Interrupt, Observation, Result, RewardFunction, Space, Step,
};
use worldwright_data::Replay;
use worldwright_design::{Design, DesignOptions, EnvironmentTrial, Progress, Trial, design, random_transitions};
use worldwright_envs::Made;

use crate::evaluate::transitions_cost;
use crate::offline::open_recorded;
use crate::{Experiment, Lists, STEP_LIMIT, Workshop};

/// Hears of every step of a search, and ends it by an error.
pub type DesignObserver<'o> = &'o mut dyn FnMut(Progress<'_>) -> Result<()>;

/// What a search knows of the environment's domain; without `reward`, reward and ends are learned. With `learned`, its simulator is
/// left unused, as if its dynamics were not known.
pub fn design_context(
    made: &Made,
    reward: Option<Arc<dyn RewardFunction>>,
    learned: bool,
    seed: u64,
    interrupt: &Interrupt,
) -> AgentContext {
    AgentContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward,
        simulator: made.simulator.clone().filter(|_| !learned),
        known: made.model.clone().filter(|_| !learned),
        players: made.environment.players(),
        places: 1,
        seed,
        interrupt: interrupt.clone(),
    }
}

/// Data to begin with: `steps` steps of uniformly random actions, and what was observed first.
///
/// # Errors
/// [`Error::Config`] for no steps; [`Error::Interrupted`] once `interrupt` is requested; what the environment gives.
pub fn explore(made: &mut Made, steps: usize, seed: u64, interrupt: &Interrupt) -> Result<(Dataset, Observation)> {
    if steps == 0 {
        return Err(Error::config("steps", "must be at least 1"));
    }
    transitions_cost("steps", steps, 1, made.environment.as_ref())?;
    let episode_steps = made.episode_steps.unwrap_or(STEP_LIMIT);
    let mut environment = Stoppable { inner: made.environment.as_mut(), interrupt };
    let (data, _) = random_transitions(&mut environment, steps, episode_steps, seed)?;
    let first = made.environment.observation_space().unflatten(data.observation(0))?;
    Ok((data, first))
}

/// Designs a model for the domain of `context` and `data`. Plans are tried in `made` where there is one, its episodes cut where it
/// says; else models of the held-out part judge them.
///
/// # Errors
/// As for [`design`]; [`Error::Interrupted`] once `interrupt` is requested, which is looked at before each step of the environment and after each
/// model that is fitted.
pub fn design_from(
    context: &AgentContext,
    data: &Dataset,
    made: Option<&mut Made>,
    options: &DesignOptions,
    interrupt: &Interrupt,
    observer: DesignObserver<'_>,
) -> Result<Design> {
    let mut watched = |progress: Progress<'_>| {
        interrupt.check("the search")?;
        observer(progress)
    };
    let Some(made) = made else { return design(context, data, options, None, &mut watched) };
    let given = options.episode_steps;
    let episode_steps = if given > 0 { given } else { made.episode_steps.unwrap_or(STEP_LIMIT) };
    let options = DesignOptions { episode_steps, ..options.clone() };
    let mut environment = Stoppable { inner: made.environment.as_mut(), interrupt };
    let mut trial = EnvironmentTrial::new(&mut environment, context.seed);
    design(context, data, &options, Some(&mut trial as &mut dyn Trial), &mut watched)
}

/// Designs a model for the environment and the reward of an experiment: `steps` steps of random actions are the data, and plans are tried in
/// it. With `learned`, its simulator is left unused.
///
/// # Errors
/// As for [`explore`] and [`design_from`].
pub fn design_for_environment(
    experiment: &Experiment,
    steps: usize,
    learned: bool,
    options: &DesignOptions,
    interrupt: &Interrupt,
    observer: DesignObserver<'_>,
) -> Result<Design> {
    let mut made = Lists.environment(experiment)?;
    let context = design_context(&made, Lists::reward(experiment, &made)?, learned, experiment.seed, interrupt);
    let (data, _) = explore(&mut made, steps, experiment.seed, interrupt)?;
    design_from(&context, &data, Some(&mut made), options, interrupt, observer)
}

/// Designs a model for the recorded episodes in a folder, or in a file of another format. Reward and ends are learned, and plans are judged by models of the held-out part.
///
/// # Errors
/// As for [`design_from`]; [`Error::External`] for a folder without episodes.
pub fn design_for_episodes(
    folder: &Path,
    seed: u64,
    options: &DesignOptions,
    interrupt: &Interrupt,
    observer: DesignObserver<'_>,
) -> Result<Design> {
    let (store, _) = open_recorded(&folder.to_string_lossy())?;
    let data = Replay::from_store(&store)?.all()?;
    let (observation_space, action_space) =
        (store.header().observation_space.clone(), store.header().action_space.clone());
    let context = AgentContext {
        observation_space,
        action_space,
        reward: None,
        simulator: None,
        known: None,
        players: 1,
        places: 1,
        seed,
        interrupt: interrupt.clone(),
    };
    design_from(&context, &data, None, options, interrupt, observer)
}

/// An environment that goes no further once it is told to stop: an episode may take minutes.
struct Stoppable<'e> {
    inner: &'e mut dyn Environment,
    interrupt: &'e Interrupt,
}

impl Environment for Stoppable<'_> {
    fn id(&self) -> &str {
        self.inner.id()
    }

    fn observation_space(&self) -> &Space {
        self.inner.observation_space()
    }

    fn action_space(&self) -> &Space {
        self.inner.action_space()
    }

    fn reset(&mut self, seed: u64) -> Result<Observation> {
        self.interrupt.check("the search")?;
        self.inner.reset(seed)
    }

    fn own_seed(&self, seed: u64) -> u64 {
        self.inner.own_seed(seed)
    }

    fn step(&mut self, action: &Action) -> Result<Step> {
        self.interrupt.check("the search")?;
        self.inner.step(action)
    }

    fn dt_secs(&self) -> f64 {
        self.inner.dt_secs()
    }

    fn render(&mut self) -> Result<Frame> {
        self.inner.render()
    }

    fn versions(&self) -> Vec<(String, String)> {
        self.inner.versions()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldwright_core::Value;
    use worldwright_design::{ModelChoice, PlanChoice};

    fn made() -> Made {
        worldwright_envs::make("linear", &Default::default()).unwrap()
    }

    #[test]
    fn exploring_gives_as_many_steps_as_asked_and_heeds_an_interrupt() {
        let interrupt = Interrupt::new();
        let (data, first) = explore(&mut made(), 70, 3, &interrupt).unwrap();
        assert_eq!(data.len(), 70);
        assert_eq!(first, Value::Floats(data.observation(0).to_vec()));
        assert!(explore(&mut made(), 0, 3, &interrupt).unwrap_err().to_string().contains("at least 1"));
        interrupt.request();
        assert!(explore(&mut made(), 70, 3, &interrupt).unwrap_err().to_string().contains("interrupted"));
    }

    #[test]
    fn a_search_is_interrupted_within_a_trial() {
        let (mut made, interrupt) = (made(), Interrupt::new());
        let (data, _) = explore(&mut made, 100, 3, &interrupt).unwrap();
        let context = design_context(&made, made.reward.clone(), true, 3, &interrupt);
        let options = DesignOptions {
            models: vec![ModelChoice::new("linear", "linear", &[])],
            plans: vec![PlanChoice::new("shooting", "random-shooting", 2, &[])],
            ..DesignOptions::default()
        };
        let mut heard = 0;
        let ended = design_from(&context, &data, Some(&mut made), &options, &interrupt, &mut |_| {
            heard += 1;
            interrupt.request();
            Ok(())
        });
        // The model was examined; its first trial went no further.
        assert!(ended.err().unwrap().to_string().contains("interrupted"));
        assert_eq!(heard, 1);
    }
}
