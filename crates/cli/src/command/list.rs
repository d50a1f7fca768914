//! `worldwright envs`, `models`, `planners`, `algorithms`: what there is, and what can be set.

use anyhow::Result;
use serde_json::{Value, json};
use worldwright_core::Setting;
use worldwright_runs::{Item, List};

use crate::arguments;
use crate::output::{print, print_json};

pub(crate) fn run(list: List, options: &arguments::List) -> Result<()> {
    match &options.name {
        Some(name) => {
            let item = list.item(name)?;
            if options.json { print_json(&describe(&item)) } else { print(&item.plain()) }
        }
        None if options.json => print_json(&list.items().iter().map(describe).collect()),
        None if options.markdown => print(&list.markdown()),
        None => print(&list.plain()),
    }
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
