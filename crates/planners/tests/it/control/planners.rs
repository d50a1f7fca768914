//! The planners that follow derivatives, as users call them: in a model, by name.

use std::f64::consts::PI;

use worldwright_core::Setting::{Bool, Float, Integer, Numbers};
use worldwright_core::{Action, Budget, Key, Observation, WorldModel};
use worldwright_planners::{PlannerContext, make};
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
    for name in ["ilqr", "ddp", "collocation"] {
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
    for (name, least) in [("ilqr", -302.0), ("ddp", -306.0), ("collocation", -306.0)] {
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

#[test]
fn lqr_is_riccati_finite_and_stationary_with_and_without_discount() {
    let terminal = Matrix::diagonal(2, 1.0);
    for discount in [1.0, 0.9] {
        let problem = Problem { discount, ..Problem::double_integrator() };
        let finite = -problem.finite(50, &terminal).p.quadratic(&START);
        let endless = problem.infinite();
        let model = DynamicsModel(LinearQuadratic::new(problem.clone(), f64::INFINITY).with_value(terminal.clone()));
        let overrides = settings([("horizon", Integer(50)), ("stationary", Bool(false))]);
        let got = value(&mut *planner("lqr", &model, 0, &overrides), &model, &START);
        assert!((got - finite).abs() < 1e-9, "{got} instead of {finite}");
        // With the stationary cost to go at its end, the stationary law's return is that of the infinite horizon.
        let model = DynamicsModel(LinearQuadratic::new(problem, f64::INFINITY).with_value(endless.p.clone()));
        let mut planner = planner("lqr", &model, 0, &settings([("horizon", Integer(20))]));
        let got = value(&mut *planner, &model, &START);
        let want = -endless.p.quadratic(&START);
        assert!((got - want).abs() < 1e-9, "{got} instead of {want}");
        let mut action = Action::Integer(0);
        planner.act(0, &mut action);
        assert!((action.floats().unwrap()[0] + endless.k.get(0, 0)).abs() < 1e-8);
    }
}

/// About a set point that is no equilibrium the law carries the drift along: what it earns is what a plan over the same steps earns.
#[test]
fn lqr_holds_other_points_than_zero() {
    let model = DynamicsModel(LinearQuadratic::new(Problem::double_integrator(), f64::INFINITY));
    let best = value(&mut *planner("ilqr", &model, 0, &settings([("horizon", Integer(40))])), &model, &START);
    for point in [vec![0.0, 0.0], vec![2.0, 0.7]] {
        let overrides = settings([
            ("horizon", Integer(40)),
            ("set_point", Numbers(point.clone())),
            ("set_action", Numbers(vec![0.5])),
            ("stationary", Bool(false)),
        ]);
        let got = value(&mut *planner("lqr", &model, 0, &overrides), &model, &START);
        assert!((got - best).abs() < 1e-8, "{point:?}: {got} instead of {best}");
    }
    let wrong = settings([("set_point", Numbers(vec![1.0]))]);
    let refused = make("lqr", &PlannerContext::for_model(model.spec(), 0), &wrong).err().unwrap().to_string();
    assert!(refused.contains("set_point") && refused.contains('2'), "{refused}");
}

/// Upright, the regulator holds the pendulum; from hanging it only swings, and swinging up pays.
#[test]
fn lqr_keeps_a_pendulum_upright() {
    let model = DynamicsModel(Pendulum::new());
    let overrides = settings([("horizon", Integer(30))]);
    let upright = control(&mut *planner("lqr", &model, 0, &overrides), &model, &[0.3, 0.0], 200);
    let best = control(&mut *planner("ilqr", &model, 0, &overrides), &model, &[0.3, 0.0], 200);
    assert!(upright > 1.2 * best && upright <= best + 1e-3, "{upright} beside {best}");
    let hanging = control(&mut *planner("lqr", &model, 0, &overrides), &model, &[PI, 0.0], 200);
    assert!(hanging < -1000.0, "{hanging}");
}

/// With bounds that bind, all second-order planners find the same optimum.
#[test]
fn bounded_optima_agree() {
    let model = DynamicsModel(LinearQuadratic::new(Problem::double_integrator(), 0.8));
    let overrides = settings([("horizon", Integer(30)), ("iterations", Integer(100)), ("tolerance", Float(1e-12))]);
    let best = value(&mut *planner("ilqr", &model, 0, &overrides), &model, &START);
    for name in ["ddp", "collocation"] {
        let got = value(&mut *planner(name, &model, 0, &overrides), &model, &START);
        assert!((got - best).abs() < 1e-7, "{name}: {got} instead of {best}");
    }
    let free = DynamicsModel(LinearQuadratic::new(Problem::double_integrator(), f64::INFINITY));
    assert!(best < value(&mut *planner("ilqr", &free, 0, &overrides), &free, &START) - 0.1, "the bound binds");
}
