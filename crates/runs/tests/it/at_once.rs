//! Runs that act in several environments at once.

use std::collections::BTreeMap;

use worldwright_data::EpisodeStore;
use worldwright_runs::{CheckpointEvery, Experiment, Lists, RunFolder, load_bundle};

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
