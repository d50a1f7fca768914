//! `worldwright report`: the page of a run, and its picture.

use anyhow::{Context, Result};
use worldwright_runs::RunFolder;
use worldwright_runs::report::{Page, html, picture};

use crate::arguments::Report;
use crate::output::print;

pub(crate) fn run(options: &Report) -> Result<()> {
    let folder = RunFolder::new(&options.run);
    let page = Page::read(&folder)?;
    let out = options.out.clone().unwrap_or_else(|| folder.report());
    let mut files = vec![(out, html(&page))];
    files.extend(options.picture.iter().map(|path| (path.clone(), picture(&page))));
    for (path, text) in files {
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
        print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}
