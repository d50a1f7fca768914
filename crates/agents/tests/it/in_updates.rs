//! Agents whose policies learn in updates.

use std::collections::BTreeMap;

use worldwright_agents::{Choice, Parts, resolve};
use worldwright_core::{Agent, Setting};
use worldwright_envs::{Made, make};

use crate::model_based::{agent, episode, memory_of};

/// By algorithm: an environment, and settings that keep it small.
/// An algorithm, an environment, and small settings of whole numbers.
type Small = (&'static str, &'static str, &'static [(&'static str, i64)]);

const PLANNED_IN_A_LATENT: &[(&str, i64)] = &[
    ("model.batch", 3),
    ("model.latent", 16),
    ("model.hidden", 12),
    ("model.critics", 2),
    ("planner.population", 8),
    ("planner.iterations", 2),
    ("planner.horizon", 3),
    ("initial_steps", 12),
];

const SMALL: [Small; 10] = [
    ("sac", "pendulum", &[("policy.batch", 8), ("initial_steps", 12)]),
    ("td3", "pendulum", &[("policy.batch", 8), ("initial_steps", 12)]),
    ("dqn", "cartpole", &[("policy.batch", 8), ("initial_steps", 12)]),
    // Rollouts end at steps 12 and 24, and at each eighth.
    ("ppo", "pendulum", &[("policy.rollout_steps", 12), ("policy.batch", 4), ("policy.epochs", 3)]),
    ("a2c", "cartpole", &[("policy.rollout_steps", 8)]),
    (
        "dreamer",
        "pendulum",
        &[
            ("model.batch", 3),
            ("model.length", 6),
            ("model.recurrent", 12),
            ("model.hidden", 12),
            ("policy.starts", 5),
            ("policy.horizon", 4),
            ("initial_steps", 12),
        ],
    ),
    (
        "planet",
        "pendulum",
        &[
            ("model.batch", 3),
            ("model.length", 6),
            ("model.recurrent", 12),
            ("model.hidden", 12),
            ("planner.population", 8),
            ("planner.elites", 3),
            ("planner.iterations", 2),
            ("planner.horizon", 4),
            ("initial_steps", 12),
        ],
    ),
    ("tdmpc2", "pendulum", PLANNED_IN_A_LATENT),
    ("tdmpc2", "cartpole", PLANNED_IN_A_LATENT),
    (
        "muzero",
        "cartpole",
        &[
            ("model.batch", 3),
            ("model.latent", 16),
            ("model.hidden", 12),
            ("planner.simulations", 6),
            ("initial_steps", 12),
        ],
    ),
];

/// In the middle of an episode, before the first update and after it, with what the policy draws.
#[test]
fn a_restored_agent_goes_on_in_the_middle_of_an_episode() {
    for (algorithm, environment, settings) in SMALL {
        let mut made = make(environment, &BTreeMap::new()).unwrap();
        let new = |made: &Made| agent(algorithm, made, settings, 4);
        let whole = |made: &mut Made, exchange| {
            let agent = new(made);
            let mut memory = memory_of(made, agent.columns());
            let (actions, _, agent) = episode(agent, made, &mut memory, (3, 30), exchange);
            (actions, agent.save())
        };
        let (uncut, state) = whole(&mut made, None);
        for when in [1, 11, 12, 13, 21, 29] {
            let other = new(&made);
            let (actions, after) = whole(&mut made, Some((when, other)));
            assert_eq!(actions, uncut, "{algorithm} exchanged before step {when}");
            assert!(after == state, "{algorithm} exchanged before step {when}");
        }
    }
}

#[test]
fn weights_act_as_the_agent_did() {
    for (algorithm, environment, settings) in SMALL {
        let mut made = make(environment, &BTreeMap::new()).unwrap();
        let new = agent(algorithm, &made, settings, 4);
        let mut memory = memory_of(&made, new.columns());
        let (_, _, mut learned) = episode(new, &mut made, &mut memory, (3, 20), None);
        let mut taken = agent(algorithm, &made, settings, 4);
        taken.restore_weights(&learned.weights()).unwrap();
        assert!(taken.is_ready());
        let observation = made.environment.reset(9).unwrap();
        let act = |agent: &mut Box<dyn Agent>| {
            agent.begin_episode(0, &observation, 1).unwrap();
            [agent.act(0, &observation, false).unwrap(), agent.act(0, &observation, false).unwrap()]
        };
        assert_eq!(act(&mut learned), act(&mut taken), "{algorithm}");
    }
}

#[test]
fn parts_that_an_algorithm_does_not_have_are_refused() {
    let mut parts = Parts::default();
    *parts.role("planner") = Choice { name: Some("cem".into()), ..Choice::default() };
    let error = resolve("sac", "pendulum", &parts).unwrap_err().to_string();
    assert!(error.contains("its parts are: policy") && error.contains("pets"), "{error}");
    // Who learns in imagination needs one to learn in, and the other way round.
    let pairs = [
        ("sac", "actor-critic", "dreamer"),
        ("dreamer", "sac", "sac"),
        ("sac", "ppo", "rollouts"),
        ("mbpo", "a2c", "rollouts"),
        ("ppo", "sac", "any transitions"),
    ];
    for (algorithm, policy, way) in pairs {
        let mut parts = Parts::default();
        parts.role("policy").name = Some(policy.into());
        let made = make("pendulum", &BTreeMap::new()).unwrap();
        let context = crate::model_based::context(&made, 0);
        let built = worldwright_agents::build(&resolve(algorithm, "pendulum", &parts).unwrap(), &context);
        let error = built.err().unwrap().to_string();
        assert!(error.contains(way), "{error}");
    }
    let mut parts = Parts::default();
    parts.role("model").name = Some("linear".into());
    let made = make("pendulum", &BTreeMap::new()).unwrap();
    let context = crate::model_based::context(&made, 0);
    let built = worldwright_agents::build(&resolve("dreamer", "pendulum", &parts).unwrap(), &context);
    assert!(built.err().unwrap().to_string().contains("rssm"));
    parts = Parts::default();
    parts.agent.insert("updates_per_step".into(), Setting::Float(-1.0));
    let built = worldwright_agents::build(&resolve("sac", "pendulum", &parts).unwrap(), &context);
    assert!(built.err().unwrap().to_string().contains("updates_per_step"));
}
