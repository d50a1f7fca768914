//! Runs that act in several environments at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use worldwright_core::{Agent, Error, Interrupt, Result, Setting};
use worldwright_data::EpisodeStore;
use worldwright_envs::Made;
use worldwright_runs::{
    CheckpointEvery, EvaluationOptions, Experiment, Lists, RunFolder, Workshop, branch, collect, evaluate, instances,
    load_bundle,
};

use crate::broken::Fragile;
use crate::roles::{DREAMER, MUZERO, SAC};
use crate::tiny::{AtStep, GO_ON, completed, experiment, finish, finished, run, run_saving, trace};

/// Episodes of half the usual length, of which three are under way at once.
fn three(more: &[&str]) -> Experiment {
    experiment(&[&["environment.count=3", "environment.episode_steps=90", "steps=800"], more].concat())
}

#[test]
fn every_step_is_counted_once_and_episodes_come_apart() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("run");
    let summary = finish(&three(&["steps=799"]), &folder, false);
    assert_eq!(summary.real_steps, 799);
    let folder = RunFolder::new(&folder);
    let store = EpisodeStore::open(folder.episodes()).unwrap();
    assert!(store.recovery().is_clean());
    let lengths: Vec<usize> = store.episodes().iter().map(|episode| episode.steps).collect();
    // 266 rounds of three and one of one: two whole episodes at each place, and what is left.
    assert_eq!(lengths, [90, 90, 90, 90, 90, 90, 87, 86, 86]);
    let starts: BTreeMap<_, _> = store.episodes().iter().map(|episode| (episode.seed, ())).collect();
    assert_eq!(starts.len(), 9, "each from a seed of its own");
    let rows = folder.read_metrics().unwrap();
    let told: BTreeMap<u64, (f64, bool)> = rows
        .iter()
        .filter(|row| row["kind"] == "episode")
        .map(|row| (row["episode"].as_u64().unwrap(), (row["length"].as_f64().unwrap(), row.contains_key("cut"))))
        .collect();
    let expected = lengths.iter().zip(0_u64..).map(|(length, i)| (i, (*length as f64, i >= 6)));
    assert_eq!(told, expected.collect());
    // The pendulum swings from each state as it would alone.
    for i in 0..9 {
        let episode = store.episode(i).unwrap();
        let mut alone = worldwright_envs::make("pendulum", &BTreeMap::new()).unwrap().environment;
        // The seed that is kept is that of the native environment itself.
        assert_eq!(alone.reset(episode.seed.unwrap()).unwrap(), episode.observations[0]);
        for (t, action) in episode.actions.iter().enumerate() {
            let step = alone.step(action).unwrap();
            assert_eq!((&step.observation, step.reward), (&episode.observations[t + 1], episode.rewards[t]));
        }
    }
    // What it learned acts in one environment.
    assert_eq!(load_bundle(&Lists, &folder.bundle(), &GO_ON).unwrap().agent.places(), 1);
}

/// In the last round no episode begins that would take no step, and a branch goes on in new ones.
#[test]
fn a_branch_goes_on_in_episodes_of_its_own() {
    let place = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| place.path().join(name));
    let of = |steps: &str| {
        let small = ["environment.count=3", "environment.episode_steps=10", "evaluation.interval=0", steps];
        completed(&[&SAC[..], &small].concat())
    };
    finish(&of("steps=32"), &first, false);
    let lengths = |folder: &std::path::Path| {
        let store = EpisodeStore::open(RunFolder::new(folder).episodes()).unwrap();
        store.episodes().iter().map(|episode| episode.steps).collect::<Vec<_>>()
    };
    assert_eq!(lengths(&first), [10, 10, 10, 1, 1]);
    branch(&Lists, &of("steps=70"), &RunFolder::new(&first), &RunFolder::new(&second)).unwrap();
    finish(&of("steps=70"), &second, true);
    assert_eq!(lengths(&second), [10, 10, 10, 1, 1, 10, 10, 10, 3, 3, 2]);
    // Every step follows from what was seen before it.
    let store = EpisodeStore::open(RunFolder::new(&second).episodes()).unwrap();
    for i in 5..11 {
        let episode = store.episode(i).unwrap();
        let mut alone = worldwright_envs::make("pendulum", &BTreeMap::new()).unwrap().environment;
        assert_eq!(alone.reset(episode.seed.unwrap()).unwrap(), episode.observations[0], "episode {i}");
        for (t, action) in episode.actions.iter().enumerate() {
            assert_eq!(alone.step(action).unwrap().observation, episode.observations[t + 1], "episode {i}, step {t}");
        }
    }
}

#[test]
fn what_is_collected_at_once_has_no_empty_episodes() {
    let place = tempfile::tempdir().unwrap();
    for (steps, expected) in [(2, vec![1, 1]), (25, vec![10, 10, 3, 2])] {
        let out = place.path().join(steps.to_string());
        let settings = BTreeMap::from([("episode_steps".to_owned(), Setting::Integer(10))]);
        let make = || worldwright_envs::make("pendulum", &settings).unwrap();
        let (mut made, mut beside) = (make(), [make().environment]);
        let collected = collect(&mut made, &mut beside, None, (steps, 4), &out, &GO_ON).unwrap();
        let store = EpisodeStore::open(&out).unwrap();
        assert_eq!(store.episodes().iter().map(|episode| episode.steps).collect::<Vec<_>>(), expected);
        assert_eq!((collected.steps, collected.returns.len(), collected.cut), (steps, expected.len(), 2));
    }
}

