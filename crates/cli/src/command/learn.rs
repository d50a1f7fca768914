//! `worldwright learn`: an experiment from its environment to its report.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::{Context, Result};
use worldwright_core::{Interrupt, Setting};
use worldwright_runs::progress::{Progress, View};
use worldwright_runs::report::{asked, counted, duration, short};
use worldwright_runs::tensorboard::TensorBoard;
use worldwright_runs::{CheckpointEvery, Choices, Experiment, LearnOptions, Lists, Outcome, RunFolder, Summary, learn};

use super::{Ending, configuration, untaught};
use crate::arguments::Learn;
use crate::output::{print, print_aside};

pub(crate) fn run(options: &Learn, interrupt: &Interrupt) -> Result<Ending> {
    let experiment = Lists.resolve(&choices(options)?)?;
    let folder = RunFolder::new(
        options.run_dir.clone().unwrap_or_else(|| PathBuf::from("runs").join(experiment.default_name())),
    );
    let view = match () {
        () if options.quiet => View::Quiet,
        () if std::io::stderr().is_terminal() => View::Live,
        () => View::Lines,
    };
    let (mut progress, mut board) = (Progress::new(view), TensorBoard::new());
    let outcome = learn(
        &Lists,
        &experiment,
        LearnOptions {
            folder: folder.clone(),
            resume: options.resume,
            checkpoint: CheckpointEvery { steps: options.checkpoint_steps, secs: options.checkpoint_secs },
            interrupt,
            observers: vec![&mut board, &mut progress],
        },
    )?;
    match outcome {
        Outcome::Finished(_) if options.quiet => print(&format!("{}\n", folder.summary().display()))?,
        Outcome::Finished(summary) => print(&closing(&folder, &experiment, &summary))?,
        Outcome::Stopped { .. } => {
            print_aside(if folder.path().exists() {
                "go on with the same command and --resume"
            } else {
                "stopped before anything was begun: nothing is kept"
            });
            return Ok(Ending::Interrupted);
        }
    }
    Ok(Ending::Done)
}

fn choices(options: &Learn) -> Result<Choices> {
    let mut choices = Choices::new();
    if let Some(path) = &options.config {
        choices = choices.toml(&configuration(path)?, &path.display().to_string())?;
    }
    // With --config the environment may be left out, so what stands in its place may be a setting.
    let (environment, first) = match &options.environment {
        Some(word) if word.contains('=') => (None, Some(word)),
        other => (other.as_ref(), None),
    };
    if let Some(environment) = environment {
        choices = choices.set("environment", Setting::Text(environment.clone()))?;
    }
    for (key, value) in [("algorithm", &options.algorithm), ("data", &options.data)] {
        if let Some(value) = value {
            choices = choices.set(key, Setting::Text(value.clone()))?;
        }
    }
    for (key, value) in [("steps", options.steps), ("seed", options.seed)] {
        if let Some(value) = value {
            choices = choices.set(key, Setting::Integer(i64::try_from(value).context("a number is too large")?))?;
        }
    }
    for assignment in first.into_iter().chain(&options.settings) {
        choices = choices.assign(assignment)?;
    }
    Ok(choices)
}

fn closing(folder: &RunFolder, experiment: &Experiment, summary: &Summary) -> String {
    let time = |secs| {
        let (time, unit) = duration(secs);
        format!("{time} {unit}")
    };
    let mut rows = Vec::new();
    if !summary.returns.is_empty() {
        rows.push((
            "return",
            format!(
                "{} ± {} over {}",
                short(summary.return_mean),
                short(summary.return_std),
                counted(summary.returns.len() as u64, "evaluation episode")
            ),
        ));
    }
    let steps = (summary.real_steps > 0).then(|| {
        format!(
            "{} in {}{}",
            counted(summary.real_steps, "real step"),
            counted(summary.episodes, "episode"),
            summary.decisions_per_sec.map_or(String::new(), |rate| format!(", {} decisions a second", short(rate)))
        )
    });
    let updates = (summary.updates > 0).then(|| format!("{} on recorded episodes", counted(summary.updates, "update")));
    rows.push(("experience", updates.into_iter().chain(steps).collect::<Vec<_>>().join(", then ")));
    rows.push(("asked for", asked(&summary.accounts)));
    let evaluated = match summary.returns.len() {
        0 => String::new(),
        _ => format!(", {} of evaluation", time(summary.evaluation_secs)),
    };
    rows.push((
        "time",
        format!("{} of training (learning {}){evaluated}", time(summary.train_secs), time(summary.learn_secs)),
    ));
    if summary.is_untrained() {
        rows.push((
            "learned",
            format!(
                "nothing: the run ended before its first fit, and its actions are random; {}",
                untaught(&experiment.agent.settings, summary.real_steps)
            ),
        ));
    }
    if let Some(one_step) = summary.model_errors.one_step {
        let far = summary.model_errors.at_horizon.map_or(String::new(), |far| {
            format!(", {} ahead {}", counted(summary.model_errors.horizon as u64, "step"), short(far))
        });
        rows.push((
            "model error",
            format!("one step ahead {}{far} ({})", short(one_step), summary.model_errors.unit()),
        ));
    }
    rows.push(("report", folder.report().display().to_string()));
    let bundle = folder.path().join(&summary.bundle);
    let somewhere = if summary.returns.is_empty() { " --environment ENV" } else { "" };
    rows.push(("use it", format!("worldwright eval {}{somewhere}", bundle.display())));
    rows.iter().map(|(name, value)| format!("{name:<13}{value}\n")).collect()
}
