//! The table behind the page *What to use when*: algorithms by problem, over three seeds, each in its own process on one thread.
//!
//! Runs lie under `runs/results/what-to-use` and those that are done are not run again, so that a table that was cut goes on, and a
//! new line costs only its own runs. `WORLDWRIGHT_PROGRAM` names a program that is built already, in place of a release build.

mod problems;

use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use self::problems::{Method, PROBLEMS, Problem, Recorder};
use crate::{cargo, root, step};

/// What `cargo xtask results` calls it.
pub(crate) const NAME: &str = "what-to-use";

const SEEDS: Range<u64> = 0..3;
/// Steps of random actions that say what doing nothing sensible earns.
const RANDOM_STEPS: &str = "2000";

/// Runs all that is missing of the seeds, and writes the table of all runs that are there.
pub(crate) fn run(seeds: Option<Range<u64>>) -> Result<()> {
    let program = program()?;
    let runner = Runner { program, folder: root().join("runs/results").join(NAME) };
    fs::create_dir_all(&runner.folder)?;
    // Seed by seed, so that a table that was cut has every line.
    for seed in seeds.unwrap_or(SEEDS) {
        for problem in PROBLEMS {
            runner.baseline(problem, seed)?;
            for method in problem.methods {
                runner.learn(problem, method, seed)?;
            }
        }
    }
    let path = root().join("docs/results").join(format!("{NAME}.md"));
    fs::write(&path, runner.table()?)?;
    println!("\nwritten to {}", path.display());
    Ok(())
}

/// The program that runs: one that is built already, where `WORLDWRIGHT_PROGRAM` names it, else a release build.
pub(crate) fn program() -> Result<PathBuf> {
    if let Some(program) = std::env::var_os("WORLDWRIGHT_PROGRAM") {
        return Ok(PathBuf::from(program));
    }
    step("release build", cargo().args(["build", "--release", "--quiet"]))?;
    Ok(root().join("target/release/worldwright"))
}

struct Runner {
    program: PathBuf,
    folder: PathBuf,
}

/// What the runs of a line came to.
#[derive(Default)]
struct Line {
    /// What was tried, as the table shows it.
    what: String,
    /// The page that it is from, where that is another one.
    page: Option<&'static str>,
    returns: Vec<f64>,
    steps: u64,
    train_secs: Vec<f64>,
    /// Seconds that an episode of the evaluation took.
    acting_secs: Vec<f64>,
    /// Episodes of each evaluation.
    episodes: usize,
}

