//! Planners against known answers.

use std::collections::BTreeMap;

use worldwright_core::{Action, Budget, Error, Imagination, Key, Observation, Planner, Setting, WorldModel, find};
use worldwright_planners::{ALL, PlannerContext, make};
use worldwright_testkit::allocations::CountingAllocator;

mod conformance;
mod continuous_tree;
mod control;
mod discrete;
mod dp_grid;
mod exploring;
mod greedy;
mod lqr;
mod pendulum;
mod robust;
mod sampling;
mod skills;
mod subgoal;
mod tree;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Settings by name.
fn settings<const N: usize>(pairs: [(&str, Setting); N]) -> BTreeMap<String, Setting> {
    pairs.into_iter().map(|(name, setting)| (name.to_owned(), setting)).collect()
}

/// A planner for a model.
fn planner(name: &str, model: &dyn WorldModel, seed: u64, overrides: &BTreeMap<String, Setting>) -> Box<dyn Planner> {
    make(name, &PlannerContext::for_model(model.spec(), seed), overrides).unwrap()
}

/// Those of the settings that the planner of this name has.
fn declared(name: &str, overrides: BTreeMap<String, Setting>) -> BTreeMap<String, Setting> {
    let entry = find(ALL, "planner", name).unwrap();
    overrides.into_iter().filter(|(key, _)| entry.parameters.iter().any(|parameter| parameter.name == key)).collect()
}

/// Whether a planner says that it cannot plan in a model, and what is missing.
fn refuses(name: &str, model: &dyn WorldModel, state: &[f64], overrides: &BTreeMap<String, Setting>) -> bool {
    let checked = make(name, &PlannerContext::for_model(model.spec(), 0), overrides).and_then(|mut planner| {
        planner.check(model.spec())?;
        let mut world = model.imagination(planner.rows());
        world.observe(0, None, &Observation::Floats(state.to_vec()), Key::new(0))?;
        planner.improve(&mut *world, 0, &Budget::default())
    });
    match checked {
        Ok(_) => false,
        Err(Error::Unsupported { what, .. }) => {
            assert!(what.contains("use "), "{name} does not say what to use instead: {what}");
            true
        }
        Err(other) => panic!("{name}: {other}"),
    }
}

/// The predicted value of one decision from a state, with an arena of its own.
fn value(planner: &mut dyn Planner, model: &dyn WorldModel, state: &[f64]) -> f64 {
    let mut world = model.imagination(planner.rows());
    world.observe(0, None, &Observation::Floats(state.to_vec()), Key::new(0)).unwrap();
    planner.improve(&mut *world, 0, &Budget::default()).unwrap().value
}

/// Model predictive control on the model itself: the return of `steps` steps from `state`.
fn control(planner: &mut dyn Planner, model: &dyn WorldModel, state: &[f64], steps: usize) -> f64 {
    let mut world = model.imagination(planner.rows());
    let mut real = model.imagination(1);
    let mut seen = vec![0.0; state.len()];
    real.observe(0, None, &Observation::Floats(state.to_vec()), Key::new(0)).unwrap();
    let mut out = worldwright_core::Imagined::new(model.spec(), 1);
    let (mut total, mut action) = (0.0, Action::Integer(0));
    for t in 0..steps {
        real.decode(0, 0, &mut seen).unwrap();
        world.observe(0, None, &Observation::Floats(seen.clone()), Key::new(0)).unwrap();
        planner.improve(&mut *world, 0, &Budget::default()).unwrap();
        planner.act(0, &mut action);
        planner.shift(1);
        step(&mut *real, &action, t as u64, &mut out);
        total += out.reward[0];
        if out.continuation[0] == 0.0 {
            break;
        }
    }
    total
}

/// Advances row 0 by one action.
fn step(real: &mut dyn Imagination, action: &Action, t: u64, out: &mut worldwright_core::Imagined) {
    use worldwright_core::{Actions, Columns, Rows};
    let choices: Vec<u32> = action.integer().into_iter().map(|choice| choice as u32).collect();
    let actions = match action.floats() {
        Some(numbers) => Actions::Continuous(Columns::new(numbers, numbers.len(), 1).unwrap()),
        None => Actions::Discrete(&choices),
    };
    real.step(Rows::Span(0..1), actions, Rows::Span(0..1), Key::new(t), out).unwrap();
}
