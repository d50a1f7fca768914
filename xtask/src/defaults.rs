//! The table of what is learned where nothing is set: environments by seeds, each run in a process of its own.
//!
//! Runs lie under `runs/results/defaults` and those that are done are not run again, so that a table that was cut goes on.
//! `WORLDWRIGHT_PROGRAM` names a program that is built already, in place of a release build.

use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{comparison, root, step};

/// What `cargo xtask results` calls it.
pub(crate) const NAME: &str = "defaults";

const SEEDS: Range<u64> = 0..5;
/// Episodes that a run is judged by.
const EPISODES: usize = 20;

/// An environment that nothing is set for.
struct Task {
    environment: &'static str,
    /// Real steps, or decisions where a preset holds actions.
    steps: u64,
    /// What the mean over seeds must reach.
    target: &'static str,
}

const fn task(environment: &'static str, steps: u64, target: &'static str) -> Task {
    Task { environment, steps, target }
}

const TASKS: &[Task] = &[
    task("cartpole", 2_500, "475"),
    task("mountain-car-continuous", 5_000, "90"),
    task("mountain-car", 5_000, "−125"),
    task("acrobot", 5_000, "−100"),
    task("pendulum", 1_000, "−160"),
    task("gym:InvertedPendulum-v5", 3_000, "990"),
    // The same world as below, from the worker: a name that no preset knows.
    task("dmc:cartpole-swingup", 5_000, "800"),
    // Held for 4 frames each.
    task("dmc-cartpole-swingup", 1_250, "800"),
    task("dmc-pendulum-swingup", 20_000, "700"),
    task("gym:FrozenLake-v1", 5_000, "0.70"),
    task("gym:CliffWalking-v1", 1_000, "−13"),
    task("gym:Taxi-v4", 10_000, "7.5"),
];

/// Runs all that is missing of the seeds, and writes the table of all runs that are there.
pub(crate) fn run(seeds: Option<Range<u64>>) -> Result<()> {
    let program = comparison::program()?;
    let folder = root().join("runs/results").join(NAME);
    for seed in seeds.unwrap_or(SEEDS) {
        for task in TASKS {
            learn(&program, task, seed, &run_folder(&folder, task, seed))?;
        }
    }
    let path = root().join("docs/results").join(format!("{NAME}.md"));
    let text = table(&folder)?;
    fs::write(&path, &text)?;
    println!("\n{text}\nwritten to {}", path.display());
    Ok(())
}

fn run_folder(folder: &Path, task: &Task, seed: u64) -> PathBuf {
    folder.join(task.environment.replace(':', "_")).join(seed.to_string())
}

fn learn(program: &Path, task: &Task, seed: u64, folder: &Path) -> Result<()> {
    if folder.join("summary.json").exists() {
        return Ok(());
    }
    let mut command = Command::new(program);
    command.current_dir(root()).args(["learn", task.environment, "--steps", &task.steps.to_string()]);
    command.args([&format!("evaluation.episodes={EPISODES}"), "--seed", &seed.to_string(), "--run-dir"]).arg(folder);
    if folder.exists() {
        command.arg("--resume");
    }
    step(&format!("{} seed {seed}", task.environment), &mut command)
}

fn table(folder: &Path) -> Result<String> {
    let mut text = format!(
        "# What is learned where nothing is set\n\n    cargo xtask results {NAME}\n\nwhich runs, for seeds 0 to 4 and each environment,\n\n    \
         worldwright learn ENV --steps STEPS evaluation.episodes={EPISODES} --seed SEED\n\n\
         The algorithm is the one that the program chooses. Means of {EPISODES} evaluation episodes without exploration, and minutes of training. \
         The settings that it comes with were tried on the cart-pole, the pendulum and the two mountain cars, its updates a step on dm_control's cart-pole, and those of `tabular` on the frozen lake, so that these rows do not judge them; the others do. \
         A preset holds each action of dm_control's cart-pole for 4 frames and sizes its planner. Twenty episodes of the pendulum spread by 16 to 24 with their starts \
         (the known model earns −188 and −136 on those of seeds 0 and 1), and of the frozen lake by 0.1 about at most 0.744.\n\n\
         | environment | real steps | algorithm | must reach | by seed | mean | minutes |\n|---|---|---|---|---|---|---|\n"
    );
    for task in TASKS {
        let (mut means, mut minutes, mut algorithm) = (Vec::new(), Vec::new(), String::new());
        for seed in SEEDS {
            let path = run_folder(folder, task, seed).join("summary.json");
            let Ok(summary) = fs::read_to_string(&path) else { continue };
            let summary: Value = serde_json::from_str(&summary).with_context(|| path.display().to_string())?;
            means.push(summary["return_mean"].as_f64().unwrap_or(f64::NAN));
            minutes.push(summary["train_secs"].as_f64().unwrap_or(f64::NAN) / 60.0);
            algorithm = summary["algorithm"].as_str().unwrap_or_default().to_owned();
        }
        if means.is_empty() {
            continue;
        }
        let digits = if means.iter().all(|mean| mean.abs() < 20.0) { 2 } else { 1 };
        let list = |numbers: &[f64], digits| {
            numbers.iter().map(|number| format!("{number:.digits$}")).collect::<Vec<_>>().join(", ")
        };
        let mean = means.iter().sum::<f64>() / means.len() as f64;
        writeln!(
            text,
            "| `{}` | {} | `{algorithm}` | {} | {} | {mean:.digits$} | {} |",
            task.environment,
            task.steps,
            task.target,
            list(&means, digits),
            list(&minutes, 1),
        )?;
    }
    text.push_str("\nWhat was not run yet is left out: environments, and seeds of the highest numbers. Minutes are those of the machine that ran it, and of what ran beside.\n\n\
         dm_control's cart-pole, seeds 0 to 2 of the pendulum, seed 2 of the continuous mountain car and seeds 2 and 3 of the inverted pendulum were run with what is the default now. The other rows of `loop` were run with half as \
         many updates a step, and before what values learn from was kept within what returns can be: on the inverted pendulum critics had climbed to hundreds of times the highest return there is, \
         and seeds 2 and 3 earned 241 and 74. With half as many updates dm_control's cart-pole earned 743 in the mean. Seeds 2 and 4 of it were the ones that this was tried on. \
         Where episodes have 500 steps or more the program finds for how long to hold an action (300 random steps, which are of those allowed): four frames on dm_control's pendulum and in `dmc:cartpole-swingup`, \
         one in the others, where they come before the steps that are counted. How much change a decision is allowed, a third of the spread, was chosen on dm_control's pendulum, and that two are taken for one on the continuous mountain car. Frame by frame that came to 652.8 on seed 0: of the 20 starts that it is judged by four, near the bottom and at rest, were never left, \
         since a plan of half a second gains less there than the critics' own errors. `dmc:cartpole-swingup` earned 849 frame by frame, over 5 episodes, with four times as many updates. \
         Beside the table, one seed each, after 5,000 steps: `gym:HalfCheetah-v5` 764.5 ± 72.3 over 3 episodes, `dmc:ball_in_cup-catch` 884, and `gym:LunarLander-v3` 10, where random actions earn −180.\n");
    Ok(text)
}
