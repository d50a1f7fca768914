//! What a finished run shows to people: the moving picture and the report.

use worldwright_core::Result;

use crate::report::{self, Page};
use crate::{FilmRoll, RunFolder, write_whole};

/// Writes `episode.gif`, if there is anything to show.
pub(crate) fn picture(folder: &RunFolder, film: &FilmRoll, dt_secs: f64) -> Result<()> {
    if film.frames().is_empty() { Ok(()) } else { write_whole(&folder.picture(), &report::gif(film, dt_secs)?) }
}

/// Writes `report.html` from the folder's files.
pub(crate) fn report(folder: &RunFolder) -> Result<()> {
    write_whole(&folder.report(), report::html(&Page::read(folder)?).as_bytes())
}
