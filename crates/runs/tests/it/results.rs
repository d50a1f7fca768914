//! A run never loses its result: whatever its pictures, its predictions and its diagnosis come to, what it learned and what that earned is
//! there and can be read.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use worldwright_core::{Action, Agent, Environment, Error, Frame, Interrupt, Observation, Result, Space, Step, Value};
use worldwright_data::{EpisodeWriter, Header, WriterOptions};
use worldwright_envs::Made;
use worldwright_runs::report::{Page, html};
use worldwright_runs::{Event, Experiment, Lists, Observer, RunFolder, Summary, Workshop, load_bundle};

use crate::tiny::{GO_ON, experiment, finish, finished, run};

/// All that a finished run leaves can be read, and a resume gives the same.
fn readable(experiment: &Experiment, path: &Path) -> Summary {
    let folder = RunFolder::new(path);
    let summary = folder.read_summary().unwrap();
    // Numbers that are not defined are not equal to themselves.
    assert_eq!(format!("{summary:?}"), format!("{:?}", finish(experiment, path, true)));
    folder.read_diagnostics().unwrap();
    folder.read_metrics().unwrap();
    // The film is text in which any letters may meet.
    let page = html(&Page { film: None, ..Page::read(&folder).unwrap() });
    assert!(page.contains("</html>") && !page.contains("NaN"), "{page}");
    summary
}

/// Keeps what is said.
#[derive(Default)]
struct Said(Vec<String>);

impl Observer for Said {
    fn name(&self) -> &'static str {
        "said"
    }

    fn event(&mut self, event: &Event<'_>) -> Result<()> {
        if let Event::Note(text) = event {
            self.0.push((*text).to_owned());
        }
        Ok(())
    }
}

#[test]
fn a_reward_that_is_undefined_is_refused_at_its_first_step() {
    let place = tempfile::tempdir().unwrap();
    for (i, expression) in ["sqrt(cos_theta)", "log(theta_dot)"].into_iter().enumerate() {
        let path = place.path().join(i.to_string());
        let experiment =
            experiment(&["steps=400", "reward.kind=expression", &format!("reward.expression={expression}")]);
        let error = run(&Lists, &experiment, &path, false, &GO_ON, Vec::new()).unwrap_err().to_string();
        for words in ["reward.expression: gives NaN at step ", " of episode 1, from cos_theta = "] {
            assert!(error.contains(words), "{error}");
        }
    }
}

#[test]
fn a_reward_that_is_undefined_in_imagination_only_is_planned_around() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let reward = "reward.expression=-sqrt(1-cos_theta^2)";
    let experiment = experiment(&["steps=400", "planner=icem", "planner.horizon=8", "reward.kind=expression", reward]);
    finish(&experiment, &path, false);
    let summary = readable(&experiment, &path);
    assert!(summary.notes.iter().any(|note| note.contains("diverged")), "{:?}", summary.notes);
}

#[test]
fn a_world_that_grows_by_orders_of_magnitude_is_diagnosed_all_the_same() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let experiment = experiment(&[
        "environment=linear",
        "steps=100",
        "evaluation.interval=0",
        "environment.episode_steps=20",
        "environment.a=[1e7, 0, 0, 1e7]",
    ]);
    finish(&experiment, &path, false);
    let summary = readable(&experiment, &path);
    assert!(summary.return_mean < -1e200, "{summary:?}");
}

#[test]
fn returns_that_are_infinite_are_kept_as_they_are() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let experiment = experiment(&["steps=300", "evaluation.interval=0"]);
    let workshop = Troubled(Trouble::PaysInfinityFrom(450), Arc::default());
    finished(run(&workshop, &experiment, &path, false, &GO_ON, Vec::new()).unwrap());
    let summary = readable(&experiment, &path);
    assert_eq!((summary.return_mean, summary.returns.len()), (f64::INFINITY, 2));
    assert!(summary.return_std.is_nan() && summary.returns.iter().all(|it| *it == f64::INFINITY));
    let rows = RunFolder::new(&path).read_metrics().unwrap();
    assert_eq!(rows.last().unwrap()["return_mean"], "Infinity");
}

#[test]
fn one_huge_number_in_the_recorded_episodes_does_not_take_the_run_with_it() {
    let place = tempfile::tempdir().unwrap();
    let [log, path] = ["log", "run"].map(|name| place.path().join(name));
    let made = Lists.environment(&experiment(&[])).unwrap();
    let spaces = (made.environment.observation_space().clone(), made.environment.action_space().clone());
    let mut store =
        EpisodeWriter::create(&log, &Header::new("pendulum", spaces.0, spaces.1, 0), WriterOptions::default()).unwrap();
    store.start_episode(&Value::Floats(vec![1.0, 0.0, 0.0]), None).unwrap();
    for i in 0..80 {
        let speed = if i == 40 { 1e300 } else { f64::from(i) * 0.01 };
        let observation = Value::Floats(vec![1.0, 0.1, speed]);
        let step = Step { observation, reward: -1.0, terminated: false, truncated: i == 79 };
        store.step(&Value::Floats(vec![0.5]), &step).unwrap();
    }
    store.close().unwrap();
    let experiment = experiment(&["steps=200", &format!("data={}", log.display())]);
    finish(&experiment, &path, false);
    let summary = readable(&experiment, &path);
    assert_eq!(load_bundle(&Lists, &path, &GO_ON).err().map(|error| error.to_string()), None);
    assert_eq!(summary.real_steps, 200);
}

