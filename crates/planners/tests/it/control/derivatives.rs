//! Derivatives of a model's step against closed forms.

use worldwright_core::{
    Actions, Columns, Differences, Error, Key, Linearizations, Observation, Pulled, Rows, WorldModel,
};
use worldwright_testkit::lqr::Problem;
use worldwright_testkit::{DynamicsModel, Fault, Faulty, LinearQuadratic, MountainCar, Pendulum};

fn linearize(model: &dyn WorldModel, state: &[f64], action: f64, step: f64) -> Linearizations {
    let mut world = model.imagination(6);
    world.observe(0, None, &Observation::Floats(state.to_vec()), Key::new(0)).unwrap();
    let mut out = Linearizations::new(model.spec(), 1, 4, true);
    let differences = Differences { scratch: 1..5, step, reward_curvature: true, latent_curvature: true };
    let actions = [action];
    let actions = Actions::Continuous(Columns::new(&actions, 1, 1).unwrap());
    world.linearize(Rows::Span(0..1), actions, &differences, &mut out).unwrap();
    let mut kept = vec![0.0; state.len()];
    world.read_latent(0, &mut kept).unwrap();
    assert_eq!(kept, state, "the row itself stays");
    out
}

fn near(got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len());
    assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() <= tolerance), "{got:?} instead of {want:?}");
}

#[test]
fn a_linear_quadratic_step_has_exact_derivatives_even_at_a_bound() {
    for (bound, action) in [(f64::INFINITY, 0.3), (0.3, 0.3), (0.3, -0.3)] {
        let model = DynamicsModel(LinearQuadratic::new(Problem::double_integrator(), bound));
        let got = linearize(&model, &[0.7, -0.4], action, 1e-3);
        near(&got.next, &[0.7 - 0.04 + 0.005 * action, -0.4 + 0.1 * action], 1e-15);
        near(&got.jacobian, &[1.0, 0.0, 0.1, 1.0, 0.005, 0.1], 1e-11);
        near(&got.reward_gradient, &[-1.4, 0.8, -0.2 * action], 1e-9);
        near(&got.reward_hessian, &[-2.0, 0.0, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0, -0.2], 1e-7);
        near(&got.latent_hessian, &[0.0; 18], 1e-8);
    }
}

#[test]
fn a_pendulum_bends_as_its_sine_does() {
    let got = linearize(&DynamicsModel(Pendulum::new()), &[0.5, 0.2], 0.1, 1e-3);
    // ω' = ω + (15 sin θ + 3 u) dt, θ' = θ + ω' dt.
    let (slope, bend) = (0.75 * 0.5_f64.cos(), -0.75 * 0.5_f64.sin());
    near(&got.jacobian, &[1.0 + 0.05 * slope, slope, 0.05, 1.0, 0.0075, 0.15], 1e-6);
    near(&got.latent_hessian[..2], &[0.05 * bend, bend], 1e-5);
}

#[test]
fn a_pullback_is_the_transposed_jacobian_and_half_a_difference_is_better_than_none() {
    let model = DynamicsModel(Pendulum::new());
    let faulty = Faulty::new(&model, Fault::NanRows(3));
    let mut world = faulty.imagination(9);
    world.observe(0, None, &Observation::Floats(vec![0.5, 0.2]), Key::new(0)).unwrap();
    let mut linear = Linearizations::new(faulty.spec(), 1, 8, false);
    let differences = Differences { scratch: 1..9, step: 1e-5, reward_curvature: false, latent_curvature: false };
    let mut pulled = Pulled::default();
    let actions = Actions::Continuous(Columns::new(&[0.1], 1, 1).unwrap());
    world.pullback(Rows::Span(0..1), actions, &[2.0, -1.0], &differences, &mut linear, &mut pulled).unwrap();
    assert!(linear.diverged > 0 && linear.reward[0].is_nan());
    // Probes 0, 3 and 6 are lost: the row itself, and one side of the velocity and of the action.
    let slope = 0.75 * 0.5_f64.cos();
    near(&pulled.by_latent[..1], &[2.0 * (1.0 + 0.05 * slope) - slope - 2.0 * 0.5], 1e-4);
    assert_eq!(pulled.by_action, [0.0]);
}

#[test]
fn what_cannot_be_differentiated_says_so() {
    let model = DynamicsModel(MountainCar::new());
    let mut world = model.imagination(6);
    let mut out = Linearizations::new(model.spec(), 1, 4, false);
    let differences = Differences { scratch: 1..5, step: 1e-3, reward_curvature: false, latent_curvature: false };
    let refused = world.linearize(Rows::Span(0..1), Actions::Discrete(&[0]), &differences, &mut out);
    assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
    let noisy = DynamicsModel(LinearQuadratic::new(Problem::double_integrator(), 1.0).with_noise(0.1));
    let mut world = noisy.imagination(6);
    let mut out = Linearizations::new(noisy.spec(), 1, 4, false);
    let actions = Actions::Continuous(Columns::new(&[0.0], 1, 1).unwrap());
    let refused = world.linearize(Rows::Span(0..1), actions, &differences, &mut out).unwrap_err().to_string();
    assert!(refused.contains("expectation"), "{refused}");
}
