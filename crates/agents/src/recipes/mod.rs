//! The named algorithms, a file a family.

mod acting;
mod dyna;
mod evolving;
mod foresight;
mod goals;
mod imitating;
mod latent;
mod offline;
mod planning;
mod tabular;

use worldwright_core::{Entry, Parameter, SettingDefault};

use crate::recipe::{Recipe, Role};

pub(crate) use planning::{CLOSED, LEARNING};

/// The named algorithms.
pub const ALL: &[Entry<Recipe>] = &[
    planning::PETS,
    planning::GP_MPC,
    planning::TABULAR,
    planning::MPC,
    planning::POLO,
    acting::SAC,
    acting::TD3,
    acting::DQN,
    acting::TREEQN,
    dyna::MBPO,
    dyna::LOOP,
    dyna::STEVE,
    dyna::DHMBPO,
    dyna::MB_PPO,
    foresight::PILCO,
    foresight::SVG,
    latent::DREAMER,
    latent::MUZERO,
    acting::BC,
    imitating::DAGGER,
    imitating::BMPC,
    imitating::GPS,
    acting::PPO,
    acting::A2C,
    acting::REINFORCE,
    evolving::CMA_ES,
    evolving::OPENAI_ES,
    evolving::REPS,
    goals::HER,
    goals::TDM,
    goals::GCSL,
    offline::TD3_BC,
    offline::IQL,
    offline::CQL,
    offline::MOPO,
    offline::MOREL,
    offline::MOBILE,
    tabular::Q_LEARNING,
    tabular::SARSA,
    tabular::EXPECTED_SARSA,
    tabular::N_STEP_SARSA,
    tabular::TREE_BACKUP,
    tabular::DOUBLE_Q_LEARNING,
    tabular::DYNA_Q,
    tabular::DYNA_Q_PLUS,
    tabular::PRIORITISED_SWEEPING,
    tabular::R_MAX,
    tabular::PSRL,
];

const fn learned_in_updates(per_step: f64) -> [Parameter; 3] {
    [
        Parameter {
            name: "initial_steps",
            default: SettingDefault::Integer(200),
            summary: "environment steps with random actions before the first update",
        },
        Parameter {
            name: "updates_per_step",
            default: SettingDefault::Float(per_step),
            summary: "updates an environment step; below 1, one every few steps",
        },
        DISCOUNT,
    ]
}

const DISCOUNT: Parameter = Parameter {
    name: "discount",
    default: SettingDefault::Float(0.99),
    summary: "what a reward one step later is worth",
};

const fn model(default: &'static str) -> Role {
    Role { section: "model", default }
}

const fn planner(default: &'static str) -> Role {
    Role { section: "planner", default }
}

const fn policy(default: &'static str) -> Role {
    Role { section: "policy", default }
}

const fn value(default: &'static str) -> Role {
    Role { section: "value", default }
}
