//! The table of environments that nobody here wrote: each is installed as a user would, collected from, learned from and read back.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::{cargo, package, python, root, step};

/// Interpreters, each with what `worldwright env install` is given.
const SUITES: &[(&str, &[&str])] = &[
    (
        "gym",
        &[
            "classic-control",
            "toy-text",
            "box2d",
            "atari",
            "minigrid",
            "mo-gymnasium",
            "gym-pusht",
            "flappy-bird-gymnasium",
            "highway-env",
            "panda-gym",
            "tetris-gymnasium",
        ],
    ),
    ("dmc", &[]),
    ("robotics", &["robotics"]),
    ("trading", &["gym-anytrading"]),
    ("popgym", &["popgym"]),
    ("flight", &["PyFlyt"]),
    // Meta-World imports `packaging` without asking for it.
    ("metaworld", &["metaworld", "packaging"]),
    ("aloha", &["gym-aloha"]),
];

/// An environment of the table.
struct Row {
    package: &'static str,
    id: &'static str,
    /// Settings of the environment that it needs.
    settings: &'static [&'static str],
    /// Where it fails by its package's fault: what is wrong there.
    fault: &'static str,
}

const fn row(package: &'static str, id: &'static str) -> Row {
    Row { package, id, settings: &[], fault: "" }
}

const fn with(package: &'static str, id: &'static str, settings: &'static [&'static str]) -> Row {
    Row { package, id, settings, fault: "" }
}

const ROWS: &[Row] = &[
    row("gymnasium", "gym:CartPole-v1"),
    row("gymnasium", "gym:MountainCar-v0"),
    row("gymnasium", "gym:MountainCarContinuous-v0"),
    row("gymnasium", "gym:Pendulum-v1"),
    row("gymnasium", "gym:Acrobot-v1"),
    row("gymnasium", "gym:Blackjack-v1"),
    row("gymnasium", "gym:FrozenLake-v1"),
    row("gymnasium", "gym:FrozenLake8x8-v1"),
    row("gymnasium", "gym:CliffWalking-v1"),
    row("gymnasium", "gym:CliffWalkingSlippery-v1"),
    row("gymnasium", "gym:Taxi-v4"),
    row("gymnasium[box2d]", "gym:LunarLander-v3"),
    row("gymnasium[box2d]", "gym:LunarLanderContinuous-v3"),
    row("gymnasium[box2d]", "gym:BipedalWalker-v3"),
    row("gymnasium[box2d]", "gym:CarRacing-v3"),
    row("gymnasium[mujoco]", "gym:Reacher-v5"),
    row("gymnasium[mujoco]", "gym:Pusher-v5"),
    row("gymnasium[mujoco]", "gym:InvertedPendulum-v5"),
    row("gymnasium[mujoco]", "gym:InvertedDoublePendulum-v5"),
    row("gymnasium[mujoco]", "gym:HalfCheetah-v5"),
    row("gymnasium[mujoco]", "gym:Hopper-v5"),
    row("gymnasium[mujoco]", "gym:Swimmer-v5"),
    row("gymnasium[mujoco]", "gym:Walker2d-v5"),
    row("gymnasium[mujoco]", "gym:Ant-v5"),
    row("gymnasium[mujoco]", "gym:Humanoid-v5"),
    row("gymnasium[mujoco]", "gym:HumanoidStandup-v5"),
    row("ale-py", "gym:ALE/Pong-v5"),
    with("ale-py", "gym:ALE/Breakout-v5", &["obs_type=ram"]),
    row("gymnasium-robotics", "robotics:FetchReach-v4"),
    row("gymnasium-robotics", "robotics:FetchPush-v4"),
    row("gymnasium-robotics", "robotics:HandReach-v3"),
    row("gymnasium-robotics", "robotics:PointMaze_UMaze-v3"),
    row("gymnasium-robotics", "robotics:AntMaze_UMaze-v5"),
    row("gymnasium-robotics", "robotics:AdroitHandDoor-v1"),
    row("gymnasium-robotics", "robotics:FrankaKitchen-v1"),
    with("minigrid", "gym:MiniGrid-Empty-5x5-v0", &["worker.leave_out=mission"]),
    with("minigrid", "gym:MiniGrid-DoorKey-5x5-v0", &["worker.leave_out=mission"]),
    with("minigrid", "gym:BabyAI-GoToRedBallGrey-v0", &["worker.leave_out=mission"]),
    row("highway-env", "gym:highway-v0"),
    row("highway-env", "gym:merge-v0"),
    row("highway-env", "gym:roundabout-v0"),
    row("highway-env", "gym:parking-v0"),
    with("mo-gymnasium", "gym:deep-sea-treasure-v0", &["worker.reward_weights=[1.0,0.1]"]),
    with("mo-gymnasium", "gym:mo-mountaincar-v0", &["worker.reward_weights=[1.0,0.0,0.0]"]),
    row("panda-gym", "gym:PandaReach-v3"),
    row("panda-gym", "gym:PandaPush-v3"),
    row("gym-pusht", "gym:gym_pusht/PushT-v0"),
    row("flappy-bird-gymnasium", "gym:FlappyBird-v0"),
    row("tetris-gymnasium", "gym:tetris_gymnasium.envs:tetris_gymnasium/Tetris"),
    row("gym-anytrading", "trading:stocks-v0"),
    row("gym-anytrading", "trading:forex-v0"),
    row("popgym", "popgym:popgym-RepeatPreviousEasy-v0"),
    row("popgym", "popgym:popgym-PositionOnlyCartPoleEasy-v0"),
    row("PyFlyt", "flight:PyFlyt.gym_envs:PyFlyt/QuadX-Hover-v4"),
    with("metaworld", "metaworld:Meta-World/MT1", &["env_name=reach-v3"]),
    row("gym-aloha", "aloha:gym_aloha/AlohaInsertion-v0"),
    row("dm_control", "dmc:cartpole-swingup"),
    row("dm_control", "dmc:cheetah-run"),
    row("dm_control", "dmc:reacher-easy"),
    row("dm_control", "dmc:humanoid-stand"),
    // These go through the Python package, as `wm.from_pettingzoo(MODULE…env())`.
    row("pettingzoo", "pettingzoo.classic.tictactoe_v3"),
    row("pettingzoo", "pettingzoo.classic.connect_four_v3"),
    row("pettingzoo", "pettingzoo.classic.rps_v2"),
    row("pettingzoo", "pettingzoo.sisl.multiwalker_v9"),
    row("pettingzoo", "pettingzoo.sisl.pursuit_v5"),
    row("pettingzoo", "pettingzoo.butterfly.knights_archers_zombies_v11"),
];

