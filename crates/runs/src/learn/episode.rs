//! One training episode: act, step, remember, and let the agent learn when it is due.

use std::time::Instant;

use worldwright_agents::{Failure, Start, Taken};
use worldwright_core::{Error, Key, Observation, Result};

use super::run::{Halt, Run, STEP_LIMIT};
use super::saving::no_store;
use crate::checkpoint::OpenEpisode;
use crate::evaluate::{episode_seed, stream};
use crate::report::duration;
use crate::{Event, Row, RowKind};

/// Seconds of the first decision beyond which something is said.
const SLOW_SECS: f64 = 1.0;

/// What became of a place that an episode was to be made ready at.
pub(super) enum Prepared {
    /// One is under way there.
    Acting,
    /// The one that was cannot go on.
    Over,
    /// Its environment failed.
    Broken(Error),
}

/// What the environment gave, or the place and the error by which it broke; every other error ends the run.
pub(super) fn unless_broken<T>(result: Result<T, Failure>) -> Result<Result<T, (usize, Error)>> {
    match result {
        Ok(given) => Ok(Ok(given)),
        Err(Failure::Broken { place, error }) => Ok(Err((place, error))),
        Err(Failure::Other(error)) => Err(error),
    }
}

/// The same of an environment alone.
fn unless_external<T>(result: Result<T>) -> Result<Result<T>> {
    match result {
        Err(error @ Error::External { .. }) => Ok(Err(error)),
        Err(other) => Err(other),
        Ok(given) => Ok(Ok(given)),
    }
}

impl Run<'_, '_> {
    /// Keeps a step that was taken, and lets the agent learn; whether its episode is over.
    pub(super) fn take(&mut self, taken: Taken) -> Result<bool, Halt> {
        let Taken { place, observation, action, mut step, kept, length, act_secs, step_secs } = taken;
        let mut open = self.progress.open[place].ok_or_else(no_store)?;
        open.step_secs += step_secs;
        self.progress.clock.step += step_secs;
        if let Some(took) = act_secs {
            open.act_secs += took;
            open.decisions += 1;
            self.progress.clock.act += took;
            self.progress.decisions += 1;
        }
        if let Some(slow) = act_secs.filter(|took| self.progress.decisions == 1 && *took > SLOW_SECS) {
            self.tell_of_slow_decisions(slow)?;
        }
        self.progress.step += 1;
        open.length = length;
        open.episode_return += step.reward;
        self.progress.open[place] = Some(open);
        self.check_defined((open.episode, length), &observation, &action, &step)?;
        // The last step of the run cuts the episodes that are under way, which met no time limit: they are stored as such.
        self.store.as_mut().ok_or_else(no_store)?.step_of(open.episode, &action, &step, &kept)?;
        let last = self.progress.step >= self.limit();
        let cut = !step.done() && last;
        step.truncated |= cut;
        if self.agent.learns() {
            self.memory.step(place, &action, &step, &kept)?;
            if last {
                (0..self.interaction.places()).for_each(|place| self.memory.end_episode(place));
            }
        }
        let (terminated, truncated) = (step.terminated, step.truncated);
        self.tell(&Event::Step {
            step: self.progress.step,
            episode: open.episode,
            return_so_far: open.episode_return,
            act_secs,
        })?;
        let over = terminated || truncated;
        if over {
            self.tell_of_episode(&open, (terminated, truncated && !cut, cut))?;
        }
        self.learn(open.episode, over)?;
        if last {
            for other in (0..self.interaction.places()).filter(|other| *other != place) {
                if let Some(open) = self.progress.open[other].take() {
                    self.tell_of_episode(&open, (false, false, true))?;
                    self.progress.episode += 1;
                }
            }
        }
        Ok(over)
    }

    /// Begins an episode.
    pub(super) fn start(&mut self, place: usize) -> Result<Prepared> {
        let seed = self.experiment.seed;
        // Its number in the store, which counts every episode that began.
        let episode = self.store.as_ref().ok_or_else(no_store)?.episodes();
        let tries = self.tries.get(&episode).copied().unwrap_or(0);
        let mut environment_seed = episode_seed(seed, stream::TRAINING_ENVIRONMENT, episode);
        if tries > 1 {
            environment_seed = Key::new(environment_seed).fold(tries).to_seed();
        }
        let start = Start { environment_seed, agent_seed: episode_seed(seed, stream::TRAINING_AGENT, episode) };
        let observation = match unless_broken(self.interaction.begin(place, self.agent.as_mut(), start))? {
            Ok(observation) => observation,
            Err((_, error)) => return Ok(Prepared::Broken(error)),
        };
        self.progress.resets += 1;
        let own_seed = self.interaction.environment(place).own_seed(environment_seed);
        self.store.as_mut().ok_or_else(no_store)?.start_episode(&observation, Some(own_seed))?;
        if self.agent.learns() {
            self.memory.start_episode(place, &observation)?;
        }
        self.progress.open[place] = Some(OpenEpisode { episode, environment_seed, ..OpenEpisode::default() });
        Ok(Prepared::Acting)
    }

