//! One environment: every kind of space, episodes, pictures, ids, settings.

use worldwright_core::{ElementType, Environment, Error, Setting, Space, Value};
use worldwright_envs::python::{Transport, WorkerOptions};

use super::{floats, open, rng, settings, stubs, with};

/// Drives `Counter-v0` through two episodes and checks every number.
fn check_counter(options: &WorkerOptions) {
    let mut environment = open("gym:worldwright_stubs:Counter-v0", options);
    let first = environment.reset(5).expect("a reset");
    assert_eq!(environment.reset(5).expect("a reset"), first, "the seed decides");
    let start = first.floats().expect("floats")[0];
    for episode in 0..2 {
        if episode == 1 {
            assert_ne!(environment.reset(6).expect("a reset"), first);
            environment.reset(5).expect("a reset");
        }
        for count in 1..=3_u32 {
            let action = 0.25 * f64::from(count);
            let step = environment.step(&floats(&[action])).expect("a step");
            assert_eq!(step.observation, floats(&[start, f64::from(count), action]));
            assert_eq!(step.reward, f64::from(count));
            let over = count == 3;
            let odd = start as i64 % 2 == 1;
            assert_eq!((step.terminated, step.truncated), (over && !odd, over && odd));
        }
        let after = environment.step(&floats(&[0.0])).expect_err("the episode is over");
        assert!(matches!(after, Error::Config { .. }), "{after}");
    }
    assert_eq!(environment.dt_secs(), 0.02, "from render_fps");
}

#[test]
fn episodes_are_those_of_the_environment() {
    let Some(options) = stubs() else { return };
    check_counter(&options);
}

#[test]
fn waiting_without_watching_gives_the_same() {
    let Some(options) = stubs() else { return };
    let zero = std::time::Duration::ZERO;
    check_counter(&WorkerOptions { host_watch: zero, worker_watch: zero, ..options.clone() });
    // Sides that fall asleep at once exercise every wake-up.
    let short = std::time::Duration::from_nanos(1);
    check_counter(&WorkerOptions { host_watch: short, worker_watch: short, ..options.clone() });
    check_counter(&WorkerOptions { transport: Transport::Loopback, ..options });
}

#[test]
fn no_wake_up_is_lost() {
    let Some(options) = stubs() else { return };
    let options = with(options, &[("length", Setting::Integer(1_000_000))]);
    for (host, worker) in [(1, 1), (3_000, 3_000), (1, 20_000), (20_000, 1)] {
        let options = WorkerOptions {
            host_watch: std::time::Duration::from_nanos(host),
            worker_watch: std::time::Duration::from_nanos(worker),
            step_deadline: std::time::Duration::from_secs(5),
            ..options.clone()
        };
        let mut environment = open("gym:worldwright_stubs:Counter-v0", &options);
        environment.reset(0).expect("a reset");
        for count in 1..=3_000_u32 {
            let step = environment.step(&floats(&[0.0])).expect("a step within its deadline");
            assert_eq!(step.reward, f64::from(count));
        }
    }
}

