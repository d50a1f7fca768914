//! Grids against closed forms and the values of much finer grids by an independent program.

use std::f64::consts::{PI, TAU};

use worldwright_core::Setting::{Integer, Numbers};
use worldwright_core::{Action, Budget, Error, Key, Observation, PlanStatus, Planner, Rng, Space, WorldModel};
use worldwright_motion::Dubins;
use worldwright_planners::grid::{Axis, GridConfig, GridValue, Interpolation};
use worldwright_testkit::lqr::Problem;
use worldwright_testkit::tabular::Process;
use worldwright_testkit::{
    DynamicsModel, LaneAction, LinearQuadratic, MountainCar, Pendulum, Told, check_planner, dubins_car, golden_ratio,
    minimum_time, plain_spec,
};

use crate::{control, planner, settings};

/// A grid for a model, explored.
fn explored(model: &dyn WorldModel, config: &GridConfig) -> GridValue {
    let mut value = GridValue::new(config, &model.spec().action_space, model.spec().members).unwrap();
    let mut world = model.imagination(value.rows());
    value.explore(&mut *world).unwrap();
    assert_eq!(value.diverged(), 0);
    value
}

/// The return of the greedy policy from a state on the model itself.
fn followed(value: &mut GridValue, model: &dyn WorldModel, state: &[f64], steps: usize) -> (f64, usize) {
    let mut world = model.imagination(value.rows());
    world.observe(0, None, &Observation::Floats(state.to_vec()), Key::new(0)).unwrap();
    value.follow(&mut *world, steps, Key::new(0)).unwrap()
}

#[test]
fn the_golden_ratio_comes_out_of_the_quadratic() {
    let golden = 0.5 * (1.0 + 5.0_f64.sqrt());
    let model = golden_ratio();
    // Linear interpolation of −φ x² errs by at most φ h²/4 a step, h = 1/100.
    let mut config = GridConfig::new(vec![Axis::new(-1.0, 1.0, 201)]);
    config.action_points = vec![801];
    let mut value = explored(&model, &config);
    assert!(value.settle(1e-10, 1000).converged);
    for x in [-1.0, -0.37, 0.25, 0.8] {
        let (got, want) = (value.at(&[x]), -golden * x * x);
        assert!((got - want).abs() < 2e-4, "{got} instead of {want} at {x}");
    }
    // The greedy action is −x/φ.
    let mut world = model.imagination(value.rows());
    world.observe(0, None, &Observation::Floats(vec![0.8]), Key::new(0)).unwrap();
    let choice = value.look_ahead(&mut *world, 0, Key::new(0)).unwrap().unwrap();
    let action = choice.action as f64 / 400.0 - 1.0;
    assert!((action + 0.8 / golden).abs() < 0.01, "{action}");
}

/// Interpolation blurs the switching curve: the error goes down with the spacing, from above.
#[test]
fn the_double_integrator_comes_home_in_minimum_time() {
    let starts = [[1.0, 0.0], [4.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-2.0, 1.0], [4.0, -2.0]];
    // Full thrust one way until v²/2 = |x|, then the other way.
    let shortest = |[x, v]: [f64; 2]| {
        let (x, v) = if x > -0.5 * v * v.abs() { (x, v) } else { (-x, -v) };
        v + 2.0 * (0.5 * v * v + x).sqrt()
    };
    let model = minimum_time(0.1, 0.05);
    let errors = |spacing: f64| {
        let side = |reach: f64| Axis::new(-reach, reach, (2.0 * reach / spacing).round() as usize + 1);
        let mut config = GridConfig::new(vec![side(6.0), side(3.6)]);
        config.action_points = vec![3];
        let mut value = explored(&model, &config);
        assert!(value.settle(1e-4, 1000).converged);
        starts.map(|state| -value.at(&state) - shortest(state))
    };
    let (coarse, fine) = (errors(0.05), errors(0.025));
    assert!(coarse.iter().all(|error| (0.0..0.2).contains(error)), "{coarse:?}");
    assert!(fine.iter().all(|error| (-0.02..0.07).contains(error)), "{fine:?}");
}

