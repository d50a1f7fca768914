//! What an ensemble must know: the function, the noise, and where it knows neither.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldwright_core::{
    Actions, Columns, Dataset, Imagined, Interrupt, Key, LearnedModel, RewardFunction, Rng, Rows, Setting, Space,
    Transitions, Value,
};
use worldwright_models::{ModelContext, build};

/// Pays nothing, so that only the change is learned.
struct Nothing;

impl RewardFunction for Nothing {
    fn evaluate(&self, _transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        reward.fill(0.0);
        terminated.fill(false);
    }
}

fn context() -> ModelContext {
    ModelContext {
        observation_space: Space::unbounded(1),
        action_space: Space::vector(&[-1.0], &[1.0]),
        reward: Some(Arc::new(Nothing)),
        simulator: None,
        known: None,
        players: 1,
        discount: 1.0,
        seed: 0,
    }
}

fn settings(given: &[(&str, Setting)]) -> BTreeMap<String, Setting> {
    let small = [
        ("hidden", Setting::Numbers(vec![64.0, 64.0])),
        ("particles", Setting::Integer(5)),
        ("epochs", Setting::Integer(60)),
    ];
    small.iter().chain(given).map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

/// Standard deviation of the noise that the data below carry at `x`.
fn noise_std(x: f64) -> f64 {
    0.05 + 0.1 * (x + 2.0) / 4.0
}

/// The change is sin(2x) + a/2 with noise that grows with x, for x in ±2.
fn data(n: usize) -> Dataset {
    let mut rng = Rng::new(5);
    let mut dataset = Dataset::new(1, 1);
    for _ in 0..n {
        let (x, a) = (rng.uniform_in(-2.0, 2.0), rng.uniform_in(-1.0, 1.0));
        let next = x + (2.0 * x).sin() + 0.5 * a + noise_std(x) * rng.normal();
        dataset.push(&[x], &[a], 0.0, &[next], false, true).unwrap();
    }
    dataset
}

/// One imagined step from `x` with action 0, many rows: the changes of lane `lane`, and the epistemic spread.
fn imagine(model: &dyn LearnedModel, x: f64, rows: usize, lane: usize) -> (Vec<f64>, f64) {
    let mut arena = model.imagination(rows + 1);
    arena.observe(0, None, &Value::Floats(vec![x]), Key::new(1)).unwrap();
    arena.copy(0, Rows::Span(1..rows + 1));
    let actions = vec![0.0; rows];
    let mut out = Imagined::new(model.spec(), rows);
    let span = || Rows::Span(1..rows + 1);
    let columns = Columns::new(&actions, 1, rows).unwrap();
    arena.step(span(), Actions::Continuous(columns), span(), Key::new(9), &mut out).unwrap();
    let mut next = [0.0];
    let changes = (1..=rows).map(|row| {
        arena.decode(row, lane, &mut next).unwrap();
        next[0] - x
    });
    (changes.collect(), out.epistemic[0])
}

fn moments(numbers: &[f64]) -> (f64, f64) {
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64;
    (mean, variance.sqrt())
}

#[test]
fn noise_that_depends_on_the_state_is_recovered() {
    let mut model = build("ensemble", &context(), &settings(&[])).unwrap();
    model.fit(&data(4000), &mut Rng::new(1), &Interrupt::never()).unwrap();
    let points: Vec<f64> = (-6..=6).map(|i| f64::from(i) * 0.25).collect();
    let mut ratio = 0.0;
    for x in &points {
        let lanes: Vec<(f64, f64)> = (0..5).map(|lane| moments(&imagine(model.as_ref(), *x, 2000, lane).0)).collect();
        let mean = lanes.iter().map(|lane| lane.0).sum::<f64>() / 5.0;
        let std = lanes.iter().map(|lane| lane.1).sum::<f64>() / 5.0;
        assert!((mean - (2.0 * x).sin()).abs() < 0.05, "mean at {x}: {mean} against {}", (2.0 * x).sin());
        ratio += std / noise_std(*x) / points.len() as f64;
        assert!((std / noise_std(*x) - 1.0).abs() < 0.25, "noise at {x}: {std} against {}", noise_std(*x));
    }
    assert!((ratio - 1.0).abs() < 0.1, "noise over the range: {ratio} of the truth");
}

#[test]
fn members_disagree_where_there_were_no_data() {
    for propagation in ["ts-inf", "expectation"] {
        let mut model =
            build("ensemble", &context(), &settings(&[("propagation", Setting::Text(propagation.into()))])).unwrap();
        model.fit(&data(1000), &mut Rng::new(2), &Interrupt::never()).unwrap();
        let spread = |xs: &[f64]| xs.iter().map(|x| imagine(model.as_ref(), *x, 1, 0).1).sum::<f64>() / xs.len() as f64;
        let (on, off) = (spread(&[-1.5, -0.75, 0.0, 0.75, 1.5]), spread(&[-5.0, -4.0, 4.0, 5.0]));
        assert!(off > 3.0 * on, "{propagation}: {off} off the data, {on} on it");
    }
}

#[test]
fn moment_matching_keeps_the_moments_of_one_step() {
    // From one state all particles start together, so one matched step has the mean and the variance of the mixture.
    let fit = |propagation: &str| {
        let given = [("propagation", Setting::Text(propagation.into())), ("particles", Setting::Integer(40))];
        let mut model = build("ensemble", &context(), &settings(&given)).unwrap();
        model.fit(&data(500), &mut Rng::new(3), &Interrupt::never()).unwrap();
        let all: Vec<f64> = (0..40).flat_map(|lane| imagine(model.as_ref(), 0.5, 200, lane).0).collect();
        moments(&all)
    };
    let (sampled, matched) = (fit("ts1"), fit("moment-matching"));
    assert!((sampled.0 - matched.0).abs() < 0.01, "{sampled:?} {matched:?}");
    assert!((sampled.1 / matched.1 - 1.0).abs() < 0.05, "{sampled:?} {matched:?}");
}

#[test]
fn a_restored_ensemble_predicts_and_learns_the_same() {
    let given = settings(&[("elites", Setting::Integer(3)), ("epochs", Setting::Integer(5))]);
    let mut first = build("ensemble", &context(), &given).unwrap();
    first.fit(&data(300), &mut Rng::new(4), &Interrupt::never()).unwrap();
    let mut second = build("ensemble", &context(), &given).unwrap();
    second.restore(&first.save()).unwrap();
    assert_eq!(imagine(first.as_ref(), 0.3, 50, 2), imagine(second.as_ref(), 0.3, 50, 2));
    for model in [&mut first, &mut second] {
        model.fit(&data(400), &mut Rng::new(5), &Interrupt::never()).unwrap();
    }
    assert_eq!(first.save(), second.save());
}

#[test]
fn a_network_beats_the_best_line() {
    let holdout = |name: &str, given: &[(&str, Setting)]| {
        let all = if name == "linear" { BTreeMap::new() } else { settings(given) };
        let mut all = all;
        if name == "deterministic" {
            all.remove("particles");
        }
        let mut model = build(name, &context(), &all).unwrap();
        model.fit(&data(1000), &mut Rng::new(6), &Interrupt::never()).unwrap();
        let points: Vec<f64> = (-6..=6).map(|i| f64::from(i) * 0.3).collect();
        points.iter().map(|x| (imagine(model.as_ref(), *x, 1, 0).0[0] - (2.0 * x).sin()).powi(2)).sum::<f64>()
            / points.len() as f64
    };
    let line = holdout("linear", &[]);
    assert!(holdout("deterministic", &[]) < 0.05 * line);
    assert!(holdout("ensemble", &[("propagation", Setting::Text("expectation".into()))]) < 0.05 * line);
}
