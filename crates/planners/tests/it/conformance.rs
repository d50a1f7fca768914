//! Every planner keeps to the contract, on boxes and on choices, with one lane and with several.

use proptest::prelude::*;
use worldwright_core::{Key, ModelSpec, Observation, Space, WorldModel};
use worldwright_planners::ALL;
use worldwright_testkit::lqr::Problem;
use worldwright_testkit::strategies::action_space;
use worldwright_testkit::{
    Dynamics, DynamicsModel, LaneAction, LinearQuadratic, MountainCar, Outcome, Pendulum, Place, check_planner,
    check_world_model,
};

use crate::{declared, planner, refuses, settings};

/// Checks all planners on a model whose action space they say that they search.
fn check_all(model: &dyn WorldModel, state: &[f64]) {
    use worldwright_core::Setting::Integer;
    let small = settings([
        ("population", Integer(24)),
        ("horizon", Integer(6)),
        ("simulations", Integer(24)),
        ("leaves", Integer(4)),
        ("rollout_steps", Integer(5)),
    ]);
    let mut checked = 0;
    for entry in ALL {
        let overrides = declared(entry.name, small.clone());
        if refuses(entry.name, model, state, &overrides) {
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

#[test]
fn the_models_to_plan_in_are_sound_themselves() {
    let states = |n: usize| -> Vec<Observation> {
        (0..n).map(|i| Observation::Floats(vec![i as f64 * 0.3 - 0.5, 0.02 * i as f64])).collect()
    };
    let problem = Problem::double_integrator();
    let noisy = LinearQuadratic::new(problem, 4.0).with_members(&[0.8, 1.2]).with_noise(0.1);
    check_world_model(&DynamicsModel(noisy), &states(3), 0.0);
    check_world_model(&DynamicsModel(Pendulum::new()), &states(3), 0.0);
    check_world_model(&DynamicsModel(MountainCar::new()), &states(3), 0.0);
}

/// A world that moves by the sum of the action's numbers and pays for being far out: every bound is pressed against.
struct Drift(ModelSpec);

impl Dynamics for Drift {
    fn spec(&self) -> &ModelSpec {
        &self.0
    }
    fn state_dim(&self) -> usize {
        1
    }
    fn state(&self, observation: &[f64], state: &mut [f64]) {
        state.copy_from_slice(observation);
    }
    fn observation(&self, state: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(state);
    }
    fn advance(
        &self,
        _place: Place,
        state: &mut [f64],
        _next: &mut [f64],
        action: LaneAction<'_>,
        _key: Key,
        out: &mut Outcome<'_>,
    ) {
        state[0] += match action {
            LaneAction::Numbers(numbers) => numbers.iter().sum(),
            LaneAction::Choice(choice) => f64::from(choice),
        };
        out.reward = state[0];
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_any_action_space(space in action_space()) {
        let spec = ModelSpec {
            name: "drift".to_owned(),
            observation_space: Space::unbounded(1),
            action_space: space,
            members: 1,
            constraints: 0,
            latent_dim: 1,
            deterministic: true,
            has_value: false,
            has_prior: false,
        };
        check_all(&DynamicsModel(Drift(spec)), &[0.0]);
    }
}
