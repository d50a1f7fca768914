//! Estimators of a policy's gradient, each from a batch of episodes.

use worldwright_core::{Result, Rng};
use worldwright_numerics::cholesky;

use super::world::{DITHER, Gradient, NOISE, PARAMETERS, PUSH, World, act, features, pay, start};

/// How the gradient is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Estimator {
    /// `Σ_t ∇ log π(a_t | x_t) G_t` (Williams, 1992), G_t what is paid from t on.
    Reinforce,
    /// The same with the mean of G_t over the other episodes of the batch taken off.
    Baseline,
    /// The derivative of what is paid along the episode itself, its noise held.
    Reparametrised,
    /// The same through the true motion without its noise: what a planner that trusts the mean sees.
    Deterministic,
    /// The same, with its noise, through a motion that was learned.
    Learned,
}

impl Estimator {
    pub(super) const ALL: [(Self, &'static str); 5] = [
        (Self::Reinforce, "REINFORCE"),
        (Self::Baseline, "REINFORCE, baseline"),
        (Self::Reparametrised, "reparametrised"),
        (Self::Deterministic, "through the model's mean"),
        (Self::Learned, "through a learned model"),
    ];
}

/// Where a state leads without an action, what an action adds, and the noise: the truth's or what was learned of it.
pub(super) struct Motion<'a> {
    drift: Box<dyn Fn(f64) -> [f64; 2] + 'a>,
    push: f64,
    noise: f64,
}

impl<'a> Motion<'a> {
    pub(super) fn true_of(world: &'a World) -> Self {
        Self { drift: Box::new(world.drift), push: PUSH, noise: NOISE }
    }

    /// Ridge regression of `x'` on `cos(ω_i x + b_i)` of random frequencies, on x itself, on a constant and on the action (Rahimi and Recht, "Random Features for Large-Scale
    /// Kernel Machines", NeurIPS 2007), from so many transitions of the policy from starts spread over the states.
    pub(super) fn learned(world: &World, transitions: usize, rng: &mut Rng) -> Result<Motion<'static>> {
        const WAVES: usize = 24;
        const WIDTH: usize = WAVES + 3;
        let waves: Vec<[f64; 2]> =
            (0..WAVES).map(|_| [1.2 * rng.normal(), rng.uniform_in(0.0, std::f64::consts::TAU)]).collect();
        let row = |x: f64, action: f64| {
            let mut row: Vec<f64> = waves.iter().map(|[rate, phase]| (rate * x + phase).cos()).collect();
            row.extend([x, 1.0, action]);
            row
        };
        let (mut gram, mut target) = (vec![0.0; WIDTH * WIDTH], vec![0.0; WIDTH]);
        let mut seen = Vec::new();
        for _ in 0..transitions {
            let x = rng.uniform_in(-4.0, 4.0);
            let action = act(&world.policy, x)[0] + DITHER * rng.normal();
            let next = (world.drift)(x)[0] + PUSH * action + NOISE * rng.normal();
            let row = row(x, action);
            for i in 0..WIDTH {
                target[i] += row[i] * next;
                (0..WIDTH).for_each(|j| gram[i * WIDTH + j] += row[i] * row[j]);
            }
            seen.push((row, next));
        }
        (0..WIDTH).for_each(|i| gram[i * WIDTH + i] += 1e-3);
        cholesky::factor(&mut gram, WIDTH)?;
        cholesky::solve(&gram, WIDTH, &mut target);
        let off = |(row, next): &(Vec<f64>, f64)| {
            let said: f64 = row.iter().zip(&target).map(|(x, w)| x * w).sum();
            (next - said).powi(2)
        };
        // What is left over, less what the weights took up.
        let noise = (seen.iter().map(off).sum::<f64>() / transitions.saturating_sub(WIDTH).max(1) as f64).sqrt();
        let weights = target;
        let push = weights[WIDTH - 1];
        let drift = move |x: f64| {
            let mut out = [weights[WAVES] * x + weights[WAVES + 1], weights[WAVES]];
            for ([rate, phase], weight) in waves.iter().zip(&weights) {
                let (sin, cos) = (rate * x + phase).sin_cos();
                out[0] += weight * cos;
                out[1] -= weight * rate * sin;
            }
            out
        };
        Ok(Motion { drift: Box::new(drift), push, noise })
    }
}

