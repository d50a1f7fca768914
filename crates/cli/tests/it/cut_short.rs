//! Work that does not come to its end: what was measured is said, and what was kept can be read.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::in_folder;

/// A run whose evaluations take a moment each.
fn learned(folder: &Path, more: &[&str]) {
    let start = ["learn", "pendulum", "--algorithm", "mpc", "--steps", "20", "--run-dir", "run", "--quiet"];
    let small = ["planner=random-shooting", "planner.population=4", "planner.horizon=2", "evaluation.episodes=1"];
    let done = in_folder(folder, &[&start[..], &small, more].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// The returns of the episodes that were told, and the mean in the last line.
fn told(text: &str) -> (Vec<f64>, Option<f64>) {
    let number = |text: &str| text.replace(',', "").replace('−', "-").parse().ok();
    let after = |line: &str| line.split_once("return").and_then(|(_, rest)| number(rest.split_whitespace().next()?));
    let of = |start: &str| text.lines().filter(|line| line.starts_with(start)).filter_map(after).collect::<Vec<f64>>();
    (of("episode"), of("mean").pop())
}

fn is_mean_of(text: &str) {
    let (returns, mean) = told(text);
    let mean = mean.unwrap_or_else(|| panic!("no mean: {text}"));
    let expected = returns.iter().sum::<f64>() / returns.len() as f64;
    // Both are told in a few digits.
    assert!(!returns.is_empty() && (mean - expected).abs() <= 2e-3 * expected.abs(), "{mean} for {expected}: {text}");
}

#[test]
fn an_interrupted_evaluation_tells_the_mean_of_what_it_has() {
    let place = tempfile::tempdir().unwrap();
    learned(place.path(), &[]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_worldwright"))
        .args(["eval", "run", "--episodes", "100000"])
        .current_dir(place.path())
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut text = lines.by_ref().take(3).map(|line| line + "\n").collect::<String>();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    text.extend(lines.map(|line| line + "\n"));
    assert_eq!(child.wait().unwrap().code(), Some(130), "{text}");
    is_mean_of(&text);
}

/// A person who stopped a study is told of the study, whichever part of it was under way.
#[test]
fn an_interrupted_study_says_what_becomes_of_it() {
    let place = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_worldwright"))
        .args(["study", "mismatch", "--out", "found"])
        .current_dir(place.path())
        .env("NO_COLOR", "1")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    // Its first line says that it has begun.
    let first = lines.next().unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let last = lines.last().unwrap_or(first);
    assert_eq!(child.wait().unwrap().code(), Some(130), "{last}");
    assert_eq!(last, "the study was interrupted; nothing of it is kept");
    assert!(!place.path().join("found").exists());
}

/// Runs the program where no file may grow beyond so many blocks, of 512 or 1024 bytes as the shell counts.
fn limited(folder: &Path, blocks: u32, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_worldwright");
    Command::new("sh")
        .args(["-c", &format!("ulimit -f {blocks}; exec \"$0\" \"$@\""), program])
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("WORLDWRIGHT_DATA_DIR", folder)
        .output()
        .unwrap()
}

#[test]
fn a_limit_on_files_is_an_error_that_names_it_and_whole_episodes_are_kept() {
    let place = tempfile::tempdir().unwrap();
    let collect = |blocks, out: &str| {
        let done = limited(place.path(), blocks, &["collect", "pendulum", "--steps", "20000", "--out", out]);
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "an ordinary error, no signal: {:?} {said}", done.status);
        let words = ["File too large", "ulimit -f", out];
        assert!(said.starts_with("error: ") && words.iter().all(|word| said.contains(word)), "{said}");
        said
    };
    // Not even a header: nothing is in the way of the next attempt.
    collect(0, "none");
    assert!(!place.path().join("none").exists());
    // Some episodes: they are kept, and can be read.
    let said = collect(128, "some");
    let kept: u64 = {
        let (_, rest) = said.split_once("; ").unwrap();
        rest.split_whitespace().find_map(|word| word.parse().ok()).unwrap_or_else(|| panic!("{said}"))
    };
    let read = in_folder(place.path(), &["data", "inspect", "some"]);
    let text = String::from_utf8(read.stdout).unwrap();
    assert!(read.status.success() && kept > 0, "{text}");
    assert!(text.contains(&format!("in {kept} episodes")), "{kept} episodes are to be in {text}");
    let left: Vec<String> = fs::read_dir(place.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "some")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_limit_on_files_ends_a_run_with_words() {
    let place = tempfile::tempdir().unwrap();
    let done = limited(
        place.path(),
        4,
        &[
            "learn",
            "pendulum",
            "--steps",
            "400",
            "--run-dir",
            "run",
            "--quiet",
            "planner.population=4",
            "planner.horizon=2",
        ],
    );
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.code() == Some(1) && said.contains("File too large"), "{:?} {said}", done.status);
}
