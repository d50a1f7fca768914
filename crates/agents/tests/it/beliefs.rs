//! Models whose rows are beliefs. What an agent earns with the tiger's is in `examples/tiger.rs`.

use std::collections::BTreeMap;

use worldwright_core::Value;
use worldwright_envs::make;
use worldwright_models::ModelContext;
use worldwright_testkit::check_world_model;

#[test]
fn a_model_of_beliefs_keeps_its_contract() {
    let worlds = [
        ("tiger", [vec![1.0], vec![2.0]]),
        // Where the rover is after the first step, and what it saw of a rock.
        ("rock-sample", [vec![0.0, 3.0, 0.0], vec![1.0, 3.0, 0.0]]),
    ];
    for (name, seen) in worlds {
        let made = make(name, &BTreeMap::new()).unwrap();
        let context = ModelContext {
            observation_space: made.environment.observation_space().clone(),
            action_space: made.environment.action_space().clone(),
            reward: None,
            simulator: None,
            known: made.model.clone(),
            players: 1,
            discount: 0.95,
            seed: 0,
        };
        let model = worldwright_models::build("known", &context, &BTreeMap::new()).unwrap();
        check_world_model(model.as_world_model(), &seen.map(Value::Floats), 0.0);
    }
}
