//! The stationary linear-quadratic regulator: the discrete algebraic Riccati equation by doubling.
//!
//! For `x' = A x + B u + c` and cost `½ xᵀQx + xᵀN u + ½ uᵀRu + q·x + r·u`, discounted by γ, the cost to go `½ xᵀPx + p·x` solves
//!
//! ```text
//! P = Q + γ AᵀPA + (γ AᵀPB + N) K        K = −(R + γ BᵀPB)⁻¹ (γ BᵀPA + Nᵀ)
//! p = q + Kᵀr + γ (A + B K)ᵀ (P c + p)   k = −(R + γ BᵀPB)⁻¹ (γ Bᵀ(P c + p) + r)
//! ```
//!
//! and the best control is `u = k + K x`. P is the limit of the doubling iteration (Chu, Fan, Lin and Wang, "Structure-preserving
//! algorithms for periodic discrete-time algebraic Riccati equations", International Journal of Control 77, 2004)
//!
//! ```text
//! W = I + G H    A ← A W⁻¹ A    G ← G + A W⁻¹ G Aᵀ    H ← H + Aᵀ H W⁻¹ A    from G = B R⁻¹ Bᵀ, H = Q
//! ```
//!
//! whose k-th iterate is the finite horizon of 2^k steps, so that a dozen of them reach rounding error.

use super::dense::{Part, add_product, add_product_transposed, factor, mirror, product, solve_right, transpose};
use super::elimination::solve;
use super::linear_quadratic::LinearQuadratic;

const DOUBLINGS: usize = 60;
/// Relative change of P below which it has converged.
const SETTLED: f64 = 1e-15;
/// Relative change that will do where rounding keeps it from settling.
const NEAR: f64 = 1e-9;

/// Room for regulators of n states and m controls, and the last of them.
#[derive(Debug, Clone)]
pub struct Regulator {
    n: usize,
    m: usize,
    /// `[n][n]`, P: twice the quadratic cost to go.
    pub cost_to_go: Vec<f64>,
    /// `[n]`, p: the linear cost to go.
    pub linear_cost_to_go: Vec<f64>,
    /// `[n columns][m]`, K.
    pub feedback: Vec<f64>,
    /// `[m]`, k.
    pub feedforward: Vec<f64>,
    a: Vec<f64>,
    g: Vec<f64>,
    w: Vec<f64>,
    by_a: Vec<f64>,
    by_g: Vec<f64>,
    square: Vec<f64>,
    before: Vec<f64>,
    /// `[m][n]`, with n rows.
    tall: Vec<f64>,
    tall_too: Vec<f64>,
    wide: Vec<f64>,
    quu: Vec<f64>,
    vector: Vec<f64>,
}

impl Regulator {
    /// Room for n states and m controls.
    pub fn new(n: usize, m: usize) -> Self {
        let square = vec![0.0; n * n];
        let tall = vec![0.0; n * m];
        Self {
            n,
            m,
            cost_to_go: square.clone(),
            linear_cost_to_go: vec![0.0; n],
            feedback: tall.clone(),
            feedforward: vec![0.0; m],
            a: square.clone(),
            g: square.clone(),
            w: square.clone(),
            by_a: square.clone(),
            by_g: square.clone(),
            before: square.clone(),
            square,
            tall_too: tall.clone(),
            wide: tall.clone(),
            tall,
            quu: vec![0.0; m * m],
            vector: vec![0.0; n],
        }
    }

    /// Finds the stationary regulator of a problem, whose horizon and final cost do not matter. False where there is none: R is not
    /// positive definite, or no control keeps the cost finite.
    ///
    /// # Panics
    /// When the problem has other sizes.
    pub fn solve(&mut self, problem: &LinearQuadratic, discount: f64) -> bool {
        let (n, m) = (self.n, self.m);
        assert_eq!((problem.drift.len(), problem.r_linear.len()), (n, m), "sizes of the problem");
        let root = discount.sqrt();
        // B R⁻¹ and N R⁻¹ (n × m each): the cross term is completed into A and Q.
        self.quu.copy_from_slice(&problem.r);
        if !factor::<false>(m, &mut self.quu) {
            return false;
        }
        self.tall.copy_from_slice(&problem.b);
        self.tall.iter_mut().for_each(|number| *number *= root);
        solve_right::<false>(m, n, &self.quu, &mut self.tall);
        transpose(n, m, &problem.b, &mut self.wide);
        self.wide.iter_mut().for_each(|number| *number *= root);
        product::<false>((n, m, n), None, &self.tall, &self.wide, Part::All, &mut self.g);
        transpose(n, m, &problem.cross, &mut self.wide);
        product::<false>((n, m, n), None, &self.tall, &self.wide, Part::All, &mut self.square);
        let completed = problem.a.iter().zip(&self.square);
        self.a.iter_mut().zip(completed).for_each(|(slot, (a, cross))| *slot = root * a - cross);
        self.tall.copy_from_slice(&problem.cross);
        solve_right::<false>(m, n, &self.quu, &mut self.tall);
        product::<false>((n, m, n), None, &self.tall, &self.wide, Part::All, &mut self.square);
        let completed = problem.q.iter().zip(&self.square);
        self.cost_to_go.iter_mut().zip(completed).for_each(|(slot, (q, cross))| *slot = q - cross);
        self.double() && self.gains(problem, discount)
    }

