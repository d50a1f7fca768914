//! iLQR, DDP and constraints against Crocoddyl's and ALTRO's published problems, whose optima IPOPT confirms.

use worldwright_control::{ConstrainedSolver, ConstraintOptions, Options, Problem, Solver, Status};
use worldwright_testkit::allocations;

use super::problems::unicycle::CurvedUnicycle;
use super::problems::{CartPole, DoubleIntegrator, Rule, Unicycle, crocoddyl_lqr, standing};

#[test]
fn crocoddyls_unicycle_takes_its_known_cost_and_iterations() {
    for (start, horizon, cost, iterations) in
        [([1.0, 0.0, 0.0], 200, 80.901_699_437, 1), ([-1.0, -1.0, 1.0], 20, 249.560_897_931, 7)]
    {
        let problem = Unicycle { horizon };
        let mut solver = standing(&problem, &start, Options::default());
        let got = solver.solve_from_states(&problem, &start);
        assert_eq!(got.status, Status::Converged);
        assert!((got.cost - cost).abs() < 1e-8, "{got:?} instead of {cost}");
        assert_eq!(got.iterations, iterations);
    }
}

#[test]
fn one_iteration_solves_a_linear_quadratic_problem() {
    let problem = crocoddyl_lqr(37, 12, 100);
    let mut solver = Solver::new(&problem, Options::default());
    let got = solver.solve(&problem, &[0.0; 37]);
    assert_eq!((got.status, got.iterations), (Status::Converged, 1));
    assert!((got.cost + 612.0).abs() < 1e-8, "{got:?}");
}

#[test]
fn altros_cart_pole_reaches_its_known_costs() {
    for (rule, constrained, cost) in
        [(Rule::Third, true, 1.495_873_909), (Rule::Fourth, true, 1.486_187), (Rule::Third, false, 1.418_409_144)]
    {
        let options = Options { iterations: 500, ..Options::default() };
        let mut solver = ConstrainedSolver::new(CartPole { rule, constrained }, options, ConstraintOptions::default());
        solver.controls_mut().fill(0.01);
        let got = solver.solve(&[0.0; 4]);
        assert_eq!(got.status, Status::Converged, "{got:?}");
        assert!((got.cost - cost).abs() < 2e-6, "{got:?} instead of {cost}");
        assert!(got.violation <= 1e-6);
        assert!(!constrained || solver.controls().iter().all(|u| u.abs() <= 3.0));
        assert!(!constrained || solver.controls().iter().any(|u| u.abs() == 3.0), "the limit binds");
    }
}

#[test]
fn altros_double_integrator_keeps_its_speed_limit() {
    let mut solver = ConstrainedSolver::new(DoubleIntegrator, Options::default(), ConstraintOptions::default());
    let got = solver.solve(&[0.0; 2]);
    assert_eq!(got.status, Status::Converged, "{got:?}");
    assert!((got.cost - 0.744_087_305).abs() < 1e-6, "{got:?}");
    assert!(solver.states().chunks_exact(2).all(|x| x[1] <= 0.6 + 1e-6));
}

#[test]
fn a_start_that_leads_nowhere_near_is_made_feasible() {
    let problem = Unicycle { horizon: 20 };
    let start = [-1.0, -1.0, 1.0];
    let mut solver = Solver::new(&problem, Options::default());
    // Every state is guessed, none of them where the controls lead.
    for (t, state) in solver.states_mut().chunks_exact_mut(3).enumerate() {
        state.copy_from_slice(&[-1.0 + 0.04 * t as f64, 0.5, -0.3]);
    }
    let got = solver.solve_from_states(&problem, &start);
    assert_eq!(got.status, Status::Converged);
    assert!((got.cost - 249.560_897_931).abs() < 1e-7, "{got:?}");
    let mut reached = start;
    for (t, control) in solver.controls().chunks_exact(2).enumerate() {
        assert!(solver.states()[3 * t..][..3].iter().zip(reached).all(|(state, x)| (state - x).abs() < 1e-12));
        let mut next = [0.0; 3];
        problem.step(t, &reached, control, &mut next, &mut (0.0, 0.0));
        reached = next;
    }
}

/// With the second derivatives of the motion the error falls quadratically: its logarithm doubles, slope 2. Without them (iLQR) it
/// falls linearly.
#[test]
fn ddp_converges_quadratically_and_ilqr_linearly() {
    fn costs<P: worldwright_control::Problem>(problem: &P) -> Vec<f64> {
        let start = [-1.0, -1.0, 1.0];
        let solve = |iterations| {
            let mut solver = Solver::new(
                problem,
                Options { iterations, tolerance: 0.0, curvature_share: f64::INFINITY, ..Options::default() },
            );
            solver.solve(problem, &start);
            solver.controls().to_vec()
        };
        let optimum = solve(60);
        let distance = |u: &[f64]| u.iter().zip(&optimum).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        (0..14).map(|iterations| distance(&solve(iterations))).collect()
    }
    // Slopes of log e_{k+1} against log e_k where the asymptotic regime has begun and rounding has not.
    let slope = |errors: &[f64], low: f64| {
        let pairs: Vec<(f64, f64)> = errors
            .windows(2)
            .filter(|pair| pair[0] < 0.3 && pair[1] > low)
            .map(|pair| (pair[0].ln(), pair[1].ln()))
            .collect();
        let n = pairs.len() as f64;
        assert!(n >= 2.0, "{errors:?}");
        let (mx, my) = (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
        let covariance: f64 = pairs.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
        covariance / pairs.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>()
    };
    let ddp = costs(&CurvedUnicycle(Unicycle { horizon: 20 }));
    let ilqr = costs(&Unicycle { horizon: 20 });
    let (ddp_slope, ilqr_slope) = (slope(&ddp, 1e-12), slope(&ilqr, 1e-9));
    assert!((1.7..2.4).contains(&ddp_slope), "{ddp_slope} from {ddp:?}");
    assert!((0.8..1.3).contains(&ilqr_slope), "{ilqr_slope} from {ilqr:?}");
}

#[test]
fn a_solver_does_not_allocate_after_construction() {
    let problem = crocoddyl_lqr(10, 3, 20);
    let mut solver = Solver::new(&problem, Options::default());
    let mut constrained = ConstrainedSolver::new(DoubleIntegrator, Options::default(), ConstraintOptions::default());
    let ((), allocated) = allocations::count_single_threaded(|| {
        solver.solve(&problem, &[0.5; 10]);
        solver.shift(1);
        solver.solve(&problem, &[0.4; 10]);
        constrained.solve(&[0.0; 2]);
    });
    assert_eq!(allocated, 0);
}
