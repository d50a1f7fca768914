//! Symbolic planning against known optima, and what is said of texts that are not PDDL.

mod grounding;
mod landmarks;
mod limits;
mod lm_cut;
mod mutated;

use std::path::Path;

use worldwright_symbolic::{
    Algorithm, Domain, HeuristicKind, Problem, SearchOptions, SearchReport, SearchStatus, ground, parse_domain,
    parse_problem, search, validate, validate_plan,
};

/// A file of `tests/pddl`.
fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pddl").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(domain: &str, problem: &str) -> (Domain, Problem) {
    let domain = parse_domain("domain.pddl", domain).unwrap_or_else(|error| panic!("{error}"));
    let problem = parse_problem(&domain, "problem.pddl", problem).unwrap_or_else(|error| panic!("{error}"));
    (domain, problem)
}

/// Solves a task and has the plan judged.
fn solve(domain: &Domain, problem: &Problem, options: &SearchOptions) -> SearchReport {
    let task = ground(domain, problem).unwrap_or_else(|error| panic!("{error}"));
    let report = search(&task, options).unwrap();
    if let Some(plan) = &report.plan {
        let cost = validate_plan(domain, problem, plan).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(cost, plan.cost);
    }
    report
}

fn astar(heuristic: HeuristicKind) -> SearchOptions {
    SearchOptions { heuristics: vec![heuristic], ..SearchOptions::new(Algorithm::AStar) }
}

const ADMISSIBLE: [HeuristicKind; 3] = [HeuristicKind::Blind, HeuristicKind::Hmax, HeuristicKind::LmCut];

fn cost(report: &SearchReport) -> u64 {
    report.plan.as_ref().unwrap_or_else(|| panic!("{:?}", report.status)).cost
}

const BLOCKS: &str = "(define (problem anomaly) (:domain blocks) (:objects a b c - block)
  (:init (ontable a) (ontable b) (on c a) (clear c) (clear b) (handempty))
  (:goal (and (on a b) (on b c))))";

#[test]
fn sussmans_anomaly_takes_six_actions() {
    let (domain, problem) = read(&text("blocks-domain.pddl"), BLOCKS);
    for heuristic in ADMISSIBLE {
        let report = solve(&domain, &problem, &astar(heuristic));
        assert_eq!(cost(&report), 6, "{heuristic:?}");
        assert!(report.optimal);
    }
    let plan = solve(&domain, &problem, &astar(HeuristicKind::LmCut)).plan.unwrap().to_string();
    let expected =
        "(unstack c a)\n(put-down c)\n(pick-up b)\n(stack b c)\n(pick-up a)\n(stack a b)\n; cost = 6 (unit cost)\n";
    assert_eq!(plan, expected);
}

/// The tower of Hanoi with discs as in the literature: a disc is smaller than larger discs and than pegs.
fn hanoi(discs: usize) -> (Domain, Problem) {
    let domain = "(define (domain hanoi)
      (:predicates (clear ?x) (on ?x ?y) (smaller ?big ?small))
      (:action move :parameters (?disc ?from ?to)
        :precondition (and (smaller ?to ?disc) (on ?disc ?from) (clear ?disc) (clear ?to))
        :effect (and (clear ?from) (on ?disc ?to) (not (on ?disc ?from)) (not (clear ?to)))))";
    let mut init = String::from("(clear p2) (clear p3) (clear d1)");
    for disc in 1..=discs {
        let below = if disc == discs { "p1".to_owned() } else { format!("d{}", disc + 1) };
        init.push_str(&format!(" (on d{disc} {below})"));
        (1..=3).for_each(|peg| init.push_str(&format!(" (smaller p{peg} d{disc})")));
        (disc + 1..=discs).for_each(|big| init.push_str(&format!(" (smaller d{big} d{disc})")));
    }
    let names: String = (1..=discs).map(|disc| format!(" d{disc}")).collect();
    let mut goal = format!("(on d{discs} p3)");
    (1..discs).for_each(|disc| goal.push_str(&format!(" (on d{disc} d{})", disc + 1)));
    let problem = format!(
        "(define (problem tower) (:domain hanoi) (:objects p1 p2 p3{names}) (:init {init}) (:goal (and {goal})))"
    );
    read(domain, &problem)
}

