//! What a step through a worker costs over the environment's own: `cargo run --release -p worldwright-envs --example
//! worker_overhead [gym:ID | dmc:DOMAIN-TASK …]`.
//!
//! The same environment is stepped with the same action in one Python process and through a worker; the overhead is the
//! difference of the medians. It is given twice: for a host that steps at once again, and for one that plans for 2 ms between
//! steps, when the worker has gone to sleep. `worldwright_stubs:Idle-v0` is an environment that does nothing.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use worldwright_core::{Environment, Result, Space, Value};
use worldwright_envs::python::{PythonEnvironment, Suite, WorkerOptions};

const STEPS: usize = 5_000;
/// Steps with a pause before each.
const PAUSED: usize = 500;

const OWN: &str = r#"
import sys, time
import numpy as np
suite, name, path, steps = sys.argv[1:]
sys.path.insert(0, path)
if suite == "gym":
    import gymnasium
    env = gymnasium.make(name, disable_env_checker=True)
    reset, step, space = (lambda: env.reset(seed=0)), env.step, env.action_space
    action = np.zeros(space.shape, space.dtype)
    over = lambda result: result[2] or result[3]
else:
    from dm_control import suite as control
    env = control.load(*name.split("-"), task_kwargs={"random": 0})
    reset, step, action = env.reset, env.step, np.zeros(env.action_spec().shape)
    over = lambda result: result.last()
times, now = [], time.perf_counter_ns
reset()
for _ in range(int(steps)):
    start = now()
    result = step(action)
    times.append(now() - start)
    if over(result):
        reset()
print(*times)
"#;

/// The value below which a share `q` of `times` lies, microseconds.
fn quantile(times: &mut [f64], q: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * q) as usize]
}

/// Microseconds of steps through a worker.
fn through_worker(environment: &mut PythonEnvironment, steps: usize, pause: Duration) -> Result<Vec<f64>> {
    let action = match environment.action_space() {
        Space::Box { low, .. } => Value::Floats(vec![0.0; low.len()]),
        other => other.sample(&mut worldwright_core::Key::new(0).rng()),
    };
    environment.reset(0)?;
    let mut times = Vec::with_capacity(steps);
    for _ in 0..steps {
        if !pause.is_zero() {
            // A planner works in this time; sleeping would also measure how its own core wakes.
            let start = Instant::now();
            while start.elapsed() < pause {
                std::hint::spin_loop();
            }
        }
        let start = Instant::now();
        let step = environment.step(&action)?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
        if step.done() {
            environment.reset(0)?;
        }
    }
    Ok(times)
}

fn main() -> Result<()> {
    let modules = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/python_it/modules");
    let options = WorkerOptions { path: vec![modules.clone()], ..WorkerOptions::default() };
    let mut ids: Vec<String> = std::env::args().skip(1).collect();
    if ids.is_empty() {
        ids.push("gym:worldwright_stubs:Idle-v0".into());
    }
    println!(
        "{:<32}{:>10}{:>10}{:>10}{:>14}{:>16}",
        "microseconds a step", "own p50", "p50", "p90", "overhead p50", "after 2 ms p50"
    );
    for id in ids {
        let (suite, name) =
            Suite::split(&id).ok_or_else(|| worldwright_core::Error::config("id", "gym:ID or dmc:DOMAIN-TASK"))?;
        let output = Command::new(suite.interpreter()?)
            .args(["-c", OWN, suite.name(), name])
            .arg(&modules)
            .arg(STEPS.to_string())
            .output()
            .map_err(|error| worldwright_core::Error::external("python", error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut own: Vec<f64> =
            text.split_whitespace().filter_map(|t| t.parse::<f64>().ok()).map(|ns| ns / 1e3).collect();
        if own.is_empty() {
            return Err(worldwright_core::Error::external(id, String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        let mut environment = PythonEnvironment::open(&id, &options)?;
        through_worker(&mut environment, STEPS / 10, Duration::ZERO)?;
        let mut busy = through_worker(&mut environment, STEPS, Duration::ZERO)?;
        let mut paused = through_worker(&mut environment, PAUSED, Duration::from_millis(2))?;
        let own = quantile(&mut own, 0.5);
        let p50 = quantile(&mut busy, 0.5);
        println!(
            "{id:<32}{own:>10.2}{p50:>10.2}{:>10.2}{:>14.2}{:>16.2}",
            quantile(&mut busy, 0.9),
            p50 - own,
            quantile(&mut paused, 0.5) - own
        );
    }
    Ok(())
}
