//! Algorithms of every kind of role, each from its experiment to its bundle.

use std::path::Path;

use worldwright_core::Interrupt;
use worldwright_runs::{
    CheckpointEvery, EvaluationOptions, Event, Experiment, Lists, Observer, RunFolder, evaluate, load_bundle,
};

use crate::tiny::{AtStep, GO_ON, completed, finish, finished, run, run_saving, trace};

pub(crate) const SAC: [&str; 8] = [
    "environment=pendulum",
    "algorithm=sac",
    "policy.batch=8",
    "policy.hidden=[8]",
    "agent.initial_steps=60",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// Deterministic actors, and critics with all that can be asked of them.
const TD3: [&str; 13] = [
    "environment=pendulum",
    "algorithm=td3",
    "policy.batch=8",
    "policy.hidden=[8]",
    "policy.critics=3",
    "policy.target_critics=2",
    "policy.layer_norm=true",
    "policy.dropout=0.1",
    "policy.reset_every=300",
    "agent.initial_steps=60",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// Values of choices, by returns of several steps that are drawn by their error.
const DQN: [&str; 11] = [
    "environment=cartpole",
    "algorithm=dqn",
    "policy.batch=8",
    "policy.hidden=[8]",
    "policy.return_steps=3",
    "policy.priority=0.6",
    "policy.exploration_steps=200",
    "agent.initial_steps=60",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// Goals told anew.
const HER: [&str; 10] = [
    "environment=bit-flipping",
    "environment.bits=6",
    "algorithm=her",
    "policy=dqn",
    "policy.batch=8",
    "policy.hidden=[8]",
    "agent.initial_steps=60",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// A tree within the network.
const TREEQN: [&str; 9] = [
    "environment=cartpole",
    "algorithm=treeqn",
    "policy.batch=8",
    "policy.hidden=[8]",
    "agent.initial_steps=60",
    "agent.updates_per_step=0.5",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// What was done on the way to a goal.
const GCSL: [&str; 9] = [
    "environment=bit-flipping",
    "environment.bits=6",
    "algorithm=gcsl",
    "policy.batch=8",
    "policy.hidden=[8]",
    "agent.initial_steps=60",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// A distribution over a policy's numbers.
const REPS: [&str; 6] =
    ["environment=cartpole", "algorithm=reps", "agent.population=6", "steps=500", "evaluation.episodes=1", "seed=3"];

/// The same with a countdown, which is planned.
const TDM: [&str; 11] = [
    "environment=bit-flipping",
    "environment.bits=6",
    "algorithm=tdm",
    "policy=dqn",
    "policy.batch=8",
    "policy.hidden=[8]",
    "agent.horizon=5",
    "agent.initial_steps=60",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// A policy that a planner teaches where it goes.
const DAGGER: [&str; 11] = [
    "environment=pendulum",
    "algorithm=dagger",
    "planner.population=8",
    "planner.iterations=2",
    "planner.horizon=6",
    "policy.batch=8",
    "policy.hidden=[8]",
    "agent.initial_steps=60",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// Plans that end in learned values.
const POLO: [&str; 11] = [
    "environment=pendulum",
    "algorithm=polo",
    "planner.population=8",
    "planner.iterations=2",
    "planner.horizon=6",
    "policy.batch=8",
    "policy.hidden=[8]",
    "agent.initial_steps=60",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// Plans that begin from a policy which imitates them, some of them of stored steps, and where values are in doubt alone.
const BMPC: [&str; 15] = [
    "environment=pendulum",
    "algorithm=bmpc",
    "model=known",
    "planner.population=8",
    "planner.iterations=2",
    "planner.horizon=6",
    "policy.batch=8",
    "policy.hidden=[8]",
    "value.batch=8",
    "value.hidden=[8]",
    "agent.initial_steps=60",
    "agent.planned_share=0.5",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// A planner that keeps near the policy which it teaches.
const GPS: [&str; 11] = [
    "environment=pendulum",
    "algorithm=gps",
    "planner.iterations=2",
    "planner.horizon=6",
    "planner.difference=0.02",
    "policy.batch=8",
    "policy.hidden=[8]",
    "agent.initial_steps=60",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// A policy that practises in a model.
const MB_PPO: [&str; 12] = [
    "environment=pendulum",
    "algorithm=mb-ppo",
    "model.hidden=[8]",
    "model.epochs=3",
    "policy.hidden=[8]",
    "policy.rollout_steps=32",
    "agent.initial_steps=60",
    "agent.imagined_steps=4",
    "agent.practice_updates=5",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// Critics that look ahead in a model, of what it imagines itself.
const DHMBPO: [&str; 14] = [
    "environment=pendulum",
    "algorithm=dhmbpo",
    "model.hidden=[8]",
    "model.epochs=3",
    "policy.batch=8",
    "policy.hidden=[8]",
    "agent.initial_steps=60",
    "agent.updates_per_step=1",
    "agent.branches=8",
    "agent.imagined_steps=4",
    "agent.expanded=16",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

pub(crate) const DREAMER: [&str; 15] = [
    "environment=pendulum",
    "algorithm=dreamer",
    "model.batch=3",
    "model.length=6",
    "model.recurrent=12",
    "model.hidden=12",
    "policy.starts=5",
    "policy.horizon=4",
    "policy.hidden=[8]",
    "agent.initial_steps=60",
    "agent.updates_per_step=0.2",
    "steps=500",
    "evaluation.episodes=1",
    "evaluation.interval=200",
    "seed=3",
];

pub(crate) const MUZERO: [&str; 13] = [
    "environment=cartpole",
    "algorithm=muzero",
    "model.batch=8",
    "model.latent=16",
    "model.hidden=16",
    "planner.simulations=4",
    "agent.initial_steps=60",
    "agent.updates_per_step=0.2",
    "agent.random_choices=0.1",
    "environment.episode_steps=100",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

const PLANET: [&str; 16] = [
    "environment=pendulum",
    "algorithm=planet",
    "model.batch=3",
    "model.length=6",
    "model.recurrent=12",
    "model.hidden=12",
    "planner.population=8",
    "planner.elites=3",
    "planner.iterations=2",
    "planner.horizon=4",
    "agent.initial_steps=60",
    "agent.updates_per_step=0.2",
    "steps=500",
    "evaluation.episodes=1",
    "evaluation.interval=200",
    "seed=3",
];

const TDMPC2: [&str; 14] = [
    "environment=pendulum",
    "algorithm=tdmpc2",
    "model.batch=8",
    "model.latent=16",
    "model.hidden=16",
    "model.critics=2",
    "planner.population=8",
    "planner.iterations=2",
    "planner.horizon=3",
    "agent.initial_steps=60",
    "agent.updates_per_step=0.2",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// Derivatives through a model, with a critic behind.
const SVG: [&str; 14] = [
    "environment=pendulum",
    "algorithm=svg",
    "model.hidden=[8]",
    "model.epochs=2",
    "policy.batch=8",
    "policy.hidden=[8]",
    "agent.trajectories=4",
    "agent.horizon=2",
    "agent.fit_every=200",
    "agent.initial_steps=60",
    "agent.updates_per_step=0.2",
    "steps=500",
    "evaluation.episodes=1",
    "seed=3",
];

/// Those whose runs are cut, and whose bundles act.
const POLICIES: [&[&str]; 19] = [
    &SAC, &TD3, &DQN, &TREEQN, &HER, &TDM, &GCSL, &REPS, &DAGGER, &POLO, &BMPC, &GPS, &DHMBPO, &MB_PPO, &DREAMER,
    &PLANET, &TDMPC2, &MUZERO, &SVG,
];

#[test]
fn a_cut_run_of_a_policy_goes_on_as_if_it_had_not_been() {
    const OFTEN: CheckpointEvery = CheckpointEvery { steps: 70, secs: f64::INFINITY };
    for choices in POLICIES {
        let experiment = completed(choices);
        let place = tempfile::tempdir().unwrap();
        let [whole, cut] = ["whole", "cut"].map(|name| place.path().join(name));
        finish(&experiment, &whole, false);
        for (step, resume) in [(30, false), (130, true), (333, true)] {
            let mut kill = AtStep { step, interrupt: None };
            run_saving(OFTEN, &Lists, &experiment, &cut, resume, &GO_ON, vec![&mut kill]).unwrap_err();
        }
        finish(&experiment, &cut, true);
        assert_eq!(trace(&cut), trace(&whole), "{}", choices[1]);
    }
}

#[test]
fn a_bundle_of_a_policy_acts_as_the_run_evaluated_it() {
    for choices in POLICIES {
        let place = tempfile::tempdir().unwrap();
        let summary = finish(&completed(choices), place.path(), false);
        let mut loaded = load_bundle(&Lists, place.path(), &GO_ON).unwrap();
        let options = EvaluationOptions {
            episodes: 1,
            seed: 3,
            picture: false,
            step_limit: 1000,
            share_from: EvaluationOptions::SHARE_FROM,
        };
        let environment = loaded.made.environment.as_mut();
        let again =
            evaluate(loaded.agent.as_mut(), environment, &mut || Ok(None), &options, &mut |_, _| Ok(true)).unwrap();
        assert_eq!(again.returns(), summary.returns, "{}", choices[1]);
        assert!(std::fs::read_to_string(place.path().join("report.html")).unwrap().contains(&summary.algorithm));
        // What a model does not predict is left out, and no word is lost on it.
        assert!(!summary.notes.iter().any(|note| note.contains("not all of the model")), "{:?}", summary.notes);
    }
}

/// Random episodes of the pendulum.
fn recorded(place: &Path) -> String {
    let experiment = completed(&["environment=pendulum", "algorithm=mpc", "planner.population=8", "steps=400"]);
    finish(&experiment, place, false);
    place.display().to_string()
}

fn cloning(data: &str, more: &[&str]) -> Experiment {
    let data = format!("data={data}");
    let choices = ["algorithm=bc", "policy.batch=16", "policy.hidden=[16]", "updates=250", "evaluation.episodes=1"];
    completed(&[&choices[..], &[data.as_str()], more].concat())
}

#[test]
fn recorded_episodes_alone_are_enough_to_learn_from() {
    let place = tempfile::tempdir().unwrap();
    let data = recorded(&place.path().join("data"));
    let folder = place.path().join("clone");
    let summary = finish(&cloning(&data, &[]), &folder, false);
    assert_eq!((summary.updates, summary.real_steps, summary.returns.len()), (250, 0, 0));
    let rows = RunFolder::new(&folder).read_metrics().unwrap();
    let losses: Vec<f64> = rows.iter().filter_map(|row| row["imitation_loss"].as_f64()).collect();
    assert_eq!(losses.len(), 2);
    assert!(losses[1] < losses[0], "{losses:?}");
    // The bundle acts where the data are no more.
    std::fs::remove_dir_all(&data).unwrap();
    let mut loaded = load_bundle(&Lists, &folder, &GO_ON).unwrap();
    let mut made = worldwright_envs::make("pendulum", &Default::default()).unwrap();
    let options = EvaluationOptions {
        episodes: 1,
        seed: 3,
        picture: false,
        step_limit: 1000,
        share_from: EvaluationOptions::SHARE_FROM,
    };
    let done =
        evaluate(loaded.agent.as_mut(), made.environment.as_mut(), &mut || Ok(None), &options, &mut |_, _| Ok(true))
            .unwrap();
    assert!(done.return_mean().is_finite());
    // It has nowhere to act of its own.
    let error = loaded.made.environment.reset(0).unwrap_err().to_string();
    assert!(error.contains("name the environment"), "{error}");
}

#[test]
fn with_the_environment_named_what_was_learned_from_them_is_evaluated() {
    let place = tempfile::tempdir().unwrap();
    let data = recorded(&place.path().join("data"));
    let summary = finish(&cloning(&data, &["environment=pendulum"]), &place.path().join("clone"), false);
    assert_eq!((summary.real_steps, summary.returns.len()), (0, 1));
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
fn updates_on_recorded_episodes_go_on_where_they_were_cut() {
    let place = tempfile::tempdir().unwrap();
    let data = recorded(&place.path().join("data"));
    let [whole, cut] = ["whole", "cut"].map(|name| place.path().join(name));
    // First of these, then of what it does.
    let then = ["environment=pendulum", "algorithm=sac", "steps=300", "agent.initial_steps=10"];
    let experiment = cloning(&data, &then);
    finish(&experiment, &whole, false);
    let interrupt = Interrupt::new();
    let mut stop = AtUpdate(77, &interrupt);
    run(&Lists, &experiment, &cut, false, &interrupt, vec![&mut stop]).unwrap();
    let summary = finished(run(&Lists, &experiment, &cut, true, &GO_ON, Vec::new()).unwrap());
    assert_eq!((summary.updates, summary.real_steps), (250, 300));
    assert_eq!(trace(&cut), trace(&whole));
}

#[test]
fn runs_that_could_learn_nothing_are_refused() {
    use worldwright_runs::Choices;
    let place = tempfile::tempdir().unwrap();
    let data = format!("data={}", recorded(&place.path().join("data")));
    let refused: [(&[&str], &str); 9] = [
        (&["environment=pendulum", "algorithm=bc"], "--data"),
        (&["environment=pendulum", "steps=0"], "at least 1"),
        (&["environment=pendulum", "updates=5"], "recorded episodes"),
        (&["environment=pendulum", "algorithm=ppo", &data], "its own steps alone"),
        (&["environment=pendulum", "algorithm=cma-es", &data], "its own steps alone"),
        (&[&data, "steps=5"], "need an environment"),
        (&[&data, "environment=pendulum", "algorithm=bc", "steps=5"], "learns nothing"),
        (&[&data, "algorithm=bc", "updates=0"], "at least 1"),
        (&["algorithm=bc"], "data=PATH"),
    ];
    for (choices, words) in refused {
        let choices = choices.iter().try_fold(Choices::new(), |choices, one| choices.assign(one)).unwrap();
        let error = Lists.resolve(&choices).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
