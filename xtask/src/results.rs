//! Learning results as tables over seeds: each experiment is a line here, and its table under `docs/results` says which command
//! made it. Hours of computing, so this is never a test.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{cargo, comparison, defaults, environments, offline, root, step};

/// A learning run that is repeated over seeds.
struct Experiment {
    /// File name of its table.
    name: &'static str,
    /// What it shows.
    title: &'static str,
    /// What must come out.
    target: &'static str,
    /// What stands behind `worldwright learn`.
    arguments: &'static [&'static str],
    /// What a reader must know beside the command; may be empty.
    note: &'static str,
}

const SEEDS: std::ops::Range<u64> = 0..5;

const EXPERIMENTS: &[Experiment] = &[
    Experiment {
        name: "pendulum-pets",
        title: "Pendulum-v1, PETS, 1,000 real steps",
        target: "mean over 100 starts at least −160 (optimum −137.0)",
        arguments: &["pendulum", "--algorithm", "pets", "--steps", "1000", "evaluation.episodes=100"],
        note: "",
    },
    Experiment {
        name: "pendulum-gp-mpc",
        title: "Pendulum-v1, GP-MPC, 100 interactions, 30 of them random",
        target: "stable upright within 100 interactions",
        arguments: &["pendulum", "--algorithm", "gp-mpc", "--steps", "100", "evaluation.episodes=20"],
        note: "",
    },
    Experiment {
        name: "pendulum-tdmpc2",
        title: "Pendulum-v1, TD-MPC2, 4,000 real steps",
        target: "at least −180",
        arguments: &["pendulum", "--algorithm", "tdmpc2", "--steps", "4000", "evaluation.episodes=100"],
        note: "",
    },
    Experiment {
        name: "cartpole-tdmpc2",
        title: "CartPole-v1, TD-MPC2, 4,000 real steps",
        target: "at least 475, which its task calls solved",
        arguments: &["cartpole", "--algorithm", "tdmpc2", "--steps", "4000"],
        note: "",
    },
    Experiment {
        name: "dmc-cartpole-swingup-tdmpc2",
        title: "dm_control cartpole-swingup, TD-MPC2, 50,000 frames held in pairs",
        target: "at least 867 (BRO's, the best that is published for 50,000 frames; TD-MPC2 of its authors earns 839 after 100,000)",
        arguments: &[
            "dmc-cartpole-swingup",
            "--algorithm",
            "tdmpc2",
            "--steps",
            "25000",
            "environment.action_repeat=2",
            "evaluation.interval=5000",
            "evaluation.interval_episodes=2",
            "evaluation.episodes=10",
        ],
        note: "Neither reward nor dynamics are known to it. A run takes an hour of one core.",
    },
    Experiment {
        name: "pendulum-sac",
        title: "Pendulum-v1, SAC, 5,000 real steps",
        target: "at least −180 within 5,000 steps",
        arguments: &["pendulum", "--algorithm", "sac", "--steps", "5000", "evaluation.episodes=100"],
        note: "",
    },
    Experiment {
        name: "pendulum-sac-10k",
        title: "Pendulum-v1, SAC, 10,000 real steps",
        target: "a mean between −165 and −135 within 10,000 steps",
        arguments: &["pendulum", "--algorithm", "sac", "--steps", "10000", "evaluation.episodes=100"],
        note: "",
    },
    Experiment {
        name: "pendulum-td3",
        title: "Pendulum-v1, TD3, 10,000 real steps",
        target: "a mean between −165 and −135 within 10,000 steps",
        arguments: &["pendulum", "--algorithm", "td3", "--steps", "10000", "evaluation.episodes=100"],
        note: "",
    },
    Experiment {
        name: "mountain-car-continuous-polo",
        title: "MountainCarContinuous-v0, POLO on the known simulator, 2,500 real steps",
        target: "at least 90, by plans of 50 steps that alone never see the goal",
        arguments: &["mountain-car-continuous", "--algorithm", "polo", "--steps", "2500", "evaluation.episodes=20"],
        note: "`mpc` with the same planner (`planner.horizon=50`) stays where it starts, for about 0. The settings that `polo` comes with (horizon, `policy.prior_scale`, `policy.optimism`) were chosen on this task, seeds 0 and 1, so that its table does not judge them.",
    },
    Experiment {
        name: "dmc-cartpole-swingup-polo",
        title: "dm_control cartpole swingup, POLO on the known simulator, plans of 8 steps, 2,500 real steps",
        target: "as good as `mpc` with plans of 25 steps",
        arguments: &[
            "dmc-cartpole-swingup",
            "--algorithm",
            "polo",
            "--steps",
            "2500",
            "planner.horizon=8",
            "evaluation.episodes=20",
        ],
        note: "Each step holds an action for 4 frames. The tables of the same planner without a value: [8 steps](dmc-cartpole-swingup-mpc-8.md), [25 steps](dmc-cartpole-swingup-mpc-25.md).",
    },
    Experiment {
        name: "dmc-cartpole-swingup-mpc-8",
        title: "dm_control cartpole swingup, MPC on the known simulator, plans of 8 steps",
        target: "what [POLO](dmc-cartpole-swingup-polo.md) is held against",
        arguments: &[
            "dmc-cartpole-swingup",
            "--algorithm",
            "mpc",
            "--steps",
            "250",
            "planner.horizon=8",
            "evaluation.episodes=20",
        ],
        note: "",
    },
    Experiment {
        name: "dmc-cartpole-swingup-mpc-25",
        title: "dm_control cartpole swingup, MPC on the known simulator, plans of 25 steps",
        target: "what [POLO](dmc-cartpole-swingup-polo.md) is held against",
        arguments: &[
            "dmc-cartpole-swingup",
            "--algorithm",
            "mpc",
            "--steps",
            "250",
            "planner.horizon=25",
            "evaluation.episodes=20",
        ],
        note: "",
    },
    Experiment {
        name: "pendulum-mbpo",
        title: "Pendulum-v1, MBPO, 1,250 real steps, no settings",
        target: "what `sac` comes to in 5,000 ([−152.3](pendulum-sac.md)), in a quarter of its steps",
        arguments: &["pendulum", "--algorithm", "mbpo", "--steps", "1250", "evaluation.episodes=100"],
        note: "It falls short: some starts take one swing more. With 20 updates a step in networks of 64 a layer, seeds 0 to 2 earned −252 in the mean.",
    },
    Experiment {
        name: "inverted-pendulum-mbpo",
        title: "InvertedPendulum-v5, MBPO, 2,000 real steps, no settings",
        target: "1,000, the most there is, in a quarter of the steps of [sac](inverted-pendulum-sac.md)",
        arguments: &["gym:InvertedPendulum-v5", "--algorithm", "mbpo", "--steps", "2000", "evaluation.episodes=20"],
        note: "The runs made 20 updates a step in networks of 64 a layer, half of what is the default now, with which seeds 0 and 1 earn 1,000 as well.",
    },
    Experiment {
        name: "inverted-pendulum-sac",
        title: "InvertedPendulum-v5, SAC, 8,000 real steps, no settings",
        target: "what [mbpo](inverted-pendulum-mbpo.md) is held against",
        arguments: &["gym:InvertedPendulum-v5", "--algorithm", "sac", "--steps", "8000", "evaluation.episodes=20"],
        note: "",
    },
    Experiment {
        name: "lunar-lander-ppo",
        title: "LunarLander-v3, PPO, 400,000 real steps, no settings",
        target: "at least 200, which its task calls solved",
        arguments: &["gym:LunarLander-v3", "--algorithm", "ppo", "--steps", "400000", "evaluation.episodes=100"],
        note: "",
    },
    Experiment {
        name: "hopper-sac",
        title: "Hopper-v5, SAC, 200,000 real steps",
        target: "at least 2,000 within 200,000 steps",
        arguments: &[
            "gym:Hopper-v5",
            "--algorithm",
            "sac",
            "--steps",
            "200000",
            "policy.learning_rate=0.0003",
            "agent.updates_per_step=1",
            "evaluation.episodes=20",
        ],
        note: "",
    },
    Experiment {
        name: "bit-flipping-her",
        title: "Fifteen bits, HER with DQN, 30,000 steps",
        target: "at least 95 of 100 goals reached, at a mean near the optimum of −6.5",
        arguments: &["bit-flipping", "--algorithm", "her", "policy=dqn", "--steps", "30000", "evaluation.episodes=100"],
        note: "",
    },
    Experiment {
        name: "bit-flipping-plain",
        title: "Fifteen bits, DQN without hindsight, 30,000 steps",
        target: "none: what the table above is held against; −15 is every step of an episode",
        arguments: &[
            "bit-flipping",
            "--algorithm",
            "her",
            "policy=dqn",
            "agent.share=0",
            "--steps",
            "30000",
            "evaluation.episodes=100",
        ],
        note: "",
    },
    Experiment {
        name: "push-treeqn",
        title: "Four boxes on a board of 6×6, TreeQN of depth 2, 300,000 real steps",
        target: "three standard errors over seeds above the table of DQN",
        arguments: &[
            "push",
            "--algorithm",
            "treeqn",
            "--steps",
            "300000",
            "policy.return_steps=1",
            "policy.exploration_steps=60000",
            "agent.updates_per_step=0.25",
            "evaluation.episodes=500",
        ],
        note: "Random choices earn −1.24. The network has 52,293 numbers.",
    },
    Experiment {
        name: "push-dqn",
        title: "Four boxes on a board of 6×6, DQN, 300,000 real steps",
        target: "none: what the table of TreeQN is held against",
        arguments: &[
            "push",
            "--algorithm",
            "dqn",
            "policy.hidden=[200,112]",
            "--steps",
            "300000",
            "policy.return_steps=1",
            "policy.exploration_steps=60000",
            "agent.updates_per_step=0.25",
            "evaluation.episodes=500",
        ],
        note: "Random choices earn −1.24. The network has 52,277 numbers, as many as TreeQN's but for 16.",
    },
    Experiment {
        name: "cartpole-dqn",
        title: "CartPole-v1, DQN, 30,000 real steps",
        target: "500, the most there is, within 30,000 steps",
        arguments: &["cartpole", "--algorithm", "dqn", "--steps", "30000", "evaluation.episodes=100"],
        note: "",
    },
    Experiment {
        name: "cartpole-ppo",
        title: "CartPole-v1, PPO, 50,000 real steps, no settings",
        target: "500, all that can be had, on every seed",
        arguments: &["cartpole", "--algorithm", "ppo", "--steps", "50000", "evaluation.episodes=20"],
        note: "",
    },
    Experiment {
        name: "pendulum-ppo",
        title: "Pendulum-v1, PPO, 150,000 real steps",
        target: "mean at least −200",
        arguments: &[
            "pendulum",
            "--algorithm",
            "ppo",
            "--steps",
            "150000",
            "agent.discount=0.95",
            "evaluation.episodes=100",
        ],
        note: "",
    },
    Experiment {
        name: "cartpole-cma-es",
        title: "CartPole-v1, CMA-ES, 50,000 real steps, no settings",
        target: "500, all that can be had, on every seed",
        arguments: &["cartpole", "--algorithm", "cma-es", "--steps", "50000", "evaluation.episodes=20"],
        note: "",
    },
    Experiment {
        name: "cartpole-openai-es",
        title: "CartPole-v1, OpenAI-ES, 50,000 real steps, no settings",
        target: "500, all that can be had, on every seed",
        arguments: &["cartpole", "--algorithm", "openai-es", "--steps", "50000", "evaluation.episodes=20"],
        note: "",
    },
    Experiment {
        name: "pendulum-angle-dreamer",
        title: "Pendulum-v1 that shows only its angle, Dreamer, 3,000 real steps",
        target: "better than PETS on the same",
        arguments: &[
            "pendulum",
            "--algorithm",
            "dreamer",
            "--steps",
            "3000",
            "environment.hidden=theta_dot",
            "evaluation.episodes=100",
        ],
        note: "",
    },
    Experiment {
        name: "pendulum-angle-pets",
        title: "Pendulum-v1 that shows only its angle, PETS, 3,000 real steps",
        target: "what a model without memory comes to",
        arguments: &[
            "pendulum",
            "--algorithm",
            "pets",
            "--steps",
            "3000",
            "environment.hidden=theta_dot",
            "evaluation.episodes=20",
        ],
        note: "",
    },
    Experiment {
        name: "pets-cartpole",
        title: "PETS cart-pole, 5 trials of 200 steps",
        target: "solved within 5 trials",
        arguments: &["pets-cartpole", "--algorithm", "pets", "--steps", "1000", "evaluation.episodes=10"],
        note: "",
    },
    Experiment {
        name: "dmc-cartpole-swingup",
        title: "dm_control cartpole-swingup, 5,000 frames (1,250 actions held for 4 frames each)",
        target: "at least 800 within 5,000 frames",
        arguments: &["dmc-cartpole-swingup", "--algorithm", "pets", "--steps", "1250", "evaluation.episodes=5"],
        note: "",
    },
    Experiment {
        name: "dmc-cartpole-swingup-learned-reward",
        title: "dm_control cartpole-swingup, learned reward, 15,000 frames (3,750 actions held for 4 frames each)",
        target: "at least 800 within 15,000 frames",
        arguments: &[
            "dmc-cartpole-swingup",
            "--algorithm",
            "pets",
            "--steps",
            "3750",
            "reward.kind=learned",
            "evaluation.episodes=5",
        ],
        note: "",
    },
    Experiment {
        name: "frozen-lake",
        title: "gym:FrozenLake-v1 (4 × 4, slippery), 5,000 steps, no settings",
        target: "at least 0.70 (optimum 0.744; a policy that does not see the clock 0.740; an evaluation episode spreads by 0.44, so that 200 of them are known to 0.03)",
        arguments: &["gym:FrozenLake-v1", "--steps", "5000", "evaluation.episodes=200"],
        note: "",
    },
    Experiment {
        name: "cliff-walking",
        title: "gym:CliffWalking-v1, 1,000 steps, no settings",
        target: "−13, the optimum",
        arguments: &["gym:CliffWalking-v1", "--steps", "1000", "evaluation.episodes=20"],
        note: "",
    },
    Experiment {
        name: "taxi",
        title: "gym:Taxi-v4, 10,000 steps, no settings",
        target: "at least 7.5 (optimum about 7.93 over all starts)",
        arguments: &["gym:Taxi-v4", "--steps", "10000", "evaluation.episodes=200"],
        note: "",
    },
    Experiment {
        name: "half-cheetah-mbpo",
        title: "HalfCheetah-v5, MBPO, 20,000 real steps, no settings",
        target: "at least 2,000 within 20,000 steps; PETS stands at [677](half-cheetah.md)",
        arguments: &["gym:HalfCheetah-v5", "--algorithm", "mbpo", "--steps", "20000", "evaluation.episodes=5"],
        note: "It falls short. The run made 20 updates a step in networks of 64 a layer, half of what is the default now.",
    },
    Experiment {
        name: "half-cheetah",
        title: "gym:HalfCheetah-v5, 20,000 steps",
        target: "rising past 2,000 within 20,000 steps, or the honest curve of a two-hour run",
        arguments: &["gym:HalfCheetah-v5", "--algorithm", "pets", "--steps", "20000", "evaluation.episodes=1"],
        note: "",
    },
];

