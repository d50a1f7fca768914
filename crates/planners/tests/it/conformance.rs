//! Every planner keeps to the contract, on boxes and on choices, with one lane and with several.

use std::collections::BTreeMap;

use proptest::prelude::*;
use worldwright_core::{
    Action, Budget, Imagination, ModelSpec, Observation, Persist, PlanReport, Planner, Result, Setting, Space, State,
    WorldModel,
};
use worldwright_planners::ALL;
use worldwright_testkit::lqr::Problem;
use worldwright_testkit::strategies::action_space;
use worldwright_testkit::{
    DynamicsModel, LaneAction, LinearQuadratic, MountainCar, Pendulum, Told, cases, check_planner, check_world_model,
    dubins_car, golden_ratio, minimum_time, plain_spec,
};

use crate::{declared, planner, refuses, settings};

/// Settings of the planner of this name for a quick decision over states of so many numbers.
fn small(name: &str, state_dim: usize) -> BTreeMap<String, Setting> {
    use worldwright_core::Setting::{Integer, Numbers};
    let settings = settings([
        ("population", Integer(24)),
        ("horizon", Integer(6)),
        ("simulations", Integer(24)),
        ("leaves", Integer(4)),
        ("rollout_steps", Integer(5)),
        ("low", Numbers(vec![-1.5; state_dim])),
        ("high", Numbers(vec![1.5; state_dim])),
        ("points", Numbers(vec![9.0])),
        ("action_points", Numbers(vec![3.0])),
        ("sweeps", Integer(30)),
    ]);
    declared(name, settings)
}

/// Checks all planners on a model that they say they can plan with.
fn check_all(model: &dyn WorldModel, state: &[f64]) {
    let mut checked = 0;
    for entry in ALL {
        let overrides = small(entry.name, state.len());
        // It imagines nothing, so that there are no steps to count and no candidates to rank; `greedy.rs` has its tests.
        if entry.name == "greedy" || refuses(entry.name, model, state, &overrides) {
            continue;
        }
        let build = |seed| planner(entry.name, model, seed, &overrides);
        check_planner(entry.name, &build, model, &Observation::Floats(state.to_vec()));
        checked += 1;
    }
    assert!(checked >= 4, "only {checked} planners take {:?}", model.spec().action_space);
}

#[test]
fn on_a_linear_quadratic_world() {
    check_all(&DynamicsModel(LinearQuadratic::new(Problem::double_integrator(), 4.0)), &[1.0, 0.0]);
}

#[test]
fn with_members_noise_value_prior_and_constraint() {
    let problem = Problem::double_integrator();
    let solution = problem.infinite();
    let world = LinearQuadratic::new(problem, 4.0)
        .with_members(&[0.8, 1.0, 1.2])
        .with_noise(0.01)
        .with_value(solution.p)
        .with_prior(solution.k, 0.1)
        .with_half_space(&[0.0, 1.0], 0.05);
    check_all(&DynamicsModel(world), &[1.0, 0.0]);
}

#[test]
fn on_choices() {
    check_all(&DynamicsModel(MountainCar::new().with_energy_value()), &[-0.5, 0.0]);
}

/// Who plans in nothing that the checks have would never be checked.
#[test]
fn every_planner_is_accepted_by_a_model_of_the_suite() {
    let (solved, solution) = (Problem::double_integrator(), Problem::double_integrator().infinite());
    let guided = LinearQuadratic::new(solved, 4.0).with_value(solution.p).with_prior(solution.k, 0.1);
    let numbers: [Box<dyn WorldModel>; 3] = [
        Box::new(DynamicsModel(LinearQuadratic::new(Problem::double_integrator(), 4.0))),
        Box::new(DynamicsModel(guided)),
        Box::new(DynamicsModel(MountainCar::new().with_energy_value())),
    ];
    let accepted = |name: &str| numbers.iter().any(|model| !refuses(name, &**model, &[0.5, 0.0], &small(name, 2)));
    let refused: Vec<&str> = ALL.iter().map(|entry| entry.name).filter(|name| !accepted(name)).collect();
    assert!(refused.is_empty(), "no model of the suite suits {refused:?}");
}

