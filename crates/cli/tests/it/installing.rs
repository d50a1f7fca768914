//! Installing a suite when pip does not end well: what was there works on, and what is not finished is not taken for finished.
//!
//! A shell script stands in for Python and for the interpreter of the virtual environment that it makes; a file tells it how pip ends.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

/// What a suite of one's own needs, written as pip would; then pip ends as the file `ending` says.
const PYTHON: &str = r#"#!/bin/sh
here="$WORLDWRIGHT_DATA_DIR"
case "$1 $2" in
  "-m venv")
    mkdir -p "$3/bin" && cp "$here/python3" "$3/bin/python"
    exit ;;
  "-m pip")
    site="$(dirname "$(dirname "$0")")/lib/python3.12/site-packages"
    . "$here/ending"
    for name in gymnasium numpy extra; do
      mkdir -p "$site/$name-1.0.dist-info"
      : > "$site/$name.py"
      printf '%s.py,,0\n' "$name" > "$site/$name-1.0.dist-info/RECORD"
    done
    exit 0 ;;
esac
case "$2" in *version_info*) echo 3 12 4 ;; esac
exit 0
"#;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let python = place.path("python3");
        fs::write(&python, PYTHON).unwrap();
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `worldwright env …`, in which pip first does `ending`.
    fn env(&self, arguments: &[&str], ending: &str) -> Output {
        fs::write(self.path("ending"), ending).unwrap();
        Command::new(env!("CARGO_BIN_EXE_worldwright"))
            .arg("env")
            .args(arguments)
            .current_dir(self.0.path())
            .env("NO_COLOR", "1")
            .env("WORLDWRIGHT_DATA_DIR", self.0.path())
            .env("WORLDWRIGHT_PYTHON", self.path("python3"))
            .output()
            .unwrap()
    }

    /// How the suite `mine` is said to be; `None` where it is not listed.
    fn state(&self) -> Option<String> {
        let listed: Value = serde_json::from_slice(&self.env(&["list", "--json"], "").stdout).unwrap();
        let mine = listed.as_array().unwrap().iter().find(|suite| suite["name"] == "mine")?;
        Some(mine["state"].as_str().unwrap().to_owned())
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_pip_that_a_signal_ends_is_reported_and_nothing_counts_as_installed() {
    let place = Place::new();
    let cut = place.env(&["install", "mine", "extra"], "kill -9 $$");
    assert_eq!(cut.status.code(), Some(1), "{}", said(&cut));
    assert!(said(&cut).contains("signal: 9") && said(&cut).contains("install.log"), "{}", said(&cut));
    assert_eq!(place.state(), None);
    assert!(!place.path("python/mine").exists());
    // The next attempt is not told that it is there, and does all of it.
    let whole = place.env(&["install", "mine", "extra"], "");
    assert!(whole.status.success() && said(&whole).contains("making"), "{}", said(&whole));
    assert_eq!(place.state().as_deref(), Some("complete"));
}

#[test]
fn a_new_installation_that_fails_brings_the_old_suite_back() {
    let place = Place::new();
    assert!(place.env(&["install", "mine", "extra"], "").status.success());
    // A mark tells the old folder from a new one; without one of its packages it counts as damaged and is made anew.
    let suite = place.path("python/mine");
    fs::write(suite.join("mark"), "old").unwrap();
    fs::remove_dir_all(suite.join("lib/python3.12/site-packages/extra-1.0.dist-info")).unwrap();
    assert_eq!(place.state().as_deref(), Some("damaged"));
    for ending in ["exit 3", "kill -15 $$"] {
        let failed = place.env(&["install", "mine"], ending);
        assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
        assert!(said(&failed).contains("making"), "it was to be made anew: {}", said(&failed));
        assert_eq!(fs::read_to_string(suite.join("mark")).unwrap(), "old");
        assert!(suite.join("lib/python3.12/site-packages/numpy.py").exists());
        assert!(!suite.with_extension("before").exists());
        assert_eq!(place.state().as_deref(), Some("damaged"), "as it was before");
    }
    assert!(place.env(&["install", "mine"], "").status.success());
    assert!(!suite.join("mark").exists() && !suite.with_extension("before").exists());
    assert_eq!(place.state().as_deref(), Some("complete"));
}

#[test]
fn packages_whose_installation_a_signal_ends_leave_the_suite_as_it_was() {
    let place = Place::new();
    assert!(place.env(&["install", "mine", "extra"], "").status.success());
    let cut = place.env(&["install", "mine", "further"], "kill -9 $$");
    assert!(cut.status.code() == Some(1) && said(&cut).contains("signal: 9"), "{}", said(&cut));
    assert_eq!(place.state().as_deref(), Some("complete"));
    let listed = String::from_utf8(place.env(&["list"], "").stdout).unwrap();
    assert!(listed.contains("with extra") && !listed.contains("further"), "{listed}");
}
