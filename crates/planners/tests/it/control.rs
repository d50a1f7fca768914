//! Second-order planning against Riccati, Crocoddyl's costs and IPOPT's.

use worldwright_planners::control::problems::{CartPole, LinearQuadraticControl, Unicycle};
use worldwright_planners::control::{Constrained, ConstrainedOptions, Ddp, DdpOptions, DdpStatus, Goal};

#[test]
fn the_unicycle_costs_what_crocoddyl_finds() {
    for (start, stages, cost, iterations) in
        [([1.0, 0.0, 0.0], 200, 80.901_699_437, 1), ([-1.0, -1.0, 1.0], 20, 249.560_897_931, 7)]
    {
        let problem = Unicycle { stages };
        let mut solver = Ddp::new(stages);
        solver.roll_out(&problem, &start);
        let report = solver.solve(&problem, DdpOptions::default());
        assert_eq!(report.status, DdpStatus::Converged);
        assert!((report.cost - cost).abs() < 1e-8, "{}", report.cost);
        assert_eq!(report.iterations, iterations);
    }
}

#[test]
fn a_start_that_leads_nowhere_near_is_made_feasible() {
    let problem = Unicycle { stages: 20 };
    let start = [-1.0, -1.0, 1.0];
    let mut solver = Ddp::new(20);
    // Every state is guessed, none of them where the controls lead.
    for (t, state) in solver.states.iter_mut().enumerate() {
        *state = [-1.0 + 0.04 * t as f64, 0.5, -0.3];
    }
    solver.begin(&problem, &start);
    let report = solver.solve(&problem, DdpOptions::default());
    assert_eq!(report.status, DdpStatus::Converged);
    assert!((report.cost - 249.560_897_931).abs() < 1e-7, "{report:?}");
    assert_eq!(solver.states[0], start);
}

#[test]
fn one_iteration_solves_a_linear_quadratic_problem() {
    let problem = LinearQuadraticControl::<37, 12>::identities(100);
    let mut solver = Ddp::new(100);
    solver.roll_out(&problem, &[0.0; 37]);
    let report = solver.solve(&problem, DdpOptions::default());
    assert!((report.cost + 612.0).abs() < 1e-9, "{}", report.cost);
    assert_eq!((report.status, report.iterations), (DdpStatus::Converged, 1));
}

#[test]
fn a_double_integrator_costs_what_riccati_says() {
    let dt = 0.1;
    let problem = LinearQuadraticControl::<2, 1> {
        stages: 50,
        a: [[1.0, dt], [0.0, 1.0]],
        b: [[0.5 * dt * dt], [dt]],
        q: [[1.0, 0.0], [0.0, 1.0]],
        r: [[0.1]],
        last: [[1.0, 0.0], [0.0, 1.0]],
        q_linear: [0.0; 2],
        r_linear: [0.0],
    };
    let mut solver = Ddp::new(50);
    solver.roll_out(&problem, &[1.0, 0.0]);
    let report = solver.solve(&problem, DdpOptions::default());
    assert_eq!(report.iterations, 1);
    assert!((2.0 * report.cost - 13.316_266_332_3).abs() < 1e-9, "{}", 2.0 * report.cost);
    // Far from the end the feedback is that of the infinite horizon.
    let longer = LinearQuadraticControl { stages: 400, ..problem };
    let mut solver = Ddp::new(400);
    solver.roll_out(&longer, &[1.0, 0.0]);
    solver.solve(&longer, DdpOptions::default());
    let [[position, speed]] = solver.gains[0];
    assert!((position + 2.585_700_896_7).abs() < 1e-9 && (speed + 3.443_435_917_8).abs() < 1e-9);
}

fn swing_up(limit: Option<f64>) -> Ddp<4, 1> {
    let problem = CartPole { limit };
    let mut solver = Ddp::new(CartPole::STAGES);
    solver.controls.fill([0.01]);
    solver.roll_out(&problem, &[0.0; 4]);
    solver
}

#[test]
fn the_cart_pole_swings_up_at_ipopts_cost() {
    let problem = CartPole { limit: Some(3.0) };
    let goal = Goal { state: CartPole::GOAL, stages: CartPole::STAGES };
    let mut solver = swing_up(Some(3.0));
    let options = ConstrainedOptions {
        inner: DdpOptions { iterations: 300, tolerance: 1e-6, sufficient: 1e-4 },
        ..ConstrainedOptions::default()
    };
    let report = Constrained::new(&problem, &goal).solve(&mut solver, &[0.0; 4], options);
    assert_eq!(report.inner.status, DdpStatus::Converged, "{report:?}");
    assert!((report.inner.cost - 1.495_873_909).abs() < 1e-4, "{report:?}");
    assert!(report.violation < 1e-6 && solver.controls.iter().all(|[u]| u.abs() <= 3.0));
    assert!(solver.controls.iter().any(|[u]| u.abs() == 3.0), "the limit binds");
}

#[test]
fn the_free_cart_pole_reaches_ipopts_cost() {
    let problem = CartPole { limit: None };
    let mut solver = swing_up(None);
    let report = solver.solve(&problem, DdpOptions { iterations: 3000, tolerance: 1e-9, sufficient: 1e-4 });
    assert_eq!(report.status, DdpStatus::Converged, "{report:?}");
    assert!((report.cost - 1.418_409_144).abs() < 1e-6, "{report:?}");
}
