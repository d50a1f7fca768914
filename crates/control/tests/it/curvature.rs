//! Second derivatives of the problems against differences of their first ones.

use worldwright_control::{Curvature, Expansion, Problem, Shape};

use super::problems::unicycle::CurvedUnicycle;
use super::problems::{CartPole, Rule, Unicycle};

/// The second derivatives of the problems with known optima, against differences of their first ones.
#[test]
fn curvatures_are_differences_of_jacobians() {
    check_curvature(&CartPole { rule: Rule::Third, constrained: false }, &[0.3, 1.2, -0.4, 2.0], &[1.5]);
    check_curvature(&CartPole { rule: Rule::Fourth, constrained: false }, &[0.3, 2.2, 0.4, -3.0], &[-0.5]);
    check_curvature(&CurvedUnicycle(Unicycle { horizon: 1 }), &[0.3, 1.2, -0.4], &[1.5, 0.2]);
}

fn check_curvature<P: Problem>(problem: &P, x: &[f64], u: &[f64]) {
    let (shape, n, m) = (problem.shape(), x.len(), u.len());
    let costate: Vec<f64> = (0..n).map(|i| 0.7 - 0.4 * i as f64).collect();
    // p · ∂f/∂(x, u) at a moved point.
    let pulled = |moved: usize, by: f64| -> (Vec<f64>, P::Memo) {
        let (mut x, mut u, mut next) = (x.to_vec(), u.to_vec(), shape.x());
        if moved < n {
            x[moved] += by
        } else {
            u[moved - n] += by
        }
        let (mut memo, mut out) = (P::Memo::default(), Expansion::new(shape));
        problem.step(0, &x, &u, &mut next, &mut memo);
        problem.constants(&mut out);
        problem.expand(0, &x, &u, &memo, &mut out);
        let columns = out.fx.chunks_exact(n).chain(out.fu.chunks_exact(n));
        (columns.map(|column| column.iter().zip(&costate).map(|(a, b)| a * b).sum()).collect(), memo)
    };
    let mut got = Curvature::new(shape);
    problem.curvature(0, x, u, &pulled(0, 0.0).1, &costate, &mut got);
    for p in 0..n + m {
        let (plus, minus) = (pulled(p, 1e-5).0, pulled(p, -1e-5).0);
        for q in 0..n + m {
            let want = (plus[q] - minus[q]) / 2e-5;
            let got = match (p < n, q < n) {
                (true, true) => got.xx[p * n + q],
                (true, false) => got.xu[(q - n) * n + p],
                (false, true) => got.xu[(p - n) * n + q],
                (false, false) => got.uu[(p - n) * m + q - n],
            };
            assert!((got - want).abs() < 1e-7, "{p} {q}: {got} instead of {want}");
        }
    }
}
