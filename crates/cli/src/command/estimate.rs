//! `worldwright estimate`: what was learned would earn, told from recorded episodes.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use worldwright_core::Interrupt;
use worldwright_runs::report::{counted, short};
use worldwright_runs::{EstimateOptions, Estimated, Lists, estimate, load_bundle};

use crate::arguments::Estimate;
use crate::output::{print, print_json};

pub(crate) fn run(options: &Estimate, interrupt: &Interrupt) -> Result<()> {
    let how = EstimateOptions {
        horizon: options.horizon.map(usize::try_from).transpose()?,
        discount: options.discount,
        noise: options.noise,
        seed: options.seed,
        ..EstimateOptions::default()
    };
    let mut all = Vec::new();
    for bundle in &options.bundles {
        let mut loaded = load_bundle(&Lists, bundle, interrupt)?;
        let estimated = estimate(&Lists, &mut loaded, &options.data, &how, interrupt)?;
        if !options.json {
            print(&told(bundle, &estimated))?;
        }
        all.push((bundle, estimated));
    }
    all.sort_by(|(_, one), (_, other)| other.promise().total_cmp(&one.promise()));
    if options.json {
        let all: Vec<Value> = all.iter().map(|(bundle, estimated)| as_json(bundle, estimated)).collect();
        return print_json(&json!(all));
    }
    if all.len() > 1 {
        let lines = all.iter().map(|(bundle, one)| format!("  {:>10}  {}\n", short(one.promise()), bundle.display()));
        print(&format!("by what their lower bounds promise:\n{}", lines.collect::<String>()))?;
    }
    Ok(())
}

fn told(bundle: &Path, estimated: &Estimated) -> String {
    let (episodes, mean, std) = estimated.recorded;
    let mut text = format!("{}: the return of {}\n", bundle.display(), counted(estimated.horizon as u64, "step"));
    for estimate in &estimated.estimates {
        text.push_str(&if estimate.mean.is_finite() {
            format!(
                "  {:<20} {:>10}   between {} and {} ({})\n",
                estimate.name,
                short(estimate.mean),
                short(estimate.low),
                short(estimate.high),
                estimate.note
            )
        } else {
            format!("  {:<20} {}\n", estimate.name, estimate.note)
        });
    }
    if episodes > 0 {
        let episodes = counted(episodes as u64, "episode");
        text.push_str(&format!(
            "  {:<20} {:>10}   ± {} over {episodes}\n",
            "what was recorded",
            short(mean),
            short(std)
        ));
    }
    estimated.notes.iter().for_each(|note| text.push_str(&format!("  {note}\n")));
    text
}

fn as_json(bundle: &Path, estimated: &Estimated) -> Value {
    // A bound that there is none of is null.
    let number = |number: f64| number.is_finite().then_some(number);
    let each = estimated.estimates.iter().map(|one| {
        json!({ "name": one.name, "mean": number(one.mean), "low": number(one.low), "high": number(one.high), "note": one.note })
    });
    let (episodes, mean, std) = estimated.recorded;
    json!({
        "bundle": bundle.display().to_string(),
        "horizon": estimated.horizon,
        "promise": number(estimated.promise()),
        "estimates": each.collect::<Vec<_>>(),
        "recorded": { "episodes": episodes, "return_mean": mean, "return_std": std },
        "notes": estimated.notes,
    })
}
