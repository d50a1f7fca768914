//! The grammar of the command line: commands, options, and the texts of `--help`.

use std::num::IntErrorKind;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Parser, Subcommand};
use worldwright_data::FORMATS;
use worldwright_runs::CheckpointEvery;
use worldwright_symbolic::{Algorithm, HeuristicKind};

/// Learn a world, plan in it, know how far to trust it.
#[derive(Debug, Parser)]
#[command(
    name = "worldwright",
    version,
    max_term_width = 100,
    after_help = "Examples:
  worldwright learn pendulum                   learn to swing a pendulum up; the report is in runs/
  worldwright learn cartpole --algorithm gp-mpc --seed 3
  worldwright eval runs/pendulum-loop-seed0    how good is what was learned
  worldwright planners cem                     what can be set, and to what

Exit codes: 0 done, 1 an error, 2 wrong usage, 130 interrupted (go on with --resume)."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Learn a world model of an environment and plan with it
    Learn(Learn),
    /// Choose kind, size and horizon of a model for a domain, and say why
    Design(Design),
    /// Evaluate what a run learned, on new episodes
    Eval(Eval),
    /// Tell from recorded episodes what a run learned would earn, before it acts
    Estimate(Estimate),
    /// Record episodes, with random actions or with what was learned
    Collect(Collect),
    /// Bring recorded episodes in and out, and look into them
    #[command(subcommand)]
    Data(DataCommand),
    /// Plan once and print the plan
    Plan(Plan),
    /// Write a run's report anew
    Report(Report),
    /// Carry out an experiment about learning itself
    Study(Study),
    /// List environments, or show one
    Envs(List),
    /// List world models, or show one
    Models(List),
    /// List planners, and problems that have planners of their own, or show one
    Planners(List),
    /// List policies, or show one
    Policies(List),
    /// List tabular learners, or show one
    Learners(List),
    /// List algorithms, or show one
    Algorithms(List),
    /// List studies, or show one
    Studies(List),
    /// Install, list or remove the interpreters of Python environments
    #[command(subcommand)]
    Env(EnvCommand),
    /// Say what is missing here, and how to mend it
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  worldwright completions bash > ~/.local/share/bash-completion/completions/worldwright"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  worldwright learn pendulum
  worldwright learn pendulum --steps 2000 planner=cem planner.horizon=20 model.members=7
  worldwright learn pendulum --resume                      go on with a run that was cut
  worldwright learn --config experiment.toml --seed 3
  worldwright learn pendulum reward.kind=expression reward.expression='cos_theta - 0.001*torque^2'

Settings are key=value, in the sections environment, model, planner, policy, agent, evaluation and
reward; `worldwright planners cem` shows those of an entry. updates=N sets how often what learns from
recorded episodes alone learns from them. What stands on the command line wins over the file.")]
pub(crate) struct Learn {
    /// The environment, such as pendulum (`worldwright envs` lists them) or gym:HalfCheetah-v5
    #[arg(value_name = "ENV", required_unless_present_any = ["config", "data", "algorithm"])]
    pub(crate) environment: Option<String>,
    /// Recorded episodes to begin with: a folder of them or of a run, or a file that `worldwright data import` reads; without ENV everything is learned from them
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<String>,
    /// The algorithm (`worldwright algorithms` lists them) [default: auto, chosen by what is observed and done]
    #[arg(long, value_name = "NAME")]
    pub(crate) algorithm: Option<String>,
    /// Steps in the real environment [default: five episodes, or 1000 where their length is open]
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(crate) steps: Option<u64>,
    /// What all randomness comes from [default: 0]
    #[arg(long, value_name = "S", value_parser = whole, allow_negative_numbers = true)]
    pub(crate) seed: Option<u64>,
    /// Where the run is kept [default: runs/ENV-ALGORITHM-seedS]
    #[arg(long, value_name = "DIR")]
    pub(crate) run_dir: Option<PathBuf>,
    /// Go on with the run that the folder holds
    #[arg(long)]
    pub(crate) resume: bool,
    /// Steps after which a checkpoint is written: a kill loses no more
    #[arg(long, value_name = "N", default_value_t = CheckpointEvery::default().steps, value_parser = from::<1>, allow_negative_numbers = true)]
    pub(crate) checkpoint_steps: u64,
    /// Seconds after which a checkpoint is written, if that is sooner
    #[arg(long, value_name = "SECONDS", default_value_t = CheckpointEvery::default().secs, value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) checkpoint_secs: f64,
    /// Settings from a TOML file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print nothing but the path of the summary
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Settings, such as planner.horizon=20
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  worldwright study queries
  worldwright study queries sizes=[4,6,8,10] seeds=3 --out studies/small
  worldwright studies queries                what can be set, and to what

Its folder holds report.html, study.json, the same as Markdown, and each figure as a picture.")]
pub(crate) struct Study {
    /// The study (`worldwright studies` lists them)
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Settings, such as seeds=3
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
    /// Where it leaves what it finds; a new folder [default: studies/NAME]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  worldwright design pendulum                random steps first, then trials of the best
  worldwright design pendulum --learned      as if its dynamics were not known
  worldwright design data/pendulum --json    recorded episodes alone, judged by models of a part

The last line is the `worldwright learn` that uses the choice.")]
pub(crate) struct Design {
    /// An environment, or recorded episodes: a folder of them or of a run, or a file that `worldwright data import` reads
    #[arg(value_name = "ENV|EPISODES")]
    pub(crate) what: String,
    /// Steps of random actions to begin with, in an environment
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = from::<20>, allow_negative_numbers = true)]
    pub(crate) steps: u64,
    /// Steps that all trials together may take [default: 64 episodes]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, value_parser = whole, allow_negative_numbers = true)]
    pub(crate) trial_steps: u64,
    /// Models whose plans are tried [default: all that may be best]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, value_parser = whole, allow_negative_numbers = true)]
    pub(crate) finalists: u64,
    /// What all randomness comes from
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole, allow_negative_numbers = true)]
    pub(crate) seed: u64,
    /// Leave the simulator of an environment with known dynamics unused
    #[arg(long)]
    pub(crate) learned: bool,
    /// Seconds after which no further candidate is tried; results then depend on the machine's speed
    #[arg(long, value_name = "SECS", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) time_limit: Option<f64>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing of what is under way
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Settings of the environment and the reward
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  worldwright eval runs/pendulum-loop-seed0
  worldwright eval runs/pendulum-loop-seed0/bundle --episodes 100 --json")]
