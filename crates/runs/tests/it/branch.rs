//! A run that goes on from what another has learned, under other settings.

use std::path::Path;

use worldwright_core::Result;
use worldwright_runs::{Experiment, Lists, RunFolder, branch};

use crate::tiny::{experiment, finish, trace};

fn branched(experiment: &Experiment, from: &Path, to: &Path) -> Result<()> {
    branch(&Lists, experiment, &RunFolder::new(from), &RunFolder::new(to))
}

#[test]
fn with_more_steps_it_is_the_run_that_had_them_from_the_beginning() {
    let place = tempfile::tempdir().unwrap();
    let [first, longer, whole] = ["first", "longer", "whole"].map(|name| place.path().join(name));
    // Its last step falls on the end of an episode, as it does in the longer run.
    let (short, long) = (experiment(&["steps=800"]), experiment(&["steps=1400"]));
    finish(&short, &first, false);
    // What a branch that was killed has left is in nobody's way.
    std::fs::create_dir_all(place.path().join(".longer.worldwright-part/episodes")).unwrap();
    branched(&long, &first, &longer).unwrap();
    assert!(!place.path().join(".longer.worldwright-part").exists());
    finish(&long, &longer, true);
    finish(&long, &whole, false);
    assert_eq!(trace(&longer), trace(&whole));
}

#[test]
fn settings_may_change_where_what_was_learned_fits_them() {
    let place = tempfile::tempdir().unwrap();
    let [first, other] = ["first", "other"].map(|name| place.path().join(name));
    finish(&experiment(&["steps=400"]), &first, false);
    let before = trace(&first);
    let refused = |overrides: &[&str], words: &str| {
        let message = branched(&experiment(overrides), &first, &other).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
        assert!(!other.exists() && !place.path().join("other.part").exists());
    };
    refused(&["model=gp"], "does not fit these settings");
    refused(&["environment=mountain-car-continuous"], "a branch keeps its environment");

    let changed = experiment(&["steps=600", "planner.horizon=7", "agent.exploration_noise=0.1", "seed=9"]);
    branched(&changed, &first, &other).unwrap();
    assert!(branched(&changed, &first, &other).unwrap_err().to_string().contains("needs a new folder"));
    // One that is not finished is nothing to branch from.
    let message = branched(&changed, &other, &place.path().join("third")).unwrap_err().to_string();
    assert!(message.contains("has not finished"), "{message}");
    assert_eq!(finish(&changed, &other, true).real_steps, 600);
    assert_eq!(trace(&first), before);
}
