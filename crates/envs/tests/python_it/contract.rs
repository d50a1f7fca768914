//! What environments of the field hand over, in forms that the API does not promise: taken as what it plainly is, or refused by name.

use std::collections::BTreeMap;

use worldwright_core::{Environment, Setting, Space, Value};
use worldwright_envs::python::{PythonEnvironment, WorkerOptions, python_seed};
use worldwright_envs::{EPISODE_STEPS, make};

use super::{floats, open, settings, stubs, with};

fn loose(options: &WorkerOptions, reward: &str, flag: &str) -> PythonEnvironment {
    let text = |word: &str| Setting::Text(word.into());
    open("gym:worldwright_stubs:Loose-v0", &with(options.clone(), &[("reward", text(reward)), ("flag", text(flag))]))
}

#[test]
fn rewards_and_flags_that_are_arrays_of_one_are_taken() {
    let Some(options) = stubs() else { return };
    for flag in ["array", "number"] {
        let mut environment = loose(&options, "array", flag);
        // An even first number ends by itself, an odd one is cut; every seed is one that NumPy's global generator takes.
        for seed in [0, 1, u64::MAX, 1 << 40] {
            let odd = environment.reset(seed).expect("a reset").floats().expect("floats")[0] as i64 % 2 == 1;
            for count in 1..=3 {
                let step = environment.step(&floats(&[0.0])).expect("a step");
                assert_eq!(step.reward, f64::from(count));
                assert_eq!((step.terminated, step.truncated), (count == 3 && !odd, count == 3 && odd));
            }
        }
    }
}

#[test]
fn what_is_no_reward_and_no_flag_is_refused_by_name() {
    let Some(options) = stubs() else { return };
    for (reward, flag, says) in [
        ("none", "array", "its reward is None"),
        ("vector", "array", "environment.worker.reward_weights=[1.0, 1.0]"),
        ("array", "none", "returned None for 'terminated'"),
        ("array", "nan", "returned nan for 'terminated'"),
        ("array", "text", "returned 'False' for 'terminated'"),
    ] {
        let mut environment = loose(&options, reward, flag);
        environment.reset(0).expect("a reset");
        let error = environment.step(&floats(&[0.0])).expect_err(says).to_string();
        assert!(error.contains(says) && !error.contains("Traceback"), "{error}");
    }
    let mut environment = loose(&WorkerOptions { reward_weights: vec![2.0, 0.5], ..options }, "vector", "array");
    environment.reset(0).expect("a reset");
    assert_eq!(environment.step(&floats(&[0.0])).expect("a step").reward, 2.0 + 5.0);
}

fn strange(options: &WorkerOptions, kind: &str, numbers: i64) -> worldwright_core::Result<PythonEnvironment> {
    let arguments = [("kind", Setting::Text(kind.into())), ("numbers", Setting::Integer(numbers))];
    PythonEnvironment::open("gym:worldwright_stubs:Strange-v0", &with(options.clone(), &arguments))
}

#[test]
fn spaces_that_are_none_are_refused_by_their_class() {
    let Some(options) = stubs() else { return };
    for (kind, says) in [
        ("text", "gymnasium.spaces.text.Text"),
        ("inner", "gymnasium.spaces.text.Text"),
        ("sequence", "Sequence"),
        ("graph", "Graph"),
        ("empty", "a Dict without parts holds no numbers"),
        ("none", "it has no observation space"),
        ("object", "builtins.object"),
        ("choices", "1099511627776 numbers"),
    ] {
        let error = strange(&options, kind, 10).expect_err(kind).to_string();
        assert!(error.contains(says) && error.contains("observation space"), "{kind}: {error}");
        assert!(!error.contains("Traceback"), "{kind}: {error}");
    }
}

