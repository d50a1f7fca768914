//! What grounding drops, and what the relaxation drops, against what must remain.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use proptest::prelude::*;
use worldwright_symbolic::{Algorithm, HeuristicKind, SearchOptions, ground};

use super::lm_cut::{Action, written};
use super::{astar, cost, read, solve};

/// Cars that park at the kerb or behind another car. Nothing in the domain forbids to park a car behind itself, but to leave that
/// place would need it to be free, which a car that another stands behind is not.
const PARKING: &str = "(define (domain parking) (:requirements :strips :typing) (:types car kerb)
  (:predicates (at-kerb ?c - car) (at ?c - car ?k - kerb) (behind ?c ?f - car) (free ?c - car) (open ?k - kerb))
  (:action out :parameters (?c ?f - car ?k - kerb) :precondition (and (free ?c) (open ?k) (behind ?c ?f))
    :effect (and (not (open ?k)) (free ?f) (at ?c ?k) (not (behind ?c ?f)) (at-kerb ?c)))
  (:action in :parameters (?c - car ?k - kerb ?f - car) :precondition (and (free ?c) (free ?f) (at ?c ?k) (at-kerb ?f))
    :effect (and (not (free ?f)) (open ?k) (behind ?c ?f) (not (at ?c ?k)) (not (at-kerb ?c))))
  (:action over :parameters (?c ?f ?t - car) :precondition (and (free ?c) (free ?t) (behind ?c ?f) (at-kerb ?t))
    :effect (and (not (free ?t)) (free ?f) (behind ?c ?t) (not (behind ?c ?f)))))";

const THREE_CARS: &str = "(define (problem three) (:domain parking) (:objects a b c - car k l m - kerb)
  (:init (at-kerb a) (at a k) (at-kerb c) (at c l) (free c) (behind b a) (free b) (open m)) (:goal (behind a b)))";

#[test]
fn operators_that_need_what_excludes_each_other_are_dropped() {
    let (domain, problem) = read(PARKING, THREE_CARS);
    let task = ground(&domain, &problem).unwrap();
    // `out` from behind another car at three kerbs, `in` behind any car, and `over` from another car to any but that one.
    assert_eq!(task.operators(), 3 * 2 * 3 + 3 * 3 * 3 + 3 * 2 * 2);
    assert_eq!(cost(&solve(&domain, &problem, &astar(HeuristicKind::Blind))), 2);
}

/// Two keys that must lie in one place, where to lay one down is also possible by taking another up.
const KEYS: &str = "(define (domain keys) (:requirements :strips)
  (:predicates (holds ?k) (lies ?k) (empty) (key ?k))
  (:action lay :parameters (?k) :precondition (and (key ?k) (holds ?k)) :effect (and (lies ?k) (empty) (not (holds ?k))))
  (:action swap :parameters (?a ?k) :precondition (and (key ?a) (key ?k) (holds ?k) (lies ?a))
    :effect (and (lies ?k) (holds ?a) (not (holds ?k)) (not (lies ?a)))))";

#[test]
fn relaxed_plans_take_the_operator_that_needs_less() {
    let problem = "(define (problem p) (:domain keys) (:objects a b) (:init (key a) (key b) (holds b) (lies a))
      (:goal (and (lies a) (lies b))))";
    let (domain, problem) = read(KEYS, problem);
    let only = SearchOptions { heuristics: vec![HeuristicKind::Ff], ..SearchOptions::new(Algorithm::Gbfs) };
    let report = solve(&domain, &problem, &only);
    // The one preferred operator is to lay down, and the first state that it makes is the goal.
    assert_eq!((cost(&report), report.statistics.evaluated), (1, 2));
}

/// The cost of a cheapest plan over all 256 states.
fn cheapest(actions: &[Action], goal: u8) -> Option<u64> {
    let mut best = [u64::MAX; 256];
    let mut open = BinaryHeap::from([Reverse((0, 1_u8))]);
    best[1] = 0;
    while let Some(Reverse((cost, state))) = open.pop() {
        if state & goal == goal {
            return Some(cost);
        }
        for &(needs, adds, deletes, price) in actions.iter().filter(|action| state & action.0 == action.0) {
            let (next, total) = (state & !deletes | adds, cost + u64::from(price));
            debug_assert!(needs & !state == 0);
            if total < best[next as usize] {
                best[next as usize] = total;
                open.push(Reverse((total, next)));
            }
        }
    }
    None
}

proptest! {
    /// Tasks of tokens that move (an action takes one fact away and makes another true) with others mixed in are rich in facts that
    /// exclude each other; what is dropped for that must not change what can be reached, or at which cost.
    #[test]
    fn what_is_dropped_changes_no_cost(
        moves in prop::collection::vec((0..8_u32, 0..8_u32, 0..=255_u8, any::<[bool; 2]>(), 0..6_u8), 1..16),
        goal in 1..=255_u8,
        sparse in any::<(u8, u8)>(),
    ) {
        let actions: Vec<Action> = moves
            .iter()
            .map(|&(from, to, more, [second, keeps], price)| {
                let needs = 1 << from | if second { more & more.rotate_left(3) & sparse.0 } else { 0 };
                let deletes = if keeps { 0 } else { 1 << from };
                (needs, 1 << to, deletes & !(1 << to), price)
            })
            .collect();
        let goal = match goal & sparse.1 & sparse.0 { 0 => goal & goal.wrapping_neg(), some => some };
        let (domain, problem) = written(&actions, goal);
        let (domain, problem) = read(&domain, &problem);
        let expected = cheapest(&actions, goal);
        for heuristic in [HeuristicKind::Blind, HeuristicKind::Hmax, HeuristicKind::LmCut] {
            let found = solve(&domain, &problem, &astar(heuristic)).plan.map(|plan| plan.cost);
            prop_assert_eq!(found, expected, "{:?}", heuristic);
        }
        let greedy = solve(&domain, &problem, &SearchOptions::new(Algorithm::Gbfs)).plan;
        prop_assert_eq!(greedy.is_some(), expected.is_some());
    }
}