/// Dubins' lengths on a grid of three dimensions: blur makes ways longer, and the reach of home makes them shorter.
#[test]
fn a_car_drives_the_shortest_way_of_dubins() {
    let model = dubins_car(0.2, 0.2);
    let starts = [[-2.0, 0.0, 0.0], [0.5, 0.0, PI], [1.0, 1.0, 0.5 * PI], [-1.0, 1.5, -2.0], [2.0, -1.0, 1.0]];
    let errors = |side: usize, around: usize| {
        let along = Axis::new(-3.0, 3.0, side);
        let config = GridConfig::new(vec![along, along, Axis::periodic(-PI, PI, around)]);
        let mut value = explored(&model, &config);
        assert!(value.settle(1e-3, 500).converged);
        starts.map(|start| {
            let shortest = Dubins::shortest(start, [0.0; 3], 1.0).length();
            (-value.at(&start) - shortest, -followed(&mut value, &model, &start, 200).0 - shortest)
        })
    };
    let (coarse, fine) = (errors(31, 33), errors(61, 65));
    let blur = |errors: &[(f64, f64)]| errors.iter().map(|(told, _)| told.abs()).sum::<f64>();
    assert!(blur(&fine) < 0.5 * blur(&coarse), "{coarse:?} {fine:?}");
    assert!(
        fine.iter().all(|(told, earned)| (-0.25..0.5).contains(told) && (-0.25..0.35).contains(earned)),
        "{fine:?}"
    );
}

/// A world that jumps from point to point along the axes, the last of which is a circle, for random rewards: what a grid finds is what
/// plain value iteration finds on the same table, in 1 to 4 dimensions.
#[test]
fn a_grid_of_any_dimension_is_the_table_of_its_points() {
    const SIDE: usize = 5;
    for dims in 1..=4_usize {
        let (states, actions) = (SIDE.pow(dims as u32), 2 * dims);
        let mut rng = Rng::new(dims as u64);
        let rewards: Vec<f64> = (0..states * actions).map(|_| f64::from(rng.normal() as f32)).collect();
        let digit = |state: usize, dim: usize| state / SIDE.pow((dims - 1 - dim) as u32) % SIDE;
        let moved = |state: usize, action: usize| {
            let (dim, up, from) = (action / 2, action.is_multiple_of(2), digit(state, action / 2));
            let to = match (dim + 1 == dims, up) {
                (true, true) => (from + 1) % SIDE,
                (true, false) => (from + SIDE - 1) % SIDE,
                (false, true) => (from + 1).min(SIDE - 1),
                (false, false) => from.saturating_sub(1),
            };
            state + to * SIDE.pow((dims - 1 - dim) as u32) - from * SIDE.pow((dims - 1 - dim) as u32)
        };
        let branch = |state, action| vec![(1.0, Some(moved(state, action)), rewards[state * actions + action])];
        let branches = (0..states).map(|state| (0..actions).map(|action| branch(state, action)).collect()).collect();
        let known = Process { branches }.value_iteration(0.9, 1e-12);
        let table = rewards.clone();
        let model = Told::model(plain_spec("jumps", dims, Space::discrete(actions)), move |_, at, action, out| {
            let LaneAction::Choice(action) = action else { panic!("choices were promised") };
            let state = at.iter().fold(0, |state, x| state * SIDE + x.round() as usize % SIDE);
            out.reward = table[state * actions + action as usize];
            let (dim, up) = (action as usize / 2, action.is_multiple_of(2));
            at[dim] += if up { 1.0 } else { -1.0 };
        });
        // The circle's last point is its first again.
        let mut axes = vec![Axis::new(0.0, SIDE as f64 - 1.0, SIDE); dims - 1];
        axes.push(Axis::periodic(0.0, SIDE as f64, SIDE + 1));
        for interpolation in [Interpolation::Multilinear, Interpolation::Simplex] {
            let config = GridConfig { interpolation, discount: 0.9, ..GridConfig::new(axes.clone()) };
            let mut value = explored(&model, &config);
            assert!(value.settle(1e-9, 1000).converged);
            for (state, want) in known.iter().enumerate() {
                let at: Vec<f64> = (0..dims).map(|dim| digit(state, dim) as f64).collect();
                let got = value.at(&at);
                assert!((got - want).abs() < 1e-5, "{dims} dimensions, {interpolation:?}, {at:?}: {got} for {want}");
            }
        }
    }
}

/// The values of a grid of 1440 × 1601 points and 61 torques by an independent program.
const PENDULUM: [([f64; 2], f64); 6] = [
    ([PI, 0.0], -296.2),
    ([PI, 1.0], -281.3),
    ([PI / 2.0, 0.0], -116.2),
    ([1.0, 0.0], -120.2),
    ([0.5, 0.5], -123.6),
    ([-2.5, 0.5], -225.2),
];

