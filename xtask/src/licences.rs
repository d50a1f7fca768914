//! What may be depended on: licences that permit both of ours, sources that are known, no version with a known weakness.
//!
//! `deny.toml` says what is accepted. Where cargo-deny is installed it checks all of it. Elsewhere the licences of the same list are checked here:
//! building that tool takes longer than the share of a clean run that this check may have.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::{cargo, root, step};

/// How the tool is had.
const INSTALL: &str = "cargo install --locked cargo-deny";

pub(crate) fn check() -> Result<()> {
    let there = cargo().args(["deny", "--version"]).output().is_ok_and(|output| output.status.success());
    if !there {
        licences()?;
        println!("   licences: sources and advisories left out, cargo-deny is not installed ({INSTALL})");
        return Ok(());
    }
    step(
        "licences and sources",
        cargo().args(["deny", "--locked", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]),
    )?;
    // The database of weaknesses lies elsewhere, and being out of reach of it is nobody's fault.
    let fetched = cargo().args(["deny", "fetch", "db"]).output().context("cannot run cargo deny")?;
    if !fetched.status.success() {
        println!("\n── advisories: left out, their database cannot be fetched from here");
        return Ok(());
    }
    step("advisories", cargo().args(["deny", "--locked", "check", "--hide-inclusion-graph", "advisories"]))
}

/// The licences that deny.toml accepts.
fn listed() -> Result<Vec<String>> {
    let path = root().join("deny.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let settings: toml::Table = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
    let allowed = settings.get("licenses").and_then(|licences| licences.get("allow")).and_then(toml::Value::as_array);
    let allowed = allowed.context("deny.toml lists no licences under licenses.allow")?;
    Ok(allowed.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect())
}

fn licences() -> Result<()> {
    let listed = listed()?;
    let output = cargo().args(["metadata", "--format-version", "1"]).output().context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let mut refused = BTreeMap::new();
    for package in packages {
        let name =
            format!("{} {}", package["name"].as_str().unwrap_or("?"), package["version"].as_str().unwrap_or("?"));
        let verdict = match package["license"].as_str() {
            None => Err("names no licence".to_owned()),
            Some(text) => accepted(text, &listed),
        };
        if let Err(why) = verdict {
            refused.insert(name, why);
        }
    }
    println!("\n── licences: {} packages, {} refused", packages.len(), refused.len());
    if refused.is_empty() {
        return Ok(());
    }
    bail!("licences: {}", refused.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join("; "))
}

fn accepted(text: &str, listed: &[String]) -> Result<(), String> {
    let expression =
        spdx::Expression::parse_mode(text, spdx::ParseMode::LAX).map_err(|e| format!("'{text}': {}", e.reason))?;
    let allowed = |requirement: &spdx::LicenseReq| listed.contains(&requirement.to_string());
    if expression.evaluate(allowed) { Ok(()) } else { Err(format!("'{text}' is not among the accepted licences")) }
}
