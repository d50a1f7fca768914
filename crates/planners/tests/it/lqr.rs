//! Sampling planners against Riccati on the double integrator.

use worldwright_core::Setting::{Bool, Float, Integer, Numbers};
use worldwright_testkit::lqr::Problem;
use worldwright_testkit::matrix::Matrix;
use worldwright_testkit::{DynamicsModel, LinearQuadratic};

use crate::{control, planner, settings, value};

const START: [f64; 2] = [1.0, 0.0];

/// One decision over 20 steps with final cost I, no warm start: within 2 % of the Riccati return, and never better.
#[test]
fn one_decision_comes_within_two_percent_of_riccati() {
    let problem = Problem::double_integrator();
    let terminal = Matrix::diagonal(2, 1.0);
    let optimum = -problem.finite(20, &terminal).p.quadratic(&START);
    let model = DynamicsModel(LinearQuadratic::new(problem, f64::INFINITY).with_value(terminal));
    let shared = [("horizon", Integer(20)), ("population", Integer(400)), ("action_std", Numbers(vec![2.0]))];
    for (name, extra) in [
        ("cem", vec![("iterations", Integer(20)), ("elites", Integer(40))]),
        ("icem", vec![("iterations", Integer(20)), ("elites", Integer(40)), ("noise_beta", Float(0.5))]),
        ("mppi", vec![("iterations", Integer(20)), ("adapt_std", Bool(true)), ("momentum", Float(0.5))]),
    ] {
        let mut overrides = settings(shared.clone());
        overrides.extend(extra.into_iter().map(|(key, setting)| (key.to_owned(), setting)));
        for seed in 0..3 {
            let got = value(&mut *planner(name, &model, seed, &overrides), &model, &START);
            assert!(got <= optimum + 1e-9, "{name} seed {seed}: {got} is better than the optimum {optimum}");
            assert!(got >= 1.02 * optimum, "{name} seed {seed}: {got} is more than 2 % below {optimum}");
        }
    }
}

/// Model predictive control over 60 steps with the stationary value at the end of a horizon of 10: within 1 % of the infinite
/// horizon's return.
#[test]
fn control_comes_within_one_percent_of_riccati() {
    let problem = Problem::double_integrator();
    let solution = problem.infinite();
    let optimum = -solution.p.quadratic(&START);
    let model = DynamicsModel(LinearQuadratic::new(problem, f64::INFINITY).with_value(solution.p));
    for name in ["cem", "icem", "mppi"] {
        let overrides = settings([
            ("horizon", Integer(10)),
            ("population", Integer(200)),
            ("iterations", Integer(6)),
            ("action_std", Numbers(vec![1.0])),
        ]);
        let got = control(&mut *planner(name, &model, 0, &overrides), &model, &START, 60);
        assert!((got - optimum).abs() <= 0.01 * optimum.abs(), "{name}: {got} instead of {optimum}");
    }
}

/// The value at the end and the prior policy are used where the model has them: with the optimal prior and hardly any other
/// candidates the answer is near the optimum at once, and worse without.
#[test]
fn a_policy_prior_leads_the_search() {
    let problem = Problem::double_integrator();
    let solution = problem.infinite();
    let optimum = -solution.p.quadratic(&START);
    let world = LinearQuadratic::new(problem, f64::INFINITY).with_value(solution.p).with_prior(solution.k, 0.01);
    let model = DynamicsModel(world);
    let run = |share: f64| {
        let overrides = settings([
            ("horizon", Integer(20)),
            ("population", Integer(20)),
            ("iterations", Integer(1)),
            ("action_std", Numbers(vec![2.0])),
            ("prior_share", Float(share)),
        ]);
        value(&mut *planner("icem", &model, 0, &overrides), &model, &START)
    };
    assert!(run(0.2) >= 1.001 * optimum, "{} of {optimum}", run(0.2));
    assert!(run(0.0) < 1.05 * optimum, "{} without the prior", run(0.0));
}