#[test]
fn hanoi_takes_two_to_the_discs_minus_one() {
    for discs in 1..=7 {
        let (domain, problem) = hanoi(discs);
        for heuristic in ADMISSIBLE {
            assert_eq!(cost(&solve(&domain, &problem, &astar(heuristic))), (1 << discs) - 1, "{discs} {heuristic:?}");
        }
    }
}

#[test]
fn the_first_tasks_of_eight_domains_are_solved_optimally_and_greedily() {
    // Optimal costs by Fast Downward, and what its A* with LM-cut expands.
    let known = [
        ("blocks", 6, 7),
        ("gripper", 11, 101),
        ("logistics", 20, 77),
        ("miconic", 4, 5),
        ("depot", 10, 13),
        ("rovers", 10, 31),
        ("zenotravel", 1, 2),
        ("satellite", 9, 10),
    ];
    for (name, optimum, expanded) in known {
        let (domain, problem) = read(&text(&format!("{name}-domain.pddl")), &text(&format!("{name}-01.pddl")));
        for heuristic in [HeuristicKind::Hmax, HeuristicKind::LmCut] {
            let report = solve(&domain, &problem, &astar(heuristic));
            assert_eq!(cost(&report), optimum, "{name} {heuristic:?}");
            if heuristic == HeuristicKind::LmCut {
                // Ties within the last layer make the difference.
                assert!(report.statistics.expanded <= expanded * 6 / 5 + 8, "{name}: {}", report.statistics.expanded);
            }
        }
        for heuristics in
            [vec![HeuristicKind::Ff, HeuristicKind::Landmarks], vec![HeuristicKind::Hadd], vec![HeuristicKind::Ff]]
        {
            let options = SearchOptions { heuristics, ..SearchOptions::new(Algorithm::Gbfs) };
            let report = solve(&domain, &problem, &options);
            assert!(cost(&report) >= optimum && cost(&report) <= 2 * optimum, "{name}: {}", cost(&report));
            assert!(report.statistics.expanded < 100, "{name}: {}", report.statistics.expanded);
        }
    }
}

#[test]
fn costs_and_conditional_effects_are_planned_optimally() {
    // Costs by Fast Downward: A* with LM-cut, and blind where an effect is conditional.
    for (name, optimum) in [("elevators", 40), ("adl", 13), ("sokoban", 8)] {
        let (domain, problem) = read(&text(&format!("{name}-domain.pddl")), &text(&format!("{name}-01.pddl")));
        for heuristic in ADMISSIBLE {
            assert_eq!(cost(&solve(&domain, &problem, &astar(heuristic))), optimum, "{name} {heuristic:?}");
        }
        assert!(cost(&solve(&domain, &problem, &SearchOptions::new(Algorithm::Gbfs))) >= optimum);
    }
}

/// Every kind of condition and effect at once, in the ugliest lawful writing.
#[test]
fn tricky_syntax_is_read() {
    let domain = "; a comment ( with parentheses )
      (DEFINE (Domain Odd) (:Requirements :ADL :typing)
      (:types a b - (either c d) c d e)(:constants k - a)
      (:predicates (P ?x - (either a e)) (q ?x ?y - object)(r))
      (:action ONE :parameters () :precondition () :effect (and (r) (and) (P K)))
      (:action two :parameters (?x - c ?y - (either b e)) :precondition (and (and (and (r)) (p k))
          (not (q ?x ?y))(forall (?z - d) (imply (q ?z ?z) (= ?z ?z))))
        :effect (and (q ?x ?y) (forall (?z - (either b e)) (when (and (q ?x ?z) (not (= ?z ?y))) (not (q ?x ?z))))))
      (:action three :parameters (?x) :precondition (exists (?y - e) (or (q ?x ?y) (and (r) (not (r)))))
         :effect (and (not (r)) (r) (p ?x)))
      (:action idle))";
    let problem = "(define (problem odd-1) (:domain ODD) (:objects b1 - b e1 E2 - e o)
      (:init (not (r)) (q o o)) (:goal (and (not (q k e1)) (q k E2) (p b1) (exists (?e - e) (q b1 ?e)))))";
    let (domain, problem) = read(domain, problem);
    for heuristic in ADMISSIBLE {
        let report = solve(&domain, &problem, &astar(heuristic));
        assert_eq!(cost(&report), 4, "{}", report.plan.unwrap());
    }
}

