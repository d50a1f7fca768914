//! Finding, checking and installing suites, in a program of their own, so that their variables reach no other test.

use std::path::{Path, PathBuf};
use std::process::Command;

use worldwright_envs::python::{Health, Suite, doctor, install};

/// What the tests below start; each prints what it sees.
#[test]
#[ignore = "only the other tests start it"]
fn in_a_program_of_its_own() {
    let mut progress = Vec::new();
    match std::env::var("WORLDWRIGHT_TEST_ROLE").expect("a role").as_str() {
        "doctor" => {
            for finding in doctor() {
                eprintln!(
                    "{} | {:?} | {} | {}",
                    finding.subject,
                    finding.health,
                    finding.detail,
                    finding.mend.unwrap_or_default()
                );
            }
        }
        "install" => match install(Suite::Gym, &mut |line| progress.push(line.to_owned())) {
            Ok(interpreter) => eprintln!("installed {}", interpreter.display()),
            Err(error) => eprintln!("error {error}"),
        },
        other => panic!("no role '{other}'"),
    }
}

fn run(role: &str, folder: &Path, variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "suites::in_a_program_of_its_own", "--ignored", "--nocapture"])
        .env("WORLDWRIGHT_TEST_ROLE", role)
        .env("WORLDWRIGHT_DATA_DIR", folder)
        .env_remove("WORLDWRIGHT_PYTHON_GYM")
        .env_remove("WORLDWRIGHT_PYTHON_DMC")
        .envs(variables.iter().copied())
        .output()
        .expect("this program starts");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("worldwright-suites-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn the_doctor_tells_missing_from_broken_and_how_to_mend_each() {
    let folder = folder("doctor");
    let text = run("doctor", &folder, &[]);
    assert!(text.contains("data folder | Fine"), "{text}");
    assert!(text.contains("suite gym | Missing") && text.contains("run `worldwright env install gym`"), "{text}");
    assert!(text.contains("suite dmc | Missing"), "{text}");
    let text = run("doctor", &folder, &[("WORLDWRIGHT_PYTHON_GYM", "/nonexistent/python")]);
    assert!(text.contains("suite gym | Broken") && text.contains("correct WORLDWRIGHT_PYTHON_GYM"), "{text}");
    let text = run("doctor", &folder, &[("WORLDWRIGHT_DATA_DIR", "/proc/worldwright")]);
    assert!(text.contains("data folder | Broken") && text.contains("set WORLDWRIGHT_DATA_DIR"), "{text}");
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn a_suite_that_is_named_is_compared_with_the_pins() {
    for suite in Suite::ALL {
        if super::interpreter(*suite).is_none() {
            continue;
        }
        let found = doctor().into_iter().find(|finding| finding.subject == format!("suite {}", suite.name()));
        let found = found.expect("a finding for every suite");
        assert!(matches!(found.health, Health::Fine | Health::Differs), "{found:?}");
    }
}

#[test]
fn installing_without_what_it_needs_says_what_to_do() {
    let folder = folder("install");
    let text = run("install", &folder, &[("PATH", "/nonexistent")]);
    assert!(text.contains("error python3: no Python was found") && text.contains("apt install python3"), "{text}");
    let text = run("install", &folder, &[("WORLDWRIGHT_PYTHON", "/nonexistent/python")]);
    assert!(text.contains("does not start as a Python interpreter"), "{text}");
    let text = run("install", &folder, &[("WORLDWRIGHT_DATA_DIR", "/proc/worldwright")]);
    assert!(text.contains("set WORLDWRIGHT_DATA_DIR") || text.contains("no Python was found"), "{text}");
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn installing_without_a_network_says_so() {
    // Nothing listens on the discard port, so that this is an index that cannot be reached.
    let folder = folder("offline");
    let variables = [("PIP_INDEX_URL", "http://127.0.0.1:9/simple"), ("PIP_RETRIES", "0"), ("PIP_NO_CACHE_DIR", "1")];
    let text = run("install", &folder, &variables);
    let fitting = text.contains("index cannot be reached");
    let no_python = text.contains("no Python was found") || text.contains("python3-venv");
    assert!(fitting || no_python, "{text}");
    assert!(!text.contains("installed "), "{text}");
    let _ = std::fs::remove_dir_all(&folder);
}
