//! Workers that crash, raise, hang or lose their host: always an error within the deadline, never a hang or something left over.
#![cfg(unix)]
#![allow(clippy::print_stdout)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use worldwright_core::{Environment, Error, Setting};
use worldwright_envs::python::{PythonEnvironment, WorkerOptions};

use super::{floats, open, stubs, with};

const MISBEHAVING: &str = "gym:worldwright_stubs:Misbehaving-v0";

/// Whether a process runs (one that ended and waits to be noticed does not).
fn runs(process: u32) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", &process.to_string()]).output().expect("ps");
    let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

/// Whether nothing is left of a process that this one started, not even its exit status.
fn is_reaped(process: u32) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", &process.to_string()]).output().expect("ps");
    output.stdout.iter().all(u8::is_ascii_whitespace)
}

pub(crate) fn gone_within(process: u32, patience: Duration) -> bool {
    let start = Instant::now();
    while runs(process) {
        if start.elapsed() > patience {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

fn how(options: &WorkerOptions, how: &str) -> WorkerOptions {
    with(options.clone(), &[("how", Setting::Text(how.into()))])
}

#[test]
fn every_way_to_fail_is_an_error_and_reset_starts_again() {
    let Some(options) = stubs() else { return };
    for (way, says) in [
        ("raise", "its step raised RuntimeError: an exception of the environment"),
        ("exit", "exit status: 7"),
        ("sys_exit", "its step raised SystemExit: 3"),
        ("kill", "signal: 9"),
        ("hang", "did not answer 'step' within 700ms"),
        ("shape", "has shape (7,), but its space says (3,)"),
    ] {
        let mut options = how(&options, way);
        options.step_deadline = Duration::from_millis(700);
        let mut environment = open(MISBEHAVING, &options);
        for _ in 0..2 {
            let first = environment.process_id();
            environment.reset(0).expect("a reset");
            let worker = environment.process_id().expect("a worker");
            environment.step(&floats(&[0.0])).expect("a step");
            environment.step(&floats(&[0.0])).expect("a step");
            let start = Instant::now();
            let mut result = environment.step(&floats(&[0.0]));
            if way == "shape" {
                // It prepares its next step to be wrong.
                result = result.and_then(|_| environment.step(&floats(&[0.0])));
            }
            let error = result.expect_err(way);
            assert!(start.elapsed() < Duration::from_secs(5), "{way} took {:?}", start.elapsed());
            let Error::External { who, why } = &error else { panic!("{way}: {error}") };
            assert_eq!(who, MISBEHAVING);
            assert!(why.contains(says), "{way}: {why}");
            if ["exit", "kill", "hang"].contains(&way) {
                assert!(why.contains("the last words") && why.contains("printed before failing"), "{way}: {why}");
            }
            assert!(is_reaped(worker), "{way}: the failed worker is left over");
            assert!(environment.step(&floats(&[0.0])).is_err(), "{way}: only a reset helps");
            assert!(first.is_none() || first == Some(worker), "a worker that did not fail is kept");
        }
    }
}

#[test]
fn a_slow_start_or_reset_has_its_own_deadline() {
    let Some(options) = stubs() else { return };
    for (place, what) in [("make", "make"), ("reset", "reset")] {
        let arguments = [("how", Setting::Text("hang".into())), ("where", Setting::Text(place.into()))];
        let mut options = with(options.clone(), &arguments);
        options.reset_deadline = Duration::from_millis(300);
        if place == "make" {
            options.make_deadline = Duration::from_secs(8);
        }
        let start = Instant::now();
        let error = PythonEnvironment::open(MISBEHAVING, &options)
            .and_then(|mut environment| environment.reset(0))
            .expect_err("it hangs");
        assert!(start.elapsed() < Duration::from_secs(30));
        assert!(error.to_string().contains(&format!("did not answer '{what}'")), "{error}");
    }
}

#[test]
fn failures_while_making_name_their_reason() {
    let Some(options) = stubs() else { return };
    for (way, says) in [("raise", "an exception of the environment"), ("exit", "exit status: 7")] {
        let arguments = [("how", Setting::Text(way.into())), ("where", Setting::Text("make".into()))];
        let error = PythonEnvironment::open(MISBEHAVING, &with(options.clone(), &arguments)).expect_err(way);
        assert!(error.to_string().contains(says), "{error}");
    }
    for id in ["gym:worldwright_stubs:Idel-v0", "gym:worldwright_stubs:Idle-v7"] {
        let error = PythonEnvironment::open(id, &options).expect_err("no such environment").to_string();
        assert!(error.contains("Idle") && !error.contains("Traceback"), "{error}");
    }
    let none = WorkerOptions { path: Vec::new(), ..options };
    let error = PythonEnvironment::open("gym:no_such_module_here:Id-v0", &none).expect_err("no such module");
    assert!(error.to_string().contains("no_such_module_here"), "{error}");
}

/// Files that workers of this process share, by name.
fn shared_files(process: u32) -> Vec<String> {
    let prefix = format!("worldwright-{process}-");
    [std::path::PathBuf::from("/dev/shm"), std::env::temp_dir()]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(&prefix))
        .collect()
}

#[test]
fn dropping_leaves_nothing() {
    let Some(options) = stubs() else { return };
    let mut environment = open("gym:worldwright_stubs:Counter-v0", &options);
    environment.reset(0).expect("a reset");
    let worker = environment.process_id().expect("a worker");
    assert!(runs(worker));
    let start = Instant::now();
    drop(environment);
    assert!(start.elapsed() < Duration::from_secs(2));
    assert!(is_reaped(worker), "the worker is left over");
}

/// The host that the next test kills: makes an environment, says its worker's number, and steps until it is killed.
#[test]
#[ignore = "only the next test starts it"]
fn host_to_be_killed() {
    let Some(options) = stubs() else { return };
    let way = std::env::var("WORLDWRIGHT_TEST_WAY").expect("the way is given");
    let mut environment = open(MISBEHAVING, &how(&options, &way));
    environment.reset(0).expect("a reset");
    println!("\nworker {}", environment.process_id().expect("a worker"));
    for _ in 0..if way == "hang" { 3 } else { 1 } {
        let _ = environment.step(&floats(&[0.0]));
    }
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_worker_leaves_when_its_host_is_killed() {
    if stubs().is_none() {
        return;
    }
    for way in ["raise", "hang"] {
        let mut host = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "failures::host_to_be_killed", "--ignored", "--nocapture"])
            .env("WORLDWRIGHT_TEST_WAY", way)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("this program starts");
        let lines = BufReader::new(host.stdout.take().expect("its output")).lines();
        let worker = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("worker ")?.parse::<u32>().ok())
            .expect("the host says its worker's number");
        // Time to come to the third step, where this worker hangs in Python.
        std::thread::sleep(Duration::from_millis(300));
        assert!(runs(worker));
        host.kill().expect("SIGKILL");
        host.wait().expect("its status");
        assert!(gone_within(worker, Duration::from_secs(5)), "{way}: the worker outlives its host");
        assert_eq!(shared_files(host.id()), Vec::<String>::new(), "{way}: shared memory is left over");
    }
}
