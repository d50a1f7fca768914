//! `worldwright report`: the page of a run, and its picture.

use anyhow::Result;
use worldwright_runs::report::{Page, html, picture};
use worldwright_runs::{RunFolder, write_whole};

use crate::arguments::Report;
use crate::output::{check_new, print};

pub(crate) fn run(options: &Report) -> Result<()> {
    let folder = RunFolder::new(&options.run);
    // The page of the run itself is this program's own, and written anew.
    let out = options.out.clone().unwrap_or_else(|| folder.report());
    if out != folder.report() {
        check_new("--out", &out, None)?;
    }
    if let Some(path) = &options.picture {
        check_new("--picture", path, None)?;
        anyhow::ensure!(*path != out, "--picture: {} is the page's own file: choose another path", path.display());
    }
    let page = Page::read(&folder)?;
    let mut files = vec![(out, html(&page))];
    files.extend(options.picture.iter().map(|path| (path.clone(), picture(&page))));
    for (path, text) in files {
        write_whole(&path, text.as_bytes())?;
        print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}