#[test]
fn an_added_fact_stays_though_it_is_deleted_at_the_same_time() {
    let domain =
        "(define (domain d) (:requirements :conditional-effects :negative-preconditions) (:predicates (p) (q) (s))
      (:action a :effect (and (when (q) (p)) (when (s) (not (p))) (not (q)))))";
    let goal = |goal: &str| format!("(define (problem p) (:domain d) (:init (p) (q) (s)) (:goal {goal}))");
    let after = |text: &str| {
        let (domain, problem) = read(domain, &goal(text));
        solve(&domain, &problem, &astar(HeuristicKind::Blind)).plan.map(|plan| plan.cost)
    };
    assert_eq!(after("(and (p) (not (q)))"), Some(1));
    assert_eq!(after("(and (not (p)) (not (q)))"), Some(2));
    assert_eq!(after("(and (not (p)) (q))"), None);
}

#[test]
fn what_cannot_be_reached_is_said_to_be_unsolvable() {
    let (domain, problem) = read(
        &text("blocks-domain.pddl"),
        "(define (problem circle) (:domain blocks) (:objects a b) (:init (ontable a) (ontable b) (clear a) (clear b) (handempty))
         (:goal (and (on a b) (on b a))))",
    );
    for heuristic in HeuristicKind::ALL {
        let report = solve(&domain, &problem, &astar(*heuristic));
        assert_eq!((report.status, report.plan), (SearchStatus::Unsolvable, None), "{heuristic:?}");
    }
    let report = solve(&domain, &problem, &SearchOptions::new(Algorithm::Gbfs));
    assert_eq!(report.status, SearchStatus::Unsolvable);
}

#[test]
fn limits_end_a_search_and_a_repetition_is_the_same() {
    let (domain, problem) = hanoi(6);
    let mut options = astar(HeuristicKind::Blind);
    let free = solve(&domain, &problem, &options);
    let again = solve(&domain, &problem, &options);
    assert_eq!((&free.plan, free.statistics.expanded), (&again.plan, again.statistics.expanded));
    options.limits.expansions = Some(50);
    let report = solve(&domain, &problem, &options);
    assert_eq!((report.status, report.statistics.expanded), (SearchStatus::ExpansionLimit, 50));
    options.limits.expansions = None;
    options.limits.memory_bytes = Some(10_000);
    assert_eq!(solve(&domain, &problem, &options).status, SearchStatus::MemoryLimit);
    options.limits.memory_bytes = None;
    options.limits.time = Some(std::time::Duration::ZERO);
    assert_eq!(solve(&domain, &problem, &options).status, SearchStatus::TimeLimit);
    options.heuristics.push(HeuristicKind::Ff);
    assert!(search(&ground(&domain, &problem).unwrap(), &options).is_err());
}

#[test]
fn the_judge_refuses_what_is_no_plan() {
    let (domain, problem) = read(&text("blocks-domain.pddl"), BLOCKS);
    let says = |plan: &str| validate(&domain, &problem, "plan.txt", plan).unwrap_err().to_string();
    assert!(
        says("(unstack c a)\n(pick-up b)").starts_with("plan.txt:2:1: the precondition of (pick-up b) does not hold")
    );
    assert!(says("(unstack c a)").starts_with("problem.pddl:3:10: the plan does not reach this goal"));
    assert!(says("(unstak c a)").starts_with("plan.txt:1:1: unknown action 'unstak'; did you mean 'unstack'?"));
    assert!(says("(unstack c)").starts_with("plan.txt:1:1: 'unstack' takes 2 objects, found 1"));
    assert!(says("(unstack c z)").starts_with("plan.txt:1:1: unknown object 'z'"));
    let good = "(unstack c a) (put-down c) (pick-up b) (stack b c) (pick-up a) (stack a b) ; cost = 6";
    assert_eq!(validate(&domain, &problem, "plan.txt", good), Ok(6));
}

