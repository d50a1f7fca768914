//! The table of what is learned from recorded episodes alone: sets of three qualities, algorithms, seeds, each run in a process of its own.
//!
//! Sets and runs lie under `runs/results/offline`, and those that are done are not made again, so that a table that was cut goes on.
//! `WORLDWRIGHT_PROGRAM` names a program that is built already, in place of a release build, and `WORLDWRIGHT_TASKS` the tasks to run, by commas.

use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{comparison, root, step};

/// What `cargo xtask results` calls it.
pub(crate) const NAME: &str = "offline";

const SEEDS: Range<u64> = 0..3;
/// Episodes that a run is judged by.
const EPISODES: usize = 20;

/// Where sets are recorded.
struct Task {
    environment: &'static str,
    /// Steps of the sets that are collected.
    steps: u64,
    /// Steps after which a learner is half-way: what it met until then is the mixed set, what it does then the medium one.
    half_way: u64,
}

const TASKS: &[Task] = &[
    Task { environment: "pendulum", steps: 4_000, half_way: 2_400 },
    Task { environment: "dmc-cartpole-swingup", steps: 10_000, half_way: 10_000 },
    Task { environment: "gym:Hopper-v5", steps: 50_000, half_way: 50_000 },
];

/// Settings of the learner whose episodes are recorded.
const RECORDER: [&str; 2] = ["policy.hidden=[64,64]", "policy.batch=128"];

/// The qualities of sets.
const QUALITIES: [&str; 3] = ["random", "medium", "mixed"];

/// How each column learns: its name, and what stands behind `worldwright learn ENV --data SET`.
const COLUMNS: &[(&str, &[&str])] = &[
    ("bc", &["--algorithm", "bc"]),
    ("td3-bc", &["--algorithm", "td3-bc", "policy.hidden=[64,64]", "policy.batch=128"]),
    ("iql", &["--algorithm", "iql", "policy.hidden=[64,64]", "policy.batch=128"]),
    ("cql", &["--algorithm", "cql", "policy.hidden=[64,64]", "policy.batch=128"]),
    ("mopo", &["--algorithm", "mopo"]),
    ("morel", &["--algorithm", "morel"]),
    ("mobile", &["--algorithm", "mobile"]),
    ("mopo agent.penalty=0", &["--algorithm", "mopo", "agent.penalty=0"]),
    ("pets", &["--algorithm", "pets", "--steps", "0"]),
];

/// Runs all that is missing of the seeds, and writes the table of all runs that are there.
pub(crate) fn run(seeds: Option<Range<u64>>) -> Result<()> {
    let program = comparison::program()?;
    let folder = root().join("runs/results").join(NAME);
    let asked = std::env::var("WORLDWRIGHT_TASKS").ok();
    let asked =
        |task: &&Task| asked.as_deref().is_none_or(|names| names.split(',').any(|name| name == task.environment));
    for task in TASKS.iter().filter(asked) {
        record(&program, task, &folder)?;
        for seed in seeds.clone().unwrap_or(SEEDS) {
            for quality in QUALITIES {
                for (column, arguments) in COLUMNS {
                    let run = run_folder(&folder, (task, quality), column, seed);
                    if run.join("summary.json").exists() {
                        continue;
                    }
                    let mut command = Command::new(&program);
                    command
                        .current_dir(root())
                        .args(["learn", task.environment, "--data"])
                        .arg(set(&folder, task, quality));
                    command.args(*arguments).args([
                        &format!("evaluation.episodes={EPISODES}"),
                        "--seed",
                        &seed.to_string(),
                    ]);
                    command.args(["--quiet", "--run-dir"]).arg(&run);
                    if run.exists() {
                        command.arg("--resume");
                    }
                    step(&format!("{} {quality} {column} seed {seed}", task.environment), &mut command)?;
                }
            }
        }
    }
    let path = root().join("docs/results").join(format!("{NAME}.md"));
    let text = table(&folder)?;
    fs::write(&path, &text)?;
    println!("\n{text}\nwritten to {}", path.display());
    Ok(())
}

fn place(folder: &Path, task: &Task) -> PathBuf {
    folder.join(task.environment.replace(':', "-"))
}

/// Where a set lies. The mixed one is a run itself.
fn set(folder: &Path, task: &Task, quality: &str) -> PathBuf {
    place(folder, task).join("sets").join(quality)
}

