//! What every arena of rows does the same way: moving rows between columns and batches, and checking what a caller asks for.

use std::time::Instant;

use rayon::prelude::*;
use worldwright_core::{Actions, Error, Result, Rows, Space};

/// Work in nanoseconds below which other threads are not even tried.
const WORTH_TRYING_NS: f64 = 15_000.0;
/// Steps after which the slower way is tried again, since the machine's load changes …
const TRY_AGAIN: u32 = 512;
/// … for so many steps, of which the first count for nothing: threads that were asleep have to wake.
const TRIED: u32 = 16;
const WAKING: u32 = 4;

/// Whether the blocks of a step are shared among threads, found by timing both ways: what handing them over costs depends on the
/// machine and its load. It decides who computes a block, never what comes out.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    /// Nanoseconds a row on one thread and on all, zero where not yet seen.
    alone_ns: f64,
    shared_ns: f64,
    since_tried: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { alone_ns: 0.0, shared_ns: 0.0, since_tried: TRIED }
    }
}

impl Pace {
    /// Does `work` on each block, with its index; the blocks hold `rows` rows together.
    pub(crate) fn each<T: Send>(
        &mut self,
        rows: usize,
        blocks: &mut [T],
        work: impl Fn((usize, &mut T)) + Send + Sync,
    ) {
        self.run(rows, blocks.len(), |shared| {
            if shared {
                blocks.par_iter_mut().with_max_len(1).enumerate().for_each(work);
            } else {
                blocks.iter_mut().enumerate().for_each(work);
            }
        });
    }

    /// Does the `work` on `blocks` blocks of `rows` rows together, told whether to share it among threads.
    pub(crate) fn run(&mut self, rows: usize, blocks: usize, work: impl FnOnce(bool)) {
        if blocks < 2 || rayon::current_num_threads() < 2 {
            // Nothing to choose, so nothing to time.
            return work(false);
        }
        let shared = self.shares(rows);
        let start = Instant::now();
        work(shared);
        let seen = start.elapsed().as_nanos() as f64 / rows.max(1) as f64;
        if self.since_tried < WAKING {
            return;
        }
        let mean = if shared { &mut self.shared_ns } else { &mut self.alone_ns };
        // An interruption by another program says nothing of either way.
        *mean = if *mean == 0.0 { seen } else { 0.8 * *mean + 0.2 * seen.min(2.0 * *mean) };
    }

    fn shares(&mut self, rows: usize) -> bool {
        if self.alone_ns * rows as f64 <= WORTH_TRYING_NS {
            return false;
        }
        self.since_tried = (self.since_tried + 1) % TRY_AGAIN;
        let quicker = self.shared_ns < self.alone_ns;
        if self.since_tried < TRIED { !quicker } else { quicker }
    }
}

/// Copies the numbers of the rows from place `first` of `rows` on.
pub(crate) fn gather(column: &[f64], rows: &Rows<'_>, first: usize, out: &mut [f64]) {
    match rows {
        Rows::Span(span) => out.copy_from_slice(&column[span.start + first..][..out.len()]),
        Rows::List(list) => out.iter_mut().zip(&list[first..]).for_each(|(slot, row)| *slot = column[*row as usize]),
    }
}

/// The inverse of [`gather`].
pub(crate) fn scatter(values: &[f64], rows: &Rows<'_>, first: usize, column: &mut [f64]) {
    match rows {
        Rows::Span(span) => column[span.start + first..][..values.len()].copy_from_slice(values),
        Rows::List(list) => values.iter().zip(&list[first..]).for_each(|(value, row)| column[*row as usize] = *value),
    }
}

/// Writes one number to each of `rows`.
pub(crate) fn spread(number: f64, rows: &Rows<'_>, column: &mut [f64]) {
    match rows {
        Rows::Span(span) => column[span.clone()].fill(number),
        Rows::List(list) => list.iter().for_each(|row| column[*row as usize] = number),
    }
}

/// Refuses rows beyond an arena of `capacity` rows.
pub(crate) fn check_rows(rows: &Rows<'_>, capacity: usize) -> Result<()> {
    if rows.end() > capacity { Err(Error::shape("rows of the arena", &[capacity], &[rows.end()])) } else { Ok(()) }
}

/// Refuses a row beyond the arena and a latent of another length.
pub(crate) fn check_latent(row: usize, capacity: usize, given: usize, wanted: usize) -> Result<()> {
    if row >= capacity || given != wanted {
        return Err(Error::shape("latent's row and length", &[capacity, wanted], &[row, given]));
    }
    Ok(())
}

/// Refuses a step whose rows, actions and arena do not fit together.
pub(crate) fn check_step(
    from: &Rows<'_>,
    actions: &Actions<'_>,
    to: &Rows<'_>,
    capacity: usize,
    action_space: &Space,
) -> Result<()> {
    check_rows(from, capacity)?;
    check_rows(to, capacity)?;
    if to.len() != from.len() || actions.rows() != from.len() {
        return Err(Error::shape("rows to step into, actions", &[from.len(), from.len()], &[to.len(), actions.rows()]));
    }
    match (action_space, actions) {
        (space, Actions::Discrete(choices)) => {
            let n = space.count().unwrap_or(0);
            match choices.iter().find(|choice| **choice as usize >= n) {
                Some(choice) => Err(Error::NotInSpace {
                    what: "action".into(),
                    reason: format!("choice {choice} is not below {n}, the number of choices of {action_space}"),
                }),
                None => Ok(()),
            }
        }
        (Space::Discrete { .. }, Actions::Continuous(_)) => Err(Error::NotInSpace {
            what: "actions".into(),
            reason: format!("real numbers are no choices of {action_space}"),
        }),
        (space, Actions::Continuous(columns)) if columns.dims() == space.flat_dim() => Ok(()),
        (space, Actions::Continuous(columns)) => {
            Err(Error::shape("action columns", &[space.flat_dim()], &[columns.dims()]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_work_stays_on_one_thread() {
        let mut pace = Pace { alone_ns: 1.0, ..Pace::default() };
        assert!((0..2 * TRY_AGAIN).all(|_| !pace.shares(100)));
    }

    #[test]
    fn the_quicker_way_is_taken_and_the_other_tried_now_and_then() {
        for (alone_ns, shared_ns) in [(200.0, 150.0), (150.0, 200.0)] {
            let mut pace = Pace { alone_ns, shared_ns, since_tried: TRIED };
            let shared = (0..TRY_AGAIN).filter(|_| pace.shares(1000)).count() as u32;
            let quicker_shared = shared_ns < alone_ns;
            assert_eq!(shared, if quicker_shared { TRY_AGAIN - TRIED } else { TRIED });
        }
    }

    #[test]
    fn every_block_is_worked_on_once_either_way() {
        let mut pace = Pace { alone_ns: 1e9, ..Pace::default() };
        for round in 1..=40 {
            let mut blocks = [0_usize; 7];
            pace.each(100, &mut blocks, |(i, block)| *block += i + round);
            assert!(blocks.iter().enumerate().all(|(i, block)| *block == i + round), "{blocks:?}");
        }
    }
}
