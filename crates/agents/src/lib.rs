//! A model, a planner and a memory put together: the named algorithms.
//!
//! An algorithm is a line in [`ALL`]: a [`Recipe`] of roles with who plays them unless told otherwise, and the settings of the
//! agent around them. [`resolve`] lays a user's choices over the algorithm's defaults and the preset for the environment
//! (see [`PRESETS`]) and checks every key; [`build`] makes the agent.

mod context;
mod interaction;
mod latent_agent;
mod masked;
mod model_based;
mod parts;
mod places;
mod planned;
mod policy_agent;
mod presets;
mod random;
mod recipe;
mod resolve;
mod search_agent;
mod updates;
mod world;

use worldwright_core::{Agent, Entry, Parameter, Result, SettingDefault, Space};

pub use context::AgentContext;
pub use interaction::{Failure, Interaction, Start, Taken};
pub use model_based::{ModelBasedAgent, build_model};
pub use parts::{Choice, Overrides, Part, Parts, Resolved};
pub use presets::{Line, PRESETS, Preset, PresetPart};
pub use random::RandomAgent;
pub use recipe::{Recipe, Role, SECTIONS, Section};
pub use resolve::{environment_settings, resolve, reward_settings};

/// The named algorithms.
pub const ALL: &[Entry<Recipe>] = &[
    Entry {
        name: "pets",
        summary: "probabilistic ensemble and trajectory sampling: plan at every step through a learned ensemble",
        source: "Chua, Calandra, McAllister and Levine, NeurIPS 2018",
        parameters: LEARNING,
        build: planning(&[model("ensemble"), planner("icem")]),
    },
    Entry {
        name: "gp-mpc",
        summary: "model-predictive control through Gaussian processes: the least data, below about 1,500 transitions",
        source: "Kamthe and Deisenroth, AISTATS 2018",
        parameters: LEARNING,
        build: planning(&[model("gp"), planner("icem")]),
    },
    Entry {
        name: "tabular",
        summary: "dynamic programming in the finite process that was counted, with optimism: for discrete observations",
        source: "Strehl and Littman, JCSS 2008",
        parameters: LEARNING,
        build: planning(&[model("tabular"), planner("greedy")]),
    },
    Entry {
        name: "mpc",
        summary: "model-predictive control on the known simulator: nothing is learned",
        source: "Rawlings, Mayne and Diehl, Model Predictive Control, 2017",
        parameters: LEARNING,
        build: planning(&[model("known"), planner("icem")]),
    },
    Entry {
        name: "sac",
        summary: "soft actor-critic: a policy learned from every transition, without a model",
        source: "Haarnoja et al., 2018",
        parameters: ACTING,
        build: Recipe {
            roles: &[policy("sac")],
            offline: false,
            both_sides: false,
            updates: 5000,
            build: policy_agent::build,
        },
    },
    Entry {
        name: "dreamer",
        summary: "a policy learned in the imagination of a recurrent latent model: for worlds that show only a part of themselves",
        source: "Hafner, Pasukonis, Ba and Lillicrap, 2023",
        parameters: DREAMING,
        build: Recipe {
            roles: &[model("rssm"), policy("actor-critic")],
            offline: false,
            both_sides: false,
            updates: 2000,
            build: latent_agent::build,
        },
    },
    Entry {
        name: "muzero",
        summary: "tree search in a learned latent that knows values and a policy: for choices, and for games of two players by playing both",
        source: "Schrittwieser et al., Nature 2020; Danihelka et al., ICLR 2022",
        parameters: SEARCHING,
        build: Recipe {
            roles: &[model("muzero"), planner("gumbel")],
            offline: false,
            both_sides: true,
            updates: 2000,
            build: search_agent::build,
        },
    },
    Entry {
        name: "bc",
        summary: "behaviour cloning: does what recorded episodes did where the same was seen; takes no step to learn",
        source: "Pomerleau, NeurIPS 1988",
        // It takes no step, and looks at no reward.
        parameters: &[],
        build: Recipe {
            roles: &[policy("bc")],
            offline: true,
            both_sides: false,
            updates: 2000,
            build: policy_agent::build_imitating,
        },
    },
];

/// Settings of every agent that acts by a policy.
const ACTING: &[Parameter] = &learned_in_updates(2.0);

/// Settings of an agent whose policy learns in imagination: an update imagines thousands of steps.
const DREAMING: &[Parameter] = &learned_in_updates(0.5);

