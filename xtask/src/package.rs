//! The Python package: built as a user's `maturin develop` builds it, and tried by its own tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{cargo, python, root, step};

/// What the tests need besides the package. Ray and Minari are not among it: with ten other processes on two cores they took 101 and 94 s to
/// install, and the tests on Ray more than three minutes, half a minute on free ones. To try with them too:
/// `target/python/py/bin/pip install ray==2.60.0 "minari[hdf5]"`, then `cargo xtask package`.
pub(crate) const REQUIREMENTS: &str = "crates/py/tests/requirements.txt";

/// Builds the package into an environment of its own under `target/python`, and runs its tests.
pub(crate) fn test(interpreters: &[(&'static str, PathBuf)]) -> Result<()> {
    step("Python tests", &mut pytest(interpreters)?)
}

/// Builds the package into an environment of its own under `target/python`; pytest there, yet to be started.
pub(crate) fn pytest(interpreters: &[(&'static str, PathBuf)]) -> Result<Command> {
    let interpreter = python::with_requirements("py", &root().join(REQUIREMENTS), false)?;
    let environment = interpreter.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    let mut develop = Command::new(&interpreter);
    develop.args(["-m", "maturin", "develop", "--quiet"]).env("VIRTUAL_ENV", environment).current_dir(root());
    step("Python package", &mut develop)?;
    let mut pytest = Command::new(&interpreter);
    pytest.args(["-m", "pytest"]).envs(interpreters.iter().map(|(name, path)| (name, path))).current_dir(root());
    Ok(pytest)
}

/// Builds the native half and lays it beside the package's Python files, so that these can be imported where they are.
pub(crate) fn module() -> Result<()> {
    step("native module", cargo().args(["build", "--quiet", "--package", "worldwright-py"]))?;
    let (built, name) = if cfg!(windows) {
        ("_native.dll", "_native.pyd")
    } else if cfg!(target_os = "macos") {
        ("lib_native.dylib", "_native.abi3.so")
    } else {
        ("lib_native.so", "_native.abi3.so")
    };
    let folder =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from).join("debug");
    let target = root().join("crates/py/python/worldwright").join(name);
    // A module that is loaded somewhere must not change under its user: the old file goes before the new one comes.
    let _ = std::fs::remove_file(&target);
    std::fs::copy(folder.join(built), &target)
        .with_context(|| format!("{} to {}", folder.join(built).display(), target.display()))?;
    Ok(())
}
