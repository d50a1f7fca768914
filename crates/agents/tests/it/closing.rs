//! Plans that end in learned values, on a known simulator.

use std::collections::BTreeMap;

use worldwright_agents::{Parts, build, resolve};
use worldwright_core::Setting;
use worldwright_envs::make;

use crate::model_based::{context, episode, memory_of};

const STEPS: usize = 999;

/// What episodes of learning earn.
fn earned(algorithm: &str, episodes: u64) -> Vec<f64> {
    let mut world = make("mountain-car-continuous", &BTreeMap::new()).unwrap();
    let mut parts = Parts::default();
    let settings = [("horizon", 50), ("population", 64), ("iterations", 2)];
    parts.role("planner").settings.extend(settings.map(|(key, number)| (key.to_owned(), Setting::Integer(number))));
    let resolved = resolve(algorithm, "mountain-car-continuous", &parts).unwrap();
    let mut agent = build(&resolved, &context(&world, 1)).unwrap();
    let mut experience = memory_of(&world, agent.columns());
    let mut each = Vec::new();
    for seed in 0..episodes {
        let (_, paid, next) = episode(agent, &mut world, &mut experience, (seed, STEPS), None);
        agent = next;
        each.push(paid);
    }
    each
}

/// The goal lies 100 steps away: a plan of 50 sees the cost of its actions alone, and stays.
#[test]
fn values_that_hope_find_what_no_plan_sees() {
    let without = earned("mpc", 1);
    assert!(without[0] < 1.0, "{without:?}");
    let with = earned("polo", 3);
    assert!(with[2] > 85.0, "{with:?}");
}
