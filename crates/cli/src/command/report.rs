//! `worldwright report`: the page of a run, and its picture.

use anyhow::Result;
use worldwright_runs::report::{Page, html, picture};
use worldwright_runs::{RunFolder, write_whole};

use crate::arguments::Report;
use crate::output::print;

pub(crate) fn run(options: &Report) -> Result<()> {
    let folder = RunFolder::new(&options.run);
    let page = Page::read(&folder)?;
    let out = options.out.clone().unwrap_or_else(|| folder.report());
    let mut files = vec![(out, html(&page))];
    files.extend(options.picture.iter().map(|path| (path.clone(), picture(&page))));
    for (path, text) in files {
        write_whole(&path, text.as_bytes())?;
        print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}
