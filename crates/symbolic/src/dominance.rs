//! Relaxed operators without what others achieve more easily.
//!
//! An operator achieves a literal for nothing if another one achieves it that needs a part of the same and costs no more. The costs
//! of literals by maximum and by sum do not change without it, but relaxed plans do: of two supporters that cost the same, the one
//! that needs more is the one that more often undoes something (to swap one key for another, where laying it down would do). Fast
//! Downward drops the same.

use std::collections::HashMap;

use super::relaxation::Relaxation;

/// Literals of a precondition of which all parts are looked up.
const MOST_LITERALS: usize = 5;

/// The relaxation without the effects that are dominated, and without the operators that have no other; `costs` are those of the
/// operators of the task.
pub(crate) fn without_dominated(relaxation: Relaxation, costs: &[u32]) -> Relaxation {
    let all = 0..relaxation.operators() as u32;
    let cost = |operator: u32| costs[relaxation.origin[operator as usize] as usize];
    // The cheapest operator, and of equals the first, for each precondition and effect; their sum stands for a set.
    let mut cheapest: HashMap<u64, u32> = HashMap::new();
    // For each effect the length of the shortest precondition.
    let mut least = vec![usize::MAX; relaxation.propositions];
    for operator in all.clone() {
        let needed = relaxation.preconditions.row(operator);
        let sum = sum(needed.iter());
        for &effect in relaxation.effects.row(operator) {
            let least = &mut least[effect as usize];
            *least = needed.len().min(*least);
            let best = cheapest.entry(key(sum, effect)).or_insert(operator);
            if cost(operator) < cost(*best) {
                *best = operator;
            }
        }
    }
    let dominates = |other: u32, operator: u32, effect: u32| {
        let needed = relaxation.preconditions.row(operator);
        other != operator
            && cost(other) <= cost(operator)
            && relaxation.effects.row(other).contains(&effect)
            && relaxation.preconditions.row(other).iter().all(|p| needed.contains(p))
    };
    let keeps = |operator: u32, effect: u32| {
        let needed = relaxation.preconditions.row(operator);
        let whole = sum(needed.iter());
        let found = |set: u64| cheapest.get(&key(set, effect)).is_some_and(|&other| dominates(other, operator, effect));
        let parts = if needed.len() <= MOST_LITERALS && least[effect as usize] < needed.len() {
            1_u32 << needed.len()
        } else {
            1
        };
        let part = |mask: u32| sum((0..).zip(needed).filter(|(place, _)| mask >> place & 1 == 1).map(|(_, p)| p));
        // The last part is the whole, which has been looked up.
        !found(whole) && !(0..parts - 1).any(|mask| found(part(mask)))
    };
    let effects: Vec<Vec<u32>> = all
        .map(|operator| {
            let row = relaxation.effects.row(operator).iter().copied();
            row.filter(|&effect| keeps(operator, effect)).collect()
        })
        .collect();
    relaxation.with_effects(effects)
}

/// Stands for a set of propositions.
fn sum<'a>(propositions: impl Iterator<Item = &'a u32>) -> u64 {
    propositions.fold(0, |sum, &proposition| sum.wrapping_add(scramble(proposition)))
}

/// Numbers that add up to different sums for different sets.
fn scramble(number: u32) -> u64 {
    let mixed = (u64::from(number) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

fn key(set: u64, effect: u32) -> u64 {
    set ^ scramble(effect).rotate_left(17)
}
