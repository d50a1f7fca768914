//! One training episode: act, step, remember, and let the agent learn when it is due.

use std::time::Instant;

use worldwright_core::{Error, Key, Result, Transition};

use super::saving::no_store;
use super::{Halt, Run, STEP_LIMIT};
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

impl Run<'_, '_> {
    /// One training episode.
    pub(super) fn episode(&mut self, tries: u64) -> Result<Ended, Halt> {
        let (seed, episode) = (self.experiment.seed, self.progress.episode);
        let mut environment_seed = episode_seed(seed, stream::TRAINING_ENVIRONMENT, episode);
        if tries > 1 {
            environment_seed = Key::new(environment_seed).fold(tries).to_seed();
        }
        let mut observation = match self.made.environment.reset(environment_seed) {
            Ok(observation) => observation,
            Err(error @ Error::External { .. }) => return Ok(Ended::Broken(error)),
            Err(other) => return Err(other.into()),
        };
        let own_seed = self.made.environment.own_seed(environment_seed);
        self.store.as_mut().ok_or_else(no_store)?.start_episode(&observation, Some(own_seed))?;
        self.agent.begin_episode(&observation, episode_seed(seed, stream::TRAINING_AGENT, episode))?;
        let (mut episode_return, mut length, mut step_secs) = (0.0, 0u64, 0.0);
        let (mut decisions, mut act_secs) = (0u64, 0.0);
        loop {
            if self.should_stop() {
                return Err(Halt::Stopped);
            }
            let decides = self.agent.is_ready();
            let began = Instant::now();
            let action = self.agent.act(&observation, true)?;
            let acted = Instant::now();
            let mut step = match self.made.environment.step(&action) {
                Ok(step) => step,
                Err(error @ Error::External { .. }) => return Ok(Ended::Broken(error)),
                Err(other) => return Err(other.into()),
            };
            let stepped = acted.elapsed().as_secs_f64();
            step_secs += stepped;
            self.progress.clock.step += stepped;
            let took = decides.then(|| (acted - began).as_secs_f64());
            if let Some(took) = took {
                act_secs += took;
                decisions += 1;
                self.progress.clock.act += took;
                self.progress.decisions += 1;
            }
            if let Some(slow) = took.filter(|took| self.progress.decisions == 1 && *took > SLOW_SECS) {
                self.tell_of_slow_decisions(slow)?;
            }
            self.progress.step += 1;
            length += 1;
            episode_return += step.reward;
            self.check_defined((episode, length), &observation, &action, &step)?;
            // The last step of the run cuts its episode, which met no time limit: it is stored as one under way.
            self.store.as_mut().ok_or_else(no_store)?.step(&action, &step)?;
            let cut = !step.done() && self.progress.step >= self.experiment.steps;
            step.truncated |= cut;
            let (terminated, truncated) = (step.terminated, step.truncated);
            let transition = Transition {
                observation: std::mem::replace(&mut observation, step.observation.clone()),
                action,
                reward: step.reward,
                next_observation: step.observation,
                terminated,
                truncated,
            };
            self.agent.observe(&transition)?;
            self.tell(&Event::Step {
                step: self.progress.step,
                episode,
                return_so_far: episode_return,
                act_secs: took,
            })?;
            let over = terminated || truncated;
            if over {
                let mut clock = vec![("wall_secs".into(), self.wall_secs()), ("step_secs".into(), step_secs)];
                if decisions > 0 {
                    clock.push(("act_secs".into(), act_secs));
                    clock.push(("decisions_per_sec".into(), decisions as f64 / act_secs));
                }
                let mut values = vec![
                    ("return".into(), episode_return),
                    ("length".into(), length as f64),
                    ("terminated".into(), f64::from(u8::from(terminated))),
                    ("truncated".into(), f64::from(u8::from(truncated && !cut))),
                ];
                if cut {
                    values.push(("cut".into(), 1.0));
                }
                let row = Row { kind: RowKind::Episode, episode, step: self.progress.step, values, clock };
                self.tell(&Event::Row(&row))?;
            }
            self.learn(episode, over)?;
            if over {
                return Ok(Ended::Whole);
            }
        }
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
        let quicker: Vec<String> = ["population", "horizon", "iterations", "simulations"]
            .into_iter()
            .filter(|key| experiment.planner.settings.contains_key(*key))
            .map(|key| format!("planner.{key}"))
            .chain(
                ["particles", "members", "hidden"]
                    .into_iter()
                    .filter(|key| experiment.model.settings.contains_key(*key))
                    .map(|key| format!("model.{key}")),
            )
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
        let learned = self.agent.learn()?;
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