#[test]
fn every_kind_of_space_goes_there_and_back() {
    let Some(options) = stubs() else { return };
    let mut environment = open("gym:worldwright_stubs:Echo-v0", &options);
    let actions = environment.action_space().clone();
    let float = |shape: &[usize], low: f64, element| {
        let len = shape.iter().product();
        Space::Box { shape: shape.to_vec(), low: vec![low; len], high: vec![-low; len], element }
    };
    // Gymnasium keeps a dict's parts in the order of their names.
    let expected = Space::Dict(vec![
        ("bits".into(), Space::MultiBinary { shape: vec![2, 2] }),
        ("choice".into(), Space::choices(4, 2)),
        (
            "choices".into(),
            Space::MultiDiscrete { shape: vec![2], nvec: vec![3, 5], start: vec![0, 1], element: ElementType::I64 },
        ),
        ("half".into(), float(&[2], -2.0, ElementType::F16)),
        ("long".into(), float(&[2, 1], -9.0, ElementType::I32)),
        (
            "pair".into(),
            Space::Tuple(vec![
                Space::discrete(3),
                Space::Box { shape: vec![], low: vec![0.0], high: vec![1.0], element: ElementType::F64 },
            ]),
        ),
    ]);
    assert_eq!(actions, expected);
    let Space::Dict(parts) = environment.observation_space().clone() else { panic!("a dict was expected") };
    let names: Vec<_> = parts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["count", "image", "told"]);
    let first = environment.reset(3).expect("a reset");
    environment.observation_space().check(&first).expect("an element of the observation space");
    let mut rng = rng(1);
    for count in 1..=20_u8 {
        let mut action = actions.sample(&mut rng);
        // Half precision and whole numbers keep what they can.
        if let Value::Dict(parts) = &mut action {
            parts[3].1 = floats(&[0.5 * f64::from(count % 4), -1.25]);
            parts[4].1 = floats(&[f64::from(count % 9), -3.0]);
        }
        let step = environment.step(&action).expect("a step");
        let image = Value::Bytes((0..18).map(|i| 200 + i + count).collect());
        let parts = vec![
            ("count".to_owned(), Value::Integer(i64::from(count))),
            ("image".to_owned(), image),
            ("told".to_owned(), action),
        ];
        assert_eq!(step.observation, Value::Dict(parts));
    }
}

#[test]
fn images_stay_bytes() {
    let Some(options) = stubs() else { return };
    let mut environment = open("gym:worldwright_stubs:Image-v0", &options);
    environment.reset(0).expect("a reset");
    let step = environment.step(&Value::Integer(2)).expect("a step");
    let Value::Bytes(bytes) = step.observation else { panic!("bytes were expected, got {:?}", step.observation) };
    let mut expected = vec![255; 5 * 7 * 3];
    expected[2 * 7 * 3..2 * 7 * 3 + 3].copy_from_slice(&[7, 8, 9]);
    assert_eq!(bytes, expected);
    let none = environment.render().expect_err("it draws nothing");
    assert!(none.to_string().contains("draws no pictures"), "{none}");
    environment.step(&Value::Integer(1)).expect("a refused picture leaves the episode as it was");
}

#[test]
fn wrong_actions_are_refused_and_change_nothing() {
    let Some(options) = stubs() else { return };
    let mut environment = open("gym:worldwright_stubs:Counter-v0", &options);
    let early = environment.step(&floats(&[0.0])).expect_err("nothing was reset");
    assert!(matches!(early, Error::Config { .. }), "{early}");
    environment.reset(0).expect("a reset");
    for wrong in [floats(&[0.0, 0.0]), floats(&[f64::NAN]), Value::Integer(0), Value::Dict(Vec::new())] {
        let error = environment.step(&wrong).expect_err("not an action");
        assert!(matches!(error, Error::NotInSpace { .. }), "{error}");
    }
    assert_eq!(environment.step(&floats(&[0.0])).expect("a step").reward, 1.0);
}

#[test]
fn pictures_come_as_they_were_drawn() {
    let Some(options) = stubs() else { return };
    let mut environment = open("gym:worldwright_stubs:Counter-v0", &options);
    environment.reset(0).expect("a reset");
    environment.step(&floats(&[0.0])).expect("a step");
    let frame = environment.render().expect("a picture");
    assert_eq!((frame.width, frame.height, frame.rgb.len()), (6, 4, 72));
    assert_eq!(frame.rgb[..6], [0, 0, 0, 1, 2, 1]);
    environment.step(&floats(&[0.0])).expect("a step after a picture");
}

#[test]
fn users_make_their_own_with_arguments() {
    let Some(options) = stubs() else { return };
    let path = options.path[0].to_string_lossy().into_owned();
    let overrides = settings(&[("worker.path", Setting::Text(path)), ("length", Setting::Integer(1))]);
    let mut made = worldwright_envs::make("gym:worldwright_stubs:Counter-v0", &overrides).expect("an environment");
    made.environment.reset(0).expect("a reset");
    assert!(made.environment.step(&floats(&[0.0])).expect("a step").done(), "length=1 reached its constructor");
    assert_eq!(made.observation_channels, ["obs[0]", "obs[1]", "obs[2]"]);
    assert_eq!(made.action_channels, ["action[0]"]);
    let names: Vec<_> = made.environment.versions().into_iter().map(|(name, _)| name).collect();
    for name in ["environment", "python", "gymnasium", "numpy"] {
        assert!(names.iter().any(|known| known == name), "{name} is not among {names:?}");
    }
}

