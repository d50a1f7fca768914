//! The agent that searches a learned latent: alone, and against itself.

use std::collections::{BTreeMap, HashMap};

use worldwright_agents::{Parts, build, resolve};
use worldwright_core::{Action, Agent, Observation, Rng, Setting, Value};
use worldwright_data::Replay;
use worldwright_envs::games::{Game, GameModel, Marks, TicTacToe};
use worldwright_envs::{Made, make};
use worldwright_models::{ROOT_VALUE, SEARCH_POLICY};

use crate::model_based::{agent, context, memory_of};

fn choice(action: &Action) -> usize {
    match action {
        Value::Integer(choice) => *choice as usize,
        other => panic!("{other:?} is no choice"),
    }
}

/// Trains for `steps` steps; episodes have seeds from `first_seed` on.
fn train(agent: &mut dyn Agent, made: &mut Made, memory: &mut Replay, steps: usize, first_seed: u64) {
    let (mut left, mut seed) = (steps, first_seed);
    while left > 0 {
        let mut observation = made.environment.reset(seed).unwrap();
        memory.start_episode(0, &observation).unwrap();
        agent.begin_episode(0, &observation, seed).unwrap();
        loop {
            let action = agent.act(0, &observation, true).unwrap();
            let step = made.environment.step(&action).unwrap();
            memory.step(0, &action, &step, agent.kept()).unwrap();
            agent.learn(memory).unwrap();
            left = left.saturating_sub(1);
            let done = step.done();
            observation = step.observation;
            if done || left == 0 {
                break;
            }
        }
        memory.end_episode(0);
        seed += 1;
    }
}

/// Mean return without exploration.
fn evaluated(agent: &mut dyn Agent, made: &mut Made, seeds: std::ops::Range<u64>) -> f64 {
    let count = seeds.end - seeds.start;
    let mut total = 0.0;
    for seed in seeds {
        let mut observation = made.environment.reset(seed).unwrap();
        agent.begin_episode(0, &observation, seed).unwrap();
        loop {
            let step = made.environment.step(&agent.act(0, &observation, false).unwrap()).unwrap();
            total += step.reward;
            if step.done() {
                break;
            }
            observation = step.observation;
        }
    }
    total / count as f64
}

fn tuned(algorithm: &str, environment: &str, made: &Made, settings: &[(&str, Setting)], seed: u64) -> Box<dyn Agent> {
    let mut parts = Parts::default();
    for (key, value) in settings {
        match key.split_once('.') {
            Some((section, key)) => parts.role(section).settings.insert(key.into(), value.clone()),
            None => parts.agent.insert((*key).into(), value.clone()),
        };
    }
    build(&resolve(algorithm, environment, &parts).unwrap(), &context(made, seed)).unwrap()
}

/// Of choices and of a world whose steps all pay alike, by plans that end in values: not far, but several times as long as at random.
#[test]
fn a_pole_is_held_by_plans_in_a_latent() {
    let mut made = make("cartpole", &BTreeMap::new()).unwrap();
    let sizes = [("model.latent", 64), ("model.hidden", 64), ("model.critics", 2), ("model.batch", 64)];
    let settings = sizes.map(|(key, value)| (key, Setting::Integer(value)));
    let mut learner = tuned("tdmpc2", "cartpole", &made, &settings, 1);
    let mut memory = memory_of(&made, learner.columns());
    train(learner.as_mut(), &mut made, &mut memory, 1800, 100);
    let mean = evaluated(learner.as_mut(), &mut made, 0..5);
    assert!(mean > 60.0, "{mean}");
}

/// A random policy holds the pole for about 22 steps.
#[test]
fn a_pole_is_held_after_a_few_thousand_steps() {
    let mut made = make("cartpole", &BTreeMap::new()).unwrap();
    let mut learner = tuned("muzero", "cartpole", &made, &[], 1);
    let mut memory = memory_of(&made, learner.columns());
    train(learner.as_mut(), &mut made, &mut memory, 2500, 100);
    let mean = evaluated(learner.as_mut(), &mut made, 0..5);
    assert!(mean > 100.0, "{mean}");
}

