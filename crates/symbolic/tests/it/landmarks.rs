//! The landmark count on tasks small enough to count by hand.

use worldwright_symbolic::{Algorithm, HeuristicKind, SearchOptions, SearchReport, SearchStatus};

use super::{cost, read, solve, text};

/// The greedy search guided by nothing but the landmark count.
fn count(domain: &str, problem: &str) -> SearchReport {
    let (domain, problem) = read(domain, problem);
    let heuristics = vec![HeuristicKind::Landmarks];
    solve(&domain, &problem, &SearchOptions { heuristics, ..SearchOptions::new(Algorithm::Gbfs) })
}

/// Either hand finishes, and each must hold a tool: `done` and one of the two that are held.
#[test]
fn one_of_several_facts_is_a_landmark() {
    let domain = "(define (domain hands) (:predicates (hand ?h) (held ?h) (done))
      (:action grab :parameters (?h) :precondition (hand ?h) :effect (held ?h))
      (:action finish :parameters (?h) :precondition (and (hand ?h) (held ?h)) :effect (done)))";
    let problem = "(define (problem two) (:domain hands) (:objects left right)
      (:init (hand left) (hand right)) (:goal (done)))";
    let report = count(domain, problem);
    assert_eq!((report.statistics.initial_estimate, cost(&report)), (Some(2), 2));
}

/// Painting puts out the light, so that the light comes after the paint though it burns at first.
#[test]
fn a_goal_that_another_takes_away_is_counted_again() {
    let domain = "(define (domain studio) (:predicates (lit) (painted))
      (:action paint :effect (and (painted) (not (lit))))
      (:action light :precondition (not (lit)) :effect (lit)))";
    let problem = "(define (problem wall) (:domain studio) (:init (lit)) (:goal (and (lit) (painted))))";
    let report = count(domain, problem);
    assert_eq!((report.statistics.initial_estimate, cost(&report)), (Some(2), 2));
}

/// The lift is at the top at first and must end there, and the lamp burns only once somebody is at the bottom: riding down makes
/// `(at bottom)` true, which excludes `(at top)` since a lift is at one floor. To come: the lamp, the bottom, and the top again.
#[test]
fn a_goal_that_excludes_another_landmark_is_counted_again() {
    let domain = "(define (domain shaft) (:predicates (at ?f) (next ?a ?b) (low ?f) (lamp))
      (:action ride :parameters (?a ?b) :precondition (and (at ?a) (next ?a ?b)) :effect (and (at ?b) (not (at ?a))))
      (:action switch :parameters (?f) :precondition (and (at ?f) (low ?f)) :effect (lamp)))";
    let problem = "(define (problem two) (:domain shaft) (:objects top bottom)
      (:init (at top) (next top bottom) (next bottom top) (low bottom)) (:goal (and (at top) (lamp))))";
    let report = count(domain, problem);
    assert_eq!((report.statistics.initial_estimate, cost(&report)), (Some(3), 3));
}

/// A fact that is lost for good and needed again is a dead end.
#[test]
fn a_goal_that_nothing_achieves_again_is_lost() {
    let domain = "(define (domain match) (:predicates (dry) (lit))
      (:action strike :effect (and (lit) (not (dry)))))";
    let problem = "(define (problem one) (:domain match) (:init (dry)) (:goal (and (dry) (lit))))";
    let report = count(domain, problem);
    assert_eq!((report.status, report.statistics.dead_ends), (SearchStatus::Unsolvable, 1));
}

/// LAMA's first iteration carries two balls at a time as well: 11 steps, the optimum.
#[test]
fn gripper_carries_two_at_a_time() {
    let (domain, problem) = read(&text("gripper-domain.pddl"), &text("gripper-01.pddl"));
    assert_eq!(cost(&solve(&domain, &problem, &SearchOptions::new(Algorithm::Gbfs))), 11);
}
