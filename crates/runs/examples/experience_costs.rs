//! What experience costs a run: bytes and time of a checkpoint after 10³, 10⁴ and 10⁵ steps, and what a run of 10⁶ steps holds in memory.
//!
//! `cargo run --release -p worldwright-runs --example experience_costs [STEPS …]`

#![allow(clippy::print_stdout, reason = "an example prints its table")]

use std::path::PathBuf;
use std::time::Instant;

use worldwright_core::{Interrupt, Result};
use worldwright_runs::{CheckpointEvery, Choices, Event, LearnOptions, Lists, Observer, RunFolder, learn};

/// Times each checkpoint: from the event before it, and the bytes of the newest.
struct Checkpoints {
    folder: PathBuf,
    since: Instant,
    bytes: u64,
    secs: Vec<f64>,
}

impl Observer for Checkpoints {
    fn name(&self) -> &'static str {
        "checkpoints"
    }

    fn event(&mut self, event: &Event<'_>) -> Result<()> {
        if matches!(event, Event::Checkpoint { .. }) {
            self.secs.push(self.since.elapsed().as_secs_f64());
            let newest =
                std::fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path()).max();
            let files = newest.into_iter().flat_map(|newest| std::fs::read_dir(newest).into_iter().flatten().flatten());
            self.bytes = files.filter_map(|file| Some(file.metadata().ok()?.len())).sum();
        }
        self.since = Instant::now();
        Ok(())
    }
}

/// Most bytes of this process that were ever in memory, where the system tells.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?;
    Some(1024.0 * kilobytes.parse::<f64>().ok()?)
}

fn measure(steps: u64) -> Result<()> {
    let place = std::env::temp_dir().join(format!("worldwright-costs-{}-{steps}", std::process::id()));
    let (initial, total) = (format!("agent.initial_steps={}", steps - 100), format!("steps={steps}"));
    let choices = [
        "environment=cartpole",
        "algorithm=pets",
        "model=linear",
        "planner=random-shooting",
        "planner.horizon=2",
        "planner.population=4",
        "environment.episode_steps=200",
        "evaluation.episodes=1",
        &initial,
        &total,
    ];
    let choices = choices.iter().try_fold(Choices::new(), |choices, choice| choices.assign(choice))?;
    let folder = RunFolder::new(&place);
    let mut watch = Checkpoints { folder: folder.checkpoints(), since: Instant::now(), bytes: 0, secs: Vec::new() };
    let began = Instant::now();
    let options = LearnOptions {
        folder,
        resume: false,
        checkpoint: CheckpointEvery::default(),
        interrupt: &Interrupt::never(),
        observers: vec![&mut watch],
    };
    let learned = learn(&Lists, &Lists.resolve(&choices)?, options);
    let took = began.elapsed().as_secs_f64();
    _ = std::fs::remove_dir_all(&place);
    learned?;
    let count = watch.secs.len();
    let mut last = watch.secs.split_off(count - count.min(20));
    last.sort_by(f64::total_cmp);
    println!(
        "| {steps} | {} | {:.2} | {count} | {took:.1} | {} |",
        watch.bytes,
        1e3 * last[last.len() / 2],
        peak().map_or("not told".to_owned(), |bytes| format!("{:.0}", bytes / 1e6))
    );
    Ok(())
}

fn main() -> Result<()> {
    let given: Vec<u64> = std::env::args().skip(1).filter_map(|steps| steps.parse().ok()).collect();
    println!(
        "| steps | bytes of a checkpoint | its ms (median of the last 20) | checkpoints | run, s | most resident, MB |"
    );
    println!("|---|---|---|---|---|---|");
    let steps = if given.is_empty() { vec![1_000, 10_000, 100_000, 1_000_000] } else { given };
    steps.into_iter().try_for_each(measure)
}
