//! What every environment of the list promises.

use worldwright_core::{Actions, Batch, Error, Rng, Space, Step, Transitions, Value, distinct_channels};
use worldwright_envs::{ALL, Made, make};

fn fresh(name: &str) -> Made {
    make(name, &Default::default()).unwrap()
}

/// The same without measurement noise, where a simulator can be held against it.
fn quiet(name: &str) -> Made {
    let mut overrides = std::collections::BTreeMap::new();
    if name == "pilco-cartpole" {
        overrides.insert("measurement_std".to_owned(), worldwright_core::Setting::Float(0.0));
    }
    make(name, &overrides).unwrap()
}

fn flat(made: &Made, observation: &Value) -> Vec<f64> {
    let space = made.environment.observation_space();
    let mut out = vec![0.0; space.flat_dim()];
    space.flatten(observation, &mut out).unwrap();
    out
}

/// Runs up to `steps` steps of random actions, starting anew when an episode ends.
fn wander(made: &mut Made, seed: u64, steps: usize) -> Vec<Step> {
    let mut rng = Rng::new(seed);
    let mut seen = Vec::new();
    made.environment.reset(seed).unwrap();
    for t in 0..steps {
        let action = made.environment.action_space().sample(&mut rng);
        let step = made.environment.step(&action).unwrap();
        if step.done() {
            made.environment.reset(seed + t as u64).unwrap();
        }
        seen.push(step);
    }
    seen
}

#[test]
fn every_environment_keeps_to_the_contract() {
    for entry in ALL {
        worldwright_testkit::check_environment(&mut || fresh(entry.name).environment);
        let repeat = [("action_repeat".to_owned(), worldwright_core::Setting::Integer(3))].into();
        worldwright_testkit::check_environment(&mut || make(entry.name, &repeat).unwrap().environment);
    }
}

#[test]
fn names_are_right_and_texts_are_there() {
    for entry in ALL {
        let made = fresh(entry.name);
        assert_eq!(made.environment.id(), entry.name);
        assert!(!entry.summary.is_empty() && !entry.source.is_empty());
        assert_eq!(made.observation_channels.len(), made.environment.observation_space().flat_dim(), "{}", entry.name);
        assert_eq!(made.action_channels.len(), made.environment.action_space().flat_dim(), "{}", entry.name);
        let (observation, action) = (made.observation_channels.clone(), made.action_channels.clone());
        assert_eq!((made.observation_channels, made.action_channels), distinct_channels(observation, action));
        assert!(made.environment.dt_secs() > 0.0);
    }
    for (alias, name) in worldwright_envs::ALIASES {
        assert_eq!(fresh(alias).environment.id(), *name);
    }
    assert!(
        matches!(make("pendulun", &Default::default()), Err(Error::Unknown { nearest: Some(n), .. }) if n == "pendulum")
    );
}

/// Environments whose first observation is always the same.
const ALWAYS_SEEN_ALIKE: [&str; 6] = ["gridworld", "maze", "rooms", "tiger", "rock-sample", "deep-sea"];

#[test]
fn seeds_repeat_and_differ() {
    for entry in ALL {
        let (mut one, mut two) = (fresh(entry.name), fresh(entry.name));
        assert_eq!(wander(&mut one, 5, 80), wander(&mut two, 5, 80), "{}", entry.name);
        let first = one.environment.reset(1).unwrap();
        let differs = (2..20).any(|seed| one.environment.reset(seed).unwrap() != first);
        assert_eq!(differs, !ALWAYS_SEEN_ALIKE.contains(&entry.name), "{}", entry.name);
        assert_eq!(first, one.environment.reset(1).unwrap(), "{}", entry.name);
    }
}

#[test]
fn observations_lie_in_their_space() {
    for entry in ALL {
        let mut made = fresh(entry.name);
        for step in wander(&mut made, 3, 300) {
            made.environment
                .observation_space()
                .check(&step.observation)
                .unwrap_or_else(|e| panic!("{}: {e}", entry.name));
            assert!(step.reward.is_finite());
        }
    }
}

