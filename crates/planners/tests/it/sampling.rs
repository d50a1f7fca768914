//! What all sampling planners have in common: knots, constraints by choice, budgets, regularisers, batches of problems.

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use worldwright_core::Setting::{Bool, Float, Integer, Numbers, Text};
use worldwright_core::{
    Action, Actions, ArenaWrapper, Budget, Error, Imagination, Imagined, Key, ModelSpec, Observation, PlanStatus,
    Planner, Priors, Result, Rows, Setting, Transitions, WorldModel,
};
use worldwright_models::Known;
use worldwright_planners::{BatchPlanner, PlannerContext, Regulariser, make, make_regularised};
use worldwright_testkit::lqr::Problem;
use worldwright_testkit::matrix::Matrix;
use worldwright_testkit::{DynamicsModel, LinearQuadratic, MountainCar, Pendulum};

use crate::{control, planner, settings, value};

const ALL: [&str; 6] = ["random-shooting", "predictive-sampling", "cem", "icem", "mppi", "cma-es"];
const START: [f64; 2] = [1.0, 0.0];

fn with(base: &BTreeMap<String, Setting>, key: &str, setting: Setting) -> BTreeMap<String, Setting> {
    let mut all = base.clone();
    all.insert(key.to_owned(), setting);
    all
}

fn lqr() -> (DynamicsModel<LinearQuadratic>, f64) {
    let (problem, terminal) = (Problem::double_integrator(), Matrix::diagonal(2, 1.0));
    let optimum = -problem.finite(20, &terminal).p.quadratic(&START);
    (DynamicsModel(LinearQuadratic::new(problem, f64::INFINITY).with_value(terminal)), optimum)
}

/// One decision over 20 steps: CMA-ES with an action a step, and in 8 linear or cubic knots, whose best is hardly worse; predictive
/// sampling gets near by small steps; MPPI by steps (PI²) stays 4 % away, for each step weighs by its own returns.
#[test]
fn the_new_planners_come_near_riccati() {
    let (model, optimum) = lqr();
    let shared = [("horizon", Integer(20)), ("action_std", Numbers(vec![2.0]))];
    let cases = [
        ("cma-es", vec![("knots", Integer(0)), ("population", Integer(100)), ("iterations", Integer(60))], 1.01),
        ("cma-es", vec![("knots", Integer(8)), ("iterations", Integer(40))], 1.02),
        ("cma-es", vec![("knots", Integer(8)), ("spline", Text("cubic".into())), ("iterations", Integer(40))], 1.02),
        (
            "predictive-sampling",
            vec![
                ("knots", Integer(8)),
                ("action_std", Numbers(vec![0.3])),
                ("population", Integer(400)),
                ("iterations", Integer(30)),
            ],
            1.04,
        ),
        (
            "mppi",
            vec![
                ("per_step", Bool(true)),
                ("adapt_std", Bool(true)),
                ("momentum", Float(0.5)),
                ("population", Integer(400)),
                ("iterations", Integer(20)),
            ],
            1.05,
        ),
        (
            "cem",
            vec![
                ("knots", Integer(8)),
                ("population", Integer(400)),
                ("elites", Integer(40)),
                ("iterations", Integer(15)),
            ],
            1.02,
        ),
        (
            "icem",
            vec![
                ("knots", Integer(8)),
                ("spline", Text("cubic".into())),
                ("population", Integer(400)),
                ("elites", Integer(40)),
                ("iterations", Integer(15)),
            ],
            1.02,
        ),
    ];
    for (name, extra, within) in cases {
        let mut overrides = settings(shared.clone());
        overrides.extend(extra.into_iter().map(|(key, setting)| (key.to_owned(), setting)));
        let got = value(&mut *planner(name, &model, 1, &overrides), &model, &START);
        assert!(got <= optimum + 1e-9, "{name}: {got} is better than the optimum {optimum}");
        assert!(got >= within * optimum, "{name} {overrides:?}: {got} of {optimum}");
    }
}