#[test]
fn parts_that_are_no_numbers_may_be_left_out() {
    let Some(options) = stubs() else { return };
    let error = strange(&options, "inner", 10).expect_err("a text").to_string();
    assert!(error.contains("environment.worker.leave_out=mission"), "{error}");
    let without = |names: &[&str]| WorkerOptions {
        leave_out: names.iter().map(|name| (*name).to_owned()).collect(),
        ..options.clone()
    };
    let environment = strange(&without(&["mission"]), "inner", 10).expect("the rest is a choice");
    assert_eq!(environment.observation_space(), &Space::Dict(vec![("a".into(), Space::discrete(2))]));
    let error = strange(&without(&["misson"]), "inner", 10).expect_err("no such part").to_string();
    assert!(error.contains("'misson'") && error.contains("a, mission"), "{error}");
    assert!(strange(&without(&["a", "mission"]), "inner", 10).is_err(), "nothing is left");
}

#[test]
fn spaces_of_another_package_are_taken_by_what_they_have() {
    let Some(options) = stubs() else { return };
    let mut environment = strange(&options, "old", 10).expect("it has the attributes of a space");
    let Space::Dict(parts) = environment.observation_space().clone() else { panic!("a dict") };
    assert_eq!((parts[0].0.as_str(), &parts[0].1), ("b", &Space::vector(&[-1.0; 2], &[2.0; 2])));
    assert_eq!((parts[1].0.as_str(), &parts[1].1), ("a", &Space::unbounded(1)));
    let expected = vec![("b".to_owned(), floats(&[1.5, 0.5])), ("a".to_owned(), floats(&[7.0]))];
    assert_eq!(environment.reset(0).expect("a reset"), Value::Dict(expected));
}

#[test]
fn numbers_that_a_space_of_whole_numbers_has_not_are_refused() {
    let Some(options) = stubs() else { return };
    let mut environment = strange(&options, "bytes", 2).expect("bytes");
    let error = environment.reset(0).expect_err("halves are no bytes").to_string();
    assert!(error.contains("float64 numbers that its space of whole numbers has not"), "{error}");
}

#[test]
fn whole_numbers_that_would_be_rounded_are_refused() {
    let Some(options) = stubs() else { return };
    for number in [(1_i64 << 53) + 1, -(1 << 53) - 1, (1 << 62) - 1] {
        let error = strange(&options, "whole", number).expect("a box").reset(0).expect_err("rounded").to_string();
        assert!(error.contains(&format!("holds {number}, which a float64 cannot hold exactly")), "{error}");
        assert!(!error.contains("Traceback"), "{error}");
    }
    // What a double holds is kept, as in recorded data.
    for number in [0, 1 << 53, (1 << 53) + 2, -(1 << 61)] {
        let mut environment = strange(&options, "whole", number).expect("a box");
        assert_eq!(environment.reset(0).expect("a reset"), floats(&[(1_i64 << 60) as f64, number as f64]));
    }
}

#[test]
fn an_observation_of_another_shape_is_refused_with_both() {
    let Some(options) = stubs() else { return };
    let error = strange(&options, "column", 10).expect("a box").reset(0).expect_err("a column").to_string();
    assert!(error.contains("has shape (2, 1), but its space says (2,)"), "{error}");
}

/// The most memory that this process has held, in bytes (Linux).
fn peak() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(1024 * line.trim().trim_end_matches(" kB").parse::<usize>().ok()?)
}

#[test]
fn large_spaces_take_memory_in_proportion() {
    let Some(options) = stubs() else { return };
    let numbers = 4_000_000;
    let before = peak();
    let mut environment = strange(&options, "large", numbers).expect("four million numbers");
    let first = environment.reset(0).expect("a reset");
    assert_eq!((first.floats().map(<[f64]>::len), first.floats().map(|x| x[1])), (Some(numbers as usize), Some(0.25)));
    let Space::Box { low, high, .. } = environment.observation_space() else { panic!("a box") };
    assert_eq!((low[0], low[1], high[0]), (-1.0, 0.0, 1.0));
    // Eight bytes for each bound on their way and in the space, for the observation here and in the shared memory.
    if let (Some(before), Some(after)) = (before, peak()) {
        let factor = after.saturating_sub(before) as f64 / (8 * numbers) as f64;
        assert!(factor < 12.0, "{factor:.1} times the numbers");
    }
    let error = strange(&options, "large", 17_000_000).expect_err("seventeen million numbers").to_string();
    assert!(error.contains("17000000 numbers"), "{error}");
}

