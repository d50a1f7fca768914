//! Every algorithm of the list, and agents that learn nothing, keep to what agents must.

use std::collections::BTreeMap;

use worldwright_agents::{ALL, AgentContext, Choice, Parts, RandomAgent, build, resolve};
use worldwright_core::{Agent, Environment, Error, Setting};
use worldwright_envs::{Made, make};
use worldwright_testkit::{check_agent, random_transitions};

use crate::model_based::context;

/// Where an algorithm is tried, and settings that make it small.
fn tried(algorithm: &str) -> (&'static str, &'static [(&'static str, i64)]) {
    const SMALL: &[(&str, i64)] = &[
        ("planner.population", 8),
        ("planner.horizon", 4),
        ("planner.iterations", 2),
        ("planner.simulations", 4),
        ("model.members", 2),
        ("model.epochs", 2),
        ("model.batch", 4),
        ("model.hidden", 8),
        ("model.points", 20),
        ("model.length", 5),
        ("model.latent", 8),
        ("policy.batch", 4),
        ("policy.hidden", 8),
        ("policy.centres", 6),
        ("agent.horizon", 4),
        ("agent.evaluations", 3),
        ("agent.points", 12),
        ("agent.expanded", 6),
        ("agent.practice_updates", 2),
        ("agent.imagined_steps", 3),
        ("value.batch", 4),
        ("value.hidden", 8),
        ("value.members", 2),
    ];
    match algorithm {
        "tabular" => ("gridworld", SMALL),
        name if worldwright_finite::online::ALL.iter().any(|learner| learner.name == name) => ("gridworld", SMALL),
        "muzero" | "dqn" | "treeqn" => ("cartpole", SMALL),
        "her" | "tdm" | "gcsl" => ("bit-flipping", SMALL),
        _ => ("pendulum", SMALL),
    }
}

fn world(name: &str) -> Made {
    make(name, &BTreeMap::new()).unwrap()
}

fn agent(algorithm: &str, places: usize) -> Box<dyn Agent> {
    let (name, small) = tried(algorithm);
    let defaults = resolve(algorithm, name, &Parts::default()).unwrap();
    let mut parts = Parts::default();
    for (key, value) in small {
        let (section, key) = key.split_once('.').unwrap();
        // What a part does not know says nothing to it; sizes of several layers are lists.
        let settings = match section {
            "agent" => Some(&defaults.agent),
            role => defaults.role(role).ok().map(|part| &part.settings),
        };
        let known = settings.and_then(|settings| settings.iter().find(|(name, _)| *name == key));
        let value = match known.map(|(_, default)| default) {
            Some(Setting::Numbers(_)) => Setting::Numbers(vec![*value as f64]),
            Some(_) => Setting::Integer(*value),
            None => continue,
        };
        if section == "agent" {
            parts.agent.insert(key.to_owned(), value);
            continue;
        }
        let choice: &mut Choice = parts.roles.entry(section.to_owned()).or_default();
        choice.settings.insert(key.to_owned(), value);
    }
    let made = world(name);
    let context = AgentContext { places, ..context(&made, 4) };
    let mut agent = build(&resolve(algorithm, name, &parts).unwrap(), &context).unwrap();
    if agent.learns() {
        let mut environment = world(name).environment;
        let data = random_transitions(environment.as_mut(), 60, 1);
        for _ in 0..2 {
            match agent.study(&data) {
                // Who learns from its own tries alone needs none to act.
                Ok(_) | Err(Error::Unsupported { .. }) => {}
                Err(error) => panic!("{algorithm}: {error}"),
            }
        }
    }
    agent
}

#[test]
fn every_algorithm_is_an_agent() {
    for entry in ALL {
        let (name, _) = tried(entry.name);
        let environment = || -> Box<dyn Environment> { world(name).environment };
        check_agent(&|places| agent(entry.name, places), &environment);
    }
}

#[test]
fn actions_at_random_are_an_agents_too() {
    let environment = || world("cartpole").environment;
    check_agent(&|places| Box::new(RandomAgent::new(environment().action_space().clone(), places)), &environment);
}

#[test]
fn planners_of_many_places_are_refused_before_the_first_of_them_is_made() {
    let mut parts = Parts::default();
    let planner: &mut Choice = parts.roles.entry("planner".into()).or_default();
    planner.settings =
        [("population", 200_000), ("horizon", 25)].map(|(key, value)| (key.to_owned(), Setting::Integer(value))).into();
    let resolved = resolve("mpc", "pendulum", &parts).unwrap();
    let made = world("pendulum");
    let with = |places| build(&resolved, &AgentContext { places, ..context(&made, 4) }).map(|_| ());
    with(1).unwrap();
    // Each could be made alone, all of them could not.
    let error = with(256).unwrap_err().to_string();
    assert!(error.contains("environment.count = 256") && error.contains("population = 200000"), "{error}");
    assert!(with(1 << 20).unwrap_err().to_string().contains("environment.count = 1048576"));
}
