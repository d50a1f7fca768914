//! What a run takes of disk and memory is bounded, however long it and its episodes are.

use std::fs;
use std::path::{Path, PathBuf};

use worldwright_core::Result;
use worldwright_runs::{Event, Experiment, Lists, Observer, RunFolder};

use crate::tiny::{GO_ON, completed, experiment, finished, run};

/// Bytes that checkpoints have written: each new folder, and what the files beside them have grown by.
struct Written {
    folder: PathBuf,
    bytes: u64,
    grown: u64,
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
        let grown = self.folder.join("grown");
        let entries = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path());
        self.bytes += entries.filter(|path| *path != grown).max().map_or(0, |newest| size(&newest));
        let now = size(&grown);
        self.bytes += now.saturating_sub(self.grown);
        self.grown = now;
        Ok(())
    }
}

fn measured(name: &str, experiment: &Experiment) -> Written {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join(name);
    let folder = RunFolder::new(&path).checkpoints();
    let mut written = Written { folder, bytes: 0, grown: 0, notes: Vec::new() };
    finished(run(&Lists, experiment, &path, false, &GO_ON, vec![&mut written]).unwrap());
    written
}

#[test]
fn checkpoints_write_what_is_new_and_not_all_again() {
    let [short, long] = ["steps=1500", "steps=6000"].map(|steps| {
        let learning = ["agent.initial_steps=100000", "environment.episode_steps=20", "evaluation.interval=0", steps];
        measured("run", &experiment(&learning))
    });
    // Four times the steps and the checkpoints: four times the bytes, where each checkpoint held everything sixteen times.
    let ratio = long.bytes as f64 / short.bytes as f64;
    assert!(ratio < 5.0, "{} and {} bytes", short.bytes, long.bytes);
    assert!(long.bytes < 6000 * 66 + 300 * 12_000, "{}", long.bytes);
}

/// Planning in the known simulator, as cheaply as can be.
const KNOWN: [&str; 5] =
    ["algorithm=mpc", "planner=random-shooting", "planner.horizon=1", "planner.population=2", "evaluation.episodes=1"];

#[test]
fn an_agent_that_learns_nothing_keeps_nothing() {
    let known = ["environment=pendulum", "environment.episode_steps=20", "steps=2000"];
    let written = measured("run", &completed(&[&KNOWN[..], &known].concat()));
    assert_eq!(written.grown, 0);
    assert!(written.bytes < 101 * 3000, "{}", written.bytes);
}

#[test]
fn an_episode_without_an_end_is_said_once() {
    let endless = ["environment=linear", "environment.episode_steps=0", "steps=30"];
    let written = measured("run", &completed(&[&KNOWN[..], &endless].concat()));
    let said: Vec<_> = written.notes.iter().filter(|note| note.contains("environment.episode_steps")).collect();
    assert_eq!(said.len(), 1, "{:?}", written.notes);
}
