//! Deterministic actors against optima and values in closed form.

use worldwright_core::{Batch, Columns, Interrupt, Mode, Rng, Setting, Space};
use worldwright_policies::LearnedPolicy;

use crate::told::{Row, policy, told};

/// A small learner that is quick.
fn small() -> Vec<(&'static str, Setting)> {
    vec![("hidden", Setting::Numbers(vec![32.0, 32.0])), ("batch", Setting::Integer(64))]
}

/// A policy that has learned from these rows, whose one observation is a number.
fn learned(
    (space, discount): (&Space, f64),
    rows: impl IntoIterator<Item = Row>,
    settings: &[(&'static str, Setting)],
    updates: usize,
) -> Box<dyn LearnedPolicy> {
    let (told, rng) = (told([1, space.flat_dim()], rows), &mut Rng::new(6));
    let mut policy = policy("td3", 1, space, discount, &[&small(), settings].concat()).unwrap();
    for _ in 0..updates {
        policy.update(&told, rng, &Interrupt::never()).unwrap();
    }
    policy
}

fn at(policy: &mut dyn LearnedPolicy, seen: f64, width: usize) -> (Vec<f64>, f64) {
    let (seen, mut out, mut value) = ([seen], Batch::zeros(width, 1), [0.0]);
    let seen = Columns::new(&seen, 1, 1).unwrap();
    policy.act(seen, Mode::Exploit, &mut Rng::new(1), &mut out).unwrap();
    policy.value(seen, &mut value).unwrap();
    let mut action = vec![0.0; width];
    out.columns().copy_row(0, &mut action);
    (action, value[0])
}

/// One step and the end with reward `−(a − 4)²`, wherever the box lies.
#[test]
fn numbers_reach_the_best_action_and_its_value() {
    let rng = &mut Rng::new(5);
    let rows: Vec<Row> = (0..2000)
        .map(|_| {
            let action = rng.uniform_in(1.0, 5.0);
            (vec![0.0], vec![action], -(action - 4.0) * (action - 4.0), vec![0.0], true)
        })
        .collect();
    let mut policy = learned((&Space::vector(&[1.0], &[5.0]), 0.99), rows, &[], 1500);
    let (action, value) = at(policy.as_mut(), 0.0, 1);
    assert!((action[0] - 4.0).abs() < 0.2 && value.abs() < 0.2, "{action:?}: {value}");
}

/// Of three choices the second pays at one place, and the third at another.
#[test]
fn choices_reach_the_best_one_of_each_place() {
    let rows = (0..600).map(|i| {
        let (place, choice) = (i % 2, i / 2 % 3);
        let mut one_hot = vec![0.0; 3];
        one_hot[choice] = 1.0;
        (vec![place as f64], one_hot, if choice == place + 1 { 3.0 } else { 1.0 }, vec![0.0], true)
    });
    let mut policy = learned((&Space::discrete(3), 0.99), rows, &[], 1000);
    for place in 0..2 {
        let (action, value) = at(policy.as_mut(), place as f64, 3);
        assert!(action[place + 1] == 1.0 && (value - 3.0).abs() < 0.2, "at {place}: {action:?}, {value}");
    }
}

/// A place that leads to itself with reward 2, and one where the task ends: `2 / (1 − γ)` and 2.
#[test]
fn critics_bootstrap_where_the_task_goes_on_and_not_where_it_ended() {
    let rng = &mut Rng::new(6);
    let rows: Vec<Row> = (0..1000)
        .map(|i| {
            let seen = if i % 2 == 0 { 1.0 } else { -1.0 };
            (vec![seen], vec![rng.uniform_in(-1.0, 1.0)], 2.0, vec![seen], seen < 0.0)
        })
        .collect();
    let rate = [("target_rate", Setting::Float(0.05))];
    let mut policy = learned((&Space::vector(&[-1.0], &[1.0]), 0.8), rows, &rate, 2500);
    for (seen, value) in [(1.0, 10.0), (-1.0, 2.0)] {
        let got = at(policy.as_mut(), seen, 1).1;
        assert!((got - value).abs() < 0.06 * value, "at {seen}: {got}, by the closed form {value}");
    }
}

/// Reward `a` at a place that leads to itself. The best action is 1, and a noise of deviation σ leaves of it `1 − σ / √(2π)` on the mean, since it is brought
/// back into the box: `Q(1) = 1 + γ (1 − σ / √(2π)) / (1 − γ)`.
#[test]
fn targets_value_noisy_actions() {
    for deviation in [0.0, 0.5] {
        let rng = &mut Rng::new(7);
        let rows: Vec<Row> = (0..1000)
            .map(|_| {
                let action = rng.uniform_in(-1.0, 1.0);
                (vec![0.0], vec![action], action, vec![0.0], false)
            })
            .collect();
        let settings = [
            ("target_rate", Setting::Float(0.05)),
            ("target_noise", Setting::Float(deviation)),
            ("target_noise_clip", Setting::Float(10.0)),
        ];
        let mut policy = learned((&Space::vector(&[-1.0], &[1.0]), 0.5), rows, &settings, 2500);
        let (action, value) = at(policy.as_mut(), 0.0, 1);
        let exact = 1.0 + (1.0 - deviation / std::f64::consts::TAU.sqrt());
        assert!(action[0] > 0.95 && (value - exact).abs() < 0.05, "σ = {deviation}: {action:?} {value}, not {exact}");
    }
}

#[test]
fn the_actor_learns_at_every_so_many_updates_alone() {
    let space = Space::vector(&[-1.0], &[1.0]);
    let rng = &mut Rng::new(8);
    let told = told([1, 1], (0..64).map(|i| (vec![0.0], vec![(i % 3) as f64 - 1.0], 1.0, vec![0.0], true)));
    let mut policy =
        policy("td3", 1, &space, 0.9, &[&small()[..], &[("policy_delay", Setting::Integer(3))]].concat()).unwrap();
    for update in 1..=9 {
        let before = policy.weights();
        policy.update(&told, rng, &Interrupt::never()).unwrap();
        let after = policy.weights();
        assert_eq!(before.part("actor") != after.part("actor"), update % 3 == 0, "update {update}");
        assert!(before.part("critic") != after.part("critic"), "update {update}");
    }
}

#[test]
fn it_explores_by_a_noise_in_shares_of_half_the_range() {
    let space = Space::vector(&[-10.0], &[30.0]);
    let settings = [&small()[..], &[("exploration_noise", Setting::Float(0.1))]].concat();
    let mut policy = policy("td3", 1, &space, 0.9, &settings).unwrap();
    let (seen, mut out) = (Batch::zeros(1, 4000), Batch::zeros(1, 4000));
    let mut moments = |mode| {
        policy.act(seen.columns(), mode, &mut Rng::new(9), &mut out).unwrap();
        let numbers = out.columns().column(0);
        let mean = numbers.iter().sum::<f64>() / 4000.0;
        (mean, (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4000.0).sqrt())
    };
    let (mode, (mean, std)) = (moments(Mode::Exploit), moments(Mode::Explore));
    assert!(mode.1 == 0.0 && (mean - mode.0).abs() < 0.15 && (std - 2.0).abs() < 0.1, "{mode:?} {mean} {std}");
}
