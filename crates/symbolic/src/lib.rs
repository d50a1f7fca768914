//! Symbolic planning: PDDL in, plans out.
//!
//! ```
//! use worldwright_symbolic::{Algorithm, SearchOptions, ground, parse_domain, parse_problem, search};
//!
//! let domain = "(define (domain lamp) (:predicates (on))
//!                 (:action switch :precondition (not (on)) :effect (on)))";
//! let problem = "(define (problem dark) (:domain lamp) (:init) (:goal (on)))";
//! let domain = parse_domain("domain.pddl", domain)?;
//! let problem = parse_problem(&domain, "problem.pddl", problem)?;
//! let report = search(&ground(&domain, &problem)?, &SearchOptions::new(Algorithm::AStar))?;
//! assert_eq!(report.plan.expect("one step").to_string(), "(switch)\n; cost = 1 (unit cost)\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`parse_domain`] and [`parse_problem`] read STRIPS, types (with `either`), equality, negative and disjunctive conditions, both
//! quantifiers, conditional effects, constants and action costs; what else PDDL knows is refused by name, with line and column.
//! [`ground`] makes a [`Task`] of facts and operators, [`search`] finds a plan in it, and [`validate`] judges plans on the text as it
//! was read, by none of that.

mod astar;
mod atoms;
mod condition;
mod delete_relaxation;
mod domain;
mod dominance;
mod effect;
mod effort;
mod error;
mod estimate;
mod formula;
mod greedy;
mod ground;
mod groups;
mod heuristic;
mod landmark_graph;
mod landmark_sets;
mod landmarks;
mod language;
mod literal;
mod lm_cut;
mod mutex;
mod plan;
mod problem;
mod prune;
mod queue;
mod reachability;
mod relaxation;
mod resources;
mod search;
mod states;
mod successors;
mod syntax;
mod task;
mod types;
mod validate;

pub use domain::{parse_domain, parse_domain_within};
pub use effort::{Algorithm, SearchLimits, SearchOptions, SearchReport, SearchStatistics, SearchStatus};
pub use error::{PddlError, PddlErrorKind, PddlResult, Position};
pub use ground::{ground, ground_within};
pub use heuristic::HeuristicKind;
pub use language::{Domain, Problem};
pub use lm_cut::LmCutTies;
pub use plan::{PlanStep, SymbolicPlan};
pub use problem::{parse_problem, parse_problem_within};
pub use resources::Resources;
pub use search::search;
pub use task::Task;
pub use validate::{validate, validate_plan};
