//! Vectors: the same lanes whichever way the environments reset, against single environments as the oracle.

use worldwright_core::{Environment, Error, Observation, Setting, Value};
use worldwright_envs::python::{Autoreset, Lane, VectorEnvironment, VectorOptions, Vectorization, WorkerOptions};

use super::{floats, open, stubs, with};

const COUNTER: &str = "gym:worldwright_stubs:Counter-v0";

fn vector(id: &str, worker: WorkerOptions, autoreset: Autoreset, vectorization: Vectorization) -> VectorEnvironment {
    let options = VectorOptions { environments: 3, workers: 1, autoreset, vectorization, worker };
    VectorEnvironment::open(id, &options).unwrap_or_else(|error| panic!("{autoreset:?} {vectorization:?}: {error}"))
}

fn numbers(observation: &Observation) -> &[f64] {
    observation.floats().expect("floats")
}

/// Checks ten steps of `Counter-v0`, whose episodes last three: the last observation is the true one, the dummy step is none,
/// and each episode starts where its predecessor ended.
fn check(worker: WorkerOptions, autoreset: Autoreset, vectorization: Vectorization) {
    let mut vector = vector(COUNTER, worker.clone(), autoreset, vectorization);
    assert_eq!(vector.autoreset(), autoreset);
    let seeds = [11, 12, 13];
    let first = vector.reset(&seeds).expect("a reset");
    let mut single = open(COUNTER, &worker);
    for (seed, observation) in seeds.iter().zip(&first) {
        assert_eq!(&single.reset(*seed).expect("a reset"), observation, "the vector's seeds are the environments' own");
    }
    let mut starts: Vec<f64> = first.iter().map(|observation| numbers(observation)[0]).collect();
    let mut counts = [0_u32; 3];
    let (mut transitions, mut episodes, mut fresh) = (0, 0, 0);
    for t in 0..10_u32 {
        let actions: Vec<Value> = (0..3).map(|lane| floats(&[0.125 * f64::from(lane + t % 3)])).collect();
        let lanes = vector.step(&actions).expect("a step");
        for (i, Lane { step, started }) in lanes.iter().enumerate() {
            let was_over = counts[i] == 3;
            if was_over && autoreset == Autoreset::NextStep {
                assert_eq!(step, &None, "a step that only resets is no transition");
            } else {
                let step = step.as_ref().expect("a transition");
                counts[i] += 1;
                transitions += 1;
                let action = numbers(&actions[i])[0];
                let expected = [starts[i], f64::from(counts[i]), action];
                assert_eq!(numbers(&step.observation), expected, "lane {i} at {t}: also the last observation is true");
                assert_eq!(step.reward, f64::from(counts[i]));
                let (over, odd) = (counts[i] == 3, starts[i] as i64 % 2 == 1);
                assert_eq!((step.terminated, step.truncated), (over && !odd, over && odd));
            }
            let expected_start = match autoreset {
                Autoreset::NextStep => was_over,
                Autoreset::SameStep => counts[i] == 3,
                Autoreset::Disabled => false,
            };
            assert_eq!(started.is_some(), expected_start, "lane {i} at {t}");
            if let Some(started) = started {
                assert_eq!(numbers(started)[1..], [0.0, 0.0]);
                fresh += usize::from(numbers(started)[0] != starts[i]);
                starts[i] = numbers(started)[0];
                counts[i] = 0;
                episodes += 1;
            }
        }
        if autoreset == Autoreset::Disabled && counts.contains(&3) {
            let waiting = vector.step(&actions).expect_err("some are over");
            assert!(matches!(waiting, Error::Config { .. }), "{waiting}");
            // All lanes end together here; only two are reset at first, so that the mask is seen to matter.
            let after = vector.reset_where(&[true, false, true], &[21, 22, 23]).expect("a masked reset");
            assert_eq!(numbers(&after[1])[1], 3.0, "the lane that was left out shows its last observation still");
            let after = vector.reset_where(&[false, true, false], &[0, 22, 0]).expect("a masked reset");
            for i in 0..3 {
                assert_eq!(after[i], single.reset([21, 22, 23][i]).expect("a reset"));
                starts[i] = numbers(&after[i])[0];
            }
            counts = [0; 3];
            episodes += 3;
            fresh += 3;
        }
    }
    let expected = if autoreset == Autoreset::NextStep { (24, 6) } else { (30, 9) };
    assert_eq!((transitions, episodes), expected);
    assert!(fresh >= episodes - 1, "new episodes draw new starts: {fresh} of {episodes}");
}

