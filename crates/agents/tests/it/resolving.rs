//! A user's choices lie over the preset's, and slips are named.

use worldwright_agents::{Choice, PRESETS, Parts, resolve};
use worldwright_core::Setting;

#[test]
fn every_preset_resolves_for_its_algorithm() {
    for preset in PRESETS {
        for algorithm in worldwright_agents::ALL.iter().filter(|a| preset.applies(a.name, preset.environment)) {
            let environment = if preset.environment == "*" { "anything" } else { preset.environment };
            resolve(algorithm.name, environment, &Parts::default())
                .unwrap_or_else(|error| panic!("{} on {environment}: {error}", algorithm.name));
        }
    }
}

#[test]
fn choices_win_over_presets() {
    let mut parts = Parts::default();
    parts.agent.insert("initial_steps".into(), Setting::Integer(7));
    *parts.role("planner") = Choice { name: Some("cem".into()), ..Choice::default() };
    let resolved = resolve("mpc", "pendulum", &parts).unwrap();
    assert_eq!(resolved.agent.count("initial_steps", 0).unwrap(), 7);
    assert_eq!((resolved.roles["model"].name.as_str(), resolved.roles["planner"].name.as_str()), ("known", "cem"));
}

#[test]
fn slips_are_named() {
    let mut parts = Parts::default();
    parts.role("planner").settings.insert("horizn".into(), Setting::Integer(7));
    let message = resolve("mpc", "pendulum", &parts).unwrap_err().to_string();
    assert!(message.contains("did you mean 'horizon'?"), "{message}");
    let message = resolve("pest", "pendulum", &Parts::default()).unwrap_err().to_string();
    assert!(message.contains("did you mean 'pets'?"), "{message}");
}
