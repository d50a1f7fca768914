//! A linear world of d numbers with quadratic cost: what a policy costs, its gradient and the optimum, each in closed form.
//!
//! `x' = A x + B u + w`, `w ~ N(0, σ² I)`; a step costs `|x|² + |u|²`, and one later γ of that. `A` is a rotation, so that nothing dies out by itself; `B` has half as
//! many columns, orthonormal. Episodes begin at `x ~ N(0, I)`. A policy `u = −K x` costs `tr P_K (1 + γ σ² / (1 − γ))` in the mean, where
//! `P = I + KᵀK + γ (A − BK)ᵀ P (A − BK)`. Its gradient is that of Fazel, Ge, Kakade and Mesbahi ("Global Convergence of Policy Gradient Methods for the Linear
//! Quadratic Regulator", ICML 2018, lemma 1) for a discounted cost.

use worldwright_core::{Error, Result, Rng};

use super::matrix::Matrix;

pub(super) const DISCOUNT: f64 = 0.95;
/// Deviation of what is added to each number at a step.
pub(super) const NOISE: f64 = 0.3;

/// Doublings of the steps that a sum over time runs over: 2^12 of them.
const DOUBLINGS: usize = 12;
/// Sweeps of Riccati's equation: 0.95^600 is far below the precision of numbers.
const SWEEPS: usize = 600;

/// What moves, and what that costs.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub a: Matrix,
    pub b: Matrix,
    /// Costs of states, and of actions.
    pub costs: [Matrix; 2],
}

impl World {
    pub(super) fn draw(d: usize, rng: &mut Rng) -> Self {
        let inputs = (d / 2).max(1);
        Self {
            a: Matrix::normal(d, d, rng).orthonormal(),
            b: Matrix::normal(d, inputs, rng).orthonormal(),
            costs: [Matrix::identity(d), Matrix::identity(inputs)],
        }
    }

    /// Numbers of a state, and of an action.
    pub(super) fn sizes(&self) -> [usize; 2] {
        [self.b.rows, self.b.columns]
    }

    /// A step from `state` into `next`; what it costs.
    pub(super) fn step(&self, state: &[f64], action: &[f64], next: &mut [f64], rng: &mut Rng) -> f64 {
        self.a.apply(state, next);
        let [_, m] = self.sizes();
        for (next, row) in next.iter_mut().zip(self.b.numbers.chunks_exact(m)) {
            *next += row.iter().zip(action).map(|(b, u)| b * u).sum::<f64>() + NOISE * rng.normal();
        }
        self.costs[0].quadratic(state) + self.costs[1].quadratic(action)
    }

    fn closed(&self, gain: &Matrix) -> Matrix {
        self.a.clone().plus(-1.0, &self.b.times(gain))
    }

    /// `P_K`; infinite numbers where the cost has no bound.
    fn value(&self, gain: &Matrix) -> Matrix {
        let mut power = self.closed(gain).scaled(DISCOUNT.sqrt());
        let of_actions = gain.transposed().times(&self.costs[1]).times(gain);
        let mut value = self.costs[0].clone().plus(1.0, &of_actions);
        for _ in 0..DOUBLINGS {
            let later = power.transposed().times(&value).times(&power);
            value = value.plus(1.0, &later);
            power = power.times(&power);
        }
        value
    }

    /// What a policy costs in the mean, noise and starts included; infinite where that has no bound.
    pub(super) fn cost(&self, gain: &Matrix) -> f64 {
        let cost = self.value(gain).trace() * spread();
        if cost.is_finite() { cost } else { f64::INFINITY }
    }

    /// The derivative of [`cost`](Self::cost) by the gain.
    pub(super) fn gradient(&self, gain: &Matrix) -> Matrix {
        let (value, closed) = (self.value(gain), self.closed(gain));
        // States as often as they come, each weighed by its discount: Σ = spread · I + γ (A − BK) Σ (A − BK)ᵀ.
        let mut power = closed.clone().scaled(DISCOUNT.sqrt());
        let mut states = Matrix::identity(gain.columns).scaled(spread());
        for _ in 0..DOUBLINGS {
            let later = power.times(&states).times(&power.transposed());
            states = states.plus(1.0, &later);
            power = power.times(&power);
        }
        let pulled = self.b.transposed().times(&value).times(&closed).scaled(-DISCOUNT);
        self.costs[1].times(gain).plus(1.0, &pulled).times(&states).scaled(2.0)
    }

