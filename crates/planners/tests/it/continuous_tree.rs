//! Tree search over real-valued actions: against Riccati and against dynamic programming, better with more simulations.

use worldwright_core::Setting::{Float, Integer, Numbers, Text};
use worldwright_core::{Error, Space};
use worldwright_planners::{PlannerContext, make};
use worldwright_testkit::lqr::Problem;
use worldwright_testkit::{DynamicsModel, LinearQuadratic, Pendulum};

use crate::{control, planner, settings};

const NAMES: [&str; 2] = ["progressive-widening", "sampled-mcts"];
const START: [f64; 2] = [1.0, 0.0];

/// Model predictive control of the double integrator over 60 steps with the stationary value at the leaves.
fn regulate(name: &str, simulations: i64, noise: f64, prior: bool) -> f64 {
    let problem = Problem::double_integrator();
    let solution = problem.infinite();
    let optimum = -solution.p.quadratic(&START);
    let mut world = LinearQuadratic::new(problem, 5.0).with_value(solution.p).with_noise(noise);
    if prior {
        world = world.with_prior(solution.k, 0.5);
    }
    let overrides = settings([("horizon", Integer(10)), ("simulations", Integer(simulations))]);
    let model = DynamicsModel(world);
    control(&mut *planner(name, &model, 0, &overrides), &model, &START, 60) / optimum
}

#[test]
fn regulation_comes_within_a_fifth_of_a_percent_of_riccati() {
    for (name, prior, share) in [(NAMES[0], false, 1.002), (NAMES[1], true, 1.002)] {
        let cost = regulate(name, 400, 0.0, prior);
        assert!((1.0 - 1e-9..=share).contains(&cost), "{name}: {cost} times the optimal cost");
    }
}

#[test]
fn more_simulations_regulate_better() {
    for name in NAMES {
        let (few, many) = (regulate(name, 16, 0.0, false), regulate(name, 600, 0.0, false));
        assert!(many < few, "{name}: {few} times the optimum with 16 simulations, {many} with 600");
    }
}

/// Under noise the trees branch by outcomes; the cost stays near that of the best feedback, which noise raises by little here.
#[test]
fn noise_is_met_by_outcomes() {
    for name in NAMES {
        let cost = regulate(name, 400, 0.002, true);
        assert!((0.9..=1.1).contains(&cost), "{name}: {cost} times the optimal cost without noise");
    }
}

/// Pendulum-v1 from (1, 0): dynamic programming gives −120.2, doing nothing far less.
#[test]
fn the_pendulum_is_caught() {
    let model = DynamicsModel(Pendulum::new());
    let run = |name, simulations| {
        let overrides = settings([
            ("horizon", Integer(25)),
            ("simulations", Integer(simulations)),
            ("action_std", Numbers(vec![1.0])),
        ]);
        control(&mut *planner(name, &model, 0, &overrides), &model, &[1.0, 0.0], 200)
    };
    for name in NAMES {
        let got = run(name, 400);
        assert!(got <= -120.0, "{name}: {got} is better than the optimum");
        assert!(got >= -126.0, "{name}: {got}");
    }
}

/// Where lanes disagree on how strongly actions work, the worst lane calls for another return than the mean.
#[test]
fn risk_folds_lanes() {
    let problem = Problem::double_integrator();
    let value = problem.infinite().p;
    let model = DynamicsModel(LinearQuadratic::new(problem, 5.0).with_members(&[0.5, 1.0, 1.5]).with_value(value));
    for name in NAMES {
        let run = |risk: &str| {
            let overrides =
                settings([("horizon", Integer(8)), ("simulations", Integer(200)), ("risk", Text(risk.into()))]);
            crate::value(&mut *planner(name, &model, 0, &overrides), &model, &START)
        };
        let (mean, cvar, worst) = (run("mean"), run("cvar"), run("worst"));
        assert!(worst < mean && cvar <= mean, "{name}: mean {mean}, cvar {cvar}, worst {worst}");
    }
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let context = PlannerContext {
        action_space: Space::discrete(3),
        members: 1,
        latent_dim: 0,
        has_value: false,
        deterministic: true,
        seed: 0,
    };
    for name in NAMES {
        let refused = make(name, &context, &settings([])).map(|_| ()).unwrap_err();
        assert!(matches!(refused, Error::Unsupported { .. }), "{refused}");
        let model = DynamicsModel(Pendulum::new());
        let by_value = planner(name, &model, 0, &settings([("leaf", Text("value".into()))]));
        use worldwright_core::WorldModel;
        assert!(by_value.check(model.spec()).unwrap_err().to_string().contains("rollout"));
        let wrong = settings([("local_share", Float(1.5))]);
        assert!(make(name, &PlannerContext::for_model(model.spec(), 0), &wrong).is_err());
    }
}