fn known_pendulum() -> Known {
    let made = worldwright_envs::make("pendulum", &BTreeMap::new()).unwrap();
    Known::new(made.simulator.unwrap(), None, 1.0)
}

/// The settings of `docs/benchmarks/planners-sampling.md` that take less than a millisecond a decision; −296.2 is the optimum.
#[test]
fn icem_swings_the_known_pendulum_up() {
    let model = known_pendulum();
    let pairs = [("horizon", Integer(55)), ("population", Integer(256)), ("iterations", Integer(6))];
    let overrides = with(&settings(pairs), "action_std", Numbers(vec![2.0]));
    let each: Vec<f64> = (0..2)
        .map(|seed| control(&mut *planner("icem", &model, seed, &overrides), &model, &[PI.cos(), PI.sin(), 0.0], 200))
        .collect();
    assert!(each.iter().all(|got| (-306.0..-296.1).contains(got)), "{each:?}");
}

/// A speed limit that binds: kept by projection, kept nearly by a price, and a low price does not hold it.
#[test]
fn constraints_by_penalty_and_by_projection() {
    let limit = 0.2;
    let bound = LinearQuadratic::new(Problem::double_integrator(), 4.0).with_half_space(&[0.0, -1.0], limit);
    let model = DynamicsModel(bound);
    for name in ["cem", "icem", "cma-es", "mppi"] {
        let run = |constraints: &str, price: f64| {
            let overrides = settings([
                ("horizon", Integer(12)),
                ("population", Integer(200)),
                ("iterations", Integer(10)),
                ("constraints", Text(constraints.to_owned())),
                ("constraint_penalty", Float(price)),
            ]);
            let mut planner = planner(name, &model, 0, &overrides);
            let got = value(&mut *planner, &model, &START);
            let (mut speed, mut slowest, mut action) = (0.0_f64, 0.0_f64, Action::Integer(0));
            for t in 0..12 {
                planner.act(t, &mut action);
                speed += 0.1 * action.floats().unwrap()[0];
                slowest = slowest.min(speed);
            }
            (got, slowest)
        };
        let (lexicographic, _) = run("lexicographic", 0.0);
        let (projected, speed) = run("projection", 0.0);
        assert!(speed >= -limit - 1e-12, "{name}: {speed} breaks the limit after a projection");
        assert!(
            projected >= lexicographic - 0.02 * lexicographic.abs(),
            "{name}: {projected} projected, {lexicographic} ranked"
        );
        assert!(run("penalty", 0.01).1 < -limit - 0.05, "{name}: a low price holds the limit");
        assert!(run("penalty", 1000.0).1 >= -limit - 0.01, "{name}: a high price does not hold the limit");
    }
    let context = PlannerContext::for_model(DynamicsModel(MountainCar::new()).spec(), 0);
    let refused =
        make("cem", &context, &settings([("constraints", Text("projection".into()))])).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("lexicographic"), "{refused}");
}

/// Prices what is far from every one of a few familiar transitions: here speeds beyond those of the data.
struct Familiar {
    speeds: Vec<f64>,
    price: f64,
}

impl Regulariser for Familiar {
    fn price(&self, transitions: Transitions<'_>, price: &mut [f64]) {
        assert_eq!(transitions.observations.rows(), price.len());
        for (slot, speed) in price.iter_mut().zip(transitions.next_observations.column(1)) {
            let nearest = self.speeds.iter().map(|known| (speed - known).abs()).fold(f64::INFINITY, f64::min);
            *slot = self.price * nearest * nearest;
        }
    }
}

