//! What `ilqr` costs in a learned ensemble with the ensemble's own derivatives and with finite differences, and what either plan earns.
//!
//! `cargo run --release -p worldwright-planners --example ilqr_derivatives [ROUNDS]`
//!
//! An ensemble is fitted once to random actions. Then, from each of several states of the task, both ways plan a first decision from the
//! same start, in turns: the median of the rounds is printed. Every plan is rolled out in the model, so that the returns can be
//! compared whatever the derivatives were, and carried out in the true dynamics.
#![allow(clippy::print_stdout, reason = "a command-line program")]

use std::collections::BTreeMap;
use std::time::Instant;

use worldwright_core::{
    Action, Actions, ArenaWrapper, Budget, Columns, Dataset, Imagination, Imagined, Interrupt, Key, LearnedModel,
    ModelSpec, Observation, PlanReport, Rng, Rows, Setting, WorldModel,
};
use worldwright_envs::Made;
use worldwright_models::{Known, ModelContext, build};
use worldwright_planners::{PlannerContext, make};

const TRANSITIONS: usize = 2000;
const STARTS: usize = 6;

/// A model whose derivatives are found by differences of its steps.
struct Differenced<'m>(&'m dyn WorldModel, ModelSpec);

impl<'m> Differenced<'m> {
    fn new(model: &'m dyn WorldModel) -> Self {
        let mut spec = model.spec().clone();
        spec.capabilities.derivatives = false;
        Self(model, spec)
    }
}

impl WorldModel for Differenced<'_> {
    fn spec(&self) -> &ModelSpec {
        &self.1
    }

    fn imagination(&self, rows: usize) -> Box<dyn Imagination + '_> {
        Box::new(Arena(&self.1, self.0.imagination(rows)))
    }
}

struct Arena<'m>(&'m ModelSpec, Box<dyn Imagination + 'm>);

impl ArenaWrapper for Arena<'_> {
    fn inner(&self) -> &dyn Imagination {
        &*self.1
    }

    fn inner_mut(&mut self) -> &mut dyn Imagination {
        &mut *self.1
    }

    fn spec(&self) -> &ModelSpec {
        self.0
    }
}

fn made(name: &str) -> Made {
    worldwright_envs::make(name, &BTreeMap::new()).expect("a native environment")
}

/// Random actions, each held for a few steps so that the system gets somewhere.
fn experience(name: &str, rng: &mut Rng) -> Dataset {
    let mut environment = made(name).environment;
    let (space, actions) = (environment.observation_space().clone(), environment.action_space().clone());
    let mut data = Dataset::new(space.flat_dim(), actions.flat_dim());
    let flat = |observation: &Observation| {
        let mut numbers = vec![0.0; space.flat_dim()];
        space.flatten(observation, &mut numbers).expect("an observation of the space");
        numbers
    };
    let mut episode = 0;
    while data.len() < TRANSITIONS {
        let mut before = flat(&environment.reset(episode).expect("a start"));
        episode += 1;
        let (mut action, mut held) = (actions.sample(rng), 0);
        loop {
            if held == 0 {
                (action, held) = (actions.sample(rng), 1 + rng.below(8));
            }
            held -= 1;
            let step = environment.step(&action).expect("a step");
            let after = flat(&step.observation);
            let numbers = action.floats().expect("a box of actions");
            data.push(&before, numbers, step.reward, &after, step.terminated, step.done()).expect("its dimensions");
            before = after;
            if step.done() || data.len() == TRANSITIONS {
                break;
            }
        }
    }
    data
}

fn fitted(name: &str, known_reward: bool) -> Box<dyn LearnedModel> {
    let task = made(name);
    let context = ModelContext {
        observation_space: task.environment.observation_space().clone(),
        action_space: task.environment.action_space().clone(),
        reward: task.reward.filter(|_| known_reward),
        simulator: None,
        known: None,
        players: 1,
        discount: 1.0,
        seed: 0,
    };
    let overrides = [("propagation", Setting::Text("expectation".to_owned())), ("epochs", Setting::Integer(40))];
    let overrides = overrides.into_iter().map(|(key, setting)| (key.to_owned(), setting)).collect();
    let mut model = build("ensemble", &context, &overrides).expect("an ensemble");
    model.fit(&experience(name, &mut Rng::new(1)), &mut Rng::new(2), &Interrupt::never()).expect("a fit");
    model
}

