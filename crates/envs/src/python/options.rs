//! How a Python environment is made and driven: deadlines, watching, pictures, import paths, arguments.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;
use worldwright_core::{Error, Parameter, Result, Setting, SettingDefault, Settings};

use super::Transport;
use crate::settings::ACTION_REPEAT;

/// Settings of the worker itself, called `worker.…`, and those that every environment has; every other setting is an argument
/// of the environment's own constructor.
pub const PARAMETERS: &[Parameter] = &[
    ACTION_REPEAT,
    Parameter {
        name: EPISODE_STEPS,
        default: SettingDefault::Integer(0),
        summary: "steps after which an episode is cut, before any action repeat; 0: as the environment says, or 1000 where it does not",
    },
    Parameter {
        name: "worker.interpreter",
        default: SettingDefault::Text(""),
        summary: "Python to start; empty: the suite's own",
    },
    Parameter {
        name: "worker.path",
        default: SettingDefault::Text(""),
        summary: "folders to import from, before PYTHONPATH, separated as in PATH",
    },
    Parameter {
        name: "worker.make_secs",
        default: SettingDefault::Float(60.0),
        summary: "deadline for starting Python and making the environment, seconds",
    },
    Parameter {
        name: "worker.reset_secs",
        default: SettingDefault::Float(30.0),
        summary: "deadline of a reset, seconds",
    },
    Parameter {
        name: "worker.step_secs",
        default: SettingDefault::Float(10.0),
        summary: "deadline of a step, seconds",
    },
    Parameter {
        name: "worker.render",
        default: SettingDefault::Bool(true),
        summary: "make it able to draw pictures, where it can",
    },
    Parameter { name: "worker.width", default: SettingDefault::Integer(320), summary: "pixels across (dmc)" },
    Parameter { name: "worker.height", default: SettingDefault::Integer(240), summary: "pixels down (dmc)" },
    Parameter {
        name: "worker.dt_secs",
        default: SettingDefault::Float(0.0),
        summary: "seconds that a step takes; 0: as the environment says (its dt), or as long as a picture is shown (render_fps)",
    },
    Parameter {
        name: "worker.leave_out",
        default: SettingDefault::Text(""),
        summary: "parts of a Dict observation that are left out, separated by commas, such as a text",
    },
    Parameter {
        name: "worker.reward_weights",
        default: SettingDefault::Numbers(&[]),
        summary: "weights of a reward of several numbers, whose weighted sum is learned from",
    },
];

/// The setting for the time limit.
const EPISODE_STEPS: &str = "episode_steps";

/// How a worker is started and driven.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The interpreter; `None`: the suite's (see [`Suite::interpreter`](super::Suite::interpreter)).
    pub interpreter: Option<PathBuf>,
    /// Folders to import from, before those of `PYTHONPATH`.
    pub path: Vec<PathBuf>,
    /// Arguments of the environment's constructor (`gymnasium.make`), or of the task (dm_control).
    pub arguments: BTreeMap<String, Setting>,
    /// Steps after which an episode is cut; `None`: as the environment says.
    pub episode_steps: Option<usize>,
    /// Seconds that a step takes; `None`: as the environment says.
    pub dt_secs: Option<f64>,
    /// Names of parts of a Dict observation that are left out.
    pub leave_out: Vec<String>,
    /// Weights of a reward of several numbers; empty: the reward is one number.
    pub reward_weights: Vec<f64>,
    /// Deadline for starting Python, importing and making the environment.
    pub make_deadline: Duration,
    /// Deadline of a reset.
    pub reset_deadline: Duration,
    /// Deadline of a step, and of a picture's drawing beyond the first.
    pub step_deadline: Duration,
    /// Whether to make the environment able to draw pictures, where it can.
    pub render: bool,
    /// Width and height of pictures in pixels, where the suite lets them be chosen (dmc).
    pub frame_size: (usize, usize),
    /// How long the host watches the shared memory for an answer before it sleeps. Zero on machines with one core, and on
    /// processors whose stores are not seen in order from Python.
    pub host_watch: Duration,
    /// How long the worker watches for the next request before it sleeps; it costs that much of a core after each step.
    pub worker_watch: Duration,
    /// How the two talk.
    pub transport: Transport,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let watch = |micros| Duration::from_micros(if cores > 1 && watching_is_sound() { micros } else { 0 });
        Self {
            interpreter: None,
            path: Vec::new(),
            arguments: BTreeMap::new(),
            episode_steps: None,
            dt_secs: None,
            leave_out: Vec::new(),
            reward_weights: Vec::new(),
            make_deadline: Duration::from_secs(60),
            reset_deadline: Duration::from_secs(30),
            step_deadline: Duration::from_secs(10),
            render: true,
            frame_size: (320, 240),
            host_watch: watch(300),
            worker_watch: watch(100),
            transport: Transport::default(),
        }
    }
}

/// Whether plain stores of an interpreter become visible in the order in which they were made.
pub(super) fn watching_is_sound() -> bool {
    cfg!(any(target_arch = "x86_64", target_arch = "x86"))
}

