//! The planners beside the programs that people use today, in one run: our speed programs and the peers', one after the other.
//!
//! Each is bound to one core where `taskset` is there. Medians and least times are printed, with the quality of the answer.
//! `WORLDWRIGHT_PYTHON_PEERS` names an interpreter that has the peers already; without it one is made under `target/python`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{cargo, python, root, step};

/// A comparison: its name, the package of our example, the example, and the peers' programs with their arguments.
const COMPARISONS: &[(&str, &str, &str, &[&str])] = &[
    ("control", "worldwright-planners", "control_speed", &["second_order.py", "cart_pole_ipopt.py"]),
    ("sampling", "worldwright-planners", "sampling_speed", &["pendulum_mppi.py"]),
    ("tree", "worldwright-planners", "tree_speed", &["games.py", "muzero_trees.py"]),
    ("belief", "worldwright-problems", "belief_speed", &["rock_sample.py"]),
];

/// Names an interpreter that has what `requirements.txt` lists.
const INTERPRETER: &str = "WORLDWRIGHT_PYTHON_PEERS";

/// Runs the comparison called `name`, or all of them.
pub(crate) fn run(name: Option<&str>) -> Result<()> {
    let names: Vec<&str> = COMPARISONS.iter().map(|(name, ..)| *name).collect();
    if name.is_some_and(|name| !names.contains(&name)) {
        bail!("usage: cargo xtask peers [NAME], where NAME is one of {}", names.join(", "));
    }
    let folder = root().join("crates/planners/benches/peers");
    let interpreter = match std::env::var_os(INTERPRETER) {
        Some(given) => PathBuf::from(given),
        None => python::with_requirements("peers", &folder.join("requirements.txt"), false)?,
    };
    for (_, package, example, programs) in COMPARISONS.iter().filter(|(each, ..)| name.is_none_or(|name| name == *each))
    {
        let build = ["build", "--release", "--quiet", "-p", package, "--example", example];
        step(&format!("build {example}"), cargo().args(build))?;
        step(example, &mut bound(root().join("target/release/examples").join(example).into()))?;
        for program in *programs {
            step(program, bound(interpreter.clone().into()).arg(folder.join(program)))?;
        }
    }
    Ok(())
}

/// A command on one core, where the system can bind it.
fn bound(program: OsString) -> Command {
    let able = Command::new("taskset").arg("--version").output().context("taskset").is_ok();
    let mut command = Command::new(if able { "taskset".into() } else { program.clone() });
    if able {
        command.args(["-c", "0"]).arg(program);
    }
    command
}