#[test]
fn a_regulariser_keeps_to_familiar_transitions() {
    let model = DynamicsModel(LinearQuadratic::new(Problem::double_integrator(), 4.0).with_members(&[0.9, 1.1]));
    let context = PlannerContext::for_model(model.spec(), 0);
    let overrides = settings([("horizon", Integer(12)), ("population", Integer(200)), ("iterations", Integer(8))]);
    for name in ALL {
        let slowest = |price: f64| {
            let familiar = Familiar { speeds: vec![-0.1, 0.0, 0.1], price };
            let mut planner = make_regularised(name, &context, &overrides, Arc::new(familiar)).unwrap();
            let got = value(&mut *planner, &model, &START);
            let (mut speed, mut slowest, mut action) = (0.0_f64, 0.0_f64, Action::Integer(0));
            for t in 0..12 {
                planner.act(t, &mut action);
                speed += 0.1 * action.floats().unwrap()[0];
                slowest = slowest.min(speed);
            }
            (got, slowest)
        };
        let (free, near) = (slowest(0.0), slowest(1000.0));
        assert!(free.1 < -0.25, "{name}: nothing to keep from: {free:?}");
        assert!(near.1 > -0.2, "{name}: {near:?} against {free:?}");
        // A price of zero changes no byte.
        let plain = value(&mut *make(name, &context, &overrides).unwrap(), &model, &START);
        assert_eq!(free.0.to_bits(), plain.to_bits(), "{name}");
    }
}

/// With a policy that does the opposite of what is good, a heavy weight on the distance follows the policy.
#[test]
fn distance_to_the_policy_counts_and_needs_one() {
    let problem = Problem::double_integrator();
    let gain = problem.infinite().k;
    let model = DynamicsModel(LinearQuadratic::new(problem, 4.0).with_prior(gain, 0.1));
    let first = |weight: f64| {
        let overrides = settings([
            ("horizon", Integer(10)),
            ("population", Integer(300)),
            ("iterations", Integer(10)),
            ("prior_share", Float(0.0)),
            ("policy_distance", Float(weight)),
        ]);
        let mut planner = planner("cem", &model, 0, &overrides);
        value(&mut *planner, &model, &START);
        let mut action = Action::Integer(0);
        planner.act(0, &mut action);
        action.floats().unwrap()[0]
    };
    let mut world = model.imagination(1);
    world.observe(0, None, &Observation::Floats(START.to_vec()), Key::new(0)).unwrap();
    let mut prior = Priors { mean: vec![0.0], std: vec![0.0] };
    world.prior(Rows::Span(0..1), &mut prior).unwrap();
    let (far, near) = ((first(0.0) - prior.mean[0]).abs(), (first(100.0) - prior.mean[0]).abs());
    assert!(near < 0.05 && near < far, "{near} from the policy with a weight, {far} without");

    let without = DynamicsModel(Pendulum::new());
    let mut planner = planner("mppi", &without, 0, &settings([("policy_distance", Float(1.0))]));
    let refused = planner.improve(&mut *without.imagination(planner.rows()), 0, &Budget::default()).unwrap_err();
    assert!(matches!(refused, Error::Unsupported { .. }) && refused.to_string().contains("policy head"), "{refused}");
}

/// Where the lanes disagree about every plan, more is planned, up to the limit; where they agree, the search stops when its
/// elites do.
#[test]
fn more_is_planned_where_values_disagree() {
    let iterations = |members: &[f64], extra: i64, iterations: Option<usize>| {
        let model = DynamicsModel(LinearQuadratic::new(Problem::double_integrator(), 4.0).with_members(members));
        let overrides = settings([
            ("horizon", Integer(10)),
            ("population", Integer(200)),
            ("iterations", Integer(3)),
            ("extra_iterations", Integer(extra)),
            ("disagreement", Float(0.02)),
            ("tolerance", Float(0.0)),
        ]);
        let mut planner = planner("cem", &model, 0, &overrides);
        let mut world = model.imagination(planner.rows());
        world.observe(0, None, &Observation::Floats(vec![1.0, 0.0]), Key::new(0)).unwrap();
        planner.improve(&mut *world, 0, &Budget { iterations, ..Budget::default() }).unwrap().iterations
    };
    let (sure, unsure) = (iterations(&[1.0, 1.0], 30, None), iterations(&[0.2, 1.8], 30, None));
    assert!((4..20).contains(&sure), "{sure} iterations where the lanes agree");
    assert_eq!(unsure, 33, "all that is allowed where they do not");
    assert_eq!(iterations(&[0.2, 1.8], 0, None), 3);
    assert_eq!(iterations(&[0.2, 1.8], 30, Some(5)), 5, "a budget of iterations is exact");
}

