//! What may be depended on: licences that permit both of ours, sources that are known, no version with a known weakness.
//!
//! `deny.toml` says what is accepted, and cargo-deny checks all of it. Where it is not installed and cannot be, the licences of the same list are
//! checked here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{cargo, root, step};

/// The tool, at a version that was tried.
const TOOL: &str = "cargo-deny@0.20.2";

/// Where it is put when it is on no path.
fn tools() -> PathBuf {
    root().join("target").join("tools")
}

/// The tool, where there is one.
fn installed() -> Option<PathBuf> {
    let own = tools().join("bin").join("cargo-deny");
    [own, PathBuf::from("cargo-deny")]
        .into_iter()
        .find(|tool| deny(tool, &["--version"]).output().is_ok_and(|output| output.status.success()))
}

fn deny(tool: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(tool);
    command.current_dir(root()).args(arguments);
    command
}

/// Installs the tool where it is missing, then checks. It has little to compute, and without optimisation it is built in a minute and a half of one core.
pub(crate) fn install_and_check() -> Result<()> {
    if installed().is_none() {
        let mut install = cargo();
        install.args(["install", "--quiet", "--locked", "--debug", TOOL, "--root"]).arg(tools());
        if let Err(error) = step("cargo-deny", &mut install) {
            println!("   {error:#}");
        }
    }
    check()
}

pub(crate) fn check() -> Result<()> {
    let Some(tool) = installed() else {
        licences()?;
        println!(
            "   licences: sources and advisories left out, there is no cargo-deny (cargo install --locked {TOOL})"
        );
        return Ok(());
    };
    let checked = ["--locked", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    step("licences and sources", &mut deny(&tool, &checked))?;
    // The database of weaknesses lies elsewhere, and being out of reach of it is nobody's fault.
    if !deny(&tool, &["fetch", "db"]).output().context("cannot run cargo-deny")?.status.success() {
        println!("\n── advisories: left out, their database cannot be fetched from here");
        return Ok(());
    }
    step("advisories", &mut deny(&tool, &["--locked", "check", "--hide-inclusion-graph", "advisories"]))
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
