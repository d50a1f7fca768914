//! A kept tree is worth the simulations that were spent on it: searches that are told apart only by where they paused.

use worldwright_core::Setting::{Bool, Float, Integer};
use worldwright_core::{
    Action, Array, Budget, Capabilities, Imagination, Key, ModelSpec, Observation, Planner, Rows, Setting, Space,
    State, WorldModel,
};
use worldwright_envs::games::{ConnectFour, Game, GameModel};
use worldwright_planners::PlannerContext;
use worldwright_planners::tree::Forest;
use worldwright_testkit::{Dynamics, DynamicsModel, LaneAction, Outcome, Place, plain_spec};

use crate::{planner, settings};

/// Three ways from every state, which is the path's number in base 3. Nothing is paid; a state is worth 0 or 1, and the first two ways
/// from any state differ. So the range of the values, by which they are weighed against the prior, is 0 to 1 wherever a search begins,
/// as soon as each way has been tried once; strong exploration does that first.
struct Coins(ModelSpec);

impl Coins {
    fn model() -> DynamicsModel<Self> {
        DynamicsModel(Self(ModelSpec {
            capabilities: Capabilities { value: true, prior: true, ..Capabilities::default() },
            ..plain_spec("coins", 1, Space::discrete(3))
        }))
    }
}

/// Whether a number falls on heads.
fn heads(number: f64) -> bool {
    let x = (number * 12.9898).sin() * 43_758.547;
    x - x.floor() < 0.5
}

impl Dynamics for Coins {
    fn spec(&self) -> &ModelSpec {
        &self.0
    }
    fn advance(
        &self,
        _place: Place,
        state: &mut [f64],
        _next: &mut [f64],
        action: LaneAction<'_>,
        _key: Key,
        _out: &mut Outcome<'_>,
    ) {
        let LaneAction::Choice(choice) = action else { panic!("choices were promised") };
        state[0] = 3.0 * state[0] + f64::from(choice) + 1.0;
    }
    fn value(&self, state: &[f64]) -> f64 {
        let parent = ((state[0] - 1.0) / 3.0).floor();
        let way = state[0] - 1.0 - 3.0 * parent;
        let worth = if way < 2.0 { heads(parent) != (way == 1.0) } else { heads(state[0] + 0.5) };
        f64::from(u8::from(worth))
    }
    fn prior(&self, _state: &[f64], mean: &mut [f64], _std: &mut [f64]) {
        mean.fill(0.0);
    }
}

const SIMULATIONS: i64 = 600;

fn overrides(simulations: i64, reuse: bool) -> std::collections::BTreeMap<String, Setting> {
    settings([
        ("simulations", Integer(simulations)),
        ("nodes", Integer(4 * SIMULATIONS)),
        ("pb_c_init", Float(8.0)),
        ("reuse", Bool(reuse)),
    ])
}

