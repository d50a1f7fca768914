//! What runs ask for, and what they may.

use worldwright_runs::{Accounts, CheckpointEvery, Choices, Lists};

use crate::roles::{DREAMER, MUZERO, SAC};
use crate::tiny::{AtStep, GO_ON, completed, finish, run_saving};

/// A run of these choices and some more, in a folder of its own.
fn run(choices: &[&str], more: &[&str]) -> worldwright_runs::Summary {
    let place = tempfile::tempdir().unwrap();
    finish(&completed(&[choices, more].concat()), place.path(), false)
}

const SEA: [&str; 5] =
    ["environment=deep-sea", "environment.size=4", "steps=80", "evaluation.episodes=1", "algorithm=q-learning"];

#[test]
fn a_table_asks_for_steps_alone_and_one_that_plans_for_those_that_it_imagines() {
    let Accounts { resets, rewards, model_steps, gradients, regret, policy_bytes } = run(&SEA, &[]).accounts;
    assert_eq!((resets, rewards, model_steps, gradients), (20, 80, 0, 0), "20 episodes of 4 rows");
    // Whatever an episode earns, it is between −0.01 and 0.99.
    assert!(regret.is_some_and(|regret| regret > 0.0 && regret <= 20.0 + 1e-9), "{regret:?}");
    assert!(policy_bytes > 0);
    let dyna = run(&SEA, &["algorithm=dyna-q", "learner.planning_steps=7"]);
    assert_eq!(dyna.accounts.model_steps, 7 * 80);
    // By chance, nobody knows how much.
    assert_eq!(run(&SEA, &["environment.chance=true"]).accounts.regret, None);
}

#[test]
fn updates_are_counted_by_their_gradients() {
    // From step 60 on two updates a step, those of the first 60 among them: of critics, actor and temperature.
    let whole = run(&SAC, &["steps=100"]).accounts;
    assert_eq!((whole.gradients, whole.model_steps, whole.resets), (3 * 200, 0, 1));
    let dreamer = run(&DREAMER, &["steps=100"]).accounts;
    // A fifth of an update a step, of the model and of the policy in it: 5 starts by 4 steps.
    assert_eq!((dreamer.gradients, dreamer.model_steps), (2 * 20, 20 * 5 * 4));
    let muzero = run(&MUZERO, &["steps=100"]).accounts;
    assert!(muzero.gradients > 0 && muzero.model_steps > 0, "{muzero:?}");
}

#[test]
fn evaluation_is_no_part_of_what_learning_asks_for() {
    let [one, more] = [&["steps=200"][..], &["steps=200", "evaluation.episodes=3", "evaluation.interval=50"]]
        .map(|more| run(&MUZERO, more));
    assert_eq!(one.accounts, more.accounts);
}

#[test]
fn a_run_that_was_cut_has_asked_for_what_a_whole_one_has() {
    const OFTEN: CheckpointEvery = CheckpointEvery { steps: 30, secs: f64::INFINITY };
    for choices in [&SAC[..], &MUZERO] {
        let experiment = completed(&[choices, &["steps=200"]].concat());
        let place = tempfile::tempdir().unwrap();
        let [whole, cut] = ["whole", "cut"].map(|name| place.path().join(name));
        let whole = finish(&experiment, &whole, false);
        let mut kill = AtStep { step: 130, interrupt: None };
        run_saving(OFTEN, &Lists, &experiment, &cut, false, &GO_ON, vec![&mut kill]).unwrap_err();
        assert_eq!(finish(&experiment, &cut, true).accounts, whole.accounts, "{}", choices[1]);
    }
}

#[test]
fn a_budget_that_is_spent_ends_the_run_as_its_last_step_does() {
    for (budget, step) in [("budget.gradients=330", 62), ("budget.rewards=100", 101), ("budget.resets=1", 2)] {
        let summary = run(&SAC, &[budget]);
        let key = budget.split('=').next().unwrap();
        assert!(
            summary.notes.iter().any(|note| note.contains(key) && note.contains("is spent")),
            "{:?}",
            summary.notes
        );
        assert!(summary.real_steps.abs_diff(step) <= 1, "{budget}: {} steps", summary.real_steps);
        assert_eq!(summary.returns.len(), 1, "it is evaluated all the same");
    }
    // Of several environments at once, each takes its last step.
    let several = run(&SAC, &["budget.gradients=330", "environment.count=3"]);
    assert_eq!(several.real_steps % 3, 0);
    assert!(several.real_steps < 100, "{} steps", several.real_steps);
    let experiment = completed(&[&SAC[..], &["budget.policy_bytes=100"]].concat());
    let place = tempfile::tempdir().unwrap();
    let error = crate::tiny::run(&Lists, &experiment, &place.path().join("run"), false, &GO_ON, vec![]).unwrap_err();
    assert!(error.to_string().contains("budget.policy_bytes"), "{error}");
    let slip = Choices::new().assign("budget.gradient=3").unwrap_err().to_string();
    assert!(slip.contains("did you mean 'budget.gradients'?"), "{slip}");
}
