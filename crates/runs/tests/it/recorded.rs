//! A run that begins with episodes that were recorded before.

use std::path::Path;

use worldwright_core::Interrupt;
use worldwright_runs::{Experiment, Lists, Outcome, RunFolder, Workshop};

use crate::tiny::{AtStep, GO_ON, experiment, finish, run, trace};

fn beginning_with(folder: &Path) -> Experiment {
    experiment(&["steps=600", "agent.initial_steps=150", &format!("data={}", folder.display())])
}

/// Training steps at which the model was fitted.
fn fits(folder: &Path) -> Vec<u64> {
    let rows = RunFolder::new(folder).read_metrics().unwrap();
    rows.iter().filter(|row| row["kind"] == "learn").map(|row| row["step"].as_u64().unwrap()).collect()
}

#[test]
fn what_was_recorded_counts_as_experience_and_a_cut_run_keeps_it() {
    let place = tempfile::tempdir().unwrap();
    let [log, alone, whole, cut] = ["log", "alone", "whole", "cut"].map(|name| place.path().join(name));
    finish(&experiment(&["steps=200"]), &log, false);
    finish(&experiment(&["steps=600", "agent.initial_steps=150"]), &alone, false);
    assert_eq!(fits(&alone)[0], 150);
    // Two hundred steps are known from the start, so that the first of its own is followed by a fit. A run's folder does as well as its
    // episodes.
    let begun = beginning_with(&log);
    let summary = finish(&begun, &whole, false);
    assert_eq!((fits(&whole)[0], summary.real_steps), (1, 600));
    assert_eq!(trace(&whole), {
        finish(&beginning_with(&log.join("episodes")), &cut, false);
        trace(&cut)
    });

    // Cut before the first checkpoint of its own, and after it.
    std::fs::remove_dir_all(&cut).unwrap();
    for step in [120, 430] {
        let interrupt = Interrupt::new();
        let mut observer = AtStep { step, interrupt: Some(&interrupt) };
        let outcome = run(&Lists, &begun, &cut, true, &interrupt, vec![&mut observer]).unwrap();
        assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    }
    finish(&begun, &cut, true);
    assert_eq!(trace(&cut), trace(&whole));
}

#[test]
fn what_is_wrong_with_it_is_said() {
    let place = tempfile::tempdir().unwrap();
    let [log, other] = ["log", "other"].map(|name| place.path().join(name));
    let refused = |experiment: &Experiment, words: &str| {
        let error = run(&Lists, experiment, &other, false, &GO_ON, Vec::new()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(!other.exists(), "a run that was refused leaves nothing in the way of the next");
    };
    refused(&beginning_with(&log), "holds no recorded episodes");
    finish(&experiment(&["environment=linear", "environment.bound=5.0", "steps=70"]), &log, false);
    refused(&beginning_with(&log), "its observations and actions have 2 and 1 numbers, those of pendulum have 3 and 1");
    // As many numbers as here, but actions that this environment does not take.
    let car = |settings: &[&str]| {
        let own = ["environment=mountain-car-continuous", "steps=70", "agent.initial_steps=30", "agent.fit_every=70"];
        experiment(&[&own[..], settings].concat())
    };
    refused(&car(&[&format!("data={}", log.display())]), "these data are of another environment");
    let own = place.path().join("own");
    finish(&car(&[]), &own, false);
    finish(&car(&[&format!("data={}", own.display())]), &other, false);
    assert!(!experiment(&[]).to_toml().contains("data"), "the text of a run without data is what it was");
}

#[test]
fn files_of_other_formats_are_read_as_they_are() {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("log");
    finish(&experiment(&["steps=70", "environment.episode_steps=30"]), &log, false);
    let made = Lists.environment(&experiment(&[])).unwrap();
    let read = |data: &Path| Lists.recorded(&beginning_with(data), &made).map(Option::unwrap);
    let (whole, _) = read(&log).unwrap();
    for format in ["parquet", "npz", "feather"] {
        let file = place.path().join(format!("log.{format}"));
        worldwright_data::export(&log.join("episodes"), format, &file).unwrap();
        let (found, notes) = read(&file).unwrap();
        assert!(notes.is_empty(), "{format}: {notes:?}");
        assert_eq!(found.len(), whole.len(), "{format}");
        for i in 0..whole.len() {
            assert_eq!(found.observation(i), whole.observation(i), "{format}");
            assert_eq!(found.action(i), whole.action(i), "{format}");
            assert_eq!(found.next_observation(i), whole.next_observation(i), "{format}");
        }
        assert_eq!((found.rewards(), found.episode_ends()), (whole.rewards(), whole.episode_ends()), "{format}");
    }
    finish(&beginning_with(&place.path().join("log.parquet")), &place.path().join("begun"), false);
    // How a table was read is told, and what is wrong with one is told with what mends it.
    let odd = place.path().join("odd.csv");
    std::fs::write(&odd, "obs_x,obs_y,obs_z,action,reward,remark\n1,2,3,0.5,1,a\n4,5,6,,,b\n").unwrap();
    let (_, notes) = read(&odd).unwrap();
    assert!(notes[0].starts_with("left out: columns remark"), "{notes:?}");
    std::fs::write(&odd, "pose,action,reward\n1,0.5,1\n2,,\n").unwrap();
    let error = read(&odd).unwrap_err().to_string();
    assert!(
        error.starts_with("data: ") && error.contains("odd.csv") && error.contains("--columns observation=COLUMN"),
        "{error}"
    );
}