fn pendulum(angles: usize, speeds: usize, torques: usize, interpolation: Interpolation) -> GridValue {
    let mut config = GridConfig::new(vec![Axis::periodic(-PI, PI, angles), Axis::new(-8.0, 8.0, speeds)]);
    config.action_points = vec![torques];
    config.interpolation = interpolation;
    let mut value = explored(&DynamicsModel(Pendulum::new()), &config);
    (0..200).for_each(|_| {
        value.sweep();
    });
    value
}

#[test]
fn the_pendulum_on_a_coarse_grid_is_near_the_fine_one() {
    let mut value = pendulum(181, 201, 13, Interpolation::Multilinear);
    // Hanging states stand on the ridge between one swing more and one less, where interpolation errs most.
    let tolerances = [12.0, 10.0, 0.3, 0.3, 0.3, 1.5];
    for ((state, want), tolerance) in PENDULUM.into_iter().zip(tolerances) {
        let got = value.at(&state);
        assert!((got - want).abs() < tolerance, "{state:?}: {got} instead of {want}");
    }
    // What the policy earns is at most the optimum.
    for (state, want) in [PENDULUM[0], PENDULUM[2], PENDULUM[3], PENDULUM[4], PENDULUM[5]] {
        let (earned, _) = followed(&mut value, &DynamicsModel(Pendulum::new()), &state, 200);
        assert!(earned <= want + 0.06 && earned > 1.04 * want, "{state:?}: earned {earned} of {want}");
    }
    // Gymnasium's resets: all angles, speeds within 1.
    let n = 100;
    let mut mean = 0.0;
    for i in 0..n {
        for j in 0..n {
            let place = |i: usize| (i as f64 + 0.5) / n as f64;
            mean += value.at(&[TAU * place(i) - PI, 2.0 * place(j) - 1.0]) / (n * n) as f64;
        }
    }
    assert!((mean + 137.0).abs() < 2.5, "{mean} over resets");
    let simplex = pendulum(91, 101, 13, Interpolation::Simplex);
    for (state, want) in &PENDULUM[2..] {
        let got = simplex.at(state);
        assert!((got - want).abs() < 0.015 * want.abs(), "{state:?}: {got} instead of {want}");
    }
}

#[test]
fn the_mountain_car_takes_97_and_a_half_steps() {
    let model = DynamicsModel(MountainCar::new());
    let mut value = explored(&model, &GridConfig::new(vec![Axis::new(-1.2, 0.6, 181), Axis::new(-0.07, 0.07, 141)]));
    assert!(value.settle(1e-3, 2000).converged);
    let start = |i: i32| [-0.6 + 0.001 * f64::from(i), 0.0];
    let steps: Vec<f64> = (0..201).map(|i| followed(&mut value, &model, &start(i), 200).1 as f64).collect();
    let mean = steps.iter().sum::<f64>() / steps.len() as f64;
    let range = (steps.iter().copied().fold(f64::INFINITY, f64::min), steps.iter().copied().fold(0.0, f64::max));
    // No policy takes fewer steps than the best, up to the sampling of the starts.
    assert!((97.3..99.0).contains(&mean), "{mean}");
    assert_eq!(range, (83.0, 104.0));
    // Blurred by interpolation, the value itself is some steps more.
    let told = -(0..201).map(|i| value.at(&start(i))).sum::<f64>() / 201.0;
    assert!((mean..mean + 3.0).contains(&told), "{told}");
}