#[test]
fn environments_say_what_their_numbers_are_called() {
    let Some(options) = stubs() else { return };
    let path = options.path[0].to_string_lossy().into_owned();
    let make = |id: &str| worldwright_envs::make(id, &settings(&[("worker.path", Setting::Text(path.clone()))]));
    let made = make("gym:worldwright_stubs:Named-v0").expect("an environment");
    assert_eq!(made.observation_channels, ["first", "count", "push"]);
    assert_eq!(made.action_channels, ["lever"]);
    let said = make("gym:worldwright_stubs:Misnamed-v0").err().expect("a refusal").to_string();
    assert!(said.contains("observation_names has 2 names for 3 numbers"), "{said}");
}

#[test]
fn actions_are_held_in_python_too() {
    let Some(options) = stubs() else { return };
    let path = options.path[0].to_string_lossy().into_owned();
    let overrides = settings(&[("worker.path", Setting::Text(path)), ("action_repeat", Setting::Integer(2))]);
    // Its constructor takes no such argument, so that making it shows that the setting was kept back.
    let mut made = worldwright_envs::make("gym:worldwright_stubs:Counter-v0", &overrides).expect("an environment");
    made.environment.reset(5).expect("a reset");
    assert_eq!(made.environment.dt_secs(), 0.04);
    let step = made.environment.step(&floats(&[0.5])).expect("a step");
    assert_eq!((step.reward, step.done()), (1.0 + 2.0, false));
    let step = made.environment.step(&floats(&[0.5])).expect("a step");
    assert_eq!((step.reward, step.done()), (3.0, true), "the episode of three steps ends in the middle");
    let over = made.environment.step(&floats(&[0.5])).expect_err("the episode is over");
    assert!(matches!(over, Error::Config { .. }), "{over}");
}

#[test]
fn the_time_of_a_step_is_what_the_environment_says_before_what_pictures_take() {
    let Some(options) = stubs() else { return };
    let told = |id: &str, how: &str, options: &WorkerOptions| {
        let arguments = [("how", Setting::Text(how.into()))];
        open(&format!("gym:worldwright_stubs:{id}"), &with(options.clone(), &arguments)).dt_secs()
    };
    for (how, secs) in [
        ("int", 2.0),
        ("single", 0.25),
        ("array", 0.125),
        ("text", 0.02),
        ("none", 0.02),
        ("method", 0.02),
        ("late", 0.02),
    ] {
        assert_eq!(told("Paced-v0", how, &options), secs, "{how}");
    }
    assert_eq!(told("Held-v0", "int", &options), 0.75, "the outer one is what is stepped");
    let own = WorkerOptions { dt_secs: Some(0.1), ..options };
    assert_eq!(told("Held-v0", "int", &own), 0.1, "the user has the last word");
}

#[test]
fn unknown_ids_are_explained() {
    let Some(options) = stubs() else { return };
    let error = worldwright_envs::python::PythonEnvironment::open("gym:NoSuchThing-v0", &options).expect_err("unknown");
    assert!(error.to_string().contains("NoSuchThing"), "{error}");
    let error = worldwright_envs::python::PythonEnvironment::open("pendulum", &options).expect_err("no suite");
    assert!(matches!(error, Error::Config { .. }), "{error}");
    let absent = WorkerOptions { interpreter: Some("/nonexistent/python".into()), ..options };
    let error =
        worldwright_envs::python::PythonEnvironment::open("gym:CartPole-v1", &absent).expect_err("no such file");
    assert!(error.to_string().contains("cannot start /nonexistent/python"), "{error}");
}
