//! The pages of the Python package, built from `docs/python` into `target/site` by Sphinx, in an environment under `target/python`.
//!
//! The reference comes from the docstrings of the package as it is built here, and the tutorials are run. A warning (a reference
//! that leads nowhere, a page that no list holds) or a tutorial that fails ends it.
//!
//! `cargo xtask test` leaves this out: the environment alone took 300 s to install on two busy cores, and needs a dozen more packages. What can break by a
//! change of the code is tested there all the same (`crates/py/tests/test_documentation.py`): tutorials and examples run, each public name stands in the
//! reference, and each page in a list.

use std::process::Command;

use anyhow::Result;

use crate::{package, python, root, step};

const PAGES: &str = "docs/python";
const SITE: &str = "target/site";

/// Builds all pages.
pub(crate) fn build() -> Result<()> {
    let interpreter = python::with_requirements("docs", &root().join(PAGES).join("requirements.txt"), false)?;
    package::module()?;
    let mut sphinx = Command::new(interpreter);
    sphinx.args(["-m", "sphinx", "--builder", "html", "--fail-on-warning", "--keep-going", "--quiet"]);
    sphinx.args(["--doctree-dir", "target/docs-trees", PAGES, SITE]).current_dir(root());
    step("pages", &mut sphinx)?;
    println!("\nopen {SITE}/index.html");
    Ok(())
}
