//! The tabular learners against exact values, known numbers, and what all of them keep to.

use std::collections::BTreeMap;

use worldwright_core::{Rng, Setting, Settings, find};
use worldwright_finite::online::{ALL, LearnerContext, TabularLearner, Transition};
use worldwright_finite::{Mdp, MdpBuilder, Stop, Sweep, value_iteration};
use worldwright_testkit::tabular::Process;

/// A learner of the list at two places.
pub(crate) fn learner(
    name: &str,
    actions: usize,
    discount: f64,
    settings: &[(&str, Setting)],
) -> Box<dyn TabularLearner> {
    let entry = find(ALL, "learner", name).unwrap();
    let given: BTreeMap<String, Setting> =
        settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let settings = Settings::resolve(name, entry.parameters, &given).unwrap();
    (entry.build)(&LearnerContext { actions, discount, places: 2 }, &settings).unwrap()
}

/// An episode of `most` steps from `start`, what was paid in each; `world` gives reward and next state (none ends). It learns where it explores.
pub(crate) fn episode(
    learner: &mut dyn TabularLearner,
    start: usize,
    most: usize,
    explore: bool,
    rng: &mut Rng,
    mut world: impl FnMut(usize, usize, &mut Rng) -> (f64, Option<usize>),
) -> Vec<f64> {
    let (mut state, mut paid) = (start, Vec::new());
    learner.begin(0);
    while paid.len() < most {
        let action = learner.choose(0, state, explore, rng).unwrap();
        let (reward, next) = world(state, action, rng);
        paid.push(reward);
        if explore {
            let truncated = next.is_some() && paid.len() == most;
            learner.learn(0, &Transition { state, action, reward, next, truncated }, rng).unwrap();
        }
        match next {
            Some(next) => state = next,
            None => break,
        }
    }
    paid
}

const FLOAT: fn(f64) -> Setting = Setting::Float;

/// A ring of five states, two actions: on with probability 0.8 (else back) or back; paid by the state that is left; leaving state 4 onwards
/// ends with a third.
fn ring(state: usize, action: usize, rng: &mut Rng) -> (f64, Option<usize>) {
    let on = (rng.uniform() < 0.8) == (action == 0);
    if on && state == 4 && rng.uniform() < 1.0 / 3.0 {
        return (2.0, None);
    }
    (0.5 * state as f64 - 1.0, Some(if on { (state + 1) % 5 } else { (state + 4) % 5 }))
}

/// The same as a process: of the actions, or of the mixture of both with the weights of a policy for each state.
fn ring_process(discount: f64, policy: Option<&dyn Fn(usize) -> [f64; 2]>) -> Mdp {
    let mut builder = MdpBuilder::new(discount);
    for state in 0..5 {
        builder.state();
        let plans = policy.map_or(vec![[1.0, 0.0], [0.0, 1.0]], |policy| vec![policy(state)]);
        for weights in plans {
            builder.action();
            for (action, weight) in weights.into_iter().enumerate() {
                let on = if action == 0 { 0.8 } else { 0.2 };
                let (paid, ends) = (0.5 * state as f64 - 1.0, if state == 4 { on / 3.0 } else { 0.0 });
                builder.outcome(weight * ends, 2.0, None);
                builder.outcome(weight * (on - ends), paid, Some((state + 1) % 5));
                builder.outcome(weight * (1.0 - on), paid, Some((state + 4) % 5));
            }
        }
    }
    builder.build().unwrap()
}

fn optimal(mdp: &Mdp) -> Vec<f64> {
    value_iteration(mdp, Sweep::Synchronous, &Stop::default()).unwrap().values
}

/// Learns on the ring in episodes cut at 20 steps; action values by state.
fn learned_on_the_ring(name: &str, settings: &[(&str, Setting)], steps: usize) -> Vec<Vec<f64>> {
    let (mut learner, mut rng) = (learner(name, 2, 0.9, settings), Rng::new(8));
    let mut taken = 0;
    while taken < steps {
        let start = rng.below(5) as usize;
        taken += episode(learner.as_mut(), start, 20, true, &mut rng, ring).len();
    }
    (0..5).map(|state| learner.action_values(state).unwrap()).collect()
}

/// Off the policy, everything learns the optimal values: what follows a cut is worth as much as elsewhere, what follows an end nothing.
#[test]
fn off_policy_learners_find_the_optimal_values() {
    let mdp = ring_process(0.9, None);
    let values = optimal(&mdp);
    let sampled = [("epsilon", FLOAT(0.5)), ("step_size", FLOAT(1.0)), ("step_size_power", FLOAT(0.6))];
    let counted = [("epsilon", FLOAT(0.5)), ("step_size", FLOAT(1.0)), ("counts", Setting::Bool(true))];
    let dyna = [&sampled[..], &counted[2..]].concat();
    for (name, settings, near) in [
        ("q-learning", &sampled[..], 0.1),
        ("tree-backup", &sampled[..], 0.1),
        ("double-q-learning", &sampled[..], 0.1),
        ("dyna-q", &dyna[..], 0.1),
        ("prioritised-sweeping", &counted[..], 0.1),
    ] {
        let found = learned_on_the_ring(name, settings, 200_000);
        for state in 0..5 {
            for action in 0..2 {
                let (is, must) = (found[state][action], mdp.action_value(state, action, &values));
                assert!((is - must).abs() < near, "{name}: {is} for action {action} of state {state}, not {must}");
            }
        }
    }
}

