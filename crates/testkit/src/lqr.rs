//! The linear-quadratic regulator: what the best feedback earns, exactly.
//!
//! For `x' = A x + B u` and cost `Σ xᵀQx + uᵀRu` the Riccati recursion gives
//! `K = (R + BᵀPB)⁻¹ BᵀPA`, `P ← Q + AᵀP(A − BK)`; the cost to go is `xᵀPx` and the best action `u = −Kx` (Anderson and
//! Moore, "Optimal Control: Linear Quadratic Methods", 1990, chapter 2). A discount γ is the same with √γ A and √γ B.

use crate::matrix::Matrix;

/// A linear system and its quadratic cost, discounted by `discount` a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// `[O][O]`
    pub a: Matrix,
    /// `[O][A]`
    pub b: Matrix,
    /// `[O][O]`
    pub q: Matrix,
    /// `[A][A]`
    pub r: Matrix,
    /// γ
    pub discount: f64,
}

/// What is best from one step on.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// The cost to go is `xᵀPx`.
    pub p: Matrix,
    /// The best action is `−Kx`.
    pub k: Matrix,
}

impl Problem {
    /// The double integrator, sampled exactly every 0.1 s, with Q = I and R = 0.1.
    pub fn double_integrator() -> Self {
        Self {
            a: Matrix::from_rows(&[&[1.0, 0.1], &[0.0, 1.0]]),
            b: Matrix::from_rows(&[&[0.005], &[0.1]]),
            q: Matrix::diagonal(2, 1.0),
            r: Matrix::diagonal(1, 0.1),
            discount: 1.0,
        }
    }

    /// One step back from cost to go `p`.
    pub fn step_back(&self, p: &Matrix) -> Solution {
        let root = self.discount.sqrt();
        let scaled = |matrix: &Matrix| Matrix::zeros(matrix.rows(), matrix.columns()).plus(root, matrix);
        let (a, b) = (scaled(&self.a), scaled(&self.b));
        let bp = b.transposed().times(p);
        let k = self.r.plus(1.0, &bp.times(&b)).solve(&bp.times(&a));
        let p = self.q.plus(1.0, &a.transposed().times(p).times(&a.plus(-1.0, &b.times(&k))));
        Solution { p, k }
    }

    /// The first step's solution for `horizon` steps ending in cost `terminal`.
    pub fn finite(&self, horizon: usize, terminal: &Matrix) -> Solution {
        let mut solution = Solution { p: terminal.clone(), k: Matrix::zeros(self.b.columns(), self.a.rows()) };
        for _ in 0..horizon {
            solution = self.step_back(&solution.p);
        }
        solution
    }

    /// The stationary solution of the infinite horizon.
    ///
    /// # Panics
    /// When the recursion does not settle: the system cannot be stabilised.
    pub fn infinite(&self) -> Solution {
        let mut solution = self.finite(1, &self.q);
        for _ in 0..1_000_000 {
            let next = self.step_back(&solution.p);
            let change = next.p.plus(-1.0, &solution.p).largest();
            solution = next;
            if change <= 1e-15 * solution.p.largest() {
                return solution;
            }
        }
        panic!("the Riccati recursion does not settle: the system cannot be stabilised")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_ratio_solves_the_unit_problem() {
        let one = Matrix::diagonal(1, 1.0);
        let problem = Problem { a: one.clone(), b: one.clone(), q: one.clone(), r: one, discount: 1.0 };
        let phi = 0.5 * (1.0 + 5.0_f64.sqrt());
        let solution = problem.infinite();
        assert!((solution.p.get(0, 0) - phi).abs() < 1e-12);
        assert!((solution.k.get(0, 0) - 1.0 / phi).abs() < 1e-12);
    }

    #[test]
    fn the_double_integrator_has_its_known_numbers() {
        let problem = Problem::double_integrator();
        let Solution { p, k } = problem.infinite();
        for (got, want) in [
            (p.get(0, 0), 13.317_224_441_1),
            (p.get(0, 1), 3.201_562_118_7),
            (p.get(1, 0), 3.201_562_118_7),
            (p.get(1, 1), 4.603_514_023_8),
            (k.get(0, 0), 2.585_700_896_7),
            (k.get(0, 1), 3.443_435_917_8),
            // The average cost under noise of covariance 0.01 I.
            (0.01 * (p.get(0, 0) + p.get(1, 1)), 0.179_207_384_6),
        ] {
            assert!((got - want).abs() < 6e-11, "{got} instead of {want}");
        }
        let finite = problem.finite(50, &Matrix::diagonal(2, 1.0)).p.quadratic(&[1.0, 0.0]);
        assert!((finite - 13.316_266_332_3).abs() < 1e-9, "{finite}");
    }

    #[test]
    fn a_discounted_solution_is_a_fixed_point_of_bellman() {
        // Cost to go of −Kx, summed along the path it takes.
        let problem = Problem { discount: 0.9, ..Problem::double_integrator() };
        let Solution { p, k } = problem.infinite();
        let (mut x, mut cost, mut weight) = (vec![0.7, -1.3], 0.0, 1.0);
        let start = p.quadratic(&x);
        for _ in 0..400 {
            let u: Vec<f64> = k.apply(&x).iter().map(|u| -u).collect();
            cost += weight * (problem.q.quadratic(&x) + problem.r.quadratic(&u));
            weight *= problem.discount;
            let drift = problem.b.apply(&u);
            x = problem.a.apply(&x).iter().zip(drift).map(|(a, b)| a + b).collect();
        }
        assert!((cost - start).abs() < 1e-10);
    }
}
