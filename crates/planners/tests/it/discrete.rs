//! Discrete actions: a known car, a sequence to find, and products of choices.

use worldwright_core::Setting::{Float, Integer};
use worldwright_core::{Action, Budget, Key, Observation, Space, WorldModel};
use worldwright_testkit::{Dynamics, DynamicsModel, LaneAction, MountainCar, Told, plain_spec};

use crate::{control, planner, settings, step};

/// Pays 1 for each choice that is its target at that step. The state is (time).
fn lock(target: &[u32], action_space: Space) -> DynamicsModel<impl Dynamics> {
    let target = target.to_vec();
    Told::model(plain_spec("lock", 1, action_space), move |_, state, action, out| {
        let LaneAction::Choice(choice) = action else { panic!("choices were promised") };
        out.reward = if target.get(state[0] as usize) == Some(&choice) { 1.0 } else { 0.0 };
        state[0] += 1.0;
    })
}

fn plan(name: &str, model: &dyn WorldModel, horizon: i64) -> (Vec<Action>, f64) {
    let overrides = settings([
        ("horizon", Integer(horizon)),
        ("population", Integer(300)),
        ("iterations", Integer(15)),
        ("noise_beta", Float(0.0)),
    ]);
    let mut planner = planner(name, model, 3, &overrides);
    let mut world = model.imagination(planner.rows());
    world.observe(0, None, &Observation::Floats(vec![0.0]), Key::new(0)).unwrap();
    let report = planner.improve(&mut *world, 0, &Budget::default()).unwrap();
    let actions = (0..horizon as usize).map(|t| {
        let mut action = Action::Integer(0);
        planner.act(t, &mut action);
        action
    });
    (actions.collect(), report.value)
}

/// Four to the tenth sequences, one of which is right; random shooting of the same size cannot find it.
#[test]
fn the_categorical_distribution_converges_on_the_one_right_sequence() {
    let target = [3, 1, 0, 2, 2, 3, 0, 1, 3, 0];
    for name in ["cem", "icem", "mppi"] {
        let (actions, value) = plan(name, &lock(&target, Space::choices(4, -1)), 10);
        let want: Vec<Action> = target.iter().map(|digit| Action::Integer(i64::from(*digit) - 1)).collect();
        assert_eq!((actions, value), (want, 10.0), "{name}");
    }
    let (_, value) = plan("random-shooting", &lock(&target, Space::discrete(4)), 10);
    assert!(value < 10.0, "the baseline found it: the test proves nothing");
}

#[test]
fn products_of_choices_are_searched_as_digits() {
    // Choice 7 of places (2, 3, 2) is digits 1, 0, 1; choice 10 is 1, 2, 0.
    let space = Space::multi_discrete(&[2, 3, 2]);
    let (actions, value) = plan("cem", &lock(&[7, 10], space), 2);
    assert_eq!(actions, [Action::Integers(vec![1, 0, 1]), Action::Integers(vec![1, 2, 0])]);
    assert_eq!(value, 2.0);
}

#[test]
fn too_many_choices_are_refused() {
    use worldwright_planners::{PlannerContext, make};
    let context = PlannerContext {
        action_space: Space::multi_discrete(&[17, 17, 17]),
        members: 1,
        latent_dim: 0,
        has_value: false,
        deterministic: true,
        seed: 0,
    };
    let refused = make("cem", &context, &settings([])).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("4096"), "{refused}");
}

/// The car's best from the bottom of the valley is near 100 steps; full throttle either way never gets out.
#[test]
fn the_mountain_car_gets_out() {
    let model = DynamicsModel(MountainCar::new().with_energy_value());
    let overrides = settings([("horizon", Integer(90)), ("population", Integer(200)), ("iterations", Integer(4))]);
    let got = control(&mut *planner("icem", &model, 0, &overrides), &model, &[-0.5, 0.0], 200);
    assert!(got >= -125.0, "{got}");
    let mut real = model.imagination(1);
    real.observe(0, None, &Observation::Floats(vec![-0.5, 0.0]), Key::new(0)).unwrap();
    let mut out = worldwright_core::Imagined::new(model.spec(), 1);
    for t in 0..200 {
        step(&mut *real, &Action::Integer(2), t, &mut out);
        assert!(out.continuation[0] != 0.0, "the valley is too shallow to test anything");
    }
}
