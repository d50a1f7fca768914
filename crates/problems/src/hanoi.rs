//! The Tower of Hanoi (Lucas 1883) as a PDDL task for the symbolic searches; `2ⁿ − 1` moves are needed.

use std::fmt::Write;

use worldwright_core::{Entry, Error, Parameter, Result, SettingDefault as Default, Settings};

use super::Solve;
use super::solution::{Solution, Status};
use worldwright_symbolic::{
    Algorithm, HeuristicKind, SearchOptions, ground, parse_domain, parse_problem, search, validate_plan,
};

const DOMAIN: &str = "(define (domain hanoi)
  (:requirements :strips)
  (:predicates (clear ?x) (on ?x ?y) (smaller ?x ?y))
  (:action move
    :parameters (?disc ?from ?to)
    :precondition (and (smaller ?disc ?to) (on ?disc ?from) (clear ?disc) (clear ?to))
    :effect (and (clear ?from) (on ?disc ?to) (not (on ?disc ?from)) (not (clear ?to)))))";

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "hanoi",
    summary: "the Tower of Hanoi as a PDDL task, by A* or greedy search (for PDDL files: --domain and --problem)",
    source: "Hart, Nilsson and Raphael 1968 (A*); Helmert and Domshlak 2009 (LM-cut); Richter and Westphal 2010 (LAMA)",
    parameters: &[
        Parameter { name: "discs", default: Default::Integer(4), summary: "how many discs, 1 to 12" },
        Parameter { name: "method", default: Default::Text("astar"), summary: "astar, or gbfs for some plan sooner" },
        Parameter {
            name: "heuristic",
            default: Default::Text("auto"),
            summary: "blind, hmax, hadd, ff, lm-cut or landmarks; auto: lm-cut for astar, ff and landmarks for gbfs",
        },
    ],
    build: solve,
};

fn solve(settings: &Settings) -> Result<Solution> {
    let discs = settings.count("discs", 1)?;
    if discs > 12 {
        return Err(Error::config("discs", format!("must be at most 12, got {discs}: they need 2^{discs} moves")));
    }
    let names: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
    let algorithm = Algorithm::ALL[settings.choice("method", &names)?];
    let mut options = SearchOptions::new(algorithm);
    if settings.text("heuristic")? != "auto" {
        options.heuristics = vec![HeuristicKind::named(settings.text("heuristic")?)?];
    }
    let wrong = |error: worldwright_symbolic::PddlError| Error::external("hanoi", error.to_string());
    let domain = parse_domain("hanoi", DOMAIN).map_err(wrong)?;
    let problem = parse_problem(&domain, "hanoi", &task(discs)).map_err(wrong)?;
    let report =
        search(&ground(&domain, &problem).map_err(|error| Error::external("hanoi", error.to_string()))?, &options)?;
    let status = if report.optimal { Status::Optimal } else { Status::Solved };
    let mut solution = Solution::new(status, &["step", "disc", "from", "to"]);
    let Some(plan) = &report.plan else {
        solution.status = Status::Unsolved;
        return Ok(solution);
    };
    validate_plan(&domain, &problem, plan).map_err(wrong)?;
    for (i, step) in plan.steps.iter().enumerate() {
        let [disc, from, to] = [0, 1, 2].map(|place| step.arguments[place].as_str());
        solution.row([(i + 1).into(), disc.into(), from.into(), to.into()]);
    }
    solution.fact("moves", plan.steps.len());
    solution.fact("states expanded", report.statistics.expanded as usize);
    Ok(solution)
}

/// Discs d1 (the smallest) to dn on peg a, to be moved to peg c.
fn task(discs: usize) -> String {
    let disc = |i: usize| format!("d{i}");
    let pegs = ["a", "b", "c"];
    let all: Vec<String> = (1..=discs).map(disc).chain(pegs.map(str::to_owned)).collect();
    let mut init = format!("(clear d1) (clear b) (clear c) (on d{discs} a)");
    for i in 1..=discs {
        for larger in all.iter().skip(i) {
            _ = write!(init, " (smaller d{i} {larger})");
        }
    }
    let tower = |foot: &str| {
        let above = (1..discs).map(|i| format!("(on d{i} d{})", i + 1));
        above.chain([format!("(on d{discs} {foot})")]).collect::<Vec<_>>().join(" ")
    };
    format!(
        "(define (problem tower) (:domain hanoi) (:objects {}) (:init {init} {}) (:goal (and {})))",
        all.join(" "),
        tower("a"),
        tower("c")
    )
}
