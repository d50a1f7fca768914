//! The algorithms that plan through what they learned, with their real models, against acting at random.

use std::collections::BTreeMap;

use worldwright_agents::{Parts, build, resolve};
use worldwright_core::{Action, Experience, Observation, Result, Rng, Setting};
use worldwright_envs::{Made, make};

use crate::model_based::{context, episode, memory_of};

const STEPS: usize = 40;
/// Starts on which what was learned is compared with what is random.
const STARTS: std::ops::Range<u64> = 100..105;
/// A learned plan pays at most this share of what random actions pay, on the same starts.
const SHARE: f64 = 0.5;

/// The point mass, with its reward known and its motion to be learned.
fn world() -> Made {
    let settings = BTreeMap::from([("episode_steps".to_owned(), Setting::Integer(STEPS as i64))]);
    make("point-mass", &settings).unwrap()
}

/// Mean return over the starts.
fn average(world: &mut Made, mut act: impl FnMut(&Observation, bool, u64) -> Result<Action>) -> f64 {
    let each = STARTS.map(|seed| {
        let mut seen = world.environment.reset(seed).unwrap();
        let mut total = 0.0;
        for t in 0..STEPS {
            let step = world.environment.step(&act(&seen, t == 0, seed).unwrap()).unwrap();
            total += step.reward;
            seen = step.observation;
        }
        total
    });
    each.sum::<f64>() / STARTS.count() as f64
}

/// Learns for some episodes and returns random's and the algorithm's mean return.
fn learned(algorithm: &str, settings: &[(&str, Setting)], episodes: u64) -> [f64; 2] {
    let mut parts = Parts::default();
    for (key, setting) in settings {
        match key.split_once('.') {
            Some((section, key)) => parts.role(section).settings.insert(key.into(), setting.clone()),
            None => parts.agent.insert((*key).into(), setting.clone()),
        };
    }
    let mut world = world();
    let mut agent = build(&resolve(algorithm, "point-mass", &parts).unwrap(), &context(&world, 1)).unwrap();
    let mut experience = memory_of(&world, agent.columns());
    for seed in 0..episodes {
        agent = episode(agent, &mut world, &mut experience, (seed, STEPS), None).2;
    }
    assert!(agent.is_ready(), "{algorithm} has learned nothing from {episodes} episodes");
    let (space, mut rng) = (world.environment.action_space().clone(), Rng::new(2));
    let random = average(&mut world, |_, _, _| Ok(space.sample(&mut rng)));
    let planned = average(&mut world, |seen, begins, seed| {
        if begins {
            agent.begin_episode(0, seen, seed)?;
        }
        agent.act(0, seen, false)
    });
    [random, planned]
}

fn beats_random(algorithm: &str, settings: &[(&str, Setting)], episodes: u64) {
    let [random, planned] = learned(algorithm, settings, episodes);
    assert!(planned > SHARE * random, "{algorithm} earns {planned}, random actions {random}");
}

/// Planning by few candidates that look some steps ahead.
fn plans() -> Vec<(&'static str, Setting)> {
    let numbers = [("planner.population", 40), ("planner.iterations", 2), ("planner.horizon", 15)];
    numbers.map(|(key, number)| (key, Setting::Integer(number))).to_vec()
}

/// Of ten bits chance finds one goal in a thousand: without hindsight every step of every episode costs 1.
#[test]
fn hindsight_reaches_goals_that_no_chance_finds() {
    let bits = BTreeMap::from([("bits".to_owned(), Setting::Integer(10))]);
    let earned = |share: f64| {
        let mut world = make("bit-flipping", &bits).unwrap();
        let mut parts = Parts { agent: [("share".to_owned(), Setting::Float(share))].into(), ..Parts::default() };
        let policy = parts.role("policy");
        policy.name = Some("dqn".into());
        policy.settings = BTreeMap::from([
            ("hidden".to_owned(), Setting::Numbers(vec![64.0, 64.0])),
            ("batch".to_owned(), Setting::Integer(64)),
            ("exploration_steps".to_owned(), Setting::Integer(1500)),
        ]);
        let mut agent = build(&resolve("her", "bit-flipping", &parts).unwrap(), &context(&world, 1)).unwrap();
        let mut experience = memory_of(&world, agent.columns());
        for seed in 0..450 {
            agent = episode(agent, &mut world, &mut experience, (seed, 10), None).2;
        }
        let each = (1000..1040).map(|seed| {
            let (mut seen, mut total) = (world.environment.reset(seed).unwrap(), 0.0);
            agent.begin_episode(0, &seen, seed).unwrap();
            loop {
                let step = world.environment.step(&agent.act(0, &seen, false).unwrap()).unwrap();
                total += step.reward;
                if step.done() {
                    return total;
                }
                seen = step.observation;
            }
        });
        each.sum::<f64>() / 40.0
    };
    let [with, without] = [0.8, 0.0].map(earned);
    // The optimum is −4.0.
    assert!(with > -6.0 && without < -9.5, "{with} {without}");
}

#[test]
fn pets_beats_random_by_half() {
    let mut settings = plans();
    settings.extend([
        ("initial_steps", Setting::Integer(120)),
        ("model.members", Setting::Integer(3)),
        ("model.particles", Setting::Integer(3)),
        ("model.hidden", Setting::Numbers(vec![32.0, 32.0])),
        ("model.epochs", Setting::Integer(60)),
    ]);
    beats_random("pets", &settings, 4);
}