    /// Doubles until P settles.
    fn double(&mut self) -> bool {
        let n = self.n;
        let mut change = f64::INFINITY;
        for _ in 0..DOUBLINGS {
            product::<false>((n, n, n), None, &self.g, &self.cost_to_go, Part::All, &mut self.w);
            (0..n).for_each(|i| self.w[i * n + i] += 1.0);
            self.by_a.copy_from_slice(&self.a);
            self.by_g.copy_from_slice(&self.g);
            self.square.copy_from_slice(&self.w);
            if !solve(n, &mut self.square, &mut self.by_a) || !solve(n, &mut self.w, &mut self.by_g) {
                return false;
            }
            // H ← H + Aᵀ H (W⁻¹ A)
            self.before.copy_from_slice(&self.cost_to_go);
            product::<false>((n, n, n), None, &self.before, &self.by_a, Part::All, &mut self.w);
            transpose(n, n, &self.a, &mut self.square);
            product::<false>((n, n, n), Some(&self.before), &self.square, &self.w, Part::All, &mut self.cost_to_go);
            mirror(n, &mut self.cost_to_go);
            // G ← G + A (W⁻¹ G) Aᵀ
            product::<false>((n, n, n), None, &self.by_g, &self.square, Part::All, &mut self.w);
            self.square.copy_from_slice(&self.g);
            product::<false>((n, n, n), Some(&self.square), &self.a, &self.w, Part::All, &mut self.g);
            mirror(n, &mut self.g);
            product::<false>((n, n, n), None, &self.a, &self.by_a, Part::All, &mut self.w);
            self.a.copy_from_slice(&self.w);
            let (mut moved, mut scale) = (0.0, f64::MIN_POSITIVE);
            for (new, old) in self.cost_to_go.iter().zip(&self.before) {
                moved += (new - old).abs();
                scale += new.abs();
            }
            let last = std::mem::replace(&mut change, moved / scale);
            if !change.is_finite() {
                return false;
            }
            if change <= SETTLED || (change <= NEAR && change >= last) {
                return true;
            }
        }
        change <= NEAR
    }

    /// K, k and p from P.
    fn gains(&mut self, problem: &LinearQuadratic, discount: f64) -> bool {
        let (n, m) = (self.n, self.m);
        // Q_uu = R + γ BᵀPB and −Q_xu = −(N + γ AᵀPB).
        product::<false>((n, n, m), None, &self.cost_to_go, &problem.b, Part::All, &mut self.tall);
        self.tall.iter_mut().for_each(|number| *number *= discount);
        transpose(n, m, &problem.b, &mut self.wide);
        product::<false>((m, n, m), Some(&problem.r), &self.wide, &self.tall, Part::All, &mut self.quu);
        mirror(m, &mut self.quu);
        transpose(n, n, &problem.a, &mut self.square);
        product::<false>((n, n, m), Some(&problem.cross), &self.square, &self.tall, Part::All, &mut self.tall_too);
        self.tall_too.iter_mut().for_each(|number| *number = -*number);
        if !factor::<false>(m, &mut self.quu) {
            return false;
        }
        solve_right::<false>(m, n, &self.quu, &mut self.tall_too);
        transpose(n, m, &self.tall_too, &mut self.feedback);
        // (I − γ (A + B K)ᵀ) p = q + Kᵀ r + γ (A + B K)ᵀ P c
        product::<false>((n, m, n), Some(&problem.a), &problem.b, &self.feedback, Part::All, &mut self.w);
        self.vector.fill(0.0);
        add_product::<false>(&self.cost_to_go, &problem.drift, &mut self.vector);
        self.vector.iter_mut().for_each(|number| *number *= discount);
        self.linear_cost_to_go.copy_from_slice(&problem.q_linear);
        add_product_transposed::<false>(&self.feedback, &problem.r_linear, &mut self.linear_cost_to_go);
        add_product_transposed::<false>(&self.w, &self.vector, &mut self.linear_cost_to_go);
        transpose(n, n, &self.w, &mut self.square);
        self.square.iter_mut().for_each(|number| *number *= -discount);
        (0..n).for_each(|i| self.square[i * n + i] += 1.0);
        if !solve(n, &mut self.square, &mut self.linear_cost_to_go) {
            return false;
        }
        // k = −Q_uu⁻¹ (r + Bᵀ(γ P c + γ p))
        for (number, p) in self.vector.iter_mut().zip(&self.linear_cost_to_go) {
            *number += discount * p;
        }
        self.feedforward.copy_from_slice(&problem.r_linear);
        add_product_transposed::<false>(&problem.b, &self.vector, &mut self.feedforward);
        self.feedforward.iter_mut().for_each(|number| *number = -*number);
        solve_right::<false>(m, 1, &self.quu, &mut self.feedforward);
        true
    }
}
