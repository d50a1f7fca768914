//! The documentation site, for shell, Python and Rust, built from `docs` into `target/site` by Sphinx, in an environment under `target/python`.
//!
//! The reference of the command line comes from what the program says of itself, that of Python from the docstrings of the package as it is
//! built here, that of the crates from rustdoc, which lies in `rust/` beside the pages. The tutorials are run. A warning (a reference that leads
//! nowhere, a page that no list holds) or a tutorial that fails ends it.
//!
//! `cargo xtask test` leaves this out: the environment alone took 300 s to install on two busy cores, and needs a dozen more packages. What can break by a
//! change of the code is tested there all the same (`crates/py/tests/test_documentation.py` and `shown.rs`): tutorials and examples run, each public name stands
//! in the reference, each page in a list, links lead to files, and shown files are as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{cargo, package, python, root, step};

const PAGES: &str = "docs";
const SITE: &str = "target/site";

/// Builds all pages.
pub(crate) fn build() -> Result<()> {
    let interpreter = python::with_requirements("docs", &root().join(PAGES).join("requirements.txt"), false)?;
    package::module()?;
    step("program", cargo().args(["build", "--quiet", "--package", "worldwright-cli"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut sphinx = Command::new(interpreter);
    sphinx.args(["-m", "sphinx", "--builder", "html", "--fail-on-warning", "--keep-going", "--quiet"]);
    sphinx.args(["--doctree-dir", "target/docs-trees", PAGES, SITE]).current_dir(root());
    sphinx
        .env("WORLDWRIGHT_PROGRAM", target.join("debug").join(format!("worldwright{}", std::env::consts::EXE_SUFFIX)));
    step("pages", &mut sphinx)?;
    step("crates", cargo().args(["doc", "--workspace", "--exclude", "xtask", "--no-deps", "--quiet"]))?;
    let rust = root().join(SITE).join("rust");
    let _ = fs::remove_dir_all(&rust);
    copy(&target.join("doc"), &rust)?;
    linked(&rust)?;
    println!("\nopen {SITE}/index.html");
    Ok(())
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(|| target.display().to_string())?;
        }
    }
    Ok(())
}

/// Sphinx does not see the crates' pages: whether those that the site leads to are there is asked here.
fn linked(rust: &Path) -> Result<()> {
    let page = fs::read_to_string(root().join(SITE).join("reference/rust.html"))?;
    let mut count = 0;
    for target in page.split("href=\"../rust/").skip(1).filter_map(|rest| rest.split('"').next()) {
        if !rust.join(target).exists() {
            bail!("reference/rust.html leads to rust/{target}, which is not there");
        }
        count += 1;
    }
    if count == 0 { bail!("reference/rust.html leads to no crate") } else { Ok(()) }
}
