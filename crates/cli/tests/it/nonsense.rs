//! The program itself with nonsense on its command line: it ends by itself with a code and words, or at an interrupt within moments.
//!
//! Short in continuous integration; `cargo xtask fuzz commands CASES` runs it longer.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use worldwright_core::{Rng, SettingDefault};
use worldwright_runs::List;
use worldwright_testkit::cases;

/// Address space of the program: far more than it needs, far less than nonsense may ask for.
const KILOBYTES: u64 = 6_000_000;
/// What a case may take before it is interrupted, and what it may then take to end. Processor time of its two threads, so that a
/// machine full of other work changes neither; whoever waits without working is given up on at `STUCK`.
const PATIENCE: Duration = Duration::from_secs(1);
const ENDING: Duration = Duration::from_secs(4);
const STUCK: Duration = Duration::from_secs(120);
/// How soon an interrupt is heeded on a machine of its own.
const HEEDED: Duration = Duration::from_secs(2);

const WHOLE: [&str; 12] = [
    "-1",
    "0",
    "1",
    "3",
    "1000",
    "1000000000",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e9",
    "1_000",
];
const REAL: [&str; 14] =
    ["0.0", "-0.0", "1e300", "-1e300", "1e-300", "nan", "inf", "-inf", "0.5", "1e18", "2", "-1", "1e400", "0x10"];
const TEXT: [&str; 7] = ["''", "nonsense", "-1", "🙂", "((((", "[1,2", "a b/c"];
const LISTS: [&str; 8] =
    ["[]", "[1e300]", "[nan]", "[-1, 1]", "[0.5]", "[[1, 2], [3]]", "[1000000000]", "[1, 2, 3, 4, 5]"];

fn value(rng: &mut Rng, declared: SettingDefault) -> String {
    let from = |rng: &mut Rng, list: &[&str]| list[rng.below(list.len() as u64) as usize].to_owned();
    let kind = if rng.below(8) == 0 { rng.below(6) } else { declared_kind(declared) };
    match kind {
        0 => from(rng, &["true", "false", "1", "maybe"]),
        1 => from(rng, &WHOLE),
        2 => from(rng, &REAL),
        3 => from(rng, &TEXT),
        4 => from(rng, &LISTS),
        _ => "9".repeat(309),
    }
}

fn declared_kind(declared: SettingDefault) -> u64 {
    match declared {
        SettingDefault::Bool(_) => 0,
        SettingDefault::Integer(_) => 1,
        SettingDefault::Float(_) => 2,
        SettingDefault::Text(_) => 3,
        SettingDefault::Numbers(_) => 4,
    }
}

/// One to three settings of an item.
fn settings(rng: &mut Rng, list: List, name: &str, section: &str) -> Vec<String> {
    let item = list.item(name).expect("a name of the list");
    if item.parameters.is_empty() {
        return Vec::new();
    }
    (0..1 + rng.below(3))
        .map(|_| {
            let parameter = item.parameters[rng.below(item.parameters.len() as u64) as usize];
            format!("{section}{}={}", parameter.name, value(rng, parameter.default))
        })
        .collect()
}

/// A command with nonsense in it; what is not nonsense is small.
fn command(rng: &mut Rng) -> Vec<String> {
    let any = |rng: &mut Rng, list: List| {
        let items = list.items();
        items[rng.below(items.len() as u64) as usize].name
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let environment = any(rng, List::Environments);
    match rng.below(10) {
        0..3 => {
            let problem = any(rng, List::Problems);
            let mut all = words(&["plan", problem]);
            all.extend(settings(rng, List::Problems, problem, ""));
            all
        }
        3..5 => {
            let planner = any(rng, List::Planners);
            let mut all = words(&["plan", environment, &format!("planner={planner}")]);
            all.extend(settings(rng, List::Planners, planner, "planner."));
            all.extend(settings(rng, List::Environments, environment, "environment."));
            all
        }
        5 => {
            let steps = format!("--steps={}", value(rng, SettingDefault::Integer(1)));
            words(&["collect", environment, "--out", "episodes", &steps])
        }
        6 => {
            let steps = format!("--steps={}", value(rng, SettingDefault::Integer(1)));
            let mut all = words(&["design", environment, &steps, "--time-limit=1"]);
            all.extend(settings(rng, List::Environments, environment, "environment."));
            all
        }
        _ => {
            let (model, planner) = (any(rng, List::Models), any(rng, List::Planners));
            let mut all = words(&[
                "learn",
                environment,
                "--quiet",
                "--steps=25",
                "agent.initial_steps=10",
                "agent.fit_every=10",
                "evaluation.episodes=1",
                "environment.episode_steps=12",
                &format!("model={model}"),
                &format!("planner={planner}"),
            ]);
            match rng.below(3) {
                0 => all.extend(settings(rng, List::Models, model, "model.")),
                1 => all.extend(settings(rng, List::Planners, planner, "planner.")),
                _ => all.extend(settings(rng, List::Algorithms, "pets", "agent.")),
            }
            if rng.below(4) == 0 {
                let key =
                    ["steps", "seed", "retries", "evaluation.episodes", "evaluation.interval"][rng.below(5) as usize];
                all.push(format!("{key}={}", value(rng, SettingDefault::Integer(1))));
            }
            all
        }
    }
}

/// Starts the program with limits on its address space, on its processor time (it must not outlive a test that is killed) and on
/// the size of its files.
fn start(folder: &Path, arguments: &[String]) -> Child {
    let program = env!("CARGO_BIN_EXE_worldwright");
    Command::new("sh")
        .args(["-c", &format!("ulimit -v {KILOBYTES}; ulimit -t 120; ulimit -f 2000000; exec \"$0\" \"$@\""), program])
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("RAYON_NUM_THREADS", "2")
        .env("WORLDWRIGHT_DATA_DIR", folder)
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(folder.join("out")).expect("a file"))
        .stderr(std::fs::File::create(folder.join("err")).expect("a file"))
        .spawn()
        .expect("the program starts")
}

