//! Nothing that an environment starts outlives its run, and nothing that a worker claims is believed beyond reason.
#![cfg(unix)]
#![allow(clippy::print_stdout)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use worldwright_core::{Environment, Setting};
use worldwright_envs::python::{PythonEnvironment, Suite, WorkerOptions};

use super::failures::gone_within;
use super::{floats, open, stubs, with};

fn note(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("worldwright-leftovers-{}-{name}", std::process::id()))
}

fn forking(options: &WorkerOptions, note: &Path, how: &str) -> PythonEnvironment {
    let _ = fs::remove_file(note);
    let text = |text: &str| Setting::Text(text.into());
    let arguments = [("note", text(&note.to_string_lossy())), ("how", text(how))];
    open("gym:worldwright_stubs:Forking-v0", &with(options.clone(), &arguments))
}

/// The processes that the environment noted: three that it started, and the one that it lives in.
fn noted(note: &Path) -> Vec<u32> {
    let text = fs::read_to_string(note).expect("a note");
    let processes: Vec<u32> = text.lines().map(|line| line.parse().expect("a number")).collect();
    assert_eq!(processes.len(), 4);
    processes
}

fn all_gone(way: &str, note: &Path) {
    for process in noted(note) {
        assert!(gone_within(process, Duration::from_secs(5)), "{way}: process {process} is left over");
    }
    let _ = fs::remove_file(note);
}

#[test]
fn what_an_environment_starts_ends_with_it() {
    let Some(options) = stubs() else { return };
    for way in ["", "raise", "kill"] {
        let note = note(&format!("way-{way}"));
        let mut environment = forking(&options, &note, way);
        environment.reset(0).expect("a reset");
        let stepped = environment.step(&floats(&[0.0]));
        assert_eq!(stepped.is_err(), !way.is_empty(), "{way}: {stepped:?}");
        if way.is_empty() {
            drop(environment);
        }
        all_gone(way, &note);
    }
}

/// The host that the next test kills.
#[test]
#[ignore = "only the next test starts it"]
fn host_to_be_killed() {
    let Some(options) = stubs() else { return };
    let note = PathBuf::from(std::env::var_os("WORLDWRIGHT_TEST_NOTE").expect("a path"));
    let mut environment = forking(&options, &note, "");
    environment.reset(0).expect("a reset");
    fs::write(note.with_extension("ready"), "").expect("a file");
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn what_an_environment_starts_ends_with_a_host_that_is_killed() {
    if stubs().is_none() {
        return;
    }
    let note = note("host");
    let ready = note.with_extension("ready");
    let _ = fs::remove_file(&ready);
    let mut host = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "leftovers::host_to_be_killed", "--ignored", "--nocapture"])
        .env("WORLDWRIGHT_TEST_NOTE", &note)
        .spawn()
        .expect("this program starts");
    let begun = Instant::now();
    while !ready.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the host is not ready");
        std::thread::sleep(Duration::from_millis(10));
    }
    host.kill().expect("SIGKILL");
    host.wait().expect("its status");
    all_gone("killed host", &note);
    let _ = fs::remove_file(ready);
}

#[test]
fn a_worker_is_not_believed_that_announces_more_than_there_is() {
    let Ok(python) = Suite::Gym.interpreter() else { return };
    for (answer, says) in [
        ("{'blob': 10**18}", "announced 1000000000000000000 bytes"),
        ("{'blob': 2**63}", "announced 9223372036854775808 bytes"),
        ("'x' * 100", "describes it unreadably"),
        ("None", "announced 4294967295 bytes"),
    ] {
        // In the place of the interpreter stands a program that answers whatever it is asked.
        let liar = note(&format!("liar-{}", answer.len()));
        let program = format!(
            "#!{}\nimport json, socket\ns = socket.socket(fileno=0)\ns.recv(1)\nanswer = {answer}\n\
             text = json.dumps(answer).encode()\nlength = 2**32 - 1 if answer is None else len(text)\n\
             s.sendall(b'm' + length.to_bytes(4, 'little') + text)\nwhile s.recv(4096): pass\n",
            python.display()
        );
        fs::write(&liar, program).expect("a file");
        fs::set_permissions(&liar, fs::Permissions::from_mode(0o755)).expect("its rights");
        let options = WorkerOptions { interpreter: Some(liar.clone()), ..WorkerOptions::default() };
        let error = PythonEnvironment::open("gym:Any-v0", &options).expect_err(answer).to_string();
        assert!(error.contains(says), "{answer}: {error}");
        let _ = fs::remove_file(liar);
    }
}
