//! A planner that was told to stop exploring does what it holds to be best, whatever its settings draw.

use worldwright_core::Setting::{Bool, Float, Integer};
use worldwright_core::{
    Action, Budget, Capabilities, Imagination, Key, ModelSpec, Observation, Planner, Space, Value, WorldModel,
};
use worldwright_planners::{ALL, PlannerContext, make};
use worldwright_testkit::{Dynamics, DynamicsModel, LaneAction, Outcome, Place, plain_spec};

use crate::{declared, settings};

/// One choice of three to the end, which pays its number; a prior prefers the best.
struct Rising(ModelSpec);

/// The last of three.
const BEST: Action = Value::Integer(2);

/// The first action of a plan by a seed.
fn decided(planner: &mut dyn Planner, world: &mut dyn Imagination, seed: u64) -> Action {
    planner.reset(seed);
    world.observe(0, None, &Observation::Floats(vec![0.0]), Key::new(0)).unwrap();
    planner.improve(world, 0, &Budget::default()).unwrap();
    let mut action = Action::Integer(0);
    planner.act(0, &mut action);
    action
}

impl Dynamics for Rising {
    fn spec(&self) -> &ModelSpec {
        &self.0
    }
    fn advance(
        &self,
        _place: Place,
        _state: &mut [f64],
        _next: &mut [f64],
        action: LaneAction<'_>,
        _key: Key,
        out: &mut Outcome<'_>,
    ) {
        let LaneAction::Choice(choice) = action else { panic!("choices were promised") };
        out.reward = f64::from(choice);
        out.continuation = 0.0;
    }
    fn value(&self, _state: &[f64]) -> f64 {
        1.0
    }
    fn prior(&self, _state: &[f64], mean: &mut [f64], _std: &mut [f64]) {
        mean.copy_from_slice(&[0.0, 0.0, 1.0]);
    }
}

/// Every planner of choices, with everything by which any of them draws turned up: those that then do something else by another seed are the searches of
/// a tree, and told to stop none of them does.
#[test]
fn a_planner_that_was_told_to_stop_exploring_does_the_best() {
    let plain = plain_spec("rising", 1, Space::discrete(3));
    let capabilities = Capabilities { prior: true, value: true, ..plain.capabilities };
    let model = DynamicsModel(Rising(ModelSpec { capabilities, ..plain }));
    let loud = settings([
        ("temperature", Float(1.0)),
        ("dirichlet_fraction", Float(1.0)),
        ("gumbel_scale", Float(100.0)),
        ("c_scale", Float(1.0)),
        ("simulations", Integer(12)),
        ("solve", Bool(false)),
    ]);
    let mut explores = Vec::new();
    for entry in ALL {
        let chosen = declared(entry.name, loud.clone());
        let context = PlannerContext::for_model(model.spec(), 0);
        let Ok(mut planner) = make(entry.name, &context, &chosen) else { continue };
        if planner.check(model.spec()).is_err() {
            continue;
        }
        let mut world = model.imagination(planner.rows());
        if (0..200).any(|seed| decided(planner.as_mut(), world.as_mut(), seed) != BEST) {
            explores.push(entry.name);
        }
        planner.stop_exploring();
        for seed in 0..200 {
            assert_eq!(decided(planner.as_mut(), world.as_mut(), seed), BEST, "{} explores at seed {seed}", entry.name);
        }
    }
    assert_eq!(explores, ["uct", "puct", "gumbel"]);
}
