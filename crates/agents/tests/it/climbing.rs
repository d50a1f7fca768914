//! Algorithms that learn from their own last steps, and those that try whole policies: against acting at random, and in pieces against the whole.

use std::collections::BTreeMap;

use worldwright_agents::{AgentContext, Parts, build, resolve};
use worldwright_core::{Agent, Experience, Result, Setting, Space};
use worldwright_data::Replay;
use worldwright_envs::{Made, make};
use worldwright_testkit::lqr::Problem;

use crate::model_based::{context, episode, memory_of};

fn made(environment: &str) -> Made {
    make(environment, &BTreeMap::new()).unwrap()
}

fn agent(algorithm: &str, made: &Made, settings: &[(&str, Setting)], places: usize) -> Box<dyn Agent> {
    built(algorithm, made, settings, places).unwrap()
}

fn built(algorithm: &str, made: &Made, settings: &[(&str, Setting)], places: usize) -> Result<Box<dyn Agent>> {
    let mut parts = Parts::default();
    for (key, value) in settings {
        match key.split_once('.') {
            Some((section, key)) => drop(parts.role(section).settings.insert(key.into(), value.clone())),
            None => match value {
                // Only who plays a role is told by a text.
                Setting::Text(name) => parts.role(key).name = Some(name.clone()),
                number => drop(parts.agent.insert((*key).into(), number.clone())),
            },
        }
    }
    let context = AgentContext { places, ..context(made, 1) };
    build(&resolve(algorithm, "", &parts)?, &context)
}

/// Lets an agent learn for so many steps, in episodes of `limit` at most.
fn train(agent: &mut dyn Agent, made: &mut Made, memory: &mut Replay, (steps, limit): (usize, usize)) {
    let (mut taken, mut seed) = (0, 0);
    while taken < steps {
        let mut seen = made.environment.reset(seed).unwrap();
        memory.start_episode(0, &seen).unwrap();
        agent.begin_episode(0, &seen, seed).unwrap();
        for t in 1..=limit {
            let action = agent.act(0, &seen, true).unwrap();
            let mut step = made.environment.step(&action).unwrap();
            step.truncated |= t == limit && !step.terminated;
            memory.step(0, &action, &step, agent.kept()).unwrap();
            agent.learn(memory).unwrap();
            taken += 1;
            if step.done() {
                break;
            }
            seen = step.observation;
        }
        seed += 1;
    }
}

/// Mean return of five episodes, none of which is explored in.
fn evaluated(agent: &mut dyn Agent, made: &mut Made, limit: usize) -> f64 {
    let mut total = 0.0;
    for seed in 1000..1005 {
        let mut seen = made.environment.reset(seed).unwrap();
        agent.begin_episode(0, &seen, seed).unwrap();
        for _ in 0..limit {
            let step = made.environment.step(&agent.act(0, &seen, false).unwrap()).unwrap();
            total += step.reward;
            if step.done() {
                break;
            }
            seen = step.observation;
        }
    }
    total / 5.0
}

fn learned(algorithm: &str, environment: &str, settings: &[(&str, Setting)], (steps, limit): (usize, usize)) -> f64 {
    let mut made = made(environment);
    let mut agent = agent(algorithm, &made, settings, 1);
    let mut memory = memory_of(&made, agent.columns());
    train(agent.as_mut(), &mut made, &mut memory, (steps, limit));
    evaluated(agent.as_mut(), &mut made, limit)
}

/// Random pushes hold the pole for about 22 steps.
#[test]
fn poles_are_held_by_what_was_done_last() {
    let whole = |number| Setting::Integer(number);
    for (algorithm, settings, steps, least) in [
        ("ppo", vec![("policy.rollout_steps", whole(512))], 12_000, 150.0),
        ("a2c", vec![], 25_000, 80.0),
        ("reinforce", vec![], 12_000, 100.0),
        ("reinforce", vec![("policy.baseline", Setting::Bool(false))], 12_000, 80.0),
    ] {
        let mean = learned(algorithm, "cartpole", &settings, (steps, 200));
        assert!(mean > least, "{algorithm} holds it for {mean} steps");
    }
}

#[test]
fn poles_are_held_by_what_was_tried() {
    for algorithm in ["cma-es", "openai-es", "reps"] {
        let mean = learned(algorithm, "cartpole", &[], (12_000, 200));
        assert!(mean > 120.0, "{algorithm} holds it for {mean} steps");
    }
}

