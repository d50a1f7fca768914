//! The film of an episode: as long as the episode was, in as many pictures as viewers can show.

use worldwright_core::{Frame, Result};

/// An endlessly repeating GIF of `frames`, taken `dt_secs` apart.
///
/// Viewers do not keep up with more than some 30 pictures a second (many slow everything below 0.02 s down to 0.1 s), so frames
/// are left out until each may stay for at least 0.03 s; the film still takes the time that the episode took. The last frame
/// is always there.
///
/// # Errors
/// [`Error::Shape`](worldwright_core::Error::Shape) when there is no frame or they differ in size,
/// [`Error::External`](worldwright_core::Error::External) when the encoder fails.
pub fn gif(frames: &[Frame], dt_secs: f64) -> Result<Vec<u8>> {
    let dt_secs = if dt_secs > 0.0 { dt_secs } else { 0.05 };
    let stride = (0.03 / dt_secs - 1e-9).ceil().max(1.0) as usize;
    let end = frames.len().saturating_sub(1);
    let shown = |i: &usize| i.is_multiple_of(stride) || *i == end;
    let shown: Vec<Frame> = (0..frames.len()).filter(shown).map(|i| frames[i].clone()).collect();
    let mut film = Vec::new();
    worldwright_envs::write_gif(&mut film, &shown, 1.0 / (dt_secs * stride as f64))?;
    Ok(film)
}