pub(crate) struct Eval {
    /// A bundle, or the folder of a finished run
    #[arg(value_name = "BUNDLE")]
    pub(crate) bundle: PathBuf,
    /// The environment to act in, where it was learned from recorded episodes alone or another of the same spaces is wanted
    #[arg(long, value_name = "ENV")]
    pub(crate) environment: Option<String>,
    /// Episodes
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = from::<1>, allow_negative_numbers = true)]
    pub(crate) episodes: u64,
    /// What the episodes' starts come from
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole, allow_negative_numbers = true)]
    pub(crate) seed: u64,
    /// Write a film of the last episode
    #[arg(long, value_name = "FILE.gif")]
    pub(crate) film: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  worldwright estimate runs/recorded-iql-seed0 --data data/pendulum
  worldwright estimate runs/penalty-* --data data/pendulum     which settings to trust

Each of three ways says a return, and between which bounds 90 of 100 such estimates hold the truth:
fitted Q evaluation, rollouts of a model that is fitted to the data, and importance weights. Of
several bundles, the first is the one whose lower bounds promise the most. Episodes that the
bundles did not learn from judge them best.")]
pub(crate) struct Estimate {
    /// Bundles, or folders of finished runs
    #[arg(value_name = "BUNDLE", required = true)]
    pub(crate) bundles: Vec<PathBuf>,
    /// Recorded episodes: a folder of them or of a run, or a file that `worldwright data import` reads
    #[arg(long, value_name = "PATH")]
    pub(crate) data: String,
    /// Steps of the return [default: those of the longest recorded episode]
    #[arg(long, value_name = "N", value_parser = from::<1>, allow_negative_numbers = true)]
    pub(crate) horizon: Option<u64>,
    /// What a reward one step later is worth
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = share, allow_negative_numbers = true)]
    pub(crate) discount: f64,
    /// Noise with which importance weights take numbers to be done, as a share of half their range
    #[arg(long, value_name = "SHARE", default_value_t = 0.25, value_parser = share, allow_negative_numbers = true)]
    pub(crate) noise: f64,
    /// What all randomness comes from
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole, allow_negative_numbers = true)]
    pub(crate) seed: u64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  worldwright collect pendulum --steps 1000 --out data/pendulum
  worldwright collect runs/pendulum-loop-seed0/bundle --out data/learned")]
pub(crate) struct Collect {
    /// An environment (random actions), or a bundle (what it learned)
    #[arg(value_name = "ENV|BUNDLE")]
    pub(crate) what: String,
    /// Steps
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = from::<1>, allow_negative_numbers = true)]
    pub(crate) steps: u64,
    /// What all randomness comes from
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole, allow_negative_numbers = true)]
    pub(crate) seed: u64,
    /// The new folder of the episodes
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Settings of the environment, such as environment.action_repeat=2
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  worldwright plan runs/pendulum-loop-seed0/bundle
  worldwright plan pendulum planner=cem planner.horizon=40    plan in the known simulator
  worldwright plan runs/pendulum-loop-seed0 --observation 1,0,0.5 --json
  worldwright plan rock-sample size=7 rocks=8 method=pomcp    a problem with planners of its own
  worldwright plan cube scramble=\"R U F2 L'\"
  worldwright plan reach --config room.toml
  worldwright plan --pomdp tiger.pomdp method=point-based
  worldwright plan --domain domain.pddl --problem task01.pddl    a cheapest plan for a PDDL task
  worldwright plan --domain domain.pddl --problem task01.pddl --search gbfs --time-limit 60