/// Settings of an agent that searches.
const SEARCHING: &[Parameter] = &{
    let [initial_steps, updates_per_step, discount] = learned_in_updates(1.0);
    let random = Parameter {
        name: "random_choices",
        default: SettingDefault::Float(0.0),
        summary: "chance of a random choice in place of the search's while learning: the way to what searches would never do, such as odd openings",
    };
    [initial_steps, updates_per_step, discount, random]
};

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
        Parameter {
            name: "discount",
            default: SettingDefault::Float(0.99),
            summary: "what a reward one step later is worth",
        },
    ]
}

const fn model(default: &'static str) -> Role {
    Role { section: "model", default }
}

const fn planner(default: &'static str) -> Role {
    Role { section: "planner", default }
}

const fn policy(default: &'static str) -> Role {
    Role { section: "policy", default }
}

/// A recipe of an agent that plans in a model, which is fitted to all data at once.
const fn planning(roles: &'static [Role]) -> Recipe {
    Recipe { roles, offline: false, both_sides: false, updates: 1, build: model_based::build }
}

/// Settings of every agent that plans through a model.
const LEARNING: &[Parameter] = &[
    Parameter {
        name: "initial_steps",
        default: SettingDefault::Integer(200),
        summary: "environment steps with random actions before the first fit",
    },
    Parameter {
        name: "fit_every",
        default: SettingDefault::Integer(0),
        summary: "environment steps between fits; 0 fits at the end of each episode",
    },
    Parameter {
        name: "exploration_noise",
        default: SettingDefault::Float(0.0),
        summary: "standard deviation of Gaussian noise on continuous actions while learning, as a share of half their range; \
                  for discrete ones the chance of a random choice",
    },
    Parameter {
        name: "replan_every",
        default: SettingDefault::Integer(1),
        summary: "environment steps that a plan is followed before planning again",
    },
    Parameter {
        name: "discount",
        default: SettingDefault::Float(1.0),
        summary: "what a reward one step later is worth",
    },
    Parameter {
        name: "decision_ms",
        default: SettingDefault::Float(0.0),
        summary: "milliseconds a decision may take, 0 for no limit; with a limit, results depend on the machine's speed",
    },
];

/// The algorithm that plans in a model of this name unless told otherwise; of other models the first one that plans.
pub fn algorithm_of(model: &str) -> &'static str {
    let plays = |entry: &&Entry<Recipe>| {
        let role = |section: &str| entry.build.roles.iter().find(|role| role.section == section);
        role("planner").is_some() && role("model").is_some_and(|role| role.default == model)
    };
    ALL.iter().find(plays).map_or(ALL[0].name, |entry| entry.name)
}

/// The algorithm where nobody said one: dynamic programming where everything can be counted and no other model or planner is
/// asked for, else an ensemble.
pub fn default_algorithm(given: &Parts, observations: &Space, actions: &Space) -> &'static str {
    const MOST_COUNTED: usize = 100_000;
    let few = |space: &Space, most: usize| space.count().is_some_and(|count| count <= most);
    let chosen = |section: &&String| given.chosen(section).is_some();
    let has = |entry: &Entry<Recipe>| {
        given.roles.keys().filter(chosen).all(|section| entry.build.roles.iter().any(|role| role.section == section))
    };
    let counted = few(observations, MOST_COUNTED) && few(actions, 1000);
    // Who is named for a role must be the one that plays it there.
    let suits = |entry: &Entry<Recipe>| {
        has(entry)
            && entry.build.roles.iter().all(|role| {
                let named = given.roles.get(role.section).and_then(|choice| choice.name.as_deref());
                named.is_none_or(|name| name == role.default)
            })
    };
    let counting = ALL.iter().find(|entry| entry.name == "tabular").filter(|entry| counted && suits(entry));
    counting.or_else(|| ALL.iter().find(|entry| has(entry))).map_or("pets", |entry| entry.name)
}

/// Builds the agent that `resolved` describes.
///
/// # Errors
/// What the model, the planner or the agent says of its settings or of the spaces.
pub fn build(resolved: &Resolved, context: &AgentContext) -> Result<Box<dyn Agent>> {
    let entry = worldwright_core::find(ALL, "algorithm", &resolved.algorithm)?;
    (entry.build.build)(resolved, context)
}