/// A small search and one short episode of evaluation: the table asks whether it goes, not how well.
const LEARN: &[&str] = &["--steps", "50", "evaluation.episodes=1", "environment.episode_steps=25"];
/// How long one command may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// What one environment gave.
#[derive(Clone, Default)]
struct Outcome {
    spaces: String,
    collect: String,
    learn: String,
    read: String,
    secs: f64,
    why: String,
}

/// Installs, tries every row (or those whose id holds `only`), and writes the table.
pub(crate) fn run(only: Option<&str>) -> Result<()> {
    step("command line", cargo().args(["build", "--quiet"]))?;
    let rows: Vec<&Row> = ROWS.iter().filter(|row| only.is_none_or(|only| row.id.contains(only))).collect();
    let place = root().join("target/environments");
    fs::create_dir_all(&place)?;
    for (suite, packages) in SUITES {
        if rows.iter().any(|row| row.id.split(':').next() == Some(suite)) {
            let mut install = worldwright(&place);
            install.args(["env", "install", suite]).args(*packages);
            if let Err(error) = step(&format!("suite {suite}"), &mut install) {
                println!("   {error}");
            }
        }
    }
    let agents = if rows.iter().any(|row| !row.id.contains(':')) {
        package::module()?;
        Some(python::with_requirements("pettingzoo", &root().join("xtask/src/environments.txt"), false)?)
    } else {
        None
    };
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(vec![Outcome::default(); rows.len()]));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((i, row)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, rows.get(i)?)))
                {
                    let outcome = attempt(row, &place.join("work").join(i.to_string()), &place, agents.as_deref());
                    println!(
                        "{:<45} {} {} {} {:.0} s {}",
                        row.id, outcome.collect, outcome.learn, outcome.read, outcome.secs, outcome.why
                    );
                    if let Ok(mut all) = outcomes.lock() {
                        all[i] = outcome;
                    }
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap_or_default();
    let text = table(&rows, &outcomes);
    println!("\n{text}");
    if only.is_none() {
        let path = root().join("docs/results/environments.md");
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        println!("written to {}", path.display());
    }
    Ok(())
}

fn worldwright(place: &Path) -> Command {
    let mut command = Command::new(root().join("target/debug/worldwright"));
    command.env("WORLDWRIGHT_DATA_DIR", place).env("NO_COLOR", "1").env("SDL_VIDEODRIVER", "dummy");
    command
}

