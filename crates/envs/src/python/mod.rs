//! Environments that live in Python, each in a worker process with the interpreter of its suite.
//!
//! An id is `gym:ID` (Gymnasium), `dmc:DOMAIN-TASK` (dm_control), or `NAME:ID` for a suite of the user's own packages.
//! `gym:module:ID` and `NAME:module:ID` import a module first, which registers its environments; modules of packages that were
//! installed by name are imported by themselves. [`install`] makes a suite's interpreter and adds packages to it, [`state()`] says
//! cheaply how it is, [`doctor`] what is missing.
//!
//! One worker holds one environment ([`PythonEnvironment`]) or several ([`VectorEnvironment`]). Observations, actions, rewards
//! and flags stand in shared memory; a socket carries control and the wake-ups. What happens in a worker stays there: a crash,
//! an exception or a hang is an [`Error::External`](worldwright_core::Error::External) within a deadline, and the next reset starts
//! a fresh worker.

mod channels;
mod doctor;
mod environment;
mod install;
mod lanes;
mod layout;
mod options;
mod packages;
mod process;
mod python3;
mod remote;
mod shared;
mod state;
mod stream;
mod suite;
mod vector;

use std::collections::BTreeMap;

use worldwright_core::{Environment, Result, Setting, Settings, distinct_channels};

pub use doctor::{Finding, Health, doctor};
pub use environment::PythonEnvironment;
pub use install::{install, remove};
pub use lanes::{Autoreset, Vectorization};
pub use options::{PARAMETERS, WorkerOptions};
pub use python3::PYTHON_VARIABLE;
pub use remote::python_seed;
pub use state::{State, further_packages, state};
pub use stream::Transport;
pub use suite::{DATA_DIR_VARIABLE, Suite, data_folder};
pub use vector::{Lane, VectorEnvironment, VectorOptions};

use crate::repeat::repeated;
use crate::{Made, known_reward, limited, settings};

/// Builds `gym:ID`, `dmc:DOMAIN-TASK` or `SUITE:ID`; settings called `action_repeat`, `episode_steps` and `worker.…` are
/// [`PARAMETERS`], all others arguments of the environment's own constructor.
///
/// # Errors
/// [`Error::Config`](worldwright_core::Error::Config) for an action repeat below one; else as [`WorkerOptions::from_settings`] and [`PythonEnvironment::open`].
pub(crate) fn make(id: &str, overrides: &BTreeMap<String, Setting>) -> Result<Made> {
    let (held, others) = overrides
        .iter()
        .map(|(key, setting)| (key.clone(), setting.clone()))
        .partition(|(key, _)| key == settings::ACTION_REPEAT.name);
    let repeat = settings::action_repeat(&Settings::resolve(id, &[settings::ACTION_REPEAT], &held)?)?;
    let options = WorkerOptions::from_settings(&others)?;
    let environment = PythonEnvironment::open(id, &options)?;
    let dims = [environment.observation_space().flat_dim(), environment.action_space().flat_dim()];
    let (observation_channels, action_channels) =
        distinct_channels(environment.observation_channels(), environment.action_channels());
    let made = Made {
        // Arguments may change the reward, so that the known one is known only without them.
        reward: options.arguments.is_empty().then(|| known_reward(id, dims[0], dims[1])).flatten(),
        simulator: None,
        model: None,
        observation_channels,
        action_channels,
        episode_steps: environment.episode_steps(),
        episode_steps_assumed: false,
        optimum: None,
        environment: Box::new(environment),
    };
    Ok(repeated(limited(made), repeat))
}
