//! Wrapping changes nothing but what the wrapper is for.

use std::collections::BTreeMap;

use worldwright_core::{Action, Rng, Setting, Space, Value};
use worldwright_envs::{ALL, Made, make};

/// The settings that put a wrapper around an environment.
fn wrappings(made: &Made, parameters: &[worldwright_core::Parameter]) -> Vec<(&'static str, Setting)> {
    let has = |name: &str| parameters.iter().any(|parameter| parameter.name == name);
    let mut all = vec![("action_repeat", Setting::Integer(2))];
    if has("hidden") && made.observation_channels.len() > 1 {
        all.push(("hidden", Setting::Text(made.observation_channels[0].clone())));
    }
    all
}

#[test]
fn every_capability_of_an_environment_passes_through() {
    for entry in ALL {
        let mut plain = make(entry.name, &BTreeMap::new()).unwrap();
        for (key, value) in wrappings(&plain, entry.parameters) {
            let mut made = make(entry.name, &BTreeMap::from([(key.to_owned(), value)])).unwrap();
            let (inner, outer) = (plain.environment.as_mut(), made.environment.as_mut());
            let what = format!("{} with {key}", entry.name);
            assert_eq!(inner.id(), outer.id(), "{what}");
            assert_eq!(inner.action_space(), outer.action_space(), "{what}");
            assert_eq!((inner.players(), inner.versions()), (outer.players(), outer.versions()), "{what}");
            assert_eq!(inner.own_seed(7), outer.own_seed(7), "{what}");
            inner.reset(7).unwrap();
            outer.reset(7).unwrap();
            assert_eq!(inner.to_play(), outer.to_play(), "{what}");
            assert_eq!(inner.render().unwrap(), outer.render().unwrap(), "{what}");
            let (one, other) = (inner.as_persist().map(|it| it.save()), outer.as_persist().map(|it| it.save()));
            assert_eq!(one, other, "{what}");
        }
    }
}

#[test]
fn what_is_hidden_is_left_out_and_everything_else_is_as_it_was() {
    for entry in ALL {
        let plain = make(entry.name, &BTreeMap::new()).unwrap();
        let Some((key, value)) = wrappings(&plain, entry.parameters).into_iter().find(|(key, _)| *key == "hidden")
        else {
            continue;
        };
        let Space::Box { low, .. } = plain.environment.observation_space() else { panic!("{}", entry.name) };
        let (numbers, mut plain) = (low.len(), plain);
        let mut hidden = make(entry.name, &BTreeMap::from([(key.to_owned(), value)])).unwrap();
        assert_eq!(hidden.observation_channels, plain.observation_channels[1..], "{}", entry.name);
        // What is known of whole observations is not known of a part.
        assert!(hidden.reward.is_none() && hidden.simulator.is_none() && hidden.model.is_none(), "{}", entry.name);
        let rest = |value: Value| match value {
            Value::Floats(all) if all.len() == numbers => Value::Floats(all[1..].to_vec()),
            other => other,
        };
        let mut rng = Rng::new(1);
        assert_eq!(rest(plain.environment.reset(3).unwrap()), hidden.environment.reset(3).unwrap());
        for _ in 0..20 {
            let action: Action = plain.environment.action_space().sample(&mut rng);
            let (one, other) = (plain.environment.step(&action).unwrap(), hidden.environment.step(&action).unwrap());
            assert_eq!(rest(one.observation), other.observation, "{}", entry.name);
            assert_eq!((one.reward, one.terminated), (other.reward, other.terminated), "{}", entry.name);
            let mut flat = vec![0.0; hidden.environment.observation_space().flat_dim()];
            hidden.environment.observation_space().flatten(&other.observation, &mut flat).unwrap();
            if one.terminated || one.truncated {
                break;
            }
        }
    }
}

#[test]
fn a_name_that_is_not_there_is_told_with_the_nearest() {
    let hide = |names: &str| {
        let setting = BTreeMap::from([("hidden".to_owned(), Setting::Text(names.to_owned()))]);
        make("pendulum", &setting).err().map(|error| error.to_string())
    };
    assert!(hide("theta_dott").unwrap().contains("did you mean 'theta_dot'?"));
    assert!(hide("cos_theta, sin_theta, theta_dot").unwrap().contains("nothing"));
    assert_eq!(hide("cos_theta, theta_dot"), None);
}
