//! What the search that designs a model loses against trying everything: `docs/results/design.md`, and the record of what domains needed.
//!
//!     cargo run --release -p worldwright-agents --example design_regret -- record FOLDER [DOMAIN…]
//!     cargo run --release -p worldwright-agents --example design_regret -- table FOLDER [DOMAIN…] [SEED…]
//!
//! The first plays every candidate on seed [`domain::RECORDED`] and writes `record.txt` into FOLDER. The second judges the search on the seeds
//! [`domain::SEEDS`], which neither the record nor the search's rules have seen, and writes `design.md`. What FOLDER holds already in `lines.txt`
//! is not measured again.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a measurement prints")]

mod candidates;
mod domain;
mod judging;
mod table;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use worldwright_core::{Error, Result};
use worldwright_design::{Record, record, to_text};

use candidates::Everything;
use domain::{DOMAINS, Ground, RECORDED, SEEDS};
use table::Line;

/// Domains that are judged at a time.
const WORKERS: usize = 2;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder, wanted @ ..] = arguments.as_slice() else {
        return Err(Error::config("arguments", "say `record` or `table`, and the folder that the results go to"));
    };
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let seeds: Vec<u64> = wanted.iter().filter_map(|word| word.parse().ok()).collect();
    let seeds = if seeds.is_empty() { SEEDS.to_vec() } else { seeds };
    let wanted: Vec<&String> = wanted.iter().filter(|word| word.parse::<u64>().is_err()).collect();
    let names = || DOMAINS.into_iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name));
    if what == "record" {
        let experience = |(name, repeat)| Everything::play(&Ground::new(name, repeat, RECORDED)?)?.experience();
        let found: Vec<Record> = names().map(experience).collect::<Result<_>>()?;
        return std::fs::write(folder.join("record.txt"), to_text(&found)).map_err(failed);
    }
    let kept = folder.join("lines.txt");
    let lines = Mutex::new(table::read(&kept)?);
    let all = || seeds.iter().flat_map(|seed| names().map(|(name, repeat)| (*seed, name, repeat)));
    let missing = |(seed, name, _): &(u64, &str, i64)| {
        !locked(&lines).iter().any(|line: &Line| line.seed == *seed && line.name == *name)
    };
    let queue = Mutex::new(all().filter(missing).collect::<VecDeque<_>>());
    let work = || -> Result<()> {
        loop {
            let Some((seed, name, repeat)) = locked(&queue).pop_front() else { return Ok(()) };
            let others = record().into_iter().filter(|experience| experience.name != name).collect();
            let line = judging::judge(&Ground::new(name, repeat, seed)?, others)?;
            eprint!("{}", table::row(&line));
            let mut lines = locked(&lines);
            lines.push(line);
            let place = |line: &Line| (line.seed, DOMAINS.iter().position(|(name, _)| line.name == *name));
            lines.sort_by_key(place);
            table::write(&kept, &lines)?;
        }
    };
    // A search tries one plan after the other, so that two of them keep two cores busy.
    std::thread::scope(|scope| {
        let workers = [(); WORKERS].map(|()| scope.spawn(work));
        let ended = workers.map(|worker| worker.join().map_err(|_| Error::external("results", "a worker panicked")));
        ended.into_iter().try_for_each(|ended| ended?)
    })?;
    let lines = locked(&lines);
    let text = table::table(&lines);
    println!("{text}");
    std::fs::write(folder.join("design.md"), text).map_err(failed)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(error: std::io::Error) -> Error {
    Error::external("results", error.to_string())
}