fn game() -> Made {
    make("tic-tac-toe", &BTreeMap::from([("opponent".to_owned(), Setting::Text("none".into()))])).unwrap()
}

/// The value of every position that can be reached, to the player to move, by going through all play.
fn solve(position: Marks, known: &mut HashMap<u64, f64>) -> f64 {
    if let Some(value) = known.get(&TicTacToe::key(position)) {
        return *value;
    }
    let value = (0..9)
        .filter_map(|choice| TicTacToe::play(position, choice))
        .map(|moved| if moved.over { moved.reward } else { -solve(moved.position, known) })
        .fold(f64::NEG_INFINITY, f64::max);
    known.insert(TicTacToe::key(position), value);
    value
}

/// A game against `other`; what the agent gains. It never makes a move that the rules forbid.
fn against(agent: &mut dyn Agent, begins: bool, seed: u64, other: &mut dyn FnMut(Marks) -> usize) -> f64 {
    let mut position = TicTacToe::start();
    agent.begin_episode(0, &GameModel::<TicTacToe>::observation(position), seed).unwrap();
    for turn in 0.. {
        let own = (turn % 2 == 0) == begins;
        let chosen = if own {
            choice(&agent.act(0, &GameModel::<TicTacToe>::observation(position), false).unwrap())
        } else {
            other(position)
        };
        let moved = TicTacToe::play(position, chosen).expect("a move that the rules allow");
        if moved.over {
            return if own { moved.reward } else { -moved.reward };
        }
        position = moved.position;
    }
    unreachable!("a game ends after nine moves")
}

/// By going through all play, the best that anyone can do against a perfect player is a draw. Among two players at random each loses four games in ten, and
/// nearly all of them against a perfect one.
#[test]
fn play_against_itself_comes_near_perfect_play() {
    let mut made = game();
    let mut learner = tuned("muzero", "tic-tac-toe", &made, &[], 2);
    let mut memory = memory_of(&made, learner.columns());
    train(learner.as_mut(), &mut made, &mut memory, 6000, 0);

    let mut known = HashMap::new();
    assert_eq!(solve(TicTacToe::start(), &mut known), 0.0);
    let allowed = |position: Marks| (0..9).filter(move |cell| TicTacToe::applicable(position) >> cell & 1 == 1);
    let mut rng = Rng::new(3);
    let mut random = |position: Marks| {
        let cells: Vec<usize> = allowed(position).collect();
        cells[rng.below(cells.len() as u64) as usize]
    };
    let games: Vec<f64> = (0..100).map(|i| against(learner.as_mut(), i % 2 == 0, i, &mut random)).collect();
    let lost = games.iter().filter(|gain| **gain < 0.0).count();
    let won = games.iter().filter(|gain| **gain > 0.0).count();

    // A perfect player that draws among its best moves.
    let mut rng = Rng::new(4);
    let mut perfect = |position: Marks| {
        let worth = |cell: usize| {
            let moved = TicTacToe::play(position, cell).unwrap();
            if moved.over { moved.reward } else { -known[&TicTacToe::key(moved.position)] }
        };
        let worths: Vec<(usize, f64)> = allowed(position).map(|cell| (cell, worth(cell))).collect();
        let best = worths.iter().map(|(_, worth)| *worth).fold(f64::NEG_INFINITY, f64::max);
        let cells: Vec<usize> = worths.iter().filter(|(_, worth)| *worth == best).map(|(cell, _)| *cell).collect();
        cells[rng.below(cells.len() as u64) as usize]
    };
    let games: Vec<f64> = (0..60).map(|i| against(learner.as_mut(), i % 2 == 0, i, &mut perfect)).collect();
    let drawn = games.iter().filter(|gain| **gain == 0.0).count();
    assert!(games.iter().all(|gain| *gain <= 0.0), "nobody wins against perfect play");
    assert!(lost <= 6 && won >= 80, "won {won} and lost {lost} of 100 games against moves at random");
    assert!(drawn >= 35, "drew {drawn} of 60 games against perfect play");
}

