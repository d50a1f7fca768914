//! Tree search against games that are solved, bandits with closed forms, and a reference that is written plainly.

use std::collections::BTreeMap;

use worldwright_core::Setting::{Bool, Float, Integer, Text};
use worldwright_core::{Budget, Error, Key, Observation, Setting, Space, Value, WorldModel};
use worldwright_envs::games::{ConnectFour, Game, GameModel, Stones, TicTacToe};
use worldwright_planners::tree::Forest;
use worldwright_planners::{PlannerContext, make};
use worldwright_testkit::tabular::Process;
use worldwright_testkit::{ProcessModel, check_planner, check_world_model};

use crate::{planner, settings};

mod bandit;
mod branching;
mod games;
mod mctx;
mod reuse;
mod roots;
mod shorter;

const METHODS: [&str; 3] = ["uct", "puct", "gumbel"];

fn forest(name: &str, model: &dyn WorldModel, overrides: &BTreeMap<String, Setting>) -> Forest {
    Forest::new(name, &PlannerContext::for_model(model.spec(), 0), overrides, 1).unwrap()
}

/// One search from a state, with an arena of its own.
fn search(name: &str, model: &dyn WorldModel, state: &Observation, overrides: &BTreeMap<String, Setting>) -> Forest {
    let mut forest = forest(name, model, overrides);
    let mut world = model.imagination(forest.rows());
    world.observe(0, None, state, Key::new(3)).unwrap();
    forest.search(&mut *world, &Budget::default(), Key::new(5)).unwrap();
    forest
}

#[test]
fn the_games_are_sound_models() {
    let after = |columns: &[usize]| GameModel::<ConnectFour>::observation(Stones::after(columns).unwrap());
    check_world_model(&GameModel::<ConnectFour>::new(), &[after(&[]), after(&[3, 3, 2])], 0.0);
    let start = GameModel::<TicTacToe>::observation(TicTacToe::start());
    check_world_model(&GameModel::<TicTacToe>::new().without_value(), &[start], 0.0);
    let lake = ProcessModel::new("frozen-lake", Process::frozen_lake(), 0.99);
    check_world_model(&lake, &[Value::Integer(0), Value::Integer(14)], 0.0);
}

#[test]
fn every_method_keeps_the_contract_in_a_game() {
    let start = GameModel::<TicTacToe>::observation(TicTacToe::start());
    for name in METHODS {
        for reuse in [false, true] {
            if name == "gumbel" && reuse {
                continue;
            }
            let mut overrides = settings([
                ("simulations", Integer(48)),
                ("leaves", Integer(4)),
                ("horizon", Integer(6)),
                ("rollout_steps", Integer(9)),
            ]);
            if reuse {
                overrides.insert("reuse".to_owned(), Bool(true));
            }
            for model in [GameModel::<TicTacToe>::new(), GameModel::<TicTacToe>::new().without_value()] {
                let build = |seed| planner(name, &model, seed, &overrides);
                check_planner(name, &build, &model, &start);
            }
        }
    }
}

/// Frozen lake, where each move slips to either side two times of three.
#[test]
fn chance_nodes_find_the_values_of_the_frozen_lake() {
    for (discount, want) in [(0.99, 0.542_025_932), (1.0, 14.0 / 17.0)] {
        let model = ProcessModel::new("frozen-lake", Process::frozen_lake(), discount);
        let overrides = settings([
            ("simulations", Integer(30_000)),
            ("leaves", Integer(8)),
            ("horizon", Integer(200)),
            ("rollout_steps", Integer(1)),
            ("transpositions", Bool(true)),
            ("chance_exponent", Float(1.0)),
            ("backup", Text("maximum".to_owned())),
            ("nodes", Integer(64)),
        ]);
        let forest = search("uct", &model, &Value::Integer(0), &overrides);
        let got = forest.value(0).unwrap();
        assert!((got - want).abs() < 0.02 * want, "discount {discount}: {got} instead of {want}");
        // Left is the only optimal first move, as long as time costs something.
        assert!(discount == 1.0 || forest.decide(0) == Some(0), "discount {discount}");
    }
}

#[test]
fn what_cannot_be_searched_is_told() {
    let context = PlannerContext {
        action_space: Space::vector(&[-1.0], &[1.0]),
        members: 1,
        latent_dim: 0,
        has_value: false,
        deterministic: true,
        seed: 0,
    };
    for name in METHODS {
        let refused = make(name, &context, &settings([])).map(|_| ()).unwrap_err();
        assert!(matches!(refused, Error::Unsupported { .. }) && refused.to_string().contains("icem"), "{refused}");
    }
    // No keys, no values: each is named.
    let branching = worldwright_testkit::DynamicsModel(worldwright_testkit::MountainCar::new());
    let refused = |overrides: &BTreeMap<String, Setting>| {
        let mut planner = planner("uct", &branching, 0, overrides);
        let mut world = branching.imagination(planner.rows());
        planner.improve(&mut *world, 0, &Budget::default()).unwrap_err().to_string()
    };
    assert!(refused(&settings([("transpositions", Bool(true))])).contains("keys of states"));
    assert!(refused(&settings([("evaluation", Text("value".to_owned()))])).contains("rollout"));
}
