//! What a finished run shows to people: the moving picture and the report.

use worldwright_core::{Frame, Result};

use crate::report::{self, Page};
use crate::{RunFolder, write_whole};

/// Writes `episode.gif`, if there is anything to show.
pub(crate) fn picture(folder: &RunFolder, frames: &[Frame], dt_secs: f64) -> Result<()> {
    if frames.is_empty() { Ok(()) } else { write_whole(&folder.picture(), &report::gif(frames, dt_secs)?) }
}

/// Writes `report.html` from the folder's files.
pub(crate) fn report(folder: &RunFolder) -> Result<()> {
    write_whole(&folder.report(), report::html(&Page::read(folder)?).as_bytes())
}
