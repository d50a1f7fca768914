//! Derivatives of the foreseen return against differences, for every form of reward and every policy.

use std::collections::BTreeMap;

use worldwright_core::{Actions, Learn, RewardFunction, Settings, Transitions};
use worldwright_envs::make;
use worldwright_models::ModelContext;
use worldwright_policies::PolicyContext;

use super::*;

/// A quadratic function of numbers that are no angles: differences of it are exact.
struct Quadratic;

impl RewardFunction for Quadratic {
    fn evaluate(&self, of: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        let Actions::Continuous(actions) = of.actions else { return };
        for row in 0..reward.len() {
            let (x, u, y) = (of.observations.get(row, 0), actions.get(row, 0), of.next_observations.get(row, 0));
            let speed = of.next_observations.get(row, 4);
            reward[row] = -y * y - 0.03 * u * u + 0.1 * x * u + 0.2 * y * u - 0.01 * speed * speed + 0.3 * x * speed;
            terminated[row] = false;
        }
    }
}

/// The cart-pole's model after an episode and a half at random.
fn fitted(reward: Option<Arc<dyn RewardFunction>>) -> (Foresight, Dataset) {
    let mut made = make("pilco-cartpole", &BTreeMap::new()).unwrap();
    let data = worldwright_testkit::random_transitions(made.environment.as_mut(), 60, 1);
    let context = ModelContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward,
        simulator: None,
        known: None,
        players: 1,
        discount: 1.0,
        seed: 0,
    };
    let entry = find(worldwright_models::ALL, "model", "gp").unwrap();
    let settings = Settings::resolve("gp", entry.parameters, &BTreeMap::new()).unwrap();
    let mut foresight = build_foresight("gp", &context, &settings).unwrap();
    foresight.fit(&data, &mut Rng::new(1), &Interrupt::never()).unwrap();
    (foresight, data)
}

fn policy(name: &str, foresight: &Foresight, data: &Dataset) -> Box<dyn MomentPolicy> {
    let entry = find(worldwright_policies::ALL, "policy", name).unwrap();
    let settings = Settings::resolve(name, entry.parameters, &BTreeMap::new()).unwrap();
    let action_space = Space::vector(&[-10.0], &[10.0]);
    let context = PolicyContext { inputs: foresight.feature_dim(), action_space, discount: 1.0, seed: 3 };
    let mut policy = entry.build.foreseen(name, &context, &settings).unwrap();
    let (seen, std) = around(foresight, data).unwrap();
    policy.begin(seen.columns(), &std, &mut Rng::new(2)).unwrap();
    policy
}

#[test]
fn derivatives_of_the_return_are_those_of_differences() {
    let known = make("pilco-cartpole", &BTreeMap::new()).unwrap().reward.unwrap();
    assert!(known.bell().is_some());
    let quadratic: Arc<dyn RewardFunction> = Arc::new(Quadratic);
    for (form, reward) in [("bell", Some(known)), ("points", Some(quadratic)), ("learned", None)] {
        let (foresight, data) = fitted(reward.clone());
        let plan = (starts(&foresight, &data).unwrap(), 8, 0.97);
        let mut foreseen = Foreseen::new(&foresight, reward.as_deref(), plan, 40).unwrap();
        for name in ["rbf", "linear"] {
            let mut policy = policy(name, &foresight, &data);
            let parameters = policy.parameters().to_vec();
            let mut slopes = vec![0.0; parameters.len()];
            foreseen.evaluate(policy.as_mut(), &mut slopes).unwrap();
            let largest = slopes.iter().fold(0.0_f64, |most, slope| most.max(slope.abs()));
            assert!(largest > 1e-4, "{form} {name}: nothing depends on the policy");
            for i in (0..parameters.len()).step_by(parameters.len().div_ceil(25)) {
                let mut at = |by: f64| {
                    let mut moved = parameters.clone();
                    moved[i] += by;
                    policy.set_parameters(&moved).unwrap();
                    foreseen.evaluate(policy.as_mut(), &mut vec![0.0; parameters.len()]).unwrap()
                };
                let want = (at(1e-4) - at(-1e-4)) / 2e-4;
                let near = (slopes[i] - want).abs() < 1e-4 * (largest + want.abs());
                assert!(near, "{form} {name}: parameter {i}: {} not {want} of {largest}", slopes[i]);
            }
        }
    }
}

#[test]
fn points_expect_what_a_bell_is_expected_to_pay() {
    /// The same function, of which nothing is known.
    struct Hidden(Arc<dyn RewardFunction>);
    impl RewardFunction for Hidden {
        fn evaluate(&self, of: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
            self.0.evaluate(of, reward, terminated);
        }
    }
    let known = make("pilco-cartpole", &BTreeMap::new()).unwrap().reward.unwrap();
    let hidden = Hidden(Arc::clone(&known));
    let (foresight, data) = fitted(Some(Arc::clone(&known)));
    let mut start = starts(&foresight, &data).unwrap();
    // Upright, where the reward is.
    let mut upright = vec![0.0; 4];
    foresight.read(&[0.0, 0.0, -1.0, 0.1, 0.0], &mut upright).unwrap();
    start.mean.copy_from_slice(&upright);
    let mut policy = policy("rbf", &foresight, &data);
    let mut returns = [&*known, &hidden].map(|reward| {
        let mut foreseen = Foreseen::new(&foresight, Some(reward), (start.clone(), 3, 1.0), 400).unwrap();
        let mut slopes = vec![0.0; policy.parameters().len()];
        (foreseen.evaluate(policy.as_mut(), &mut slopes).unwrap(), slopes)
    });
    let [(exact, by_exact), (sampled, by_sampled)] = &mut returns;
    assert!(*exact > 0.3 && (*exact / *sampled - 1.0).abs() < 0.1, "{exact} {sampled}");
    let both = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let cosine = both(by_exact, by_sampled) / (both(by_exact, by_exact) * both(by_sampled, by_sampled)).sqrt();
    assert!(cosine > 0.9, "{cosine}");
}
