//! `worldwright plan`: one plan, printed.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value as Json, json};
use worldwright_core::{Interrupt, Setting, Space, Value};
use worldwright_envs::{ALIASES, ALL};
use worldwright_problems as problems;
use worldwright_runs::report::{counted, short};
use worldwright_runs::{Choices, Lists, Workshop, load_bundle, plan};

use super::{configuration, is_path, plan_problem, plan_symbolic, untrained};
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
        anyhow::ensure!(loaded.agent.is_ready(), "{what} has no plans: {}", untrained(&loaded));
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
        let experiment = Lists.resolve(&choices)?.alone("plan")?;
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
        // A choice is one number, and not one for each that could be made.
        let space = made.environment.observation_space();
        let names = if space.has_choices() { space.entry_names("obs") } else { made.observation_channels.clone() };
        check(numbers, &names)?;
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
    let shown = Columns::of(made.environment.observation_space(), "obs", &made.observation_channels);
    let mut text = heading("", &shown.names) + &row("from", &observation, &shown);
    let shown = Columns::of(made.environment.action_space(), "action", &made.action_channels);
    text.push_str(&heading("step", &shown.names));
    for (t, action) in plan.actions.iter().enumerate() {
        text.push_str(&row(&t.to_string(), action, &shown));
    }
    text.push_str(&format!(
        "predicted return {} after {} and {}\n",
        short(report.value),
        counted(report.iterations as u64, "iteration"),
        counted(report.model_steps, "model step")
    ));
    if report.diverged > 0 {
        text.push_str(&format!("{} diverged in the model and ranked last\n", counted(report.diverged, "candidate")));
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

/// How the elements of a space are laid out: a column an entry, a choice being one.
struct Columns {
    names: Vec<String>,
    /// The first choice and the names of all of them, where the element is a choice whose channels have names of their own.
    choices: Option<(i64, Vec<String>)>,
}

impl Columns {
    fn of(space: &Space, root: &str, channels: &[String]) -> Self {
        match space {
            Space::Discrete { start, .. } => {
                let named = (channels != space.channel_names(root)).then(|| (*start, channels.to_vec()));
                Self { names: space.entry_names(root), choices: named }
            }
            Space::Box { .. } => Self { names: channels.to_vec(), choices: None },
            _ => Self { names: space.entry_names(root), choices: None },
        }
    }
}

fn row(first: &str, value: &Value, columns: &Columns) -> String {
    let cells: String = match (value, &columns.choices) {
        (Value::Integer(choice), Some((start, names))) => {
            let name = usize::try_from(choice - start).ok().and_then(|i| names.get(i));
            format!(" {:>COLUMN$}", name.map_or_else(|| choice.to_string(), String::clone))
        }
        (Value::Floats(numbers), _) => numbers.iter().map(|x| format!(" {:>COLUMN$}", four_places(*x))).collect(),
        (other, _) => {
            let cell = |number: f64| if number.fract() == 0.0 { format!("{number}") } else { four_places(number) };
            let cells = other.entries().into_iter().zip(&columns.names);
            // Names of parts may be longer than a column.
            cells.map(|(number, name)| format!(" {:>1$}", cell(number), COLUMN.max(name.chars().count()))).collect()
        }
    };
    format!("{first:>4}{cells}\n")
}

/// A number to four places; what rounds to zero has no sign.
fn four_places(x: f64) -> String {
    let text = format!("{x:.4}");
    if text == "-0.0000" { "0.0000".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rounds_to_zero_has_no_sign() {
        assert_eq!([-1e-9, -0.0, 1e-9, -0.5].map(four_places), ["0.0000", "0.0000", "0.0000", "-0.5000"]);
    }

    #[test]
    fn choices_and_parts_stand_under_their_names() {
        let space = Space::Tuple(vec![Space::choices(3, -1), Space::unbounded(2), Space::multi_discrete(&[2, 9])]);
        let columns = Columns::of(&space, "action", &space.channel_names("action"));
        assert_eq!(columns.names, ["action[0]", "action[1][0]", "action[1][1]", "action[2][0]", "action[2][1]"]);
        let value = Value::Tuple(vec![Value::Integer(-1), Value::Floats(vec![0.5, 2.0]), Value::Integers(vec![1, 8])]);
        let words: Vec<String> = row("0", &value, &columns).split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["0", "-1", "0.5000", "2", "1", "8"]);
        let lever = Space::discrete(2);
        let named = Columns::of(&lever, "action", &["left".to_owned(), "right".to_owned()]);
        assert_eq!(row("0", &Value::Integer(1), &named).trim(), "0        right");
        let plain = Columns::of(&lever, "action", &lever.channel_names("action"));
        assert_eq!(
            (row("0", &Value::Integer(1), &plain).trim(), plain.names),
            ("0            1", vec!["action".to_owned()])
        );
    }
}
