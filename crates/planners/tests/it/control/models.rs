//! Every planner that follows derivatives, over every kind of model: known, linear, Gaussian process, ensemble.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldwright_core::Setting::{Integer, Numbers, Text};
use worldwright_core::{
    Action, Actions, Budget, Columns, ColumnsMut, Dataset, Error, Interrupt, Key, LearnedModel, Observation, Result,
    RewardFunction, Rng, Setting, Simulator, Space, Transitions, WorldModel,
};
use worldwright_models::{ModelContext, build};
use worldwright_planners::{PlannerContext, make};

use crate::{planner, settings};

/// `x' = A x + B u` with reward `−x·x − 0.3 u²`.
struct Pushed(Space, Space);

fn pushed() -> Pushed {
    Pushed(Space::unbounded(2), Space::vector(&[-1.0], &[1.0]))
}

fn next(x: [f64; 2], u: f64) -> [f64; 2] {
    [x[0] + 0.1 * x[1] + 0.02 * u, 0.95 * x[1] - 0.2 * x[0] + 0.15 * u]
}

fn paid(x: [f64; 2], u: f64) -> f64 {
    -(x[0] * x[0] + x[1] * x[1]) - 0.3 * u * u
}

impl Simulator for Pushed {
    fn observation_space(&self) -> &Space {
        &self.0
    }
    fn action_space(&self) -> &Space {
        &self.1
    }
    fn state_dim(&self) -> usize {
        2
    }
    fn state_from_observation(&self, observation: &[f64], state: &mut [f64]) -> Result<()> {
        state.copy_from_slice(observation);
        Ok(())
    }
    fn observe(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }
    fn step(
        &self,
        states: Columns<'_>,
        actions: Actions<'_>,
        next_states: &mut ColumnsMut<'_>,
        reward: &mut [f64],
        terminated: &mut [bool],
    ) {
        let Actions::Continuous(actions) = actions else { panic!("the system takes a box") };
        for row in 0..states.rows() {
            let (x, u) = ([states.get(row, 0), states.get(row, 1)], actions.get(row, 0));
            next_states.set_row(row, &next(x, u));
            (reward[row], terminated[row]) = (paid(x, u), false);
        }
    }
}

struct Pay;

impl RewardFunction for Pay {
    fn evaluate(&self, transitions: Transitions<'_>, reward: &mut [f64], terminated: &mut [bool]) {
        let Actions::Continuous(actions) = transitions.actions else { panic!("the system takes a box") };
        for (row, slot) in reward.iter_mut().enumerate() {
            let x = [transitions.observations.get(row, 0), transitions.observations.get(row, 1)];
            *slot = paid(x, actions.get(row, 0));
        }
        terminated.fill(false);
    }
}

fn fitted(name: &str, overrides: &BTreeMap<String, Setting>) -> Box<dyn LearnedModel> {
    let context = ModelContext {
        observation_space: Space::unbounded(2),
        action_space: Space::vector(&[-1.0], &[1.0]),
        reward: Some(Arc::new(Pay)),
        simulator: Some(Arc::new(pushed())),
        known: None,
        players: 1,
        discount: 0.95,
        seed: 0,
    };
    let (mut rng, mut data) = (Rng::new(3), Dataset::new(2, 1));
    for _ in 0..200 {
        let (x, u) = ([rng.uniform_in(-2.0, 2.0), rng.uniform_in(-2.0, 2.0)], rng.uniform_in(-1.0, 1.0));
        data.push(&x, &[u], paid(x, u), &next(x, u), false, false).unwrap();
    }
    let mut model = build(name, &context, overrides).unwrap();
    model.fit(&data, &mut Rng::new(2), &Interrupt::never()).unwrap();
    model
}

/// The discounted return of 30 steps in the true system, planning in the model.
fn control(name: &str, model: &dyn WorldModel, horizon: i64) -> f64 {
    let overrides = if name == "lqr" {
        settings([("horizon", Integer(horizon))])
    } else {
        settings([
            ("horizon", Integer(horizon)),
            ("iterations", Integer(8)),
            ("starts", Integer(2)),
            ("scratch", Integer(64)),
        ])
    };
    let mut planner = planner(name, model, 0, &overrides);
    let mut world = model.imagination(planner.rows());
    let (mut x, mut total, mut action) = ([1.5, -0.5], 0.0, Action::Integer(0));
    for t in 0..30 {
        world.observe(0, None, &Observation::Floats(x.to_vec()), Key::new(t)).unwrap();
        planner.improve(&mut *world, 0, &Budget::default()).unwrap();
        planner.act(0, &mut action);
        planner.shift(1);
        let u = action.floats().unwrap()[0];
        total += 0.95_f64.powi(t as i32) * paid(x, u);
        x = next(x, u);
    }
    total
}

const DERIVATIVE: [&str; 5] = ["gradient", "ilqr", "ddp", "lqr", "collocation"];

#[test]
fn every_kind_of_model_works_under_every_planner() {
    let small = settings([
        ("hidden", Numbers(vec![32.0, 32.0])),
        ("members", Integer(3)),
        ("epochs", Integer(150)),
        ("propagation", Text("expectation".to_owned())),
    ]);
    let none = settings([]);
    let known = fitted("known", &none);
    // Near the bound of what 30 steps can earn.
    let best = control("ilqr", &*known, 40);
    let idle: f64 = (0..30)
        .scan([1.5, -0.5], |x, t| {
            let reward = 0.95_f64.powi(t) * paid(*x, 0.0);
            *x = next(*x, 0.0);
            Some(reward)
        })
        .sum();
    assert!(idle < 1.05 * best, "control is worth something: {idle} beside {best}");
    for (model, overrides, share) in
        [("known", &none, 1.015), ("linear", &none, 1.015), ("gp", &none, 1.015), ("ensemble", &small, 1.04)]
    {
        let fitted = fitted(model, overrides);
        for name in DERIVATIVE {
            let got = control(name, &*fitted, 12);
            assert!(got >= share * best && got <= best + 1e-2, "{name} in {model}: {got} beside {best}");
        }
    }
}

#[test]
fn models_that_draw_are_refused_with_a_way_out() {
    let drawing = fitted("ensemble", &settings([("hidden", Numbers(vec![8.0])), ("epochs", Integer(2))]));
    for name in DERIVATIVE {
        let refused = make(name, &PlannerContext::for_model(drawing.spec(), 0), &settings([])).err().unwrap();
        assert!(matches!(refused, Error::Unsupported { .. }), "{name}: {refused}");
        let text = refused.to_string();
        assert!(text.contains("expectation") && text.contains("use "), "{name}: {text}");
    }
}
