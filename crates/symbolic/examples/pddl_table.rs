//! Solves the planning tasks of a folder, and prints a table of what came of it: `pddl_table FOLDER [REFERENCE.tsv [DOMAIN [SECONDS]]]`.
//!
//! The folder holds a folder a domain, with `task01.pddl` onwards and `domain.pddl`, or `domain01.pddl` where each task has its own. The reference lists, tab-separated, what
//! another planner does on the tasks to be solved: algorithm, domain, task, cost, states expanded, states expanded before the
//! last layer, seconds of search (with `-` for what is unknown). Without it every task is solved greedily.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use worldwright_symbolic::{
    Algorithm, PddlResult, SearchOptions, SearchReport, ground, parse_domain, parse_problem, search, validate_plan,
};

/// Searches shorter than this are repeated, and the shortest time is told.
const SHORT_SECS: f64 = 0.2;
const ROUNDS: usize = 9;

/// Time, unless another is given, and memory of each search.
const LIMIT_SECS: u64 = 100;
const LIMIT_BYTES: usize = 4 << 30;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().ok_or("pddl_table FOLDER [REFERENCE.tsv [DOMAIN [SECONDS]]]")?;
    let lines = match arguments.get(1) {
        Some(file) => fs::read_to_string(file)?,
        None => every_task(Path::new(folder))?,
    };
    let limit = arguments.get(3).map_or(Ok(LIMIT_SECS), |seconds| seconds.parse())?;
    println!(
        "| search | task | facts | operators | cost | theirs | expanded | theirs | ratio | before last layer | theirs | evaluated | ground ms | search ms | theirs | ratio |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [algorithm, domain, task, cost, expanded, before, seconds] = cells[..] else {
            return Err(format!("expected seven cells: {line}").into());
        };
        if arguments.get(2).is_some_and(|only| only != domain) {
            continue;
        }
        row(folder, algorithm, domain, task, limit, [cost, expanded, before, seconds])?;
    }
    Ok(())
}

/// All tasks of a folder, without a reference.
fn every_task(folder: &Path) -> Result<String, Box<dyn Error>> {
    let mut lines = String::new();
    let names = |path: &Path| -> Result<Vec<String>, Box<dyn Error>> {
        let entries = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
        let mut names: Vec<String> =
            entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        Ok(names)
    };
    for domain in names(folder)?.iter().filter(|domain| folder.join(domain).is_dir()) {
        for file in names(&folder.join(domain))? {
            if let Some(task) = file.strip_prefix("task").and_then(|rest| rest.strip_suffix(".pddl")) {
                lines.push_str(&format!("gbfs\t{domain}\t{task}\t-\t-\t-\t-\n"));
            }
        }
    }
    Ok(lines)
}

/// What `work` gives, and the seconds that it took. For long work they are this thread's on a processor, where the system tells
/// them (Linux), so that other processes do not count; for short work its clock is too coarse.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let on_processor = || -> Option<f64> {
        let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok().map(|nanoseconds| nanoseconds * 1e-9)
    };
    let (started, before) = (Instant::now(), on_processor());
    let result = work();
    let seconds = started.elapsed().as_secs_f64();
    match (before, on_processor()) {
        (Some(before), Some(after)) if seconds > SHORT_SECS => (result, after - before),
        _ => (result, seconds),
    }
}

fn row(
    folder: &str,
    algorithm: &str,
    domain: &str,
    task: &str,
    limit_secs: u64,
    theirs: [&str; 4],
) -> Result<(), Box<dyn Error>> {
    let read = |file: &str| fs::read_to_string(Path::new(folder).join(domain).join(file));
    let file = format!("task{task}.pddl");
    let own_domain = format!("domain{task}.pddl");
    let domain_file =
        if Path::new(folder).join(domain).join(&own_domain).exists() { &own_domain } else { "domain.pddl" };
    let (domain_text, problem_text) = (read(domain_file)?, read(&file)?);
    let (read, ground_secs) = timed(|| {
        let parsed = parse_domain(domain_file, &domain_text)?;
        let problem = parse_problem(&parsed, &file, &problem_text)?;
        let grounded = ground(&parsed, &problem)?;
        PddlResult::Ok((parsed, problem, grounded))
    });
    let (parsed, problem, grounded) = read?;
    let mut options = SearchOptions::new(Algorithm::named(algorithm)?);
    options.limits.time = Some(Duration::from_secs(limit_secs));
    options.limits.memory_bytes = Some(LIMIT_BYTES);
    let (report, mut seconds) = timed(|| search(&grounded, &options));
    let report: SearchReport = report?;
    for _ in 1..if seconds < SHORT_SECS { ROUNDS } else { 1 } {
        seconds = seconds.min(timed(|| search(&grounded, &options)).1);
    }
    let cost = match &report.plan {
        Some(plan) => {
            assert_eq!(validate_plan(&parsed, &problem, plan)?, plan.cost, "{domain} {task}");
            plan.cost.to_string()
        }
        None => format!("{:?}", report.status),
    };
    let statistics = report.statistics;
    let ratio = |ours: f64, theirs: &str| match theirs.parse::<f64>() {
        Ok(theirs) if theirs > 0.0 => format!("{:.2}", ours / theirs),
        _ => "-".to_owned(),
    };
    let [their_cost, their_expanded, their_before, their_seconds] = theirs;
    let their_ms =
        their_seconds.parse::<f64>().map_or_else(|_| "-".to_owned(), |seconds| format!("{:.2}", seconds * 1e3));
    println!(
        "| {algorithm} | {domain} {task} | {} | {} | {cost} | {their_cost} | {} | {their_expanded} | {} | {} | {their_before} | {} | {:.1} | {:.2} | {their_ms} | {} |",
        grounded.facts(),
        grounded.operators(),
        statistics.expanded,
        ratio(statistics.expanded as f64, their_expanded),
        statistics.expanded_before_last_layer,
        statistics.evaluated,
        ground_secs * 1e3,
        seconds * 1e3,
        ratio(seconds, their_seconds),
    );
    Ok(())
}