/// A planner that tells NaN where some of what it imagined diverged.
struct Unsure(Box<dyn Planner>);

impl Persist for Unsure {
    fn save(&self) -> State {
        self.0.save()
    }
    fn restore(&mut self, state: &State) -> Result<()> {
        self.0.restore(state)
    }
}

impl Planner for Unsure {
    fn rows(&self) -> usize {
        self.0.rows()
    }
    fn check(&self, spec: &ModelSpec) -> Result<()> {
        self.0.check(spec)
    }
    fn improve(&mut self, world: &mut dyn Imagination, root: usize, budget: &Budget) -> Result<PlanReport> {
        let report = self.0.improve(world, root, budget)?;
        Ok(PlanReport { value: if report.diverged > 0 { f64::NAN } else { report.value }, ..report })
    }
    fn act(&self, t: usize, out: &mut Action) {
        self.0.act(t, out);
    }
    fn horizon(&self) -> usize {
        self.0.horizon()
    }
    fn shift(&mut self, steps: usize) {
        self.0.shift(steps);
    }
    fn stop_exploring(&mut self) {
        self.0.stop_exploring();
    }
    fn reset(&mut self, seed: u64) {
        self.0.reset(seed);
    }
}

/// Over two choices as over many: a value is a number unless every row diverged.
#[test]
#[should_panic(expected = "diverged rows rank last, but the value is NaN")]
fn a_value_of_nan_is_found_out_over_two_choices() {
    let toss = Told::model(plain_spec("toss", 1, Space::discrete(2)), |_, _, action, out| {
        out.reward = if matches!(action, LaneAction::Choice(0)) { 1.0 } else { 0.0 };
    });
    let build = |seed| -> Box<dyn Planner> { Box::new(Unsure(planner("icem", &toss, seed, &settings([])))) };
    check_planner("unsure", &build, &toss, &Observation::Floats(vec![0.0]));
}

#[test]
fn the_models_to_plan_in_are_sound_themselves() {
    let states = |n: usize| -> Vec<Observation> {
        (0..n).map(|i| Observation::Floats(vec![i as f64 * 0.3 - 0.5, 0.02 * i as f64])).collect()
    };
    let problem = Problem::double_integrator();
    let noisy = LinearQuadratic::new(problem, 4.0).with_members(&[0.8, 1.2]).with_noise(0.1);
    check_world_model(&DynamicsModel(noisy), &states(3), 0.0);
    check_world_model(&DynamicsModel(Pendulum::new()), &states(3), 0.0);
    let shown = |angle: f64| Observation::Floats(vec![angle.cos(), angle.sin(), 0.5]);
    check_world_model(&DynamicsModel(Pendulum::new().on_circle()), &[shown(0.3), shown(-2.0)], 0.0);
    check_world_model(&golden_ratio(), &[Observation::Floats(vec![0.4])], 0.0);
    check_world_model(&minimum_time(0.1, 0.05), &states(3), 0.0);
    check_world_model(&dubins_car(0.2, 0.1), &[Observation::Floats(vec![1.0, -1.0, 2.0])], 0.0);
    check_world_model(&DynamicsModel(MountainCar::new()), &states(3), 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(12), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_any_action_space(space in action_space()) {
        // It moves by the sum of the action's numbers and is paid for being far out: every bound is pressed against.
        let drift = Told::model(plain_spec("drift", 1, space), |_, state, action, out| {
            state[0] += match action {
                LaneAction::Numbers(numbers) => numbers.iter().sum(),
                LaneAction::Choice(choice) => f64::from(choice),
            };
            out.reward = state[0];
        });
        check_all(&drift, &[0.0]);
    }
}
