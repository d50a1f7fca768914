//! Public problems with known optima: Crocoddyl's unicycle and LQR, ALTRO's cart-pole and double integrator.

mod cart_pole;
mod double_integrator;
pub(crate) mod unicycle;

pub(crate) use cart_pole::{CartPole, Rule};
pub(crate) use double_integrator::DoubleIntegrator;
pub(crate) use unicycle::Unicycle;

use worldwright_control::{LinearQuadratic, Options, Problem, Solver};

/// Crocoddyl's `ActionModelLQR(37, 12)`: A, B, Q, R identities, linear costs of ones, no drift.
pub(crate) fn crocoddyl_lqr(nx: usize, nu: usize, horizon: usize) -> LinearQuadratic {
    let mut problem = LinearQuadratic::zeros(nx, nu, horizon);
    for i in 0..nx {
        problem.a[i * nx + i] = 1.0;
        problem.q[i * nx + i] = 1.0;
        problem.q_final[i * nx + i] = 1.0;
    }
    for i in 0..nu {
        problem.b[i * nx + i] = 1.0;
        problem.r[i * nu + i] = 1.0;
    }
    problem.q_linear.fill(1.0);
    problem.q_final_linear.fill(1.0);
    problem.r_linear.fill(1.0);
    problem
}

/// A solver whose every state stands at `start` and whose controls are zero: where Crocoddyl starts.
pub(crate) fn standing<P: Problem>(problem: &P, start: &[f64], options: Options) -> Solver<P> {
    let mut solver = Solver::new(problem, options);
    solver.states_mut().chunks_exact_mut(start.len()).for_each(|state| state.copy_from_slice(start));
    solver
}
