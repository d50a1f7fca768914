//! Texts and tasks that are too large, or only look so.

use std::time::Duration;

use worldwright_core::Interrupt;
use worldwright_symbolic::{
    Algorithm, PddlErrorKind, Resources, SearchOptions, ground, ground_within, parse_domain, parse_domain_within,
    parse_problem,
};

use super::{cost, read, solve};

/// The parameters `?z0` to `?z<count - 1>` of type `t`.
fn parameters(count: usize) -> String {
    (0..count).map(|i| format!("?z{i} - t ")).collect()
}

fn objects(count: usize) -> String {
    (0..count).map(|i| format!("o{i} ")).collect()
}

/// Thirty objects for each of twelve parameters would make 5.3e17 instances for each pair that matters.
#[test]
fn parameters_that_make_no_difference_make_no_instances() {
    let domain = format!(
        "(define (domain d) (:types t) (:predicates (p ?x - t) (q ?x ?y - t) (free ?x - t))
          (:action a :parameters ({}?x - t ?y - t) :precondition (and (p ?x) (free ?z3) (not (= ?z3 ?z4)))
           :effect (and (not (p ?x)) (p ?y) (q ?x ?y))))",
        parameters(12)
    );
    let problem = format!(
        "(define (problem x) (:domain d) (:objects {}- t) (:init (p o0) (free o7) (free o9)) (:goal (and (p o1) (q o2 o1))))",
        objects(30)
    );
    let (domain, problem) = read(&domain, &problem);
    assert_eq!(ground(&domain, &problem).unwrap().operators(), 30 * 30);
    let report = solve(&domain, &problem, &SearchOptions::new(Algorithm::AStar));
    assert_eq!(cost(&report), 2);
    // The first objects that satisfy the conditions stand for all others.
    let first = report.plan.unwrap().steps[0].to_string();
    assert!(first.starts_with("(a o0 o0 o0 o7 o0 o0"), "{first}");
}

/// Seven objects for each of twelve parameters that all matter.
fn endless() -> (String, String) {
    let variables: String = (0..12).map(|i| format!("?z{i} ")).collect();
    let domain = format!(
        "(define (domain d) (:types t) (:predicates (r ?a ?b ?c ?d ?e ?f ?g ?h ?i ?j ?k ?l - t) (p))
          (:action make :parameters ({}) :precondition (p) :effect (r {variables})))",
        parameters(12)
    );
    let goal = "(r o0 o0 o0 o0 o0 o0 o0 o0 o0 o0 o0 o1)";
    let problem = format!("(define (problem x) (:domain d) (:objects {}- t) (:init (p)) (:goal {goal}))", objects(7));
    (domain, problem)
}

#[test]
fn what_cannot_be_grounded_is_refused_with_its_size() {
    let (domain, problem) = endless();
    let (domain, problem) = read(&domain, &problem);
    let error = ground(&domain, &problem).unwrap_err();
    assert_eq!(error.kind, PddlErrorKind::MemoryLimit);
    let said = error.to_string();
    assert!(
        said.starts_with("domain.pddl:2:11: grounding the action 'make' is too much: 1.384e10 instances"),
        "{said}"
    );
}

/// All different, so that nothing can be told before trying: 7^12 bindings have a filter on every variable.
#[test]
fn limits_hold_while_grounding() {
    let (domain, problem) = endless();
    let domain = domain.replace("(p) :effect", "(and (p) (not (= ?z0 ?z1)) (not (= ?z2 ?z3)) (not (= ?z4 ?z5)) (not (= ?z6 ?z7)) (not (= ?z8 ?z9)) (not (= ?z10 ?z11))) :effect");
    let (domain, problem) = read(&domain, &problem);
    let refused = |resources: Resources| ground_within(&domain, &problem, &resources).unwrap_err();
    let small = refused(Resources::new(None, Some(16 << 20), Interrupt::never()));
    assert_eq!(small.kind, PddlErrorKind::MemoryLimit);
    let said = small.to_string();
    assert!(
        said.contains("the limit of 16 MB of memory has been reached, with") && said.contains("allow 1.384e10"),
        "{said}"
    );
    let short = refused(Resources::new(Some(Duration::from_millis(50)), None, Interrupt::never()));
    assert_eq!(short.kind, PddlErrorKind::TimeLimit);
    let interrupt = Interrupt::new();
    interrupt.request();
    assert_eq!(refused(Resources::new(None, None, interrupt)).kind, PddlErrorKind::Interrupted);
}

