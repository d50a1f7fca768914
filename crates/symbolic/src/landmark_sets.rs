//! The fact landmarks of the delete relaxation (Zhu and Givan, ICAPS doctoral consortium 2003; Keyder, Richter and Helmert, ECAI
//! 2010, for the complete set).
//!
//! A literal is a landmark of p if every relaxed plan for p makes it true:
//! `L(p) = {p} ∪ ⋂ over achievers o of p (⋃ over q in pre(o) L(q))`, the greatest fixpoint.

use super::literal::{bit, set};
use super::relaxation::Relaxation;
use super::task::Task;

/// For each proposition the landmarks of it, as bits.
pub(crate) struct LandmarkSets {
    words: usize,
    bits: Vec<u64>,
    /// Whether the relaxation reaches it at all, and whether it is true at first.
    pub(crate) reached: Vec<bool>,
    pub(crate) initial: Vec<bool>,
}

impl LandmarkSets {
    pub(crate) fn new(task: &Task, relaxation: &Relaxation) -> Self {
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

    /// The landmarks of a proposition, a bit each.
    pub(crate) fn of(&self, proposition: u32) -> &[u64] {
        &self.bits[proposition as usize * self.words..][..self.words]
    }

    /// The landmarks of all of `propositions`: nothing if one cannot be reached.
    pub(crate) fn of_all(&self, propositions: &[u32]) -> Option<Vec<u32>> {
        if !propositions.iter().all(|&p| self.reached[p as usize]) {
            return None;
        }
        let all = 0..self.reached.len() as u32;
        Some(all.filter(|&landmark| propositions.iter().any(|&p| bit(self.of(p), landmark))).collect())
    }

    /// The relaxed operators that may be the first to achieve a proposition.
    pub(crate) fn first_achievers(&self, relaxation: &Relaxation, proposition: u32) -> Vec<u32> {
        let first = |operator: &u32| {
            let needed = relaxation.preconditions.row(*operator);
            needed.iter().all(|&p| self.reached[p as usize] && !bit(self.of(p), proposition))
        };
        relaxation.achieved_by.row(proposition).iter().copied().filter(first).collect()
    }
}