/// Processor time that `child` has used, where the system tells it.
fn worked(child: &Child) -> Option<Duration> {
    let told = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    // The name in brackets may hold anything; ticks of user and system time are the 12th and 13th field behind it.
    let ticks: Vec<u64> =
        told.rsplit_once(')')?.1.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    Some(Duration::from_millis(10 * ticks.iter().sum::<u64>()))
}

/// Waits until the case has worked for `patience` from now on; the exit code, or none where a signal ended it.
fn ended_by_work(child: &mut Child, patience: Duration) -> Option<Option<i32>> {
    let before = worked(child).unwrap_or_default();
    let began = Instant::now();
    loop {
        if let Some(code) = ended(child, Duration::from_millis(40)) {
            return Some(code);
        }
        let used = worked(child).map_or_else(|| began.elapsed(), |now| now.saturating_sub(before));
        if used >= patience || began.elapsed() >= STUCK {
            return None;
        }
    }
}

/// Waits until `patience` is over; the exit code, or none where a signal ended it.
fn ended(child: &mut Child, patience: Duration) -> Option<Option<i32>> {
    let began = Instant::now();
    while began.elapsed() < patience {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(status.code());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

fn interrupt(child: &Child, signal: &str) {
    let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
}

#[cfg(unix)]
#[test]
fn nonsense_on_the_command_line_ends_with_words() {
    let cases = u64::from(cases(40));
    let first: u64 = std::env::var("WORLDWRIGHT_FUZZ_FIRST").ok().and_then(|first| first.parse().ok()).unwrap_or(0);
    let (next, interrupted) = (AtomicU64::new(first), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let case = next.fetch_add(1, Ordering::Relaxed);
                    if case >= first + cases {
                        break;
                    }
                    interrupted.fetch_add(u64::from(ends_with_words(case)), Ordering::Relaxed);
                }
            });
        }
    });
    let interrupted = interrupted.into_inner();
    _ = writeln!(std::io::stderr(), "{cases} cases, {interrupted} of them interrupted after {PATIENCE:?} of work");
}

/// Runs one case; whether it had to be interrupted.
#[cfg(unix)]
fn ends_with_words(case: u64) -> bool {
    let mut rng = worldwright_core::Key::new(5).fold(case).rng();
    let arguments = command(&mut rng);
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = start(folder.path(), &arguments);
    let own = ended_by_work(&mut child, PATIENCE);
    let code = own.unwrap_or_else(|| {
        // Long work that was asked for is no fault, as long as it heeds who no longer wants it.
        interrupt(&child, "-INT");
        let code = ended_by_work(&mut child, ENDING);
        if code.is_none() {
            child.kill().expect("a child");
        }
        // It may have been just about to end by itself.
        let heeded = matches!(code, Some(Some(0 | 1 | 130)));
        assert!(heeded, "case {case}: {arguments:?} does not heed an interrupt: {code:?}");
        code.flatten()
    });
    let said = std::fs::read_to_string(folder.path().join("err")).unwrap_or_default();
    let told = || format!("case {case}: {arguments:?}: {code:?}\n{said}");
    assert!(matches!(code, Some(0 | 1 | 2 | 130)), "{}", told());
    assert!(!said.contains("panicked"), "{}", told());
    assert!(code != Some(1) || !said.trim().is_empty(), "{}", told());
    assert!(!said.contains("integral type conversion"), "{}", told());
    assert!(said.len() < 20_000, "{} bytes of words: {}", said.len(), said.chars().take(500).collect::<String>());
    own.is_none()
}

/// Interrupts act within a second in every command, and a run that was interrupted goes on.
#[cfg(unix)]
#[test]
fn interrupts_act_within_a_second() {
    let long: [(&str, &[&str]); 6] = [
        ("-INT", &["plan", "pendulum", "planner.population=20000", "planner.iterations=1000", "planner.horizon=200"]),
        ("-TERM", &["plan", "cube", "turns=1", "nodes=2000000000", "scramble=random"]),
        ("-INT", &["collect", "pendulum", "--steps", "1000000000", "--out", "episodes"]),
        ("-INT", &["design", "pendulum", "--steps", "2000"]),
        (
            "-INT",
            &["learn", "pendulum", "--steps", "400", "model=gp", "model.restarts=10000", "model.evaluations=100000"],
        ),
        (
            "-TERM",
            &[
                "learn",
                "pendulum",
                "--steps",
                "400",
                "model=ensemble",
                "model.epochs=1000000",
                "model.patience=1000000",
            ],
        ),
    ];
    for (signal, arguments) in long {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let mut child = start(folder.path(), &arguments);
        let early = ended(&mut child, Duration::from_secs(2));
        assert_eq!(early, None, "{arguments:?} is not long enough to be interrupted");
        interrupt(&child, signal);
        let code = ended(&mut child, HEEDED);
        if code.is_none() {
            child.kill().expect("a child");
        }
        let said = std::fs::read_to_string(folder.path().join("err")).unwrap_or_default();
        assert_eq!(code, Some(Some(130)), "{arguments:?}: {said}");
        let learns = arguments[0] == "learn";
        assert_eq!(said.contains("--resume"), learns, "{arguments:?}: {said}");
        assert!(learns || said.contains("interrupted"), "{arguments:?}: {said}");
    }
}
