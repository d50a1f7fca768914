//! Pictures to a GIF (GIF89a), looping, with one palette where the film has at most 256 colours.
//!
//! Films of native environments have few colours and come out exact; other pictures get a palette a frame, chosen by the
//! encoder. Each frame after the first stores only the rectangle that changed.

use std::collections::BTreeMap;
use std::io::Write;

use gif::{DisposalMethod, Encoder, Frame as GifFrame, Repeat};
use worldwright_core::{Error, Frame, Result};

/// How carefully the encoder chooses a palette where it must: 1 slowest, 30 fastest.
const QUANTISER_SPEED: i32 = 10;

/// Writes `frames` as a looping GIF with `fps` frames a second, rounded to whole hundredths of a second.
///
/// Most viewers play nothing faster than 50 frames a second; skip frames for a real-time film of a finer step.
///
/// # Errors
/// [`Error::Shape`] when there is no frame or they differ in size; [`Error::Config`] when a frame has more than 65,535 pixels a
/// side or `fps` is not positive; [`Error::External`] when writing fails.
pub fn write_gif<F: std::borrow::Borrow<Frame>>(out: impl Write, frames: &[F], fps: f64) -> Result<()> {
    let frames: Vec<&Frame> = frames.iter().map(std::borrow::Borrow::borrow).collect();
    let first = *frames.first().ok_or_else(|| Error::shape("frames of a GIF", &[1], &[0]))?;
    let side = |pixels: usize| {
        u16::try_from(pixels)
            .ok()
            .filter(|side| *side > 0)
            .ok_or_else(|| Error::config("frame size", format!("a GIF holds 1 to 65535 pixels a side, not {pixels}")))
    };
    let (width, height) = (side(first.width)?, side(first.height)?);
    if fps.is_nan() || fps <= 0.0 {
        return Err(Error::config("fps", format!("must be positive, got {fps}")));
    }
    for frame in &frames {
        if (frame.width, frame.height) != (first.width, first.height)
            || frame.rgb.len() != 3 * first.width * first.height
        {
            let got = [frame.width, frame.height, frame.rgb.len()];
            return Err(Error::shape("frame", &[first.width, first.height, 3 * first.width * first.height], &got));
        }
    }
    let delay = (100.0 / fps).round().clamp(1.0, f64::from(u16::MAX)) as u16;
    let palette = Palette::of(&frames);
    let global: &[u8] = palette.as_ref().map_or(&[], |palette| &palette.rgb);
    let mut encoder = Encoder::new(out, width, height, global).map_err(failed)?;
    encoder.set_repeat(Repeat::Infinite).map_err(failed)?;
    let mut before: Option<&Frame> = None;
    for frame in frames {
        let part = before.map_or(Part { left: 0, top: 0, width: first.width, height: first.height }, |before| {
            Part::changed(before, frame)
        });
        let rgb = part.cut(frame);
        let mut picture = match &palette {
            Some(palette) => GifFrame {
                width: part.width as u16,
                height: part.height as u16,
                buffer: rgb.chunks_exact(3).map(|c| palette.index[&[c[0], c[1], c[2]]]).collect(),
                ..GifFrame::default()
            },
            None => GifFrame::from_rgb_speed(part.width as u16, part.height as u16, &rgb, QUANTISER_SPEED),
        };
        (picture.left, picture.top, picture.delay) = (part.left as u16, part.top as u16, delay);
        picture.dispose = DisposalMethod::Keep;
        encoder.write_frame(&picture).map_err(failed)?;
        before = Some(frame);
    }
    encoder.into_inner().map_err(|why| Error::external("GIF", why.to_string()))?;
    Ok(())
}

fn failed(why: gif::EncodingError) -> Error {
    Error::external("GIF", why.to_string())
}

/// All colours of a film, where they are at most 256.
struct Palette {
    rgb: Vec<u8>,
    index: BTreeMap<[u8; 3], u8>,
}

impl Palette {
    fn of(frames: &[&Frame]) -> Option<Self> {
        let mut index = BTreeMap::new();
        for frame in frames {
            let mut last = None;
            for colour in frame.rgb.chunks_exact(3).map(|c| [c[0], c[1], c[2]]) {
                // Neighbours mostly agree, which spares the look-up.
                if last != Some(colour) {
                    index.insert(colour, 0);
                    last = Some(colour);
                }
            }
            if index.len() > 256 {
                return None;
            }
        }
        index.values_mut().enumerate().for_each(|(place, slot)| *slot = place as u8);
        let rgb = index.keys().flatten().copied().collect();
        Some(Self { rgb, index })
    }
}

/// A rectangle of a frame.
struct Part {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Part {
    /// The smallest rectangle that holds all differences; one pixel when there is none.
    fn changed(before: &Frame, after: &Frame) -> Self {
        let (mut left, mut right, mut top, mut bottom) = (after.width, 0, after.height, 0);
        let row = 3 * after.width;
        for y in 0..after.height {
            let (a, b) = (&before.rgb[y * row..(y + 1) * row], &after.rgb[y * row..(y + 1) * row]);
            let Some(first) = a.iter().zip(b).position(|(a, b)| a != b) else { continue };
            let last = a.iter().zip(b).rposition(|(a, b)| a != b).unwrap_or(first);
            (left, right) = (left.min(first / 3), right.max(last / 3));
            (top, bottom) = (top.min(y), y);
        }
        if left > right {
            return Self { left: 0, top: 0, width: 1, height: 1 };
        }
        Self { left, top, width: right - left + 1, height: bottom - top + 1 }
    }

    fn cut(&self, frame: &Frame) -> Vec<u8> {
        let rows = self.top..self.top + self.height;
        let part = |y: usize| &frame.rgb[3 * (y * frame.width + self.left)..][..3 * self.width];
        rows.flat_map(|y| part(y).iter().copied()).collect()
    }
}
