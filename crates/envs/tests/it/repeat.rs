//! Held actions against stepping the plain environment: state, summed reward and end.

use std::collections::BTreeMap;

use worldwright_core::{Actions, Batch, Error, Rng, Setting, Space, Step, Transitions, Value};
use worldwright_envs::{ALL, Made, make};

fn held(name: &str, repeat: i64) -> Made {
    make(name, &BTreeMap::from([("action_repeat".to_owned(), Setting::Integer(repeat))])).unwrap()
}

/// Steps `plain` until its episode ends or `repeat` steps are done, adding the rewards up.
fn by_hand(plain: &mut Made, action: &Value, repeat: usize) -> Step {
    let mut total = 0.0;
    for _ in 1..repeat {
        let step = plain.environment.step(action).unwrap();
        total += step.reward;
        if step.done() {
            return Step { reward: total, ..step };
        }
    }
    let step = plain.environment.step(action).unwrap();
    Step { reward: total + step.reward, ..step }
}

#[test]
fn a_held_action_is_the_action_taken_again() {
    for entry in ALL {
        for repeat in [2, 3, 7] {
            let (mut held, mut plain) =
                (held(entry.name, repeat as i64), make(entry.name, &Default::default()).unwrap());
            let mut rng = Rng::new(repeat as u64);
            assert_eq!(held.environment.reset(3).unwrap(), plain.environment.reset(3).unwrap());
            let limit = plain.episode_steps.unwrap();
            assert_eq!(held.episode_steps, Some(limit.div_ceil(repeat)));
            assert_eq!(held.environment.dt_secs(), plain.environment.dt_secs() * repeat as f64);
            for t in 1.. {
                let action = plain.environment.action_space().sample(&mut rng);
                let step = held.environment.step(&action).unwrap();
                assert_eq!(step, by_hand(&mut plain, &action, repeat), "{} × {repeat} step {t}", entry.name);
                let saved = |made: &mut Made| made.environment.as_persist().unwrap().save();
                assert_eq!(saved(&mut held), saved(&mut plain), "{} × {repeat}", entry.name);
                if step.done() {
                    assert!(step.terminated || t == limit.div_ceil(repeat), "{} × {repeat}: {t}", entry.name);
                    break;
                }
            }
            assert_eq!(held.environment.render().unwrap(), plain.environment.render().unwrap());
        }
    }
}

#[test]
fn a_pole_that_falls_amid_a_held_push_ends_there() {
    let mut amid = 0;
    for seed in 0..20 {
        let mut held = held("cartpole", 4);
        held.environment.reset(seed).unwrap();
        let mut rewards = Vec::new();
        let last = loop {
            let step = held.environment.step(&Value::Integer(1)).unwrap();
            rewards.push(step.reward);
            if step.done() {
                break step;
            }
        };
        assert!(last.terminated && !last.truncated);
        let mut plain = make("cartpole", &Default::default()).unwrap();
        plain.environment.reset(seed).unwrap();
        let steps = (1..).find(|_| plain.environment.step(&Value::Integer(1)).unwrap().terminated).unwrap();
        // One for each step, so that the sum counts them.
        assert_eq!(rewards.iter().sum::<f64>(), f64::from(steps));
        amid += usize::from(steps % 4 != 0);
        assert!(matches!(held.environment.step(&Value::Integer(1)), Err(Error::Config { .. })));
    }
    assert!(amid > 0, "no pole fell in the middle");
}

/// Rows of simulated steps: states, rewards, ends.
type Stepped = (Batch, Vec<f64>, Vec<bool>);

fn simulate(made: &Made, states: &Batch, actions: Actions<'_>) -> Stepped {
    let rows = states.rows();
    let (mut next, mut reward, mut ended) = (Batch::zeros(states.dims(), rows), vec![7.0; rows], vec![true; rows]);
    let simulator = made.simulator.as_ref().unwrap();
    simulator.step(states.columns(), actions, &mut next.columns_mut(), &mut reward, &mut ended);
    (next, reward, ended)
}

