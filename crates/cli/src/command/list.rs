//! `worldwright envs`, `models`, `planners`, `algorithms`: what there is, and what can be set.

use anyhow::Result;
use serde_json::{Value, json};
use worldwright_envs::ALIASES;
use worldwright_runs::{Interface, Item, List, Range, setting_json};

use crate::arguments;
use crate::output::{print, print_json};

/// Shows lists one after another, or the one item that is named.
pub(crate) fn run(lists: &[List], options: &arguments::List) -> Result<()> {
    match &options.name {
        Some(name) if lists == [List::Environments] => environment(name, options.json),
        Some(name) => {
            let items: Vec<(List, Item)> = lists.iter().flat_map(|list| items(*list)).collect();
            let Some((list, item)) = items.iter().find(|(_, item)| item.name == *name) else {
                let names = items.iter().map(|(_, item)| item.name);
                return Err(worldwright_core::Error::unknown(lists[0].what(), name, names).into());
            };
            if options.json { print_json(&describe(*list, item)) } else { print(&item.plain()) }
        }
        None if options.json => {
            print_json(&lists.iter().flat_map(|list| items(*list)).map(|(list, item)| describe(list, &item)).collect())
        }
        None => {
            let page = |list: &List| if options.markdown { list.markdown() } else { list.plain() };
            let titled =
                |list: &List| if lists.len() > 1 { format!("{}\n{}", title(*list), page(list)) } else { page(list) };
            print(&lists.iter().map(titled).collect::<Vec<_>>().join("\n"))
        }
    }
}

fn items(list: List) -> impl Iterator<Item = (List, Item)> {
    list.items().into_iter().map(move |item| (list, item))
}

/// What stands above a list that is not alone.
fn title(list: List) -> &'static str {
    match list {
        List::Problems => "Problems with planners of their own, for `worldwright plan NAME`:\n",
        _ => "Planners in any model, for `planner=NAME`:\n",
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
    let mut page = listed.map_or(json!({"name": name}), |item| describe(List::Environments, &item));
    page["observation"] = channels(&interface.observation);
    page["action"] = channels(&interface.action);
    page["episode_steps"] = json!(interface.episode_steps);
    page["step_secs"] = json!(interface.step_secs);
    page["reward_known"] = json!(interface.reward_known);
    page["versions"] = interface.versions.iter().map(|(name, version)| (name.clone(), json!(version))).collect();
    print_json(&page)
}

fn describe(list: List, item: &Item) -> Value {
    let settings = item.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "default": setting_json(&parameter.default.to_setting()),
            "summary": parameter.summary,
        })
    });
    json!({
        "kind": list.what(),
        "name": item.name,
        "summary": item.summary,
        "source": item.source,
        "settings": settings.collect::<Value>(),
    })
}