    /// The best gain.
    ///
    /// # Errors
    /// [`Error::Diverged`] where costs of actions are not positive definite.
    pub(super) fn best(&self) -> Result<Matrix> {
        let mut value = self.costs[0].clone();
        let mut gain = Matrix::zeros(self.b.columns, self.b.rows);
        for _ in 0..SWEEPS {
            let pulled = self.b.transposed().times(&value).scaled(DISCOUNT);
            gain = self.costs[1].clone().plus(1.0, &pulled.times(&self.b)).solve(&pulled.times(&self.a))?;
            // In this form the value stays symmetric and positive whatever was rounded.
            let closed = self.closed(&gain);
            let later = closed.transposed().times(&value).times(&closed).scaled(DISCOUNT);
            let of_actions = gain.transposed().times(&self.costs[1]).times(&gain);
            value = self.costs[0].clone().plus(1.0, &of_actions).plus(1.0, &later);
            if !value.trace().is_finite() {
                return Err(Error::Diverged { who: "the linear world".into(), why: "its values have no bound".into() });
            }
        }
        Ok(gain)
    }
}

/// What a unit of value costs in the mean, by starts and by noise at each step.
fn spread() -> f64 {
    1.0 + DISCOUNT * NOISE * NOISE / (1.0 - DISCOUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_riccatis_gain() {
        let number = |x: f64| Matrix { rows: 1, columns: 1, numbers: vec![x] };
        let world = World { a: number(1.0), b: number(1.0), costs: [number(1.0), number(1.0)] };
        // p = 1 + γ p − γ² p² / (1 + γ p): γ p² + (1 − 2γ) p − 1 = 0.
        let p = ((2.0 * DISCOUNT - 1.0) + ((2.0 * DISCOUNT - 1.0).powi(2) + 4.0 * DISCOUNT).sqrt()) / (2.0 * DISCOUNT);
        let gain = world.best().unwrap();
        assert!((gain.numbers[0] - DISCOUNT * p / (1.0 + DISCOUNT * p)).abs() < 1e-12);
        assert!((world.cost(&gain) - p * spread()).abs() < 1e-9);
    }

    #[test]
    fn gradients_are_those_of_differences_and_vanish_at_the_optimum() {
        let mut rng = Rng::new(1);
        let world = World::draw(4, &mut rng);
        let gain = world.best().unwrap().scaled(0.5).plus(0.02, &Matrix::normal(2, 4, &mut rng));
        let gradient = world.gradient(&gain);
        for i in 0..8 {
            let moved = |by: f64| {
                let mut gain = gain.clone();
                gain.numbers[i] += by;
                world.cost(&gain)
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!(
                (gradient.numbers[i] - difference).abs() < 1e-6 * (1.0 + difference.abs()),
                "{i}: {} {difference}",
                gradient.numbers[i]
            );
        }
        let best = world.best().unwrap();
        assert!(world.gradient(&best).numbers.iter().all(|slope| slope.abs() < 1e-8));
        assert!(world.cost(&best) < world.cost(&gain));
    }

    #[test]
    fn episodes_cost_what_the_closed_form_says() {
        let mut rng = Rng::new(2);
        let world = World::draw(2, &mut rng);
        let gain = world.best().unwrap().scaled(0.5);
        let (mut total, episodes) = (0.0, 20_000);
        for _ in 0..episodes {
            let (mut state, mut next, mut action, mut worth) = (vec![rng.normal(), rng.normal()], [0.0; 2], [0.0], 1.0);
            for _ in 0..200 {
                gain.apply(&state, &mut action);
                action[0] = -action[0];
                total += worth * world.step(&state, &action, &mut next, &mut rng);
                state.copy_from_slice(&next);
                worth *= DISCOUNT;
            }
        }
        let mean = total / f64::from(episodes);
        assert!((mean / world.cost(&gain) - 1.0).abs() < 0.03, "{mean} against {}", world.cost(&gain));
    }
}
