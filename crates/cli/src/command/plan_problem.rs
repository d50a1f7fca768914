//! `worldwright plan PROBLEM`: a problem that has planners of its own, solved and shown.

use anyhow::Result;
use serde_json::{Map, Value as Json, json};
use worldwright_problems::{Cell, Solution, Status};
use worldwright_runs::report::number;
use worldwright_runs::{SolvedProblem, setting_json, solve_problem};

use super::configuration;
use crate::arguments::Plan;
use crate::output::{print, print_json};

pub(crate) fn run(name: &str, options: &Plan) -> Result<()> {
    anyhow::ensure!(options.observation.is_none(), "--observation is for environments; {name} has settings instead");
    let mut settings = options.settings.clone();
    if let Some(file) = &options.pomdp {
        // What stands in the place of a name is a setting then.
        if let Some(word) = &options.what {
            anyhow::ensure!(word.contains('='), "--pomdp takes the place of '{word}': name one of them");
            settings.insert(0, word.clone());
        }
        settings.push(format!("file={}", file.display()));
    }
    // A problem without such a setting says so.
    settings.extend(options.symbolic.time_limit.map(|seconds| format!("time={seconds:?}")));
    settings.extend(options.symbolic.memory_limit.map(|megabytes| format!("memory={megabytes}")));
    let file = options.config.as_deref().map(|path| configuration(path).map(|text| (text, path.display().to_string())));
    let file = file.transpose()?;
    let toml = file.as_ref().map(|(text, origin)| (text.as_str(), origin.as_str()));
    let solved = solve_problem(name, toml, &settings, options.seed)?;
    if options.json {
        print_json(&as_json(name, &solved))?
    } else {
        print(&page(&solved.solution))?
    }
    anyhow::ensure!(solved.solution.status != Status::Unsolved, "no plan was found for {name}");
    Ok(())
}

fn as_json(name: &str, solved: &SolvedProblem) -> Json {
    let solution = &solved.solution;
    let key = |name: &str| name.replace(' ', "_");
    let row = |row: &Vec<Cell>| -> Json {
        solution
            .columns
            .iter()
            .zip(row)
            .map(|(column, cell)| (key(column), cell_json(cell)))
            .collect::<Map<_, _>>()
            .into()
    };
    json!({
        "problem": name,
        "settings": solved.settings.iter().map(|(key, value)| (key.to_owned(), setting_json(value))).collect::<Map<_, _>>(),
        "status": solution.status.name(),
        "picture": solution.picture.lines().collect::<Json>(),
        "plan": solution.rows.iter().map(row).collect::<Json>(),
        "facts": solution.facts.iter().map(|(name, cell)| (key(name), cell_json(cell))).collect::<Map<_, _>>(),
        "notes": solution.notes,
    })
}

fn cell_json(cell: &Cell) -> Json {
    match cell {
        Cell::Integer(i) => json!(i),
        Cell::Number(x) => json!(x),
        Cell::Numbers(numbers) => json!(numbers),
        Cell::Text(text) => json!(text),
    }
}

/// Picture, plan, facts and notes, with an empty line between them.
fn page(solution: &Solution) -> String {
    let mut parts = Vec::new();
    if !solution.picture.is_empty() {
        parts.push(solution.picture.clone() + "\n");
    }
    if !solution.rows.is_empty() {
        parts.push(table(solution));
    }
    let rating = match solution.status {
        Status::Optimal => "optimal: nothing is better",
        Status::Solved => "solved: there may be something better",
        Status::Unsolved => "not solved",
    };
    let width = solution.facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max("status".len());
    let mut facts = format!("{:<width$}  {rating}\n", "status");
    for (name, cell) in &solution.facts {
        let value = match cell {
            Cell::Integer(i) => number(*i as f64, 0),
            Cell::Number(x) => significant(*x),
            other => text(other, 3),
        };
        facts.push_str(&format!("{name:<width$}  {value}\n"));
    }
    parts.push(facts);
    if !solution.notes.is_empty() {
        parts.push(solution.notes.iter().map(|note| format!("{note}\n")).collect());
    }
    parts.join("\n")
}

/// Rows below a heading: numbers to the right, words to the left.
fn table(solution: &Solution) -> String {
    let mut columns = Vec::new();
    for (i, name) in solution.columns.iter().enumerate() {
        let cells = || solution.rows.iter().map(|row| &row[i]);
        let words = cells().all(|cell| matches!(cell, Cell::Text(_) | Cell::Numbers(_)));
        let decimals = decimals(cells());
        let mut texts: Vec<String> = vec![(*name).to_owned()];
        texts.extend(cells().map(|cell| text(cell, decimals)));
        let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
        let padded = |text: String| if words { format!("{text:<width$}") } else { format!("{text:>width$}") };
        columns.push(texts.into_iter().map(padded).collect::<Vec<_>>());
    }
    let line = |i: usize| {
        let cells: Vec<&str> = columns.iter().map(|column| column[i].as_str()).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    (0..=solution.rows.len()).map(line).collect()
}

/// Decimals that a column needs: none for whole numbers, else some four digits of the largest.
fn decimals<'c>(cells: impl Iterator<Item = &'c Cell>) -> usize {
    let numbers: Vec<f64> =
        cells.filter_map(|cell| if let Cell::Number(x) = cell { Some(x.abs()) } else { None }).collect();
    let largest = numbers.iter().copied().filter(|x| x.is_finite()).fold(0.0, f64::max);
    match () {
        () if numbers.iter().all(|x| !x.is_finite() || x.fract() == 0.0) => 0,
        () if largest >= 100.0 => 1,
        () if largest >= 10.0 => 2,
        () if largest >= 0.1 => 3,
        () => 6,
    }
}

fn text(cell: &Cell, decimals: usize) -> String {
    match cell {
        Cell::Integer(i) => i.to_string(),
        Cell::Number(x) => number(*x, decimals),
        Cell::Numbers(numbers) => numbers.iter().map(|x| number(*x, 3)).collect::<Vec<_>>().join("  "),
        Cell::Text(text) => text.clone(),
    }
}

/// A number to seven digits, without zeros at its end.
fn significant(value: f64) -> String {
    if value != 0.0 && (value.abs() < 1e-4 || value.abs() >= 1e9) {
        return format!("{value:.1e}").replace('-', "−");
    }
    let whole = value.abs().max(1.0).log10().floor() as usize;
    let digits = number(value, 6_usize.saturating_sub(whole));
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.').to_owned() } else { digits }
}
