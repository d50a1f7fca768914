//! Every check, in the order in which a mistake is cheapest to find.

use anyhow::{Result, bail};

use crate::{cargo, licences, package, python, rooms, step, wheel};

/// Everything: format, lints, documentation, licences, rooms, Python environments, all tests, and a wheel.
pub(crate) fn all() -> Result<()> {
    lints()?;
    licences::install_and_check()?;
    let interpreters = python::install()?;
    step(
        "documentation",
        cargo().args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    let tests = step("tests", cargo().args(["test", "--workspace", "--no-fail-fast"]).envs(interpreters.clone()));
    package::test(&interpreters).and(wheel::check_quickly()).and(tests)
}

/// What needs no Python.
pub(crate) fn quick() -> Result<()> {
    lints()?;
    step("tests", cargo().args(["test", "--workspace"]))
}

fn lints() -> Result<()> {
    rooms::check()?;
    // A bare toolchain may come without these two components. A contributor's machine that cannot get them is told so; what decides whether
    // work lands has them, or fails.
    let decides = std::env::var_os("CI").is_some();
    for (component, title, arguments) in [
        ("fmt", "format", &["fmt", "--all", "--check"] as &[&str]),
        ("clippy", "lints", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]),
    ] {
        let there = cargo().args([component, "--version"]).output().is_ok_and(|output| output.status.success());
        if there {
            step(title, cargo().args(arguments))?;
        } else if decides {
            bail!("{title}: cargo {component} is not installed (rustup component add {component})");
        } else {
            println!("\n── {title}: left out, cargo {component} is not installed (rustup component add {component})");
        }
    }
    Ok(())
}