#[test]
fn the_simulator_holds_actions_as_the_environment_does() {
    // More than one chunk, and a last one that is not full.
    let rows = 75;
    for entry in crate::simulated() {
        for repeat in [2, 5] {
            let (held, plain) = (held(entry.name, repeat), make(entry.name, &Default::default()).unwrap());
            let space = plain.environment.action_space().clone();
            let mut rng = Rng::new(4);
            let mut states = Batch::zeros(plain.simulator.as_ref().unwrap().state_dim(), rows);
            for column in states.columns_mut().columns_mut() {
                column.fill_with(|| rng.uniform_in(-0.25, 0.25));
            }
            let mut columns = Batch::zeros(space.flat_dim(), rows);
            let mut choices = vec![0; rows];
            for row in 0..rows {
                match space.sample(&mut rng) {
                    Value::Integer(choice) => choices[row] = choice as u32,
                    Value::Floats(numbers) => columns.columns_mut().set_row(row, &numbers),
                    other => panic!("{other:?}"),
                }
            }
            let actions = match &space {
                Space::Discrete { .. } => Actions::Discrete(&choices),
                _ => Actions::Continuous(columns.columns()),
            };
            let (next, reward, ended) = simulate(&held, &states, actions);
            // By hand: a row that has ended stays and earns nothing more.
            let (mut now, mut total, mut over) = (states.clone(), vec![0.0; rows], vec![false; rows]);
            for _ in 0..repeat {
                let (after, gained, finished) = simulate(&plain, &now, actions);
                let mut numbers = vec![0.0; now.dims()];
                for row in (0..rows).filter(|row| !over[*row]).collect::<Vec<_>>() {
                    after.columns().copy_row(row, &mut numbers);
                    now.columns_mut().set_row(row, &numbers);
                    total[row] += gained[row];
                    over[row] = finished[row];
                }
            }
            assert_eq!((next, reward, &ended), (now, total, &over), "{} × {repeat}", entry.name);
            if entry.name == "cartpole" && repeat == 5 {
                assert!(over.contains(&true) && over.contains(&false), "nothing ends in the middle");
            }
        }
    }
}

#[test]
fn simulator_and_environment_agree_along_an_episode() {
    for name in ["dmc-cartpole-swingup", "dmc-pendulum-swingup", "point-mass"] {
        let mut made = held(name, 4);
        let simulator = made.simulator.clone().unwrap();
        let mut seen = made.environment.reset(2).unwrap();
        let mut rng = Rng::new(8);
        let (mut before, mut shown) =
            (Batch::zeros(simulator.state_dim(), 1), vec![0.0; made.environment.observation_space().flat_dim()]);
        for t in 0..20 {
            let mut state = vec![0.0; simulator.state_dim()];
            simulator.state_from_observation(seen.floats().unwrap(), &mut state).unwrap();
            before.columns_mut().set_row(0, &state);
            let action = made.environment.action_space().sample(&mut rng);
            let step = made.environment.step(&action).unwrap();
            let numbers = action.floats().unwrap();
            let columns = worldwright_core::Columns::new(numbers, numbers.len(), 1).unwrap();
            let (after, reward, _) = simulate(&made, &before, Actions::Continuous(columns));
            after.columns().copy_row(0, &mut state);
            simulator.observe(&state, &mut shown);
            seen = step.observation;
            for (a, b) in shown.iter().zip(seen.floats().unwrap()) {
                assert!((a - b).abs() < 1e-9, "{name} step {t}");
            }
            assert!((reward[0] - step.reward).abs() < 1e-9, "{name} step {t}");
        }
    }
}

#[test]
fn a_constant_reward_is_known_exactly() {
    let mut made = held("cartpole", 3);
    let judge = made.reward.clone().unwrap();
    let mut before = made.environment.reset(1).unwrap();
    // To and fro, so that the pole stays up.
    for choice in [0_u32, 1, 0] {
        let step = made.environment.step(&Value::Integer(i64::from(choice))).unwrap();
        assert!(!step.done());
        let columns = |value: &Value| {
            let mut batch = Batch::zeros(4, 1);
            batch.columns_mut().set_row(0, value.floats().unwrap());
            batch
        };
        let (first, last) = (columns(&before), columns(&step.observation));
        let transitions = Transitions {
            observations: first.columns(),
            actions: Actions::Discrete(&[choice]),
            next_observations: last.columns(),
        };
        let (mut reward, mut ended) = ([0.0], [true]);
        judge.evaluate(transitions, &mut reward, &mut ended);
        assert_eq!((reward[0], ended[0]), (step.reward, false));
        assert_eq!(reward[0], 3.0);
        before = step.observation;
    }
    assert!(judge.terminates());
}

#[test]
fn the_setting_is_listed_and_checked() {
    for entry in ALL {
        assert!(entry.parameters.iter().any(|p| p.name == "action_repeat"), "{}", entry.name);
    }
    let zero = BTreeMap::from([("action_repeat".to_owned(), Setting::Integer(0))]);
    for id in ["pendulum", "gym:Pendulum-v1"] {
        let error = make(id, &zero).map(|_| ()).expect_err("no action can be held for zero steps");
        assert!(matches!(error, Error::Config { .. }), "{error}");
    }
}
