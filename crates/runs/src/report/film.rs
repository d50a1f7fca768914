//! The film of an episode: as long as the episode was, in as many pictures as viewers can show.

use worldwright_core::{Frame, Result};

use crate::FilmRoll;

/// Bytes of a film, at most: a page with it in it must still open.
const MOST_BYTES: usize = 12 << 20;

/// An endlessly repeating GIF of the pictures of an episode whose steps are `dt_secs` apart.
///
/// Viewers do not keep up with more than some 30 pictures a second (many slow everything below 0.02 s down to 0.1 s), so pictures
/// are left out until each may stay for at least 0.03 s, and until the film is no larger than 12 MiB; it still takes the time that the
/// episode took. The last picture is always there.
///
/// # Errors
/// [`Error::Shape`](worldwright_core::Error::Shape) when there is no picture or they differ in size,
/// [`Error::External`](worldwright_core::Error::External) when the encoder fails.
pub fn gif(film: &FilmRoll, dt_secs: f64) -> Result<Vec<u8>> {
    let dt_secs = if dt_secs > 0.0 && dt_secs.is_finite() { dt_secs } else { 0.05 } * film.stride() as f64;
    let mut stride = (0.03 / dt_secs - 1e-9).ceil().clamp(1.0, 1e6) as usize;
    let end = film.frames().len().saturating_sub(1);
    loop {
        let shown = film.frames().iter().enumerate().filter(|(i, _)| i.is_multiple_of(stride) || *i == end);
        let shown: Vec<&Frame> = shown.map(|(_, frame)| frame).collect();
        let mut bytes = Vec::new();
        worldwright_envs::write_gif(&mut bytes, &shown, 1.0 / (dt_secs * stride as f64))?;
        if bytes.len() <= MOST_BYTES || stride >= end.max(1) {
            return Ok(bytes);
        }
        stride *= 2;
    }
}