/// Runs the experiment called `name` for every seed (or those of `seeds`, as in `0..2`), and writes its table from all runs
/// that are there.
pub(crate) fn run(name: Option<&str>, seeds: Option<&str>) -> Result<()> {
    if name == Some(ENVIRONMENTS) {
        return environments::run(seeds);
    }
    if name == Some(comparison::NAME) {
        return comparison::run(seeds.map(range).transpose()?);
    }
    if name == Some(defaults::NAME) {
        return defaults::run(seeds.map(range).transpose()?);
    }
    if name == Some(offline::NAME) {
        return offline::run(seeds.map(range).transpose()?);
    }
    if name == Some(ESTIMATES) {
        return estimates();
    }
    if name == Some(DESIGN) {
        return design(false);
    }
    if name == Some(DESIGN_RECORD) {
        return design(true);
    }
    let Some(experiment) = EXPERIMENTS.iter().find(|e| Some(e.name) == name) else {
        let names: Vec<&str> = EXPERIMENTS
            .iter()
            .map(|e| e.name)
            .chain([DESIGN, DESIGN_RECORD, ENVIRONMENTS, comparison::NAME, defaults::NAME, offline::NAME, ESTIMATES])
            .collect();
        bail!("usage: cargo xtask results NAME [FIRST..LAST], where NAME is one of {}", names.join(", "));
    };
    let seeds = seeds.map(range).transpose()?.unwrap_or(SEEDS);
    let folder_of = |seed: &u64| root().join("runs/results").join(experiment.name).join(seed.to_string());
    let missing: Vec<u64> = seeds.filter(|seed| !folder_of(seed).join("summary.json").exists()).collect();
    let program = if missing.is_empty() { None } else { Some(comparison::program()?) };
    for seed in missing {
        let folder = folder_of(&seed);
        let Some(program) = &program else { break };
        let mut command = Command::new(program);
        command.current_dir(root()).arg("learn").args(experiment.arguments);
        command.args(["--seed", &seed.to_string(), "--run-dir"]).arg(&folder);
        if folder.exists() {
            command.arg("--resume");
        }
        step(&format!("{} seed {seed}", experiment.name), &mut command)?;
    }
    table(experiment)
}

