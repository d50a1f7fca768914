//! What 100,000 pictures of 64×64×3 take in memory beside their own bytes, and how fast sequences of them are sampled.
//!
//! `cargo run --release -p worldwright-data --example frames [COUNT]`

#![allow(clippy::print_stdout, reason = "an example prints its table")]

use std::time::Instant;

use worldwright_core::{ElementType, Experience, Result, Rng, Sample, Space, Step, Value, Want};
use worldwright_data::Replay;

const PIXELS: usize = 64 * 64 * 3;
const EPISODE: usize = 1000;

/// Bytes of this process that are in memory, where the system tells.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?;
    Some(1024.0 * kilobytes.parse::<f64>().ok()?)
}

fn main() -> Result<()> {
    let count: usize = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let pictures = Space::Box {
        shape: vec![64, 64, 3],
        low: vec![0.0; PIXELS],
        high: vec![255.0; PIXELS],
        element: ElementType::U8,
    };
    let mut replay = Replay::new(pictures, Space::vector(&[-1.0], &[1.0]), Vec::new(), usize::MAX)?;
    let before = resident();
    let began = Instant::now();
    for frame in 0..count {
        let observation = Value::Bytes((0..PIXELS).map(|i| (i + 7 * frame) as u8).collect());
        if frame % EPISODE == 0 {
            replay.start_episode(0, &observation)?;
        } else {
            let truncated = frame % EPISODE == EPISODE - 1;
            let step = Step { observation, reward: 0.0, terminated: false, truncated };
            replay.step(0, &Value::Floats(vec![0.5]), &step, &[])?;
        }
    }
    println!("{count} frames taken in at {:.0} a second", count as f64 / began.elapsed().as_secs_f64());
    let bytes = (count * PIXELS) as f64;
    match (before, resident()) {
        (Some(before), Some(after)) => println!(
            "{:.1} MB of pictures: {:.1} MB more are resident, {:.3} times as many; {:.1} MB in all",
            bytes / 1e6,
            (after - before) / 1e6,
            (after - before) / bytes,
            after / 1e6
        ),
        _ => println!("this system does not tell what is resident"),
    }
    let (mut rng, mut sample) = (Rng::new(1), Sample::default());
    let want = Want::Sequences { count: 16, length: 50 };
    replay.sample(want, &mut rng, &mut sample)?;
    let began = Instant::now();
    (0..100).try_for_each(|_| replay.sample(want, &mut rng, &mut sample))?;
    println!("16 sequences of 50 are sampled in {:.2} ms", 10.0 * began.elapsed().as_secs_f64());
    Ok(())
}
