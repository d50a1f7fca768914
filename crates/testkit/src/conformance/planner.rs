//! What every planner must keep to.

use std::time::Duration;

use worldwright_core::{
    Action, Budget, Imagination, Key, Observation, PlanReport, PlanStatus, Planner, Space, State, WorldModel,
};

use super::{on_threads, state_bits};
use crate::allocations;
use crate::faulty::{Fault, Faulty};

/// What one decision came to.
type Decision = (Vec<Action>, PlanReport);

/// Checks the planner that `build` makes of a seed, on `model` from `observation`:
/// repeats its bytes from its seed, on 1 and 2 threads, after a reset, and from a save; its actions belong to the space; budgets
/// hold; it survives NaN rows (counted), a model of nothing but NaN (the plan is kept) and an error mid-search (nothing is
/// changed); a decision after the first does not allocate, where [`allocations::CountingAllocator`] is installed; a model of
/// another action space and a foreign saved state are errors.
///
/// # Panics
/// With what was violated.
pub fn check_planner(
    name: &str,
    build: &(dyn Fn(u64) -> Box<dyn Planner> + Sync),
    model: &dyn WorldModel,
    observation: &Observation,
) {
    let space = &model.spec().action_space;
    let arena = |model: &'_ dyn WorldModel, planner: &dyn Planner| -> usize {
        assert!(planner.rows() >= 1 && planner.horizon() >= 1, "{name}: rows and horizon are positive");
        planner.check(model.spec()).unwrap_or_else(|error| panic!("{name}: check failed: {error}"));
        planner.rows()
    };
    let decide = |planner: &mut dyn Planner, world: &mut dyn Imagination, root: usize| -> Decision {
        let observed = world.observe(root, None, observation, Key::new(1));
        observed.unwrap_or_else(|error| panic!("{name}: observe failed: {error}"));
        let report = planner.improve(world, root, &Budget::default());
        let report = report.unwrap_or_else(|error| panic!("{name}: planning failed: {error}"));
        (plan(planner, space, name), report)
    };
    let decisions = |planner: &mut dyn Planner, model: &dyn WorldModel, count: usize| -> Vec<Decision> {
        let mut world = model.imagination(arena(model, planner));
        let each = (0..count).map(|_| {
            let decision = decide(planner, &mut *world, 0);
            planner.shift(1);
            decision
        });
        each.collect()
    };

    let fresh = || decisions(&mut *build(7), model, 4);
    let reference = fresh();
    assert!(reference.iter().all(|decision| decision.1.value.is_finite()), "{name}: a sound model gives finite values");
    assert!(reference.iter().all(|decision| decision.1.diverged == 0), "{name}: nothing diverges in a sound model");
    assert_eq!(fresh(), reference, "{name}: the same seed gives the same bytes");
    assert_eq!(on_threads(1, fresh), reference, "{name}: the same bytes on one thread");
    assert_eq!(on_threads(2, fresh), reference, "{name}: the same bytes on two threads");

    let mut used = build(3);
    decisions(&mut *used, model, 2);
    used.reset(7);
    assert_eq!(decisions(&mut *used, model, 4), reference, "{name}: a reset forgets everything");

    // Another root row means the same.
    let mut planner = build(7);
    let root = planner.rows();
    let mut world = model.imagination(root + 1);
    assert_eq!(decide(&mut *planner, &mut *world, root), reference[0], "{name}: any row can be the root");
    drop(world);

    let mut stopped = build(7);
    decisions(&mut *stopped, model, 2);
    let saved = stopped.save();
    let mut resumed = build(1234);
    resumed.restore(&saved).unwrap_or_else(|error| panic!("{name}: restoring failed: {error}"));
    assert_eq!(state_bits(&resumed.save()), state_bits(&saved), "{name}: what was restored is what was saved");
    assert_eq!(decisions(&mut *resumed, model, 2), reference[2..], "{name}: a restored planner goes on alike");
    assert!(build(7).restore(&State::new()).is_err(), "{name}: an empty state must be an error");

    check_faults(name, build, model, observation);
    check_budgets(name, build, model, observation);

    let other = match space {
        Space::Discrete { n, .. } => Space::discrete(n + 1),
        _ => Space::discrete(2),
    };
    let mut foreign = model.spec().clone();
    foreign.action_space = other;
    assert!(build(7).check(&foreign).is_err(), "{name}: a model of another action space must be an error");

    if allocations::installed() {
        let mut planner = build(7);
        let mut world = model.imagination(arena(model, &*planner));
        let mut action = decide(&mut *planner, &mut *world, 0).0.swap_remove(0);
        let ((), allocated) = allocations::count_single_threaded(|| {
            for _ in 0..3 {
                planner.shift(1);
                let report = planner.improve(&mut *world, 0, &Budget::default());
                assert!(report.is_ok(), "{name}: planning failed");
                planner.act(0, &mut action);
            }
        });
        assert_eq!(allocated, 0, "{name}: decisions after the first must not allocate");
    }
}

/// The whole plan, each action checked.
fn plan(planner: &dyn Planner, space: &Space, name: &str) -> Vec<Action> {
    let each = (0..planner.horizon()).map(|t| {
        let mut action = Action::Dict(Vec::new());
        planner.act(t, &mut action);
        space.check(&action).unwrap_or_else(|error| panic!("{name}: action {t}: {error}"));
        action
    });
    each.collect()
}