#[test]
fn wrong_actions_are_errors_and_change_nothing() {
    for entry in ALL {
        let (mut one, mut two) = (fresh(entry.name), fresh(entry.name));
        one.environment.reset(4).unwrap();
        two.environment.reset(4).unwrap();
        let dims = one.environment.action_space().flat_dim();
        let wrong = match one.environment.action_space() {
            Space::Discrete { n, .. } => {
                vec![Value::Integer(*n as i64), Value::Integer(-1), Value::Integer(i64::MIN), Value::Floats(vec![0.0])]
            }
            _ => vec![
                Value::Floats(vec![f64::NAN; dims]),
                Value::Floats(vec![f64::INFINITY; dims]),
                Value::Floats(vec![0.0; dims + 1]),
                Value::Floats(vec![]),
                Value::Integer(0),
            ],
        };
        for action in &wrong {
            let error = one.environment.step(action).unwrap_err();
            assert!(matches!(error, Error::NotInSpace { .. }), "{}: {action:?}", entry.name);
            let said = error.to_string();
            assert!(!said.contains('{') && !said.contains("Floats") && !said.contains("Integer"), "{said}");
        }
        let action = one.environment.action_space().sample(&mut Rng::new(1));
        assert_eq!(one.environment.step(&action).unwrap(), two.environment.step(&action).unwrap());
    }
}

#[test]
fn episodes_must_begin_and_end() {
    for entry in ALL {
        let mut made = fresh(entry.name);
        let mut rng = Rng::new(9);
        let action = made.environment.action_space().sample(&mut rng);
        assert!(matches!(made.environment.step(&action), Err(Error::Config { .. })), "{}", entry.name);
        assert!(made.environment.render().is_err());
        made.environment.reset(0).unwrap();
        let limit = made.episode_steps.expect("a time limit");
        let mut steps = 0;
        let last = loop {
            let action = made.environment.action_space().sample(&mut rng);
            let step = made.environment.step(&action).unwrap();
            steps += 1;
            if step.done() {
                break step;
            }
        };
        assert!(last.terminated != last.truncated, "{}", entry.name);
        assert!(steps == limit || last.terminated, "{}: {steps} of {limit}", entry.name);
        assert!(matches!(made.environment.step(&action), Err(Error::Config { .. })), "{}", entry.name);
        made.environment.reset(1).unwrap();
        made.environment.step(&action).unwrap();
    }
}

#[test]
fn a_restored_environment_goes_on_the_same() {
    for entry in ALL {
        let mut one = fresh(entry.name);
        one.environment.reset(8).unwrap();
        let mut rng = Rng::new(2);
        for _ in 0..7 {
            let action = one.environment.action_space().sample(&mut rng);
            if one.environment.step(&action).unwrap().done() {
                one.environment.reset(9).unwrap();
            }
        }
        let state = one.environment.as_persist().expect("native environments persist").save();
        let mut two = fresh(entry.name);
        two.environment.as_persist().unwrap().restore(&state).unwrap();
        assert_eq!(one.environment.render().unwrap(), two.environment.render().unwrap());
        for _ in 0..2000 {
            let action = one.environment.action_space().sample(&mut rng);
            let (a, b) = (one.environment.step(&action).unwrap(), two.environment.step(&action).unwrap());
            assert_eq!(a, b, "{}", entry.name);
            if a.done() {
                break;
            }
        }
        let mut empty = fresh(entry.name);
        assert!(empty.environment.as_persist().unwrap().restore(&worldwright_core::State::new()).is_err());
    }
}

/// Random states that the environment itself reaches, with random actions.
struct Reached {
    states: Batch,
    observations: Batch,
    actions: Batch,
    choices: Vec<u32>,
    discrete: bool,
}

