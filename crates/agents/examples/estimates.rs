//! Whether intervals of estimates hold what policies earn: `cargo xtask results estimates` writes what this prints.
//!
//! The world is a line, `x' = 0.9 x + 0.3 a + 0.1 ε`, that pays `−x² − 0.1 a²` for ten steps from x ~ N(0, 1); the policies are `a = b − k x`. Means and
//! variances of x then follow from those before, so that returns are known exactly. Forty episodes are recorded with `a = −0.5 x + 0.8 ε`, others for each
//! policy.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a measurement prints")]

use std::error::Error;

use worldwright_agents::{AgentContext, LEVEL, Question, estimate};
use worldwright_core::{Dataset, Interrupt, Key, Rng, Space};

const STEPS: usize = 10;
const EPISODES: usize = 40;
/// Deviation of the recorder's noise, and of that with which importance weights take policies to act.
const NOISE: f64 = 0.8;
/// Half of the range of actions, which none of them reaches.
const HALF: f64 = 8.0;

/// The return of `a = b − k x`, with a noise of its own.
fn truth(k: f64, b: f64, noise: f64) -> f64 {
    let (mut mean, mut variance, mut sum) = (0.0, 1.0, 0.0);
    for _ in 0..STEPS {
        let action = b - k * mean;
        sum -= mean * mean + variance + 0.1 * (action * action + k * k * variance + noise * noise);
        let factor = 0.9 - 0.3 * k;
        mean = factor * mean + 0.3 * b;
        variance = factor * factor * variance + 0.09 * noise * noise + 0.01;
    }
    sum
}

fn recorded(rng: &mut Rng) -> Result<(Dataset, Vec<f64>), Box<dyn Error>> {
    let (mut data, mut logs) = (Dataset::new(1, 1), Vec::new());
    for _ in 0..EPISODES {
        let mut x = rng.normal();
        for t in 0..STEPS {
            let noise = rng.normal();
            let action = -0.5 * x + NOISE * noise;
            let next = 0.9 * x + 0.3 * action + 0.1 * rng.normal();
            data.push(&[x], &[action], -x * x - 0.1 * action * action, &[next], false, t + 1 == STEPS)?;
            logs.push(-0.5 * noise * noise - NOISE.ln() - 0.5 * std::f64::consts::TAU.ln());
            x = next;
        }
    }
    Ok((data, logs))
}

fn main() -> Result<(), Box<dyn Error>> {
    let policies: usize = std::env::args().nth(1).map_or(Ok(100), |count| count.parse())?;
    let mut tally: Vec<(&str, usize, usize, f64, f64)> = Vec::new();
    for policy in 0..policies {
        let rng = &mut Key::new(policy as u64).fold(0xe57).rng();
        let (k, b) = (rng.uniform_in(0.0, 1.5), rng.uniform_in(-0.5, 0.5));
        let (data, logs) = recorded(rng)?;
        let interrupt = Interrupt::never();
        let context = AgentContext {
            observation_space: Space::unbounded(1),
            action_space: Space::vector(&[-HALF], &[HALF]),
            reward: None,
            simulator: None,
            known: None,
            players: 1,
            places: 1,
            seed: policy as u64,
            interrupt: interrupt.clone(),
        };
        let question = Question {
            recorded: &data,
            log_probabilities: Some(&logs),
            context: &context,
            horizon: STEPS,
            discount: 1.0,
            noise: NOISE / HALF,
            updates: 1500,
            seed: policy as u64,
            interrupt: &interrupt,
        };
        let mut decide = |seen: &[f64], out: &mut [f64]| {
            out[0] = b - k * seen[0];
            Ok(())
        };
        for (way, found) in estimate(&question, &mut decide)?.into_iter().enumerate() {
            // Importance weights are of the policy with noise.
            let truth = truth(k, b, if way == 2 { NOISE } else { 0.0 });
            if tally.len() <= way {
                tally.push((found.name, 0, 0, 0.0, 0.0));
            }
            let (_, said, held, off, width) = &mut tally[way];
            if found.mean.is_finite() {
                *said += 1;
                *held += usize::from((found.low..=found.high).contains(&truth));
                *off += (found.mean - truth).abs();
                *width += found.high - found.low;
            }
            eprintln!(
                "{policy} {}: {:.2} in [{:.2}, {:.2}], truth {truth:.2} ({})",
                found.name, found.mean, found.low, found.high, found.note
            );
        }
    }
    println!("# Whether intervals of estimates hold what policies earn\n\n    cargo xtask results estimates\n");
    println!(
        "A line, `x' = 0.9 x + 0.3 a + 0.1 ε`, pays `−x² − 0.1 a²` for {STEPS} steps from x ~ N(0, 1). {policies} policies `a = b − k x`, k from 0 to 1.5 and b from −0.5 to 0.5, are"
    );
    println!(
        "each estimated from {EPISODES} episodes of their own set, recorded with `a = −0.5 x + {NOISE} ε`; what they earn is known in closed form. Importance weights are held against the"
    );
    println!("policy with the noise that they take it with. At least 85 of 100 must hold the truth.\n");
    println!(
        "| estimate | policies that it says something of | intervals for {:.0} % that hold the truth | mean error | mean width |",
        100.0 * LEVEL
    );
    println!("|---|---|---|---|---|");
    for (name, said, held, off, width) in tally {
        let each = said.max(1) as f64;
        println!("| {name} | {said} of {policies} | {held} | {:.2} | {:.2} |", off / each, width / each);
    }
    Ok(())
}
