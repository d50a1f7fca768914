//! The landmark count (Richter and Westphal, JAIR 39, 2010, section 4) over the fact landmarks of the delete relaxation (Zhu and
//! Givan, ICAPS doctoral consortium 2003; Keyder, Richter and Helmert, ECAI 2010, for the complete set).
//!
//! A literal is a landmark of p if every relaxed plan for p makes it true:
//! `L(p) = {p} ∪ ⋂ over achievers o of p (⋃ over q in pre(o) L(q))`, the greatest fixpoint. The estimate of a state counts the
//! landmarks of the goal that were not true on the way to it, and those that were but must be again: a literal of the goal, or
//! one that every first achiever of a landmark still to come needs. Where the sets would not fit, only the goal is counted.

use super::heuristic::{Heuristic, Visit};
use super::relaxation::Relaxation;
use super::task::{Literal, Task, bit, set};

/// Bytes that the landmark sets of all propositions may take.
const MOST_BYTES: usize = 128 << 20;

/// Counts landmarks.
pub(crate) struct Landmarks {
    landmarks: Vec<Landmark>,
    /// Whether the goal can be reached at all in the relaxation.
    reachable: bool,
    words: usize,
    /// For each state, by number, a bit for each landmark that was true on the way to it.
    reached: Vec<u64>,
}

struct Landmark {
    literal: Literal,
    goal: bool,
    /// The landmarks that need this one at the moment before they first become true.
    just_before: Vec<u32>,
}

impl Landmarks {
    pub(crate) fn new(task: &Task) -> Self {
        let relaxation = Relaxation::new(task);
        let fits = relaxation.propositions * relaxation.propositions.div_ceil(64) * 8 <= MOST_BYTES;
        let sets = fits.then(|| Sets::new(task, &relaxation));
        let found = match &sets {
            Some(sets) => sets.of_all(&relaxation.goal),
            None => Some(relaxation.goal.clone()),
        };
        let reachable = found.is_some();
        let found = found.unwrap_or_default();
        let mut place = vec![None; relaxation.propositions];
        (0_u32..).zip(&found).for_each(|(i, &proposition)| place[proposition as usize] = Some(i));
        let mut landmarks: Vec<Landmark> = found
            .iter()
            .map(|&proposition| Landmark {
                literal: relaxation.literal(proposition),
                goal: relaxation.goal.contains(&proposition),
                just_before: Vec::new(),
            })
            .collect();
        if let Some(sets) = &sets {
            for (i, &proposition) in (0..).zip(&found) {
                for before in sets.just_before(&relaxation, proposition) {
                    if let Some(before) = place[before as usize] {
                        landmarks[before as usize].just_before.push(i);
                    }
                }
            }
        }
        Self { words: landmarks.len().div_ceil(64), landmarks, reachable, reached: Vec::new() }
    }
}

impl Heuristic for Landmarks {
    fn evaluate(&mut self, state: &[u64], visit: Visit) -> Option<u32> {
        if !self.reachable {
            return None;
        }
        let (words, place) = (self.words, visit.state as usize * self.words);
        // States that another heuristic has found hopeless leave a gap.
        self.reached.resize(place + words, 0);
        if let Some(parent) = visit.parent {
            let from = parent as usize * words;
            self.reached.copy_within(from..from + words, place);
        }
        let reached = &mut self.reached[place..];
        let mut missing: Vec<u32> = Vec::new();
        let mut count = 0;
        for (i, landmark) in (0..).zip(&self.landmarks) {
            if landmark.literal.is_true_in(state) {
                set(reached, i);
            } else if bit(reached, i) {
                missing.push(i);
            } else {
                count += 1;
            }
        }
        let again = |&&i: &&u32| {
            let landmark = &self.landmarks[i as usize];
            landmark.goal || landmark.just_before.iter().any(|&after| !bit(reached, after))
        };
        Some(count + missing.iter().filter(again).count() as u32)
    }
}