fn attempt(row: &Row, folder: &Path, place: &Path, agents: Option<&Path>) -> Outcome {
    let begun = Instant::now();
    let _ = fs::remove_dir_all(folder);
    let _ = fs::create_dir_all(folder);
    let (episodes, run) = (folder.join("episodes"), folder.join("run"));
    let settings: Vec<String> = row.settings.iter().map(|setting| format!("environment.{setting}")).collect();
    let mut outcome = Outcome::default();
    let tell = |what: std::result::Result<String, String>, why: &mut String| match what {
        Ok(_) => "yes".to_owned(),
        Err(said) => {
            if why.is_empty() {
                *why = said;
            }
            "no".to_owned()
        }
    };
    if let Some(interpreter) = agents.filter(|_| !row.id.contains(':')) {
        for (what, cell) in [("collect", &mut outcome.collect), ("learn", &mut outcome.learn)] {
            let mut command = Command::new(interpreter);
            command.arg(root().join("xtask/src/environments.py")).args([row.id, what]).arg(folder);
            command.env("PYTHONPATH", root().join("crates/py/python")).env("SDL_VIDEODRIVER", "dummy");
            *cell = tell(bounded(&mut command), &mut outcome.why);
        }
    } else {
        let mut collect = worldwright(place);
        collect.args(["collect", row.id, "--steps", "100", "--out"]).arg(&episodes).args(&settings);
        outcome.collect = tell(bounded(&mut collect), &mut outcome.why);
        let mut learn = worldwright(place);
        learn.args(["learn", row.id, "--quiet", "--run-dir"]).arg(&run).args(LEARN).args(&settings);
        outcome.learn = tell(bounded(&mut learn), &mut outcome.why);
    }
    let seen: Vec<std::result::Result<String, String>> = [&episodes, &run]
        .map(|folder| bounded(worldwright(place).args(["data", "inspect"]).arg(folder)))
        .into_iter()
        .collect();
    if let Some(page) = seen.iter().flatten().next() {
        outcome.spaces = spaces(page);
    }
    let read = seen.into_iter().collect::<std::result::Result<Vec<_>, _>>().map(|_| String::new());
    outcome.read = tell(read, &mut outcome.why);
    outcome.secs = begun.elapsed().as_secs_f64();
    outcome
}

/// Observation and action space, briefly.
fn spaces(page: &str) -> String {
    let brief = |key: &str| {
        let text = page.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim();
        if text.chars().count() > 60 {
            format!("{}…", text.chars().take(59).collect::<String>())
        } else {
            text.to_owned()
        }
    };
    format!("{} → {}", brief("observation"), brief("action"))
}

/// Runs a command within its time; its output, or the last line of what it said of its failure.
fn bounded(command: &mut Command) -> std::result::Result<String, String> {
    let mut run = || -> std::io::Result<(bool, String, String)> {
        let files = [tempfile()?, tempfile()?];
        let [out, err] = [fs::File::create(&files[0])?, fs::File::create(&files[1])?];
        let mut child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn()?;
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break Some(status);
            }
            if begun.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                break None;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let [out, err] = files.map(|file| {
            let text = String::from_utf8_lossy(&fs::read(&file).unwrap_or_default()).into_owned();
            let _ = fs::remove_file(file);
            text
        });
        let err = if status.is_none() { format!("not within {} s", PATIENCE.as_secs()) } else { err };
        Ok((status.is_some_and(|status| status.success()), out, err))
    };
    match run() {
        Ok((true, out, _)) => Ok(out),
        Ok((false, _, err)) => {
            let said = err
                .lines()
                .find(|line| line.starts_with("error:"))
                .or(err.lines().last())
                .unwrap_or("nothing was said");
            Err(said.chars().take(240).collect())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn tempfile() -> std::io::Result<PathBuf> {
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    let folder = root().join("target/environments/said");
    fs::create_dir_all(&folder)?;
    Ok(folder.join(COUNTER.fetch_add(1, Ordering::Relaxed).to_string()))
}

fn table(rows: &[&Row], outcomes: &[Outcome]) -> String {
    let whole =
        |outcome: &&Outcome| [&outcome.collect, &outcome.learn, &outcome.read].iter().all(|cell| *cell == "yes");
    let mut text = format!(
        "# Environments that others wrote\n\n    cargo xtask results environments\n\nwhich installs them by `worldwright env install`, and for each runs \
         `worldwright collect ID --steps 100`, `worldwright learn ID {}`,\nand `worldwright data inspect` on both; those of PettingZoo go through the \
         Python package. {} of {} go through.\n\n\
         | package | id | spaces | collect | learn | read back | seconds | what fails, and where |\n|---|---|---|---|---|---|---|---|\n",
        LEARN.join(" "),
        outcomes.iter().filter(whole).count(),
        rows.len(),
    );
    for (row, outcome) in rows.iter().zip(outcomes) {
        let id = [&[row.id], row.settings].concat().join(" ");
        let why = outcome.why.replace('|', "\\|").replace('\n', " ");
        let why = match (why.is_empty(), row.fault) {
            (true, _) => String::new(),
            (false, "") => why,
            (false, fault) => format!("the package: {fault}"),
        };
        let _ = writeln!(
            text,
            "| {} | `{id}` | {} | {} | {} | {} | {:.0} | {why} |",
            row.package, outcome.spaces, outcome.collect, outcome.learn, outcome.read, outcome.secs
        );
    }
    text.push_str(
        "\nSeconds are those of the machine that ran it, and of what ran beside: two environments at a time.\n",
    );
    text
}
