//! The lines of the table: kept as text while they are measured, and written for people.

use std::fmt::Write as _;
use std::path::Path;

use worldwright_core::Result;

use crate::domain::{DOMAINS, LONGEST, RECORDED, SEEDS, STEPS};
use crate::failed;

/// What came of one domain and seed.
pub(crate) struct Line {
    pub(crate) seed: u64,
    pub(crate) name: String,
    /// Mean return of random actions.
    pub(crate) random: f64,
    pub(crate) chosen: String,
    pub(crate) chosen_return: f64,
    pub(crate) best: String,
    pub(crate) best_return: f64,
    /// Standard error of the regret.
    pub(crate) error: f64,
    /// Fresh episodes of chosen and best.
    pub(crate) fresh: u64,
    /// Mean return with the model that the search hands over.
    pub(crate) delivered_return: f64,
    /// Episodes of the search.
    pub(crate) trials: usize,
    pub(crate) secs: f64,
    pub(crate) all_secs: f64,
}

impl Line {
    /// Share of the best gain that the choice loses, less than 0 where it is better; nothing where there was none to gain.
    fn regret(&self) -> f64 {
        let gain = self.best_return - self.random;
        if gain > 0.0 { (self.best_return - self.chosen_return) / gain } else { 0.0 }
    }

    fn to_text(&self) -> String {
        let numbers = [self.random, self.chosen_return, self.best_return, self.error, self.delivered_return];
        let numbers = [&numbers[..], &[self.secs, self.all_secs]].concat();
        let numbers: Vec<String> = numbers.iter().map(f64::to_string).collect();
        let words = [self.chosen.as_str(), &self.best, &numbers.join("\t")].join("\t");
        format!("{}\t{}\t{}\t{}\t{words}\n", self.seed, self.name, self.fresh, self.trials)
    }

    fn of_text(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split('\t').collect();
        let [seed, name, fresh, trials, chosen, best, numbers @ ..] = words.as_slice() else { return None };
        let numbers: Vec<f64> = numbers.iter().map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let [random, chosen_return, best_return, error, delivered_return, secs, all_secs] = numbers.try_into().ok()?;
        let (name, chosen, best) = ((*name).to_owned(), (*chosen).to_owned(), (*best).to_owned());
        let (seed, fresh, trials) = (seed.parse().ok()?, fresh.parse().ok()?, trials.parse().ok()?);
        Some(Self {
            seed,
            name,
            random,
            chosen,
            chosen_return,
            best,
            best_return,
            error,
            fresh,
            delivered_return,
            trials,
            secs,
            all_secs,
        })
    }
}

/// Lines measured before; none where there is no such file.
pub(crate) fn read(path: &Path) -> Result<Vec<Line>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    Ok(text.lines().filter_map(Line::of_text).collect())
}

pub(crate) fn write(path: &Path, lines: &[Line]) -> Result<()> {
    std::fs::write(path, lines.iter().map(Line::to_text).collect::<String>()).map_err(failed)
}

pub(crate) fn row(line: &Line) -> String {
    format!(
        "| {} | {} | {:.2} | {} | {:.2} | {} | {:.2} | {:.1} % ± {:.1} | {} | {:.2} | {} | {:.0} | {:.0} |\n",
        line.seed,
        line.name,
        line.random,
        line.chosen,
        line.chosen_return,
        line.best,
        line.best_return,
        100.0 * line.regret(),
        100.0 * line.error,
        line.fresh,
        line.delivered_return,
        line.trials,
        line.secs,
        line.all_secs,
    )
}

/// The page.
pub(crate) fn table(lines: &[Line]) -> String {
    let mut text = format!(
        "# The search that designs a model: regret against trying everything\n\n\
         Must come out: a loss of at most 10 % of what the best candidate gains over random actions.\n\n    \
         cargo xtask results design\n\n\
         For each domain, {STEPS} steps of random actions are the data of everyone; actions of mountain-car, mountain-car-continuous and the \
         two of dm_control are held for 5 steps, episodes end after {LONGEST} decisions, rewards are known, simulators are kept from \
         everyone. The rules of the search were set on seeds 0 and 1, and its record is of seed {RECORDED}, without the domain that it is \
         judged on; the seeds below were used for nothing else.\n\n\
         Every model of the search's list with every way to plan is fitted to all these steps and plays 2 episodes, the 5 best and the 3 that \
         the search ranks first 4 more; the best by these 6 is the best candidate. It and the search's choice, fitted alike, then play 6 to 30 fresh episodes from the same starts, \
         until the standard error of the regret is at most 3 %: their means are the true returns, so that no candidate is judged by \
         episodes that chose it. A regret below 0 says that the choice was better than what trying everything found. \
         The search has trials of at most 64 episodes, none of which is among these. What it hands over has learned from its trials \
         besides: `handed over` is its return over 6 of the fresh episodes.\n\n\
         | seed | domain | random | chosen | true return | best candidate | true return | regret | fresh | handed over | trials | search, s | \
         everything, s |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
    );
    text.extend(lines.iter().map(row));
    let lost = |line: &Line| line.regret().max(0.0);
    let told = |text: &mut String, what: &str, lines: &[&Line]| {
        let count = lines.len().max(1) as f64;
        let mean = lines.iter().map(|line| lost(line)).sum::<f64>() / count;
        let worst = lines.iter().map(|line| lost(line)).fold(0.0, f64::max);
        let within = lines.iter().filter(|line| lost(line) <= 0.1).count();
        let secs = lines.iter().map(|line| line.secs).sum::<f64>() / count;
        let trials = lines.iter().map(|line| line.trials as f64).sum::<f64>() / count;
        let _ = writeln!(
            text,
            "| {what} | {:.1} % | {:.1} % | {within} of {} | {trials:.0} | {secs:.0} |",
            100.0 * mean,
            100.0 * worst,
            lines.len()
        );
    };
    text += "\nWith regrets below 0 counted as 0:\n\n| of | mean regret | worst | within 10 % | trials, mean | search, s, mean |\n|---|---|---|---|---|---|\n";
    let mut seeds: Vec<u64> = lines.iter().map(|line| line.seed).collect();
    seeds.dedup();
    for seed in seeds {
        told(&mut text, &format!("seed {seed}"), &lines.iter().filter(|line| line.seed == seed).collect::<Vec<_>>());
    }
    let mut names: Vec<&str> = Vec::new();
    lines.iter().for_each(|line| names.extend((!names.contains(&line.name.as_str())).then_some(line.name.as_str())));
    for name in names {
        told(&mut text, name, &lines.iter().filter(|line| line.name == name).collect::<Vec<_>>());
    }
    told(&mut text, "all", &lines.iter().collect::<Vec<_>>());
    for seed in SEEDS {
        let measured = lines.iter().filter(|line| line.seed == seed).count();
        if measured < DOMAINS.len() {
            let _ = writeln!(text, "\nOf seed {seed}, {measured} of {} domains are measured yet.", DOMAINS.len());
        }
    }
    text + "\nTwo domains are judged at a time on two cores; seconds are those of the machine that ran it, and of what ran beside.\n"
}