/// In as many real steps, a policy that practises in a model is far ahead of one that learns from these alone.
#[test]
fn practice_in_a_model_is_worth_many_steps() {
    let whole = |number| Setting::Integer(number);
    let by_steps = learned("ppo", "point-mass", &[("policy.rollout_steps", whole(40))], (400, 40));
    let settings = [
        ("initial_steps", whole(80)),
        ("practice_updates", whole(30)),
        ("imagined_steps", whole(20)),
        ("model.members", whole(3)),
        ("model.particles", whole(3)),
        ("model.epochs", whole(60)),
        ("model.hidden", Setting::Numbers(vec![32.0, 32.0])),
        ("policy.hidden", Setting::Numbers(vec![32.0, 32.0])),
        ("policy.learning_rate", Setting::Float(1e-3)),
    ];
    let by_practice = learned("mb-ppo", "point-mass", &settings, (400, 40));
    assert!(by_practice > 0.7 * by_steps, "{by_practice} by practice, {by_steps} by steps");
}

/// What cannot practise as it is told to says which setting to change.
#[test]
fn practice_asks_for_beliefs_and_a_critic() {
    let text = |text: &str| Setting::Text(text.to_owned());
    let refused = |algorithm: &str, settings: &[(&str, Setting)]| {
        built(algorithm, &made("point-mass"), settings, 1).err().map(|error| error.to_string())
    };
    for propagation in ["ts1", "expectation", "moment-matching"] {
        for algorithm in ["mb-ppo", "steve", "dhmbpo"] {
            let settings = [("model.propagation", text(propagation)), ("weighted", Setting::Bool(true))];
            let given = &settings[..if algorithm == "mb-ppo" { 1 } else { 2 }];
            let error = refused(algorithm, given).expect("refused");
            assert!(error.contains("model.propagation=ts-inf"), "{algorithm}: {error}");
        }
    }
    // A known world is certain, and both of what auto chooses from keep their beliefs; a single lane of what was learned tells nothing.
    for algorithm in ["mb-ppo", "steve", "dhmbpo"] {
        for model in ["known", "auto"] {
            assert_eq!(refused(algorithm, &[("model", text(model))]), None, "{algorithm} in {model}");
        }
        let one = [("model", text("auto")), ("model.particles", Setting::Integer(1))];
        let error = refused(algorithm, &one).expect("refused");
        assert!(error.contains("model.particles of 2 or more"), "{algorithm}: {error}");
    }
    let longest = [("model.propagation", text("expectation")), ("weighted", Setting::Bool(false))];
    assert_eq!(refused("steve", &longest), None, "the longest target alone weighs nothing");
    let error = refused("mb-ppo", &[("policy", text("reinforce"))]).expect("refused");
    assert!(error.contains("reinforce") && error.contains("such as ppo"), "{error}");
}

/// Caution about values reads how lanes deviate: one that cannot, because there is one alone, or because each is drawn from what all expect, is no caution.
#[test]
fn caution_about_values_asks_for_members() {
    let text = |text: &str| Setting::Text(text.to_owned());
    let refused = |settings: &[(&str, Setting)]| {
        built("mobile", &made("point-mass"), settings, 1).err().map(|error| error.to_string())
    };
    for setting in [
        ("model", text("deterministic")),
        ("model.propagation", text("expectation")),
        ("model.propagation", text("moment-matching")),
        ("model.particles", Setting::Integer(1)),
    ] {
        let error = refused(std::slice::from_ref(&setting)).expect("refused");
        assert!(error.contains("model.propagation=ts-inf") && error.contains("agent.penalty=0"), "{error}");
        assert_eq!(refused(&[setting, ("penalty", Setting::Float(0.0))]), None, "no caution asks for none");
    }
    assert_eq!(refused(&[]), None);
}

/// A point mass is brought to rest by numbers; random pushes pay about −60 in 40 steps.
#[test]
fn a_mass_is_brought_to_rest() {
    let random = {
        let (mut made, rng) = (made("point-mass"), &mut worldwright_core::Rng::new(2));
        let space: Space = made.environment.action_space().clone();
        let mut total = 0.0;
        for seed in 1000..1005 {
            made.environment.reset(seed).unwrap();
            total += (0..40).map(|_| made.environment.step(&space.sample(rng)).unwrap().reward).sum::<f64>();
        }
        total / 5.0
    };
    let settings = [("policy.rollout_steps", Setting::Integer(400)), ("policy.learning_rate", Setting::Float(1e-3))];
    let mean = learned("ppo", "point-mass", &settings, (12_000, 40));
    assert!(mean > 0.5 * random, "it earns {mean}, random actions {random}");
}

