//! Linear systems with normal noise, where scores and bridges are known.
//!
//! `s' = A s + B a + w`, `w ~ N(0, Σ)`: the score of what comes next is `Σ⁻¹ (A s + B a − s')`, and with noise σ on s' the best correction is `σ² (Σ + σ²)⁻¹ (A s + B a − s')`. A random walk that is held at both ends
//! is a bridge, whose mean is the straight line between them.

use worldwright_core::{Interrupt, Result, Rng};

use super::denoiser::{Denoiser, Lessons};

type Pair = [f64; 2];

/// A, B, and a factor of Σ.
const A: [Pair; 2] = [[0.9, 0.3], [-0.2, 0.8]];
const B: Pair = [0.2, 0.6];
const SPREAD: [Pair; 2] = [[0.5, 0.0], [0.2, 0.4]];
/// Points of a walk, and the deviation of its steps; it begins at a standard normal.
pub(super) const WALK: usize = 8;
const STEP: f64 = 0.4;
/// Places that a correction is judged at.
const JUDGED: usize = 2000;

fn image(m: [Pair; 2], x: Pair) -> Pair {
    m.map(|row| row[0] * x[0] + row[1] * x[1])
}

/// `s', s, a`, and `A s + B a`.
fn transition(rng: &mut Rng) -> ([f64; 5], Pair) {
    let (s, a) = ([rng.normal(), rng.normal()], rng.normal());
    let (moved, w) = (image(A, s), image(SPREAD, [rng.normal(), rng.normal()]));
    let mean = [0, 1].map(|i| moved[i] + B[i] * a);
    ([mean[0] + w[0], mean[1] + w[1], s[0], s[1], a], mean)
}

/// `(Σ + v)⁻¹ x`.
fn whitened(v: f64, x: Pair) -> Pair {
    let covariance = [0, 1].map(|i| [0, 1].map(|j| SPREAD[i][0] * SPREAD[j][0] + SPREAD[i][1] * SPREAD[j][1]));
    let [[p, q], [_, r]] = covariance;
    let (p, r) = (p + v, r + v);
    let determinant = p * r - q * q;
    [(r * x[0] - q * x[1]) / determinant, (p * x[1] - q * x[0]) / determinant]
}

/// How far a learned correction is off the best one, and off what the exact score would make of it, each by root mean squares over new data, in percent.
pub(super) fn off(rows: usize, lessons: Lessons, (interrupt, rng): (&Interrupt, &mut Rng)) -> Result<[f64; 2]> {
    let data: Vec<Vec<f64>> = (0..rows).map(|_| transition(rng).0.to_vec()).collect();
    let denoiser = Denoiser::learned(&data, 2, lessons, (interrupt, rng))?;
    let variance = lessons.noise * lessons.noise;
    let (mut apart, mut size) = ([0.0; 2], [0.0; 2]);
    for _ in 0..JUDGED {
        let (x, mean) = transition(rng);
        let mut said = [0.0; 2];
        denoiser.correct(&x, &mut said);
        for (k, v) in [variance, 0.0].into_iter().enumerate() {
            let exact = whitened(v, [mean[0] - x[0], mean[1] - x[1]]).map(|score| variance * score);
            apart[k] += (said[0] - exact[0]).powi(2) + (said[1] - exact[1]).powi(2);
            size[k] += exact[0] * exact[0] + exact[1] * exact[1];
        }
    }
    Ok([0, 1].map(|k| 100.0 * (apart[k] / size[k]).sqrt()))
}

/// How far the mean of sampled bridges is from the straight line between their ends, in percent of how far these are apart.
pub(super) fn bridge(
    rows: usize,
    samples: usize,
    lessons: Lessons,
    (interrupt, rng): (&Interrupt, &mut Rng),
) -> Result<f64> {
    let mut walk = || {
        let mut x = rng.normal();
        let mut points = vec![x];
        for _ in 1..WALK {
            x += STEP * rng.normal();
            points.push(x);
        }
        points
    };
    let data: Vec<Vec<f64>> = (0..rows).map(|_| walk()).collect();
    let denoiser = Denoiser::learned(&data, WALK, lessons, (interrupt, rng))?;
    let (first, last) = (-0.5, 1.0);
    let held: Vec<bool> = (0..WALK).map(|t| t == 0 || t + 1 == WALK).collect();
    let mut mean = [0.0; WALK];
    for _ in 0..samples {
        interrupt.check("the study")?;
        let mut x: Vec<f64> = (0..WALK).map(|_| rng.normal()).collect();
        (x[0], x[WALK - 1]) = (first, last);
        denoiser.sample(&mut x, &held, (400, 3.0), rng);
        mean.iter_mut().zip(&x).for_each(|(mean, x)| *mean += x / samples as f64);
    }
    let line = |t: usize| first + (last - first) * t as f64 / (WALK - 1) as f64;
    let squares: f64 = mean.iter().enumerate().map(|(t, mean)| (mean - line(t)).powi(2)).sum();
    Ok(100.0 * (squares / WALK as f64).sqrt() / (last - first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_are_those_of_the_exact_score_and_bridges_are_straight() {
        let rng = &mut Rng::new(2);
        let lessons = Lessons { units: 8, rows: 5, noise: 0.05, updates: 4000 };
        let [best, score] = off(20_000, lessons, (&Interrupt::never(), rng)).unwrap();
        assert!(best < 5.0 && score < 5.0, "{best} {score}");
        // What has not learned is off by as much as there is.
        let [none, _] = off(100, Lessons { updates: 1, ..lessons }, (&Interrupt::never(), rng)).unwrap();
        assert!(none > 50.0, "{none}");
        let lessons = Lessons { units: 0, rows: WALK, ..lessons };
        let bent = bridge(20_000, 1000, lessons, (&Interrupt::never(), rng)).unwrap();
        assert!(bent < 2.0, "{bent}");
    }
}