impl Reached {
    fn new(made: &mut Made, rows: usize) -> Self {
        let simulator = made.simulator.clone().unwrap();
        let discrete = matches!(simulator.action_space(), Space::Discrete { .. });
        let dims = if discrete { 1 } else { simulator.action_space().flat_dim() };
        let steps = wander(made, 11, rows);
        let mut rng = Rng::new(6);
        let mut reached = Self {
            states: Batch::zeros(simulator.state_dim(), rows),
            observations: Batch::zeros(simulator.observation_space().flat_dim(), rows),
            actions: Batch::zeros(dims, rows),
            choices: vec![0; rows],
            discrete,
        };
        let mut state = vec![0.0; simulator.state_dim()];
        for (row, step) in steps.iter().enumerate() {
            let observation = flat(made, &step.observation);
            simulator.state_from_observation(&observation, &mut state).unwrap();
            reached.states.columns_mut().set_row(row, &state);
            reached.observations.columns_mut().set_row(row, &observation);
            match simulator.action_space().sample(&mut rng) {
                Value::Integer(choice) => reached.choices[row] = choice as u32,
                // Some beyond the bounds, which every environment must treat in one way.
                Value::Floats(numbers) => {
                    let stretched: Vec<f64> = numbers.iter().map(|u| 1.2 * u).collect();
                    reached.actions.columns_mut().set_row(row, &stretched);
                }
                other => panic!("{other:?}"),
            }
        }
        reached
    }

    fn actions(&self) -> Actions<'_> {
        if self.discrete { Actions::Discrete(&self.choices) } else { Actions::Continuous(self.actions.columns()) }
    }

    /// Row `row` alone.
    fn row(&self, row: usize) -> Self {
        let pick = |batch: &Batch| {
            let mut one = Batch::zeros(batch.dims(), 1);
            let mut numbers = vec![0.0; batch.dims()];
            batch.columns().copy_row(row, &mut numbers);
            one.columns_mut().set_row(0, &numbers);
            one
        };
        Self {
            states: pick(&self.states),
            observations: pick(&self.observations),
            actions: pick(&self.actions),
            choices: vec![self.choices[row]],
            discrete: self.discrete,
        }
    }
}

#[test]
fn a_batch_is_its_rows() {
    for entry in crate::simulated() {
        let mut made = fresh(entry.name);
        let rows = 257;
        let all = Reached::new(&mut made, rows);
        let simulator = made.simulator.clone().unwrap();
        let judge = made.reward.clone().unwrap();
        let step = |part: &Reached| {
            let n = part.states.rows();
            let mut next = Batch::zeros(part.states.dims(), n);
            let (mut reward, mut ended) = (vec![0.0; n], vec![true; n]);
            simulator.step(part.states.columns(), part.actions(), &mut next.columns_mut(), &mut reward, &mut ended);
            let mut seen = Batch::zeros(part.observations.dims(), n);
            let (mut state, mut observation) = (vec![0.0; next.dims()], vec![0.0; seen.dims()]);
            for row in 0..n {
                next.columns().copy_row(row, &mut state);
                simulator.observe(&state, &mut observation);
                seen.columns_mut().set_row(row, &observation);
            }
            let transitions = Transitions {
                observations: part.observations.columns(),
                actions: part.actions(),
                next_observations: seen.columns(),
            };
            let (mut judged, mut over) = (vec![0.0; n], vec![true; n]);
            judge.evaluate(transitions, &mut judged, &mut over);
            (next, reward, ended, judged, over)
        };
        let (next, reward, ended, judged, over) = step(&all);
        for row in 0..rows {
            let (next1, reward1, ended1, judged1, over1) = step(&all.row(row));
            for dim in 0..next.dims() {
                let (a, b) = (next.columns().get(row, dim), next1.columns().get(0, dim));
                assert_eq!(a.to_bits(), b.to_bits(), "{} row {row} dim {dim}", entry.name);
            }
            assert_eq!(reward[row].to_bits(), reward1[0].to_bits(), "{}", entry.name);
            assert_eq!(judged[row].to_bits(), judged1[0].to_bits(), "{}", entry.name);
            assert_eq!((ended[row], over[row]), (ended1[0], over1[0]), "{}", entry.name);
            // The reward as a function of what is seen is the dynamics' own, up to the rounding of angles.
            assert!((reward[row] - judged[row]).abs() < 1e-9, "{}: {} and {}", entry.name, reward[row], judged[row]);
            assert_eq!(ended[row], over[row], "{}", entry.name);
        }
        assert!(judge.terminates() || !over.iter().any(|over| *over));
    }
}