`worldwright planners` lists the problems, `worldwright planners cube` shows the settings of one.")]
pub(crate) struct Plan {
    /// A bundle, an environment whose dynamics are known, or a problem
    #[arg(value_name = "BUNDLE|ENV|PROBLEM", required_unless_present_any = ["domain", "problem", "pomdp"], conflicts_with_all = ["domain", "problem"])]
    pub(crate) what: Option<String>,
    /// Plan from this observation instead of an episode's start
    #[arg(long, value_name = "X,Y,…", value_delimiter = ',', allow_hyphen_values = true, conflicts_with = "domain")]
    pub(crate) observation: Option<Vec<f64>>,
    /// What the start and the planner's randomness come from
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole, allow_negative_numbers = true,
        conflicts_with = "domain")]
    pub(crate) seed: u64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Settings from a TOML file, for an environment or a problem
    #[arg(long, value_name = "FILE", conflicts_with = "domain")]
    pub(crate) config: Option<PathBuf>,
    /// Settings, for an environment or a problem
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
    /// Plan in this partially observed problem (Cassandra's format) instead
    #[arg(long, value_name = "FILE.pomdp", conflicts_with_all = ["domain", "problem", "observation"])]
    pub(crate) pomdp: Option<PathBuf>,
    /// Plan in this PDDL domain instead
    #[arg(long, value_name = "FILE.pddl", requires = "problem", help_heading = "Symbolic planning")]
    pub(crate) domain: Option<PathBuf>,
    /// The PDDL problem to solve
    #[arg(long, value_name = "FILE.pddl", requires = "domain", help_heading = "Symbolic planning")]
    pub(crate) problem: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) symbolic: Symbolic,
}

/// How a PDDL task is searched.
#[derive(Debug, Args)]
#[command(next_help_heading = "Symbolic planning")]
pub(crate) struct Symbolic {
    /// A* for a cheapest plan, or greedy best-first search for one soon [default: astar]
    #[arg(long, value_name = "NAME", requires = "domain", value_parser = searches())]
    pub(crate) search: Option<String>,
    /// What guides the search: one for astar [default: lm-cut], one or more for gbfs [default: ff,landmarks]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', requires = "domain", value_parser = heuristics())]
    pub(crate) heuristic: Vec<String>,
    /// Ties of lm-cut: goal-zone, border, both or none [default: both]
    #[arg(long, value_name = "NAME", hide_possible_values = true, requires = "domain",
        value_parser = ["goal-zone", "border", "both", "none"])]
    pub(crate) ties: Option<String>,
    /// Seconds after which to give up; also for partially observed problems
    #[arg(long, value_name = "SECS", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) time_limit: Option<f64>,
    /// States expanded after which to give up
    #[arg(long, value_name = "N", requires = "domain", value_parser = whole, allow_negative_numbers = true)]
    pub(crate) expansion_limit: Option<u64>,
    /// Megabytes after which to give up; also for partially observed problems
    #[arg(long, value_name = "MB")]
    pub(crate) memory_limit: Option<usize>,
    /// Also write the plan to a file
    #[arg(long, value_name = "FILE", requires = "domain")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  worldwright report runs/pendulum-loop-seed0
  worldwright report runs/pendulum-loop-seed0 --picture pendulum.svg")]