/// What is said of a domain that is broken at one place.
fn complaint(domain: &str) -> String {
    parse_domain("d.pddl", domain).expect_err(domain).to_string()
}

#[test]
fn an_error_shows_its_line() {
    let text =
        "(define (domain d)\n  (:predicates (on ?x ?y))\n  (:action a :parameters (?x)\n\t:precondition (onn ?x ?x)))";
    let expected = "d.pddl:4:16: unknown predicate 'onn'; did you mean 'on'?\n  4 | \t:precondition (onn ?x ?x)))\n    | \t              ^";
    assert_eq!(complaint(text), expected);
}

#[test]
fn errors_of_domains_say_what_was_expected() {
    let action = |rest: &str| {
        format!(
            "(define (domain d) (:types t - object) (:predicates (p ?x - t) (r)) (:functions (total-cost) (f ?x))\n(:action a :parameters (?x - t) {rest}))"
        )
    };
    let cases: &[(String, &str)] = &[
        (String::new(), "1:1: expected '(define ...)', found an empty file"),
        ("(define (domain d)".into(), "1:1: this '(' is never closed"),
        ("(define (domain d)))".into(), "1:20: this ')' closes nothing"),
        (
            "(define (domain d)) (p)".into(),
            "1:21: expected the end of the file, found '(p ...)': is there a ')' too many before?",
        ),
        ("define".into(), "1:1: expected '(', found 'define'"),
        (
            "(define (problem d))".into(),
            "1:9: expected '(domain NAME)', found '(problem ...)': this file defines a problem",
        ),
        (
            "(define (domain d)\n (:requirements :strips :durative-actions))".into(),
            "2:25: the requirement ':durative-actions' is not supported",
        ),
        (
            "(define (domain d) (:requirements :numeric-fluents))".into(),
            "1:35: the requirement ':numeric-fluents' is not supported",
        ),
        ("(define (domain d) (:durative-action a))".into(), "1:20: durative actions are not supported"),
        ("(define (domain d) (:derived (p)))".into(), "1:20: derived predicates are not supported"),
        (
            "(define (domain d) (:predicate (p)))".into(),
            "1:20: unknown section of a domain ':predicate'; did you mean ':predicates'?",
        ),
        ("(define (domain d) (:types a - b b - a))".into(), "1:28: the type 'a' is declared to be below itself"),
        ("(define (domain d) (:types a -))".into(), "1:30: expected a type after this '-'"),
        ("(define (domain d) (:predicates (p ?x - thing)))".into(), "1:41: unknown type 'thing'"),
        ("(define (domain d) (:predicates (p x)))".into(), "1:36: expected a variable such as ?x, found 'x'"),
        ("(define (domain d) (:predicates (p) (p ?x)))".into(), "1:37: a second predicate 'p'"),
        (action(":precondition (p ?y)"), "2:50: unknown variable '?y'; there are ?x"),
        (action(":precondition (p ?x ?x)"), "2:47: the predicate 'p' takes 1 argument, found 2"),
        (action(":precondition (p)"), "2:47: the predicate 'p' takes 1 argument, found 0"),
        (action(":precondition (p home)"), "2:50: unknown object 'home'"),
        (action(":precondition (not (r) (r))"), "2:56: 'not' takes 1 part, found 2"),
        (action(":precondition (imply (r))"), "2:57: 'imply' takes 2 parts, found 1"),
        (action(":precondition (> (f ?x) 2)"), "2:47: numeric conditions are not supported, found '(> ...)'"),
        (action(":precondition (preference a (r))"), "2:47: preferences are not supported"),
        (action(":precondition r"), "2:47: expected a condition such as '(on ?x ?y)', found 'r'"),
        (action(":effect (or (r) (p ?x))"), "2:41: an effect cannot be chosen by 'or'"),
        (action(":effect (assign (f ?x) 2)"), "2:41: numeric effects are not supported"),
        (action(":effect (increase (f ?x) 2)"), "2:51: only (total-cost) can be increased, found '(f ...)'"),
        (
            action(":effect (increase (total-cost) 1.5)"),
            "2:64: expected a whole number from 0 to 16777215 as a cost, found '1.5'",
        ),
        (
            action(":effect (when (r) (increase (total-cost) 1))"),
            "2:51: costs under 'when' or 'forall' are not supported",
        ),
        (action(":effects (r)"), "2:33: expected ':parameters', ':precondition' or ':effect', found ':effects'"),
        (action(":effect"), "2:40: expected a list after ':effect' of the action 'a'"),
    ];
    for (text, expected) in cases {
        let said = complaint(text);
        assert!(said.starts_with(&format!("d.pddl:{expected}")), "{text}\n  says {said}\n  not {expected}");
    }
}

