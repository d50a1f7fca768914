//! What is made of several critics, and of critics that normalise, drop out and begin anew.

use worldwright_core::{Array, Batch, Columns, Dataset, Interrupt, Mode, Rng, Setting, Space, State};
use worldwright_policies::LearnedPolicy;

use crate::told::{policy, told};

type Chosen = (&'static str, Setting);

fn space() -> Space {
    Space::vector(&[-1.0], &[1.0])
}

fn small(name: &str, settings: &[Chosen]) -> Box<dyn LearnedPolicy> {
    let small = [("hidden", Setting::Numbers(vec![24.0, 24.0])), ("batch", Setting::Integer(16))];
    policy(name, 1, &space(), 0.9, &[&small, settings].concat()).unwrap()
}

/// A place that leads to itself and pays 1 on the mean, in noise.
fn noisy() -> Dataset {
    let rng = &mut Rng::new(3);
    told(
        [1, 1],
        (0..800).map(|_| (vec![0.0], vec![rng.uniform_in(-1.0, 1.0)], 1.0 + 3.0 * rng.normal(), vec![0.0], false)),
    )
}

fn value(it: &mut dyn LearnedPolicy) -> f64 {
    let mut out = [0.0];
    it.value(Columns::new(&[0.0], 1, 1).unwrap(), &mut out).unwrap();
    out[0]
}

/// Of numbers and of choices, what critics say each is what they are believed by together.
#[test]
fn critics_tell_values_each_of_their_own() {
    for name in ["td3", "sac"] {
        // Entropy that is worth nothing is no part of values.
        let settings = [("critics", Setting::Integer(3)), ("initial_temperature", Setting::Float(1e-6))];
        let mut it = small(name, if name == "sac" { &settings } else { &settings[..1] });
        it.update(&noisy(), &mut Rng::new(4), &Interrupt::never()).unwrap();
        assert_eq!(it.critics(), 3, "{name}");
        let seen = [-0.5, 0.0, 0.5, 2.0];
        let seen = Columns::new(&seen, 1, 4).unwrap();
        let (mut each, mut least) = ([0.0; 12], [0.0; 4]);
        it.values(seen, &mut each).unwrap();
        it.value(seen, &mut least).unwrap();
        for row in 0..4 {
            let all = [each[row], each[4 + row], each[8 + row]];
            let lowest = all.into_iter().fold(f64::INFINITY, f64::min);
            assert!((lowest - least[row]).abs() < 1e-4, "{name}: {all:?} {}", least[row]);
            assert!(all[0] != all[1] && all[1] != all[2], "{name}: {all:?}");
        }
        assert!(it.values(seen, &mut least).is_err(), "{name}");
    }
}

/// The more critics the least is taken of, the less is hoped for, from a single one of them to all.
#[test]
fn the_least_of_more_critics_hopes_for_less() {
    let from = noisy();
    let hoped = |believed| {
        let settings = [
            ("critics", Setting::Integer(5)),
            ("target_critics", Setting::Integer(believed)),
            ("learning_rate", Setting::Float(5e-3)),
            ("target_rate", Setting::Float(0.1)),
        ];
        let (mut it, rng, mut sum) = (small("td3", &settings), &mut Rng::new(5), 0.0);
        for update in 0..1500 {
            let said = it.update(&from, rng, &Interrupt::never()).unwrap();
            if update >= 500 {
                sum += said.iter().find(|(name, _)| *name == "value").unwrap().1 / 1000.0;
            }
        }
        sum
    };
    let [one, two, all] = [1, 2, 0].map(hoped);
    assert!(one > two + 0.2 && two > all + 0.2, "one {one}, two {two}, all {all}");
}

const LEARNERS: [&str; 2] = ["sac", "td3"];

/// Units are taken out of the critics that learn, and never of those that judge.
#[test]
fn dropout_is_for_learning_alone() {
    let from = noisy();
    for name in LEARNERS {
        let [mut whole, mut dropping] = [0.0, 0.5].map(|share| small(name, &[("dropout", Setting::Float(share))]));
        assert_eq!(value(whole.as_mut()), value(dropping.as_mut()), "{name}");
        let [one, other] =
            [&mut whole, &mut dropping].map(|it| it.update(&from, &mut Rng::new(1), &Interrupt::never()).unwrap());
        assert_ne!(one[0], other[0], "{name}");
        let (seen, mut out) = (Batch::zeros(1, 2), Batch::zeros(1, 2));
        dropping.act(seen.columns(), Mode::Exploit, &mut Rng::new(2), &mut out).unwrap();
        assert_eq!(out.columns().get(0, 0), out.columns().get(1, 0), "{name}");
        assert_eq!(value(dropping.as_mut()), value(dropping.as_mut()), "{name}");
    }
}

/// How far the numbers of one state are from those of another.
fn distance(one: &State, other: &State) -> f64 {
    let numbers = |state: &State| -> Vec<f32> {
        let arrays = state.iter().filter_map(|(_, array)| match array {
            Array::F32(_, numbers) => Some(numbers.clone()),
            _ => None,
        });
        arrays.flatten().collect()
    };
    numbers(one).iter().zip(numbers(other)).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn networks_begin_anew_when_told_and_learn_on() {
    let from = noisy();
    for name in LEARNERS {
        let (mut it, rng) = (small(name, &[("reset_every", Setting::Integer(40))]), &mut Rng::new(7));
        let mut moved = Vec::new();
        for _ in 0..100 {
            let before = it.weights();
            it.update(&from, rng, &Interrupt::never()).unwrap();
            moved.push(distance(&before.part("critic"), &it.weights().part("critic")));
        }
        let usual = moved.iter().sum::<f64>() / 100.0;
        let resets: Vec<usize> = (0..100).filter(|i| moved[*i] > 5.0 * usual).collect();
        assert_eq!(resets, [40, 80], "{name}: {moved:?}");
    }
}

/// The closed forms hold for every kind of critic: a place that leads to itself with reward 1 is worth `1 / (1 − γ)`.
#[test]
fn every_kind_of_critic_learns_the_same_values() {
    let rng = &mut Rng::new(6);
    let from = told([1, 1], (0..500).map(|_| (vec![0.0], vec![rng.uniform_in(-1.0, 1.0)], 1.0, vec![0.0], false)));
    let kinds: [&[Chosen]; 3] = [
        &[("layer_norm", Setting::Bool(true))],
        &[("layer_norm", Setting::Bool(true)), ("dropout", Setting::Float(0.01))],
        &[("critics", Setting::Integer(4)), ("target_critics", Setting::Integer(2))],
    ];
    for kind in kinds {
        let settings = [kind, &[("target_rate", Setting::Float(0.1)), ("batch", Setting::Integer(32))]].concat();
        let mut it = small("td3", &settings);
        for _ in 0..1500 {
            it.update(&from, rng, &Interrupt::never()).unwrap();
        }
        let got = value(it.as_mut());
        assert!((got - 10.0).abs() < 0.8, "{kind:?}: {got}");
    }
}
