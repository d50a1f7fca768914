//! `worldwright plan --domain D.pddl --problem P.pddl`: a plan in the form of the International Planning Competition.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;
use worldwright_core::{Error, Interrupt};
use worldwright_runs::report::counted;
use worldwright_runs::write_whole;
use worldwright_symbolic::{
    Algorithm, Domain, HeuristicKind, LmCutTies, PddlErrorKind, PddlResult, Problem, Resources, SearchOptions,
    SearchReport, SearchStatus, Task, ground_within, parse_domain_within, parse_problem_within, search, validate_plan,
};

use super::text;
use crate::arguments::Symbolic;
use crate::output::{check_new, print, print_json};

pub(crate) fn run(domain: &Path, problem: &Path, options: &Symbolic, json: bool, interrupt: &Interrupt) -> Result<()> {
    let algorithm = Algorithm::named(options.search.as_deref().unwrap_or("astar"))?;
    let mut wanted = SearchOptions::new(algorithm);
    if !options.heuristic.is_empty() {
        wanted.heuristics =
            options.heuristic.iter().map(|name| HeuristicKind::named(name)).collect::<Result<_, _>>()?;
    }
    let ties = options.ties.as_deref().unwrap_or("both");
    wanted.lm_cut = LmCutTies {
        goal_zone_detection: matches!(ties, "goal-zone" | "both"),
        border_detection: matches!(ties, "border" | "both"),
    };
    anyhow::ensure!(
        options.ties.is_none() || wanted.heuristics.contains(&HeuristicKind::LmCut),
        "--ties says how lm-cut breaks ties, which does not guide this search: leave it out, or give --heuristic lm-cut"
    );
    if let Some(file) = &options.out {
        check_new("--out", file, None)?;
    }
    let time = options.time_limit.map(Duration::try_from_secs_f64).transpose().context("--time-limit")?;
    let memory = options.memory_limit.map(|megabytes| megabytes.saturating_mul(1 << 20));
    // The limits are for all of it: reading, grounding and searching.
    let resources = Resources::new(time, memory, interrupt.clone());

    let started = Instant::now();
    let (domain_file, problem_file) = (domain.display().to_string(), problem.display().to_string());
    let read = |path: &Path| text(path, || format!("cannot read {}", path.display()));
    let grounded = || -> PddlResult<Result<(Domain, Problem, Task)>> {
        let texts = read(domain).and_then(|domain| Ok((domain, read(problem)?)));
        let (domain, problem) = match texts {
            Ok(texts) => texts,
            Err(error) => return Ok(Err(error)),
        };
        let domain = parse_domain_within(&domain_file, &domain, &resources)?;
        let problem = parse_problem_within(&domain, &problem_file, &problem, &resources)?;
        let task = ground_within(&domain, &problem, &resources)?;
        Ok(Ok((domain, problem, task)))
    };
    let (domain, problem, task) = match grounded() {
        Ok(grounded) => grounded?,
        Err(error) if error.kind == PddlErrorKind::Interrupted => {
            return Err(Error::Interrupted { who: "the plan".into() }.into());
        }
        Err(error) => return Err(error.into()),
    };
    let ground_secs = started.elapsed().as_secs_f64();
    wanted.limits.time = resources.time_left();
    wanted.limits.expansions = options.expansion_limit;
    wanted.limits.memory_bytes = memory;
    wanted.limits.interrupt = interrupt.clone();
    let report = search(&task, &wanted)?;
    if report.status == SearchStatus::Interrupted {
        return Err(Error::Interrupted { who: "the plan".into() }.into());
    }
    let Some(plan) = &report.plan else { return Err(none(&report, &wanted)) };
    // The judge reads the domain by itself: a plan that it refuses is never shown.
    validate_plan(&domain, &problem, plan)?;
    if let Some(file) = &options.out {
        write_whole(file, plan.to_string().as_bytes())?;
    }
    if json {
        let statistics = report.statistics;
        return print_json(&json!({
            "plan": plan.steps.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "cost": plan.cost,
            "optimal": report.optimal,
            "facts": task.facts(),
            "operators": task.operators(),
            "expanded": statistics.expanded,
            "evaluated": statistics.evaluated,
            "generated": statistics.generated,
            "reopened": statistics.reopened,
            "dead_ends": statistics.dead_ends,
            "initial_estimate": statistics.initial_estimate,
            "ground_secs": ground_secs,
            "search_secs": statistics.seconds,
            "bytes": statistics.bytes,
        }));
    }
    print(&format!("{plan}{}", remarks(&task, &report, ground_secs)))
}

/// What was done for the plan, as comments of it.
fn remarks(task: &Task, report: &SearchReport, ground_secs: f64) -> String {
    let statistics = report.statistics;
    format!(
        "; {}, {}\n; {} expanded, {} evaluated, {} generated\n; read and grounded in {:.3} s, searched in {:.3} s\n",
        if report.optimal { "no plan is cheaper" } else { "there may be a cheaper plan" },
        format_args!("{} and {}", counted(task.facts() as u64, "fact"), counted(task.operators() as u64, "operator")),
        counted(statistics.expanded, "state"),
        statistics.evaluated,
        statistics.generated,
        ground_secs,
        statistics.seconds,
    )
}

/// Why there is no plan, and what may help.
fn none(report: &SearchReport, wanted: &SearchOptions) -> anyhow::Error {
    // What to try instead is never what has just been tried.
    let other = match (wanted.algorithm, &wanted.heuristics[..]) {
        (Algorithm::AStar, _) => "--search gbfs finds some plan sooner",
        (Algorithm::Gbfs, [HeuristicKind::Landmarks]) => "give it more, or let --heuristic ff guide it",
        (Algorithm::Gbfs, _) => "give it more, or let --heuristic landmarks guide it alone",
    };
    let expanded = counted(report.statistics.expanded, "state");
    let after = format!("after {expanded} in {:.1} s", report.statistics.seconds);
    let message = match report.status {
        SearchStatus::TimeLimit => format!("no plan yet at --time-limit, {after}; {other}"),
        SearchStatus::ExpansionLimit => format!("no plan yet at --expansion-limit, {after}; {other}"),
        SearchStatus::MemoryLimit => format!("no plan yet at --memory-limit, {after}; {other}"),
        SearchStatus::Unsolvable | SearchStatus::Solved | SearchStatus::Interrupted => {
            format!("there is no plan: no sequence of actions leads to the goal ({expanded} expanded)")
        }
    };
    anyhow::Error::msg(message)
}
