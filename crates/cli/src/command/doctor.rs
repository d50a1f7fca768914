//! `worldwright doctor`: what is missing here, and how to mend it.

use anyhow::Result;
use serde_json::{Value, json};
use worldwright_envs::python::{Health, doctor};

use super::Ending;
use crate::output::{print, print_json};

/// Ends with an error code when something is broken; what is merely not installed is no error.
pub(crate) fn run(as_json: bool) -> Result<Ending> {
    let findings = doctor();
    if as_json {
        let all = findings.iter().map(|finding| {
            json!({
                "subject": finding.subject,
                "health": word(finding.health),
                "detail": finding.detail,
                "mend": finding.mend,
            })
        });
        print_json(&all.collect::<Value>())?;
    } else {
        let mut text = format!(
            "{:<9}worldwright {} on {}, {} threads\n",
            "fine",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::ARCH,
            std::thread::available_parallelism().map_or(1, usize::from)
        );
        for finding in &findings {
            text.push_str(&format!("{:<9}{}: {}\n", word(finding.health), finding.subject, finding.detail));
            if let Some(mend) = &finding.mend {
                text.push_str(&format!("{:<9}→ {mend}\n", ""));
            }
        }
        text.push_str("Native environments need none of this.\n");
        print(&text)?;
    }
    let broken = findings.iter().any(|finding| finding.health == Health::Broken);
    Ok(if broken { Ending::Unwell } else { Ending::Done })
}

fn word(health: Health) -> &'static str {
    match health {
        Health::Fine => "fine",
        Health::Missing => "missing",
        Health::Differs => "differs",
        Health::Broken => "broken",
    }
}
