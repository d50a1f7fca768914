//! Everything that can break under a run: files, disks, environments, configurations; nothing that was acknowledged is lost.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use worldwright_core::{Action, Agent, Environment, Error, Interrupt, Observation, Result, Space, Step};
use worldwright_data::EpisodeStore;
use worldwright_envs::Made;
use worldwright_runs::{Event, Experiment, Lists, Observer, RunFolder, Workshop, learn};

use crate::tiny::{AtStep, GO_ON, experiment, finish, finished, run, stopped_at, trace};

#[test]
fn stopped_or_out_of_disk_it_goes_on_to_the_same_end() {
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole");
    finish(&experiment(&[]), &whole, false);
    let cut = place.path().join("cut");
    stopped_at(150, &cut);
    stopped_at(777, &cut);
    let mut full = AtStep { step: 1333, interrupt: None };
    let error = run(&Lists, &experiment(&[]), &cut, true, &GO_ON, vec![&mut full]).unwrap_err();
    assert!(error.to_string().contains("no space left"));
    finish(&experiment(&[]), &cut, true);
    assert_eq!(trace(&cut), trace(&whole));
}

#[test]
fn leftovers_of_a_cut_write_and_a_damaged_checkpoint_change_nothing() {
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole");
    finish(&experiment(&[]), &whole, false);
    let cut = place.path().join("cut");
    stopped_at(900, &cut);
    let folder = RunFolder::new(&cut);
    // What kills leave: half a line, half a checkpoint, half a file.
    let mut metrics = fs::read(folder.metrics()).unwrap();
    metrics.extend_from_slice(b"{\"kind\":\"epis");
    fs::write(folder.metrics(), metrics).unwrap();
    fs::create_dir_all(folder.checkpoints().join(".part")).unwrap();
    fs::write(folder.checkpoints().join(".part/state.safetensors.part"), b"half").unwrap();
    fs::write(cut.join("summary.json.part"), b"{").unwrap();
    // What bad disks leave: a newest checkpoint with a flipped bit.
    let newest = fs::read_dir(folder.checkpoints())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("state.safetensors").exists())
        .max()
        .unwrap()
        .join("state.safetensors");
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).unwrap();
    finish(&experiment(&[]), &cut, true);
    assert_eq!(trace(&cut), trace(&whole));
}

#[test]
fn a_changed_configuration_is_refused_key_by_key() {
    let place = tempfile::tempdir().unwrap();
    let cut = place.path().join("run");
    stopped_at(150, &cut);
    let error = run(&Lists, &experiment(&["planner.horizon=5", "seed=4"]), &cut, true, &GO_ON, Vec::new()).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("planner.horizon: was 4, is now 5"), "{message}");
    assert!(message.contains("seed: was 3, is now 4"), "{message}");
    assert!(!message.contains("steps:"), "{message}");
    let error = run(&Lists, &experiment(&[]), &cut, false, &GO_ON, Vec::new()).unwrap_err();
    assert!(error.to_string().contains("--resume") && error.to_string().contains("run-2"), "{error}");
}

