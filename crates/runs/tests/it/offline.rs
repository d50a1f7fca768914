//! Learning from recorded episodes alone, and telling what that would earn: from logs that are as they should be, and from others.

use std::path::Path;

use worldwright_core::Interrupt;
use worldwright_runs::{EstimateOptions, Event, Experiment, Lists, Observer, estimate, load_bundle};

use crate::tiny::{GO_ON, completed, finish, finished, run, trace};

/// Random episodes of the pendulum.
fn recorded(place: &Path) -> String {
    let choices =
        ["environment=pendulum", "algorithm=mpc", "planner.population=8", "steps=300", "environment.episode_steps=50"];
    finish(&completed(&choices), place, false);
    place.display().to_string()
}

fn learning(algorithm: &str, data: &str) -> Experiment {
    let (algorithm, data) = (format!("algorithm={algorithm}"), format!("data={data}"));
    let mut choices = vec![algorithm.as_str(), data.as_str(), "policy.batch=16", "policy.hidden=[16]", "updates=65"];
    if ["mopo", "morel", "mobile"].iter().any(|name| algorithm.ends_with(name)) {
        choices.extend(["model.hidden=[8]", "model.epochs=2", "model.members=2", "agent.branches=16"]);
    }
    completed(&choices)
}

struct AtUpdate<'a>(u64, &'a Interrupt);

impl Observer for AtUpdate<'_> {
    fn name(&self) -> &'static str {
        "at-update"
    }

    fn event(&mut self, event: &Event<'_>) -> worldwright_core::Result<()> {
        if matches!(event, Event::Studied { update, .. } if *update == self.0) {
            self.1.request();
        }
        Ok(())
    }
}

#[test]
fn what_is_learned_from_recorded_episodes_alone_goes_on_where_it_was_cut() {
    let place = tempfile::tempdir().unwrap();
    let data = recorded(&place.path().join("data"));
    for algorithm in ["td3-bc", "iql", "cql", "mopo", "morel", "mobile"] {
        let [whole, cut] = ["whole", "cut"].map(|name| place.path().join(algorithm).join(name));
        let experiment = learning(algorithm, &data);
        finish(&experiment, &whole, false);
        // In the middle of what is imagined once for twenty updates.
        let interrupt = Interrupt::new();
        let mut stop = AtUpdate(33, &interrupt);
        run(&Lists, &experiment, &cut, false, &interrupt, vec![&mut stop]).unwrap();
        let summary = finished(run(&Lists, &experiment, &cut, true, &GO_ON, Vec::new()).unwrap());
        assert_eq!((summary.updates, summary.real_steps), (65, 0), "{algorithm}");
        assert_eq!(trace(&cut), trace(&whole), "{algorithm}");
    }
}

#[test]
fn what_was_learned_is_estimated_from_recorded_episodes() {
    let place = tempfile::tempdir().unwrap();
    let data = recorded(&place.path().join("data"));
    let folder = place.path().join("iql");
    finish(&learning("iql", &data), &folder, false);
    let mut loaded = load_bundle(&Lists, &folder, &GO_ON).unwrap();
    let options = EstimateOptions { updates: 300, ..EstimateOptions::default() };
    let told = estimate(&Lists, &mut loaded, &data, &options, &GO_ON).unwrap();
    assert_eq!((told.horizon, told.recorded.0, told.estimates.len()), (50, 6, 3));
    // Fifty steps of the pendulum pay between 0 and −50 · 16.3.
    let fitted = &told.estimates[0];
    assert!(
        (-900.0..50.0).contains(&fitted.mean) && fitted.low <= fitted.mean && fitted.mean <= fitted.high,
        "{fitted:?}"
    );
    let again = estimate(&Lists, &mut loaded, &data, &options, &GO_ON).unwrap();
    assert_eq!(again.estimates[0], told.estimates[0]);
    assert!(told.promise() < fitted.high);
}

#[test]
fn logs_that_tell_nothing_are_refused_with_a_reason() {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("log.csv");
    let out = place.path().join("run");
    let told = |text: &str, experiment: &dyn Fn(&str) -> Experiment| {
        std::fs::write(&log, text).unwrap();
        let experiment = experiment(&log.display().to_string());
        let error = run(&Lists, &experiment, &out, false, &GO_ON, Vec::new()).map(|_| ()).unwrap_err().to_string();
        assert!(!out.exists(), "what was refused leaves nothing: {error}");
        error
    };
    // A table says no bounds of actions, the environment does.
    let of_the_pendulum = |algorithm: &'static str| {
        move |data: &str| {
            let (algorithm, data) = (format!("algorithm={algorithm}"), format!("data={data}"));
            let small = ["policy.batch=8", "policy.hidden=[8]", "updates=5", "evaluation.episodes=1"];
            completed(&[&["environment=pendulum", &algorithm, &data], &small[..]].concat())
        }
    };
    let rows = |reward: &str, action: &str| {
        let row = |i: usize| format!("0,1,0,{i},{action},{reward}\n");
        format!("episode,obs_x,obs_y,obs_z,action,reward\n{}", (0..30).map(row).collect::<String>())
    };
    // Nothing was paid: who learns from that says so, and who clones does not mind.
    for algorithm in ["iql", "mopo"] {
        let error = told(&rows("0", "0.5"), &of_the_pendulum(algorithm));
        assert!(error.contains("pays 0") && error.contains("algorithm=bc"), "{error}");
    }
    std::fs::write(&log, rows("0", "0.5")).unwrap();
    let data = log.display().to_string();
    finish(&of_the_pendulum("bc")(&data), &place.path().join("clone"), false);
    // Of one episode something is learned, but not how sure an estimate is.
    std::fs::write(&log, rows("-1", "0.5")).unwrap();
    let folder = place.path().join("one");
    finish(&of_the_pendulum("iql")(&data), &folder, false);
    let mut loaded = load_bundle(&Lists, &folder, &GO_ON).unwrap();
    let options = EstimateOptions { updates: 10, ..EstimateOptions::default() };
    let error = estimate(&Lists, &mut loaded, &data, &options, &GO_ON).unwrap_err().to_string();
    assert!(error.contains("1 episode"), "{error}");
    // Actions that the environment does not take, numbers that are none, and what another environment shows.
    let error = told(&rows("-1", "7"), &of_the_pendulum("iql"));
    assert!(error.contains("outside the actions of pendulum"), "{error}");
    let error = told(&rows("-1", "nan"), &of_the_pendulum("iql"));
    assert!(error.contains("row 1 lacks an action"), "{error}");
    let error = told("episode,obs_x,obs_y,action,reward\n0,1,2,0.5,-1\n0,1,2,0.5,-1\n", &of_the_pendulum("iql"));
    assert!(error.contains("have 2 and 1 numbers"), "{error}");
}