#[test]
fn threads_and_time_of_computing_change_nothing() {
    let solve = |threads: usize| {
        let mut config = GridConfig::new(vec![Axis::periodic(-PI, PI, 91), Axis::new(-8.0, 8.0, 101)]);
        config.threads = threads;
        let mut value = explored(&DynamicsModel(Pendulum::new()), &config);
        assert!(value.entries() > 150_000);
        (0..20).for_each(|_| {
            value.sweep();
        });
        value.values().iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    let one = solve(1);
    assert_eq!(one, solve(2));
    assert_eq!(one, solve(3));
}

/// Both interpolations reproduce what they must in 1 to 4 dimensions: linear functions exactly, and multilinear also products.
#[test]
fn interpolation_is_exact_where_it_should_be() {
    for dims in 1..=4 {
        for interpolation in [Interpolation::Multilinear, Interpolation::Simplex] {
            let axes = (0..dims).map(|dim| Axis::new(-1.0, 1.0 + dim as f64, 4 + dim)).collect();
            let config = GridConfig { interpolation, ..GridConfig::new(axes) };
            let mut value = GridValue::new(&config, &Space::discrete(1), 1).unwrap();
            let linear = |x: &[f64]| 0.3 + x.iter().enumerate().map(|(d, x)| (d as f64 - 1.3) * x).sum::<f64>();
            let product = |x: &[f64]| x.iter().map(|x| 0.5 + x).product::<f64>();
            let mut rng = Rng::new(dims as u64);
            for _ in 0..200 {
                let x: Vec<f64> = (0..dims).map(|dim| rng.uniform_in(-1.0, 1.0 + dim as f64)).collect();
                value.set_values(linear);
                assert!((value.at(&x) - linear(&x)).abs() < 1e-5, "{interpolation:?} {dims}");
                if interpolation == Interpolation::Multilinear {
                    value.set_values(product);
                    assert!((value.at(&x) - product(&x)).abs() < 1e-4, "{dims}");
                }
            }
            value.set_values(linear);
            let (corner, beyond) = (vec![-1.0; dims], vec![-7.0; dims]);
            assert_eq!(value.at(&corner), value.at(&beyond), "the nearest on the bounds counts beyond them");
            assert!(value.at(&vec![f64::NAN; dims]).is_nan());
        }
    }
}

#[test]
fn what_a_grid_cannot_do_is_said() {
    let refused = |overrides: &[(&str, worldwright_core::Setting)], model: &dyn WorldModel| {
        use worldwright_planners::{PlannerContext, make};
        let overrides = overrides.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let made = make("grid", &PlannerContext::for_model(model.spec(), 0), &overrides);
        made.and_then(|planner| planner.check(model.spec())).unwrap_err()
    };
    let (car, pendulum) = (DynamicsModel(MountainCar::new()), DynamicsModel(Pendulum::new()));
    let unset = refused(&[], &car);
    assert!(matches!(unset, Error::Unsupported { .. }) && unset.to_string().contains("`low`"), "{unset}");
    let five = [("low", Numbers(vec![0.0; 5])), ("high", Numbers(vec![1.0; 5])), ("points", Numbers(vec![3.0]))];
    let five = refused(&five, &pendulum);
    assert!(five.to_string().contains("5 dimensions"), "{five}");
    let one = refused(&[("low", Numbers(vec![0.0])), ("high", Numbers(vec![1.0]))], &pendulum);
    assert!(one.to_string().contains("observations of 2 numbers"), "{one}");
    let order = refused(&[("low", Numbers(vec![0.0, 1.0])), ("high", Numbers(vec![1.0, 1.0]))], &pendulum);
    assert!(order.to_string().contains("axis 1"), "{order}");
    let free = DynamicsModel(LinearQuadratic::new(Problem::double_integrator(), f64::INFINITY));
    let free = refused(&[("low", Numbers(vec![-1.0; 2])), ("high", Numbers(vec![1.0; 2]))], &free);
    assert!(free.to_string().contains("without bounds"), "{free}");
    let bound = LinearQuadratic::new(Problem::double_integrator(), 4.0).with_half_space(&[0.0, 1.0], 0.05);
    let bound = DynamicsModel(bound);
    let bound = refused(&[("low", Numbers(vec![-1.0; 2])), ("high", Numbers(vec![1.0; 2]))], &bound);
    assert!(bound.to_string().contains("constraints"), "{bound}");
    let huge = [("low", Numbers(vec![0.0; 4])), ("high", Numbers(vec![1.0; 4])), ("points", Numbers(vec![400.0]))];
    assert!(matches!(refused(&huge, &pendulum), Error::Config { .. }));
}

/// The planner `grid` over two coordinates.
fn grid_planner(model: &dyn WorldModel, seed: u64, reach: f64, horizon: i64) -> Box<dyn Planner> {
    let overrides = settings([
        ("low", Numbers(vec![-reach; 2])),
        ("high", Numbers(vec![reach; 2])),
        ("points", Numbers(vec![9.0])),
        ("action_points", Numbers(vec![5.0])),
        ("sweeps", Integer(30)),
        ("samples", Integer(3)),
        ("horizon", Integer(horizon)),
    ]);
    planner("grid", model, seed, &overrides)
}

#[test]
fn the_planner_keeps_to_the_contract() {
    let problem = Problem::double_integrator();
    let plain = DynamicsModel(LinearQuadratic::new(problem.clone(), 4.0));
    let noisy = LinearQuadratic::new(problem, 4.0).with_members(&[0.8, 1.0, 1.2]).with_noise(0.01);
    let noisy = DynamicsModel(noisy);
    let car = DynamicsModel(MountainCar::new());
    let models: [(&dyn WorldModel, [f64; 2]); 3] = [(&plain, [1.0, 0.0]), (&noisy, [1.0, 0.0]), (&car, [-0.5, 0.0])];
    for (model, start) in models {
        let build = |seed| grid_planner(model, seed, 1.5, 6);
        check_planner("grid", &build, model, &Observation::Floats(start.to_vec()));
    }
    let golden = golden_ratio();
    let build = |seed| {
        let one = settings([
            ("low", Numbers(vec![-1.0])),
            ("high", Numbers(vec![1.0])),
            ("action_points", Numbers(vec![1.0])),
            ("horizon", Integer(6)),
        ]);
        planner("grid", &golden, seed, &one)
    };
    check_planner("grid", &build, &golden, &Observation::Floats(vec![0.5]));
}

#[test]
fn a_budget_is_spent_over_several_decisions_and_survives_a_restore() {
    let model = DynamicsModel(LinearQuadratic::new(Problem::double_integrator(), 4.0));
    let run = |restored: bool| {
        let mut planner = grid_planner(&model, 1, 1.5, 1);
        let mut world = model.imagination(planner.rows());
        world.observe(0, None, &Observation::Floats(vec![1.0, 0.0]), Key::new(0)).unwrap();
        let budget = Budget { model_steps: Some(100), iterations: Some(7), ..Budget::default() };
        let reports: Vec<_> = (0..14)
            .map(|decision| {
                if restored && decision % 2 == 1 {
                    let saved = planner.save();
                    planner = grid_planner(&model, 99, 1.5, 1);
                    planner.restore(&saved).unwrap();
                }
                planner.improve(&mut *world, 0, &budget).unwrap()
            })
            .collect();
        reports
    };
    let reports = run(false);
    assert_eq!(run(true), reports, "a restore in the middle of the work changes nothing");
    assert!(reports[..4].iter().all(|report| report.status == PlanStatus::BudgetSpent && report.model_steps <= 100));
    let last = reports.last().unwrap();
    assert_eq!((last.status, last.model_steps), (PlanStatus::Completed, 5));
    // What the work comes to is what it would have come to at once.
    let mut whole = grid_planner(&model, 1, 1.5, 1);
    let mut world = model.imagination(whole.rows());
    world.observe(0, None, &Observation::Floats(vec![1.0, 0.0]), Key::new(0)).unwrap();
    assert_eq!(whole.improve(&mut *world, 0, &Budget::default()).unwrap().value, last.value);
}

#[test]
fn the_planner_swings_up_from_cosine_and_sine() {
    let model = DynamicsModel(Pendulum::new().on_circle());
    let overrides = settings([
        ("low", Numbers(vec![-PI, -8.0])),
        ("high", Numbers(vec![PI, 8.0])),
        ("angles", Numbers(vec![0.0])),
        ("points", Numbers(vec![101.0, 101.0])),
        ("action_points", Numbers(vec![9.0])),
        ("sweeps", Integer(200)),
    ]);
    let mut grid = planner("grid", &model, 0, &overrides);
    let mut world = model.imagination(grid.rows());
    world.observe(0, None, &Observation::Floats(vec![-1.0, 0.0, 0.0]), Key::new(0)).unwrap();
    let first = grid.improve(&mut *world, 0, &Budget::default()).unwrap();
    // The swing-up is over before the horizon of 200 steps.
    assert!(first.status == PlanStatus::Completed && (60..=200).contains(&first.iterations), "{first:?}");
    let mut action = Action::Integer(0);
    grid.act(0, &mut action);
    assert!(action.floats().unwrap()[0].abs() <= 2.0);
    let earned = control(&mut *grid, &model, &[-1.0, 0.0, 0.0], 200);
    assert!(earned <= -296.0 && earned > -312.0, "{earned}");
}
