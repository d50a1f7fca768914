//! Acting: an agent in environments, an episode at each of its places, all of them a step further a round.
//!
//! Training, evaluation, collecting and trials are loops around this one: they say how episodes begin and keep what came of each step. In a round the
//! agent decides at each place, then every environment begins its step, and only then is waited for what each led to, so that those that run in processes
//! of their own work at once. Nothing is under way between two rounds.

use std::ops::DerefMut;
use std::time::Instant;

use worldwright_core::{Action, Agent, Environment, Error, Observation, Result, Step};

/// What an episode draws all its randomness from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// For the environment's reset.
    pub environment_seed: u64,
    /// For the agent.
    pub agent_seed: u64,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// Where.
    pub place: usize,
    /// What was seen before.
    pub observation: Observation,
    /// What was done.
    pub action: Action,
    /// What it led to; truncated too where the episode met the limit of steps.
    pub step: Step,
    /// What the agent keeps beside it.
    pub kept: Vec<f64>,
    /// Which step of its episode it is, from 1.
    pub length: u64,
    /// Seconds of the decision; none where the agent still acted at random for want of experience.
    pub act_secs: Option<f64>,
    /// Seconds that its environment was waited for.
    pub step_secs: f64,
}

/// Why acting stopped.
#[derive(Debug)]
pub enum Failure {
    /// An environment broke, which another instance may mend.
    Broken {
        /// Where.
        place: usize,
        /// What it said.
        error: Error,
    },
    /// Anything else.
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Broken { error, .. } | Failure::Other(error) => error,
        }
    }
}

/// Tells what breaks an environment from what ends the work.
fn at<T>(place: usize, result: Result<T>) -> Result<T, Failure> {
    result.map_err(|error| match error {
        Error::External { .. } => Failure::Broken { place, error },
        other => Failure::Other(other),
    })
}

/// An environment, and its episode if one is under way.
struct Place<E> {
    environment: E,
    /// What was seen last, and the steps so far.
    episode: Option<(Observation, u64)>,
    /// The step that is being taken.
    taking: Option<Taking>,
}

/// A step between its decision and what it led to.
struct Taking {
    observation: Observation,
    action: Action,
    kept: Vec<f64>,
    length: u64,
    act_secs: Option<f64>,
    /// Seconds that beginning it took.
    started_secs: f64,
}

/// Places at which an agent acts.
pub struct Interaction<E> {
    places: Vec<Place<E>>,
    limit: u64,
}

impl<E: DerefMut<Target: Environment>> Interaction<E> {
    /// A place for each environment; an episode that does not end by itself is cut after `limit` steps.
    pub fn new(environments: impl IntoIterator<Item = E>, limit: usize) -> Self {
        let place = |environment| Place { environment, episode: None, taking: None };
        Self { places: environments.into_iter().map(place).collect(), limit: limit as u64 }
    }

    /// How many places there are.
    pub fn places(&self) -> usize {
        self.places.len()
    }

    /// The environment at a place.
    pub fn environment(&mut self, place: usize) -> &mut E::Target {
        &mut self.places[place].environment
    }

    /// Puts another environment where one broke; its episode is over.
    pub fn replace(&mut self, place: usize, environment: E) {
        self.places[place] = Place { environment, episode: None, taking: None };
    }

    /// Whether an episode is under way at a place.
    pub fn is_open(&self, place: usize) -> bool {
        self.places[place].episode.is_some()
    }

    /// Begins an episode at a place: its first observation.
    ///
    /// # Errors
    /// What environment and agent give.
    pub fn begin(&mut self, place: usize, agent: &mut dyn Agent, start: Start) -> Result<Observation, Failure> {
        let observation = at(place, self.environment(place).reset(start.environment_seed))?;
        agent.begin_episode(place, &observation, start.agent_seed)?;
        self.take_up(place, observation.clone(), 0);
        Ok(observation)
    }

    /// Goes on with an episode that was brought to where it is by other means, after so many steps.
    pub fn take_up(&mut self, place: usize, observation: Observation, length: u64) {
        self.places[place].episode = Some((observation, length));
    }

    /// Leaves the episode at a place where it stands.
    pub fn leave(&mut self, place: usize) {
        self.places[place].episode = None;
    }

    /// A step at each place where an episode is under way, the first `most` of them: `out` is filled with these, in the order of places.
    ///
    /// # Errors
    /// What agent and environments give. Steps that others began are then over too, and lost.
    pub fn round(
        &mut self,
        agent: &mut dyn Agent,
        explore: bool,
        most: usize,
        out: &mut Vec<Taken>,
    ) -> Result<(), Failure> {
        out.clear();
        let mut outcome = Ok(());
        let acting = self.places.iter_mut().enumerate().filter(|(_, it)| it.episode.is_some()).take(most);
        for (place, it) in acting {
            outcome = it.start(place, agent, explore);
            if outcome.is_err() {
                break;
            }
        }
        // Whoever began a step is waited for, whatever became of the others.
        for (place, it) in self.places.iter_mut().enumerate() {
            let Some(taking) = it.taking.take() else { continue };
            match it.finish(place, taking, self.limit) {
                Ok(taken) => out.push(taken),
                Err(failure) => outcome = outcome.and(Err(failure)),
            }
        }
        outcome
    }
}

impl<E: DerefMut<Target: Environment>> Place<E> {
    /// Decides, and begins the step.
    fn start(&mut self, place: usize, agent: &mut dyn Agent, explore: bool) -> Result<(), Failure> {
        let Some((observation, length)) = self.episode.take() else { return Ok(()) };
        let (decides, began) = (agent.is_ready(), Instant::now());
        let action = agent.act(place, &observation, explore)?;
        let act_secs = decides.then(|| began.elapsed().as_secs_f64());
        let kept = agent.kept().to_vec();
        let began = Instant::now();
        at(place, self.environment.start_step(&action))?;
        let started_secs = began.elapsed().as_secs_f64();
        self.taking = Some(Taking { observation, action, kept, length: length + 1, act_secs, started_secs });
        Ok(())
    }

    /// Waits for what the step led to.
    fn finish(&mut self, place: usize, taking: Taking, limit: u64) -> Result<Taken, Failure> {
        let Taking { observation, action, kept, length, act_secs, started_secs } = taking;
        let began = Instant::now();
        let mut step = at(place, self.environment.step(&action))?;
        step.truncated |= !step.terminated && length >= limit;
        if !step.done() {
            self.episode = Some((step.observation.clone(), length));
        }
        let step_secs = started_secs + began.elapsed().as_secs_f64();
        Ok(Taken { place, observation, action, step, kept, length, act_secs, step_secs })
    }
}
