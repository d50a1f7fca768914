//! Several Python environments stepped together, in one worker or in several at once.
//!
//! Gymnasium's vectors reset the environments that ended in one of three ways (`AutoresetMode`), and each hides something:
//! *next step* ignores the action after an episode's end and returns a reset instead of a transition, *same step* returns the next
//! episode's first observation in place of the last one, which it puts aside in `info["final_obs"]`, and *disabled* leaves the
//! reset to the caller. [`Lane`] says the same in all three: what the step led to, if it was a step, and which episode began, if
//! one did; so that every transition's observation is the true one, also the last.

use worldwright_core::{Action, Error, Frame, Observation, Result, Space, Step};

use super::WorkerOptions;
use super::lanes::{Autoreset, Vectorization};
use super::remote::{Recipe, Remote, python_seed};

/// How a vector is made.
#[derive(Debug, Clone)]
pub struct VectorOptions {
    /// Environments in all, at least one.
    pub environments: usize,
    /// Worker processes over which they are spread, between one and `environments`.
    pub workers: usize,
    /// When ended environments are reset.
    pub autoreset: Autoreset,
    /// What steps them within a worker.
    pub vectorization: Vectorization,
    /// How each worker is started and driven.
    pub worker: WorkerOptions,
}

impl Default for VectorOptions {
    fn default() -> Self {
        Self {
            environments: 1,
            workers: 1,
            autoreset: Autoreset::default(),
            vectorization: Vectorization::default(),
            worker: WorkerOptions::default(),
        }
    }
}

/// What a step gave one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    /// The transition; `None` when there was none, because the step only reset the environment and ignored its action.
    pub step: Option<Step>,
    /// The first observation of the next episode, when one began.
    pub started: Option<Observation>,
}

impl Lane {
    /// What the next action answers to.
    pub fn current(&self) -> Option<&Observation> {
        self.started.as_ref().or(self.step.as_ref().map(|step| &step.observation))
    }
}

/// Several environments of one id. After an error of a worker, [`reset`](Self::reset) starts a fresh one in its place.
#[derive(Debug)]
pub struct VectorEnvironment {
    id: String,
    workers: Vec<Remote>,
    environments: usize,
    autoreset: Autoreset,
    /// Which environments are over and wait for a reset by the caller.
    over: Vec<bool>,
    running: bool,
}

/// Starts workers, as many at once as there are cores to start them on: more would only be late. Of several that fail, the first one's error.
fn open_all(recipes: Vec<Recipe>) -> Result<Vec<Remote>> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut workers = Vec::with_capacity(recipes.len());
    let mut recipes = recipes.into_iter().peekable();
    while recipes.peek().is_some() {
        let few: Vec<Recipe> = recipes.by_ref().take(cores).collect();
        let opened: Vec<Result<Remote>> = std::thread::scope(|scope| {
            let starts: Vec<_> = few.into_iter().map(|recipe| scope.spawn(|| Remote::open(recipe))).collect();
            let lost = |_| Err(Error::external("a worker", "could not be started: its thread ended"));
            starts.into_iter().map(|start| start.join().unwrap_or_else(lost)).collect()
        });
        workers.extend(opened.into_iter().collect::<Result<Vec<_>>>()?);
    }
    Ok(workers)
}

impl VectorEnvironment {
    /// Starts the workers and makes the environments.
    ///
    /// # Errors
    /// As [`PythonEnvironment::open`](super::PythonEnvironment::open), and [`Error::Config`] for numbers out of range.
    pub fn open(id: &str, options: &VectorOptions) -> Result<Self> {
        let VectorOptions { environments, workers, .. } = *options;
        if environments == 0 || workers == 0 || workers > environments {
            return Err(Error::config(
                "workers",
                format!("{environments} environments in {workers} workers: take at least one a worker"),
            ));
        }
        let recipes = (0..workers)
            .map(|worker| {
                let share = environments / workers + usize::from(worker < environments % workers);
                let mut recipe = Recipe::new(id, share, &options.worker)?;
                (recipe.autoreset, recipe.vectorization) = (options.autoreset, options.vectorization);
                Ok(recipe)
            })
            .collect::<Result<Vec<_>>>()?;
        let workers = open_all(recipes)?;
        let autoreset = workers[0].description().autoreset;
        Ok(Self {
            id: id.to_owned(),
            workers,
            environments,
            autoreset,
            over: vec![false; environments],
            running: false,
        })
    }

    /// The identifier that it was made from.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How many environments there are.
    pub fn environments(&self) -> usize {
        self.environments
    }

    /// When ended environments are reset; with [`Vectorization::EntryPoint`] the vector's own mode.
    pub fn autoreset(&self) -> Autoreset {
        self.autoreset
    }

    /// What each shows.
    pub fn observation_space(&self) -> &Space {
        &self.workers[0].description().observation_space
    }

    /// What each takes.
    pub fn action_space(&self) -> &Space {
        &self.workers[0].description().action_space
    }

    /// Names and versions of what runs behind it.
    pub fn versions(&self) -> Vec<(String, String)> {
        self.workers[0].description().versions.clone()
    }

