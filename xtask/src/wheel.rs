//! The wheel: built once, and tried in a clean environment of each interpreter that is here, as a user would use it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::{package, python, root, step};

/// Interpreters that the wheel is for, as they are called on the path.
const INTERPRETERS: &[&str] = &["python3.11", "python3.12", "python3.13", "python3.14"];
const WHEELS: &str = "target/wheels";

/// What is tried in each environment: the import, a run, an agent and a plan.
const TRIAL: &str = "\
import sys, tempfile, worldwright as wm
from worldwright import mcts
run = wm.learn('pendulum', steps=200, run_dir=tempfile.mkdtemp() + '/run', evaluation={'episodes': 1}, progress=False)
agent = run.agent()
assert abs(float(agent.act([1.0, 0.0, 0.0])[0])) <= 2.0
plan = wm.Planner('icem', model=wm.Model('known', environment='pendulum')).plan([-1.0, 0.0, 0.0])
tree = mcts.Planner(transition_fn=lambda o, a: (o + 2 * a - 1, float(a)), action_space=2).rollout(200, observation=[0.0])
assert tree.action == 1
print(f'   {sys.version.split()[0]}: worldwright {wm.__version__}, return {run.return_mean:.1f}, plan {plan.value:.2f}')
";

/// Builds the wheel that is given to users, and tries it with each interpreter that is here.
pub(crate) fn check() -> Result<()> {
    build_and_try(&["--release"], WHEELS, INTERPRETERS.len())
}

/// The same with what the tests have compiled already, and with one interpreter: what it takes to know at each change that a wheel
/// can be built and needs nothing of this machine. With optimisation it takes minutes more.
pub(crate) fn check_quickly() -> Result<()> {
    build_and_try(&[], "target/wheels/unoptimised", 1)
}

fn build_and_try(profile: &[&str], folder: &str, interpreters: usize) -> Result<()> {
    let maturin = python::with_requirements("py", &root().join(package::REQUIREMENTS), false)?;
    let mut build = Command::new(maturin);
    build.args(["-m", "maturin", "build", "--quiet", "--out", folder]).args(profile).current_dir(root());
    step("wheel", &mut build)?;
    let wheel = newest(&root().join(folder))?;
    let (mut tried, mut absent) = (Vec::new(), Vec::new());
    for name in INTERPRETERS {
        if tried.len() == interpreters {
            break;
        }
        match interpreter(name) {
            Some(path) => {
                try_in(name, &path, &wheel)?;
                tried.push(*name);
            }
            None => absent.push(*name),
        }
    }
    let file = wheel.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
    println!("\n{file}: tried with {}; not here: {}", said(&tried), said(&absent));
    if tried.is_empty() {
        bail!("no interpreter to try the wheel with: install one of {}", INTERPRETERS.join(", "));
    }
    Ok(())
}

/// An interpreter of this name that answers: on the path (where a shim may stand for one that is not chosen), or one of pyenv's.
fn interpreter(name: &str) -> Option<PathBuf> {
    let answers = |path: &PathBuf| Command::new(path).arg("--version").output().is_ok_and(|said| said.status.success());
    let pyenv = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".pyenv")));
    let versions = pyenv.and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    let installed = versions.into_iter().flatten().flatten().map(|version| version.path().join("bin").join(name));
    std::iter::once(PathBuf::from(name)).chain(installed).find(answers)
}

fn try_in(name: &str, path: &Path, wheel: &Path) -> Result<()> {
    let folder = root().join("target/python").join(format!("wheel-{name}"));
    let mut venv = Command::new(path);
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    step(&format!("{name}: environment"), &mut venv)?;
    let interpreter = python::python_of(&folder);
    let mut pip = Command::new(&interpreter);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).arg(wheel);
    step(&format!("{name}: install"), &mut pip)?;
    let mut trial = Command::new(&interpreter);
    // Neither the clone nor what the caller's interpreter knows may stand in for the wheel.
    trial.args(["-I", "-c", TRIAL]).current_dir(&folder);
    step(&format!("{name}: trial"), &mut trial)
}

fn newest(folder: &Path) -> Result<PathBuf> {
    let mut wheels: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            wheels.push((path.metadata()?.modified()?, path));
        }
    }
    wheels
        .into_iter()
        .max()
        .map(|(_, path)| path)
        .with_context(|| format!("maturin left no wheel in {}", folder.display()))
}

fn said(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
