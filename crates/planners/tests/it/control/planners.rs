//! The planners that follow derivatives, as users call them: in a model, by name.

use std::f64::consts::PI;

use worldwright_core::Setting::{Float, Integer};
use worldwright_core::{Budget, Key, Observation, WorldModel};
use worldwright_testkit::lqr::Problem;
use worldwright_testkit::matrix::Matrix;
use worldwright_testkit::{DynamicsModel, LinearQuadratic, Pendulum};

use crate::{control, planner, settings, value};

const START: [f64; 2] = [1.0, 0.0];

#[test]
fn ilqr_and_ddp_are_riccati_on_a_linear_quadratic_world_in_one_iteration() {
    let problem = Problem::double_integrator();
    let terminal = Matrix::diagonal(2, 1.0);
    let optimum = -problem.finite(50, &terminal).p.quadratic(&START);
    assert!((optimum + 13.316_266_332_3).abs() < 1e-9);
    let model = DynamicsModel(LinearQuadratic::new(problem, f64::INFINITY).with_value(terminal));
    for name in ["ilqr", "ddp"] {
        let overrides = settings([("horizon", Integer(50)), ("iterations", Integer(1))]);
        let got = value(&mut *planner(name, &model, 0, &overrides), &model, &START);
        assert!((got - optimum).abs() < 1e-9, "{name}: {got} instead of {optimum}");
    }
    let overrides = settings([("horizon", Integer(50)), ("iterations", Integer(400)), ("starts", Integer(2))]);
    let got = value(&mut *planner("gradient", &model, 0, &overrides), &model, &START);
    assert!(got <= optimum + 1e-9 && got >= 1.01 * optimum, "gradient: {got} instead of {optimum}");
}

/// From hanging the best 200 steps give −296.2 by dynamic programming on a grid, whose interpolation costs it up to 0.9.
#[test]
fn ilqr_swings_a_pendulum_up() {
    for (name, least) in [("ilqr", -302.0), ("ddp", -306.0)] {
        let model = DynamicsModel(Pendulum::new());
        let overrides = settings([("horizon", Integer(60)), ("iterations", Integer(10)), ("scratch", Integer(2048))]);
        let got = control(&mut *planner(name, &model, 0, &overrides), &model, &[PI, 0.0], 200);
        assert!(got <= -295.2, "{name}: {got} is better than the optimum");
        assert!(got >= least, "{name}: {got}");
    }
}

#[test]
fn a_plan_from_before_makes_the_next_decision_cheaper() {
    let model = DynamicsModel(Pendulum::new());
    let overrides = settings([("horizon", Integer(40)), ("iterations", Integer(60)), ("tolerance", Float(1e-6))]);
    let mut planner = planner("ilqr", &model, 0, &overrides);
    let mut world = model.imagination(planner.rows());
    world.observe(0, None, &Observation::Floats(vec![1.0, 0.0]), Key::new(0)).unwrap();
    let first = planner.improve(&mut *world, 0, &Budget::default()).unwrap();
    let second = planner.improve(&mut *world, 0, &Budget::default()).unwrap();
    assert!(second.iterations < first.iterations && second.value >= first.value, "{first:?} then {second:?}");
}