/// More model steps never make the best candidate worse: the same seed draws the same first ones.
#[test]
fn the_best_so_far_grows_with_the_budget() {
    let (model, _) = lqr();
    for name in ["random-shooting", "predictive-sampling", "icem", "cma-es"] {
        let overrides = settings([("horizon", Integer(20)), ("population", Integer(50)), ("iterations", Integer(100))]);
        let mut last = f64::NEG_INFINITY;
        for steps in [1000, 2000, 5000, 20_000] {
            let mut planner = planner(name, &model, 0, &with(&overrides, "action_std", Numbers(vec![2.0])));
            let mut world = model.imagination(planner.rows());
            world.observe(0, None, &Observation::Floats(START.to_vec()), Key::new(0)).unwrap();
            let report =
                planner.improve(&mut *world, 0, &Budget { model_steps: Some(steps), ..Budget::default() }).unwrap();
            assert!(report.value >= last && report.model_steps <= steps, "{name}: {} after {last}", report.value);
            last = report.value;
        }
    }
}

/// A model whose steps from number `from` on outlast any deadline.
struct Slow<'m> {
    inner: &'m dyn WorldModel,
    from: usize,
    pause: Duration,
}

struct SlowArena<'m> {
    inner: Box<dyn Imagination + 'm>,
    steps: AtomicUsize,
    from: usize,
    pause: Duration,
}

impl WorldModel for Slow<'_> {
    fn spec(&self) -> &ModelSpec {
        self.inner.spec()
    }
    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        let inner = self.inner.imagination(rows);
        Box::new(SlowArena { inner, steps: AtomicUsize::new(0), from: self.from, pause: self.pause })
    }
}

impl ArenaWrapper for SlowArena<'_> {
    fn inner(&self) -> &dyn Imagination {
        &*self.inner
    }
    fn inner_mut(&mut self) -> &mut dyn Imagination {
        &mut *self.inner
    }
    fn step(&mut self, from: Rows<'_>, actions: Actions<'_>, to: Rows<'_>, key: Key, out: &mut Imagined) -> Result<()> {
        if self.steps.fetch_add(1, Ordering::Relaxed) >= self.from {
            std::thread::sleep(self.pause);
        }
        self.inner.step(from, actions, to, key, out)
    }
}

/// The deadline passes in the third iteration: the plan is the one of two iterations.
#[test]
fn a_deadline_leaves_the_best_so_far() {
    let (model, _) = lqr();
    let slow = Slow { inner: &model, from: 45, pause: Duration::from_millis(400) };
    let pairs = [("horizon", Integer(20)), ("answer", Text("best".into()))];
    let overrides = with(&settings(pairs), "action_std", Numbers(vec![2.0]));
    let plan = |model: &dyn WorldModel, budget: Budget| {
        let mut planner = planner("cem", model, 0, &overrides);
        let mut world = model.imagination(planner.rows());
        world.observe(0, None, &Observation::Floats(START.to_vec()), Key::new(0)).unwrap();
        let report = planner.improve(&mut *world, 0, &budget).unwrap();
        let mut action = Action::Integer(0);
        planner.act(0, &mut action);
        (report.status, report.iterations, report.value.to_bits(), action)
    };
    let limited = Budget { iterations: Some(2), time: Some(Duration::from_secs(60)), ..Budget::default() };
    let late = Budget { iterations: Some(5), time: Some(Duration::from_millis(300)), ..Budget::default() };
    let (want, got) = (plan(&model, limited), plan(&slow, late));
    assert_eq!((got.0, got.1), (PlanStatus::BudgetSpent, 2));
    assert_eq!((got.2, got.3), (want.2, want.3));
    let none = Budget { time: Some(Duration::ZERO), ..Budget::default() };
    assert_eq!(plan(&model, none).1, 0);
}