/// The mean of an estimator over `episodes` of `horizon` steps, by the policy of the world.
pub(super) fn batch(
    estimator: Estimator,
    (world, motion): (&World, &Motion<'_>),
    (episodes, horizon): (usize, usize),
    rng: &mut Rng,
) -> Gradient {
    match estimator {
        Estimator::Reinforce | Estimator::Baseline => {
            likelihood(estimator == Estimator::Baseline, (world, motion), (episodes, horizon), rng)
        }
        Estimator::Reparametrised | Estimator::Learned => mean(episodes, || pathwise(world, motion, 1.0, horizon, rng)),
        Estimator::Deterministic => mean(episodes, || pathwise(world, motion, 0.0, horizon, rng)),
    }
}

fn mean(count: usize, mut each: impl FnMut() -> Gradient) -> Gradient {
    let mut mean = [0.0; PARAMETERS];
    for _ in 0..count {
        mean.iter_mut().zip(each()).for_each(|(mean, one)| *mean += one / count as f64);
    }
    mean
}

fn likelihood(
    baseline: bool,
    (world, motion): (&World, &Motion<'_>),
    (episodes, horizon): (usize, usize),
    rng: &mut Rng,
) -> Gradient {
    // `[episode][step]`: the score of the action, and what is paid from there on.
    let mut scores = vec![[0.0; PARAMETERS]; episodes * horizon];
    let mut to_go = vec![0.0; episodes * horizon];
    for episode in 0..episodes {
        let mut x = start(rng);
        for t in episode * horizon..(episode + 1) * horizon {
            let drawn = rng.normal();
            let action = act(&world.policy, x)[0] + DITHER * drawn;
            scores[t] = features(x).map(|feature| feature * drawn / DITHER);
            to_go[t] = pay(x, action)[0];
            x = (motion.drift)(x)[0] + motion.push * action + motion.noise * rng.normal();
        }
        for t in (episode * horizon..(episode + 1) * horizon - 1).rev() {
            to_go[t] += to_go[t + 1];
        }
    }
    let mut gradient = [0.0; PARAMETERS];
    for t in 0..horizon {
        let all: f64 = (0..episodes).map(|episode| to_go[episode * horizon + t]).sum();
        for episode in 0..episodes {
            let worth = to_go[episode * horizon + t];
            let usual = if baseline { (all - worth) / (episodes - 1) as f64 } else { 0.0 };
            let score = scores[episode * horizon + t];
            gradient.iter_mut().zip(score).for_each(|(sum, score)| *sum += score * (worth - usual) / episodes as f64);
        }
    }
    gradient
}

fn pathwise(world: &World, motion: &Motion<'_>, noisy: f64, horizon: usize, rng: &mut Rng) -> Gradient {
    let (mut x, mut moved, mut gradient) = (start(rng), [0.0; PARAMETERS], [0.0; PARAMETERS]);
    for _ in 0..horizon {
        let (phi, [chosen, slope]) = (features(x), act(&world.policy, x));
        let action = chosen + noisy * DITHER * rng.normal();
        let ([_, by_state, by_action], [led, steep]) = (pay(x, action), (motion.drift)(x));
        for k in 0..PARAMETERS {
            let acted = phi[k] + slope * moved[k];
            gradient[k] += by_state * moved[k] + by_action * acted;
            moved[k] = steep * moved[k] + motion.push * acted;
        }
        x = led + motion.push * action + noisy * motion.noise * rng.normal();
    }
    gradient
}

#[cfg(test)]
mod tests {
    use super::super::exact::exact;
    use super::super::world::WORLDS;
    use super::*;

    /// Those that are unbiased are the exact gradient in the mean, and those that are not are something else.
    #[test]
    fn estimators_without_bias_are_exact_in_the_mean() {
        let (world, horizon) = (&WORLDS[0], 6);
        let (_, truth) = exact(world, &world.policy, horizon);
        let (motion, batches) = (Motion::true_of(world), 400);
        let off = |estimator| {
            let rng = &mut Rng::new(9);
            let each: Vec<Gradient> =
                (0..batches).map(|_| batch(estimator, (world, &motion), (50, horizon), rng)).collect();
            // Deviations of the mean from the truth, the most of the parameters.
            (0..PARAMETERS).fold(0.0f64, |most, k| {
                let mean = each.iter().map(|g| g[k]).sum::<f64>() / f64::from(batches);
                let variance = each.iter().map(|g| (g[k] - mean).powi(2)).sum::<f64>() / f64::from(batches - 1);
                most.max((mean - truth[k]).abs() / (variance / f64::from(batches)).sqrt())
            })
        };
        for estimator in [Estimator::Reinforce, Estimator::Baseline, Estimator::Reparametrised] {
            assert!(off(estimator) < 4.0, "{estimator:?}: {}", off(estimator));
        }
        assert!(off(Estimator::Deterministic) > 10.0);
    }
}