pub(crate) struct Report {
    /// A run's folder
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Where to write it [default: report.html in the run's folder]
    #[arg(long, value_name = "FILE.html")]
    pub(crate) out: Option<PathBuf>,
    /// Also write learning curve and predictions as one SVG
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) picture: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Show this one with its settings
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Print a Markdown table
    #[arg(long)]
    pub(crate) markdown: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EnvCommand {
    /// Make a suite's interpreter, and bring packages into it
    #[command(after_help = "Examples:
  worldwright env install gym && worldwright learn gym:InvertedPendulum-v5
  worldwright env install gym box2d          learn gym:LunarLander-v3
  worldwright env install gym atari          learn gym:ALE/Pong-v5
  worldwright env install gym minigrid       learn gym:MiniGrid-Empty-5x5-v0
  worldwright env install robotics robotics  learn robotics:FetchReach-v4
  worldwright env install driving highway-env==1.10.2    learn driving:highway-v0

Packages are named as pip names them. gym keeps its pinned versions of Gymnasium, NumPy and MuJoCo;
packages that want others go into a suite of a new name, whose environments are NAME:ID. Modules
of these packages are imported for what they register; NAME:MODULE:ID imports another one first.")]
    Install {
        /// gym, dmc, or a name for a suite of your own
        #[arg(value_name = "SUITE")]
        suite: String,
        /// Packages to bring into it, or box2d, atari, robotics
        #[arg(value_name = "PACKAGE")]
        packages: Vec<String>,
    },
    /// List the suites, and whether each is whole
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a suite's interpreter
    Remove {
        /// The suite
        #[arg(value_name = "SUITE")]
        suite: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Import a data set of another program as recorded episodes
    #[command(after_help = "Tables are read by the names of their columns: observation, action, reward,
next_observation, terminated, truncated, done, episode, step, and what D4RL, imitation,
robomimic, Stable-Baselines3, RLDS and LeRobot call them. Columns that are left out are
named; a misspelt name is an error. Columns that go by other names are given as
NAME=COLUMN, the known name first; parts of one as observation_x=…, observation/place=…,
in the order in which they are given. Whole numbers in one column are choices;
observation:number=COLUMN and action:choice=COLUMN say which they are. A pair whose column has
a comma in its name stands in quotes.

Examples:
  worldwright data import hopper/medium-v0 --out data/hopper
  worldwright data import log.csv --columns obs=state,action=torque --out data/log
  worldwright data import log.csv --format csv --out data/log")]
    Import {
        /// The file or folder of the data set
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// What it is; told by what stands in the file or folder unless given
        #[arg(long, value_name = "FORMAT", value_parser = formats())]
        format: Option<String>,
        /// What columns are called that go by names of their own
        #[arg(long, value_name = "NAME=COLUMN,…")]
        columns: Vec<String>,
        /// The new folder of the episodes
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Export recorded episodes, or those of a run, for other programs
    #[command(after_help = "Examples:
  worldwright data export data/pendulum --format parquet --out pendulum.parquet
  worldwright data export runs/pendulum-loop-seed0 --format minari --out minari/pendulum-v0")]
    Export {
        /// A folder of episodes, or a run's folder
        #[arg(value_name = "EPISODES|RUN")]
        episodes: PathBuf,
        /// What to write
        #[arg(long, value_name = "FORMAT", value_parser = written_formats())]
        format: String,
        /// The new file or folder
        #[arg(long, value_name = "PATH")]
        out: PathBuf,
    },
    /// Say what recorded episodes hold, and whether they are whole
    #[command(after_help = "Example:
  worldwright data inspect runs/pendulum-loop-seed0")]
    Inspect {
        /// A folder of episodes, or a run's folder
        #[arg(value_name = "EPISODES|RUN")]
        episodes: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// A whole number that settings can hold; the words are for people who meant one.
fn whole(text: &str) -> Result<u64, String> {
    match text.parse::<i64>() {
        Ok(number) => u64::try_from(number).map_err(|_| "must not be negative".to_owned()),
        Err(error) => Err(match error.kind() {
            IntErrorKind::PosOverflow => format!("must be at most {}", i64::MAX),
            IntErrorKind::NegOverflow => "must not be negative".to_owned(),
            _ => "expected a whole number".to_owned(),
        }),
    }
}

/// The same from `LEAST` on.
fn from<const LEAST: u64>(text: &str) -> Result<u64, String> {
    let number = whole(text)?;
    if number < LEAST { Err(format!("must be at least {LEAST}")) } else { Ok(number) }
}

/// Seconds that a clock can hold.
fn seconds(text: &str) -> Result<f64, String> {
    let secs: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    if (0.0..=1e9).contains(&secs) { Ok(secs) } else { Err("must lie between 0 and 1e9 seconds".to_owned()) }
}

/// A factor above 0 and up to 1.
fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if share > 0.0 && share <= 1.0 { Ok(share) } else { Err("must lie above 0 and be at most 1".to_owned()) }
}

/// The names of data formats, known to help, errors and completions.
fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(FORMATS.iter().map(|entry| PossibleValue::new(entry.name).help(entry.summary)))
}

/// Those of them that can be written.
fn written_formats() -> PossibleValuesParser {
    let written = FORMATS.iter().filter(|entry| entry.build.writes());
    PossibleValuesParser::new(written.map(|entry| PossibleValue::new(entry.name).help(entry.summary)))
}

/// The names of symbolic searches.
fn searches() -> PossibleValuesParser {
    PossibleValuesParser::new(Algorithm::ALL.iter().map(|algorithm| algorithm.name()))
}

/// The names of symbolic heuristics.
fn heuristics() -> PossibleValuesParser {
    PossibleValuesParser::new(HeuristicKind::ALL.iter().map(|kind| kind.name()))
}