impl Runner {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // Seconds of one core; the numbers do not depend on it.
        command.current_dir(root()).env("RAYON_NUM_THREADS", "1").args(arguments);
        command
    }

    fn place(&self, problem: &Problem, what: &str, seed: u64) -> PathBuf {
        self.folder.join(problem.name).join(what).join(seed.to_string())
    }

    /// What the program says of a call, kept in a file beside the runs.
    fn said(&self, file: &Path, arguments: &[&str]) -> Result<String> {
        if let Ok(said) = fs::read_to_string(file) {
            return Ok(said);
        }
        let done = self.command(arguments).output().with_context(|| self.program.display().to_string())?;
        if !done.status.success() {
            bail!("{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        }
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        fs::create_dir_all(file.parent().unwrap_or(&self.folder))?;
        fs::write(file, &said)?;
        Ok(said)
    }

    /// The mean return of random actions.
    fn baseline(&self, problem: &Problem, seed: u64) -> Result<f64> {
        let place = self.place(problem, "random", seed);
        let (out, seed) = (place.join("episodes").display().to_string(), seed.to_string());
        let mut arguments = vec!["collect"];
        arguments.extend(problem.environment);
        arguments.extend(["--steps", RANDOM_STEPS, "--seed", &seed, "--out", &out]);
        let said = self.said(&place.join("said.txt"), &arguments)?;
        mean_return(&said).with_context(|| format!("no mean return in: {said}"))
    }

    /// The folder of the episodes that `recorder` recorded.
    fn recorded(&self, problem: &Problem, recorder: Recorder, seed: u64) -> Result<String> {
        let place = self.place(problem, "recorded", seed);
        let (out, seed) = (place.join("episodes").display().to_string(), seed.to_string());
        let (who, steps) = match recorder {
            Recorder::Random(steps) => (problem.environment[0].to_owned(), steps),
            Recorder::Planned(steps) => {
                let by = place.join("by").display().to_string();
                let learn = ["learn", problem.environment[0], "--algorithm", "mpc", "--steps", "1", "-q"];
                let said = [&learn[..], &["evaluation.episodes=1", "--seed", &seed, "--run-dir", &by]].concat();
                self.said(&place.join("by.txt"), &said)?;
                (format!("{by}/bundle"), steps)
            }
        };
        let steps = steps.to_string();
        self.said(&place.join("said.txt"), &["collect", &who, "--steps", &steps, "--seed", &seed, "--out", &out])?;
        Ok(out)
    }

    fn learn(&self, problem: &Problem, method: &Method, seed: u64) -> Result<()> {
        let place = self.place(problem, method.name, seed);
        let folder = place.display().to_string();
        let number = seed.to_string();
        if !place.join("summary.json").exists() {
            let recorded = problem.recorder.map(|recorder| self.recorded(problem, recorder, seed)).transpose()?;
            let mut command = self.command(&["learn"]);
            command.args(problem.environment).args(method.arguments);
            command.args(recorded.iter().flat_map(|data| ["--data", data]));
            command.args(["--seed", &number, "-q", "--run-dir", &folder]);
            if place.exists() {
                command.arg("--resume");
            }
            step(&format!("{} {} seed {seed}", problem.name, method.name), &mut command)?;
        }
        if let Some(environment) = method.judged_in {
            let bundle = place.join("bundle").display().to_string();
            let arguments =
                ["eval", &bundle, "--environment", environment, "--episodes", "100", "--seed", &number, "--json"];
            self.said(&place.join("judged.json"), &arguments)?;
        }
        Ok(())
    }

    /// A line's numbers over the seeds.
    fn line(&self, problem: &Problem, method: &Method) -> Result<Line> {
        let judged = method.judged_in.map_or(String::new(), |environment| format!(", then judged in `{environment}`"));
        let mut line = Line { what: format!("`{}`{judged}", shown(method)), ..Line::default() };
        for seed in SEEDS {
            let place = self.place(problem, method.name, seed);
            if !place.join("summary.json").exists() {
                continue;
            }
            let read = |file: &str| -> Result<Value> {
                let path = place.join(file);
                let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                serde_json::from_str(&text).with_context(|| path.display().to_string())
            };
            let summary = read("summary.json")?;
            let number = |key: &str| summary[key].as_f64().unwrap_or(f64::NAN);
            let judged = if method.judged_in.is_some() { read("judged.json")? } else { summary.clone() };
            line.returns.push(judged["return_mean"].as_f64().unwrap_or(f64::NAN));
            line.steps = summary["real_steps"].as_u64().unwrap_or(0);
            line.train_secs.push(number("train_secs"));
            line.episodes = judged["returns"].as_array().map_or(0, Vec::len);
            let evaluated = summary["returns"].as_array().map_or(0, Vec::len);
            line.acting_secs.push(number("evaluation_secs") / evaluated as f64);
        }
        Ok(line)
    }

    fn table(&self) -> Result<String> {
        let mut text = String::from(
            "# Algorithms by problem\n\n    cargo xtask results what-to-use\n\nwhich runs, for seeds 0 to 2 and on one thread each, `worldwright learn PROBLEM … --seed SEED` with \
             what the tables say. Returns are means over the seeds, and in brackets those of the worst and the best seed; in bold is the best mean of a problem, and any other that lies \
             above the worst seed of the best. *Judged by* says on how many seeds and by how many episodes of each; *an episode* is what one of these took. Lines that lead to a table of their own are \
             from there. Seconds are those of the machine that ran it, and of what ran beside.\n",
        );
        let mut best =
            String::from("| what is to be done | best here | its return | random actions |\n|---|---|---|---|\n");
        let mut tables = String::new();
        for problem in PROBLEMS {
            let random: Vec<f64> = SEEDS.map(|seed| self.baseline(problem, seed)).collect::<Result<_>>()?;
            let nothing = mean(&random);
            let mut lines = vec![Line { what: "random actions".to_owned(), returns: random, ..Line::default() }];
            for method in problem.methods {
                lines.push(self.line(problem, method)?);
            }
            for name in problem.longer {
                lines.push(longer(name)?);
            }
            lines.retain(|line| !line.returns.is_empty());
            lines.sort_by(|a, b| mean(&b.returns).total_cmp(&mean(&a.returns)));
            let bar = lowest(&lines[0].returns);
            let equals: Vec<&str> =
                lines.iter().filter(|line| mean(&line.returns) >= bar).map(|line| line.what.as_str()).collect();
            let (first, random) = (mean(&lines[0].returns), shown_number(nothing, nothing));
            writeln!(
                best,
                "| {} | {} | {} | {random} |",
                problem.title,
                equals.join(", "),
                shown_number(first, nothing)
            )?;
            write!(
                tables,
                "\n## {}\n\n`{}`{}\n\n| what | return | judged by | real steps | learning, s | an episode, s |\n|---|---|---|---|---|---|\n",
                problem.title,
                problem.environment.join(" "),
                if problem.recorder.is_some() { ", with `--data` of what was recorded" } else { "" },
            )?;
            for line in &lines {
                let emphasis = if mean(&line.returns) >= bar { "**" } else { "" };
                let dash = |there: bool, shown: String| if there { shown } else { "–".to_owned() };
                writeln!(
                    tables,
                    "| {} | {emphasis}{}{emphasis} | {} | {} | {} | {} |",
                    line.page.map_or_else(|| line.what.clone(), |page| format!("[{}]({page}.md)", line.what)),
                    spread(&line.returns),
                    dash(line.episodes > 0, format!("{} × {}", line.returns.len(), line.episodes)),
                    dash(line.steps > 1, line.steps.to_string()),
                    dash(!line.train_secs.is_empty(), format!("{:.1}", mean(&line.train_secs))),
                    dash(!line.acting_secs.is_empty(), format!("{:.2}", mean(&line.acting_secs))),
                )?;
            }
        }
        write!(text, "\n<!-- best -->\n\n{best}\n<!-- /best -->\n{tables}")?;
        Ok(text)
    }
}

/// The line of a longer table, read from its page.
fn longer(name: &'static str) -> Result<Line> {
    let path = root().join("docs/results").join(format!("{name}.md"));
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let command = text.lines().find_map(|line| line.trim().strip_prefix("worldwright learn "));
    let words = command.with_context(|| format!("{name}: no command"))?.split(' ');
    // The environment is said above, the seed below.
    let told = ["--algorithm", "--seed", "SEED", "pendulum", "environment.hidden=theta_dot"];
    let words: Vec<&str> = words.filter(|word| !told.contains(word) && !word.starts_with("evaluation.")).collect();
    let mut words = words.join(" ");
    if !text.contains("--algorithm") {
        words.insert_str(0, "pets ");
    }
    let mut line = Line { what: format!("`{words}`"), page: Some(name), ..Line::default() };
    for row in
        text.lines().filter(|row| row.starts_with("| ") && row.chars().nth(2).is_some_and(|c| c.is_ascii_digit()))
    {
        let cells: Vec<f64> =
            row.trim_matches('|').split('|').map(|cell| cell.trim().parse().unwrap_or(f64::NAN)).collect();
        let [_, mean, _, episodes, steps, train, evaluation, _] = cells[..] else { bail!("{name}: {row}") };
        line.returns.push(mean);
        line.steps = steps as u64;
        line.train_secs.push(train);
        line.episodes = episodes as usize;
        line.acting_secs.push(evaluation / episodes);
    }
    Ok(line)
}

/// What a reader sees of a method's arguments: how many episodes judged it is no part of it, nor is a run's one step that nothing is learned from.
fn shown(method: &Method) -> String {
    let words = format!("{} ", method.arguments.join(" ")).replace("--steps 1 ", "").replace("--algorithm ", "");
    words.split(' ').filter(|word| !word.starts_with("evaluation.")).collect::<Vec<_>>().join(" ").trim().to_owned()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn lowest(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The mean, and the worst and the best; small numbers with two places.
fn spread(numbers: &[f64]) -> String {
    let low = lowest(numbers);
    let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let largest = low.abs().max(high.abs());
    let number = |value: f64| shown_number(value, largest);
    format!("{} ({} to {})", number(mean(numbers)), number(low), number(high))
}

/// A number with two places where those beside it are small, and no negative zero.
fn shown_number(value: f64, largest: f64) -> String {
    let places = if largest.abs().max(value.abs()) < 10.0 { 2 } else { 1 };
    let text = format!("{value:.places$}");
    let zero = text.trim_start_matches('-').chars().all(|sign| sign == '0' || sign == '.');
    if zero { text.trim_start_matches('-').to_owned() } else { text.replace('-', "−") }
}

/// The mean return that `collect` says, which writes numbers with a minus sign and with commas.
fn mean_return(said: &str) -> Option<f64> {
    let rest = said.split("mean return ").nth(1)?;
    let word: String = rest.chars().take_while(|sign| sign.is_ascii_digit() || "−-.,".contains(*sign)).collect();
    word.trim_end_matches([',', '.']).replace('−', "-").replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_collect_says_is_read() {
        assert_eq!(mean_return("1,000 steps in 5 episodes, mean return −1,149, in data"), Some(-1149.0));
        assert_eq!(mean_return("1,000 steps in 349 episodes, mean return −0.91 of 348 whole episodes"), Some(-0.91));
        assert_eq!(mean_return("nothing"), None);
    }

    #[test]
    fn numbers_are_shown_with_their_spread() {
        assert_eq!(spread(&[-1.0, -2.0, -3.0]), "−2.00 (−3.00 to −1.00)");
        assert_eq!(spread(&[100.0, 200.0]), "150.0 (100.0 to 200.0)");
    }

    #[test]
    fn every_line_has_a_name_of_its_own() {
        let mut names: Vec<_> = PROBLEMS.iter().flat_map(|p| p.methods.iter().map(|m| (p.name, m.name))).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
