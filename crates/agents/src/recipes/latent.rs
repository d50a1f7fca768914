//! Algorithms around a model of its own latent: a policy learned in its imagination, a search in it.

use worldwright_core::{Entry, Parameter, SettingDefault};

use super::{model, planner, policy};
use crate::recipe::{Lessons, Recipe};
use crate::updates::learned_in_updates;
use crate::{latent_agent, search_agent};

pub(super) const DREAMER: Entry<Recipe> = Entry {
    name: "dreamer",
    summary: "a policy learned in the imagination of a recurrent latent model: for worlds that show only a part of themselves",
    source: "Hafner, Pasukonis, Ba and Lillicrap, 2023",
    parameters: DREAMING,
    build: Recipe {
        roles: &[model("rssm"), policy("actor-critic")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 2000,
        build: latent_agent::build,
    },
};

pub(super) const PLANET: Entry<Recipe> = Entry {
    name: "planet",
    summary: "plans in the imagination of a recurrent latent model, by what it foretells of rewards: for worlds that show only a part of themselves",
    source: "Hafner, Lillicrap, Fischer, Villegas, Ha, Lee and Davidson, ICML 2019",
    parameters: &planned(0.5, 0.3),
    build: Recipe {
        roles: &[model("rssm"), planner("cem")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 2000,
        build: search_agent::build_planning,
    },
};

pub(super) const TDMPC2: Entry<Recipe> = Entry {
    name: "tdmpc2",
    summary: "plans of a few steps in a learned latent, led by a policy and ending in values that are learned with it: for numbers and choices",
    source: "Hansen, Su and Wang, ICLR 2024",
    parameters: &planned(1.0, 0.1),
    build: Recipe {
        roles: &[model("tdmpc2"), planner("mppi")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 2000,
        build: search_agent::build_planning,
    },
};

pub(super) const MUZERO: Entry<Recipe> = Entry {
    name: "muzero",
    summary: "tree search in a learned latent that knows values and a policy: for choices, and for games of two players by playing both",
    source: "Schrittwieser et al., Nature 2020; Danihelka et al., ICLR 2022",
    parameters: SEARCHING,
    build: Recipe {
        roles: &[model("muzero"), planner("gumbel")],
        learns_from: Lessons::Any,
        both_sides: true,
        updates: 2000,
        build: search_agent::build_searching,
    },
};

/// Settings of an agent whose policy learns in imagination: an update imagines thousands of steps.
const DREAMING: &[Parameter] = &learned_in_updates(0.5);

/// Settings of an agent that plans in a latent.
const fn planned(updates: f64, noise: f64) -> [Parameter; 4] {
    let [initial_steps, updates_per_step, discount] = learned_in_updates(updates);
    let noise = Parameter {
        name: "exploration_noise",
        default: SettingDefault::Float(noise),
        summary: "standard deviation of Gaussian noise on continuous actions while learning, as a share of half their range; \
                  for discrete ones the chance of a random choice",
    };
    [initial_steps, updates_per_step, discount, noise]
}

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