#[test]
fn lanes_say_the_same_in_every_mode() {
    let Some(options) = stubs() else { return };
    for autoreset in [Autoreset::NextStep, Autoreset::SameStep, Autoreset::Disabled] {
        for vectorization in [Vectorization::Loop, Vectorization::Sync] {
            check(options.clone(), autoreset, vectorization);
        }
    }
}

#[test]
fn last_observations_stand_although_the_environment_shows_one_array() {
    let Some(options) = stubs() else { return };
    let run = |id: &str, vectorization| {
        let mut vector = vector(id, options.clone(), Autoreset::SameStep, vectorization);
        let mut all = vec![vector.reset(&[1, 2, 3]).expect("a reset")];
        for _ in 0..7 {
            let lanes = vector.step(&vec![floats(&[0.5]); 3]).expect("a step");
            all.push(lanes.iter().map(|lane| lane.step.as_ref().expect("a transition").observation.clone()).collect());
        }
        all
    };
    for vectorization in [Vectorization::Loop, Vectorization::Sync] {
        let reused = run("gym:worldwright_stubs:Reusing-v0", vectorization);
        assert_eq!(reused, run(COUNTER, vectorization), "{vectorization:?}");
        assert!(reused.iter().flatten().any(|observation| numbers(observation)[1] == 3.0), "no episode ended");
    }
}

#[test]
fn lanes_say_the_same_behind_gymnasiums_processes() {
    let Some(options) = stubs() else { return };
    // Gymnasium's processes import the registry anew, so the environment is one that is always there.
    for autoreset in [Autoreset::NextStep, Autoreset::SameStep] {
        let run = |vectorization| {
            let mut vector = vector("gym:CartPole-v1", options.clone(), autoreset, vectorization);
            let mut all: Vec<Lane> = Vec::new();
            let first = vector.reset(&[1, 2, 3]).expect("a reset");
            for _ in 0..60 {
                all.extend(vector.step(&vec![Value::Integer(1); 3]).expect("a step"));
            }
            (first, all)
        };
        let looped = run(Vectorization::Loop);
        assert_eq!(looped, run(Vectorization::Async));
        let ends = looped.1.iter().filter(|lane| lane.step.as_ref().is_some_and(worldwright_core::Step::done)).count();
        assert!(ends >= 9, "only {ends} episodes ended, so that nothing was reset");
    }
}

#[test]
fn a_vector_of_its_own_keeps_its_own_mode() {
    let Some(options) = stubs() else { return };
    let id = "gym:worldwright_stubs:OwnVector-v0";
    let mut vector = vector(id, options, Autoreset::NextStep, Vectorization::EntryPoint);
    assert_eq!(vector.autoreset(), Autoreset::SameStep, "the vector's own mode is the one that counts");
    vector.reset(&[4, 5, 6]).expect("a reset");
    let actions: Vec<Value> = [0, 1, 2].map(Value::Integer).to_vec();
    let lanes = vector.step(&actions).expect("a step");
    let last = lanes[2].step.as_ref().expect("a transition");
    assert_eq!((numbers(&last.observation), last.terminated), (&[6.0, 3.0][..], true));
    assert_eq!(lanes[2].started, Some(floats(&[6.0, 0.0])));
    assert_eq!((lanes[1].current(), &lanes[1].started), (Some(&floats(&[5.0, 2.0])), &None));
}