/// Seeds as they stand on the command line.
fn range(text: &str) -> Result<std::ops::Range<u64>> {
    match text.split_once("..").map(|(a, b)| (a.parse(), b.parse())) {
        Some((Ok(first), Ok(last))) => Ok(first..last),
        _ => bail!("seeds are given as FIRST..LAST, for example 0..5"),
    }
}

/// The table of environments that others wrote; in place of seeds stands a part of the ids to try.
const ENVIRONMENTS: &str = "environments";
/// The experiment that is a program of its own: what the search that designs a model loses against trying everything.
const DESIGN: &str = "design";
/// The experiment that is a program of its own: whether intervals of estimates hold what policies earn.
const ESTIMATES: &str = "estimates";

/// Writes the estimates' table.
fn estimates() -> Result<()> {
    let run = ["run", "--release", "--quiet", "-p", "worldwright-agents", "--example", "estimates"];
    println!("{ESTIMATES}: some minutes");
    let done = cargo().args(run).output().context("cargo cannot be started")?;
    if !done.status.success() {
        bail!("{ESTIMATES}: {}", String::from_utf8_lossy(&done.stderr));
    }
    let path = root().join("docs/results").join(format!("{ESTIMATES}.md"));
    fs::write(&path, &done.stdout)?;
    println!("written to {}", path.display());
    Ok(())
}

