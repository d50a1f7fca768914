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

use worldwright_core::Entry;

use crate::recipe::{Recipe, Role};

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
    latent::PLANET,
    latent::TDMPC2,
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
