//! Which episodes candidates learn from and which they are examined on, and which observed numbers may be angles.

use std::ops::Range;

use worldwright_core::{Dataset, Key, Result};

/// Observed numbers that turn reach over more than this many radians.
const TURN_RAD: f64 = 3.2;

/// Ranges of the episodes.
pub(super) fn episodes(data: &Dataset) -> Vec<Range<usize>> {
    let mut episodes = Vec::new();
    let mut first = 0;
    for i in 0..data.len() {
        if data.episode_ends()[i] || i + 1 == data.len() {
            episodes.push(first..i + 1);
            first = i + 1;
        }
    }
    episodes
}

/// Training and held-out episodes; of fewer than four, each gives its end to the held-out part, as an episode of its own.
pub(super) fn split(data: &Dataset, episodes: Vec<Range<usize>>, share: f64, key: Key) -> Result<(Dataset, Dataset)> {
    let empty = || Dataset::new(data.observation_dim(), data.action_dim());
    let (mut training, mut held_out) = (empty(), empty());
    if episodes.len() < 4 {
        for episode in episodes {
            let kept = ((1.0 - share) * episode.len() as f64).ceil() as usize;
            let cut = episode.start + kept.min(episode.len());
            training.append_rows(data, episode.start..cut)?;
            if cut < episode.end {
                held_out.append_rows(data, cut..episode.end)?;
            }
        }
        return Ok((training, held_out));
    }
    let mut order: Vec<usize> = (0..episodes.len()).collect();
    key.rng().shuffle(&mut order);
    let wanted = share * data.len() as f64;
    let mut out = vec![false; episodes.len()];
    let mut taken = 0;
    // The last one stays to be learned from, however long the others are.
    for episode in &order[1..] {
        if taken as f64 >= wanted {
            break;
        }
        out[*episode] = true;
        taken += episodes[*episode].len();
    }
    for (episode, out) in episodes.into_iter().zip(out) {
        if out { held_out.append_rows(data, episode)? } else { training.append_rows(data, episode)? }
    }
    Ok((training, held_out))
}

/// Whether an observed number reaches so far that it may be an angle.
pub(super) fn turns(data: &Dataset, dim: usize) -> bool {
    let (low, high) = (0..data.len())
        .map(|i| data.observation(i)[dim])
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    high - low > TURN_RAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(lengths: &[usize]) -> Dataset {
        let mut data = Dataset::new(1, 1);
        for length in lengths {
            for step in 0..*length {
                data.push(&[data.len() as f64], &[0.0], 0.0, &[0.0], false, step + 1 == *length).unwrap();
            }
        }
        data
    }

    #[test]
    fn episodes_stay_whole_and_each_transition_is_used_once() {
        let all = data(&[5, 7, 3, 9, 6]);
        let (training, held_out) = split(&all, episodes(&all), 0.25, Key::new(1)).unwrap();
        assert_eq!(training.len() + held_out.len(), all.len());
        assert!(held_out.len() >= 8 && !training.is_empty(), "{}", held_out.len());
        let ends = |data: &Dataset| data.episode_ends().iter().filter(|end| **end).count();
        assert_eq!(ends(&training) + ends(&held_out), 5);
    }

    #[test]
    fn the_end_of_a_single_episode_is_held_out() {
        let all = data(&[20]);
        let (training, held_out) = split(&all, episodes(&all), 0.25, Key::new(1)).unwrap();
        assert_eq!((training.len(), held_out.len(), held_out.observation(0)), (15, 5, &[15.0][..]));
        assert_eq!(episodes(&training).len(), 1);
        assert!(turns(&all, 0) && !turns(&data(&[4]), 0));
    }
}
