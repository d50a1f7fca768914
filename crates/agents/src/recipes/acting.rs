//! Algorithms that act by a policy, learned from what was experienced or recorded.

use worldwright_core::{Entry, Parameter};

use super::policy;
use crate::policy_agent;
use crate::recipe::{Lessons, Recipe, Role};
use crate::updates::learned_in_updates;

pub(super) const SAC: Entry<Recipe> = Entry {
    name: "sac",
    summary: "soft actor-critic: a policy learned from every transition, without a model",
    source: "Haarnoja et al., 2018",
    parameters: ACTING,
    build: Recipe {
        roles: &[policy("sac")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 5000,
        build: policy_agent::build,
    },
};

pub(super) const TD3: Entry<Recipe> = Entry {
    name: "td3",
    summary: "twin delayed deterministic policy gradient: a sure policy that explores by noise, learned from every transition",
    source: "Fujimoto, van Hoof and Meger, ICML 2018",
    parameters: ACTING,
    build: Recipe {
        roles: &[policy("td3")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 5000,
        build: policy_agent::build,
    },
};

pub(super) const DQN: Entry<Recipe> = Entry {
    name: "dqn",
    summary: "deep Q-network: the value of every choice, learned from every transition, of which the best is taken; for choices alone",
    source: "Mnih et al., Nature 2015; van Hasselt et al., AAAI 2016",
    parameters: VALUING,
    build: Recipe {
        roles: &[policy("dqn")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 5000,
        build: policy_agent::build,
    },
};

pub(super) const TREEQN: Entry<Recipe> = Entry {
    name: "treeqn",
    summary: "the value of every choice by a tree of imagined states within the network, learned like dqn; for choices alone",
    source: "Farquhar, Rocktäschel, Igl and Whiteson, ICLR 2018",
    parameters: VALUING,
    build: Recipe {
        roles: &[policy("treeqn")],
        learns_from: Lessons::Any,
        both_sides: false,
        updates: 5000,
        build: policy_agent::build,
    },
};

pub(super) const PPO: Entry<Recipe> = Entry {
    name: "ppo",
    summary: "proximal policy optimisation: a policy learned from what it did itself last, in steps that are each bounded",
    source: "Schulman et al., 2017",
    parameters: CLIMBING,
    build: climbing(&[policy("ppo")]),
};

pub(super) const A2C: Entry<Recipe> = Entry {
    name: "a2c",
    summary: "advantage actor-critic: a policy learned from what it did itself last, one step on each short rollout",
    source: "Mnih et al., ICML 2016",
    parameters: CLIMBING,
    build: climbing(&[policy("a2c")]),
};

pub(super) const REINFORCE: Entry<Recipe> = Entry {
    name: "reinforce",
    summary: "the plain policy gradient on whole episodes: the simplest there is, and what others are measured against",
    source: "Williams, 1992",
    parameters: CLIMBING,
    build: climbing(&[policy("reinforce")]),
};

/// A recipe of an agent whose policy learns from its own steps alone.
const fn climbing(roles: &'static [Role]) -> Recipe {
    Recipe { roles, learns_from: Lessons::Own, both_sides: false, updates: 1, build: policy_agent::build_on_policy }
}

/// Settings of an agent whose policy says itself when it learns.
const CLIMBING: &[Parameter] = &{
    let [_, _, discount] = learned_in_updates(1.0);
    [discount]
};

pub(super) const BC: Entry<Recipe> = Entry {
    name: "bc",
    summary: "behaviour cloning: does what recorded episodes did where the same was seen; takes no step to learn",
    source: "Pomerleau, NeurIPS 1988",
    // It takes no step, and looks at no reward.
    parameters: &[],
    build: Recipe {
        roles: &[policy("bc")],
        learns_from: Lessons::Recorded,
        both_sides: false,
        updates: 2000,
        build: policy_agent::build_imitating,
    },
};

/// Settings of every agent that acts by a policy.
const ACTING: &[Parameter] = &learned_in_updates(2.0);

/// The same of one that takes the best of its values: these jump from one choice to another while they are learned, so that fewer updates see more of each.
const VALUING: &[Parameter] = &learned_in_updates(1.0);
