//! `worldwright plan`: one plan, printed.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value as Json, json};
use worldwright_core::{Setting, Value};
use worldwright_runs::report::short;
use worldwright_runs::{Choices, Lists, Workshop, load_bundle, plan};

use super::is_path;
use crate::arguments::Plan;
use crate::output::{print, print_json};

pub(crate) fn run(options: &Plan) -> Result<()> {
    let (mut made, mut agent) = if is_path(&options.what) {
        anyhow::ensure!(
            options.settings.is_empty(),
            "a bundle plans with the settings that it was learned by; leave '{}' out, or plan in an environment",
            options.settings.join(" ")
        );
        let loaded = load_bundle(&Lists, Path::new(&options.what))?;
        (loaded.made, loaded.agent)
    } else {
        let choices = Choices::new()
            .set("environment", Setting::Text(options.what.clone()))?
            .set("algorithm", Setting::Text("mpc".to_owned()))?
            .set("seed", Setting::Integer(i64::try_from(options.seed)?))?;
        let choices = options.settings.iter().try_fold(choices, |choices, setting| choices.assign(setting))?;
        let experiment = Lists.resolve(&choices)?;
        let made = Lists.environment(&experiment)?;
        let agent = Lists.agent(&experiment, &made)?;
        (made, agent)
    };
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
    let mut text = format!("from   {}\n", written(&observation));
    for (t, action) in plan.actions.iter().enumerate() {
        text.push_str(&format!("{t:>4}   {}\n", written(action)));
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

fn json_of(value: &Value) -> Json {
    match value {
        Value::Floats(numbers) => json!(numbers),
        Value::Bytes(bytes) => json!(bytes),
        Value::Integer(choice) => json!(choice),
        Value::Integers(choices) => json!(choices),
        Value::Dict(parts) => parts.iter().map(|(name, part)| (name.clone(), json_of(part))).collect(),
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Floats(numbers) => numbers.iter().map(|x| format!("{x:>9.4}")).collect::<Vec<_>>().join(" "),
        other => json_of(other).to_string(),
    }
}
