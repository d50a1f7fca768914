//! `worldwright envs`, `models`, `planners`, `algorithms`: what there is, and what can be set.

use anyhow::Result;
use serde_json::{Value, json};
use worldwright_core::Setting;
use worldwright_runs::envs::ALIASES;
use worldwright_runs::{Interface, Item, List, Range};

use crate::arguments;
use crate::output::{print, print_json};

pub(crate) fn run(list: List, options: &arguments::List) -> Result<()> {
    match &options.name {
        Some(name) if list == List::Environments => environment(name, options.json),
        Some(name) => {
            let item = list.item(name)?;
            if options.json { print_json(&describe(&item)) } else { print(&item.plain()) }
        }
        None if options.json => print_json(&list.items().iter().map(describe).collect()),
        None if options.markdown => print(&list.markdown()),
        None => print(&list.plain()),
    }
}

/// One environment: what stands in the list, unless it is one of Python's, and its channels.
fn environment(name: &str, json: bool) -> Result<()> {
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
    let listed = if name.contains(':') { None } else { Some(List::Environments.item(name)?) };
    let interface = Interface::of(name)?;
    if !json {
        let head =
            listed.map_or(format!("{name}: a Python environment, in a worker of its own\n"), |item| item.plain());
        return print(&(head + &interface.plain()));
    }
    let channels = |ranges: &[Range]| -> Value {
        ranges.iter().map(|range| json!({"name": range.name, "values": range.values})).collect()
    };
    let mut page = listed.map_or(json!({"name": name}), |item| describe(&item));
    page["observation"] = channels(&interface.observation);
    page["action"] = channels(&interface.action);
    page["episode_steps"] = json!(interface.episode_steps);
    page["step_secs"] = json!(interface.step_secs);
    page["reward_known"] = json!(interface.reward_known);
    page["versions"] = interface.versions.iter().map(|(name, version)| (name.clone(), json!(version))).collect();
    print_json(&page)
}

fn describe(item: &Item) -> Value {
    let settings = item.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "default": setting(&parameter.default.to_setting()),
            "summary": parameter.summary,
        })
    });
    json!({
        "name": item.name,
        "summary": item.summary,
        "source": item.source,
        "settings": settings.collect::<Value>(),
    })
}

fn setting(value: &Setting) -> Value {
    match value {
        Setting::Bool(b) => json!(b),
        Setting::Integer(i) => json!(i),
        Setting::Float(f) => json!(f),
        Setting::Text(text) => json!(text),
        Setting::Numbers(numbers) => json!(numbers),
    }
}