/// In the middle of a rollout, of an episode and of a generation.
#[test]
fn what_is_restored_between_two_updates_goes_on_as_it_would_have() {
    let whole = |number| Setting::Integer(number);
    for (algorithm, settings) in [
        ("ppo", vec![("policy.rollout_steps", whole(40)), ("policy.batch", whole(8)), ("policy.epochs", whole(2))]),
        ("reinforce", vec![("policy.rollout_steps", whole(30))]),
        ("cma-es", vec![("population", whole(4)), ("policy.hidden", Setting::Numbers(vec![4.0]))]),
        ("openai-es", vec![("population", whole(4)), ("policy.hidden", Setting::Numbers(vec![4.0]))]),
        ("reps", vec![("population", whole(4)), ("policy.hidden", Setting::Numbers(vec![4.0]))]),
    ] {
        let mut made = made("cartpole");
        let new = |made: &Made| agent(algorithm, made, &settings, 1);
        let whole = |made: &mut Made, exchange: Option<(u64, usize)>| {
            let mut agent = new(made);
            let mut memory = memory_of(made, agent.columns());
            let mut all = Vec::new();
            for seed in 0..11 {
                let here = exchange.filter(|(episode, _)| *episode == seed).map(|(_, step)| (step, new(made)));
                let (actions, _, went_on) = episode(agent, made, &mut memory, (seed, 200), here);
                all.extend(actions);
                agent = went_on;
            }
            (all, agent.save())
        };
        let (uncut, state) = whole(&mut made, None);
        let learned = whole(&mut made, None).1 != new(&made).save();
        assert!(learned, "{algorithm} has learned nothing");
        for when in [(0, 3), (2, 5), (5, 1), (9, 4)] {
            let (actions, after) = whole(&mut made, Some(when));
            assert_eq!(actions, uncut, "{algorithm} exchanged at {when:?}");
            assert!(after == state, "{algorithm} exchanged at {when:?}");
        }
    }
}

/// What was recorded before the first step is no rollout of the policy's own.
#[test]
fn recorded_steps_are_no_part_of_a_rollout() {
    let whole = |number| Setting::Integer(number);
    let settings = [("policy.rollout_steps", whole(20)), ("policy.batch", whole(8)), ("policy.epochs", whole(1))];
    let mut made = made("pendulum");
    let states = [0, 50].map(|recorded| {
        let agent = agent("ppo", &made, &settings, 1);
        let mut memory = memory_of(&made, agent.columns());
        if recorded > 0 {
            let mut seen = made.environment.reset(77).unwrap();
            memory.start_episode(0, &seen).unwrap();
            for _ in 0..recorded {
                let space = made.environment.action_space().clone();
                let action = space.sample(&mut worldwright_core::Rng::new(3));
                let step = made.environment.step(&action).unwrap();
                memory.step(0, &action, &step, &[0.0]).unwrap();
                seen = step.observation;
            }
            memory.end_episode(0);
            drop(seen);
        }
        let (_, _, agent) = episode(agent, &mut made, &mut memory, (3, 45), None);
        assert_eq!(memory.taken(), 45 + recorded);
        agent.weights()
    });
    assert!(states[0] == states[1]);
}

/// Two poles at once are as good as one after the other, with as many steps in all.
#[test]
fn places_share_what_they_learn() {
    let mut made = made("cartpole");
    let settings = [("policy.rollout_steps", Setting::Integer(512))];
    let mut agent = agent("ppo", &made, &settings, 4);
    let mut memory = memory_of(&made, agent.columns());
    let mut worlds: Vec<Made> = (0..4).map(|_| make("cartpole", &BTreeMap::new()).unwrap()).collect();
    let (mut seen, mut seed) = (vec![None; 4], 0);
    let mut lengths = [0; 4];
    for _ in 0..3000 {
        for (place, world) in worlds.iter_mut().enumerate() {
            let now = match seen[place].take() {
                Some(now) => now,
                None => {
                    let first = world.environment.reset(seed).unwrap();
                    memory.start_episode(place, &first).unwrap();
                    agent.begin_episode(place, &first, seed).unwrap();
                    (seed, lengths[place]) = (seed + 1, 0);
                    first
                }
            };
            let action = agent.act(place, &now, true).unwrap();
            let mut step = world.environment.step(&action).unwrap();
            lengths[place] += 1;
            step.truncated |= lengths[place] == 200 && !step.terminated;
            memory.step(place, &action, &step, agent.kept()).unwrap();
            agent.learn(&memory).unwrap();
            seen[place] = (!step.done()).then_some(step.observation);
        }
    }
    let mean = evaluated(agent.as_mut(), &mut made, 200);
    assert!(mean > 150.0, "{mean}");
}

