//! Limited-memory BFGS with backtracking (Nocedal and Wright, Numerical Optimization, 2006, algorithms 7.4 and 3.1): for smooth
//! functions of a few dozen numbers whose evaluation costs far more than anything here.

use std::collections::VecDeque;

use crate::dense::dot;

const MEMORY: usize = 10;
/// Share of the decrease that the slope promises which a step must bring.
const SUFFICIENT: f64 = 1e-4;

/// Moves `x` towards a minimum of `f`, which gives a value and writes the gradient; an infinite value marks where `f` is not
/// defined. Ends after `evaluations` or when a step gains less than a part in 10⁶. Gives the last value.
pub fn minimize(mut f: impl FnMut(&[f64], &mut [f64]) -> f64, x: &mut Vec<f64>, evaluations: usize) -> f64 {
    let dims = x.len();
    let mut gradient = vec![0.0; dims];
    let mut value = f(x, &mut gradient);
    let mut used = 1;
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    while value.is_finite() && used < evaluations {
        let mut direction = newton_direction(&memory, &gradient);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            memory.clear();
            direction = newton_direction(&memory, &gradient);
            slope = dot(&direction, &gradient);
        }
        if slope > -1e-12 {
            break;
        }
        let mut step = 1.0;
        let accepted = loop {
            let candidate: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + step * d).collect();
            let mut there = vec![0.0; dims];
            let reached = f(&candidate, &mut there);
            used += 1;
            if reached <= value + SUFFICIENT * step * slope {
                break Some((candidate, there, reached));
            }
            step *= if reached.is_finite() { 0.4 } else { 0.1 };
            if used >= evaluations || step < 1e-10 {
                break None;
            }
        };
        let Some((candidate, there, reached)) = accepted else { break };
        let moved: Vec<f64> = candidate.iter().zip(&*x).map(|(new, old)| new - old).collect();
        let bent: Vec<f64> = there.iter().zip(&gradient).map(|(new, old)| new - old).collect();
        if dot(&moved, &bent) > 1e-10 * dot(&bent, &bent) {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back((moved, bent));
        }
        let gain = value - reached;
        (*x, gradient, value) = (candidate, there, reached);
        if gain < 1e-6 * (1.0 + value.abs()) {
            break;
        }
    }
    value
}

/// Minus the approximate inverse Hessian times the gradient.
fn newton_direction(memory: &VecDeque<(Vec<f64>, Vec<f64>)>, gradient: &[f64]) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for (moved, bent) in memory.iter().rev() {
        let share = dot(moved, &q) / dot(moved, bent);
        q.iter_mut().zip(bent).for_each(|(q, bent)| *q -= share * bent);
        shares.push(share);
    }
    let scale = match memory.back() {
        Some((moved, bent)) => dot(moved, bent) / dot(bent, bent),
        // Without curvature yet, a step of length at most one.
        None => 1.0 / dot(gradient, gradient).sqrt().max(1.0),
    };
    q.iter_mut().for_each(|q| *q *= scale);
    for ((moved, bent), share) in memory.iter().zip(shares.into_iter().rev()) {
        let back = dot(bent, &q) / dot(moved, bent);
        q.iter_mut().zip(moved).for_each(|(q, moved)| *q += (share - back) * moved);
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_minimum_of_rosenbrocks_valley() {
        let f = |x: &[f64], gradient: &mut [f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            gradient[0] = -2.0 * a - 400.0 * x[0] * b;
            gradient[1] = 200.0 * b;
            a * a + 100.0 * b * b
        };
        let mut x = vec![-1.2, 1.0];
        let value = minimize(f, &mut x, 200);
        // The stopping rule leaves a value of about a millionth.
        assert!(value < 1e-6 && (x[0] - 1.0).abs() < 2e-3 && (x[1] - 1.0).abs() < 4e-3, "{value} at {x:?}");
    }

    #[test]
    fn it_stays_where_the_function_is_defined() {
        let f = |x: &[f64], gradient: &mut [f64]| {
            gradient[0] = 1.0 - 1.0 / x[0];
            if x[0] > 0.0 { x[0] - x[0].ln() } else { f64::INFINITY }
        };
        let mut x = vec![8.0];
        minimize(f, &mut x, 100);
        assert!((x[0] - 1.0).abs() < 1e-2, "{x:?}");
    }
}