/// What the search knows of other domains.
const DESIGN_RECORD: &str = "design-record";

/// Writes the search's table; with `record`, instead what domains needed, which searches are built with.
fn design(record: bool) -> Result<()> {
    let folder = root().join("runs/results").join(DESIGN);
    let run = |what: &str| {
        let example =
            ["run", "--release", "--quiet", "-p", "worldwright-design", "--example", "design_regret", "--", what];
        step(DESIGN, cargo().args(example).arg(&folder))
    };
    let copy = |from: &str, to: &str| {
        let to = root().join(to);
        fs::copy(folder.join(from), &to).with_context(|| to.display().to_string())?;
        println!("written to {}", to.display());
        Ok(())
    };
    if record {
        run("record")?;
        return copy("record.txt", "crates/design/src/record.txt");
    }
    run("table")?;
    copy("design.md", "docs/results/design.md")
}

fn table(experiment: &Experiment) -> Result<()> {
    let note = if experiment.note.is_empty() { String::new() } else { format!("{}\n\n", experiment.note) };
    let mut text = format!(
        "# {}\n\nMust come out: {}.\n\n    cargo xtask results {}\n\nwhich runs, for seeds 0 to 4,\n\n    worldwright learn {} --seed SEED\n\n{}\
         | seed | return, mean | std over episodes | episodes evaluated | real steps | training, s | evaluation, s | decisions/s |\n|---|---|---|---|---|---|---|---|\n",
        experiment.title,
        experiment.target,
        experiment.name,
        experiment.arguments.join(" "),
        note,
    );
    let mut means = Vec::new();
    for seed in SEEDS {
        let path = root().join("runs/results").join(experiment.name).join(seed.to_string()).join("summary.json");
        let Ok(summary) = fs::read_to_string(&path) else { continue };
        let summary: Value = serde_json::from_str(&summary).with_context(|| path.display().to_string())?;
        let number = |key: &str| summary[key].as_f64().unwrap_or(f64::NAN);
        means.push(number("return_mean"));
        writeln!(
            text,
            "| {seed} | {:.2} | {:.1} | {} | {} | {:.0} | {:.0} | {:.1} |",
            number("return_mean"),
            number("return_std"),
            summary["returns"].as_array().map_or(0, Vec::len),
            summary["real_steps"],
            number("train_secs"),
            number("evaluation_secs"),
            number("decisions_per_sec"),
        )?;
    }
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let worst = means.iter().copied().fold(f64::INFINITY, f64::min);
    writeln!(
        text,
        "\nMean over {n} seeds {mean:.2}, worst seed {worst:.2}. Seconds are those of the machine that ran it, and of what ran beside."
    )?;
    let path = root().join("docs/results").join(format!("{}.md", experiment.name));
    fs::create_dir_all(root().join("docs/results"))?;
    fs::write(&path, &text)?;
    println!("\n{text}\nwritten to {}", path.display());
    Ok(())
}
