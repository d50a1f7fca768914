//! The agent that plans through a model.

use std::collections::BTreeMap;

use worldwright_agents::{AgentContext, Parts, build, resolve};
use worldwright_core::{Action, Agent, Interrupt, Setting, Transition};
use worldwright_envs::{Made, make};

fn agent(algorithm: &str, made: &Made, settings: &[(&str, i64)], seed: u64) -> Box<dyn Agent> {
    let mut parts = Parts::default();
    for (key, value) in settings {
        match key.split_once('.') {
            Some(("planner", key)) => parts.planner.settings.insert(key.into(), Setting::Integer(*value)),
            _ => parts.agent.insert((*key).into(), Setting::Integer(*value)),
        };
    }
    let context = AgentContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward: made.reward.clone(),
        simulator: made.simulator.clone(),
        seed,
        interrupt: Interrupt::never(),
    };
    build(&resolve(algorithm, "pendulum", &parts).unwrap(), &context).unwrap()
}

/// One episode with learning; the actions taken and their return.
fn episode(agent: &mut dyn Agent, made: &mut Made, seed: u64, steps: usize) -> (Vec<Action>, f64) {
    let mut observation = made.environment.reset(seed).unwrap();
    agent.begin_episode(&observation, seed).unwrap();
    let (mut actions, mut total) = (Vec::new(), 0.0);
    for _ in 0..steps {
        let action = agent.act(&observation, true).unwrap();
        let step = made.environment.step(&action).unwrap();
        agent
            .observe(&Transition {
                observation,
                action: action.clone(),
                reward: step.reward,
                next_observation: step.observation.clone(),
                terminated: step.terminated,
                truncated: step.truncated,
            })
            .unwrap();
        agent.learn().unwrap();
        actions.push(action);
        total += step.reward;
        observation = step.observation.clone();
        if step.done() {
            break;
        }
    }
    (actions, total)
}

/// The optimum from these three starts together was computed by replaying many seeds of a far larger budget; a random policy
/// gets about −1,200 each, so −400 is far from luck.
#[test]
fn mpc_swings_the_pendulum_up() {
    let mut made = make("pendulum", &BTreeMap::new()).unwrap();
    let mut agent = agent("mpc", &made, &[("planner.population", 100), ("planner.iterations", 3)], 0);
    for seed in 0..3 {
        let (_, total) = episode(agent.as_mut(), &mut made, seed, 200);
        assert!(total > -400.0, "start {seed}: {total}");
    }
}

#[test]
fn a_restored_agent_goes_on_with_the_same_actions() {
    let small = [("planner.population", 30), ("planner.iterations", 2), ("replan_every", 2)];
    let mut made = make("pendulum", &BTreeMap::new()).unwrap();
    let mut first = agent("mpc", &made, &small, 4);
    episode(first.as_mut(), &mut made, 1, 20);
    let saved = first.save();
    let mut second = agent("mpc", &made, &small, 4);
    second.restore(&saved).unwrap();
    assert_eq!(episode(first.as_mut(), &mut made, 2, 20).0, episode(second.as_mut(), &mut made, 2, 20).0);
}

#[test]
fn a_plan_longer_than_the_horizon_is_refused() {
    let made = make("pendulum", &BTreeMap::new()).unwrap();
    let mut parts = Parts::default();
    parts.agent.insert("replan_every".into(), Setting::Integer(1_000));
    let context = AgentContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward: made.reward.clone(),
        simulator: made.simulator.clone(),
        seed: 0,
        interrupt: Interrupt::never(),
    };
    let error = build(&resolve("mpc", "pendulum", &parts).unwrap(), &context).err().unwrap();
    assert!(error.to_string().contains("replan_every"), "{error}");
}