#[test]
fn spreading_over_workers_changes_nothing() {
    let Some(options) = stubs() else { return };
    let run = |workers| {
        let options = VectorOptions {
            environments: 5,
            workers,
            autoreset: Autoreset::SameStep,
            worker: options.clone(),
            ..VectorOptions::default()
        };
        let mut vector = VectorEnvironment::open(COUNTER, &options).expect("a vector");
        let mut all = vec![vector.reset(&[1, 2, 3, 4, 5]).expect("a reset")];
        for t in 0..8 {
            let actions: Vec<Value> = (0..5).map(|lane| floats(&[0.01 * f64::from(lane * 8 + t)])).collect();
            let lanes = vector.step(&actions).expect("a step");
            all.push(lanes.iter().map(|lane| lane.current().expect("an observation").clone()).collect());
        }
        all
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
}

#[test]
fn a_worker_that_fails_does_not_take_the_vector_with_it() {
    let Some(options) = stubs() else { return };
    let mark = std::env::temp_dir().join(format!("worldwright-vector-mark-{}", std::process::id()));
    let _ = std::fs::remove_file(&mark);
    let arguments =
        [("how", Setting::Text("exit".into())), ("mark", Setting::Text(mark.to_string_lossy().into_owned()))];
    let options =
        VectorOptions { environments: 2, workers: 2, worker: with(options, &arguments), ..VectorOptions::default() };
    let mut vector = VectorEnvironment::open("gym:worldwright_stubs:Misbehaving-v0", &options).expect("a vector");
    vector.reset(&[1, 2]).expect("a reset");
    let actions = vec![floats(&[0.0]); 2];
    vector.step(&actions).expect("a step");
    vector.step(&actions).expect("a step");
    let error = vector.step(&actions).expect_err("the first to come fails");
    assert!(matches!(error, Error::External { .. }), "{error}");
    assert!(vector.step(&actions).is_err(), "nothing is stepped until it is reset");
    vector.reset(&[1, 2]).expect("a reset starts what failed again");
    for count in 1..=5_u32 {
        let lanes = vector.step(&actions).expect("a step");
        assert!(lanes.iter().all(|lane| lane.step.as_ref().is_some_and(|step| step.reward == f64::from(count))));
    }
    let _ = std::fs::remove_file(&mark);
}

#[test]
fn sizes_are_checked() {
    let Some(options) = stubs() else { return };
    let wrong = VectorOptions { environments: 2, workers: 3, worker: options.clone(), ..VectorOptions::default() };
    assert!(matches!(VectorEnvironment::open(COUNTER, &wrong), Err(Error::Config { .. })));
    let mut vector = vector(COUNTER, options, Autoreset::NextStep, Vectorization::Loop);
    assert!(matches!(vector.step(&[]), Err(Error::Shape { .. })));
    assert!(matches!(vector.reset(&[1]), Err(Error::Shape { .. })));
    let actions = vec![floats(&[0.0]); 3];
    assert!(matches!(vector.step(&actions), Err(Error::Config { .. })), "not reset yet");
    vector.reset(&[1, 2, 3]).expect("a reset");
    assert!(matches!(vector.reset_where(&[true; 3], &[1, 2, 3]), Err(Error::Config { .. })));
}

#[test]
fn workers_start_at_once() {
    let Some(options) = stubs() else { return };
    if std::thread::available_parallelism().map_or(1, std::num::NonZero::get) < 2 {
        return;
    }
    let folder = std::env::temp_dir().join(format!("worldwright-meeting-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let worker = with(options, &[("folder", Setting::Text(folder.display().to_string()))]);
    let options = VectorOptions { environments: 2, workers: 2, worker, ..VectorOptions::default() };
    // Each waits until the other is being made, and would be late alone.
    let vector = VectorEnvironment::open("gym:worldwright_stubs:Meeting-v0", &options);
    let _ = std::fs::remove_dir_all(&folder);
    assert_eq!(vector.map(|vector| vector.environments()), Ok(2));
}