    /// Starts an episode in each environment, the `i`-th from `seeds[i]`; its first observations. Episodes that begin by
    /// themselves later continue the environments' own streams of random numbers.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is a seed for each; [`Error::External`] when a worker fails.
    pub fn reset(&mut self, seeds: &[u64]) -> Result<Vec<Observation>> {
        self.expect("seeds", seeds.len())?;
        self.running = false;
        for worker in &mut self.workers {
            worker.revive()?;
        }
        self.reset_lanes(&vec![true; self.environments], seeds)?;
        self.running = true;
        self.observations()
    }

    /// Starts an episode in the environments that `mask` names ([`Autoreset::Disabled`] only); what each shows now.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is a seed for each, [`Error::Config`] in another mode or before the first reset, and
    /// [`Error::External`] when a worker fails.
    pub fn reset_where(&mut self, mask: &[bool], seeds: &[u64]) -> Result<Vec<Observation>> {
        self.expect("mask", mask.len())?;
        self.expect("seeds", seeds.len())?;
        if !self.running || self.autoreset != Autoreset::Disabled {
            let mode = self.autoreset.name();
            let why = format!("needs a vector that was reset once and has autoreset disabled; this one has '{mode}'");
            return Err(Error::config("reset_where", why));
        }
        self.reset_lanes(mask, seeds)?;
        self.observations()
    }

    /// Takes one action in each environment; all workers work at once. Where an environment is being reset in its next step,
    /// its action is ignored but must still be one.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is an action for each, [`Error::NotInSpace`] for one that is none (nothing is stepped
    /// then), [`Error::Config`] when an environment is over and waits for [`reset_where`](Self::reset_where), and
    /// [`Error::External`] when a worker fails.
    pub fn step(&mut self, actions: &[Action]) -> Result<Vec<Lane>> {
        self.expect("actions", actions.len())?;
        if !self.running {
            return Err(Error::config("step", "no episodes are running: reset first"));
        }
        if let Some(i) = self.over.iter().position(|over| *over) {
            return Err(Error::config("step", format!("environment {i} is over: reset it first")));
        }
        let mut rest = actions;
        for worker in &mut self.workers {
            let (own, others) = rest.split_at(worker.lanes());
            for (lane, action) in own.iter().enumerate() {
                worker.set_action(lane, action)?;
            }
            rest = others;
        }
        self.all(|worker, _| worker.post_step(), Remote::finish_step)?;
        let mut lanes = Vec::with_capacity(self.environments);
        for worker in &self.workers {
            for lane in 0..worker.lanes() {
                let (step, started) = worker.outcome(lane)?;
                lanes.push(Lane { step, started });
            }
        }
        if self.autoreset == Autoreset::Disabled {
            for (over, lane) in self.over.iter_mut().zip(&lanes) {
                *over = lane.step.as_ref().is_some_and(Step::done);
            }
        }
        Ok(lanes)
    }

    /// A picture of the first environment.
    ///
    /// # Errors
    /// [`Error::External`] when it cannot be drawn, with the reason.
    pub fn render(&mut self) -> Result<Frame> {
        self.workers[0].render()
    }

    /// Asks every worker before waiting for any, and waits for all of them whatever happens to one.
    fn all(
        &mut self,
        mut post: impl FnMut(&mut Remote, usize) -> Result<()>,
        finish: impl Fn(&mut Remote) -> Result<()>,
    ) -> Result<()> {
        let mut first = 0;
        let mut posted = Vec::with_capacity(self.workers.len());
        for worker in &mut self.workers {
            posted.push(post(worker, first));
            first += worker.lanes();
        }
        let mut outcome = Ok(());
        for (worker, posted) in self.workers.iter_mut().zip(posted) {
            let finished = posted.and_then(|()| finish(worker));
            outcome = outcome.and(finished);
        }
        self.running &= outcome.is_ok();
        outcome
    }

    fn reset_lanes(&mut self, mask: &[bool], seeds: &[u64]) -> Result<()> {
        // A worker none of whose environments are to be reset is not asked: Gymnasium's vectors refuse an empty mask.
        let wanted: Vec<bool> = {
            let mut first = 0;
            let spans = self.workers.iter().map(|worker| {
                let span = first..first + worker.lanes();
                first = span.end;
                mask[span].iter().any(|on| *on)
            });
            spans.collect()
        };
        let seeds: Vec<u64> = seeds.iter().copied().map(python_seed).collect();
        let mut first = 0;
        for (worker, wanted) in self.workers.iter_mut().zip(&wanted) {
            let span = first..first + worker.lanes();
            first = span.end;
            if *wanted && let Err(error) = worker.post_reset(&mask[span.clone()], &seeds[span]) {
                self.running = false;
                return Err(error);
            }
        }
        let mut outcome = Ok(());
        for (worker, wanted) in self.workers.iter_mut().zip(&wanted) {
            if *wanted {
                let finished = worker.finish_reset();
                outcome = outcome.and(finished);
            }
        }
        self.running &= outcome.is_ok();
        outcome?;
        self.over.iter_mut().zip(mask).for_each(|(over, on)| *over &= !on);
        Ok(())
    }

    fn observations(&self) -> Result<Vec<Observation>> {
        let lanes = self.workers.iter().flat_map(|worker| (0..worker.lanes()).map(move |lane| (worker, lane)));
        lanes.map(|(worker, lane)| worker.observation(lane)).collect()
    }

    fn expect(&self, what: &'static str, got: usize) -> Result<()> {
        if got == self.environments { Ok(()) } else { Err(Error::shape(what, &[self.environments], &[got])) }
    }
}