/// On the policy, values are those of the ε-greedy policy itself: solved exactly by iterating it and its evaluation.
#[test]
fn on_policy_learners_find_the_values_of_what_they_do() {
    let epsilon = 0.3;
    let mdp = ring_process(0.9, None);
    let (mut values, mut greedy) = (vec![0.0; 5], vec![0; 5]);
    for _ in 0..20 {
        let policy = |state: usize| {
            let mut weights = [epsilon / 2.0; 2];
            weights[greedy[state]] += 1.0 - epsilon;
            weights
        };
        values = optimal(&ring_process(0.9, Some(&policy)));
        greedy = (0..5)
            .map(|state| usize::from(mdp.action_value(state, 1, &values) > mdp.action_value(state, 0, &values)))
            .collect();
    }
    let settings = [("epsilon", FLOAT(epsilon)), ("step_size", FLOAT(1.0)), ("step_size_power", FLOAT(0.6))];
    for (name, near) in [("sarsa", 0.08), ("expected-sarsa", 0.05), ("n-step-sarsa", 0.12)] {
        let found = learned_on_the_ring(name, &settings, 400_000);
        for state in 0..5 {
            for action in 0..2 {
                let (is, must) = (found[state][action], mdp.action_value(state, action, &values));
                assert!((is - must).abs() < near, "{name}: {is} for action {action} of state {state}, not {must}");
            }
        }
    }
}

/// The cliff of Sutton and Barto's example 6.6: 4 × 12, start and goal in the lower corners, −100 and back to the start from between.
fn cliff(state: usize, action: usize, _rng: &mut Rng) -> (f64, Option<usize>) {
    let (row, column) = (state / 12, state % 12);
    let (row, column) = match action {
        0 => (row.saturating_sub(1), column),
        1 => (row, (column + 1).min(11)),
        2 => ((row + 1).min(3), column),
        _ => (row, column.saturating_sub(1)),
    };
    match (row, column) {
        (3, 11) => (-1.0, None),
        (3, 1..=10) => (-100.0, Some(36)),
        _ => (-1.0, Some(row * 12 + column)),
    }
}

/// Mean return of the last hundred of 500 exploring episodes, and the greedy return, over 30 runs.
fn on_the_cliff(name: &str) -> (f64, f64) {
    let (mut online, mut greedy) = (0.0, 0.0);
    for run in 0..30 {
        let mut learner = learner(name, 4, 1.0, &[("step_size", FLOAT(0.5))]);
        let mut rng = Rng::new(run);
        for i in 0..500 {
            let paid: f64 = episode(learner.as_mut(), 36, 100_000, true, &mut rng, cliff).iter().sum();
            online += if i >= 400 { paid / 3000.0 } else { 0.0 };
        }
        greedy += episode(learner.as_mut(), 36, 200, false, &mut rng, cliff).iter().sum::<f64>() / 30.0;
    }
    (online, greedy)
}

#[test]
fn sarsa_keeps_off_the_cliff_and_q_learning_walks_its_edge() {
    let (q_online, q_greedy) = on_the_cliff("q-learning");
    let (sarsa_online, _) = on_the_cliff("sarsa");
    let (expected_online, expected_greedy) = on_the_cliff("expected-sarsa");
    println!(
        "cliff, online (greedy): q-learning {q_online:.1} ({q_greedy:.1}), sarsa {sarsa_online:.1}, expected {expected_online:.1} ({expected_greedy:.1})"
    );
    assert!((q_greedy + 13.0).abs() < 1e-9, "the edge is 13 steps long, not {q_greedy}");
    assert!((-60.0..-40.0).contains(&q_online), "{q_online}");
    assert!((-32.0..-20.0).contains(&sarsa_online), "{sarsa_online}");
    // One row off the edge is 15 steps long, along the top 17.
    assert!(
        (-17.5..=-15.0).contains(&expected_greedy) && expected_online > -25.0,
        "{expected_greedy}, {expected_online}"
    );
}

/// With noisy rewards behind the wrong action, Q-learning takes noise for value and the double table does not (Sutton and Barto, figure 6.5).
#[test]
fn two_tables_do_not_take_noise_for_value() {
    // State 0: action 0 ends, paid nothing; others lead to state 1, whose ten actions end, paid N(−0.1, 1).
    let world = |state: usize, action: usize, rng: &mut Rng| match (state, action) {
        (0, 0) => (0.0, None),
        (0, _) => (0.0, Some(1)),
        _ => (rng.normal() - 0.1, None),
    };
    let wrong = |name: &str| {
        let mut count = 0.0;
        for run in 0..300 {
            let (mut learner, mut rng) = (learner(name, 2, 1.0, &[]), Rng::new(run));
            let mut wide = Vec::new();
            for _ in 0..100 {
                wide.push(episode(learner.as_mut(), 0, 100, true, &mut rng, world).len() == 2);
            }
            count += wide.iter().filter(|wrong| **wrong).count() as f64 / 300.0;
        }
        count
    };
    let (single, double) = (wrong("q-learning"), wrong("double-q-learning"));
    println!("wrong choices in 100 episodes: {single:.1} with one table, {double:.1} with two");
    assert!(double < 0.8 * single, "{double} against {single}");
}

