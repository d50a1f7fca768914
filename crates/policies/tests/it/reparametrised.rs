//! What policies keep to that climb derivatives by their actions.

use std::collections::BTreeMap;

use worldwright_core::{Batch, Dataset, Mode, Rng, Setting, Settings, Space};
use worldwright_policies::{ALL, Build, PolicyContext, ReparametrisedPolicy};

use crate::told::told;

fn entries() -> impl Iterator<Item = &'static worldwright_core::Entry<Build>> {
    ALL.iter().filter(|entry| matches!(entry.build, Build::Derivatives(_)))
}

fn policies() -> Vec<(&'static str, Box<dyn ReparametrisedPolicy>)> {
    let action_space = Space::vector(&[-2.0, 0.0], &[2.0, 1.0]);
    let context = PolicyContext { inputs: 2, action_space, discount: 0.9, seed: 3 };
    let chosen = BTreeMap::from([("batch".to_owned(), Setting::Integer(16))]);
    entries()
        .map(|entry| {
            let settings = Settings::resolve(entry.name, entry.parameters, &chosen).unwrap();
            (entry.name, entry.build.reparametrised(entry.name, &context, &settings).unwrap())
        })
        .collect()
}

/// Transitions whose second number is of this size.
fn rows(count: usize, size: f64) -> Dataset {
    let rng = &mut Rng::new(7);
    let mut seen = move || vec![1.0 + rng.normal(), size * rng.normal()];
    let rows: Vec<_> = (0..count).map(|i| (seen(), vec![0.5, 0.5], i as f64, seen(), false)).collect();
    told([2, 2], rows)
}

fn learn(policy: &mut dyn ReparametrisedPolicy, data: &Dataset, rng: &mut Rng) {
    policy.follow(data, rng).unwrap();
    let mut seen = Batch::zeros(2, 3);
    (0..3).for_each(|row| seen.columns_mut().set_row(row, &[row as f64, 1.0]));
    for _ in 0..5 {
        policy.climb(seen.columns(), &[1.0, 0.5, -0.3, 0.2, 2.0, 0.1]).unwrap();
        policy.regress(data, rng).unwrap();
    }
}

fn act(policy: &mut dyn ReparametrisedPolicy, mode: Mode) -> Vec<f64> {
    let (mut seen, mut out) = (Batch::zeros(2, 50), Batch::zeros(2, 50));
    let rng = &mut Rng::new(9);
    (0..50).for_each(|row| seen.columns_mut().set_row(row, &[rng.normal(), 3.0 * rng.normal()]));
    policy.act(seen.columns(), mode, rng, &mut out).unwrap();
    out.columns().as_slice().to_vec()
}

#[test]
fn what_is_restored_goes_on_alike() {
    for ((name, mut one), (_, mut other)) in policies().into_iter().zip(policies()) {
        let data = rows(64, 1.0);
        learn(one.as_mut(), &data, &mut Rng::new(1));
        other.restore(&one.save()).unwrap();
        for it in [&mut one, &mut other] {
            learn(it.as_mut(), &data, &mut Rng::new(2));
        }
        assert_eq!(act(one.as_mut(), Mode::Explore), act(other.as_mut(), Mode::Explore), "{name}");
        let [one, other] = [one, other].map(|it| it.save());
        assert!(one == other, "{name}");
    }
}

#[test]
fn climbing_moves_actions_the_way_that_it_is_told_and_within_bounds() {
    for (name, mut policy) in policies() {
        policy.follow(&rows(64, 1.0), &mut Rng::new(1)).unwrap();
        let before = act(policy.as_mut(), Mode::Exploit);
        let mut seen = Batch::zeros(2, 2);
        seen.columns_mut().set_row(0, &[1.0, 1.0]);
        (0..200).for_each(|_| policy.climb(seen.columns(), &[1.0, -1.0, 1.0, -1.0]).unwrap());
        let after = act(policy.as_mut(), Mode::Explore);
        let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len() as f64;
        let ([up, down], [first, second]) = ([&after[..50], &after[50..]], [&before[..50], &before[50..]]);
        assert!(mean(up) > mean(first) + 0.3 && mean(down) < mean(second) - 0.05, "{name}: {up:?} {down:?}");
        assert!(up.iter().all(|a| (-2.0..=2.0).contains(a)) && down.iter().all(|a| (0.0..=1.0).contains(a)), "{name}");
    }
}

#[test]
fn other_units_of_what_is_seen_change_no_action() {
    for (name, mut policy) in policies() {
        learn(policy.as_mut(), &rows(64, 1.0), &mut Rng::new(1));
        let before = act(policy.as_mut(), Mode::Exploit);
        policy.follow(&rows(200, 20.0), &mut Rng::new(2)).unwrap();
        let after = act(policy.as_mut(), Mode::Exploit);
        let off = before.iter().zip(&after).fold(0.0_f64, |most, (a, b)| most.max((a - b).abs()));
        assert!(off < 1e-4, "{name}: {off}");
    }
}

#[test]
fn choices_and_other_lessons_are_refused_with_a_way_out() {
    let context = PolicyContext { inputs: 2, action_space: Space::discrete(3), discount: 1.0, seed: 0 };
    for entry in entries() {
        let settings = Settings::resolve(entry.name, entry.parameters, &BTreeMap::new()).unwrap();
        let error = entry.build.reparametrised(entry.name, &context, &settings).err().unwrap().to_string();
        assert!(error.contains("such as dqn"), "{error}");
        assert!(entry.build.experienced(entry.name, &context, &settings).err().unwrap().to_string().contains("svg"));
    }
}
