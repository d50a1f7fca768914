//! LM-cut against exact costs, by brute force and by another planner.

use proptest::prelude::*;
use worldwright_symbolic::{Algorithm, HeuristicKind, LmCutTies, SearchOptions, SearchStatus};

use super::{astar, read, solve, text};

/// All ways to break ties.
fn every_tie() -> impl Iterator<Item = LmCutTies> {
    (0..4).map(|bits| LmCutTies { goal_zone_detection: bits & 1 == 1, border_detection: bits & 2 == 2 })
}

fn lm_cut(ties: LmCutTies) -> SearchOptions {
    SearchOptions { lm_cut: ties, ..SearchOptions::new(Algorithm::AStar) }
}

const NEITHER: LmCutTies = LmCutTies { goal_zone_detection: false, border_detection: false };

/// Fast Downward 26.6 estimates 8 and expands 48 states with both detections, `--search "astar(lmcut())"`, and 131 with neither,
/// `"astar(lmcut(goal_zone_detection=false, border_detection=false))"`, where the order of the facts decides.
#[test]
fn ties_are_broken_as_fast_downward_breaks_them() {
    let (domain, problem) = read(&text("sokoban-domain.pddl"), &text("sokoban-01.pddl"));
    let both = solve(&domain, &problem, &SearchOptions::new(Algorithm::AStar));
    assert_eq!((both.statistics.initial_estimate, both.statistics.expanded), (Some(8), 48));
    let neither = solve(&domain, &problem, &lm_cut(NEITHER));
    assert!(neither.statistics.expanded > both.statistics.expanded * 5 / 4, "{}", neither.statistics.expanded);
}

/// The goal takes `last`, which is free and needs two things that cost 4 each: `left` is bought at once; `right` is free once
/// `deep` is bought, for 4, or `side`, for 1 after 3. By hand: through the border, the first cut is {buy-left} at 4, and the
/// second {buy-deep, buy-side} at 1, then {buy-deep, begin} at 3: together 8, what a plan costs.
#[test]
fn by_hand_the_cuts_of_a_small_task_make_its_cost() {
    let domain =
        "(define (domain shop) (:predicates (left) (right) (deep) (side) (begun) (done)) (:functions (total-cost))
      (:action buy-left :effect (and (left) (increase (total-cost) 4)))
      (:action buy-deep :effect (and (deep) (increase (total-cost) 4)))
      (:action begin :effect (and (begun) (increase (total-cost) 3)))
      (:action buy-side :precondition (begun) :effect (and (side) (increase (total-cost) 1)))
      (:action unpack-deep :precondition (deep) :effect (and (right) (increase (total-cost) 0)))
      (:action unpack-side :precondition (side) :effect (and (right) (increase (total-cost) 0)))
      (:action last :precondition (and (left) (right)) :effect (and (done) (increase (total-cost) 0))))";
    let problem = "(define (problem p) (:domain shop) (:init) (:goal (done)) (:metric minimize (total-cost)))";
    let (domain, problem) = read(domain, problem);
    let report = solve(&domain, &problem, &SearchOptions::new(Algorithm::AStar));
    assert_eq!((report.statistics.initial_estimate, report.plan.map(|plan| plan.cost)), (Some(8), Some(8)));
}

/// An action over eight propositions: what it needs, adds and deletes, as bits, and its cost.
pub(super) type Action = (u8, u8, u8, u8);

/// A task in PDDL: proposition 0 holds at first, the goal is given by bits.
pub(super) fn written(actions: &[Action], goal: u8) -> (String, String) {
    let list = |bits: u8, wrap: &dyn Fn(usize) -> String| -> String {
        (0..8).filter(|i| bits >> i & 1 == 1).map(wrap).collect::<Vec<_>>().join(" ")
    };
    let atom = |i: usize| format!("(p{i})");
    let not = |i: usize| format!("(not (p{i}))");
    let mut domain = format!("(define (domain small) (:predicates {}) (:functions (total-cost))\n", list(255, &atom));
    for (number, &(needs, adds, deletes, cost)) in actions.iter().enumerate() {
        domain.push_str(&format!(
            "(:action a{number} :precondition (and {}) :effect (and {} {} (increase (total-cost) {cost})))\n",
            list(needs, &atom),
            list(deletes & !adds, &not),
            list(adds, &atom),
        ));
    }
    domain.push(')');
    let problem = format!(
        "(define (problem p) (:domain small) (:init (p0)) (:goal (and {})) (:metric minimize (total-cost)))",
        list(goal, &atom)
    );
    (domain, problem)
}

proptest! {
    /// By search without a guide every cost is exact: no estimate of LM-cut is higher, however ties are broken, and A* with it
    /// finds the same cost.
    #[test]
    fn lm_cut_is_admissible_on_random_tasks(
        actions in prop::collection::vec((0..=255_u8, 1..=255_u8, 0..=255_u8, 0..6_u8), 1..14),
        goal in 1..=255_u8,
        sparse in any::<(u8, u8, u8)>(),
    ) {
        // Few bits in each mask, so that plans have several steps.
        let actions: Vec<Action> = (0_u32..)
            .zip(&actions)
            .map(|(i, &(needs, adds, deletes, cost))| {
                let needs = needs & sparse.0.rotate_left(i) & sparse.1.rotate_right(i);
                (needs, adds & sparse.1.rotate_left(3 * i) | 1 << (i % 8), deletes & sparse.2.rotate_left(i), cost)
            })
            .collect();
        let (domain, problem) = written(&actions, goal);
        let (domain, problem) = read(&domain, &problem);
        let exact = solve(&domain, &problem, &astar(HeuristicKind::Blind));
        for ties in every_tie() {
            let report = solve(&domain, &problem, &lm_cut(ties));
            prop_assert_eq!(report.status, exact.status);
            let (Some(plan), Some(cheapest)) = (&report.plan, &exact.plan) else {
                prop_assert_eq!(report.status, SearchStatus::Unsolvable);
                continue;
            };
            prop_assert_eq!(plan.cost, cheapest.cost);
            prop_assert!(u64::from(report.statistics.initial_estimate.unwrap()) <= cheapest.cost);
        }
    }
}