impl WorkerOptions {
    /// Options from settings: those called `worker.…` and `episode_steps` are [`PARAMETERS`], all others (`action_repeat` too,
    /// which [`make`](crate::make) takes out before) arguments.
    ///
    /// # Errors
    /// As [`Settings::resolve`], and [`Error::Config`] for a deadline that is not a positive number of seconds, pictures
    /// without or of too many pixels, and files and folders that are not there.
    pub fn from_settings(overrides: &BTreeMap<String, Setting>) -> Result<Self> {
        let (own, arguments) = overrides
            .iter()
            .map(|(key, setting)| (key.clone(), setting.clone()))
            .partition(|(key, _)| key.starts_with("worker.") || key == EPISODE_STEPS);
        let settings = Settings::resolve("Python environments", PARAMETERS, &own)?;
        let seconds = |key: &str| Ok::<_, Error>(Duration::from_secs_f64(settings.float(key, 0.001, 86_400.0)?));
        let interpreter = PathBuf::from(settings.text("worker.interpreter")?);
        // A bare name is looked up on the path; anything longer must be a file.
        if interpreter.components().count() > 1 && !interpreter.is_file() {
            let why = format!("there is no file {}; give the path of a Python", interpreter.display());
            return Err(Error::config("worker.interpreter", why));
        }
        let text = settings.text("worker.path")?;
        let path: Vec<PathBuf> = std::env::split_paths(text).filter(|path| !path.as_os_str().is_empty()).collect();
        if let Some(nowhere) = path.iter().find(|path| !path.exists()) {
            let why = format!("there is no {}; give folders to import from", nowhere.display());
            return Err(Error::config("worker.path", why));
        }
        let reward_weights = settings.numbers("worker.reward_weights")?.to_vec();
        if let Some(odd) = reward_weights.iter().find(|weight| !weight.is_finite()) {
            return Err(Error::config("worker.reward_weights", format!("{odd} is no weight: give finite numbers")));
        }
        let episode_steps = settings.count(EPISODE_STEPS, 0)?;
        let dt_secs = settings.float("worker.dt_secs", 0.0, 86_400.0)?;
        Ok(Self {
            interpreter: (!interpreter.as_os_str().is_empty()).then_some(interpreter),
            path,
            episode_steps: (episode_steps > 0).then_some(episode_steps),
            dt_secs: (dt_secs > 0.0).then_some(dt_secs),
            leave_out: settings
                .text("worker.leave_out")?
                .split(',')
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect(),
            reward_weights,
            arguments,
            make_deadline: seconds("worker.make_secs")?,
            reset_deadline: seconds("worker.reset_secs")?,
            step_deadline: seconds("worker.step_secs")?,
            render: settings.bool("worker.render")?,
            frame_size: (settings.count_in("worker.width", 1, 8192)?, settings.count_in("worker.height", 1, 8192)?),
            ..Self::default()
        })
    }

    /// The arguments as JSON.
    pub(super) fn arguments_json(&self) -> Json {
        let value = |setting: &Setting| match setting {
            Setting::Bool(b) => Json::from(*b),
            Setting::Integer(i) => Json::from(*i),
            Setting::Float(f) => Json::from(*f),
            Setting::Text(t) => Json::from(t.as_str()),
            Setting::Numbers(n) => Json::from(n.as_slice()),
        };
        Json::Object(self.arguments.iter().map(|(key, setting)| (key.clone(), value(setting))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_worker_are_told_from_arguments() {
        let given = BTreeMap::from([
            ("worker.step_secs".to_owned(), Setting::Float(0.5)),
            ("forward_reward_weight".to_owned(), Setting::Integer(2)),
        ]);
        let options = WorkerOptions::from_settings(&given).expect("known settings");
        assert_eq!(options.step_deadline, Duration::from_millis(500));
        assert_eq!(options.arguments_json(), serde_json::json!({"forward_reward_weight": 2}));
        for (key, setting, says) in [
            ("worker.step_secs", Setting::Float(f64::NAN), "must be finite"),
            ("worker.step_secs", Setting::Float(-1.0), "must lie in"),
            ("worker.make_secs", Setting::Float(f64::INFINITY), "must be finite"),
            ("worker.reset_secs", Setting::Float(0.0), "must lie in"),
            ("worker.dt_secs", Setting::Float(-0.1), "must lie in"),
            ("worker.width", Setting::Integer(1 << 40), "8192"),
            ("worker.height", Setting::Integer(0), "worker.height"),
            ("worker.path", Setting::Text("/no/such/folder".into()), "there is no /no/such/folder"),
            ("worker.interpreter", Setting::Text("/no/such/python".into()), "there is no file /no/such/python"),
            ("worker.reward_weights", Setting::Numbers(vec![1.0, f64::NAN]), ""),
            ("episode_steps", Setting::Integer(-1), "at least 0"),
        ] {
            let message = WorkerOptions::from_settings(&BTreeMap::from([(key.to_owned(), setting)])).expect_err(key);
            assert!(message.to_string().contains(key) && message.to_string().contains(says), "{message}");
        }
        let slip = BTreeMap::from([("worker.step_sec".to_owned(), Setting::Float(0.5))]);
        let message = WorkerOptions::from_settings(&slip).expect_err("an unknown setting").to_string();
        assert!(message.contains("did you mean 'worker.step_secs'"), "{message}");
    }
}