#[test]
fn errors_of_problems_say_what_was_expected() {
    let domain = "(define (domain d) (:types t) (:predicates (p ?x - t)) (:functions (total-cost) (f ?x))
      (:action a :parameters (?x - t) :effect (and (p ?x) (increase (total-cost) (f ?x)))))";
    let domain = parse_domain("d.pddl", domain).unwrap();
    let cases = [
        ("(define (problem q))", "1:20: expected '(:domain ...)' before the end of the problem"),
        (
            "(define (problem q) (:domain e) (:init) (:goal ()))",
            "1:30: the problem belongs to the domain 'e', not to 'd'",
        ),
        ("(define (problem q) (:domain d) (:objects a - u) (:init) (:goal ()))", "1:47: unknown type 'u'"),
        ("(define (problem q) (:domain d) (:objects a a) (:init) (:goal ()))", "1:45: a second object 'a'"),
        ("(define (problem q) (:domain d) (:init (p a)) (:goal ()))", "1:43: unknown object 'a'"),
        (
            "(define (problem q) (:domain d) (:init (at 5 (p a))) (:goal ()))",
            "1:40: timed initial literals are not supported",
        ),
        (
            "(define (problem q) (:domain d) (:init (= (f) 2)) (:goal ()))",
            "1:43: the function 'f' takes 1 argument, found 0",
        ),
        ("(define (problem q) (:domain d) (:init (= (total-cost) -2)) (:goal ()))", "1:56: expected a whole number"),
        ("(define (problem q) (:domain d) (:init) (:goal () ()))", "1:53: expected one condition in ':goal', found 2"),
        (
            "(define (problem q) (:domain d) (:init) (:goal ()) (:metric maximize (total-cost)))",
            "1:61: only '(:metric minimize (total-cost))' is supported, found 'maximize'",
        ),
        (
            "(define (problem q) (:domain d) (:init) (:gaol ()))",
            "1:41: unknown section of a problem ':gaol'; did you mean ':goal'?",
        ),
    ];
    for (text, expected) in cases {
        let said = parse_problem(&domain, "p.pddl", text).expect_err(text).to_string();
        assert!(said.starts_with(&format!("p.pddl:{expected}")), "{text}\n  says {said}\n  not {expected}");
    }
    // A cost that has no value is only seen when its action is grounded, and is told where the domain asks for it.
    let text =
        "(define (problem q) (:domain d) (:objects o - t) (:init) (:goal (p o)) (:metric minimize (total-cost)))";
    let problem = parse_problem(&domain, "p.pddl", text).unwrap();
    let said = ground(&domain, &problem).unwrap_err().to_string();
    assert!(said.starts_with("d.pddl:2:82: (f o) has no value in the ':init' of p.pddl"), "{said}");
}