    /// Goes on with the episode that was under way at the last checkpoint: the environment is brought to where it was by the actions that
    /// were taken. One that shows something else, or broke there again, goes no further: the episode ends as it stands. The agent follows, and
    /// must then be restored.
    pub(super) fn go_on(&mut self, place: usize, open: OpenEpisode) -> Result<Prepared, Halt> {
        let taken = self.unfinished.get_mut(place).and_then(Option::take).ok_or_else(no_store)?;
        if self.tries.get(&open.episode).is_some_and(|tries| *tries > 1) {
            return Ok(self.leave_off(place, &open, "the environment broke in it again")?);
        }
        let first = match unless_external(self.interaction.environment(place).reset(open.environment_seed))? {
            Ok(observation) => observation,
            Err(error) => return Ok(Prepared::Broken(error)),
        };
        let space = self.made.environment.observation_space().clone();
        let same = |one: &Observation, other: &Observation| -> Result<bool> {
            let (mut left, mut right) = (vec![0.0; space.flat_dim()], vec![0.0; space.flat_dim()]);
            space.flatten(one, &mut left)?;
            space.flatten(other, &mut right)?;
            Ok(left == right)
        };
        let mut observation = first.clone();
        let mut as_before = same(&first, &taken.observations[0])?;
        for (t, action) in taken.actions.iter().enumerate() {
            if !as_before {
                break;
            }
            if self.should_stop() {
                return Err(Halt::Stopped);
            }
            let step = match unless_external(self.interaction.environment(place).step(action))? {
                Ok(step) => step,
                Err(error) => return Ok(Prepared::Broken(error)),
            };
            as_before =
                !step.done() && step.reward == taken.rewards[t] && same(&step.observation, &taken.observations[t + 1])?;
            observation = step.observation;
        }
        if !as_before {
            return Ok(self.leave_off(place, &open, "the environment does not show again what it showed")?);
        }
        let seed = episode_seed(self.experiment.seed, stream::TRAINING_AGENT, open.episode);
        self.agent.begin_episode(place, &first, seed)?;
        for (seen, action) in taken.observations.iter().zip(&taken.actions) {
            self.agent.follow(place, seen, action)?;
        }
        self.interaction.take_up(place, observation, open.length);
        Ok(Prepared::Acting)
    }

    /// Ends the episode under way at a place as one that was cut where it stands.
    fn leave_off(&mut self, place: usize, open: &OpenEpisode, why: &str) -> Result<Prepared> {
        self.memory.end_episode(place);
        self.tell(&Event::Note(&format!(
            "episode {} cannot go on after its step {}, since {why}; it ends there, cut",
            open.episode + 1,
            open.length
        )))?;
        if open.length > 0 {
            self.tell_of_episode(open, (false, false, true))?;
        }
        Ok(Prepared::Over)
    }

    /// Writes the row of an episode, which terminated, met a limit, or was cut.
    fn tell_of_episode(&mut self, open: &OpenEpisode, (terminated, truncated, cut): (bool, bool, bool)) -> Result<()> {
        let mut clock = vec![("wall_secs".into(), self.wall_secs()), ("step_secs".into(), open.step_secs)];
        if open.decisions > 0 {
            clock.push(("act_secs".into(), open.act_secs));
            clock.push(("decisions_per_sec".into(), open.decisions as f64 / open.act_secs));
        }
        let mut values = vec![
            ("return".into(), open.episode_return),
            ("length".into(), open.length as f64),
            ("terminated".into(), f64::from(u8::from(terminated))),
            ("truncated".into(), f64::from(u8::from(truncated))),
        ];
        if cut {
            values.push(("cut".into(), 1.0));
        }
        if let Some(optimum) = self.made.optimum.filter(|_| !cut) {
            self.progress.regret += optimum - open.episode_return;
        }
        let (episode, step) = (open.episode, self.progress.step);
        self.tell(&Event::Row(&Row { kind: RowKind::Episode, episode, step, values, clock }))
    }

    /// Says what the rest of the run will take where each decision takes seconds, as with pictures, and what makes it quicker.
    fn tell_of_slow_decisions(&mut self, secs: f64) -> Result<()> {
        let experiment = self.experiment;
        let episodes = (experiment.evaluation.episodes as u64)
            .saturating_mul(self.made.episode_steps.unwrap_or(STEP_LIMIT) as u64);
        let (left, numbers) = (
            experiment.steps.saturating_sub(self.progress.step).saturating_add(episodes) as f64,
            self.made.environment.observation_space().flat_dim(),
        );
        let costly = ["population", "horizon", "iterations", "simulations", "particles", "members", "hidden"];
        let quicker: Vec<String> = (experiment.roles.iter())
            .flat_map(|(section, part)| {
                let has = |key: &&str| part.settings.contains_key(*key);
                costly.into_iter().filter(has).map(move |key| format!("{section}.{key}"))
            })
            .collect();
        let (time, unit) = duration(secs * left);
        self.tell(&Event::Note(&format!(
            "a decision takes {secs:.1} s over observations of {numbers} numbers, so that what is left may take {time} {unit}; smaller \
             {}, a larger agent.replan_every or an environment with fewer numbers make it quicker",
            quicker.join(", ")
        )))
    }

    /// Lets the agent learn if it is due.
    fn learn(&mut self, episode: u64, over: bool) -> Result<()> {
        if over {
            self.tell(&Event::Learning)?;
        }
        let began = Instant::now();
        let learned = self.agent.learn(&self.memory)?;
        let learn_secs = began.elapsed().as_secs_f64();
        self.progress.clock.learn += learn_secs;
        if learned.is_empty() {
            return Ok(());
        }
        let row = Row {
            kind: RowKind::Learn,
            episode,
            step: self.progress.step,
            values: learned.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            clock: vec![("wall_secs".into(), self.wall_secs()), ("learn_secs".into(), learn_secs)],
        };
        self.tell(&Event::Row(&row))?;
        let note = self.agent.note().to_owned();
        if note.is_empty() { Ok(()) } else { self.tell(&Event::FitNote(&note)) }
    }
}
