//! Checks that every dependency may be used under a licence that permits both of ours.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::cargo;

/// Licences that ask for no more than a notice (and, for MPL, the source of the changed files themselves).
const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "zlib-acknowledgement",
    "bzip2-1.0.6",
];

pub(crate) fn check() -> Result<()> {
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
            Some(text) => accepted(text),
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

fn accepted(text: &str) -> Result<(), String> {
    let expression =
        spdx::Expression::parse_mode(text, spdx::ParseMode::LAX).map_err(|e| format!("'{text}': {}", e.reason))?;
    let allowed = |requirement: &spdx::LicenseReq| {
        let name = requirement.to_string();
        ACCEPTED.contains(&name.as_str())
    };
    if expression.evaluate(allowed) { Ok(()) } else { Err(format!("'{text}' is not among the accepted licences")) }
}
