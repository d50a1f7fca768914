//! The stationary regulator, the finite one and the Kalman filter against their closed forms and plain recursions.

use worldwright_control::{LinearQuadratic, Lqg, Observed, Options, Regulator, Solver, Status};
use worldwright_core::Rng;
use worldwright_testkit::lqr::Problem;
use worldwright_testkit::matrix::Matrix;

const GOLDEN: f64 = 1.618_033_988_749_895;

fn near(got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len());
    assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() <= tolerance), "{got:?} instead of {want:?}");
}

/// The double integrator with cost `½ (xᵀx + 0.1 u²)`.
fn double_integrator(horizon: usize) -> LinearQuadratic {
    let mut problem = LinearQuadratic::zeros(2, 1, horizon);
    problem.a.copy_from_slice(&[1.0, 0.0, 0.1, 1.0]);
    problem.b.copy_from_slice(&[0.005, 0.1]);
    problem.q.copy_from_slice(&[1.0, 0.0, 0.0, 1.0]);
    problem.q_final.copy_from_slice(&[1.0, 0.0, 0.0, 1.0]);
    problem.r[0] = 0.1;
    problem
}

#[test]
fn the_golden_ratio_solves_the_unit_problem() {
    let mut problem = LinearQuadratic::zeros(1, 1, 1);
    (problem.a[0], problem.b[0], problem.q[0], problem.r[0]) = (1.0, 1.0, 1.0, 1.0);
    let mut regulator = Regulator::new(1, 1);
    assert!(regulator.solve(&problem, 1.0));
    near(&regulator.cost_to_go, &[GOLDEN], 1e-14);
    near(&regulator.feedback, &[-1.0 / GOLDEN], 1e-14);
}

#[test]
fn the_double_integrator_has_its_known_regulator() {
    let mut regulator = Regulator::new(2, 1);
    assert!(regulator.solve(&double_integrator(1), 1.0));
    let p = [13.317_224_441_1, 3.201_562_118_7, 3.201_562_118_7, 4.603_514_023_8];
    near(&regulator.cost_to_go, &p, 1e-9);
    near(&regulator.feedback, &[-2.585_700_896_7, -3.443_435_917_8], 1e-9);

    let problem = double_integrator(50);
    let mut solver = Solver::new(&problem, Options::default());
    let got = solver.solve(&problem, &[1.0, 0.0]);
    assert_eq!((got.status, got.iterations), (Status::Converged, 1));
    assert!((2.0 * got.cost - 13.316_266_332_3).abs() < 1e-9, "{got:?}");
    // Far from the end the feedback is that of the infinite horizon.
    let problem = double_integrator(400);
    let mut solver = Solver::new(&problem, Options::default());
    solver.solve(&problem, &[1.0, 0.0]);
    near(&solver.gains().feedback[..2], &regulator.feedback, 1e-9);
    near(&solver.gains().value_hessian, &p, 1e-9);
}

/// Random systems of many sizes with cross terms and discount: the doubled solution stays where the recursion leaves it, and the
/// affine law balances the stationary equation for x.
#[test]
fn doubling_ends_where_the_recursion_does() {
    let mut rng = Rng::new(5);
    for (n, m, discount) in [(1, 1, 1.0), (3, 2, 1.0), (6, 1, 0.95), (12, 5, 0.9), (20, 20, 1.0)] {
        let mut problem = LinearQuadratic::zeros(n, m, 100);
        let scale = 1.0 / (n as f64).sqrt();
        problem.a.iter_mut().for_each(|number| *number = 1.1 * scale * rng.normal());
        problem.b.iter_mut().for_each(|number| *number = rng.normal());
        problem.cross.iter_mut().for_each(|number| *number = 0.1 * scale * rng.normal());
        for i in 0..n {
            problem.q[i * n + i] = 1.0 + i as f64;
            problem.drift[i] = 0.1 * rng.normal();
            problem.q_linear[i] = rng.normal();
        }
        for j in 0..m {
            problem.r[j * m + j] = 2.0;
            problem.r_linear[j] = rng.normal();
        }
        let mut regulator = Regulator::new(n, m);
        assert!(regulator.solve(&problem, discount), "{n} {m}");
        let recursion = recursion(&problem, discount);
        let largest = recursion.largest();
        for p in 0..n {
            for q in 0..n {
                let (got, want) = (regulator.cost_to_go[q * n + p], recursion.get(p, q));
                assert!((got - want).abs() < 1e-9 * largest, "{n} {m}: {got} instead of {want}");
            }
        }
        if discount == 1.0 {
            // The first control of a long finite problem is the stationary law's, drift and linear costs included.
            let start: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
            let mut solver = Solver::new(&problem, Options::default());
            solver.solve(&problem, &start);
            let mut law = regulator.feedforward.clone();
            for (p, x) in start.iter().enumerate() {
                (0..m).for_each(|j| law[j] += regulator.feedback[p * m + j] * x);
            }
            near(&solver.controls()[..m], &law, 1e-7);
        }
    }
}