/// B problems in one batch give the bytes of B planners, decision after decision, each going on from where it stands.
#[test]
fn a_batch_of_problems_is_its_problems_one_by_one() {
    let numbers = known_pendulum();
    let start = |b: usize, d: usize| {
        let theta = PI - 0.7 * b as f64 + 0.1 * d as f64;
        Observation::Floats(vec![theta.cos(), theta.sin(), 0.2 * b as f64])
    };
    let base = settings([("horizon", Integer(12)), ("population", Integer(30)), ("iterations", Integer(4))]);
    for name in ALL {
        same(name, &numbers, &base, &start);
        same(name, &numbers, &with(&base, "knots", Integer(4)), &start);
    }
    let choices = DynamicsModel(MountainCar::new().with_energy_value());
    let valley = |b: usize, d: usize| Observation::Floats(vec![-0.5 + 0.1 * b as f64, 0.001 * d as f64]);
    ALL[..5].iter().for_each(|name| same(name, &choices, &base, &valley));
    let problem = Problem::double_integrator();
    let solution = problem.infinite();
    let world = LinearQuadratic::new(problem, 4.0).with_members(&[0.8, 1.2]).with_value(solution.p);
    let guided = DynamicsModel(world.with_prior(solution.k, 0.1).with_half_space(&[0.0, 1.0], 0.05));
    let place = |b: usize, d: usize| Observation::Floats(vec![1.0 - 0.4 * b as f64, 0.1 * d as f64]);
    ALL.iter().for_each(|name| same(name, &guided, &with(&base, "prior_share", Float(0.3)), &place));

    let mut stochastic = PlannerContext::for_model(numbers.spec(), 0);
    stochastic.deterministic = false;
    assert!(matches!(BatchPlanner::new("cem", &stochastic, &base, &[1]), Err(Error::Unsupported { .. })));
}

fn same(
    name: &str,
    model: &dyn WorldModel,
    overrides: &BTreeMap<String, Setting>,
    observation: &dyn Fn(usize, usize) -> Observation,
) {
    let seeds = [3, 1, 4, 1, 5];
    let context = PlannerContext::for_model(model.spec(), 0);
    let mut batch = BatchPlanner::new(name, &context, overrides, &seeds).unwrap();
    let mut world = model.imagination(batch.rows());
    let mut alone: Vec<Box<dyn Planner>> = seeds.iter().map(|seed| planner(name, model, *seed, overrides)).collect();
    let mut worlds: Vec<_> = alone.iter().map(|planner| model.imagination(planner.rows())).collect();
    let (mut one, mut other) = (Action::Integer(0), Action::Integer(0));
    for decision in 0..3 {
        for (b, world_of_one) in worlds.iter_mut().enumerate() {
            world.observe(b, None, &observation(b, decision), Key::new(0)).unwrap();
            world_of_one.observe(0, None, &observation(b, decision), Key::new(0)).unwrap();
        }
        let reports = batch.improve(&mut *world, &Budget::default()).unwrap().to_vec();
        for (b, (planner, world)) in alone.iter_mut().zip(&mut worlds).enumerate() {
            let report = planner.improve(&mut **world, 0, &Budget::default()).unwrap();
            assert_eq!(reports[b], report, "{name}: problem {b}, decision {decision}");
            for t in 0..planner.horizon() {
                batch.act(b, t, &mut one);
                planner.act(t, &mut other);
                assert_eq!(one, other, "{name}: problem {b}, decision {decision}, action {t}");
            }
            batch.shift(b, 1);
            planner.shift(1);
        }
    }
}