fn run_folder(folder: &Path, (task, quality): (&Task, &str), column: &str, seed: u64) -> PathBuf {
    place(folder, task).join(quality).join(column.replace(' ', "-")).join(seed.to_string())
}

/// Makes the sets that are missing.
fn record(program: &Path, task: &Task, folder: &Path) -> Result<()> {
    let [random, medium, mixed] = QUALITIES.map(|quality| set(folder, task, quality));
    let steps = task.steps.to_string();
    if !random.exists() {
        let mut command = Command::new(program);
        command.args(["collect", task.environment, "--steps", &steps, "--seed", "1", "--out"]).arg(&random);
        step(&format!("{} random", task.environment), &mut command)?;
    }
    if !mixed.join("summary.json").exists() {
        let mut command = Command::new(program);
        command.args(["learn", task.environment, "--algorithm", "sac", "--steps", &task.half_way.to_string()]);
        command.args(RECORDER).args(["--seed", "100", "evaluation.episodes=20", "--quiet", "--run-dir"]).arg(&mixed);
        if mixed.exists() {
            command.arg("--resume");
        }
        step(&format!("{} mixed", task.environment), &mut command)?;
    }
    if !medium.exists() {
        let mut command = Command::new(program);
        command.arg("collect").arg(&mixed).args(["--steps", &steps, "--seed", "2", "--out"]).arg(&medium);
        step(&format!("{} medium", task.environment), &mut command)?;
    }
    Ok(())
}

fn summary(path: &Path) -> Result<Option<Value>> {
    let Ok(text) = fs::read_to_string(path.join("summary.json")) else { return Ok(None) };
    serde_json::from_str(&text).map(Some).with_context(|| path.display().to_string())
}

fn table(folder: &Path) -> Result<String> {
    let mut text = format!(
        "# What is learned from recorded episodes alone\n\n    cargo xtask results {NAME}\n\nwhich records three sets of each environment,\n\n    \
         worldwright collect ENV --steps STEPS --seed 1   (random)\n    \
         worldwright learn ENV --algorithm sac --steps HALF-WAY --seed 100 {recorder}   (mixed: all that it met)\n    \
         worldwright collect RUN --steps STEPS --seed 2   (medium: what it does then)\n\n\
         and learns from each, for seeds 0 to 2,\n\n    worldwright learn ENV --data SET --algorithm NAME evaluation.episodes={EPISODES} --seed SEED\n\n\
         Means of {EPISODES} evaluation episodes, by seed, and their mean. `mopo agent.penalty=0` trusts its model everywhere, and `pets` plans in it; the columns without a model have two hidden layers of 64 and batches of 128. \
         `mopo` and `morel` must lie above `bc` and above those two on mixed and medium sets.\n",
        recorder = RECORDER.join(" "),
    );
    for task in TASKS {
        let mut rows = String::new();
        for (column, _) in COLUMNS {
            let mut cells = Vec::new();
            for quality in QUALITIES {
                let mut means = Vec::new();
                for seed in SEEDS {
                    let found = summary(&run_folder(folder, (task, quality), column, seed))?;
                    means.extend(found.and_then(|summary| summary["return_mean"].as_f64()));
                }
                let mean = means.iter().sum::<f64>() / means.len().max(1) as f64;
                let list: Vec<String> = means.iter().map(|mean| format!("{mean:.0}")).collect();
                cells.push(if means.is_empty() {
                    "–".to_owned()
                } else {
                    format!("{} → **{mean:.0}**", list.join(", "))
                });
            }
            if cells.iter().any(|cell| cell != "–") {
                writeln!(rows, "| `{column}` | {} |", cells.join(" | "))?;
            }
        }
        if rows.is_empty() {
            continue;
        }
        let Task { environment, steps, half_way } = task;
        let medium = summary(&set(folder, task, "mixed"))?.and_then(|summary| summary["return_mean"].as_f64());
        let medium = medium.map_or(String::new(), |mean| format!(" The recorder of the medium set earns {mean:.0}."));
        write!(
            text,
            "\n## {environment}\n\nSTEPS {steps}, HALF-WAY {half_way}.{medium}\n\n| algorithm | {} |\n|---|---|---|---|\n{rows}",
            QUALITIES.join(" | ")
        )?;
    }
    text.push_str("\nWhat was not run yet is left out: environments, algorithms, and seeds of the highest numbers.\n");
    Ok(text)
}