/// What a bundle keeps is enough to act as the run did also where nothing bounds an action; and whoever helps to evaluate does the same.
#[test]
fn a_bundle_acts_as_its_run_where_nothing_bounds_an_action() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("run");
    let experiment = completed(&[
        "environment=linear",
        "environment.bound=1e16",
        "model=linear",
        "planner=icem",
        "planner.horizon=5",
        "planner.population=16",
        "agent.initial_steps=40",
        "steps=120",
        "evaluation.episodes=4",
    ]);
    let summary = finish(&experiment, &folder, false);
    let mut loaded = load_bundle(&Lists, &RunFolder::new(&folder).bundle(), &GO_ON).unwrap();
    for share_from in [Duration::MAX, Duration::ZERO] {
        let options = EvaluationOptions { episodes: 4, seed: 0, picture: false, step_limit: 1000, share_from };
        let mut helped = 0;
        let mut more = || {
            helped += 1;
            let another = load_bundle(&Lists, &RunFolder::new(&folder).bundle(), &GO_ON)?;
            Ok(Some((another.agent, another.made.environment)))
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let (agent, environment) = (loaded.agent.as_mut(), loaded.made.environment.as_mut());
        let done = pool.install(|| evaluate(agent, environment, &mut more, &options, &mut |_, _| Ok(true)).unwrap());
        assert_eq!(done.returns(), summary.returns);
        assert_eq!(helped > 0, share_from.is_zero());
    }
}

#[test]
fn one_of_an_environment_is_what_it_always_was() {
    assert_eq!(experiment(&["environment.count=1"]), experiment(&[]));
    let three = three(&[]);
    assert!(three.to_toml().contains("count = 3"), "{}", three.to_toml());
    assert_eq!(Experiment::from_toml(&three.to_toml(), "text").unwrap(), three);
    for (count, says) in [("0", "at least 1"), ("257", "at most 256"), ("2.5", "whole number")] {
        let choices = worldwright_runs::Choices::new().assign("environment=pendulum").unwrap();
        let error = Lists.resolve(&choices.assign(&format!("environment.count={count}")).unwrap()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn what_acts_in_one_says_so() {
    assert!(experiment(&[]).alone("plan").is_ok());
    let error = three(&[]).alone("plan").unwrap_err().to_string();
    assert!(error.contains("environment.count") && error.contains("one environment at a time"), "{error}");
}

#[test]
fn cut_anywhere_it_goes_on_as_if_it_had_not_been() {
    const OFTEN: CheckpointEvery = CheckpointEvery { steps: 70, secs: f64::INFINITY };
    let several = ["environment.count=3", "environment.episode_steps=80"];
    let of = |choices: &[&'static str]| completed(&[choices, &several].concat());
    let interval = "evaluation.interval=150";
    let remembers = ["environment.hidden=theta_dot", "model=linear", "steps=500"];
    for experiment in [three(&[]), three(&remembers), of(&SAC), of(&[&DREAMER[..], &[interval]].concat()), of(&MUZERO)]
    {
        let place = tempfile::tempdir().unwrap();
        let [whole, cut] = ["whole", "cut"].map(|name| place.path().join(name));
        finish(&experiment, &whole, false);
        for (step, resume) in [(30, false), (131, true), (245, true), (404, true)] {
            let mut kill = AtStep { step, interrupt: None };
            run_saving(OFTEN, &Lists, &experiment, &cut, resume, &GO_ON, vec![&mut kill]).unwrap_err();
        }
        finish(&experiment, &cut, true);
        assert_eq!(trace(&cut), trace(&whole), "{}", experiment.agent.name);
    }
}

#[test]
fn one_that_dies_leaves_no_trace_in_the_others() {
    let place = tempfile::tempdir().unwrap();
    let [whole, broken] = ["whole", "broken"].map(|name| place.path().join(name));
    finish(&three(&[]), &whole, false);
    // Each in another episode: the second death in one gives it another start.
    let fragile = Fragile::new([1, 400, 900]);
    finished(run(&fragile, &three(&[]), &broken, false, &GO_ON, Vec::new()).unwrap());
    assert_eq!(trace(&broken), trace(&whole));
}

/// Where nothing works any more, a run gives up after a few tries for each of its environments.
#[test]
fn what_is_gone_for_good_is_tried_a_few_times_only() {
    const OFTEN: CheckpointEvery = CheckpointEvery { steps: 1, secs: f64::INFINITY };
    let experiment = three(&["environment.count=6"]);
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("run");
    let mut kill = AtStep { step: 200, interrupt: None };
    run_saving(OFTEN, &Lists, &experiment, &folder, false, &GO_ON, vec![&mut kill]).unwrap_err();
    let gone = Fragile::new(0..100_000);
    let error = run_saving(OFTEN, &gone, &experiment, &folder, true, &GO_ON, Vec::new()).unwrap_err().to_string();
    assert!(error.contains("4 times in a row"), "{error}");
    let made = gone.instances.load(std::sync::atomic::Ordering::Relaxed);
    assert!(made < 30, "{made} instances");
    finish(&experiment, &folder, true);
}

/// Makes no environment before another is being made.
struct Meeting(AtomicUsize);

impl Workshop for Meeting {
    fn environment(&self, experiment: &Experiment) -> Result<Made> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let patience = Instant::now() + Duration::from_secs(20);
        while self.0.load(Ordering::SeqCst) < 2 {
            if Instant::now() > patience {
                return Err(Error::external("environment", "was made alone"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Lists.environment(experiment)
    }
    fn agent(&self, experiment: &Experiment, made: &Made, interrupt: &Interrupt) -> Result<Box<dyn Agent>> {
        Lists.agent(experiment, made, interrupt)
    }
}

#[test]
fn environments_are_made_at_once_where_there_are_threads() {
    if rayon::current_num_threads() > 1 {
        assert_eq!(instances(&Meeting(AtomicUsize::new(0)), &experiment(&[]), 3).unwrap().len(), 3);
    }
}
