//! One training episode: act, step, remember, and let the agent learn when it is due.

use std::time::Instant;

use worldwright_core::{Error, Key, Observation, Result};

use super::saving::no_store;
use super::{Halt, Run, STEP_LIMIT};
use crate::checkpoint::OpenEpisode;
use crate::evaluate::{episode_seed, stream};
use crate::report::duration;
use crate::{Event, Row, RowKind};

/// Seconds of the first decision beyond which something is said.
const SLOW_SECS: f64 = 1.0;

/// How an episode ended.
pub(super) enum Ended {
    Whole,
    /// The environment failed.
    Broken(Error),
}

/// How an episode begins, or goes on.
enum Beginning {
    /// With this observation.
    At(Observation),
    /// Not at all.
    Not(Ended),
}

/// What the environment gave, or the error by which it broke; every other error ends the run.
fn unless_broken<T>(result: Result<T>) -> Result<Result<T>> {
    match result {
        Err(error @ Error::External { .. }) => Ok(Err(error)),
        Err(other) => Err(other),
        Ok(given) => Ok(Ok(given)),
    }
}

impl Run<'_, '_> {
    /// One training episode, or the rest of one that was under way at the last checkpoint.
    pub(super) fn episode(&mut self, tries: u64) -> Result<Ended, Halt> {
        let episode = self.progress.episode;
        let beginning = if self.progress.open.is_some() { self.go_on(tries)? } else { self.start(tries)? };
        let mut observation = match beginning {
            Beginning::At(observation) => observation,
            Beginning::Not(ended) => return Ok(ended),
        };
        let mut open = self.progress.open.unwrap_or_default();
        loop {
            if self.should_stop() {
                // Nothing is under way between two steps, so that what was done up to here is kept.
                self.progress.open = Some(open);
                self.save()?;
                return Err(Halt::Stopped);
            }
            let decides = self.agent.is_ready();
            let began = Instant::now();
            let action = self.agent.act(&observation, true)?;
            let acted = Instant::now();
            let mut step = match unless_broken(self.made.environment.step(&action))? {
                Ok(step) => step,
                Err(error) => return Ok(Ended::Broken(error)),
            };
            let stepped = acted.elapsed().as_secs_f64();
            open.step_secs += stepped;
            self.progress.clock.step += stepped;
            let took = decides.then(|| (acted - began).as_secs_f64());
            if let Some(took) = took {
                open.act_secs += took;
                open.decisions += 1;
                self.progress.clock.act += took;
                self.progress.decisions += 1;
            }
            if let Some(slow) = took.filter(|took| self.progress.decisions == 1 && *took > SLOW_SECS) {
                self.tell_of_slow_decisions(slow)?;
            }
            self.progress.step += 1;
            open.length += 1;
            open.episode_return += step.reward;
            self.check_defined((episode, open.length), &observation, &action, &step)?;
            // The last step of the run cuts its episode, which met no time limit: it is stored as one under way.
            self.store.as_mut().ok_or_else(no_store)?.step_with(&action, &step, self.agent.kept())?;
            let cut = !step.done() && self.progress.step >= self.experiment.steps;
            step.truncated |= cut;
            if self.agent.learns() {
                self.memory.step(&action, &step, self.agent.kept())?;
            }
            let (terminated, truncated) = (step.terminated, step.truncated);
            observation = step.observation;
            self.tell(&Event::Step {
                step: self.progress.step,
                episode,
                return_so_far: open.episode_return,
                act_secs: took,
            })?;
            let over = terminated || truncated;
            if over {
                self.tell_of_episode(&open, (terminated, truncated && !cut, cut))?;
            }
            self.learn(episode, over)?;
            if over {
                return Ok(Ended::Whole);
            }
            self.progress.open = Some(open);
            self.save_if_due()?;
        }
    }

    /// Begins an episode.
    fn start(&mut self, tries: u64) -> Result<Beginning, Halt> {
        let (seed, episode) = (self.experiment.seed, self.progress.episode);
        let mut environment_seed = episode_seed(seed, stream::TRAINING_ENVIRONMENT, episode);
        if tries > 1 {
            environment_seed = Key::new(environment_seed).fold(tries).to_seed();
        }
        let observation = match unless_broken(self.made.environment.reset(environment_seed))? {
            Ok(observation) => observation,
            Err(error) => return Ok(Beginning::Not(Ended::Broken(error))),
        };
        let own_seed = self.made.environment.own_seed(environment_seed);
        self.store.as_mut().ok_or_else(no_store)?.start_episode(&observation, Some(own_seed))?;
        if self.agent.learns() {
            self.memory.start_episode(&observation)?;
        }
        self.agent.begin_episode(&observation, episode_seed(seed, stream::TRAINING_AGENT, episode))?;
        self.progress.open = Some(OpenEpisode { environment_seed, ..OpenEpisode::default() });
        Ok(Beginning::At(observation))
    }

    /// Goes on with the episode that was under way at the last checkpoint: the environment is brought to where it was by the actions that
    /// were taken. One that shows something else, or broke there again, goes no further: the episode ends as it stands.
    fn go_on(&mut self, tries: u64) -> Result<Beginning, Halt> {
        let (Some(open), Some(taken)) = (self.progress.open, self.unfinished.take()) else {
            return Err(no_store().into());
        };
        if tries > 1 {
            return self.leave_off(&open, "the environment broke in it again");
        }
        let first = match unless_broken(self.made.environment.reset(open.environment_seed))? {
            Ok(observation) => observation,
            Err(error) => return Ok(Beginning::Not(Ended::Broken(error))),
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
            let step = match unless_broken(self.made.environment.step(action))? {
                Ok(step) => step,
                Err(error) => return Ok(Beginning::Not(Ended::Broken(error))),
            };
            as_before =
                !step.done() && step.reward == taken.rewards[t] && same(&step.observation, &taken.observations[t + 1])?;
            observation = step.observation;
        }
        if !as_before {
            return self.leave_off(&open, "the environment does not show again what it showed");
        }
        let agent = self.agent.save();
        self.agent
            .begin_episode(&first, episode_seed(self.experiment.seed, stream::TRAINING_AGENT, self.progress.episode))?;
        for (seen, action) in taken.observations.iter().zip(&taken.actions) {
            self.agent.follow(seen, action)?;
        }
        self.agent.restore(&agent)?;
        Ok(Beginning::At(observation))
    }

    /// Ends the episode under way as one that was cut where it stands.
    fn leave_off(&mut self, open: &OpenEpisode, why: &str) -> Result<Beginning, Halt> {
        let episode = self.progress.episode;
        self.memory.end_episode();
        self.tell(&Event::Note(&format!(
            "episode {episode} cannot go on after its step {}, since {why}; it ends there, cut",
            open.length
        )))?;
        if open.length > 0 {
            self.tell_of_episode(open, (false, false, true))?;
        }
        Ok(Beginning::Not(Ended::Whole))
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
        let (episode, step) = (self.progress.episode, self.progress.step);
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
