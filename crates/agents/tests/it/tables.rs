//! Agents that learn a table.

use worldwright_agents::{AgentContext, Parts, build, resolve};
use worldwright_core::{Agent, Array, Setting, Step, Value};
use worldwright_data::Replay;
use worldwright_envs::{Made, make};
use worldwright_finite::online;
use worldwright_testkit::random_transitions;

use crate::model_based::{context, episode, memory};

fn made(name: &str, settings: &[(&str, Setting)]) -> Made {
    make(name, &settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()).unwrap()
}

fn agent(algorithm: &str, made: &Made, places: usize, settings: &[(&str, Setting)]) -> Box<dyn Agent> {
    let mut parts = Parts::default();
    for (key, value) in settings {
        match key.split_once('.') {
            Some((section, key)) => parts.role(section).settings.insert(key.into(), value.clone()),
            None => parts.agent.insert((*key).into(), value.clone()),
        };
    }
    let context = AgentContext { places, ..context(made, 4) };
    build(&resolve(algorithm, "anything", &parts).unwrap(), &context).unwrap()
}

/// With transitions whose targets are not known yet, queues that wait, and a process that was drawn.
#[test]
fn a_restored_table_goes_on_in_the_middle_of_an_episode() {
    for entry in online::ALL {
        let mut world = made("river-swim", &[]);
        let whole = |world: &mut Made, exchange| {
            let mut memory = memory(world);
            let (_, _, first) = episode(agent(entry.name, world, 1, &[]), world, &mut memory, (2, 70), None);
            let (actions, _, last) = episode(first, world, &mut memory, (3, 150), exchange);
            (actions, last.save())
        };
        let uncut = whole(&mut world, None);
        for when in [1, 2, 57, 121] {
            let other = agent(entry.name, &world, 1, &[]);
            assert!(whole(&mut world, Some((when, other))) == uncut, "{} exchanged before step {when}", entry.name);
        }
    }
}

/// Two episodes at once, whose rows lie between each other: each return sums the rewards of its own.
#[test]
fn episodes_at_once_are_trajectories_of_their_own() {
    let world = made("gridworld", &[]);
    let settings = [
        ("learner.n", Setting::Integer(10)),
        ("learner.step_size", Setting::Float(1.0)),
        ("discount", Setting::Float(1.0)),
    ];
    let mut agent = agent("n-step-sarsa", &world, 2, &settings);
    let mut memory: Replay = memory(&world);
    let seen = |cell: i64| Value::Floats(vec![cell as f64]);
    for place in 0..2 {
        memory.start_episode(place, &seen(4 * place as i64)).unwrap();
    }
    for t in 1..4 {
        for place in 0..2 {
            let (observation, reward) = (seen(4 * place as i64 + t), if place == 0 { 1.0 } else { -2.0 });
            let step = Step { observation, reward, terminated: t == 3, truncated: false };
            memory.step(place, &Value::Integer(1), &step, &[]).unwrap();
            agent.learn(&memory).unwrap();
        }
    }
    let saved = agent.save();
    let (Ok(Array::U64(met)), Ok(Array::F64(_, values))) = (saved.array("states"), saved.array("learner.table.values"))
    else {
        panic!("a table is saved by the numbers of its states");
    };
    for (cell, value) in [(0, 3.0), (1, 2.0), (2, 1.0), (4, -6.0), (5, -4.0), (6, -2.0)] {
        let state = met.iter().position(|number| *number == cell).unwrap();
        assert_eq!(values[4 * state + 1], value, "cell {cell}: {values:?}");
    }
}

/// From recorded episodes alone: by reading them again and again, or by solving what they say once. (Sarsa learns of what was recorded, and dyna-q+ wants what
/// was not tried for long.)
#[test]
fn recorded_episodes_are_enough() {
    let mut world = made("gridworld", &[("slip", Setting::Float(0.0))]);
    let data = random_transitions(world.environment.as_mut(), 4000, 1);
    for entry in online::ALL.iter().filter(|entry| !entry.name.contains("sarsa") && entry.name != "dyna-q+") {
        let mut agent = agent(entry.name, &world, 1, &[]);
        for _ in 0..20 {
            agent.study(&data).unwrap();
        }
        let mut seen = world.environment.reset(0).unwrap();
        agent.begin_episode(0, &seen, 0).unwrap();
        let mut paid = Vec::new();
        while paid.len() < 6 {
            let step = world.environment.step(&agent.act(0, &seen, false).unwrap()).unwrap();
            paid.push(step.reward);
            seen = step.observation;
            if step.terminated {
                break;
            }
        }
        assert_eq!(paid, [0.0, 0.0, 0.0, 0.0, 0.0, 1.0], "{}", entry.name);
    }
}

#[test]
fn numbers_are_no_states_of_a_table() {
    let world = made("pendulum", &[]);
    let parts = Parts::default();
    let error = build(&resolve("q-learning", "pendulum", &parts).unwrap(), &context(&world, 0)).err().unwrap();
    assert!(error.to_string().contains("keeps a table of discrete elements"), "{error}");
}
