//! `worldwright plan`: one plan, printed.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value as Json, json};
use worldwright_core::{Interrupt, Setting, Space, Value};
use worldwright_runs::agents::planners::problems;
use worldwright_runs::envs::{ALIASES, ALL};
use worldwright_runs::report::{counted, short};
use worldwright_runs::{Choices, Lists, Workshop, load_bundle, plan};

use super::{configuration, is_path, plan_problem, plan_symbolic};
use crate::arguments::Plan;
use crate::output::{print, print_json};

pub(crate) fn run(options: &Plan, interrupt: &Interrupt) -> Result<()> {
    if let (Some(domain), Some(problem)) = (&options.domain, &options.problem) {
        return plan_symbolic::run(domain, problem, &options.symbolic, options.json, interrupt);
    }
    let symbolic = &options.symbolic;
    // Where the problem is named in place of a domain, the parser lets these pass.
    let strays = [
        ("--search", symbolic.search.is_some()),
        ("--heuristic", !symbolic.heuristic.is_empty()),
        ("--ties", symbolic.ties.is_some()),
        ("--expansion-limit", symbolic.expansion_limit.is_some()),
        ("--out", symbolic.out.is_some()),
    ];
    if let Some((flag, _)) = strays.into_iter().find(|(_, given)| *given) {
        anyhow::bail!("{flag} is for symbolic planning, with --domain and --problem; others have settings, KEY=VALUE");
    }
    if options.pomdp.is_some() {
        return plan_problem::run("pomdp", options);
    }
    // Without a domain or a file the grammar asks for one of these.
    let what = options.what.as_deref().unwrap_or_default();
    match Path::new(what).extension().and_then(|ending| ending.to_str()) {
        Some("pomdp") => anyhow::bail!("{what} is read by `worldwright plan --pomdp {what}`"),
        Some("pddl") => anyhow::bail!(
            "{what} is PDDL, which takes two files: `worldwright plan --domain DOMAIN.pddl --problem PROBLEM.pddl`"
        ),
        _ => {}
    }
    if !is_path(what) && problems::ALL.iter().any(|problem| problem.name == what) {
        return plan_problem::run(what, options);
    }
    let limit = [("--time-limit", symbolic.time_limit.is_some()), ("--memory-limit", symbolic.memory_limit.is_some())];
    if let Some((flag, _)) = limit.into_iter().find(|(_, given)| *given) {
        anyhow::bail!("{flag} is for PDDL and partially observed problems; others have settings, KEY=VALUE");
    }
    let (mut made, mut agent) = if is_path(what) {
        anyhow::ensure!(
            options.settings.is_empty() && options.config.is_none(),
            "a bundle plans with the settings that it was learned by; leave '{}' out, or plan in an environment",
            if options.settings.is_empty() { "--config".to_owned() } else { options.settings.join(" ") }
        );
        let loaded = load_bundle(&Lists, Path::new(what), interrupt)?;
        (loaded.made, loaded.agent)
    } else {
        check_name(what)?;
        let mut choices = Choices::new();
        if let Some(path) = &options.config {
            choices = choices.toml(&configuration(path)?, &path.display().to_string())?;
        }
        let choices = choices
            .set("environment", Setting::Text(what.to_owned()))?
            .set("algorithm", Setting::Text("mpc".to_owned()))?
            .set("seed", Setting::Integer(i64::try_from(options.seed)?))?;
        let choices = options.settings.iter().try_fold(choices, |choices, setting| choices.assign(setting))?;
        let experiment = Lists.resolve(&choices)?;
        let made = Lists.environment(&experiment)?;
        anyhow::ensure!(
            made.simulator.is_some(),
            "the dynamics of {0} are not known: learn them with `worldwright learn {0}`, and plan with the bundle that it leaves",
            what
        );
        let agent = Lists.agent(&experiment, &made, interrupt)?;
        (made, agent)
    };
    if let Some(numbers) = &options.observation {
        check(numbers, &made.observation_channels)?;
    }
    let (observation, plan) = plan(&mut made, agent.as_mut(), options.observation.as_deref(), options.seed)?;
    let report = &plan.report;
    if options.json {
        return print_json(&json!({
            "observation": json_of(&observation),
            "actions": plan.actions.iter().map(json_of).collect::<Json>(),
            "action_channels": made.action_channels,
            "predicted_return": report.value,
            "status": format!("{:?}", report.status),
            "iterations": report.iterations,
            "model_steps": report.model_steps,
            "diverged": report.diverged,
        }));
    }
    // The channels of a discrete action are the names of its choices.
    let choices = match made.environment.action_space() {
        Space::Discrete { start, .. } => Some((*start, made.action_channels.as_slice())),
        _ => None,
    };
    let mut text = heading("", &made.observation_channels) + &row("from", &observation, None);
    text.push_str(&match choices {
        Some(_) => heading("step", &["action".to_owned()]),
        None => heading("step", &made.action_channels),
    });
    for (t, action) in plan.actions.iter().enumerate() {
        text.push_str(&row(&t.to_string(), action, choices));
    }
    text.push_str(&format!(
        "predicted return {} after {} iterations and {} model steps\n",
        short(report.value),
        report.iterations,
        report.model_steps
    ));
    if report.diverged > 0 {
        text.push_str(&format!("{} candidates diverged in the model and ranked last\n", report.diverged));
    }
    print(&text)
}