/// For each proposition the landmarks of it, as bits.
struct Sets {
    words: usize,
    bits: Vec<u64>,
    reached: Vec<bool>,
    initial: Vec<bool>,
}

impl Sets {
    fn new(task: &Task, relaxation: &Relaxation) -> Self {
        let words = relaxation.propositions.div_ceil(64);
        let mut sets = Self {
            words,
            bits: vec![u64::MAX; relaxation.propositions * words],
            reached: vec![false; relaxation.propositions],
            initial: vec![false; relaxation.propositions],
        };
        let mut open = std::collections::VecDeque::new();
        let mut queued = vec![false; relaxation.operators()];
        let wake = |open: &mut std::collections::VecDeque<u32>, queued: &mut [bool], proposition: u32| {
            for &operator in relaxation.needed_by.row(proposition) {
                if !std::mem::replace(&mut queued[operator as usize], true) {
                    open.push_back(operator);
                }
            }
        };
        relaxation.each_true(&task.initial, |proposition| {
            sets.initial[proposition as usize] = true;
            sets.reached[proposition as usize] = true;
            let own = &mut sets.bits[proposition as usize * words..][..words];
            own.fill(0);
            set(own, proposition);
            wake(&mut open, &mut queued, proposition);
        });
        for operator in 0..relaxation.operators() as u32 {
            if relaxation.preconditions.row(operator).is_empty() {
                queued[operator as usize] = true;
                open.push_back(operator);
            }
        }
        let mut union = vec![0; words];
        while let Some(operator) = open.pop_front() {
            queued[operator as usize] = false;
            let needed = relaxation.preconditions.row(operator);
            if !needed.iter().all(|&p| sets.reached[p as usize]) {
                continue;
            }
            union.fill(0);
            for &p in needed {
                union.iter_mut().zip(&sets.bits[p as usize * words..][..words]).for_each(|(all, own)| *all |= own);
            }
            for &effect in relaxation.effects.row(operator) {
                if sets.initial[effect as usize] {
                    continue;
                }
                let mut changed = !std::mem::replace(&mut sets.reached[effect as usize], true);
                let own = &mut sets.bits[effect as usize * words..][..words];
                for (word, (own, all)) in own.iter_mut().zip(&union).enumerate() {
                    let itself = if effect as usize / 64 == word { 1 << (effect % 64) } else { 0 };
                    let narrowed = *own & (all | itself);
                    changed |= narrowed != *own;
                    *own = narrowed;
                }
                if changed {
                    wake(&mut open, &mut queued, effect);
                }
            }
        }
        sets
    }

    fn of(&self, proposition: u32) -> &[u64] {
        &self.bits[proposition as usize * self.words..][..self.words]
    }

    /// The landmarks of all of `propositions`: nothing if one cannot be reached.
    fn of_all(&self, propositions: &[u32]) -> Option<Vec<u32>> {
        if !propositions.iter().all(|&p| self.reached[p as usize]) {
            return None;
        }
        let all = 0..self.reached.len() as u32;
        Some(all.filter(|&landmark| propositions.iter().any(|&p| bit(self.of(p), landmark))).collect())
    }

    /// What every relaxed operator needs that may be the first to achieve a proposition.
    fn just_before(&self, relaxation: &Relaxation, proposition: u32) -> Vec<u32> {
        if self.initial[proposition as usize] {
            return Vec::new();
        }
        let first = relaxation.achieved_by.row(proposition).iter().filter(|&&operator| {
            let needed = relaxation.preconditions.row(operator);
            needed.iter().all(|&p| self.reached[p as usize] && !bit(self.of(p), proposition))
        });
        let rows = first.map(|&operator| relaxation.preconditions.row(operator).to_vec());
        rows.reduce(|common, row| common.into_iter().filter(|p| row.contains(p)).collect()).unwrap_or_default()
    }
}