#[test]
fn a_search_is_kept_beside_its_step() {
    let mut made = game();
    let mut learner =
        agent("muzero", &made, &[("planner.simulations", 8), ("initial_steps", 20), ("model.batch", 4)], 5);
    let columns: Vec<(String, usize)> =
        learner.columns().into_iter().map(|column| (column.name, column.width)).collect();
    assert_eq!(columns, [(SEARCH_POLICY.to_owned(), 9), (ROOT_VALUE.to_owned(), 1)]);
    let mut memory = memory_of(&made, learner.columns());
    let start = made.environment.reset(1).unwrap();
    learner.begin_episode(0, &start, 1).unwrap();
    learner.act(0, &start, true).unwrap();
    assert_eq!(learner.kept(), [0.0; 10], "nothing is searched before anything is learned");
    train(learner.as_mut(), &mut made, &mut memory, 40, 7);
    // Cells 0 and 4 are taken.
    let seen = Observation::Floats(vec![1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0]);
    learner.begin_episode(0, &start, 2).unwrap();
    for explore in [true, false] {
        let chosen = choice(&learner.act(0, &seen, explore).unwrap());
        let kept = learner.kept();
        assert!((kept[..9].iter().sum::<f64>() - 1.0).abs() < 1e-9 && kept[..9].iter().all(|share| *share >= 0.0));
        assert!(kept[0] == 0.0 && kept[4] == 0.0 && chosen != 0 && chosen != 4, "{kept:?}");
        assert!(kept[9].abs() <= 1.5, "{kept:?}");
    }
    // A plan changes nothing of what is done next.
    let before = learner.save();
    let plan = learner.plan(&seen).unwrap();
    assert!(plan.report.value.is_finite() && ![0, 4].contains(&choice(&plan.actions[0])));
    assert!(learner.save() == before);
}

#[test]
fn what_does_not_fit_a_search_is_refused() {
    let refused = |environment: &str, change: &dyn Fn(&mut Parts)| -> String {
        let made = make(environment, &BTreeMap::new()).unwrap();
        let mut parts = Parts::default();
        change(&mut parts);
        let built = build(&resolve("muzero", environment, &parts).unwrap(), &context(&made, 0));
        built.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(refused("pendulum", &|_| {}).contains("actions that are numbers"));
    let rssm = refused("cartpole", &|parts| parts.role("model").name = Some("rssm".into()));
    assert!(rssm.contains("take the model muzero"), "{rssm}");
    let reuse = refused("cartpole", &|parts| {
        parts.role("planner").name = Some("puct".into());
        parts.role("planner").settings.insert("reuse".into(), Setting::Bool(true));
    });
    assert!(reuse.contains("planner.reuse"), "{reuse}");
    // Who does not weigh actions one by one says so at the first decision.
    let mut made = make("cartpole", &BTreeMap::new()).unwrap();
    let mut parts = Parts::default();
    parts.role("planner").name = Some("cem".into());
    parts.agent.insert("initial_steps".into(), Setting::Integer(1));
    parts.agent.insert("updates_per_step".into(), Setting::Float(1.0));
    let mut learner = build(&resolve("muzero", "cartpole", &parts).unwrap(), &context(&made, 0)).unwrap();
    let mut memory = memory_of(&made, learner.columns());
    let start = made.environment.reset(0).unwrap();
    memory.start_episode(0, &start).unwrap();
    learner.begin_episode(0, &start, 0).unwrap();
    let action = learner.act(0, &start, true).unwrap();
    memory.step(0, &action, &made.environment.step(&action).unwrap(), learner.kept()).unwrap();
    learner.learn(&memory).unwrap();
    assert!(learner.act(0, &start, true).unwrap_err().to_string().contains("gumbel"));
}
