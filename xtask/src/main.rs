//! The project's own chores, run as `cargo xtask CHORE`.
//!
//! `test` is what decides whether a change may land: it installs what the tests need, then runs every check.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod comparison;
mod defaults;
mod docs;
mod environments;
mod fuzz;
mod licences;
mod offline;
mod package;
mod peers;
mod python;
mod results;
mod rooms;
mod shown;
mod test;
mod wheel;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: cargo xtask CHORE

  test       install what the tests need, then run every check (what continuous integration runs)
  quick      format, lints and tests without the Python suites
  python     make the Python environments that the tests use
  package    build the Python package and run its tests
  docs       build the documentation site, for shell, Python and Rust, into target/site
  wheel      build the wheel and try it with each Python that is here
  licences   check the licence of every dependency, and with cargo-deny its source and known weaknesses
  peers      [NAME]: run the planners' speed programs beside those of other tools
  results    NAME [SEEDS]: run a learning experiment over seeds and write its table under docs/results
  fuzz       [NAME [CASES]]: run a property or a fuzzer for many cases; without a name, say which there are
  rooms      check the rooms table of ARCHITECTURE.md against every Cargo.toml
  show       write anew the files of the code that pages show";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |i: usize| arguments.get(i).map(String::as_str);
    let outcome = match argument(0).unwrap_or_default() {
        "test" => test::all(),
        "quick" => test::quick(),
        "python" => python::install().map(|_| ()),
        "package" => python::install().and_then(|interpreters| package::test(&interpreters)),
        "docs" => docs::build(),
        "wheel" => wheel::check(),
        "licences" => licences::check(),
        "peers" => peers::run(argument(1)),
        "results" => results::run(argument(1), argument(2)),
        "rooms" => rooms::check(),
        "show" => shown::write(),
        "fuzz" => fuzz::run(argument(1), argument(2)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The cargo that runs this.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs one step, says what it is and how long it took.
fn step(title: &str, command: &mut Command) -> Result<()> {
    println!("\n── {title}");
    let start = Instant::now();
    let status = command.status().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{title}: {:?} ended with {status}", command.get_program());
    }
    println!("   {title}: {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}