/// P after so many plain Riccati steps that nothing moves any more.
fn recursion(problem: &LinearQuadratic, discount: f64) -> Matrix {
    let (n, m) = (problem.drift.len(), problem.r_linear.len());
    let matrix = |rows: usize, columns: usize, numbers: &[f64]| {
        let mut out = Matrix::zeros(rows, columns);
        for q in 0..columns {
            (0..rows).for_each(|p| out.set(p, q, numbers[q * rows + p]));
        }
        out
    };
    let (a, b) = (matrix(n, n, &problem.a), matrix(n, m, &problem.b));
    let (q, r, cross) = (matrix(n, n, &problem.q), matrix(m, m, &problem.r), matrix(n, m, &problem.cross));
    let mut p = q.clone();
    for _ in 0..5000 {
        let pa = p.times(&a);
        let qxx = q.plus(discount, &a.transposed().times(&pa));
        let qux = cross.transposed().plus(discount, &b.transposed().times(&pa));
        let quu = r.plus(discount, &b.transposed().times(&p.times(&b)));
        let next = qxx.plus(-1.0, &qux.transposed().times(&quu.solve(&qux)));
        // Rounding's asymmetry would grow with the open loop.
        p = Matrix::zeros(n, n).plus(0.5, &next).plus(0.5, &next.transposed());
    }
    p
}

#[test]
fn what_cannot_be_held_has_no_regulator() {
    let mut regulator = Regulator::new(1, 1);
    let mut problem = LinearQuadratic::zeros(1, 1, 1);
    (problem.a[0], problem.q[0], problem.r[0]) = (2.0, 1.0, 1.0);
    assert!(!regulator.solve(&problem, 1.0), "no control reaches the unstable state");
    (problem.b[0], problem.r[0]) = (1.0, 0.0);
    assert!(!regulator.solve(&problem, 1.0), "controls are free");
    // Discounted enough, even what grows costs a finite amount.
    (problem.b[0], problem.r[0]) = (0.0, 1.0);
    assert!(regulator.solve(&problem, 0.2));
    near(&regulator.cost_to_go, &[1.0 / (1.0 - 0.2 * 4.0)], 1e-12);
}

/// A random walk seen through noise of the same size: Σ is the golden ratio, L its inverse.
#[test]
fn the_golden_ratio_filters_the_random_walk() {
    let mut problem = LinearQuadratic::zeros(1, 1, 1);
    (problem.a[0], problem.b[0], problem.q[0], problem.r[0]) = (1.0, 1.0, 1.0, 1.0);
    let observed = Observed { c: vec![1.0], disturbance: vec![1.0], noise: vec![1.0] };
    let lqg = Lqg::new(problem, observed).unwrap();
    near(lqg.covariances().0, &[GOLDEN], 1e-13);
    near(lqg.covariances().1, &[1.0 / GOLDEN], 1e-13);
    near(lqg.filter_gain(), &[1.0 / GOLDEN], 1e-13);
    // ½ (φ·1 + Σ⁺ (1 + φ) K²) with Σ⁺ = K = 1/φ: ½ (φ + 1/φ).
    assert!((lqg.average_cost() - 0.5 * (GOLDEN + 1.0 / GOLDEN)).abs() < 1e-12, "{}", lqg.average_cost());
}

/// Seen without noise, a step costs tr(P W) = 0.1792073846; through noise as much more as the filter's error asks for, and a long
/// simulation agrees.
#[test]
fn a_noisy_double_integrator_costs_what_separation_says() {
    let disturbance = vec![0.01, 0.0, 0.0, 0.01];
    let build = |noise: f64| {
        let observed = Observed { c: vec![1.0, 0.0], disturbance: disturbance.clone(), noise: vec![noise] };
        Lqg::new(double_integrator(1), observed).unwrap()
    };
    let seen =
        Observed { c: vec![1.0, 0.0, 0.0, 1.0], disturbance: disturbance.clone(), noise: vec![1e-13, 0.0, 0.0, 1e-13] };
    let seen = Lqg::new(double_integrator(1), seen).unwrap();
    assert!((2.0 * seen.average_cost() - 0.179_207_384_6).abs() < 1e-9, "{}", 2.0 * seen.average_cost());

    let mut lqg = build(0.04);
    let expected = lqg.average_cost();
    assert!(expected > 1.05 * seen.average_cost());
    let (mut x, mut u, mut total, mut rng) = ([0.0; 2], [0.0], 0.0, Rng::new(11));
    let steps = 400_000;
    for _ in 0..steps {
        lqg.control(&[x[0] + 0.2 * rng.normal()], &mut u);
        total += 0.5 * (x[0] * x[0] + x[1] * x[1] + 0.1 * u[0] * u[0]);
        x = [x[0] + 0.1 * x[1] + 0.005 * u[0] + 0.1 * rng.normal(), x[1] + 0.1 * u[0] + 0.1 * rng.normal()];
    }
    let mean = total / f64::from(steps);
    assert!((mean / expected - 1.0).abs() < 0.02, "{mean} instead of {expected}");
}

#[test]
fn matrices_that_do_not_fit_are_named() {
    let observed = Observed { c: vec![1.0, 0.0], disturbance: vec![0.01], noise: vec![1.0] };
    assert!(Lqg::new(double_integrator(1), observed).unwrap_err().to_string().contains('W'));
    let blind = Observed { c: vec![0.0, 0.0], disturbance: vec![1.0, 0.0, 0.0, 1.0], noise: vec![1.0] };
    assert!(Lqg::new(double_integrator(1), blind).unwrap_err().to_string().contains("detectable"));
    // The oracle agrees with the solver's convention: twice ½ is 1.
    let oracle = Problem::double_integrator().infinite();
    assert!((oracle.p.get(0, 0) - 13.317_224_441_1).abs() < 1e-9);
}
