//! Pictures of an episode of unknown length in bounded memory: as many as fit, evenly apart.
//!
//! Every `stride`-th state is kept. Once the roll is full, every second picture goes and the stride doubles, so that what stays is even over
//! the whole episode however long it becomes; states between are not even drawn.

use worldwright_core::{Error, Frame, Result};

/// Pictures that a roll holds at most: half a minute at the pace that viewers keep up with.
const MOST_FRAMES: usize = 1024;
/// Bytes that they take together at most.
const MOST_BYTES: usize = 192 << 20;

/// Pictures of an episode.
#[derive(Debug, Clone, PartialEq)]
pub struct FilmRoll {
    frames: Vec<Frame>,
    stride: usize,
    /// States seen.
    seen: usize,
    left_out: Option<String>,
}

impl Default for FilmRoll {
    fn default() -> Self {
        Self { frames: Vec::new(), stride: 1, seen: 0, left_out: None }
    }
}

impl From<Vec<Frame>> for FilmRoll {
    /// The pictures of every state.
    fn from(frames: Vec<Frame>) -> Self {
        Self { seen: frames.len(), frames, ..Self::default() }
    }
}

impl FilmRoll {
    /// The pictures, the first state and the last included; empty where nothing was or could be drawn.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Steps from one picture to the next; the last may come sooner.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Why there is no film, where one was asked for.
    pub fn left_out(&self) -> Option<&str> {
        self.left_out.as_deref()
    }

    /// An empty roll that says why it stays so.
    pub(crate) fn without(why: String) -> Self {
        Self { left_out: Some(why), ..Self::default() }
    }

    /// Takes a state of the episode, which `draw` draws if it is wanted. The first picture that cannot be drawn ends the film: an episode is
    /// worth more than its picture.
    pub(crate) fn take(&mut self, last: bool, draw: impl FnOnce() -> Result<Frame>) {
        let due = self.seen.is_multiple_of(self.stride);
        self.seen += 1;
        if self.left_out.is_some() || !(due || last) {
            return;
        }
        match draw() {
            Ok(frame) => self.frames.push(frame),
            Err(error) => {
                let why = match error {
                    Error::External { why, .. } => why,
                    other => other.to_string(),
                };
                *self = Self { left_out: Some(why), ..Self::default() };
                return;
            }
        }
        let bytes: usize = self.frames.iter().map(|frame| frame.rgb.len()).sum();
        if !last && self.frames.len() > 2 && (self.frames.len() >= MOST_FRAMES || bytes > MOST_BYTES) {
            let mut place = 0;
            self.frames.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.stride *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture that tells its number.
    fn picture(number: u32, side: usize) -> Frame {
        let mut rgb = vec![0; 3 * side * side];
        rgb[..4].copy_from_slice(&number.to_le_bytes());
        Frame { width: side, height: side, rgb }
    }

    fn numbers(steps: u32, side: usize) -> (Vec<u32>, usize, usize) {
        let (mut roll, mut drawn) = (FilmRoll::default(), 0);
        for state in 0..=steps {
            roll.take(state == steps, || {
                drawn += 1;
                Ok(picture(state, side))
            });
        }
        let read = |frame: &Frame| u32::from_le_bytes([frame.rgb[0], frame.rgb[1], frame.rgb[2], frame.rgb[3]]);
        (roll.frames().iter().map(read).collect(), roll.stride(), drawn)
    }

    #[test]
    fn a_short_episode_is_kept_whole() {
        let (numbers, stride, _) = numbers(200, 2);
        assert_eq!((numbers, stride), ((0..=200).collect(), 1));
    }

    #[test]
    fn a_long_one_is_thinned_evenly_and_keeps_its_ends() {
        let (numbers, stride, drawn) = numbers(150_000, 2);
        assert!((MOST_FRAMES / 2..=MOST_FRAMES).contains(&numbers.len()), "{}", numbers.len());
        assert_eq!((numbers[0], numbers[numbers.len() - 1]), (0, 150_000));
        let even = numbers[..numbers.len() - 1].windows(2).all(|pair| (pair[1] - pair[0]) as usize == stride);
        assert!(even && stride == 256, "{stride}");
        assert!(drawn < 6 * MOST_FRAMES, "{drawn} pictures were drawn");
    }

    #[test]
    fn large_pictures_are_fewer() {
        let (numbers, ..) = numbers(300, 1024);
        assert!((2..=MOST_BYTES / (3 << 20) + 1).contains(&numbers.len()), "{}", numbers.len());
    }

    #[test]
    fn what_cannot_be_drawn_is_said_and_nothing_half_is_kept() {
        let mut roll = FilmRoll::default();
        roll.take(false, || Ok(picture(0, 2)));
        roll.take(false, || Err(Error::external("gym:X", "draws no pictures")));
        roll.take(true, || panic!("not asked again"));
        assert_eq!((roll.frames().len(), roll.left_out()), (0, Some("draws no pictures")));
    }
}