#[test]
fn a_policy_that_a_planner_teaches_beats_random_by_half() {
    let mut settings = plans();
    settings.extend([
        ("initial_steps", Setting::Integer(40)),
        ("policy.batch", Setting::Integer(64)),
        ("policy.hidden", Setting::Numbers(vec![32.0, 32.0])),
    ]);
    beats_random("dagger", &settings, 4);
}

/// A small ensemble, and few updates of a small policy from what it imagines.
fn imagines() -> Vec<(&'static str, Setting)> {
    let numbers = [
        ("initial_steps", 80),
        ("branches", 32),
        ("model.members", 3),
        ("model.particles", 3),
        ("model.epochs", 60),
        ("policy.batch", 64),
    ];
    let mut settings = numbers.map(|(key, number)| (key, Setting::Integer(number))).to_vec();
    settings.extend([
        ("updates_per_step", Setting::Float(10.0)),
        ("model.hidden", Setting::Numbers(vec![32.0, 32.0])),
        ("policy.hidden", Setting::Numbers(vec![32.0, 32.0])),
    ]);
    settings
}

#[test]
fn a_policy_learned_in_imagination_beats_random_by_half() {
    let mut settings = imagines();
    settings.push(("updates_per_step", Setting::Float(25.0)));
    beats_random("mbpo", &settings, 8);
}

#[test]
fn critics_that_look_ahead_in_a_model_beat_random_by_half() {
    for (algorithm, per_step, episodes) in [("steve", 30.0, 12), ("dhmbpo", 25.0, 7)] {
        let mut settings = imagines();
        if algorithm == "steve" {
            settings.retain(|(key, _)| *key != "branches");
        } else {
            settings.push(("imagined_steps", Setting::Integer(10)));
        }
        // As many targets as a batch has rows, and a rate for which some thousand updates are enough.
        settings.extend([
            ("updates_per_step", Setting::Float(per_step)),
            ("expanded", Setting::Integer(64)),
            ("horizon", Setting::Integer(3)),
            ("policy.target_rate", Setting::Float(0.02)),
            ("policy.learning_rate", Setting::Float(1e-3)),
        ]);
        beats_random(algorithm, &settings, episodes);
    }
}

#[test]
fn a_plan_led_by_a_policy_beats_random_by_half() {
    let settings = [imagines(), plans()].concat();
    beats_random("loop", &settings, 4);
}

/// A small policy that learns from every step.
fn learns_from_steps() -> [(&'static str, Setting); 5] {
    [
        ("initial_steps", Setting::Integer(80)),
        ("updates_per_step", Setting::Float(4.0)),
        ("policy.batch", Setting::Integer(64)),
        ("policy.hidden", Setting::Numbers(vec![32.0, 32.0])),
        ("policy.target_rate", Setting::Float(0.02)),
    ]
}

#[test]
fn policies_without_a_model_beat_random_by_half() {
    for algorithm in ["sac", "td3"] {
        beats_random(algorithm, &learns_from_steps(), 80);
    }
}

/// A valley that random pushes never lead out of, and every step costs the same: what is not yet known leads out.
#[test]
fn curiosity_leads_out_of_the_valley() {
    let mut world = make("mountain-car", &BTreeMap::new()).unwrap();
    let mut parts = Parts::default();
    let whole = |number| Setting::Integer(number);
    parts.agent = BTreeMap::from([
        ("initial_steps".to_owned(), whole(100)),
        ("updates_per_step".to_owned(), Setting::Float(4.0)),
        ("branches".to_owned(), whole(32)),
    ]);
    let sizes = [("members", whole(3)), ("particles", whole(3)), ("epochs", whole(200))];
    parts.role("model").settings = sizes.map(|(key, size)| (key.to_owned(), size)).into();
    parts.role("model").settings.insert("hidden".into(), Setting::Numbers(vec![32.0, 32.0]));
    parts.role("policy").settings.insert("hidden".into(), Setting::Numbers(vec![32.0, 32.0]));
    let mut ends = Vec::new();
    for (curious, known) in [(true, true), (true, false), (false, true)] {
        parts.agent.insert("curious".into(), Setting::Bool(curious));
        let mut told = context(&world, 3);
        told.reward = told.reward.filter(|_| known);
        let mut agent = build(&resolve("loop", "", &parts).unwrap(), &told).unwrap();
        let mut experience = memory_of(&world, agent.columns());
        for seed in 0..4 {
            agent = episode(agent, &mut world, &mut experience, (seed, 200), None).2;
        }
        ends.push(experience.all().unwrap().terminated().iter().filter(|ended| **ended).count());
    }
    assert!(
        ends[0] > 0 && ends[1] > 0 && ends[2] == 0,
        "goals reached, the reward known, learned, without curiosity: {ends:?}"
    );
}

#[test]
fn gp_mpc_beats_random_by_half() {
    let mut settings = plans();
    settings.push(("initial_steps", Setting::Integer(40)));
    beats_random("gp-mpc", &settings, 2);
}

#[test]
fn a_policy_that_climbs_what_is_foreseen_beats_random_by_half() {
    let numbers = [("initial_steps", 40), ("horizon", 20), ("evaluations", 60), ("points", 60), ("policy.centres", 15)];
    let settings = numbers.map(|(key, number)| (key, Setting::Integer(number)));
    beats_random("pilco", &settings, 2);
}