#[test]
fn an_undefined_number_in_the_recorded_episodes_is_named_with_its_place() {
    let place = tempfile::tempdir().unwrap();
    let [log, path] = ["log", "run"].map(|name| place.path().join(name));
    let header = Header::new("pendulum", Space::unbounded(3), Space::vector(&[-2.0], &[2.0]), 0);
    let mut store = EpisodeWriter::create(&log, &header, WriterOptions::default()).unwrap();
    for reward in [0.0, f64::NAN] {
        store.start_episode(&Value::Floats(vec![1.0, 0.0, 0.0]), None).unwrap();
        let step = Step { observation: Value::Floats(vec![1.0; 3]), reward, terminated: true, truncated: false };
        store.step(&Value::Floats(vec![0.5]), &step).unwrap();
    }
    store.close().unwrap();
    let experiment = experiment(&[&format!("data={}", log.display())]);
    let error = run(&Lists, &experiment, &path, false, &GO_ON, Vec::new()).unwrap_err().to_string();
    assert!(error.contains("a reward holds NaN at step 0 of episode 1"), "{error}");
    assert!(!path.exists());
}

/// What goes wrong with an environment.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    /// It says that it draws nothing.
    DrawsNothing,
    /// Drawing it kills it.
    DiesOfDrawing,
    /// It fails after so many steps over all instances.
    DiesAt(usize),
    /// Its rewards are infinite from so many steps on.
    PaysInfinityFrom(usize),
}

struct Troubled(Trouble, Arc<AtomicUsize>);

struct Patient {
    inner: Box<dyn Environment>,
    trouble: Trouble,
    steps: Arc<AtomicUsize>,
    dead: bool,
}

impl Environment for Patient {
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
        self.dead = false;
        self.inner.reset(seed)
    }
    fn step(&mut self, action: &Action) -> Result<Step> {
        let count = self.steps.fetch_add(1, Ordering::Relaxed);
        if self.dead || matches!(self.trouble, Trouble::DiesAt(at) if count >= at) {
            return Err(Error::external("worker", "died"));
        }
        let mut step = self.inner.step(action)?;
        if matches!(self.trouble, Trouble::PaysInfinityFrom(at) if count >= at) {
            step.reward = f64::INFINITY;
        }
        Ok(step)
    }
    fn dt_secs(&self) -> f64 {
        self.inner.dt_secs()
    }
    fn render(&mut self) -> Result<Frame> {
        self.dead = self.trouble == Trouble::DiesOfDrawing;
        Err(Error::external("gym:X", "this environment draws no pictures"))
    }
}

impl Workshop for Troubled {
    fn environment(&self, experiment: &Experiment) -> Result<Made> {
        let made = Lists.environment(experiment)?;
        let patient = Patient { inner: made.environment, trouble: self.0, steps: Arc::clone(&self.1), dead: false };
        Ok(Made { environment: Box::new(patient), ..made })
    }
    fn agent(&self, experiment: &Experiment, made: &Made, interrupt: &Interrupt) -> Result<Box<dyn Agent>> {
        Lists.agent(experiment, made, interrupt)
    }
}

#[test]
fn an_environment_that_cannot_be_drawn_lacks_the_film_alone() {
    let place = tempfile::tempdir().unwrap();
    for (name, trouble) in [("still", Trouble::DrawsNothing), ("dying", Trouble::DiesOfDrawing)] {
        let path = place.path().join(name);
        let experiment = experiment(&["steps=200", "retries=0"]);
        let (workshop, mut said) = (Troubled(trouble, Arc::default()), Said::default());
        let summary = finished(run(&workshop, &experiment, &path, false, &GO_ON, vec![&mut said]).unwrap());
        let note = "there is no film of the last episode";
        assert_eq!(said.0.iter().filter(|text| text.contains(note)).count(), 1, "{:?}", said.0);
        assert!(summary.notes.iter().any(|text| text.contains(note)));
        let folder = RunFolder::new(&path);
        assert!(folder.report().exists() && !folder.picture().exists());
        readable(&experiment, &path);
        assert_eq!(summary.returns, finish(&experiment, &place.path().join(format!("{name}-drawn")), false).returns);
    }
}

#[test]
fn what_was_learned_is_there_even_if_the_evaluation_cannot_be_done() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let experiment = experiment(&["steps=300", "evaluation.interval=0", "retries=1"]);
    let workshop = Troubled(Trouble::DiesAt(300), Arc::default());
    let error = run(&workshop, &experiment, &path, false, &GO_ON, Vec::new()).unwrap_err().to_string();
    assert!(error.contains("died"), "{error}");
    assert!(load_bundle(&Lists, &RunFolder::new(&path).bundle(), &GO_ON).is_ok());
    finish(&experiment, &path, true);
    readable(&experiment, &path);
}
