//! Doubt by how often a place was tried: `s(x) = s_y / √(1 + N(x))`, around what a network says. Counts know nothing of what is learned, and cost next to nothing.
//!
//! A pseudo-count is what a density says of N (Bellemare, Srinivasan, Ostrovski, Schaul, Saxton and Munos, "Unifying Count-Based Exploration and Intrinsic Motivation", NeurIPS 2016): with ρ before
//! and ρ' after seeing x once more, `N = ρ (1 − ρ') / (ρ' − ρ)`. The density here is a sum of bells. Hashing counts places whose features fall on the same side of each of k random planes (Tang et al.,
//! "#Exploration", NeurIPS 2017, SimHash).

use std::collections::BTreeMap;

use worldwright_core::{Result, Rng};

use super::networks;
use super::world::{Data, LENGTH};
use super::{Belief, Effort};

/// Width of a bell, as a share of the length over which functions change.
const WIDTH: f64 = 0.25;
/// Probability that a bell gives to its own middle.
const PEAK: f64 = 1e-3;
/// Planes, and features that they divide.
const PLANES: usize = 12;
const FEATURES: usize = 16;

/// N of a density that is ρ, of n places seen, and would be `(n ρ + peak) / (n + 1)` after one more.
fn pseudo_count(density: f64, seen: f64, peak: f64) -> f64 {
    let after = (seen * density + peak) / (seen + 1.0);
    if after <= density { f64::INFINITY } else { density * (1.0 - after) / (after - density) }
}

fn counted(
    data: &Data,
    places: &[f64],
    effort: Effort<'_>,
    rng: &mut Rng,
    count: impl Fn(f64) -> f64,
) -> Result<Belief> {
    let mean = networks::single(data, places, effort, rng)?;
    let n = data.y.len() as f64;
    let middle = data.y.iter().sum::<f64>() / n;
    let spread = (data.y.iter().map(|y| (y - middle).powi(2)).sum::<f64>() / n).sqrt();
    let doubt = places.iter().map(|x| spread / (1.0 + count(*x)).sqrt()).collect();
    // What the network takes for noise is noise here.
    Ok(Belief { mean: mean.mean, noise: mean.doubt, doubt, members: Vec::new(), apart: None })
}

pub(super) fn pseudo(data: &Data, places: &[f64], effort: Effort<'_>, rng: &mut Rng) -> Result<Belief> {
    let n = data.x.len() as f64;
    counted(data, places, effort, rng, |x| {
        let bells = data.x.iter().map(|other| (-0.5 * ((x - other) / (WIDTH * LENGTH)).powi(2)).exp());
        pseudo_count(PEAK * bells.sum::<f64>() / n, n, PEAK)
    })
}

pub(super) fn hashed(data: &Data, places: &[f64], effort: Effort<'_>, rng: &mut Rng) -> Result<Belief> {
    let features: Vec<[f64; 2]> =
        (0..FEATURES).map(|_| [rng.normal() / LENGTH, rng.uniform_in(0.0, 2.0 * std::f64::consts::PI)]).collect();
    let planes: Vec<Vec<f64>> = (0..PLANES).map(|_| (0..FEATURES).map(|_| rng.normal()).collect()).collect();
    let hash = |x: f64| -> u32 {
        let seen: Vec<f64> = features.iter().map(|[w, b]| (w * x + b).cos()).collect();
        let side = |plane: &Vec<f64>| plane.iter().zip(&seen).map(|(a, b)| a * b).sum::<f64>() > 0.0;
        planes.iter().fold(0, |bits, plane| bits << 1 | u32::from(side(plane)))
    };
    let mut counts = BTreeMap::new();
    data.x.iter().for_each(|x| *counts.entry(hash(*x)).or_insert(0.0) += 1.0);
    counted(data, places, effort, rng, |x| counts.get(&hash(x)).copied().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A density of separate bins is the share of what was seen: its pseudo-count is the count.
    #[test]
    fn a_pseudo_count_of_bins_is_the_count() {
        for (count, seen) in [(0.0, 10.0), (1.0, 10.0), (7.0, 10.0), (3.0, 1000.0)] {
            assert!((pseudo_count(count / seen, seen, 1.0) - count).abs() < 1e-9);
        }
        // What is everywhere is no surprise.
        assert_eq!(pseudo_count(1.0, 5.0, 1.0), f64::INFINITY);
    }
}
