//! Runs that are cut within an episode of a thousand steps go on there.

use worldwright_core::{Action, Agent, Environment, Interrupt, Observation, Result, Space, Step};
use worldwright_envs::Made;
use worldwright_runs::{CheckpointEvery, Event, Experiment, Lists, Observer, RunFolder, Workshop};

use crate::tiny::{AtStep, GO_ON, experiment, finish, finished, run, run_saving, trace};

/// Every hundred steps.
const OFTEN: CheckpointEvery = CheckpointEvery { steps: 100, secs: f64::INFINITY };

fn long() -> Experiment {
    experiment(&["environment.episode_steps=1000", "agent.replan_every=3"])
}

/// The step that a run went on from.
struct From(Option<u64>);

impl Observer for From {
    fn name(&self) -> &'static str {
        "from"
    }
    fn event(&mut self, event: &Event<'_>) -> Result<()> {
        if let Event::Started { step, .. } = event {
            self.0 = Some(*step);
        }
        Ok(())
    }
}

/// A failed write ends a run as a kill does: nothing is written after it.
#[test]
fn a_kill_loses_at_most_the_interval_and_nothing_shows_of_it() {
    let place = tempfile::tempdir().unwrap();
    let [whole, cut] = ["whole", "cut"].map(|name| place.path().join(name));
    finish(&long(), &whole, false);
    let mut before = 0;
    for step in [30, 430, 999, 1100, 1377] {
        let mut from = From(None);
        let mut kill = AtStep { step, interrupt: None };
        let observers: Vec<&mut dyn Observer> = vec![&mut from, &mut kill];
        run_saving(OFTEN, &Lists, &long(), &cut, before > 0, &GO_ON, observers).unwrap_err();
        let went_on = from.0.unwrap();
        assert!(before - went_on <= 100, "killed at {before}, went on from {went_on}");
        before = step;
    }
    finish(&long(), &cut, true);
    assert_eq!(trace(&cut), trace(&whole));
}

#[test]
fn an_interrupt_between_two_decisions_loses_nothing() {
    let place = tempfile::tempdir().unwrap();
    let [whole, cut] = ["whole", "cut"].map(|name| place.path().join(name));
    finish(&long(), &whole, false);
    let interrupt = Interrupt::new();
    let mut stop = AtStep { step: 555, interrupt: Some(&interrupt) };
    run(&Lists, &long(), &cut, false, &interrupt, vec![&mut stop]).unwrap();
    let mut from = From(None);
    finished(run(&Lists, &long(), &cut, true, &GO_ON, vec![&mut from]).unwrap());
    assert_eq!(from.0, Some(555));
    assert_eq!(trace(&cut), trace(&whole));
}

/// An environment with a will of its own: no two instances show the same.
struct Fickle(Box<dyn Environment>, f64);

impl Environment for Fickle {
    fn id(&self) -> &str {
        self.0.id()
    }
    fn observation_space(&self) -> &Space {
        self.0.observation_space()
    }
    fn action_space(&self) -> &Space {
        self.0.action_space()
    }
    fn reset(&mut self, seed: u64) -> Result<Observation> {
        self.0.reset(seed)
    }
    fn step(&mut self, action: &Action) -> Result<Step> {
        let step = self.0.step(action)?;
        Ok(Step { reward: step.reward + self.1, ..step })
    }
    fn dt_secs(&self) -> f64 {
        self.0.dt_secs()
    }
}

struct Moody(std::sync::Mutex<f64>);

impl Workshop for Moody {
    fn environment(&self, experiment: &Experiment) -> Result<Made> {
        let mood = {
            let mut mood = self.0.lock().unwrap();
            *mood += 1e-3;
            *mood
        };
        let mut made = Lists.environment(experiment)?;
        made.environment = Box::new(Fickle(made.environment, mood));
        Ok(made)
    }
    fn agent(&self, experiment: &Experiment, made: &Made, interrupt: &Interrupt) -> Result<Box<dyn Agent>> {
        Lists.agent(experiment, made, interrupt)
    }
}

#[test]
fn an_episode_that_cannot_be_shown_again_is_left_as_it_was() {
    let place = tempfile::tempdir().unwrap();
    let cut = place.path().join("cut");
    let moody = Moody(std::sync::Mutex::new(0.0));
    let interrupt = Interrupt::new();
    let mut stop = AtStep { step: 555, interrupt: Some(&interrupt) };
    run(&moody, &long(), &cut, false, &interrupt, vec![&mut stop]).unwrap();
    let summary = finished(run(&moody, &long(), &cut, true, &GO_ON, Vec::new()).unwrap());
    assert_eq!(summary.real_steps, 1700);
    let rows = RunFolder::new(&cut).read_metrics().unwrap();
    let episodes: Vec<_> = rows.iter().filter(|row| row["kind"] == "episode").collect();
    let lengths: Vec<f64> = episodes.iter().map(|row| row["length"].as_f64().unwrap()).collect();
    assert_eq!(lengths, [555.0, 1000.0, 145.0]);
    assert_eq!(episodes[0]["cut"], 1.0, "{:?}", episodes[0]);
}