/// Quantifiers over twelve variables, in a goal, in a precondition, and in an effect's condition.
#[test]
fn limits_hold_in_quantifiers() {
    let variables: String = (0..12).map(|i| format!("?z{i} ")).collect();
    let quantified = format!("(forall ({}) (or (p) (r {variables})))", parameters(12));
    for (precondition, condition, goal) in
        [("(p)", "(p)", &*quantified), (&*quantified, "(p)", "(s)"), ("(p)", &*quantified, "(s)")]
    {
        let (domain, problem) = endless();
        let action = format!(
            "(:action other :precondition {precondition} :effect (when {condition} (and (s) (not (p)))))
             (:action fill :parameters (?x - t) :effect (r ?x ?x ?x ?x ?x ?x ?x ?x ?x ?x ?x ?x)))"
        );
        let start = domain.find("(:action").unwrap();
        let domain = format!("{}{action}", domain[..start].replace("(p))", "(p) (s))"));
        let problem = problem.replace("(r o0 o0 o0 o0 o0 o0 o0 o0 o0 o0 o0 o1)", goal);
        let (domain, problem) = read(&domain, &problem);
        let resources = Resources::new(Some(Duration::from_millis(100)), Some(64 << 20), Interrupt::never());
        let error = ground_within(&domain, &problem, &resources).unwrap_err();
        assert_ne!(error.kind, PddlErrorKind::Text, "{error}");
    }
}

#[test]
fn long_chains_of_types_are_read() {
    let length = 50_000;
    let types: String = (1..length).map(|i| format!("t{i} - t{} ", i - 1)).collect();
    let domain = format!(
        "(define (domain d) (:types {types}) (:predicates (p ?x - t0)) (:action a :parameters (?x - t0) :effect (p ?x)))"
    );
    let problem = format!(
        "(define (problem x) (:domain d) (:objects deep - t{} top - t0 other - object) (:init) (:goal (and (p deep) (p top))))",
        length - 1
    );
    let (domain, problem) = read(&domain, &problem);
    assert_eq!(ground(&domain, &problem).unwrap().operators(), 2);
    let circle = format!("(define (domain d) (:types {types} t0 - t{}))", length - 1);
    let said = parse_domain("d.pddl", &circle).unwrap_err().to_string();
    assert!(said.contains("the type 't1' is declared to be below itself"), "{said}");
}

#[test]
fn many_objects_are_looked_up_by_name() {
    let count = 20_000;
    let atoms: String = (1..count).map(|i| format!("(next o{} o{i})", i - 1)).collect();
    let domain = "(define (domain d) (:predicates (at ?x) (next ?x ?y))
      (:action go :parameters (?x ?y) :precondition (and (at ?x) (next ?x ?y)) :effect (and (at ?y) (not (at ?x)))))";
    let problem = format!(
        "(define (problem x) (:domain d) (:objects {}) (:init (at o0) {atoms}) (:goal (at o9)))",
        objects(count)
    );
    let (domain, problem) = read(domain, &problem);
    assert_eq!(ground(&domain, &problem).unwrap().facts(), 10);
}

#[test]
fn deep_lists_are_read_or_refused() {
    let nested = |depth: usize| {
        let condition = format!("{}(p){}", "(and (not ".repeat(depth), "))".repeat(depth));
        format!("(define (domain d) (:predicates (p)) (:action a :precondition {condition} :effect (p)))")
    };
    // Deep enough for anybody, and shallow enough for a thread's stack.
    let domain = parse_domain("d.pddl", &nested(489)).unwrap();
    let problem = parse_problem(&domain, "p.pddl", "(define (problem x) (:domain d) (:init) (:goal (p)))").unwrap();
    assert_eq!(cost(&solve(&domain, &problem, &SearchOptions::new(Algorithm::Gbfs))), 1);
    let said = parse_domain("d.pddl", &nested(100_000)).unwrap_err().to_string();
    assert!(said.contains("lists nest deeper than 1000"), "{said}");
    assert!(said.len() < 1000, "a long line is shown around its place only: {} bytes", said.len());
}

#[test]
fn reading_heeds_the_limits() {
    let text = format!("(define (domain d) (:predicates {}))", "(p) ".repeat(20_000));
    let resources = Resources::new(None, Some(1 << 20), Interrupt::never());
    let error = parse_domain_within("d.pddl", &text, &resources).unwrap_err();
    assert_eq!(error.kind, PddlErrorKind::MemoryLimit);
    let variables: String = (0..5000).map(|i| format!("?v{i} ")).collect();
    let many = format!("(define (domain d) (:predicates (p)) (:action a :parameters ({variables}) :effect (p)))");
    let said = parse_domain("d.pddl", &many).unwrap_err().to_string();
    assert!(said.contains("more than 1000 variables"), "{said}");
}
