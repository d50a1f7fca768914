//! One decision, of which everything is known in closed form.

use worldwright_core::Setting::{Bool, Float, Integer};
use worldwright_core::{Budget, Capabilities, Key, ModelSpec, Space, Value, WorldModel};
use worldwright_testkit::{Dynamics, DynamicsModel, LaneAction, Outcome, Place, plain_spec};

use super::{forest, search};
use crate::settings;

/// A bandit: one step to the end, with these rewards, behind a prior and a value of the root.
struct Bandit {
    spec: ModelSpec,
    rewards: Vec<f64>,
    logits: Vec<f64>,
    value: f64,
}

impl Bandit {
    fn new(rewards: &[f64], logits: &[f64], value: f64) -> Self {
        let plain = plain_spec("bandit", 1, Space::discrete(rewards.len()));
        let spec = ModelSpec { capabilities: Capabilities { prior: true, value: true, ..plain.capabilities }, ..plain };
        Self { spec, rewards: rewards.to_vec(), logits: logits.to_vec(), value }
    }
}

impl Dynamics for Bandit {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }
    fn advance(
        &self,
        _place: Place,
        _state: &mut [f64],
        _next: &mut [f64],
        action: LaneAction<'_>,
        _key: Key,
        out: &mut Outcome<'_>,
    ) {
        let LaneAction::Choice(choice) = action else { panic!("choices were promised") };
        out.reward = self.rewards[choice as usize];
        out.continuation = 0.0;
    }
    fn value(&self, _state: &[f64]) -> f64 {
        self.value
    }
    fn prior(&self, _state: &[f64], mean: &mut [f64], _std: &mut [f64]) {
        mean.copy_from_slice(&self.logits);
    }
}

