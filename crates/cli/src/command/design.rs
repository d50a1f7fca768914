//! `worldwright design`: the model that a domain needs, and why.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value as Json, json};
use worldwright_core::{Interrupt, Setting};
use worldwright_design::{Design as Designed, DesignOptions, Progress, Row};
use worldwright_runs::report::{counted, duration, short};
use worldwright_runs::{Choices, Lists, design_for_environment, design_for_episodes};

use super::{is_path, store};
use crate::arguments::Design;
use crate::output::{print, print_aside, print_json, print_progress};

pub(crate) fn run(options: &Design, interrupt: &Interrupt) -> Result<()> {
    let time_limit = options.time_limit.map(Duration::try_from_secs_f64).transpose()?;
    let search = DesignOptions {
        finalists: options.finalists as usize,
        trial_steps: options.trial_steps as usize,
        time_limit,
        ..DesignOptions::default()
    };
    let mut heard = Heard { quiet: options.quiet, within_line: false };
    let found = search_for(options, &search, interrupt, &mut heard);
    if found.is_err() && heard.within_line {
        print_aside("");
    }
    let found = found?;
    let command = command(options, &found);
    if options.json {
        return print_json(&as_json(&found, &command));
    }
    let reasons: String = found.reasons.iter().map(|reason| format!("- {reason}\n")).collect();
    print(&format!("{}\n{reasons}\n{command}\n", table(&found.rows)))
}

/// What was said of a search so far.
struct Heard {
    quiet: bool,
    /// Whether the last line has no end yet.
    within_line: bool,
}

fn search_for(options: &Design, search: &DesignOptions, interrupt: &Interrupt, heard: &mut Heard) -> Result<Designed> {
    let quiet = heard.quiet;
    let mut observer = |progress: Progress<'_>| {
        if !quiet {
            heard.within_line = matches!(progress, Progress::Examining { .. } | Progress::Trying { .. });
            tell(progress);
        }
        Ok(())
    };
    let found = if is_path(&options.what) {
        anyhow::ensure!(
            options.settings.is_empty(),
            "recorded episodes have no settings; leave '{}' out, or name an environment",
            options.settings.join(" ")
        );
        design_for_episodes(&store(Path::new(&options.what)), options.seed, search, interrupt, &mut observer)?
    } else {
        let choices = Choices::new()
            .set("environment", Setting::Text(options.what.clone()))?
            .set("seed", Setting::Integer(i64::try_from(options.seed)?))?;
        let choices = options.settings.iter().try_fold(choices, |choices, setting| choices.assign(setting))?;
        let experiment = Lists.resolve(&choices)?.alone("design")?;
        if !quiet {
            print_aside(&format!("taking {} of random actions in {}", counted(options.steps, "step"), options.what));
        }
        design_for_environment(&experiment, options.steps as usize, options.learned, search, interrupt, &mut observer)?
    };
    Ok(found)
}

/// The experiment that uses the choice. Recorded episodes do not say where more of them come from.
fn command(options: &Design, found: &Designed) -> String {
    let environment = if is_path(&options.what) { "ENV" } else { &options.what };
    let words = ["worldwright learn", environment, "--algorithm", &found.resolved.algorithm].map(str::to_owned);
    let all = words.into_iter().chain(options.settings.iter().cloned()).chain(found.assignments());
    // Brackets and spaces mean something to shells.
    let quoted = all.enumerate().map(|(i, word)| {
        let plain = i == 0 || word.chars().all(|c| c.is_alphanumeric() || "=.,:/_-+".contains(c));
        if plain { word } else { format!("'{word}'") }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Progress goes to standard error: what is under way begins a line, what came of it ends it.
fn tell(progress: Progress<'_>) {
    let text = match progress {
        Progress::Examining { model, place, of } => format!("model {place} of {of}: {}: ", model.label),
        Progress::Examined { row, .. } => {
            let outcome = row.prediction.as_ref().map_or_else(
                || row.diverged.clone().unwrap_or_default(),
                |prediction| format!("error {}", short(prediction.score)),
            );
            format!("{outcome}\n")
        }
        Progress::Trying { row, round } => format!("trial, round {round}: {}: ", label(row)),
        Progress::Tried { row, steps, of } => {
            let earned =
                row.returns.last().map_or_else(|| "diverged".to_owned(), |earned| format!("return {}", short(*earned)));
            format!("{earned} ({steps} of {of} steps)\n")
        }
        Progress::Chosen => "chosen\n".to_owned(),
    };
    print_progress(&text);
}

fn label(row: &Row) -> String {
    match &row.plan {
        Some(plan) => format!("{}, {}", row.model.label, plan.label),
        None => row.model.label.clone(),
    }
}

fn table(rows: &[Row]) -> String {
    let mut cells = vec![
        ["candidate", "error, 1 step", "furthest", "log likelihood", "return", "trials", "time"].map(str::to_owned),
    ];
    for row in rows {
        let told = |number: Option<f64>| number.map_or("–".to_owned(), short);
        let prediction = row.prediction.as_ref();
        let (time, unit) = duration(row.fit_secs + row.trial_secs);
        cells.push([
            label(row),
            told(prediction.and_then(|p| p.errors.first().copied())),
            told(prediction.and_then(|p| p.errors.last().copied())),
            told(prediction.map(|p| p.log_likelihood)),
            if row.diverged.is_some() { "diverged".to_owned() } else { told(row.mean_return()) },
            row.returns.len().to_string(),
            format!("{time} {unit}"),
        ]);
    }
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..cells[0].len()).map(width).collect();
    let line = |row: &[String; 7]| {
        let rest: String = (1..7).map(|i| format!("  {:>1$}", row[i], widths[i])).collect();
        format!("{:<1$}{rest}\n", row[0], widths[0])
    };
    cells.iter().map(line).collect()
}

fn as_json(found: &Designed, command: &str) -> Json {
    let settings = |settings: &std::collections::BTreeMap<String, Setting>| -> Json {
        settings.iter().map(|(key, value)| (key.clone(), setting(value))).collect()
    };
    let row = |row: &Row| {
        json!({
            "model": row.model.name,
            "label": label(row),
            "planner": row.plan.as_ref().map(|plan| plan.name.clone()),
            "horizon": row.plan.as_ref().map(|plan| plan.horizon),
            "steps": row.prediction.as_ref().map(|p| p.steps.clone()),
            "errors": row.prediction.as_ref().map(|p| p.errors.clone()),
            "log_likelihood": row.prediction.as_ref().map(|p| p.log_likelihood),
            "returns": row.returns,
            "diverged": row.diverged,
            "fit_secs": row.fit_secs,
            "trial_secs": row.trial_secs,
        })
    };
    json!({
        "model": {"name": found.model.name, "settings": settings(&found.model.settings)},
        "planner": {"name": found.plan.name, "settings": settings(&found.plan.settings)},
        "horizon": found.plan.horizon,
        "judge": found.judge,
        "candidates": found.rows.iter().map(row).collect::<Json>(),
        "reasons": found.reasons,
        "command": command,
    })
}

fn setting(value: &Setting) -> Json {
    match value {
        Setting::Bool(b) => json!(b),
        Setting::Integer(i) => json!(i),
        Setting::Float(x) => json!(x),
        Setting::Text(text) => json!(text),
        Setting::Numbers(numbers) => json!(numbers),
    }
}