#[test]
fn the_simulator_follows_the_environment() {
    for entry in crate::simulated() {
        let mut made = quiet(entry.name);
        let simulator = made.simulator.clone().unwrap();
        let first = made.environment.reset(21).unwrap();
        let single = matches!(
            made.environment.observation_space(),
            Space::Box { element: worldwright_core::ElementType::F32, .. }
        );
        let mut rng = Rng::new(13);
        let mut state = vec![0.0; simulator.state_dim()];
        simulator.state_from_observation(&flat(&made, &first), &mut state).unwrap();
        let mut shown = vec![0.0; simulator.observation_space().flat_dim()];
        for t in 0..40 {
            let action = made.environment.action_space().sample(&mut rng);
            let step = made.environment.step(&action).unwrap();
            let (numbers, choice) = match &action {
                Value::Integer(choice) => (vec![0.0], [*choice as u32]),
                Value::Floats(numbers) => (numbers.clone(), [0]),
                other => panic!("{other:?}"),
            };
            let mut columns = Batch::zeros(numbers.len(), 1);
            columns.columns_mut().set_row(0, &numbers);
            let actions = match simulator.action_space() {
                Space::Discrete { .. } => Actions::Discrete(&choice),
                _ => Actions::Continuous(columns.columns()),
            };
            let (mut before, mut after) = (Batch::zeros(state.len(), 1), Batch::zeros(state.len(), 1));
            before.columns_mut().set_row(0, &state);
            let (mut reward, mut ended) = ([0.0], [false]);
            simulator.step(before.columns(), actions, &mut after.columns_mut(), &mut reward, &mut ended);
            after.columns().copy_row(0, &mut state);
            simulator.observe(&state, &mut shown);
            let seen = flat(&made, &step.observation);
            // Where single precision is shown, the state starts from a rounded one and drifts with the dynamics.
            let allowed = if single { 1e-4 } else { 1e-8 };
            for (a, b) in shown.iter().zip(&seen) {
                assert!((a - b).abs() <= allowed, "{} step {t}: {shown:?} and {seen:?}", entry.name);
            }
            assert!((reward[0] - step.reward).abs() <= allowed * 10.0, "{} step {t}", entry.name);
            assert_eq!(ended[0], step.terminated, "{} step {t}", entry.name);
            if step.done() {
                break;
            }
        }
    }
}

#[test]
fn states_that_diverged_stay_visible() {
    for entry in crate::simulated() {
        let made = fresh(entry.name);
        let simulator = made.simulator.clone().unwrap();
        let dims = simulator.state_dim();
        let mut before = Batch::zeros(dims, 2);
        before.columns_mut().set_row(0, &vec![f64::NAN; dims]);
        let mut after = Batch::zeros(dims, 2);
        let (mut reward, mut ended) = ([0.0; 2], [false; 2]);
        let actions = Batch::zeros(simulator.action_space().flat_dim(), 2);
        let discrete = matches!(simulator.action_space(), Space::Discrete { .. });
        let actions = if discrete { Actions::Discrete(&[0, 0]) } else { Actions::Continuous(actions.columns()) };
        simulator.step(before.columns(), actions, &mut after.columns_mut(), &mut reward, &mut ended);
        let next: Vec<f64> = (0..dims).map(|dim| after.columns().get(0, dim)).collect();
        assert!(next.iter().any(|x| x.is_nan()), "{}: {next:?}", entry.name);
        assert!((0..dims).all(|dim| after.columns().get(1, dim).is_finite()), "{}", entry.name);
    }
}