#[test]
fn two_processes_cannot_write_one_run() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().to_owned();
    struct Second(std::path::PathBuf, Option<Error>);
    impl Observer for Second {
        fn name(&self) -> &'static str {
            "second"
        }
        fn event(&mut self, event: &Event<'_>) -> Result<()> {
            if let Event::Step { step: 50, .. } = event {
                self.1 = run(&Lists, &experiment(&[]), &self.0, true, &GO_ON, Vec::new()).err();
            }
            Ok(())
        }
    }
    let mut second = Second(folder.clone(), None);
    finished(run(&Lists, &experiment(&["steps=100"]), &folder, true, &GO_ON, vec![&mut second]).unwrap());
    assert!(second.1.expect("refused").to_string().contains("another process"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_made_is_a_clear_error() {
    let error = run(&Lists, &experiment(&[]), "/proc/run".as_ref(), false, &GO_ON, Vec::new()).unwrap_err().to_string();
    assert!(error.contains("/proc/run") && error.contains("cannot be created"), "{error}");
}

/// An environment whose worker dies at chosen steps of its life, counted over all instances.
pub(crate) struct Fragile {
    deaths: Vec<usize>,
    steps: Arc<AtomicUsize>,
    pub(crate) instances: AtomicUsize,
}

impl Fragile {
    pub(crate) fn new(deaths: impl IntoIterator<Item = usize>) -> Self {
        let deaths = deaths.into_iter().collect();
        Self { deaths, steps: Arc::default(), instances: AtomicUsize::new(0) }
    }
}

struct Mortal {
    inner: Box<dyn Environment>,
    deaths: Vec<usize>,
    steps: Arc<AtomicUsize>,
}

impl Environment for Mortal {
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
        self.inner.reset(seed)
    }
    fn step(&mut self, action: &Action) -> Result<Step> {
        let count = self.steps.fetch_add(1, Ordering::Relaxed);
        if self.deaths.contains(&count) {
            return Err(Error::external("worker", "died"));
        }
        self.inner.step(action)
    }
    fn dt_secs(&self) -> f64 {
        self.inner.dt_secs()
    }
}

impl Workshop for Fragile {
    fn environment(&self, experiment: &Experiment) -> Result<Made> {
        let mut made = Lists.environment(experiment)?;
        self.instances.fetch_add(1, Ordering::Relaxed);
        made.environment =
            Box::new(Mortal { inner: made.environment, deaths: self.deaths.clone(), steps: Arc::clone(&self.steps) });
        Ok(made)
    }
    fn agent(&self, experiment: &Experiment, made: &Made, interrupt: &Interrupt) -> Result<Box<dyn Agent>> {
        Lists.agent(experiment, made, interrupt)
    }
}

#[test]
fn an_environment_that_dies_leaves_no_trace() {
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole");
    finish(&experiment(&[]), &whole, false);
    let fragile = Fragile::new([0, 250, 1000]);
    let broken = place.path().join("broken");
    finished(run(&fragile, &experiment(&[]), &broken, false, &GO_ON, Vec::new()).unwrap());
    assert_eq!(fragile.instances.load(Ordering::Relaxed), 5, "two at the start, one after each death");
    assert_eq!(trace(&broken), trace(&whole));
}

#[test]
fn an_environment_that_dies_for_good_is_an_error_after_which_the_run_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole");
    finish(&experiment(&[]), &whole, false);
    let fragile = Fragile::new(500..2000);
    let broken = place.path().join("broken");
    let error = run(&fragile, &experiment(&[]), &broken, false, &GO_ON, Vec::new()).unwrap_err().to_string();
    assert!(error.contains("4 times in a row") && error.contains("--resume"), "{error}");
    assert!(error.contains("steps are saved"), "{error}");
    finish(&experiment(&[]), &broken, true);
    assert_eq!(trace(&broken), trace(&whole));
    // Before anything is saved nothing is said to be.
    let dead = place.path().join("dead");
    let error =
        run(&Fragile::new(0..2000), &experiment(&[]), &dead, false, &GO_ON, Vec::new()).unwrap_err().to_string();
    assert!(error.contains("in episode 1") && error.contains("No step was saved yet: mend"), "{error}");
    finish(&experiment(&[]), &dead, true);
    assert_eq!(trace(&dead), trace(&whole));
}

#[test]
fn what_was_collected_before_an_environment_died_is_kept_and_told() {
    let place = tempfile::tempdir().unwrap();
    // The steps of three places are counted together: the second dies in its 41st.
    let collect = |deaths: Vec<usize>, out: &str, interrupt: &Interrupt| {
        let fragile = Fragile::new(deaths);
        let experiment = experiment(&["environment.episode_steps=30"]);
        let make = || fragile.environment(&experiment).unwrap();
        let mut beside = [make().environment, make().environment];
        let out = place.path().join(out);
        (worldwright_runs::collect(&mut make(), &mut beside, None, (200, 4), &out, interrupt), out)
    };
    let (whole, whole_at) = collect(vec![], "whole", &GO_ON);
    assert_eq!(whole.unwrap().steps, 200);
    let (broken, broken_at) = collect(vec![121], "broken", &GO_ON);
    let error = broken.unwrap_err().to_string();
    let kept = format!("6 episodes of 122 steps are kept in {}, the last 3 as far as they came", broken_at.display());
    assert!(error.contains("worker: died") && error.contains(&kept), "{error}");
    assert!(error.ends_with("collect what is missing into another folder, from another seed"), "{error}");
    let (whole, broken) = (EpisodeStore::open(whole_at).unwrap(), EpisodeStore::open(broken_at).unwrap());
    assert_eq!(broken.episodes().iter().map(|it| it.steps).collect::<Vec<_>>(), [30, 30, 30, 11, 10, 11]);
    for (i, summary) in broken.episodes().iter().enumerate() {
        let (whole, broken) = (whole.episode(i).unwrap(), broken.episode(i).unwrap());
        assert_eq!(broken.observations, whole.observations[..=summary.steps]);
        assert_eq!(broken.rewards, whole.rewards[..summary.steps]);
        assert!(!broken.terminated && broken.truncated == (summary.steps == 30));
    }
    // Nothing is in the way of the next attempt where nothing was collected.
    let (broken, nothing) = collect(vec![0, 1, 2], "nothing", &GO_ON);
    assert!(broken.unwrap_err().to_string().ends_with("died") && !nothing.exists());
}

#[test]
fn an_observer_may_not_be_needed() {
    let place = tempfile::tempdir().unwrap();
    let options = worldwright_runs::LearnOptions {
        folder: RunFolder::new(place.path().join("run")),
        resume: false,
        checkpoint: worldwright_runs::CheckpointEvery::default(),
        interrupt: &GO_ON,
        observers: Vec::new(),
    };
    let summary = finished(learn(&Lists, &experiment(&["steps=100"]), options).unwrap());
    assert_eq!(summary.real_steps, 100);
}
