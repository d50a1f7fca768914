//! The searches: which one a task is given to, and the plan of the path that it found.

use worldwright_core::{Error, Result};

use super::astar::astar;
use super::effort::{Algorithm, Effort, SearchOptions, SearchReport, SearchStatus};
use super::greedy::greedy;
use super::plan::{PlanStep, SymbolicPlan};
use super::states::States;
use super::task::Task;

/// Searches a task for a plan.
///
/// # Errors
/// [`Error::Config`] for no heuristic, or for A* with more than one.
pub fn search(task: &Task, options: &SearchOptions) -> Result<SearchReport> {
    let wanted = match options.algorithm {
        Algorithm::AStar => options.heuristics.len() == 1,
        Algorithm::Gbfs => !options.heuristics.is_empty(),
    };
    if !wanted {
        let number = if options.algorithm == Algorithm::AStar { "one" } else { "one or more" };
        let why = format!("{} takes {number}, got {}", options.algorithm.name(), options.heuristics.len());
        return Err(Error::config("heuristic", why));
    }
    let mut effort = Effort::new(options.limits.clone());
    let mut states = States::new(task);
    let end = match options.algorithm {
        _ if !task.reachable => Err(SearchStatus::Unsolvable),
        Algorithm::AStar => astar(task, options, &mut states, &mut effort),
        Algorithm::Gbfs => greedy(task, options, &mut states, &mut effort),
    };
    let mut statistics = effort.statistics;
    statistics.seconds = effort.started.elapsed().as_secs_f64();
    let plan = end.ok().map(|goal| plan(task, &states.path(goal)));
    let optimal = plan.is_some() && options.algorithm == Algorithm::AStar && options.heuristics[0].is_admissible();
    Ok(SearchReport { status: end.err().unwrap_or(SearchStatus::Solved), plan, optimal, statistics })
}

/// The plan of a path.
fn plan(task: &Task, path: &[u32]) -> SymbolicPlan {
    let operators = path.iter().map(|&number| &task.operators[number as usize]);
    let cost = operators.clone().map(|operator| u64::from(operator.cost)).sum();
    let step = |action: u32, arguments: &[u32]| PlanStep {
        action: task.names.actions[action as usize].clone(),
        arguments: arguments.iter().map(|&object| task.names.objects[object as usize].clone()).collect(),
    };
    let steps = operators.filter_map(|operator| Some(step(operator.action?, &operator.arguments))).collect();
    SymbolicPlan { steps, cost, unit_cost: task.unit_cost }
}