#[test]
fn the_seed_that_is_recorded_is_the_one_that_was_given() {
    let Some(options) = stubs() else { return };
    let mut environment = open("gym:worldwright_stubs:Counter-v0", &options);
    for seed in [7, u64::MAX, (1 << 31) + 5] {
        let first = environment.reset(seed).expect("a reset");
        let own = environment.own_seed(seed);
        assert!(own < 1 << 31 && own == python_seed(seed));
        assert_eq!(environment.reset(own).expect("a reset"), first, "{seed}");
    }
}

/// Steps until an episode ends, with settings as users give them.
fn length(id: &str, given: &[(&str, Setting)]) -> (Option<usize>, bool, usize) {
    let mut given = settings(given);
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python_it/modules");
    given.insert("worker.path".into(), Setting::Text(modules.into()));
    let mut made = make(id, &given).unwrap_or_else(|error| panic!("{error}"));
    made.environment.reset(0).expect("a reset");
    let action = made.environment.action_space().sample(&mut super::rng(0));
    let steps = (1..).find(|_| made.environment.step(&action).expect("a step").done()).expect("it ends");
    (made.episode_steps, made.episode_steps_assumed, steps)
}

#[test]
fn an_environment_without_a_time_limit_gets_one() {
    if stubs().is_none() {
        return;
    }
    let idle = "gym:worldwright_stubs:Idle-v0";
    assert_eq!(length(idle, &[]), (Some(EPISODE_STEPS), true, EPISODE_STEPS));
    assert_eq!(length(idle, &[("episode_steps", Setting::Integer(7))]), (Some(7), false, 7));
    let held = [("episode_steps", Setting::Integer(7)), ("action_repeat", Setting::Integer(2))];
    assert_eq!(length(idle, &held), (Some(4), false, 4));
    assert_eq!(length("gym:Pendulum-v1", &[]), (Some(200), false, 200));
    assert_eq!(length("gym:Pendulum-v1", &[("episode_steps", Setting::Integer(300))]), (Some(300), false, 300));
}

#[test]
fn identifiers_that_are_not_known_or_outdated_name_the_nearest() {
    if stubs().is_none() {
        return;
    }
    for (id, says) in [
        ("gym:Taxi-v3", "did you mean 'gym:Taxi-v4'?"),
        ("gym:CartPol-v1", "did you mean 'gym:CartPole-v1'?"),
        ("gym:HalfCheetah-v9", "did you mean 'gym:HalfCheetah-v5'?"),
        ("gym:ALE/Pong-v5", "atari"),
        ("gym:NothingLikeThis-v0", "PACKAGE"),
        ("nowhere:Pong-v0", "worldwright env install nowhere PACKAGE"),
    ] {
        let Err(error) = make(id, &BTreeMap::new()) else { panic!("{id} is there") };
        let error = error.to_string();
        assert!(error.contains(says) && !error.contains("Traceback"), "{id}: {error}");
    }
}

#[test]
fn a_missing_package_is_named_with_the_command_that_brings_it() {
    let Some(options) = stubs() else { return };
    for (how, says) in [
        ("extra", "-m pip install \"gymnasium[box2d]\"`"),
        ("module", "-m pip install no-such-package`"),
        ("below", "-m pip install Box2D-that-is-not-there`"),
    ] {
        // Whose interpreter is not the installed suite's gets what it needs by its own pip.
        let python = super::interpreter(&worldwright_envs::python::Suite::Gym).expect("the stubs were found");
        let elsewhere =
            WorkerOptions { interpreter: Some(python.parent().expect("a folder").join("./python")), ..options.clone() };
        let options = with(elsewhere, &[("how", Setting::Text(how.into()))]);
        let error = PythonEnvironment::open("gym:worldwright_stubs:Needing-v0", &options).expect_err(how).to_string();
        let suites =
            says.replace("-m pip install", "worldwright env install gym").replace("\"gymnasium[box2d]\"", "box2d");
        assert!(error.contains(says) || error.contains(&suites), "{error}");
        assert!(!error.contains("Traceback"), "{error}");
    }
}