/// How many elements a space has; boxes have more than can be counted.
fn choices(space: &Space) -> usize {
    match space {
        Space::Discrete { n, .. } => *n,
        Space::MultiDiscrete { nvec, .. } => nvec.iter().product(),
        Space::MultiBinary { shape } => 1 << shape.iter().product::<usize>(),
        _ => usize::MAX,
    }
}

fn check_faults(
    name: &str,
    build: &(dyn Fn(u64) -> Box<dyn Planner> + Sync),
    model: &dyn WorldModel,
    observation: &Observation,
) {
    let space = &model.spec().action_space;
    let rows = build(7).rows();
    let improve = |planner: &mut dyn Planner, world: &mut dyn Imagination| {
        let observed = world.observe(0, None, observation, Key::new(1));
        observed.unwrap_or_else(|error| panic!("{name}: observe failed: {error}"));
        planner.improve(world, 0, &Budget::default())
    };

    let mut planner = build(7);
    let some = Faulty::new(model, Fault::NanRows(3));
    let report = improve(&mut *planner, &mut *some.imagination(rows));
    let report = report.unwrap_or_else(|error| panic!("{name}: NaN rows are no error, but: {error}"));
    assert!(report.diverged > 0, "{name}: diverged rows are counted");
    // A search by actions steps few rows at once where there are few of them: with two, all that it tried may have diverged.
    if report.status == PlanStatus::AllDiverged && choices(space) <= 2 {
        assert_eq!(report.value, f64::NEG_INFINITY, "{name}: nothing is worth anything where all rows diverged");
    } else {
        assert!(report.value.is_finite(), "{name}: diverged rows rank last, but the value is {}", report.value);
    }
    plan(&*planner, space, name);

    let mut planner = build(7);
    let sound = improve(&mut *planner, &mut *model.imagination(rows));
    assert!(sound.is_ok(), "{name}: planning failed");
    let before = plan(&*planner, space, name);
    let all = Faulty::new(model, Fault::NanRows(1));
    let report = improve(&mut *planner, &mut *all.imagination(rows));
    let report = report.unwrap_or_else(|error| panic!("{name}: NaN rows are no error, but: {error}"));
    assert_eq!(report.status, PlanStatus::AllDiverged, "{name}: nothing but NaN is told");
    assert_eq!(report.value, f64::NEG_INFINITY, "{name}: nothing but NaN is worth nothing");
    assert_eq!(plan(&*planner, space, name), before, "{name}: nothing but NaN keeps the plan");

    // One error, somewhere in the middle: the same planner then plans as if it had not been.
    let mut planner = build(7);
    let at = planner.horizon() / 2;
    let failing = Faulty::new(model, Fault::ErrorAt(at));
    let mut world = failing.imagination(rows);
    let before = state_bits(&planner.save());
    assert!(improve(&mut *planner, &mut *world).is_err(), "{name}: a model's error is handed on");
    assert_eq!(state_bits(&planner.save()), before, "{name}: an error leaves the planner as it was");
    let after = improve(&mut *planner, &mut *world);
    let after = after.unwrap_or_else(|error| panic!("{name}: planning after an error failed: {error}"));
    let mut untouched = build(7);
    let want = improve(&mut *untouched, &mut *model.imagination(rows));
    assert_eq!(Ok(after), want, "{name}: an error leaves no trace in what follows");
    assert_eq!(plan(&*planner, space, name), plan(&*untouched, space, name), "{name}: nor in the plan");
}

fn check_budgets(
    name: &str,
    build: &(dyn Fn(u64) -> Box<dyn Planner> + Sync),
    model: &dyn WorldModel,
    observation: &Observation,
) {
    let spend = |budget: &Budget| -> PlanReport {
        let mut planner = build(7);
        let mut world = model.imagination(planner.rows());
        let observed = world.observe(0, None, observation, Key::new(1));
        observed.unwrap_or_else(|error| panic!("{name}: observe failed: {error}"));
        let report = planner.improve(&mut *world, 0, budget);
        plan(&*planner, &model.spec().action_space, name);
        let report = report.unwrap_or_else(|error| panic!("{name}: planning within {budget:?} failed: {error}"));
        let unplanned = report.iterations == 0 && report.value == f64::NEG_INFINITY;
        assert!(report.value.is_finite() || unplanned, "{name}: a value of {} within {budget:?}", report.value);
        report
    };
    let free = spend(&Budget::default());
    assert!(free.model_steps > 0, "{name}: model steps are counted");
    for limit in [0, 1, free.model_steps / 3, free.model_steps, 2 * free.model_steps] {
        let report = spend(&Budget { model_steps: Some(limit), ..Budget::default() });
        assert!(report.model_steps <= limit, "{name}: {} model steps of {limit}", report.model_steps);
    }
    let one = spend(&Budget { iterations: Some(1), ..Budget::default() });
    assert!(one.iterations <= 1, "{name}: one iteration was allowed, {} were made", one.iterations);
    let none = spend(&Budget { time: Some(Duration::ZERO), ..Budget::default() });
    assert_eq!(none.status, PlanStatus::BudgetSpent, "{name}: no time at all is a budget spent");
    let long = Duration::from_millis(20);
    let begun = std::time::Instant::now();
    spend(&Budget { time: Some(long), iterations: Some(usize::MAX), ..Budget::default() });
    assert!(begun.elapsed() < 50 * long, "{name}: {:?} for a budget of {long:?}", begun.elapsed());
}
