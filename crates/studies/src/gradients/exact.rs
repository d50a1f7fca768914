//! The return of a policy and its gradient, by quadrature of the density of states: no sampling.
//!
//! `p'(y) = ∫ p(x) N(y; h(x) + B π(x), σ² + B² s²) dx` on a grid, with the derivative of each density by the parameters carried along. The rule of midpoints converges faster
//! than any power of the spacing for densities this smooth, once the spacing is well below the deviation of a step, which it is by four times.

use super::world::{DITHER, Gradient, NOISE, PARAMETERS, PUSH, START, World, act, expected_pay, features};

/// Half the width of the grid: no state of these worlds comes near.
const REACH: f64 = 6.0;
const POINTS: usize = 320;

/// What the policy earns in so many steps, and the gradient of that.
pub(super) fn exact(world: &World, policy: &Gradient, horizon: usize) -> (f64, Gradient) {
    let spacing = 2.0 * REACH / POINTS as f64;
    let at: Vec<f64> = (0..POINTS).map(|i| -REACH + (i as f64 + 0.5) * spacing).collect();
    let variance = NOISE * NOISE + (PUSH * DITHER).powi(2);
    let bell = |off: f64, variance: f64| {
        spacing * (-0.5 * off * off / variance).exp() / (2.0 * std::f64::consts::PI * variance).sqrt()
    };
    // `moves[x][y]`: how much of what is at x comes to y, and the factor of that which differentiates it by where x leads in the mean.
    let mean: Vec<f64> = at.iter().map(|x| (world.drift)(*x)[0] + PUSH * act(policy, *x)[0]).collect();
    let mut mass: Vec<f64> = at.iter().map(|x| bell(x - START[0], START[1] * START[1])).collect();
    let mut slopes = vec![[0.0; PARAMETERS]; POINTS];
    let (mut earned, mut gradient) = (0.0, [0.0; PARAMETERS]);
    for step in 0..horizon {
        for (i, x) in at.iter().enumerate() {
            let chosen = act(policy, *x)[0];
            let paid = expected_pay(*x, chosen);
            let by_action = super::world::pay(*x, chosen)[2];
            earned += mass[i] * paid;
            for (k, feature) in features(*x).iter().enumerate() {
                gradient[k] += slopes[i][k] * paid + mass[i] * by_action * feature;
            }
        }
        if step + 1 == horizon {
            break;
        }
        let (mut next, mut next_slopes) = (vec![0.0; POINTS], vec![[0.0; PARAMETERS]; POINTS]);
        for (i, x) in at.iter().enumerate() {
            let phi = features(*x);
            for (j, y) in at.iter().enumerate() {
                let off = y - mean[i];
                let part = bell(off, variance);
                let by_mean = part * off / variance;
                next[j] += mass[i] * part;
                for k in 0..PARAMETERS {
                    next_slopes[j][k] += slopes[i][k] * part + mass[i] * by_mean * PUSH * phi[k];
                }
            }
        }
        (mass, slopes) = (next, next_slopes);
    }
    (earned, gradient)
}

#[cfg(test)]
mod tests {
    use worldwright_core::Rng;

    use super::super::world::{WORLDS, pay, start};
    use super::*;

    #[test]
    fn gradients_are_those_of_differences() {
        for world in &WORLDS {
            let (_, gradient) = exact(world, &world.policy, 12);
            for k in 0..PARAMETERS {
                let moved = |by: f64| {
                    let mut policy = world.policy;
                    policy[k] += by;
                    exact(world, &policy, 12).0
                };
                let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((gradient[k] - difference).abs() < 1e-6 * (1.0 + difference.abs()), "{}: {k}", world.name);
            }
        }
    }

    #[test]
    fn returns_are_those_of_many_episodes() {
        let (rng, episodes) = (&mut Rng::new(5), 40_000);
        for world in &WORLDS {
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..episodes {
                let (mut x, mut paid) = (start(rng), 0.0);
                for _ in 0..8 {
                    let action = act(&world.policy, x)[0] + DITHER * rng.normal();
                    paid += pay(x, action)[0];
                    x = (world.drift)(x)[0] + PUSH * action + NOISE * rng.normal();
                }
                sum += paid;
                squares += paid * paid;
            }
            let n = f64::from(episodes);
            let (mean, spread) = (sum / n, (squares / n - (sum / n).powi(2)).sqrt() / n.sqrt());
            let (earned, _) = exact(world, &world.policy, 8);
            assert!((mean - earned).abs() < 4.0 * spread, "{}: {mean} ± {spread}, {earned}", world.name);
        }
    }
}