/// A name that neither an environment nor a problem has is told with the nearest of both.
fn check_name(what: &str) -> Result<()> {
    let environments = ALL.iter().map(|entry| entry.name).chain(ALIASES.iter().map(|(alias, _)| *alias));
    let names: Vec<&str> = environments.chain(problems::ALL.iter().map(|problem| problem.name)).collect();
    if what.contains(':') || names.contains(&what) {
        return Ok(());
    }
    let error = worldwright_core::Error::unknown("environment or problem", what, names);
    Err(anyhow::Error::msg(format!("{error}\n  `worldwright envs` and `worldwright planners` list them all")))
}

/// No plan can start from what is not a number, and numbers in the wrong place would go unseen.
fn check(numbers: &[f64], channels: &[String]) -> Result<()> {
    anyhow::ensure!(
        numbers.len() == channels.len(),
        "--observation: expected {} ({}), got {}",
        counted(channels.len() as u64, "number"),
        channels.join(", "),
        numbers.len()
    );
    for (number, channel) in numbers.iter().zip(channels) {
        anyhow::ensure!(number.is_finite(), "--observation: {channel} is {number}, a plan starts from finite numbers");
    }
    Ok(())
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Floats(numbers) => json!(numbers),
        Value::Bytes(bytes) => json!(bytes),
        Value::Integer(choice) => json!(choice),
        Value::Integers(choices) => json!(choices),
        Value::Dict(parts) => parts.iter().map(|(name, part)| (name.clone(), json_of(part))).collect(),
        Value::Tuple(parts) => parts.iter().map(json_of).collect(),
    }
}

/// The width of a column of numbers; names that are longer push theirs aside.
const COLUMN: usize = 12;

fn heading(first: &str, channels: &[String]) -> String {
    let names: String = channels.iter().map(|name| format!(" {name:>COLUMN$}")).collect();
    format!("{first:>4}{names}\n")
}

fn row(first: &str, value: &Value, choices: Option<(i64, &[String])>) -> String {
    let cells = match (value, choices) {
        (Value::Floats(numbers), _) => numbers.iter().map(|x| format!(" {x:>COLUMN$.4}")).collect(),
        (Value::Integer(choice), Some((start, names))) => {
            let name = usize::try_from(choice - start).ok().and_then(|i| names.get(i));
            format!(" {:>COLUMN$}", name.map_or_else(|| choice.to_string(), String::clone))
        }
        (other, _) => format!(" {:>COLUMN$}", json_of(other).to_string()),
    };
    format!("{first:>4}{cells}\n")
}
