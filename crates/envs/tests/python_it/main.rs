//! Python environments: real ones and stubs of known numbers, driven through their workers.
//!
//! Tests that need a suite say so and pass where it is neither installed nor named by its environment variable.
#![allow(clippy::print_stderr)]

mod contract;
mod failures;
mod faults;
mod leftovers;
mod real;
mod single;
mod suites;
mod vectors;

use std::collections::BTreeMap;
use std::path::PathBuf;

use worldwright_core::{Key, Rng, Setting, Value};
use worldwright_envs::python::{PythonEnvironment, Suite, WorkerOptions};

/// The suite's interpreter; `None`, said aloud, where there is none.
fn interpreter(suite: &Suite) -> Option<PathBuf> {
    match suite.interpreter() {
        Ok(interpreter) => Some(interpreter),
        Err(error) => {
            eprintln!("SKIPPED {}: {error}", std::thread::current().name().unwrap_or("a test"));
            None
        }
    }
}

/// Options under which the stub environments are found; `None` where Gymnasium is not there.
fn stubs() -> Option<WorkerOptions> {
    interpreter(&Suite::Gym)?;
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/python_it/modules");
    Some(WorkerOptions { path: vec![folder], ..WorkerOptions::default() })
}

fn with(mut options: WorkerOptions, arguments: &[(&str, Setting)]) -> WorkerOptions {
    options.arguments = arguments.iter().map(|(key, setting)| ((*key).to_owned(), setting.clone())).collect();
    options
}

fn open(id: &str, options: &WorkerOptions) -> PythonEnvironment {
    PythonEnvironment::open(id, options).unwrap_or_else(|error| panic!("{id}: {error}"))
}

fn floats(numbers: &[f64]) -> Value {
    Value::Floats(numbers.to_vec())
}

fn rng(seed: u64) -> Rng {
    Key::new(seed).rng()
}

/// Settings as users give them.
fn settings(pairs: &[(&str, Setting)]) -> BTreeMap<String, Setting> {
    pairs.iter().map(|(key, setting)| ((*key).to_owned(), setting.clone())).collect()
}