/// Milliseconds that the processors have worked for this program, which other programs do not lengthen as they do the clock's; the
/// clock's where the system does not tell.
fn worked_ms(begun: Instant) -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let told = threads.filter_map(|thread| {
        let told = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        told.split_whitespace().next()?.parse::<f64>().ok()
    });
    let nanoseconds: f64 = told.sum();
    if nanoseconds > 0.0 { 1e-6 * nanoseconds } else { 1e3 * begun.elapsed().as_secs_f64() }
}

/// One first decision of `ilqr` from `observation`: the plan, what was reported, and what it cost in milliseconds of the processors.
fn plan(model: &dyn WorldModel, observation: &Observation, horizon: i64) -> (Vec<f64>, PlanReport, f64) {
    let overrides = [("horizon".to_owned(), Setting::Integer(horizon))].into_iter().collect();
    let mut planner = make("ilqr", &PlannerContext::for_model(model.spec(), 0), &overrides).expect("it plans in boxes");
    let mut world = model.imagination(planner.rows());
    world.observe(0, None, observation, Key::new(0)).expect("a state");
    let begun = Instant::now();
    let before = worked_ms(begun);
    let report = planner.improve(&mut *world, 0, &Budget::default()).expect("a plan");
    let spent = worked_ms(begun) - before;
    let mut actions = Vec::new();
    let mut action = Action::Floats(Vec::new());
    for t in 0..horizon as usize {
        planner.act(t, &mut action);
        actions.extend_from_slice(action.floats().expect("a box of actions"));
    }
    (actions, report, spent)
}

/// The return of a plan in a model.
fn earned(model: &dyn WorldModel, observation: &Observation, actions: &[f64]) -> f64 {
    let width = model.spec().action_space.flat_dim();
    let mut world = model.imagination(1);
    world.observe(0, None, observation, Key::new(0)).expect("a state");
    let (mut out, mut total) = (Imagined::new(model.spec(), 1), 0.0);
    for action in actions.chunks_exact(width) {
        let columns = Columns::new(action, width, 1).expect("one row");
        world
            .step(Rows::Span(0..1), Actions::Continuous(columns), Rows::Span(0..1), Key::new(0), &mut out)
            .expect("a step");
        total += out.reward[0];
    }
    total
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn compare(name: &str, known_reward: bool, horizon: i64, rounds: usize) {
    let model = fitted(name, known_reward);
    let model = model.as_world_model();
    let differenced = Differenced::new(model);
    let known = Known::new(made(name).simulator.expect("known dynamics"), None, 1.0);
    let mut environment = made(name).environment;
    for seed in 0..STARTS as u64 {
        let start = environment.reset(100 + seed).expect("a start");
        let (mut own, mut other) = (Vec::new(), Vec::new());
        let (mut last_own, mut last_other) = (None, None);
        for _ in 0..rounds {
            let (actions, report, spent) = plan(model, &start, horizon);
            own.push(spent);
            last_own = Some((actions, report));
            let (actions, report, spent) = plan(&differenced, &start, horizon);
            other.push(spent);
            last_other = Some((actions, report));
        }
        let ((a, a_report), (b, b_report)) = (last_own.expect("a round"), last_other.expect("a round"));
        let apart = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let (own, other) = (median(own), median(other));
        println!(
            "| {name}{} | {horizon} | {seed} | {other:.1} | {own:.1} | {:.1} | {:.3} | {:.3} | {:.2} | {:.2} | {apart:.3} | {} | {} |",
            if known_reward { "" } else { ", reward learned" },
            other / own,
            earned(model, &start, &b),
            earned(model, &start, &a),
            earned(&known, &start, &b),
            earned(&known, &start, &a),
            b_report.iterations,
            a_report.iterations,
        );
    }
}

fn main() {
    let rounds = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(5);
    println!(
        "| task | horizon | start | ms by differences | ms by the ensemble | times faster | return in the model, differences | ensemble's | \
         true return, differences | ensemble's | largest difference of an action | iterations, differences | ensemble's |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    compare("pendulum", true, 30, rounds);
    compare("pendulum", false, 30, rounds);
    compare("pets-cartpole", true, 30, rounds);
}
