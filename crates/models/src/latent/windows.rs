//! Windows of experience: what models with memory learn from, up to L consecutive transitions of one episode.
//!
//! Sequences of exactly L transitions would leave out episodes that are shorter, and would hold the ends of episodes, and so every
//! termination, only once in L times as often as the rest. A window is drawn by a transition and a reach: it ends up to L − 1
//! transitions behind a uniform one, or where its episode ends, is as long as L and its episode allow, and is filled up with what is to count for nothing.

use std::ops::Range;

use worldwright_core::{Error, Experience, Result, Rng};

/// Draws so many times a transition before giving up on finding one by chance.
const TRIES: usize = 256;

/// Some consecutive transitions of one episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// The first transition's row.
    pub(crate) first: u64,
    /// How many, at least one.
    pub(crate) length: usize,
}

/// Draws a window of at most `most` transitions.
pub(crate) fn draw(experience: &dyn Experience, most: usize, rng: &mut Rng) -> Result<Window> {
    let row = transition(experience, experience.rows(), rng)?;
    let reach = rng.below(most.max(1) as u64);
    // As far as the episode goes on behind the row, and from there as far back as it reaches.
    let (last, _) = walk(row, reach as usize, |row| experience.after(row));
    let (first, back) = walk(last, most - 1, |row| experience.before(row));
    // An episode's beginning cuts a window short, which then may go on further.
    let (_, more) = walk(last, most - 1 - back, |row| experience.after(row));
    Ok(Window { first, length: back + 1 + more })
}

/// Draws a window that begins with a uniform transition of the last `recent` rows and goes on for at most `most` of them, or to where its episode ends: for targets that look
/// ahead from where a window begins.
pub(crate) fn ahead(experience: &dyn Experience, most: usize, recent: u64, rng: &mut Rng) -> Result<Window> {
    let all = experience.rows();
    let first = transition(experience, all.start.max(all.end.saturating_sub(recent))..all.end, rng)?;
    let (_, more) = walk(first, most.max(1) - 1, |row| experience.after(row));
    Ok(Window { first, length: 1 + more })
}

/// The row that at most `most` steps lead to, and how many they are.
fn walk(from: u64, most: usize, step: impl Fn(u64) -> Option<u64>) -> (u64, usize) {
    let (mut row, mut steps) = (from, 0);
    while let Some(next) = (steps < most).then(|| step(row)).flatten() {
        (row, steps) = (next, steps + 1);
    }
    (row, steps)
}

/// A uniform transition of some rows.
fn transition(experience: &dyn Experience, rows: Range<u64>, rng: &mut Rng) -> Result<u64> {
    if !rows.is_empty() {
        for _ in 0..TRIES {
            let row = rows.start + rng.below(rows.end - rows.start);
            if experience.ends_sequence(row, 1) {
                return Ok(row);
            }
        }
        // Few among many rows: the next one of them all is as good.
        let start = rows.start + rng.below(rows.end - rows.start);
        if let Some(row) = (start..rows.end).chain(rows.start..start).find(|row| experience.ends_sequence(*row, 1)) {
            return Ok(row);
        }
    }
    Err(Error::config("experience", "holds no transition to learn from"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldwright_core::Dataset;

    /// Episodes of 2, 30 and 1 transitions, numbered through.
    fn episodes() -> Dataset {
        let mut data = Dataset::new(1, 0);
        for i in 0..33 {
            let end = matches!(i, 1 | 31 | 32);
            data.push(&[f64::from(i)], &[], 0.0, &[f64::from(i) + 1.0], end, end).unwrap();
        }
        data
    }

    #[test]
    fn windows_stay_in_their_episodes_and_reach_their_ends() {
        let (data, mut rng) = (episodes(), Rng::new(1));
        let mut seen = [0_u32; 33];
        for _ in 0..20_000 {
            let Window { first, length } = draw(&data, 8, &mut rng).unwrap();
            let (first, last) = (first as usize, first as usize + length - 1);
            match first {
                0..2 => assert_eq!((first, length), (0, 2)),
                2..32 => assert!(length == 8 && last < 32, "{first} {length}"),
                _ => assert_eq!(length, 1),
            }
            (first..=last).for_each(|i| seen[i] += 1);
        }
        // In the middle of a long episode each transition is held as often as any other, at its end more than half as often.
        let middle: f64 = seen[10..24].iter().sum::<u32>() as f64 / 14.0;
        assert!(seen[10..24].iter().all(|count| (f64::from(*count) / middle - 1.0).abs() < 0.06), "{seen:?}");
        assert!(f64::from(seen[31]) > 0.5 * middle && f64::from(seen[2]) > 0.5 * middle, "{seen:?}");
        assert!(draw(&Dataset::new(1, 0), 8, &mut rng).is_err());
    }

    #[test]
    fn windows_ahead_begin_anywhere_alike() {
        let (data, mut rng) = (episodes(), Rng::new(2));
        let mut begun = [0_u32; 33];
        for _ in 0..33_000 {
            let Window { first, length } = ahead(&data, 8, u64::MAX, &mut rng).unwrap();
            let end = [2, 32, 33].into_iter().find(|end| *end > first).unwrap();
            assert_eq!(length as u64, (end - first).min(8), "from {first}");
            begun[first as usize] += 1;
        }
        // Five standard deviations of a count with mean 1,000.
        assert!(begun.iter().all(|count| count.abs_diff(1000) < 160), "{begun:?}");
        assert!((0..500).all(|_| ahead(&data, 8, 3, &mut rng).unwrap().first >= 30));
    }
}
