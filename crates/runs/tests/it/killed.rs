//! A run that is killed at any instant and resumed ends as if it had never stopped.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use worldwright_core::Rng;

use crate::tiny::{experiment, finish, trace};

const FOLDER: &str = "WORLDWRIGHT_TEST_RUN_FOLDER";

/// Runs in a process of its own, to be killed.
#[test]
#[ignore = "the process that the tests of this file start and kill"]
fn child() {
    let folder = std::env::var_os(FOLDER).expect("a folder");
    finish(&experiment(&[]), folder.as_ref(), true);
}

fn start(folder: &std::path::Path) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "killed::child"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child")
}

#[test]
fn killed_at_random_instants_and_resumed_it_ends_the_same() {
    let place = tempfile::tempdir().expect("a folder");
    let whole = place.path().join("whole");
    let began = Instant::now();
    finish(&experiment(&[]), &whole, false);
    let mut duration = began.elapsed();
    let expected = trace(&whole);

    let mut rng = Rng::new(11);
    let mut kills = 0;
    for attempt in 0..12 {
        if attempt >= 3 && kills >= 3 {
            break;
        }
        let cut = place.path().join(format!("cut-{attempt}"));
        // Each process lives for a random share of the whole duration, so that the instants fall everywhere: before the first
        // checkpoint, in the middle of a fit, in the final evaluation. In every second attempt the kill then waits for the next
        // checkpoint to be under way.
        let in_a_checkpoint = attempt % 2 == 1;
        let part = cut.join("checkpoints/.part");
        // A machine that has slowed down since the whole run was timed could be killed for ever: the last process may finish.
        for process in 0..=8 {
            let mut child = start(&cut);
            let started = Instant::now();
            let spared = process == 8;
            let life = Instant::now() + duration.mul_f64(rng.uniform_in(0.02, 0.5));
            let ended = loop {
                if let Some(status) = child.try_wait().expect("a status") {
                    assert!(status.success(), "the child failed by itself");
                    // Nor do instants fall within a run that became quicker since.
                    duration = duration.min(started.elapsed());
                    break true;
                }
                if !spared && Instant::now() >= life && (!in_a_checkpoint || part.exists()) {
                    child.kill().expect("killed");
                    child.wait().expect("gone");
                    break false;
                }
                std::thread::sleep(Duration::from_micros(200));
            };
            if ended || cut.join("summary.json").exists() {
                break;
            }
            kills += 1;
        }
        // A run killed after its summary was written still answers to a resume.
        finish(&experiment(&[]), &cut, true);
        assert_eq!(trace(&cut), expected, "attempt {attempt} after {kills} kills");
    }
    assert!(kills >= 3, "only {kills} kills: the run is too short to test anything");
}
