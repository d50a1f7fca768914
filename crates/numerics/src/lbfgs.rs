//! Limited-memory BFGS (Nocedal and Wright, Numerical Optimization, 2006, algorithm 7.4) with the bracketing line search of Lewis and Overton ("Nonsmooth
//! optimization via quasi-Newton methods", Mathematical Programming 2013, algorithm 2.6): for smooth functions of a few hundred numbers whose evaluation costs
//! far more than anything here.
//!
//! A step t along p is taken where it brings what the slope promises and leaves less of that slope (Wolfe's conditions):
//!
//! ```text
//! f(x + t p) ≤ f(x) + 10⁻⁴ t ∇fᵀp        ∇f(x + t p)ᵀp ≥ 0.9 ∇fᵀp
//! ```
//!
//! The second has steps grow where a function is nearly flat, as returns are before anything succeeds, and keeps every curvature that is remembered positive.

use std::collections::VecDeque;

use crate::dense::dot;

const MEMORY: usize = 10;
/// Share of the decrease that the slope promises which a step must bring.
const SUFFICIENT: f64 = 1e-4;
/// Share of the slope that a step may leave at most.
const LEFT: f64 = 0.9;
/// By how much a step grows until the minimum along it is behind it.
const GROWTH: f64 = 4.0;

/// Where a search is.
#[derive(Clone)]
struct Reached {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// Moves `x` towards a minimum of `f`, which gives a value and writes the gradient; an infinite value marks where `f` is not
/// defined. Ends after `evaluations` or when a step gains less than a part in 10⁶. Gives the last value.
pub fn minimize(mut f: impl FnMut(&[f64], &mut [f64]) -> f64, x: &mut Vec<f64>, evaluations: usize) -> f64 {
    let mut left = evaluations;
    let mut evaluate = |x: Vec<f64>, left: &mut usize| {
        let mut gradient = vec![0.0; x.len()];
        let value = f(&x, &mut gradient);
        *left = left.saturating_sub(1);
        Reached { x, value, gradient }
    };
    let mut here = evaluate(x.clone(), &mut left);
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    while here.value.is_finite() && left > 0 {
        let mut direction = newton_direction(&memory, &here.gradient);
        let mut slope = dot(&direction, &here.gradient);
        if slope >= 0.0 {
            memory.clear();
            direction = newton_direction(&memory, &here.gradient);
            slope = dot(&direction, &here.gradient);
        }
        if slope > -1e-12 {
            break;
        }
        let Some(there) = along(&here, &direction, slope, &mut left, &mut evaluate) else { break };
        let moved: Vec<f64> = there.x.iter().zip(&here.x).map(|(new, old)| new - old).collect();
        let bent: Vec<f64> = there.gradient.iter().zip(&here.gradient).map(|(new, old)| new - old).collect();
        if dot(&moved, &bent) > 1e-10 * dot(&bent, &bent) {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back((moved, bent));
        }
        let gain = here.value - there.value;
        here = there;
        if gain < 1e-6 * (1.0 + here.value.abs()) {
            break;
        }
    }
    *x = here.x;
    here.value
}

/// A point along `direction` where both conditions hold; where evaluations end before, the best of those where the first does, if there is one.
fn along(
    from: &Reached,
    direction: &[f64],
    slope: f64,
    left: &mut usize,
    evaluate: &mut impl FnMut(Vec<f64>, &mut usize) -> Reached,
) -> Option<Reached> {
    // The minimum lies between `near`, where the function still falls, and `far`, once there is one.
    let (mut near, mut far) = ((0.0, from.value, slope), None);
    let (mut step, mut best) = (1.0, None);
    while *left > 0 {
        let there = evaluate(from.x.iter().zip(direction).map(|(x, d)| x + step * d).collect(), left);
        if there.value <= from.value + SUFFICIENT * step * slope {
            let remaining = dot(direction, &there.gradient);
            if remaining >= LEFT * slope {
                return Some(there);
            }
            near = (step, there.value, remaining);
            best = Some(there);
        } else {
            far = Some((step, there.value));
        }
        step = match far {
            None => GROWTH * step,
            Some((far, value)) => {
                let width = far - near.0;
                if width < 1e-10 {
                    break;
                }
                // The minimum of the parabola through both, which opens upwards as the first condition fails at the far one alone.
                let share = -0.5 * near.2 * width / (value - near.1 - near.2 * width);
                near.0 + width * if value.is_finite() { share.clamp(0.1, 0.9) } else { 0.1 }
            }
        };
    }
    best
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
