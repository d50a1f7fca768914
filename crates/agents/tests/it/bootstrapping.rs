//! A policy that learns what was planned, and plans that begin from it.

use std::collections::BTreeMap;

use worldwright_agents::{Parts, build, resolve};
use worldwright_core::{Agent, Experience, Sample, Setting};
use worldwright_envs::{Made, make};

use crate::model_based::{context, episode, memory_of};

const STEPS: usize = 200;

/// Small networks, and plans that are too short to swing the pendulum up without a value at their end.
fn agent(world: &Made, settings: &[(&str, Setting)]) -> Box<dyn Agent> {
    let mut parts = Parts::default();
    parts.role("model").name = Some("known".into());
    let sizes = [("horizon", 12), ("population", 48), ("iterations", 2)];
    parts.role("planner").settings.extend(sizes.map(|(key, size)| (key.to_owned(), Setting::Integer(size))));
    parts.role("policy").settings.insert("hidden".into(), Setting::Numbers(vec![32.0, 32.0]));
    parts.role("policy").settings.insert("batch".into(), Setting::Integer(64));
    for (key, setting) in settings {
        match key.split_once('.') {
            Some((section, key)) => drop(parts.role(section).settings.insert(key.into(), setting.clone())),
            None => drop(parts.agent.insert((*key).into(), setting.clone())),
        }
    }
    build(&resolve("bmpc", "pendulum", &parts).unwrap(), &context(world, 1)).unwrap()
}

/// Mean return of episodes in which nothing is learned.
fn earned(agent: &mut dyn Agent, world: &mut Made) -> f64 {
    let starts = 500..505;
    let each = starts.clone().map(|seed| {
        let mut seen = world.environment.reset(seed).unwrap();
        agent.begin_episode(0, &seen, seed).unwrap();
        let mut total = 0.0;
        for _ in 0..STEPS {
            let step = world.environment.step(&agent.act(0, &seen, false).unwrap()).unwrap();
            total += step.reward;
            seen = step.observation;
        }
        total
    });
    each.sum::<f64>() / starts.count() as f64
}

/// Learns for some episodes; what it planned of their steps, those at random left out, and what it earns.
fn learned(settings: &[(&str, Setting)]) -> (Box<dyn Agent>, f64, f64) {
    let mut world = make("pendulum", &BTreeMap::new()).unwrap();
    let mut it = agent(&world, settings);
    let mut experience = memory_of(&world, it.columns());
    let (mut planned, mut steps) = (0, 0);
    for seed in 0..4 {
        let before = experience.rows().end;
        it = episode(it, &mut world, &mut experience, (seed, STEPS), None).2;
        let mut sample = Sample::default();
        for row in (before..experience.rows().end).filter(|row| seed > 0 && experience.ends_sequence(*row, 1)) {
            sample.begin(1);
            experience.gather(row, 1, 1.0, &mut sample);
            planned += u64::from(sample.columns.iter().all(|number| number.is_finite()));
            steps += 1;
        }
    }
    let earned = earned(it.as_mut(), &mut world);
    (it, planned as f64 / f64::from(steps), earned)
}

/// What is planned is better than what the policy learned of it, and few plans, where values are in doubt, are most of the way from there to a plan at each step.
#[test]
fn plans_beat_the_policy_that_they_begin_from_and_few_of_them_do() {
    let (all, planned, by_plans) = learned(&[]);
    assert!(planned > 0.99, "{planned}");
    let world = &mut make("pendulum", &BTreeMap::new()).unwrap();
    let mut alone = agent(world, &[("planned_share", Setting::Float(0.0))]);
    alone.restore_weights(&all.weights()).unwrap();
    let by_policy = earned(alone.as_mut(), world);
    let (_, few, by_few) = learned(&[("planned_share", Setting::Float(0.3))]);
    assert!(by_plans > by_policy + 5.0, "{by_plans} by plans, {by_policy} by the policy alone");
    let way = (by_few - by_policy) / (by_plans - by_policy);
    assert!((0.15..0.4).contains(&few) && way > 0.5, "{by_few} by {few} of the plans is {way} of the way");
}

/// Without a planner's turn to act, what is planned of stored steps alone teaches the policy: more than random actions know, and nothing where nothing is planned again.
#[test]
fn plans_of_stored_steps_alone_teach_the_policy() {
    let share = ("planned_share", Setting::Float(0.0));
    let (_, planned, with) = learned(&[share.clone(), ("refreshed_per_step", Setting::Float(1.0))]);
    let (_, _, without) = learned(&[share, ("refreshed_per_step", Setting::Float(0.0))]);
    assert!(planned < 0.05, "{planned}");
    assert!(with > without + 100.0, "{with} with plans of stored steps, {without} without");
}
