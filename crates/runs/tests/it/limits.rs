//! What a run takes of disk and memory is bounded, however long it and its episodes are.

use std::fs;
use std::path::{Path, PathBuf};

use worldwright_core::Result;
use worldwright_runs::{CheckpointEvery, Event, Experiment, Lists, Observer, RunFolder};

use crate::tiny::{AtStep, GO_ON, completed, experiment, finished, run, run_saving, trace};

/// Bytes of each checkpoint that was written.
struct Written {
    folder: PathBuf,
    bytes: Vec<u64>,
    notes: Vec<String>,
}

fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return fs::metadata(path).map_or(0, |it| it.len()) };
    entries.map(|entry| size(&entry.unwrap().path())).sum()
}

impl Observer for Written {
    fn name(&self) -> &'static str {
        "written"
    }

    fn event(&mut self, event: &Event<'_>) -> Result<()> {
        if let Event::Note(text) = event {
            self.notes.push((*text).to_owned());
        }
        if !matches!(event, Event::Checkpoint { .. }) {
            return Ok(());
        }
        let newest = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path()).max();
        self.bytes.push(newest.map_or(0, |newest| size(&newest)));
        Ok(())
    }
}

fn measured(name: &str, experiment: &Experiment) -> Written {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join(name);
    let folder = RunFolder::new(&path).checkpoints();
    let mut written = Written { folder, bytes: Vec::new(), notes: Vec::new() };
    finished(run(&Lists, experiment, &path, false, &GO_ON, vec![&mut written]).unwrap());
    written
}

/// Linear regression with six sums a dimension has as much to save after 6,000 steps as after 200.
#[test]
fn a_checkpoint_costs_the_same_however_much_was_collected() {
    let learning = ["agent.fit_every=1500", "environment.episode_steps=50", "evaluation.interval=0", "steps=6000"];
    let written = measured("run", &experiment(&learning));
    let (early, late) = (&written.bytes[8..20], &written.bytes[written.bytes.len() - 12..]);
    let (least, most) = (early.iter().min().unwrap(), late.iter().max().unwrap());
    assert!(most.abs_diff(*least) < 200, "{early:?} {late:?}");
}

/// Planning in the known simulator, as cheaply as can be.
const KNOWN: [&str; 5] =
    ["algorithm=mpc", "planner=random-shooting", "planner.horizon=1", "planner.population=2", "evaluation.episodes=1"];

/// Each checkpoint waits for the disk some six times: a thousand of them are seconds, whatever else the run does. Cut in between, it ends the same.
#[test]
fn episodes_of_one_step_cost_no_checkpoint_each() {
    let place = tempfile::tempdir().unwrap();
    let bandit =
        completed(&[&KNOWN[..], &["environment=pendulum", "environment.episode_steps=1", "steps=1000"]].concat());
    let every = || CheckpointEvery { steps: 100, secs: f64::INFINITY };
    let whole = place.path().join("whole");
    let folder = RunFolder::new(&whole).checkpoints();
    let mut written = Written { folder, bytes: Vec::new(), notes: Vec::new() };
    finished(run_saving(every(), &Lists, &bandit, &whole, false, &GO_ON, vec![&mut written]).unwrap());
    assert_eq!(written.bytes.len(), 11, "one at the start, and one for each hundred steps");
    let cut = place.path().join("cut");
    let mut full = AtStep { step: 555, interrupt: None };
    run_saving(every(), &Lists, &bandit, &cut, false, &GO_ON, vec![&mut full]).unwrap_err();
    let mut resumed = FirstStep(None);
    finished(run_saving(every(), &Lists, &bandit, &cut, true, &GO_ON, vec![&mut resumed]).unwrap());
    assert_eq!(resumed.0, Some(500), "no more than the interval is lost");
    assert_eq!(trace(&cut), trace(&whole));
}

/// The step that a process goes on from.
struct FirstStep(Option<u64>);

impl Observer for FirstStep {
    fn name(&self) -> &'static str {
        "first-step"
    }

    fn event(&mut self, event: &Event<'_>) -> Result<()> {
        if let Event::Started { step, .. } = event {
            self.0 = Some(*step);
        }
        Ok(())
    }
}

#[test]
fn an_agent_that_learns_nothing_keeps_nothing() {
    let known = ["environment=pendulum", "environment.episode_steps=20", "steps=2000"];
    let written = measured("run", &completed(&[&KNOWN[..], &known].concat()));
    assert!(written.bytes.iter().all(|bytes| *bytes < 3000), "{:?}", written.bytes);
}

#[test]
fn an_episode_without_an_end_is_said_once() {
    let endless = ["environment=linear", "environment.episode_steps=0", "steps=30"];
    let written = measured("run", &completed(&[&KNOWN[..], &endless].concat()));
    let said: Vec<_> = written.notes.iter().filter(|note| note.contains("environment.episode_steps")).collect();
    assert_eq!(said.len(), 1, "{:?}", written.notes);
}
