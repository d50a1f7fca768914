//! Every native world as a model to plan in. What an agent earns with the tiger's beliefs is in `examples/tiger.rs`.

use std::collections::{BTreeMap, BTreeSet};

use worldwright_core::{Error, Observation, Rng, Setting, Value};
use worldwright_envs::maze::{Maze, MazeModel};
use worldwright_envs::{ALL, Made, make};
use worldwright_models::ModelContext;
use worldwright_testkit::check_world_model;

/// What is shown after a first action, in a few episodes.
fn shown(made: &mut Made) -> Vec<Observation> {
    let mut rng = Rng::new(5);
    let mut shown = Vec::new();
    for seed in 0..3 {
        made.environment.reset(seed).unwrap();
        let action = made.environment.action_space().sample(&mut rng);
        // A rule that the draw breaks ends the episode without a state.
        shown.extend(made.environment.step(&action).ok().filter(|step| !step.terminated).map(|step| step.observation));
    }
    shown
}

#[test]
fn every_known_world_keeps_the_contract_of_models() {
    let worlds = |name: &'static str, settings: &[(&str, Setting)]| {
        let settings = settings.iter().map(|(key, setting)| ((*key).to_owned(), setting.clone())).collect();
        (name, make(name, &settings).unwrap())
    };
    let mut all: Vec<(&str, Made)> = ALL.iter().map(|entry| worlds(entry.name, &[])).collect();
    let others = [("slip", Setting::Float(0.2)), ("opponent", Setting::Text("none".into()))];
    for (entry, other) in ALL.iter().flat_map(|entry| others.iter().map(move |other| (entry, other))) {
        if entry.parameters.iter().any(|parameter| parameter.name == other.0) {
            all.push(worlds(entry.name, std::slice::from_ref(other)));
        }
    }
    let mut unknown = BTreeSet::new();
    for (name, mut made) in all {
        let seen = match name {
            "tiger" => [1.0, 2.0].map(|heard| Value::Floats(vec![heard])).to_vec(),
            // Where the rover is after the first step, and what it saw of a rock.
            "rock-sample" => [vec![0.0, 3.0, 0.0], vec![1.0, 3.0, 0.0]].map(Value::Floats).to_vec(),
            _ => shown(&mut made),
        };
        let context = ModelContext {
            observation_space: made.environment.observation_space().clone(),
            action_space: made.environment.action_space().clone(),
            reward: None,
            simulator: made.simulator.clone(),
            known: made.model.clone(),
            players: made.environment.players(),
            discount: 0.95,
            seed: 0,
        };
        let model = worldwright_models::build("known", &context, &BTreeMap::new());
        let model = match model {
            Ok(model) => model,
            Err(Error::Unsupported { .. }) => {
                unknown.insert(name);
                continue;
            }
            Err(error) => panic!("{name}: {error}"),
        };
        check_world_model(model.as_world_model(), &seen, 0.0);
    }
    // Against an opponent, what follows a move is chance that no model stands for; grids, mazes and cubes are given to solvers whole, and
    // seas, rivers, bits and boxes are there to be learned.
    let without = [
        "tic-tac-toe",
        "connect-four",
        "gridworld",
        "maze",
        "rooms",
        "cube",
        "pocket-cube",
        "deep-sea",
        "river-swim",
        "bit-flipping",
        "push",
    ];
    assert_eq!(unknown, BTreeSet::from(without));
}

#[test]
fn a_maze_as_a_model_keeps_the_contract() {
    for slip in [0.0, 0.2] {
        let model = MazeModel::new(Maze::random(4, 2, &mut Rng::new(1)), 15, 0.95, slip).unwrap();
        check_world_model(&model, &[0.0, 3.0, 6.0].map(|cell| Value::Floats(vec![cell])), 0.0);
    }
}
