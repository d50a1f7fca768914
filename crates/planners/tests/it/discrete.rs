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
fn too_many_choices_for_a_list_are_refused_with_what_to_do() {
    use worldwright_planners::{PlannerContext, make};
    let context = PlannerContext {
        action_space: Space::multi_discrete(&[17, 17, 17]),
        members: 1,
        latent_dim: 0,
        has_value: false,
        deterministic: true,
        seed: 0,
    };
    let refused = make("uct", &context, &settings([])).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("4913") && refused.to_string().contains("icem"), "{refused}");
}

/// Pays for each place of the flat action that is as in `target`. Every action must be an element of the space.
fn combination(space: &Space, target: &Action) -> DynamicsModel<impl Dynamics> {
    let mut wanted = vec![0.0; space.flat_dim()];
    space.flatten(target, &mut wanted).unwrap();
    let own = space.clone();
    Told::model(plain_spec("combination", 1, space.clone()), move |_, state, action, out| {
        let LaneAction::Numbers(flat) = action else { panic!("flat actions were promised") };
        let element = own.unflatten(flat).unwrap();
        let mut again = vec![0.0; flat.len()];
        own.flatten(&element, &mut again).unwrap();
        assert_eq!(flat, again, "no element of the space");
        own.check(&element).unwrap();
        out.reward = -flat.iter().zip(&wanted).map(|(is, wanted)| (is - wanted).abs()).sum::<f64>();
        state[0] += 1.0;
    })
}

/// A million joint choices and more, of which one is right, in spaces of every kind.
#[test]
fn large_spaces_are_searched_factor_by_factor() {
    let whole = Space::Box {
        shape: vec![2, 2],
        low: vec![-40.0; 4],
        high: vec![40.0; 4],
        element: worldwright_core::ElementType::I32,
    };
    let wide = Space::MultiDiscrete {
        shape: vec![2, 5],
        nvec: vec![4; 10],
        start: (0..10).map(|i| i - 5).collect(),
        element: worldwright_core::ElementType::I64,
    };
    let mixed = Space::Dict(vec![
        ("steer".into(), Space::vector(&[-1.0], &[1.0])),
        ("switches".into(), Space::bits(8)),
        ("pair".into(), Space::Tuple(vec![Space::choices(7, -3), whole.clone()])),
    ]);
    let mut rng = worldwright_core::Rng::new(5);
    for space in [wide, Space::bits(20), whole, mixed] {
        let target = space.sample(&mut rng);
        let worth = |action: &Action| {
            let (mut flat, mut wanted) = (vec![0.0; space.flat_dim()], vec![0.0; space.flat_dim()]);
            space.flatten(action, &mut flat).unwrap();
            space.flatten(&target, &mut wanted).unwrap();
            flat.iter().zip(&wanted).map(|(is, wanted)| (is - wanted).abs()).sum::<f64>()
        };
        let mean = (0..200).map(|_| worth(&space.sample(&mut rng))).sum::<f64>() / 200.0;
        for name in ["cem", "icem"] {
            let (actions, value) = plan(name, &combination(&space, &target), 2);
            assert!(value > -0.03 * 2.0 * mean, "{name} in {space:?}: {value}");
            for action in &actions {
                space.check(action).unwrap();
            }
        }
        // These draw fewer candidates or keep a wider spread: half of the way from a random action's worth will do.
        for name in ["mppi", "predictive-sampling", "cma-es", "sampled-mcts", "progressive-widening", "random-shooting"]
        {
            let model = combination(&space, &target);
            let mut planner = planner(name, &model, 3, &settings([("horizon", Integer(2))]));
            let mut world = model.imagination(planner.rows());
            world.observe(0, None, &Observation::Floats(vec![0.0]), Key::new(0)).unwrap();
            planner.improve(&mut *world, 0, &Budget::default()).unwrap();
            let mut action = Action::Integer(0);
            planner.act(0, &mut action);
            space.check(&action).unwrap();
            assert!(worth(&action) < 0.7 * mean, "{name} in {space:?}: {} of {mean}", worth(&action));
        }
    }
}

/// Actions without bounds, half-open ones and bounds as far as numbers go: the spread grows to where the reward is.
#[test]
fn actions_without_bounds_are_found_however_far() {
    let f32_most = f64::from(f32::MAX);
    for (low, high) in
        [(f64::NEG_INFINITY, f64::INFINITY), (-3.0, f64::INFINITY), (-f32_most, f32_most), (f64::MIN, f64::MAX)]
    {
        for target in [0.25, -2.0, 40.0, 3000.0] {
            let space = Space::vector(&[low], &[high]);
            let model = Told::model(plain_spec("far", 1, space.clone()), move |_, state, action, out| {
                let LaneAction::Numbers(numbers) = action else { panic!("numbers were promised") };
                out.reward = -(numbers[0] - target).abs();
                state[0] = 0.0;
            });
            for name in ["cem", "icem", "mppi"] {
                let mut planner = planner(name, &model, 1, &settings([("horizon", Integer(1))]));
                let mut world = model.imagination(planner.rows());
                world.observe(0, None, &Observation::Floats(vec![0.0]), Key::new(0)).unwrap();
                let mut action = Action::Integer(0);
                for _ in 0..30 {
                    planner.improve(&mut *world, 0, &Budget::default()).unwrap();
                    planner.act(0, &mut action);
                    planner.shift(1);
                }
                space.check(&action).unwrap();
                let found = action.floats().unwrap()[0];
                assert!((found - target).abs() < 0.15 * f64::max(target.abs(), 1.0), "{name} to {target}: {found}");
            }
        }
    }
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
