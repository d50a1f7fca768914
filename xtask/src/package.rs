//! The Python package: built as a user's `maturin develop` builds it, and tried by its own tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{python, root, step};

/// What the tests need besides the package.
const REQUIREMENTS: &str = "crates/py/tests/requirements.txt";

/// Builds the package into an environment of its own under `target/python`, and runs pytest.
pub(crate) fn test(interpreters: &[(&'static str, PathBuf)]) -> Result<()> {
    let interpreter = python::with_requirements("py", &root().join(REQUIREMENTS), false)?;
    let environment = interpreter.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    let mut develop = Command::new(&interpreter);
    develop.args(["-m", "maturin", "develop", "--quiet"]).env("VIRTUAL_ENV", environment).current_dir(root());
    step("Python package", &mut develop)?;
    let mut pytest = Command::new(&interpreter);
    pytest.args(["-m", "pytest"]).envs(interpreters.iter().map(|(name, path)| (name, path))).current_dir(root());
    step("Python tests", &mut pytest)
}
