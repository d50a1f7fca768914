//! Acting by the model's own policy.

use worldwright_core::{Action, Budget, Key, Observation, PlanStatus, WorldModel};
use worldwright_testkit::lqr::Problem;
use worldwright_testkit::{DynamicsModel, LinearQuadratic, MountainCar};

use crate::{planner, refuses, settings};

#[test]
fn it_does_what_the_optimal_policy_says() {
    let problem = Problem::double_integrator();
    let solution = problem.infinite();
    let gain = solution.k.clone();
    let model = DynamicsModel(LinearQuadratic::new(problem, 4.0).with_value(solution.p).with_prior(solution.k, 0.1));
    let mut greedy = planner("greedy", &model, 0, &settings([]));
    let mut world = model.imagination(greedy.rows());
    let state = [1.0, -0.5];
    world.observe(0, None, &Observation::Floats(state.to_vec()), Key::new(0)).unwrap();
    let report = greedy.improve(&mut *world, 0, &Budget::default()).unwrap();
    assert!(report.value.is_finite() && report.status == PlanStatus::Completed);
    let mut action = Action::Integer(0);
    greedy.act(0, &mut action);
    let mut prior = worldwright_core::Priors { mean: vec![0.0], std: vec![0.0] };
    world.prior(worldwright_core::Rows::Span(0..1), &mut prior).unwrap();
    assert_eq!(action, Action::Floats(vec![prior.mean[0].clamp(-4.0, 4.0)]), "gain {gain:?}");

    let mut again = planner("greedy", &model, 9, &settings([]));
    again.restore(&greedy.save()).unwrap();
    let mut restored = Action::Integer(0);
    again.act(0, &mut restored);
    assert_eq!(restored, action);
    let none = greedy.improve(&mut *world, 0, &Budget { iterations: Some(0), ..Budget::default() }).unwrap();
    assert_eq!(none.status, PlanStatus::BudgetSpent);
}

#[test]
fn models_without_a_policy_are_refused() {
    let model = DynamicsModel(MountainCar::new());
    assert!(refuses("greedy", &model, &[-0.5, 0.0], &settings([])));
}
