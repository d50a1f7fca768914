//! How long actions are held where nobody says it: found at the start, kept with the run, and never where somebody said it.

use std::sync::atomic::{AtomicUsize, Ordering};

use worldwright_core::{Agent, Interrupt, Result, Setting};
use worldwright_envs::Made;
use worldwright_runs::{Experiment, Lists, Outcome, RunFolder, Workshop, branch, collect};

use crate::tiny::{AtStep, GO_ON, completed, finish, run, trace};

/// Acts at random most of the time and then by small plans, so that a run takes a second.
const QUICK: [&str; 9] = [
    "environment=dmc-pendulum-swingup",
    "steps=1500",
    "agent.updates_per_step=0.1",
    "agent.curious=false",
    "model.epochs=1",
    "planner.population=4",
    "planner.elites=2",
    "planner.iterations=1",
    "evaluation.episodes=1",
];

fn quick(more: &[&str]) -> Experiment {
    completed(&[&QUICK[..], more].concat())
}

fn held(folder: &std::path::Path) -> (Option<Setting>, u64) {
    let folder = RunFolder::new(folder);
    let text = std::fs::read_to_string(folder.config()).unwrap();
    let experiment = Experiment::from_toml(&text, "config").unwrap();
    (experiment.environment.settings.get("action_repeat").cloned(), experiment.steps)
}

#[test]
fn a_slow_world_is_acted_in_slowly_and_a_cut_run_goes_on_at_its_pace() {
    let place = tempfile::tempdir().unwrap();
    let [whole, cut] = ["whole", "cut"].map(|name| place.path().join(name));
    let summary = finish(&quick(&[]), &whole, false);
    // A swing of dm_control's pendulum takes some hundred steps; 300 of the 1,500 were taken to see that.
    assert_eq!(held(&whole), (Some(Setting::Integer(4)), 300));
    assert_eq!(summary.real_steps, 300);
    // What the search asked of the world is accounted for: told its pace, the same run asked for so much less.
    let told = quick(&["environment.action_repeat=4", "steps=300"]);
    let told = finish(&told, &place.path().join("told"), false).accounts;
    assert_eq!((summary.accounts.resets, summary.accounts.rewards), (told.resets + 3, told.rewards + 300));
    let interrupt = Interrupt::new();
    let mut observer = AtStep { step: 170, interrupt: Some(&interrupt) };
    let outcome = run(&Lists, &quick(&[]), &cut, false, &interrupt, vec![&mut observer]).unwrap();
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    for (steps, decisions) in [("steps=1504", "is now 301"), ("steps=1200", "is now 225")] {
        let other = run(&Lists, &quick(&[steps]), &cut, true, &GO_ON, Vec::new()).unwrap_err();
        assert!(other.to_string().contains(&format!("steps: was 300, {decisions}")), "{other}");
        assert!(!other.to_string().contains("because"), "{other}");
    }
    finish(&quick(&[]), &cut, true);
    assert_eq!(trace(&cut), trace(&whole));

    // What it experienced is of that pace, and so is whatever begins with it or goes on from it.
    let data = format!("data={}", whole.display());
    let begun = completed(&["environment=dmc-pendulum-swingup", "steps=50", &data]);
    assert_eq!(begun.environment.settings["action_repeat"], Setting::Integer(4));
    let other = completed(&["environment=dmc-pendulum-swingup", "environment.action_repeat=2", "steps=50", &data]);
    let refused = run(&Lists, &other, &place.path().join("other"), false, &GO_ON, Vec::new()).unwrap_err().to_string();
    assert!(refused.contains("takes as long as 2 of dmc-pendulum-swingup do here"), "{refused}");
    let branched = place.path().join("branched");
    branch(&Lists, &quick(&["steps=1700"]), &RunFolder::new(&whole), &RunFolder::new(&branched)).unwrap();
    assert_eq!(held(&branched), (Some(Setting::Integer(4)), 350));
}

/// Whatever wrote them, and whatever made its steps long.
#[test]
fn collected_episodes_are_gone_on_from_at_their_pace() {
    let place = tempfile::tempdir().unwrap();
    for (name, settings, repeat) in
        [("three", &["environment.action_repeat=3"][..], 3), ("one", &["environment.action_repeat=1"], 1)]
    {
        let out = place.path().join(name);
        let recorder = completed(&[&["environment=dmc-cartpole-swingup", "algorithm=sac"][..], settings].concat());
        collect(&mut Lists.environment(&recorder).unwrap(), &mut [], None, (40, 0), &out, &GO_ON).unwrap();
        // The preset's is 4.
        let data = format!("data={}", out.display());
        let begun = completed(&["environment=dmc-cartpole-swingup", "steps=50", &data]);
        assert_eq!(begun.environment.settings["action_repeat"], Setting::Integer(repeat));
    }
}

#[test]
fn nothing_is_found_where_somebody_said_it_or_a_moment_decides() {
    for said in [
        &["environment.action_repeat=1"][..],
        &["algorithm=loop"],
        &["budget.resets=1000"],
        &["steps=1000"],
        &["planner.horizon=9"],
        &["agent.initial_steps=100"],
        &["environment.episode_steps=400"],
        // A preset says it, and so does who names the setting.
        &["environment=dmc-cartpole-swingup"],
    ] {
        assert!(!quick(said).finds_action_repeat, "{said:?}");
    }
    let place = tempfile::tempdir().unwrap();
    finish(&quick(&["environment=cartpole", "model.holdout=0.5"]), &place.path().join("pole"), false);
    let (repeat, steps) = held(&place.path().join("pole"));
    // The pole falls in one or two dozen steps.
    assert_eq!((repeat, steps), (Some(Setting::Integer(1)), 1500));
}

/// Counts the instances that it makes.
struct Counting(AtomicUsize);

impl Workshop for Counting {
    fn environment(&self, experiment: &Experiment) -> Result<Made> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Lists.environment(experiment)
    }

    fn agent(&self, experiment: &Experiment, made: &Made, interrupt: &Interrupt) -> Result<Box<dyn Agent>> {
        Lists.agent(experiment, made, interrupt)
    }
}

/// The search steps an instance of its own, which is the second one that is made.
#[test]
fn a_wrong_setting_is_refused_before_the_search_acts() {
    let place = tempfile::tempdir().unwrap();
    let workshop = Counting(AtomicUsize::new(0));
    let wrong = quick(&["planner.tolerance=-1.0"]);
    assert!(wrong.finds_action_repeat);
    let refused = run(&workshop, &wrong, &place.path().join("run"), false, &GO_ON, Vec::new()).unwrap_err().to_string();
    assert!(refused.contains("planner.tolerance"), "{refused}");
    assert_eq!(workshop.0.load(Ordering::Relaxed), 1);
}
