//! What a step through a worker costs over the environment's own: `cargo run --release -p worldwright-envs --example
//! worker_overhead [gym:ID | dmc:DOMAIN-TASK …]`.
//!
//! The same environment is stepped with the same action by a plain loop in a Python process and through a worker, in turns of
//! a few hundred steps, so that both meet the same load of the machine; the overhead is the difference of the medians. It is
//! given twice: for a host that steps at once again, and for one that plans for 2 ms between steps, when the worker has gone to
//! sleep. For Gymnasium's environments the hand-over is measured too: each step's time less what the environment's own step took
//! in the worker at that very step. `worldwright_stubs:Idle-v0` is an environment that does nothing.
#![allow(clippy::print_stdout)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use worldwright_core::{Environment, Error, Result, Setting, Space, Step, Value};
use worldwright_envs::python::{PythonEnvironment, Suite, WorkerOptions};

/// Turns of each side.
const TURNS: usize = 20;
/// Steps of a turn.
const STEPS: usize = 500;
/// Steps of a turn with a pause before each.
const PAUSED: usize = 50;

const OWN: &str = r#"
import sys, time
import numpy as np
suite, name, path = sys.argv[1:]
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
now = time.perf_counter_ns
for turn in sys.stdin:
    reset()
    times = []
    for _ in range(int(turn)):
        start = now()
        result = step(action)
        times.append(now() - start)
        if over(result):
            reset()
    print(*times, flush=True)
"#;

/// The value below which a share `q` of `times` lies, microseconds.
fn quantile(times: &mut [f64], q: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * q) as usize]
}

/// The plain loop, which waits for its turns.
struct Own {
    child: Child,
    turns: ChildStdin,
    times: BufReader<ChildStdout>,
}

impl Own {
    fn start(id: &str, modules: &Path) -> Result<Self> {
        let (suite, name) = Suite::split(id).ok_or_else(|| Error::config("id", "gym:ID or dmc:DOMAIN-TASK"))?;
        let failed = |error: std::io::Error| Error::external("python", error.to_string());
        let mut child = Command::new(suite.interpreter()?)
            .args(["-c", OWN, suite.name(), name])
            .arg(modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(turns), Some(times)) => Ok(Self { child, turns, times: BufReader::new(times) }),
            _ => Err(Error::external("python", "its pipes are not there")),
        }
    }

    /// Microseconds of each step of one turn.
    fn turn(&mut self, steps: usize) -> Result<Vec<f64>> {
        let failed = |error: std::io::Error| Error::external("python", error.to_string());
        writeln!(self.turns, "{steps}").map_err(failed)?;
        let mut line = String::new();
        self.times.read_line(&mut line).map_err(failed)?;
        let times: Vec<f64> =
            line.split_whitespace().filter_map(|t| t.parse::<f64>().ok()).map(|ns| ns / 1e3).collect();
        if times.len() == steps { Ok(times) } else { Err(Error::external("python", "the plain loop failed")) }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Microseconds of steps through a worker, and what each gave.
fn steps(environment: &mut PythonEnvironment, steps: usize, pause: Duration) -> Result<Vec<(f64, Step)>> {
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
        let time = start.elapsed().as_secs_f64() * 1e6;
        let over = step.done();
        times.push((time, step));
        if over {
            environment.reset(0)?;
        }
    }
    Ok(times)
}

/// Microseconds of steps through a worker.
fn through_worker(environment: &mut PythonEnvironment, count: usize, pause: Duration) -> Result<Vec<f64>> {
    Ok(steps(environment, count, pause)?.into_iter().map(|(time, _)| time).collect())
}

/// Microseconds of each step beyond those of the environment's own, which the stub `Timed` gives as its reward.
fn hand_over(environment: &mut PythonEnvironment) -> Result<Vec<f64>> {
    Ok(steps(environment, STEPS, Duration::ZERO)?.into_iter().map(|(time, step)| time - step.reward / 1e3).collect())
}

fn main() -> Result<()> {
    let modules = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/python_it/modules");
    let options = WorkerOptions { path: vec![modules.clone()], ..WorkerOptions::default() };
    let mut ids: Vec<String> = std::env::args().skip(1).collect();
    if ids.is_empty() {
        ids.push("gym:worldwright_stubs:Idle-v0".into());
    }
    let heads =
        ["own p50", "p50", "p90", "overhead p50", "after 2 ms p50", "hand-over p10", "hand-over p50", "hand-over p90"];
    print!("{:<36}", "microseconds a step");
    println!("{}", heads.map(|head| format!("{head:>16}")).concat());
    for id in ids {
        let mut own = Own::start(&id, &modules)?;
        let mut environment = PythonEnvironment::open(&id, &options)?;
        let mut timed = match id.strip_prefix("gym:") {
            Some(inner) => {
                let arguments = [("inner".to_owned(), Setting::Text(inner.to_owned()))].into();
                let options = WorkerOptions { arguments, ..options.clone() };
                Some(PythonEnvironment::open("gym:worldwright_stubs:Timed-v0", &options)?)
            }
            None => None,
        };
        own.turn(STEPS)?;
        through_worker(&mut environment, STEPS, Duration::ZERO)?;
        let (mut plain, mut busy, mut paused, mut beyond) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TURNS {
            plain.extend(own.turn(STEPS)?);
            busy.extend(through_worker(&mut environment, STEPS, Duration::ZERO)?);
            paused.extend(through_worker(&mut environment, PAUSED, Duration::from_millis(2))?);
            if let Some(timed) = &mut timed {
                beyond.extend(hand_over(timed)?);
            }
        }
        let (own, p50, p90) = (quantile(&mut plain, 0.5), quantile(&mut busy, 0.5), quantile(&mut busy, 0.9));
        let mut numbers = vec![own, p50, p90, p50 - own, quantile(&mut paused, 0.5) - own];
        if !beyond.is_empty() {
            numbers.extend([0.1, 0.5, 0.9].map(|q| quantile(&mut beyond, q)));
        }
        print!("{id:<36}");
        println!("{}", numbers.iter().map(|number| format!("{number:>16.2}")).collect::<String>());
    }
    Ok(())
}
