//! What goes wrong while a Python environment is made or stepped is one sentence that says what, and no traceback.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use worldwright_core::{Environment, Setting};
use worldwright_envs::python::{
    PythonEnvironment, Suite, VectorEnvironment, VectorOptions, Vectorization, WorkerOptions,
};

use super::{floats, interpreter, open, stubs, with};

fn refused(id: &str, options: &WorkerOptions) -> String {
    let error = PythonEnvironment::open(id, options).expect_err(id).to_string();
    assert!(!error.contains("Traceback") && error.lines().count() == 1, "{error}");
    error
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("worldwright-faults-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn an_argument_that_nothing_takes_is_named_with_the_nearest() {
    let Some(options) = stubs() else { return };
    let two = [("lenght", Setting::Integer(3))];
    for (id, arguments, says) in [
        ("gym:worldwright_stubs:Counter-v0", &two, "Counter-v0 takes no argument 'lenght'"),
        ("gym:CartPole-v1", &[("rendermode", Setting::Text("rgb_array".into()))], "did you mean 'render_mode'?"),
        ("gym:CartPole-v1", &[("sutton_reward", Setting::Bool(true))], "did you mean 'sutton_barto_reward'?"),
        ("gym:worldwright_stubs:Counter-v0", &[("zzz", Setting::Integer(1))], "(it takes length, render_mode)"),
    ] {
        let error = refused(id, &with(options.clone(), arguments));
        let key = arguments[0].0;
        assert!(error.starts_with(id) && error.contains(says), "{error}");
        assert!(error.contains(&format!("environment.{key}")), "{error}");
        assert!(error.ends_with(&format!("got an unexpected keyword argument '{key}'")), "{error}");
    }
    for vectorization in [Vectorization::Loop, Vectorization::Sync] {
        let worker = with(options.clone(), &two);
        let vector = VectorOptions { environments: 2, vectorization, worker, ..VectorOptions::default() };
        let error =
            VectorEnvironment::open("gym:worldwright_stubs:Counter-v0", &vector).expect_err("a slip").to_string();
        assert!(error.contains("did you mean 'length'?") && !error.contains("Traceback"), "{error}");
    }
    let error = refused("gym:worldwright_stubs:Timed-v0", &options);
    assert!(error.contains("Timed-v0 needs the argument 'inner': say it as environment.inner=…"), "{error}");
    if interpreter(&Suite::Dmc).is_some() {
        let error =
            refused("dmc:pendulum-swingup", &with(WorkerOptions::default(), &[("tim_limit", Setting::Float(3.0))]));
        assert!(error.contains("takes no argument 'tim_limit'") && error.contains("'time_limit'"), "{error}");
    }
}

#[test]
fn a_type_error_within_is_not_taken_for_an_argument() {
    let Some(options) = stubs() else { return };
    // A length of text is compared with a number in the environment's own step.
    let mut environment =
        open("gym:worldwright_stubs:Counter-v0", &with(options, &[("length", Setting::Text("three".into()))]));
    environment.reset(0).expect("a reset");
    let error = environment.step(&floats(&[0.0])).expect_err("three is no number").to_string();
    assert!(error.contains("its step raised TypeError: '>=' not supported") && !error.contains("Traceback"), "{error}");
    assert!(error.contains("worldwright_stubs.py, line ") && error.contains("in step)"), "{error}");
}

#[test]
fn a_constructor_that_raises_is_told_with_its_last_line_and_place() {
    let Some(options) = stubs() else { return };
    let fails = [("how", Setting::Text("raise".into())), ("where", Setting::Text("make".into()))];
    let error = refused("gym:worldwright_stubs:Misbehaving-v0", &with(options, &fails));
    assert!(error.contains("making it raised RuntimeError: an exception of the environment ("), "{error}");
    assert!(error.contains("worldwright_stubs.py, line ") && error.ends_with("in fail)"), "{error}");
}

#[test]
fn a_module_that_is_not_there_or_does_not_load_is_told() {
    let Some(options) = stubs() else { return };
    let folder = folder("module");
    std::fs::write(folder.join("slip_of_worlds.py"), "x = 1\ny = x + unknown_word\n").expect("a file");
    std::fs::write(folder.join("odd_worlds.py"), "def f(:\n").expect("a file");
    let options = WorkerOptions { path: vec![folder.clone()], ..options };
    let error = refused("gym:slip_of_worlds:Id-v0", &options);
    let says = "importing its module 'slip_of_worlds' raised NameError: name 'unknown_word' is not defined";
    assert!(error.contains(says) && error.contains("slip_of_worlds.py, line 2"), "{error}");
    let error = refused("gym:odd_worlds:Id-v0", &options);
    assert!(error.contains("SyntaxError: ") && error.contains("odd_worlds.py"), "{error}");
    let error = refused("gym:no_such_worlds:Id-v0", &options);
    assert!(
        error.contains("No module named 'no_such_worlds'") && error.contains("environment.worker.path=FOLDER"),
        "{error}"
    );
    assert!(error.contains("no-such-worlds`"), "{error}");
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn an_interpreter_without_its_packages_is_told_with_the_command_that_brings_them() {
    let Some(options) = stubs() else { return };
    let folder = folder("bare");
    let python = interpreter(&Suite::Gym).expect("the stubs were found");
    let bare = folder.join("python");
    std::fs::write(&bare, format!("#!/bin/sh\nexec {} -S \"$@\"\n", python.display())).expect("a file");
    std::fs::set_permissions(&bare, std::fs::Permissions::from_mode(0o755)).expect("may be run");
    let error = refused("gym:CartPole-v1", &WorkerOptions { interpreter: Some(bare.clone()), ..options });
    assert!(error.contains("cannot import numpy (ModuleNotFoundError: No module named 'numpy')"), "{error}");
    assert!(error.contains(&format!("run `{} -m pip install numpy`", bare.display())), "{error}");
    let _ = std::fs::remove_dir_all(folder);
}
