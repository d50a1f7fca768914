//! Native environments and the worker that drives Python ones.
//!
//! [`make`] builds any environment by the name that users write; [`ALL`] lists the native ones. What comes back is [`Made`]:
//! the environment, and where they are known its reward as a function of transitions and its dynamics as a simulator.
//!
//! ```
//! use worldwright_core::Value;
//!
//! let mut made = worldwright_envs::make("pendulum", &Default::default())?;
//! let first = made.environment.reset(0)?;
//! let step = made.environment.step(&Value::Floats(vec![0.5]))?;
//! assert!(step.reward < 0.0 && !step.terminated);
//! # Ok::<(), worldwright_core::Error>(())
//! ```
//!
//! [`known_reward`] knows the rewards of some environments in Python, and [`write_gif`] makes films of pictures.
//!
//! A native environment is one file that implements the private trait `World` (a vector that moves) or `ChanceWorld` (choices, and draws)
//! and one line in [`ALL`]. What planners and solvers know of games and grids by the same definition is public: [`games`], [`maze`],
//! [`gridworld`], [`cube`], [`tiger`], [`rock_sample`]. Actions beyond the
//! bounds are treated as the original treats them; pictures are 320 × 240.
//!
//! Every environment, in Python too, has the setting `action_repeat` = k: each action is held for k steps of the original, whose
//! rewards add up; a time limit of T steps becomes ⌈T/k⌉. The simulator does the same exactly. A known reward sees only the two
//! ends of the held step and is scaled by k: exact where the reward is the same in all k steps, an approximation elsewhere.

mod acrobot;
#[cfg(test)]
mod adding_an_environment;
mod believed;
mod bit_flipping;
mod cartpole;
mod chance;
pub mod cube;
mod deep_sea;
mod dmc_cartpole_swingup;
mod dmc_pendulum_swingup;
mod draw;
mod episode;
mod film;
pub mod games;
pub mod gridworld;
mod hidden;
mod limit;
mod linear;
mod made;
pub mod maze;
mod mountain_car;
mod mountain_car_continuous;
mod native;
mod pendulum;
mod pets_cartpole;
mod pilco_cartpole;
mod point_mass;
mod push;
pub mod python;
mod repeat;
mod rewards;
mod river_swim;
pub mod rock_sample;
mod scenes;
mod settings;
mod slider_pole;
pub mod tiger;
mod world;
mod wrapper;

pub use film::write_gif;
pub use limit::{EPISODE_STEPS, limited};
pub use made::{Build, Made};
pub use rewards::{KNOWN as KNOWN_REWARDS, KnownReward, known_reward};
pub use settings::ACTION_REPEAT;

use std::collections::BTreeMap;

use worldwright_core::{Entry, Result, Setting, Settings, find};

/// The native environments.
pub const ALL: &[Entry<Build>] = &[
    Entry {
        name: "pendulum",
        summary: "swing a pendulum up with a torque too weak to lift it at once",
        source: "Gymnasium 1.x, Pendulum-v1",
        parameters: pendulum::PARAMETERS,
        build: pendulum::make,
    },
    Entry {
        name: "cartpole",
        summary: "keep a pole upright on a cart by pushing left or right",
        source: "Gymnasium 1.x, CartPole-v1; Barto, Sutton and Anderson 1983",
        parameters: cartpole::PARAMETERS,
        build: cartpole::make,
    },
    Entry {
        name: "mountain-car",
        summary: "rock a weak car out of a valley with three choices of push",
        source: "Gymnasium 1.x, MountainCar-v0; Moore 1990",
        parameters: mountain_car::PARAMETERS,
        build: mountain_car::make,
    },
    Entry {
        name: "mountain-car-continuous",
        summary: "rock a weak car out of a valley with as little force as can be",
        source: "Gymnasium 1.x, MountainCarContinuous-v0; Moore 1990",
        parameters: mountain_car_continuous::PARAMETERS,
        build: mountain_car_continuous::make,
    },
    Entry {
        name: "acrobot",
        summary: "swing a two-link arm above a bar by its elbow alone",
        source: "Gymnasium 1.x, Acrobot-v1; Sutton 1996",
        parameters: acrobot::PARAMETERS,
        build: acrobot::make,
    },
    Entry {
        name: "dmc-pendulum-swingup",
        summary: "swing a pendulum up and hold it, with a reward only near upright",
        source: "dm_control 1.0.50, pendulum-swingup; Tassa et al. 2018",
        parameters: dmc_pendulum_swingup::PARAMETERS,
        build: dmc_pendulum_swingup::make,
    },
    Entry {
        name: "dmc-cartpole-swingup",
        summary: "swing a pole up and hold it in the middle of a rail with soft ends",
        source: "dm_control 1.0.50, cartpole-swingup; Tassa et al. 2018",
        parameters: dmc_cartpole_swingup::PARAMETERS,
        build: dmc_cartpole_swingup::make,
    },
    Entry {
        name: "pets-cartpole",
        summary: "swing up a heavy pole on a cart within 200 steps",
        source: "PETS: Chua et al. 2018",
        parameters: pets_cartpole::PARAMETERS,
        build: pets_cartpole::make,
    },
    Entry {
        name: "pilco-cartpole",
        summary: "swing a pole up within 4 s from noisy measurements",
        source: "PILCO: Deisenroth and Rasmussen 2011",
        parameters: pilco_cartpole::PARAMETERS,
        build: pilco_cartpole::make,
    },
    Entry {
        name: "linear",
        summary: "steer a linear system at least quadratic cost; the double integrator unless told otherwise",
        source: "linear-quadratic regulation, e.g. Anderson and Moore 1990",
        parameters: linear::PARAMETERS,
        build: linear::make,
    },
    Entry {
        name: "point-mass",
        summary: "push a point mass in a walled square to a goal",
        source: "own definition",
        parameters: point_mass::PARAMETERS,
        build: point_mass::make,
    },
    games::TIC_TAC_TOE,
    games::CONNECT_FOUR,
    gridworld::ENTRY,
    maze::MAZE,
    maze::ROOMS,
    cube::CUBE,
    cube::POCKET_CUBE,
    tiger::ENTRY,
    rock_sample::ENTRY,
    deep_sea::ENTRY,
    river_swim::ENTRY,
    bit_flipping::ENTRY,
    push::ENTRY,
];

/// Other names of native environments: the identifiers under which their originals are known.
pub const ALIASES: &[(&str, &str)] = &[
    ("Pendulum-v1", "pendulum"),
    ("CartPole-v1", "cartpole"),
    ("MountainCar-v0", "mountain-car"),
    ("MountainCarContinuous-v0", "mountain-car-continuous"),
    ("Acrobot-v1", "acrobot"),
];

/// Builds the environment that users call `id`: a name of [`ALL`] or [`ALIASES`], with `overrides` over its settings, or
/// `gym:ID`, `dmc:DOMAIN-TASK` or `SUITE:ID` (see [`python`]).
///
/// # Errors
/// [`Error::Unknown`](worldwright_core::Error::Unknown) for a name that nothing has, with the nearest that something has;
/// [`Error::Config`](worldwright_core::Error::Config) for settings of another type or out of range.
pub fn make(id: &str, overrides: &BTreeMap<String, Setting>) -> Result<Made> {
    if python::Suite::split(id).is_some() {
        return python::make(id, overrides);
    }
    let name = ALIASES.iter().find(|(alias, _)| *alias == id).map_or(id, |(_, name)| name);
    let entry = find(ALL, "environment", name)?;
    (entry.build)(&Settings::resolve(entry.name, entry.parameters, overrides)?)
}
