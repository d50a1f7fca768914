//! The search that designs a model, on domains whose right answer is known.

use std::collections::BTreeMap;

use worldwright_agents::AgentContext;
use worldwright_agents::design::{
    Design, DesignOptions, EnvironmentTrial, ModelChoice, PlanChoice, design, random_transitions,
};
use worldwright_core::{Agent, Setting};
use worldwright_envs::{Made, make};

fn made(name: &str, settings: &[(&str, Setting)]) -> Made {
    let settings: BTreeMap<String, Setting> =
        settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    make(name, &settings).unwrap()
}

fn context(made: &Made, seed: u64) -> AgentContext {
    AgentContext {
        observation_space: made.environment.observation_space().clone(),
        action_space: made.environment.action_space().clone(),
        reward: made.reward.clone(),
        simulator: None,
        seed,
    }
}

/// One of each kind, small enough for a test.
fn kinds() -> Vec<ModelChoice> {
    let network = [("hidden", Setting::Numbers(vec![16.0, 16.0])), ("epochs", Setting::Integer(40))];
    let members = [("members", Setting::Integer(2)), ("particles", Setting::Integer(2))];
    vec![
        ModelChoice::new("linear", "linear", &[]),
        ModelChoice::new("gp", "gp", &[("max_points", Setting::Integer(150))]),
        ModelChoice::new("deterministic", "deterministic", &network),
        ModelChoice::new("ensemble", "ensemble", &[network, members].concat()),
    ]
}

fn short(horizon: usize) -> PlanChoice {
    let settings = [("population", Setting::Integer(24)), ("iterations", Setting::Integer(2))];
    PlanChoice::new(format!("icem {horizon}"), "icem", horizon, &settings)
}

fn small() -> DesignOptions {
    DesignOptions {
        models: kinds(),
        plans: vec![short(5), short(12)],
        finalists: 2,
        episode_steps: 30,
        trial_steps: 300,
        record: Vec::new(),
        ..DesignOptions::default()
    }
}

fn searched(made: &mut Made, steps: usize, options: &DesignOptions, seed: u64) -> Design {
    let context = context(made, seed);
    let (data, _) = random_transitions(made.environment.as_mut(), steps, 50, seed).unwrap();
    let mut trial = EnvironmentTrial::new(made.environment.as_mut(), seed);
    design(&context, &data, options, Some(&mut trial), &mut |_| Ok(())).unwrap()
}

#[test]
fn a_linear_system_is_not_given_a_network() {
    let found = searched(&mut made("linear", &[]), 300, &small(), 1);
    assert!(["linear", "gp"].contains(&found.model.name.as_str()), "{:?}", found.reasons);
    assert!(found.domain.nonlinearity < 1e-3 && found.domain.noise < 0.1, "{:?}", found.domain);
    let mut agent = found.into_agent(&context(&made("linear", &[]), 1)).unwrap();
    assert!(agent.is_ready() && agent.world_model().is_some());
    let observation = made("linear", &[]).environment.reset(3).unwrap();
    agent.begin_episode(&observation, 3).unwrap();
    agent.act(&observation, false).unwrap();
}
