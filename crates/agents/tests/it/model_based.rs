//! The agent that plans through a model.

use std::collections::BTreeMap;

use worldwright_agents::{AgentContext, Parts, build, resolve};
use worldwright_core::{Action, Agent, Interrupt, Setting, StepColumn};
use worldwright_data::Replay;
use worldwright_envs::{Made, make};

pub(crate) fn agent(algorithm: &str, made: &Made, settings: &[(&str, i64)], seed: u64) -> Box<dyn Agent> {
    let mut parts = Parts::default();
    for (key, value) in settings {
        match key.split_once('.') {
            Some((section, key)) => parts.role(section).settings.insert(key.into(), Setting::Integer(*value)),
            _ => parts.agent.insert((*key).into(), Setting::Integer(*value)),
        };
    }
    build(&resolve(algorithm, "pendulum", &parts).unwrap(), &context(made, seed)).unwrap()
}

pub(crate) fn context(made: &Made, seed: u64) -> AgentContext {
    AgentContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward: made.reward.clone(),
        simulator: made.simulator.clone(),
        known: made.model.clone(),
        players: made.environment.players(),
        places: 1,
        seed,
        interrupt: Interrupt::never(),
    }
}

pub(crate) fn memory(made: &Made) -> Replay {
    memory_of(made, Vec::new())
}

/// With what an agent wants kept beside each step.
pub(crate) fn memory_of(made: &Made, columns: Vec<StepColumn>) -> Replay {
    let environment = &made.environment;
    let (observed, done) = (environment.observation_space().clone(), environment.action_space().clone());
    Replay::new(observed, done, columns, usize::MAX).unwrap()
}

/// One episode with learning; the actions taken and their return. Before step `exchange.0` the agent gives way to another of the same
/// settings, which takes on its state there.
pub(crate) fn episode(
    mut agent: Box<dyn Agent>,
    made: &mut Made,
    memory: &mut Replay,
    (seed, steps): (u64, usize),
    exchange: Option<(usize, Box<dyn Agent>)>,
) -> (Vec<Action>, f64, Box<dyn Agent>) {
    let first = made.environment.reset(seed).unwrap();
    let mut observation = first.clone();
    memory.start_episode(0, &observation).unwrap();
    agent.begin_episode(0, &observation, seed).unwrap();
    let (mut actions, mut total) = (Vec::new(), 0.0);
    let (when, mut other) = exchange.map_or((usize::MAX, None), |(when, other)| (when, Some(other)));
    for t in 0..steps {
        if let Some(mut other) = other.take_if(|_| t == when) {
            other.begin_episode(0, &first, seed).unwrap();
            other.restore(&agent.save()).unwrap();
            agent = other;
        }
        let action = agent.act(0, &observation, true).unwrap();
        let step = made.environment.step(&action).unwrap();
        memory.step(0, &action, &step, agent.kept()).unwrap();
        agent.learn(memory).unwrap();
        actions.push(action);
        total += step.reward;
        let done = step.done();
        observation = step.observation;
        if done {
            break;
        }
    }
    memory.end_episode(0);
    (actions, total, agent)
}

/// The optimum from these three starts together was computed by replaying many seeds of a far larger budget; a random policy
/// gets about −1,200 each, so −400 is far from luck.
#[test]
fn mpc_swings_the_pendulum_up() {
    let mut made = make("pendulum", &BTreeMap::new()).unwrap();
    let mut agent = agent("mpc", &made, &[("planner.population", 100), ("planner.iterations", 3)], 0);
    for seed in 0..3 {
        let mut memory = memory(&made);
        let (_, total, played) = episode(agent, &mut made, &mut memory, (seed, 200), None);
        agent = played;
        assert!(total > -400.0, "start {seed}: {total}");
    }
}

#[test]
fn a_restored_agent_goes_on_with_the_same_actions() {
    let small = [("planner.population", 30), ("planner.iterations", 2), ("replan_every", 2)];
    let mut made = make("pendulum", &BTreeMap::new()).unwrap();
    let new = |made: &Made| agent("mpc", made, &small, 4);
    let mut memory = memory(&made);
    let (_, _, first) = episode(new(&made), &mut made, &mut memory, (1, 20), None);
    let mut second = new(&made);
    second.restore(&first.save()).unwrap();
    let (after, ..) = episode(first, &mut made, &mut memory, (2, 20), None);
    let (other, ..) = episode(second, &mut made, &mut memory, (2, 20), None);
    assert_eq!(after, other);
}

/// In the middle of an episode and of a plan, with exploration, before the first fit and after it.
#[test]
fn a_restored_agent_goes_on_in_the_middle_of_an_episode() {
    let settings = [
        ("planner.population", 20),
        ("planner.iterations", 2),
        ("replan_every", 3),
        ("initial_steps", 12),
        ("fit_every", 9),
    ];
    let mut made = make("pendulum", &BTreeMap::new()).unwrap();
    let new = |made: &Made| agent("gp-mpc", made, &settings, 4);
    let whole = |made: &mut Made, exchange| {
        let mut memory = memory(made);
        episode(new(made), made, &mut memory, (3, 30), exchange).0
    };
    let uncut = whole(&mut made, None);
    for when in [1, 7, 12, 13, 17, 21, 22] {
        let other = new(&made);
        assert_eq!(whole(&mut made, Some((when, other))), uncut, "exchanged before step {when}");
    }
}

#[test]
fn a_plan_longer_than_the_horizon_is_refused() {
    let made = make("pendulum", &BTreeMap::new()).unwrap();
    let mut parts = Parts::default();
    parts.agent.insert("replan_every".into(), Setting::Integer(1_000));
    let error = build(&resolve("mpc", "pendulum", &parts).unwrap(), &context(&made, 0)).err().unwrap();
    assert!(error.to_string().contains("replan_every"), "{error}");
}
