//! A room with a pillar in its middle, which is passed on either side: ways of two kinds between the same ends.
//!
//! A way is eight points from the left to the right, `y(t) = y₀ + (y₁ − y₀) t ± sin π t` and a little noise; the pillar fills a disc of radius a half about the middle. What is sampled is the whole way with both ends held.
//! A network of one mode that is told the ends answers with the mean of all ways, which goes through the pillar.

use worldwright_core::{Interrupt, Result, Rng};
use worldwright_nn::{AdamConfig, EnsembleConfig, EnsembleMlp, Feed};

use super::denoiser::{Denoiser, Lessons};

/// Points of a way, and numbers of it.
const POINTS: usize = 8;
const WAY: usize = 2 * POINTS;
const PILLAR: f64 = 0.5;
const SHAKE: f64 = 0.05;

fn way(ends: [f64; 2], above: bool, rng: &mut Rng) -> Vec<f64> {
    let mut points = Vec::with_capacity(WAY);
    for k in 0..POINTS {
        let t = k as f64 / (POINTS - 1) as f64;
        let bow = (std::f64::consts::PI * t).sin();
        let y = ends[0] + (ends[1] - ends[0]) * t + if above { bow } else { -bow };
        points.push(2.0 * t - 1.0 + SHAKE * rng.normal());
        points.push(y + SHAKE * rng.normal());
    }
    points
}

fn ends(rng: &mut Rng) -> [f64; 2] {
    [rng.uniform_in(-0.3, 0.3), rng.uniform_in(-0.3, 0.3)]
}

/// Whether a way runs through the pillar; its legs are straight.
fn blocked(way: &[f64]) -> bool {
    let legs = way.windows(4).step_by(2);
    legs.into_iter().any(|leg| {
        (0..=10).any(|k| {
            let share = f64::from(k) / 10.0;
            let [x, y] = [0, 1].map(|i| leg[i] + share * (leg[i + 2] - leg[i]));
            x.hypot(y) < PILLAR
        })
    })
}

/// A network that tells a normal distribution of ways by their ends: one mode.
fn unimodal(data: &[Vec<f64>], updates: usize, (interrupt, rng): (&Interrupt, &mut Rng)) -> Result<EnsembleMlp> {
    const BATCH: usize = 64;
    let config = EnsembleConfig {
        members: 1,
        inputs: 2,
        hidden: vec![32, 32],
        targets: WAY,
        gaussian: true,
        adam: AdamConfig { learning_rate: 3e-3, ..AdamConfig::default() },
        ..EnsembleConfig::default()
    };
    let mut network = EnsembleMlp::new(config, BATCH, rng)?;
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for _ in 0..updates {
        interrupt.check("the study")?;
        x.clear();
        y.clear();
        for _ in 0..BATCH {
            let way = &data[rng.below(data.len() as u64) as usize];
            x.extend([way[1] as f32, way[WAY - 1] as f32]);
            y.extend(way.iter().map(|number| *number as f32));
        }
        network.step(BATCH, &[Feed::Shared(&x), Feed::Shared(&y)])?;
    }
    Ok(network)
}

/// Shares of sampled ways, in percent: above the pillar, beneath it, through it; and of the ways that a network of one mode predicts, through it.
pub(super) fn sampled(
    (rows, samples): (usize, usize),
    lessons: Lessons,
    (interrupt, rng): (&Interrupt, &mut Rng),
) -> Result<[f64; 4]> {
    let data: Vec<Vec<f64>> = (0..rows).map(|_| way(ends(rng), rng.uniform() < 0.5, rng)).collect();
    let denoiser = Denoiser::learned(&data, WAY, lessons, (interrupt, rng))?;
    let predictor = unimodal(&data, lessons.updates / 4, (interrupt, rng))?.predictor()?;
    let (mut scratch, mut predicted) = (predictor.scratch(), [0.0f32; 2 * WAY]);
    let held: Vec<bool> = (0..WAY).map(|i| !(2..WAY - 2).contains(&i)).collect();
    let mut counts = [0usize; 4];
    for _ in 0..samples {
        interrupt.check("the study")?;
        let ends = ends(rng);
        let mut x: Vec<f64> = (0..WAY).map(|_| rng.normal()).collect();
        (x[0], x[1], x[WAY - 2], x[WAY - 1]) = (-1.0, ends[0], 1.0, ends[1]);
        denoiser.sample(&mut x, &held, (400, 0.1), rng);
        // The noise of the last steps is taken out once.
        let mut by = [0.0; WAY];
        denoiser.correct(&x, &mut by);
        x.iter_mut().zip(by).zip(&held).filter(|(_, held)| !**held).for_each(|((x, by), _)| *x += by);
        let above = x[WAY / 2 - 1] + x[WAY / 2 + 1] > 0.0;
        counts[match (blocked(&x), above) {
            (true, _) => 2,
            (false, true) => 0,
            (false, false) => 1,
        }] += 1;
        predictor.predict(&[&ends.map(|y| y as f32)], &mut [&mut predicted], &mut scratch)?;
        let mean: Vec<f64> = predicted[..WAY].iter().map(|number| f64::from(*number)).collect();
        counts[3] += usize::from(blocked(&mean));
    }
    Ok(counts.map(|count| 100.0 * count as f64 / samples as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_pass_on_either_side_and_their_mean_does_not() {
        let rng = &mut Rng::new(2);
        let (above, beneath) = (way([0.1, -0.2], true, rng), way([0.1, -0.2], false, rng));
        let middle: Vec<f64> = above.iter().zip(&beneath).map(|(a, b)| 0.5 * (a + b)).collect();
        assert!(!blocked(&above) && !blocked(&beneath) && blocked(&middle));
        let lessons = Lessons { units: 64, rows: 16, noise: 0.2, updates: 1500 };
        let [up, down, through, one] = sampled((1000, 60), lessons, (&Interrupt::never(), rng)).unwrap();
        assert!(up >= 30.0 && down >= 30.0 && through <= 10.0 && one >= 95.0, "{up} {down} {through} {one}");
    }
}