/// Blocking maze of Sutton and Barto's figure 8.4: the short way closes after 1,000 steps and a long one opens; the bonus finds it sooner.
#[test]
fn what_was_not_tried_for_long_is_tried_again() {
    let world = |open: usize| {
        move |state: usize, action: usize, _: &mut Rng| {
            let (row, column) = (state / 9, state % 9);
            let (to_row, to_column) = match action {
                0 => (row.saturating_sub(1), column),
                1 => ((row + 1).min(5), column),
                2 => (row, column.saturating_sub(1)),
                _ => (row, (column + 1).min(8)),
            };
            if to_row == 3 && to_column != open {
                return (0.0, Some(state));
            }
            if (to_row, to_column) == (0, 8) { (1.0, None) } else { (0.0, Some(to_row * 9 + to_column)) }
        }
    };
    let goals = |name: &str| {
        let settings = [("planning_steps", Setting::Integer(10)), ("step_size", FLOAT(0.5))];
        let mut count = 0.0;
        for run in 0..20 {
            let (mut learner, mut rng) = (learner(name, 4, 0.95, &settings), Rng::new(run));
            let mut state = 48;
            for step in 0..3000 {
                let action = learner.choose(0, state, true, &mut rng).unwrap();
                let (reward, next) = world(if step < 1000 { 8 } else { 0 })(state, action, &mut rng);
                learner.learn(0, &Transition { state, action, reward, next, truncated: false }, &mut rng).unwrap();
                state = next.unwrap_or(48);
                count += if step >= 1000 { reward / 20.0 } else { 0.0 };
            }
        }
        count
    };
    let (plain, bonus) = (goals("dyna-q"), goals("dyna-q+"));
    println!("goals in 2,000 steps behind the change: dyna-q {plain:.1}, dyna-q+ {bonus:.1}");
    assert!(bonus > 1.1 * plain, "{bonus} against {plain}");
}

/// Saved in the middle of an episode and restored, each goes on to the same bytes; a damaged state is refused.
#[test]
fn every_learner_goes_on_where_it_was_cut() {
    let lake = Process::frozen_lake();
    let world = |state: usize, action: usize, rng: &mut Rng| {
        let ways = &lake.branches[state][action];
        let mut left = rng.uniform();
        let way = ways.iter().find(|(chance, ..)| {
            left -= chance;
            left < 0.0
        });
        let (_, next, reward) = way.unwrap_or(&ways[0]);
        let ends = next.is_none_or(|next| lake.branches[next][0][0].1.is_none());
        (*reward, next.filter(|_| !ends))
    };
    for entry in ALL {
        let (mut first, mut second) = (learner(entry.name, 4, 0.9, &[]), learner(entry.name, 4, 0.9, &[]));
        let (mut rng, mut other) = (Rng::new(1), Rng::new(1));
        let mut state = 0;
        first.begin(0);
        for step in 0..900 {
            if step == 503 {
                second.restore(&first.save()).unwrap();
                second.restore_episode(0, &first.save_episode(0)).unwrap();
                other = rng.clone();
            }
            let action = first.choose(0, state, true, &mut rng).unwrap();
            let (reward, next) = world(state, action, &mut rng);
            let transition = Transition { state, action, reward, next, truncated: step % 50 == 0 && next.is_some() };
            first.learn(0, &transition, &mut rng).unwrap();
            if step >= 503 {
                assert_eq!(second.choose(0, state, true, &mut other).unwrap(), action, "{}: step {step}", entry.name);
                world(state, action, &mut other);
                second.learn(0, &transition, &mut other).unwrap();
            }
            state = next.filter(|_| !transition.truncated).unwrap_or(0);
            if transition.ends() {
                first.begin(0);
                second.begin(0);
            }
        }
        assert_eq!(first.save(), second.save(), "{}", entry.name);
        assert_eq!(first.save_episode(0), second.save_episode(0), "{}", entry.name);
        let mut broken = worldwright_core::State::new();
        first.save().iter().skip(1).for_each(|(name, array)| broken.put(name, array.clone()));
        assert!(second.restore(&broken).is_err(), "{}: a state that lacks something is refused", entry.name);
    }
}

/// Tables grow with what is met, and are refused before they would take more than there is.
#[test]
fn a_table_that_would_not_fit_is_refused() {
    for name in ["q-learning", "dyna-q+", "r-max"] {
        let mut learner = learner(name, 100_000, 0.9, &[]);
        let mut rng = Rng::new(0);
        let far = Transition { state: 1_000_000, action: 1, reward: 0.0, next: Some(0), truncated: false };
        let refused = learner.learn(0, &far, &mut rng).unwrap_err().to_string();
        assert!(refused.contains("states seen") && refused.contains("take less"), "{name}: {refused}");
    }
}
