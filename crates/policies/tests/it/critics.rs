//! What is made of several critics, and of critics that normalise, drop out and begin anew.

use worldwright_core::{Array, Batch, Columns, Dataset, Interrupt, Mode, Priors, Rng, Setting, Space, State};
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

/// What critics say each is what they are believed by together.
#[test]
fn critics_tell_values_each_of_their_own() {
    let mut it = small("td3", &[("critics", Setting::Integer(3))]);
    it.update(&noisy(), &mut Rng::new(4), &Interrupt::never()).unwrap();
    assert_eq!(it.critics(), 3);
    let seen = [-0.5, 0.0, 0.5, 2.0];
    let seen = Columns::new(&seen, 1, 4).unwrap();
    let (mut each, mut entropies, mut least) = ([0.0; 12], [f64::NAN; 4], [0.0; 4]);
    it.values(seen, &mut Rng::new(1), [&mut each, &mut entropies]).unwrap();
    it.value(seen, &mut least).unwrap();
    for row in 0..4 {
        let all = [each[row], each[4 + row], each[8 + row]];
        let lowest = all.into_iter().fold(f64::INFINITY, f64::min);
        assert!((lowest - least[row]).abs() < 1e-4, "{all:?} {}", least[row]);
        assert!(all[0] != all[1] && all[1] != all[2], "{all:?}");
    }
    assert!(!it.is_soft() && entropies == [0.0; 4]);
    assert!(it.values(seen, &mut Rng::new(1), [&mut least, &mut entropies]).is_err());
}

/// Entropy of numbers by their spacings (Vasicek, 1976).
fn entropy(mut drawn: Vec<f64>) -> f64 {
    drawn.sort_by(f64::total_cmp);
    let (n, m) = (drawn.len(), (drawn.len() as f64).sqrt() as usize);
    let of = |i: usize| {
        let spacing = drawn[(i + m).min(n - 1)] - drawn[i.saturating_sub(m)];
        (n as f64 * spacing / (2 * m) as f64).ln()
    };
    (0..n).map(of).sum::<f64>() / n as f64
}

/// What is soft tells of actions that it draws: a bandit that pays −(a − 0.3)² is worth what its draws are paid on the mean, not what the best one is, and they are worth α times the entropy of
/// the draws themselves besides.
#[test]
fn what_is_soft_tells_values_and_entropy_of_what_it_draws() {
    const DRAWS: usize = 4000;
    let rng = &mut Rng::new(6);
    let pays = |action: f64| -(action - 0.3).powi(2);
    let once = |rng: &mut Rng| rng.uniform_in(-1.0, 1.0);
    let rows: Vec<f64> = (0..500).map(|_| once(rng)).collect();
    let from = told([1, 1], rows.into_iter().map(|a| (vec![0.0], vec![a], pays(a), vec![0.0], true)));
    let mut it = small("sac", &[("learning_rate", Setting::Float(3e-3)), ("target_entropy", Setting::Float(-0.3))]);
    let mut temperature = f64::NAN;
    for _ in 0..1200 {
        let said = it.update(&from, rng, &Interrupt::never()).unwrap();
        temperature = said.iter().find(|(name, _)| *name == "temperature").unwrap().1;
    }
    let zeros = vec![0.0; DRAWS];
    let seen = Columns::new(&zeros, 1, DRAWS).unwrap();
    let mut drawn = Batch::zeros(1, DRAWS);
    it.act(seen, Mode::Explore, rng, &mut drawn).unwrap();
    let drawn = drawn.columns().column(0).to_vec();
    let (mut each, mut entropies) = (vec![0.0; 2 * DRAWS], vec![0.0; DRAWS]);
    it.values(seen, rng, [&mut each, &mut entropies]).unwrap();
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    let paid = mean(&drawn.iter().map(|action| pays(*action)).collect::<Vec<_>>());
    assert!(it.is_soft() && (mean(&each) - paid).abs() < 0.02, "{} for {paid}", mean(&each));
    assert!(paid < -0.06, "draws that pay as the best does prove nothing: {paid}");
    let (nats, expected) = (mean(&entropies) / temperature, entropy(drawn));
    assert!((nats - expected).abs() < 0.05, "{nats} for {expected}");
}

/// Of choices both are expectations, without a draw.
#[test]
fn of_choices_values_and_entropy_are_exact() {
    let mut it = policy("sac", 1, &Space::discrete(3), 0.9, &[("hidden", Setting::Numbers(vec![8.0]))]).unwrap();
    let seen = Columns::new(&[0.7], 1, 1).unwrap();
    let mut priors = Priors::default();
    it.prior(seen, &mut priors).unwrap();
    let shares: Vec<f64> = priors.mean.iter().map(|logit| logit.exp()).collect();
    let all: f64 = shares.iter().sum();
    let expected: f64 = shares.iter().map(|share| -(share / all) * (share / all).ln()).sum();
    let (mut each, mut entropy) = ([0.0; 2], [0.0]);
    it.values(seen, &mut Rng::new(1), [&mut each, &mut entropy]).unwrap();
    // A nat is worth a tenth at first.
    assert!((entropy[0] - 0.1 * expected).abs() < 1e-6, "{entropy:?} for {expected}");
    let (mut again, mut least) = ([0.0; 2], [0.0]);
    it.values(seen, &mut Rng::new(2), [&mut again, &mut entropy]).unwrap();
    it.value(seen, &mut least).unwrap();
    assert!(each == again && each[0] != each[1]);
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
