//! The landmark count (Richter and Westphal, "The LAMA planner", JAIR 39, 2010, section 4) with the progression of Büchner, Keller,
//! Eriksson and Helmert ("Landmark progression in heuristic search", ICAPS 2023).
//!
//! For each state two sets are kept: the landmarks that were true on the way to it, and those that must still become true. The
//! latter are those that the parent had open and that its operator did not achieve, the literals of the goal that are false, what
//! is needed at the moment before a landmark that was never true, and what should come after one that was never true. Their number
//! is the estimate. Where the sets of landmarks would not fit, only the goal is counted.

use super::estimate::{Heuristic, Visit};
use super::landmark_graph::{Landmark, landmark, landmarks};
use super::landmark_sets::LandmarkSets;
use super::literal::{bit, set};
use super::relaxation::Relaxation;
use super::task::Task;

/// Bytes that the landmark sets of all propositions may take.
const MOST_BYTES: usize = 128 << 20;

/// Counts landmarks.
pub(crate) struct Landmarks {
    landmarks: Vec<Landmark>,
    /// Whether the goal can be reached at all in the relaxation.
    reachable: bool,
    words: usize,
    /// Landmarks with orders, and as bits those that they come just before, or that should come before them.
    just_before: Vec<(u32, Vec<u64>)>,
    reasonable: Vec<(u32, Vec<u64>)>,
    /// For each state, by number, a bit for each landmark that was true on the way to it; the same for those to come.
    past: Vec<u64>,
    future: Vec<u64>,
    /// For each state, which landmarks are true in it.
    holds: Vec<u64>,
    /// The literals of the landmarks that the last state has to come to.
    wanted: Vec<u64>,
}

impl Landmarks {
    pub(crate) fn new(task: &Task) -> Self {
        let relaxation = Relaxation::new(task);
        let fits = relaxation.propositions * relaxation.propositions.div_ceil(64) * 8 <= MOST_BYTES;
        let found = if fits {
            landmarks(task, &relaxation, &LandmarkSets::new(task, &relaxation))
        } else {
            Some(relaxation.goal.iter().map(|&goal| landmark(&relaxation, vec![goal])).collect())
        };
        let reachable = found.is_some();
        let landmarks = found.unwrap_or_default();
        let words = landmarks.len().div_ceil(64);
        let masks = |orders: fn(&Landmark) -> &[u32]| -> Vec<(u32, Vec<u64>)> {
            let mask = |others: &[u32]| {
                let mut mask = vec![0; words];
                others.iter().for_each(|&other| set(&mut mask, other));
                mask
            };
            let ordered = (0..).zip(&landmarks).filter(|(_, landmark)| !orders(landmark).is_empty());
            ordered.map(|(number, landmark)| (number, mask(orders(landmark)))).collect()
        };
        Self {
            just_before: masks(|landmark| &landmark.just_before),
            reasonable: masks(|landmark| &landmark.reasonable),
            landmarks,
            reachable,
            words,
            past: Vec::new(),
            future: Vec::new(),
            holds: Vec::new(),
            wanted: vec![0; (task.facts() * 2).div_ceil(64)],
        }
    }
}

/// Whether one of the landmarks of a mask was never true.
fn open(mask: &[u64], past: &[u64]) -> bool {
    mask.iter().zip(past).any(|(mask, past)| mask & !past != 0)
}

impl Heuristic for Landmarks {
    fn evaluate(&mut self, state: &[u64], visit: Visit) -> Option<u32> {
        if !self.reachable {
            return None;
        }
        let (words, place) = (self.words, visit.state as usize * self.words);
        // States that another heuristic has found hopeless leave a gap.
        for list in [&mut self.past, &mut self.future, &mut self.holds] {
            list.resize(list.len().max(place + words), 0);
        }
        let holds = &mut self.holds[place..place + words];
        for (number, landmark) in (0..).zip(&self.landmarks) {
            if landmark.literals.iter().any(|literal| literal.is_true_in(state)) {
                set(holds, number);
            }
        }
        let from = visit.parent.map(|parent| parent as usize * words);
        for word in 0..words {
            let holds = self.holds[place + word];
            let (past, to_come, held) = match from {
                Some(from) => (self.past[from + word], self.future[from + word], self.holds[from + word]),
                None => (0, 0, 0),
            };
            self.past[place + word] = past | holds;
            // What held before was not achieved by the operator, and stays open if it was.
            self.future[place + word] = to_come & (!holds | held);
        }
        let (past, holds) = (&self.past[place..place + words], &self.holds[place..place + words]);
        let future = &mut self.future[place..place + words];
        self.wanted.fill(0);
        for (number, landmark) in (0..).zip(&self.landmarks) {
            if !bit(holds, number) && (landmark.goal || !bit(past, number)) {
                if !landmark.achievable {
                    return None;
                }
                set(future, number);
                landmark.literals.iter().for_each(|literal| set(&mut self.wanted, literal.index() as u32));
            }
        }
        for (number, after) in &self.just_before {
            if !bit(holds, *number) && open(after, past) {
                if !self.landmarks[*number as usize].achievable {
                    return None;
                }
                set(future, *number);
            }
        }
        for (number, before) in &self.reasonable {
            if open(before, past) {
                set(future, *number);
            }
        }
        Some(future.iter().map(|word| word.count_ones()).sum())
    }
    fn wanted(&self) -> &[u64] {
        &self.wanted
    }
}
