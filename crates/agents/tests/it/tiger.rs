//! The tiger behind one of two doors: a model whose rows are beliefs. What an agent earns with it is in `examples/tiger.rs`.

use std::collections::BTreeMap;

use worldwright_core::Value;
use worldwright_envs::make;
use worldwright_models::ModelContext;
use worldwright_testkit::check_world_model;

#[test]
fn a_model_of_beliefs_keeps_its_contract() {
    let made = make("tiger", &BTreeMap::new()).unwrap();
    let context = ModelContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward: None,
        simulator: None,
        known: made.model.clone(),
        discount: 0.95,
        seed: 0,
    };
    let model = worldwright_models::build("known", &context, &BTreeMap::new()).unwrap();
    check_world_model(model.as_world_model(), &[Value::Floats(vec![1.0]), Value::Floats(vec![2.0])], 0.0);
}