/// Numbers of the tree that a planner keeps.
fn kept(planner: &dyn Planner, name: &str) -> Vec<u64> {
    let state: State = planner.save().part("tree");
    match state.array(name) {
        Ok(Array::U64(numbers)) => numbers.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

/// Visits of each action of a node of the kept tree, and the nodes that they lead to.
fn edges(planner: &dyn Planner, node: usize) -> Vec<(u64, u64)> {
    let (first, count) = (kept(planner, "first")[node] as usize, kept(planner, "count")[node] as usize);
    let (visits, child) = (kept(planner, "edge_visits"), kept(planner, "child"));
    (first..first + count).map(|edge| (visits[edge], child[edge])).collect()
}

fn observe(world: &mut dyn Imagination, state: f64) {
    world.observe(0, None, &Observation::Floats(vec![state]), Key::new(0)).unwrap();
}

/// A search from `state` that begins with nothing: visits of each action, the decision, and its value.
fn fresh(model: &dyn WorldModel, state: f64, simulations: i64) -> (Vec<u64>, u32, f64) {
    let context = PlannerContext::for_model(model.spec(), 0);
    let mut forest = Forest::new("puct", &context, &overrides(simulations, false), 1).unwrap();
    let mut world = model.imagination(forest.rows());
    observe(&mut *world, state);
    forest.search(&mut *world, &Budget::default(), Key::new(0)).unwrap();
    let (mut visits, mut values) = ([0; 3], [0.0; 3]);
    forest.visits(0, &mut visits);
    forest.action_values(0, &mut values);
    let decision = forest.decide(0).unwrap();
    (visits.map(u64::from).to_vec(), decision, values[decision as usize])
}

/// After one move, after two, and after none at all: search on a kept tree equals one search with the sum of the simulations, to the
/// last visit and the last bit of the value.
#[test]
fn a_kept_tree_is_worth_its_simulations() {
    let model = Coins::model();
    for moves in [0, 1, 2] {
        let mut planner = planner("puct", &model, 0, &overrides(SIMULATIONS, true));
        let mut world = model.imagination(planner.rows());
        let mut state = 0.0;
        observe(&mut *world, state);
        planner.improve(&mut *world, 0, &Budget::default()).unwrap();
        let mut below: Vec<(u64, u64)> = edges(&*planner, 0);
        let mut spent = SIMULATIONS as u64;
        for _ in 0..moves {
            let mut action = Action::Integer(0);
            planner.act(0, &mut action);
            let choice = action.integer().unwrap();
            state = 3.0 * state + choice as f64 + 1.0;
            let (visits, child) = below[choice as usize];
            // The first visit of an edge makes its node; the others went on below it.
            spent = visits - 1;
            assert_eq!(kept(&*planner, "visits")[child as usize], spent);
            below = edges(&*planner, child as usize);
            planner.shift(1);
        }
        assert!(spent > 50, "too little is kept to show anything: {spent}");
        observe(&mut *world, state);
        let report = planner.improve(&mut *world, 0, &Budget::default()).unwrap();
        let mut action = Action::Integer(0);
        planner.act(0, &mut action);
        let (visits, decision, value) = fresh(&model, state, spent as i64 + SIMULATIONS);
        let got: Vec<u64> = edges(&*planner, 0).iter().map(|(visits, _)| *visits).collect();
        assert!(
            got.iter().zip(&below).all(|(now, (before, _))| now >= before),
            "{moves} moves: {got:?} from {below:?}"
        );
        assert_eq!(got, visits, "{moves} moves");
        assert_eq!(action.integer(), Some(i64::from(decision)), "{moves} moves");
        assert_eq!(report.value.to_bits(), value.to_bits(), "{moves} moves");
        // Without the kept tree the visits are others: what is compared depends on it.
        assert_ne!(fresh(&model, state, SIMULATIONS).0, visits);
    }
}

/// The other player may reply anything: the key of the state finds the place, whose visits stay, each of them.
#[test]
fn the_place_after_a_reply_keeps_its_visits() {
    let model = GameModel::<ConnectFour>::new();
    let simulations = 300;
    let mut planner =
        planner("uct", &model, 0, &settings([("simulations", Integer(simulations)), ("reuse", Bool(true))]));
    let mut world = model.imagination(planner.rows());
    let observe = |world: &mut dyn Imagination, position| {
        world.observe(0, None, &GameModel::<ConnectFour>::observation(position), Key::new(0)).unwrap();
    };
    observe(&mut *world, ConnectFour::start());
    planner.improve(&mut *world, 0, &Budget::default()).unwrap();
    let mut action = Action::Integer(0);
    planner.act(0, &mut action);
    let own = ConnectFour::play(ConnectFour::start(), action.integer().unwrap() as usize).unwrap().position;
    let reply = ConnectFour::play(own, 2).unwrap().position;
    planner.shift(1);
    observe(&mut *world, reply);
    let mut key = [0];
    world.state_keys(Rows::Span(0..1), &mut key).unwrap();
    let place = kept(&*planner, "key").iter().position(|known| *known == key[0]).expect("the reply was searched");
    let (visits, before) = (kept(&*planner, "visits")[place], edges(&*planner, place));
    assert!(visits > 0 && visits == before.iter().map(|(visits, _)| visits).sum::<u64>());
    planner.improve(&mut *world, 0, &Budget::default()).unwrap();
    let after = edges(&*planner, 0);
    assert_eq!(kept(&*planner, "visits")[0], visits + simulations as u64);
    assert_eq!(after.len(), before.len());
    assert!(after.iter().zip(&before).all(|(now, then)| now.0 >= then.0), "{after:?} from {before:?}");
}