/// Four actions, eight simulations without noise: halving visits all four once, then the better two twice more. The improved policy is
/// `softmax(logit + σ(q))` in closed form, its expected reward above the prior's.
#[test]
fn gumbel_improves_the_policy_of_a_bandit_as_its_closed_form_says() {
    let (rewards, logits) = ([0.1, 0.9, 0.3, 0.7], [0.5, -1.0, 0.2, 0.0]);
    let model = DynamicsModel(Bandit::new(&rewards, &logits, 0.4));
    let overrides = settings([("simulations", Integer(8)), ("gumbel_scale", Float(0.0)), ("solve", Bool(false))]);
    let forest = search("gumbel", &model, &Value::Floats(vec![0.0]), &overrides);
    let mut visits = [0; 4];
    forest.visits(0, &mut visits);
    assert_eq!(visits, [1, 3, 1, 3]);
    assert_eq!(forest.decide(0), Some(1));
    let sigma = |q: f64| (50.0 + 3.0) * 0.1 * (q - 0.1) / 0.8;
    let weights: Vec<f64> = logits.iter().zip(rewards).map(|(logit, q)| (logit + sigma(q)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let mut policy = [0.0; 4];
    forest.policy(0, &mut policy);
    for (got, weight) in policy.iter().zip(&weights) {
        assert!((got - weight / sum).abs() < 1e-6, "{policy:?}, not {weights:?} / {sum}");
    }
}

/// With two simulations only the two likeliest actions are seen; the others count with the mixed value.
#[test]
fn gumbel_completes_what_was_not_visited_by_the_mixed_value() {
    let (rewards, logits): ([f64; 3], [f64; 3]) = ([0.0, 1.0, 5.0], [1.0, 0.5, 0.0]);
    let model = DynamicsModel(Bandit::new(&rewards, &logits, 0.2));
    let overrides = settings([
        ("simulations", Integer(2)),
        ("considered", Integer(2)),
        ("gumbel_scale", Float(0.0)),
        ("solve", Bool(false)),
    ]);
    let forest = search("gumbel", &model, &Value::Floats(vec![0.0]), &overrides);
    let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
    let prior = logits.map(|logit| logit.exp() / total);
    let mixed = (0.2 + 2.0 * prior[1] / (prior[0] + prior[1])) / 3.0;
    let weights = [0.0, 1.0, mixed].map(|q| (50.0 + 1.0) * 0.1 * q);
    let weights: Vec<f64> = weights.iter().zip(logits).map(|(sigma, logit)| (sigma + logit).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let mut policy = [0.0; 3];
    forest.policy(0, &mut policy);
    for (got, weight) in policy.iter().zip(&weights) {
        assert!((got - weight / sum).abs() < 1e-6, "{policy:?}, not {weights:?} / {sum}");
    }
}

/// Over many draws of the noise, the first action that Gumbel considers has the prior's frequencies.
#[test]
fn gumbel_samples_actions_by_the_prior() {
    let logits: [f64; 3] = [1.0, 0.0, -1.0];
    let model = DynamicsModel(Bandit::new(&[0.0; 3], &logits, 0.0));
    let overrides = settings([("simulations", Integer(1)), ("considered", Integer(1))]);
    let mut forest = forest("gumbel", &model, &overrides);
    let mut world = model.imagination(forest.rows());
    world.observe(0, None, &Value::Floats(vec![0.0]), Key::new(0)).unwrap();
    let mut counts = [0.0; 3];
    for seed in 0..6000 {
        forest.search(&mut *world, &Budget::default(), Key::new(seed)).unwrap();
        counts[forest.decide(0).unwrap() as usize] += 1.0 / 6000.0;
    }
    let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
    for (got, logit) in counts.iter().zip(logits) {
        // Five standard deviations of a frequency.
        assert!((got - logit.exp() / total).abs() < 5.0 * 0.5 / 6000.0_f64.sqrt(), "{counts:?}");
    }
}

#[test]
fn a_temperature_draws_by_visits() {
    let model = DynamicsModel(Bandit::new(&[0.0, 0.0], &[0.0, 0.0], 0.0));
    let overrides = settings([("simulations", Integer(10)), ("temperature", Float(1.0)), ("solve", Bool(false))]);
    let mut forest = forest("puct", &model, &overrides);
    let mut world = model.imagination(forest.rows());
    world.observe(0, None, &Value::Floats(vec![0.0]), Key::new(0)).unwrap();
    let mut first = 0;
    for seed in 0..1000 {
        forest.search(&mut *world, &Budget::default(), Key::new(seed)).unwrap();
        first += usize::from(forest.decide(0) == Some(0));
    }
    // Five visits each: half of the draws, within five standard deviations.
    assert!(first.abs_diff(500) < 80, "{first}");
}

/// A root whose prior is nothing but noise does any action, however sure the prior is; without noise it does what the prior says.
#[test]
fn noise_at_the_root_takes_the_place_of_the_prior() {
    let model = DynamicsModel(Bandit::new(&[0.0; 3], &[8.0, 0.0, 0.0], 0.0));
    for (fraction, likely) in [(0.0, [1.0_f64, 0.0, 0.0]), (1.0, [1.0 / 3.0; 3])] {
        let overrides = settings([("simulations", Integer(1)), ("dirichlet_fraction", Float(fraction))]);
        let mut forest = forest("puct", &model, &overrides);
        let mut world = model.imagination(forest.rows());
        world.observe(0, None, &Value::Floats(vec![0.0]), Key::new(0)).unwrap();
        let mut counts = [0.0_f64; 3];
        for seed in 0..2000 {
            forest.search(&mut *world, &Budget::default(), Key::new(seed)).unwrap();
            counts[forest.decide(0).unwrap() as usize] += 1.0 / 2000.0;
        }
        for (got, want) in counts.iter().zip(likely) {
            // Five standard deviations of a frequency.
            assert!((got - want).abs() < 5.0 * (want * (1.0 - want) / 2000.0).sqrt() + 1e-9, "{fraction}: {counts:?}");
        }
    }
}