/// What an agent pushes against each number of the state after so many steps in the linear world, in episodes of `limit`, and what it earns.
fn pushes(algorithm: &str, settings: &[(&str, Setting)], (steps, limit): (usize, usize)) -> ([f64; 2], f64) {
    let mut made = made("linear");
    let mut agent = agent(algorithm, &made, settings, 1);
    let mut memory = memory_of(&made, agent.columns());
    train(agent.as_mut(), &mut made, &mut memory, (steps, limit));
    let earned = evaluated(agent.as_mut(), &mut made, 50);
    let mut pushed = |x: [f64; 2]| {
        let seen = made.environment.observation_space().unflatten(&x).unwrap();
        let mut flat = [0.0];
        let action = agent.act(0, &seen, false).unwrap();
        made.environment.action_space().flatten(&action, &mut flat).unwrap();
        flat[0]
    };
    let rest = pushed([0.0; 2]);
    ([[0.5, 0.0], [0.0, 0.5]].map(|x| (rest - pushed(x)) / 0.5), earned)
}

/// How far a gain is from Riccati's for the double integrator, as a share of it.
fn off_riccati(gain: [f64; 2]) -> f64 {
    let solution = Problem { discount: 0.99, ..Problem::double_integrator() }.infinite();
    let squares = |of: [f64; 2]| of.iter().map(|x| x * x).sum::<f64>();
    let want = [solution.k.get(0, 0), solution.k.get(0, 1)];
    (squares([gain[0] - want[0], gain[1] - want[1]]) / squares(want)).sqrt()
}

/// A policy that is told what a trajectory optimiser finds near it comes to the best gain, since the tether gives way where both agree; held too tightly it stays what it was.
#[test]
fn a_policy_guided_by_a_trajectory_optimiser_has_riccatis_gain() {
    let (whole, float) = (Setting::Integer, Setting::Float);
    let settings = [
        ("policy.hidden", Setting::Numbers(vec![32.0, 32.0])),
        ("policy.batch", whole(64)),
        ("policy.learning_rate", float(3e-3)),
        ("planner.horizon", whole(40)),
        ("planner.difference", float(0.02)),
        ("initial_steps", whole(10)),
        ("updates_per_step", float(10.0)),
        ("discount", float(0.99)),
    ];
    let (gain, _) = pushes("gps", &settings, (300, 10));
    let off = off_riccati(gain);
    assert!(off < 0.05, "{gain:?} is off by {off}");
    let held = [("tether", float(1e9)), ("divergence", float(1e9)), ("initial_steps", whole(0))];
    let (stuck, _) = pushes("gps", &[&settings[..], &held].concat(), (60, 10));
    assert!(off_riccati(stuck) > 0.5, "{stuck:?}");
}

/// The double integrator with a quadratic cost, whose best gain is known: a linear actor that climbs derivatives along whole trajectories has it within 2 % after
/// 100 steps, and earns more than one that climbs the likelihood of what was good does after ten times as many.
#[test]
fn derivatives_through_a_model_reach_riccatis_gain_in_a_tenth_of_the_steps() {
    let (whole, float) = (Setting::Integer, Setting::Float);
    let settings = [
        ("policy.hidden", Setting::Numbers(Vec::new())),
        ("model", Setting::Text("linear".into())),
        ("policy.learning_rate", float(0.05)),
        ("policy.exploration_noise", float(0.05)),
        ("critic", Setting::Bool(false)),
        ("horizon", whole(60)),
        ("trajectories", whole(16)),
        ("initial_steps", whole(10)),
        ("updates_per_step", float(5.0)),
    ];
    // Short episodes keep to where the best push is within its bounds: beyond, Riccati's gain is no longer the best.
    let (gain, by_derivatives) = pushes("svg", &settings, (100, 10));
    let (_, by_likelihood) = pushes("reinforce", &[("policy.rollout_steps", whole(50))], (1000, 50));
    let off = off_riccati(gain);
    assert!(off < 0.02, "{gain:?} is off by {off}");
    assert!(by_derivatives > by_likelihood, "{by_derivatives} after 100 steps, {by_likelihood} after 1000");
}
